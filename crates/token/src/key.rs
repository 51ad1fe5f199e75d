//! Keys. Each knows its one algorithm.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Refusal;

/// As long as the hash (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// As a header writes it: exactly so, in these letters.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A secret shared with the issuer, or the issuer's public key. There is no way from one to the other.
pub struct Key(Kind);

enum Kind {
    Secret(Zeroizing<Vec<u8>>),
    Public(PublicKey),
}

/// Parsed by [`crate::parse_key_set`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Both coordinates, 32 bytes each.
    P256([u8; 64]),
    Ed25519([u8; 32]),
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    #[error(
        "A secret has at least {SECRET_MIN_BYTES} bytes, drawn at random; this one has {length}."
    )]
    Short { length: usize },

    /// Whoever signs with it signs with what everybody knows.
    #[error(
        "This is a key in PEM or JWK form and no secret; give public keys to vault.trust_jwt_issuer."
    )]
    NotASecret,
}

impl Key {
    /// A key for HS256.
    ///
    /// - errors: a secret that is too short, or looks like a public key in one of its written forms.
    pub fn secret(bytes: Zeroizing<Vec<u8>>) -> Result<Self, SecretError> {
        let begin = bytes.trim_ascii_start();
        if begin.starts_with(b"-----BEGIN ")
            || begin.starts_with(b"{")
            || begin.starts_with(b"ssh-")
        {
            return Err(SecretError::NotASecret);
        }
        if bytes.len() < SECRET_MIN_BYTES {
            return Err(SecretError::Short {
                length: bytes.len(),
            });
        }
        Ok(Self(Kind::Secret(bytes)))
    }

    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Kind::Secret(_) => Algorithm::Hs256,
            Kind::Public(key) => key.algorithm(),
        }
    }

    /// `signed`: header, dot, payload, as they stand in the token.
    pub(crate) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let verified = match &self.0 {
            Kind::Secret(secret) => {
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
                mac.update(signed);
                mac.verify_slice(signature).is_ok()
            }
            Kind::Public(key) => key.verifies(signed, signature),
        };
        verified.then_some(()).ok_or(Refusal::Signature)
    }
}

impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self(Kind::Public(key))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, redacted)", self.algorithm().name())
    }
}

impl PublicKey {
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Of ECDSA's two signatures for one message, s and n - s, both verify: issuers make either. What is verified is who
    /// speaks, and a token's bytes are nobody's identity here.
    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, signature),
            Self::P256(point) => {
                // Uncompressed (SEC 1, section 2.3.3).
                let mut octets = [4; 65];
                octets[1..].copy_from_slice(point);
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, octets)
                    .verify(signed, signature)
            }
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(signed, signature)
            }
        }
        .is_ok()
    }
}
