//! A record as a line of a standby's audit file: JSON in ASCII, with a MAC at its end. docs/runbooks/standby.md specifies it.

use std::borrow::Cow;
use std::net::IpAddr;

use auditchain::{Fingerprint, HASH_BYTES, KeyOf, Keys};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vault::{CredentialId, Event, Outcome, TenantId, action_named};

use super::address::Address;
use super::caller::Caller;
use super::chain::Key;
use super::durable::Entry;
use crate::hex::{from_hex, hex};
use crate::pg::clock::Timestamp;
use crate::pg::identity::Name;
use crate::pg::{server, text};

const FORMAT: u8 = 1;
/// What comes before the MAC's 64 digits, and after them.
const BEFORE_MAC: &str = ",\"mac\":\"";
const AFTER_MAC: &str = "\"}";

/// The columns of vault.vault_access_log, of which a standby's records have no `xid`; before them, where they are from.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    format: u8,
    /// In digits: too large for what JSON calls a number.
    system: String,
    database: u32,
    origin: String,
    id: Uuid,
    /// Microseconds since the Unix epoch.
    accessed_at_us: i64,
    session_user: String,
    action: String,
    outcome: String,
    backend_pid: i32,
    effective_role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sqlstate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims_subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims_tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claims_trusted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    application_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_addr: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform_account: Option<String>,
    /// The fingerprint of the root key whose chain key made the MAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chain_key: Option<String>,
}

impl Line {
    pub fn of(entry: &Entry<'_>) -> Self {
        let Entry {
            event, caller, at, ..
        } = entry;
        let name = Some(caller.application_name).filter(|name| !name.is_empty());
        Self {
            format: FORMAT,
            system: server::system_identifier().to_string(),
            database: server::database_oid(),
            origin: short(&server::name()),
            id: Uuid::from_bytes(entry.identity()),
            accessed_at_us: at.unix_us(),
            session_user: utf8(caller.session_user.as_bytes()),
            action: event.action.to_owned(),
            outcome: event.outcome.word().to_owned(),
            backend_pid: caller.backend_pid,
            effective_role: utf8(caller.effective_role.as_bytes()),
            secret_id: event
                .credential
                .as_ref()
                .map(|id| Uuid::from_bytes(*id.as_bytes())),
            sqlstate: event.sqlstate.map(str::to_owned),
            tenant_id: event
                .tenant
                .as_ref()
                .map(|tenant| Uuid::from_bytes(*tenant.as_bytes())),
            secret_key: event.key.map(str::to_owned),
            claims_subject: caller.claims_subject.clone(),
            claims_tenant: caller.claims_tenant.clone(),
            claims_trusted: caller.claims_trusted,
            application_name: name.map(utf8),
            client_addr: caller
                .client_address
                .and_then(Address::of_inet)
                .map(|address| address.ip()),
            correlation_id: caller.correlation_id.clone(),
            access_reason: caller.access_reason.clone(),
            lane: caller.lane.clone(),
            platform_account: caller.platform_account.clone(),
            chain_key: None,
        }
    }

    /// `line = json-without-its-brace || ,"mac":" || hex(HMAC-SHA256(key, "tv1/line" || json-without-its-brace)) || "}`
    ///
    /// Without a key, there being no root key, it is the JSON alone; such a line is not imported.
    pub fn sealed(mut self, key: Option<&Key>) -> String {
        self.chain_key = key.map(|key| hex(key.of.as_bytes()));
        let mut line = ascii(&serde_json::to_string(&self).unwrap_or_default());
        if let Some(key) = key {
            line.pop();
            let mac = key.key.standby_mac(line.as_bytes());
            line.push_str(BEFORE_MAC);
            line.push_str(&hex(&mac));
            line.push_str(AFTER_MAC);
        }
        line
    }
}

/// A line read back: a record to append, with what it lends to one.
pub struct Recorded {
    line: Line,
    action: &'static str,
    outcome: Outcome,
    application_name: Vec<u8>,
    address: Option<Vec<u8>>,
}

