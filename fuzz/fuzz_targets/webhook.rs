//! Arbitrary definitions and requests: no panic, and nothing is believed under a key that the corpus does not hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use webhook::{Definition, Environment, Headers};

const DEFINITIONS: [&str; 4] = [
    r#"{"scheme": "stripe", "field": "f"}"#,
    r#"{"scheme": "svix", "field": "f"}"#,
    r#"{"scheme": "shopify", "field": "f"}"#,
    r#"{"scheme": "hmac_sha256", "field": "f", "header": "x-sig", "prefix": "sha256=", "encoding": "hex"}"#,
];

const NAMES: [&str; 6] = [
    "stripe-signature",
    "svix-id",
    "svix-timestamp",
    "svix-signature",
    "x-shopify-hmac-sha256",
    "x-sig",
];

/// Of 32 bytes; in base64 for the scheme that reads it so.
const SECRET: &[u8] = b"whsec_paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=";

fuzz_target!(|text: &str| {
    let _ = Definition::parse(text.as_bytes());
    let mut lines = text.splitn(NAMES.len() + 1, '\n');
    let list: Vec<_> = NAMES
        .iter()
        .zip(&mut lines)
        .map(|(name, value)| (name.to_string(), value.to_owned()))
        .collect();
    let payload = lines.next().unwrap_or_default();
    let Some(headers) = Headers::new(list) else {
        return;
    };
    for definition in DEFINITIONS {
        let definition = Definition::parse(definition.as_bytes()).expect("a definition");
        let key = definition.key(SECRET).expect("a key");
        let believed = definition.verify(
            &[key],
            Environment::Live,
            payload.as_bytes(),
            &headers,
            0,
            u32::MAX,
        );
        assert!(believed.is_err(), "believed");
    }
});
