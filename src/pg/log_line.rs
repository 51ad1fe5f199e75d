//! Entries of the server's log, edited before they are written.
//!
//! The hook is called with an error in flight: nothing here raises, waits or needs a transaction. An edited entry is
//! given to PostgreSQL's own writer in the place of the original, for every kind of log at once; the client receives
//! the original. The words that PostgreSQL puts before each part (`DETAIL`, `HINT`) may then be in English whatever
//! `lc_messages` says: it takes a report within a report for a sign of trouble, and does without its catalogue.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pgrx::{PgLogLevel, pg_sys};

use super::raw;

/// An entry on its way to the log.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    entry: *const pg_sys::ErrorData,
    lent: PhantomData<&'a pg_sys::ErrorData>,
}

impl<'a> Line<'a> {
    pub fn message(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe { text((*self.entry).message) }
    }

    /// What the message was made from, in English: the format with its conversions.
    pub fn format(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe { text((*self.entry).message_id) }
    }

    /// The detail that the log shows, which may differ from the client's.
    pub fn detail(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe {
            if (*self.entry).detail_log.is_null() {
                text((*self.entry).detail)
            } else {
                text((*self.entry).detail_log)
            }
        }
    }

    pub fn hint(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe { text((*self.entry).hint) }
    }

    pub fn context(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe { text((*self.entry).context) }
    }

    /// The query that a function was running, shown as QUERY.
    pub fn query(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe { text((*self.entry).internalquery) }
    }

    /// The C function, or the name given for one, that reported this.
    pub fn reporter(&self) -> &'a [u8] {
        // SAFETY: see `text`.
        unsafe { text((*self.entry).funcname) }
    }

    pub fn is_error(&self) -> bool {
        // SAFETY: see `text`.
        let level = unsafe { (*self.entry).elevel };
        level >= PgLogLevel::ERROR as i32
    }

    /// Five characters.
    pub fn sqlstate(&self) -> [u8; 5] {
        // SAFETY: see `text`.
        let packed = unsafe { (*self.entry).sqlerrcode };
        // Six bits a character, the first in the lowest (elog.h, MAKE_SQLSTATE).
        std::array::from_fn(|at| ((packed >> (6 * at)) & 0x3f) as u8 + b'0')
    }
}

/// SAFETY: for fields of an entry whose report is going on: NULL, or NUL-terminated strings that live as long as it.
unsafe fn text<'a>(field: *const c_char) -> &'a [u8] {
    if field.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(field) }.to_bytes()
}

#[derive(Debug, Default)]
pub enum Part {
    #[default]
    Kept,
    LeftOut,
    Shown(CString),
}

/// How an entry differs from what was reported.
#[derive(Debug, Default)]
pub struct Edit {
    pub message: Part,
    pub detail: Part,
    pub hint: Part,
    pub query: Part,
    pub hides_context: bool,
}

