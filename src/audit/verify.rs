//! The log read back: does each record follow from the one before it, and does the log end where it should?

use std::cell::Cell;
use std::iter::Peekable;
use std::time::{Duration, Instant};

use auditchain::{
    Body, Broken, Checkpoint, Fingerprint, Foreign, HASH_BYTES, Keys, Link, Point, Record, Row,
    Stub, Summary, Verifier,
};
use envelope::KeyBytes;

use super::address::Address;
use super::chain::chain_key;
use super::durable::Log;
use crate::pg::clock::Timestamp;
use crate::pg::plan::Argument::Long;
use crate::pg::plan::{self, statement};
use crate::pg::{relation, report};

statement!(much RECORDS, "../storage/queries/access_log_from.sql", [INT8OID, INT8OID]);
statement!(
    much CHECKPOINTS,
    "../storage/queries/access_log_checkpoints.sql",
    [INT8OID]
);
statement!(latest STUBS, "../storage/queries/access_log_stubs.sql", []);

/// How often somebody who waits is told how far it is.
const NOTICE_EVERY: Duration = Duration::from_secs(5);

/// The verdict on a part of the log.
pub struct Verdict {
    /// Where that part begins: the number of its first record.
    pub first_seq: u64,
    /// The last record that was verified.
    pub summary: Summary,
    /// The first thing that is wrong; what was counted came before it.
    pub broken: Option<Wrong>,
}

/// What is wrong, in the words of [`Broken`].
pub struct Wrong {
    pub at: i64,
    pub kind: &'static str,
    pub what: String,
}

impl From<Broken> for Wrong {
    fn from(broken: Broken) -> Self {
        Self {
            at: broken.at(),
            kind: broken.kind(),
            what: broken.to_string(),
        }
    }
}

/// The keys to verify with.
pub fn keys(chain_keys: &[(envelope::Fingerprint, KeyBytes)]) -> Keys {
    let mut keys = Keys::default();
    for (of, key) in chain_keys {
        keys.add(Fingerprint::from_bytes(*of.as_bytes()), chain_key(key));
    }
    keys
}

/// Follows the chain from record `from` (`None`: the first there is) to record `to` (`None`: the last one). While it runs,
/// nothing is pruned. Reads the log once, and once more if it is broken.
pub fn verify(keys: &Keys, from: Option<u64>, to: Option<u64>) -> Verdict {
    relation::keep_out_writers(relation::table(c"vault", c"access_log_stubs"));
    let log = Log::open();
    // The head first: what is appended from here on is not verified.
    let head = log.head();
    let head = Point {
        seq: head.seq,
        link: head.link,
    };
    let (begins_after, stub_broken) = follow_stubs(keys);
    let start = match from.filter(|from| *from > begins_after.seq + 1) {
        Some(from) => Start::Behind(from - 1),
        None => Start::At(begins_after),
    };
    let part = Part {
        keys,
        start,
        to: to.unwrap_or(head.seq).min(head.seq),
        is_open_ended: to.is_none(),
        head,
        checkpoints: checkpoints(to.unwrap_or(u64::MAX)),
        furthest: Cell::new(0),
    };
    let mut verdict = part.verify();
    // A record that was read before the head, and is past it, is none that we made.
    let (furthest, head) = (part.furthest.get(), log.head().seq);
    let past_the_head = (furthest > head.cast_signed()).then_some(Broken::Foreign {
        seq: furthest,
        how: Foreign::NumberTooHigh { head },
    });
    verdict.broken = stub_broken
        .map(Wrong::from)
        .or(verdict.broken)
        .or(past_the_head.map(Wrong::from));
    verdict
}

/// The last records, so many of them.
pub fn verify_recent(keys: &Keys, records: u64) -> Verdict {
    let last = Log::open().head().seq;
    verify(keys, Some(last.saturating_sub(records) + 1), None)
}

/// Where the log begins: after the last record that was pruned. And what is wrong with the stubs of those, if anything.
fn follow_stubs(keys: &Keys) -> (Point, Option<Broken>) {
    let (mut after, mut broken) = (Point::START, None);
    for (stub, of) in stubs() {
        let followed = stub
            .check(keys.of(Some(of)))
            .and_then(|()| stub.follow(after));
        broken = broken.or(followed.err());
        after = stub.last;
    }
    (after, broken)
}

