//! Arbitrary columns against everything that reads them: no panic, and nothing opens that was not sealed.
//!
//! Input: `choice[1]`, then either three columns (`length[1] || bytes`, the last takes what is left) or edits of a good
//! envelope (`position[1] || byte[1]`, repeated), which get past the header where random bytes do not.
#![no_main]

use std::sync::LazyLock;

use envelope::{Binding, Envelope, Header, KeyBytes, RootKey, TenantKek};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((0..128, rest)) => arbitrary_columns(rest),
        Some((_, edits)) => edited_envelope(edits),
        None => {}
    }
});

fn arbitrary_columns(input: &[u8]) {
    let (wrapped_dek, input) = column(input);
    let (wrapped_kek, ciphertext) = column(input);
    let _ = Header::parse(wrapped_dek);
    if wrapped_dek != GOOD.wrapped_dek || ciphertext != GOOD.ciphertext {
        assert!(KEK.open(&PLACE, wrapped_dek, ciphertext).is_err());
    }
    if wrapped_dek != GOOD.wrapped_dek {
        assert!(KEK.rewrap(&KEK, &PLACE, wrapped_dek).is_err());
    }
    if wrapped_kek != *GOOD_WRAPPED_KEK {
        assert!(ROOT.unwrap(&PLACE.tenant, 7, wrapped_kek).is_err());
    }
}

fn edited_envelope(edits: &[u8]) {
    let mut bytes = [&GOOD.wrapped_dek[..], &GOOD.ciphertext].concat();
    for edit in edits.chunks_exact(2) {
        let at = usize::from(edit[0]) % bytes.len();
        bytes[at] = edit[1];
    }
    let (wrapped_dek, ciphertext) = bytes.split_at(GOOD.wrapped_dek.len());
    let is_good = wrapped_dek == GOOD.wrapped_dek && ciphertext == GOOD.ciphertext;
    assert_eq!(KEK.open(&PLACE, wrapped_dek, ciphertext).is_ok(), is_good);
}

fn column(input: &[u8]) -> (&[u8], &[u8]) {
    match input.split_first() {
        Some((length, rest)) => rest.split_at(usize::from(*length).min(rest.len())),
        None => (&[], &[]),
    }
}

const PLACE: Binding = Binding {
    tenant: [0xa1; 16],
    credential: [0xb2; 16],
    version: 3,
};

static KEK: LazyLock<TenantKek> = LazyLock::new(|| TenantKek::new(&KeyBytes::new([4; 32]), 7));

static GOOD: LazyLock<Envelope> = LazyLock::new(|| {
    KEK.seal(&PLACE, KeyBytes::new([5; 32]), b"a secret of 24 bytes ...")
        .expect("the secret is short")
});

static ROOT: LazyLock<RootKey> = LazyLock::new(|| {
    RootKey::new(KeyBytes::new(core::array::from_fn(|i| i as u8))).expect("the bytes differ")
});

static GOOD_WRAPPED_KEK: LazyLock<[u8; 62]> =
    LazyLock::new(|| ROOT.wrap(&PLACE.tenant, 7, &KeyBytes::new([4; 32]), [3; 12]));
