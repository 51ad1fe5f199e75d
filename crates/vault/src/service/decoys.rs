//! Decoys: credentials that nobody has a use for, so that whoever touches one gives himself away.
//!
//! **Invariant:** stored, sealed and recorded as what it pretends to be. Which ones they are stands in a table that
//! administrators alone see, and in no other row.

use super::{ROUNDS, Vault};
use crate::{
    Action, Audit, CredentialId, CredentialName, DecoyStorage, Description, Entropy, Event,
    Insertion, KeyStorage, Kind, NewRow, Outcome, Permit, RootKeys, SecretKey, Storage, Store,
    StoreDecoy, TenantStore, VaultError, VersionStorage,
};

/// What a decoy pretends to be.
#[derive(Clone, Copy, Debug)]
pub enum Guise<'a> {
    Credential(&'a CredentialName<'a>, &'a Description<'a>),
    TenantSecret(&'a SecretKey),
}

/// What a decoy answers with.
#[derive(Clone, Copy, Debug)]
pub enum Bait<'a> {
    Given(&'a [u8]),
    /// A value that looks like somebody's key: this prefix, then random letters and digits.
    MadeUp {
        prefix: &'a str,
    },
}

/// The random part of a made-up value: 285 bits.
const RANDOM_CHARS: usize = 48;
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl<S: Storage + KeyStorage + VersionStorage + DecoyStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// - errors: [`VaultError::InvalidArgument`] where the tenant has a secret of this key: a decoy replaces none.
    pub fn store_decoy(
        &mut self,
        permit: Permit<StoreDecoy>,
        guise: Guise<'_>,
        bait: Bait<'_>,
    ) -> Result<CredentialId, VaultError> {
        let ring = self.ring_to_write()?;
        let made_up;
        let secret = match bait {
            Bait::Given(secret) => secret,
            Bait::MadeUp { prefix } => {
                made_up = self.made_up(prefix)?;
                &made_up
            }
        };
        let scope = permit.scope();
        let (name, description) = match guise {
            Guise::Credential(name, description) => (name.as_str(), description.as_str()),
            Guise::TenantSecret(key) => (key.as_str(), ""),
        };
        let is_tenant_secret = matches!(guise, Guise::TenantSecret(_));
        let id = self.fresh_id(&ring, scope)?;
        let row = NewRow {
            id,
            name,
            description,
            kind: match guise {
                Guise::Credential(..) => Kind::Credential,
                Guise::TenantSecret(_) => Kind::TenantSecret,
            },
        };
        for _ in 0..ROUNDS {
            let (sealed, under) = self.seal(&ring, scope, id, 1, secret)?;
            match self.storage.insert(scope, row, &sealed, &under)? {
                Insertion::Done => {
                    self.storage.mark_decoy(scope, id)?;
                    self.record(Event {
                        action: if is_tenant_secret {
                            TenantStore::NAME
                        } else {
                            Store::NAME
                        },
                        outcome: Outcome::Ok,
                        tenant: Some(scope.tenant()),
                        credential: Some(id),
                        key: is_tenant_secret.then_some(name),
                        sqlstate: None,
                    })?;
                    return Ok(id);
                }
                Insertion::KeyMoved => self.keks.forget(scope.tenant(), under.generation),
                Insertion::KeyTaken => {
                    return Err(VaultError::InvalidArgument {
                        argument: "p_name",
                        rule: "The tenant has a secret of this key, and a decoy replaces none."
                            .to_owned(),
                    });
                }
            }
        }
        Err(VaultError::Internal(
            "the tenant key moved with every attempt to store",
        ))
    }

    fn made_up(&mut self, prefix: &str) -> Result<Vec<u8>, VaultError> {
        let mut value = prefix.as_bytes().to_vec();
        let whole = prefix.len() + RANDOM_CHARS;
        let fair = u8::MAX - u8::MAX % 62;
        while value.len() < whole {
            let mut random = [0; RANDOM_CHARS];
            self.entropy.fill(&mut random)?;
            let letters = random.iter().filter(|byte| **byte < fair);
            value.extend(letters.map(|byte| LETTERS[usize::from(byte % 62)]));
        }
        value.truncate(whole);
        Ok(value)
    }
}
