//! What a signature is verified with. A secret and a public key are two things: neither serves in the other's place, or
//! whoever knows a public key could sign with it.

use std::fmt;

use zeroize::Zeroizing;

use crate::definition::{PublicKey, Scheme};
use crate::{base64, spki};

/// Of one scheme, shared with the service or published by it.
pub struct Key(pub(crate) Kind);

pub(crate) enum Kind {
    Secret(Zeroizing<Vec<u8>>),
    Public(PublicKey),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// An HMAC under it could be made by anybody.
    Empty,
    /// A secret of Standard Webhooks is base64, after `whsec_` or bare.
    NotBase64,
    NotAPublicKey,
}

impl KeyError {
    pub fn rule(self) -> &'static str {
        match self {
            Self::Empty => "A secret has at least one byte.",
            Self::NotBase64 => {
                "A secret of this scheme is \"whsec_\" and base64, as the service shows it."
            }
            Self::NotAPublicKey => {
                "A key of this scheme is an RSA public key of 2048 to 8192 bits: PEM (BEGIN PUBLIC KEY), or its base64."
            }
        }
    }
}

impl Key {
    /// The key as the service shows it. Stripe's and Mux's secrets are keys as they stand, prefix and all; of Standard
    /// Webhooks the key is what the base64 after the prefix says.
    pub(crate) fn new(scheme: &Scheme, text: &[u8]) -> Result<Self, KeyError> {
        let secret = match scheme {
            Scheme::Stamped { .. } | Scheme::Body(_) => Zeroizing::new(text.to_vec()),
            Scheme::Svix => base64::decode(text.strip_prefix(b"whsec_").unwrap_or(text))
                .ok_or(KeyError::NotBase64)?,
            Scheme::Wise { .. } => {
                return std::str::from_utf8(text)
                    .ok()
                    .and_then(spki::rsa_public_key)
                    .map(|der| Self(Kind::Public(PublicKey(der))))
                    .ok_or(KeyError::NotAPublicKey);
            }
        };
        match secret.is_empty() {
            true => Err(KeyError::Empty),
            false => Ok(Self(Kind::Secret(secret))),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}
