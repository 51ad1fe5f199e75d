//! An argument of type jsonb, as text in the database's encoding. pgrx's own takes that to be UTF-8 and panics where it is
//! not.

use std::borrow::Cow;
use std::ffi::CStr;

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, direct_function_call, pg_sys};
use zeroize::Zeroizing;

use super::text;

/// There may be secrets in it, so that it is wiped.
pub struct Jsonb(Zeroizing<Vec<u8>>);

impl Jsonb {
    /// As PostgreSQL writes it. `None`: it has no UTF-8 form.
    pub fn to_utf8(&self) -> Option<Cow<'_, [u8]>> {
        text::to_utf8(&self.0)
    }
}

impl FromDatum for Jsonb {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the functions that take this type are declared to take jsonb; jsonb_out answers with a NUL-terminated
        // text in the current memory context, which ends with the call.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(datum)]) };
        text.map(|text| Self(Zeroizing::new(text.to_bytes().to_vec())))
    }
}

// SAFETY: reads its argument as FromDatum does.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb {
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
unsafe impl SqlTranslatable for Jsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
