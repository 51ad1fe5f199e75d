//! Appends rows that no transaction owns: frozen at birth, visible to all at once, there whatever the caller does next.
//!
//! The tuple carries FrozenTransactionId, so it needs no transaction id and no commit record; the page change is one
//! generic WAL record, so heap and WAL agree after a crash; and there is no index to fall behind. Relies on: heap pages
//! laid out by the standard functions; a frozen tuple being legal on a page whatever its visibility-map bits; generic
//! WAL being replayed by every server of the same major version, standbys included. Not carried by logical decoding.
//!
//! The record is written here rather than by GenericXLogFinish, which finds out what changed by comparing all of the
//! page, byte by byte: 2 microseconds a row, for a change known beforehand. See docs/adr/0002-frozen-append.md.

use pgrx::{PgSqlErrorCode, pg_sys};

use super::attempt::ServerError;
use super::clock::Timestamp;
use super::raw;
use super::relation::TableId;

/// One column of a row to append.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Null,
    Bool(bool),
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

/// Appends rows; the values of each are the table's columns in order. Those that come onto one page share one record in
/// the WAL.
///
/// - limit: a row must fit below the TOAST threshold (about 2 kB), since nothing is toasted here.
/// - errors: whatever PostgreSQL raises (disk full above all), then rows that came onto earlier pages stand; 55000 for a
///   table unlike the one meant, then no row was added.
pub fn append<const ROWS: usize, const COLUMNS: usize>(
    table: TableId,
    rows: &[[Value<'_>; COLUMNS]; ROWS],
) -> Lsn {
    // Texts as varlenas, one behind the other; their addresses are taken when all stand.
    let bytes = rows.iter().flatten().map(Value::text_bytes).sum();
    let (mut ordinary, mut many) = ([[0; TEXTS_BYTES]; ROWS], Vec::new());
    let texts = match ordinary.as_flattened_mut().get_mut(..bytes) {
        Some(texts) => texts,
        None => {
            many.resize(bytes, 0);
            many.as_mut_slice()
        }
    };
    let mut next_text = 0;
    for value in rows.iter().flatten() {
        if let Value::Text(text) = value {
            next_text += write_varlena(&mut texts[next_text..], text);
        }
    }
    let mut datums = [[pg_sys::Datum::null(); COLUMNS]; ROWS];
    let mut nulls = [[false; COLUMNS]; ROWS];
    let mut next_text = 0;
    for ((value, datum), null) in rows
        .iter()
        .flatten()
        .zip(datums.as_flattened_mut())
        .zip(nulls.as_flattened_mut())
    {
        match *value {
            Value::Null => *null = true,
            Value::Bool(is) => *datum = pg_sys::Datum::from(is),
            Value::Int(int) => *datum = pg_sys::Datum::from(int),
            Value::Text(text) => {
                *datum = pg_sys::Datum::from(texts[next_text..].as_ptr());
                next_text += varlena_bytes(text);
            }
            Value::Timestamp(at) => *datum = pg_sys::Datum::from(at.0),
            Value::Uuid(uuid) => *datum = pg_sys::Datum::from(uuid.as_ptr()),
            Value::Varlena(bytes) => *datum = pg_sys::Datum::from(bytes.as_ptr()),
            Value::Xid8(xid) => *datum = pg_sys::Datum::from(xid),
        }
    }
    // SAFETY: the closure owns nothing and does not panic. The relation is open and locked from here to the end of the
    // transaction, so it is neither dropped nor truncated under us. heap_form_tuple reads exactly natts datums and
    // nulls: their number is checked first.
    let lsn = unsafe {
        raw::guarded(|| {
            let relation = raw::table_open(table.0, pg_sys::RowExclusiveLock as i32);
            let descriptor = (*relation).rd_att;
            let class = (*relation).rd_rel;
            // An index would miss every row from here on, and answer queries as if they were not there.
            let indexed = (*class).relhasindex && !raw::RelationGetIndexList(relation).is_null();
            if indexed
                || (*descriptor).natts != COLUMNS as i32
                || (*class).relam != pg_sys::HEAP_TABLE_AM_OID
                || (*class).relpersistence != pg_sys::RELPERSISTENCE_PERMANENT as i8
            {
                return None;
            }
            let mut tuples = [std::ptr::null_mut(); ROWS];
            for ((tuple, datums), nulls) in tuples.iter_mut().zip(&mut datums).zip(&mut nulls) {
                *tuple = raw::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr());
                if (**tuple).t_len > ROW_MAX_BYTES {
                    return None;
                }
                freeze((**tuple).t_data);
            }
            let mut left = tuples.as_slice();
            let mut last = None;
            while !left.is_empty() {
                let (lsn, count) = put(relation, left)?;
                last = Some(lsn);
                left = left.get(count..)?;
            }
            raw::pgstat_count_heap_insert(relation, ROWS as i64);
            for tuple in tuples {
                raw::heap_freetuple(tuple);
            }
            raw::table_close(relation, pg_sys::NoLock as i32);
            last
        })
    };
    match lsn {
        Some(lsn) => Lsn(lsn),
        None => ServerError {
            sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            message: "the table to append to is not as it was installed".to_owned(),
            detail: None,
            hint: Some(
                "Undo the change: to its columns, access method or persistence, or an index on it."
                    .to_owned(),
            ),
        }
        .throw(),
    }
}

// Varlena headers are written by hand below.
const _: () = assert!(cfg!(target_endian = "little"));

/// Room for the texts of an ordinary row, which need no allocation.
const TEXTS_BYTES: usize = 256;
/// The longest text with a header of one byte (postgres.h, VARATT_SHORT_MAX, less the header).
const SHORT_MAX: usize = 126;

impl Value<'_> {
    fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => varlena_bytes(text),
            _ => 0,
        }
    }
}

