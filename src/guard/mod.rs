//! The guard of other tables: the trigger that keeps keys out of them, `vault.guard_row`. What a key looks like is
//! `crates/keyguard`'s to know.
//!
//! A row without a finding costs a look at each of its guarded texts, in place, and nothing else: no statement, no copy, no
//! record. Whoever writes the row, the rules are the vault's, and so is the record of what is refused: both come by
//! functions of its owner.

mod look;
pub mod rules;
mod scan;
mod sealing;
mod watched;

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::ControlFlow;

use pgrx::pg_extern;
use zeroize::Zeroizing;

pub use self::look::{Found, Look, Visit, guard};
pub use self::scan::scan;
pub use self::sealing::reference;

use self::look::Stands;
use self::watched::{Mode, Watch, Watched};
use crate::error::HINT_STORE;
use crate::pg::attempt::{ServerError, attempt};
use crate::pg::clock::{self, Timestamp};
use crate::pg::columns;
use crate::pg::function::Function;
use crate::pg::text::legible;
use crate::pg::trigger::{Firing, Passed, Row};
use crate::pg::{discretion, process, report};
use crate::shield;

/// Called by _PG_init: where the postmaster preloads the library, its backends inherit what it looks with.
pub fn start() {
    if process::is_postmaster() && process::is_preloading() {
        guard();
    }
}

#[pg_extern(sql = false)]
fn guard_row(firing: Firing) -> Passed {
    match attempt(|| judge(&firing)) {
        Ok(Ok(passed)) => passed,
        // Whatever is raised here, its log line does not repeat the row.
        Ok(Err(error)) | Err(error) => {
            discretion::enter();
            error.raise()
        }
    }
}

fn judge(firing: &Firing) -> Result<Passed, ServerError> {
    let row = firing.row()?;
    let watched = watched::of(&row)?;
    let rules = rules::in_force()?;
    let watches = if row.is_before() {
        &watched.columns
    } else {
        &watched.generated
    };
    let mut keys = Vec::new();
    for watch in watches {
        let Some(value) = row.changed(&watch.column) else {
            continue;
        };
        let look = Look {
            rules: &rules,
            scope: Some((&watched.family, &watch.name)),
        };
        let found = &mut |found: &Found<'_>| {
            process::stop_if_cancelled();
            match watched.mode {
                Mode::Warn if keys.iter().any(|key: &Key<'_>| key.warns_of(watch, found)) => {}
                _ => keys.push(Key::of(watch, found)),
            }
            match watched.mode {
                Mode::Reject => ControlFlow::Break(()),
                // Refused, whatever else the row holds.
                Mode::Store if found.stands == Stands::Fixed => ControlFlow::Break(()),
                Mode::Warn | Mode::Store => ControlFlow::Continue(()),
            }
        };
        if look
            .value(value, &watch.column.form, &watch.said, found)
            .is_break()
        {
            break;
        }
    }
    if keys.is_empty() {
        return Ok(row.pass());
    }
    act(row, &watched, &keys)
}

/// A finding, kept until it is known what else the row holds.
struct Key<'w> {
    watch: &'w Watch,
    detector: String,
    path: String,
    stands: Stands,
    /// The text, where all of it is the finding.
    whole: Option<Zeroizing<String>>,
}

impl<'w> Key<'w> {
    fn of(watch: &'w Watch, found: &Found<'_>) -> Self {
        Self {
            watch,
            detector: found.detector.to_owned(),
            path: found.path.to_owned(),
            stands: found.stands,
            whole: found
                .is_whole()
                .then(|| Zeroizing::new(found.text.trim().to_owned())),
        }
    }

    /// Whether a warning of the one says what a warning of the other would.
    fn warns_of(&self, watch: &Watch, found: &Found<'_>) -> bool {
        self.watch.column.number == watch.column.number && self.detector == found.detector
    }

    /// Whether both were found in one text.
    fn is_of_the_text_of(&self, other: &Self) -> bool {
        self.watch.column.number == other.watch.column.number
            && self.stands == other.stands
            && self.path == other.path
    }

