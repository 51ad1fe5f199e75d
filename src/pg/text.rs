//! Text between the database's encoding and UTF-8, in which everything of ours is kept.

use std::borrow::Cow;

use pgrx::pg_sys;

use super::attempt::attempt;
use super::raw;

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

/// Text of the database as UTF-8; as it is where the database is UTF-8. `None`: it has no UTF-8 form.
pub fn to_utf8(server: &[u8]) -> Option<Cow<'_, [u8]>> {
    if is_utf8() {
        return Some(Cow::Borrowed(server));
    }
    // SAFETY: the pointer and length are of a live slice; the result is the input itself or a fresh NUL-terminated
    // copy in the current memory context.
    convert(server, |start, len| unsafe {
        pg_sys::pg_server_to_any(start, len, UTF8)
    })
}

/// Text of the database as UTF-8 to look at: what has no such form is all ASCII, with a question mark for each other byte.
pub fn legible(server: &[u8]) -> Cow<'_, str> {
    if (is_utf8() || server.is_ascii())
        && let Ok(text) = std::str::from_utf8(server)
    {
        return Cow::Borrowed(text);
    }
    if let Some(Cow::Owned(utf8)) = to_utf8(server)
        && let Ok(text) = String::from_utf8(utf8)
    {
        return Cow::Owned(text);
    }
    let plain = |byte: &u8| {
        if byte.is_ascii() {
            char::from(*byte)
        } else {
            '?'
        }
    };
    Cow::Owned(server.iter().map(plain).collect())
}

/// UTF-8 as text of the database. `None`: not UTF-8, or not expressible in the database's encoding, or with a NUL in
/// it. PostgreSQL's own error would quote the bytes.
pub fn from_utf8(utf8: &[u8]) -> Option<Cow<'_, [u8]>> {
    if std::str::from_utf8(utf8).is_err() || utf8.contains(&0) {
        return None;
    }
    if is_utf8() {
        return Some(Cow::Borrowed(utf8));
    }
    // SAFETY: as above.
    convert(utf8, |start, len| unsafe {
        pg_sys::pg_any_to_server(start, len, UTF8)
    })
}

/// The same for a text that must have some form: what has none in the database's encoding becomes question marks.
pub fn lossy_from_utf8(utf8: &str) -> Cow<'_, [u8]> {
    if utf8.is_ascii() {
        return Cow::Borrowed(utf8.as_bytes());
    }
    from_utf8(utf8.as_bytes()).unwrap_or_else(|| {
        let plain = |c: char| if c.is_ascii() { c as u8 } else { b'?' };
        Cow::Owned(utf8.chars().map(plain).collect())
    })
}

/// A text for an error's words, which go out as they are: ASCII where the database is not UTF-8.
pub fn sayable(utf8: String) -> String {
    if utf8.is_ascii() || is_utf8() {
        return utf8;
    }
    let plain = |letter: char| if letter.is_ascii() { letter } else { '?' };
    utf8.chars().map(plain).collect()
}

fn is_utf8() -> bool {
    // SAFETY: fixed when the backend connects to its database; raises nothing.
    unsafe { raw::GetDatabaseEncoding() == UTF8 }
}

fn convert(from: &[u8], call: impl FnOnce(*const i8, i32) -> *mut i8) -> Option<Cow<'_, [u8]>> {
    let length = i32::try_from(from.len()).ok()?;
    let start = from.as_ptr().cast::<i8>();
    let converted = attempt(|| call(start, length)).ok()?;
    if converted.cast_const() == start {
        return Some(Cow::Borrowed(from));
    }
    // SAFETY: a NUL-terminated string that PostgreSQL just made.
    let text = unsafe { std::ffi::CStr::from_ptr(converted) };
    Some(Cow::Owned(text.to_bytes().to_vec()))
}
