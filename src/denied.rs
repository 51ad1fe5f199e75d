//! Attempts on the vault that PostgreSQL itself refuses, before any code of ours runs: no EXECUTE, no USAGE, no SELECT.
//!
//! What is known of one is noted while its error is in flight, in memory that all backends share where the library is
//! preloaded by the postmaster, else in the backend's own. It is recorded later, in the name of who tried and with the
//! time of the attempt, by the next statement of any backend in that database, or as the backend ends. What does not fit
//! is counted, and the number recorded.
//!
//! **Invariant:** holds oids, numbers, a name of ours and what the log says of every caller.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use vault::{Event, Outcome, Rate, VaultError};

use crate::audit::{AccessLog, Caller, Entry, Said};
use crate::config;
use crate::limits;
use crate::pg::attempt::{self, ServerError};
use crate::pg::clock::Timestamp;
use crate::pg::refusal::{self, Listener};
use crate::pg::shared::Area;
use crate::pg::{identity, process, relation, report, server, transaction};

/// To be requested by _PG_init.
pub static AREA: Area = Area::new(c"tenant_vault_denied", WORDS);

pub const LISTENER: Listener = Listener {
    refused: note,
    statement: record,
    end,
};

/// The action of these records.
const ACTION: &str = "denied_call";
const SQLSTATE: &str = "42501";
/// What appending to the log writes to.
const TABLES: [&CStr; 3] = [
    c"vault_access_log",
    c"access_log_head",
    c"access_log_checkpoints",
];

/// Everything in schema vault, in order; see build.rs.
const NAMES: &[&str] = include!(concat!(env!("OUT_DIR"), "/names.rs"));
const SCHEMA: &str = "vault";

/// Who tries again and again is recorded so often; the rest is counted.
const OF_A_ROLE: &str = "600/min burst 200";
/// A count is recorded so often.
const OF_COUNTS: &str = "6/min";

/// Words of the area: how many slots are full or counts not 0; where to look for a free slot; the counts, of a database
/// each; the states of the slots; the slots.
const WAITING: usize = 0;
const NEXT: usize = 1;
const COUNTS: usize = 8;
const COUNTED_DATABASES: usize = 32;
const STATES: usize = COUNTS + 2 * COUNTED_DATABASES;
const SLOTS: usize = 128;
const NOTES: usize = STATES + SLOTS;
const WORDS: usize = NOTES + SLOTS * NOTE_WORDS;

/// States of a slot: in the lower half, beside the oid of the database.
const FREE: u64 = 0;
const BEING_WRITTEN: u64 = 1;
const FULL: u64 = 2;
const BEING_READ: u64 = 3;

thread_local! {
    static OWN: Cell<Option<&'static [AtomicU64]>> = const { Cell::new(None) };
    /// Slots that this backend reads from.
    static HELD: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static IN_OUR_CALL: Cell<bool> = const { Cell::new(false) };
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

/// While this stands a call of ours runs, and the door records what becomes of it.
pub struct OurCall {
    before: bool,
}

pub fn our_call() -> OurCall {
    OurCall {
        before: IN_OUR_CALL.replace(true),
    }
}

impl Drop for OurCall {
    fn drop(&mut self) {
        IN_OUR_CALL.set(self.before);
    }
}

// ---- noting ----

fn note(format: &[u8], message: &[u8]) {
    if IN_OUR_CALL.get() {
        return;
    }
    let Some(object) = ours(format, message) else {
        return;
    };
    let note = Note::taken(object);
    let words = AREA.words().unwrap_or_else(|| {
        let own = OWN.get().unwrap_or_else(|| AREA.alone());
        OWN.set(Some(own));
        own
    });
    let database = server::database_oid();
    if !put(words, database, &note) {
        count(words, database);
    }
}

/// The name of an object of ours in a refusal: the last one, since the object stands at the end in English, and in other
/// languages beside words that are no names.
fn ours(format: &[u8], message: &[u8]) -> Option<&'static str> {
    let is_of_a_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if format.windows(6).any(|word| word == b"schema") {
        let mut names = message.split(|byte| !is_of_a_name(byte));
        return names
            .any(|name| name == SCHEMA.as_bytes())
            .then_some(SCHEMA);
    }
    message.rsplit(|byte| !is_of_a_name(byte)).find_map(|name| {
        let at = NAMES.binary_search_by(|known| known.as_bytes().cmp(name));
        at.ok().map(|at| NAMES[at])
    })
}

