//! What can be done to a log, and what the verifier says of it: every edit is found at the number where it was made, and
//! named as what it is.

mod log;

use auditchain::{
    Body, Broken, ChainKey, Checkpoint, Foreign, HASH_BYTES, KeyOf, Link, Point, Row, Verifier,
    Witness, unkeyed_link,
};
use log::{KEYS, Log, body, fingerprint, forged, key};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

proptest! {
    #[test]
    fn an_untouched_log_verifies(log in logs(0)) {
        let summary = log.verify().unwrap();
        prop_assert_eq!(summary.last, log.head);
        prop_assert_eq!(summary.records, log.rows.len() as u64);
        prop_assert_eq!(summary.untested, 0);
        let unkeyed = log.rows.iter().filter(|row| row.key.is_none()).count();
        prop_assert_eq!(summary.unkeyed, unkeyed as u64);
    }

    #[test]
    fn any_range_of_it_verifies(log in logs(1), at: Index) {
        let after = log.point(number(&log, at));
        let summary = log.verify_with(after, &[]).unwrap();
        prop_assert_eq!(summary.records, log.head.seq - after.seq);
    }

    #[test]
    fn it_passes_through_its_checkpoints(log in logs(1), picks in vec(any::<Index>(), 0..5)) {
        let mut numbers: Vec<u64> = picks.iter().map(|pick| number(&log, *pick)).collect();
        numbers.sort_unstable();
        let checkpoints: Vec<Point> = numbers.iter().map(|seq| log.point(*seq)).collect();
        let summary = log.verify_with(Point::START, &checkpoints).unwrap();
        prop_assert_eq!(summary.checkpoints, numbers.len() as u64);
    }

    #[test]
    fn changed_content_is_changed(mut log in logs(1), at: Index, bit in 0..256usize) {
        let seq = number(&log, at);
        let row = &mut log.rows[seq as usize - 1];
        row.body = Body::from_bytes(flip(row.body.as_bytes(), bit));
        prop_assert_eq!(log.verify(), Err(changed(&log, seq)));
    }

    #[test]
    fn a_changed_link_is_changed(mut log in logs(1), at: Index, bit in 0..256usize) {
        let seq = number(&log, at);
        let row = &mut log.rows[seq as usize - 1];
        row.link = Link::from_bytes(flip(row.link.as_bytes(), bit));
        prop_assert_eq!(log.verify(), Err(changed(&log, seq)));
    }

    #[test]
    fn a_record_under_the_name_of_another_key_is_changed(mut log in logs(1), at: Index, other: Option<bool>) {
        let seq = number(&log, at);
        let other = other.map(|second| fingerprint(usize::from(second)));
        let row = &mut log.rows[seq as usize - 1];
        prop_assume!(row.key != other);
        row.key = other;
        prop_assert_eq!(log.verify(), Err(changed(&log, seq)));
    }

    #[test]
    fn links_that_changed_places_alone_are_changed(mut log in logs(2), pair: (Index, Index)) {
        let (first, second) = two(&log, pair)?;
        let link = log.rows[first].link;
        log.rows[first].link = log.rows[second].link;
        log.rows[second].link = link;
        prop_assert_eq!(log.verify(), Err(changed(&log, first as u64 + 1)));
    }

    #[test]
    fn what_is_gone_is_missing(mut log in logs(2), at: Index, run in 1..5usize) {
        let first = at.index(log.rows.len() - 1);
        let last = (first + run).min(log.rows.len() - 1);
        log.rows.drain(first..last);
        prop_assert_eq!(log.verify(), Err(Broken::Missing { first: first as u64 + 1, last: last as u64 }));
    }

    #[test]
    fn what_is_gone_is_missing_also_where_the_rest_is_closed_up(mut log in logs(3), at: Index, run in 1..5usize) {
        let first = at.index(log.rows.len() - 2);
        let last = (first + run).min(log.rows.len() - 2);
        log.rows.drain(first..last);
        let records = (last - first) as u64;
        for row in &mut log.rows[first..] {
            row.seq -= records as i64;
        }
        prop_assert_eq!(log.verify(), Err(Broken::ClosedUp { seq: first as u64 + 1, records }));
    }

    #[test]
    fn records_that_exchanged_their_numbers_are_reordered(mut log in logs(2), pair: (Index, Index)) {
        let (first, second) = two(&log, pair)?;
        let seq = log.rows[first].seq;
        log.rows[first].seq = log.rows[second].seq;
        log.rows[second].seq = seq;
        prop_assert_eq!(log.in_order().verify(), Err(reordered(first, second)));
    }

    #[test]
    fn records_that_exchanged_their_contents_are_reordered(mut log in logs(2), pair: (Index, Index), with_key: bool) {
        let (first, second) = two(&log, pair)?;
        let (a, b) = (log.rows[first], log.rows[second]);
        log.rows[first].body = b.body;
        log.rows[second].body = a.body;
        if with_key {
            log.rows[first].key = b.key;
            log.rows[second].key = a.key;
        }
        prop_assert_eq!(log.verify(), Err(reordered(first, second)));
    }

    #[test]
    fn lines_that_changed_places_are_reordered(mut log in logs(2), pair: (Index, Index)) {
        let (first, second) = two(&log, pair)?;
        log.rows.swap(first, second);
        prop_assert_eq!(log.verify(), Err(reordered(first, second)));
    }

    #[test]
    fn a_record_that_was_moved_is_reordered(mut log in logs(2), pair: (Index, Index), up: bool, contents: bool) {
        let (first, second) = two(&log, pair)?;
        let old = log.rows.clone();
        if up {
            log.rows[first..=second].rotate_left(1);
        } else {
            log.rows[first..=second].rotate_right(1);
        }
        for (row, old) in log.rows.iter_mut().zip(&old) {
            row.seq = old.seq;
            if contents {
                row.link = old.link;
            }
        }
        let found = log.verify().unwrap_err();
        prop_assert_eq!((found.kind(), found.at()), ("reordered", first as i64 + 1), "{}", found);
    }

    #[test]
    fn any_other_order_is_found_where_it_begins(mut log in logs(2), seed in vec(any::<u32>(), 40), contents: bool) {
        let old = log.rows.clone();
        log.rows.sort_by_key(|row| seed[row.seq as usize % 40]);
        prop_assume!(log.rows.iter().zip(&old).any(|(row, old)| row.seq != old.seq));
        let first = log.rows.iter().zip(&old).position(|(row, old)| row.seq != old.seq).unwrap();
        for (row, old) in log.rows.iter_mut().zip(&old) {
            row.seq = old.seq;
            if contents {
                row.link = old.link;
            }
        }
        // Where everything changed places at once, the first record cannot always be told from one that was slipped in.
        let found = log.verify().unwrap_err();
        prop_assert_eq!(found.at(), first as i64 + 1);
        prop_assert!(["reordered", "foreign"].contains(&found.kind()), "{}", found);
    }

    #[test]
    fn a_number_twice_is_foreign(mut log in logs(1), at: Index, first: bool, copy: bool) {
        let seq = number(&log, at);
        let row = if copy { log.rows[seq as usize - 1] } else { forged(seq as i64) };
        log.rows.insert(seq as usize - usize::from(first), row);
        prop_assert_eq!(log.verify(), Err(foreign(seq as i64, Foreign::NumberTwice)));
    }

    #[test]
    fn what_was_slipped_in_is_foreign(mut log in logs(1), at: Index, records in 1..4usize) {
        let seq = number(&log, at) as i64;
        for row in &mut log.rows[seq as usize - 1..] {
            row.seq += records as i64;
        }
        log.head.seq += records as u64;
        for n in 0..records {
            log.rows.push(forged(seq + n as i64));
        }
        let how = Foreign::SlippedIn { records: records as u64 };
        prop_assert_eq!(log.in_order().verify(), Err(foreign(seq, how)));
    }

    #[test]
    fn numbers_out_of_range_are_foreign(mut log in logs(0), seq: i64) {
        let head = log.head.seq;
        prop_assume!(seq < 1 || seq as u64 == head + 1);
        log.rows.push(forged(seq));
        let found = log.in_order().verify().unwrap_err();
        prop_assert_eq!((found.kind(), found.at()), if seq < 1 { ("foreign", seq) } else { ("changed", seq) });
    }

    #[test]
    fn a_record_past_the_head_is_foreign(makers in vec(maker(), 1..20)) {
        let mut log = Log::made_under(&makers);
        log.head = Log::made_under(&makers[1..]).head;
        let (seq, head) = (makers.len() as i64, log.head.seq);
        prop_assert_eq!(log.verify(), Err(foreign(seq, Foreign::NumberTooHigh { head })));
    }

    #[test]
    fn a_key_that_is_not_ours_is_foreign(mut log in logs(1), at: Index) {
        let seq = number(&log, at);
        let theirs = fingerprint(KEYS);
        log.rows[seq as usize - 1].key = Some(theirs);
        prop_assert_eq!(log.verify(), Err(foreign(seq as i64, Foreign::UnknownKey(theirs))));
    }

    #[test]
    fn what_ends_too_early_is_truncated(mut log in logs(2), at: Index, checkpoints: (Index, Index)) {
        let checkpoints = [number(&log, checkpoints.0), number(&log, checkpoints.1)].map(|seq| log.point(seq));
        let last = at.index(log.rows.len() - 1) as u64 + 1;
        log.rows.truncate(last as usize);
        let truncated = |witness, seq, checkpoint| Err(Broken::Truncated { last, witness, seq, checkpoint });
        prop_assert_eq!(log.verify(), truncated(Witness::Head, log.head.seq, None));

        // With a head that was set back as well, only what stands elsewhere knows.
        log.head = log.point(last);
        let (mut low, mut high) = (checkpoints[0], checkpoints[1]);
        if low.seq > high.seq {
            (low, high) = (high, low);
        }
        prop_assume!(high.seq > last && low.seq <= last);
        prop_assert_eq!(
            log.verify_with(Point::START, &[low, high]),
            truncated(Witness::Checkpoint, high.seq, Some(low.seq))
        );
    }

    /// Whoever has the keys can make all links anew; not what was published.
    #[test]
    fn a_log_made_anew_is_rewritten(makers in vec(maker(), 2..20), at: Index, checkpoint: Index) {
        let log = Log::made_under(&makers);
        let mut makers = makers;
        let seq = at.index(makers.len());
        makers[seq] = if makers[seq].is_some() { None } else { Some(0) };
        let mut anew = Log::made_under(&makers);
        let checkpoint = log.point(number(&log, checkpoint));
        let found = anew.verify_with(Point::START, &[checkpoint]);
        if checkpoint.seq > seq as u64 {
            let witness = Witness::Checkpoint;
            prop_assert_eq!(found, Err(Broken::Rewritten { seq: checkpoint.seq, witness }));
        } else {
            prop_assert!(found.is_ok());
        }
        anew.head = log.head;
        let witness = Witness::Head;
        prop_assert_eq!(anew.verify(), Err(Broken::Rewritten { seq: log.head.seq, witness }));
    }

    #[test]
    fn without_keys_numbers_and_points_are_verified_all_the_same(mut log in logs(3), at: Index) {
        let seq = 2 + at.index(log.rows.len() - 2);
        let checkpoint = log.point(seq as u64);
        log.rows[0].body = body(0);
        let run = |log: &Log| {
            let mut verifier = Verifier::new(Point::START);
            for row in &log.rows {
                verifier.push(row, KeyOf::Untested)?;
                if row.seq as u64 == checkpoint.seq {
                    verifier.meet(&checkpoint)?;
                }
            }
            verifier.finish(Some(&log.head))
        };
        let summary = run(&log).unwrap();
        prop_assert_eq!((summary.untested, summary.checkpoints), (log.head.seq, 1));
        log.rows[seq - 1].link = Link::START;
        let witness = Witness::Checkpoint;
        prop_assert_eq!(run(&log), Err(Broken::Rewritten { seq: seq as u64, witness }));
        log.rows.remove(1);
        prop_assert_eq!(run(&log), Err(Broken::Missing { first: 2, last: 2 }));
    }

    #[test]
    fn checkpoints_and_stubs_are_attested_as_they_are(seqs: (u64, u64), link: [u8; 32], at: i64, bit in 0..256usize) {
        let (key, other, link) = (key(0), key(1), Link::from_bytes(link));
        let point = Point { seq: seqs.0, link };
        let mac = key.checkpoint_mac(seqs.0, &link, at);
        let checkpoint = Checkpoint { point, made_at_us: at, mac };
        prop_assert!(checkpoint.check(KeyOf::Known(&key)).is_ok());
        prop_assert!(checkpoint.check(KeyOf::Known(&other)).is_err());
        prop_assert!(checkpoint.check(KeyOf::Unknown).is_err());
        prop_assert!(checkpoint.check(KeyOf::Unkeyed).is_err());
        let later = Checkpoint { made_at_us: at ^ 1, ..checkpoint };
        prop_assert!(later.check(KeyOf::Known(&key)).is_err());
        prop_assert!(!key.made_checkpoint(seqs.0 ^ 1, &link, at, &mac));
        prop_assert!(!key.made_checkpoint(seqs.0, &Link::from_bytes(flip(link.as_bytes(), bit)), at, &mac));
        prop_assert!(!key.made_checkpoint(seqs.0, &link, at, &flip(&mac, bit)));
        prop_assert!(!key.made_checkpoint(seqs.0, &link, at, &mac[..31]));

        let mac = key.stub_mac(seqs.0, seqs.1, &link, at);
        prop_assert!(key.made_stub(seqs.0, seqs.1, &link, at, &mac));
        prop_assert!(!other.made_stub(seqs.0, seqs.1, &link, at, &mac));
        prop_assert!(!key.made_stub(seqs.0 ^ 1, seqs.1, &link, at, &mac));
        prop_assert!(!key.made_stub(seqs.0, seqs.1 ^ 1, &link, at, &mac));
        prop_assert!(!key.made_stub(seqs.0, seqs.1, &link, at ^ 1, &mac));
        prop_assert!(!key.made_stub(seqs.0, seqs.1, &link, at, &flip(&mac, bit)));
        prop_assert!(!key.made_stub(seqs.0, seqs.1, &link, at, &[]));
    }

    /// Neither pass panics, or fails to come to an end, whatever the columns hold.
    #[test]
    fn no_rows_make_it_panic(rows in vec(arbitrary_row(), 0..30), after: u64, head: u64) {
        let mut log = Log::made_under(&[]);
        log.rows = rows;
        log.head.seq = head;
        let link = Link::START;
        let _ = log.verify_with(Point { seq: after, link }, &[Point { seq: head, link }]);
        if let Err(broken) = log.verify() {
            let _ = (broken.at(), broken.kind(), broken.to_string());
        }
    }
}

