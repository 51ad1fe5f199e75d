//! The rotation of keys, over all tenants. Statements that name no tenant run behind a wall that is open to all, which
//! takes a [`WholeVault`].

use envelope::{Fingerprint, WRAPPED_DEK_BYTES, WRAPPED_KEK_BYTES};
use vault::{
    CredentialId, HeldDek, HeldKey, KeptChainKey, KeyAdministration, KeyMark, Phase, Place,
    RootRow, RootState, Run, RunId, RunKind, Scope, TenantId, ValueMark, VaultError, WholeVault,
    Whose,
};

use super::{SpiStorage, fixed, tenant, unlike_installed};
use crate::pg::plan::Argument::{Bytes, BytesMany, Int, IntMany, Long, Null, Text, Uuid, UuidMany};
use crate::pg::plan::{Argument, Row, Statement, statement};
use crate::pg::{relation, transaction};
use crate::storage::wall;

statement!(latest ROOT_KEYS, "../queries/root_keys.sql", []);
statement!(latest PUT_ROOT, "../queries/put_root.sql", [BYTEAOID, TEXTOID, TEXTOID]);
statement!(latest COUNT_KEYS_UNDER, "../queries/count_keys_under.sql", [BYTEAOID]);
statement!(much COUNT_KEYS_ELSEWHERE, "../queries/count_keys_elsewhere.sql", [BYTEAOID]);
statement!(
    locking HOLD_KEYS,
    "../queries/hold_keys.sql",
    [BYTEAOID, UUIDOID, INT4OID, BYTEAOID, INT8OID]
);
statement!(
    latest PUT_KEYS,
    "../queries/put_keys.sql",
    [BYTEAOID, UUIDARRAYOID, INT4ARRAYOID, BYTEAARRAYOID]
);
statement!(locking HOLD_TENANT, "../queries/hold_tenant.sql", [UUIDOID]);
statement!(latest LAST_GENERATION, "../queries/last_generation.sql", [UUIDOID]);
statement!(locking LOCK_PRIMARY, "../queries/lock_primary.sql", [UUIDOID]);
statement!(latest DEMOTE_PRIMARY, "../queries/demote_primary.sql", [UUIDOID]);
statement!(much COUNT_VALUES_ELSEWHERE, "../queries/count_values_elsewhere.sql", []);
statement!(
    latest COUNT_VALUES_OF_TENANT_ELSEWHERE,
    "../queries/count_values_of_tenant_elsewhere.sql",
    [UUIDOID, UUIDOID, UUIDOID]
);
statement!(
    locking HOLD_CURRENT_VALUES,
    "../queries/hold_current_values.sql",
    [UUIDOID, UUIDOID, INT4OID, UUIDOID, UUIDOID, UUIDOID, INT8OID]
);
statement!(
    locking HOLD_EARLIER_VALUES,
    "../queries/hold_earlier_values.sql",
    [UUIDOID, UUIDOID, INT4OID, UUIDOID, UUIDOID, UUIDOID, INT8OID]
);
statement!(
    locking HOLD_DELETED_VALUES,
    "../queries/hold_deleted_values.sql",
    [UUIDOID, UUIDOID, INT4OID, UUIDOID, UUIDOID, UUIDOID, INT8OID]
);
statement!(
    latest PUT_CURRENT_VALUES,
    "../queries/put_current_values.sql",
    [UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, BYTEAARRAYOID]
);
statement!(
    latest PUT_EARLIER_VALUES,
    "../queries/put_earlier_values.sql",
    [UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, BYTEAARRAYOID]
);
statement!(
    latest PUT_DELETED_VALUES,
    "../queries/put_deleted_values.sql",
    [UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, BYTEAARRAYOID]
);
statement!(latest KEPT_CHAIN_KEYS, "../queries/kept_chain_keys.sql", []);
statement!(
    latest PUT_CHAIN_KEY,
    "../queries/put_chain_key.sql",
    [BYTEAOID, BYTEAOID, BYTEAOID]
);
statement!(latest CLOSE_ABANDONED_RUNS, "../queries/close_abandoned_runs.sql", []);
statement!(
    latest BEGIN_RUN,
    "../queries/begin_run.sql",
    [TEXTOID, TEXTOID, BYTEAOID, UUIDOID, INT8OID]
);
statement!(latest HAS_UNFINISHED_RUN, "../queries/has_unfinished_run.sql", [BYTEAOID]);
statement!(locking RUN, "../queries/run.sql", [UUIDOID]);
statement!(
    latest ADVANCE_RUN,
    "../queries/advance_run.sql",
    [
        UUIDOID, TEXTOID, INT4OID, UUIDOID, UUIDOID, INT4OID, INT8OID, INT8OID, INT8OID
    ]
);

