//! JSON as its callers see it: paths, names, escapes, documents in strings, and what is no JSON.

use std::ops::ControlFlow;

use keyguard::Guard;

use crate::common::{HEX, Random, json_string, pieces, token};

fn key(seed: u64) -> String {
    token(&mut Random::seeded(seed), &pieces("sk_live_<a:24>"))
}

fn anonymous(seed: u64) -> String {
    Random::seeded(seed).text(HEX, 32)
}

/// Path, detector and start of each finding.
fn found(text: &str, name: Option<&str>) -> Vec<(String, &'static str, usize)> {
    let mut found = Vec::new();
    Guard::new().json(text, name, &mut |path, finding| {
        found.push((path.to_string(), finding.detector, finding.start));
        ControlFlow::Continue(())
    });
    found
}

fn paths(text: &str) -> Vec<String> {
    found(text, None)
        .into_iter()
        .map(|(path, ..)| path)
        .collect()
}

#[test]
fn the_path_leads_to_the_value() {
    let key = key(1);
    for (text, path) in [
        (format!("\"{key}\""), "$"),
        (format!("[\"{key}\"]"), "$[0]"),
        (format!("[1, [], {{}}, \"a\", \"{key}\"]"), "$[4]"),
        (
            format!("{{\"a\": [1, {{\"odd key\": \"{key}\"}}]}}"),
            "$.a[1].\"odd key\"",
        ),
        (
            format!("{{\"a\": 1, \"b\": null, \"c\": {{\"d\": true}}, \"e\": \"{key}\"}}"),
            "$.e",
        ),
        (
            format!("{{\"a\": {{\"b\": {{}}, \"c\": [{{\"d\": \"{key}\"}}]}}}}"),
            "$.a.c[0].d",
        ),
        (format!("{{\"\": \"{key}\", \"z\": -1.5e3}}"), "$.\"\""),
        (format!("{{\"a\\\"b\": \"{key}\"}}"), "$.\"a\\\"b\""),
        (format!("{{\"größe\": \"{key}\"}}"), "$.\"größe\""),
        (format!("{{\"1st\": \"{key}\"}}"), "$.\"1st\""),
        (format!(" \n\t{{ \"a\" :\r\n \"{key}\" }} "), "$.a"),
    ] {
        assert_eq!(paths(&text), [path], "{text}");
    }
}

#[test]
fn every_duplicate_of_a_key_is_looked_at() {
    let text = format!("{{\"a\": \"{}\", \"a\": 1, \"a\": \"{}\"}}", key(1), key(2));
    assert_eq!(paths(&text), ["$.a", "$.a"]);
}

#[test]
fn a_key_that_is_a_secret_is_found_and_never_shown() {
    let secret = key(3);
    let text = format!("{{\"x\": {{\"{secret}\": {{\"b\": \"{}\"}}}}}}", key(4));
    assert_eq!(paths(&text), ["$.x", "$.x.*.b"]);
    for (path, ..) in found(&text, None) {
        assert!(!path.contains(&secret));
    }
}

#[test]
fn names_of_keys_count() {
    let value = anonymous(5);
    for (text, expected) in [
        (format!("{{\"apiKey\": \"{value}\"}}"), Some("$.apiKey")),
        (
            format!("{{\"api_keys\": [\"a\", \"{value}\"]}}"),
            Some("$.api_keys[1]"),
        ),
        (
            format!("{{\"secret\": {{\"value\": \"{value}\"}}}}"),
            Some("$.secret.value"),
        ),
        (
            format!("{{\"api\\u005fkey\": \"{value}\"}}"),
            Some("$.\"api\\u005fkey\""),
        ),
        (format!("{{\"secret\": {{\"id\": \"{value}\"}}}}"), None),
        (format!("{{\"api_key_id\": \"{value}\"}}"), None),
        (format!("{{\"checksum\": \"{value}\"}}"), None),
    ] {
        assert_eq!(
            paths(&text),
            expected.into_iter().collect::<Vec<_>>(),
            "{text}"
        );
    }
    assert_eq!(found(&format!("\"{value}\""), Some("api_key")).len(), 1);
    assert_eq!(found(&format!("[\"{value}\"]"), Some("api_keys")).len(), 1);
    assert_eq!(found(&format!("[\"{value}\"]"), Some("digests")).len(), 0);
}

