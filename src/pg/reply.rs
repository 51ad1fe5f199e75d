//! Answers that PostgreSQL takes without a further copy in Rust's memory, which nobody would wipe.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{IntoDatum, pg_sys};
use zeroize::Zeroizing;

use super::raw;

/// A text or bytea in the caller's memory context.
pub struct Varlena(pg_sys::Datum);

/// Copies `bytes` (at most 1 GiB, PostgreSQL's own limit) into the memory context of the caller.
pub fn varlena(bytes: &[u8]) -> Varlena {
    Varlena(bytes.into_datum().expect("a slice is never NULL"))
}

/// A text given as UTF-8, in the database's encoding; what has no form there becomes question marks.
pub fn text(utf8: &str) -> Varlena {
    varlena(&super::text::lossy_from_utf8(utf8))
}

/// A jsonb of its text in the database's encoding, in the memory context of the caller. The copy in between is wiped.
///
/// - errors: as PostgreSQL's own, of text that is no JSON, or of more than a jsonb can hold.
pub fn jsonb(text: &[u8]) -> Varlena {
    let mut terminated = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    terminated.extend_from_slice(text);
    terminated.push(0);
    // SAFETY: jsonb_in takes a NUL-terminated string, which it copies from, and raises what it refuses.
    let jsonb = unsafe {
        pg_sys::OidInputFunctionCall(
            pg_sys::F_JSONB_IN.into(),
            terminated.as_mut_ptr().cast(),
            pg_sys::InvalidOid,
            -1,
        )
    };
    Varlena(jsonb)
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

/// The rows of a set-returning function, handed over all at once. A row at a time would mean a call for each, with its
/// change of user and search_path; and PostgreSQL would collect them in a store of its own, which puts what exceeds
/// work_mem into a file, in the clear. This one stays in memory.
pub struct Rows(Box<dyn FnOnce(&Store)>);

/// - write: called once the rows have a place to go to.
pub fn rows(write: impl FnOnce(&Store) + 'static) -> Rows {
    Rows(Box::new(write))
}

/// Where the rows of one call are put.
pub struct Store {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
}

impl Store {
    /// Adds a row of two columns, uuid and text or bytea. PostgreSQL copies it; the copy in between is wiped.
    pub fn put(&self, uuid: &[u8; 16], bytes: &[u8]) {
        let size = pg_sys::VARHDRSZ + bytes.len();
        let mut varlena = Zeroizing::new(Vec::with_capacity(size));
        // A header of four bytes, little-endian (postgres.h); no argument of PostgreSQL's reaches its limit of 1 GiB.
        varlena.extend_from_slice(&((size as u32) << 2).to_le_bytes());
        varlena.extend_from_slice(bytes);
        let mut values = [
            pg_sys::Datum::from(uuid.as_ptr()),
            pg_sys::Datum::from(varlena.as_ptr()),
        ];
        let mut nulls = [false; 2];
        // SAFETY: the closure owns nothing and does not panic. The descriptor has two columns, both of a type
        // passed by reference; tuplestore_putvalues copies what the datums point to, whatever its alignment.
        unsafe {
            raw::guarded(|| {
                raw::tuplestore_putvalues(
                    self.store,
                    self.descriptor,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            });
        }
    }

    /// # Safety
    /// `call` is the running call, of a function that returns a set.
    unsafe fn begin(call: pg_sys::FunctionCallInfo) -> Self {
        // SAFETY: the closure owns nothing. InitMaterializedSRF raises where the caller takes no set or no store, and
        // else fills in `resultinfo`; its store, bound to work_mem, is replaced by one that is not, in the same memory
        // context, which lives as long as the query.
        let (store, descriptor) = unsafe {
            raw::guarded(|| {
                raw::InitMaterializedSRF(call, 0);
                let info = (*call).resultinfo.cast::<pg_sys::ReturnSetInfo>();
                raw::tuplestore_end((*info).setResult);
                let caller = pg_sys::CurrentMemoryContext;
                pg_sys::CurrentMemoryContext = (*(*info).econtext).ecxt_per_query_memory;
                let random = pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as i32;
                (*info).setResult =
                    raw::tuplestore_begin_heap((*info).allowedModes & random != 0, false, i32::MAX);
                pg_sys::CurrentMemoryContext = caller;
                ((*info).setResult, (*info).setDesc)
            })
        };
        Self { store, descriptor }
    }
}

// SAFETY: the datum is not looked at: InitMaterializedSRF has told PostgreSQL to take the rows from the store.
unsafe impl BoxRet for Rows {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: pgrx hands over the running call; the functions that return this type are declared to return a set
        // of two columns.
        let store = unsafe { Store::begin(fcinfo.as_mut_ptr()) };
        (self.0)(&store);
        fcinfo.return_null()
    }
}

// SAFETY: as for Varlena.
unsafe impl SqlTranslatable for Rows {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Rows);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("record"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("record")));
}
