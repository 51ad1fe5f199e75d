//! What a catalogue may say.

use serde_json::json;
use webhook::Definition;

use super::vectors::named;

fn parse(value: serde_json::Value) -> Option<String> {
    Definition::parse(value.to_string().as_bytes())
        .err()
        .map(|error| error.0.to_owned())
}

#[test]
fn every_scheme_has_its_parts() {
    for scheme in ["stripe", "mux", "svix", "shopify"] {
        let whole = json!({"scheme": scheme, "field": "webhook_secret"});
        assert_eq!(parse(whole), None);
        for more in [
            json!({"header": "x"}),
            json!({"keys": {"live": []}}),
            json!({"field": null}),
            json!({"field": ""}),
        ] {
            let mut other = json!({"scheme": scheme, "field": "webhook_secret"});
            other
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            assert!(parse(other.clone()).is_some(), "{other}");
        }
    }
    let body = json!({"scheme": "hmac_sha256", "field": "f", "header": "X-Sig", "encoding": "hex"});
    assert_eq!(parse(body.clone()), None);
    for (name, value) in [
        ("header", json!("")),
        ("header", json!("a b")),
        ("header", json!("a\r\nb")),
        ("header", json!(1)),
        ("encoding", json!("base32")),
        ("encoding", json!(null)),
        ("prefix", json!(" ")),
        ("prefix", json!("=".repeat(33))),
        ("keys", json!({"live": []})),
        ("extra", json!(1)),
        ("field", json!(null)),
    ] {
        let mut other = body.clone();
        other[name] = value;
        assert!(parse(other.clone()).is_some(), "{other}");
    }
}

#[test]
fn wise_has_keys_and_perhaps_a_field() {
    let whole = named("wise_sandbox").definition;
    assert_eq!(parse(whole.clone()), None);
    let key = whole["keys"]["live"][0].clone();
    for keys in [
        json!(null),
        json!({}),
        json!({"live": []}),
        json!({"live": ["x"]}),
        json!({"test": [key]}),
        json!({"live": [key], "test": ["-----BEGIN PUBLIC KEY-----"]}),
        json!({"live": vec![key.clone(); 9]}),
        json!({"live": [key], "other": []}),
    ] {
        assert!(
            parse(json!({"scheme": "wise", "keys": keys})).is_some(),
            "{keys}"
        );
    }
    assert_eq!(
        parse(json!({"scheme": "wise", "keys": {"live": [key]}})),
        None
    );
    assert_eq!(
        parse(json!({"scheme": "wise", "keys": {"live": [key]}, "field": "f"})),
        None
    );
    assert!(parse(json!({"scheme": "wise", "keys": {"live": [key]}, "field": ""})).is_some());
}

#[test]
fn nothing_else_is_a_definition() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "\"stripe\"",
        r#"{"scheme": "none", "field": "f"}"#,
        r#"{"scheme": 1}"#,
        r#"{"scheme": "stripe", "scheme": "mux", "field": "f"}"#,
    ] {
        assert!(Definition::parse(text.as_bytes()).is_err(), "{text}");
    }
    let mux = Definition::parse(br#"{"scheme": "mux", "field": "webhook_secret"}"#).unwrap();
    assert_eq!(mux.field(), Some("webhook_secret"));
}
