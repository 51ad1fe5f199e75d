//! Tenants' accounts at services: `vault.save_tenant_credentials` and its family, by service and by name.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use serde_json::{Map, Value, json};
use vault::integrations::{
    GivenField, PlainObject, ServiceName, Status, VerificationState, parse_given, parse_plain,
};
use vault::{
    Action, Instant, IntegrationDelete, IntegrationList, IntegrationRetrieve, IntegrationStore,
    OpenIntegration, Permit, VaultError,
};
use zeroize::Zeroizing;

use super::argument::{required, tenant_id, text};
use super::door::{Call, answer};
use super::json_object::JsonObject;
use super::retrieve_credential::text as released_text;
use crate::pg::clock::Timestamp;
use crate::pg::json::Jsonb;
use crate::pg::{self, reply};
use crate::{policy, session};

// ---- any service ----

#[pg_extern(sql = false)]
fn save_tenant_credentials(
    p_tenant_id: Option<Uuid>,
    p_service: Option<&[u8]>,
    p_credentials: Option<Jsonb>,
    p_settings: Option<Jsonb>,
) -> i32 {
    answer::<IntegrationStore, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        let service = service_name(p_service)?;
        let credentials = required(p_credentials, "p_credentials")?;
        let credentials = utf8(&credentials, "p_credentials")?;
        let given = parse_given(&credentials, "p_credentials")?;
        save(call, permit, &service, &given, p_settings)
    })
}

#[pg_extern(sql = false)]
fn get_tenant_credentials(
    p_tenant_id: Option<Uuid>,
    p_service: Option<&[u8]>,
) -> Option<reply::Varlena> {
    answer::<IntegrationRetrieve, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        let service = service_name(p_service)?;
        let found = session::vault(|vault| vault.retrieve_integration(permit, &service, None))?;
        found
            .map(|open| credentials(open, true)?.finish())
            .transpose()
    })
}

#[pg_extern(sql = false)]
fn delete_tenant_credentials(p_tenant_id: Option<Uuid>, p_service: Option<&[u8]>) -> bool {
    answer::<IntegrationDelete, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        let service = service_name(p_service)?;
        call.writes("delete credentials of a tenant")?;
        session::vault(|vault| vault.delete_integration(permit, &service))
    })
}

// ---- services with faces of their own ----

#[pg_extern(sql = false)]
fn save_tenant_stripe_config(
    p_tenant_id: Option<Uuid>,
    p_secret_key: Option<&[u8]>,
    p_publishable_key: Option<&[u8]>,
    p_webhook_secret: Option<&[u8]>,
    p_settings: Option<Jsonb>,
) -> i32 {
    let fields = [
        ("secret_key", "p_secret_key", p_secret_key),
        ("publishable_key", "p_publishable_key", p_publishable_key),
        ("webhook_secret", "p_webhook_secret", p_webhook_secret),
    ];
    save_named(p_tenant_id, "stripe", &fields, p_settings)
}

#[pg_extern(sql = false)]
fn get_tenant_stripe_config(p_tenant_id: Option<Uuid>) -> Option<reply::Varlena> {
    described(p_tenant_id, "stripe")
}

#[pg_extern(sql = false)]
fn get_tenant_stripe_secret_key(p_tenant_id: Option<Uuid>) -> Option<reply::Varlena> {
    one_secret(p_tenant_id, "stripe", "secret_key")
}

#[pg_extern(sql = false)]
#[allow(
    clippy::too_many_arguments,
    reason = "the parameters of a SQL function"
)]
fn save_tenant_resend_config(
    p_tenant_id: Option<Uuid>,
    p_api_key: Option<&[u8]>,
    p_from_email: Option<&[u8]>,
    p_from_name: Option<&[u8]>,
    p_reply_to: Option<&[u8]>,
    p_webhook_secret: Option<&[u8]>,
    p_settings: Option<Jsonb>,
) -> i32 {
    let fields = [
        ("api_key", "p_api_key", p_api_key),
        ("from_email", "p_from_email", p_from_email),
        ("from_name", "p_from_name", p_from_name),
        ("reply_to", "p_reply_to", p_reply_to),
        ("webhook_secret", "p_webhook_secret", p_webhook_secret),
    ];
    save_named(p_tenant_id, "resend", &fields, p_settings)
}

