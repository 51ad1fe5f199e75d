//! The part of JSON Schema that is understood.

use std::collections::HashMap;
use std::{error, fmt};

use serde_json::Value;

/// Members and elements of a schema with its references written out, each time that they are referred to.
pub const PARTS_MAX: u64 = 20_000;

/// Patterns, each time that they are referred to. The text of a value is matched against each of them.
pub const PATTERNS_MAX: u64 = 32;

/// How deep a schema is nested with its references written out: as deep goes the stack of whoever validates.
pub const DEPTH_MAX: u64 = 256;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What would give a part of a schema another name, or lead out of it; and what asks parts of it again for what they have
/// said already, at each level twice as often. None of these is a member anywhere, also not as the name of a property: so
/// that nobody has to tell the one from the other.
const FORBIDDEN: &[&str] = &[
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "$recursiveAnchor",
    "$recursiveRef",
    "$vocabulary",
    "definitions",
    "id",
    "unevaluatedItems",
    "unevaluatedProperties",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaError {
    TooLong,
    NotJson,
    /// Of another dialect than draft 2020-12.
    Dialect,
    Forbidden(&'static str),
    /// A `$ref` that is no `#/$defs/NAME`, or leads to a name that is not there.
    Reference,
    Circle,
    TooLarge,
    NotASchema {
        path: String,
    },
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "A schema has at most {} bytes.", crate::JSON_MAX_BYTES),
            Self::NotJson => f.write_str("A schema is a JSON object, nested less than 128 deep."),
            Self::Dialect => write!(f, "$schema is {DIALECT}, or left out."),
            Self::Forbidden(name) => write!(f, "No member of a schema is called {name}."),
            Self::Reference => {
                f.write_str("$ref leads to \"#/$defs/NAME\", a member of the schema's own $defs.")
            }
            Self::Circle => f.write_str("References lead back to where they came from."),
            Self::TooLarge => {
                write!(
                    f,
                    "With its references written out, a schema has at most {PARTS_MAX} parts and {PATTERNS_MAX} patterns, nested at most {DEPTH_MAX} deep."
                )
            }
            Self::NotASchema { path } => {
                write!(
                    f,
                    "It is no JSON Schema, draft 2020-12, with patterns that take linear time; see at \"{path}\"."
                )
            }
        }
    }
}

impl error::Error for SchemaError {}

/// How many parts it has, with its references written out.
pub fn check(schema: &Value) -> Result<u64, SchemaError> {
    let root = schema.as_object().ok_or(SchemaError::NotJson)?;
    if let Some(dialect) = root.get("$schema")
        && dialect.as_str().map(|d| d.trim_end_matches('#')) != Some(DIALECT)
    {
        return Err(SchemaError::Dialect);
    }
    let none = Value::Null;
    let definitions = root.get("$defs").unwrap_or(&none);
    let mut sizes = Sizes {
        definitions,
        known: HashMap::new(),
    };
    let whole = sizes.of(schema, true)?;
    let fits =
        whole.parts <= PARTS_MAX && whole.patterns <= PATTERNS_MAX && whole.depth <= DEPTH_MAX;
    match fits {
        true => Ok(whole.parts),
        false => Err(SchemaError::TooLarge),
    }
}

/// With the references written out.
#[derive(Clone, Copy)]
struct Size {
    parts: u64,
    patterns: u64,
    depth: u64,
}

/// What is known of each definition; `None` while it is looked at.
struct Sizes<'a> {
    definitions: &'a Value,
    known: HashMap<&'a str, Option<Size>>,
}

impl<'a> Sizes<'a> {
    fn of_definition(&mut self, name: &'a str) -> Result<Size, SchemaError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(SchemaError::Circle),
            None => {}
        }
        // Those that are looked at now stand below one another on the stack.
        if self.known.values().filter(|size| size.is_none()).count() as u64 > DEPTH_MAX {
            return Err(SchemaError::TooLarge);
        }
        let definition = self.definitions.get(name).ok_or(SchemaError::Reference)?;
        self.known.insert(name, None);
        let size = self.of(definition, false)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }

    fn of(&mut self, value: &'a Value, is_root: bool) -> Result<Size, SchemaError> {
        let mut whole = Size {
            parts: 1,
            patterns: 0,
            depth: 1,
        };
        let mut add = |part: Size| {
            whole.parts = whole.parts.saturating_add(part.parts);
            whole.patterns = whole.patterns.saturating_add(part.patterns);
            whole.depth = whole.depth.max(part.depth.saturating_add(1));
        };
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if let Some(forbidden) = FORBIDDEN.iter().find(|known| *known == name) {
                        return Err(SchemaError::Forbidden(forbidden));
                    }
                    let mut part = match name.as_str() {
                        "$ref" => {
                            self.of_definition(target(member).ok_or(SchemaError::Reference)?)?
                        }
                        "$schema" if !is_root => return Err(SchemaError::Dialect),
                        _ => self.of(member, false)?,
                    };
                    part.patterns = part.patterns.saturating_add(match (name.as_str(), member) {
                        ("pattern", Value::String(_)) => 1,
                        ("patternProperties", Value::Object(patterns)) => patterns.len() as u64,
                        _ => 0,
                    });
                    add(part);
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    add(self.of(element, false)?);
                }
            }
            _ => {}
        }
        Ok(whole)
    }
}

/// Names with a tilde or a slash would have two spellings.
fn target(reference: &Value) -> Option<&str> {
    let name = reference.as_str()?.strip_prefix("#/$defs/")?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (!name.is_empty() && name.bytes().all(is_plain)).then_some(name)
}
