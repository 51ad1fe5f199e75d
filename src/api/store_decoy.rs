//! `vault.store_decoy`.

use pgrx::{Uuid, pg_extern};
use vault::{Bait, CredentialName, Description, Guise, SecretKey, StoreDecoy, VaultError};

use super::argument::{required, secret_text, tenant_id, text};
use super::door::{Call, answer};
use crate::{policy, session};

/// Longer than any issuer's.
const PREFIX_MAX_BYTES: usize = 100;

#[pg_extern(sql = false)]
fn store_decoy(
    p_name: Option<&[u8]>,
    p_description: Option<&[u8]>,
    p_tenant_id: Option<Uuid>,
    p_prefix: Option<&[u8]>,
    p_secret: Option<&[u8]>,
) -> Uuid {
    answer::<StoreDecoy, _>(|call| {
        store(
            call,
            p_name,
            p_description,
            p_tenant_id,
            (p_prefix, p_secret),
        )
    })
}

fn store(
    call: &Call,
    name: Option<&[u8]>,
    description: Option<&[u8]>,
    tenant: Option<Uuid>,
    (prefix, secret): (Option<&[u8]>, Option<&[u8]>),
) -> Result<Uuid, VaultError> {
    let name = text(required(name, "p_name")?, "p_name")?;
    let description = text(description.unwrap_or_default(), "p_description")?;
    let secret = secret
        .map(|given| secret_text(Some(given), "p_secret"))
        .transpose()?;
    let prefix = text(prefix.unwrap_or_default(), "p_prefix")?;
    if prefix.len() > PREFIX_MAX_BYTES || !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(VaultError::InvalidArgument {
            argument: "p_prefix",
            rule: format!(
                "A prefix has at most {PREFIX_MAX_BYTES} characters, all of them visible ASCII."
            ),
        });
    }
    let (credential, key);
    let (permit, guise) = match tenant {
        None => {
            let described = Description::parse(&description, "p_description")?;
            credential = (CredentialName::parse(&name, "p_name")?, described);
            (
                policy::for_new::<StoreDecoy>()?,
                Guise::Credential(&credential.0, &credential.1),
            )
        }
        Some(tenant) => {
            if !description.is_empty() {
                return Err(VaultError::InvalidArgument {
                    argument: "p_description",
                    rule: "A tenant's secret has none.".to_owned(),
                });
            }
            key = SecretKey::parse(&name, "p_name")?;
            let tenant = tenant_id(Some(tenant), "p_tenant_id")?;
            (policy::for_tenant(tenant)?, Guise::TenantSecret(&key))
        }
    };
    call.of_tenant(permit.scope().tenant());
    call.writes("store a credential")?;
    let bait = match &secret {
        Some(secret) => Bait::Given(secret),
        None => Bait::MadeUp { prefix: &prefix },
    };
    let id = session::vault(|vault| vault.store_decoy(permit, guise, bait))?;
    Ok(Uuid::from_bytes(*id.as_bytes()))
}