#[pg_extern(sql = false)]
fn get_tenant_resend_config(p_tenant_id: Option<Uuid>) -> Option<reply::Varlena> {
    described(p_tenant_id, "resend")
}

#[pg_extern(sql = false)]
fn get_tenant_resend_api_key(p_tenant_id: Option<Uuid>) -> Option<reply::Varlena> {
    one_secret(p_tenant_id, "resend", "api_key")
}

#[pg_extern(sql = false)]
fn save_tenant_wise_config(
    p_tenant_id: Option<Uuid>,
    p_api_key: Option<&[u8]>,
    p_profile_id: Option<&[u8]>,
    p_webhook_public_key: Option<&[u8]>,
    p_settings: Option<Jsonb>,
) -> i32 {
    let fields = [
        ("api_key", "p_api_key", p_api_key),
        ("profile_id", "p_profile_id", p_profile_id),
        (
            "webhook_public_key",
            "p_webhook_public_key",
            p_webhook_public_key,
        ),
    ];
    save_named(p_tenant_id, "wise", &fields, p_settings)
}

#[pg_extern(sql = false)]
fn get_tenant_wise_config(p_tenant_id: Option<Uuid>) -> Option<reply::Varlena> {
    described(p_tenant_id, "wise")
}

#[pg_extern(sql = false)]
fn get_tenant_wise_api_key(p_tenant_id: Option<Uuid>) -> Option<reply::Varlena> {
    one_secret(p_tenant_id, "wise", "api_key")
}

// ---- services with one secret ----

#[pg_extern(sql = false)]
fn save_tenant_api_credential(
    p_tenant_id: Option<Uuid>,
    p_service: Option<&[u8]>,
    p_api_key: Option<&[u8]>,
    p_settings: Option<Jsonb>,
    p_token_id: Option<&[u8]>,
) -> i32 {
    answer::<IntegrationStore, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        let service = service_name(p_service)?;
        let api_key = given_text(required(p_api_key, "p_api_key")?, "p_api_key")?;
        let mut given = vec![(
            session::vault(|vault| vault.main_secret(&service))?,
            Some(api_key),
        )];
        if let Some(token_id) = p_token_id {
            let public = session::vault(|vault| vault.main_public(&service))?;
            let name = public.ok_or_else(|| VaultError::InvalidArgument {
                argument: "p_token_id",
                rule: "The service has no public half of its key; leave it out.".to_owned(),
            })?;
            given.push((name, Some(given_text(token_id, "p_token_id")?)));
        }
        save(call, permit, &service, &given, p_settings)
    })
}

#[pg_extern(sql = false)]
fn get_tenant_api_credential(
    p_tenant_id: Option<Uuid>,
    p_service: Option<&[u8]>,
) -> Option<reply::Varlena> {
    answer::<IntegrationList, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        describe(permit, &service_name(p_service)?)
    })
}

#[pg_extern(sql = false)]
fn get_tenant_api_key(
    p_tenant_id: Option<Uuid>,
    p_service: Option<&[u8]>,
) -> Option<reply::Varlena> {
    answer::<IntegrationRetrieve, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        let service = service_name(p_service)?;
        let field = session::vault(|vault| vault.main_secret(&service))?;
        one(permit, &service, &field)
    })
}

