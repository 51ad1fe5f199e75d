//! `vault.library_health`: the parts of `vault.doctor` that SQL cannot see.

use std::time::{Duration, Instant};

use envelope::{Fingerprint, KeyRing};
use pgrx::iter::TableIterator;
use pgrx::{name, pg_extern};
use vault::{RootKeyHealth, RootRecord, VaultError};

use crate::config::StandbyAudit;
use crate::pg::attempt::{ServerError, attempt};
use crate::pg::plan::statement;
use crate::pg::{process, transaction};
use crate::root_key::{self, Source};
use crate::{audit, config, policy, session};

/// One finding: id, severity, what, mend.
type Finding = (String, String, String, Option<String>);

/// A sample of versions is opened for so long.
const SAMPLE_TIME: Duration = Duration::from_millis(500);

/// So many of the last records are verified.
const RECENT_RECORDS: u64 = 1000;

statement!(latest EXTENSION_VERSION, "../storage/queries/extension_version.sql", []);

#[pg_extern(sql = false)]
fn library_health(
    p_part: &str,
) -> TableIterator<
    'static,
    (
        name!(id, String),
        name!(severity, String),
        name!(what, String),
        name!(mend, Option<String>),
    ),
> {
    // What the floors below raise is caught here, as the door does it for other functions: the doctor repeats its words.
    match attempt(|| findings(p_part)) {
        Ok(Ok(findings)) => TableIterator::new(findings),
        Ok(Err(error)) => ServerError::from(error).raise(),
        Err(raised) => raised.raise(),
    }
}

fn findings(part: &str) -> Result<Vec<Finding>, VaultError> {
    match part {
        "server" => Ok(vec![preloaded(), version(), standby()]),
        "shield" => Ok(vec![shield()]),
        "root keys" => Ok(root_keys()),
        "versions" => Ok(versions()),
        "access log" => Ok(vec![access_log()]),
        _ => Err(VaultError::Internal("a part that nobody looks after")),
    }
}

fn root_keys() -> Vec<Finding> {
    let health = session::vault(|vault| vault.root_key_health(&policy::for_administration()));
    let mut findings = vec![source()];
    match health {
        Ok(health) => judge(&health, &mut findings),
        Err(error) => findings.push(failure("root_key_readable", error)),
    }
    findings
}

