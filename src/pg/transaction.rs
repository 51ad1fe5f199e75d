//! The state of the transaction, and its end.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null_mut;

use pgrx::{pg_guard, pg_sys};

use super::raw;

/// What happened since somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Committed,
    /// A transaction or a part of one; or it was prepared, and may yet roll back elsewhere.
    RolledBack,
}

/// Who keeps something for the time of a transaction; its functions raise nothing. Depths as [`depth`] counts them.
#[derive(Clone, Copy)]
pub struct Follower {
    pub ended: fn(),
    pub rolled_back: fn(u32),
    pub released: fn(u32),
}

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static FOLLOWER: Cell<Option<Follower>> = const { Cell::new(None) };
    static ENDED: Cell<Option<Ended>> = const { Cell::new(None) };
}

pub fn is_read_only() -> bool {
    // SAFETY: a plain global of this process.
    unsafe { pg_sys::XactReadOnly }
}

/// On a standby nothing can be written, so nothing can be recorded.
pub fn is_in_recovery() -> bool {
    // SAFETY: reads shared memory without a lock, by design (xlog.c); raises nothing.
    unsafe { raw::RecoveryInProgress() }
}

/// Whether something may be written beside the statement that runs: in a transaction that goes on, on a primary, and not
/// by several processes at once.
pub fn can_write_aside() -> bool {
    // SAFETY: reads backend state; raises nothing.
    unsafe {
        raw::IsTransactionState()
            && !raw::RecoveryInProgress()
            && !raw::IsInParallelMode()
            && pg_sys::ParallelWorkerNumber < 0
            && pg_sys::CritSectionCount == 0
    }
}

/// The full id of the running transaction, if it has one by now.
pub fn id_if_any() -> Option<u64> {
    // SAFETY: reads backend state; assigns and raises nothing.
    let id = unsafe { raw::GetTopFullTransactionIdIfAny() }.value;
    (id != 0).then_some(id)
}

/// 1 in a transaction, one more in each savepoint or block of a procedural language that catches errors.
pub fn depth() -> u32 {
    // SAFETY: reads backend state; raises nothing.
    unsafe { raw::GetCurrentTransactionNestLevel() }.cast_unsigned()
}

/// Called once, by _PG_init.
pub fn follow(follower: Follower) {
    FOLLOWER.set(Some(follower));
    watch();
}

/// Whether anything ended since the last call of this; a rollback outweighs a commit.
pub fn ended() -> Option<Ended> {
    watch();
    ENDED.take()
}

fn watch() {
    if !WATCHING.replace(true) {
        // SAFETY: static functions, registered once a backend (WATCHING).
        unsafe {
            pg_sys::RegisterXactCallback(Some(transaction_ended), null_mut());
            pg_sys::RegisterSubXactCallback(Some(subtransaction_ended), null_mut());
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ended(event: pg_sys::XactEvent::Type, _arg: *mut c_void) {
    use pg_sys::XactEvent::{
        XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PARALLEL_ABORT, XACT_EVENT_PARALLEL_COMMIT,
        XACT_EVENT_PREPARE,
    };
    if let (
        XACT_EVENT_ABORT
        | XACT_EVENT_COMMIT
        | XACT_EVENT_PARALLEL_ABORT
        | XACT_EVENT_PARALLEL_COMMIT
        | XACT_EVENT_PREPARE,
        Some(follower),
    ) = (event, FOLLOWER.get())
    {
        (follower.ended)();
    }
    match event {
        XACT_EVENT_COMMIT if ENDED.get().is_none() => ENDED.set(Some(Ended::Committed)),
        XACT_EVENT_ABORT | XACT_EVENT_PARALLEL_ABORT | XACT_EVENT_PREPARE => {
            ENDED.set(Some(Ended::RolledBack));
        }
        _ => {}
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn subtransaction_ended(
    event: pg_sys::SubXactEvent::Type,
    _id: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _arg: *mut c_void,
) {
    use pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
    // The part that ends is still the current one (xact.c).
    let (follower, depth) = (FOLLOWER.get(), depth());
    match (event, follower) {
        (SUBXACT_EVENT_ABORT_SUB, Some(follower)) => (follower.rolled_back)(depth),
        (SUBXACT_EVENT_COMMIT_SUB, Some(follower)) => (follower.released)(depth),
        _ => {}
    }
    if event == SUBXACT_EVENT_ABORT_SUB {
        ENDED.set(Some(Ended::RolledBack));
    }
}
