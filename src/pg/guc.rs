//! Settings, as far as pgrx leaves them unsafe.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, pg_sys};

use super::raw;

/// Where a value of a setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the default.
    Default,
    /// postgresql.conf, a file that it includes, or postgresql.auto.conf.
    File,
    /// The server's command line or environment.
    CommandLine,
    Database,
    Role,
    /// Options of the connection, such as PGOPTIONS.
    Connection,
    Session,
}

impl Origin {
    fn of(source: pg_sys::GucSource::Type) -> Self {
        use pg_sys::GucSource as S;
        match source {
            S::PGC_S_DEFAULT | S::PGC_S_DYNAMIC_DEFAULT => Self::Default,
            S::PGC_S_FILE => Self::File,
            S::PGC_S_ENV_VAR | S::PGC_S_ARGV => Self::CommandLine,
            S::PGC_S_GLOBAL | S::PGC_S_DATABASE => Self::Database,
            S::PGC_S_USER | S::PGC_S_DATABASE_USER => Self::Role,
            S::PGC_S_CLIENT => Self::Connection,
            _ => Self::Session,
        }
    }

    /// Whether the value came from whoever runs the server.
    fn is_the_servers(self) -> bool {
        matches!(self, Self::Default | Self::File | Self::CommandLine)
    }
}

/// Who is told of a setting's values; `None`: it has none.
pub trait Watched {
    /// PostgreSQL has made this its value: when the setting is defined, and at each reload that finds it in a file,
    /// changed or not. Settings of the same file may still have their former values.
    fn assigned(value: Option<&CStr>);
}

/// Who judges a setting's values and is told of them.
pub trait Checked {
    /// Why a value will not do; not asked of NULL.
    fn problem(value: &CStr) -> Option<&'static str>;
    /// As [`Watched::assigned`].
    fn assigned(value: Option<&CStr>);
}

/// Who takes a setting's values, of which PostgreSQL keeps nothing.
pub trait Concealed {
    /// A value that may become the setting's: the next `assigned` says so.
    fn offered(value: Option<&CStr>, origin: Origin);
    fn assigned();
}

/// What PostgreSQL is told of a string setting.
pub struct Definition {
    pub name: &'static CStr,
    pub short: &'static CStr,
    pub long: &'static CStr,
    pub setting: &'static GucSetting<Option<CString>>,
    pub context: GucContext,
    pub flags: GucFlags,
}

/// A string setting whose values `W` hears of.
pub fn define_watched<W: Watched>(definition: Definition) {
    define(definition, None, Some(assign::<W>));
}

/// A string setting that takes no value of which `C` says that it will not do.
pub fn define_checked<C: Checked>(definition: Definition) {
    define(definition, Some(check::<C>), Some(assign_checked::<C>));
}

/// A string setting that always reads as empty: its values go to `C` and are wiped where PostgreSQL would keep them.
pub fn define_concealed<C: Concealed>(definition: Definition) {
    define(definition, Some(conceal::<C>), Some(assign_concealed::<C>));
}

fn define(
    definition: Definition,
    check: pg_sys::GucStringCheckHook,
    assign: pg_sys::GucStringAssignHook,
) {
    let Definition {
        name,
        short,
        long,
        setting,
        context,
        flags,
    } = definition;
    // SAFETY: the hooks are those below, which let no panic out and raise nothing.
    unsafe {
        GucRegistry::define_string_guc_with_hooks(
            name, short, long, setting, context, flags, check, assign, None,
        );
    }
}

unsafe extern "C-unwind" fn assign<W: Watched>(value: *const c_char, _extra: *mut c_void) {
    // SAFETY: a value is NULL or a NUL-terminated string that outlives the hook (guc.c).
    let value = (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) });
    // A panic may not cross into PostgreSQL here; what is told keeps its promise not to.
    let _ = catch_unwind(AssertUnwindSafe(|| W::assigned(value)));
}

unsafe extern "C-unwind" fn check<C: Checked>(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    _source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the pointer is valid; what it points to is NULL or a NUL-terminated string (guc.c).
    let value = unsafe { (!(*value).is_null()).then(|| CStr::from_ptr(*value)) };
    let problem = catch_unwind(AssertUnwindSafe(|| value.and_then(C::problem)));
    let Ok(Some(problem)) = problem else {
        return problem.is_ok();
    };
    // A setting is checked before anything can be wrong with memory: what guc.c does itself by GUC_check_errdetail.
    if let Ok(detail) = CString::new(problem) {
        // SAFETY: a plain global that guc.c reads as the check returns; a copy in the current memory context.
        unsafe { pg_sys::GUC_check_errdetail_string = pg_sys::pstrdup(detail.as_ptr()) }
    }
    false
}

unsafe extern "C-unwind" fn assign_checked<C: Checked>(value: *const c_char, _extra: *mut c_void) {
    // SAFETY: as in `assign`.
    let value = (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) });
    let _ = catch_unwind(AssertUnwindSafe(|| C::assigned(value)));
}

