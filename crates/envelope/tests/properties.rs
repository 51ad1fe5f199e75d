//! What must hold for every secret, key, place and damage: an envelope opens where it was sealed and nowhere else.
//!
//! Damage is exhaustive where it can be (each bit, each length), random where it cannot. The last section throws
//! arbitrary bytes at every parser, a small fuzz run that needs no nightly compiler; `fuzz/` holds the large one.

use envelope::{
    Binding, Envelope, EnvelopeError, Header, KeyBytes, KeyRing, RootKey, TenantKek,
    WRAPPED_DEK_BYTES, WRAPPED_KEK_BYTES,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

proptest! {
    #[test]
    fn what_is_sealed_opens(kek in key(), generation: u32, dek in key(), place in binding(), secret in secret()) {
        let kek = TenantKek::new(&KeyBytes::new(kek), generation);
        let sealed = kek.seal(&place, KeyBytes::new(dek), &secret).unwrap();
        prop_assert_eq!(Header::parse(&sealed.wrapped_dek).unwrap().kek_generation, generation);
        prop_assert_eq!(sealed.ciphertext.len(), secret.len() + 16);
        let opened = kek.open(&place, &sealed.wrapped_dek, &sealed.ciphertext).unwrap();
        prop_assert_eq!(opened.expose(), &secret[..]);
    }

    #[test]
    fn a_fresh_dek_changes_every_part(
        kek in key(), deks in (key(), key()), place in binding(), secret in vec(any::<u8>(), 16..64),
    ) {
        prop_assume!(deks.0 != deks.1);
        let kek = TenantKek::new(&KeyBytes::new(kek), 1);
        let first = kek.seal(&place, KeyBytes::new(deks.0), &secret).unwrap();
        let second = kek.seal(&place, KeyBytes::new(deks.1), &secret).unwrap();
        prop_assert_ne!(&first.wrapped_dek[6..18], &second.wrapped_dek[6..18], "the nonce");
        prop_assert_ne!(&first.wrapped_dek[34..], &second.wrapped_dek[34..]);
        prop_assert_ne!(first.ciphertext, second.ciphertext);
    }

    #[test]
    fn another_place_does_not_open(case in sealed(), other in binding()) {
        let b = case.place;
        let places = [
            Binding { tenant: other.tenant, ..b },
            Binding { credential: other.credential, ..b },
            Binding { version: other.version, ..b },
            Binding { tenant: b.credential, credential: b.tenant, ..b },
            other,
        ];
        for place in places.into_iter().filter(|place| *place != b) {
            prop_assert_eq!(case.open_at(&place), Err(EnvelopeError::Open));
            let rewrapped = case.kek.rewrap(&other_kek(), &place, &case.envelope.wrapped_dek);
            prop_assert_eq!(rewrapped, Err(EnvelopeError::Open));
        }
    }

    #[test]
    fn another_key_or_generation_does_not_open(case in sealed(), other in key(), generation: u32) {
        prop_assume!(other != case.kek_bytes && generation != case.kek.generation());
        let same_generation = TenantKek::new(&KeyBytes::new(other), case.kek.generation());
        let same_key = TenantKek::new(&KeyBytes::new(case.kek_bytes), generation);
        let (wrapped_dek, ciphertext) = (case.envelope.wrapped_dek, &case.envelope.ciphertext);
        prop_assert_eq!(refusal(same_generation.open(&case.place, &wrapped_dek, ciphertext)), EnvelopeError::Open);
        prop_assert_eq!(
            refusal(same_key.open(&case.place, &wrapped_dek, ciphertext)),
            EnvelopeError::OtherGeneration { needed: case.kek.generation(), given: generation }
        );
        let mut relabelled = wrapped_dek;
        relabelled[2..6].copy_from_slice(&generation.to_be_bytes());
        prop_assert_eq!(refusal(same_key.open(&case.place, &relabelled, ciphertext)), EnvelopeError::Open);
    }

    #[test]
    fn a_rewrap_moves_the_key_and_leaves_the_ciphertext(case in sealed(), new in key(), step in 1..u32::MAX) {
        prop_assume!(new != case.kek_bytes);
        let new = TenantKek::new(&KeyBytes::new(new), case.kek.generation().wrapping_add(step));
        let ciphertext = &case.envelope.ciphertext;
        let moved = case.kek.rewrap(&new, &case.place, &case.envelope.wrapped_dek).unwrap();
        let opened = new.open(&case.place, &moved, ciphertext).unwrap();
        prop_assert_eq!(opened.expose(), &case.secret[..]);
        let old = refusal(case.kek.open(&case.place, &moved, ciphertext));
        let is_other_generation = matches!(old, EnvelopeError::OtherGeneration { .. });
        prop_assert!(is_other_generation);
        // Twice gives the same bytes, and back again the bytes it came from: no nonce is ever used for two messages.
        prop_assert_eq!(case.kek.rewrap(&new, &case.place, &case.envelope.wrapped_dek).unwrap(), moved);
        prop_assert_eq!(new.rewrap(&case.kek, &case.place, &moved).unwrap(), case.envelope.wrapped_dek);
    }

    #[test]
    fn ciphertexts_of_two_envelopes_cannot_be_exchanged(case in sealed(), dek in key(), secret in secret()) {
        prop_assume!(dek != case.dek);
        let other = case.kek.seal(&case.place, KeyBytes::new(dek), &secret).unwrap();
        let found = case.kek.open(&case.place, &case.envelope.wrapped_dek, &other.ciphertext);
        prop_assert_eq!(refusal(found), EnvelopeError::Open);
    }

    #[test]
    fn a_wrapped_kek_unwraps_in_its_place_only(
        roots in (key(), key()), kek in key(), nonce: [u8; 12],
        tenants: ([u8; 16], [u8; 16]), generations: (u32, u32),
    ) {
        prop_assume!(roots.0 != roots.1 && tenants.0 != tenants.1 && generations.0 != generations.1);
        let (root, other_root) = (root_key(roots.0), root_key(roots.1));
        let wrapped = root.wrap(&tenants.0, generations.0, &KeyBytes::new(kek), nonce);
        let unwrapped = root.unwrap(&tenants.0, generations.0, &wrapped).unwrap();
        prop_assert_eq!(unwrapped.expose(), &kek);
        prop_assert_eq!(refusal(root.unwrap(&tenants.1, generations.0, &wrapped)), EnvelopeError::Open);
        prop_assert_eq!(refusal(root.unwrap(&tenants.0, generations.1, &wrapped)), EnvelopeError::Open);
        prop_assert_eq!(refusal(other_root.unwrap(&tenants.0, generations.0, &wrapped)), EnvelopeError::Open);
    }

    #[test]
    fn a_key_ring_reads_hex_and_base64_alike(bytes in key()) {
        let expected = root_key(bytes).fingerprint();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for key in [format!("hex:{hex}"), format!("base64:{}", base64(&bytes))] {
            let ring = KeyRing::parse(format!("primary a {key}").as_bytes()).unwrap();
            prop_assert_eq!(ring.primary().fingerprint(), expected);
        }
    }
}

#[test]
fn every_bit_of_the_place_counts() {
    let case = fixed();
    let b = case.place;
    for bit in 0..128 {
        let (mut tenant, mut credential) = (b.tenant, b.credential);
        tenant[bit / 8] ^= 1 << (bit % 8);
        credential[bit / 8] ^= 1 << (bit % 8);
        for place in [Binding { tenant, ..b }, Binding { credential, ..b }] {
            assert_eq!(case.open_at(&place), Err(EnvelopeError::Open), "{place:?}");
        }
    }
    for bit in 0..32 {
        let version = b.version ^ (1 << bit);
        let place = Binding { version, ..b };
        assert_eq!(case.open_at(&place), Err(EnvelopeError::Open), "{place:?}");
    }
}

#[test]
fn every_flipped_bit_fails() {
    let case = fixed();
    let Envelope {
        wrapped_dek,
        ciphertext,
    } = &case.envelope;
    for bit in 0..wrapped_dek.len() * 8 {
        let mut changed = *wrapped_dek;
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => EnvelopeError::UnknownFormat(changed[0]),
            1 => EnvelopeError::UnknownSuite(changed[1]),
            2..6 => EnvelopeError::OtherGeneration {
                needed: u32::from_be_bytes(changed[2..6].try_into().unwrap()),
                given: 7,
            },
            _ => EnvelopeError::Open,
        };
        let opened = case.kek.open(&case.place, &changed, ciphertext);
        assert_eq!(refusal(opened), expected, "bit {bit} of wrapped_dek");
        let moved = case.kek.rewrap(&other_kek(), &case.place, &changed);
        assert_eq!(moved, Err(expected), "bit {bit} of wrapped_dek, rewrapped");
    }
    for bit in 0..ciphertext.len() * 8 {
        let mut changed = ciphertext.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = case.kek.open(&case.place, wrapped_dek, &changed);
        assert_eq!(
            refusal(opened),
            EnvelopeError::Open,
            "bit {bit} of ciphertext"
        );
    }
}

