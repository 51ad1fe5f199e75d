//! Rows in one order: each is stamped with what it follows from.
//!
//! A second table, the head, has one row, and its page's lock puts the writers in line. Who holds it takes the bytes of
//! that row, derives the stamp of the next row and the bytes that come after it, and puts the row, stamped, and the
//! bytes, in place, with one record of the WAL. So a crash leaves both or neither, no shared memory is needed, and the
//! order has no gap. The head's row is changed where it stands, as PostgreSQL changes rows of pg_database by
//! heap_inplace_update: every snapshot sees the newest bytes.
//!
//! The head's columns are a bigint, the page where the last row came to, and then the caller's bytes. The rows begin
//! with the stamp: their first columns, none of them NULL, of fixed sizes and without padding between them.

use pgrx::{PgSqlErrorCode, pg_sys};

use super::super::attempt::ServerError;
use super::super::raw;
use super::super::relation::TableId;
use super::page::{self, Beside};
use super::{Lsn, Unfit, Value, append, form, unfit};

/// Appends rows in order, each stamped by `next`, which is called with the bytes of the head, to be changed to what they
/// are after the row, and the row's index, and answers the row's first bytes. It may be called for a row more than once,
/// and must neither raise nor panic: it runs under the lock.
///
/// `None`: there is no head yet, see [`begin_order`].
///
/// - errors: as [`super::append`], for the head's table, too; and 55000 for a head unlike the one meant.
pub fn append_in_order<
    const ROWS: usize,
    const COLUMNS: usize,
    const STATE: usize,
    const STAMP: usize,
