//! Key sets as issuers publish them, and those that are not to be trusted.

use serde_json::{Value, json};
use token::{Algorithm, KEY_SET_MAX_BYTES, KEY_SET_MAX_KEYS, KeySetError, parse_key_set};

use super::forge::{EC_X, EC_Y, ED_X, RSA_MODULUS, encode, jwk};

fn parse(keys: Value) -> Result<Vec<(Option<String>, Algorithm)>, KeySetError> {
    let set = json!({ "keys": keys }).to_string();
    let keys = parse_key_set(set.as_bytes())?;
    Ok(keys
        .into_iter()
        .map(|(id, key)| (id, key.algorithm()))
        .collect())
}

fn with(algorithm: &str, members: Value) -> Value {
    let mut jwk = jwk(algorithm);
    let object = jwk.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        object.insert(name.clone(), value.clone());
    }
    jwk
}

#[test]
fn keys_come_with_their_ids() {
    let set = json!([
        with(
            "RS256",
            json!({ "kid": "a", "alg": "RS256", "use": "sig", "x5c": ["MIIB"] })
        ),
        with("ES256", json!({ "kid": "b", "key_ops": ["verify"] })),
        with("EdDSA", json!({ "alg": "EdDSA" })),
    ]);
    let expected = [
        (Some("a".to_owned()), Algorithm::Rs256),
        (Some("b".to_owned()), Algorithm::Es256),
        (None, Algorithm::EdDsa),
    ];
    assert_eq!(parse(set).unwrap(), expected);
    let alike = with("EdDSA", json!({ "alg": "Ed25519" }));
    assert_eq!(parse(json!([alike])).unwrap(), [(None, Algorithm::EdDsa)]);
}

#[test]
fn keys_for_other_things_are_passed_over() {
    let others = json!([
        with("RS256", json!({ "use": "enc" })),
        with("RS256", json!({ "alg": "PS256" })),
        with("RS256", json!({ "alg": "HS256" })),
        with("RS256", json!({ "alg": "none" })),
        with("RS256", json!({ "key_ops": ["encrypt"] })),
        with("ES256", json!({ "crv": "P-384" })),
        with("EdDSA", json!({ "crv": "X25519" })),
        { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" },
    ]);
    assert_eq!(parse(others.clone()), Err(KeySetError::NoneOfUse));
    let mut all = others;
    all.as_array_mut().unwrap().push(jwk("ES256"));
    assert_eq!(parse(all).unwrap(), [(None, Algorithm::Es256)]);
}

#[test]
fn private_keys_and_secrets_are_refused() {
    for key in [
        with("RS256", json!({ "d": "AQAB" })),
        with("RS256", json!({ "qi": "AQAB" })),
        with(
            "ES256",
            json!({ "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI" }),
        ),
        with(
            "EdDSA",
            json!({ "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" }),
        ),
        json!({ "kty": "oct", "k": encode([7; 32]), "alg": "HS256" }),
    ] {
        assert_eq!(
            parse(json!([jwk("EdDSA"), key])),
            Err(KeySetError::Private { number: 2 })
        );
    }
}

#[test]
fn weak_rsa_keys_are_refused() {
    let of_bits = |bits: usize| {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        json!([with("RS256", json!({ "n": encode(modulus) }))])
    };
    for bits in [512, 1024, 2047, 8193, 16_384] {
        assert_eq!(
            parse(of_bits(bits)),
            Err(KeySetError::RsaSize { number: 1, bits })
        );
    }
    for bits in [2048, 3072, 4096, 8192] {
        assert!(parse(of_bits(bits)).is_ok(), "{bits}");
    }
    for exponent in [
        &[3][..],
        &[1],
        &[0],
        &[],
        &[1, 0, 0],
        &[1, 0, 0, 0, 1],
        &[0, 1, 0, 1],
    ] {
        let key = with("RS256", json!({ "e": encode(exponent) }));
        let refusal = parse(json!([key])).unwrap_err();
        assert!(matches!(refusal, KeySetError::Malformed { number: 1, .. }));
    }
    let even = format!("{}A", &RSA_MODULUS[..RSA_MODULUS.len() - 1]);
    let padded = format!("AAAA{RSA_MODULUS}");
    for modulus in [even, padded, String::new(), format!("{RSA_MODULUS}=")] {
        let key = with("RS256", json!({ "n": modulus }));
        let refusal = parse(json!([key])).unwrap_err();
        assert!(
            matches!(refusal, KeySetError::Malformed { .. }),
            "{refusal}"
        );
    }
}

#[test]
fn points_have_their_length() {
    for key in [
        with("ES256", json!({ "x": &EC_X[4..] })),
        with("ES256", json!({ "y": format!("AAAA{EC_Y}") })),
        with("ES256", json!({ "y": 1 })),
        with("EdDSA", json!({ "x": encode([0; 31]) })),
        with("EdDSA", json!({ "x": format!("{ED_X}=") })),
    ] {
        let refusal = parse(json!([key])).unwrap_err();
        assert!(matches!(refusal, KeySetError::Malformed { number: 1, .. }));
    }
}

#[test]
fn members_have_their_types_and_ids_their_length() {
    for members in [
        json!({ "kid": 1 }),
        json!({ "kid": "" }),
        json!({ "kid": "x".repeat(256) }),
        json!({ "kid": "a\u{0}" }),
        json!({ "alg": 1 }),
        json!({ "use": ["sig"] }),
        json!({ "key_ops": "verify" }),
        json!({ "kty": null }),
    ] {
        let refusal = parse(json!([with("EdDSA", members)])).unwrap_err();
        assert!(
            matches!(refusal, KeySetError::Malformed { .. }),
            "{refusal}"
        );
    }
}

#[test]
fn keys_can_be_told_apart() {
    let named = |algorithm, id: &str| with(algorithm, json!({ "kid": id }));
    let ambiguous = Err(KeySetError::Ambiguous { number: 2 });
    assert_eq!(parse(json!([jwk("EdDSA"), jwk("EdDSA")])), ambiguous);
    assert_eq!(
        parse(json!([named("EdDSA", "a"), named("EdDSA", "a")])),
        ambiguous
    );
    assert!(parse(json!([named("EdDSA", "a"), named("ES256", "a")])).is_ok());
    assert!(parse(json!([named("EdDSA", "a"), named("EdDSA", "b")])).is_ok());
}

#[test]
fn a_set_is_an_object_with_an_array_of_bounded_size() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys": {}}"#,
        r#"{"keys": [1]}"#,
        r#"{"keys": [], "keys": []}"#,
    ] {
        assert_eq!(
            parse_key_set(text.as_bytes()).unwrap_err(),
            KeySetError::NotAKeySet,
            "{text}"
        );
    }
    assert_eq!(parse(json!([])), Err(KeySetError::NoneOfUse));
    let many = |count: usize| {
        let keys = (0..count).map(|i| with("EdDSA", json!({ "kid": i.to_string() })));
        parse(Value::Array(keys.collect()))
    };
    assert_eq!(many(KEY_SET_MAX_KEYS).unwrap().len(), KEY_SET_MAX_KEYS);
    assert_eq!(many(KEY_SET_MAX_KEYS + 1), Err(KeySetError::TooLarge));
    let long = " ".repeat(KEY_SET_MAX_BYTES) + "{}";
    assert_eq!(
        parse_key_set(long.as_bytes()).unwrap_err(),
        KeySetError::TooLarge
    );
}
