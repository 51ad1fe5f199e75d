//! What a look costs in processor time, for machines that others keep busy: criterion's clock runs on while others
//! compute. Linux only. `cargo run --release -p keyguard --example cost`.

#[path = "../tests/common/mod.rs"]
#[allow(dead_code)]
mod common;

use std::fs;
use std::hint::black_box;
use std::ops::ControlFlow;

use common::{BASE64, HEX, Random, pieces, token, uuid};
use keyguard::Guard;

fn main() {
    let guard = Guard::new();
    let mut random = Random::seeded(1);
    println!("| what | ns |\n| --- | ---: |");
    measure("the guard built", 200, Guard::new);
    for (what, value) in [
        ("a word, 8 bytes", "invoiced".to_owned()),
        (
            "an address of mail, 19 bytes",
            "someone@example.com".to_owned(),
        ),
        ("a time, 24 bytes", "2026-03-01T12:00:00.000Z".to_owned()),
        (
            "a slug, 31 bytes",
            "summer-campaign_2026_for-market".to_owned(),
        ),
        ("a uuid, 36 bytes", uuid(&mut random)),
        (
            "a URL, 49 bytes",
            "https://www.example.com/shop/summer?page=2&sort=a".to_owned(),
        ),
        (
            "a sentence, 60 bytes",
            "Bitte liefern Sie die Ware bis Freitag; der Kunde zahlt bar.".to_owned(),
        ),
        ("a digest, 64 bytes", random.text(HEX, 64)),
        ("a picture in base64, 8 KiB", random.text(BASE64, 8192)),
        (
            "a key of 107 bytes, found by its form",
            token(&mut random, &pieces("sk_live_<a:99>")),
        ),
    ] {
        let times = 20_000_000 / (value.len() + 40);
        measure(what, times, || guard.first(black_box(&value), Some("note")));
    }
    let anonymous = random.text(HEX, 32);
    measure(
        "32 hexadecimal digits, found by their name",
        200_000,
        || guard.first(black_box(&anonymous), Some("api_key")),
    );
    let row = [
        "Müller und Söhne",
        "info@mueller.example",
        "active",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "mueller-2026",
        "Kunde seit 2019",
    ];
    measure("a row of six short columns", 200_000, || {
        row.iter()
            .filter(|value| guard.first(black_box(value), Some("note")).is_some())
            .count()
    });
    let item = "{\"id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\",\"name\":\"Chair\",\"price\":12.5,\"tags\":[\"wood\",\"oak\"]}";
    let document = format!("[{}]", [item; 22].join(","));
    measure(
        &format!("JSON, {} bytes, 110 strings and 88 keys", document.len()),
        10_000,
        || {
            guard.json(black_box(&document), Some("note"), &mut |_, _| {
                ControlFlow::Break(())
            });
        },
    );
    println!("\nthe guard holds {} bytes", guard.heap_bytes());
}

fn measure<T>(what: &str, times: usize, look: impl Fn() -> T) {
    let repeat = |times: usize| (0..times).for_each(|_| drop(black_box(look())));
    repeat(times / 10);
    let before = processor_ns();
    repeat(times);
    println!(
        "| {what} | {:.0} |",
        (processor_ns() - before) as f64 / times as f64
    );
}

/// How long this thread was on a processor, in nanoseconds.
fn processor_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat")
        .expect("Linux says how long a thread ran");
    stat.split(' ')
        .next()
        .and_then(|field| field.parse().ok())
        .expect("its first field is a time")
}
