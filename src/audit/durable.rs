//! The durable sink: vault.vault_access_log, appended as frozen rows that stand whatever the caller's transaction does,
//! each tied to the one before it.
//!
//! A record is flushed before its receipt exists, unless the session has switched synchronous_commit off.

use std::array::from_fn;
use std::cell::Cell;

use auditchain::{Body, HASH_BYTES, Record};
use envelope::{Fingerprint, KeyRing};
use uuid::Builder;
use vault::{Audit, CredentialId, Entropy, Event, Receipt, TenantId, VaultError};

use super::address::Address;
use super::caller::Caller;
use super::chain::{self, Head, Key};
use super::{checkpoint, standby};
use crate::entropy::SystemEntropy;
use crate::pg::attempt::attempt;
use crate::pg::clock::Timestamp;
use crate::pg::frozen::{self, Value};
use crate::pg::{relation, text, transaction};

thread_local! {
    /// Random, drawn once a backend, and counted on from there: the tail of each record's id.
    static TAIL: Cell<Option<u128>> = const { Cell::new(None) };
    static RECORDED: Cell<bool> = const { Cell::new(false) };
}

pub struct AccessLog;

/// A record to append: what happened, who is named for it, and when it was.
pub struct Entry<'a> {
    pub event: Event<'a>,
    pub caller: &'a Caller<'a>,
    pub at: Timestamp,
    /// Where the record has one already, given to it on a standby.
    pub id: Option<[u8; 16]>,
}

impl<'a> Entry<'a> {
    fn now(event: &Event<'a>, caller: &'a Caller<'a>) -> Self {
        Self {
            event: event.clone(),
            caller,
            at: Timestamp::now(),
            id: None,
        }
    }

    /// The record's id: its own, or a new one.
    pub fn identity(&self) -> [u8; 16] {
        self.id.unwrap_or_else(|| next_id(self.at))
    }
}

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
        let caller = Caller::now();
        match events {
            // Nearly every call; without a list on the heap.
            [event] => self.append_entries(&[Entry::now(event, &caller)]),
            many => {
                let entries: Vec<_> = many.iter().map(|one| Entry::now(one, &caller)).collect();
                self.append_entries(&entries)
            }
        }
    }

    fn chain_under(&mut self, ring: &KeyRing, active: Option<Fingerprint>) {
        chain::go_on_under(ring, active);
    }
}