fn put(words: &[AtomicU64], database: u32, note: &Note) -> bool {
    let first = words[NEXT].fetch_add(1, Relaxed) as usize;
    for slot in (first..first + SLOTS).map(|at| at % SLOTS) {
        let state = &words[STATES + slot];
        let free = state.compare_exchange(FREE, BEING_WRITTEN, Acquire, Relaxed);
        if free.is_err() {
            continue;
        }
        let start = NOTES + slot * NOTE_WORDS;
        for (word, value) in words[start..start + NOTE_WORDS].iter().zip(note.pack()) {
            word.store(value, Relaxed);
        }
        words[WAITING].fetch_add(1, AcqRel);
        state.store(state_of(database, FULL), Release);
        return true;
    }
    false
}

/// One more that did not fit. Where more databases than there is room for have such a number, the one that comes last is
/// not counted.
fn count(words: &[AtomicU64], database: u32) {
    let database = u64::from(database);
    for pair in words[COUNTS..STATES].chunks_exact(2) {
        let owner = pair[0].compare_exchange(0, database, AcqRel, Acquire);
        if owner.is_ok() || owner == Err(database) {
            if pair[1].fetch_add(1, AcqRel) == 0 {
                words[WAITING].fetch_add(1, AcqRel);
            }
            return;
        }
    }
}

fn state_of(database: u32, state: u64) -> u64 {
    u64::from(database) << 32 | state
}

// ---- recording ----

/// Records what waits for it in this database, if the running transaction can. What goes wrong leaves it waiting, and
/// the statement that it came upon as it is.
fn record() {
    let Some(words) = AREA.words().or_else(|| OWN.get()) else {
        return;
    };
    if words[WAITING].load(Acquire) == 0 || IN_OUR_CALL.get() {
        return;
    }
    let database = server::database_oid();
    if !waits(words, database) || !transaction::can_write_aside() || RECORDING.replace(true) {
        return;
    }
    let around = AccessLog::begin_call();
    let done = attempt::aside(|| record_all(words, database));
    AccessLog::end_call(around);
    RECORDING.set(false);
    give_back(words, database);
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => report::log(&format!(
            "tenant_vault: denied calls wait to be recorded: {error}"
        )),
        Err(error) if error.is_cancel() => error.raise(),
        Err(ServerError { message, .. }) => {
            report::log(&format!(
                "tenant_vault: denied calls wait to be recorded: {message}"
            ));
        }
    }
}

/// As this backend ends, perhaps in the middle of something.
fn end() {
    IN_OUR_CALL.set(false);
    RECORDING.set(false);
    if let Some(words) = AREA.words() {
        give_back(words, server::database_oid());
    }
    record();
}

/// Slots that were read and not recorded.
fn give_back(words: &[AtomicU64], database: u32) {
    HELD.with_borrow_mut(|held| {
        for slot in held.drain(..) {
            words[STATES + slot].store(state_of(database, FULL), Release);
        }
    });
}

fn waits(words: &[AtomicU64], database: u32) -> bool {
    let full = state_of(database, FULL);
    words[STATES..NOTES]
        .iter()
        .any(|state| state.load(Relaxed) == full)
        || count_of(words, database).is_some_and(|count| count.load(Relaxed) > 0)
}

fn count_of(words: &[AtomicU64], database: u32) -> Option<&AtomicU64> {
    words[COUNTS..STATES]
        .chunks_exact(2)
        .find(|pair| pair[0].load(Acquire) == u64::from(database))
        .map(|pair| &pair[1])
}

