//! The columns of a table, and word of whatever changes them.

use std::cell::Cell;
use std::ffi::CStr;
use std::ptr::null_mut;

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, pg_guard, pg_sys};

use super::value::Form;

/// A column that holds text.
#[derive(Clone, Debug)]
pub struct Column {
    /// From 1, as PostgreSQL counts.
    pub number: i16,
    /// In the database's encoding.
    pub name: Vec<u8>,
    pub form: Form,
    pub is_generated: bool,
    /// How many characters fit, where the type says so.
    pub max_chars: Option<u32>,
    type_oid: pg_sys::Oid,
}

/// Every column of a table.
pub struct Columns {
    pub with_text: Vec<Column>,
    /// Names of the others.
    pub without: Vec<Vec<u8>>,
    /// The column of this name, where its type is uuid.
    pub tenant: Option<i16>,
}

impl Column {
    /// Whether its type is a domain, whose checks PostgreSQL does not repeat for what a trigger puts into a row.
    pub(super) fn domain(&self) -> Option<pg_sys::Oid> {
        // SAFETY: reads the catalog's caches.
        (unsafe { pg_sys::getBaseType(self.type_oid) } != self.type_oid).then_some(self.type_oid)
    }
}

/// Locks the table as a reader does, to the end of the transaction.
///
/// - errors: PostgreSQL's own, where there is no table of this oid.
pub fn columns(table: u32, tenant: &CStr) -> Columns {
    let mut all = Columns {
        with_text: Vec::new(),
        without: Vec::new(),
        tenant: None,
    };
    // SAFETY: the relation stays open while its descriptor is read, and locked afterwards; what is kept is copied.
    unsafe {
        let lock = pg_sys::AccessShareLock as i32;
        let relation = pg_sys::relation_open(pg_sys::Oid::from(table), lock);
        let descriptor = (*relation).rd_att;
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        let attributes = (*descriptor).attrs.as_slice(count);
        for attribute in attributes.iter().filter(|one| !one.attisdropped) {
            let name = CStr::from_ptr(attribute.attname.data.as_ptr());
            match Form::of(attribute.atttypid) {
                Some(form) => all.with_text.push(Column {
                    number: attribute.attnum,
                    name: name.to_bytes().to_vec(),
                    max_chars: max_chars(attribute),
                    form,
                    is_generated: attribute.attgenerated != 0,
                    type_oid: attribute.atttypid,
                }),
                None => {
                    all.without.push(name.to_bytes().to_vec());
                    if name == tenant && attribute.atttypid == pg_sys::UUIDOID {
                        all.tenant = Some(attribute.attnum);
                    }
                }
            }
        }
        pg_sys::relation_close(relation, pg_sys::NoLock as i32);
    }
    all
}

/// Of varchar(n) and char(n), also under a domain.
fn max_chars(attribute: &pg_sys::FormData_pg_attribute) -> Option<u32> {
    let mut modifier = attribute.atttypmod;
    // SAFETY: reads the catalog's caches.
    let base = unsafe { pg_sys::getBaseTypeAndTypmod(attribute.atttypid, &mut modifier) };
    let is_limited = [pg_sys::VARCHAROID, pg_sys::BPCHAROID].contains(&base);
    // What PostgreSQL keeps counts the four bytes of a header (varchar.c).
    let chars = u32::try_from(modifier.checked_sub(4)?).ok()?;
    is_limited.then_some(chars)
}

/// A table's schema and name in the database's encoding; `None` for one that is gone.
pub fn names(table: u32) -> Option<(Vec<u8>, Vec<u8>)> {
    let table = pg_sys::Oid::from(table);
    // SAFETY: each gives NULL for what is gone, else a palloc'd string in the current memory context.
    unsafe {
        let name = pg_sys::get_rel_name(table);
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(table));
        if name.is_null() || schema.is_null() {
            return None;
        }
        let copy = |name| CStr::from_ptr(name).to_bytes().to_vec();
        Some((copy(schema), copy(name)))
    }
}

/// Schema and name as they are said, quoted where they must be; empty for a table that is gone.
pub fn table_name(table: u32) -> Vec<u8> {
    names(table).map_or_else(Vec::new, |(schema, name)| {
        [quoted(&schema), quoted(&name)].join(&b'.')
    })
}

