//! What a caller sees of a failure: SQLSTATE, message, detail, hint. SQLSTATE is API; docs/errors are in the README.
//!
//! **Invariant:** the only place that builds an error of ours; no variant it reads can hold a secret.

use envelope::Fingerprint;
use pgrx::PgSqlErrorCode as Code;
use vault::{CredentialId, Dry, Outcome, VaultError};

use crate::pg::attempt::ServerError;

/// What to do instead of writing a key into a table.
pub const HINT_STORE: &str = "Keep it in the vault and its id in the table: SELECT vault.store_credential(name, secret); or \
                              vault.encrypt_tenant_secret. If it is no secret, an administrator of the vault can say so: \
                              vault.add_guard_rule('allow', ...).";

impl From<VaultError> for ServerError {
    fn from(error: VaultError) -> Self {
        let (sqlstate, detail, hint) = match &error {
            VaultError::NullArgument(argument) => (
                Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                None,
                Some(format!("Give {argument} a value; by name: {argument} => ...")),
            ),
            VaultError::InvalidArgument { rule, .. } => {
                (Code::ERRCODE_INVALID_PARAMETER_VALUE, Some(rule.clone()), None)
            }
            VaultError::NotFound => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("vault.list_credentials() shows the ids that exist.".to_owned()),
            ),
            VaultError::VersionNotFound { .. } => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("vault.list_credential_versions(id) shows those that are kept.".to_owned()),
            ),
            VaultError::VersionUnfit { .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some(
                    "vault.list_credential_versions(id) shows the states. A pending version becomes current by \
                     vault.promote_credential, a previous one by vault.rollback_credential."
                        .to_owned(),
                ),
            ),
            VaultError::VersionMoved { .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some("Nothing was changed.".to_owned()),
                Some("Somebody else rotated it. Look at vault.list_credential_versions(id), then decide.".to_owned()),
            ),
            VaultError::WebhooksUnknown => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("An administrator of the vault can say it: vault.integration_services, column webhook.".to_owned()),
            ),
            VaultError::WebhookSecretMissing => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("Save it: vault.save_tenant_credentials; vault.integration_services says in which field.".to_owned()),
            ),
            VaultError::WebhookUnusable { rule } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some((*rule).to_owned()),
                Some("Save it as the service shows it: vault.save_tenant_credentials.".to_owned()),
            ),
            VaultError::NothingPending => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some("Call vault.stage_credential first.".to_owned()),
            ),
            VaultError::NothingPrevious => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some(
                    "vault.list_credential_versions(id) shows what is kept; one with a greater number has to be named."
                        .to_owned(),
                ),
            ),
            VaultError::KeyTaken => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some("Delete that one, then restore: it can be restored in its turn.".to_owned()),
            ),
            VaultError::AppUnknown => (
                Code::ERRCODE_FOREIGN_KEY_VIOLATION,
                Some("The table of apps that is attached to the vault has no such app of this tenant.".to_owned()),
                Some("Insert the app's row first; in this transaction, if need be.".to_owned()),
            ),
            VaultError::AppNotFound => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("An app is the tenant's for which its first secret was stored.".to_owned()),
            ),
            VaultError::AppWithoutTenant => (
                Code::ERRCODE_NOT_NULL_VIOLATION,
                Some("Its row names no tenant, or the nil uuid.".to_owned()),
                Some("Give the row a tenant; best declare the column NOT NULL.".to_owned()),
            ),
            VaultError::AppHasSecrets => (
                Code::ERRCODE_FOREIGN_KEY_VIOLATION,
                Some("Nothing was changed. Deleted secrets count until they are destroyed.".to_owned()),
                Some(
                    "Delete the app's row, which destroys its secrets; or destroy them first: vault.destroy_credential(id)."
                        .to_owned(),
                ),
            ),
            VaultError::AppKeyTaken => (
                Code::ERRCODE_UNIQUE_VIOLATION,
                Some("Nothing was changed.".to_owned()),
                Some("Delete that one first, or choose another key.".to_owned()),
            ),
            VaultError::AppTableUnfit => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some("More than one is attached, or a column of it was renamed or is no uuid any more.".to_owned()),
                Some(
                    "vault.doctor() names it. SELECT vault.detach_app_table('schema.table'); then attach the right one."
                        .to_owned(),
                ),
            ),
            VaultError::EnvironmentTooLong { max_bytes } => (
                Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                Some(format!("All values of one answer have at most {max_bytes} bytes together, sealed.")),
                Some("Read them one by one: vault.get_app_secret(app, key).".to_owned()),
            ),
            VaultError::ServiceUnknown { known } => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                Some(format!("The catalogue offers {}.", known.join(", "))),
                Some(
                    "An administrator of the vault adds another one: INSERT INTO vault.integration_services \
                     (service, category, label, fields) VALUES (...);"
                        .to_owned(),
                ),
            ),
            VaultError::ServiceNotOffered => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some("What the tenant has of it can still be read and deleted.".to_owned()),
            ),
            VaultError::NoMainSecret => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some("The catalogue has no field of it that is both secret and required.".to_owned()),
                Some("Name the fields: vault.save_tenant_credentials, vault.get_tenant_credentials.".to_owned()),
            ),
            VaultError::FieldUnknown { known, .. } => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                Some(format!("Its fields are {known}.")),
                Some("vault.integration_services describes them.".to_owned()),
            ),
            VaultError::FieldRefused { .. } => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                Some("Nothing was changed.".to_owned()),
                Some("vault.integration_services says what the field looks like.".to_owned()),
            ),
            VaultError::IntegrationUnknown => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("Save its credentials first: vault.save_tenant_credentials.".to_owned()),
            ),
            VaultError::VerificationUnknown => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("vault.claim_verification() hands requests out, with their ids.".to_owned()),
            ),
            VaultError::NoLiveClaim { .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some("The verdict was not taken.".to_owned()),
                Some("Claim again: vault.claim_verification(), with a longer lease if need be.".to_owned()),
            ),
            VaultError::ContextRequired => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                None,
                Some("In the same transaction, first: SELECT vault.set_tenant_context('<tenant>');".to_owned()),
            ),
            VaultError::OtherTenant => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                None,
                Some(
                    "Act for that tenant in a transaction of its own: SELECT vault.set_tenant_context('<tenant>');".to_owned(),
                ),
            ),
            VaultError::NotOfTheTenant => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                None,
                Some(
                    "An owner of the tenant, or an administrator of the vault, adds members: vault.add_tenant_member."
                        .to_owned(),
                ),
            ),
            VaultError::NotTableOwner { .. } => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                None,
                Some("Only who has the rights of the table's owner repairs what stands in it.".to_owned()),
            ),
            VaultError::Restricted => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                Some(
                    "This is ANALYZE, VACUUM, an index being made, or a materialized view being filled.".to_owned(),
                ),
                Some("Call the vault in a statement of its own.".to_owned()),
            ),
            VaultError::Reentered => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some("A trigger that the call set off has called the vault.".to_owned()),
                Some("Call the vault in a statement of its own, before or afterwards.".to_owned()),
            ),
            VaultError::NotYourself => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                None,
                Some("Leave p_user_id out: who you are is known from your login or your claims.".to_owned()),
            ),
            VaultError::StandingTooLow { .. } => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                None,
                Some("An owner of the tenant can change yours: vault.add_tenant_member.".to_owned()),
            ),
            VaultError::NotEnrolled { tenant } => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                Some("The vault has never heard of it; a slip would show empty tables.".to_owned()),
                Some(format!("If it is a new one: SELECT vault.enrol_tenant('{tenant}');")),
            ),
            VaultError::UnusableClaims { problem } => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                Some((*problem).to_owned()),
                Some("tenant_vault.tenant_claim says where in the claims a tenant is looked for.".to_owned()),
            ),
            VaultError::ReasonRequired => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                Some("A profile through which you read demands a reason, for the access log.".to_owned()),
                Some("SET tenant_vault.access_reason = '...';".to_owned()),
            ),
            VaultError::ReadOnly { .. } => (
                Code::ERRCODE_READ_ONLY_SQL_TRANSACTION,
                None,
                Some("Call it in a read-write transaction; behind PostgREST, by POST.".to_owned()),
            ),
            VaultError::RootKeyUnavailable { hint, .. } | VaultError::FileUnusable { hint, .. } => {
                (Code::ERRCODE_CONFIG_FILE_ERROR, None, Some(hint.clone()))
            }
            VaultError::BundleTooLong { max_bytes } => (
                Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                Some(format!("A bundle has at most {max_bytes} bytes, sealed.")),
                Some("Take them away tenant by tenant: vault.export_bundle(..., p_tenant_id => ...).".to_owned()),
            ),
            VaultError::ExtensionMissing { name } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some("What it sealed, it alone can open.".to_owned()),
                Some(format!("CREATE EXTENSION {name}; then call again. It can go when everything is in the vault.")),
            ),
            VaultError::RootKeyMissing { needed, given } => (
                Code::ERRCODE_CONFIG_FILE_ERROR,
                Some(format!(
                    "This database was sealed under the root key with fingerprint {needed}; the key ring holds {}.",
                    list(given)
                )),
                Some(
                    "Put that key back into the key ring, beside the others, then run: SELECT pg_reload_conf();"
                        .to_owned(),
                ),
            ),
            VaultError::NoSuchGeneration { primary } => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                Some(format!("A generation is a number from 1 to {primary}.")),
                Some("vault.rotate_tenant_key makes a new one.".to_owned()),
            ),
            VaultError::KeyInUse { tenant, .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some(format!("Move them first: CALL vault.rewrap_credentials('{tenant}');")),
            ),
            VaultError::NotAppendable { setting } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some(format!("The root keys come from {setting}.")),
                Some(format!(
                    "Add a line \"enabled <id> hex:<64 random digits>\" where {setting} takes its ring from, then run: \
                     SELECT pg_reload_conf();"
                )),
            ),
            VaultError::TenantLocked => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some("An administrator of the vault can say why, and ends it with vault.unlock_tenant.".to_owned()),
            ),
            VaultError::TenantKeyUnusable { .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some("An administrator of the vault can say why; vault.tenant_keys holds the states.".to_owned()),
            ),
            VaultError::UnknownTenant => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("vault.tenant_keys shows the tenants that have keys; a tenant's first secret makes its key.".to_owned()),
            ),
            VaultError::UnknownRootKey { held } => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some(format!(
                    "It holds {}. Another key has to be put there first, then: SELECT pg_reload_conf();",
                    held.join(", ")
                )),
            ),
            VaultError::AmbiguousRootKey { known, given, .. } => (
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                Some(format!(
                    "This database knows it as the key with fingerprint {known}; the key ring has one with fingerprint {given}."
                )),
                Some("Give the newer key another id in the key ring, then run: SELECT pg_reload_conf();".to_owned()),
            ),
            VaultError::NoRootKeyToRotateTo { unknown } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                Some(match unknown.len() {
                    0 => "The database knows every key of the key ring, and none of them is pending.".to_owned(),
                    _ => format!("The key ring holds several that the database does not know: {}.", unknown.join(", ")),
                }),
                Some("Name one: CALL vault.rotate_root_key('ID'); or put a new one into the key ring first.".to_owned()),
            ),
            VaultError::RootKeyInUse { hint, .. } => (
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                None,
                Some((*hint).to_owned()),
            ),
            VaultError::NotFirst { .. } => (
                Code::ERRCODE_ACTIVE_SQL_TRANSACTION,
                None,
                Some("End the transaction and call it in one of its own.".to_owned()),
            ),
            VaultError::NoSuchRun => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("Begin one: CALL vault.rotate_root_key(); or CALL vault.rewrap_credentials();".to_owned()),
            ),
            VaultError::StandbyRefuses => (
                Code::ERRCODE_INSUFFICIENT_RESOURCES,
                Some(
                    "It can write no record into the database, and tenant_vault.standby_audit is refuse.".to_owned(),
                ),
                Some(
                    "Connect to the primary; or set tenant_vault.standby_audit = 'file' in this server's postgresql.conf, \
                     then run: SELECT pg_reload_conf();"
                        .to_owned(),
                ),
            ),
            VaultError::RateLimited { whose, rate, dry, .. } => (
                Code::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                Some(format!("The limit of this {whose} is {rate}.")),
                Some(match dry {
                    Dry::For { ns } => format!("Try again in {} ms.", ns.div_ceil(1_000_000)),
                    Dry::Always => format!("Ask for less in one call: at most {} at once.", rate.burst()),
                }),
            ),
            VaultError::TokenRefused { rule, hint, .. } => (
                Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
                rule.map(str::to_owned),
                hint.map(str::to_owned),
            ),
            VaultError::LogUnavailable { cause } => (
                Code::ERRCODE_INSUFFICIENT_RESOURCES,
                Some(cause.clone()),
                Some("Nothing was released or changed. Mend the cause and call again.".to_owned()),
            ),
            VaultError::LogBroken { .. } => (
                Code::ERRCODE_DATA_CORRUPTED,
                Some("Nothing was pruned: what does not verify may be evidence.".to_owned()),
                Some(
                    "Export the log, then CALL vault.prune_access_log(..., p_even_if_broken => true); see docs/access-log.md."
                        .to_owned(),
                ),
            ),
            VaultError::Corrupted => (
                Code::ERRCODE_DATA_CORRUPTED,
                Some("The sealed bytes, their row, or the tenant's key were changed outside the vault.".to_owned()),
                Some("Restore the row from a backup; vault.vault_access_log says when it last opened.".to_owned()),
            ),
            VaultError::NotText => (
                Code::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
                None,
                Some("It was stored as bytes: call vault.retrieve_credential_bytes.".to_owned()),
            ),
            VaultError::NoEntropy => (
                Code::ERRCODE_SYSTEM_ERROR,
                None,
                Some("The getrandom system call failed; look at the operating system's log.".to_owned()),
            ),
            VaultError::PlaintextRefused { why, .. } => (
                Code::ERRCODE_CHECK_VIOLATION,
                Some((*why).to_owned()),
                Some(HINT_STORE.to_owned()),
            ),
            VaultError::PlaintextUnstorable { .. } => (
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                Some(
                    "The guard stores for those who may call vault.store_credential by themselves.".to_owned(),
                ),
                Some("An administrator of the vault gives the right: vault.grant_access(role, 'writer').".to_owned()),
            ),
            VaultError::NoSuchRule => (
                Code::ERRCODE_UNDEFINED_OBJECT,
                None,
                Some("SELECT * FROM vault.guard_rules; shows those there are.".to_owned()),
            ),
            VaultError::Internal(_) => (Code::ERRCODE_INTERNAL_ERROR, None, Some("Please report this.".to_owned())),
        };
        Self {
            sqlstate,
            message: error.to_string(),
            detail,
            hint,
        }
    }
}