/// Some of each table's sealed values, for as long as there is time.
fn versions() -> Vec<Finding> {
    const ID: &str = "sealed_versions";
    let (all, began) = (policy::for_administration(), Instant::now());
    let mut opened = 0;
    let mut findings: Vec<Finding> = Vec::new();
    let sampled = session::vault(|vault| {
        for place in vault.sample()? {
            if began.elapsed() > SAMPLE_TIME {
                break;
            }
            let some = vault.verify_some(&all, Some(&place))?;
            opened += some.opened;
            for failed in some.failed.iter().filter(|failed| !failed.is_intended) {
                let place = &failed.place;
                let finding = error(
                    ID,
                    format!(
                        "version {} ({}) of credential {} of tenant {} does not open: {}",
                        place.version, place.state, place.credential, place.tenant, failed.cause
                    ),
                    "SELECT * FROM vault.verify_secrets(); shows all of them. Restore the row from a backup, or store \
                     the secret anew.",
                );
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        Ok(())
    });
    match sampled {
        Err(error) => vec![failure(ID, error)],
        Ok(()) if findings.is_empty() => {
            vec![ok(
                ID,
                format!("all versions of a sample open ({opened} looks)"),
            )]
        }
        Ok(()) => findings,
    }
}

fn access_log() -> Finding {
    const ID: &str = "access_log_chain";
    if transaction::is_in_recovery() {
        return ok(ID, "the access log's chain is verified on the primary");
    }
    let all = policy::for_administration();
    let keys = match session::vault(|vault| vault.chain_keys(&all)) {
        Ok(keys) => keys,
        Err(error) => return failure(ID, error),
    };
    let verdict = audit::verify_recent(&audit::keys(&keys), RECENT_RECORDS);
    let records = verdict.summary.records;
    match (verdict.broken, verdict.summary.unkeyed) {
        (Some(wrong), _) => error(
            ID,
            format!("the access log's chain is broken: {}", wrong.what),
            "SELECT * FROM vault.verify_access_log(); then docs/access-log.md on what was done, and compare with the \
             checkpoints kept elsewhere.",
        ),
        (None, 0) => ok(
            ID,
            format!("the last {records} records of the access log are tied together"),
        ),
        (None, unkeyed) => warning(
            ID,
            format!(
                "{unkeyed} of the last {records} records of the access log were made while no root key could be had"
            ),
            "Look at the server's log for why; a record under a key ties them down.",
        ),
    }
}

fn version() -> Finding {
    const LIBRARY: &str = env!("CARGO_PKG_VERSION");
    let extension = EXTENSION_VERSION.first(&[], |row| row.text(1)).flatten();
    match extension.unwrap_or_default() {
        same if same == LIBRARY => ok(
            "version",
            format!("extension and library are both of version {same}"),
        ),
        other => error(
            "version",
            format!("the extension is of version {other}, the library of version {LIBRARY}"),
            "ALTER EXTENSION tenant_vault UPDATE; or install the library of that version and restart.",
        ),
    }
}

fn standby() -> Finding {
    const ID: &str = "standby";
    let records = config::standby_audit() == StandbyAudit::File;
    match (transaction::is_in_recovery(), records) {
        (false, _) => ok(ID, "this server is a primary and records in its database"),
        (true, false) => ok(ID, "this server is a standby and releases no secrets"),
        (true, true) => match audit::check_standby() {
            Ok(()) => ok(
                ID,
                "this server is a standby and records in files, to be imported on the primary",
            ),
            Err(problem) => error(
                ID,
                format!("this standby cannot record, and so releases nothing: {problem}"),
                "Mend the folder or tenant_vault.standby_audit_directory, then run: SELECT pg_reload_conf();",
            ),
        },
    }
}

fn judge(health: &RootKeyHealth, findings: &mut Vec<Finding>) {
    match &health.newest {
        Ok(ring) => {
            let count = ring.fingerprints().count();
            findings.push(ok(
                "root_key_readable",
                format!("the key ring holds {count} keys"),
            ));
        }
        Err(error) => findings.push(failure_of("root_key_readable", error)),
    }
    findings.push(match (&health.in_force, &health.refused) {
        (Err(error), _) => failure_of("root_key_ring", error),
        (Ok(()), Some(why)) => warning(
            "root_key_ring",
            format!("this session goes on with a key ring read before: {why}"),
            "Put the key back into the ring, or mend it, then run: SELECT pg_reload_conf();",
        ),
        (Ok(()), None) => ok(
            "root_key_ring",
            "this session uses the newest key ring it knows of",
        ),
    });
    let before = findings.len();
    for record in health.missing() {
        findings.push(error(
            "root_keys_needed",
            format!(
                "root key {} with fingerprint {}, under which {} tenant keys are wrapped, is not in the key ring",
                record.id, record.fingerprint, record.tenant_keys
            ),
            "Put that key back beside the others, then run: SELECT pg_reload_conf();",
        ));
    }
    if findings.len() == before && health.newest.is_ok() {
        findings.push(ok(
            "root_keys_needed",
            "the key ring holds every root key that is in use",
        ));
    }
    findings.push(match health.active_beside_primary() {
        Some((active, primary)) => warning(
            "root_key_primary",
            format!(
                "this database wraps under root key {} ({}), the key ring's primary is {primary}",
                active.id, active.fingerprint
            ),
            "The database decides, the primary counts where a database has no key yet; make the active key the \
             ring's primary, too.",
        ),
        None => ok("root_key_primary", "the key ring's primary is the key that wraps"),
    });
    if let Ok(ring) = &health.newest {
        findings.extend(unused(ring, &health.records));
    }
    for (state, id, words, mend) in [
        (
            "retiring",
            "root_keys_retiring",
            "is retiring",
            "Move what it wraps, until rewrap_tenant_keys answers 0, then end it: SELECT vault.rewrap_tenant_keys(); \
             SELECT vault.retire_root_key('ID');",
        ),
        (
            "pending",
            "root_keys_pending",
            "is pending",
            "Rotate to it: CALL vault.rotate_root_key('ID'); or take it out of the key ring.",
        ),
    ] {
        let of_state: Vec<_> = health.records.iter().filter(|r| r.state == state).collect();
        if of_state.is_empty() {
            findings.push(ok(id, format!("no root key {words}")));
        }
        for record in of_state {
            findings.push(warning(
                id,
                format!(
                    "root key {} {words} and wraps {} tenant keys",
                    record.id, record.tenant_keys
                ),
                &mend.replace("ID", &record.id),
            ));
        }
    }
}

/// Keys of the ring that this database has no use for.
fn unused(ring: &KeyRing, records: &[RootRecord]) -> Vec<Finding> {
    const ID: &str = "root_keys_unused";
    let is_used = |of: &Fingerprint| {
        *of == ring.primary().fingerprint()
            || records
                .iter()
                .any(|record| record.fingerprint == *of && record.state != "retired")
    };
    let findings: Vec<Finding> = ring
        .fingerprints()
        .filter(|(_, of)| !is_used(of))
        .map(|(name, of)| {
            warning(
                ID,
                format!("root key {name} with fingerprint {of} is in the key ring, and this database does not use it"),
                "If no other database of this server does, take it out of the key ring, then run: SELECT pg_reload_conf();",
            )
        })
        .collect();
    match findings.is_empty() {
        true => vec![ok(ID, "the key ring holds no key without a use")],
        false => findings,
    }
}

fn shield() -> Finding {
    const ID: &str = "shield";
    if !config::shield() {
        return warning(
            ID,
            "tenant_vault.shield is off: calls to the vault are logged and shown with their literals",
            "Set tenant_vault.shield to on.",
        );
    }
    if root_key::is_preloaded() || process::is_in_session_preload_libraries(LIBRARY) {
        return ok(
            ID,
            "calls to the vault are logged and shown without their literals",
        );
    }
    warning(
        ID,
        "the library is not preloaded: what a session says before its first call is logged as it is",
        "Add tenant_vault to shared_preload_libraries and restart, or to session_preload_libraries and reload.",
    )
}

const LIBRARY: &str = "tenant_vault";

fn preloaded() -> Finding {
    const ID: &str = "library_preloaded";
    if root_key::is_preloaded() {
        return ok(ID, "the library is in shared_preload_libraries");
    }
    let (what, since) = if process::is_in_session_preload_libraries(LIBRARY) {
        (
            "the library is in session_preload_libraries alone",
            "when it connects",
        )
    } else {
        (
            "the library is not in shared_preload_libraries",
            "at its first call",
        )
    };
    warning(
        ID,
        what,
        &format!(
            "Add tenant_vault to shared_preload_libraries and restart: until then each session loads the library and \
             reads the root keys by itself, {since}; a slip with them stops new sessions, and tenant_vault.root_key \
             cannot be used."
        ),
    )
}

fn source() -> Finding {
    match Source::configured() {
        Ok(Source::Setting) => warning(
            "root_key_source",
            "the root key stands in postgresql.conf (tenant_vault.root_key)",
            "Prefer tenant_vault.root_key_file or tenant_vault.root_key_command.",
        ),
        Ok(source) => ok("root_key_source", format!("{} is set", source.name())),
        Err(error) => failure("root_key_source", error),
    }
}

fn ok(id: &str, what: impl Into<String>) -> Finding {
    (id.to_owned(), "ok".to_owned(), what.into(), None)
}

fn warning(id: &str, what: impl Into<String>, mend: &str) -> Finding {
    finding(id, "warning", what, mend)
}

fn error(id: &str, what: impl Into<String>, mend: &str) -> Finding {
    finding(id, "error", what, mend)
}

fn finding(id: &str, severity: &str, what: impl Into<String>, mend: &str) -> Finding {
    let (id, severity, mend) = (id.to_owned(), severity.to_owned(), mend.to_owned());
    (id, severity, what.into(), Some(mend))
}

fn failure_of(id: &str, error: &VaultError) -> Finding {
    let hint = match error {
        VaultError::RootKeyUnavailable { hint, .. } => Some(hint.clone()),
        _ => None,
    };
    (id.to_owned(), "error".to_owned(), error.to_string(), hint)
}

fn failure(id: &str, error: VaultError) -> Finding {
    let error = ServerError::from(error);
    (id.to_owned(), "error".to_owned(), error.message, error.hint)
}
