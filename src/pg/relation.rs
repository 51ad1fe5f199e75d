//! Tables and indexes by name, looked up once and watched: when one of them changes or goes, what was remembered goes too.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;

use pgrx::{PgSqlErrorCode, pg_guard, pg_sys};

use super::attempt::ServerError;

/// A table's oid, or an index's, good until [`changed`] says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(pub(super) pg_sys::Oid);

thread_local! {
    static WATCHING: Cell<bool> = const { Cell::new(false) };
    static KNOWN: RefCell<Vec<(&'static CStr, TableId)>> = const { RefCell::new(Vec::new()) };
    /// What was known once. It stays watched, since a second change may come before the name is looked up again.
    static WATCHED: RefCell<Vec<TableId>> = const { RefCell::new(Vec::new()) };
    static GENERATION: Cell<Generation> = const { Cell::new(Generation(0)) };
}

/// - errors: 42P01 when there is no such table (the extension is being dropped under our feet).
pub fn table(schema: &'static CStr, name: &'static CStr) -> TableId {
    match find(schema, name) {
        Some(id) => id,
        None => ServerError {
            sqlstate: PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            message: format!(
                "table {}.{} does not exist",
                schema.to_string_lossy(),
                name.to_string_lossy()
            ),
            detail: None,
            hint: Some(
                "The extension tenant_vault is damaged; restore it, or create it anew.".to_owned(),
            ),
        }
        .throw(),
    }
}

/// The same where it may be missing: in a database without the extension.
pub fn find(schema: &'static CStr, name: &'static CStr) -> Option<TableId> {
    if let Some(id) =
        KNOWN.with_borrow(|known| known.iter().find(|(n, _)| *n == name).map(|(_, id)| *id))
    {
        return Some(id);
    }
    if !WATCHING.replace(true) {
        // SAFETY: a static function, registered once a backend (there are few slots: WATCHING).
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(invalidated), pg_sys::Datum::null()) }
    }
    // SAFETY: NUL-terminated names; both calls answer InvalidOid for what does not exist.
    let oid = unsafe {
        let namespace = pg_sys::get_namespace_oid(schema.as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), namespace)
    };
    if oid == pg_sys::InvalidOid {
        return None;
    }
    let id = TableId(oid);
    WATCHED.with_borrow_mut(|watched| {
        if !watched.contains(&id) {
            watched.push(id);
        }
    });
    KNOWN.with_borrow_mut(|known| known.push((name, id)));
    Some(id)
}

/// Counts the times that anything ever looked up here was altered, dropped, truncated or rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

pub fn generation() -> Generation {
    GENERATION.get()
}

/// Takes notice of what other sessions have committed, as PostgreSQL does whenever it takes a table's lock; but a
/// transaction that holds that lock already would not. Costs one look at shared memory when there is nothing new.
pub fn accept_changes() {
    // SAFETY: may be called wherever a table may be opened: here, inside a function call with a transaction open.
    unsafe { pg_sys::AcceptInvalidationMessages() }
}

/// Makes every session's [`generation`] advance as soon as this transaction commits, and this session's own after the
/// running statement.
pub fn announce_change(table: TableId) {
    // SAFETY: the table exists; registers a message that goes out at commit and is dropped at rollback (inval.c).
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(table.0) }
}

/// Takes the lock that every INSERT, UPDATE and DELETE takes, to be held to the end of the transaction.
pub fn begin_write(table: TableId) {
    // SAFETY: the oid of a table; waits and raises as any statement would.
    unsafe { pg_sys::LockRelationOid(table.0, pg_sys::RowExclusiveLock as i32) }
}

/// The same where nobody has to be waited for; else false.
pub fn begin_write_at_once(table: TableId) -> bool {
    // SAFETY: as above.
    unsafe { pg_sys::ConditionalLockRelationOid(table.0, pg_sys::RowExclusiveLock as i32) }
}

/// Takes a lock that one transaction at a time has, and that no writer shares, to be held to the end of the transaction.
pub fn lock_out_writers(table: TableId) {
    // SAFETY: as above.
    unsafe { pg_sys::LockRelationOid(table.0, pg_sys::ShareRowExclusiveLock as i32) }
}

/// Takes a lock that one transaction at a time has, and that readers and writers share with it, to be held to the end of
/// the transaction.
pub fn take_turns(table: TableId) {
    // SAFETY: as above.
    unsafe { pg_sys::LockRelationOid(table.0, pg_sys::ShareUpdateExclusiveLock as i32) }
}

/// Takes a lock that others of its kind share, and no writer, to be held to the end of the transaction.
pub fn keep_out_writers(table: TableId) {
    // SAFETY: as above.
    unsafe { pg_sys::LockRelationOid(table.0, pg_sys::ShareLock as i32) }
}

/// Waits, interruptibly, for every other transaction that by now has locked the table's rows or written some. Those that
/// come later are not waited for, and nobody waits for us.
pub fn await_writers(table: TableId) {
    // SAFETY: the tag of a table of this database, as SET_LOCKTAG_RELATION makes it (lock.h). Collects the transactions
    // that hold a conflicting lock, and waits for the end of each (lmgr.c).
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: pg_sys::MyDatabaseId.into(),
            locktag_field2: table.0.into(),
            locktag_field3: 0,
            locktag_field4: 0,
            locktag_type: pg_sys::LockTagType::LOCKTAG_RELATION as u8,
            locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
        };
        pg_sys::WaitForLockers(tag, pg_sys::ExclusiveLock as i32, false);
    }
}

/// The name of the database of this session.
pub fn database_name() -> String {
    // SAFETY: a palloc'd string, or NULL for a database dropped meanwhile.
    unsafe {
        let name = pg_sys::get_database_name(pg_sys::MyDatabaseId);
        if name.is_null() {
            return String::new();
        }
        let copy = CStr::from_ptr(name).to_string_lossy().into_owned();
        pg_sys::pfree(name.cast());
        copy
    }
}

/// Whether an extension is installed in this database.
pub fn has_extension(name: &'static CStr) -> bool {
    // SAFETY: NUL-terminated name; answers InvalidOid for what does not exist.
    unsafe { pg_sys::get_extension_oid(name.as_ptr(), true) != pg_sys::InvalidOid }
}

/// Called at any point at which PostgreSQL absorbs invalidations: notes, and does nothing else.
#[pg_guard]
unsafe extern "C-unwind" fn invalidated(_arg: pg_sys::Datum, relid: pg_sys::Oid) {
    let is_watched = WATCHED.try_with(|watched| match watched.try_borrow() {
        Ok(watched) => watched.contains(&TableId(relid)),
        Err(_) => true,
    });
    if relid == pg_sys::InvalidOid || is_watched.unwrap_or(true) {
        let _ = KNOWN.try_with(|known| known.try_borrow_mut().map(|mut known| known.clear()));
        GENERATION.set(Generation(GENERATION.get().0.wrapping_add(1)));
    }
}