fn record_all(words: &[AtomicU64], database: u32) -> Result<(), VaultError> {
    let tables = TABLES.map(|name| relation::find(c"vault", name));
    // Where the extension is not installed, names that are ours elsewhere mean nothing.
    let is_here = tables.iter().all(Option::is_some);
    // Somebody may have the log to himself; whose statement this is shall not have to wait for that.
    if is_here
        && !tables
            .into_iter()
            .flatten()
            .all(relation::begin_write_at_once)
    {
        return Ok(());
    }
    refusal::await_end();
    let mut notes = take(words, database);
    notes.sort_by_key(|note| note.at.0);
    if is_here {
        notes.retain(|note| {
            let is_within = limits::count_denied(note.session_user, rate(OF_A_ROLE));
            if !is_within {
                count(words, database);
            }
            is_within
        });
        let further = further(words, database);
        append(&notes, further)?;
        if let Some(count) = count_of(words, database)
            && further > 0
            && count.fetch_sub(further, AcqRel) == further
        {
            words[WAITING].fetch_sub(1, AcqRel);
        }
    } else if let Some(count) = count_of(words, database)
        && count.swap(0, AcqRel) > 0
    {
        words[WAITING].fetch_sub(1, AcqRel);
    }
    HELD.with_borrow_mut(|held| {
        for slot in held.drain(..) {
            words[STATES + slot].store(FREE, Release);
            words[WAITING].fetch_sub(1, AcqRel);
        }
    });
    Ok(())
}

/// How many did not fit, if it is time to say so.
fn further(words: &[AtomicU64], database: u32) -> u64 {
    let count = count_of(words, database).map_or(0, |count| count.load(Acquire));
    if count > 0 && limits::count_denied(0, rate(OF_COUNTS)) {
        count
    } else {
        0
    }
}

fn rate(text: &'static str) -> Rate {
    Rate::parse(text).expect("a constant that is a rate")
}

fn take(words: &[AtomicU64], database: u32) -> Vec<Note> {
    let mut notes = Vec::new();
    for slot in 0..SLOTS {
        let (full, read) = (state_of(database, FULL), state_of(database, BEING_READ));
        let state = &words[STATES + slot];
        if state
            .compare_exchange(full, read, Acquire, Relaxed)
            .is_err()
        {
            continue;
        }
        HELD.with_borrow_mut(|held| held.push(slot));
        let start = NOTES + slot * NOTE_WORDS;
        let mut packed = [0; NOTE_WORDS];
        for (value, word) in packed.iter_mut().zip(&words[start..start + NOTE_WORDS]) {
            *value = word.load(Relaxed);
        }
        notes.push(Note::unpack(&packed));
    }
    notes
}

