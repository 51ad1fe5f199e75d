//! The text of the statement that this backend runs, as it is shown to others: `pg_stat_activity`, STATEMENT in the
//! server's log, `current_query()`.
//!
//! PostgreSQL publishes a text before any code of an extension runs: once for each message of the protocol. A censor
//! looks at each new text at the first hook that comes by, and may put another in its place: the pointer that
//! PostgreSQL's log reads is turned to it, and the entry of `pg_stat_activity` is written again. The text itself, which
//! PostgreSQL goes on using, stays as it is.
//!
//! The hooks are the only ones of ours on queries: `refusal` is called from here. They hand on without pgrx's guard, and
//! their frames own nothing: an error on its way jumps over them.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char};
use std::mem::ManuallyDrop;
use std::panic::catch_unwind;
use std::ptr::null;

use pgrx::pg_sys;

use super::{raw, refusal};

/// What is to be shown in the place of a text; may be called while an error is reported, so it must not raise.
#[derive(Clone, Copy, Debug)]
pub struct Censor {
    /// Whether a text is to be looked through.
    pub concerns: fn(&[u8]) -> bool,
    /// What is shown of one that is; `None`: all of it.
    pub shown: fn(&[u8]) -> Option<CString>,
    /// What is shown where nothing can be.
    pub remark: &'static CStr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// No statement, or one that does not concern the censor.
    Foreign,
    Concerned,
}

/// What was found of which text. A text is known again by its place and by the time at which its message came in.
#[derive(Clone, Copy)]
struct Look {
    text: *const c_char,
    began: pg_sys::TimestampTz,
    sight: Sight,
}

thread_local! {
    static CENSOR: Cell<Option<Censor>> = const { Cell::new(None) };
    static LAST: Cell<Look> = const {
        Cell::new(Look { text: null(), began: 0, sight: Sight::Foreign })
    };
    /// The text that stands in the place of another. Lives until the next one comes: until then PostgreSQL may read it.
    /// Nothing in here is dropped when the process ends: that is not the end of what PostgreSQL reports.
    static COVER: Cell<ManuallyDrop<Option<CString>>> = const { Cell::new(ManuallyDrop::new(None)) };
    static COVER_AT: Cell<*const c_char> = const { Cell::new(null()) };
    static COVERED: Cell<*const c_char> = const { Cell::new(null()) };
    static BEFORE_ANALYSIS: Cell<pg_sys::post_parse_analyze_hook_type> = const { Cell::new(None) };
    static BEFORE_START: Cell<pg_sys::ExecutorStart_hook_type> = const { Cell::new(None) };
    static BEFORE_RUN: Cell<pg_sys::ExecutorRun_hook_type> = const { Cell::new(None) };
}

/// Called once, by _PG_init.
pub fn show_through(censor: Censor) {
    CENSOR.set(Some(censor));
    // SAFETY: plain globals of this process; the hooks that stood are called by ours.
    unsafe {
        BEFORE_ANALYSIS.set(pg_sys::post_parse_analyze_hook);
        pg_sys::post_parse_analyze_hook = Some(analysed);
        BEFORE_START.set(pg_sys::ExecutorStart_hook);
        pg_sys::ExecutorStart_hook = Some(start);
        BEFORE_RUN.set(pg_sys::ExecutorRun_hook);
        pg_sys::ExecutorRun_hook = Some(run);
    }
}

/// Looks at the text if it is a new one. Raises nothing.
pub fn look() -> Sight {
    sight(false)
}

/// The statement has turned out to concern the censor, whatever its text says.
pub fn concerns() {
    sight(true);
}

/// Nothing of the statement is shown from now on.
pub fn hide() {
    if let (Some(censor), Some(text)) = (CENSOR.get(), current()) {
        cover(uncovered(text), censor.remark.as_ptr());
    }
}

/// The text that the client sent, for as long as its message is being worked on. In processes other than a client's
/// backend nobody says when that ends: `None`.
pub fn original<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let text = current().filter(|_| is_a_clients())?;
    // SAFETY: debug_query_string, and what we have put aside of it, is a NUL-terminated string that lives as long as
    // its message (postgres.c); both are given up together.
    let text = unsafe { CStr::from_ptr(uncovered(text)) };
    Some(read(text.to_bytes()))
}

