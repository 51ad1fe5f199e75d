//! An issuer of signed tokens, with a key pair of each kind and a secret.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};

pub struct Issuer {
    pub name: String,
    pub audience: String,
    pub secret: String,
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Issuer {
    /// With new keys; the RSA key is everybody's, since to draw one takes long.
    pub fn new(name: &str) -> Self {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .expect("a P-256 key");
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).expect("an Ed25519 key");
        let ed25519 = Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).expect("the same");
        let secret = encode(ed25519.public_key());
        Self {
            name: name.to_owned(),
            audience: "vault".to_owned(),
            secret: format!("s3cret-{secret}"),
            rsa: published_rsa_key(),
            p256: EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                p256.as_ref(),
                &random,
            )
            .expect("the same"),
            ed25519,
        }
    }

    /// The public keys, with their algorithms as ids.
    pub fn key_set(&self) -> Value {
        let (x, y) = self.p256.public_key().as_ref()[1..].split_at(32);
        let modulus = rsa_member("n");
        json!({ "keys": [
            { "kid": "RS256", "kty": "RSA", "n": encode(modulus), "e": "AQAB", "use": "sig" },
            { "kid": "ES256", "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y), "alg": "ES256" },
            { "kid": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": encode(self.ed25519.public_key()) },
        ] })
    }

    /// A token in order, of five minutes, for this subject and with these claims more; null takes one away.
    pub fn token(&self, algorithm: &str, subject: &str, more: Value) -> String {
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": algorithm });
        self.signed(algorithm, &header, &self.claims(subject, more))
    }

    pub fn claims(&self, subject: &str, more: Value) -> Value {
        let now = now_s();
        let mut claims = json!({
            "iss": self.name, "aud": self.audience, "sub": subject, "iat": now, "exp": now + 300,
        });
        let object = claims.as_object_mut().expect("an object");
        for (name, value) in more.as_object().expect("an object") {
            match value {
                Value::Null => object.remove(name),
                value => object.insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    /// With the algorithm's key, whatever header and payload say.
    pub fn signed(&self, algorithm: &str, header: &Value, payload: &Value) -> String {
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(payload.to_string())
        );
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", encode(signature))
    }

    /// The bare signature.
    pub fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match algorithm {
            "HS256" => hmac_sha256(self.secret.as_bytes(), message),
            "RS256" => {
                let mut signature = vec![0; self.rsa.public().modulus_len()];
                self.rsa
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
            "ES256" => {
                let signature = self.p256.sign(&random, message).expect("a signature");
                signature.as_ref().to_vec()
            }
            "EdDSA" => self.ed25519.sign(message).as_ref().to_vec(),
            other => panic!("{other}"),
        }
    }
}

/// A token as most issuers make it.
pub fn hs256(secret: &[u8], claims: &Value) -> String {
    signed_with(secret, &json!({"alg": "HS256", "typ": "JWT"}), claims)
}

/// One without a signature, which says so.
pub fn unsigned(claims: &Value) -> String {
    let header = json!({"alg": "none"});
    format!(
        "{}.{}.",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}

/// Signed by HMAC under any bytes.
pub fn signed_with(secret: &[u8], header: &Value, payload: &Value) -> String {
    let signed = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(payload.to_string())
    );
    let signature = hmac_sha256(secret, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

pub fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// The public half of every issuer's RSA key as a SubjectPublicKeyInfo in base64.
pub fn rsa_public_key() -> String {
    let element = |tag: u8, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).expect("short").to_be_bytes();
        let length: &[u8] = match (high, low) {
            (0, ..0x80) => &[low],
            (0, _) => &[0x81, low],
            _ => &[0x82, high, low],
        };
        [&[tag], length, content].concat()
    };
    let number = |first: &[u8], name| element(2, &[first, &rsa_member(name)].concat());
    let key = element(0x30, &[number(&[0], "n"), number(&[], "e")].concat());
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let bits = element(3, &[&[0], &key[..]].concat());
    STANDARD.encode(element(0x30, &[&algorithm[..], &bits].concat()))
}

pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, message).as_ref().to_vec()
}

fn published_rsa_key() -> RsaKeyPair {
    let member = rsa_member;
    let components = KeyPairComponents {
        public_key: PublicKeyComponents {
            n: member("n"),
            e: member("e"),
        },
        d: member("d"),
        p: member("p"),
        q: member("q"),
        dP: member("dp"),
        dQ: member("dq"),
        qInv: member("qi"),
    };
    RsaKeyPair::from_components(&components).expect("an RSA key")
}

fn rsa_member(name: &str) -> Vec<u8> {
    const KEY: &str = include_str!("../../crates/token/testdata/rfc7515_a2.json");
    let key: Value = serde_json::from_str(KEY).expect("JSON");
    let member = key[name].as_str().expect("a member");
    URL_SAFE_NO_PAD.decode(member).expect("base64url")
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
