//! `vault.refer_to_credentials`: a foreign key to the credentials, for who may not refer to them by itself.

use pgrx::{pg_extern, pg_sys};
use vault::VaultError;

use super::argument::{optional_text, required};
use crate::pg::attempt::{ServerError, attempt};
use crate::storage::references;

#[pg_extern(sql = false)]
fn refer_to_credentials(
    p_table: Option<pg_sys::Oid>,
    p_column: Option<&[u8]>,
    p_tenant_column: Option<&[u8]>,
    p_on_delete: Option<&[u8]>,
) {
    match attempt(|| refer(p_table, p_column, p_tenant_column, p_on_delete)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => ServerError::from(error).raise(),
        Err(raised) => raised.raise(),
    }
}

fn refer(
    table: Option<pg_sys::Oid>,
    column: Option<&[u8]>,
    tenant_column: Option<&[u8]>,
    on_delete: Option<&[u8]>,
) -> Result<(), VaultError> {
    let table = required(table, "p_table")?;
    let column = required(optional_text(column, "p_column")?, "p_column")?;
    let tenant_column = required(
        optional_text(tenant_column, "p_tenant_column")?,
        "p_tenant_column",
    )?;
    let on_delete = required(optional_text(on_delete, "p_on_delete")?, "p_on_delete")?;
    references::make(table.to_u32(), &column, &tenant_column, &on_delete)
}