#[derive(Clone, Copy)]
enum Start {
    At(Point),
    /// A record whose link is taken as it is.
    Behind(u64),
}

struct Part<'k> {
    keys: &'k Keys,
    start: Start,
    to: u64,
    /// What lies past `to` is looked for, too.
    is_open_ended: bool,
    head: Point,
    checkpoints: Vec<(Checkpoint, Fingerprint)>,
    /// The greatest number seen past `to`.
    furthest: Cell<i64>,
}

impl Part<'_> {
    fn verify(&self) -> Verdict {
        let mut verifier = match self.start {
            Start::At(point) => Some(Verifier::new(point)),
            Start::Behind(_) => None,
        };
        let outcome = self.follow(&mut verifier);
        let (Start::At(Point { seq, .. }) | Start::Behind(seq)) = self.start;
        let verifier = verifier.unwrap_or_else(|| {
            let link = Link::START;
            Verifier::new(Point { seq, link })
        });
        let broken = outcome.err().map(|broken| match verifier.diagnosis() {
            Some(mut diagnosis) => {
                self.each(|row| diagnosis.push(&row, self.keys.of(row.key)));
                diagnosis.finish()
            }
            None => broken,
        });
        Verdict {
            first_seq: seq + 1,
            summary: verifier.summary(),
            broken: broken.map(Wrong::from),
        }
    }

    /// - `verifier`: made here if it begins behind a record.
    fn follow(&self, verifier: &mut Option<Verifier>) -> Result<(), Broken> {
        let mut checkpoints = self.checkpoints.iter().peekable();
        let mut outcome = Ok(());
        let (began, mut told_at) = (Instant::now(), Instant::now());
        self.each(|row| {
            outcome = match verifier {
                Some(verifier) => self.step(verifier, &row, &mut checkpoints),
                None => self.begin_behind(&row).map(|made| *verifier = Some(made)),
            };
            if told_at.elapsed() >= NOTICE_EVERY {
                told_at = Instant::now();
                report::notice(&format!(
                    "verified up to record {} of {}, {} s",
                    row.seq,
                    self.to,
                    began.elapsed().as_secs()
                ));
            }
            outcome.is_ok()
        });
        outcome?;
        let Some(verifier) = verifier else {
            return Err(self.without_beginning());
        };
        for (checkpoint, of) in checkpoints {
            checkpoint.check(self.keys.of(Some(*of)))?;
            verifier.meet(&checkpoint.point)?;
        }
        if self.to == self.head.seq || verifier.summary().last.seq < self.to {
            verifier.clone().finish(Some(&self.head))?;
        }
        Ok(())
    }

    fn step<'c>(
        &self,
        verifier: &mut Verifier,
        row: &Row,
        checkpoints: &mut Peekable<impl Iterator<Item = &'c (Checkpoint, Fingerprint)>>,
    ) -> Result<(), Broken> {
        verifier.push(row, self.keys.of(row.key))?;
        let seq = u64::try_from(row.seq).unwrap_or(0);
        while let Some((checkpoint, of)) =
            checkpoints.next_if(|(checkpoint, _)| checkpoint.point.seq <= seq)
        {
            checkpoint.check(self.keys.of(Some(*of)))?;
            verifier.meet(&checkpoint.point)?;
        }
        Ok(())
    }

    fn begin_behind(&self, row: &Row) -> Result<Verifier, Broken> {
        match (self.start, u64::try_from(row.seq)) {
            (Start::Behind(seq), Ok(found)) if found == seq => Ok(Verifier::new(Point {
                seq,
                link: row.link,
            })),
            _ => Err(self.without_beginning()),
        }
    }

    fn without_beginning(&self) -> Broken {
        let (Start::At(Point { seq, .. }) | Start::Behind(seq)) = self.start;
        Broken::Missing {
            first: seq,
            last: seq,
        }
    }

    /// The records in their order, for as long as `read` wants more. A row whose columns are not what the library writes
    /// reads as a record that fits nowhere.
    fn each(&self, mut read: impl FnMut(Row) -> bool) {
        let from = match self.start {
            // Numbers below the first one belong to nobody; they come first, and so are seen.
            Start::At(_) => i64::MIN,
            Start::Behind(seq) => seq.cast_signed(),
        };
        let to = self.to.cast_signed();
        let end = if self.is_open_ended { i64::MAX } else { to };
        RECORDS.each(&[Long(from), Long(end)], |row| {
            let seq = row.long(1).unwrap_or(0);
            if seq > to {
                self.furthest.set(seq);
                return true;
            }
            let link = row.bytes(2, <[u8]>::to_vec).unwrap_or_default();
            let key = row.bytes(3, <[u8]>::to_vec);
            let body = body(&row).unwrap_or(Body::from_bytes([0; HASH_BYTES]));
            let row = Row::new(seq, &link, key.as_deref(), body).unwrap_or(Row {
                seq,
                link: Link::START,
                key: None,
                body,
            });
            read(row)
        });
    }
}

