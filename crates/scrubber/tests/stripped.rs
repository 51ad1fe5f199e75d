//! What is left of a text without its literals.

use scrubber::{Names, REMARK, Stripped, scrub, strip};

fn shown(text: &str) -> String {
    match strip(text.as_bytes()) {
        Stripped::Unchanged => text.to_owned(),
        Stripped::Text(bytes) => String::from_utf8(bytes).expect("UTF-8 in, UTF-8 out"),
        Stripped::Nothing => REMARK.to_owned(),
    }
}

#[test]
fn literals_of_every_notation_become_question_marks() {
    for (text, expected) in [
        ("SELECT f('a', 'b''c')", "SELECT f(?, ?)"),
        ("SELECT f('', $1, $2::text)", "SELECT f(?, $1, $2::text)"),
        (r"SELECT f(E'a\'b', e'\\')", "SELECT f(?, ?)"),
        ("SELECT f(B'01', x'ff', N'n', n'n')", "SELECT f(?, ?, ?, ?)"),
        (
            r"SELECT f(U&'\0061', u&'!0061' UESCAPE '!')",
            "SELECT f(?, ? UESCAPE ?)",
        ),
        ("SELECT f($$a'b$$, $t$a$$b$u$c$t$)", "SELECT f(?, ?)"),
        ("SELECT f('a'\n  'b', 'c' -- x\n 'd')", "SELECT f(?, ?)"),
        (
            r"SELECT f(E'a'
            'b\'c')",
            "SELECT f(?)",
        ),
        ("SELECT f('a' 'b')", "SELECT f(? ?)"),
        (
            "SELECT 1, 2.5, .5, 1e10, 1.5E-3, 0xFF, 1_000, -7",
            "SELECT ?, ?, .?, ?, ?, ?, ?, -?",
        ),
        ("SELECT f(1)-1", "SELECT f(?)-?"),
        (
            "SELECT a$1, b$$c, t1.c2 FROM t1",
            "SELECT a$1, b$$c, t1.c2 FROM t1",
        ),
        (
            "SELECT 1 /* a /* b */ 'c */ , 2 -- 'd\n, 3",
            "SELECT ?   , ?  \n, ?",
        ),
        ("SELECT+--1\n'a'", "SELECT+ \n?"),
        (
            "SELECT f(\"p_secret\" => 'x', \"sk_live\")",
            "SELECT f(\"p_secret\" => ?, ?)",
        ),
        (
            "SELECT \"public\".\"store_credential\"(\"x\"\"y\", U&\"a\")",
            "SELECT \"public\".\"store_credential\"(?, ?)",
        ),
        ("DO $$ BEGIN PERFORM f('a'); END $$", "DO ?"),
        ("DO $$a$$LANGUAGE plpgsql", "DO ?LANGUAGE plpgsql"),
        ("SELECT 'Größe', größe", "SELECT ?, größe"),
        (
            "SELECT store_credential($1, $2)",
            "SELECT store_credential($1, $2)",
        ),
        ("", ""),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

/// The server may read a backslash in a plain literal in either way; we are not told in which it did.
#[test]
fn what_either_reading_of_a_backslash_hides_is_hidden() {
    for text in [
        r"SELECT f('a\'SECRET', 'b')",
        r"SELECT f('a\', SECRET, '')",
        r"SELECT f('a\\', 'SECRET')",
        r"SELECT f('C:\', 'SECRET')",
        r"SELECT f('\''SECRET')",
        r"SELECT f(E'\'SECRET', '\', 'SECRET')",
        "SELECT f('a\\'\n'SECRET')",
    ] {
        assert!(!shown(text).contains("SECRET"), "{text}: {}", shown(text));
    }
}

/// Where quotes do not pair up, a word may be a literal whose quote was forgotten.
#[test]
fn nothing_is_shown_of_a_text_whose_quotes_do_not_pair_up() {
    for text in [
        "SELECT f('n', 'SECRET",
        "SELECT f('n', SECRET')",
        "SELECT f('n, 'SECRET')",
        "SELECT f('n, 'SECRET'')",
        "SELECT f('n', \"SECRET)",
        "SELECT f($a$SECRET$b$)",
        "SELECT f(SECRET /* )",
        "SELECT f(E'\\' SECRET",
    ] {
        assert_eq!(shown(text), REMARK, "{text}");
    }
}

#[test]
fn all_statements_of_a_text_that_names_us_are_stripped_and_other_texts_are_not() {
    let names = Names::ours();
    let scrubbed = |text: &'static str| {
        String::from_utf8(scrub(&names, text.as_bytes()).into_owned()).unwrap()
    };
    assert_eq!(
        scrubbed("SET x.y = 'SECRET'; SELECT vault.store_credential('n', current_setting('x.y'))"),
        "SET x.y = ?; SELECT vault.store_credential(?, current_setting(?))"
    );
    for foreign in ["SELECT 'a' -- b", "SELECT 'unended", "", "\u{0}\u{ff}'"] {
        assert_eq!(scrubbed(foreign), foreign);
    }
    assert_eq!(scrubbed("SELECT store_credential('"), REMARK);
}
