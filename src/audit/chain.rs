//! The chain's head, and the key under which the next record is tied to it.

use std::cell::RefCell;

use auditchain::{Body, ChainKey, HASH_BYTES, Link, unkeyed_link};
use envelope::{Fingerprint, KeyBytes, KeyRing, RootKey};

use crate::config;
use crate::pg::clock::{self, Reload, Timestamp};
use crate::pg::frozen::HeadValue;
use crate::root_key;

/// What a row of vault.vault_access_log begins with: `seq`, and `link` with its header.
pub const STAMP_BYTES: usize = 8 + 1 + HASH_BYTES;
/// The columns of vault.access_log_head behind the first one.
pub const HEAD_BYTES: usize = 8 + 8 + 8 + 1 + HASH_BYTES;
/// The header of a bytea of 32 bytes as it lies in a tuple (postgres.h, little-endian): `length << 1 | 1`, itself included.
const LINK_HEADER: u8 = ((HASH_BYTES + 1) << 1 | 1) as u8;

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Of the last record; 0 before the first one.
    pub seq: u64,
    pub checkpoint_seq: u64,
    pub checkpoint_at: Timestamp,
    pub link: Link,
}

impl Head {
    pub fn read(bytes: &[u8; HEAD_BYTES]) -> Self {
        let (numbers, link) = bytes.split_at(24);
        let number = |n: usize| {
            let bytes = numbers.get(n * 8..n * 8 + 8);
            i64::from_le_bytes(
                bytes
                    .and_then(|bytes| bytes.try_into().ok())
                    .unwrap_or_default(),
            )
        };
        Self {
            seq: number(0).cast_unsigned(),
            checkpoint_seq: number(1).cast_unsigned(),
            checkpoint_at: Timestamp(number(2)),
            link: link_of(link),
        }
    }

    fn write(&self, bytes: &mut [u8; HEAD_BYTES]) {
        bytes[..8].copy_from_slice(&self.seq.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.checkpoint_seq.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.checkpoint_at.0.to_le_bytes());
        bytes[24] = LINK_HEADER;
        bytes[25..].copy_from_slice(self.link.as_bytes());
    }

    /// Behind the last record there is.
    ///
    /// - `stamp`: of that record.
    pub fn behind(stamp: Option<[u8; STAMP_BYTES]>) -> Self {
        let (seq, link) = stamp.map_or((0, Link::START), |stamp| {
            let (seq, link) = stamp.split_at(8);
            let seq = u64::from_le_bytes(seq.try_into().unwrap_or_default());
            (seq, link_of(link))
        });
        Self {
            seq,
            checkpoint_seq: seq,
            checkpoint_at: Timestamp::now(),
            link,
        }
    }

    /// The columns of vault.access_log_head in order.
    pub fn columns(&self) -> [HeadValue; 5] {
        [
            HeadValue::Long(0),
            HeadValue::Long(self.seq.cast_signed()),
            HeadValue::Long(self.checkpoint_seq.cast_signed()),
            HeadValue::Long(self.checkpoint_at.0),
            HeadValue::Bytes(*self.link.as_bytes()),
        ]
    }

    /// Goes on to the next record.
    ///
    /// - returns: the record's stamp.
    pub fn advance(
        bytes: &mut [u8; HEAD_BYTES],
        body: &Body,
        key: Option<&ChainKey>,
        is_checkpoint: impl FnOnce(&Self) -> bool,
        at: Timestamp,
    ) -> [u8; STAMP_BYTES] {
        let mut head = Self::read(bytes);
        head.seq += 1;
        head.link = match key {
            Some(key) => key.link(head.seq, &head.link, body),
            None => unkeyed_link(head.seq, &head.link, body),
        };
        if is_checkpoint(&head) {
            head.checkpoint_seq = head.seq;
            head.checkpoint_at = at;
        }
        head.write(bytes);
        let mut stamp = [0; STAMP_BYTES];
        stamp[..8].copy_from_slice(&head.seq.to_le_bytes());
        stamp[8] = LINK_HEADER;
        stamp[9..].copy_from_slice(head.link.as_bytes());
        stamp
    }

    /// Whether it is time for another checkpoint at this record.
    pub fn is_due(&self, at: Timestamp) -> bool {
        let (records, interval_s) = (
            config::checkpoint_records(),
            config::checkpoint_interval_s(),
        );
        let passed_us = at.0.saturating_sub(self.checkpoint_at.0);
        records > 0 && self.seq.saturating_sub(self.checkpoint_seq) >= u64::from(records)
            || interval_s > 0 && passed_us >= i64::from(interval_s) * 1_000_000
    }
}

/// A link as it lies in a tuple, header included.
fn link_of(bytes: &[u8]) -> Link {
    let link = bytes.get(1..).and_then(|link| link.try_into().ok());
    Link::from_bytes(link.unwrap_or_default())
}

/// A key of the chain, and which root key it derives from.
pub struct Key {
    pub of: Fingerprint,
    pub key: ChainKey,
}

impl Key {
    pub fn of(root: &RootKey) -> Self {
        Self {
            of: root.fingerprint(),
            key: chain_key(root.chain_key()),
        }
    }
}

pub fn chain_key(key: &KeyBytes) -> ChainKey {
    ChainKey::new(key.expose())
}

/// What this backend ties records with.
enum Current {
    /// Nobody has asked.
    Unknown,
    Key(Key),
    /// There was none when the configuration was last read.
    Nothing(Reload),
}

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current::Unknown) };
}

/// From here on records are tied under the active root key; where the database names none yet, under the ring's primary.
pub fn go_on_under(ring: &KeyRing, active: Option<Fingerprint>) {
    let active = active.and_then(|active| ring.by_fingerprint(&active));
    set(active.unwrap_or_else(|| ring.primary()));
}

fn set(root: &RootKey) {
    CURRENT.with_borrow_mut(|current| {
        if !matches!(current, Current::Key(key) if key.of == root.fingerprint()) {
            *current = Current::Key(Key::of(root));
        }
    });
}

/// Lends the key; `None`: no root key can be had.
pub fn with_key<T>(body: impl FnOnce(Option<&Key>) -> T) -> T {
    let is_known = CURRENT.with_borrow(|current| match current {
        Current::Key(_) => true,
        Current::Nothing(asked) => *asked == clock::last_reload(),
        Current::Unknown => false,
    });
    if !is_known {
        match root_key::at_hand() {
            Some(ring) => set(ring.primary()),
            None => CURRENT.set(Current::Nothing(clock::last_reload())),
        }
    }
    CURRENT.with_borrow(|current| {
        body(match current {
            Current::Key(key) => Some(key),
            _ => None,
        })
    })
}