fn append(notes: &[Note], further: u64) -> Result<(), VaultError> {
    let mut said: Vec<(String, Caller<'_>, Timestamp)> = notes
        .iter()
        .map(|note| (lossy(&note.object), note.caller(), note.at))
        .collect();
    if further > 0 {
        let words = format!("{further} further denied calls did not fit");
        said.push((words, Caller::nobody(), Timestamp::now()));
    }
    let entries: Vec<Entry<'_>> = said
        .iter()
        .map(|(what, caller, at)| Entry {
            event: Event {
                action: ACTION,
                outcome: Outcome::Denied,
                tenant: None,
                credential: None,
                key: Some(what),
                sqlstate: Some(SQLSTATE),
            },
            caller,
            at: *at,
            id: None,
        })
        .collect();
    if entries.is_empty() {
        return Ok(());
    }
    AccessLog.append_entries(&entries).map(drop)
}

// ---- what is noted ----

/// A refused attempt.
struct Note {
    at: Timestamp,
    session_user: u32,
    effective_role: u32,
    authenticated_user: u32,
    backend_pid: i32,
    xid: u64,
    object: Vec<u8>,
    application_name: Vec<u8>,
    claims_subject: Vec<u8>,
    claims_tenant: Vec<u8>,
    correlation_id: Vec<u8>,
    /// A datum of type inet; empty for a unix socket.
    client_address: Vec<u8>,
}

/// How many bytes of each text are kept. Names have 63 at most, an address 22; the claims are ASCII, so that a cut harms
/// no character.
const TEXT_BYTES: [usize; 6] = [64, 64, 104, 104, 104, 24];
/// The numbers; then of each text its length and its bytes.
const NOTE_WORDS: usize = 4 + {
    let mut words = 0;
    let mut text = 0;
    while text < TEXT_BYTES.len() {
        words += 1 + TEXT_BYTES[text] / 8;
        text += 1;
    }
    words
};

impl Note {
    /// Of this session, now.
    fn taken(object: &str) -> Self {
        let said = Said::now();
        Self {
            at: Timestamp::now(),
            session_user: identity::session_user_oid(),
            effective_role: identity::effective_role_oid(),
            authenticated_user: identity::authenticated_user_oid(),
            backend_pid: process::pid(),
            xid: transaction::id_if_any().unwrap_or(0),
            object: object.as_bytes().to_vec(),
            application_name: identity::application_name().to_vec(),
            claims_subject: said.subject.unwrap_or_default().into_bytes(),
            claims_tenant: said.tenant.unwrap_or_default().into_bytes(),
            correlation_id: said.correlation_id.unwrap_or_default().into_bytes(),
            client_address: identity::peer_address().unwrap_or_default(),
        }
    }

    fn pack(&self) -> [u64; NOTE_WORDS] {
        let mut packed = [0; NOTE_WORDS];
        let (numbers, mut rest) = packed.split_at_mut(4);
        numbers.copy_from_slice(&[
            self.at.0.cast_unsigned(),
            u64::from(self.session_user) << 32 | u64::from(self.effective_role),
            u64::from(self.authenticated_user) << 32 | u64::from(self.backend_pid.cast_unsigned()),
            self.xid,
        ]);
        let texts = [
            &self.object,
            &self.application_name,
            &self.claims_subject,
            &self.claims_tenant,
            &self.correlation_id,
            &self.client_address,
        ];
        for (text, room) in texts.into_iter().zip(TEXT_BYTES) {
            let (words, behind) = rest.split_at_mut(1 + room / 8);
            rest = behind;
            let kept = &text[..text.len().min(room)];
            words[0] = kept.len() as u64;
            for (word, bytes) in words[1..].iter_mut().zip(kept.chunks(8)) {
                let mut whole = [0; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_le_bytes(whole);
            }
        }
        packed
    }

    fn unpack(packed: &[u64; NOTE_WORDS]) -> Self {
        let (numbers, mut rest) = packed.split_at(4);
        let mut texts = TEXT_BYTES.map(|room| {
            let (words, behind) = rest.split_at(1 + room / 8);
            rest = behind;
            let mut bytes: Vec<u8> = words[1..]
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect();
            bytes.truncate(words[0] as usize);
            bytes
        });
        let mut text = |n: usize| std::mem::take(&mut texts[n]);
        Self {
            at: Timestamp(numbers[0].cast_signed()),
            session_user: (numbers[1] >> 32) as u32,
            effective_role: numbers[1] as u32,
            authenticated_user: (numbers[2] >> 32) as u32,
            backend_pid: (numbers[2] as u32).cast_signed(),
            xid: numbers[3],
            object: text(0),
            application_name: text(1),
            claims_subject: text(2),
            claims_tenant: text(3),
            correlation_id: text(4),
            client_address: text(5),
        }
    }

    fn caller(&self) -> Caller<'_> {
        let claim = |claim: &[u8]| (!claim.is_empty()).then(|| lossy(claim));
        let said = [
            &self.claims_subject,
            &self.claims_tenant,
            &self.correlation_id,
        ];
        let is_trusted = || {
            let user = identity::role(self.authenticated_user);
            config::is_trusted_gateway(user.as_bytes())
        };
        Caller {
            session_user: identity::role(self.session_user),
            effective_role: identity::role(self.effective_role),
            claims_subject: claim(&self.claims_subject),
            claims_tenant: claim(&self.claims_tenant),
            claims_trusted: said.iter().any(|said| !said.is_empty()).then(is_trusted),
            correlation_id: claim(&self.correlation_id),
            application_name: &self.application_name,
            client_address: (!self.client_address.is_empty()).then_some(&*self.client_address),
            backend_pid: self.backend_pid,
            xid: (self.xid != 0).then_some(self.xid),
            ..Caller::nobody()
        }
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