impl AccessLog {
    /// Records what others have done as well: their names, their time. On a standby, in its file.
    pub fn append_entries(&mut self, entries: &[Entry<'_>]) -> Result<Receipt, VaultError> {
        let done = if transaction::is_in_recovery() {
            standby::append(entries).inspect(|()| RECORDED.set(true))
        } else {
            append(entries)
        };
        done.map(|()| Receipt::assertion())
    }
}

fn append(entries: &[Entry<'_>]) -> Result<(), VaultError> {
    begin_ids()?;
    let appended = chain::with_key(|key| {
        attempt(|| {
            let log = Log::open();
            let (together, alone) = entries.as_chunks::<TOGETHER>();
            let mut last = None;
            for entries in together {
                last = Some(log.append(entries, key));
            }
            for entry in alone {
                last = Some(log.append(std::array::from_ref(entry), key));
            }
            RECORDED.set(true);
            if let Some(lsn) = last {
                frozen::flush(lsn);
            }
        })
    });
    appended.map_err(|error| VaultError::LogUnavailable {
        cause: format!("PostgreSQL said: {}.", error.message),
    })
}

/// So many rows, a quarter of a page, are appended at once where there are as many.
const TOGETHER: usize = 16;

/// The log and its head.
pub struct Log {
    records: relation::TableId,
    head: relation::TableId,
}

impl Log {
    pub fn open() -> Self {
        Self {
            records: relation::table(c"vault", c"vault_access_log"),
            head: relation::table(c"vault", c"access_log_head"),
        }
    }

    /// Where the chain ends now.
    pub fn head(&self) -> Head {
        match frozen::state(self.head) {
            Some(bytes) => Head::read(&bytes),
            None => {
                self.begin();
                let bytes = frozen::state(self.head).expect("the head was just made");
                Head::read(&bytes)
            }
        }
    }

    fn begin(&self) {
        frozen::begin_order(self.records, self.head, |stamp| {
            Head::behind(stamp).columns()
        });
    }

    fn append<const ROWS: usize>(
        &self,
        entries: &[Entry<'_>; ROWS],
        key: Option<&Key>,
    ) -> frozen::Lsn {
        let ids: [[u8; 16]; ROWS] = from_fn(|n| entries[n].identity());
        let subjects: [_; ROWS] = from_fn(|n| entries[n].event.key.map(text::lossy_from_utf8));
        let rows: [_; ROWS] = from_fn(|n| row(&entries[n], &ids[n], subjects[n].as_deref(), key));
        let bodies: [Body; ROWS] = from_fn(|n| body(&entries[n], &ids[n], subjects[n].as_deref()));
        let mut checkpoint = None;
        let lsn = loop {
            let appended = frozen::append_in_order(self.records, self.head, &rows, |head, n| {
                let at = entries[n].at;
                // Only a head that a key vouches for is worth publishing.
                let is_checkpoint = |head: &Head| {
                    let is_due = key.is_some() && head.is_due(at);
                    if is_due {
                        checkpoint = Some((head.seq, head.link, at));
                    }
                    is_due
                };
                Head::advance(head, &bodies[n], key.map(|key| &key.key), is_checkpoint, at)
            });
            match appended {
                Some(lsn) => break lsn,
                None => self.begin(),
            }
        };
        match (checkpoint, key) {
            (Some((seq, link, at)), Some(key)) => checkpoint::append(seq, link, at, key).1,
            _ => lsn,
        }
    }
}

/// What is hashed of a record.
///
/// - `subject`: the event's key in the database's encoding; all other texts are ASCII or in it already.
fn body(entry: &Entry<'_>, id: &[u8; 16], subject: Option<&[u8]>) -> Body {
    let Entry {
        event, caller, at, ..
    } = entry;
    let address = caller.client_address.and_then(Address::of_inet);
    Record {
        id,
        secret_id: event.credential.as_ref().map(CredentialId::as_bytes),
        accessed_at_us: at.unix_us(),
        session_user: caller.session_user.as_bytes(),
        action: event.action.as_bytes(),
        outcome: event.outcome.word().as_bytes(),
        sqlstate: event.sqlstate.map(str::as_bytes),
        tenant_id: event.tenant.as_ref().map(TenantId::as_bytes),
        secret_key: subject,
        effective_role: caller.effective_role.as_bytes(),
        claims_subject: caller.claims_subject.as_deref().map(str::as_bytes),
        claims_tenant: caller.claims_tenant.as_deref().map(str::as_bytes),
        claims_trusted: caller.claims_trusted,
        application_name: Some(caller.application_name).filter(|name| !name.is_empty()),
        client_addr: address.as_ref().map(Address::as_bytes),
        backend_pid: caller.backend_pid,
        xid: caller.xid,
        correlation_id: caller.correlation_id.as_deref().map(str::as_bytes),
        access_reason: caller.access_reason.as_deref().map(str::as_bytes),
        lane: caller.lane.as_deref().map(str::as_bytes),
        platform_account: caller.platform_account.as_deref().map(str::as_bytes),
        origin: caller.origin.as_deref().map(str::as_bytes),
    }
    .body()
}

/// The columns of vault.vault_access_log in order.
fn row<'a>(
    entry: &'a Entry<'a>,
    id: &'a [u8; 16],
    subject: Option<&'a [u8]>,
    key: Option<&'a Key>,
) -> [Value<'a>; 25] {
    let Entry {
        event, caller, at, ..
    } = entry;
    let text =
        |text: Option<&'a str>| text.map_or(Value::Null, |text| Value::Text(text.as_bytes()));
    [
        // These two are stamped when the row's place is known.
        Value::Long(0),
        Value::Text(&[0; HASH_BYTES]),
        key.map_or(Value::Null, |key| Value::Text(key.of.as_bytes())),
        Value::Uuid(id),
        event
            .credential
            .as_ref()
            .map_or(Value::Null, |id| Value::Uuid(id.as_bytes())),
        Value::Timestamp(*at),
        Value::Text(caller.session_user.as_bytes()),
        Value::Text(event.action.as_bytes()),
        Value::Text(event.outcome.word().as_bytes()),
        text(event.sqlstate),
        event
            .tenant
            .as_ref()
            .map_or(Value::Null, |tenant| Value::Uuid(tenant.as_bytes())),
        subject.map_or(Value::Null, Value::Text),
        Value::Text(caller.effective_role.as_bytes()),
        text(caller.claims_subject.as_deref()),
        text(caller.claims_tenant.as_deref()),
        caller.claims_trusted.map_or(Value::Null, Value::Bool),
        if caller.application_name.is_empty() {
            Value::Null
        } else {
            Value::Text(caller.application_name)
        },
        caller.client_address.map_or(Value::Null, Value::Varlena),
        Value::Int(caller.backend_pid),
        caller.xid.map_or(Value::Null, Value::Xid8),
        text(caller.correlation_id.as_deref()),
        text(caller.access_reason.as_deref()),
        text(caller.lane.as_deref()),
        text(caller.platform_account.as_deref()),
        text(caller.origin.as_deref()),
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
pub fn begin_ids() -> Result<(), VaultError> {
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
