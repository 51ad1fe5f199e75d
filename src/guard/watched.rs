//! What a trigger of the guard looks at: worked out from its arguments and the table's columns, and kept until the table
//! changes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::PgSqlErrorCode;

use crate::pg::attempt::ServerError;
use crate::pg::columns::{self, Column, columns};
use crate::pg::text::legible;
use crate::pg::trigger::Row;

/// What becomes of a row that would hold a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Reject,
    Warn,
    /// Sealed, with a reference in its place.
    Store,
}

impl Mode {
    pub const ALL: [(&'static str, Self); 3] = [
        ("reject", Self::Reject),
        ("warn", Self::Warn),
        ("store", Self::Store),
    ];

    pub fn parse(word: &[u8]) -> Option<Self> {
        let known = Self::ALL.iter().find(|(name, _)| name.as_bytes() == word);
        known.map(|(_, mode)| *mode)
    }
}

/// A guarded column.
pub struct Watch {
    pub column: Column,
    pub name: String,
    /// The name where it says that a secret stands under it, else empty.
    pub said: String,
}

impl Watch {
    pub fn new(column: Column) -> Self {
        let name = legible(&column.name).into_owned();
        let said = if keyguard::names_secret(&name) {
            name.clone()
        } else {
            String::new()
        };
        Self { column, name, said }
    }
}

/// A table as one trigger guards it.
pub struct Watched {
    pub mode: Mode,
    pub table: u32,
    /// The table and those that it is part of, for rules.
    pub family: Vec<u32>,
    pub columns: Vec<Watch>,
    /// Those that PostgreSQL computes after the BEFORE triggers.
    pub generated: Vec<Watch>,
    /// The column that says whose the row is.
    pub tenant: Option<i16>,
}

/// So many are kept.
const KEPT: usize = 1024;

thread_local! {
    /// By table and trigger.
    static KNOWN: RefCell<HashMap<(u32, u32), Rc<Watched>>> = RefCell::new(HashMap::new());
    /// Whether something changed while that was in use.
    static STALE: Cell<bool> = const { Cell::new(false) };
}

/// - errors: 22023 for an unknown mode, 55000 where a column that the trigger names is gone.
pub fn of(row: &Row<'_>) -> Result<Rc<Watched>, ServerError> {
    let key = (row.table(), row.trigger());
    let known = KNOWN.with_borrow_mut(|known| {
        if STALE.replace(false) {
            known.clear();
        }
        known.get(&key).cloned()
    });
    if let Some(watched) = known {
        return Ok(watched);
    }
    columns::on_change(forget);
    let watched = Rc::new(work_out(row)?);
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Rc::clone(&watched));
    });
    Ok(watched)
}

fn forget(table: Option<u32>) {
    let _ = KNOWN.try_with(|known| match known.try_borrow_mut() {
        Ok(mut known) => match table {
            Some(table) if known.is_empty() || !known.keys().any(|(of, _)| *of == table) => {}
            Some(table) => known.retain(|(of, _), _| *of != table),
            None => known.clear(),
        },
        Err(_) => STALE.set(true),
    });
}

fn work_out(row: &Row<'_>) -> Result<Watched, ServerError> {
    let arguments = row.arguments();
    let table = row.table();
    let says = || legible(&columns::table_name(table)).into_owned();
    let (mode, named) = match arguments.split_first() {
        Some((word, named)) => (Mode::parse(word), named),
        None => (None, &[][..]),
    };
    let mode = mode.ok_or_else(|| ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        message: format!("the guard of table {} has no mode", says()),
        detail: None,
        hint: Some(format!(
            "Make it anew: SELECT vault.guard_table('{}');",
            says()
        )),
    })?;
    let all = columns(table, c"tenant_id");
    let is_there = |name: &Vec<u8>| {
        all.with_text.iter().any(|column| column.name == *name) || all.without.contains(name)
    };
    if let Some(gone) = named.iter().find(|name| !is_there(name)) {
        return Err(ServerError {
            sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            message: format!(
                "the guard of table {} names column {}, which is gone",
                says(),
                legible(&columns::quoted(gone))
            ),
            detail: Some("It was renamed or dropped after the table was guarded.".to_owned()),
            hint: Some(format!(
                "Say which columns it has now: SELECT vault.guard_table('{}', ...);",
                says()
            )),
        });
    }
    let wanted = |column: &Column| named.is_empty() || named.contains(&column.name);
    let (generated, columns) = all
        .with_text
        .into_iter()
        .filter(wanted)
        .map(Watch::new)
        .partition(|watch| watch.column.is_generated);
    let mut family = vec![table];
    family.extend(columns::ancestors(table));
    Ok(Watched {
        mode,
        table,
        family,
        columns,
        generated,
        tenant: all.tenant,
    })
}