// ---- how it stands ----

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn list_integration_status(
    p_tenant_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(category, String),
        name!(service, String),
        name!(label, reply::Varlena),
        name!(connected, bool),
        name!(mode, Option<&'static str>),
        name!(hint, Option<reply::Varlena>),
        name!(version, Option<i32>),
        name!(updated_at, Option<TimestampWithTimeZone>),
        name!(expires_at, Option<TimestampWithTimeZone>),
        name!(verification_state, &'static str),
        name!(verified_at, Option<TimestampWithTimeZone>),
        name!(verification_message, Option<reply::Varlena>),
        name!(missing_fields, Vec<String>),
    ),
> {
    let all = answer::<IntegrationList, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        session::vault(|vault| vault.list_integrations(permit))
    });
    TableIterator::new(all.into_iter().map(|status| {
        let plain = status.plain.as_ref();
        let timestamp = |at: Option<Instant>| at.and_then(|Instant(us)| us.try_into().ok());
        let state = plain.map_or(VerificationState::Unverified, |plain| plain.verification);
        let message = plain.and_then(|plain| plain.message.as_deref());
        (
            status.service.category.clone(),
            status.service.name.clone(),
            server_text(&status.service.label),
            status.is_connected(),
            plain.and_then(|plain| plain.mode()).map(|mode| mode.word()),
            status.hint().map(server_text),
            plain.map(|plain| plain.version.cast_signed()),
            timestamp(status.updated_at()),
            timestamp(status.expires_at()),
            state.word(),
            timestamp(plain.and_then(|plain| plain.verified_at)),
            message.map(server_text),
            status.missing().map(str::to_owned).collect(),
        )
    }))
}

// ---- behind them ----

pub(super) fn for_tenant<A: Action>(
    call: &Call,
    tenant: Option<Uuid>,
) -> Result<Permit<A>, VaultError> {
    let tenant = tenant_id(tenant, "p_tenant_id")?;
    call.of_tenant(tenant);
    call.count_tenant(tenant, 1)?;
    policy::for_tenant(tenant)
}

/// Not noted before the catalogue knows it: what is no service might be a key in the wrong place.
pub(super) fn service_name(service: Option<&[u8]>) -> Result<ServiceName, VaultError> {
    let service = required(service, "p_service")?;
    ServiceName::parse(&text(service, "p_service")?, "p_service")
}

fn save_named(
    tenant: Option<Uuid>,
    service: &'static str,
    fields: &[(&str, &'static str, Option<&[u8]>)],
    settings: Option<Jsonb>,
) -> i32 {
    answer::<IntegrationStore, _>(|call| {
        let permit = for_tenant(call, tenant)?;
        let service = ServiceName::parse(service, "p_service")?;
        let mut given = Vec::with_capacity(fields.len());
        for (name, argument, value) in fields {
            if let Some(value) = value {
                given.push(((*name).to_owned(), Some(given_text(value, argument)?)));
            }
        }
        save(call, permit, &service, &given, settings)
    })
}

fn save(
    call: &Call,
    permit: Permit<IntegrationStore>,
    service: &ServiceName,
    given: &[GivenField],
    settings: Option<Jsonb>,
) -> Result<i32, VaultError> {
    let settings = match &settings {
        Some(settings) => parse_plain(&utf8(settings, "p_settings")?, "p_settings")?,
        None => PlainObject::new(),
    };
    call.writes("save credentials of a tenant")?;
    let saved = session::vault(|vault| vault.save_integration(permit, service, given, &settings));
    if let Err(VaultError::FieldRefused { service, field, .. }) = &saved {
        call.note_more(&format!("{service}: {field}"));
    }
    saved.map(u32::cast_signed)
}

fn given_text(value: &[u8], argument: &'static str) -> Result<Zeroizing<String>, VaultError> {
    Ok(Zeroizing::new(text(value, argument)?.into_owned()))
}

fn utf8(json: &Jsonb, argument: &'static str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let text = json.to_utf8().ok_or_else(|| VaultError::InvalidArgument {
        argument,
        rule: "Text must have a UTF-8 form.".to_owned(),
    })?;
    Ok(Zeroizing::new(text.into_owned()))
}

fn one_secret(tenant: Option<Uuid>, service: &'static str, field: &str) -> Option<reply::Varlena> {
    answer::<IntegrationRetrieve, _>(|call| {
        let permit = for_tenant(call, tenant)?;
        one(permit, &ServiceName::parse(service, "p_service")?, field)
    })
}

