//! Functions of an extension, called as a statement would call them: with the rights of their owner and the settings that
//! they name, where they have such. The schema need not be one that the current role may look into.

use std::ffi::CStr;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::attempt::ServerError;
use super::text;

/// A function by name and the types of its arguments, all of them text.
#[derive(Clone, Copy)]
pub struct Function {
    oid: pg_sys::Oid,
    arguments: usize,
}

impl Function {
    /// - arguments: at most three.
    /// - errors: 42883 where there is no such function (the extension is damaged).
    pub fn of_texts(schema: &CStr, name: &CStr, arguments: usize) -> Result<Self, ServerError> {
        let types = [pg_sys::TEXTOID; 3];
        let count = arguments.min(types.len());
        // SAFETY: reads the catalog's caches by a NUL-terminated name, a list of so many types and a schema, the key of
        // pg_proc; answers InvalidOid for what does not exist.
        let oid = unsafe {
            let types = pg_sys::buildoidvector(types.as_ptr(), count as i32);
            pg_sys::GetSysCacheOid(
                pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32,
                pg_sys::Anum_pg_proc_oid as i16,
                pg_sys::Datum::from(name.as_ptr()),
                pg_sys::Datum::from(types),
                pg_sys::get_namespace_oid(schema.as_ptr(), true).into(),
                pg_sys::Datum::null(),
            )
        };
        if oid == pg_sys::InvalidOid {
            return Err(ServerError {
                sqlstate: PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                message: format!(
                    "function {}.{} does not exist",
                    schema.to_string_lossy(),
                    name.to_string_lossy()
                ),
                detail: None,
                hint: Some(
                    "The extension tenant_vault is damaged; restore it, or create it anew."
                        .to_owned(),
                ),
            });
        }
        Ok(Self {
            oid,
            arguments: count,
        })
    }

    /// Whether the current role has EXECUTE on it. A call asks for that by itself nowhere.
    pub fn is_permitted(self) -> bool {
        // SAFETY: reads the catalog's caches.
        unsafe {
            pg_sys::pg_proc_aclcheck(self.oid, pg_sys::GetUserId(), pg_sys::ACL_EXECUTE as _)
                == pg_sys::AclResult::ACLCHECK_OK
        }
    }

    /// - errors: whatever the function raises, as an unwinding panic.
    pub fn call(self, arguments: &[&str]) {
        self.answer(arguments);
    }

    /// The same of a function that returns a uuid.
    pub fn uuid(self, arguments: &[&str]) -> [u8; 16] {
        let answer = self.answer(arguments);
        // SAFETY: OidFunctionCall raises where the answer is NULL; a uuid is 16 bytes.
        unsafe { *answer.cast_mut_ptr::<[u8; 16]>() }
    }

    fn answer(self, arguments: &[&str]) -> pg_sys::Datum {
        assert!(
            arguments.len() == self.arguments,
            "as many arguments as the function has"
        );
        let datums: Vec<pg_sys::Datum> = arguments.iter().map(|text| datum(text)).collect();
        let none = pg_sys::InvalidOid;
        // SAFETY: as many arguments as the function has, of their types; it is called as fmgr.c calls any.
        unsafe {
            match *datums.as_slice() {
                [] => pg_sys::OidFunctionCall0Coll(self.oid, none),
                [a] => pg_sys::OidFunctionCall1Coll(self.oid, none, a),
                [a, b] => pg_sys::OidFunctionCall2Coll(self.oid, none, a, b),
                [a, b, c, ..] => pg_sys::OidFunctionCall3Coll(self.oid, none, a, b, c),
            }
        }
    }
}

/// A text in the current memory context.
fn datum(utf8: &str) -> pg_sys::Datum {
    let server = text::lossy_from_utf8(utf8);
    let length = i32::try_from(server.len()).unwrap_or(i32::MAX);
    // SAFETY: so many bytes are copied.
    unsafe { pg_sys::cstring_to_text_with_len(server.as_ptr().cast(), length) }.into()
}
