//! The log read back: does each record follow from the one before it, and does the log end where it should?

use std::time::{Duration, Instant};

use auditchain::{
    Body, Broken, Checkpoint, Fingerprint, HASH_BYTES, Keys, Link, Point, Record, Row, Summary,
    Verifier,
};
use envelope::KeyBytes;

use super::address::Address;
use super::chain::chain_key;
use super::durable::Log;
use crate::pg::plan::Argument::Long;
use crate::pg::plan::{self, statement};
use crate::pg::{relation, report};

statement!(much RECORDS, "../storage/queries/access_log_from.sql", [INT8OID, INT8OID]);
statement!(much LAST, "../storage/queries/access_log_last.sql", []);
statement!(
    much CHECKPOINTS,
    "../storage/queries/access_log_checkpoints.sql",
    [INT8OID]
);
statement!(latest STUB, "../storage/queries/access_log_stub.sql", []);

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

/// The last pruning, as it is noted.
pub struct Stub {
    pub first_seq: u64,
    pub last_seq: u64,
    pub link: Link,
    pruned_at_us: i64,
    chain_key: Fingerprint,
    mac: Vec<u8>,
}

impl Stub {
    pub fn last() -> Option<Self> {
        let stub = STUB.first(&[], |row| {
            Some(Self {
                first_seq: row.long(1)?.cast_unsigned(),
                last_seq: row.long(2)?.cast_unsigned(),
                link: link(&row, 3)?,
                pruned_at_us: row.timestamp(4)?.unix_us(),
                chain_key: fingerprint(&row, 5)?,
                mac: row.bytes(6, <[u8]>::to_vec)?,
            })
        });
        stub.flatten()
    }

