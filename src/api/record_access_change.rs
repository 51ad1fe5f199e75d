//! `vault.record_access_change`, by which grant_access, require_reason and their family, written in SQL, reach the access log.

use pgrx::pg_extern;
use vault::{Audit, Event, Outcome, VaultError};

use super::argument::{optional_text, required};
use crate::audit::AccessLog;
use crate::pg::attempt::ServerError;

#[pg_extern(sql = false)]
fn record_access_change(
    p_action: Option<&str>,
    p_outcome: Option<&str>,
    p_sqlstate: Option<&str>,
    p_subject: Option<&[u8]>,
) {
    if let Err(error) = record(p_action, p_outcome, p_sqlstate, p_subject) {
        ServerError::from(error).raise();
    }
}

fn record(
    action: Option<&str>,
    outcome: Option<&str>,
    sqlstate: Option<&str>,
    subject: Option<&[u8]>,
) -> Result<(), VaultError> {
    let action = match required(action, "p_action")? {
        "grant_access" => "grant_access",
        "revoke_access" => "revoke_access",
        "require_reason" => "require_reason",
        _ => return Err(VaultError::Internal("an access change of an unknown name")),
    };
    let outcome = match required(outcome, "p_outcome")? {
        "ok" => Outcome::Ok,
        "refused" => Outcome::Refused,
        _ => {
            return Err(VaultError::Internal(
                "an access change of an unknown outcome",
            ));
        }
    };
    let subject = optional_text(subject, "p_subject")?;
    let event = Event {
        action,
        outcome,
        tenant: None,
        credential: None,
        key: subject.as_deref(),
        sqlstate,
    };
    AccessLog.append(&[event]).map(drop)
}
