//! Rotation of tenants' keys: a new generation, and the move of values to it; and the steps of a run of either rotation.
//!
//! A value's DEK is wrapped anew, its ciphertext stays byte for byte. Both generations open throughout.

use std::collections::HashMap;
use std::rc::Rc;

use envelope::{Binding, Fingerprint, Header, KeyRing, TenantKek, WRAPPED_DEK_BYTES};

use super::{ROUNDS, Vault};
use crate::rotation::is_usable;
use crate::service::root_rotation::id_of;
use crate::{
    Audit, Entropy, Event, HeldDek, KeyAdministration, KeyStorage, LeftBehind, Permit, Phase,
    Place, RewrapCredentials, RewrapTenantKeys, Rewrapped, RootKeys, RotateTenantKey, Run, RunId,
    RunKind, Scope, Storage, TenantId, TenantKeyRow, TenantTag, ValueMark, VaultError, WholeVault,
    Whose,
};

/// Generations of tenants' keys, unwrapped for one batch. `None`: out of use, or does not open.
type BatchKeks = HashMap<(TenantId, u32), Option<Rc<TenantKek>>>;

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + KeyAdministration,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// A new generation of a tenant's key: it seals from now on; the former one goes on opening.
    ///
    /// - returns: the new generation.
    /// - errors: [`VaultError::UnknownTenant`]; [`VaultError::TenantKeyUnusable`] where all generations are destroyed.
    pub fn rotate_tenant_key(
        &mut self,
        permit: Permit<RotateTenantKey>,
    ) -> Result<u32, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        // The root key's row comes before any of a tenant's, for everybody.
        self.active_root(&ring)?;
        if !self.storage.hold_tenant(scope)? {
            return Err(VaultError::UnknownTenant);
        }
        self.storage.begin_keys()?;
        let root = self.active_root(&ring)?;
        for _ in 0..ROUNDS {
            let last = self.storage.last_generation(scope)?;
            if last.is_some() && self.storage.primary_key(scope)?.is_none() {
                return Err(VaultError::TenantKeyUnusable {
                    state: "without a primary generation".to_owned(),
                });
            }
            let generation = last
                .unwrap_or(0)
                .checked_add(1)
                .ok_or(VaultError::Internal("generations are exhausted"))?;
            self.storage.demote_primary(scope)?;
            let kek = self.fresh_key()?;
            let nonce = self.fresh_nonce()?;
            let row = TenantKeyRow {
                generation,
                state: "primary".to_owned(),
                locked: false,
                root: root.fingerprint(),
                wrapped: root.wrap(scope.tenant().as_bytes(), generation, &kek, nonce),
            };
            // Not so only where the tenant's first key comes into being at the same time.
            if self.storage.insert_key(scope, &row)? {
                self.unborn_keys = true;
                self.keks.clear();
                self.record(Event::done(&permit))?;
                return Ok(generation);
            }
        }
        Err(VaultError::Internal(
            "the tenant's key changed with every attempt to rotate it",
        ))
    }

    /// Notes a run that is to move values to the primary generations of their tenants' keys.
    ///
    /// - `tenant`: `None` stands for every tenant.
    /// - errors: [`VaultError::UnknownTenant`], [`VaultError::TenantLocked`].
    pub fn begin_rewrap(
        &mut self,
        all: &WholeVault,
        tenant: Option<TenantId>,
    ) -> Result<RunId, VaultError> {
        self.ring()?;
        if let Some(tenant) = tenant
            && self.storage.is_locked(&all.scope(tenant))?
        {
            return Err(VaultError::TenantLocked);
        }
        let whose = self.whose(all, tenant)?;
        let total = self.storage.count_values_elsewhere(all, whose)?;
        let run = self
            .storage
            .begin_run(&RunKind::Credentials(tenant), total)?;
        self.record(Event::of::<RewrapCredentials>(tenant, None))?;
        Ok(run)
    }

    /// One batch of a run. To be called, each time in a transaction of its own, until the run is finished.
    ///
    /// - returns: the phase that the run is in now, and what this batch moved.
    /// - errors: [`VaultError::NoSuchRun`]; [`VaultError::RootKeyInUse`] where another root key was activated since.
    pub fn continue_run(
        &mut self,
        all: &WholeVault,
        id: RunId,
        limit: u32,
    ) -> Result<(Phase, Rewrapped), VaultError> {
        let ring = self.ring()?;
        let mut run = self.storage.run(id)?.ok_or(VaultError::NoSuchRun)?;
        let step = match run.kind.clone() {
            RunKind::RootKey(key, fingerprint) => {
                self.continue_root(all, &ring, &mut run, &key, fingerprint, limit)?
            }
            RunKind::Credentials(tenant) => {
                self.continue_values(all, &ring, &mut run, tenant, limit)?
            }
        };
        run.done += step.count;
        run.moved += step.count;
        self.storage.advance_run(&run)?;
        self.record(match &run.kind {
            RunKind::RootKey(_, fingerprint) => {
                Event::of::<RewrapTenantKeys>(None, id_of(&ring, *fingerprint))
            }
            RunKind::Credentials(tenant) => Event::of::<RewrapCredentials>(*tenant, None),
        })?;
        Ok((run.phase, step))
    }

    fn continue_root(
        &mut self,
        all: &WholeVault,
        ring: &Rc<KeyRing>,
        run: &mut Run,
        id: &str,
        to: Fingerprint,
        limit: u32,
    ) -> Result<Rewrapped, VaultError> {
        let waited = run.phase == Phase::Waiting;
        if waited {
            self.storage.await_key_writers()?;
        }
        self.storage.begin_keys()?;
        if self.active_root(ring)?.fingerprint() != to {
            return Err(VaultError::RootKeyInUse {
                id: id.to_owned(),
                problem: "is no longer the active one".to_owned(),
                hint: "Another session has activated another key; vault.root_keys says which.",
            });
        }
        let step = self.move_keys(all, ring, to, limit)?;
        run.failed = step.left.len() as u64;
        run.phase = if step.count > 0 {
            Phase::Rewrapping
        } else if !waited || self.storage.count_keys_elsewhere(all, to)? > run.failed {
            Phase::Waiting
        } else {
            Phase::Finished
        };
        Ok(step)
    }

    fn continue_values(
        &mut self,
        all: &WholeVault,
        ring: &KeyRing,
        run: &mut Run,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Rewrapped, VaultError> {
        let whose = self.whose(all, tenant)?;
        if run.phase == Phase::Waiting {
            self.storage.await_value_writers()?;
        }
        self.storage.begin_write()?;
        if run.phase == Phase::Waiting {
            let left = self.storage.count_values_elsewhere(all, whose)?;
            // What was passed over last time, and nothing else: another pass would find the same.
            if left == 0 || run.moved == 0 && left <= run.failed {
                run.phase = Phase::Finished;
                return Ok(Rewrapped::default());
            }
            *run = Run {
                phase: Phase::Rewrapping,
                place: 0,
                mark: ValueMark::start(),
                moved: 0,
                failed: 0,
                ..run.clone()
            };
        }
        while let Some(place) = Place::ALL.get(run.place) {
            let held = self
                .storage
                .hold_values(all, *place, whose, run.mark, limit)?;
            if let Some(last) = held.last() {
                run.mark = last.mark;
                let step = self.move_values(all, ring, *place, held)?;
                run.failed += step.left.len() as u64;
                return Ok(step);
            }
            run.place += 1;
            run.mark = ValueMark::start();
        }
        run.phase = Phase::Waiting;
        Ok(Rewrapped::default())
    }

    fn move_values(
        &mut self,
        all: &WholeVault,
        ring: &KeyRing,
        place: Place,
        held: Vec<HeldDek>,
    ) -> Result<Rewrapped, VaultError> {
        let mut answer = Rewrapped::default();
        let mut keks = BatchKeks::new();
        let mut primaries = HashMap::new();
        let mut rewrapped = Vec::with_capacity(held.len());
        for value in held {
            let mark = value.mark;
            let scope = all.scope(mark.tenant);
            let to = match primaries.get(&mark.tenant) {
                Some(to) => *to,
                None => {
                    let to = self.primary_of(ring, &scope, &mut keks)?;
                    primaries.insert(mark.tenant, to);
                    to
                }
            };
            match self.rewrap_value(ring, &scope, &mut keks, to, &value)? {
                Some(wrapped) => rewrapped.push((mark, wrapped)),
                None => answer.left.push(LeftBehind {
                    tenant: mark.tenant,
                    generation: Header::parse(&value.wrapped_dek)
                        .map_or(0, |header| header.kek_generation),
                    credential: Some(mark.id),
                }),
            }
        }
        let put = self.storage.put_values(all, place, &rewrapped)?;
        if put != rewrapped.len() {
            return Err(VaultError::Internal("a held value changed"));
        }
        answer.count = put as u64;
        Ok(answer)
    }

    /// `None`: it does not open, or its tenant is locked, or the generation it needs is out of use.
    fn rewrap_value(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        keks: &mut BatchKeks,
        to: Option<u32>,
        value: &HeldDek,
    ) -> Result<Option<[u8; WRAPPED_DEK_BYTES]>, VaultError> {
        let tenant = scope.tenant();
        let (Some(to), Ok(header)) = (to, Header::parse(&value.wrapped_dek)) else {
            return Ok(None);
        };
        let from = header.kek_generation;
        if !keks.contains_key(&(tenant, from)) {
            let row = self.storage.key(scope, from)?;
            keks.insert(
                (tenant, from),
                row.and_then(|row| ready(ring, tenant, &row)),
            );
        }
        let (Some(Some(from)), Some(Some(to))) =
            (keks.get(&(tenant, from)), keks.get(&(tenant, to)))
        else {
            return Ok(None);
        };
        let binding = Binding {
            tenant: *tenant.as_bytes(),
            credential: *value.mark.id.as_bytes(),
            version: value.mark.version,
        };
        Ok(from.rewrap(to, &binding, &value.wrapped_dek).ok())
    }

    fn primary_of(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        keks: &mut BatchKeks,
    ) -> Result<Option<u32>, VaultError> {
        let Some(row) = self.storage.primary_key(scope)? else {
            return Ok(None);
        };
        keks.insert(
            (scope.tenant(), row.generation),
            ready(ring, scope.tenant(), &row),
        );
        Ok(Some(row.generation))
    }

    fn whose(&mut self, all: &WholeVault, tenant: Option<TenantId>) -> Result<Whose, VaultError> {
        let Some(tenant) = tenant else {
            return Ok(Whose::Everybody);
        };
        if tenant == TenantId::PLATFORM {
            return Ok(Whose::Tenant(tenant, TenantTag::PLATFORM));
        }
        let tag = self
            .storage
            .tag(&all.scope(tenant))?
            .ok_or(VaultError::UnknownTenant)?;
        Ok(Whose::Tenant(tenant, tag))
    }
}

fn ready(ring: &KeyRing, tenant: TenantId, row: &TenantKeyRow) -> Option<Rc<TenantKek>> {
    if row.locked || !is_usable(row) {
        return None;
    }
    let root = ring.by_fingerprint(&row.root)?;
    let kek = root
        .unwrap(tenant.as_bytes(), row.generation, &row.wrapped)
        .ok()?;
    Some(Rc::new(TenantKek::new(&kek, row.generation)))
}
