//! An issuer: signs whatever it is told to. The key pairs are those of RFC 7515, appendix A.2 and A.3, and RFC 8037,
//! appendix A.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
};
use ring::{digest, hmac};
use serde_json::{Value, json};
use token::{Claims, Key, Refusal, Token, TrustedKey, parse_key_set};

pub const NOW_S: u64 = 1_800_000_000;
pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "vault";
pub const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

pub const RSA_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_KEY: &str = include_str!("../../testdata/rfc7515_a2.json");
pub const EC_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
pub const EC_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const EC_PRIVATE: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
pub const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub const ALGORITHMS: [&str; 4] = ["HS256", "RS256", "ES256", "EdDSA"];

/// The signature that the algorithm's key pair makes.
pub fn sign(algorithm: &str, message: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    match algorithm {
        "HS256" => hs256(SECRET, message),
        "RS256" => {
            let key: Value = serde_json::from_str(RSA_KEY).unwrap();
            let member = |name: &str| decode(key[name].as_str().unwrap());
            let components = KeyPairComponents {
                public_key: PublicKeyComponents {
                    n: decode(RSA_MODULUS),
                    e: vec![1, 0, 1],
                },
                d: member("d"),
                p: member("p"),
                q: member("q"),
                dP: member("dp"),
                dQ: member("dq"),
                qInv: member("qi"),
            };
            let pair = RsaKeyPair::from_components(&components).unwrap();
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                .unwrap();
            signature
        }
        "ES256" => {
            let point = [&[4], &decode(EC_X)[..], &decode(EC_Y)].concat();
            EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &decode(EC_PRIVATE),
                &point,
                &random,
            )
            .unwrap()
            .sign(&random, message)
            .unwrap()
            .as_ref()
            .to_vec()
        }
        "EdDSA" => Ed25519KeyPair::from_seed_and_public_key(&decode(ED_SEED), &decode(ED_X))
            .unwrap()
            .sign(message)
            .as_ref()
            .to_vec(),
        other => panic!("{other}"),
    }
}

pub fn hs256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, message).as_ref().to_vec()
}

/// A token of these very texts, signed with the algorithm's key pair, whatever the header says.
pub fn of_texts(algorithm: &str, header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = sign(algorithm, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

pub fn of(algorithm: &str, payload: &Value) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT" });
    of_texts(algorithm, &header.to_string(), &payload.to_string())
}

/// Claims that are in order, with some of them changed; null takes one away.
pub fn claims(changed: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "user-1", "exp": NOW_S + 300, "iat": NOW_S,
        "tenant_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    });
    for (name, value) in changed.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub fn jwk(algorithm: &str) -> Value {
    match algorithm {
        "RS256" => json!({ "kty": "RSA", "n": RSA_MODULUS, "e": "AQAB" }),
        "ES256" => json!({ "kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y }),
        "EdDSA" => json!({ "kty": "OKP", "crv": "Ed25519", "x": ED_X }),
        other => panic!("{other}"),
    }
}

pub fn key(algorithm: &str) -> Key {
    if algorithm == "HS256" {
        return Key::secret(SECRET.to_vec().into()).unwrap();
    }
    let set = json!({ "keys": [jwk(algorithm)] }).to_string();
    parse_key_set(set.as_bytes()).unwrap().remove(0).1.into()
}

pub fn trusted(algorithm: &str, id: Option<&str>) -> TrustedKey {
    TrustedKey {
        id: id.map(str::to_owned),
        key: key(algorithm),
        audience: AUDIENCE.to_owned(),
    }
}

/// One key of each algorithm.
pub fn all_keys() -> Vec<TrustedKey> {
    ALGORITHMS
        .iter()
        .map(|algorithm| trusted(algorithm, None))
        .collect()
}

pub fn verify(token: &str, keys: &[TrustedKey]) -> Result<Claims, Refusal> {
    let token = Token::parse(token.as_bytes())?;
    assert_eq!(token.issuer(), ISSUER);
    token.verify(keys, NOW_S)
}

/// Why it is refused, though keys of all algorithms are trusted.
pub fn refusal(token: &str) -> Refusal {
    verify(token, &all_keys()).expect_err("believed")
}

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}
