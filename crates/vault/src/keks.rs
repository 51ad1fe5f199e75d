//! Unwrapped tenant keys, kept ready: bounded, per backend, wiped when dropped.
//!
//! **Invariant:** an entry is a copy of a row, and the row decides. Writers have storage compare the row with the
//! copy; readers whose copy does not open a value read the row again. So a stale entry costs time, never data.

use std::num::NonZeroUsize;

use envelope::TenantKek;
use lru::LruCache;

use crate::{TenantId, TenantKeyRow};

/// At less than 1.5 KiB an entry, under 400 KiB a backend.
const ENTRIES: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// A tenant key beside the row it was unwrapped from.
pub(crate) struct ReadyKek {
    pub(crate) kek: TenantKek,
    pub(crate) row: TenantKeyRow,
}

/// Least recently used tenants go first.
pub(crate) struct Keks {
    by_generation: LruCache<(TenantId, u32), Box<ReadyKek>>,
    primary: LruCache<TenantId, u32>,
}

impl Keks {
    pub(crate) fn new() -> Self {
        Self {
            by_generation: LruCache::new(ENTRIES),
            primary: LruCache::new(ENTRIES),
        }
    }

    pub(crate) fn primary(&mut self, tenant: TenantId) -> Option<u32> {
        self.primary.get(&tenant).copied()
    }

    pub(crate) fn get(&mut self, tenant: TenantId, generation: u32) -> Option<&ReadyKek> {
        self.by_generation
            .get(&(tenant, generation))
            .map(|ready| &**ready)
    }

    pub(crate) fn put(&mut self, tenant: TenantId, ready: ReadyKek) {
        let generation = ready.row.generation;
        if ready.row.state == "primary" {
            self.primary.put(tenant, generation);
        }
        self.by_generation
            .put((tenant, generation), Box::new(ready));
    }

    pub(crate) fn forget(&mut self, tenant: TenantId, generation: u32) {
        self.primary.pop(&tenant);
        self.by_generation.pop(&(tenant, generation));
    }

    pub(crate) fn clear(&mut self) {
        self.primary.clear();
        self.by_generation.clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_generation.len()
    }
}
