//! What the catalogue's trigger asks of a row before it is written.

use pgrx::pg_extern;
use vault::integrations::{Service, ServiceRow};
use webhook::Definition;

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
    let definition = match webhook
        .as_ref()
        .map(|text| Definition::parse(text.as_bytes()))
    {
        Some(Err(error)) => return Some(format!("webhook: {error}")),
        Some(Ok(definition)) => Some(definition),
        None => None,
    };
    let service = Service::parse(&ServiceRow {
        service: &column(p_service),
        category: &column(p_category),
        label: &column(p_label),
        offered: true,
        fields: &fields,
        webhook: webhook.as_deref(),
    });
    let service = match service {
        Ok(service) => service,
        Err(fault) => return Some(fault),
    };
    let definition = definition.filter(|definition| !definition.has_keys())?;
    // Whoever may list could sign with it.
    let field = service.field(definition.field()?)?;
    (!field.secret).then(|| {
        "the field of webhook is a secret one, unless signatures are verified by a public key"
            .to_owned()
    })
}
