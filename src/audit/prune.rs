//! The end of old records: they go together, from the first one on, and leave a stub from which the chain goes on.

use auditchain::{HASH_BYTES, Link};
use vault::{Span, VaultError};

use super::chain;
use super::verify;
use crate::pg::clock;
use crate::pg::plan::Argument::{Bytes, Interval, Long, Timestamp};
use crate::pg::plan::statement;
use crate::pg::relation;

statement!(much OLDER, "../storage/queries/access_log_older.sql", [INTERVALOID]);
statement!(much LINK, "../storage/queries/access_log_link.sql", [INT8OID]);
statement!(
    latest PUT_STUB,
    "../storage/queries/put_access_log_stub.sql",
    [INT8OID, INT8OID, BYTEAOID, TIMESTAMPTZOID, BYTEAOID, BYTEAOID]
);
statement!(much PRUNE, "../storage/queries/prune_access_log.sql", [INT8OID]);

/// Records that are to go.
pub struct Old {
    pub first_seq: u64,
    pub last_seq: u64,
}

/// Which records are older than that. From here to the end of the transaction nobody else prunes or verifies.
///
/// A record counts as old only if all before it are: clocks step back, and the chain has one end.
pub fn older_than(age: Span) -> Option<Old> {
    relation::lock_out_writers(relation::table(c"vault", c"access_log_stubs"));
    let last_seq = OLDER
        .first(&[Interval(age.months, age.days, age.us)], |row| row.long(1))
        .flatten()?
        .cast_unsigned();
    let first_seq = verify::stubs()
        .last()
        .map_or(1, |(stub, _)| stub.last.seq + 1);
    (last_seq >= first_seq).then_some(Old {
        first_seq,
        last_seq,
    })
}

/// Takes them out and notes that, attested.
///
/// - `even_if_broken`: also where they do not verify; else that is an error and nothing is done.
/// - returns: how many rows went.
pub fn prune(old: &Old, keys: &auditchain::Keys, even_if_broken: bool) -> Result<u64, VaultError> {
    let link = if even_if_broken {
        link_of(old.last_seq)?
    } else {
        let verdict = verify::verify(keys, None, Some(old.last_seq));
        if let Some(wrong) = verdict.broken {
            return Err(VaultError::LogBroken { what: wrong.what });
        }
        verdict.summary.last.link
    };
    let at = clock::Timestamp::now();
    chain::with_key(|key| {
        let key = key.ok_or(VaultError::Internal("the ring was just there"))?;
        let mac = key
            .key
            .stub_mac(old.first_seq, old.last_seq, &link, at.unix_us());
        PUT_STUB.count(&[
            Long(old.first_seq.cast_signed()),
            Long(old.last_seq.cast_signed()),
            Bytes(link.as_bytes()),
            Timestamp(at),
            Bytes(key.of.as_bytes()),
            Bytes(&mac),
        ]);
        Ok(())
    })?;
    Ok(PRUNE.count(&[Long(old.last_seq.cast_signed())]) as u64)
}

/// From which the chain goes on, whatever it is worth.
fn link_of(seq: u64) -> Result<Link, VaultError> {
    LINK.first(&[Long(seq.cast_signed())], |row| {
        row.bytes(1, |link| <[u8; HASH_BYTES]>::try_from(link).ok())
    })
    .flatten()
    .flatten()
    .map(Link::from_bytes)
    .ok_or_else(|| VaultError::LogBroken {
        what: format!("record {seq} has no link to go on from"),
    })
}
