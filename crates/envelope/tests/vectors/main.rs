//! The frozen vectors: they are what this crate writes today, and it opens or refuses each as the file says.
//!
//! A shipped format keeps its vectors for ever. If `files_are_what_is_built` fails, the format has changed: that is a
//! new format number with its own folder, never an edit of these files.

mod cases;
mod collision;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cases::{EnvelopeCase, Outcome, Subject, Vector, WrappedKekCase, hex};
use envelope::{
    Binding, EnvelopeError, Fingerprint, Header, KeyBytes, KeyRing, RootKey, TenantKek,
};

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
fn every_file_opens_or_is_refused_as_it_says() {
    for path in files() {
        let vector: Vector = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let found = match &vector.subject {
            Subject::Envelope(case) => open(case),
            Subject::WrappedKek(case) => unwrap(case),
        };
        assert_eq!(outcome(&found), vector.result, "{}", vector.name);
        if vector.result == Outcome::Opens {
            check_reproducible(&vector);
        }
    }
}

/// Spaces and line ends in the document part fields; without them its hex strings are those of the file.
#[test]
fn the_worked_example_of_the_specification_is_the_vector_short() {
    let text: String = specification().split_whitespace().collect();
    let vector = cases::all()
        .into_iter()
        .find(|v| v.name == "short")
        .unwrap();
    let Subject::Envelope(case) = vector.subject else {
        panic!("short is an envelope");
    };
    let opened = case.opened.unwrap();
    for (name, value) in [
        ("kek", case.kek),
        ("kek_generation", case.kek_generation.to_string()),
        ("tenant", case.tenant),
        ("credential", case.credential),
        ("version", case.version.to_string()),
        ("dek", opened.dek),
        ("secret", opened.secret),
        ("payload_key", opened.payload_key),
        ("commitment", opened.commitment),
        ("wrap_key", opened.wrap_key),
        ("wrapped_dek", case.wrapped_dek),
        ("ciphertext", case.ciphertext),
    ] {
        assert!(text.contains(&format!("{name}{value}")), "{name} differs");
    }
}

#[test]
fn the_key_ring_of_the_specification_parses() {
    let specification = specification();
    let lines: Vec<&str> = specification
        .lines()
        .filter(|line| line.starts_with("    primary ") || line.starts_with("    enabled "))
        .collect();
    let ring = KeyRing::parse(lines.join("\n").as_bytes()).unwrap();
    assert_eq!(ring.primary_id(), "2026-03");
    assert_eq!(ring.fingerprints().count(), 2);
}

fn open(case: &EnvelopeCase) -> Result<(), EnvelopeError> {
    let secret = tenant_kek(case).open(
        &binding(case),
        &unhex(&case.wrapped_dek),
        &unhex(&case.ciphertext),
    )?;
    let opened = case.opened.as_ref().expect("only a good vector opens");
    assert_eq!(hex(secret.expose()), opened.secret);
    Ok(())
}

fn unwrap(case: &WrappedKekCase) -> Result<(), EnvelopeError> {
    let kek = root_key(case).unwrap(
        &array(&case.tenant),
        case.kek_generation,
        &unhex(&case.wrapped_kek),
    )?;
    let unwrapped = case.unwrapped.as_ref().expect("only a good vector opens");
    assert_eq!(hex(kek.expose()), unwrapped.kek);
    Ok(())
}

/// From what a good vector holds, the same bytes come out again.
fn check_reproducible(vector: &Vector) {
    match &vector.subject {
        Subject::Envelope(case) => {
            let opened = case.opened.as_ref().unwrap();
            let kek = tenant_kek(case);
            let wrapped_dek = unhex(&case.wrapped_dek);
            assert_eq!(
                Header::parse(&wrapped_dek).unwrap().kek_generation,
                case.kek_generation
            );
            assert_eq!(hex(&wrapped_dek[6..34]), opened.commitment);
            let sealed = kek
                .seal(
                    &binding(case),
                    KeyBytes::new(array(&opened.dek)),
                    &unhex(&opened.secret),
                )
                .unwrap();
            assert_eq!(hex(&sealed.wrapped_dek), case.wrapped_dek);
            assert_eq!(hex(&sealed.ciphertext), case.ciphertext);
            if let Some(old) = &case.rewrapped_from {
                let old_kek = TenantKek::new(&KeyBytes::new(array(&old.kek)), old.kek_generation);
                let moved = old_kek
                    .rewrap(&kek, &binding(case), &unhex(&old.wrapped_dek))
                    .unwrap();
                assert_eq!(hex(&moved), case.wrapped_dek);
            }
        }
        Subject::WrappedKek(case) => {
            let unwrapped = case.unwrapped.as_ref().unwrap();
            let root = root_key(case);
            assert_eq!(
                root.fingerprint(),
                Fingerprint::from_bytes(array(&case.fingerprint))
            );
            let wrapped = root.wrap(
                &array(&case.tenant),
                case.kek_generation,
                &KeyBytes::new(array(&unwrapped.kek)),
                array(&unwrapped.nonce),
            );
            assert_eq!(hex(&wrapped), case.wrapped_kek);
        }
    }
}

fn outcome(found: &Result<(), EnvelopeError>) -> Outcome {
    match found {
        Ok(()) => Outcome::Opens,
        Err(EnvelopeError::Malformed(_)) => Outcome::Malformed,
        Err(EnvelopeError::UnknownFormat(_)) => Outcome::UnknownFormat,
        Err(EnvelopeError::UnknownSuite(_)) => Outcome::UnknownSuite,
        Err(EnvelopeError::OtherGeneration { .. }) => Outcome::OtherGeneration,
        Err(EnvelopeError::Open) => Outcome::Refused,
        Err(EnvelopeError::SecretTooLong(_)) => panic!("only sealing measures a secret"),
    }
}

fn tenant_kek(case: &EnvelopeCase) -> TenantKek {
    TenantKek::new(&KeyBytes::new(array(&case.kek)), case.kek_generation)
}

fn root_key(case: &WrappedKekCase) -> RootKey {
    RootKey::new(KeyBytes::new(array(&case.root_key))).unwrap()
}

fn binding(case: &EnvelopeCase) -> Binding {
    Binding {
        tenant: array(&case.tenant),
        credential: array(&case.credential),
        version: case.version,
    }
}

fn specification() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/envelope.md"))
        .unwrap()
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

fn array<const N: usize>(text: &str) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