/// An attacker without a key can make unkeyed links anew, up to the next record under a key.
#[test]
fn unkeyed_records_that_were_made_anew_are_named_with_the_one_that_gives_them_away() {
    let mut log = Log::made_under(&[Some(0), None, None, Some(1)]);
    let before = log.point(1).link;
    log.rows[1].body = body(99);
    log.rows[1].link = unkeyed_link(2, &before, &body(99));
    log.rows[2].link = unkeyed_link(3, &log.rows[1].link, &body(3));
    let broken = Broken::Changed {
        seq: 4,
        unkeyed_since: Some(2),
    };
    assert_eq!(log.verify(), Err(broken));
    assert_eq!(
        broken.to_string(),
        "record 4 does not continue the unkeyed records from 2 on: it or one of them was changed"
    );
}

/// The greatest numbers there are.
#[test]
fn it_counts_to_the_end() {
    let key = ChainKey::new(&[7; HASH_BYTES]);
    let link = Link::START;
    let last = i64::MAX as u64;
    let row = Row {
        seq: i64::MAX,
        link: key.link(last, &link, &body(1)),
        key: None,
        body: body(1),
    };
    let mut verifier = Verifier::new(Point {
        seq: last - 1,
        link,
    });
    verifier.push(&row, KeyOf::Known(&key)).unwrap();
    assert_eq!(
        verifier.push(&row, KeyOf::Known(&key)),
        Err(foreign(i64::MAX, Foreign::NumberTwice))
    );

    let mut verifier = Verifier::new(Point {
        seq: u64::MAX,
        link,
    });
    assert_eq!(
        verifier.push(&row, KeyOf::Known(&key)),
        Err(foreign(i64::MAX, Foreign::NumberTooLow))
    );
}

