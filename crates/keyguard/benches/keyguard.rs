//! What a look costs. `cargo bench -p keyguard`.

#[path = "../tests/common/mod.rs"]
#[allow(dead_code)]
mod common;

use std::hint::black_box;
use std::ops::ControlFlow;

use common::{ALNUM, BASE64, HEX, Random, pieces, token, uuid};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use keyguard::Guard;

fn looks(c: &mut Criterion) {
    let mut random = Random::seeded(1);
    let guard = Guard::new();
    println!("the guard holds {} bytes", guard.heap_bytes());
    c.bench_function("init", |b| b.iter(Guard::new));

    let sentence = "Bitte liefern Sie die Ware bis Freitag; der Kunde zahlt bar.".to_owned();
    let mut group = c.benchmark_group("clean value");
    for (name, value) in [
        ("word, 8 B", "invoiced".to_owned()),
        ("slug, 31 B", "summer-campaign_2026_for-market".to_owned()),
        ("uuid, 36 B", uuid(&mut random)),
        ("digest, 64 B", random.text(HEX, 64)),
        ("sentence, 60 B", sentence.clone()),
        (
            "address, 49 B",
            "https://www.example.com/shop/summer?page=2&sort=a".to_owned(),
        ),
        ("id, 28 B", format!("pi_{}", random.text(ALNUM, 25))),
    ] {
        group.throughput(Throughput::Bytes(value.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| guard.first(black_box(&value), Some(black_box("note"))))
        });
    }
    group.finish();

    let row = [
        ("name", "Müller und Söhne".to_owned()),
        ("email", "info@mueller-soehne.example".to_owned()),
        ("status", "active".to_owned()),
        ("external_id", uuid(&mut random)),
        ("slug", "mueller-und-soehne-2026".to_owned()),
        ("note", sentence),
    ];
    c.bench_function("row of six columns", |b| {
        b.iter(|| {
            row.iter()
                .filter(|(name, value)| guard.first(black_box(value), Some(name)).is_some())
                .count()
        });
    });

    let picture = random.text(BASE64, 8192);
    let mut group = c.benchmark_group("long");
    group.throughput(Throughput::Bytes(8192));
    group.bench_function("base64, 8 KiB", |b| {
        b.iter(|| guard.first(black_box(&picture), Some("image")))
    });
    group.finish();

    let item = |random: &mut Random| {
        format!(
            "{{\"id\":\"{}\",\"name\":\"Chair\",\"price\":12.5,\"tags\":[\"wood\",\"oak\"]}}",
            uuid(random)
        )
    };
    let items: Vec<String> = (0..24).map(|_| item(&mut random)).collect();
    let document = format!(
        "{{\"items\":[{}],\"note\":\"a \\\"quoted\\\" word\"}}",
        items.join(",")
    );
    let mut group = c.benchmark_group("json");
    group.throughput(Throughput::Bytes(document.len() as u64));
    group.bench_function(format!("clean, {} B", document.len()), |b| {
        b.iter(|| {
            guard.json(black_box(&document), Some("config"), &mut |_, _| {
                ControlFlow::Break(())
            })
        });
    });
    group.finish();

    let key = token(&mut random, &pieces("sk_live_<a:99>"));
    let anonymous = random.text(HEX, 32);
    let mut group = c.benchmark_group("hit");
    group.bench_function("by its form", |b| {
        b.iter(|| guard.first(black_box(&key), None))
    });
    group.bench_function("by its name", |b| {
        b.iter(|| guard.first(black_box(&anonymous), Some("api_key")))
    });
    group.finish();
}

criterion_group!(benches, looks);
criterion_main!(benches);
