//! Follows the chain, record after record, in constant memory.

use crate::diagnosis::Suspect;
use crate::{Body, Broken, Diagnosis, Fingerprint, Foreign, HASH_BYTES, KeyOf, Link, Witness};

/// A place in the chain: the head, a checkpoint's, the last record that was pruned, or the one before a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub seq: u64,
    pub link: Link,
}

impl Point {
    /// Where a log begins: before record 1.
    pub const START: Self = Self {
        seq: 0,
        link: Link::START,
    };
}

/// A record with its place in the chain.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub seq: i64,
    pub link: Link,
    /// The key that its link was made under; `None` where there was none.
    pub key: Option<Fingerprint>,
    pub body: Body,
}

impl Row {
    /// - errors: [`Foreign::Malformed`] unless `link` has 32 bytes and `key`, where there is one, 16.
    pub fn new(seq: i64, link: &[u8], key: Option<&[u8]>, body: Body) -> Result<Self, Broken> {
        let malformed = |_| Broken::Foreign {
            seq,
            how: Foreign::Malformed,
        };
        let link: [u8; HASH_BYTES] = link.try_into().map_err(malformed)?;
        let key: Option<[u8; 16]> = key
            .map(<[u8; 16]>::try_from)
            .transpose()
            .map_err(malformed)?;
        Ok(Self {
            seq,
            link: Link::from_bytes(link),
            key: key.map(Fingerprint::from_bytes),
            body,
        })
    }
}

/// A published head of the chain, attested under a chain key.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    pub point: Point,
    /// Microseconds since the Unix epoch.
    pub made_at_us: i64,
    pub mac: [u8; HASH_BYTES],
}

impl Checkpoint {
    /// Whether it was made under this key. A checkpoint that is under no key attests nothing.
    ///
    /// - errors: [`Foreign::Checkpoint`].
    pub fn check(&self, key: KeyOf<'_>) -> Result<(), Broken> {
        let Point { seq, link } = &self.point;
        match key {
            KeyOf::Known(key) if key.made_checkpoint(*seq, link, self.made_at_us, &self.mac) => {
                Ok(())
            }
            KeyOf::Untested => Ok(()),
            _ => Err(Broken::Foreign {
                seq: i64::try_from(*seq).unwrap_or(i64::MAX),
                how: Foreign::Checkpoint,
            }),
        }
    }
}

/// What stands for records that were pruned, attested under a chain key.
#[derive(Clone, Copy, Debug)]
pub struct Stub {
    pub first_seq: u64,
    /// The last one that was pruned: where the rest of the log begins.
    pub last: Point,
    /// Microseconds since the Unix epoch.
    pub pruned_at_us: i64,
    pub mac: [u8; HASH_BYTES],
}

impl Stub {
    /// Where the log goes on, if this stub stands for what follows `after`: [`Point::START`], or the stub before.
    ///
    /// - errors: [`Broken::Missing`] if there are numbers between the two, [`Foreign::Stub`] if they overlap.
    pub fn follow(&self, after: Point) -> Result<Point, Broken> {
        let expected = after.seq.saturating_add(1);
        if self.first_seq > expected {
            return Err(Broken::Missing {
                first: expected,
                last: self.first_seq - 1,
            });
        }
        if self.first_seq < expected || self.last.seq < self.first_seq {
            return Err(self.foreign());
        }
        Ok(self.last)
    }

    fn foreign(&self) -> Broken {
        Broken::Foreign {
            seq: i64::try_from(self.last.seq).unwrap_or(i64::MAX),
            how: Foreign::Stub,
        }
    }

    /// As [`Checkpoint::check`].
    ///
    /// - errors: [`Foreign::Stub`].
    pub fn check(&self, key: KeyOf<'_>) -> Result<(), Broken> {
        let Point { seq, link } = &self.last;
        match key {
            KeyOf::Known(key)
                if key.made_stub(self.first_seq, *seq, link, self.pruned_at_us, &self.mac) =>
            {
                Ok(())
            }
            KeyOf::Untested => Ok(()),
            _ => Err(self.foreign()),
        }
    }
}

/// What was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The last record, or where the verification began if there was none.
    pub last: Point,
    pub records: u64,
    /// Of those, made while there was no key: they can be forged until a record under a key follows.
    pub unkeyed: u64,
    /// From here on to the last one all are unkeyed.
    pub unkeyed_since: Option<u64>,
    /// Of those, taken as they are ([`KeyOf::Untested`]).
    pub untested: u64,
    /// Checkpoints that the log passed through.
    pub checkpoints: u64,
}

