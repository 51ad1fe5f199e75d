//! What one call costs, in time and in bytes per second, at 40 B (an API key), 1 KiB and 64 KiB.
//!
//! `cargo bench -p envelope`; medians and their machine stand in docs/envelope.md. Entropy is a constant here, so these
//! numbers hold the cryptography alone.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use envelope::{Binding, KeyBytes, RootKey, TenantKek};

const BINDING: Binding = Binding {
    tenant: [0x11; 16],
    credential: [0x22; 16],
    version: 7,
};

fn by_size(c: &mut Criterion) {
    let kek = TenantKek::new(&KeyBytes::new([0x33; 32]), 1);
    for (name, bytes) in [("40 B", 40), ("1 KiB", 1024), ("64 KiB", 65_536)] {
        let secret = vec![0x5a; bytes];
        let sealed = kek
            .seal(&BINDING, KeyBytes::new([0x44; 32]), &secret)
            .unwrap();
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function("seal", |b| {
            b.iter(|| kek.seal(&BINDING, KeyBytes::new([0x44; 32]), black_box(&secret)))
        });
        group.bench_function("open", |b| {
            b.iter(|| kek.open(&BINDING, black_box(&sealed.wrapped_dek), &sealed.ciphertext))
        });
        group.finish();
    }
}

/// Neither depends on the size of a secret.
fn by_key(c: &mut Criterion) {
    let old = TenantKek::new(&KeyBytes::new([0x33; 32]), 1);
    let new = TenantKek::new(&KeyBytes::new([0x34; 32]), 2);
    let sealed = old
        .seal(&BINDING, KeyBytes::new([0x44; 32]), b"secret")
        .unwrap();
    let mut root_bytes = [0x55; 32];
    root_bytes[0] = 0;
    let root = RootKey::new(KeyBytes::new(root_bytes)).unwrap();
    let wrapped_kek = root.wrap(&BINDING.tenant, 1, &KeyBytes::new([0x33; 32]), [0x66; 12]);

    let mut group = c.benchmark_group("key");
    group.bench_function("rewrap", |b| {
        b.iter(|| old.rewrap(&new, &BINDING, black_box(&sealed.wrapped_dek)))
    });
    group.bench_function("unwrap_kek", |b| {
        b.iter(|| root.unwrap(&BINDING.tenant, 1, black_box(&wrapped_kek)))
    });
    group.bench_function("unwrap_kek and TenantKek::new", |b| {
        b.iter(|| {
            root.unwrap(&BINDING.tenant, 1, black_box(&wrapped_kek))
                .map(|kek| TenantKek::new(&kek, 1))
        })
    });
    group.finish();
}

criterion_group!(benches, by_size, by_key);
criterion_main!(benches);
