//! Which credentials are decoys, and what happens when somebody touches one: the call goes on as any other, and a second
//! record beside its own says what it was.
//!
//! What is recorded passes through here on its way to the log, whatever the call and whatever it ended in. Where there
//! are no decoys it costs a look at an empty set.

use std::cell::RefCell;
use std::collections::HashSet;

use envelope::{Fingerprint, KeyRing};
use vault::{
    Action, Audit, CredentialId, Event, Prune, Receipt, Retrieve, TenantId, TenantRetrieve,
    VaultError, WholeVault,
};

use crate::audit::AccessLog;
use crate::pg::{notify, relation};
use crate::storage;

/// Fixed by contract: whoever is to be woken listens on it.
const CHANNEL: &std::ffi::CStr = c"vault_alert";
/// Actions of the records that are alerts; sql/install/30_api/decoy_views.sql knows them too.
const READ: &str = "decoy_read";
const TOUCHED: &str = "decoy_touched";

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

struct Known {
    read_at: relation::Generation,
    ids: HashSet<CredentialId>,
}

/// Takes notice of decoys stored or destroyed since. To be called before a call runs: a record may have to be made when
/// nothing can be looked up any more.
pub fn learn(whole: &WholeVault) {
    KNOWN.with_borrow_mut(|known| {
        let stands = known
            .as_ref()
            .is_some_and(|known| known.read_at == relation::generation());
        if !stands {
            // Looked up to be watched: each change of a row of vault.decoys counts as a change of this table
            // (sql/install/30_api/key_rows_changed.sql).
            relation::table(c"vault", c"wrapped_tenant_keys");
            let read_at = relation::generation();
            let ids = storage::decoys(whole);
            *known = Some(Known { read_at, ids });
        }
    });
}

fn is_decoy(id: &CredentialId) -> bool {
    KNOWN.with_borrow(|known| known.as_ref().is_some_and(|known| known.ids.contains(id)))
}

/// The access log, to which every record of a decoy's goes together with an alert.
pub struct WatchedLog;

impl Audit for WatchedLog {
    fn append(&mut self, events: &[Event<'_>]) -> Result<Receipt, VaultError> {
        // What the calendar prunes, nobody has touched.
        let of_decoys = events.iter().filter(|event| {
            event.action != Prune::NAME && event.credential.as_ref().is_some_and(is_decoy)
        });
        let alerts: Vec<Event<'_>> = of_decoys.map(alert).collect();
        if alerts.is_empty() {
            return AccessLog.append(events);
        }
        let receipt = AccessLog.append(&[events, &alerts].concat())?;
        for alert in &alerts {
            // A call that fails takes its announcements back with it.
            if alert.sqlstate.is_none() {
                announce(alert);
            }
        }
        Ok(receipt)
    }

    fn chain_under(&mut self, ring: &KeyRing, active: Option<Fingerprint>) {
        AccessLog.chain_under(ring, active);
    }
}

fn alert<'a>(event: &Event<'a>) -> Event<'a> {
    let is_read = [Retrieve::NAME, TenantRetrieve::NAME].contains(&event.action);
    Event {
        action: if is_read { READ } else { TOUCHED },
        key: Some(event.action),
        ..event.clone()
    }
}

fn announce(alert: &Event<'_>) {
    let id = alert
        .credential
        .map(|id| id.to_string())
        .unwrap_or_default();
    let tenant = alert.tenant.unwrap_or(TenantId::PLATFORM);
    let (action, call) = (alert.action, alert.key.unwrap_or_default());
    notify::notify(
        CHANNEL,
        &format!(r#"{{"id":"{id}","tenant_id":"{tenant}","action":"{action}","call":"{call}"}}"#),
    );
}
