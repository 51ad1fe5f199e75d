//! JSON Web Keys (RFC 7517, 7518 section 6, 8037), public ones.

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::key::{Algorithm, PublicKey};
use crate::{base64url, is_label, json};

pub const KEY_SET_MAX_BYTES: usize = 64 * 1024;
pub const KEY_SET_MAX_KEYS: usize = 32;

/// NIST SP 800-131A; ring verifies no more than the greater.
const RSA_MIN_BITS: usize = 2048;
const RSA_MAX_BITS: usize = 8192;
/// FIPS 186-5: odd and greater than 2^16. Four bytes are more than anybody uses.
const RSA_EXPONENT_MIN: u32 = 65_537;

/// What a private key of any kind, or a symmetric one, is made of.
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// `number`: of the key in the set, from 1.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeySetError {
    #[error("A key set has at most {KEY_SET_MAX_BYTES} bytes and {KEY_SET_MAX_KEYS} keys.")]
    TooLarge,

    #[error("A key set is a JSON object with an array \"keys\" of JSON objects.")]
    NotAKeySet,

    #[error(
        "Key {number} holds a private key or a secret. Give public keys alone, and consider that one known."
    )]
    Private { number: usize },

    #[error("Key {number} is an RSA key of {bits} bits; it has {RSA_MIN_BITS} to {RSA_MAX_BITS}.")]
    RsaSize { number: usize, bits: usize },

    #[error("Key {number}: {what}")]
    Malformed { number: usize, what: &'static str },

    #[error(
        "Key {number} cannot be told from another: keys of one algorithm need different ids (\"kid\")."
    )]
    Ambiguous { number: usize },

    #[error("It holds no key to verify RS256, ES256 (P-256) or EdDSA (Ed25519) signatures with.")]
    NoneOfUse,
}

/// The keys of a set that can verify signatures here, with their ids. Those of other algorithms and uses are passed over,
/// as RFC 7517, section 5, says; whatever is wrong with one that is ours refuses the set.
pub fn parse_key_set(text: &[u8]) -> Result<Vec<(Option<String>, PublicKey)>, KeySetError> {
    if text.len() > KEY_SET_MAX_BYTES {
        return Err(KeySetError::TooLarge);
    }
    let set = json::object(text).ok_or(KeySetError::NotAKeySet)?;
    let Some(Value::Array(listed)) = set.get("keys") else {
        return Err(KeySetError::NotAKeySet);
    };
    if listed.len() > KEY_SET_MAX_KEYS {
        return Err(KeySetError::TooLarge);
    }
    let mut keys: Vec<(Option<String>, PublicKey)> = Vec::new();
    for (number, jwk) in (1..).zip(listed) {
        let jwk = jwk.as_object().ok_or(KeySetError::NotAKeySet)?;
        let Some((id, key)) = parse_key(number, jwk)? else {
            continue;
        };
        let is_taken = |(other, known): &(Option<String>, PublicKey)| {
            *other == id && known.algorithm() == key.algorithm()
        };
        if keys.iter().any(is_taken) {
            return Err(KeySetError::Ambiguous { number });
        }
        keys.push((id, key));
    }
    if keys.is_empty() {
        return Err(KeySetError::NoneOfUse);
    }
    Ok(keys)
}

impl PublicKey {
    /// As a JWK with the members that make up the key, and no other.
    pub fn to_jwk(&self) -> Value {
        let coordinate = |bytes: &[u8]| base64url::encode(bytes);
        match self {
            Self::Rsa { modulus, exponent } => json!({
                "kty": "RSA", "n": coordinate(modulus), "e": coordinate(exponent),
            }),
            Self::P256(point) => json!({
                "kty": "EC", "crv": "P-256", "x": coordinate(&point[..32]), "y": coordinate(&point[32..]),
            }),
            Self::Ed25519(point) => json!({
                "kty": "OKP", "crv": "Ed25519", "x": coordinate(point),
            }),
        }
    }
}

/// `None`: not of use here.
fn parse_key(
    number: usize,
    jwk: &Map<String, Value>,
) -> Result<Option<(Option<String>, PublicKey)>, KeySetError> {
    let malformed = |what| KeySetError::Malformed { number, what };
    if PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
        return Err(KeySetError::Private { number });
    }
    let text = |name: &str| match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(malformed(
            "\"kty\", \"crv\", \"alg\", \"use\" and \"kid\" are strings.",
        )),
    };
    let kind = text("kty")?.ok_or_else(|| malformed("\"kty\" is missing."))?;
    let algorithm = match (kind, text("crv")?) {
        ("RSA", _) => Algorithm::Rs256,
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        _ => return Ok(None),
    };
    // RFC 9864 gives EdDSA with this curve a name of its own, for keys too.
    let is_ours = match text("alg")? {
        None => true,
        Some("Ed25519") => algorithm == Algorithm::EdDsa,
        Some(name) => name == algorithm.name(),
    };
    let verifies = text("use")?.is_none_or(|intended| intended == "sig")
        && match jwk.get("key_ops") {
            None => true,
            Some(Value::Array(operations)) => operations.iter().any(|one| one == "verify"),
            Some(_) => return Err(malformed("\"key_ops\" is an array.")),
        };
    if !is_ours || !verifies {
        return Ok(None);
    }
    let id = text("kid")?.map(str::to_owned);
    if id.as_deref().is_some_and(|id| !is_label(id)) {
        return Err(malformed(
            "\"kid\" has 1 to 255 bytes and no control characters.",
        ));
    }
    let bytes = |name: &str| match jwk.get(name) {
        Some(Value::String(text)) => base64url::decode(text.as_bytes()),
        _ => None,
    };
    let key = match algorithm {
        Algorithm::Rs256 => {
            let what = "\"n\" and \"e\" are numbers in base64url, without leading zeros.";
            let (modulus, exponent) = bytes("n")
                .zip(bytes("e"))
                .filter(|(modulus, exponent)| is_shortest(modulus) && is_shortest(exponent))
                .ok_or_else(|| malformed(what))?;
            let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
            if !(RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits) {
                return Err(KeySetError::RsaSize { number, bits });
            }
            let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
            if !is_odd(&modulus) {
                return Err(malformed("\"n\" is even."));
            }
            let value = exponent
                .iter()
                .try_fold(0_u32, |value, byte| {
                    value.checked_mul(256)?.checked_add(u32::from(*byte))
                })
                .filter(|value| *value >= RSA_EXPONENT_MIN && is_odd(&exponent));
            if value.is_none() {
                return Err(malformed(
                    "\"e\" is odd, at least 65537, and has 4 bytes at most.",
                ));
            }
            PublicKey::Rsa { modulus, exponent }
        }
        Algorithm::Es256 => bytes("x")
            .zip(bytes("y"))
            .filter(|(x, y)| x.len() == 32 && y.len() == 32)
            .and_then(|(x, y)| [x, y].concat().try_into().ok())
            .map(PublicKey::P256)
            .ok_or_else(|| malformed("\"x\" and \"y\" are 32 bytes each, in base64url."))?,
        Algorithm::EdDsa | Algorithm::Hs256 => bytes("x")
            .and_then(|x| x.try_into().ok())
            .map(PublicKey::Ed25519)
            .ok_or_else(|| malformed("\"x\" is 32 bytes, in base64url."))?,
    };
    Ok(Some((id, key)))
}

fn is_shortest(number: &[u8]) -> bool {
    number.first().is_some_and(|first| *first != 0)
}