/// Judges every entry; `None`: it goes to the log as it is.
pub type Editor = fn(&Line<'_>) -> Option<Edit>;

/// What an edit has changed, to be put back.
#[derive(Clone, Copy)]
struct Fields {
    message: *mut c_char,
    detail: *mut c_char,
    detail_log: *mut c_char,
    hint: *mut c_char,
    query: *mut c_char,
    hides_context: bool,
    to_client: bool,
}

thread_local! {
    static EDITOR: Cell<Option<Editor>> = const { Cell::new(None) };
    static BEFORE: Cell<pg_sys::emit_log_hook_type> = const { Cell::new(None) };
    /// The hook that stood when an edited entry was handed to PostgreSQL's writer.
    static OUTER: Cell<pg_sys::emit_log_hook_type> = const { Cell::new(None) };
    /// The strings of the last edit. Kept here, since an error on its way would jump over a frame that owned them; and not
    /// dropped when the process ends, which is not the end of what PostgreSQL reports.
    static EDIT: Cell<ManuallyDrop<Option<Edit>>> = const { Cell::new(ManuallyDrop::new(None)) };
}

/// Called once, by _PG_init.
pub fn edit_through(editor: Editor) {
    EDITOR.set(Some(editor));
    // SAFETY: a plain global of this process; the hook that stood is called by ours.
    unsafe {
        BEFORE.set(pg_sys::emit_log_hook);
        pg_sys::emit_log_hook = Some(emit);
    }
}

unsafe extern "C-unwind" fn emit(entry: *mut pg_sys::ErrorData) {
    // SAFETY: the entry is the one on top of PostgreSQL's stack, which is what EmitErrorReport writes; here it is
    // called from within itself, once, and to the log alone. It does not change the fields it is lent. To turn
    // output_to_server off is what a hook is allowed (elog.c).
    unsafe {
        // A hook before ours may have decided that the entry is not written at all.
        let fields = if (*entry).output_to_server {
            edit(entry)
        } else {
            None
        };
        let Some(fields) = fields else {
            hand_on(entry);
            return;
        };
        (*entry).output_to_client = false;
        OUTER.set(pg_sys::emit_log_hook);
        pg_sys::emit_log_hook = Some(emit_edited);
        raw::EmitErrorReport();
        (*entry).message = fields.message;
        (*entry).detail = fields.detail;
        (*entry).detail_log = fields.detail_log;
        (*entry).hint = fields.hint;
        (*entry).internalquery = fields.query;
        (*entry).hide_ctx = fields.hides_context;
        (*entry).output_to_client = fields.to_client;
        (*entry).output_to_server = false;
    }
}

/// Stands in for all hooks at the first moment of the inner report, and hands on to those that come after ours: those
/// before have seen the entry already.
unsafe extern "C-unwind" fn emit_edited(entry: *mut pg_sys::ErrorData) {
    // SAFETY: puts back what was there.
    unsafe {
        pg_sys::emit_log_hook = OUTER.get();
        hand_on(entry);
    }
}

/// SAFETY: as [`emit`].
unsafe fn hand_on(entry: *mut pg_sys::ErrorData) {
    if let Some(next) = BEFORE.get() {
        // SAFETY: the entry is handed on as PostgreSQL gave it.
        unsafe { next(entry) }
    }
}

/// Changes the entry, and says what was there; `None`: left as it is.
///
/// SAFETY: as [`emit`].
unsafe fn edit(entry: *mut pg_sys::ErrorData) -> Option<Fields> {
    let editor = EDITOR.get()?;
    let line = Line {
        entry,
        lent: PhantomData,
    };
    // Of what cannot be judged nothing is shown but that it was there.
    let edit = catch_unwind(AssertUnwindSafe(|| editor(&line))).unwrap_or_else(|_| {
        Some(Edit {
            message: Part::Shown(c"(not shown)".to_owned()),
            detail: Part::LeftOut,
            hint: Part::LeftOut,
            query: Part::LeftOut,
            hides_context: true,
        })
    })?;
    // SAFETY: the strings live in EDIT, until the next entry is edited.
    unsafe {
        let entry = &mut *entry;
        let fields = Fields {
            message: entry.message,
            detail: entry.detail,
            detail_log: entry.detail_log,
            hint: entry.hint,
            query: entry.internalquery,
            hides_context: entry.hide_ctx,
            to_client: entry.output_to_client,
        };
        put(&edit.message, &mut entry.message);
        if !matches!(edit.detail, Part::Kept) {
            entry.detail_log = null_mut();
            put(&edit.detail, &mut entry.detail);
        }
        put(&edit.hint, &mut entry.hint);
        put(&edit.query, &mut entry.internalquery);
        entry.hide_ctx |= edit.hides_context;
        drop(ManuallyDrop::into_inner(
            EDIT.replace(ManuallyDrop::new(Some(edit))),
        ));
        Some(fields)
    }
}

fn put(part: &Part, field: &mut *mut c_char) {
    match part {
        Part::Kept => {}
        Part::LeftOut => *field = null_mut(),
        Part::Shown(text) => *field = text.as_ptr().cast_mut(),
    }
}
