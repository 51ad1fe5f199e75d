//! Arbitrary tokens and key sets: no panic, no token that nobody signed is believed, and a key that is read comes back from
//! what is stored of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use token::{Key, Token, TrustedKey, parse_key_set};

/// Of a key pair whose other half is published (RFC 8037, appendix A), beside a secret that the corpus does not hold.
const KEY_SET: &[u8] =
    br#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fuzz_target!(|text: &[u8]| {
    if let Ok(token) = Token::parse(text) {
        let secret = Key::secret(vec![0xa5; 32].into()).expect("long enough");
        let mut keys: Vec<Key> = vec![secret];
        keys.extend(
            parse_key_set(KEY_SET)
                .into_iter()
                .flatten()
                .map(|(_, key)| key.into()),
        );
        let keys: Vec<TrustedKey> = keys
            .into_iter()
            .map(|key| TrustedKey {
                id: None,
                key,
                audience: "vault".to_owned(),
            })
            .collect();
        assert!(token.verify(&keys, 0).is_err(), "believed");
    }
    if let Ok(keys) = parse_key_set(text) {
        assert!((1..=token::KEY_SET_MAX_KEYS).contains(&keys.len()));
        for (id, key) in keys {
            let mut jwk = key.to_jwk();
            if let Some(id) = &id {
                jwk["kid"] = id.as_str().into();
            }
            let set = format!(r#"{{"keys": [{jwk}]}}"#);
            let again = parse_key_set(set.as_bytes()).expect("read before, so read again");
            assert_eq!(again, [(id, key)]);
        }
    }
});
