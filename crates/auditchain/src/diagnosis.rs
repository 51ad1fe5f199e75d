//! A second look at a broken log: what became of the record that should be at the first broken number?
//!
//! Each record is looked at once, against that number alone: linear in the log, constant in memory.

use std::fmt;

use crate::{Broken, ChainKey, Foreign, KeyOf, Link, Point, Row};

/// By how many numbers the records may have been closed up for [`Broken::ClosedUp`] to be seen: so many links are
/// tried, for one record.
const CLOSED_UP_MAX: u64 = 4096;

/// Looks at all records once more. The place of the break stays what the verifier said; the kind may become another.
///
/// A record *fits* a number if, with the link before it, it gives the link that stands there, or the one that it brought
/// along. If a later record fits the broken number, the two changed places, or something was slipped in before it: the
/// former if what stands at the number fits elsewhere, or if a later record still stands where it belongs.
#[derive(Debug)]
pub struct Diagnosis {
    suspect: Suspect,
    /// How many records have the broken number.
    here: u64,
    /// Where the record stands that belongs at the broken number.
    found_at: Option<u64>,
    /// What stands at the broken number belongs elsewhere.
    is_genuine: bool,
    /// Some later record is where it belongs.
    is_later_in_place: bool,
    /// The next record gives its link under a number that is greater by this.
    closed_up_by: Option<u64>,
    previous: Option<Point>,
}

/// What the verifier stopped at.
#[derive(Clone)]
pub(crate) struct Suspect {
    /// The last good record.
    before: Point,
    stopped: Stopped,
}

#[derive(Clone)]
enum Stopped {
    /// The numbers up to this one are not there.
    Gap(u64),
    Record(Box<Unfit>),
}

/// A record whose link does not fit.
#[derive(Clone)]
struct Unfit {
    row: Row,
    key: Option<ChainKey>,
    unkeyed_since: Option<u64>,
}

impl Unfit {
    fn key(&self) -> KeyOf<'_> {
        self.key.as_ref().map_or(KeyOf::Unkeyed, KeyOf::Known)
    }
}

impl Suspect {
    pub(crate) fn gap(before: Point, last: u64) -> Self {
        let stopped = Stopped::Gap(last);
        Self { before, stopped }
    }

    pub(crate) fn record(
        before: Point,
        row: &Row,
        key: KeyOf<'_>,
        unkeyed_since: Option<u64>,
    ) -> Self {
        let key = match key {
            KeyOf::Known(key) => Some(key.clone()),
            _ => None,
        };
        let stopped = Stopped::Record(Box::new(Unfit {
            row: *row,
            key,
            unkeyed_since,
        }));
        Self { before, stopped }
    }

    fn seq(&self) -> u64 {
        self.before.seq + 1
    }
}

impl fmt::Debug for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suspect({})", self.seq())
    }
}

impl Diagnosis {
    pub(crate) fn new(suspect: Suspect) -> Self {
        Self {
            suspect,
            here: 0,
            found_at: None,
            is_genuine: false,
            is_later_in_place: false,
            closed_up_by: None,
            previous: None,
        }
    }

    /// Takes the next record, in the order in which the verifier saw them, from any place before the break on.
    ///
    /// - returns: whether further records can still change the answer.
    pub fn push(&mut self, row: &Row, key: KeyOf<'_>) -> bool {
        let broken = self.suspect.seq();
        let seq = u64::try_from(row.seq).unwrap_or(0);
        let point = Point {
            seq,
            link: row.link,
        };
        let previous = self.previous.replace(point);
        if seq == broken {
            self.here += 1;
        } else if seq > broken {
            let before = previous.filter(|previous| previous.seq == seq - 1);
            self.look_for_what_belongs_here(row, seq, key);
            self.look_for_a_place(row, seq, key, before);
            self.look_at_its_place(row, seq, key, before);
        }
        self.found_at.is_none() || !(self.is_genuine || self.is_later_in_place)
    }