/// Behind every fingerprint, which has 16 bytes.
const BEHIND_ALL: [u8; 17] = [0xff; 17];

/// What holds and puts the values of a place.
fn statements(place: Place) -> (&'static Statement, &'static Statement) {
    match place {
        Place::Current => (&HOLD_CURRENT_VALUES, &PUT_CURRENT_VALUES),
        Place::Earlier => (&HOLD_EARLIER_VALUES, &PUT_EARLIER_VALUES),
        Place::Deleted => (&HOLD_DELETED_VALUES, &PUT_DELETED_VALUES),
    }
}

impl KeyAdministration for SpiStorage {
    fn order_root_keys(&mut self) -> Result<(), VaultError> {
        relation::lock_out_writers(relation::table(c"vault", c"root_key_states"));
        Ok(())
    }

    fn roots(&mut self) -> Result<Vec<RootRow>, VaultError> {
        let root = |row: Row<'_>| {
            Some(RootRow {
                fingerprint: Fingerprint::from_bytes(fixed(&row, 1)?),
                id: row.text(2)?,
                state: RootState::of_word(&row.text(3)?)?,
                stamp: row.text(4)?,
            })
        };
        ROOT_KEYS
            .all(&[], root)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn put_root(
        &mut self,
        id: &str,
        fingerprint: Fingerprint,
        state: RootState,
    ) -> Result<(), VaultError> {
        PUT_ROOT.count(&[Bytes(fingerprint.as_bytes()), Text(id), Text(state.word())]);
        Ok(())
    }

    fn has_written(&mut self) -> Result<bool, VaultError> {
        Ok(transaction::id_if_any().is_some())
    }

    fn await_key_writers(&mut self) -> Result<(), VaultError> {
        relation::await_writers(relation::table(c"vault", c"wrapped_tenant_keys"));
        Ok(())
    }

    fn await_value_writers(&mut self) -> Result<(), VaultError> {
        relation::await_writers(relation::table(c"vault", c"credentials"));
        Ok(())
    }

    fn count_keys_under(&mut self, all: &WholeVault, root: Fingerprint) -> Result<u64, VaultError> {
        let _wall = wall::open_to_all(all);
        Ok(counted(&COUNT_KEYS_UNDER, &[Bytes(root.as_bytes())]))
    }

    fn count_keys_elsewhere(
        &mut self,
        all: &WholeVault,
        root: Fingerprint,
    ) -> Result<u64, VaultError> {
        let _wall = wall::open_to_all(all);
        Ok(counted(&COUNT_KEYS_ELSEWHERE, &[Bytes(root.as_bytes())]))
    }

