//! Tenants' accounts at services: what the catalogue says of a service, what a tenant has of it, and who waits to have it
//! verified. The port behind them.

mod catalogue;
mod given;
mod mistakes;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use catalogue::{Charset, Field, Mode, Service, ServiceRow, Webhook};
pub use given::{GivenField, parse_given};
pub use mistakes::{key_within, mistake};

use crate::{Current, Instant, Locked, Removed, Scope, Span, TenantId, VaultError, WholeVault};

/// Settings and account data are small; they are no place for documents.
pub const OBJECT_MAX_BYTES: usize = 8192;

/// What a secret of an integration is called in storage and in the log: `<service>/<field>`, unique within its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationSecretName(String);

impl IntegrationSecretName {
    pub fn new(service: &ServiceName, field: &str) -> Self {
        Self(format!("{}/{field}", service.as_str()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a service, whether or not the catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName(String);

impl ServiceName {
    pub fn parse(text: &str, argument: &'static str) -> Result<Self, VaultError> {
        if !catalogue::is_name(text) {
            let rule = format!(
                "The name of a service matches ^[a-z][a-z0-9_]*$ and has at most {} characters; vault.integration_services \
                 has them.",
                catalogue::NAME_MAX_BYTES
            );
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A small JSON object that holds no secret.
pub type PlainObject = Map<String, Value>;

/// - errors: [`VaultError::InvalidArgument`] for what is no object, or too long a one.
pub fn parse_plain(json: &[u8], argument: &'static str) -> Result<PlainObject, VaultError> {
    let refused = |rule: String| VaultError::InvalidArgument { argument, rule };
    if json.len() > OBJECT_MAX_BYTES {
        let rule = format!(
            "It has at most {OBJECT_MAX_BYTES} bytes; this one has {}.",
            json.len()
        );
        return Err(refused(rule));
    }
    let object = match serde_json::from_slice(json) {
        Ok(Value::Object(object)) => object,
        _ => {
            let rule = "It is a JSON object, nested less than 128 deep, of numbers that a double can hold.";
            return Err(refused(rule.to_owned()));
        }
    };
    match numbers(json).all(is_kept) {
        true => Ok(object),
        false => Err(refused(
            "A number in it has more digits than are kept; give it as a text.".to_owned(),
        )),
    }
}

/// The numbers of a JSON text, as they are written.
fn numbers(json: &[u8]) -> impl Iterator<Item = &str> {
    let mut in_text = false;
    let mut escaped = false;
    let outside = move |b: &u8| {
        let was_in_text = in_text;
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ => {}
        }
        was_in_text || !(b.is_ascii_digit() || b"+-.eE".contains(b))
    };
    json.split(outside)
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter(|text| text.contains(|c: char| c.is_ascii_digit()))
}

/// Whether a number, as PostgreSQL writes those of a jsonb, comes out of an integer of 64 bits or a double as it went in.
fn is_kept(number: &str) -> bool {
    let digits = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    digits.parse::<i64>().is_ok()
        || digits.parse::<u64>().is_ok()
        || number
            .parse::<f64>()
            .is_ok_and(|double| double.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_digit_by_digit_or_refused() {
        for kept in [
            "0",
            "-1",
            "1.5",
            "1.50",
            "0.1",
            "-0.25",
            "18446744073709551615",
            "-9223372036854775808",
            "10000000000000000000000",
            "0.30000000000000004",
            "0.00000001",
            "100.0",
        ] {
            let json =
                format!(r#"{{"a": [{kept}, "12345678901234567890123 \" 1e999"], "b\"1": {kept}}}"#);
            parse_plain(json.as_bytes(), "p").unwrap_or_else(|error| panic!("{kept}: {error}"));
        }
        for lost in [
            "18446744073709551616",
            "123456789012345678901234567890.123456789",
            "0.1000000000000000055511",
            "-9223372036854775809",
            "9007199254740993.5",
        ] {
            let json = format!(r#"{{"a": {{"b": {lost}}}}}"#);
            assert!(parse_plain(json.as_bytes(), "p").is_err(), "{lost}");
        }
    }
}

/// What is in the clear of a tenant's account at a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Integration {
    pub service: ServiceName,
    /// Counts saves, from 1; 0: this save is the first.
    pub version: u32,
    pub public: BTreeMap<String, String>,
    pub settings: PlainObject,
    /// Of the fields whose beginnings tell one.
    pub modes: BTreeMap<String, Mode>,
    pub updated_at: Instant,
    pub verification: VerificationState,
    pub verified_at: Option<Instant>,
    pub message: Option<String>,
    /// What the service said of the account when it was last verified.
    pub account: Option<PlainObject>,
}

impl Integration {
    /// As its keys tell, else as the settings say.
    pub fn mode(&self) -> Option<Mode> {
        let said = || Mode::of_word(self.settings.get("mode")?.as_str()?);
        self.modes.values().next().copied().or_else(said)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerificationState {
    /// Never, or not since a field changed.
    Unverified,
    /// Asked for, no verdict yet.
    Queued,
    Ok,
    Failed,
}

impl VerificationState {
    const ALL: [Self; 4] = [Self::Unverified, Self::Queued, Self::Ok, Self::Failed];

    pub fn word(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Queued => "queued",
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// All there is to say of a secret of an integration but its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretEntry {
    pub service: String,
    pub field: String,
    pub hint: String,
    pub sealed_at: Instant,
    pub expires_at: Option<Instant>,
}

/// One tenant's account at one service, as it is committed at one moment.
#[derive(Debug)]
pub struct SealedIntegration {
    pub plain: Option<Integration>,
    /// By the names of their fields, in order.
    pub secrets: Vec<(String, Current)>,
}

/// How it stands with one service of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub service: Service,
    /// `None`: the tenant has nothing of it in the clear.
    pub plain: Option<Integration>,
    pub secrets: Vec<SecretEntry>,
}

impl Status {
    /// Whether every field that the service requires is there.
    pub fn is_connected(&self) -> bool {
        (self.plain.is_some() || !self.secrets.is_empty()) && self.missing().next().is_none()
    }

    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let has = |field: &Field| match field.secret {
            true => self.secrets.iter().any(|secret| secret.field == field.name),
            false => {
                let public = self.plain.as_ref().map(|plain| &plain.public);
                public.is_some_and(|public| public.contains_key(&field.name))
            }
        };
        let required = self.service.fields.iter().filter(|field| field.required);
        required
            .filter(move |field| !has(field))
            .map(|field| &*field.name)
    }

    /// Of the service's main secret.
    pub fn hint(&self) -> Option<&str> {
        let main = self.service.main_secret()?;
        let secret = self
            .secrets
            .iter()
            .find(|secret| secret.field == main.name)?;
        Some(&*secret.hint).filter(|hint| !hint.is_empty())
    }

    /// When the first of its secrets does.
    pub fn expires_at(&self) -> Option<Instant> {
        self.secrets
            .iter()
            .filter_map(|secret| secret.expires_at)
            .min()
    }

    pub fn updated_at(&self) -> Option<Instant> {
        let sealed = self.secrets.iter().map(|secret| secret.sealed_at).max();
        self.plain
            .as_ref()
            .map(|plain| plain.updated_at)
            .max(sealed)
    }
}

/// A request to have an integration verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerificationId(pub [u8; 16]);

impl std::fmt::Display for VerificationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&uuid::Uuid::from_bytes(self.0), f)
    }
}

impl std::fmt::Debug for VerificationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// One that a worker has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub id: VerificationId,
    pub tenant: TenantId,
    pub service: ServiceName,
    /// From 1.
    pub attempt: u32,
    pub leased_until: Instant,
}

/// How it stands with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    Queued,
    Claimed,
    /// The worker's time is over.
    Expired,
    /// There is a verdict.
    Finished,
    /// The credentials changed before there was one.
    Superseded,
}

/// A worker's answer.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    pub ok: bool,
    pub message: Option<&'a str>,
    pub account: Option<&'a PlainObject>,
}

/// How often a request is handed out before it has failed.
pub const ATTEMPTS_MAX: u32 = 5;
/// What is said of one that has had none after that.
pub const NO_VERDICT: &str = "no verdict after 5 attempts";

/// Integrations, one tenant at a time, and the queue of those to be verified, over all of them.
pub trait IntegrationStorage {
    /// The whole catalogue, in the order of category and label.
    fn services(&mut self) -> Result<Vec<Service>, VaultError>;

    /// The tenant's row of the service, made where there is none, locked against other writers.
    fn hold_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<Integration, VaultError>;
    /// The same of one that there is.
    fn lock_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<Option<Integration>, VaultError>;
    /// Writes public fields, settings and modes of a locked row, under the next version, which is answered.
    ///
    /// - anew: a field changed, so that what was verified is not verified any more.
    fn put_integration(
        &mut self,
        scope: &Scope,
        integration: &Integration,
        anew: bool,
    ) -> Result<u32, VaultError>;
    /// Removes a locked row, and every request about it.
    fn forget_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<(), VaultError>;

    fn lock_integration_secret(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Option<Locked>, VaultError>;
    fn remove_integration_secret(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Option<Removed>, VaultError>;
    /// - now: as it is committed now, whatever the transaction's snapshot shows.
    fn sealed_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
        now: bool,
    ) -> Result<SealedIntegration, VaultError>;
    /// The current version of a secret, and former ones whose overlap has not ended, the newest first, as they are
    /// committed now.
    fn open_versions(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Vec<Current>, VaultError>;

    /// What the tenant has in the clear, of every service.
    fn integrations(&mut self, scope: &Scope) -> Result<Vec<Integration>, VaultError>;
    /// The tenant's secrets of every service, without their values, in the order of their names.
    fn integration_secrets(&mut self, scope: &Scope) -> Result<Vec<SecretEntry>, VaultError>;

    /// The open request about an integration, whose row is locked; `fresh` where there is none. Forgets old ones.
    fn request_verification(
        &mut self,
        scope: &Scope,
        integration: &Integration,
        fresh: VerificationId,
    ) -> Result<VerificationId, VaultError>;
    /// To be heard once the transaction commits.
    fn announce_verification(&mut self, id: VerificationId) -> Result<(), VaultError>;
    /// Calls requests failed that were handed out often enough and had no verdict; of one tenant, or of all.
    fn give_up(&mut self, whole: &WholeVault, tenant: Option<TenantId>) -> Result<(), VaultError>;
    /// Takes the request that is due longest and that nobody else is taking, until the lease ends.
    fn claim(
        &mut self,
        whole: &WholeVault,
        tenant: Option<TenantId>,
        lease: Span,
    ) -> Result<Option<Claim>, VaultError>;
    /// Whose a request is, and about what.
    fn request(
        &mut self,
        whole: &WholeVault,
        id: VerificationId,
    ) -> Result<Option<(TenantId, ServiceName)>, VaultError>;
    /// How it stands with a request, which is locked.
    fn lock_request(
        &mut self,
        scope: &Scope,
        id: VerificationId,
    ) -> Result<Option<RequestState>, VaultError>;
    /// Puts the verdict on the request and its integration; both are locked.
    fn conclude(
        &mut self,
        scope: &Scope,
        id: VerificationId,
        service: &ServiceName,
        verdict: Verdict<'_>,
    ) -> Result<(), VaultError>;
}
