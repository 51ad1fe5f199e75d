//! Golden files: what the extension puts into a database, object by object, and what a DBA at psql sees.
//!
//! `BLESS=1 cargo test -p vault-tests surface` writes them anew; the difference belongs into the commit that made it.

use std::fs;
use std::path::PathBuf;

use vault_tests::{Database, repository};

/// Runs `tests/regress/sql/{name}.sql` in a fresh database and compares with `tests/regress/expected/{name}.out`.
fn regress(name: &str) {
    let folder = repository().join("tests/regress");
    let script =
        fs::read_to_string(folder.join("sql").join(format!("{name}.sql"))).expect("a script");
    let db = Database::fresh();
    let (_, output) = db.psql(&["-a"], &script);
    // Where in which source an error was raised is true of one build only.
    let output: String = output
        .lines()
        .filter(|line| !line.starts_with("LOCATION: "))
        .map(|line| format!("{line}\n"))
        .collect();
    let path = folder.join("expected").join(format!("{name}.out"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &output).expect("the golden file");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if output != expected {
        panic!(
            "{} differs:\n{}",
            path.display(),
            first_difference(&expected, &output)
        );
    }
}

fn first_difference(expected: &str, output: &str) -> String {
    let (mut wanted, mut found) = (expected.lines(), output.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (wanted.next(), found.next()) {
            (None, None) => return "only the ends of lines".to_owned(),
            (wanted, found) if wanted == found => {}
            (wanted, found) => {
                return format!("line {number}\n  expected: {wanted:?}\n  found:    {found:?}");
            }
        }
    }
}

#[test]
fn every_object_is_as_pinned() {
    regress("surface");
}

#[test]
fn a_dba_takes_the_tour() {
    regress("tour");
}

#[test]
fn errors_read_as_pinned() {
    regress("errors");
}

/// A golden file without its script, or the other way round, is compared with nothing.
#[test]
fn every_script_has_its_expected_output() {
    let names = |folder: &str| -> Vec<String> {
        let folder: PathBuf = repository().join("tests/regress").join(folder);
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("tests/regress")
            .flatten()
            .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sql"), names("expected"));
    assert_eq!(names("sql"), ["errors", "surface", "tour"]);
}

#[test]
fn every_object_has_a_comment() {
    use vault_tests::Calls;
    let db = Database::fresh();
    let silent: Vec<String> = db.superuser().one(
        "WITH ours AS (
             SELECT d.classid, d.objid FROM pg_depend d
              WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tenant_vault')
         ), objects AS (
             SELECT classid, objid, 0 AS objsubid FROM ours
              WHERE classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_namespace'::regclass)
             UNION ALL
             SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM ours JOIN pg_attribute a ON a.attrelid = ours.objid
              WHERE ours.classid = 'pg_class'::regclass AND a.attnum > 0 AND NOT a.attisdropped
                -- PostgreSQL takes no comment on those of a sequence.
                AND (SELECT c.relkind FROM pg_class c WHERE c.oid = a.attrelid) <> 'S'
             UNION ALL
             SELECT 'pg_policy'::regclass, p.oid, 0 FROM ours JOIN pg_policy p ON p.polrelid = ours.objid
              WHERE ours.classid = 'pg_class'::regclass
             UNION ALL
             SELECT 'pg_trigger'::regclass, t.oid, 0 FROM ours JOIN pg_trigger t ON t.tgrelid = ours.objid
              WHERE ours.classid = 'pg_class'::regclass AND NOT t.tgisinternal
             UNION ALL
             SELECT 'pg_class'::regclass, i.indexrelid, 0 FROM ours JOIN pg_index i ON i.indrelid = ours.objid
              WHERE ours.classid = 'pg_class'::regclass
                AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
         )
         SELECT coalesce(array_agg(pg_describe_object(o.classid, o.objid, o.objsubid)), '{}')
           FROM objects o
          WHERE NOT EXISTS (SELECT FROM pg_description d
                             WHERE d.classoid = o.classid AND d.objoid = o.objid AND d.objsubid = o.objsubid)",
        &[],
    );
    assert_eq!(silent, Vec::<String>::new());
}