    fn hold_keys(
        &mut self,
        all: &WholeVault,
        after: KeyMark,
        before: Option<Fingerprint>,
        limit: u32,
    ) -> Result<Vec<HeldKey>, VaultError> {
        let _wall = wall::open_to_all(all);
        let held = |row: Row<'_>| {
            Some(HeldKey {
                tenant: TenantId::from_bytes(row.uuid(1)?),
                generation: row.int(2)?.cast_unsigned(),
                root: Fingerprint::from_bytes(fixed(&row, 3)?),
                wrapped: fixed(&row, 4)?,
            })
        };
        let before = before
            .as_ref()
            .map_or(&BEHIND_ALL[..], |root| root.as_bytes());
        HOLD_KEYS
            .all(
                &[
                    Bytes(&after.root),
                    Uuid(*after.tenant.as_bytes()),
                    Int(after.generation.cast_signed()),
                    Bytes(before),
                    Long(limit.into()),
                ],
                held,
            )
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn put_keys(
        &mut self,
        all: &WholeVault,
        root: Fingerprint,
        keys: &[(HeldKey, [u8; WRAPPED_KEK_BYTES])],
    ) -> Result<usize, VaultError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let _wall = wall::open_to_all(all);
        let tenants: Vec<[u8; 16]> = keys.iter().map(|(key, _)| *key.tenant.as_bytes()).collect();
        let generations: Vec<i32> = keys
            .iter()
            .map(|(key, _)| key.generation.cast_signed())
            .collect();
        let wrapped: Vec<&[u8]> = keys.iter().map(|(_, wrapped)| &wrapped[..]).collect();
        Ok(PUT_KEYS.count(&[
            Bytes(root.as_bytes()),
            UuidMany(&tenants),
            IntMany(&generations),
            BytesMany(&wrapped),
        ]))
    }

    fn hold_tenant(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        Ok(HOLD_TENANT.count(&[tenant(scope)]) == 1)
    }

    fn last_generation(&mut self, scope: &Scope) -> Result<Option<u32>, VaultError> {
        let _wall = wall::open(scope);
        let last = LAST_GENERATION.first(&[tenant(scope)], |row| row.int(1));
        Ok(last.flatten().map(i32::cast_unsigned))
    }

    fn demote_primary(&mut self, scope: &Scope) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        // Locked first: the row may be one that somebody is wrapping anew.
        LOCK_PRIMARY.count(&[tenant(scope)]);
        DEMOTE_PRIMARY.count(&[tenant(scope)]);
        Ok(())
    }

    fn count_values_elsewhere(
        &mut self,
        all: &WholeVault,
        whose: Whose,
    ) -> Result<u64, VaultError> {
        let _wall = wall::open_to_all(all);
        let range = Range::of(whose);
        Ok(match whose {
            Whose::Everybody => counted(&COUNT_VALUES_ELSEWHERE, &[]),
            Whose::Tenant(tenant, _) => counted(
                &COUNT_VALUES_OF_TENANT_ELSEWHERE,
                &[
                    Uuid(*tenant.as_bytes()),
                    Uuid(range.first_id),
                    Uuid(range.last_id),
                ],
            ),
        })
    }

    fn hold_values(
        &mut self,
        all: &WholeVault,
        place: Place,
        whose: Whose,
        after: ValueMark,
        limit: u32,
    ) -> Result<Vec<HeldDek>, VaultError> {
        let _wall = wall::open_to_all(all);
        let range = Range::of(whose);
        let held = |row: Row<'_>| {
            Some(HeldDek {
                mark: ValueMark {
                    id: CredentialId::from_bytes(row.uuid(1)?),
                    tenant: TenantId::from_bytes(row.uuid(2)?),
                    version: row.int(3)?.cast_unsigned(),
                },
                wrapped_dek: row.bytes(4, <[u8]>::to_vec)?,
            })
        };
        // The index is read from here on, and not from its beginning.
        let first = ValueMark {
            id: CredentialId::from_bytes(range.first_id),
            ..ValueMark::start()
        };
        let after = after.max(first);
        let (hold, _) = statements(place);
        hold.all(
            &[
                Uuid(*after.id.as_bytes()),
                Uuid(*after.tenant.as_bytes()),
                Int(after.version.cast_signed()),
                Uuid(range.last_id),
                Uuid(range.first_tenant),
                Uuid(range.last_tenant),
                Long(limit.into()),
            ],
            held,
        )
        .into_iter()
        .map(unlike_installed)
        .collect()
    }

    fn put_values(
        &mut self,
        all: &WholeVault,
        place: Place,
        values: &[(ValueMark, [u8; WRAPPED_DEK_BYTES])],
    ) -> Result<usize, VaultError> {
        if values.is_empty() {
            return Ok(0);
        }
        let _wall = wall::open_to_all(all);
        let ids: Vec<[u8; 16]> = values.iter().map(|(mark, _)| *mark.id.as_bytes()).collect();
        let tenants: Vec<[u8; 16]> = values
            .iter()
            .map(|(mark, _)| *mark.tenant.as_bytes())
            .collect();
        let versions: Vec<i32> = values
            .iter()
            .map(|(mark, _)| mark.version.cast_signed())
            .collect();
        let wrapped: Vec<&[u8]> = values.iter().map(|(_, wrapped)| &wrapped[..]).collect();
        let (_, put) = statements(place);
        Ok(put.count(&[
            UuidMany(&ids),
            UuidMany(&tenants),
            IntMany(&versions),
            BytesMany(&wrapped),
        ]))
    }

    fn kept_chain_keys(&mut self) -> Result<Vec<KeptChainKey>, VaultError> {
        let key = |row: Row<'_>| {
            Some(KeptChainKey {
                of: Fingerprint::from_bytes(fixed(&row, 1)?),
                wrapped_by: Fingerprint::from_bytes(fixed(&row, 2)?),
                wrapped: fixed(&row, 3)?,
            })
        };
        KEPT_CHAIN_KEYS
            .all(&[], key)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn put_chain_key(&mut self, key: &KeptChainKey) -> Result<(), VaultError> {
        PUT_CHAIN_KEY.count(&[
            Bytes(key.of.as_bytes()),
            Bytes(key.wrapped_by.as_bytes()),
            Bytes(&key.wrapped),
        ]);
        Ok(())
    }

    fn begin_run(&mut self, kind: &RunKind, total: u64) -> Result<RunId, VaultError> {
        CLOSE_ABANDONED_RUNS.count(&[]);
        let total = Long(total.cast_signed());
        let id = match kind {
            RunKind::RootKey(id, root) => BEGIN_RUN.first(
                &[
                    Text("root_key"),
                    Text(id),
                    Bytes(root.as_bytes()),
                    Null,
                    total,
                ],
                |row| row.uuid(1),
            ),
            RunKind::Credentials(tenant) => BEGIN_RUN.first(
                &[
                    Text("credentials"),
                    Null,
                    Null,
                    tenant.map_or(Null, |tenant| Uuid(*tenant.as_bytes())),
                    total,
                ],
                |row| row.uuid(1),
            ),
        };
        id.flatten()
            .ok_or(VaultError::Internal("a run was not noted"))
    }

    fn has_unfinished_run(&mut self, root: Fingerprint) -> Result<bool, VaultError> {
        let found = HAS_UNFINISHED_RUN.first(&[Bytes(root.as_bytes())], |row| row.bool(1));
        Ok(found.flatten().unwrap_or(false))
    }

    fn run(&mut self, id: RunId) -> Result<Option<Run>, VaultError> {
        let run = |row: Row<'_>| {
            Some(Run {
                id,
                kind: match row.text(1) {
                    Some(key) => RunKind::RootKey(key, Fingerprint::from_bytes(fixed(&row, 2)?)),
                    None => RunKind::Credentials(row.uuid(3).map(TenantId::from_bytes)),
                },
                phase: Phase::of_word(&row.text(4)?)?,
                place: usize::try_from(row.int(5)?).ok()?,
                mark: ValueMark {
                    id: CredentialId::from_bytes(row.uuid(6)?),
                    tenant: TenantId::from_bytes(row.uuid(7)?),
                    version: row.int(8)?.cast_unsigned(),
                },
                done: row.long(9)?.cast_unsigned(),
                moved: row.long(10)?.cast_unsigned(),
                failed: row.long(11)?.cast_unsigned(),
            })
        };
        RUN.first(&[Uuid(id)], run)
            .map(unlike_installed)
            .transpose()
    }

    fn advance_run(&mut self, run: &Run) -> Result<(), VaultError> {
        ADVANCE_RUN.count(&[
            Uuid(run.id),
            Text(run.phase.word()),
            Int(i32::try_from(run.place).unwrap_or(i32::MAX)),
            Uuid(*run.mark.id.as_bytes()),
            Uuid(*run.mark.tenant.as_bytes()),
            Int(run.mark.version.cast_signed()),
            Long(run.done.cast_signed()),
            Long(run.moved.cast_signed()),
            Long(run.failed.cast_signed()),
        ]);
        Ok(())
    }
}

/// Ids and tenants between which values stand.
struct Range {
    first_id: [u8; 16],
    last_id: [u8; 16],
    first_tenant: [u8; 16],
    last_tenant: [u8; 16],
}

impl Range {
    fn of(whose: Whose) -> Self {
        let (mut first_id, mut last_id) = ([0; 16], [0xff; 16]);
        let (first_tenant, last_tenant) = match whose {
            Whose::Everybody => ([0; 16], [0xff; 16]),
            Whose::Tenant(tenant, tag) => {
                first_id[..4].copy_from_slice(&tag.0.to_be_bytes());
                last_id[..4].copy_from_slice(&tag.0.to_be_bytes());
                (*tenant.as_bytes(), *tenant.as_bytes())
            }
        };
        Self {
            first_id,
            last_id,
            first_tenant,
            last_tenant,
        }
    }
}

fn counted(statement: &Statement, arguments: &[Argument<'_>]) -> u64 {
    let count = statement.first(arguments, |row| row.long(1));
    count.flatten().map_or(0, i64::cast_unsigned)
}
