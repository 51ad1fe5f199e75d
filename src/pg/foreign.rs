//! Functions of other extensions, called by their oid: no name is looked for, so nobody's search_path has a say, and no
//! privilege on their schema is needed. What they raise comes back as a value.

use pgrx::datum::IntoDatum;
use pgrx::pg_sys;
use zeroize::{Zeroize, Zeroizing};

use super::attempt::{ServerError, aside};

/// A function of C that takes bytea and text and answers with bytea. Whoever makes one vouches for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionId(pub u32);

/// Calls it in a subtransaction of its own. What it answers with is copied and wiped, as is what it was given.
///
/// - errors: whatever it raises.
pub fn call(
    function: FunctionId,
    data: &[u8],
    text: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ServerError> {
    let called = aside(|| {
        let (data, text) = (data.into_datum(), Given::new(text));
        // SAFETY: the function takes these two arguments and answers with a bytea that it has just made, in the current
        // memory context (FunctionId's promise). The arguments outlive the call. What is wiped is the answer's own bytes:
        // pg_detoast_datum answers with its argument where there is nothing to detoast.
        let answer = unsafe {
            let datum = pg_sys::OidFunctionCall2Coll(
                function.0.into(),
                pg_sys::InvalidOid,
                data.unwrap_or(pg_sys::Datum::null()),
                text.datum(),
            );
            let bytes = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
            let bytes = std::slice::from_raw_parts_mut(
                pgrx::varlena::vardata_any(bytes).cast_mut().cast::<u8>(),
                pgrx::varlena::varsize_any_exhdr(bytes),
            );
            let answer = Zeroizing::new(bytes.to_vec());
            bytes.zeroize();
            answer
        };
        Ok::<_, ServerError>(answer)
    });
    called.and_then(|answer| answer)
}

/// A text with its header of four bytes, little-endian (postgres.h), wiped when it is dropped.
struct Given(Zeroizing<Vec<u8>>);

impl Given {
    fn new(text: &[u8]) -> Self {
        let size = pg_sys::VARHDRSZ + text.len();
        let mut varlena = Zeroizing::new(Vec::with_capacity(size));
        varlena.extend_from_slice(&((size as u32) << 2).to_le_bytes());
        varlena.extend_from_slice(text);
        Self(varlena)
    }

    fn datum(&self) -> pg_sys::Datum {
        pg_sys::Datum::from(self.0.as_ptr())
    }
}