/// How many rows a table has as far as the planner knows; negative where nobody has looked.
pub fn estimated_rows(table: u32) -> f64 {
    // SAFETY: the relation is open while its entry is read.
    unsafe {
        let lock = pg_sys::AccessShareLock as i32;
        let relation = pg_sys::relation_open(pg_sys::Oid::from(table), lock);
        let rows = f64::from((*(*relation).rd_rel).reltuples);
        pg_sys::relation_close(relation, pg_sys::NoLock as i32);
        rows
    }
}

/// A name as it is said, quoted where it must be.
pub fn quoted(name: &[u8]) -> Vec<u8> {
    let terminated: Vec<u8> = name.iter().copied().chain([0]).collect();
    // SAFETY: a NUL-terminated name; answers with the same or a palloc'd string.
    unsafe {
        CStr::from_ptr(pg_sys::quote_identifier(terminated.as_ptr().cast()))
            .to_bytes()
            .to_vec()
    }
}

/// As pg_inherits begins (pg_inherits.h); pgrx does not know it.
#[repr(C)]
struct Inherits {
    child: pg_sys::Oid,
    parent: pg_sys::Oid,
}

const INHERITS: u32 = 2611;
const INHERITS_BY_CHILD: u32 = 2680;

/// The tables that a partition is part of, or that a child inherits from, of all generations.
pub fn ancestors(table: u32) -> Vec<u32> {
    let mut all = vec![pg_sys::Oid::from(table)];
    let mut next = 0;
    // SAFETY: a catalog, read through its index as PostgreSQL does (pg_inherits.c); the scan ends before the table is
    // closed, and a row is looked at before the next one is asked for.
    unsafe {
        let lock = pg_sys::AccessShareLock as i32;
        let inherits = pg_sys::table_open(pg_sys::Oid::from(INHERITS), lock);
        while let Some(child) = all.get(next).copied() {
            next += 1;
            let mut key = pg_sys::ScanKeyData::default();
            pg_sys::ScanKeyInit(
                &mut key,
                1,
                pg_sys::BTEqualStrategyNumber as u16,
                pg_sys::Oid::from(pg_sys::F_OIDEQ),
                child.into(),
            );
            let index = pg_sys::Oid::from(INHERITS_BY_CHILD);
            let scan = pg_sys::systable_beginscan(inherits, index, true, null_mut(), 1, &mut key);
            loop {
                let tuple = pg_sys::systable_getnext(scan);
                if tuple.is_null() {
                    break;
                }
                let parent = (*pg_sys::GETSTRUCT(tuple).cast::<Inherits>()).parent;
                if !all.contains(&parent) {
                    all.push(parent);
                }
            }
            pg_sys::systable_endscan(scan);
        }
        pg_sys::table_close(inherits, lock);
    }
    all.iter().skip(1).map(|oid| oid.to_u32()).collect()
}

type Listener = fn(Option<u32>);

thread_local! {
    static LISTENER: Cell<Option<Listener>> = const { Cell::new(None) };
}

/// Who keeps something about tables hears of each that changes or goes; `None`: any of them. May neither raise nor look
/// anything up. One listener in a backend.
pub fn on_change(listener: Listener) {
    if LISTENER.replace(Some(listener)).is_none() {
        // SAFETY: a static function, registered once a backend.
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(changed), pg_sys::Datum::null()) }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn changed(_arg: pg_sys::Datum, relid: pg_sys::Oid) {
    if let Some(listener) = LISTENER.get() {
        listener((relid != pg_sys::InvalidOid).then(|| relid.to_u32()));
    }
}

/// An argument of type regclass: the oid of a table.
pub struct Regclass(pub u32);

impl FromDatum for Regclass {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        oid: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the functions that take this type are declared to take regclass, which is an oid.
        let table = unsafe { pg_sys::Oid::from_polymorphic_datum(datum, is_null, oid) };
        table.map(|oid| Self(oid.to_u32()))
    }
}

// SAFETY: reads its argument as FromDatum does.
unsafe impl<'fcx> ArgAbi<'fcx> for Regclass {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; functions that are not strict take it as an Option, by the method below.
        unsafe { arg.unbox_arg_using_from_datum() }
            .expect("a strict function's argument is not NULL")
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: only read when SQL is generated, which is switched off for the functions that take this type.
unsafe impl SqlTranslatable for Regclass {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Regclass);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("regclass"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("regclass")));
}
