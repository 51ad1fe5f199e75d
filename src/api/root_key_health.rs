//! `vault.root_key_health`: the part of `vault.doctor` that SQL cannot see.

use pgrx::iter::TableIterator;
use pgrx::{name, pg_extern};
use vault::{RootKeyHealth, VaultError};

use crate::pg::attempt::ServerError;
use crate::root_key::{self, Source};
use crate::{policy, session};

/// One finding: check, status, detail, hint.
type Finding = (String, String, String, Option<String>);

#[pg_extern(sql = false)]
fn root_key_health() -> TableIterator<
    'static,
    (
        name!(check_name, String),
        name!(status, String),
        name!(detail, String),
        name!(hint, Option<String>),
    ),
> {
    let health = session::vault(|vault| vault.root_key_health(&policy::for_administration()));
    let mut findings = vec![preloaded(), source()];
    match health {
        Ok(health) => judge(&health, &mut findings),
        Err(error) => findings.push(failure("root_key_readable", error)),
    }
    TableIterator::new(findings)
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
        findings.push((
            "root_keys_needed".to_owned(),
            "failed".to_owned(),
            format!(
                "root key {} with fingerprint {}, under which {} tenant keys are wrapped, is not in the key ring",
                record.id, record.fingerprint, record.tenant_keys
            ),
            Some(
                "Put that key back beside the others, then run: SELECT pg_reload_conf();"
                    .to_owned(),
            ),
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
    for (state, check, words, hint) in [
        (
            "retiring",
            "root_keys_retiring",
            "is retiring",
            "Rewrap its tenant keys, then retire it.",
        ),
        (
            "pending",
            "root_keys_pending",
            "is pending",
            "Activate it, or take it out of the key ring.",
        ),
    ] {
        let of_state: Vec<_> = health.records.iter().filter(|r| r.state == state).collect();
        if of_state.is_empty() {
            findings.push(ok(check, format!("no root key {words}")));
        }
        for record in of_state {
            findings.push(warning(
                check,
                format!(
                    "root key {} {words} and wraps {} tenant keys",
                    record.id, record.tenant_keys
                ),
                hint,
            ));
        }
    }
}

fn preloaded() -> Finding {
    if root_key::is_preloaded() {
        ok(
            "library_preloaded",
            "the library is in shared_preload_libraries",
        )
    } else {
        warning(
            "library_preloaded",
            "the library is not in shared_preload_libraries",
            "Add tenant_vault to shared_preload_libraries and restart: until then each session reads the root keys by \
             itself, and a slip with them stops new sessions.",
        )
    }
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

fn ok(check: &str, detail: impl Into<String>) -> Finding {
    (check.to_owned(), "ok".to_owned(), detail.into(), None)
}

fn warning(check: &str, detail: impl Into<String>, hint: &str) -> Finding {
    (
        check.to_owned(),
        "warning".to_owned(),
        detail.into(),
        Some(hint.to_owned()),
    )
}

fn failure_of(check: &str, error: &VaultError) -> Finding {
    let hint = match error {
        VaultError::RootKeyUnavailable { hint, .. } => Some(hint.clone()),
        _ => None,
    };
    (
        check.to_owned(),
        "failed".to_owned(),
        error.to_string(),
        hint,
    )
}

fn failure(check: &str, error: VaultError) -> Finding {
    let error = ServerError::from(error);
    (
        check.to_owned(),
        "failed".to_owned(),
        error.message,
        error.hint,
    )
}
