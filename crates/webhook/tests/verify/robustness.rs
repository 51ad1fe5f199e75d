//! The small fuzz run of every build; `fuzz/fuzz_targets/webhook.rs` is the long one.

use proptest::prelude::*;
use webhook::{Definition, Environment, Headers};

use super::vectors::all;

proptest! {
    #[test]
    fn no_request_makes_it_panic_and_none_is_believed(
        which in 0..8_usize,
        value in "[ -~]{0,64}|t=[0-9]{1,12},v1=[0-9a-f]{64}|v1,[A-Za-z0-9+/]{43}=( v1,x)?|sha256=[0-9a-f]{64}",
        payload: Vec<u8>,
        now_s: i64,
        tolerance_s: u32,
    ) {
        let vector = all().swap_remove(which);
        let list = vector.headers.keys().map(|name| (name.clone(), value.clone()));
        let headers = Headers::new(list).unwrap();
        for world in [Environment::Live, Environment::Test] {
            let (definition, keys) = (vector.definition(), vector.keys());
            prop_assert!(definition.verify(&keys, world, &payload, &headers, now_s, tolerance_s).is_err());
        }
    }

    #[test]
    fn no_definition_makes_it_panic(bytes: Vec<u8>, text in r#"\{("scheme":"(svix|wise)"|"field":"f"|"keys":\{"live":\["[A-Za-z=]*"\]\}|,|[ -~]){0,6}\}"#) {
        let _ = Definition::parse(&bytes);
        let _ = Definition::parse(text.as_bytes());
    }

    #[test]
    fn no_edit_of_a_payload_is_believed(which in 0..8_usize, at: prop::sample::Index, byte: u8) {
        let vector = all().swap_remove(which);
        let mut payload = vector.payload.clone().into_bytes();
        let at = at.index(payload.len());
        prop_assume!(payload[at] != byte);
        payload[at] = byte;
        prop_assert!(vector.verify_with(&vector.keys(), &payload, vector.list(), vector.now_s).is_err());
    }
}
