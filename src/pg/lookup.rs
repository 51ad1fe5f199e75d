//! A row by its primary key, straight through the index: no planner, no executor. The table must be a local heap.

use pgrx::pg_sys;

use super::raw;
use super::relation::TableId;

/// A row under the reader's eyes, gone when the reader returns.
pub struct Row<'a> {
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
}

impl Row<'_> {
    /// - column: counted from 0.
    pub fn int(&self, column: usize) -> Option<i32> {
        (!*self.nulls.get(column)?).then(|| self.values[column].value() as i32)
    }

    /// The one byte of a column of type "char".
    pub fn char(&self, column: usize) -> Option<u8> {
        (!*self.nulls.get(column)?).then(|| self.values[column].value() as u8)
    }

    /// The content of a bytea or text column, copied; fetched from TOAST where it lies there.
    pub fn bytes<T>(&self, column: usize, copy: impl FnOnce(&[u8]) -> T) -> Option<T> {
        if *self.nulls.get(column)? {
            return None;
        }
        // SAFETY: the column is a varlena (the caller's table, proven by `is_local_heap` and its column count); the
        // detoasted form is either the tuple itself or a palloc'd copy, freed here.
        unsafe {
            let stored: *mut pg_sys::varlena = self.values[column].cast_mut_ptr();
            let plain = pg_sys::pg_detoast_datum_packed(stored);
            let answer = copy(pgrx::varlena_to_byte_slice(plain));
            if plain != stored {
                pg_sys::pfree(plain.cast());
            }
            Some(answer)
        }
    }
}

/// The row whose two uuid key columns (the primary key, in order) have these values, as this statement sees it.
/// `Err`: the table is not a plain local heap with a primary key and `COLUMNS` columns, so it was not read.
pub fn by_uuid_pair<const COLUMNS: usize, T>(
    table: TableId,
    key: [(i16, &[u8; 16]); 2],
    read: impl FnOnce(Row<'_>) -> T,
) -> Result<Option<T>, NotPlain> {
    let mut values = [pg_sys::Datum::null(); COLUMNS];
    let mut nulls = [false; COLUMNS];
    // SAFETY: neither closure owns anything or panics. The relation stays open and locked while it is read.
    // systable_beginscan takes any heap with a suitable btree (genam.c) and maps the key's heap attributes to the
    // index's columns; its tuple, and the values that point into it, live until systable_endscan, which comes after
    // `read`. The snapshot is registered, so it outlives the scan. When an ERROR or a panic passes through here, the
    // resource owner gives scan, snapshot and relation back at the abort.
    unsafe {
        let begun = raw::guarded(|| {
            let relation = raw::table_open(table.0, pg_sys::AccessShareLock as i32);
            let index = raw::RelationGetPrimaryKeyIndex(relation);
            let descriptor = (*relation).rd_att;
            if !is_local_heap(relation)
                || index == pg_sys::InvalidOid
                || (*descriptor).natts != COLUMNS as i32
            {
                raw::table_close(relation, pg_sys::NoLock as i32);
                return None;
            }
            let mut keys = [pg_sys::ScanKeyData::default(); 2];
            for ((attribute, uuid), scan_key) in key.iter().zip(&mut keys) {
                raw::ScanKeyInit(
                    scan_key,
                    *attribute,
                    pg_sys::BTEqualStrategyNumber as u16,
                    pg_sys::F_UUID_EQ.into(),
                    pg_sys::Datum::from(uuid.as_ptr()),
                );
            }
            // As SPI does for a volatile function: this statement's own earlier changes are seen, and, under READ
            // COMMITTED, what others have committed by now.
            let snapshot = raw::RegisterSnapshot(raw::GetTransactionSnapshot());
            let scan =
                raw::systable_beginscan(relation, index, true, snapshot, 2, keys.as_mut_ptr());
            let tuple = raw::systable_getnext(scan);
            if !tuple.is_null() {
                raw::heap_deform_tuple(tuple, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            }
            Some((relation, snapshot, scan, !tuple.is_null()))
        });
        let Some((relation, snapshot, scan, found)) = begun else {
            return Err(NotPlain);
        };
        let answer = found.then(|| {
            read(Row {
                values: &values,
                nulls: &nulls,
            })
        });
        raw::guarded(|| {
            raw::systable_endscan(scan);
            raw::UnregisterSnapshot(snapshot);
            raw::table_close(relation, pg_sys::NoLock as i32);
        });
        Ok(answer)
    }
}

/// The table cannot be read this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPlain;

/// # Safety
/// `relation` is open.
unsafe fn is_local_heap(relation: pg_sys::Relation) -> bool {
    // SAFETY: rd_rel is filled for every open relation.
    let class = unsafe { &*(*relation).rd_rel };
    class.relam == pg_sys::HEAP_TABLE_AM_OID
        && class.relkind == pg_sys::RELKIND_RELATION as i8
        && !class.relispartition
        && !class.relhassubclass
}
