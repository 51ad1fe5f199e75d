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
        // SAFETY: the column is a varlena (the caller's table, proven by `prove` and its column count); the
        // detoasted form is either the tuple itself or a palloc'd copy, freed here. What pg_detoast_datum_packed would
        // hand back as it is, as nearly always, is spared the call and its guard.
        unsafe {
            let stored: *mut pg_sys::varlena = self.values[column].cast_mut_ptr();
            let plain = if pgrx::varatt_is_4b_c(stored) || pgrx::varatt_is_1b_e(stored) {
                pg_sys::pg_detoast_datum_packed(stored)
            } else {
                stored
            };
            let answer = copy(pgrx::varlena_to_byte_slice(plain));
            if plain != stored {
                pg_sys::pfree(plain.cast());
            }
            Some(answer)
        }
    }
}

/// A table proven to be readable this way, as long as its relation::Generation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    table: TableId,
    index: pg_sys::Oid,
}

/// The proof: a local heap without children, with this many columns and a valid primary key on just these two, in order.
///
/// - key: column numbers, counted from 1.
pub fn prove(table: TableId, columns: usize, key: [i16; 2]) -> Option<Plain> {
    // SAFETY: the closure owns nothing and does not panic; table and index are open while looked at, rd_rel and
    // rd_index are filled for every open relation, and indkey has indnatts elements.
    unsafe {
        raw::guarded(|| {
            let relation = raw::table_open(table.0, pg_sys::AccessShareLock as i32);
            let class = (*relation).rd_rel;
            let is_plain = (*class).relam == pg_sys::HEAP_TABLE_AM_OID
                && (*class).relkind == pg_sys::RELKIND_RELATION as i8
                && !(*class).relispartition
                && !(*class).relhassubclass
                && usize::try_from((*(*relation).rd_att).natts) == Ok(columns);
            let index = raw::RelationGetPrimaryKeyIndex(relation);
            let mut proven = None;
            if is_plain && index != pg_sys::InvalidOid {
                let opened = raw::index_open(index, pg_sys::AccessShareLock as i32);
                let form = (*opened).rd_index;
                let columns = (*form).indkey.values.as_ptr();
                if (*form).indisvalid
                    && (*form).indnatts == 2
                    && *columns == key[0]
                    && *columns.add(1) == key[1]
                {
                    proven = Some(Plain { table, index });
                }
                raw::index_close(opened, pg_sys::NoLock as i32);
            }
            raw::table_close(relation, pg_sys::NoLock as i32);
            proven
        })
    }
}

/// The row whose two uuid key columns have these values, as this statement sees it.
///
/// - plain: proven for `COLUMNS` columns and the key's column numbers, and its generation stands.
pub fn by_uuid_pair<const COLUMNS: usize, T>(
    plain: Plain,
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
            let relation = raw::table_open(plain.table.0, pg_sys::AccessShareLock as i32);
            let descriptor = (*relation).rd_att;
            // Opening took the lock and absorbed what others changed; what was proven may have gone with it.
            if raw::RelationGetPrimaryKeyIndex(relation) != plain.index
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
            let scan = raw::systable_beginscan(
                relation,
                plain.index,
                true,
                snapshot,
                2,
                keys.as_mut_ptr(),
            );
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

/// The table is no longer what was proven, so it was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPlain;
