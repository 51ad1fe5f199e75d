//! Appends rows that no transaction owns: frozen at birth, visible to all at once, there whatever the caller does next.
//!
//! The tuple carries FrozenTransactionId, so it needs no transaction id and no commit record; the page change is one
//! generic WAL record, so heap and WAL agree after a crash; and there is no index to fall behind. Relies on: heap pages
//! laid out by the standard functions; a frozen tuple being legal on a page whatever its visibility-map bits; generic
//! WAL being replayed by every server of the same major version, standbys included. Not carried by logical decoding.

use pgrx::{PgSqlErrorCode, pg_sys};

use super::attempt::ServerError;
use super::clock::Timestamp;
use super::relation::TableId;

/// One column of a row to append.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Null,
    Int(i32),
    /// Bytes in the database's encoding.
    Text(&'a [u8]),
    Timestamp(Timestamp),
    Uuid(&'a [u8; 16]),
    /// A whole varlena, header included, as it lies in a tuple.
    Varlena(&'a [u8]),
    Xid8(u64),
}

/// TOAST_TUPLE_THRESHOLD: four rows a page (heaptoast.h), for pages of 8 kB.
const ROW_MAX_BYTES: u32 = 2032;

/// Where in the WAL a row's record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pg_sys::XLogRecPtr);

/// Appends one row; `values` are the table's columns in order.
///
/// - limit: the row must fit below the TOAST threshold (about 2 kB), since nothing is toasted here.
/// - errors: whatever PostgreSQL raises (disk full above all); then no row was added.
pub fn append<const COLUMNS: usize>(table: TableId, values: [Value<'_>; COLUMNS]) -> Lsn {
    let mut datums = [pg_sys::Datum::null(); COLUMNS];
    let mut nulls = [false; COLUMNS];
    for ((value, datum), null) in values.iter().zip(&mut datums).zip(&mut nulls) {
        match *value {
            Value::Null => *null = true,
            Value::Int(int) => *datum = pg_sys::Datum::from(int),
            // SAFETY: copies the slice into a palloc'd text; lengths are far below 1 GiB.
            Value::Text(text) => unsafe {
                let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
                *datum = pg_sys::cstring_to_text_with_len(text.as_ptr().cast(), length).into();
            },
            Value::Timestamp(at) => *datum = pg_sys::Datum::from(at.0),
            Value::Uuid(uuid) => *datum = pg_sys::Datum::from(uuid.as_ptr()),
            Value::Varlena(bytes) => *datum = pg_sys::Datum::from(bytes.as_ptr()),
            Value::Xid8(xid) => *datum = pg_sys::Datum::from(xid),
        }
    }

    // SAFETY: the relation is open and locked from here to the end of the transaction, so it is neither dropped nor
    // truncated under us. heap_form_tuple reads exactly natts datums and nulls: their number is checked first.
    unsafe {
        let relation = pg_sys::table_open(table.0, pg_sys::RowExclusiveLock as i32);
        let descriptor = (*relation).rd_att;
        if usize::try_from((*descriptor).natts) != Ok(COLUMNS) {
            unlike_installed();
        }
        let tuple = pg_sys::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr());
        if (*tuple).t_len > ROW_MAX_BYTES {
            unlike_installed();
        }
        let header = (*tuple).t_data;
        (*header).t_choice.t_heap.t_xmin = pg_sys::FrozenTransactionId;
        (*header).t_choice.t_heap.t_xmax = pg_sys::InvalidTransactionId;
        (*header).t_choice.t_heap.t_field3.t_cid = 0;
        (*header).t_infomask |= (pg_sys::HEAP_XMIN_FROZEN | pg_sys::HEAP_XMAX_INVALID) as u16;

        let lsn = put(relation, tuple);
        pg_sys::pgstat_count_heap_insert(relation, 1);
        pg_sys::heap_freetuple(tuple);
        pg_sys::table_close(relation, pg_sys::NoLock as i32);
        Lsn(lsn)
    }
}

/// Waits until the WAL up to `lsn` is on disk, unless the session has switched `synchronous_commit` off.
pub fn flush(lsn: Lsn) {
    // SAFETY: the LSN is the end of a record of ours, so it is never past what has been inserted.
    unsafe {
        if pg_sys::synchronous_commit > pg_sys::SyncCommitLevel::SYNCHRONOUS_COMMIT_OFF as i32 {
            pg_sys::XLogFlush(lsn.0);
        }
    }
}

fn unlike_installed() -> ! {
    ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the table to append to is not as it was installed".to_owned(),
        detail: None,
        hint: Some("undo the change to its columns".to_owned()),
    }
    .raise()
}

/// Puts the tuple on the last page, or on a new one behind it.
///
/// # Safety
/// `relation` is open with RowExclusiveLock; `tuple` is complete and small enough for an empty page.
unsafe fn put(relation: pg_sys::Relation, tuple: pg_sys::HeapTuple) -> pg_sys::XLogRecPtr {
    // SAFETY: buffers are pinned and exclusively locked while touched; the page is changed only in the copy that
    // generic WAL gives out, and takes effect in GenericXLogFinish, atomically with its record. An ERROR before that
    // leaves nothing but locks and pins, which the abort releases.
    unsafe {
        let (buffer, fresh) = last_page_with_room(relation, (*tuple).t_len);
        let state = pg_sys::GenericXLogStart(relation);
        let flags = if fresh {
            pg_sys::GENERIC_XLOG_FULL_IMAGE as i32
        } else {
            0
        };
        let page = pg_sys::GenericXLogRegisterBuffer(state, buffer, flags);
        if fresh {
            pg_sys::PageInit(page, pg_sys::BLCKSZ as usize, 0);
        }
        let offset = pg_sys::PageAddItemExtended(
            page,
            (*tuple).t_data.cast(),
            (*tuple).t_len as usize,
            pg_sys::InvalidOffsetNumber,
            pg_sys::PAI_IS_HEAP as i32,
        );
        if offset == pg_sys::InvalidOffsetNumber {
            pg_sys::GenericXLogAbort(state);
            unlike_installed();
        }
        let item = pg_sys::PageGetItemId(page, offset);
        let placed = page
            .add((*item).lp_off() as usize)
            .cast::<pg_sys::HeapTupleHeaderData>();
        pgrx::itemptr::item_pointer_set_all(
            &mut (*placed).t_ctid,
            pg_sys::BufferGetBlockNumber(buffer),
            offset,
        );
        let lsn = pg_sys::GenericXLogFinish(state);
        pg_sys::UnlockReleaseBuffer(buffer);
        lsn
    }
}

/// A pinned, exclusively locked buffer with room for `length` bytes, and whether it must be initialised. Starts with
/// the block where this backend last found room (forgotten by PostgreSQL when the table is truncated), then the last
/// block, then a new one.
///
/// # Safety
/// As [`put`].
unsafe fn last_page_with_room(relation: pg_sys::Relation, length: u32) -> (pg_sys::Buffer, bool) {
    // SAFETY: block numbers come from the relation itself, read under a lock that keeps VACUUM from truncating it;
    // the extension lock makes sure that two backends do not add the same block. As in RelationGetBufferForTuple.
    unsafe {
        let storage = pg_sys::RelationGetSmgr(relation);
        let mut block = (*storage).smgr_targblock;
        if block == pg_sys::InvalidBlockNumber {
            block = last_block(relation);
        }
        loop {
            if block != pg_sys::InvalidBlockNumber {
                if let Some(found) = lock_if_room(relation, block, length) {
                    (*pg_sys::RelationGetSmgr(relation)).smgr_targblock = block;
                    return found;
                }
                let last = last_block(relation);
                if last != block {
                    block = last;
                    continue;
                }
            }
            pg_sys::LockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
            let last = last_block(relation);
            if last != block {
                pg_sys::UnlockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
                block = last;
                continue;
            }
            let buffer = pg_sys::ReadBuffer(relation, pg_sys::InvalidBlockNumber);
            pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
            pg_sys::UnlockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
            (*pg_sys::RelationGetSmgr(relation)).smgr_targblock =
                pg_sys::BufferGetBlockNumber(buffer);
            return (buffer, true);
        }
    }
}

/// # Safety
/// As [`put`].
unsafe fn last_block(relation: pg_sys::Relation) -> pg_sys::BlockNumber {
    // SAFETY: an open relation.
    let blocks = unsafe {
        pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM)
    };
    blocks.checked_sub(1).unwrap_or(pg_sys::InvalidBlockNumber)
}

/// # Safety
/// As [`put`]; `block` exists.
unsafe fn lock_if_room(
    relation: pg_sys::Relation,
    block: pg_sys::BlockNumber,
    length: u32,
) -> Option<(pg_sys::Buffer, bool)> {
    // SAFETY: as above. A page that an extension left uninitialised before a crash has pd_upper 0 (PageIsNew).
    unsafe {
        let buffer = pg_sys::ReadBuffer(relation, block);
        pg_sys::LockBuffer(buffer, pg_sys::BUFFER_LOCK_EXCLUSIVE as i32);
        let page = pg_sys::BufferGetPage(buffer);
        if (*page.cast::<pg_sys::PageHeaderData>()).pd_upper == 0 {
            return Some((buffer, true));
        }
        if pg_sys::PageGetHeapFreeSpace(page) >= pg_sys::MAXALIGN(length as usize) {
            return Some((buffer, false));
        }
        pg_sys::UnlockReleaseBuffer(buffer);
        None
    }
}