>(
    table: TableId,
    head: TableId,
    rows: &[[Value<'_>; COLUMNS]; ROWS],
    mut next: impl FnMut(&mut [u8; STATE], usize) -> [u8; STAMP],
) -> Option<Lsn> {
    let mut series = [[0; STATE]; ROWS];
    // SAFETY: what `form` hands over is what is asked for here; the head's buffer is pinned and locked from the first
    // line to the last. Before the head's lock the heap's pages are not locked, so nobody waits the other way round.
    let put = |relation, tuples: &mut [pg_sys::HeapTuple; ROWS]| unsafe {
        let head = raw::table_open(head.0, pg_sys::RowExclusiveLock as i32);
        if let Some(unfit) = unfit(head) {
            raw::table_close(head, pg_sys::NoLock as i32);
            return Some(Answer::Unfit(unfit));
        }
        let (buffer, at) = match lock::<STATE>(head, pg_sys::BUFFER_LOCK_EXCLUSIVE) {
            Found::Row(buffer, at) => (buffer, at),
            other => {
                raw::table_close(head, pg_sys::NoLock as i32);
                return Some(match other {
                    Found::Nothing => Answer::NoHead,
                    _ => Answer::OddHead,
                });
            }
        };
        let after_page = at.add(size_of::<u64>());
        let mut state = after_page.cast::<[u8; STATE]>().read();
        let (mut done, mut last) = (0, None);
        while let Some(left) = tuples.get(done..).filter(|left| !left.is_empty()) {
            let block = at.cast::<u64>().read_unaligned() as pg_sys::BlockNumber;
            let page = page::next_with_room(relation, block, (**left.first()?).t_len);
            let count = page::room_for(page, left);
            for (n, tuple) in left.iter().take(count).enumerate() {
                let stamp = next(&mut state, done + n);
                let data = (**tuple).t_data;
                let start = data.cast::<u8>().add(usize::from((*data).t_hoff));
                start.cast::<[u8; STAMP]>().write(stamp);
                *series.get_mut(n)? = state;
            }
            let beside = Beside {
                buffer,
                at,
                series: series.as_flattened(),
                length: STATE,
            };
            let (lsn, count) = page::put(page, left.get(..count)?, Some(beside))?;
            state = *series.get(count - 1)?;
            done += count;
            last = Some(lsn);
        }
        raw::UnlockReleaseBuffer(buffer);
        raw::table_close(head, pg_sys::NoLock as i32);
        last.map(Answer::Done)
    };
    match form(table, rows, put) {
        Ok(Answer::Done(lsn)) => Some(Lsn(lsn)),
        Ok(Answer::NoHead) => None,
        Ok(Answer::OddHead) => odd_head(),
        Ok(Answer::Unfit(unfit)) | Err(unfit) => unfit.throw(),
    }
}

#[derive(Clone, Copy)]
enum Answer {
    Done(pg_sys::XLogRecPtr),
    NoHead,
    OddHead,
    Unfit(Unfit),
}

/// Makes the head's row, unless there is one: `first` has the stamp of the row whose first eight bytes, a bigint, are the
/// greatest, and answers the head's columns. Reads all of the table, which after the first time is called for only
/// where the head was emptied, or the table restored without it.
pub fn begin_order<const STAMP: usize, const COLUMNS: usize>(
    table: TableId,
    head: TableId,
    first: impl FnOnce(Option<[u8; STAMP]>) -> [HeadValue; COLUMNS],
) {
    let mut greatest = None;
    // SAFETY: both relations are opened, and so locked, before the lock for extension, under which nothing else is
    // waited for. The scan sees rows as they are committed, by a snapshot that needs no registration.
    let is_missing = unsafe {
        raw::guarded(|| {
            let rows = raw::table_open(table.0, pg_sys::AccessShareLock as i32);
            let head = raw::table_open(head.0, pg_sys::RowExclusiveLock as i32);
            raw::LockRelationForExtension(head, pg_sys::ExclusiveLock as i32);
            let is_missing = page::block_count(head) == 0;
            if is_missing {
                greatest = last_stamp::<STAMP>(rows);
            } else {
                raw::UnlockRelationForExtension(head, pg_sys::ExclusiveLock as i32);
            }
            raw::table_close(head, pg_sys::NoLock as i32);
            raw::table_close(rows, pg_sys::NoLock as i32);
            is_missing
        })
    };
    if !is_missing {
        return;
    }
    let values = first(greatest);
    let row: [Value<'_>; COLUMNS] = std::array::from_fn(|n| values[n].value());
    append(head, &[row]);
    // SAFETY: the lock taken above.
    unsafe {
        raw::guarded(|| {
            let head = raw::table_open(head.0, pg_sys::RowExclusiveLock as i32);
            raw::UnlockRelationForExtension(head, pg_sys::ExclusiveLock as i32);
            raw::table_close(head, pg_sys::NoLock as i32);
        });
    }
}

/// A column of the head's first row.
#[derive(Clone, Copy)]
pub enum HeadValue {
    Long(i64),
    Bytes([u8; 32]),
}

impl HeadValue {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Long(long) => Value::Long(*long),
            Self::Bytes(bytes) => Value::Text(bytes),
        }
    }
}

/// The head's bytes, all of one moment. `None`: there is no head yet.
///
/// - errors: 55000 for a head unlike the one meant.
pub fn state<const STATE: usize>(head: TableId) -> Option<[u8; STATE]> {
    // SAFETY: as in append_in_order, with a lock that readers share.
    let found = unsafe {
        raw::guarded(|| {
            let head = raw::table_open(head.0, pg_sys::AccessShareLock as i32);
            let found = match lock::<STATE>(head, pg_sys::BUFFER_LOCK_SHARE) {
                Found::Row(buffer, at) => {
                    let state = at.add(size_of::<u64>()).cast::<[u8; STATE]>().read();
                    raw::UnlockReleaseBuffer(buffer);
                    Some(Some(state))
                }
                Found::Nothing => Some(None),
                Found::SomethingElse => None,
            };
            raw::table_close(head, pg_sys::NoLock as i32);
            found
        })
    };
    match found {
        Some(state) => state,
        None => odd_head(),
    }
}

enum Found {
    /// The buffer, pinned and locked, and where the row's data begins.
    Row(pg_sys::Buffer, *mut u8),
    Nothing,
    SomethingElse,
}

/// # Safety
/// Inside `raw::guarded`; an open relation.
unsafe fn lock<const STATE: usize>(head: pg_sys::Relation, mode: u32) -> Found {
    // SAFETY: the block exists: this backend has seen it since the table was last truncated, or looks. The page is
    // read under its lock.
    unsafe {
        if page::known_block(head) != 0 && page::block_count(head) == 0 {
            return Found::Nothing;
        }
        let buffer = raw::ReadBuffer(head, 0);
        (*(*head).rd_smgr).smgr_targblock = 0;
        raw::LockBuffer(buffer, mode as i32);
        let page = pg_sys::BufferGetPage(buffer);
        match only_row::<STATE>(page) {
            Some(at) => Found::Row(buffer, at),
            None => {
                raw::UnlockReleaseBuffer(buffer);
                Found::SomethingElse
            }
        }
    }
}

/// The data of the page's only row, if that is whole, has the size meant and was not touched since we put it there.
///
/// # Safety
/// A locked page.
unsafe fn only_row<const STATE: usize>(page: pg_sys::Page) -> Option<*mut u8> {
    // SAFETY: line pointers lie between the header and pd_lower, tuples where they say (bufpage.h).
    unsafe {
        let header = page.cast::<pg_sys::PageHeaderData>();
        let lower = usize::from((*header).pd_lower);
        if lower != page::LINE_POINTERS + page::LINE_POINTER_BYTES {
            return None;
        }
        let item = page.add(page::LINE_POINTERS).cast::<pg_sys::ItemIdData>();
        if (*item).lp_flags() != pg_sys::LP_NORMAL {
            return None;
        }
        let tuple = page.add((*item).lp_off() as usize);
        let row = tuple.cast::<pg_sys::HeapTupleHeaderData>();
        let start = usize::from((*row).t_hoff);
        let is_ours = u32::from((*row).t_infomask) & pg_sys::HEAP_XMAX_INVALID != 0
            && (*item).lp_len() as usize == start + size_of::<u64>() + STATE;
        is_ours.then(|| tuple.add(start).cast())
    }
}

/// # Safety
/// Inside `raw::guarded`; an open relation.
unsafe fn last_stamp<const STAMP: usize>(rows: pg_sys::Relation) -> Option<[u8; STAMP]> {
    // SAFETY: a scan of the heap; a row's data begins at t_hoff, and its length is compared before it is read. The
    // snapshot is a constant (snapmgr.c): what is committed, and this transaction's own.
    unsafe {
        let mut greatest: Option<(i64, [u8; STAMP])> = None;
        let snapshot = &raw mut pg_sys::SnapshotSelfData;
        let scan = raw::systable_beginscan(
            rows,
            pg_sys::InvalidOid,
            false,
            snapshot,
            0,
            std::ptr::null_mut(),
        );
        loop {
            let tuple = raw::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let start = usize::from((*(*tuple).t_data).t_hoff);
            if ((*tuple).t_len as usize) < start + STAMP {
                continue;
            }
            let data = (*tuple).t_data.cast::<u8>().add(start);
            let number = data.cast::<i64>().read_unaligned();
            if greatest.is_none_or(|(known, _)| known < number) {
                greatest = Some((number, data.cast::<[u8; STAMP]>().read()));
            }
        }
        raw::systable_endscan(scan);
        greatest.map(|(_, stamp)| stamp)
    }
}

fn odd_head() -> ! {
    ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the row that says where the rows in order end is not as it was left".to_owned(),
        detail: Some("Somebody has changed its table by hand.".to_owned()),
        hint: Some("TRUNCATE its table, as a superuser: the row is then made anew from the last row there is.".to_owned()),
    }
    .throw()
}
