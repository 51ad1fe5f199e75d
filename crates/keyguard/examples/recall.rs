//! What share of tokens is found, by group and by place. `cargo run --release -p keyguard --example recall`.

#[path = "../tests/common/business.rs"]
mod business;
#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/held_out.rs"]
mod held_out;

use common::{ALNUM, BASE64, HEX, Random, json_string, percent_encoded, pieces, token, uuid};
use held_out::{HELD_OUT, HELD_OUT_AGAIN};
use keyguard::{Guard, detectors};

const TOKENS: u64 = 40;
const VALUES: u64 = 100_000;

fn main() {
    let guard = Guard::new();
    let own: Vec<&str> = detectors()
        .iter()
        .filter(|detector| !detector.is_public && detector.service != "any")
        .flat_map(|detector| detector.each_shape())
        .collect();
    let all = |catalogue: &[(&str, bool, &'static str)]| -> Vec<&str> {
        catalogue.iter().map(|(_, _, shape)| *shape).collect()
    };
    let known = |catalogue: &[(&str, bool, &'static str)]| -> Vec<&str> {
        let popular = catalogue.iter().filter(|(_, popular, _)| *popular);
        popular.map(|(_, _, shape)| *shape).collect()
    };

    println!("| formats | number | bare | in JSON | in a URL | in a line of settings | in prose |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (group, shapes) in [
        ("the table's own", &own),
        ("of the other catalogue", &all(HELD_OUT)),
        ("of these, services that many know", &known(HELD_OUT)),
        ("of the second", &all(HELD_OUT_AGAIN)),
        ("of these, services that many know", &known(HELD_OUT_AGAIN)),
    ] {
        let mut found = [0.0; 5];
        for (number, shape) in shapes.iter().enumerate() {
            for (place, share) in found.iter_mut().zip(shares(&guard, shape, number as u64)) {
                *place += share / shapes.len() as f64;
            }
        }
        let shares: Vec<String> = found
            .iter()
            .map(|share| format!("{:.1} %", share * 100.0))
            .collect();
        println!("| {group} | {} | {} |", shapes.len(), shares.join(" | "));
    }

    let mut random = Random::seeded(3);
    let mut named = 0;
    for _ in 0..VALUES {
        let value = match random.below(4) {
            0 => random.text(HEX, 32),
            1 => uuid(&mut random),
            2 => random.text(BASE64, 44),
            _ => random.text(ALNUM, 24),
        };
        let name = random.pick(&[
            "api_key",
            "clientSecret",
            "password",
            "auth_token",
            "PRIVATE_KEY",
        ]);
        named += u64::from(guard.first(&value, Some(name)).is_some());
    }
    let taken = (0..VALUES)
        .filter(|_| {
            let (name, value) = business::value(&mut random);
            guard.first(&value, Some(name)).is_some()
        })
        .count();
    println!();
    println!(
        "values without a mark, under names of secrets: {:.2} % found",
        named as f64 * 100.0 / VALUES as f64
    );
    println!("ordinary values: {taken} of {VALUES} taken for secrets");
}

/// The shares found of one format's tokens, place by place.
fn shares(guard: &Guard, shape: &str, seed: u64) -> [f64; 5] {
    let pieces = pieces(shape);
    let mut found = [0.0; 5];
    for number in 0..TOKENS {
        let token = token(&mut Random::seeded(seed * TOKENS + number), &pieces);
        let hits = [
            guard.first(&token, None).is_some(),
            in_json(guard, &token),
            guard
                .first(
                    &format!(
                        "https://example.com/x?a=1&v={}&b=2",
                        percent_encoded(&token)
                    ),
                    None,
                )
                .is_some(),
            guard.first(&format!("SETTING={token}\n"), None).is_some(),
            guard
                .first(&format!("it is ({token}), they say."), None)
                .is_some(),
        ];
        for (share, hit) in found.iter_mut().zip(hits) {
            *share += f64::from(u8::from(hit)) / TOKENS as f64;
        }
    }
    found
}

fn in_json(guard: &Guard, token: &str) -> bool {
    let mut hit = false;
    guard.json(
        &format!("{{\"a\": [{}]}}", json_string(&format!("\n{token}"))),
        None,
        &mut |_, _| {
            hit = true;
            std::ops::ControlFlow::Break(())
        },
    );
    hit
}
