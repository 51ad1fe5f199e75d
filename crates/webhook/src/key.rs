//! What a signature is verified with. A secret and a public key are made by different constructors from different input.

use std::fmt;

use zeroize::Zeroizing;

use crate::base64;
use crate::definition::Scheme;

/// A secret shared with the service.
pub struct Key(Zeroizing<Vec<u8>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// An HMAC under it could be made by anybody.
    Empty,
    /// A secret of Standard Webhooks is base64, after `whsec_` or bare.
    NotBase64,
    /// The scheme verifies with public keys, which its definition holds.
    Useless,
}

impl KeyError {
    pub fn rule(self) -> &'static str {
        match self {
            Self::Empty => "A secret has at least one byte.",
            Self::NotBase64 => {
                "A secret of this scheme is \"whsec_\" and base64, as the service shows it."
            }
            Self::Useless => "This scheme has public keys, and no secret.",
        }
    }
}

impl Key {
    /// The secret as the service shows it. Stripe's and Mux's are keys as they stand, prefix and all; of Standard Webhooks
    /// the key is what the base64 after the prefix says.
    pub(crate) fn new(scheme: &Scheme, secret: &[u8]) -> Result<Self, KeyError> {
        let bytes = match scheme {
            Scheme::Stamped { .. } | Scheme::Body(_) => Zeroizing::new(secret.to_vec()),
            Scheme::Svix => base64::decode(secret.strip_prefix(b"whsec_").unwrap_or(secret))
                .ok_or(KeyError::NotBase64)?,
            Scheme::Wise { .. } => return Err(KeyError::Useless),
        };
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}
