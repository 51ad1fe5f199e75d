//! JSON Schemas of the columns of integrations, compiled: each backend keeps those that it has met, until one changes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jsonrules::{Breach, Rules};
use vault::VaultError;

use crate::pg::plan::Argument::{Int, Text};
use crate::pg::plan::statement;
use crate::pg::relation::Generation;
use crate::storage;

statement!(
    latest SCHEMA,
    "storage/queries/integration_schema.sql",
    [TEXTOID, INT4OID]
);

/// Subjects times versions that are in use, and to spare.
const KEPT_MAX: usize = 64;

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

struct Known {
    read_at: Generation,
    rules: HashMap<(String, i32), Rc<Rules>>,
}

/// What holds for this subject under this version; `None`: there is no such version.
pub fn rules(subject: &str, version: i32) -> Result<Option<Rc<Rules>>, VaultError> {
    let now = storage::take_notice();
    let place = (subject.to_owned(), version);
    let kept = KNOWN.with_borrow_mut(|known| {
        known.take_if(|known| known.read_at != now);
        known.as_ref()?.rules.get(&place).map(Rc::clone)
    });
    if kept.is_some() {
        return Ok(kept);
    }
    let found = SCHEMA.first(&[Text(subject), Int(version)], |row| row.utf8(1));
    let Some(text) = found.flatten() else {
        return Ok(None);
    };
    let parsed = Rules::parse(text.as_bytes());
    let rules = Rc::new(parsed.map_err(|_| {
        VaultError::Internal("a schema of integrations was changed past its trigger")
    })?);
    KNOWN.with_borrow_mut(|known| {
        let known = known.get_or_insert_with(|| Known {
            read_at: now,
            rules: HashMap::new(),
        });
        if known.rules.len() >= KEPT_MAX {
            known.rules.clear();
        }
        known.rules.insert(place, Rc::clone(&rules));
    });
    Ok(Some(rules))
}

/// Where a value breaks what holds for it.
pub fn breaches(subject: &str, version: i32, value: &[u8]) -> Result<Vec<Breach>, VaultError> {
    Ok(match rules(subject, version)? {
        Some(rules) => rules.breaches(value),
        None => vec![Breach {
            path: String::new(),
            rule: format!("no schema of {subject} has version {version}"),
        }],
    })
}
