//! Values without a mark, under names that say what they are; and the same in texts.

use std::ops::ControlFlow;

use keyguard::{Finding, Guard};

use crate::business;
use crate::common::{ALNUM, BASE64, BASE64URL, HEX, LOWER_ALNUM, Random, uuid};

const NAMES: [&str; 12] = [
    "api_key",
    "apiKey",
    "secret",
    "client_secret",
    "clientSecret",
    "password",
    "auth_token",
    "ACCESS_TOKEN",
    "private_key",
    "x-api-key",
    "wise_api_token",
    "mux_token_secret",
];

fn anonymous(random: &mut Random) -> String {
    match random.below(8) {
        0 => random.text(HEX, 32),
        1 => random.text(HEX, 64),
        2 => uuid(random),
        3 => random.text(BASE64, 75),
        4 => format!("{}=", random.text(BASE64, 43)),
        5 => random.text(BASE64URL, 40),
        6 => random.text(LOWER_ALNUM, 24),
        _ => random.text(ALNUM, 20),
    }
}

#[test]
fn nine_in_ten_at_least_are_found_by_their_names() {
    let guard = Guard::new();
    let mut random = Random::seeded(11);
    let (mut named, mut assigned, mut quoted) = (0, 0, 0);
    const VALUES: usize = 8_000;
    for _ in 0..VALUES {
        let name = random.pick(&NAMES);
        let value = anonymous(&mut random);
        named += usize::from(guard.first(&value, Some(name)).is_some());
        assigned += usize::from(
            guard
                .first(&format!("A=1\n{name}={value}\nB=2"), None)
                .is_some(),
        );
        quoted += usize::from(
            guard
                .first(&format!("{{\"a\": 1, \"{name}\": \"{value}\"}}"), None)
                .is_some(),
        );
    }
    for found in [named, assigned, quoted] {
        assert!(
            found * 100 >= VALUES * 97,
            "{named} {assigned} {quoted} of {VALUES}"
        );
    }
}

#[test]
fn without_their_names_they_pass() {
    let guard = Guard::new();
    let mut random = Random::seeded(12);
    let mut taken = 0;
    const VALUES: usize = 20_000;
    for _ in 0..VALUES {
        let value = anonymous(&mut random);
        taken += usize::from(guard.first(&value, None).is_some());
        taken += usize::from(guard.first(&value, Some("external_ref")).is_some());
    }
    assert!(taken * 1000 <= VALUES * 2, "{taken} of {}", VALUES * 2);
}

/// Values that nobody means to hide, under names of secrets: the name alone does not condemn them.
#[test]
fn one_ordinary_value_in_a_hundred_at_most_is_condemned_by_a_name() {
    let guard = Guard::new();
    let mut random = Random::seeded(13);
    const ORDINARY: [&str; 24] = [
        "slug",
        "css_class",
        "note",
        "email",
        "url",
        "phone",
        "path",
        "created_at",
        "amount",
        "model",
        "version",
        "ip",
        "ref",
        "secret_arn",
        "password_hash",
        "password",
        "coupon",
        "config",
        "address",
        "user_agent",
        "payload",
        "log",
        "job",
        "publishable_key",
    ];
    let (mut values, mut taken) = (0, Vec::new());
    while values < 20_000 {
        let (kind, value) = business::value(&mut random);
        if !ORDINARY.contains(&kind) {
            continue;
        }
        values += 1;
        let name = random.pick(&NAMES);
        if guard.first(&value, Some(name)).is_some() {
            taken.push(format!("{name}: {value}"));
        }
    }
    assert!(
        taken.len() * 100 <= values,
        "{} of {values}:\n{}",
        taken.len(),
        taken.join("\n")
    );
}

#[test]
fn the_range_is_the_value_alone() {
    let guard = Guard::new();
    let value = Random::seeded(14).text(HEX, 32);
    for (text, name) in [
        (value.clone(), Some("api_key")),
        (format!("  {value}\n"), Some("api_key")),
        (format!("Bearer {value}"), Some("authorization")),
        (format!("api_key={value}&x=1"), None),
        (format!("Authorization: Bearer {value}"), None),
        (format!("secret => '{value}',"), None),
        (format!("export API_KEY=\"{value}\""), None),
        (format!("{{\\\"password\\\": \\\"{value}\\\"}}"), None),
        (format!("(token={value})."), None),
        (format!("größe: 1, geheimnis: 2, passwords: {value}"), None),
    ] {
        let Finding {
            start,
            length,
            detector,
            ..
        } = guard.first(&text, name).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (&text[start..start + length], detector),
            (value.as_str(), "named_value"),
            "{text}"
        );
    }
}

#[test]
fn each_of_several_is_found_once() {
    let guard = Guard::new();
    let mut random = Random::seeded(15);
    let values: Vec<String> = (0..5).map(|_| random.text(HEX, 32)).collect();
    let text: String = values
        .iter()
        .map(|value| format!("api_key={value}\n"))
        .collect();
    let mut found = Vec::new();
    guard.all(&text, None, &mut |finding| {
        found.push(text[finding.start..finding.start + finding.length].to_owned());
        ControlFlow::Continue(())
    });
    assert_eq!(found, values);
}
