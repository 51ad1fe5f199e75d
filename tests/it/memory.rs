//! What a backend keeps in memory after it has touched many tenants. Measured as the operating system counts it:
//! private pages that belong to no file (RssAnon), which is where both Rust's heap and PostgreSQL's contexts lie.

use postgres::Client;
use vault_tests::{Adapter, Calls, Cluster, Database};

const TENANTS: i32 = 10_000;
const BOUND_KIB: u64 = 1024;

fn private_kib(session: &mut Client) -> u64 {
    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a living backend");
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .expect("Linux counts RssAnon");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .expect("a number of kB")
}

fn read_tenants(session: &mut Client, from: i32, to: i32) {
    let opened: i64 = session.one(
        "SELECT count(vault.decrypt_tenant_secret(md5('tenant ' || n)::uuid, 'K')) FROM generate_series($1::int, $2::int) n",
        &[&from, &to],
    );
    assert_eq!(opened, i64::from(to - from + 1));
}

/// A server in which nobody else does anything, autovacuum neither. What others do to catalogs, each session throws out of
/// its caches and loads anew, plans with them, and what that leaves scattered in its memory is hundreds of kB.
fn quiet() -> Cluster {
    Cluster::builder().setting("autovacuum", "off").start()
}

fn ten_thousand_tenants(adapter: Adapter) {
    let cluster = quiet();
    let db = Database::on(&cluster).through(adapter);
    let mut writer = db.service();
    writer
        .batch_execute(&format!(
            "SELECT count(vault.encrypt_tenant_secret(md5('tenant ' || n)::uuid, 'K', 'value ' || n)::text)
               FROM generate_series(1, {TENANTS}) n"
        ))
        .unwrap();
    drop(writer);

    let mut reader = db.service();
    // The first calls load catalogs and plans; they are not what is measured.
    read_tenants(&mut reader, 1, 20);
    let few = private_kib(&mut reader);
    for _ in 0..3 {
        read_tenants(&mut reader, 1, TENANTS);
    }
    let all = private_kib(&mut reader);
    assert!(
        all - few.min(all) <= BOUND_KIB,
        "20 tenants: {few} kB, {TENANTS}: {all} kB"
    );
    // 100,000 reads: a single byte lost by each would be seen.
    for _ in 0..10 {
        read_tenants(&mut reader, 1, TENANTS);
    }
    let again = private_kib(&mut reader);
    println!(
        "{adapter:?}: after 20 tenants {few} kB, after {TENANTS} {all} kB, in the end {again} kB"
    );
    assert!(
        again - all.min(again) <= 64,
        "it never stops growing: {all} kB, then {again} kB"
    );
}

#[test]
fn ten_thousand_tenants_leave_less_than_a_mebibyte() {
    ten_thousand_tenants(Adapter::Auto);
}

#[test]
fn ten_thousand_tenants_leave_less_than_a_mebibyte_through_spi() {
    ten_thousand_tenants(Adapter::Spi);
}

/// Every kind of call many times over in one session, within one transaction and statement by statement.
#[test]
fn calls_leave_nothing_behind_in_the_backend() {
    let cluster = quiet();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    let round = |session: &mut Client, times: i32| {
        session
            .batch_execute(&format!(
                "DO $$
                 DECLARE v_id uuid;
                 BEGIN
                     FOR i IN 1..{times} LOOP
                         v_id := vault.store_credential('n', 'x');
                         PERFORM vault.retrieve_credential(v_id), vault.rotate_credential(v_id, 'y');
                         PERFORM vault.retrieve_credentials(ARRAY[v_id, '{id}']);
                         PERFORM vault.delete_credential(v_id);
                         BEGIN
                             PERFORM vault.retrieve_credential(v_id);
                         EXCEPTION WHEN undefined_object THEN NULL;
                         END;
                         COMMIT;
                     END LOOP;
                 END $$"
            ))
            .unwrap();
    };
    round(&mut service, 300);
    let few = private_kib(&mut service);
    round(&mut service, 3000);
    let many = private_kib(&mut service);
    println!("after 300 rounds {few} kB, after 3,300 {many} kB");
    assert!(
        many - few.min(many) <= BOUND_KIB,
        "after 300 rounds {few} kB, after 3,300 {many} kB"
    );
}
