//! The rows of a query that was made at run time, read with the rights of the current role, some hundreds at a time. What is
//! stored out of line stays there until it is looked at, and what is made of a row is given back after it.

use std::ffi::{CStr, CString};

use pgrx::{PgMemoryContexts, pg_sys};

use super::value::Value;

/// Rows that are in memory at a time.
const FETCHED: i64 = 500;

/// A row; columns are counted from 1.
pub struct Row<'a> {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
    life: std::marker::PhantomData<&'a ()>,
}

/// - query: a SELECT; it can be cancelled.
/// - errors: whatever PostgreSQL raises, as an unwinding panic; the abort of the (sub)transaction then disconnects SPI.
pub fn each(query: &str, mut read: impl FnMut(&Row<'_>), mut fetched: impl FnMut()) {
    let query = CString::new(query).expect("a query has no NUL");
    let mut of_the_row = PgMemoryContexts::new("tenant_vault: a row");
    // SAFETY: SPI is connected from the first line to the last, in the caller's snapshot since nothing is written; a row
    // lives until its batch is freed, and the context of what is made of it until it is reset, both after `read`.
    unsafe {
        expect(pg_sys::SPI_connect() == pg_sys::SPI_OK_CONNECT as i32);
        let plan = pg_sys::SPI_prepare(query.as_ptr(), 0, std::ptr::null_mut());
        expect(!plan.is_null());
        let (none, nulls) = (std::ptr::null_mut(), std::ptr::null());
        let portal = pg_sys::SPI_cursor_open(std::ptr::null(), plan, none, nulls, true);
        loop {
            pgrx::check_for_interrupts!();
            pg_sys::SPI_cursor_fetch(portal, true, FETCHED);
            let table = pg_sys::SPI_tuptable;
            let count = usize::try_from(pg_sys::SPI_processed).unwrap_or(0);
            for i in 0..count {
                let row = Row {
                    tuple: *(*table).vals.add(i),
                    descriptor: (*table).tupdesc,
                    life: std::marker::PhantomData,
                };
                of_the_row.switch_to(|_| read(&row));
                of_the_row.reset();
            }
            pg_sys::SPI_freetuptable(table);
            if count == 0 {
                break;
            }
            fetched();
        }
        pg_sys::SPI_cursor_close(portal);
        expect(pg_sys::SPI_finish() == pg_sys::SPI_OK_FINISH as i32);
    }
}

impl<'a> Row<'a> {
    pub fn value(&self, column: i32) -> Option<Value<'a>> {
        let mut is_null = false;
        // SAFETY: the tuple belongs to the descriptor; the caller reads the value by the form of the column that it named
        // in the query.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &mut is_null);
            (!is_null).then(|| Value::new(datum))
        }
    }

    /// As its type's output function writes it.
    pub fn written(&self, column: i32) -> Option<String> {
        // SAFETY: as above; NULL, or a palloc'd string.
        unsafe {
            let text = pg_sys::SPI_getvalue(self.tuple, self.descriptor, column);
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    }
}

/// What SPI promises; a broken promise stops the call as an internal error.
fn expect(kept: bool) {
    assert!(kept, "SPI broke its contract");
}
