//! What the shield's look at a statement costs. `cargo bench -p scrubber`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scrubber::{Names, strip};

const FOREIGN: &str = "SELECT o.id, o.total, c.name FROM orders AS o JOIN customers AS c ON c.id = o.customer_id \
                       WHERE o.created_at > '2026-01-01' AND c.email = 'somebody@example.com' ORDER BY o.created_at LIMIT 50";
const OURS: &str = "SELECT vault.store_credential('stripe', 'sk_live_51H8aZrKq0PmX3vY7', 'the payment key of production')";

fn looks(c: &mut Criterion) {
    let names = Names::ours();
    let mut group = c.benchmark_group("mention");
    for (name, text) in [
        ("foreign, 200 B", FOREIGN.to_owned()),
        ("foreign, 64 KiB", FOREIGN.repeat(328)),
        ("ours", OURS.to_owned()),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| names.mention(black_box(text.as_bytes())))
        });
    }
    group.finish();
    let mut group = c.benchmark_group("strip");
    for (name, text) in [("ours", OURS.to_owned()), ("64 KiB", OURS.repeat(630))] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| strip(black_box(text.as_bytes()))));
    }
    group.finish();
}

criterion_group!(benches, looks);
criterion_main!(benches);
