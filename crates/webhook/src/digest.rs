//! Message authentication codes.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// A hash that an HMAC is made with (RFC 2104).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Of old interfaces that know no other. HMAC does not rest on what is broken of SHA-1 (RFC 6194, section 3.3).
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// `HMAC(key, parts[0] || parts[1] || ...)`, 20, 32 or 64 bytes.
pub fn mac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => made(Hmac::<Sha1>::new_from_slice(key), parts),
        Algorithm::Sha256 => made(Hmac::<Sha256>::new_from_slice(key), parts),
        Algorithm::Sha512 => made(Hmac::<Sha512>::new_from_slice(key), parts),
    }
}

fn made<M: Mac, E>(state: Result<M, E>, parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut state) = state else {
        unreachable!("HMAC takes a key of any length")
    };
    for part in parts {
        state.update(part);
    }
    state.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 2202, section 3, and RFC 4231, section 4.3: the same key and text.
    #[test]
    fn known_answers() {
        let made = |algorithm| {
            hex(&mac(
                algorithm,
                b"Jefe",
                &[b"what do ya want ", b"", b"for nothing?"],
            ))
        };
        assert_eq!(
            made(Algorithm::Sha1),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert_eq!(
            made(Algorithm::Sha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            made(Algorithm::Sha512),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }

    #[test]
    fn words_are_these_three() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.word()), Some(algorithm));
        }
        for other in ["", "SHA256", "sha-256", "md5", "sha384", " sha1"] {
            assert_eq!(Algorithm::parse(other), None, "{other}");
        }
    }
}
