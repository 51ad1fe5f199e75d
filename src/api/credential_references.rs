//! `vault.credential_references`: who would mind if a credential were deleted.

use pgrx::iter::TableIterator;
use pgrx::pg_sys::Oid;
use pgrx::{Uuid, name, pg_extern};
use vault::ListReferences;

use super::door::answer;
use crate::pg::{reply, text};
use crate::session;
use crate::storage::references;

#[pg_extern(sql = false)]
fn credential_references(
    p_secret_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(table_name, Oid),
        name!(column_name, reply::Varlena),
        name!(rows, i64),
    ),
> {
    let found = answer::<ListReferences, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        let permit = call.permit::<ListReferences>(id)?;
        let found = references::to(permit.scope(), id);
        session::vault(|vault| vault.references_listed(permit, id))?;
        Ok(found)
    });
    TableIterator::new(found.into_iter().map(|reference| {
        let column = reply::varlena(&text::lossy_from_utf8(&reference.column));
        (Oid::from(reference.table), column, reference.rows)
    }))
}