/// A text as it lies in a tuple: one byte of header, `length << 1 | 1`, or four, `length << 2`, header included
/// (postgres.h, little-endian). heap_form_tuple takes both forms, aligned or not.
///
/// - returns: how many bytes it takes.
fn write_varlena(to: &mut [u8], text: &[u8]) -> usize {
    let total = varlena_bytes(text);
    let head = total - text.len();
    if head == 1 {
        to[0] = (total << 1 | 1) as u8;
    } else {
        to[..head].copy_from_slice(&((total as u32) << 2).to_le_bytes());
    }
    to[head..total].copy_from_slice(text);
    total
}

fn varlena_bytes(text: &[u8]) -> usize {
    text.len() + if text.len() <= SHORT_MAX { 1 } else { 4 }
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

/// Makes a tuple one that every snapshot sees and no transaction owns.
///
/// # Safety
/// `header` is that of a tuple just formed.
unsafe fn freeze(header: pg_sys::HeapTupleHeader) {
    // SAFETY: the caller's promise.
    unsafe {
        (*header).t_choice.t_heap.t_xmin = pg_sys::FrozenTransactionId;
        (*header).t_choice.t_heap.t_xmax = pg_sys::InvalidTransactionId;
        (*header).t_choice.t_heap.t_field3.t_cid = 0;
        // What heap_form_tuple leaves in these bits is meant for a datum; heap_insert clears them too.
        (*header).t_infomask &= !(pg_sys::HEAP_XACT_MASK as u16);
        (*header).t_infomask2 &= !(pg_sys::HEAP2_XACT_MASK as u16);
        (*header).t_infomask |= (pg_sys::HEAP_XMIN_FROZEN | pg_sys::HEAP_XMAX_INVALID) as u16;
    }
}

/// Puts the first tuples on the last page, or on a new one behind it: one at least, and as many as there is room for.
/// `None`: the page did not take the first.
///
/// # Safety
/// Inside `raw::guarded`; `relation` is open with RowExclusiveLock; each tuple is complete and fits an empty page.
unsafe fn put(
    relation: pg_sys::Relation,
    tuples: &[pg_sys::HeapTuple],
) -> Option<(pg_sys::XLogRecPtr, usize)> {
    // SAFETY: the buffer is pinned and exclusively locked while touched. Change and record stand in one critical
    // section (access/transam/README, "Write-Ahead Log Coding"): dirty the buffer, register, insert, stamp the page.
    unsafe {
        let (buffer, fresh) = last_page_with_room(relation, (**tuples.first()?).t_len);
        let block = raw::BufferGetBlockNumber(buffer);
        let page = pg_sys::BufferGetPage(buffer);
        let header = page.cast::<pg_sys::PageHeaderData>();

        pg_sys::CritSectionCount += 1;
        if fresh {
            raw::PageInit(page, pg_sys::BLCKSZ as usize, 0);
        }
        let (flags_before, upper_before) = ((*header).pd_flags, (*header).pd_upper);
        // Where line pointers are used again, those of two tuples need not be neighbours, which the record relies on.
        let reuses = u32::from(flags_before) & pg_sys::PD_HAS_FREE_LINES != 0;
        let (mut first, mut count) = (pg_sys::InvalidOffsetNumber, 0);
        for tuple in tuples {
            let length = pg_sys::MAXALIGN((**tuple).t_len as usize);
            if count > 0 && (reuses || raw::PageGetHeapFreeSpace(page) < length) {
                break;
            }
            let offset = raw::PageAddItemExtended(
                page,
                (**tuple).t_data.cast(),
                (**tuple).t_len as usize,
                pg_sys::InvalidOffsetNumber,
                pg_sys::PAI_IS_HEAP as i32,
            );
            if offset == pg_sys::InvalidOffsetNumber {
                // The page is as it was: it has no room, and was just seen to have it.
                break;
            }
            if count == 0 {
                first = offset;
            }
            count += 1;
            let item = page.add(LINE_POINTERS + (usize::from(offset) - 1) * LINE_POINTER_BYTES);
            let start = (*item.cast::<pg_sys::ItemIdData>()).lp_off() as usize;
            let placed = page.add(start).cast::<pg_sys::HeapTupleHeaderData>();
            (*placed).t_ctid.ip_blkid.bi_hi = (block >> 16) as u16;
            (*placed).t_ctid.ip_blkid.bi_lo = block as u16;
            (*placed).t_ctid.ip_posid = offset;
            // The padding is part of the record, so that a replayed page equals this one.
            page.add(start + (**tuple).t_len as usize)
                .write_bytes(0, length - (**tuple).t_len as usize);
        }
        if count == 0 {
            pg_sys::CritSectionCount -= 1;
            raw::UnlockReleaseBuffer(buffer);
            return None;
        }
        raw::MarkBufferDirty(buffer);

        raw::XLogBeginInsert();
        let image = if fresh { pg_sys::REGBUF_FORCE_IMAGE } else { 0 };
        raw::XLogRegisterBuffer(0, buffer, (pg_sys::REGBUF_STANDARD | image) as u8);
        let flags_changed = (*header).pd_flags != flags_before;
        let changed = if flags_changed { PD_FLAGS } else { PD_LOWER };
        // generic_xlog.c: a delta is a series of fragments, each offset, length, bytes. Registered data must stay
        // where it is until the insertion, so the fragments' heads have a place each. The tuples lie one below the other.
        let items = LINE_POINTERS + (usize::from(first) - 1) * LINE_POINTER_BYTES;
        let start = (*header).pd_upper;
        let heads = [
            [changed as u16, (PD_UPPER_END - changed) as u16],
            [items as u16, (count * LINE_POINTER_BYTES) as u16],
            [start, upper_before - start],
        ];
        for [from, bytes] in &heads {
            raw::XLogRegisterBufData(0, std::ptr::from_ref(from).cast_mut().cast(), 2);
            raw::XLogRegisterBufData(0, std::ptr::from_ref(bytes).cast_mut().cast(), 2);
            raw::XLogRegisterBufData(0, page.add(usize::from(*from)), i32::from(*bytes));
        }
        let lsn = raw::XLogInsert(pg_sys::RmgrIds::RM_GENERIC_ID as u8, 0);
        let stamp = &mut (*header).pd_lsn;
        stamp.xlogid = (lsn >> 32) as u32;
        stamp.xrecoff = lsn as u32;
        pg_sys::CritSectionCount -= 1;

        raw::UnlockReleaseBuffer(buffer);
        Some((lsn, count))
    }
}

/// Offsets in a page's header (bufpage.h): pd_flags, pd_lower, and the end of pd_upper behind it.
const PD_FLAGS: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_flags);
const PD_LOWER: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_lower);
const PD_UPPER_END: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_special);
const LINE_POINTERS: usize = std::mem::offset_of!(pg_sys::PageHeaderData, pd_linp);
const LINE_POINTER_BYTES: usize = std::mem::size_of::<pg_sys::ItemIdData>();

