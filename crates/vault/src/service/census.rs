//! Every sealed value in turn: does it open, and is it the one that somebody asks for? Nothing that is opened here
//! leaves the vault.

use envelope::{Header, KeyRing, Secret};

use super::Vault;
use crate::{
    Audit, CensusStorage, CredentialId, Current, Entropy, Event, FindByValue, KeyStorage, Permit,
    RootKeys, Scope, SealedVersion, Storage, TenantId, VaultError, VerifySecrets, VersionPlace,
    WholeVault,
};

/// Some rows of the census, judged.
#[derive(Debug, Default)]
pub struct Verified {
    pub opened: u64,
    pub failed: Vec<Failed>,
    /// Where to go on; `None`: that was the last.
    pub next: Option<VersionPlace>,
}

/// A version that does not open.
#[derive(Debug, PartialEq, Eq)]
pub struct Failed {
    pub place: VersionPlace,
    pub cause: String,
    /// The keys that it names.
    pub needs: String,
    /// Whether an administrator wanted that: the tenant is locked, or its keys are destroyed.
    pub is_intended: bool,
}

/// Why a version does not open.
struct Closed {
    cause: String,
    is_intended: bool,
}

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + CensusStorage,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Records that a census begins, which [`Vault::verify_some`] then takes.
    pub fn verify_secrets(&mut self, permit: Permit<VerifySecrets>) -> Result<(), VaultError> {
        self.ring()?;
        self.record(Event::done(&permit))
    }

    /// The next rows after a place, or the first ones. A row that does not open stops nothing.
    pub fn verify_some(
        &mut self,
        all: &WholeVault,
        after: Option<&VersionPlace>,
    ) -> Result<Verified, VaultError> {
        let ring = self.ring()?;
        let rows = self.storage.sealed_after(all, after)?;
        let mut verified = Verified {
            next: rows.last().map(|row| row.place.clone()),
            ..Verified::default()
        };
        for row in rows {
            match self.examine(&ring, &row)? {
                Ok(_) => verified.opened += 1,
                Err(closed) => verified.failed.push(Failed {
                    needs: self.needs(&row)?,
                    place: row.place,
                    cause: closed.cause,
                    is_intended: closed.is_intended,
                }),
            }
        }
        Ok(verified)
    }

    /// Places behind which [`Vault::verify_some`] finds a sample: in each table its first rows, some anywhere, and some of
    /// the platform's, whose ids begin alike.
    pub fn sample(&mut self) -> Result<Vec<VersionPlace>, VaultError> {
        let mut places = Vec::new();
        for state in ["current", "previous", "deleted"] {
            let (mut anywhere, mut of_platform) = ([0; 16], [0; 16]);
            self.entropy.fill(&mut anywhere)?;
            self.entropy.fill(&mut of_platform[4..])?;
            places.extend([[0; 16], anywhere, of_platform].map(|id| VersionPlace {
                tenant: TenantId::PLATFORM,
                credential: CredentialId::from_bytes(id),
                version: 0,
                state: state.to_owned(),
                name: None,
            }));
        }
        Ok(places)
    }

    /// The places of every version whose secret is `value`. Opens all there is: the vault keeps no fingerprints of
    /// values, by which a thief of disks could tell which are alike.
    pub fn find_by_value(
        &mut self,
        permit: Permit<FindByValue>,
        all: &WholeVault,
        value: &[u8],
    ) -> Result<Vec<VersionPlace>, VaultError> {
        let ring = self.ring()?;
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let rows = self.storage.sealed_after(all, after.as_ref())?;
            let Some(last) = rows.last() else { break };
            after = Some(last.place.clone());
            for row in rows {
                if self
                    .examine(&ring, &row)?
                    .is_ok_and(|secret| secret.is(value))
                {
                    found.push(row.place);
                }
            }
        }
        self.record(Event::done(&permit))?;
        Ok(found)
    }

    /// The secret, or why there is none, in words without any of it.
    fn examine(
        &mut self,
        ring: &KeyRing,
        row: &SealedVersion,
    ) -> Result<Result<Secret, Closed>, VaultError> {
        let closed = |cause| Closed {
            cause,
            is_intended: false,
        };
        let scope = Scope::of(row.place.tenant);
        let Ok(wrapped_dek) = row.wrapped_dek.as_slice().try_into() else {
            return Ok(Err(closed("the envelope is malformed".to_owned())));
        };
        let Ok(header) = Header::parse(&row.wrapped_dek) else {
            return Ok(Err(closed("the envelope is malformed".to_owned())));
        };
        let generation = header.kek_generation;
        let current = Current {
            id: row.place.credential,
            version: row.place.version,
            wrapped_dek,
            ciphertext: row.ciphertext.clone(),
        };
        let cause = match self.open(ring, &scope, &current) {
            Ok(secret) => return Ok(Ok(secret)),
            Err(VaultError::TenantKeyUnusable { state }) => {
                return Ok(Err(Closed {
                    cause: format!("generation {generation} of the tenant's key is {state}"),
                    is_intended: state == "destroyed",
                }));
            }
            Err(error @ VaultError::TenantLocked) => {
                return Ok(Err(Closed {
                    cause: error.to_string(),
                    is_intended: true,
                }));
            }
            Err(VaultError::Corrupted) => match self.storage.key(&scope, generation)? {
                None => format!("the tenant's key has no generation {generation}"),
                Some(key) if self.unwraps(ring, &scope, &key) => {
                    "the value was altered, or moved here from another row".to_owned()
                }
                Some(_) => format!("generation {generation} of the tenant's key was altered"),
            },
            Err(error @ VaultError::RootKeyMissing { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        Ok(Err(closed(cause)))
    }

    /// The keys that an envelope names, as far as it can be read.
    fn needs(&mut self, row: &SealedVersion) -> Result<String, VaultError> {
        let Ok(header) = Header::parse(&row.wrapped_dek) else {
            return Ok("unknown".to_owned());
        };
        let generation = header.kek_generation;
        let scope = Scope::of(row.place.tenant);
        Ok(match self.storage.key(&scope, generation)? {
            Some(key) => format!(
                "tenant key generation {generation} under root key {}",
                key.root
            ),
            None => format!("tenant key generation {generation}"),
        })
    }

    fn unwraps(&self, ring: &KeyRing, scope: &Scope, key: &crate::TenantKeyRow) -> bool {
        ring.by_fingerprint(&key.root).is_some_and(|root| {
            root.unwrap(scope.tenant().as_bytes(), key.generation, &key.wrapped)
                .is_ok()
        })
    }
}