#[test]
fn every_other_length_fails() {
    let case = fixed();
    let Envelope {
        wrapped_dek,
        ciphertext,
    } = &case.envelope;
    for length in (0..WRAPPED_DEK_BYTES * 2).filter(|length| *length != WRAPPED_DEK_BYTES) {
        let mut changed = wrapped_dek.to_vec();
        changed.resize(length, 0);
        let opened = refusal(case.kek.open(&case.place, &changed, ciphertext));
        assert!(
            matches!(opened, EnvelopeError::Malformed(_)),
            "{length} bytes"
        );
    }
    for length in (0..ciphertext.len() * 2).filter(|length| *length != ciphertext.len()) {
        let mut changed = ciphertext.clone();
        changed.resize(length, 0);
        let opened = refusal(case.kek.open(&case.place, wrapped_dek, &changed));
        match length {
            0..16 => assert!(
                matches!(opened, EnvelopeError::Malformed(_)),
                "{length} bytes"
            ),
            _ => assert_eq!(opened, EnvelopeError::Open, "{length} bytes"),
        }
    }
}

#[test]
fn every_flipped_bit_and_other_length_of_a_wrapped_kek_fails() {
    let root = root_key(core::array::from_fn(|i| i as u8));
    let wrapped = root.wrap(&[1; 16], 7, &KeyBytes::new([2; 32]), [3; 12]);
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped;
        changed[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0 => EnvelopeError::UnknownFormat(changed[0]),
            1 => EnvelopeError::UnknownSuite(changed[1]),
            _ => EnvelopeError::Open,
        };
        assert_eq!(
            refusal(root.unwrap(&[1; 16], 7, &changed)),
            expected,
            "bit {bit}"
        );
    }
    for length in (0..WRAPPED_KEK_BYTES * 2).filter(|length| *length != WRAPPED_KEK_BYTES) {
        let mut changed = wrapped.to_vec();
        changed.resize(length, 0);
        let found = refusal(root.unwrap(&[1; 16], 7, &changed));
        assert!(
            matches!(found, EnvelopeError::Malformed(_)),
            "{length} bytes"
        );
    }
}