/// What PostgreSQL says of a credential that rows of other tables refer to, with the way to find them.
pub fn with_referrers(error: ServerError, credential: Option<CredentialId>) -> ServerError {
    if error.sqlstate != Code::ERRCODE_FOREIGN_KEY_VIOLATION || error.hint.is_some() {
        return error;
    }
    let id = credential.map_or("<id>".to_owned(), |id| id.to_string());
    ServerError {
        hint: Some(format!(
            "Who refers to it: SELECT * FROM vault.credential_references('{id}');"
        )),
        ..error
    }
}

/// How the access log judges a failure.
pub fn outcome(sqlstate: Code) -> Outcome {
    match sqlstate {
        Code::ERRCODE_NULL_VALUE_NOT_ALLOWED | Code::ERRCODE_INVALID_PARAMETER_VALUE => {
            Outcome::Refused
        }
        Code::ERRCODE_ACTIVE_SQL_TRANSACTION
        | Code::ERRCODE_READ_ONLY_SQL_TRANSACTION
        | Code::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE => Outcome::Refused,
        // A row refers to what was to go, or is not there to be referred to; a key is taken.
        Code::ERRCODE_FOREIGN_KEY_VIOLATION
        | Code::ERRCODE_NOT_NULL_VIOLATION
        | Code::ERRCODE_UNIQUE_VIOLATION => Outcome::Refused,
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE
        | Code::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
        | Code::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
        // The guard's.
        | Code::ERRCODE_CHECK_VIOLATION => Outcome::Denied,
        Code::ERRCODE_UNDEFINED_OBJECT => Outcome::NotFound,
        _ => Outcome::Failed,
    }
}

/// The five characters of a SQLSTATE: six bits each, the first character lowest (MAKE_SQLSTATE, elog.h).
pub fn five_characters(sqlstate: Code) -> String {
    let packed = sqlstate as u32;
    (0..5)
        .map(|i| char::from(b'0' + (packed >> (6 * i) & 0x3f) as u8))
        .collect()
}

fn list(fingerprints: &[Fingerprint]) -> String {
    fingerprints
        .iter()
        .map(Fingerprint::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
