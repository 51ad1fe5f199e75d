//! Versions beside the current one, deletions, dates; and what is told of them. The settings that say how long things
//! are kept are read here.

use envelope::{Envelope, Header};
use vault::{
    CredentialId, Found, Instant, Kept, Lifecycle, Move, News, OneVersion, Pruned, Reason, Removed,
    Replaced, Restored, Scope, SecretKey, Seen, Span, TenantId, TenantKeyRow, VaultError,
    VersionEntry, VersionState, VersionStorage, WholeVault,
};

use super::{SpiStorage, current_row, fixed, tenant, unlike_installed};
use crate::config;
use crate::pg::clock::Timestamp;
use crate::pg::notify::notify;
use crate::pg::plan::Argument::{self, Bytes, Int, Interval, Null, Text, Uuid};
use crate::pg::plan::{Row, statement};
use crate::storage::wall;

statement!(
    VERSION,
    "../queries/version.sql",
    [UUIDOID, UUIDOID, INT4OID]
);
statement!(
    latest VERSION_NOW,
    "../queries/version.sql",
    [UUIDOID, UUIDOID, INT4OID]
);
statement!(
    latest KEPT_VERSIONS,
    "../queries/kept_versions.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    latest STAGE_VERSION,
    "../queries/stage_version.sql",
    [
        UUIDOID, UUIDOID, INT4OID, BYTEAOID, BYTEAOID, INT4OID, BYTEAOID, TEXTOID
    ]
);
statement!(
    latest MAKE_CURRENT,
    "../queries/make_current.sql",
    [
        UUIDOID, UUIDOID, INT4OID, INTERVALOID, TEXTOID, TEXTOID, INT4OID
    ]
);
statement!(
    LIST_VERSIONS,
    "../queries/list_versions.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    latest PRUNE_VERSIONS,
    "../queries/prune_versions.sql",
    [UUIDOID, UUIDOID, INT4OID]
);
statement!(
    PRUNE_ALL_VERSIONS,
    "../queries/prune_all_versions.sql",
    [INT4OID, INT4OID]
);
statement!(DESTROY_DUE, "../queries/destroy_due.sql", [INT4OID]);
statement!(FIND_LIVE, "../queries/find_live.sql", [UUIDOID, UUIDOID]);
statement!(
    FIND_DELETED,
    "../queries/find_deleted.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    FIND_TO_DATE,
    "../queries/find_to_date.sql",
    [UUIDOID, UUIDOID]
);
statement!(RESTORE, "../queries/restore.sql", [UUIDOID, UUIDOID]);
statement!(latest DESTROY, "../queries/destroy.sql", [UUIDOID, UUIDOID]);
statement!(
    SET_LIFECYCLE,
    "../queries/set_lifecycle.sql",
    [UUIDOID, UUIDOID, TIMESTAMPTZOID, INTERVALOID]
);
statement!(
    CLEAR_LIFECYCLE,
    "../queries/clear_lifecycle.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    DELETE_BY_ID,
    "../queries/delete_by_id.sql",
    [UUIDOID, UUIDOID, INTERVALOID, TEXTOID]
);
statement!(
    latest DELETE_LOCKED,
    "../queries/delete_by_id.sql",
    [UUIDOID, UUIDOID, INTERVALOID, TEXTOID]
);
statement!(
    DELETE_BY_KEY,
    "../queries/delete_by_key.sql",
    [UUIDOID, TEXTOID, INTERVALOID]
);

/// Fixed by contract: clients listen on it.
pub(super) const CHANNEL: &std::ffi::CStr = c"vault_credential_changed";

impl VersionStorage for SpiStorage {
    fn version(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        seen: Seen,
    ) -> Result<Option<OneVersion>, VaultError> {
        let _wall = wall::open(scope);
        let statement = match seen {
            Seen::Transaction => &VERSION,
            Seen::Latest => &VERSION_NOW,
        };
        let arguments = [tenant(scope), uuid(id), Int(version.cast_signed())];
        statement
            .first(&arguments, |row| {
                let state = match (row.text(5)?.as_str(), row.bool(6)?) {
                    ("current", _) => VersionState::Current,
                    ("pending", _) => VersionState::Pending,
                    (_, true) => VersionState::Open,
                    (_, false) => VersionState::Closed,
                };
                let sealed = current_row(&row)?;
                Some(OneVersion { state, sealed })
            })
            .map(unlike_installed)
            .transpose()
    }

