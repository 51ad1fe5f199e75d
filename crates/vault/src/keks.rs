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
        } else if self.primary.peek(&tenant) == Some(&generation) {
            // Demoted while it was out of the cache.
            self.primary.pop(&tenant);
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

#[cfg(test)]
mod tests {
    use envelope::{Fingerprint, KeyBytes, WRAPPED_KEK_BYTES};

    use super::*;

    #[test]
    fn ten_thousand_tenants_take_256_places() {
        let mut keks = Keks::new();
        for n in 0..10_000 {
            keks.put(tenant(n), ready(1, "primary"));
            assert!(keks.len() <= 256 && keks.primary.len() <= 256);
        }
        assert_eq!((keks.len(), keks.primary.len()), (256, 256));
        for n in [0, 9_743] {
            assert!(keks.get(tenant(n), 1).is_none() && keks.primary(tenant(n)).is_none());
        }
        for n in [9_744, 9_999] {
            assert!(keks.get(tenant(n), 1).is_some() && keks.primary(tenant(n)).is_some());
        }
        keks.clear();
        assert_eq!((keks.len(), keks.primary.len()), (0, 0));
    }

    #[test]
    fn generations_are_forgotten_one_by_one_and_the_primary_with_any() {
        let mut keks = Keks::new();
        keks.put(tenant(1), ready(1, "enabled"));
        keks.put(tenant(1), ready(2, "primary"));
        keks.put(tenant(2), ready(1, "primary"));
        assert_eq!(keks.primary(tenant(1)), Some(2));
        keks.forget(tenant(1), 1);
        assert!(keks.get(tenant(1), 1).is_none() && keks.get(tenant(1), 2).is_some());
        assert_eq!(keks.primary(tenant(1)), None);
        assert_eq!(keks.primary(tenant(2)), Some(1));
    }

    #[test]
    fn a_demoted_key_is_no_longer_the_primary() {
        let mut keks = Keks::new();
        keks.put(tenant(1), ready(1, "primary"));
        keks.put(tenant(1), ready(1, "enabled"));
        assert_eq!(keks.primary(tenant(1)), None);
        keks.put(tenant(1), ready(2, "primary"));
        keks.put(tenant(1), ready(1, "enabled"));
        assert_eq!(keks.primary(tenant(1)), Some(2));
    }

    fn tenant(n: u128) -> TenantId {
        TenantId::from_bytes(n.to_be_bytes())
    }

    fn ready(generation: u32, state: &str) -> ReadyKek {
        ReadyKek {
            kek: TenantKek::new(&KeyBytes::new([7; 32]), generation),
            row: TenantKeyRow {
                generation,
                state: state.to_owned(),
                locked: false,
                root: Fingerprint::from_bytes([0; 16]),
                wrapped: [0; WRAPPED_KEK_BYTES],
            },
        }
    }
}
