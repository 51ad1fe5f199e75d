//! JSON of integrations, judged by its schema: `vault.integration_json_errors`, and what the triggers of
//! sql/install/30_api/integration_schemas.sql and organization_integrations.sql call.

use std::ops::ControlFlow;

use jsonrules::{Breach, Rules};
use pgrx::iter::TableIterator;
use pgrx::pg_sys::Oid;
use pgrx::{PgSqlErrorCode, Uuid, name, pg_extern};
use vault::{
    CredentialName, Description, IntegrationAlert, RepairIntegration, Store, TenantId, VaultError,
};
use zeroize::Zeroizing;

use super::argument::{any_tenant_id, required, text};
use super::door::answer;
use crate::pg::attempt::ServerError;
use crate::pg::json::Jsonb;
use crate::pg::reply;
use crate::pg::{discretion, identity};
use crate::storage::{Configuration, IntegrationTable};
use crate::{guard, integration_schemas, pg, policy, session};

const SUBJECTS: [&str; 2] = ["field_mappings", "sync_schedule"];

/// As long as a credential's name may be.
const NAME_MAX_CHARS: usize = 256;
/// Of a row's problem, for the alert.
const PROBLEM_MAX_CHARS: usize = 1000;

#[pg_extern(sql = false)]
fn integration_json_errors(
    p_subject: Option<&[u8]>,
    p_version: Option<i32>,
    p_value: Option<Jsonb>,
) -> TableIterator<'static, (name!(path, reply::Varlena), name!(message, reply::Varlena))> {
    let discretion = discretion::enter();
    let breaches = match judged(p_subject, p_version, p_value) {
        Ok((_, breaches)) => breaches,
        Err(error) => ServerError::from(error).raise(),
    };
    discretion.leave();
    TableIterator::new(breaches.into_iter().map(|breach| {
        let text = |utf8: &str| reply::varlena(&pg::text::lossy_from_utf8(utf8));
        (text(&breach.path), text(&breach.rule))
    }))
}

/// Raises what a row's own trigger is to raise. Not by PL/pgSQL, whose error would carry the statement into the log, and
/// with it the value: which may be a key in the wrong place.
#[pg_extern(sql = false)]
fn check_integration_json(
    p_table: Option<&[u8]>,
    p_subject: Option<&[u8]>,
    p_version: Option<i32>,
    p_value: Option<Jsonb>,
) {
    let discretion = discretion::enter();
    let refused = |table: &str, subject: &str, breaches: &[Breach]| ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_CHECK_VIOLATION,
        message: format!("column {subject} of {table} breaks its schema"),
        detail: Some(breaches.iter().map(told).collect::<Vec<_>>().join("; ")),
        hint: Some(format!(
            "The schema: SELECT version, schema FROM vault.integration_schemas WHERE subject = '{subject}';"
        )),
    };
    let checked = required(p_table, "p_table").and_then(|table| {
        let table = text(table, "p_table")?;
        Ok((table, judged(p_subject, p_version, p_value)?))
    });
    match checked {
        Err(error) => ServerError::from(error).raise(),
        Ok((table, (subject, breaches))) if !breaches.is_empty() => {
            refused(&table, subject, &breaches).raise()
        }
        Ok(_) => discretion.leave(),
    }
}

/// Why a schema, or its safe default, will not do; NULL: it will.
#[pg_extern(sql = false)]
fn integration_schema_error(
    p_schema: Option<Jsonb>,
    p_safe_default: Option<Jsonb>,
) -> Option<String> {
    let (Some(schema), Some(default)) = (p_schema, p_safe_default) else {
        return Some("A schema and a safe default are not null.".to_owned());
    };
    let (Some(schema), Some(default)) = (schema.to_utf8(), default.to_utf8()) else {
        return Some("Text must have a UTF-8 form.".to_owned());
    };
    match Rules::parse(&schema) {
        Err(error) => Some(error.to_string()),
        Ok(rules) => rules
            .breaches(&default)
            .first()
            .map(|breach| format!("The safe default breaks the schema: {}.", told(breach))),
    }
}

/// Replaces what breaks its schema, and nothing else, by what the caller names: as the table's owner, whose rights the caller
/// has. What stood there is kept. False: by now the row holds something else, and is left as it is.
#[pg_extern(sql = false)]
#[allow(
    clippy::too_many_arguments,
    reason = "the parameters of a SQL function"
)]
fn replace_integration(
    p_table: Option<Oid>,
    p_row_id: Option<Uuid>,
    p_organization_id: Option<Uuid>,
    p_old_version: Option<i32>,
    p_old_mappings: Option<Jsonb>,
    p_old_schedule: Option<Jsonb>,
    p_version: Option<i32>,
    p_mappings: Option<Jsonb>,
    p_schedule: Option<Jsonb>,
) -> bool {
    answer::<RepairIntegration, _>(|call| {
        let organization = any_tenant_id(p_organization_id, "p_organization_id")?;
        let row = *required(p_row_id, "p_row_id")?.as_bytes();
        let table = required(p_table, "p_table")?;
        let old = Configuration {
            version: required(p_old_version, "p_old_version")?,
            field_mappings: json(p_old_mappings, "p_old_mappings")?,
            sync_schedule: json(p_old_schedule, "p_old_schedule")?,
        };
        let new = Configuration {
            version: required(p_version, "p_version")?,
            field_mappings: json(p_mappings, "p_mappings")?,
            sync_schedule: json(p_schedule, "p_schedule")?,
        };
        call.writes("repair an integration")?;
        let permit = || policy::for_tenant::<RepairIntegration>(organization);
        let first = permit()?;
        call.of_tenant(organization);
        let table = IntegrationTable::attached(table.to_u32()).ok_or_else(|| {
            VaultError::InvalidArgument {
                argument: "p_table",
                rule: "It is a table that vault.attach_organization_integrations has attached."
                    .to_owned(),
            }
        })?;
        if !identity::effective_role_has_rights_of(table.owner) {
            return Err(VaultError::NotTableOwner { table: table.name });
        }
        let replaced = replaced(&old, &new)?;
        let subject = |column: &str| {
            let row = uuid::Uuid::from_bytes(row);
            format!("{} {column} of {row}", table.name)
        };
        if !table.replace(row, *organization.as_bytes(), &old, &new) {
            let subject = subject("row");
            session::vault(|vault| vault.leave_integration(first, &subject))?;
            return Ok(false);
        }
        for column in replaced {
            let kept = kept(organization, &table.name, column.name, column.old)?;
            let alert = IntegrationAlert {
                table: &table.name,
                row,
                column: column.name,
                problem: &column.problem,
                old: &kept,
                new: &column.new,
            };
            let (permit, subject) = (permit()?, subject(column.name));
            session::vault(|vault| vault.keep_integration_alert(permit, &subject, &alert))?;
        }
        Ok(true)
    })
}

