//! `vault.import_standby_log`.

use pgrx::iter::TableIterator;
use pgrx::{name, pg_extern};
use vault::ImportStandbyLog;

use super::argument::required;
use super::door::answer;
use crate::{audit, policy, session};

#[pg_extern(sql = false)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the columns from the signature"
)]
fn import_standby_log(
    p_lines: Option<&[u8]>,
) -> TableIterator<
    'static,
    (
        name!(imported, i64),
        name!(already_there, i64),
        name!(rejected, i64),
        name!(rejected_lines, Vec<i64>),
        name!(reasons, Vec<String>),
    ),
> {
    let done = answer::<ImportStandbyLog, _>(|call| {
        let lines = required(p_lines, "p_lines")?;
        call.writes("import a standby's log")?;
        let all = policy::for_administration();
        let keys = session::vault(|vault| vault.chain_keys(&all))?;
        let done = audit::import(lines, &audit::keys(&keys))?;
        let of = if done.origins.is_empty() {
            String::new()
        } else {
            format!("; of {}", done.origins.join(", "))
        };
        let mut note = format!(
            "{} imported, {} already there, {} rejected{of}",
            done.imported,
            done.already_there,
            done.rejected.len(),
        );
        note.truncate(NOTE_MAX_BYTES);
        session::vault(|vault| vault.access_log_action::<ImportStandbyLog>(&all, Some(&note)))?;
        Ok(done)
    });
    let count = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
    let numbers = done.rejected.iter().map(|(number, _)| count(*number));
    TableIterator::once((
        count(done.imported),
        count(done.already_there),
        count(done.rejected.len()),
        numbers.collect(),
        done.rejected.iter().map(|(_, why)| why.clone()).collect(),
    ))
}

/// As much as the longest key of a tenant secret: more would not fit into a row beside all else.
const NOTE_MAX_BYTES: usize = 256;