/// A pinned, exclusively locked buffer with room for `length` bytes, and whether it must be initialised.
///
/// Starts with the block where this backend last found room (forgotten by PostgreSQL when the table is truncated), then
/// the last block. One that another backend is writing to is passed over for a new one, which this backend then keeps
/// to: as with an ordinary INSERT, backends that write at once write to pages of their own instead of queueing.
///
/// # Safety
/// As [`put`].
unsafe fn last_page_with_room(relation: pg_sys::Relation, length: u32) -> (pg_sys::Buffer, bool) {
    // SAFETY: block numbers come from the relation itself, read under a lock that keeps VACUUM from truncating it;
    // the extension lock makes sure that two backends do not add the same block. As in RelationGetBufferForTuple.
    unsafe {
        let mut block = match (*relation).rd_smgr {
            storage if storage.is_null() => pg_sys::InvalidBlockNumber,
            storage => (*storage).smgr_targblock,
        };
        let mut is_last = false;
        loop {
            if block == pg_sys::InvalidBlockNumber && !is_last {
                block = last_block(relation);
                is_last = true;
            }
            if block != pg_sys::InvalidBlockNumber
                && let Some(found) = lock_if_room(relation, block, length)
            {
                // Reading the block has opened the storage (RelationGetSmgr).
                (*(*relation).rd_smgr).smgr_targblock = block;
                return found;
            }
            if !is_last {
                block = pg_sys::InvalidBlockNumber;
                continue;
            }
            raw::LockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
            let buffer = raw::ReadBuffer(relation, pg_sys::InvalidBlockNumber);
            raw::UnlockRelationForExtension(relation, pg_sys::ExclusiveLock as i32);
            // Others see the new block as soon as it exists, so it is locked and looked at like any other: whoever
            // comes first finds it uninitialised.
            block = raw::BufferGetBlockNumber(buffer);
            raw::ReleaseBuffer(buffer);
        }
    }
}

