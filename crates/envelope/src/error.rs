//! What can go wrong, told apart only as far as a caller may know.
//!
//! **Invariant:** no variant holds key material, plaintext or text from a key file.

use thiserror::Error;

/// Why an envelope was refused. Once the header has been read every failure is [`EnvelopeError::Open`]: telling a wrong
/// key from a wrong binding or a damaged tag would be an oracle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// A length or value that no version of this crate writes; says which rule.
    #[error("{0}")]
    Malformed(&'static str),
    /// Written by a newer version, or not an envelope.
    #[error("envelope format {0} is unknown")]
    UnknownFormat(u8),
    /// Written by a newer version, or not an envelope.
    #[error("cipher suite {0} is unknown")]
    UnknownSuite(u8),
    /// The header names another generation of the tenant's key: fetch that one and try again.
    #[error("envelope needs generation {needed} of the tenant key, was given {given}")]
    OtherGeneration { needed: u32, given: u32 },
    /// Longer than [`crate::SECRET_MAX_BYTES`]; holds the length in bytes.
    #[error("secret has {0} bytes, the limit is {limit}", limit = crate::SECRET_MAX_BYTES)]
    SecretTooLong(usize),
    /// Wrong key, wrong binding or altered bytes: one failure for every cause.
    #[error("envelope does not open")]
    Open,
}

/// Why a key file was refused: a line number and a rule, never the content.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RingError {
    #[error("key ring is larger than {limit} bytes", limit = crate::ring::RING_MAX_BYTES)]
    TooLarge,
    #[error("key ring is not valid UTF-8")]
    NotUtf8,
    /// `number` counts from 1, comments and blank lines included.
    #[error("key ring line {number}: {rule}")]
    Line { number: usize, rule: &'static str },
    #[error("key ring holds no keys")]
    NoKeys,
    #[error("key ring has no primary key")]
    NoPrimary,
    #[error("key ring has more than one primary key")]
    TwoPrimaries,
    #[error("key ring holds more than {limit} keys", limit = crate::ring::RING_MAX_KEYS)]
    TooManyKeys,
    /// Line numbers and not ids: a file whose columns were swapped has key material where the id should be.
    #[error("key ring lines {first_line} and {second_line} hold the same key")]
    SameKeyTwice {
        first_line: usize,
        second_line: usize,
    },
}
