//! Which credentials are decoys, and what happens when somebody touches one: the call goes on as any other, and a second
//! record beside its own says what it was.
//!
//! What is recorded passes through here on its way to the log, whatever the call and whatever it ended in. Where there
//! are no decoys it costs a look at an empty set.

use std::cell::RefCell;
use std::collections::HashSet;

use envelope::{Fingerprint, KeyRing};
use vault::{
    Action, AppRetrieve, Audit, CredentialId, DecoyRead, DecoyTouched, Event, Export, Hmac, Prune,
    Receipt, Retrieve, TenantId, TenantRetrieve, VaultError, WholeVault,
};

use crate::audit::AccessLog;
use crate::pg::{notify, relation, transaction};
use crate::storage;

/// Fixed by contract: whoever is to be woken listens on it.
const CHANNEL: &std::ffi::CStr = c"vault_alert";

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

struct Known {
    read_at: relation::Generation,
    ids: HashSet<CredentialId>,
}

/// Looks up the decoys, unless none was stored or destroyed since. To be called before a call runs: a record may have to
/// be made when nothing can be looked up any more.
pub fn learn(whole: &WholeVault) {
    KNOWN.with_borrow_mut(|known| {
        let stands = known
            .as_ref()
            .is_some_and(|known| known.read_at == relation::generation());
        if !stands {
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
            // A call that fails takes its announcements back with it; on a standby there are none.
            if alert.sqlstate.is_none() && !transaction::is_in_recovery() {
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
    // Who has it sign has it, as far as its service can tell.
    let reads = [
        Retrieve::NAME,
        TenantRetrieve::NAME,
        AppRetrieve::NAME,
        Hmac::NAME,
        Export::NAME,
    ];
    let is_read = reads.contains(&event.action);
    Event {
        action: if is_read {
            DecoyRead::NAME
        } else {
            DecoyTouched::NAME
        },
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