    /// Table, column and path, in words.
    fn place(&self, table: u32) -> String {
        let table = legible(&columns::table_name(table)).into_owned();
        let column = legible(&columns::quoted(&self.watch.column.name)).into_owned();
        place(&table, &column, &self.path)
    }
}

/// How many bytes of a place are said: the access log takes no longer ones.
const PLACE_MAX_BYTES: usize = 400;

fn place(table: &str, column: &str, path: &str) -> String {
    let mut place = match path {
        "" => format!("{table}.{column}"),
        // Keys of a document that is none may hold anything.
        path => format!("{table}.{column} ({})", path.replace(char::is_control, "?")),
    };
    if place.len() > PLACE_MAX_BYTES {
        place.truncate(place.floor_char_boundary(PLACE_MAX_BYTES));
        place.push_str("...");
    }
    place
}

fn act(row: Row<'_>, watched: &Watched, keys: &[Key<'_>]) -> Result<Passed, ServerError> {
    // Not left where something is raised: it still has to stand when that is reported.
    let discretion = discretion::enter();
    shield::called();
    let passed = match watched.mode {
        Mode::Reject => Err(refuse(watched, &keys[0], Why::Mode)),
        Mode::Warn => warn(watched, keys).map(|()| row.pass()),
        Mode::Store => sealing::seal(row, watched, keys),
    }?;
    discretion.leave();
    Ok(passed)
}

/// Why a row is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Mode,
    NotWhole,
    NoRoom,
    Fixed,
    NoContext,
    OtherTenant,
    MayNotStore,
}

impl Why {
    pub const ALL: [(&'static str, Self); 7] = [
        ("mode", Self::Mode),
        ("not whole", Self::NotWhole),
        ("no room", Self::NoRoom),
        ("fixed", Self::Fixed),
        ("no context", Self::NoContext),
        ("other tenant", Self::OtherTenant),
        ("may not store", Self::MayNotStore),
    ];

    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, why)| *why == self);
        known.map_or("mode", |(word, _)| word)
    }
}

/// Records the refusal, which stands whatever becomes of the transaction, and raises it; where the log cannot be written,
/// that instead.
fn refuse(watched: &Watched, key: &Key<'_>, why: Why) -> ServerError {
    let place = key.place(watched.table);
    match Function::of_texts(c"vault", c"refuse_plaintext", 3) {
        Ok(function) => {
            function.call(&[&place, &key.detector, why.word()]);
            // It never answers.
            ServerError::from(vault::VaultError::Internal("a refusal was not raised"))
        }
        Err(error) => error,
    }
}

/// What was warned of since the client's statement began.
#[derive(Default)]
struct Warned {
    statement: Option<Timestamp>,
    /// Table, column and detector.
    of: HashSet<(u32, i16, String)>,
}

thread_local! {
    static WARNED: RefCell<Warned> = RefCell::default();
}

fn warn(watched: &Watched, keys: &[Key<'_>]) -> Result<(), ServerError> {
    for key in keys {
        if !is_news(watched, key) {
            continue;
        }
        let place = key.place(watched.table);
        Function::of_texts(c"vault", c"warn_of_plaintext", 2)?.call(&[&place, &key.detector]);
        report::warn_with_hint(
            &format!("{place} holds a secret in plaintext: {}", key.detector),
            HINT_STORE,
        );
    }
    Ok(())
}

fn is_news(watched: &Watched, key: &Key<'_>) -> bool {
    WARNED.with_borrow_mut(|warned| {
        let now = Some(clock::statement_start());
        if warned.statement != now {
            warned.statement = now;
            warned.of.clear();
        }
        let number = key.watch.column.number;
        warned
            .of
            .insert((watched.table, number, key.detector.clone()))
    })
}

/// The columns of a table that can be guarded.
pub fn guardable(table: u32) -> Vec<String> {
    columns::columns(table, c"tenant_id")
        .with_text
        .iter()
        .map(|column| legible(&column.name).into_owned())
        .collect()
}
