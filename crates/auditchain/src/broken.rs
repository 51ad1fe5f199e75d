//! What can be wrong with a log, in numbers of records: never what stands in them.

use std::fmt;

use crate::Fingerprint;

/// The first thing that is wrong, in the order of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Content or link are not what was written.
    Changed {
        seq: u64,
        /// The records from here to the one before `seq` are unkeyed: whoever changed one of those could make its link
        /// anew, and only this record gives it away.
        unkeyed_since: Option<u64>,
    },
    /// These numbers are not there.
    Missing { first: u64, last: u64 },
    /// So many records were taken out from `seq` on, and the following ones given their numbers.
    ClosedUp { seq: u64, records: u64 },
    /// What belongs at the first number stands at the other one, or behind it.
    Reordered { seq: u64, other: u64 },
    /// No key of ours made this record.
    Foreign { seq: i64, how: Foreign },
    /// The log ends too early.
    Truncated {
        /// The last record that is there; 0 where there is none.
        last: u64,
        /// Who knows of a later one, and its number.
        witness: Witness,
        seq: u64,
        /// The last checkpoint that holds.
        checkpoint: Option<u64>,
    },
    /// Every link fits, and yet this is not the log that the witness saw: somebody made links anew, up to this number
    /// or from an earlier one on.
    Rewritten { seq: u64, witness: Witness },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Two records have this number.
    NumberTwice,
    /// Numbers begin with 1, and do not go back behind what was pruned or left out.
    NumberTooLow,
    /// The head has never been as far.
    NumberTooHigh {
        head: u64,
    },
    /// A column holds what the vault never writes: a link of another length, say.
    Malformed,
    UnknownKey(Fingerprint),
    /// Slipped in, one of so many: the records that follow stand as many numbers too high.
    SlippedIn {
        records: u64,
    },
    /// Not the record but the checkpoint of this number: its MAC is not of our making.
    Checkpoint,
    /// Not the record but the stub that ends with this number: its MAC is not of our making.
    Stub,
}

/// Who remembers a link that was at a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    Head,
    Checkpoint,
}

impl Broken {
    /// The number at which the log is broken.
    pub fn at(&self) -> i64 {
        let seq = match *self {
            Self::Foreign { seq, .. } => return seq,
            Self::Changed { seq, .. }
            | Self::Missing { first: seq, .. }
            | Self::ClosedUp { seq, .. }
            | Self::Reordered { seq, .. }
            | Self::Rewritten { seq, .. } => seq,
            Self::Truncated { last, .. } => last.saturating_add(1),
        };
        i64::try_from(seq).unwrap_or(i64::MAX)
    }

    /// One word: changed, missing, reordered, foreign, truncated or rewritten.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Missing { .. } | Self::ClosedUp { .. } => "missing",
            Self::Reordered { .. } => "reordered",
            Self::Foreign { .. } => "foreign",
            Self::Truncated { .. } => "truncated",
            Self::Rewritten { .. } => "rewritten",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Changed {
                seq,
                unkeyed_since: None,
            } => write!(f, "record {seq} was changed: its link does not fit"),
            Self::Changed {
                seq,
                unkeyed_since: Some(first),
            } => write!(
                f,
                "record {seq} does not continue the unkeyed records from {first} on: it or one of them was changed"
            ),
            Self::Missing { first, last } if first == last => {
                write!(f, "record {first} is missing")
            }
            Self::Missing { first, last } => write!(f, "records {first} to {last} are missing"),
            Self::ClosedUp { seq, records } => write!(
                f,
                "records are missing: {records} from number {seq} on, which the following ones now have"
            ),
            Self::Reordered { seq, other } => {
                write!(f, "records {seq} and {other} changed places")
            }
            Self::Foreign { seq, how } => how.describe(seq, f),
            Self::Truncated {
                last,
                witness,
                seq,
                checkpoint,
            } => {
                let witness = match witness {
                    Witness::Head => "the head",
                    Witness::Checkpoint => "a checkpoint",
                };
                match checkpoint {
                    Some(checkpoint) => write!(f, "truncated after checkpoint {checkpoint}: ")?,
                    None => f.write_str("truncated: ")?,
                }
                match last {
                    0 => write!(f, "there is no record, but {witness} is at {seq}"),
                    _ => write!(f, "the last record is {last}, but {witness} is at {seq}"),
                }
            }
            Self::Rewritten { seq, witness } => match witness {
                Witness::Head => write!(
                    f,
                    "the log was rewritten: record {seq} has not the link of the head"
                ),
                Witness::Checkpoint => write!(
                    f,
                    "the log was rewritten at or before record {seq}: the checkpoint holds another link"
                ),
            },
        }
    }
}

impl Foreign {
    fn describe(self, seq: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NumberTwice => write!(f, "more than one record has number {seq}"),
            Self::NumberTooLow => write!(f, "record {seq} stands before the first number"),
            Self::NumberTooHigh { head } => {
                write!(f, "record {seq} stands past the head at {head}")
            }
            Self::Malformed => write!(f, "record {seq} holds what the vault does not write"),
            Self::UnknownKey(key) => {
                write!(
                    f,
                    "record {seq} names chain key {key}, which is not at hand"
                )
            }
            Self::SlippedIn { records: 1 } => write!(
                f,
                "record {seq} was slipped in: those that follow stand one number too high"
            ),
            Self::SlippedIn { records } => write!(
                f,
                "record {seq} was slipped in, one of {records}: those that follow stand {records} numbers too high"
            ),
            Self::Stub => write!(
                f,
                "the stub of the records up to {seq} was not made under the key it names"
            ),
            Self::Checkpoint => write!(
                f,
                "the checkpoint at {seq} was not made under the key it names"
            ),
        }
    }
}

impl std::error::Error for Broken {}
