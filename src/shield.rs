//! Keeps the literals and parameters of calls to our functions out of the server's log and of `pg_stat_activity`.
//!
//! A statement concerns us if its text says so (`crates/scrubber`), if a prepared statement that it runs does, if the
//! entry of the log does, or if one of our functions has run in it. All that is shown of it from then on is without its
//! literals. What does not concern us is not touched.
//!
//! **Invariant:** called while errors are reported, so nothing here raises, or looks at anything but this process.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::mem::ManuallyDrop;

use scrubber::{Names, REMARK, Stripped, blank, executed, strip};

use crate::config;
use crate::pg::guc::Watched;
use crate::pg::log_line::{self, Edit, Line, Part};
use crate::pg::statement::{self, Censor, Sight};

thread_local! {
    /// Not dropped when the process ends: PostgreSQL may still have something to say.
    static NAMES: RefCell<ManuallyDrop<Names>> = const { RefCell::new(ManuallyDrop::new(Names::ours())) };
}

/// The setting that names further functions.
pub struct FurtherFunctions;

impl Watched for FurtherFunctions {
    fn assigned(value: Option<&CStr>) {
        let names = Names::and(value.unwrap_or_default().to_bytes());
        drop(ManuallyDrop::into_inner(
            NAMES.replace(ManuallyDrop::new(names)),
        ));
    }
}

/// Called by _PG_init, once the settings are defined.
pub fn start() {
    statement::show_through(Censor {
        concerns,
        shown,
        remark: remark(),
    });
    log_line::edit_through(edit);
}

/// One of our functions runs: whatever the statement looked like, it concerns us.
pub fn called() {
    if config::shield() {
        statement::concerns();
    }
}

fn concerns(text: &[u8]) -> bool {
    if !config::shield() {
        return false;
    }
    NAMES.with_borrow(|names| {
        let mention = names.mention(text);
        mention.ours || (mention.executes && executed(text).any(|name| is_prepared(names, name)))
    })
}

fn is_prepared(names: &Names, name: Vec<u8>) -> bool {
    CString::new(name).is_ok_and(|name| {
        statement::prepared(&name, |source| names.mention(source).ours).unwrap_or(false)
    })
}

fn shown(text: &[u8]) -> Option<CString> {
    match strip(text) {
        Stripped::Unchanged => None,
        Stripped::Text(shown) => Some(line_text(shown)),
        Stripped::Nothing => Some(remark().to_owned()),
    }
}

fn edit(line: &Line<'_>) -> Option<Edit> {
    if !config::shield() {
        return None;
    }
    let is_ours = line.reporter() == REPORTER;
    if statement::look() == Sight::Foreign {
        // A name alone gives nothing away: a deadlock names what the others are doing, and stays whole.
        let concerns = !is_ours
            && (says(line.message(), b"'\"$\n")
                || says(line.detail(), b"'\"")
                || says(line.hint(), b"'\"$\n")
                || names_us(line.context())
                || names_us(line.query()));
        if !concerns {
            return None;
        }
        statement::concerns();
    }
    if is_ours {
        // Ours hold no secret, by type; what PostgreSQL adds to them may.
        return Some(Edit {
            query: stripped(line.query()),
            hides_context: true,
            ..Edit::default()
        });
    }
    let sqlstate = line.sqlstate();
    if line.is_error() && is_unreadable(&sqlstate) {
        statement::hide();
    }
    let (message, detail) = if is_plan(line.format()) {
        (Part::Shown(without_plan(line.message())), Part::LeftOut)
    } else if let Some(message) = message_with_statement(line.message()) {
        // Beside it stand the parameters, or the source of the prepared statement.
        (Part::Shown(message), stripped(line.detail()))
    } else {
        let message = if quotes_values(&sqlstate) || says(line.message(), b"'\"$\n") {
            Part::Shown(line_text(blank(line.format())))
        } else {
            Part::Kept
        };
        (message, detail_without_values(line, &sqlstate))
    };
    Some(Edit {
        message,
        detail,
        hint: if says(line.hint(), b"'\"$\n") {
            Part::LeftOut
        } else {
            Part::Kept
        },
        query: stripped(line.query()),
        hides_context: true,
    })
}

