//! The access log as a whole: the keys that verify it, and the records of what is done to it.

use envelope::{Fingerprint, KeyBytes, KeyRing};

use super::Vault;
use crate::{
    Action, Audit, Entropy, Event, KeptChainKey, KeyAdministration, KeyStorage, RootKeys, Storage,
    VaultError, WholeVault,
};

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + KeyAdministration,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Records an action that is about the access log as a whole.
    ///
    /// - `note`: which part of it.
    pub fn access_log_action<L: Action>(
        &mut self,
        _: &WholeVault,
        note: Option<&str>,
    ) -> Result<(), VaultError> {
        self.ring()?;
        self.record(Event::of::<L>(None, note))
    }

    /// Every key of the chain that can be had: those of the ring, and those that were kept when their root keys went out
    /// of use. One that does not open is left out.
    pub fn chain_keys(
        &mut self,
        _: &WholeVault,
    ) -> Result<Vec<(Fingerprint, KeyBytes)>, VaultError> {
        let ring = self.ring()?;
        let mut keys: Vec<(Fingerprint, KeyBytes)> = ring
            .fingerprints()
            .filter_map(|(_, of)| Some((of, own_chain_key(&ring, of)?)))
            .collect();
        for kept in self.storage.kept_chain_keys()? {
            if ring.by_fingerprint(&kept.of).is_none()
                && let Some(key) = open(&ring, &kept)
            {
                keys.push((kept.of, key));
            }
        }
        Ok(keys)
    }

    /// Keeps, under the active root key, the chain key of every other root key that can be had: records that were made
    /// under it can then be verified when the ring has lost it.
    pub(super) fn keep_chain_keys(
        &mut self,
        ring: &KeyRing,
        active: Fingerprint,
    ) -> Result<(), VaultError> {
        let Some(wrapping) = ring.by_fingerprint(&active) else {
            return Ok(());
        };
        let kept = self.storage.kept_chain_keys()?;
        let in_place = |of: Fingerprint| {
            kept.iter()
                .any(|kept| kept.of == of && kept.wrapped_by == active)
        };
        let of_ring = ring.fingerprints().map(|(_, of)| of);
        let of_others = kept.iter().map(|kept| kept.of);
        let mut due: Vec<Fingerprint> = of_ring.chain(of_others).collect();
        due.retain(|of| *of != active && !in_place(*of));
        due.sort_by_key(|of| *of.as_bytes());
        due.dedup();
        for of in due {
            let found = own_chain_key(ring, of).or_else(|| {
                let kept = kept.iter().find(|kept| kept.of == of)?;
                open(ring, kept)
            });
            if let Some(key) = found {
                let nonce = self.fresh_nonce()?;
                self.storage.put_chain_key(&KeptChainKey {
                    of,
                    wrapped_by: active,
                    wrapped: wrapping.wrap_chain_key(&of, &key, nonce),
                })?;
            }
        }
        Ok(())
    }
}

fn own_chain_key(ring: &KeyRing, of: Fingerprint) -> Option<KeyBytes> {
    let root = ring.by_fingerprint(&of)?;
    Some(KeyBytes::new(*root.chain_key().expose()))
}

fn open(ring: &KeyRing, kept: &KeptChainKey) -> Option<KeyBytes> {
    let wrapping = ring.by_fingerprint(&kept.wrapped_by)?;
    wrapping.unwrap_chain_key(&kept.of, &kept.wrapped).ok()
}
