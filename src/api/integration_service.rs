//! What the catalogue's trigger asks of a row before it is written.

use pgrx::pg_extern;
use vault::integrations::{Service, ServiceRow};

use super::argument::text;
use crate::pg::json::Jsonb;

/// `None`: nothing is wrong. The words repeat nothing of the row.
#[pg_extern(sql = false)]
fn integration_service_fault(
    p_service: Option<&[u8]>,
    p_category: Option<&[u8]>,
    p_label: Option<&[u8]>,
    p_fields: Option<Jsonb>,
    p_webhook: Option<Jsonb>,
) -> Option<String> {
    let column = |value: Option<&[u8]>| {
        let value = value.unwrap_or_default();
        text(value, "value").map(String::from).unwrap_or_default()
    };
    let json = |value: &Jsonb| {
        let utf8 = value.to_utf8().unwrap_or_default().into_owned();
        String::from_utf8(utf8).unwrap_or_default()
    };
    let fields = p_fields.as_ref().map(json).unwrap_or_default();
    let webhook = p_webhook.as_ref().map(json);
    Service::parse(&ServiceRow {
        service: &column(p_service),
        category: &column(p_category),
        label: &column(p_label),
        offered: true,
        fields: &fields,
        webhook: webhook.as_deref(),
    })
    .err()
}
