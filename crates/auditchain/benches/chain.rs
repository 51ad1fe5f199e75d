//! What a record of the access log costs: its body and its link when it is made, and what following the chain costs.
//!
//! `cargo bench -p auditchain`; medians and their machine stand in docs/access-log.md. The record is a read through
//! PostgREST, 300 bytes in all.

use std::hint::black_box;

use auditchain::{ChainKey, KeyOf, Link, Point, Record, Row, Verifier, export, unkeyed_link};
use criterion::{Criterion, criterion_group, criterion_main};

const RECORD: Record<'static> = Record {
    id: &[0x11; 16],
    secret_id: Some(&[0x22; 16]),
    accessed_at_us: 1_795_259_109_123_456,
    session_user: b"authenticator",
    action: b"retrieve",
    outcome: b"ok",
    sqlstate: None,
    tenant_id: Some(&[0x33; 16]),
    secret_key: None,
    effective_role: b"service_role",
    claims_subject: Some(b"9b2f0d5e-4a7e-4f10-9b1d-2f6c8e9a4d10"),
    claims_tenant: Some(b"5f0c3a52-4a7e-4f10-9b1d-2f6c8e9a4d10"),
    claims_trusted: Some(true),
    application_name: Some(b"PostgREST 12.0.2"),
    client_addr: Some(&[4, 32, 10, 0, 0, 7]),
    backend_pid: 4711,
    xid: None,
    correlation_id: Some(b"req-7f3a9c1e"),
    access_reason: None,
    lane: Some(b"api"),
    platform_account: None,
    origin: None,
};

fn make(c: &mut Criterion) {
    let key = ChainKey::new(&[0x44; 32]);
    let body = RECORD.body();
    let mut group = c.benchmark_group("make");
    group.bench_function("body", |b| b.iter(|| black_box(&RECORD).body()));
    group.bench_function("link", |b| {
        b.iter(|| key.link(black_box(7), &Link::START, &body))
    });
    group.bench_function("unkeyed link", |b| {
        b.iter(|| unkeyed_link(black_box(7), &Link::START, &body))
    });
    group.bench_function("body and link", |b| {
        b.iter(|| key.link(7, &Link::START, &black_box(&RECORD).body()))
    });
    group.finish();
}

fn follow(c: &mut Criterion) {
    let key = ChainKey::new(&[0x44; 32]);
    let body = RECORD.body();
    let row = Row {
        seq: 1,
        link: key.link(1, &Link::START, &body),
        key: None,
        body,
    };
    let line = include_str!("../testdata/v1/record_full.json");
    let vector: serde_json::Value = serde_json::from_str(line).expect("a vector is JSON");
    let line = serde_json::to_vec(&vector["columns"]).expect("its columns are, too");
    let mut group = c.benchmark_group("follow");
    group.bench_function("a record", |b| {
        b.iter(|| Verifier::new(Point::START).push(black_box(&row), KeyOf::Known(&key)))
    });
    group.bench_function("read a line", |b| {
        b.iter(|| export::record(black_box(&line)))
    });
    group.finish();
}

criterion_group!(benches, make, follow);
criterion_main!(benches);
