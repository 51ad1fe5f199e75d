//! Appends rows that no transaction owns: frozen at birth, visible to all at once, there whatever the caller does next.
//!
//! The tuple carries FrozenTransactionId, so it needs no transaction id and no commit record; the page change is one
//! generic WAL record, so heap and WAL agree after a crash; and there is no index to fall behind. Relies on: heap pages
//! laid out by the standard functions; a frozen tuple being legal on a page whatever its visibility-map bits; generic
//! WAL being replayed by every server of the same major version, standbys included. Not carried by logical decoding.
//!
//! The record is written here rather than by GenericXLogFinish, which finds out what changed by comparing all of the
//! page, byte by byte: 2 microseconds a row, for a change known beforehand. See docs/adr/0002-frozen-append.md.

mod order;
mod page;

use pgrx::{PgSqlErrorCode, pg_sys};

pub use order::{HeadValue, append_in_order, begin_order, state};

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
    Long(i64),
    /// Of a text, in the database's encoding, or of a bytea.
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
///   table unlike the one meant, or one that this transaction has emptied or rewritten, then no row was added.
pub fn append<const ROWS: usize, const COLUMNS: usize>(
    table: TableId,
    rows: &[[Value<'_>; COLUMNS]; ROWS],
) -> Lsn {
    // SAFETY: what `form` hands over is what `page::put` asks for.
    let put = |relation, tuples: &mut [pg_sys::HeapTuple; ROWS]| unsafe {
        let mut left = tuples.as_slice();
        let mut last = None;
        while !left.is_empty() {
            let page = page::any_with_room(relation, (**left.first()?).t_len);
            let (lsn, count) = page::put(page, left, None)?;
            last = Some(lsn);
            left = left.get(count..)?;
        }
        last
    };
    match form(table, rows, put) {
        Ok(lsn) => Lsn(lsn),
        Err(unfit) => unfit.throw(),
    }
}

/// Why nothing is appended to a table.
#[derive(Clone, Copy)]
enum Unfit {
    UnlikeInstalled,
    /// This transaction has emptied or rewritten it. Its file goes where that rolls back, and the rows would with it; and
    /// where wal_level is minimal, what others put onto the same pages is not in the WAL.
    NewFile,
}

impl Unfit {
    fn throw(self) -> ! {
        let (message, hint) = match self {
            Self::UnlikeInstalled => (
                "the table to append to is not as it was installed",
                "Undo the change: to its columns, access method or persistence, or an index on it.",
            ),
            Self::NewFile => (
                "the table to append to was emptied or rewritten in this transaction",
                "End the transaction first.",
            ),
        };
        ServerError {
            sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            message: message.to_owned(),
            detail: None,
            hint: Some(hint.to_owned()),
        }
        .throw()
    }
}

/// InvalidSubTransactionId (c.h).
const NO_SUBTRANSACTION: pg_sys::SubTransactionId = 0;

/// What keeps rows from being appended to a table, its columns apart.
///
/// # Safety
/// Inside `raw::guarded`; an open relation.
unsafe fn unfit(relation: pg_sys::Relation) -> Option<Unfit> {
    // SAFETY: an open relation has its row of pg_class.
    unsafe {
        let class = (*relation).rd_rel;
        // An index would miss every row from here on, and answer queries as if they were not there. A crash empties an
        // unlogged table, and its records in the WAL would keep the server from starting.
        let indexed = (*class).relhasindex && !raw::RelationGetIndexList(relation).is_null();
        if indexed
            || (*class).relam != pg_sys::HEAP_TABLE_AM_OID
            || (*class).relpersistence != pg_sys::RELPERSISTENCE_PERMANENT as i8
        {
            return Some(Unfit::UnlikeInstalled);
        }
        let is_older = (*relation).rd_createSubid == NO_SUBTRANSACTION;
        let is_new_file = (*relation).rd_firstRelfilenodeSubid != NO_SUBTRANSACTION;
        (is_older && is_new_file).then_some(Unfit::NewFile)
    }
}

/// Makes tuples of rows and hands them to `put`, which owns nothing that needs dropping and does not panic; its `None`
/// says that the table is not as it was installed.
fn form<const ROWS: usize, const COLUMNS: usize, T: Copy>(
    table: TableId,
    rows: &[[Value<'_>; COLUMNS]; ROWS],
    put: impl FnOnce(pg_sys::Relation, &mut [pg_sys::HeapTuple; ROWS]) -> Option<T>,
) -> Result<T, Unfit> {
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
            Value::Long(long) => *datum = pg_sys::Datum::from(long),
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
    unsafe {
        raw::guarded(|| {
            let relation = raw::table_open(table.0, pg_sys::RowExclusiveLock as i32);
            let descriptor = (*relation).rd_att;
            if let Some(unfit) = unfit(relation) {
                return Err(unfit);
            }
            if (*descriptor).natts != COLUMNS as i32 {
                return Err(Unfit::UnlikeInstalled);
            }
            let mut tuples = [std::ptr::null_mut(); ROWS];
            for ((tuple, datums), nulls) in tuples.iter_mut().zip(&mut datums).zip(&mut nulls) {
                *tuple = raw::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr());
                if (**tuple).t_len > ROW_MAX_BYTES {
                    return Err(Unfit::UnlikeInstalled);
                }
                freeze((**tuple).t_data);
            }
            let done = put(relation, &mut tuples);
            raw::pgstat_count_heap_insert(relation, ROWS as i64);
            for tuple in tuples {
                raw::heap_freetuple(tuple);
            }
            raw::table_close(relation, pg_sys::NoLock as i32);
            done.ok_or(Unfit::UnlikeInstalled)
        })
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