// A small fuzz run. No assertion beyond "it answers, and it does not open": a panic is the failure looked for.

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn arbitrary_bytes_never_open(
        wrapped_dek in vec(any::<u8>(), 0..200),
        ciphertext in vec(any::<u8>(), 0..200),
        wrapped_kek in vec(any::<u8>(), 0..100),
    ) {
        let _ = Header::parse(&wrapped_dek);
        let case = fixed();
        prop_assert!(case.kek.open(&case.place, &wrapped_dek, &ciphertext).is_err());
        prop_assert!(case.kek.rewrap(&other_kek(), &case.place, &wrapped_dek).is_err());
        prop_assert!(root_key(core::array::from_fn(|i| i as u8)).unwrap(&[1; 16], 7, &wrapped_kek).is_err());
    }

    #[test]
    fn bytes_behind_a_good_prefix_never_open(
        kept in 0..WRAPPED_DEK_BYTES,
        mut rest in vec(any::<u8>(), WRAPPED_DEK_BYTES),
        ciphertext in vec(any::<u8>(), 0..100),
    ) {
        let case = fixed();
        rest[..kept].copy_from_slice(&case.envelope.wrapped_dek[..kept]);
        prop_assert!(case.kek.open(&case.place, &rest, &ciphertext).is_err());
    }

    #[test]
    fn spliced_ciphertexts_never_open(at: Index, insert in vec(any::<u8>(), 1..40), cut in 0usize..40) {
        let case = fixed();
        let mut changed = case.envelope.ciphertext.clone();
        let at = at.index(changed.len());
        let end = (at + cut).min(changed.len());
        changed.splice(at..end, insert);
        prop_assume!(changed != case.envelope.ciphertext);
        prop_assert!(case.kek.open(&case.place, &case.envelope.wrapped_dek, &changed).is_err());
    }

    #[test]
    fn arbitrary_text_never_panics_the_key_ring(text in vec(any::<u8>(), 0..400)) {
        let _ = KeyRing::parse(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Text that looks like a key ring, so that the fields' own parsers are reached.
    #[test]
    fn text_like_a_key_ring_never_panics_it(lines in vec(
        "(primary|enabled|#|[a-z]{0,3})[ \t]{0,2}[A-Za-z0-9._-]{0,70}[ \t]{0,2}\
         (hex:[0-9a-fA-F]{60,66}|base64:[A-Za-z0-9+/]{41,44}={0,2}|.{0,8})[ \t\r]?",
        0..70,
    )) {
        if let Ok(ring) = KeyRing::parse(lines.join("\n").as_bytes()) {
            prop_assert!(ring.fingerprints().any(|(id, _)| id == ring.primary_id()));
            prop_assert!(ring.by_fingerprint(&ring.primary().fingerprint()).is_some());
        }
    }
}

struct Case {
    kek_bytes: [u8; 32],
    kek: TenantKek,
    dek: [u8; 32],
    place: Binding,
    secret: Vec<u8>,
    envelope: Envelope,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x?} {:?}", self.kek_bytes, self.envelope)
    }
}

