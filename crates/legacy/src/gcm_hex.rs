//! `salt:iv:authTag:data`, each in hex: what scripts for Node make of `crypto.pbkdf2Sync` and `aes-256-gcm`.

use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aes::Aes256Enc;
use aes_gcm::{AeadInOut, AesGcm, KeyInit};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::{Plain, Refusal};

/// Of the key's derivation. Fixed: the format does not name it.
pub const ROUNDS: u32 = 100_000;
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
const TAG_BYTES: usize = 16;

/// The hash function under PBKDF2. The format does not name it either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha512,
    Sha256,
}

impl Digest {
    /// In the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Sha512, Self::Sha256];

    pub fn named(word: &str) -> Option<Self> {
        match word {
            "sha512" => Some(Self::Sha512),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }
}

/// `data = AES-256-GCM^-1(PBKDF2-HMAC(digest, passphrase, salt, 100000), iv, "", data, tag)`
///
/// - salt: 8 to 64 bytes; iv: 12 bytes or 16, from which GHASH makes the first counter (NIST SP 800-38D, section 7.1); tag:
///   16 bytes; digits of either case, blanks around the whole.
/// - digests: tried in order; each costs 100,000 rounds, tens of milliseconds.
/// - errors: [`Refusal::Malformed`] before anything is derived; [`Refusal::DoesNotOpen`].
/// - source: RFC 8018, section 5.2; NIST SP 800-38D, section 7.2.
pub fn open(sealed: &[u8], passphrase: &[u8], digests: &[Digest]) -> Result<Plain, Refusal> {
    let parts = Parts::read(sealed)?;
    for digest in digests {
        let mut key = Zeroizing::new([0; 32]);
        match digest {
            Digest::Sha512 => {
                pbkdf2::pbkdf2_hmac::<Sha512>(passphrase, &parts.salt, ROUNDS, &mut *key);
            }
            Digest::Sha256 => {
                pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, &parts.salt, ROUNDS, &mut *key);
            }
        }
        let opened = match parts.iv.len() {
            12 => parts.open::<U12>(&key),
            _ => parts.open::<U16>(&key),
        };
        if let Some(plain) = opened {
            return Ok(plain);
        }
    }
    Err(Refusal::DoesNotOpen)
}

struct Parts {
    salt: Vec<u8>,
    iv: Vec<u8>,
    tag: [u8; TAG_BYTES],
    data: Vec<u8>,
}

impl Parts {
    fn read(sealed: &[u8]) -> Result<Self, Refusal> {
        let fields: Vec<&[u8]> = sealed.trim_ascii().split(|byte| *byte == b':').collect();
        let [salt, iv, tag, data] = fields[..] else {
            return Err(Refusal::malformed(format!(
                "salt:iv:authTag:data has four parts, this has {}",
                fields.len()
            )));
        };
        let salt = hex(salt, "salt")?;
        if !SALT_BYTES.contains(&salt.len()) {
            return Err(Refusal::malformed(format!(
                "a salt has {} to {} bytes, this one has {}",
                SALT_BYTES.start(),
                SALT_BYTES.end(),
                salt.len()
            )));
        }
        let iv = hex(iv, "iv")?;
        if ![12, 16].contains(&iv.len()) {
            return Err(Refusal::malformed(format!(
                "an iv has 12 or 16 bytes, this one has {}",
                iv.len()
            )));
        }
        let tag = hex(tag, "authTag")?;
        let tag = tag.as_slice().try_into().map_err(|_| {
            Refusal::malformed(format!(
                "an authTag has {TAG_BYTES} bytes, this one has {}",
                tag.len()
            ))
        })?;
        let data = hex(data, "data")?;
        Ok(Self {
            salt,
            iv,
            tag,
            data,
        })
    }

    fn open<N: ArraySize>(&self, key: &[u8; 32]) -> Option<Plain>
    where
        AesGcm<Aes256Enc, N>:
            AeadInOut<NonceSize = N, TagSize = U16> + KeyInit<KeySize = aes_gcm::aead::consts::U32>,
    {
        let cipher = AesGcm::<Aes256Enc, N>::new(key.into());
        let nonce = self.iv.as_slice().try_into().ok()?;
        let mut plain = Plain::new(self.data.clone());
        cipher
            .decrypt_inout_detached(
                nonce,
                b"",
                plain.0.as_mut_slice().into(),
                (&self.tag).into(),
            )
            .ok()?;
        Some(plain)
    }
}

fn hex(digits: &[u8], what: &str) -> Result<Vec<u8>, Refusal> {
    let value = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
    let pairs = digits.chunks(2).map(|pair| match *pair {
        [high, low] => Some(value(high)? << 4 | value(low)?),
        _ => None,
    });
    pairs
        .collect::<Option<_>>()
        .ok_or_else(|| Refusal::malformed(format!("its {what} is no hex")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sealed: &str) -> String {
        match open(sealed.as_bytes(), b"p", &[]) {
            Err(Refusal::Malformed(why)) => why,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn what_has_another_form_is_refused_before_any_key_is_derived() {
        let tag = "00".repeat(16);
        let iv = "00".repeat(12);
        let salt = "00".repeat(8);
        assert!(refused("").contains("this has 1"));
        assert!(refused("a:b:c").contains("this has 3"));
        assert!(refused(&format!("{salt}:{iv}:{tag}:00:")).contains("this has 5"));
        assert!(refused(&format!("0g:{iv}:{tag}:00")).contains("salt is no hex"));
        assert!(refused(&format!("00:{iv}:{tag}:00")).contains("this one has 1"));
        assert!(refused(&format!("{}:{iv}:{tag}:00", "00".repeat(65))).contains("has 65"));
        assert!(refused(&format!("{salt}:{iv}00:{tag}:00")).contains("12 or 16"));
        assert!(refused(&format!("{salt}:{iv}:{tag}00:00")).contains("has 17"));
        assert!(refused(&format!("{salt}:{iv}:{tag}:000")).contains("data is no hex"));
        assert!(refused(&format!("{salt}:{iv}:{tag}:+1")).contains("data is no hex"));
    }

    #[test]
    fn without_a_digest_nothing_opens() {
        let sealed = format!(
            "{}:{}:{}:00",
            "00".repeat(8),
            "00".repeat(16),
            "00".repeat(16)
        );
        let opened = open(sealed.as_bytes(), b"p", &[]);
        assert_eq!(opened.map(drop), Err(Refusal::DoesNotOpen));
    }
}
