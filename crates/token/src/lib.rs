//! Who a JSON Web Token speaks for, once its signature is verified under a key that somebody trusted beforehand.
//!
//! [`Token::parse`] reads the form, and answers one question about what it has not verified yet: whose keys are to be
//! looked up ([`Token::issuer`]). [`Token::verify`] is the only way to the claims.
//!
//! HS256, RS256, ES256 and EdDSA (Ed25519), in the compact serialization (RFC 7515, 7517, 7518, 7519, 8037, 8725).
//!
//! - The algorithm is the key's. A header can agree with it or be refused; no header makes a public key a secret, since
//!   the two are made by different constructors from different input ([`Key::secret`], [`parse_key_set`]).
//! - `none` is no algorithm here.
//! - Keys and addresses that a token brings along (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
//! - JSON in which a member stands twice is refused: two readers could disagree about it.
//!
//! **Invariant:** no clock (now is an argument), no network, no randomness, no `unsafe`; no input makes it panic; and no
//! error holds any part of a token or a key.
#![forbid(unsafe_code)]

mod base64url;
mod json;
mod jwk;
mod key;
#[cfg(test)]
mod known_answers;
mod refusal;
mod token;

pub use jwk::{KEY_SET_MAX_BYTES, KEY_SET_MAX_KEYS, KeySetError, parse_key_set};
pub use key::{Algorithm, Key, PublicKey, SECRET_MIN_BYTES, SecretError};
pub use refusal::Refusal;
pub use token::{Claims, LEEWAY_S, TOKEN_MAX_BYTES, Token, TrustedKey};

/// Of an issuer, an audience, a key's id, a subject (OpenID Connect Core, section 2, bounds the last).
pub const LABEL_MAX_BYTES: usize = 255;

/// Whether a text is one: 1 to 255 bytes, none of them a control character.
pub fn is_label(text: &str) -> bool {
    (1..=LABEL_MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}
