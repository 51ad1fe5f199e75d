//! Formats that were written down by somebody else (`tests/common/held_out.rs`).

use keyguard::Guard;

use crate::common::{Random, pieces, token};
use crate::held_out::HELD_OUT;

#[test]
fn formats_of_another_catalogue_stay_found() {
    let guard = Guard::new();
    let mut missed = Vec::new();
    let mut share = 0.0;
    for (number, (vendor, _, shape)) in HELD_OUT.iter().enumerate() {
        let found = (0..20)
            .filter(|seed| {
                guard
                    .first(
                        &token(
                            &mut Random::seeded(number as u64 * 20 + seed),
                            &pieces(shape),
                        ),
                        None,
                    )
                    .is_some()
            })
            .count();
        share += found as f64 / 20.0 / HELD_OUT.len() as f64;
        if found < 18 {
            missed.push(format!("{vendor} {shape}: {found} of 20"));
        }
    }
    assert!(share >= 0.95, "{share}:\n{}", missed.join("\n"));
}
