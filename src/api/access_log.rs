//! The access log itself: `vault.verify_access_log`, `vault.checkpoint_access_log`, `vault.prune_access_log`,
//! `vault.export_access_log`.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::iter::TableIterator;
use pgrx::{name, pg_extern};
use vault::{CheckpointAccessLog, ExportAccessLog, PruneAccessLog, VaultError, VerifyAccessLog};

use super::argument::{optional_text, required, span};
use super::door::answer;
use crate::audit::{self, Verdict};
use crate::pg::report;
use crate::{policy, session};

#[pg_extern(sql = false)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the columns from the signature"
)]
fn verify_access_log(
    p_from: Option<i64>,
    p_to: Option<i64>,
) -> TableIterator<
    'static,
    (
        name!(intact, bool),
        name!(first_seq, i64),
        name!(last_seq, i64),
        name!(records, i64),
        name!(unkeyed, i64),
        name!(checkpoints, i64),
        name!(broken_at, Option<i64>),
        name!(kind, Option<String>),
        name!(detail, Option<String>),
    ),
> {
    let Verdict {
        first_seq,
        summary,
        broken,
    } = answer::<VerifyAccessLog, _>(|_| {
        let (from, to) = (number(p_from, "p_from")?, number(p_to, "p_to")?);
        let all = policy::for_administration();
        let keys = session::vault(|vault| {
            vault.access_log_action::<VerifyAccessLog>(&all, None)?;
            vault.chain_keys(&all)
        })?;
        Ok(audit::verify(&audit::keys(&keys), from, to))
    });
    TableIterator::once((
        broken.is_none(),
        first_seq.cast_signed(),
        summary.last.seq.cast_signed(),
        summary.records.cast_signed(),
        summary.unkeyed.cast_signed(),
        summary.checkpoints.cast_signed(),
        broken.as_ref().map(|wrong| wrong.at),
        broken.as_ref().map(|wrong| wrong.kind.to_owned()),
        broken.map(|wrong| wrong.what),
    ))
}

#[pg_extern(sql = false)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the columns from the signature"
)]
fn checkpoint_access_log() -> TableIterator<
    'static,
    (
        name!(seq, i64),
        name!(link, Vec<u8>),
        name!(made_at, TimestampWithTimeZone),
        name!(chain_key, Vec<u8>),
        name!(mac, Vec<u8>),
    ),
> {
    let made = answer::<CheckpointAccessLog, _>(|_| {
        let all = policy::for_administration();
        session::vault(|vault| vault.access_log_action::<CheckpointAccessLog>(&all, None))?;
        audit::checkpoint()
    });
    let made_at = TimestampWithTimeZone::try_from(made.made_at.0)
        .expect("the clock shows a time that PostgreSQL can hold");
    TableIterator::once((
        made.seq.cast_signed(),
        made.link.as_bytes().to_vec(),
        made_at,
        made.chain_key.to_vec(),
        made.mac.to_vec(),
    ))
}

#[pg_extern(sql = false)]
fn prune_access_log(p_older_than: Option<Interval>, p_even_if_broken: Option<bool>) {
    answer::<PruneAccessLog, _>(|call| {
        let age = required(span(p_older_than, "p_older_than")?, "p_older_than")?;
        let even_if_broken = required(p_even_if_broken, "p_even_if_broken")?;
        call.writes("prune the access log")?;
        let all = policy::for_administration();
        let keys = session::vault(|vault| vault.chain_keys(&all))?;
        let old = audit::older_than(age);
        let pruned = match &old {
            Some(old) => audit::prune(old, &audit::keys(&keys), even_if_broken)?,
            None => 0,
        };
        let note = old.map(|old| format!("records {} to {}", old.first_seq, old.last_seq));
        session::vault(|vault| {
            vault.access_log_action::<PruneAccessLog>(&all, Some(note.as_deref().unwrap_or("none")))
        })?;
        report::notice(&format!(
            "pruned {pruned} records; their space is used again after the next VACUUM of vault.vault_access_log"
        ));
        Ok(())
    });
}

/// The first step of `vault.export_access_log`, which is written in SQL: records the export, then answers with the last
/// number that belongs to it.
#[pg_extern(sql = false)]
fn begin_access_log_export(p_from: Option<i64>, p_to: Option<i64>, p_format: Option<&[u8]>) -> i64 {
    answer::<ExportAccessLog, _>(|_| {
        let (from, to) = (number(p_from, "p_from")?, number(p_to, "p_to")?);
        let format = required(optional_text(p_format, "p_format")?, "p_format")?;
        if !["json", "ocsf"].contains(&&*format) {
            return Err(VaultError::InvalidArgument {
                argument: "p_format",
                rule: "The formats are json and ocsf.".to_owned(),
            });
        }
        let note = match (from, to) {
            (None, None) => format.into_owned(),
            (Some(from), None) => format!("{format} from {from}"),
            (None, Some(to)) => format!("{format} to {to}"),
            (Some(from), Some(to)) => format!("{format} from {from} to {to}"),
        };
        let all = policy::for_administration();
        session::vault(|vault| vault.access_log_action::<ExportAccessLog>(&all, Some(&note)))?;
        let last = audit::head_seq();
        Ok(to.map_or(last, |to| to.min(last)).cast_signed())
    })
}

/// The number of a record.
fn number(value: Option<i64>, argument: &'static str) -> Result<Option<u64>, VaultError> {
    value
        .map(|value| {
            u64::try_from(value)
                .ok()
                .filter(|value| *value > 0)
                .ok_or_else(|| VaultError::InvalidArgument {
                    argument,
                    rule: format!("Records are numbered from 1 on; this is {value}."),
                })
        })
        .transpose()
}
