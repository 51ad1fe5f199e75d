//! A tenant's secrets by key: `vault.encrypt_tenant_secret` and its family.

use pgrx::iter::SetOfIterator;
use pgrx::{Uuid, pg_extern};
use vault::{
    Action, Permit, SecretKey, TenantDelete, TenantList, TenantRetrieve, TenantStore, VaultError,
};

use super::argument::{required, secret_text, tenant_id, text};
use super::door::{Call, answer};
use super::retrieve_credential::text as released_text;
use crate::pg::reply;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn encrypt_tenant_secret(p_tenant_id: Option<Uuid>, p_key: Option<&[u8]>, p_value: Option<&[u8]>) {
    answer::<TenantStore, _>(|call| {
        let (permit, key) = addressed::<TenantStore>(call, p_tenant_id, p_key)?;
        let value = secret_text(p_value, "p_value")?;
        call.writes("store a tenant secret")?;
        session::vault(|vault| vault.store_tenant_secret(permit, &key, &value)).map(drop)
    });
}

#[pg_extern(sql = false)]
fn decrypt_tenant_secret(
    p_tenant_id: Option<Uuid>,
    p_key: Option<&[u8]>,
) -> Option<reply::Varlena> {
    answer::<TenantRetrieve, _>(|call| {
        let (permit, key) = addressed::<TenantRetrieve>(call, p_tenant_id, p_key)?;
        session::vault(|vault| vault.retrieve_tenant_secret(permit, &key))?
            .map(released_text)
            .transpose()
    })
}

#[pg_extern(sql = false)]
fn list_tenant_secret_keys(p_tenant_id: Option<Uuid>) -> SetOfIterator<'static, String> {
    let keys = answer::<TenantList, _>(|call| {
        let permit = for_tenant::<TenantList>(call, p_tenant_id)?;
        session::vault(|vault| vault.list_tenant_keys(permit))
    });
    SetOfIterator::new(keys)
}

#[pg_extern(sql = false)]
fn delete_tenant_secret(p_tenant_id: Option<Uuid>, p_key: Option<&[u8]>) -> bool {
    answer::<TenantDelete, _>(|call| {
        let (permit, key) = addressed::<TenantDelete>(call, p_tenant_id, p_key)?;
        call.writes("delete a tenant secret")?;
        session::vault(|vault| vault.delete_tenant_secret(permit, &key))
    })
}

fn for_tenant<A: Action>(call: &Call, tenant: Option<Uuid>) -> Result<Permit<A>, VaultError> {
    let tenant = tenant_id(tenant, "p_tenant_id")?;
    call.of_tenant(tenant);
    call.count_tenant(tenant, 1)?;
    policy::for_tenant(tenant)
}

fn addressed<A: Action>(
    call: &Call,
    tenant: Option<Uuid>,
    key: Option<&[u8]>,
) -> Result<(Permit<A>, SecretKey), VaultError> {
    let permit = for_tenant(call, tenant)?;
    let key = SecretKey::parse(&text(required(key, "p_key")?, "p_key")?, "p_key")?;
    call.of_key(&key);
    Ok((permit, key))
}
