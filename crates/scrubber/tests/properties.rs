//! No input panics; no marked literal comes through; foreign text is not changed; output does not grow.
//!
//! The generator writes SQL under one reading of backslashes, as a session has it; the scrubber is not told which.

use proptest::prelude::*;
use scrubber::{DISTINCTIVE, Names, REMARK, executed, scrub, strip};

/// Stands in every literal and comment, and nowhere else.
const MARK: &str = "sk_live_MARK";

/// A literal or comment around the mark, in one of PostgreSQL's notations.
fn marked(escapes: bool) -> impl Strategy<Value = String> {
    let noise = "[a-z0-9 '\"\\\\$/*;,()\\n-]{0,12}";
    (0..13_u8, noise, noise).prop_map(move |(notation, before, after)| {
        let inside = format!("{before}{MARK}{after}");
        let doubled = |quote: char, text: &str| text.replace(quote, &format!("{quote}{quote}"));
        let plain = |text: &str| {
            let text = doubled('\'', text);
            if escapes {
                text.replace('\\', "\\\\")
            } else {
                text
            }
        };
        match notation {
            0 => format!("'{}'", plain(&inside)),
            1 => format!("E'{}'", inside.replace('\\', "\\\\").replace('\'', "\\'")),
            2 => format!("e'{}'", doubled('\'', &inside.replace('\\', "\\\\"))),
            3 => format!("N'{}'", plain(&inside)),
            4 => format!("X'{}'", doubled('\'', &inside)),
            // U&'' knows no quote that a backslash escapes; sessions in which backslashes escape have no U&''.
            5 if !escapes => format!("U&'{}'", doubled('\'', &inside)),
            6 => format!("\"{}\"", doubled('"', &inside)),
            7 => format!("$tag$ {} $tag$", inside.replace('$', "")),
            8 => format!("$$ {} $$", inside.replace('$', "")),
            9 => format!("/* {} */", inside.replace("*/", "").replace("/*", "")),
            10 => format!("/* /* {} */ x */", inside.replace(['*', '/'], "")),
            11 => format!("-- {}\n", inside.replace(['\n', '\r'], "")),
            // A literal that goes on after a line break, in the notation in which it began.
            _ => format!(
                "E'a'  -- c\n \n '{}'",
                inside.replace('\\', "\\\\").replace('\'', "\\'")
            ),
        }
    })
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "SELECT",
            "FROM t",
            "f(",
            ")",
            ",",
            ";",
            "::text",
            "$1",
            "=>",
            "||",
            "1.5e-3",
            "a$b$",
            "vault",
            "execute p",
            "@>",
            "größe",
            "\"public\"",
            "*",
            "-",
            "/ 2",
            "U",
            "e",
            "x",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(DISTINCTIVE).prop_map(|name| format!("vault.{name}(")),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    any::<bool>().prop_flat_map(|escapes| {
        prop::collection::vec(prop_oneof![marked(escapes), code()], 0..12)
            .prop_map(|parts| parts.join(" "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn no_marked_literal_comes_through(before in statement(), after in statement(), which in 0..DISTINCTIVE.len()) {
        let text = format!("{before} vault.{} {after}", DISTINCTIVE[which]);
        let names = Names::ours();
        prop_assert!(names.mention(text.as_bytes()).ours);
        let shown = scrub(&names, text.as_bytes());
        let shown = String::from_utf8_lossy(&shown);
        prop_assert!(!shown.contains("MARK"), "{text:?}\n{shown:?}");
    }

    #[test]
    fn what_is_stripped_has_nothing_left_to_strip(text in statement()) {
        if let scrubber::Stripped::Text(shown) = strip(text.as_bytes()) {
            prop_assert!(shown.len() <= text.len());
            prop_assert!(!shown.contains(&b'\''));
        }
    }

    #[test]
    fn foreign_text_is_not_changed(text in "[a-z0-9_ '\"\\\\$/*;,().\\n&U-]{0,200}") {
        let names = Names::ours();
        if !names.mention(text.as_bytes()).ours {
            let shown = scrub(&names, text.as_bytes());
            prop_assert_eq!(&*shown, text.as_bytes());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), further in prop::collection::vec(any::<u8>(), 0..60)) {
        let names = Names::and(&further);
        let shown = scrub(&names, &bytes);
        prop_assert!(shown.len() <= bytes.len().max(REMARK.len()));
        let _ = strip(&bytes);
        let _ = executed(&bytes).count();
        let _ = scrubber::blank(&bytes);
    }

    #[test]
    fn text_like_sql_never_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "'", "\"", "\\", "$", "$$", "$a$", "/*", "*/", "--", "\n", "E", "U&", "B", "vault", ".", "prune", "(", "execute ",
        "store_credential", " ", "1", "e", "+", "set_config", "request", "jwt", "uescape", "\u{e9}",
    ]), 0..40)) {
        let text = parts.concat();
        let names = Names::ours();
        let shown = scrub(&names, text.as_bytes());
        prop_assert!(shown.len() <= text.len().max(REMARK.len()));
        for cut in 0..text.len() {
            let _ = strip(&text.as_bytes()[..cut]);
        }
        let _ = executed(text.as_bytes()).count();
    }
}