fn names_us(part: &[u8]) -> bool {
    NAMES.with_borrow(|names| names.mention(part).ours)
}

/// Whether a part of an entry names us and has one of the marks of a literal beside.
fn says(part: &[u8], marks: &[u8]) -> bool {
    part.iter().any(|byte| marks.contains(byte)) && names_us(part)
}

/// What our own reports give as their function.
const REPORTER: &[u8] = b"tenant_vault";

/// How far into a message the statement may begin: what comes before is a duration and the names of a prepared
/// statement and a cursor.
const PREFIX_MAX_BYTES: usize = 256;

/// A message that repeats the statement, up to its end, without the literals: what PostgreSQL says for log_statement
/// and durations, in any language, and what extensions such as pgaudit say, of which nothing after the text is kept.
fn message_with_statement(message: &[u8]) -> Option<CString> {
    statement::original(|text| {
        let last = message.len().checked_sub(text.len())?.min(PREFIX_MAX_BYTES);
        let at = (0..=last).find(|at| !text.is_empty() && message[*at..].starts_with(text))?;
        Some(line_text([&message[..at], &bare(text)].concat()))
    })?
}

/// auto_explain's message: a line, then the plan in one of four formats, with the statement and its constants in it.
fn is_plan(format: &[u8]) -> bool {
    format.starts_with(b"duration: ") && format.ends_with(b"plan:\n%s")
}

fn without_plan(message: &[u8]) -> CString {
    let first = message
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let text = statement::original(|text| bare(text).into_owned()).unwrap_or_default();
    line_text([first, b"\nQuery Text: ", &text, b"\n", REMARK.as_bytes()].concat())
}

fn bare(text: &[u8]) -> Cow<'_, [u8]> {
    match strip(text) {
        Stripped::Unchanged => Cow::Borrowed(text),
        Stripped::Text(shown) => Cow::Owned(shown),
        Stripped::Nothing => Cow::Borrowed(REMARK.as_bytes()),
    }
}

/// Details of processes, locks and resources (deadlocks, waits, cancellations, limits) are kept; of the others nobody
/// knows what they quote. Where no client's statement runs, a detail is of another process: what it was doing.
fn detail_without_values(line: &Line<'_>, sqlstate: &[u8; 5]) -> Part {
    const CLASSES: [&[u8]; 8] = [b"08", b"25", b"28", b"40", b"53", b"54", b"55", b"57"];
    const REPORTERS: [&[u8]; 2] = [b"ProcSleep", b"ShowUsage"];
    let names_no_values = CLASSES.iter().any(|class| sqlstate.starts_with(class))
        || REPORTERS.contains(&line.reporter());
    if statement::original(|_| ()).is_none() || says(line.detail(), b"'\"") {
        stripped(line.detail())
    } else if names_no_values {
        Part::Kept
    } else {
        Part::LeftOut
    }
}

/// Errors that say that the statement could not be read: then one cannot say either what in it is a literal.
fn is_unreadable(sqlstate: &[u8; 5]) -> bool {
    sqlstate.starts_with(b"42") && !is_refusal(sqlstate)
}

/// Errors whose message quotes what was given: of data, of constraints, of syntax and names.
fn quotes_values(sqlstate: &[u8; 5]) -> bool {
    [b"22", b"23", b"42"]
        .iter()
        .any(|class| sqlstate.starts_with(*class))
        && !is_refusal(sqlstate)
}

/// No privilege; no such function: with its name, and the types of its arguments.
fn is_refusal(sqlstate: &[u8; 5]) -> bool {
    [b"42501", b"42883"].contains(&sqlstate)
}

fn stripped(text: &[u8]) -> Part {
    shown(text).map_or(Part::Kept, Part::Shown)
}

/// Bytes of the server's, which hold no NUL.
fn line_text(bytes: Vec<u8>) -> CString {
    CString::new(bytes).unwrap_or_else(|_| remark().to_owned())
}

fn remark() -> &'static CStr {
    c"(not shown: concerns tenant_vault)"
}
