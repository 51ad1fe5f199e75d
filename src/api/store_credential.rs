//! `vault.store_credential` and its binary sibling.

use pgrx::{Uuid, pg_extern};
use vault::{CredentialName, Description, Store, VaultError};

use super::argument::{required, secret_bytes, secret_text, text};
use super::door::{Call, answer};
use crate::{policy, session};

#[pg_extern(sql = false)]
fn store_credential(
    p_name: Option<&[u8]>,
    p_secret: Option<&[u8]>,
    p_description: Option<&[u8]>,
) -> Uuid {
    answer::<Store, _>(|call| {
        store(
            call,
            p_name,
            &secret_text(p_secret, "p_secret")?,
            p_description,
        )
    })
}

#[pg_extern(sql = false)]
fn store_credential_bytes(
    p_name: Option<&[u8]>,
    p_secret: Option<&[u8]>,
    p_description: Option<&[u8]>,
) -> Uuid {
    answer::<Store, _>(|call| {
        store(
            call,
            p_name,
            secret_bytes(p_secret, "p_secret")?,
            p_description,
        )
    })
}

fn store(
    call: &Call,
    name: Option<&[u8]>,
    secret: &[u8],
    description: Option<&[u8]>,
) -> Result<Uuid, VaultError> {
    let name = text(required(name, "p_name")?, "p_name")?;
    let name = CredentialName::parse(&name, "p_name")?;
    let description = text(description.unwrap_or_default(), "p_description")?;
    let description = Description::parse(&description, "p_description")?;
    call.writes("store a credential")?;
    let permit = policy::for_new::<Store>()?;
    call.of_tenant(permit.scope().tenant());
    call.count_tenant(permit.scope().tenant(), 1)?;
    let id = session::vault(|vault| vault.store(permit, &name, &description, secret))?;
    Ok(Uuid::from_bytes(*id.as_bytes()))
}
