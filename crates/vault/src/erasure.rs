//! The record of an erasure: what was destroyed, when and why, attested with a root key.

use envelope::{Fingerprint, RootKey};

use crate::TenantId;

/// What [`crate::Vault::shred_tenant`] did. Whoever holds the root key can tell it from a forgery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    pub tenant: TenantId,
    /// How many generations of the tenant's key were destroyed.
    pub generations: u32,
    /// Sealed values that can no longer be opened: current ones, and earlier, pending or deleted ones.
    pub current: u64,
    pub others: u64,
    /// RFC 3339, UTC.
    pub erased_at: String,
    pub erased_by: String,
    pub reason: String,
    /// Over the wrapped keys as they stood, in the order of their generations: tells whether a backup holds them.
    pub keys: [u8; 16],
    /// The root key that attests.
    pub root: Fingerprint,
    pub mac: [u8; 32],
}

impl Erasure {
    pub(crate) fn attest(&mut self, root: &RootKey) {
        self.mac = root.attest(&self.encode());
    }

    /// - `root`: the key with the fingerprint that the record names.
    pub(crate) fn is_attested(&self, root: &RootKey) -> bool {
        root.fingerprint() == self.root && root.attests(&self.encode(), &self.mac)
    }

    /// `"tv1/erasure"[11] || tenant[16] || generations[4] || current[8] || others[8] || keys[16] || root[16]`, then
    /// `erased_at`, `erased_by` and `reason`, each behind its length in 4 bytes. All numbers big endian.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = b"tv1/erasure".to_vec();
        bytes.extend_from_slice(self.tenant.as_bytes());
        bytes.extend_from_slice(&self.generations.to_be_bytes());
        bytes.extend_from_slice(&self.current.to_be_bytes());
        bytes.extend_from_slice(&self.others.to_be_bytes());
        bytes.extend_from_slice(&self.keys);
        bytes.extend_from_slice(self.root.as_bytes());
        for text in [&self.erased_at, &self.erased_by, &self.reason] {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// What a caller says of an erasure that is about to be.
#[derive(Clone, Debug)]
pub struct Circumstances {
    pub erased_at: String,
    pub erased_by: String,
    pub reason: String,
}

/// `keys = attest("tv1/erased-keys" || generation[4] || wrapped_kek[62] || ...)[0..16]`
pub(crate) fn fingerprint_of_keys<'a>(
    root: &RootKey,
    keys: impl Iterator<Item = (u32, &'a [u8])>,
) -> [u8; 16] {
    let mut bytes = b"tv1/erased-keys".to_vec();
    for (generation, wrapped) in keys {
        bytes.extend_from_slice(&generation.to_be_bytes());
        bytes.extend_from_slice(wrapped);
    }
    let mac = root.attest(&bytes);
    std::array::from_fn(|i| mac[i])
}
