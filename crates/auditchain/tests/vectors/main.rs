//! The frozen vectors: they are what this crate writes today, and it says of each what the file says.
//!
//! A shipped format keeps its vectors for ever. If `files_are_what_is_built` fails, the format has changed: that is a
//! new format with its own labels and its own folder, never an edit of these files.

mod cases;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use auditchain::{
    Broken, ChainKey, Fingerprint, Keys, Link, Point, Row, Summary, Verifier, export,
};
use cases::{ChainCase, KeyCase, Outcome, PointCase, Subject, Vector, hex};

#[test]
fn files_are_what_is_built() {
    for vector in cases::all() {
        let path = folder().join(format!("{}.json", vector.name));
        let frozen =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(frozen, cases::to_json(&vector), "{} differs", vector.name);
    }
}

#[test]
fn every_file_is_built() {
    let built: BTreeSet<String> = cases::all()
        .into_iter()
        .map(|vector| format!("{}.json", vector.name))
        .collect();
    let frozen: BTreeSet<String> = files()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(frozen, built);
    assert_eq!(cases::all().len(), built.len(), "two vectors share a name");
}

#[test]
fn every_file_is_what_it_says() {
    for path in files() {
        let vector: Vector = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        match &vector.subject {
            Subject::Record(case) => {
                let line = serde_json::to_vec(&case.columns).unwrap();
                let row = export::record(&line).unwrap();
                assert_eq!(hex(row.body.as_bytes()), case.body, "{}", vector.name);
            }
            Subject::Chain(case) => {
                let outcome = match verify(case) {
                    Ok(summary) => Outcome::Intact {
                        records: summary.records,
                        unkeyed: summary.unkeyed,
                        checkpoints: summary.checkpoints,
                    },
                    Err(broken) => Outcome::Broken {
                        kind: broken.kind().to_owned(),
                        at: broken.at(),
                    },
                };
                assert_eq!(outcome, case.result, "{}", vector.name);
            }
            Subject::Stub(case) => {
                let stub = export::stub(&serde_json::to_vec(&case.columns).unwrap()).unwrap();
                let keys = keys(&case.keys);
                let verdict = stub.content.check(keys.of(Some(stub.chain_key)));
                assert_eq!(verdict, Ok(()), "{}", vector.name);
            }
        }
    }
}

fn verify(case: &ChainCase) -> Result<Summary, Broken> {
    let keys = keys(&case.keys);
    let mut verifier = Verifier::new(point(&case.after));
    if let Err(broken) = first_pass(case, &keys, &mut verifier) {
        let Some(mut diagnosis) = verifier.diagnosis() else {
            return Err(broken);
        };
        for row in rows(case).flatten() {
            diagnosis.push(&row, keys.of(row.key));
        }
        return Err(diagnosis.finish());
    }
    verifier.finish(Some(&point(&case.head)))
}

fn first_pass(case: &ChainCase, keys: &Keys, verifier: &mut Verifier) -> Result<(), Broken> {
    let mut checkpoints = case
        .checkpoints
        .iter()
        .map(|line| export::checkpoint(&serde_json::to_vec(line).unwrap()).unwrap())
        .peekable();
    for row in rows(case) {
        let row = row?;
        verifier.push(&row, keys.of(row.key))?;
        while let Some(line) = checkpoints.next_if(|line| line.content.point.seq <= row.seq as u64)
        {
            line.content.check(keys.of(Some(line.chain_key)))?;
            verifier.meet(&line.content.point)?;
        }
    }
    checkpoints.try_for_each(|line| verifier.meet(&line.content.point))
}

fn rows(case: &ChainCase) -> impl Iterator<Item = Result<Row, Broken>> {
    case.lines.iter().map(|line| {
        export::record(&serde_json::to_vec(line).unwrap()).map_err(|error| match error {
            export::LineError::Broken(broken) => broken,
            export::LineError::Unreadable { .. } => panic!("{error}"),
        })
    })
}

fn keys(cases: &[KeyCase]) -> Keys {
    let mut keys = Keys::default();
    for case in cases {
        let fingerprint = Fingerprint::from_bytes(unhex(&case.fingerprint));
        keys.add(fingerprint, ChainKey::new(&unhex(&case.chain_key)));
    }
    keys
}

fn point(case: &PointCase) -> Point {
    Point {
        seq: case.seq,
        link: Link::from_bytes(unhex(&case.link)),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v1")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn unhex<const BYTES: usize>(text: &str) -> [u8; BYTES] {
    assert_eq!(text.len(), BYTES * 2);
    std::array::from_fn(|at| u8::from_str_radix(&text[at * 2..][..2], 16).unwrap())
}