#[test]
fn strings_are_looked_at_decoded() {
    let key = key(6);
    let spelled: String = key
        .chars()
        .map(|letter| format!("\\u{:04x}", u32::from(letter)))
        .collect();
    assert_eq!(
        found(&format!("{{\"a\": \"{spelled}\"}}"), None),
        [("$.a".to_owned(), "stripe_secret_key", 0)]
    );
    assert_eq!(
        found(&format!("{{\"a\": \"\\n{key}\\t\"}}"), None),
        [("$.a".to_owned(), "stripe_secret_key", 1)]
    );
    assert_eq!(
        found(&format!("{{\"a\": \"\\ud83d\\ude00 {key}\"}}"), None),
        [("$.a".to_owned(), "stripe_secret_key", 5)]
    );
    assert_eq!(paths(&format!("{{\"a\": \"\\ud83d{key}\\\\\"}}")), ["$.a"]);
    // A hyphen before it, however it is written, makes it a part of a word.
    assert!(found(&format!("{{\"a\": \"\\u002d{key}\"}}"), None).is_empty());
}

#[test]
fn a_document_in_a_string_is_a_document() {
    let mut text = format!("{{\"apiKey\": \"{}\"}}", anonymous(7));
    let mut path = "$".to_owned();
    for _ in 0..4 {
        text = format!("{{\"payload\": {}}}", json_string(&text));
        path += ".payload";
        assert_eq!(paths(&text), [format!("{path}.apiKey")]);
    }
    // Beyond the fourth it is looked at as text, where names count too.
    text = format!("{{\"payload\": {}}}", json_string(&text));
    assert_eq!(paths(&text).len(), 1);
}

#[test]
fn what_is_no_json_is_text() {
    let key = key(8);
    for text in [
        key.clone(),
        format!("see {key}."),
        format!("{{\"a\": {key}}}"),
        format!("{{\"a\" \"{key}\"}}"),
        format!("{{\"a\": \"b\"}} {key}"),
        format!("{{\"a\": \"{key}"),
        "{\"a\": \"x\\".to_owned(),
        format!("[INFO] started with {key}"),
        format!("{{{{ template }}}} {key}"),
        format!("[1,, \"{key}\"]"),
        format!("{{\"a\": tru, \"b\": \"{key}\"}}"),
        format!("é{{\"{key}\""),
    ] {
        let expected = usize::from(text.contains(&key));
        assert_eq!(found(&text, None).len(), expected, "{text}");
    }
}

#[test]
fn depth_is_no_danger() {
    let key = key(9);
    for depth in [10, 63, 64, 65, 66, 200, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let text = format!("{}\"{key}\"{}", open.repeat(depth), close.repeat(depth));
            let found = found(&text, None);
            assert_eq!(found.len(), 1, "{depth} times {open}");
            assert!(found[0].0.len() < 1000);
            let after = format!(
                "[{}{}, \"{key}\"]",
                open.repeat(depth) + "1",
                close.repeat(depth)
            );
            assert_eq!(paths(&after), ["$[1]"], "{depth} times {open}");
        }
    }
    let beyond = format!("{}\"{key}\"{}", "[".repeat(70), "]".repeat(70));
    assert!(paths(&beyond)[0].ends_with("[0].**"));
}

#[test]
fn a_caller_that_has_enough_is_left_alone() {
    let text = format!("[\"{}\", \"{}\", {{\"{}\": 1}}]", key(1), key(2), key(3));
    let mut calls = 0;
    Guard::new().json(&text, None, &mut |_, _| {
        calls += 1;
        ControlFlow::Break(())
    });
    assert_eq!(calls, 1);
}
