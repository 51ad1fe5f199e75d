//! Values of columns, and the texts in them: uncopied where PostgreSQL keeps them in one piece, uncompressed and in place.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::{null_mut, slice_from_raw_parts};

use pgrx::{pg_sys, varlena};

use super::raw;

/// A value that is not NULL. What it points to, and what is made of it, lives in a memory context that outlives the
/// caller's work on the row.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    datum: pg_sys::Datum,
    row: PhantomData<&'a [u8]>,
}

/// How a type holds text.
#[derive(Clone, Debug)]
pub enum Form {
    /// text, varchar, char(n), citext, xml.
    Text,
    Name,
    Json,
    Jsonb,
    Bytes,
    Hstore(Written),
    Array(Box<Element>),
}

/// By the type's output function.
#[derive(Clone, Debug)]
pub struct Written(pg_sys::Oid);

/// What an array is of.
#[derive(Clone, Debug)]
pub struct Element {
    pub form: Form,
    oid: pg_sys::Oid,
    length: i16,
    is_by_value: bool,
    align: i8,
}

impl Form {
    /// Of a type by its oid, or of the one that a domain is over; `None`: it holds no text that is looked at. citext and
    /// hstore are those of the extensions of these names, in whatever schema.
    pub fn of(oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: reads the catalog's caches, in a transaction; an array's type has an element type, and each type an
        // output function.
        unsafe {
            let oid = pg_sys::getBaseType(oid);
            match oid {
                pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::XMLOID => {
                    return Some(Self::Text);
                }
                pg_sys::NAMEOID => return Some(Self::Name),
                pg_sys::JSONOID => return Some(Self::Json),
                pg_sys::JSONBOID => return Some(Self::Jsonb),
                pg_sys::BYTEAOID => return Some(Self::Bytes),
                _ => {}
            }
            let element = pg_sys::get_element_type(oid);
            if element != pg_sys::InvalidOid {
                let mut of = Element {
                    form: Self::of(element)?,
                    oid: element,
                    length: 0,
                    is_by_value: false,
                    align: 0,
                };
                pg_sys::get_typlenbyvalalign(
                    element,
                    &mut of.length,
                    &mut of.is_by_value,
                    &mut of.align,
                );
                return Some(Self::Array(Box::new(of)));
            }
            let extension = pg_sys::getExtensionOfObject(pg_sys::TypeRelationId, oid);
            if extension == pg_sys::InvalidOid {
                return None;
            }
            if extension == pg_sys::get_extension_oid(c"citext".as_ptr(), true) {
                return Some(Self::Text);
            }
            if extension == pg_sys::get_extension_oid(c"hstore".as_ptr(), true) {
                let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
                pg_sys::getTypeOutputInfo(oid, &mut output, &mut is_varlena);
                return Some(Self::Hstore(Written(output)));
            }
            None
        }
    }
}

impl<'a> Value<'a> {
    /// # Safety
    /// A datum of a type of the form that the value is read by, which lives as long as `'a`.
    pub(super) unsafe fn new(datum: pg_sys::Datum) -> Self {
        Self {
            datum,
            row: PhantomData,
        }
    }

    pub(super) fn datum(self) -> pg_sys::Datum {
        self.datum
    }

    /// Its text in the database's encoding, or its bytes; JSON and hstore as PostgreSQL writes them. Of an array: nothing.
    pub fn text(self, form: &Form) -> &'a [u8] {
        // SAFETY: the caller promised a datum of this form. Copies are made in the current memory context, see above.
        unsafe {
            match form {
                Form::Text | Form::Json | Form::Bytes => self.varlena(),
                Form::Name => CStr::from_ptr(self.datum.cast_mut_ptr()).to_bytes(),
                Form::Jsonb => {
                    let whole = pg_sys::pg_detoast_datum(self.datum.cast_mut_ptr());
                    let size = i32::try_from(varlena::varsize_any(whole)).unwrap_or(i32::MAX);
                    let root = &raw mut (*whole.cast::<pg_sys::Jsonb>()).root;
                    let text = pg_sys::JsonbToCString(null_mut(), root, size);
                    CStr::from_ptr(text).to_bytes()
                }
                Form::Hstore(Written(output)) => {
                    CStr::from_ptr(pg_sys::OidOutputFunctionCall(*output, self.datum)).to_bytes()
                }
                Form::Array(_) => &[],
            }
        }
    }

    /// The elements of an array of whatever dimensions, in order; `None` for a NULL.
    pub fn elements(self, of: &Element) -> Vec<Option<Value<'a>>> {
        // SAFETY: the caller promised an array of this type; deconstruct_array allocates both lists.
        unsafe {
            let array = pg_sys::pg_detoast_datum(self.datum.cast_mut_ptr()).cast();
            let (mut datums, mut nulls, mut count) = (null_mut(), null_mut(), 0);
            pg_sys::deconstruct_array(
                array,
                of.oid,
                of.length.into(),
                of.is_by_value,
                of.align,
                &mut datums,
                &mut nulls,
                &mut count,
            );
            (0..usize::try_from(count).unwrap_or(0))
                .map(|i| (!*nulls.add(i)).then(|| Self::new(*datums.add(i))))
                .collect()
        }
    }

    /// Whether the bytes are the same, of values that may be compressed or elsewhere: those that nobody touched are.
    pub(super) fn is_image_of(self, other: Self, length: i16) -> bool {
        if self.datum == other.datum {
            return true;
        }
        // SAFETY: both are datums of one column, of a form above: a varlena, or of a fixed length and by reference.
        unsafe {
            let image = |value: Self| {
                let start = value.datum.cast_mut_ptr::<pg_sys::varlena>();
                let size = usize::try_from(length).unwrap_or_else(|_| varlena::varsize_any(start));
                &*slice_from_raw_parts(start.cast::<u8>(), size)
            };
            image(self) == image(other)
        }
    }

    /// # Safety
    /// The datum is a varlena.
    unsafe fn varlena(self) -> &'a [u8] {
        // SAFETY: what is compressed or elsewhere is copied whole; the closure owns nothing.
        unsafe {
            let start = self.datum.cast_mut_ptr::<pg_sys::varlena>();
            let is_plain = varlena::varatt_is_4b_u(start)
                || varlena::varatt_is_1b(start) && !varlena::varatt_is_1b_e(start);
            let start = if is_plain {
                start
            } else {
                raw::guarded(|| raw::pg_detoast_datum_packed(start))
            };
            &*slice_from_raw_parts(
                varlena::vardata_any(start).cast::<u8>(),
                varlena::varsize_any_exhdr(start),
            )
        }
    }
}
