//! Arbitrary lines of an export: no panic, in either pass; nothing verifies that nobody recorded.
#![no_main]

use auditchain::export::{self, LineError};
use auditchain::{ChainKey, Fingerprint, Keys, Point, Row, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let mut keys = Keys::default();
    keys.add(Fingerprint::from_bytes([1; 16]), ChainKey::new(&[2; 32]));
    for line in text.split(|byte| *byte == b'\n') {
        let _ = export::checkpoint(line);
        let _ = export::stub(line);
    }
    let mut verifier = Verifier::new(Point::START);
    let Err(broken) = rows(text).try_for_each(|row| verifier.push(&row?, keys.of(row?.key))) else {
        let summary = verifier
            .finish(None)
            .expect("there is no head to compare with");
        assert_eq!(
            summary.records, summary.unkeyed,
            "a link under a key that was not used"
        );
        return;
    };
    let (at, kind) = (broken.at(), broken.kind());
    assert!(!broken.to_string().is_empty());
    if let Some(mut diagnosis) = verifier.diagnosis() {
        for row in rows(text).flatten() {
            diagnosis.push(&row, keys.of(row.key));
        }
        let second = diagnosis.finish();
        assert_eq!(second.at(), at, "{kind} became {}", second.kind());
    }
});

fn rows(text: &[u8]) -> impl Iterator<Item = Result<Row, auditchain::Broken>> {
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| match export::record(line) {
            Ok(row) => Some(Ok(row)),
            Err(LineError::Broken(broken)) => Some(Err(broken)),
            Err(LineError::Unreadable { .. }) => None,
        })
}
