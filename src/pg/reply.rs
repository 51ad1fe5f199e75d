//! Answers that PostgreSQL takes without a further copy in Rust's memory, which nobody would wipe.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{IntoDatum, pg_sys};

/// A text or bytea in the caller's memory context.
pub struct Varlena(pg_sys::Datum);

/// Copies `bytes` (at most 1 GiB, PostgreSQL's own limit) into the memory context of the caller.
pub fn varlena(bytes: &[u8]) -> Varlena {
    Varlena(bytes.into_datum().expect("a slice is never NULL"))
}

// SAFETY: the datum points to a varlena in the current memory context, which is what the functions that return this
// type are declared to return (text or bytea).
unsafe impl BoxRet for Varlena {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as above.
        unsafe { fcinfo.return_raw_datum(self.0) }
    }
}

impl IntoDatum for Varlena {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0)
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::BYTEAOID
    }
}

// SAFETY: only read when SQL is generated, which is switched off for the functions that return this type.
unsafe impl SqlTranslatable for Varlena {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Varlena);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("bytea"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("bytea")));
}
