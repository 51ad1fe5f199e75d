//! Formats that were written down by somebody else (`tests/common/held_out.rs`).

use keyguard::Guard;

use crate::common::{Random, pieces, token};
use crate::held_out::{HELD_OUT, HELD_OUT_AGAIN};
use crate::look_alikes::LOOK_ALIKES;

const TOKENS: u64 = 20;

#[test]
fn formats_of_another_catalogue_stay_found() {
    stay_found(HELD_OUT);
}

#[test]
fn formats_of_a_second_catalogue_stay_found() {
    stay_found(HELD_OUT_AGAIN);
}

fn stay_found(catalogue: &[(&str, bool, &str)]) {
    let guard = Guard::new();
    let mut missed = Vec::new();
    let mut share = 0.0;
    for (number, (vendor, _, shape)) in catalogue.iter().enumerate() {
        let found = found(&guard, shape, number);
        share += found as f64 / TOKENS as f64 / catalogue.len() as f64;
        if found < 18 {
            missed.push(format!("{vendor} {shape}: {found} of {TOKENS}"));
        }
    }
    assert!(share >= 0.95, "{share}:\n{}", missed.join("\n"));
}

#[test]
fn what_is_public_of_the_same_vendors_passes() {
    let guard = Guard::new();
    let taken: Vec<_> = LOOK_ALIKES
        .iter()
        .enumerate()
        .filter(|(number, (_, shape))| found(&guard, shape, *number) > 0)
        .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

/// How many tokens of a shape are found where nothing but the token stands.
fn found(guard: &Guard, shape: &str, number: usize) -> usize {
    let pieces = pieces(shape);
    let first = number as u64 * TOKENS;
    (first..first + TOKENS)
        .filter(|seed| {
            let token = token(&mut Random::seeded(*seed), &pieces);
            guard.first(&token, None).is_some()
        })
        .count()
}