#[test]
fn columns_of_a_wrong_length_are_foreign() {
    let malformed = Err(foreign(5, Foreign::Malformed));
    let row = |link: &[u8], key: Option<&[u8]>| Row::new(5, link, key, body(5)).map(|row| row.seq);
    assert_eq!(row(&[0; 32], None), Ok(5));
    assert_eq!(row(&[0; 32], Some(&[0; 16])), Ok(5));
    assert_eq!(row(&[0; 31], None), malformed);
    assert_eq!(row(&[0; 32], Some(&[0; 17])), malformed);
}

#[test]
fn every_finding_is_one_sentence_with_its_number() {
    let found = [
        (
            Broken::Changed {
                seq: 7,
                unkeyed_since: None,
            },
            "changed at 7: record 7 was changed: its link does not fit",
        ),
        (
            Broken::Missing { first: 7, last: 7 },
            "missing at 7: record 7 is missing",
        ),
        (
            Broken::Missing { first: 7, last: 9 },
            "missing at 7: records 7 to 9 are missing",
        ),
        (
            Broken::ClosedUp { seq: 7, records: 2 },
            "missing at 7: records are missing: 2 from number 7 on, which the following ones now have",
        ),
        (
            Broken::Reordered { seq: 7, other: 12 },
            "reordered at 7: records 7 and 12 changed places",
        ),
        (
            foreign(7, Foreign::NumberTwice),
            "foreign at 7: more than one record has number 7",
        ),
        (
            foreign(-1, Foreign::NumberTooLow),
            "foreign at -1: record -1 stands before the first number",
        ),
        (
            foreign(7, Foreign::NumberTooHigh { head: 6 }),
            "foreign at 7: record 7 stands past the head at 6",
        ),
        (
            foreign(7, Foreign::Malformed),
            "foreign at 7: record 7 holds what the vault does not write",
        ),
        (
            foreign(7, Foreign::UnknownKey(fingerprint(1))),
            "foreign at 7: record 7 names chain key 01010101010101010101010101010101, which is not at hand",
        ),
        (
            foreign(7, Foreign::SlippedIn { records: 1 }),
            "foreign at 7: record 7 was slipped in: those that follow stand one number too high",
        ),
        (
            foreign(7, Foreign::SlippedIn { records: 3 }),
            "foreign at 7: record 7 was slipped in, one of 3: those that follow stand 3 numbers too high",
        ),
        (
            foreign(7, Foreign::Stub),
            "foreign at 7: the stub of the records up to 7 was not made under the key it names",
        ),
        (
            foreign(7, Foreign::Checkpoint),
            "foreign at 7: the checkpoint at 7 was not made under the key it names",
        ),
        (
            Broken::Truncated {
                last: 6,
                witness: Witness::Head,
                seq: 9,
                checkpoint: Some(4),
            },
            "truncated at 7: truncated after checkpoint 4: the last record is 6, but the head is at 9",
        ),
        (
            Broken::Truncated {
                last: 0,
                witness: Witness::Checkpoint,
                seq: 9,
                checkpoint: None,
            },
            "truncated at 1: truncated: there is no record, but a checkpoint is at 9",
        ),
        (
            Broken::Rewritten {
                seq: 7,
                witness: Witness::Head,
            },
            "rewritten at 7: the log was rewritten: record 7 has not the link of the head",
        ),
        (
            Broken::Rewritten {
                seq: 7,
                witness: Witness::Checkpoint,
            },
            "rewritten at 7: the log was rewritten at or before record 7: the checkpoint holds another link",
        ),
    ];
    for (broken, said) in found {
        assert_eq!(
            format!("{} at {}: {broken}", broken.kind(), broken.at()),
            said
        );
    }
}

