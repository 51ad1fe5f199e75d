//! Does a text concern the vault, and what is left of it without its literals? The server's log and its views of
//! activity are shown the answer (`src/shield.rs`).
//!
//! - [`Names::mention`]: one pass over the text, on every statement of the server, so it is short and allocates nothing
//!   for ordinary text. It errs towards "yes": a mention in a string or a comment counts, since a `DO` block is a string.
//! - [`strip`]: what may be shown of a text that concerns the vault. It errs towards hiding.
//! - [`blank`]: a message of the server's without the values that were put into it.
//!
//! Texts are bytes in any encoding of which ASCII is a part, as PostgreSQL's server encodings are; they may be cut off
//! anywhere, and need not be SQL.
//!
//! **Invariant:** no input makes it panic, the time taken is linear in the text, and text that concerns nobody here is
//! never changed. No clock, no settings, no PostgreSQL.
#![forbid(unsafe_code)]

mod blank;
mod functions;
mod lexer;
mod mention;
mod strip;

use std::borrow::Cow;

pub use blank::blank;
pub use functions::{DISTINCTIVE, ORDINARY, SHOWN_QUOTED};
pub use mention::{Executed, Mention, Names, executed};
pub use strip::{Stripped, strip};

/// What stands in the place of a text of which nothing can be shown.
pub const REMARK: &str = "(not shown: concerns tenant_vault)";

/// A text as it may be shown: itself, to the byte, unless it names one of `names`.
pub fn scrub<'a>(names: &Names, text: &'a [u8]) -> Cow<'a, [u8]> {
    if !names.mention(text).ours {
        return Cow::Borrowed(text);
    }
    match strip(text) {
        Stripped::Unchanged => Cow::Borrowed(text),
        Stripped::Text(shown) => Cow::Owned(shown),
        Stripped::Nothing => Cow::Borrowed(REMARK.as_bytes()),
    }
}
