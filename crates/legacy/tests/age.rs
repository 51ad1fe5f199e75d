//! Files of another implementation open, each fault is refused, and what we write opens again.

use std::convert::Infallible;
use std::io::Write;

use legacy::age::{Identity, Randomness, Recipient, Sealer, open};
use legacy::{Plain, Refusal};
use serde::Deserialize;
use zeroize::Zeroizing;

#[derive(Deserialize)]
struct File {
    public_key: String,
    secret_key: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    file: String,
    identity: Option<String>,
    passphrase: Option<String>,
    /// None: it must not open.
    value: Option<String>,
}

fn known() -> File {
    serde_json::from_str(include_str!("../testdata/age.json")).unwrap()
}

impl Case {
    fn open(&self, file: &[u8]) -> Result<Plain, Refusal> {
        open(file, |_| match (&self.identity, &self.passphrase) {
            (Some(identity), _) => Identity::parse_file(identity.as_bytes()),
            (None, passphrase) => Ok(vec![Identity::Passphrase(Zeroizing::new(
                passphrase.clone().unwrap_or_default().into_bytes(),
            ))]),
        })
    }
}

#[test]
fn every_case_is_what_the_other_implementation_says() {
    for case in known().cases {
        let opened = case.open(case.file.as_bytes());
        match (&case.value, opened) {
            (Some(value), Ok(plain)) => assert!(plain.bytes() == value.as_bytes(), "{}", case.name),
            (None, Err(_)) => {}
            (_, Ok(_)) => panic!("{} opened", case.name),
            (_, Err(refusal)) => panic!("{}: {refusal}", case.name),
        }
    }
}

#[test]
fn no_altered_byte_and_no_shorter_file_opens() {
    let known = known();
    let case = &known.cases[0];
    // The bare file.
    let body = case.file.lines().filter(|line| !line.starts_with('-'));
    let text: String = body.collect();
    use base64::Engine;
    let file = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    assert!(case.open(&file).is_ok());
    for at in 0..file.len() {
        assert!(case.open(&file[..at]).is_err(), "cut at {at}");
        let mut altered = file.clone();
        altered[at] ^= 1;
        assert!(case.open(&altered).is_err(), "altered at {at}");
    }
}

fn sealed(to: &Recipient, text: &[u8], pieces: usize) -> String {
    let mut next = 0u8;
    let random = Randomness::draw(|bytes: &mut [u8]| -> Result<(), Infallible> {
        for byte in bytes {
            next = next.wrapping_add(7);
            *byte = next;
        }
        Ok(())
    });
    let Ok(random) = random;
    let mut sealer = Sealer::new(to, random).unwrap();
    for piece in text.chunks(pieces) {
        sealer.write_all(piece).unwrap();
    }
    sealer.finish()
}

#[test]
fn what_is_written_opens_again_whatever_its_length() {
    let known = known();
    let to = Recipient::parse(&known.public_key).unwrap();
    let text: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    for length in [0, 1, 100, 65_535, 65_536, 65_537, 131_072, 131_073, 200_000] {
        for pieces in [1000, 65_536, 200_000] {
            let file = sealed(&to, &text[..length], pieces);
            let opened = open(file.as_bytes(), |wants_passphrase| {
                assert!(!wants_passphrase);
                Identity::parse_file(format!("# made by hand\n\n{}\n", known.secret_key).as_bytes())
            });
            assert!(opened.unwrap().bytes() == &text[..length], "{length}");
        }
    }
    let phrase = || Zeroizing::new(b"a passphrase".to_vec());
    let file = sealed(&Recipient::Passphrase(phrase()), b"text", 2);
    let opened: Result<_, Refusal> = open(file.as_bytes(), |wants_passphrase| {
        assert!(wants_passphrase);
        Ok(vec![Identity::Passphrase(phrase())])
    });
    assert_eq!(opened.unwrap().bytes(), b"text");
}

#[test]
fn keys_that_are_none_are_refused_without_repeating_them() {
    let known = known();
    for bad in [
        "",
        "age1",
        "age1qqqqqq",
        &known.secret_key,
        &known.public_key.replace('q', "p"),
        "sk_live_shown",
    ] {
        let Err(refused) = Recipient::parse(bad) else {
            panic!("{bad} is a recipient")
        };
        assert!(!refused.to_string().contains("shown"));
    }
    for bad in [
        "",
        "# nothing\n",
        &known.public_key,
        "AGE-SECRET-KEY-1SHOWN",
        &format!("{}x", known.secret_key),
    ] {
        let Err(refused) = Identity::parse_file(bad.as_bytes()) else {
            panic!("{bad} is an identity")
        };
        assert!(!refused.to_string().contains("SHOWN"));
    }
    assert!(Identity::parse_file(b"\xff").is_err());
}