fn maker() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![1 => Just(None), 4 => (0..KEYS).prop_map(Some)]
}

fn logs(min: usize) -> impl Strategy<Value = Log> {
    vec(maker(), min..40).prop_map(|makers| Log::made_under(&makers))
}

fn arbitrary_row() -> impl Strategy<Value = Row> {
    let seq = prop_oneof![any::<i64>(), -2..12i64, Just(i64::MAX), Just(i64::MIN)];
    (seq, 0..4u8, proptest::option::of(0..=KEYS), 0..4u64).prop_map(
        |(seq, link, maker, content)| Row {
            seq,
            link: Link::from_bytes([link; HASH_BYTES]),
            key: maker.map(fingerprint),
            body: body(content),
        },
    )
}

fn number(log: &Log, at: Index) -> u64 {
    at.index(log.rows.len()) as u64 + 1
}

/// Two places, the first one before the second.
fn two(log: &Log, pair: (Index, Index)) -> Result<(usize, usize), TestCaseError> {
    let (a, b) = (pair.0.index(log.rows.len()), pair.1.index(log.rows.len()));
    prop_assume!(a != b);
    Ok((a.min(b), a.max(b)))
}

fn flip(bytes: &[u8; HASH_BYTES], bit: usize) -> [u8; HASH_BYTES] {
    let mut bytes = *bytes;
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// With the unkeyed records before it, since one of them may be it.
fn changed(log: &Log, seq: u64) -> Broken {
    let keyed = log.rows[..seq as usize - 1]
        .iter()
        .rposition(|row| row.key.is_some())
        .map_or(0, |at| at as u64 + 1);
    Broken::Changed {
        seq,
        unkeyed_since: (keyed + 1 < seq).then_some(keyed + 1),
    }
}

fn reordered(first: usize, second: usize) -> Broken {
    Broken::Reordered {
        seq: first as u64 + 1,
        other: second as u64 + 1,
    }
}

fn foreign(seq: i64, how: Foreign) -> Broken {
    Broken::Foreign { seq, how }
}
