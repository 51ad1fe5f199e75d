//! Why something does not open or cannot be read, in words that hold nothing of it.

use thiserror::Error;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It has not the form that was named.
    #[error("{0}")]
    Malformed(String),
    /// One message for every cause: a passphrase that is another one cannot be told from bytes that were altered.
    #[error("it does not open: another passphrase, or altered bytes")]
    DoesNotOpen,
}

impl Refusal {
    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }
}