    fn kept(&mut self, scope: &Scope, id: CredentialId) -> Result<Vec<Kept>, VaultError> {
        let _wall = wall::open(scope);
        KEPT_VERSIONS
            .all(&[tenant(scope), uuid(id)], |row| {
                Some(Kept {
                    version: row.int(1)?.cast_unsigned(),
                    pending: row.bool(2)?,
                })
            })
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn stage(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        sealed: &Envelope,
        under: &TenantKeyRow,
        reason: Option<&Reason<'_>>,
    ) -> Result<Replaced, VaultError> {
        let _wall = wall::open(scope);
        let staged = STAGE_VERSION.count(&[
            tenant(scope),
            uuid(id),
            Int(version.cast_signed()),
            Bytes(&sealed.wrapped_dek),
            Bytes(&sealed.ciphertext),
            Int(under.generation.cast_signed()),
            Bytes(&under.wrapped),
            text(reason),
        ]);
        Ok(match staged {
            1 => Replaced::Done { crowded: false },
            _ => Replaced::GroundMoved,
        })
    }

    fn make_current(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        why: Move<'_>,
    ) -> Result<Replaced, VaultError> {
        let _wall = wall::open(scope);
        let (act, span, reason) = match why {
            Move::Promote { overlap } => ("promote", overlap, None),
            Move::Rollback { reason } => ("rollback", None, reason),
        };
        let moved = MAKE_CURRENT.first(
            &[
                tenant(scope),
                uuid(id),
                Int(version.cast_signed()),
                overlap(span),
                Text(act),
                text(reason),
                Int(config::version_retention()),
            ],
            replaced,
        );
        Ok(moved.unwrap_or(Replaced::GroundMoved))
    }

    fn versions(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Vec<VersionEntry>, VaultError> {
        let _wall = wall::open(scope);
        LIST_VERSIONS
            .all(&[tenant(scope), uuid(id)], |row| entry(&row))
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn prune_versions(&mut self, scope: &Scope, id: CredentialId) -> Result<u32, VaultError> {
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), uuid(id), Int(config::version_retention())];
        let pruned = PRUNE_VERSIONS.first(&arguments, |row| row.int(1));
        Ok(pruned.flatten().unwrap_or(0).cast_unsigned())
    }

    fn find(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Found>, VaultError> {
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), uuid(id)];
        // A deletion or a restoring that was waited for has moved the row from one table to the other: look twice.
        for statement in [&FIND_LIVE, &FIND_DELETED, &FIND_LIVE] {
            if let Some(version) = statement.first(&arguments, |row| row.int(1)).flatten() {
                let version = version.cast_unsigned();
                return Ok(Some(Found { version }));
            }
        }
        Ok(None)
    }

    fn restore(&mut self, scope: &Scope, id: CredentialId) -> Result<Restored, VaultError> {
        if !self.hold_app_of_deleted(scope, id)? {
            return Ok(Restored::NotFound);
        }
        let _wall = wall::open(scope);
        let found = RESTORE.first(&[tenant(scope), uuid(id)], |row| (row.bool(1), row.int(2)));
        Ok(match found {
            Some((Some(true), Some(version))) => Restored::Done(version.cast_unsigned()),
            Some((Some(true), None)) => Restored::KeyTaken,
            _ => Restored::NotFound,
        })
    }

