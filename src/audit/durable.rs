//! The durable sink: vault.vault_access_log, appended as frozen rows that stand whatever the caller's transaction does.
//!
//! A record is flushed before its receipt exists, unless the session has switched synchronous_commit off.

use std::array::from_fn;
use std::cell::Cell;

use uuid::Builder;
use vault::{Audit, Entropy, Event, Receipt, VaultError};

use super::caller::Caller;
use crate::entropy::SystemEntropy;
use crate::pg::attempt::attempt;
use crate::pg::clock::Timestamp;
use crate::pg::frozen::{self, Value};
use crate::pg::{identity, process, relation, transaction};

thread_local! {
    /// Random, drawn once a backend, and counted on from there: the tail of each record's id.
    static TAIL: Cell<Option<u128>> = const { Cell::new(None) };
    static RECORDED: Cell<bool> = const { Cell::new(false) };
}

pub struct AccessLog;

impl AccessLog {
    /// Starts a call that has no record yet; answers what stood for the call around it.
    pub fn begin_call() -> bool {
        RECORDED.replace(false)
    }

    pub fn has_recorded() -> bool {
        RECORDED.get()
    }

    pub fn end_call(around: bool) {
        RECORDED.set(around);
    }
}

impl Audit for AccessLog {
    fn append(&mut self, events: &[Event<'_>]) -> Result<Receipt, VaultError> {
        if transaction::is_in_recovery() {
            return Err(VaultError::LogUnavailable {
                cause: "The server is a standby, on which nothing can be recorded; connect to the primary.".to_owned(),
            });
        }
        let caller = Caller::now();
        begin_ids()?;
        let appended = attempt(|| {
            let table = relation::table(c"vault", c"vault_access_log");
            let (together, alone) = events.as_chunks::<TOGETHER>();
            let mut last = None;
            for events in together {
                last = Some(append(table, events, &caller));
            }
            for event in alone {
                last = Some(append(table, std::array::from_ref(event), &caller));
            }
            RECORDED.set(true);
            if let Some(lsn) = last {
                frozen::flush(lsn);
            }
        });
        match appended {
            Ok(()) => Ok(Receipt::assertion()),
            Err(error) => Err(VaultError::LogUnavailable {
                cause: format!("PostgreSQL said: {}.", error.message),
            }),
        }
    }
}

/// So many rows, a quarter of a page, are appended at once where there are as many.
const TOGETHER: usize = 16;

fn append<const ROWS: usize>(
    table: relation::TableId,
    events: &[Event<'_>; ROWS],
    caller: &Caller,
) -> frozen::Lsn {
    let stamps: [(Timestamp, [u8; 16]); ROWS] = from_fn(|_| {
        let at = Timestamp::now();
        (at, next_id(at))
    });
    let rows: [_; ROWS] = from_fn(|n| {
        let (at, id) = &stamps[n];
        row(&events[n], id, *at, caller)
    });
    frozen::append(table, &rows)
}

/// The columns of vault.vault_access_log in order.
fn row<'a>(
    event: &'a Event<'a>,
    id: &'a [u8; 16],
    at: Timestamp,
    caller: &'a Caller,
) -> [Value<'a>; 16] {
    let text =
        |text: Option<&'a str>| text.map_or(Value::Null, |text| Value::Text(text.as_bytes()));
    let application = identity::application_name();
    [
        Value::Uuid(id),
        event
            .credential
            .as_ref()
            .map_or(Value::Null, |id| Value::Uuid(id.as_bytes())),
        Value::Timestamp(at),
        Value::Text(caller.session_user.as_bytes()),
        Value::Text(event.action.as_bytes()),
        Value::Text(event.outcome.word().as_bytes()),
        text(event.sqlstate),
        event
            .tenant
            .as_ref()
            .map_or(Value::Null, |tenant| Value::Uuid(tenant.as_bytes())),
        text(event.key),
        Value::Text(caller.effective_role.as_bytes()),
        text(caller.claims_subject.as_deref()),
        text(caller.claims_tenant.as_deref()),
        if application.is_empty() {
            Value::Null
        } else {
            Value::Text(application)
        },
        identity::client_address().map_or(Value::Null, Value::Varlena),
        Value::Int(process::pid()),
        transaction::id_if_any().map_or(Value::Null, Value::Xid8),
    ]
}

/// A uuid of version 7 (RFC 9562, section 5.7) whose random part is drawn once a backend and then counted, which keeps
/// the records of a backend in order.
fn next_id(at: Timestamp) -> [u8; 16] {
    let tail = TAIL
        .get()
        .expect("begin_ids has run in this backend")
        .wrapping_add(1);
    TAIL.set(Some(tail));
    let [.., a, b, c, d, e, f, g, h, i, j] = tail.to_be_bytes();
    let id = Builder::from_unix_timestamp_millis(at.unix_ms(), &[a, b, c, d, e, f, g, h, i, j]);
    *id.as_uuid().as_bytes()
}

/// Draws the tail from which a backend's ids count on, if that has not been done.
fn begin_ids() -> Result<(), VaultError> {
    if TAIL.get().is_some() {
        return Ok(());
    }
    let mut bytes = [0; 10];
    SystemEntropy.fill(&mut bytes)?;
    let tail = bytes
        .iter()
        .fold(0, |tail, byte| tail << 8 | u128::from(*byte));
    TAIL.set(Some(tail));
    Ok(())
}
