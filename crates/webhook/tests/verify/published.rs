//! Every published example is believed as it was published, and in no other form.

use webhook::Refusal;

use super::vectors::{Vector, all};

#[test]
fn every_example_is_believed_when_it_was_made() {
    for vector in all() {
        assert_eq!(vector.verify(), Ok(()), "{}", vector.name);
    }
}

/// Any bit of the payload, of a header that is signed or of the secret, changed: it is not believed.
#[test]
fn no_flipped_bit_is_believed() {
    for vector in all() {
        let name = vector.name;
        for bit in 0..vector.payload.len() * 8 {
            let mut payload = vector.payload.clone().into_bytes();
            payload[bit / 8] ^= 1 << (bit % 8);
            let refused = vector.verify_with(&vector.keys(), &payload, vector.list(), vector.now_s);
            assert_eq!(
                refused,
                Err(Refusal::Mismatch),
                "{name}, payload, bit {bit}"
            );
        }
        for (header, value) in &without_v0(&vector).headers {
            for bit in 0..value.len() * 8 {
                let mut bytes = value.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let Ok(other) = String::from_utf8(bytes) else {
                    continue;
                };
                let refused = without_v0(&vector).with(header, &other).verify();
                assert!(refused.is_err(), "{name}, {header}, bit {bit}: {other}");
            }
        }
        for bit in 0..vector.secret.iter().map(String::len).sum::<usize>() * 8 {
            let mut secret = vector.secret.clone().unwrap().into_bytes();
            secret[bit / 8] ^= 1 << (bit % 8);
            if let Ok(key) = vector.definition().key(&secret) {
                let (payload, headers) = (vector.payload.as_bytes(), vector.list());
                let refused = vector.verify_with(&[key], payload, headers, vector.now_s);
                assert_eq!(refused, Err(Refusal::Mismatch), "{name}, secret, bit {bit}");
            }
        }
    }
}

#[test]
fn nothing_cut_or_added_is_believed() {
    for vector in all() {
        for length in 0..vector.payload.len() {
            let cut = &vector.payload.as_bytes()[..length];
            let refused = vector.verify_with(&vector.keys(), cut, vector.list(), vector.now_s);
            assert_eq!(refused, Err(Refusal::Mismatch), "{}", vector.name);
        }
        for longer in [
            format!("{}\n", vector.payload),
            format!(" {}", vector.payload),
        ] {
            let longer = longer.as_bytes();
            let refused = vector.verify_with(&vector.keys(), longer, vector.list(), vector.now_s);
            assert_eq!(refused, Err(Refusal::Mismatch), "{}", vector.name);
        }
        let vector = without_v0(&vector);
        for (header, value) in &vector.headers {
            for length in 0..value.len() {
                let refused = vector.with(header, &value[..length]).verify();
                assert!(refused.is_err(), "{}, {header}, {length}", vector.name);
            }
            for longer in [
                format!("{value}0"),
                format!("0{value}"),
                format!("{value}\n"),
            ] {
                assert!(
                    vector.with(header, &longer).verify().is_err(),
                    "{}",
                    vector.name
                );
            }
        }
    }
}

#[test]
fn without_a_key_nothing_is_believed() {
    for vector in all().into_iter().filter(|v| v.secret.is_some()) {
        let refused =
            vector.verify_with(&[], vector.payload.as_bytes(), vector.list(), vector.now_s);
        assert_eq!(refused, Err(Refusal::Mismatch), "{}", vector.name);
    }
}

/// Stripe's second signature, which nobody heeds: what happens to it changes nothing.
fn without_v0(vector: &Vector) -> Vector {
    let mut other = vector.clone();
    for value in other.headers.values_mut() {
        if let Some((before, _)) = value.split_once(",v0=") {
            *value = before.to_owned();
        }
    }
    other
}