/// The source of this session's prepared statement of that name.
pub fn prepared<T>(name: &CStr, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // SAFETY: looks into a hash table of this process, and raises nothing when told so; an entry has a source, whose
    // text is a NUL-terminated string (plancache.h).
    unsafe {
        let statement = raw::FetchPreparedStatement(name.as_ptr(), false);
        if statement.is_null() {
            return None;
        }
        let text = (*(*statement).plansource).query_string;
        Some(read(CStr::from_ptr(text).to_bytes()))
    }
}

fn sight(known: bool) -> Sight {
    let (Some(censor), Some(text)) = (CENSOR.get(), current()) else {
        return Sight::Foreign;
    };
    if text == COVER_AT.get() {
        return Sight::Concerned;
    }
    // SAFETY: a plain global of this process.
    let began = unsafe { raw::GetCurrentStatementStartTimestamp() };
    let last = LAST.get();
    let is_known_again = last.text == text && last.began == began && is_a_clients();
    if is_known_again && (last.sight == Sight::Concerned || !known) {
        return last.sight;
    }
    // SAFETY: as in `original`; the text does not change while we look.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    // What cannot be judged is not shown.
    let judged = catch_unwind(|| {
        if known || (censor.concerns)(bytes) {
            (Sight::Concerned, (censor.shown)(bytes))
        } else {
            (Sight::Foreign, None)
        }
    });
    let (sight, shown) = match judged {
        Ok((sight, shown)) => (sight, shown),
        Err(_) => {
            cover(text, censor.remark.as_ptr());
            return Sight::Concerned;
        }
    };
    LAST.set(Look { text, began, sight });
    if let Some(shown) = shown {
        let at = shown.as_ptr();
        // The one before is of no use: PostgreSQL's pointer has left it.
        drop(ManuallyDrop::into_inner(
            COVER.replace(ManuallyDrop::new(Some(shown))),
        ));
        cover(text, at);
    }
    sight
}

/// Where PostgreSQL looks for the statement, if one is running.
fn current() -> Option<*const c_char> {
    // SAFETY: a plain global of this process.
    let text = unsafe { pg_sys::debug_query_string };
    (!text.is_null()).then_some(text)
}

fn uncovered(text: *const c_char) -> *const c_char {
    if text == COVER_AT.get() {
        COVERED.get()
    } else {
        text
    }
}

fn is_a_clients() -> bool {
    // SAFETY: a plain global of this process, set when it starts.
    unsafe { pg_sys::MyBackendType == pg_sys::BackendType::B_BACKEND }
}

/// - `by`: static, or kept in `COVER`
fn cover(text: *const c_char, by: *const c_char) {
    use pg_sys::BackendState::{STATE_FASTPATH, STATE_RUNNING};
    COVERED.set(text);
    COVER_AT.set(by);
    // SAFETY: `by` outlives the statement. The entry is this backend's own, which nobody else writes; to report is to
    // copy into it (backend_status.c), and raises nothing. A report of a text takes the query's id away: it is put back.
    unsafe {
        pg_sys::debug_query_string = by;
        let entry = pg_sys::MyBEEntry;
        if entry.is_null() || ![STATE_RUNNING, STATE_FASTPATH].contains(&(*entry).st_state) {
            return;
        }
        let query_id = (*entry).st_query_id;
        raw::pgstat_report_activity((*entry).st_state, by);
        if query_id != 0 {
            raw::pgstat_report_query_id(query_id, true);
        }
    }
}

unsafe extern "C-unwind" fn analysed(
    state: *mut pg_sys::ParseState,
    query: *mut pg_sys::Query,
    jumble: *mut pg_sys::JumbleState,
) {
    look();
    if let Some(next) = BEFORE_ANALYSIS.get() {
        // SAFETY: arguments are handed on as they came.
        unsafe { next(state, query, jumble) }
    }
}

unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: i32) {
    look();
    refusal::before_query();
    // SAFETY: arguments are handed on as they came.
    unsafe { BEFORE_START.get().unwrap_or(raw::standard_ExecutorStart)(query, flags) }
}

unsafe extern "C-unwind" fn run(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    once: bool,
) {
    look();
    // SAFETY: arguments are handed on as they came.
    unsafe { BEFORE_RUN.get().unwrap_or(raw::standard_ExecutorRun)(query, direction, count, once) }
}
