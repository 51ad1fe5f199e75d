//! Checkpoints: what somebody outside of this database should remember of the chain.

use auditchain::{HASH_BYTES, Link};
use vault::VaultError;

use super::chain::{self, Key};
use super::durable::Log;
use crate::pg::clock::Timestamp;
use crate::pg::frozen::{self, Lsn, Value};
use crate::pg::{relation, report};

/// A head of the chain, attested.
pub struct Checkpoint {
    pub seq: u64,
    pub link: Link,
    pub made_at: Timestamp,
    pub chain_key: [u8; 16],
    pub mac: [u8; HASH_BYTES],
}

/// A checkpoint of the chain as it ends now, flushed.
pub fn checkpoint() -> Result<Checkpoint, VaultError> {
    let head = Log::open().head();
    chain::with_key(|key| {
        let key = key.ok_or(VaultError::Internal("the ring was just there"))?;
        let (checkpoint, lsn) = append(head.seq, head.link, Timestamp::now(), key);
        frozen::flush(lsn);
        Ok(checkpoint)
    })
}

/// Keeps a checkpoint, as durably as a record, and writes it to the server's log, from where it gets out of reach of
/// whoever can change this database.
///
/// - errors: as [`frozen::append`].
pub fn append(seq: u64, link: Link, made_at: Timestamp, key: &Key) -> (Checkpoint, Lsn) {
    let checkpoint = Checkpoint {
        seq,
        link,
        made_at,
        chain_key: *key.of.as_bytes(),
        mac: key.key.checkpoint_mac(seq, &link, made_at.unix_us()),
    };
    let table = relation::table(c"vault", c"access_log_checkpoints");
    let lsn = frozen::append(
        table,
        &[[
            Value::Long(seq.cast_signed()),
            Value::Text(link.as_bytes()),
            Value::Timestamp(made_at),
            Value::Text(&checkpoint.chain_key),
            Value::Text(&checkpoint.mac),
        ]],
    );
    report::log(&format!(
        "tenant_vault: checkpoint of the access log in database {}: {seq}:{link} at {made_at}",
        relation::database_name()
    ));
    (checkpoint, lsn)
}
