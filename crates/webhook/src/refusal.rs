//! Why a webhook is not believed: four words, which hold nothing of the request.

use std::{error, fmt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A header that carries the signature is not there.
    Missing,
    /// It is there twice, too long, or not written as the scheme writes it.
    Malformed,
    /// Genuine, and too old or from the future: perhaps sent again by somebody who saw it.
    Stale,
    /// No key that counts has made the signature for this payload.
    Mismatch,
}

impl Refusal {
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Mismatch => "mismatch",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl error::Error for Refusal {}
