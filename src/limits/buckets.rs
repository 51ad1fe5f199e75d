//! Token buckets of roles and tenants: in shared memory, one for the whole server, where the library is preloaded; else
//! each backend has buckets of its own.
//!
//! **Invariant:** holds oids, ids and numbers. A bucket that makes room for another leaves it its debt, so that no
//! crowd of roles or tenants, however large, gets more calls out of a full table than the table's buckets give.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use vault::{Dry, Rate};

use crate::pg::clock;
use crate::pg::shared::Area;

/// To be requested by _PG_init.
pub static AREA: Area = Area::new(c"tenant_vault_rate_limits", WORDS);

const SLOTS: usize = 4096;
const SLOT_WORDS: usize = 8;
/// Before the slots: refusals of every bucket there ever was, then words that fill a cache line.
const HEAD_WORDS: usize = 8;
const WORDS: usize = HEAD_WORDS + SLOTS * SLOT_WORDS;
/// How many slots, from the one that its hash names on, a key may lie in.
const REACH: usize = 16;
/// Of the refusals by one bucket one is recorded in so long.
const WINDOW_NS: u64 = 60 * 1_000_000_000;

/// Words of a slot.
const DATABASE_AND_KIND: usize = 0;
const ID_HIGH: usize = 1;
const ID_LOW: usize = 2;
const FULL_AT: usize = 3;
const RATE: usize = 4;
const REFUSED: usize = 5;
const UNRECORDED: usize = 6;
const QUIET_UNTIL: usize = 7;

thread_local! {
    static OWN: &'static [AtomicU64] = AREA.alone();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Role = 1,
    Tenant = 2,
    /// What the log takes of calls that PostgreSQL refused.
    Denied = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub database: u32,
    pub kind: Kind,
    /// A role's oid or a tenant's uuid.
    pub id: u128,
}

/// A call that its bucket had no token for.
pub struct Refusal {
    pub dry: Dry,
    /// As in [`vault::VaultError::RateLimited`].
    pub unrecorded: Option<u64>,
}

/// A bucket, as an administrator sees it.
pub struct Bucket {
    pub kind: Kind,
    pub id: u128,
    pub rate: Option<Rate>,
    pub available: u32,
    pub refused: u64,
}

/// Takes tokens out of a key's bucket.
pub fn take(key: Key, rate: Rate, tokens: u32) -> Result<(), Refusal> {
    let now = clock::monotonic_ns();
    with_words(|words| take_from(words, key, rate, tokens, now))
}

/// Whether the buckets are the whole server's, and how many calls they have refused.
pub fn total() -> (bool, u64) {
    (AREA.words().is_some(), with_words(|words| load(&words[0])))
}

/// The buckets of one database.
pub fn all(database: u32) -> Vec<Bucket> {
    let now = clock::monotonic_ns();
    let mut found = Vec::with_capacity(SLOTS);
    with_words(|words| {
        for slot in words[HEAD_WORDS..].chunks_exact(SLOT_WORDS) {
            let kind = match load(&slot[DATABASE_AND_KIND]) {
                word if word == head(database, Kind::Role) => Kind::Role,
                word if word == head(database, Kind::Tenant) => Kind::Tenant,
                _ => continue,
            };
            let rate = Rate::from_word(load(&slot[RATE]));
            found.push(Bucket {
                kind,
                id: u128::from(load(&slot[ID_HIGH])) << 64 | u128::from(load(&slot[ID_LOW])),
                rate,
                available: rate.map_or(0, |rate| rate.available(load(&slot[FULL_AT]), now)),
                refused: load(&slot[REFUSED]),
            });
        }
    });
    found
}

fn with_words<T>(body: impl FnOnce(&'static [AtomicU64]) -> T) -> T {
    if AREA.words().is_none() {
        return OWN.with(|own| body(own));
    }
    AREA.locked(body).expect("the area has words")
}

fn take_from(
    words: &[AtomicU64],
    key: Key,
    rate: Rate,
    tokens: u32,
    now: u64,
) -> Result<(), Refusal> {
    let slot = slot_of(words, key, now);
    let mut full_at = load(&slot[FULL_AT]);
    let before = Rate::from_word(load(&slot[RATE]));
    if let Some(before) = before.filter(|before| *before != rate) {
        full_at = rate.resume(before, full_at, now);
    }
    store(&slot[RATE], rate.to_word());
    store(&slot[FULL_AT], full_at);
    let dry = match rate.take(full_at, now, tokens) {
        Ok(full_at) => {
            store(&slot[FULL_AT], full_at);
            return Ok(());
        }
        Err(dry) => dry,
    };
    if key.kind != Kind::Denied {
        for count in [&words[0], &slot[REFUSED]] {
            store(count, load(count).wrapping_add(1));
        }
    }
    let unrecorded = load(&slot[UNRECORDED]);
    if now < load(&slot[QUIET_UNTIL]) {
        store(&slot[UNRECORDED], unrecorded.wrapping_add(1));
        return Err(Refusal {
            dry,
            unrecorded: None,
        });
    }
    store(&slot[UNRECORDED], 0);
    store(&slot[QUIET_UNTIL], now.saturating_add(WINDOW_NS));
    Err(Refusal {
        dry,
        unrecorded: Some(unrecorded),
    })
}

/// The key's slot. If it has none: an empty one within reach, else that of the bucket which is full, or will be first.
fn slot_of(words: &[AtomicU64], key: Key, now: u64) -> &[AtomicU64] {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let first = hasher.finish() as usize % SLOTS;
    let (high, low) = ((key.id >> 64) as u64, key.id as u64);
    let reach = || {
        (first..first + REACH).map(|at| {
            let start = HEAD_WORDS + at % SLOTS * SLOT_WORDS;
            &words[start..start + SLOT_WORDS]
        })
    };
    let wanted = [head(key.database, key.kind), high, low];
    let is_it = |slot: &&[AtomicU64]| wanted.iter().zip(*slot).all(|(word, at)| load(at) == *word);
    if let Some(slot) = reach().find(is_it) {
        return slot;
    }
    // One that is still quiet after a flood is let go later than others: its next refusal would be recorded again.
    let slot = reach()
        .min_by_key(|slot| {
            (
                load(&slot[DATABASE_AND_KIND]) != 0,
                load(&slot[FULL_AT]).max(now),
                load(&slot[QUIET_UNTIL]).max(now),
            )
        })
        .expect("a key reaches several slots");
    for (at, word) in wanted.into_iter().enumerate() {
        store(&slot[at], word);
    }
    for at in [REFUSED, UNRECORDED, QUIET_UNTIL] {
        store(&slot[at], 0);
    }
    slot
}

/// Never 0, which an empty slot has.
fn head(database: u32, kind: Kind) -> u64 {
    u64::from(database) << 32 | kind as u64
}

// The area's lock orders these.
fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

fn store(word: &AtomicU64, value: u64) {
    word.store(value, Ordering::Relaxed);
}
