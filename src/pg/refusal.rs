//! Privileges that PostgreSQL refuses, seen as they are refused: also where a block of PL/pgSQL swallows the error, and
//! where the server's log is told nothing of errors.
//!
//! Every error passes the stack of context callbacks when it is raised. Ours stands at the bottom, under whatever is
//! pushed and popped above it. An error that reaches the client empties the stack; the abort of its transaction, the
//! end of every such error, puts ours back.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pgrx::pg_sys::{self, NodeTag};
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_guard};

use super::raw;

/// Who hears of it.
#[derive(Clone, Copy)]
pub struct Listener {
    /// PostgreSQL has refused. An error is in flight: this may neither raise nor wait nor look anything up.
    ///
    /// - message: in the server's language, with the object's name.
    /// - format: the same before it was translated and filled in.
    pub refused: fn(format: &[u8], message: &[u8]),
    /// A statement is about to run. May write, in a transaction that can.
    pub statement: fn(),
    /// This backend ends, and has heard of a refusal in its time, or called [`await_end`]. Runs in a transaction of its own.
    pub end: fn(),
}

thread_local! {
    static LISTENER: Cell<Option<Listener>> = const { Cell::new(None) };
    static AWAITS_END: Cell<bool> = const { Cell::new(false) };
}

static mut BASE: pg_sys::ErrorContextCallback = pg_sys::ErrorContextCallback {
    previous: null_mut(),
    callback: Some(raised),
    arg: null_mut(),
};

// Declared here without pgrx's guard: inside a callback of errfinish an error must go on as it came.
unsafe extern "C-unwind" {
    fn geterrcode() -> c_int;
    fn CopyErrorData() -> *mut pg_sys::ErrorData;
    fn FreeErrorData(data: *mut pg_sys::ErrorData);
    fn before_shmem_exit(
        call: unsafe extern "C-unwind" fn(c_int, pg_sys::Datum),
        arg: pg_sys::Datum,
    );
}

/// Called once, by _PG_init.
pub fn listen(listener: Listener) {
    LISTENER.set(Some(listener));
    // SAFETY: a static function, registered once.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ended), null_mut()) }
    stand_at_the_bottom();
}

fn stand_at_the_bottom() {
    // SAFETY: single-threaded globals. Each frame of the stack lives as long as it is on it; ours is static, so it never
    // dangles, and has none below it. Whoever pops a frame puts back what was below it when it was pushed, or, where
    // that was the bottom, us.
    unsafe {
        let ours = &raw mut BASE;
        let mut at = &raw mut pg_sys::error_context_stack;
        while !(*at).is_null() {
            if *at == ours {
                return;
            }
            at = &raw mut (**at).previous;
        }
        *at = ours;
    }
}

unsafe extern "C-unwind" fn raised(_: *mut c_void) {
    // SAFETY: errfinish calls us while the error being reported is on top of its stack (elog.h).
    unsafe {
        if geterrcode() != PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE as c_int
            || pg_sys::MyDatabaseId == pg_sys::InvalidOid
        {
            return;
        }
        // A few hundred bytes, given back below. Not in ErrorContext, which CopyErrorData refuses.
        let before = pg_sys::CurrentMemoryContext;
        pg_sys::CurrentMemoryContext = pg_sys::TopMemoryContext;
        let error = CopyErrorData();
        pg_sys::CurrentMemoryContext = before;
        if is_refusal(&*error) {
            let format = CStr::from_ptr((*error).message_id).to_bytes();
            let message = CStr::from_ptr((*error).message).to_bytes();
            await_end();
            if let Some(listener) = LISTENER.get() {
                // What is told keeps its promise not to raise; a panic ends here.
                let _ = catch_unwind(AssertUnwindSafe(|| (listener.refused)(format, message)));
            }
        }
        FreeErrorData(error);
    }
}

/// Has the listener told when this backend ends, as it is after any refusal.
pub fn await_end() {
    if !AWAITS_END.replace(true) {
        // SAFETY: a static function, registered once a backend. Stores it in an array that has room for more than all
        // that PostgreSQL and we ask for.
        unsafe { before_shmem_exit(ended, pg_sys::Datum::null()) }
    }
}

/// Whether it comes from aclcheck_error (aclchk.c) and its kin, by which PostgreSQL refuses, at first hand: what somebody
/// raises in the same words, and what is raised again on its way, comes from elsewhere or without its format.
///
/// # Safety
/// A complete copy of an error.
unsafe fn is_refusal(error: &pg_sys::ErrorData) -> bool {
    // SAFETY: each is NULL or a NUL-terminated string (elog.c).
    unsafe {
        let text = |text: *const c_char| {
            if text.is_null() {
                &[]
            } else {
                CStr::from_ptr(text).to_bytes()
            }
        };
        error.elevel >= PgLogLevel::ERROR as c_int
            && text(error.filename).ends_with(b"aclchk.c")
            && text(error.funcname).starts_with(b"aclcheck_error")
            && text(error.message_id).len() > b"%s".len()
            && !error.message.is_null()
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ended(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT {
        stand_at_the_bottom();
    }
}

/// To be called by the hook that every query passes before it runs.
pub fn before_query() {
    // SAFETY: guarded; asks for nothing.
    unsafe { begin_statement() }
}

/// The same for utility commands. What begins, ends or sets up a transaction is left alone: some of it has to come first.
///
/// # Safety
/// The node is a statement's, complete.
pub unsafe fn before_utility(node: *const pg_sys::Node) {
    // SAFETY: the tag says what a node is (nodes.h).
    match unsafe { (*node).type_ } {
        NodeTag::T_TransactionStmt | NodeTag::T_VariableSetStmt => stand_at_the_bottom(),
        _ => before_query(),
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn begin_statement() {
    stand_at_the_bottom();
    if let Some(listener) = LISTENER.get() {
        (listener.statement)();
    }
}

/// As RemoveTempRelationsCallback does (namespace.c): whatever was open is aborted, and a last transaction begun. An error
/// in it ends the process, which is ending.
#[pg_guard]
unsafe extern "C-unwind" fn ended(_code: c_int, _arg: pg_sys::Datum) {
    // SAFETY: called by shmem_exit while this process is still whole; the session's database is known, since it was when
    // the refusal was heard of.
    unsafe {
        pg_sys::AbortOutOfAnyTransaction();
        pg_sys::StartTransactionCommand();
        if let Some(listener) = LISTENER.get()
            && !raw::RecoveryInProgress()
        {
            (listener.end)();
        }
        pg_sys::CommitTransactionCommand();
    }
}