/// What was pruned, from the first time on. A column that holds what the vault does not write makes a MAC wrong.
pub fn stubs() -> Vec<(Stub, Fingerprint)> {
    STUBS.all(&[], |row| {
        let stub = Stub {
            first_seq: row.long(1).unwrap_or(0).cast_unsigned(),
            last: Point {
                seq: row.long(2).unwrap_or(0).cast_unsigned(),
                link: Link::from_bytes(fixed(&row, 3)),
            },
            pruned_at_us: row.timestamp(4).map_or(0, Timestamp::unix_us),
            mac: fixed(&row, 6),
        };
        (stub, Fingerprint::from_bytes(fixed(&row, 5)))
    })
}

/// As [`stubs`].
fn checkpoints(to: u64) -> Vec<(Checkpoint, Fingerprint)> {
    let to = i64::try_from(to).unwrap_or(i64::MAX);
    CHECKPOINTS.all(&[Long(to)], |row| {
        let checkpoint = Checkpoint {
            point: Point {
                seq: row.long(1).unwrap_or(0).cast_unsigned(),
                link: Link::from_bytes(fixed(&row, 2)),
            },
            made_at_us: row.timestamp(3).map_or(0, Timestamp::unix_us),
            mac: fixed(&row, 5),
        };
        (checkpoint, Fingerprint::from_bytes(fixed(&row, 4)))
    })
}

/// Zeros where the column has another size.
fn fixed<const BYTES: usize>(row: &plan::Row<'_>, column: i32) -> [u8; BYTES] {
    let bytes = row.bytes(column, |bytes| bytes.try_into().ok()).flatten();
    bytes.unwrap_or([0; BYTES])
}

/// The columns of the query, from the fourth on.
fn body(row: &plan::Row<'_>) -> Option<Body> {
    let text = |column| row.bytes(column, <[u8]>::to_vec);
    let (id, secret_id, tenant_id) = (row.uuid(4)?, row.uuid(5), row.uuid(11));
    let address = row.bytes(18, Address::of_wire).flatten();
    let (session_user, action, outcome, role) = (text(7)?, text(8)?, text(9)?, text(13)?);
    let optional = [10, 12, 14, 15, 17, 21, 22, 23, 24, 25].map(text);
    let [
        sqlstate,
        secret_key,
        subject,
        tenant,
        application,
        correlation,
        reason,
        lane,
        account,
        origin,
    ] = optional.each_ref().map(Option::as_deref);
    let record = Record {
        id: &id,
        secret_id: secret_id.as_ref(),
        accessed_at_us: row.timestamp(6)?.unix_us(),
        session_user: &session_user,
        action: &action,
        outcome: &outcome,
        sqlstate,
        tenant_id: tenant_id.as_ref(),
        secret_key,
        effective_role: &role,
        claims_subject: subject,
        claims_tenant: tenant,
        claims_trusted: row.bool(16),
        application_name: application,
        client_addr: address.as_ref().map(Address::as_bytes),
        backend_pid: row.int(19)?,
        xid: row.long(20).map(i64::cast_unsigned),
        correlation_id: correlation,
        access_reason: reason,
        lane,
        platform_account: account,
        origin,
    };
    Some(record.body())
}
