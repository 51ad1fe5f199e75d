//! Statements, planned once a backend and run through SPI.
//!
//! pgrx's own client gives a transaction id to every transaction that runs a statement as a volatile function should,
//! with a snapshot of its own. Reading a secret must not cost one: ten thousand reads a second would bring wraparound
//! every few days.

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int};
use std::ptr::null_mut;
use std::thread::LocalKey;

use pgrx::datum::Interval;
use pgrx::{FromDatum, IntoDatum, PgBuiltInOids, PgSqlErrorCode, pg_sys};

use super::attempt::ServerError;
use super::clock::Timestamp;
use super::{raw, text};

/// A statement with its argument types and the place where the backend keeps its plan.
pub struct Statement {
    pub text: &'static str,
    pub arguments: &'static [PgBuiltInOids],
    pub sees: Sees,
    pub plan: &'static LocalKey<Cell<pg_sys::SPIPlanPtr>>,
}

/// Which rows a statement sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Those that the caller's transaction sees: under REPEATABLE READ, the rows of its beginning.
    Transaction,
    /// Those that are committed now, whatever the isolation level, and this transaction's own.
    Latest,
    /// The same, for a SELECT that locks rows, or an INSERT that gives way to a row that stands: one that another session
    /// changed or made in the last instant counts as it is then, under every isolation level; never 40001.
    LatestLocking,
    /// The same, for a statement that reads much of its tables: it is planned without our preference for indexes.
    LatestMuch,
}

/// Declares a statement from a file: `statement!(NAME, "path.sql", [UUIDOID, ...])`, or, to see what is committed
/// now, `statement!(latest NAME, ...)`, `statement!(locking NAME, ...)`, `statement!(much NAME, ...)`.
macro_rules! statement {
    (locking $name:ident, $file:literal, [$($argument:ident),*]) => {
        $crate::pg::plan::statement!(@ LatestLocking, $name, $file, [$($argument),*]);
    };
    (much $name:ident, $file:literal, [$($argument:ident),*]) => {
        $crate::pg::plan::statement!(@ LatestMuch, $name, $file, [$($argument),*]);
    };
    (latest $name:ident, $file:literal, [$($argument:ident),*]) => {
        $crate::pg::plan::statement!(@ Latest, $name, $file, [$($argument),*]);
    };
    ($name:ident, $file:literal, [$($argument:ident),*]) => {
        $crate::pg::plan::statement!(@ Transaction, $name, $file, [$($argument),*]);
    };
    (@ $sees:ident, $name:ident, $file:literal, [$($argument:ident),*]) => {
        static $name: $crate::pg::plan::Statement = {
            thread_local! {
                static PLAN: std::cell::Cell<pgrx::pg_sys::SPIPlanPtr> =
                    const { std::cell::Cell::new(std::ptr::null_mut()) };
            }
            $crate::pg::plan::Statement {
                text: include_str!($file),
                arguments: &[$(pgrx::PgBuiltInOids::$argument),*],
                sees: $crate::pg::plan::Sees::$sees,
                plan: &PLAN,
            }
        };
    };
}
pub(crate) use statement;

/// Rows that [`Statement::each`] has in memory.
const FETCHED: i64 = 500;