    /// What is wrong, after all records were seen.
    pub fn finish(self) -> Broken {
        let seq = self.suspect.seq();
        let foreign = |how| Broken::Foreign {
            seq: i64::try_from(seq).unwrap_or(i64::MAX),
            how,
        };
        match (self.suspect.stopped, self.found_at) {
            // The number is there after all, but behind a greater one.
            (Stopped::Gap(last), _) if self.here > 0 => Broken::Reordered {
                seq,
                other: last + 1,
            },
            (Stopped::Gap(_), Some(other)) => Broken::Reordered { seq, other },
            (Stopped::Gap(last), None) => Broken::Missing { first: seq, last },
            (Stopped::Record(..), _) if self.here > 1 => foreign(Foreign::NumberTwice),
            (Stopped::Record(..), Some(other)) if self.is_genuine || self.is_later_in_place => {
                Broken::Reordered { seq, other }
            }
            (Stopped::Record(..), Some(other)) => foreign(Foreign::SlippedIn {
                records: other - seq,
            }),
            (Stopped::Record(unfit), None) => match self.closed_up_by {
                Some(records) => Broken::ClosedUp { seq, records },
                None => Broken::Changed {
                    seq,
                    unkeyed_since: unfit.unkeyed_since,
                },
            },
        }
    }

    /// Does the record belong at the broken number? It may stand there with its own link, or with the one of its new
    /// number; the column chain_key may have come along, or not.
    fn look_for_what_belongs_here(&mut self, row: &Row, seq: u64, key: KeyOf<'_>) {
        if self.found_at.is_some() {
            return;
        }
        let here = self.suspect.before.seq + 1;
        let made = |key: KeyOf<'_>| key.link(here, &self.suspect.before.link, &row.body);
        let link = match &self.suspect.stopped {
            Stopped::Gap(_) => made(key).filter(|made| made.is(&row.link)),
            Stopped::Record(unfit) => {
                let fits = |made: &Link| made.is(&row.link) || made.is(&unfit.row.link);
                let own = (unfit.row.key != row.key).then(|| unfit.key());
                [key].into_iter().chain(own).filter_map(made).find(fits)
            }
        };
        let Some(link) = link else { return };
        self.found_at = Some(seq);
        // What stood at the next number may have moved up to this one.
        if let Stopped::Record(unfit) = &self.suspect.stopped {
            self.is_genuine |= unfit
                .key()
                .fits(here + 1, &link, &unfit.row.body, &unfit.row.link);
        }
    }

    /// Does what stands at the broken number belong at this one? The link before it is that of the record before, or,
    /// if the two are neighbours, the one that this record brought along.
    fn look_for_a_place(&mut self, row: &Row, seq: u64, key: KeyOf<'_>, before: Option<Point>) {
        let Stopped::Record(unfit) = &self.suspect.stopped else {
            return;
        };
        let other = (unfit.row.key != row.key).then_some(key);
        let before = before.map(|before| before.link);
        self.is_genuine |= before.iter().chain([&row.link]).any(|before| {
            [unfit.key()]
                .into_iter()
                .chain(other)
                .filter_map(|key| key.link(seq, before, &unfit.row.body))
                .any(|made| made.is(&row.link) || made.is(&unfit.row.link))
        });
    }

    /// Does the record stand where it belongs? If it is the first after the break and does not: does it belong at a
    /// greater number, with nothing in between?
    fn look_at_its_place(&mut self, row: &Row, seq: u64, key: KeyOf<'_>, before: Option<Point>) {
        let Some(before) = before else { return };
        let fits = |seq| key.fits(seq, &before.link, &row.body, &row.link);
        if fits(seq) {
            self.is_later_in_place = true;
        } else if before.seq == self.suspect.seq() {
            self.closed_up_by = (1..=CLOSED_UP_MAX).find(|by| fits(seq.saturating_add(*by)));
        }
    }
}