/// A column that gets another value, and why.
struct Replaced {
    name: &'static str,
    problem: String,
    old: Zeroizing<String>,
    new: String,
}

/// - errors: [`VaultError::InvalidArgument`] where there was nothing wrong with the old value.
fn replaced(old: &Configuration, new: &Configuration) -> Result<Vec<Replaced>, VaultError> {
    let nothing_wrong = || VaultError::InvalidArgument {
        argument: "p_old_mappings, p_old_schedule",
        rule: "What follows its schema is not repaired.".to_owned(),
    };
    let mut all = Vec::new();
    if old.version != new.version {
        all.push(Replaced {
            name: "config_version",
            problem: format!("there is no version {}", old.version),
            old: Zeroizing::new(old.version.to_string()),
            new: new.version.to_string(),
        });
    }
    let columns = [
        ("field_mappings", &old.field_mappings, &new.field_mappings),
        ("sync_schedule", &old.sync_schedule, &new.sync_schedule),
    ];
    for (name, old, value) in columns {
        if old == value {
            continue;
        }
        let breaches = integration_schemas::breaches(name, new.version, old.as_bytes())?;
        if breaches.is_empty() {
            return Err(nothing_wrong());
        }
        let problem = breaches
            .iter()
            .map(|breach| format!("{}: {}", breach.path, breach.rule))
            .collect::<Vec<_>>()
            .join("; ");
        all.push(Replaced {
            name,
            problem: problem.chars().take(PROBLEM_MAX_CHARS).collect(),
            old: Zeroizing::new(old.clone()),
            new: value.clone(),
        });
    }
    if all.is_empty() {
        return Err(nothing_wrong());
    }
    Ok(all)
}

/// What a row held, as the alert keeps it. If somebody had put a key there it is sealed, whole, for the organization, and the
/// alert refers to it.
fn kept(
    organization: TenantId,
    table: &str,
    column: &str,
    old: Zeroizing<String>,
) -> Result<Zeroizing<String>, VaultError> {
    let mut holds_a_key = false;
    guard::guard().json(&old, Some(column), &mut |_, _| {
        holds_a_key = true;
        ControlFlow::Break(())
    });
    if !holds_a_key {
        return Ok(old);
    }
    let name: String = format!("{table}.{column}, replaced")
        .replace(char::is_control, "?")
        .chars()
        .take(NAME_MAX_CHARS)
        .collect();
    let name = CredentialName::parse(&name, "p_table")?;
    let description = Description::parse(
        "What an integration held that broke its schema.",
        "p_column",
    )?;
    let permit = policy::for_tenant::<Store>(organization)?;
    let id = session::vault(|vault| vault.store(permit, &name, &description, old.as_bytes()))?;
    let reference = guard::reference(*id.as_bytes());
    Ok(Zeroizing::new(format!("\"{reference}\"")))
}

fn judged(
    subject: Option<&[u8]>,
    version: Option<i32>,
    value: Option<Jsonb>,
) -> Result<(&'static str, Vec<Breach>), VaultError> {
    let subject = text(required(subject, "p_subject")?, "p_subject")?;
    let known = SUBJECTS.into_iter().find(|known| *known == subject);
    let subject = known.ok_or_else(|| VaultError::InvalidArgument {
        argument: "p_subject",
        rule: format!("It is one of {}.", SUBJECTS.join(", ")),
    })?;
    let version = required(version, "p_version")?;
    let value = json(value, "p_value")?;
    let breaches = integration_schemas::breaches(subject, version, value.as_bytes())?;
    Ok((subject, breaches))
}

fn json(value: Option<Jsonb>, argument: &'static str) -> Result<String, VaultError> {
    let value = required(value, argument)?;
    let utf8 = value.to_utf8().map(|utf8| utf8.into_owned());
    utf8.and_then(|utf8| String::from_utf8(utf8).ok())
        .ok_or_else(|| VaultError::InvalidArgument {
            argument,
            rule: "Text must have a UTF-8 form.".to_owned(),
        })
}

fn told(breach: &Breach) -> String {
    match breach.path.as_str() {
        "" => breach.rule.clone(),
        path => format!("at {path}: {}", breach.rule),
    }
}
