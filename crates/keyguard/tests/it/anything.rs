//! Any text at all: no panic, and findings that lie in it.

use std::ops::ControlFlow;

use keyguard::{Guard, detectors};
use proptest::prelude::*;
use std::sync::LazyLock;

use crate::common::{Random, json_string, pieces, token};

static GUARD: LazyLock<Guard> = LazyLock::new(Guard::new);

/// Pieces of what the guard looks for, and of what surrounds it.
fn part() -> impl Strategy<Value = String> {
    let literals: Vec<String> = detectors()
        .iter()
        .flat_map(|detector| detector.each_shape())
        .flat_map(pieces)
        .filter_map(|piece| match piece {
            crate::common::Piece::Literal(literal) => Some(literal),
            _ => None,
        })
        .collect();
    let shapes: Vec<&'static str> = detectors()
        .iter()
        .flat_map(|detector| detector.each_shape())
        .collect();
    prop_oneof![
        prop::sample::select(literals),
        (prop::sample::select(shapes), any::<u64>())
            .prop_map(|(shape, seed)| token(&mut Random::seeded(seed), &pieces(shape))),
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\",
            "\\\"",
            "\\u00",
            "\\ud83d",
            ":",
            ",",
            "=",
            "%",
            "%41",
            "%C3",
            "é",
            "😀",
            "-----BEGIN ",
            "PRIVATE KEY-----",
            "://",
            "@",
            "api_key=",
            "\"secret\":",
            "Bearer ",
            " ",
            "\n",
            "....",
            "eyJ",
            "LS0tLS1CRUdJTi",
        ])
        .prop_map(str::to_owned),
        ".{0,12}",
        "[A-Za-z0-9_-]{0,60}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..12).prop_map(|parts| parts.concat())
}

fn ranges(text: &str, name: Option<&str>) -> Vec<(&'static str, usize, usize)> {
    let mut ranges = Vec::new();
    GUARD.all(text, name, &mut |finding| {
        ranges.push((
            finding.detector,
            finding.start,
            finding.start + finding.length,
        ));
        ControlFlow::Continue(())
    });
    ranges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn findings_lie_in_the_text_and_apart(text in text(), named in any::<bool>()) {
        let name = named.then_some("api_key");
        let ranges = ranges(&text, name);
        for (detector, start, end) in &ranges {
            prop_assert!(start < end, "{detector}");
            prop_assert!(text.get(*start..*end).is_some(), "{detector}: {start}..{end}");
        }
        let mut sorted: Vec<_> = ranges.iter().map(|(_, start, end)| (*start, *end)).collect();
        sorted.sort_unstable();
        prop_assert!(sorted.windows(2).all(|two| two[0].1 <= two[1].0), "{ranges:?}");
        let first = GUARD.first(&text, name).map(|finding| (finding.detector, finding.start, finding.start + finding.length));
        prop_assert_eq!(first, ranges.first().copied());
    }

    #[test]
    fn anything_may_be_called_json(text in text()) {
        GUARD.json(&text, Some("secret"), &mut |path, finding| {
            let _ = (path.to_string(), format!("{finding:?}"));
            ControlFlow::Continue(())
        });
    }

    #[test]
    fn a_string_in_json_holds_what_it_holds_outside(text in text(), named in any::<bool>()) {
        // A string that begins like a document is walked as one.
        prop_assume!(!text.trim_ascii_start().starts_with(['{', '[']));
        let key = if named { "api_key" } else { "note" };
        let mut inside = Vec::new();
        GUARD.json(&format!("{{{}: [{}]}}", json_string(key), json_string(&text)), None, &mut |path, finding| {
            assert_eq!(path.to_string(), format!("$.{key}[0]"));
            inside.push((finding.detector, finding.start, finding.start + finding.length));
            ControlFlow::Continue(())
        });
        prop_assert_eq!(inside, ranges(&text, Some(key)));
    }

    #[test]
    fn nothing_shows_a_value(text in text()) {
        GUARD.all(&text, None, &mut |finding| {
            let shown = format!("{finding:?}");
            let value = &text[finding.start..finding.start + finding.length];
            assert!(value.len() < 16 || !shown.contains(value));
            ControlFlow::Continue(())
        });
    }
}
