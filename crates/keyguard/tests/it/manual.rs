//! `docs/guard-detectors.md` is the table, printed. `BLESS=1 cargo test --release -p keyguard manual` writes it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::{env, fs};

use keyguard::{Detector, detectors};

const MANUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guard-detectors.md");

#[test]
fn the_manual_is_the_table() {
    let written = manual();
    if env::var_os("BLESS").is_some() {
        fs::write(MANUAL, written).expect("the manual can be written");
    } else {
        let found = fs::read_to_string(MANUAL).unwrap_or_default();
        assert!(
            found == written,
            "the manual is not the table: BLESS=1 cargo test --release -p keyguard manual"
        );
    }
}

#[test]
fn each_row_says_whose_it_is_and_has_a_name_of_its_own() {
    let mut ids = BTreeSet::new();
    for Detector {
        id,
        service,
        source,
        ..
    } in detectors()
    {
        assert!(ids.insert(id), "{id} stands there twice");
        assert!(
            id.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
            "{id}"
        );
        assert!(!service.is_empty() && !source.is_empty(), "{id}");
        assert!(!service.contains('|') && !source.contains('|'), "{id}");
    }
}

#[test]
fn the_table_is_broad() {
    let services: BTreeSet<_> = detectors()
        .iter()
        .map(|detector| detector.service)
        .collect();
    assert!(services.len() >= 250, "{} services", services.len());
}

#[test]
fn the_guard_is_small() {
    let bytes = keyguard::Guard::new().heap_bytes();
    assert!(bytes <= 1 << 20, "{bytes} bytes");
}

fn manual() -> String {
    let of = |public: bool| {
        detectors()
            .iter()
            .filter(move |detector| detector.is_public == public)
    };
    let services: BTreeSet<_> = of(false).map(|detector| detector.service).collect();
    let mut text = format!(
        "# What the guard looks for\n\n\
         Printed from the table in `crates/keyguard/src/detectors/table.rs`; a test compares. {} detectors of {} services, and {} kinds\n\
         of values that look like secrets and are made to be public.\n\n\
         The detector's name is what a refusal, a row of `vault.guard_rules` and `vault.detect_secret` say. `observed`: seen in use, not\n\
         promised by the vendor. Where vendors share a prefix, one of them is named.\n\n\
         ## Secrets\n\n| detector | service | source |\n| --- | --- | --- |\n",
        of(false).count(),
        services.len(),
        of(true).count(),
    );
    let mut row = |Detector {
                       id,
                       service,
                       source,
                       ..
                   }: &Detector| {
        writeln!(text, "| `{id}` | {service} | {source} |").expect("a string can be written to");
    };
    of(false).for_each(&mut row);
    text.push_str(
        "\n## Public, and passed over\n\n| kind | service | source |\n| --- | --- | --- |\n",
    );
    let mut row = |Detector {
                       id,
                       service,
                       source,
                       ..
                   }: &Detector| {
        writeln!(text, "| `{id}` | {service} | {source} |").expect("a string can be written to");
    };
    of(true).for_each(&mut row);
    text
}
