//! The small fuzz run of every build; `fuzz/fuzz_targets/token.rs` is the long one.

use proptest::prelude::*;
use serde_json::json;
use token::{Token, parse_key_set};

use super::forge::{ALGORITHMS, NOW_S, all_keys, claims, encode, of, verify};

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = Token::parse(&bytes).map(|token| token.verify(&all_keys(), NOW_S));
        let _ = parse_key_set(&bytes);
    }

    #[test]
    fn no_parts_make_it_panic_and_none_is_believed(
        header in r#"\{("alg":"(HS256|EdDSA|none)"|"kid":"[a-z]*"|,|[ -~]){0,6}\}"#,
        payload in r#"\{("iss":"x"|"exp":[0-9]{1,12}|,|[ -~]){0,6}\}"#,
        signature: Vec<u8>,
    ) {
        let text = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
        if let Ok(token) = Token::parse(text.as_bytes()) {
            prop_assert!(token.verify(&all_keys(), NOW_S).is_err());
        }
    }

    /// Any byte of a token, replaced by any other: it is not believed.
    #[test]
    fn no_edit_is_believed(which in 0..ALGORITHMS.len(), at: prop::sample::Index, byte: u8) {
        // ECDSA and RSA draw randomness or take time to sign: once each is enough.
        static TOKENS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
            ALGORITHMS.iter().map(|algorithm| of(algorithm, &claims(json!({})))).collect()
        });
        let mut text = TOKENS[which].clone().into_bytes();
        let at = at.index(text.len());
        prop_assume!(text[at] != byte);
        text[at] = byte;
        if let Ok(text) = String::from_utf8(text)
            && let Ok(token) = Token::parse(text.as_bytes())
        {
            prop_assert!(token.verify(&all_keys(), NOW_S).is_err());
        }
        prop_assert!(verify(&TOKENS[which], &all_keys()).is_ok());
    }
}