    fn is_ours(&self, keys: &Keys) -> bool {
        match keys.of(Some(self.chain_key)) {
            auditchain::KeyOf::Known(key) => key.made_stub(
                self.first_seq,
                self.last_seq,
                &self.link,
                self.pruned_at_us,
                &self.mac,
            ),
            _ => false,
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
/// nothing is pruned.
pub fn verify(keys: &Keys, from: Option<u64>, to: Option<u64>) -> Verdict {
    relation::keep_out_writers(relation::table(c"vault", c"access_log_stubs"));
    let log = Log::open();
    // The head first: what is appended from here on is not looked at. A record past the head that is read afterwards is
    // none that we made.
    let head = log.head();
    let furthest = LAST.first(&[], |row| row.long(1)).flatten();
    let head_after = log.head();
    let head = Point {
        seq: head.seq,
        link: head.link,
    };
    let stub = Stub::last();
    let start = stub.as_ref().map_or(Point::START, |stub| Point {
        seq: stub.last_seq,
        link: stub.link,
    });
    let mut part = Part {
        keys,
        to: to.unwrap_or(head.seq).min(head.seq),
        head,
        checkpoints: checkpoints(to.unwrap_or(u64::MAX)),
    };
    let stub_broken = stub.filter(|stub| !stub.is_ours(keys)).map(|stub| Wrong {
        at: stub.last_seq.cast_signed(),
        kind: "foreign",
        what: format!(
            "the stub of records {} to {}, pruned, was not made under the key it names",
            stub.first_seq, stub.last_seq
        ),
    });
    let mut verdict = match from.filter(|from| *from > start.seq + 1) {
        Some(from) => part.after(from - 1),
        None => part.verify(Verifier::new(start), start.seq + 1),
    };
    verdict.broken = stub_broken.or(verdict.broken).or_else(|| {
        let furthest =
            furthest.filter(|seq| to.is_none() && *seq > head_after.seq.cast_signed())?;
        Some(Wrong {
            at: furthest,
            kind: "foreign",
            what: format!(
                "record {furthest} stands past the head at {}",
                head_after.seq
            ),
        })
    });
    verdict
}

/// The last records, so many of them.
pub fn verify_recent(keys: &Keys, records: u64) -> Verdict {
    let last = Log::open().head().seq;
    verify(keys, Some(last.saturating_sub(records) + 1), None)
}

struct Part<'k> {
    keys: &'k Keys,
    to: u64,
    head: Point,
    checkpoints: Vec<(Checkpoint, Fingerprint)>,
}

impl Part<'_> {
    /// What follows a record, whose link is taken as it is.
    fn after(&mut self, seq: u64) -> Verdict {
        let mut link = None;
        RECORDS.each(&[Long(seq.cast_signed()), Long(seq.cast_signed())], |row| {
            link = self::link(&row, 2);
            false
        });
        match link {
            Some(link) => self.verify(Verifier::new(Point { seq, link }), seq + 1),
            None => Verdict {
                first_seq: seq + 1,
                summary: Verifier::new(Point {
                    seq,
                    link: Link::START,
                })
                .finish(None)
                .expect("nothing was pushed, and there is no head"),
                broken: Some(
                    Broken::Missing {
                        first: seq,
                        last: seq,
                    }
                    .into(),
                ),
            },
        }
    }

    fn verify(&mut self, mut verifier: Verifier, first_seq: u64) -> Verdict {
        let broken = self.follow(&mut verifier, first_seq).err();
        let broken = broken.map(|broken| match verifier.diagnosis() {
            Some(mut diagnosis) => {
                self.each(first_seq, |row| diagnosis.push(&row, self.keys.of(row.key)));
                diagnosis.finish()
            }
            None => broken,
        });
        let summary = verifier.summary();
        Verdict {
            first_seq,
            summary,
            broken: broken.map(Wrong::from),
        }
    }

    fn follow(&self, verifier: &mut Verifier, first_seq: u64) -> Result<(), Broken> {
        let mut checkpoints = self.checkpoints.iter().peekable();
        let mut outcome = Ok(());
        let (began, mut told_at) = (Instant::now(), Instant::now());
        self.each(first_seq, |row| {
            outcome = self.step(verifier, &row, &mut checkpoints);
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
        checkpoints: &mut std::iter::Peekable<impl Iterator<Item = &'c (Checkpoint, Fingerprint)>>,
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

    /// Records from a number on, in their order, for as long as `read` wants more. A row whose columns are not what the
    /// library writes reads as a record that fits nowhere.
    fn each(&self, first_seq: u64, mut read: impl FnMut(Row) -> bool) {
        // Numbers below the first one belong to nobody; they come first, and so are seen.
        let from = if first_seq == 1 {
            i64::MIN
        } else {
            first_seq.cast_signed()
        };
        RECORDS.each(&[Long(from), Long(self.to.cast_signed())], |row| {
            let seq = row.long(1).unwrap_or(0);
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

fn checkpoints(to: u64) -> Vec<(Checkpoint, Fingerprint)> {
    let to = i64::try_from(to).unwrap_or(i64::MAX);
    let rows = CHECKPOINTS.all(&[Long(to)], |row| {
        let checkpoint = Checkpoint {
            point: Point {
                seq: row.long(1)?.cast_unsigned(),
                link: link(&row, 2)?,
            },
            made_at_us: row.timestamp(3)?.unix_us(),
            mac: row.bytes(5, |mac| mac.try_into().ok())??,
        };
        Some((checkpoint, fingerprint(&row, 4)?))
    });
    rows.into_iter().flatten().collect()
}

fn link(row: &plan::Row<'_>, column: i32) -> Option<Link> {
    let bytes = row.bytes(column, |bytes| bytes.try_into().ok())??;
    Some(Link::from_bytes(bytes))
}

fn fingerprint(row: &plan::Row<'_>, column: i32) -> Option<Fingerprint> {
    let bytes = row.bytes(column, |bytes| bytes.try_into().ok())??;
    Some(Fingerprint::from_bytes(bytes))
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
