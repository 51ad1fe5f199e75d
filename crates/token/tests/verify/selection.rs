//! Which of an issuer's keys a token is verified with.

use serde_json::json;
use token::{Key, Refusal, SECRET_MIN_BYTES, SecretError, TrustedKey};

use super::forge::{AUDIENCE, ISSUER, claims, of, of_texts, trusted, verify};

fn named(algorithm: &str, id: &str) -> String {
    let header = json!({ "alg": algorithm, "kid": id }).to_string();
    of_texts(algorithm, &header, &claims(json!({})).to_string())
}

/// A key of this id that verifies nothing that anybody here signs.
fn stranger(id: Option<&str>) -> TrustedKey {
    TrustedKey {
        id: id.map(str::to_owned),
        key: Key::secret(vec![b'x'; SECRET_MIN_BYTES].into()).unwrap(),
        audience: AUDIENCE.to_owned(),
    }
}

#[test]
fn by_its_id() {
    let keys = [
        stranger(Some("a")),
        trusted("HS256", Some("b")),
        stranger(None),
    ];
    assert!(verify(&named("HS256", "b"), &keys).is_ok());
    assert_eq!(verify(&named("HS256", "a"), &keys), Err(Refusal::Signature));
}

#[test]
fn an_unknown_id_is_an_unknown_key() {
    let keys = [trusted("HS256", Some("a"))];
    for id in ["b", "A", "a ", "aa"] {
        assert_eq!(verify(&named("HS256", id), &keys), Err(Refusal::UnknownKey));
    }
    // Nor does an id reach a key of another algorithm.
    assert_eq!(
        verify(&named("EdDSA", "a"), &keys),
        Err(Refusal::UnknownKey)
    );
    assert_eq!(verify(&named("HS256", "a"), &[]), Err(Refusal::UnknownKey));
}

#[test]
fn a_key_without_an_id_serves_ids_that_are_nobody_elses() {
    let keys = [trusted("HS256", None), stranger(Some("a"))];
    assert!(verify(&named("HS256", "legacy"), &keys).is_ok());
    assert_eq!(verify(&named("HS256", "a"), &keys), Err(Refusal::Signature));
}

#[test]
fn without_an_id_the_only_one_of_the_algorithm() {
    let token = of("EdDSA", &claims(json!({})));
    let only = [
        trusted("EdDSA", Some("a")),
        trusted("RS256", Some("b")),
        stranger(None),
    ];
    assert!(verify(&token, &only).is_ok());
    let several = [trusted("EdDSA", Some("a")), trusted("EdDSA", Some("b"))];
    assert_eq!(verify(&token, &several), Err(Refusal::UnknownKey));
}

#[test]
fn an_id_is_a_short_string() {
    for id in [
        json!(1),
        json!(""),
        json!(null),
        json!("a\u{0}"),
        json!("x".repeat(256)),
    ] {
        let header = json!({ "alg": "HS256", "kid": id }).to_string();
        let token = of_texts("HS256", &header, &claims(json!({})).to_string());
        let refusal = verify(&token, &[trusted("HS256", None)]).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal:?}");
    }
}

#[test]
fn the_audience_is_the_keys_own() {
    let other = TrustedKey {
        audience: "elsewhere".to_owned(),
        ..trusted("EdDSA", None)
    };
    let token = of("EdDSA", &claims(json!({ "iss": ISSUER })));
    assert_eq!(verify(&token, &[other]), Err(Refusal::Audience));
}

#[test]
fn a_secret_is_long_and_no_public_key() {
    let secret = |bytes: &[u8]| Key::secret(bytes.to_vec().into()).map(drop);
    assert_eq!(secret(&[0; 32]), Ok(()));
    assert_eq!(secret(&[0; 31]), Err(SecretError::Short { length: 31 }));
    for text in [
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE",
        "\n  -----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA",
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg"}"#,
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOx3y0b8Q",
    ] {
        assert_eq!(secret(text.as_bytes()), Err(SecretError::NotASecret));
    }
}
