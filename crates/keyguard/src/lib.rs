//! Does a text hold a key, a token or a password? Asked by the guard of tables and by the search for what already lies
//! in them (`src/guard.rs`), once for every value, so it is short.
//!
//! - [`Guard`]: the beginnings of all formats and a matcher for each; built once, used by all.
//! - [`detectors`]: the table of formats as data, for the manual and the rules.
//!
//! Formats without a mark of their own are told by the name of the column or key (`named.rs`).
//!
//! **Invariant:** no input makes it panic, the time taken is linear in the text, a clean text without escapes allocates
//! nothing, and nothing that it answers holds a byte of a secret. No clock, no settings, no randomness, no PostgreSQL.
#![forbid(unsafe_code)]

mod anchors;
mod blocks;
mod class;
mod detectors;
mod json;
mod named;
mod percent;
mod random;
mod scan;
mod shape;
mod work;

use std::ops::ControlFlow;

pub use detectors::{Detector, detectors};
pub use json::{JsonPath, JsonString, strings as json_strings};
pub use scan::Guard;

/// What was found and where, in bytes of the text. Never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    pub detector: &'static str,
    pub service: &'static str,
    pub start: usize,
    pub length: usize,
}

/// Whether a value under this name is taken for a secret where it looks like one. For whoever looks at many values under one
/// name: where this says no, the name need not be given.
pub fn names_secret(name: &str) -> bool {
    named::secret(name)
}

impl Guard {
    /// The first finding in a text; `name` is the column or key that it stands under.
    pub fn first(&self, text: &str, name: Option<&str>) -> Option<Finding> {
        let mut first = None;
        let _ = self.look(text, name, &mut |finding| {
            first = Some(finding);
            ControlFlow::Break(())
        });
        first
    }

    /// All findings in a text, until `found` breaks.
    pub fn all(
        &self,
        text: &str,
        name: Option<&str>,
        found: &mut dyn FnMut(Finding) -> ControlFlow<()>,
    ) {
        let _ = self.look(text, name, found);
    }

    /// All findings in a JSON document, keys included, until `found` breaks. Start and length are in the decoded string.
    pub fn json(
        &self,
        text: &str,
        name: Option<&str>,
        found: &mut dyn FnMut(&JsonPath, Finding) -> ControlFlow<()>,
    ) {
        let _ = json::walk(self, text, name, found);
    }
}