/// # Safety
/// As [`put`].
unsafe fn last_block(relation: pg_sys::Relation) -> pg_sys::BlockNumber {
    // SAFETY: an open relation.
    let blocks =
        unsafe { raw::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM) };
    blocks.checked_sub(1).unwrap_or(pg_sys::InvalidBlockNumber)
}

/// # Safety
/// As [`put`]; `block` exists. `None`: no room, or somebody else has it locked.
unsafe fn lock_if_room(
    relation: pg_sys::Relation,
    block: pg_sys::BlockNumber,
    length: u32,
) -> Option<(pg_sys::Buffer, bool)> {
    // SAFETY: as above. A page that an extension left uninitialised before a crash has pd_upper 0 (PageIsNew).
    unsafe {
        let buffer = raw::ReadBuffer(relation, block);
        if !raw::ConditionalLockBuffer(buffer) {
            raw::ReleaseBuffer(buffer);
            return None;
        }
        let page = pg_sys::BufferGetPage(buffer);
        if (*page.cast::<pg_sys::PageHeaderData>()).pd_upper == 0 {
            return Some((buffer, true));
        }
        if raw::PageGetHeapFreeSpace(page) >= pg_sys::MAXALIGN(length as usize) {
            return Some((buffer, false));
        }
        raw::UnlockReleaseBuffer(buffer);
        None
    }
}
