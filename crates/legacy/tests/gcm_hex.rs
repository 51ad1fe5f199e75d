//! Known answers by another implementation: testdata/make.py says which.

use legacy::Refusal;
use legacy::gcm_hex::{Digest, open};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    passphrase: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    digest: Option<String>,
    sealed: String,
    /// None: it must not open.
    value: Option<String>,
}

#[test]
fn every_case_is_what_the_other_implementation_says() {
    let file: File = serde_json::from_str(include_str!("../testdata/gcm_hex.json")).unwrap();
    let passphrase = file.passphrase.as_bytes();
    for case in &file.cases {
        let sealed = format!(" {}\n", case.sealed);
        let opened = open(sealed.as_bytes(), passphrase, &Digest::ALL);
        match &case.value {
            Some(value) => {
                assert_eq!(opened.unwrap().bytes(), value.as_bytes(), "{}", case.name);
                let digest = case.digest.as_deref().and_then(Digest::named);
                let named = Vec::from_iter(digest);
                assert!(open(case.sealed.as_bytes(), passphrase, &named).is_ok());
                let other: Vec<_> = Digest::ALL
                    .into_iter()
                    .filter(|one| Some(*one) != digest)
                    .collect();
                let refused = open(case.sealed.as_bytes(), passphrase, &other);
                assert_eq!(
                    refused.map(drop),
                    Err(Refusal::DoesNotOpen),
                    "{}",
                    case.name
                );
            }
            None => assert_eq!(opened.map(drop), Err(Refusal::DoesNotOpen), "{}", case.name),
        }
    }
    let other = open(file.cases[0].sealed.as_bytes(), b"another", &Digest::ALL);
    assert_eq!(other.map(drop), Err(Refusal::DoesNotOpen));
}
