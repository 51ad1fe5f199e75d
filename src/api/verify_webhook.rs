//! `vault.verify_webhook`: whether a service has signed what came in its name.

use std::fmt;

use pgrx::{Uuid, pg_extern};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use vault::integrations::Mode;
use vault::{VaultError, VerifyWebhook, WebhookMaterial};
use webhook::{Definition, Environment, HEADERS_MAX, Headers, Key, TOLERANCE_S};

use super::argument::{required, tenant_id};
use super::door::answer;
use super::integration::service_name;
use crate::pg::clock::Timestamp;
use crate::pg::json::Jsonb;
use crate::{policy, session};

/// Of all headers together, as JSON.
const HEADERS_MAX_BYTES: usize = 256 * 1024;

#[pg_extern(sql = false)]
fn verify_webhook(
    p_tenant_id: Option<Uuid>,
    p_service: Option<&[u8]>,
    p_payload: Option<&[u8]>,
    p_headers: Option<Jsonb>,
) -> bool {
    answer::<VerifyWebhook, _>(|call| {
        let tenant = tenant_id(p_tenant_id, "p_tenant_id")?;
        let service = service_name(p_service)?;
        let payload = required(p_payload, "p_payload")?;
        let headers = headers(required(p_headers, "p_headers")?)?;
        let permit = policy::for_tenant::<VerifyWebhook>(tenant)?;
        call.of_tenant(tenant);
        let now_s = (Timestamp::now().unix_ms() / 1000).cast_signed();
        session::vault(|vault| {
            vault.verify_webhook(permit, &service, |material| {
                // Now that the catalogue knows it: what is no service might be a key in the wrong place.
                call.note_more(service.as_str());
                judged(material, payload, &headers, now_s)
            })
        })
    })
}

/// The word of a refusal; `None`: it is genuine.
fn judged(
    material: &WebhookMaterial,
    payload: &[u8],
    headers: &Headers,
    now_s: i64,
) -> Result<Option<&'static str>, VaultError> {
    let webhook = material.service.webhook.as_ref();
    let webhook = webhook.ok_or(VaultError::WebhooksUnknown)?;
    let definition = Definition::parse(webhook.definition.as_bytes())
        .map_err(|error| VaultError::WebhookUnusable { rule: error.0 })?;
    let field = definition.field().unwrap_or_default();
    let public = material.public.get(field).map(String::as_bytes);
    let secrets = material.secrets.iter().map(|secret| secret.expose());
    // The one that was saved last stands first. A former one that is none does not stop the one that has replaced it; and
    // one that is none leaves a former one its overlap.
    let mut given = secrets.chain(public).map(|key| definition.key(key));
    let (last, former) = (given.next(), given.flatten());
    let (last, unusable) = match last {
        Some(Ok(key)) => (Some(key), None),
        Some(Err(error)) => (
            None,
            Some(VaultError::WebhookUnusable { rule: error.rule() }),
        ),
        None => (None, None),
    };
    let keys: Vec<Key> = last.into_iter().chain(former).collect();
    match unusable {
        // Never by the catalogue's own keys, which the tenant's stands for.
        Some(error) if keys.is_empty() => return Err(error),
        None if keys.is_empty() && !definition.has_keys() => {
            return Err(VaultError::WebhookSecretMissing);
        }
        _ => {}
    }
    let environment = match material.mode {
        Some(Mode::Test) => Environment::Test,
        Some(Mode::Live) | None => Environment::Live,
    };
    let verified = definition.verify(&keys, environment, payload, headers, now_s, TOLERANCE_S);
    match (verified, unusable) {
        (Ok(()), _) => Ok(None),
        (Err(_), Some(error)) => Err(error),
        (Err(refusal), None) => Ok(Some(refusal.word())),
    }
}

fn headers(json: Jsonb) -> Result<Headers, VaultError> {
    let invalid = || VaultError::InvalidArgument {
        argument: "p_headers",
        rule: format!(
            "Headers are a JSON object of strings or arrays of strings, at most {HEADERS_MAX}, of {HEADERS_MAX_BYTES} bytes together."
        ),
    };
    let text = json.to_utf8().ok_or_else(invalid)?;
    if text.len() > HEADERS_MAX_BYTES {
        return Err(invalid());
    }
    let Given(given) = serde_json::from_slice(&text).map_err(|_| invalid())?;
    Headers::new(given).ok_or_else(invalid)
}

/// Headers as a JSON object. A jsonb has no member twice; one that comes several times is an array.
struct Given(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Given, A::Error> {
                let mut all = Vec::new();
                while let Some((name, Values(values))) = members.next_entry::<String, Values>()? {
                    if all.len() + values.len() > HEADERS_MAX {
                        return Err(A::Error::custom("too many"));
                    }
                    all.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                Ok(Given(all))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// One value, or several.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, or an array of strings")
            }

            fn visit_str<E>(self, value: &str) -> Result<Values, E> {
                Ok(Values(vec![value.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Values, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = elements.next_element()? {
                    if all.len() == HEADERS_MAX {
                        return Err(A::Error::custom("too many"));
                    }
                    all.push(value);
                }
                Ok(Values(all))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
