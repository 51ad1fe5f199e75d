//! Which key a record's link was made under.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Body, ChainKey, Link, unkeyed_link};

/// Names the root key that a chain key derives from: the same public check value as in `docs/envelope.md`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 lower case hex digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// What is at hand to check a link with.
#[derive(Clone, Copy, Debug)]
pub enum KeyOf<'k> {
    /// The record was made while there was no key: everybody can check its link, and make one.
    Unkeyed,
    Known(&'k ChainKey),
    /// The record names a key that is not among those at hand.
    Unknown,
    /// Verified without keys, on purpose: the link is taken as it is.
    Untested,
}

/// The chain keys at hand, by the fingerprints of their root keys.
#[derive(Clone, Default)]
pub struct Keys(BTreeMap<Fingerprint, ChainKey>);

impl Keys {
    pub fn add(&mut self, fingerprint: Fingerprint, key: ChainKey) {
        self.0.insert(fingerprint, key);
    }

    pub fn of(&self, fingerprint: Option<Fingerprint>) -> KeyOf<'_> {
        match fingerprint {
            None => KeyOf::Unkeyed,
            Some(fingerprint) => self
                .0
                .get(&fingerprint)
                .map_or(KeyOf::Unknown, KeyOf::Known),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// A way to make links: under a key, or without one.
#[derive(Clone)]
pub(crate) enum Maker {
    Key(ChainKey),
    Nobody,
}

impl Maker {
    pub(crate) fn of(key: KeyOf<'_>) -> Option<Self> {
        match key {
            KeyOf::Unkeyed => Some(Self::Nobody),
            KeyOf::Known(key) => Some(Self::Key(key.clone())),
            KeyOf::Unknown | KeyOf::Untested => None,
        }
    }

    pub(crate) fn link(&self, seq: u64, previous: &Link, body: &Body) -> Link {
        match self {
            Self::Key(key) => key.link(seq, previous, body),
            Self::Nobody => unkeyed_link(seq, previous, body),
        }
    }
}
