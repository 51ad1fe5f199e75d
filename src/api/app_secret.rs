//! Secrets of apps by key: `vault.set_app_secret` and its family.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use vault::{
    Action, AppDelete, AppId, AppKey, AppList, AppRetrieve, AppStore, AppUpdate, Instant, Permit,
    Released, VaultError,
};

use super::argument::{app_id, app_key, secret_text};
use super::door::{Call, answer};
use super::json_object::JsonObject;
use super::retrieve_credential::text as released_text;
use crate::pg::{self, reply};
use crate::{policy, session};

#[pg_extern(sql = false)]
fn set_app_secret(p_app_id: Option<Uuid>, p_key: Option<&[u8]>, p_value: Option<&[u8]>) -> Uuid {
    answer::<AppStore, _>(|call| {
        let (app, key) = addressed(call, p_app_id, p_key)?;
        let value = secret_text(p_value, "p_value")?;
        call.writes("store an app secret")?;
        let permit = policy::for_new_app::<AppStore>(app)?;
        noted(call, &permit)?;
        let id = session::vault(|vault| vault.store_app_secret(permit, app, &key, &value))?;
        Ok(Uuid::from_bytes(*id.as_bytes()))
    })
}

#[pg_extern(sql = false)]
fn get_app_secret(p_app_id: Option<Uuid>, p_key: Option<&[u8]>) -> Option<reply::Varlena> {
    answer::<AppRetrieve, _>(|call| {
        let (app, key) = addressed(call, p_app_id, p_key)?;
        let Some(permit) = permit_if_any::<AppRetrieve>(call, app)? else {
            session::vault(|vault| vault.find_no_app::<AppRetrieve>(app, Some(&key)))?;
            return Ok(None);
        };
        session::vault(|vault| vault.retrieve_app_secret(permit, app, &key))?
            .map(released_text)
            .transpose()
    })
}

#[pg_extern(sql = false)]
fn get_app_environment(p_app_id: Option<Uuid>) -> reply::Varlena {
    answer::<AppRetrieve, _>(|call| {
        let app = of_app(call, p_app_id)?;
        let variables = match permit_if_any::<AppRetrieve>(call, app)? {
            None => {
                session::vault(|vault| vault.find_no_app::<AppRetrieve>(app, None))?;
                Vec::new()
            }
            Some(permit) => {
                let tenant = permit.scope().tenant();
                // The call itself has counted as one.
                let count = |secrets: usize| {
                    let more = secrets.saturating_sub(1);
                    call.count_more(more)?;
                    call.count_tenant(tenant, u32::try_from(more).unwrap_or(u32::MAX))
                };
                session::vault(|vault| vault.retrieve_environment(permit, app, count))?
            }
        };
        environment(variables)
    })
}

#[pg_extern(sql = false)]
fn delete_app_secret(p_app_id: Option<Uuid>, p_key: Option<&[u8]>) -> bool {
    answer::<AppDelete, _>(|call| {
        let (app, key) = addressed(call, p_app_id, p_key)?;
        call.writes("delete an app secret")?;
        match permit_if_any::<AppDelete>(call, app)? {
            Some(permit) => session::vault(|vault| vault.delete_app_secret(permit, app, &key)),
            None => session::vault(|vault| vault.find_no_app::<AppDelete>(app, Some(&key)))
                .map(|()| false),
        }
    })
}

#[pg_extern(sql = false)]
fn update_app_secret(p_id: Option<Uuid>, p_key: Option<&[u8]>, p_value: Option<&[u8]>) {
    answer::<AppUpdate, _>(|call| {
        let id = call.credential(p_id, "p_id")?;
        let key = p_key.map(|_| app_key(p_key, "p_key")).transpose()?;
        let value = p_value
            .map(|_| secret_text(p_value, "p_value"))
            .transpose()?;
        if key.is_none() && value.is_none() {
            return Err(VaultError::InvalidArgument {
                argument: "p_value",
                rule: "Give p_key, p_value or both: what is NULL stays as it is.".to_owned(),
            });
        }
        call.writes("update an app secret")?;
        let permit = call.permit::<AppUpdate>(id)?;
        session::vault(|vault| vault.update_app_secret(permit, id, key.as_ref(), value.as_deref()))
    });
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn list_app_secrets(
    p_app_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(id, Uuid),
        name!(app_id, Uuid),
        name!(key, String),
        name!(hint, Option<reply::Varlena>),
        name!(created_at, Option<TimestampWithTimeZone>),
        name!(updated_at, Option<TimestampWithTimeZone>),
    ),
> {
    let (app, entries) = answer::<AppList, _>(|call| {
        let app = of_app(call, p_app_id)?;
        let entries = match permit_if_any::<AppList>(call, app)? {
            Some(permit) => session::vault(|vault| vault.list_app_secrets(permit, app))?,
            None => {
                session::vault(|vault| vault.find_no_app::<AppList>(app, None))?;
                Vec::new()
            }
        };
        Ok((app, entries))
    });
    let timestamp = |Instant(us)| TimestampWithTimeZone::try_from(us).ok();
    TableIterator::new(entries.into_iter().map(move |entry| {
        (
            Uuid::from_bytes(*entry.id.as_bytes()),
            Uuid::from_bytes(*app.as_bytes()),
            entry.key,
            pg::text::from_utf8(entry.hint.as_bytes()).map(|hint| reply::varlena(&hint)),
            timestamp(entry.created_at),
            timestamp(entry.updated_at),
        )
    }))
}

fn of_app(call: &Call, app: Option<Uuid>) -> Result<AppId, VaultError> {
    let app = app_id(app, "p_app_id")?;
    call.of_app(app, None);
    Ok(app)
}

fn addressed(
    call: &Call,
    app: Option<Uuid>,
    key: Option<&[u8]>,
) -> Result<(AppId, AppKey), VaultError> {
    let app = of_app(call, app)?;
    let key = app_key(key, "p_key")?;
    call.of_app(app, Some(&key));
    Ok((app, key))
}

fn permit_if_any<A: Action>(call: &Call, app: AppId) -> Result<Option<Permit<A>>, VaultError> {
    let permit = policy::for_app::<A>(app)?;
    if let Some(permit) = &permit {
        noted(call, permit)?;
    }
    Ok(permit)
}

fn noted<A: Action>(call: &Call, permit: &Permit<A>) -> Result<(), VaultError> {
    let tenant = permit.scope().tenant();
    call.of_tenant(tenant);
    call.count_tenant(tenant, 1)
}

/// A JSON object of keys, which need no quoting, and released secrets.
fn environment(variables: Vec<(String, Released)>) -> Result<reply::Varlena, VaultError> {
    let variables: Vec<_> = variables
        .into_iter()
        .map(|(key, released)| (key, released.into_secret()))
        .collect();
    let bytes = variables
        .iter()
        .map(|(key, secret)| key.len() + secret.len())
        .sum();
    let mut json = JsonObject::with_room_for(variables.len(), bytes);
    for (key, secret) in &variables {
        json.put(key, secret.expose())?;
    }
    json.finish()
}
