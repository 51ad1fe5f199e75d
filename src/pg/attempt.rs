//! Runs code that may raise, and turns whatever was raised into a value.
//!
//! A PostgreSQL ERROR is a longjmp, which pgrx turns into a Rust panic at the border. Catching it without a
//! subtransaction is sound here on two conditions, which the callers keep: the error is raised again before control
//! goes back to the executor, so that the (sub)transaction aborts and frees the rest; and until then nothing is done
//! but append to the access log, which needs no snapshot and no catalog look-up that is not cached.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null;

use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::{PgSqlErrorCode, pg_sys};

use super::text::sayable;

/// What PostgreSQL, or a broken promise of ours, raised.
#[derive(Debug)]
pub struct ServerError {
    pub sqlstate: PgSqlErrorCode,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

pub fn attempt<T>(body: impl FnOnce() -> T) -> Result<T, ServerError> {
    // SAFETY: plain globals of this process; a longjmp may leave them as they were deeper down, so they are put back.
    let (context, owner) = unsafe { (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner) };
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        // SAFETY: the first steps of AbortTransaction (xact.c), in its order: after an ERROR light-weight locks may
        // still be held, a page on its way from or to the disk, a WAL record half built, a sleep or a lock wait
        // registered. Each call is made for this state and does nothing where there is nothing to release. Of the page
        // PostgreSQL remembers one: a second one that fails, the log's on a full disk, would leave the first marked as on
        // its way, and everybody who wants it waiting until the server restarts.
        unsafe {
            pg_sys::CurrentMemoryContext = context;
            pg_sys::CurrentResourceOwner = owner;
            pg_sys::LWLockReleaseAll();
            pg_sys::AbortBufferIO();
            pg_sys::UnlockBuffers();
            pg_sys::XLogResetInsertion();
            pg_sys::ConditionVariableCancelSleep();
            pg_sys::LockErrorCleanup();
        }
        // What PostgreSQL raised comes as the first, what `throw` threw as the second.
        let payload = match payload.downcast::<CaughtError>() {
            Ok(caught) => match *caught {
                CaughtError::PostgresError(report) | CaughtError::ErrorReport(report) => {
                    return report.into();
                }
                CaughtError::RustPanic { .. } => return ServerError::internal(),
            },
            Err(payload) => payload,
        };
        match payload.downcast::<ServerError>() {
            Ok(error) => *error,
            Err(_) => ServerError::internal(),
        }
    })
}

/// Runs something that has nothing to do with the statement it came upon, in a subtransaction of its own, which rolls back
/// where the body raises or gives an `Err`: the statement then goes on as if nothing had been.
///
/// - body: in a transaction, not in parallel mode.
pub fn aside<T, E>(body: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, ServerError> {
    // SAFETY: as PL/pgSQL does it (exec_stmt_block): the memory context and the resource owner are what they were before,
    // once the subtransaction is over.
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(null());
        pg_sys::CurrentMemoryContext = context;
        let done = attempt(body);
        match done {
            Ok(Ok(_)) => pg_sys::ReleaseCurrentSubTransaction(),
            _ => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::CurrentMemoryContext = context;
        pg_sys::CurrentResourceOwner = owner;
        done
    }
}

impl From<ErrorReportWithLevel> for ServerError {
    fn from(report: ErrorReportWithLevel) -> Self {
        Self {
            sqlstate: report.sql_error_code(),
            message: report.message().to_owned(),
            detail: report.detail().map(str::to_owned),
            hint: report.hint().map(str::to_owned),
        }
    }
}

impl ServerError {
    /// A Rust panic. Its text is for us, not for a caller, and might hold what it should not: it is dropped.
    fn internal() -> Self {
        Self {
            sqlstate: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            message: "internal error in tenant_vault".to_owned(),
            detail: Some("The call was stopped; nothing was released.".to_owned()),
            hint: Some(
                "Please report what you called and with which kind of arguments.".to_owned(),
            ),
        }
    }

    /// Somebody wants the statement to end: pg_cancel_backend, statement_timeout.
    pub fn is_cancel(&self) -> bool {
        self.sqlstate == PgSqlErrorCode::ERRCODE_QUERY_CANCELED
    }

    pub fn is_unique_violation(&self) -> bool {
        self.sqlstate == PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION
    }

    /// Unwinds to the [`attempt`] around, which gives this back as a value.
    pub fn throw(self) -> ! {
        resume_unwind(Box::new(self))
    }

    /// Raises this as a PostgreSQL ERROR, outside of any [`attempt`]. Not by `panic!`: pgrx's panic hook would take a backtrace, which ends up in
    /// the DETAIL that a client sees.
    pub fn raise(self) -> ! {
        let message = sayable(self.message);
        let mut report = ErrorReport::new(self.sqlstate, message, "tenant_vault");
        if let Some(detail) = self.detail {
            report = report.set_detail(sayable(detail));
        }
        if let Some(hint) = self.hint {
            report = report.set_hint(sayable(hint));
        }
        resume_unwind(Box::new(report))
    }
}
