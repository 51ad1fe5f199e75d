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

impl KeyOf<'_> {
    /// The link that a record of this content should have; `None` if that cannot be told.
    pub(crate) fn link(self, seq: u64, previous: &Link, body: &Body) -> Option<Link> {
        match self {
            Self::Unkeyed => Some(unkeyed_link(seq, previous, body)),
            Self::Known(key) => Some(key.link(seq, previous, body)),
            Self::Unknown | Self::Untested => None,
        }
    }

    pub(crate) fn fits(self, seq: u64, previous: &Link, body: &Body, link: &Link) -> bool {
        self.link(seq, previous, body)
            .is_some_and(|made| made.is(link))
    }
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