    fn destroy(&mut self, scope: &Scope, id: CredentialId) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        DESTROY.count(&[tenant(scope), uuid(id)]);
        Ok(())
    }

    fn prune(&mut self, whole: &WholeVault, limit: u32) -> Result<Vec<Pruned>, VaultError> {
        let _wall = wall::open_to_all(whole);
        let pruned = |row: Row<'_>, destroyed| {
            Some(Pruned {
                id: CredentialId::from_bytes(row.uuid(1)?),
                tenant: TenantId::from_bytes(row.uuid(2)?),
                versions: row.int(3)?.cast_unsigned(),
                destroyed,
            })
        };
        let mut all = DESTROY_DUE.all(&[Int(limit.cast_signed())], |row| pruned(row, true));
        let left = limit.saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
        let arguments = [Int(left.cast_signed()), Int(config::version_retention())];
        all.extend(PRUNE_ALL_VERSIONS.all(&arguments, |row| pruned(row, false)));
        all.into_iter().map(unlike_installed).collect()
    }

    fn set_lifecycle(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        lifecycle: Lifecycle,
    ) -> Result<bool, VaultError> {
        let _wall = wall::open(scope);
        let address = [tenant(scope), uuid(id)];
        if FIND_TO_DATE.count(&address) == 0 {
            return Ok(false);
        }
        match (lifecycle.expires_at, lifecycle.rotate_after) {
            (None, None) => CLEAR_LIFECYCLE.count(&address),
            (expires_at, rotate_after) => SET_LIFECYCLE.count(&[
                tenant(scope),
                uuid(id),
                expires_at.map_or(Null, |Instant(us)| Argument::Timestamp(Timestamp(us))),
                rotate_after.map_or(Null, interval),
            ]),
        };
        Ok(true)
    }

    fn announce(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        version: u32,
        news: News,
    ) -> Result<(), VaultError> {
        if config::notify() {
            let action = news.word();
            notify(
                CHANNEL,
                &format!(
                    r#"{{"id":"{id}","tenant_id":"{tenant}","version":{version},"action":"{action}"}}"#
                ),
            );
        }
        Ok(())
    }

    fn remove(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Removed>, VaultError> {
        if config::delete_window_s() == 0 {
            let locked = vault::Storage::lock(self, scope, id)?;
            return self.remove_for_good(scope, locked);
        }
        let _wall = wall::open(scope);
        let arguments = [
            tenant(scope),
            uuid(id),
            seconds(config::delete_window_s()),
            Text("c"),
        ];
        DELETE_BY_ID
            .first(&arguments, |row| removed(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn remove_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Removed>, VaultError> {
        if config::delete_window_s() == 0 {
            let locked = vault::Storage::lock_of_key(self, scope, key)?;
            return self.remove_for_good(scope, locked);
        }
        let _wall = wall::open(scope);
        let arguments = [
            tenant(scope),
            Text(key.as_str()),
            seconds(config::delete_window_s()),
        ];
        DELETE_BY_KEY
            .first(&arguments, |row| removed(&row))
            .map(unlike_installed)
            .transpose()
    }
}

impl SpiStorage {
    /// Of a row of this kind that the transaction holds, in the state in which it holds it.
    pub(super) fn remove_locked(
        &mut self,
        scope: &Scope,
        locked: Option<vault::Locked>,
        kind: &str,
    ) -> Result<Option<Removed>, VaultError> {
        let Some(vault::Locked { id, .. }) = locked else {
            return Ok(None);
        };
        if config::delete_window_s() == 0 {
            return self.remove_for_good(scope, locked);
        }
        let _wall = wall::open(scope);
        let window = seconds(config::delete_window_s());
        DELETE_LOCKED
            .first(&[tenant(scope), uuid(id), window, Text(kind)], |row| {
                removed(&row)
            })
            .map(unlike_installed)
            .transpose()
    }

    pub(super) fn remove_for_good(
        &mut self,
        scope: &Scope,
        locked: Option<vault::Locked>,
    ) -> Result<Option<Removed>, VaultError> {
        let Some(vault::Locked { id, version }) = locked else {
            return Ok(None);
        };
        self.destroy(scope, id)?;
        Ok(Some(Removed { id, version }))
    }
}

/// The answer of replace_credential.sql and make_current.sql.
pub(super) fn replaced(row: Row<'_>) -> Replaced {
    let crowded = row.bool(1).unwrap_or(false);
    Replaced::Done { crowded }
}

/// How long the former version stays open, where a caller does not say.
pub(super) fn overlap(span: Option<Span>) -> Argument<'static> {
    span.map_or_else(|| seconds(config::rotation_overlap_s()), interval)
}

pub(super) fn text<'a>(reason: Option<&'a Reason<'a>>) -> Argument<'a> {
    reason.map_or(Null, |reason| Text(reason.as_str()))
}

pub(super) fn interval(span: Span) -> Argument<'static> {
    Interval(span.months, span.days, span.us)
}

pub(super) fn seconds(seconds: i32) -> Argument<'static> {
    Interval(0, 0, i64::from(seconds) * 1_000_000)
}

pub(super) fn uuid(id: CredentialId) -> Argument<'static> {
    Uuid(*id.as_bytes())
}

pub(super) fn removed(row: &Row<'_>) -> Option<Removed> {
    Some(Removed {
        id: CredentialId::from_bytes(row.uuid(1)?),
        version: row.int(2)?.cast_unsigned(),
    })
}

fn entry(row: &Row<'_>) -> Option<VersionEntry> {
    let instant = |column| row.timestamp(column).map(|Timestamp(us)| Instant(us));
    let header = Header::parse(&fixed::<{ envelope::WRAPPED_DEK_BYTES }>(row, 8)?).ok()?;
    Some(VersionEntry {
        version: row.int(1)?.cast_unsigned(),
        state: match row.text(2)?.as_str() {
            "current" => "current",
            "pending" => "pending",
            _ => "previous",
        },
        sealed_at: instant(3)?,
        sealed_by: row.utf8(4),
        reason: row.utf8(5),
        replaced_at: instant(6),
        open_until: instant(7),
        key_generation: header.kek_generation,
    })
}