impl Recorded {
    /// What a standby of this cluster has written for this database.
    ///
    /// - errors: why the line is nothing of the kind.
    pub fn read(line: &[u8], keys: &Keys) -> Result<Self, String> {
        let (body, mac) = split(line)
            .ok_or("it has no MAC: it was cut off, or made while there was no root key")?;
        let text = format!("{}}}", std::str::from_utf8(body).unwrap_or_default());
        let line: Line = serde_json::from_str(&text)
            .map_err(|_| "it is not a line of a standby's audit file".to_owned())?;
        let root = line
            .chain_key
            .as_deref()
            .and_then(from_hex)
            .map(Fingerprint::from_bytes)
            .ok_or("it names no key")?;
        let KeyOf::Known(key) = keys.of(Some(root)) else {
            return Err(format!("its root key {root} is not in the key ring"));
        };
        if !key.made_standby_line(body, &mac) {
            return Err("its MAC is wrong: it was changed, or made elsewhere".to_owned());
        }
        if line.system != server::system_identifier().to_string() {
            return Err("it is of another cluster".to_owned());
        }
        if line.database != server::database_oid() {
            return Err("it is of another database".to_owned());
        }
        let outcome = Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.word() == line.outcome);
        let (FORMAT, Some(action), Some(outcome)) =
            (line.format, action_named(&line.action), outcome)
        else {
            return Err("another version of the extension has made it".to_owned());
        };
        Ok(Self {
            action,
            outcome,
            application_name: line
                .application_name
                .as_deref()
                .map_or_else(Vec::new, |name| text::lossy_from_utf8(name).into_owned()),
            address: line
                .client_addr
                .map(|address| Address::of_ip(address).inet()),
            line,
        })
    }

    pub fn id(&self) -> [u8; 16] {
        *self.line.id.as_bytes()
    }

    pub fn origin(&self) -> &str {
        &self.line.origin
    }

    pub fn caller(&self) -> Caller<'_> {
        let line = &self.line;
        Caller {
            session_user: Name::from_bytes(&text::lossy_from_utf8(&line.session_user)),
            effective_role: Name::from_bytes(&text::lossy_from_utf8(&line.effective_role)),
            claims_subject: line.claims_subject.clone(),
            claims_tenant: line.claims_tenant.clone(),
            claims_trusted: line.claims_trusted,
            application_name: &self.application_name,
            client_address: self.address.as_deref(),
            backend_pid: line.backend_pid,
            xid: None,
            correlation_id: line.correlation_id.clone(),
            access_reason: line.access_reason.clone(),
            lane: line.lane.clone(),
            platform_account: line.platform_account.clone(),
            origin: Some(line.origin.clone()),
        }
    }

    pub fn entry<'a>(&'a self, caller: &'a Caller<'a>) -> Entry<'a> {
        let line = &self.line;
        Entry {
            event: Event {
                action: self.action,
                outcome: self.outcome,
                tenant: line
                    .tenant_id
                    .map(|id| TenantId::from_bytes(*id.as_bytes())),
                credential: line
                    .secret_id
                    .map(|id| CredentialId::from_bytes(*id.as_bytes())),
                key: line.secret_key.as_deref(),
                sqlstate: line.sqlstate.as_deref(),
            },
            caller,
            at: Timestamp::from_unix_us(line.accessed_at_us),
            id: Some(self.id()),
        }
    }
}

/// The part that the MAC is over, and the MAC.
fn split(line: &[u8]) -> Option<(&[u8], [u8; HASH_BYTES])> {
    let line = line.strip_suffix(AFTER_MAC.as_bytes())?;
    let (rest, digits) = line.split_at_checked(line.len().checked_sub(2 * HASH_BYTES)?)?;
    let mac = from_hex(std::str::from_utf8(digits).ok()?)?;
    Some((rest.strip_suffix(BEFORE_MAC.as_bytes())?, mac))
}

fn utf8(server: &[u8]) -> String {
    let utf8 = text::to_utf8(server).unwrap_or(Cow::Borrowed(server));
    String::from_utf8_lossy(&utf8).into_owned()
}

/// At most 63 characters of ASCII, whatever the machine is called.
fn short(name: &[u8]) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    String::from_utf8_lossy(name)
        .chars()
        .take(63)
        .map(plain)
        .collect()
}

/// JSON with what is not ASCII, which stands in its strings alone, as `\uXXXX`.
fn ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len() + 80);
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&format!("\\u{unit:04x}"));
        }
    }
    ascii
}