/// One argument.
#[derive(Clone, Copy)]
pub enum Argument<'a> {
    Bool(bool),
    Bytes(&'a [u8]),
    BytesMany(&'a [&'a [u8]]),
    Int(i32),
    /// Months, days and microseconds, as PostgreSQL keeps them.
    Interval(i32, i32, i64),
    IntMany(&'a [i32]),
    Long(i64),
    /// NULL of whatever type.
    Null,
    /// UTF-8; converted where the database has another encoding.
    Text(&'a str),
    /// ASCII.
    TextMany(&'a [String]),
    Timestamp(Timestamp),
    Uuid([u8; 16]),
    UuidMany(&'a [[u8; 16]]),
}

/// The rows a statement returned, good until the reader returns.
pub struct Rows {
    table: *mut pg_sys::SPITupleTable,
    count: usize,
}

/// One row; columns are counted from 1, as in SQL.
pub struct Row<'a> {
    rows: &'a Rows,
    tuple: pg_sys::HeapTuple,
}

impl Statement {
    /// Runs the statement in a snapshot of its own and lets `read` see its rows, and how many there were or were written.
    ///
    /// - errors: whatever PostgreSQL raises, as an unwinding panic that [`super::attempt::attempt`] catches; the abort
    ///   of the (sub)transaction then disconnects SPI.
    pub fn run<T>(&self, arguments: &[Argument<'_>], read: impl FnOnce(&Rows) -> T) -> T {
        // SAFETY: SPI is connected from the first line to the last; all that SPI returns lives until SPI_finish, and
        // `read` returns owned values. Values, nulls and types have as many elements as the plan has arguments: the
        // callers' arrays are checked against the declaration.
        unsafe {
            expect(arguments.len() == self.arguments.len());
            expect(pg_sys::SPI_connect() == pg_sys::SPI_OK_CONNECT as i32);
            let plan = self.plan();
            let answer = execute(plan, self.sees, arguments, read);
            expect(pg_sys::SPI_finish() == pg_sys::SPI_OK_FINISH as i32);
            answer
        }
    }

    /// How many rows the statement wrote.
    pub fn count(&self, arguments: &[Argument<'_>]) -> usize {
        self.run(arguments, |rows| rows.count)
    }

    /// The first row, if there is one.
    pub fn first<T>(
        &self,
        arguments: &[Argument<'_>],
        read: impl FnOnce(Row<'_>) -> T,
    ) -> Option<T> {
        self.run(arguments, |rows| rows.first(read))
    }

    /// Every row.
    pub fn all<T>(&self, arguments: &[Argument<'_>], read: impl Fn(Row<'_>) -> T) -> Vec<T> {
        self.run(arguments, |rows| rows.all(read))
    }

    /// Every row in turn, as they are committed now, some hundreds of them in memory at a time, for as long as `read` wants
    /// more. Can be cancelled.
    pub fn each(&self, arguments: &[Argument<'_>], mut read: impl FnMut(Row<'_>) -> bool) {
        // SAFETY: as in `run`. The portal holds the snapshot that is active when it is opened (spi.c) and goes with SPI.
        unsafe {
            expect(arguments.len() == self.arguments.len());
            expect(pg_sys::SPI_connect() == pg_sys::SPI_OK_CONNECT as i32);
            let mut values: Vec<pg_sys::Datum> =
                arguments.iter().map(|argument| argument.datum()).collect();
            let plan = self.plan();
            pg_sys::PushActiveSnapshot(raw::guarded(|| latest_snapshot()));
            let nulls = std::ptr::null();
            let portal =
                pg_sys::SPI_cursor_open(std::ptr::null(), plan, values.as_mut_ptr(), nulls, true);
            pg_sys::PopActiveSnapshot();
            loop {
                pgrx::check_for_interrupts!();
                pg_sys::SPI_cursor_fetch(portal, true, FETCHED);
                let rows = Rows {
                    table: pg_sys::SPI_tuptable,
                    count: usize::try_from(pg_sys::SPI_processed).unwrap_or(0),
                };
                let wants_more = rows.count > 0 && rows.iter().all(&mut read);
                pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
                if !wants_more {
                    break;
                }
            }
            pg_sys::SPI_cursor_close(portal);
            expect(pg_sys::SPI_finish() == pg_sys::SPI_OK_FINISH as i32);
        }
    }

    /// # Safety
    /// SPI is connected.
    unsafe fn plan(&self) -> pg_sys::SPIPlanPtr {
        let kept = self.plan.get();
        if !kept.is_null() {
            return kept;
        }
        let mut types: Vec<pg_sys::Oid> = self.arguments.iter().map(|oid| oid.value()).collect();
        let text = CString::new(self.text).expect("a statement has no NUL");
        // SAFETY: the text and types are copied; a kept plan lives as long as the backend and is planned anew by
        // PostgreSQL when what it refers to changes.
        unsafe {
            let count = i32::try_from(types.len()).unwrap_or(i32::MAX);
            let plan = pg_sys::SPI_prepare(text.as_ptr(), count, types.as_mut_ptr());
            expect(!plan.is_null());
            expect(pg_sys::SPI_keepplan(plan) == 0);
            self.plan.set(plan);
            plan
        }
    }
}

/// What is committed now. A function of ours may stand in a parallel plan, in its leader, and may have to read anew there what
/// somebody has changed.
///
/// # Safety
/// Within `raw::guarded`. Pushed, or copied, before the next snapshot is taken.
pub(super) unsafe fn latest_snapshot() -> pg_sys::Snapshot {
    // SAFETY: within a transaction. The latest one cannot be had in parallel mode; that of the catalog can, and is made anew for
    // a relation without caches of PostgreSQL's own, such as none (snapmgr.c).
    unsafe {
        if raw::IsInParallelMode() {
            raw::GetCatalogSnapshot(pg_sys::InvalidOid)
        } else {
            raw::GetLatestSnapshot()
        }
    }
}

/// Runs a plan that sees what it is to see.
///
/// # Safety
/// SPI is connected; the plan was made for as many arguments, of these types.
unsafe fn execute<T>(
    plan: pg_sys::SPIPlanPtr,
    sees: Sees,
    arguments: &[Argument<'_>],
    read: impl FnOnce(&Rows) -> T,
) -> T {
    let mut values: Vec<pg_sys::Datum> =
        arguments.iter().map(|argument| argument.datum()).collect();
    let nulls: Vec<c_char> = arguments
        .iter()
        .map(|argument| if argument.is_null() { b'n' } else { b' ' } as c_char)
        .collect();
    // SAFETY: the caller's promise; a snapshot that SPI is given it copies before it pushes it.
    unsafe {
        let _through_indexes = (sees != Sees::LatestMuch).then(ThroughIndexes::begin);
        let done = match sees {
            Sees::Transaction => {
                pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), nulls.as_ptr(), false, 0)
            }
            // As the triggers of foreign keys do (ri_PerformCheck).
            Sees::Latest | Sees::LatestLocking | Sees::LatestMuch => {
                let latest = raw::guarded(|| latest_snapshot());
                let _following = (sees == Sees::LatestLocking).then(|| FollowingUpdates::begin());
                pg_sys::SPI_execute_snapshot(
                    plan,
                    values.as_mut_ptr(),
                    nulls.as_ptr(),
                    latest,
                    null_mut(),
                    false,
                    true,
                    0,
                )
            }
        };
        expect(done > 0);
        read(&Rows {
            table: pg_sys::SPI_tuptable,
            count: usize::try_from(pg_sys::SPI_processed).unwrap_or(usize::MAX),
        })
    }
}

/// A role, by its oid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleId(pub u32);

/// Runs a command that is no query, whose text was made at run time, with the rights of who acts now.
pub fn command(text: &str) {
    let text = text::from_utf8(text.as_bytes()).map(|server| CString::new(&*server));
    let text = text
        .and_then(Result::ok)
        .expect("made by the server, without NUL");
    // SAFETY: as in `Statement::run`; the text outlives the call.
    unsafe {
        expect(pg_sys::SPI_connect() == pg_sys::SPI_OK_CONNECT as i32);
        expect(pg_sys::SPI_execute(text.as_ptr(), false, 0) == pg_sys::SPI_OK_UTILITY as i32);
        expect(pg_sys::SPI_finish() == pg_sys::SPI_OK_FINISH as i32);
    }
}

/// The same with the rights of another role.
pub fn command_as(role: RoleId, text: &str) {
    let acting = Acting::begin(role);
    command(text);
    drop(acting);
}

/// Runs a statement whose text was made at run time, on a table that is not ours, with the rights of the table's owner and
/// past its row security: as PostgreSQL's own foreign keys look at the table they refer to (ri_triggers.c). What the owner
/// has made and PostgreSQL calls for it, such as a trigger, gets no more than the owner's rights, and cannot get out of them.
pub fn run_as<T>(
    owner: RoleId,
    text: &str,
    types: &[PgBuiltInOids],
    sees: Sees,
    arguments: &[Argument<'_>],
    read: impl FnOnce(&Rows) -> T,
) -> T {
    let mut types: Vec<pg_sys::Oid> = types.iter().map(|oid| oid.value()).collect();
    // SAFETY: as in `Statement::run`. A plan is made, made anew and used while its owner acts.
    unsafe {
        expect(arguments.len() == types.len());
        expect(pg_sys::SPI_connect() == pg_sys::SPI_OK_CONNECT as i32);
        let acting = Acting::begin(owner);
        let plan = match MADE.with_borrow(|made| made.find(owner, text)) {
            Some(plan) => plan,
            None => {
                let source = CString::new(text).expect("a statement has no NUL");
                let count = i32::try_from(types.len()).unwrap_or(i32::MAX);
                let plan = pg_sys::SPI_prepare(source.as_ptr(), count, types.as_mut_ptr());
                expect(!plan.is_null());
                expect(pg_sys::SPI_keepplan(plan) == 0);
                let given_up = MADE.with_borrow_mut(|made| made.put(owner, text, plan));
                if let Some(given_up) = given_up {
                    pg_sys::SPI_freeplan(given_up);
                }
                plan
            }
        };
        let answer = execute(plan, sees, arguments, read);
        drop(acting);
        expect(pg_sys::SPI_finish() == pg_sys::SPI_OK_FINISH as i32);
        answer
    }
}

thread_local! {
    static MADE: RefCell<Made> = const { RefCell::new(Made(Vec::new())) };
}

/// The plans of statements made at run time, the newest at the end.
struct Made(Vec<(RoleId, String, pg_sys::SPIPlanPtr)>);

impl Made {
    const MAX: usize = 8;

    fn find(&self, owner: RoleId, text: &str) -> Option<pg_sys::SPIPlanPtr> {
        let mut plans = self.0.iter();
        plans
            .find(|(of, source, _)| *of == owner && source == text)
            .map(|(_, _, plan)| *plan)
    }

    /// Answers one that has to make room.
    fn put(
        &mut self,
        owner: RoleId,
        text: &str,
        plan: pg_sys::SPIPlanPtr,
    ) -> Option<pg_sys::SPIPlanPtr> {
        let is_full = self.0.len() == Self::MAX;
        let given_up = is_full.then(|| self.0.remove(0).2);
        self.0.push((owner, text.to_owned(), plan));
        given_up
    }
}

/// While this stands, another role acts, which cannot leave anything behind for the one that acted before.
struct Acting {
    user: pg_sys::Oid,
    context: c_int,
}

impl Acting {
    fn begin(owner: RoleId) -> Self {
        let mut before = Self {
            user: pg_sys::InvalidOid,
            context: 0,
        };
        let flags = pg_sys::SECURITY_LOCAL_USERID_CHANGE
            | pg_sys::SECURITY_RESTRICTED_OPERATION
            | pg_sys::SECURITY_NOFORCE_RLS;
        // SAFETY: reads and sets backend state; raises nothing. It is put back also when an error unwinds past us.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut before.user, &mut before.context);
            pg_sys::SetUserIdAndSecContext(owner.0.into(), before.context | flags as c_int);
        }
        before
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) }
    }
}

impl Argument<'_> {
    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// In the current memory context, that of SPI.
    fn datum(self) -> pg_sys::Datum {
        let datum = match self {
            Self::Bool(bool) => bool.into_datum(),
            Self::Bytes(bytes) => bytes.into_datum(),
            Self::BytesMany(many) => many.to_vec().into_datum(),
            Self::Int(int) => int.into_datum(),
            // What PostgreSQL gave as an interval is one again.
            Self::Interval(months, days, us) => Interval::new(months, days, us)
                .ok()
                .and_then(IntoDatum::into_datum),
            Self::IntMany(many) => many.to_vec().into_datum(),
            Self::Long(long) => long.into_datum(),
            Self::Null => Some(pg_sys::Datum::null()),
            Self::Text(text) => {
                text::from_utf8(text.as_bytes()).and_then(|server| (&*server).into_datum())
            }
            Self::TextMany(many) => many.to_vec().into_datum(),
            Self::Timestamp(Timestamp(us)) => us.into_datum(),
            Self::Uuid(uuid) => pgrx::Uuid::from_bytes(uuid).into_datum(),
            Self::UuidMany(many) => many
                .iter()
                .map(|uuid| pgrx::Uuid::from_bytes(*uuid))
                .collect::<Vec<_>>()
                .into_datum(),
        };
        match datum {
            Some(datum) => datum,
            None => ServerError {
                sqlstate: PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
                message: "a text has no form in the database's encoding".to_owned(),
                detail: None,
                hint: None,
            }
            .throw(),
        }
    }
}

impl Rows {
    /// How many there are, or were written.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn first<T>(&self, read: impl FnOnce(Row<'_>) -> T) -> Option<T> {
        self.iter().next().map(read)
    }

    pub fn all<T>(&self, read: impl Fn(Row<'_>) -> T) -> Vec<T> {
        self.iter().map(read).collect()
    }

    fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        let count = if self.table.is_null() { 0 } else { self.count };
        // SAFETY: vals holds `count` tuples while SPI is connected.
        (0..count).map(|i| Row {
            rows: self,
            tuple: unsafe { *(*self.table).vals.add(i) },
        })
    }
}

impl Row<'_> {
    pub fn bytes<T>(&self, column: i32, copy: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.value::<&[u8]>(column).map(copy)
    }

    pub fn bool(&self, column: i32) -> Option<bool> {
        self.value(column)
    }

    pub fn int(&self, column: i32) -> Option<i32> {
        self.value(column)
    }

    pub fn long(&self, column: i32) -> Option<i64> {
        self.value(column)
    }

    /// A text column, as the bytes of the database's encoding; ours hold ASCII.
    pub fn text(&self, column: i32) -> Option<String> {
        self.value::<&[u8]>(column)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A text column as UTF-8; `None` also where it has no such form.
    pub fn utf8(&self, column: i32) -> Option<String> {
        let bytes = self.value::<&[u8]>(column)?;
        String::from_utf8(text::to_utf8(bytes)?.into_owned()).ok()
    }

    pub fn timestamp(&self, column: i32) -> Option<Timestamp> {
        self.value(column).map(Timestamp)
    }

    pub fn uuid(&self, column: i32) -> Option<[u8; 16]> {
        self.value::<pgrx::Uuid>(column)
            .map(|uuid| *uuid.as_bytes())
    }

    fn value<T: FromDatum>(&self, column: i32) -> Option<T> {
        // SAFETY: the tuple belongs to the table whose descriptor this is; the caller names a column of the
        // statement it wrote, with that column's type (text and bytea are both varlenas).
        unsafe {
            let mut is_null = false;
            let datum =
                pg_sys::SPI_getbinval(self.tuple, (*self.rows.table).tupdesc, column, &mut is_null);
            T::from_datum(datum, is_null)
        }
    }
}

/// While this stands, plans are made without sequential scans where an index serves. Each of our statements looks for
/// one row; but a plan made while its table was new and empty would read all of it, and be kept while it grows, until
/// somebody analyses the table.
///
/// And without compiling them: where a table has no index that serves, its sequential scan counts as if it cost ten
/// thousand million, and PostgreSQL would spend 30 ms on machine code for a look at three rows.
struct ThroughIndexes {
    seqscan: bool,
    jit: bool,
}

impl ThroughIndexes {
    fn begin() -> Self {
        // SAFETY: plain globals that only the planner reads. Setting them through GUC would cost more than the
        // statement; they are put back before anybody can look, also when an error unwinds past us.
        unsafe {
            let before = Self {
                seqscan: pg_sys::enable_seqscan,
                jit: pg_sys::jit_enabled,
            };
            pg_sys::enable_seqscan = false;
            pg_sys::jit_enabled = false;
            before
        }
    }
}

impl Drop for ThroughIndexes {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe {
            pg_sys::enable_seqscan = self.seqscan;
            pg_sys::jit_enabled = self.jit;
        }
    }
}

/// While this stands, a row lock follows a row to its newest version, and an INSERT gives way to a row that nobody saw
/// before, as under READ COMMITTED, where REPEATABLE READ would raise 40001.
struct FollowingUpdates {
    before: c_int,
}

impl FollowingUpdates {
    /// # Safety
    /// The statement run meanwhile locks rows, or inserts into a table of ours: nothing of it, no trigger above all, asks
    /// for the transaction's snapshot, which would be taken anew.
    unsafe fn begin() -> Self {
        // SAFETY: a plain global, read where a row is locked (nodeLockRows.c) or in the way (nodeModifyTable.c); it is put back before anybody can look,
        // also when an error unwinds past us. The statement brings its own snapshot.
        unsafe {
            let before = pg_sys::XactIsoLevel;
            pg_sys::XactIsoLevel = pg_sys::XACT_READ_COMMITTED as c_int;
            Self { before }
        }
    }
}

impl Drop for FollowingUpdates {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { pg_sys::XactIsoLevel = self.before }
    }
}

/// What SPI promises; a broken promise stops the call as an internal error.
fn expect(kept: bool) {
    assert!(kept, "SPI broke its contract");
}