impl Case {
    fn new(
        kek_bytes: [u8; 32],
        generation: u32,
        dek: [u8; 32],
        place: Binding,
        secret: Vec<u8>,
    ) -> Self {
        let kek = TenantKek::new(&KeyBytes::new(kek_bytes), generation);
        let envelope = kek.seal(&place, KeyBytes::new(dek), &secret).unwrap();
        Self {
            kek_bytes,
            kek,
            dek,
            place,
            secret,
            envelope,
        }
    }

    fn open_at(&self, place: &Binding) -> Result<(), EnvelopeError> {
        self.kek
            .open(place, &self.envelope.wrapped_dek, &self.envelope.ciphertext)
            .map(drop)
    }
}

fn fixed() -> Case {
    let place = Binding {
        tenant: [0xa1; 16],
        credential: [0xb2; 16],
        version: 3,
    };
    Case::new(
        [4; 32],
        7,
        [5; 32],
        place,
        b"a secret of 24 bytes ...".to_vec(),
    )
}

fn other_kek() -> TenantKek {
    TenantKek::new(&KeyBytes::new([9; 32]), 8)
}

fn refusal<T>(found: Result<T, EnvelopeError>) -> EnvelopeError {
    found.err().expect("it must not open")
}

prop_compose! {
    fn sealed()(kek in key(), generation: u32, dek in key(), place in binding(), secret in secret()) -> Case {
        Case::new(kek, generation, dek, place, secret)
    }
}

prop_compose! {
    fn binding()(tenant: [u8; 16], credential: [u8; 16], version: u32) -> Binding {
        Binding { tenant, credential, version }
    }
}

fn key() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

/// Lengths around a block and around the eight blocks that ciphers work on at a time, and now and then longer ones.
fn secret() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..160), vec(any::<u8>(), 0..4096)]
}

fn root_key(bytes: [u8; 32]) -> RootKey {
    RootKey::new(KeyBytes::new(bytes)).expect("32 random bytes are not all equal")
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut text: String = bits
        .as_bytes()
        .chunks(6)
        .map(|chunk| {
            let digits = format!("{:0<6}", std::str::from_utf8(chunk).unwrap());
            ALPHABET[usize::from_str_radix(&digits, 2).unwrap()] as char
        })
        .collect();
    text.push('=');
    text
}