/// Verifies records that come in order of their numbers.
///
/// ```text
/// for each record:    push(record), then meet(checkpoint) for each checkpoint up to its number
/// after the last one: meet(checkpoint) for the checkpoints that are left, then finish(head)
/// ```
///
/// The first error is the first thing that is wrong; what came before it is in order. After an error
/// [`Verifier::diagnosis`] tells whether a second look at the records could say more.
#[derive(Clone, Debug)]
pub struct Verifier {
    start: u64,
    summary: Summary,
    checkpoint: Option<u64>,
    suspect: Option<Suspect>,
}

impl Verifier {
    /// Verifies what follows a place in the chain: [`Point::START`], a stub of what was pruned, or, for a range, the
    /// record before it. That place is taken as given. What it holds is not verified, and a range does not show what
    /// was done to records before it.
    pub fn new(after: Point) -> Self {
        Self {
            start: after.seq,
            summary: Summary {
                last: after,
                records: 0,
                unkeyed: 0,
                unkeyed_since: None,
                untested: 0,
                checkpoints: 0,
            },
            checkpoint: None,
            suspect: None,
        }
    }

    /// Takes the next record.
    ///
    /// - `key`: what the caller has of the key that `row.key` names.
    /// - errors: the first one stands; nothing more may be pushed after it.
    pub fn push(&mut self, row: &Row, key: KeyOf<'_>) -> Result<(), Broken> {
        let last = self.summary.last;
        let foreign = |how| Broken::Foreign { seq: row.seq, how };
        let seq = u64::try_from(row.seq).unwrap_or(0);
        if seq <= self.start {
            return Err(foreign(Foreign::NumberTooLow));
        }
        if seq <= last.seq {
            return Err(foreign(Foreign::NumberTwice));
        }
        if seq - 1 > last.seq {
            self.suspect = Some(Suspect::gap(last, seq - 1));
            return Err(Broken::Missing {
                first: last.seq + 1,
                last: seq - 1,
            });
        }
        match (key, row.key) {
            (KeyOf::Untested, _) => self.summary.untested += 1,
            (KeyOf::Unknown, Some(fingerprint)) => {
                return Err(foreign(Foreign::UnknownKey(fingerprint)));
            }
            _ if key.fits(seq, &last.link, &row.body, &row.link) => {}
            _ => {
                self.suspect = Some(Suspect::record(last, row, key, self.summary.unkeyed_since));
                return Err(Broken::Changed {
                    seq,
                    unkeyed_since: self.summary.unkeyed_since,
                });
            }
        }
        self.summary.records += 1;
        if row.key.is_none() {
            self.summary.unkeyed += 1;
            self.summary.unkeyed_since.get_or_insert(seq);
        } else {
            self.summary.unkeyed_since = None;
        }
        self.summary.last = Point {
            seq,
            link: row.link,
        };
        Ok(())
    }

    /// Compares the log with what somebody remembers of it. Checkpoints come in order; each after the record of its
    /// number and before the next one, or after the last record. One from before the beginning is passed over.
    pub fn meet(&mut self, checkpoint: &Point) -> Result<(), Broken> {
        if checkpoint.seq < self.summary.last.seq {
            return Ok(());
        }
        self.compare(checkpoint, Witness::Checkpoint)?;
        self.checkpoint = Some(checkpoint.seq);
        self.summary.checkpoints += 1;
        Ok(())
    }

    /// What was verified so far.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// Ends the verification.
    ///
    /// - `head`: where the log says that it ends; `None` for a range. Read it before the records, and leave out what was
    ///   appended since.
    pub fn finish(self, head: Option<&Point>) -> Result<Summary, Broken> {
        if let Some(head) = head {
            if head.seq < self.summary.last.seq {
                return Err(Broken::Foreign {
                    seq: i64::try_from(self.summary.last.seq).unwrap_or(i64::MAX),
                    how: Foreign::NumberTooHigh { head: head.seq },
                });
            }
            self.compare(head, Witness::Head)?;
        }
        Ok(self.summary)
    }

    /// After an error: a second look, if it could tell a record that was changed or is missing from one that stands
    /// elsewhere.
    pub fn diagnosis(&self) -> Option<Diagnosis> {
        self.suspect.clone().map(Diagnosis::new)
    }

    fn compare(&self, point: &Point, witness: Witness) -> Result<(), Broken> {
        let last = self.summary.last;
        if point.seq > last.seq {
            return Err(Broken::Truncated {
                last: last.seq,
                witness,
                seq: point.seq,
                checkpoint: self.checkpoint,
            });
        }
        if !point.link.is(&last.link) {
            return Err(Broken::Rewritten {
                seq: point.seq,
                witness,
            });
        }
        Ok(())
    }
}
