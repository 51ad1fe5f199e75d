//! What already lies in a table, looked at row by row with the rights of whoever asks. Memory is bounded: some hundreds of
//! rows at a time, and a bounded number of places.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::look::{Found, Look};
use super::rules::{self, any_index};
use super::watched::Watch;
use crate::pg::attempt::ServerError;
use crate::pg::clock::{self, Timestamp};
use crate::pg::columns::{self, columns};
use crate::pg::text::legible;
use crate::pg::{process, report, rows};

/// Where something was found; elements of arrays without their numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub column: String,
    /// Empty: the value itself.
    pub path: String,
    pub detector: String,
    pub service: String,
}

#[derive(Clone, Debug, Default)]
pub struct Sum {
    pub rows: u64,
    /// The first row, by where it lies.
    pub example: String,
    last_row: u64,
}

#[derive(Default)]
pub struct Scanned {
    pub rows: u64,
    pub found: BTreeMap<Place, Sum>,
}

/// So many places of a table are told apart; further ones of a column are one.
const PLACES: usize = 10_000;
const OTHER_PATHS: &str = "...";

/// A word to the client so often.
const PROGRESS_NS: u64 = 5_000_000_000;

thread_local! {
    /// The statement, and when the client last heard of it.
    static TOLD: Cell<Option<(Timestamp, u64)>> = const { Cell::new(None) };
}

/// - sample: at most so many rows.
/// - progress: what the client is told from time to time, with the number of rows behind it.
pub fn scan(table: u32, sample: Option<u32>, progress: &str) -> Result<Scanned, ServerError> {
    let rules = rules::in_force()?;
    let with_text: Vec<Watch> = columns(table, c"tenant_id")
        .with_text
        .into_iter()
        .map(Watch::new)
        .collect();
    let mut family = vec![table];
    family.extend(columns::ancestors(table));
    let mut scanned = Scanned::default();
    tell(progress, 0);
    if with_text.is_empty() {
        return Ok(scanned);
    }
    let rows_before = Cell::new(0);
    let read = |row: &rows::Row<'_>| {
        scanned.rows += 1;
        rows_before.set(scanned.rows);
        for (n, watch) in with_text.iter().enumerate() {
            let Some(value) = row.value(n as i32 + 2) else {
                continue;
            };
            let look = Look {
                rules: &rules,
                scope: Some((&family, &watch.name)),
            };
            let _ = look.value(value, &watch.column.form, &watch.said, &mut |found| {
                process::stop_if_cancelled();
                scanned.add(&watch.name, found, || row.written(1).unwrap_or_default());
                ControlFlow::Continue(())
            });
        }
    };
    let query = query(table, &with_text, sample);
    rows::each(&query, read, || tell(progress, rows_before.get()));
    Ok(scanned)
}

impl Scanned {
    fn add(&mut self, column: &str, found: &Found<'_>, ctid: impl FnOnce() -> String) {
        let mut place = Place {
            column: column.to_owned(),
            path: any_index(found.path),
            detector: found.detector.to_owned(),
            service: found.service.to_owned(),
        };
        if self.found.len() >= PLACES && !self.found.contains_key(&place) {
            place.path = OTHER_PATHS.to_owned();
        }
        let row = self.rows;
        let sum = self.found.entry(place).or_insert_with(|| Sum {
            example: ctid(),
            ..Sum::default()
        });
        if sum.last_row != row {
            sum.last_row = row;
            sum.rows += 1;
        }
    }
}

fn tell(progress: &str, rows: u64) {
    let (statement, now) = (clock::statement_start(), clock::monotonic_ns());
    match TOLD.get() {
        Some((of, last)) if of == statement => {
            if now.saturating_sub(last) >= PROGRESS_NS {
                TOLD.set(Some((statement, now)));
                report::notice(&format!("{progress}, {rows} rows"));
            }
        }
        _ => TOLD.set(Some((statement, now))),
    }
}

/// Where a row lies, then the columns; a sample from all over a table that is much larger than it.
fn query(table: u32, with_text: &[Watch], sample: Option<u32>) -> String {
    let names: Vec<String> = with_text
        .iter()
        .map(|watch| legible(&columns::quoted(&watch.column.name)).into_owned())
        .collect();
    let table_name = legible(&columns::table_name(table)).into_owned();
    let mut query = format!("SELECT ctid, {} FROM ONLY {table_name}", names.join(", "));
    if let Some(sample) = sample {
        let rows = columns::estimated_rows(table);
        let wanted = f64::from(sample) * 1.5;
        if rows > wanted * 2.0 {
            query.push_str(&format!(
                " TABLESAMPLE SYSTEM ({:.6})",
                (wanted / rows * 100.0).clamp(0.000_001, 100.0)
            ));
        }
        query.push_str(&format!(" LIMIT {sample}"));
    }
    query
}
