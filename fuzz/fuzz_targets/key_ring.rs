//! Arbitrary key files: no panic, and a ring that parses keeps its promises.
#![no_main]

use envelope::KeyRing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(ring) = KeyRing::parse(text) else {
        return;
    };
    let mut ids: Vec<&str> = ring.fingerprints().map(|(id, _)| id).collect();
    let keys = ids.len();
    assert!((1..=64).contains(&keys));
    assert!(ids.contains(&ring.primary_id()));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), keys, "an id twice");
    for (_, fingerprint) in ring.fingerprints() {
        let key = ring.by_fingerprint(&fingerprint).expect("listed, so held");
        assert_eq!(key.fingerprint(), fingerprint);
    }
});
