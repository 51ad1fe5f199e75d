//! Whether JSON is what a JSON Schema (draft 2020-12) says.
//!
//! [`Rules::parse`] reads a schema, [`Rules::breaches`] says where a value breaks it, without repeating the value: what
//! stands in the wrong place may be a secret.
//!
//! The schemas come from administrators, and run in a process of the database server, which nothing interrupts meanwhile.
//! So they are held to a part of the language whose cost can be told beforehand:
//!
//! - `$ref` leads to `#/$defs/NAME` alone, and never back to where it came from. So nothing is fetched, by construction
//!   and not by a setting, and no value recurses deeper than it is nested.
//! - With its references written out, a schema has at most [`PARTS_MAX`] parts, nested at most [`DEPTH_MAX`] deep.
//! - Patterns are matched in linear time (crate `regex`): no look-around, no back-references; there are at most
//!   [`PATTERNS_MAX`].
//! - Nothing asks the same part of a value about the same part of a schema twice as often at each level
//!   (`unevaluatedProperties`, `unevaluatedItems`). So the work is parts of the schema times parts of the value, and where
//!   that is more than [`WORK_MAX`], the value is refused unseen.
//! - Where a value breaks the rules, what each form says of it is collected first and told later. That is done up to
//!   [`TOLD_MAX`]; of a larger value no more is said than that it breaks them.
//! - Formats are checked, and unknown ones refused: one that is not checked would promise too much.
//!
//! **Invariant:** no network, no files, no clock, no `unsafe`; no input makes it panic; and no breach holds a value.
#![forbid(unsafe_code)]

mod breach;
mod shape;

use std::fmt;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

pub use breach::Breach;
pub use shape::{DEPTH_MAX, PARTS_MAX, PATTERNS_MAX, SchemaError};

/// Of a schema, and of a value, as text.
pub const JSON_MAX_BYTES: usize = 64 * 1024;

/// So many breaches are told of one value.
pub const BREACHES_MAX: usize = 20;

/// Parts of a schema times parts of a value: of those that are judged, and of those of which is told what is wrong. The
/// first bounds time (less than a second), the second memory (some hundred bytes each).
pub const WORK_MAX: u64 = 50_000_000;
pub const TOLD_MAX: u64 = 500_000;

/// What one pattern takes, compiled.
const PATTERN_MAX_BYTES: usize = 1024 * 1024;

/// A schema that can be asked.
pub struct Rules {
    validator: Validator,
    /// Parts of the schema.
    parts: u64,
}

impl Rules {
    /// - errors: what is no JSON, no schema of the part of the language that is understood, or too long.
    pub fn parse(schema: &[u8]) -> Result<Self, SchemaError> {
        if schema.len() > JSON_MAX_BYTES {
            return Err(SchemaError::TooLong);
        }
        let schema: Value = serde_json::from_slice(schema).map_err(|_| SchemaError::NotJson)?;
        let parts = shape::check(&schema)?;
        let patterns = PatternOptions::regex()
            .size_limit(PATTERN_MAX_BYTES)
            .dfa_size_limit(PATTERN_MAX_BYTES);
        jsonschema::draft202012::options()
            .offline()
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .build(&schema)
            .map(|validator| Self { validator, parts })
            .map_err(|error| SchemaError::NotASchema {
                path: breach::path(error.instance_path()),
            })
    }

    /// Where a value breaks the rules, at most [`BREACHES_MAX`] times. None: it does not.
    pub fn breaches(&self, value: &[u8]) -> Vec<Breach> {
        if value.len() > JSON_MAX_BYTES {
            return vec![Breach::of_all(format!(
                "longer than {JSON_MAX_BYTES} bytes"
            ))];
        }
        match serde_json::from_slice::<Value>(value) {
            Err(_) => vec![Breach::of_all(
                "cannot be read: nested deeper than 127, or a number out of range".to_owned(),
            )],
            Ok(value) => self.judged(&value),
        }
    }

    fn judged(&self, value: &Value) -> Vec<Breach> {
        let work = self.parts.saturating_mul(parts(value));
        if work > WORK_MAX {
            return vec![Breach::of_all("too many parts for its schema".to_owned())];
        }
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        if work > TOLD_MAX {
            let rule = "not as the schema says; it has too many parts to say where";
            return vec![Breach::of_all(rule.to_owned())];
        }
        let errors = self.validator.iter_errors(value).take(BREACHES_MAX);
        errors.map(|error| Breach::of(&error)).collect()
    }
}

/// Members, elements and names of a value, and the value itself. It is nested less than 128 deep.
fn parts(value: &Value) -> u64 {
    match value {
        Value::Object(members) => {
            1 + members
                .values()
                .map(|member| 1 + parts(member))
                .sum::<u64>()
        }
        Value::Array(elements) => 1 + elements.iter().map(parts).sum::<u64>(),
        _ => 1,
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rules")
    }
}
