//! What ties a record to the one before it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Body, HASH_BYTES};

/// Domain labels: a link under a key, and one made while there was none; what is attested under a key.
const KEYED: [u8; 8] = *b"tv1/link";
const UNKEYED: [u8; 8] = *b"tv1/free";
const CHECKPOINT: [u8; 8] = *b"tv1/ckpt";
const STUB: [u8; 8] = *b"tv1/stub";
const STANDBY: [u8; 8] = *b"tv1/line";

/// What the next record is tied to: the hash of a record, its number and everything before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link([u8; HASH_BYTES]);

impl Link {
    /// What the first record of a log is tied to.
    pub const START: Self = Self([0; HASH_BYTES]);

    pub fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Compares in constant time: who may have records verified must not learn, byte by byte, the link of one that he
    /// made up.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// 64 lower case hex digits.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key of the chain, derived from a root key for this purpose alone. Holds HMAC's state, which is as good as the key
/// and wipes itself on drop.
#[derive(Clone)]
pub struct ChainKey(Hmac<Sha256>);

impl ChainKey {
    pub fn new(key: &[u8; HASH_BYTES]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// `link = HMAC-SHA256(key, "tv1/link" || seq[8] || previous[32] || body[32])`, seq big endian.
    pub fn link(&self, seq: u64, previous: &Link, body: &Body) -> Link {
        Link(self.mac(&[&KEYED, &seq.to_be_bytes(), &previous.0, &body.0]))
    }

    /// `mac = HMAC-SHA256(key, "tv1/ckpt" || seq[8] || link[32] || made_at[8])`: says that the log held this link at this
    /// number at that time.
    ///
    /// - `made_at_us`: microseconds since the Unix epoch, as in [`crate::Record`].
    pub fn checkpoint_mac(&self, seq: u64, link: &Link, made_at_us: i64) -> [u8; HASH_BYTES] {
        self.mac(&[
            &CHECKPOINT,
            &seq.to_be_bytes(),
            &link.0,
            &made_at_us.to_be_bytes(),
        ])
    }

    /// Whether `mac` is what [`ChainKey::checkpoint_mac`] gives. Compares in constant time.
    pub fn made_checkpoint(&self, seq: u64, link: &Link, made_at_us: i64, mac: &[u8]) -> bool {
        self.checkpoint_mac(seq, link, made_at_us).ct_eq(mac).into()
    }

    /// `mac = HMAC-SHA256(key, "tv1/stub" || first_seq[8] || last_seq[8] || link[32] || pruned_at[8])`: says that these
    /// records were pruned by us, and that `link` is the last one's.
    pub fn stub_mac(
        &self,
        first_seq: u64,
        last_seq: u64,
        link: &Link,
        pruned_at_us: i64,
    ) -> [u8; HASH_BYTES] {
        self.mac(&[
            &STUB,
            &first_seq.to_be_bytes(),
            &last_seq.to_be_bytes(),
            &link.0,
            &pruned_at_us.to_be_bytes(),
        ])
    }

    /// Whether `mac` is what [`ChainKey::stub_mac`] gives. Compares in constant time.
    pub fn made_stub(
        &self,
        first_seq: u64,
        last_seq: u64,
        link: &Link,
        pruned_at_us: i64,
        mac: &[u8],
    ) -> bool {
        self.stub_mac(first_seq, last_seq, link, pruned_at_us)
            .ct_eq(mac)
            .into()
    }

    /// `mac = HMAC-SHA256(key, "tv1/line" || line)`: says that a standby wrote this line of its audit file.
    pub fn standby_mac(&self, line: &[u8]) -> [u8; HASH_BYTES] {
        self.mac(&[&STANDBY, line])
    }

    /// Whether `mac` is what [`ChainKey::standby_mac`] gives. Compares in constant time.
    pub fn made_standby_line(&self, line: &[u8], mac: &[u8]) -> bool {
        self.standby_mac(line).ct_eq(mac).into()
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; HASH_BYTES] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainKey")
    }
}

/// `link = SHA-256("tv1/free" || seq[8] || previous[32] || body[32])`: of a record that was made while no root key could
/// be had. It can be forged until a record under a key follows, which then ties it down.
pub fn unkeyed_link(seq: u64, previous: &Link, body: &Body) -> Link {
    let hash = Sha256::new_with_prefix(UNKEYED)
        .chain_update(seq.to_be_bytes())
        .chain_update(previous.0)
        .chain_update(body.0);
    Link(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_standby_is_known_by_its_key_and_by_every_byte() {
        let (key, other) = (ChainKey::new(&[1; 32]), ChainKey::new(&[2; 32]));
        let mac = key.standby_mac(b"line");
        assert!(key.made_standby_line(b"line", &mac));
        assert!(!other.made_standby_line(b"line", &mac));
        assert!(!key.made_standby_line(b"lime", &mac));
        assert!(!key.made_standby_line(b"line", &mac[..31]));
        // What is attested for one purpose is worth nothing for another.
        let number = 7_u64.to_be_bytes();
        let parts = [&number[..], &Link::START.0, &number].concat();
        assert!(!key.made_standby_line(&parts, &key.checkpoint_mac(7, &Link::START, 7)));
    }
}