fn one(
    permit: Permit<IntegrationRetrieve>,
    service: &ServiceName,
    field: &str,
) -> Result<Option<reply::Varlena>, VaultError> {
    let found = session::vault(|vault| vault.retrieve_integration(permit, service, Some(field)))?;
    let secret = found.and_then(|open| open.secrets.into_iter().next());
    secret
        .map(|(_, released)| released_text(released))
        .transpose()
}

/// Fields by their names, and the settings.
pub(super) fn credentials(open: OpenIntegration, settings: bool) -> Result<JsonObject, VaultError> {
    let secrets: Vec<_> = open
        .secrets
        .into_iter()
        .map(|(field, released)| (field, released.into_secret()))
        .collect();
    let plain = match settings {
        true => Value::Object(open.settings).to_string(),
        false => String::new(),
    };
    let sealed: usize = secrets
        .iter()
        .map(|(field, secret)| field.len() + secret.len())
        .sum();
    let public: usize = open
        .public
        .iter()
        .map(|(field, value)| field.len() + value.len())
        .sum();
    let members = secrets.len() + open.public.len() + 2;
    let mut json = JsonObject::with_room_for(members, sealed + public + plain.len());
    for (field, secret) in &secrets {
        json.put(field, secret.expose())?;
    }
    for (field, value) in &open.public {
        json.put(field, value.as_bytes())?;
    }
    if settings {
        json.put_json("settings", &plain);
    }
    Ok(json)
}

fn described(tenant: Option<Uuid>, service: &'static str) -> Option<reply::Varlena> {
    answer::<IntegrationList, _>(|call| {
        let permit = for_tenant(call, tenant)?;
        describe(permit, &ServiceName::parse(service, "p_service")?)
    })
}

fn describe(
    permit: Permit<IntegrationList>,
    service: &ServiceName,
) -> Result<Option<reply::Varlena>, VaultError> {
    let status = session::vault(|vault| vault.describe_integration(permit, service))?;
    status
        .map(|status| {
            let json = Value::Object(description(&status)).to_string();
            let server = pg::text::from_utf8(json.as_bytes()).ok_or(VaultError::NotText)?;
            Ok(reply::jsonb(&server))
        })
        .transpose()
}

/// All there is to say of an integration but its secrets.
fn description(status: &Status) -> Map<String, Value> {
    let time = |at: Option<Instant>| at.map(|Instant(us)| Timestamp(us).to_string());
    let plain = status.plain.as_ref();
    let state = plain.map_or(VerificationState::Unverified, |plain| plain.verification);
    let hints: Map<String, Value> = status
        .secrets
        .iter()
        .map(|secret| (secret.field.clone(), json!(secret.hint)))
        .collect();
    let public = plain.map(|plain| plain.public.clone()).unwrap_or_default();
    let mut members: Map<String, Value> = public
        .into_iter()
        .map(|(field, value)| (field, Value::String(value)))
        .collect();
    let rest = [
        ("service", json!(status.service.name)),
        ("connected", json!(status.is_connected())),
        (
            "mode",
            json!(plain.and_then(|plain| plain.mode()).map(|mode| mode.word())),
        ),
        ("hints", Value::Object(hints)),
        ("settings", json!(plain.map(|plain| &plain.settings))),
        (
            "account",
            json!(plain.and_then(|plain| plain.account.as_ref())),
        ),
        ("version", json!(plain.map(|plain| plain.version))),
        (
            "verification",
            json!({
                "state": state.word(),
                "verified_at": time(plain.and_then(|plain| plain.verified_at)),
                "message": plain.and_then(|plain| plain.message.as_ref()),
            }),
        ),
        ("updated_at", json!(time(status.updated_at()))),
        ("expires_at", json!(time(status.expires_at()))),
        (
            "missing_fields",
            json!(status.missing().collect::<Vec<_>>()),
        ),
    ];
    members.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    members
}

pub(super) fn server_text(text: &str) -> reply::Varlena {
    reply::varlena(&pg::text::lossy_from_utf8(text))
}