unsafe extern "C-unwind" fn conceal<C: Concealed>(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: the pointer is valid; what it points to is NULL or a string of its own that a check hook may change in
    // place (as check_application_name does). Written as volatile, so that wiping is not optimised away.
    unsafe {
        let start = *value;
        let text = (!start.is_null()).then(|| CStr::from_ptr(start));
        let bytes = text.map_or(0, CStr::count_bytes);
        let _ = catch_unwind(AssertUnwindSafe(|| C::offered(text, Origin::of(source))));
        for at in 0..bytes {
            std::ptr::write_volatile(start.add(at), 0);
        }
    }
    true
}

unsafe extern "C-unwind" fn assign_concealed<C: Concealed>(_: *const c_char, _: *mut c_void) {
    let _ = catch_unwind(AssertUnwindSafe(C::assigned));
}

/// Before a setting is defined: the origin of a value that a session, or the database's or a role's settings, gave to
/// this name, and that PostgreSQL will now refuse; with it the file's own value is lost to the session.
pub fn refused_placeholder(name: &'static CStr) -> Option<Origin> {
    let settings = all();
    let found = settings[position(settings, name)?];
    // SAFETY: a setting just found; read only.
    unsafe {
        if (*found).flags & pg_sys::GUC_CUSTOM_PLACEHOLDER as i32 == 0 {
            return None;
        }
        [(*found).reset_source, (*found).source]
            .into_iter()
            .map(Origin::of)
            .find(|origin| !origin.is_the_servers())
    }
}

/// Makes PostgreSQL refuse settings of this prefix that nobody defined, also placeholders set before the library came.
pub fn reserve_prefix(prefix: &'static CStr) {
    // SAFETY: MarkGUCPrefixReserved copies the NUL-terminated name; called from _PG_init, after the definitions.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) }
}

/// What a string setting of ours holds, in the server's encoding; `None` when it is empty: a setting given for one
/// transaction reads as empty after it.
pub fn text<T>(setting: &GucSetting<Option<CString>>, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    // SAFETY: the place holds NULL or a NUL-terminated string, good until the setting changes; `read` calls nothing of
    // PostgreSQL's that could change it.
    unsafe { bytes_at(*setting.as_ptr()) }.map(read)
}

/// A setting that belongs to somebody else, or to nobody: found once, then read where it lies, since looking for it by
/// name among hundreds would cost a call of ours more than the rest of its record.
pub struct Foreign {
    name: &'static CStr,
    found: Cell<Found>,
}

/// Where it was found, among how many settings; `None`: not among those.
#[derive(Clone, Copy)]
struct Found {
    place: Option<(usize, *mut pg_sys::config_generic)>,
    among: usize,
}

impl Foreign {
    pub const fn named(name: &'static CStr) -> Self {
        Self {
            name,
            found: Cell::new(Found {
                place: None,
                among: 0,
            }),
        }
    }

    /// Its value, in the server's encoding; `None` when nobody has set it, or it is empty.
    pub fn text<T>(&self, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let setting = self.find()?;
        // SAFETY: `find` has just seen it among the settings; a string setting's `variable` is the place of its value,
        // as in `text`.
        unsafe {
            if (*setting).vartype != pg_sys::config_type::PGC_STRING {
                return None;
            }
            bytes_at(*(*setting.cast::<pg_sys::config_string>()).variable)
        }
        .map(read)
    }

    /// Whether its value was set in the transaction that runs, by SET, SET LOCAL or set_config.
    pub fn is_of_this_transaction(&self) -> bool {
        // SAFETY: as above. What a value is to go back to is stacked from the moment it is set in a transaction until that
        // ends (push_old_value and AtEOXact_GUC, guc.c).
        self.find()
            .is_some_and(|setting| unsafe { !(*setting).stack.is_null() })
    }

    fn find(&self) -> Option<*mut pg_sys::config_generic> {
        let settings = all();
        let found = self.found.get();
        match found.place {
            // Settings are moved within their array, or taken out of it, when a library is loaded.
            Some((at, setting)) if settings.get(at) == Some(&setting) => return Some(setting),
            None if found.among == settings.len() => return None,
            _ => {}
        }
        let place = position(settings, self.name).map(|at| (at, settings[at]));
        self.found.set(Found {
            place,
            among: settings.len(),
        });
        place.map(|(_, setting)| setting)
    }
}

fn all<'a>() -> &'a [*mut pg_sys::config_generic] {
    // SAFETY: the array holds as many settings as GetNumConfigOptions says. Read at once, before PostgreSQL can move it.
    unsafe {
        let count = usize::try_from(raw::GetNumConfigOptions()).unwrap_or(0);
        std::slice::from_raw_parts(raw::get_guc_variables(), count)
    }
}

fn position(settings: &[*mut pg_sys::config_generic], name: &CStr) -> Option<usize> {
    // SAFETY: each setting has a NUL-terminated name.
    settings.iter().position(|setting| unsafe {
        CStr::from_ptr((**setting).name)
            .to_bytes()
            .eq_ignore_ascii_case(name.to_bytes())
    })
}

/// # Safety
/// NULL or a NUL-terminated string.
unsafe fn bytes_at<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    (!bytes.is_empty()).then_some(bytes)
}
