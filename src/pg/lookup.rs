//! A row by a unique index, straight through it: no planner, no executor. The table must be a local heap.

use std::ffi::CStr;

use pgrx::{IntoDatum, pg_sys};

use super::plan::{Sees, latest_snapshot};
use super::raw;
use super::relation::{self, Generation, TableId};

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

    pub fn is_null(&self, column: usize) -> bool {
        self.nulls.get(column).is_none_or(|null| *null)
    }

    pub fn uuid(&self, column: usize) -> Option<[u8; 16]> {
        if *self.nulls.get(column)? {
            return None;
        }
        // SAFETY: a uuid is stored as its 16 bytes, which the tuple keeps (the caller's table, as above).
        Some(unsafe { *self.values[column].cast_mut_ptr::<[u8; 16]>() })
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

/// A table of the vault's and a unique index on it, as they are installed.
#[derive(Debug)]
pub struct Way {
    pub table: &'static CStr,
    /// How many columns the table has.
    pub columns: usize,
    pub index: &'static CStr,
    /// The index's columns, in PostgreSQL's own words (pg_get_indexdef).
    pub over: &'static str,
    /// Its condition, in the same words; empty: it has none.
    pub condition: &'static str,
}

/// What a column of the index must equal.
#[derive(Clone, Copy)]
pub enum Key<'a> {
    /// Of a column of type "char".
    Char(u8),
    Int(i32),
    /// In the database's encoding.
    Text(&'a [u8]),
    Uuid(&'a [u8; 16]),
}

/// A way proven to be as installed, as long as none of the tables and indexes that were looked up changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    table: TableId,
    index: pg_sys::Oid,
    generation: Generation,
}

impl Way {
    /// The proof: a local heap without children, with as many columns, and a valid index on just these columns.
    pub fn prove(&self) -> Option<Plain> {
        let table = relation::table(c"vault", self.table);
        let index = relation::find(c"vault", self.index)?;
        // Both are watched by now, so that what changes while we look counts.
        let generation = relation::generation();
        // SAFETY: the closure owns nothing and does not panic; table and index are open while looked at, rd_rel and
        // rd_index are filled for every open relation. pg_get_indexdef_string answers a NUL-terminated string in the
        // current memory context; an index that is open has its rows in the catalog.
        unsafe {
            let definition = raw::guarded(|| {
                let relation = raw::table_open(table.0, pg_sys::AccessShareLock as i32);
                let class = (*relation).rd_rel;
                let is_plain = (*class).relam == pg_sys::HEAP_TABLE_AM_OID
                    && (*class).relkind == pg_sys::RELKIND_RELATION as i8
                    && !(*class).relispartition
                    && !(*class).relhassubclass
                    && usize::try_from((*(*relation).rd_att).natts) == Ok(self.columns);
                let mut definition = std::ptr::null_mut();
                if is_plain {
                    let opened = raw::index_open(index.0, pg_sys::AccessShareLock as i32);
                    let form = (*opened).rd_index;
                    if (*form).indrelid == table.0 && (*form).indisvalid {
                        definition = raw::pg_get_indexdef_string(index.0);
                    }
                    raw::index_close(opened, pg_sys::NoLock as i32);
                }
                raw::table_close(relation, pg_sys::NoLock as i32);
                definition
            });
            if definition.is_null() {
                return None;
            }
            let is_installed = self.is(&CStr::from_ptr(definition).to_string_lossy());
            pg_sys::pfree(definition.cast());
            is_installed.then_some(Plain {
                table,
                index: index.0,
                generation,
            })
        }
    }

    /// Between columns and condition may stand what changes where the index lies and how full its pages are.
    fn is(&self, definition: &str) -> bool {
        let begins = format!(
            "CREATE UNIQUE INDEX {} ON vault.{} USING btree {}",
            self.index.to_string_lossy(),
            self.table.to_string_lossy(),
            self.over
        );
        let is_partial = definition.contains(" WHERE ");
        definition.starts_with(&begins)
            && definition.ends_with(self.condition)
            && is_partial != self.condition.is_empty()
    }
}

/// The row whose columns in the index have these values.
///
/// - plain: of a way with `COLUMNS` columns.
/// - keys: with the table's columns, counted from 0, for every column of the index, in its order.
pub fn row<const COLUMNS: usize, const KEYS: usize, T>(
    plain: Plain,
    sees: Sees,
    keys: [(usize, Key<'_>); KEYS],
    read: impl FnOnce(Row<'_>) -> T,
) -> Result<Option<T>, NotPlain> {
    let mut values = [pg_sys::Datum::null(); COLUMNS];
    let mut nulls = [false; COLUMNS];
    let wanted = keys.map(|(column, key)| (column as i16 + 1, key.equals(), key.datum()));
    // SAFETY: neither closure owns anything or panics. The relation stays open and locked while it is read.
    // systable_beginscan takes any heap with a suitable btree (genam.c) and maps the key's heap attributes to the
    // index's columns; of a text it compares bytes, as the index's operator class does. Its tuple, and the values that
    // point into it, live until systable_endscan, which comes after `read`. The snapshot is registered, so it outlives
    // the scan. When an ERROR or a panic passes through here, the resource owner gives scan, snapshot and relation back
    // at the abort.
    unsafe {
        let begun = raw::guarded(|| {
            let relation = raw::table_open(plain.table.0, pg_sys::AccessShareLock as i32);
            let descriptor = (*relation).rd_att;
            // Opening took the lock and absorbed what others changed; what was proven may have gone with it.
            if relation::generation() != plain.generation || (*descriptor).natts != COLUMNS as i32 {
                raw::table_close(relation, pg_sys::NoLock as i32);
                return None;
            }
            let mut scan_keys = [pg_sys::ScanKeyData::default(); KEYS];
            for ((column, equals, datum), scan_key) in wanted.iter().zip(&mut scan_keys) {
                raw::ScanKeyInit(
                    scan_key,
                    *column,
                    pg_sys::BTEqualStrategyNumber as u16,
                    *equals,
                    *datum,
                );
            }
            // For the transaction's: as SPI does for a volatile function, so that this statement's own earlier changes
            // are seen, and, under READ COMMITTED, what others have committed by now.
            let snapshot = raw::RegisterSnapshot(match sees {
                Sees::Transaction => raw::GetTransactionSnapshot(),
                Sees::Latest | Sees::LatestLocking | Sees::LatestMuch => latest_snapshot(),
            });
            let scan = raw::systable_beginscan(
                relation,
                plain.index,
                true,
                snapshot,
                KEYS as i32,
                scan_keys.as_mut_ptr(),
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

impl Key<'_> {
    fn equals(self) -> pg_sys::RegProcedure {
        match self {
            Self::Char(_) => pg_sys::F_CHAREQ,
            Self::Int(_) => pg_sys::F_INT4EQ,
            Self::Text(_) => pg_sys::F_TEXTEQ,
            Self::Uuid(_) => pg_sys::F_UUID_EQ,
        }
        .into()
    }

    /// A text is copied to the current memory context, which its caller's call takes with it.
    fn datum(self) -> pg_sys::Datum {
        match self {
            Self::Char(char) => pg_sys::Datum::from(char),
            Self::Int(int) => pg_sys::Datum::from(int),
            Self::Text(text) => text.into_datum().unwrap_or(pg_sys::Datum::null()),
            Self::Uuid(uuid) => pg_sys::Datum::from(uuid.as_ptr()),
        }
    }
}

/// The table is no longer what was proven, so it was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPlain;
