//! Tenants' accounts at services: saved, read, removed, shown, and handed to those who verify them.

use std::collections::BTreeMap;

use envelope::{KeyRing, Secret};
use serde_json::Value;

use super::Vault;
use super::place::Place;
use super::versions::{event_of_prune, note_of};
use crate::integrations::{
    Claim, Field, GivenField, Integration, IntegrationSecretName, IntegrationStorage, Mode,
    OBJECT_MAX_BYTES, PlainObject, RequestState, SealedIntegration, Service, ServiceName, Status,
    Verdict, VerificationId, key_within, mistake,
};
use crate::{
    Action, Audit, CredentialId, Entropy, Event, Hint, IntegrationDelete, IntegrationList,
    IntegrationRetrieve, IntegrationStore, KeyStorage, Kind, News, Outcome, Permit, Pruned,
    Receipt, Released, Removed, RootKeys, Rotation, Scope, Span, Storage, TenantId, VaultError,
    VerificationClaim, VerificationRecord, VerificationRequest, VersionStorage, WholeVault,
};

/// What a worker has to say of an account is a sentence.
const MESSAGE_MAX_CHARS: usize = 500;
/// Requests that cannot be served, passed over in one call.
const PASSED_OVER_MAX: usize = 16;
/// A shorter value could stand in a message by accident.
const TELLING_SECRET_MIN_BYTES: usize = 8;

/// What a tenant has of a service, opened.
#[derive(Debug)]
pub struct OpenIntegration {
    pub secrets: Vec<(String, Released)>,
    pub public: BTreeMap<String, String>,
    pub settings: PlainObject,
}

/// What signatures of a service are verified with. It is released to nobody.
#[derive(Debug)]
pub struct WebhookMaterial {
    pub service: Service,
    /// Of the field that the catalogue names: the current one first, then those whose overlap has not ended.
    pub secrets: Vec<Secret>,
    /// Its fields in the clear, where that field is none that is sealed.
    pub public: BTreeMap<String, String>,
    /// Of the current secret.
    pub credential: Option<CredentialId>,
}

/// What is not let go of yet.
struct Opened {
    secrets: Vec<(String, Secret)>,
    plain: Option<Integration>,
    /// Of the secret, where it is one alone.
    only: Option<CredentialId>,
}

impl Opened {
    fn released(self, receipt: &Receipt) -> OpenIntegration {
        let release = |(field, secret)| (field, Released::new(secret, receipt));
        let (public, settings) = match self.plain {
            Some(plain) => (plain.public, plain.settings),
            None => Default::default(),
        };
        OpenIntegration {
            secrets: self.secrets.into_iter().map(release).collect(),
            public,
            settings,
        }
    }
}

/// One thing that was done, to be recorded.
struct Done {
    credential: Option<CredentialId>,
    note: String,
    outcome: Outcome,
    pruned: Option<Pruned>,
}

impl Done {
    /// To no single credential.
    fn whole(note: String) -> Self {
        Self {
            credential: None,
            note,
            outcome: Outcome::Ok,
            pruned: None,
        }
    }
}

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + VersionStorage + IntegrationStorage,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Saves fields and settings; those that are not given stay as they are. Answers the version of the whole.
    ///
    /// - errors: [`VaultError::ServiceUnknown`], [`VaultError::FieldUnknown`], [`VaultError::FieldRefused`],
    ///   [`VaultError::InvalidArgument`]; and then nothing is changed.
    pub fn save_integration(
        &mut self,
        permit: Permit<IntegrationStore>,
        name: &ServiceName,
        given: &[GivenField],
        settings: &PlainObject,
    ) -> Result<u32, VaultError> {
        let ring = self.ring_to_write()?;
        let scope = permit.scope();
        let services = self.storage.services()?;
        let service = offered(&services, name)?;
        judge(&services, service, given, settings)?;
        self.refuse_if_locked(scope)?;
        // Whatever else this waits for, it waits for the tenant's key first: as everybody who stores.
        self.ensure_primary(&ring, scope)?;
        let mut integration = self.storage.hold_integration(scope, name)?;
        merge(&mut integration, service, given, settings);
        judge_modes(&integration, service)?;
        let settings_bytes =
            serde_json::to_string(&integration.settings).map_or(0, |json| json.len());
        if settings_bytes > OBJECT_MAX_BYTES {
            let rule = format!("All settings together have at most {OBJECT_MAX_BYTES} bytes.");
            return Err(VaultError::InvalidArgument {
                argument: "p_settings",
                rule,
            });
        }

        let mut done = Vec::new();
        let mut in_the_clear = Vec::new();
        for (field, value) in known(service, given) {
            let secret_name = IntegrationSecretName::new(name, &field.name);
            match value {
                Some(value) if field.secret => {
                    done.push(self.seal_field(
                        &ring,
                        scope,
                        service,
                        field,
                        &secret_name,
                        value,
                    )?);
                }
                None if field.secret => done.push(self.remove_field(scope, &secret_name)?),
                _ => in_the_clear.push(&*field.name),
            }
        }
        let version = self
            .storage
            .put_integration(scope, &integration, !given.is_empty())?;
        if !settings.is_empty() {
            in_the_clear.push("settings");
        }
        if !in_the_clear.is_empty() {
            let note = format!("{}: {}", name.as_str(), in_the_clear.join(", "));
            done.push(Done::whole(note));
        }
        self.record_done(&permit, &done)?;
        Ok(version)
    }

    fn seal_field(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        service: &Service,
        field: &Field,
        name: &IntegrationSecretName,
        value: &str,
    ) -> Result<Done, VaultError> {
        let hint = Hint::of(value.as_bytes());
        let place = Place {
            kind: Kind::IntegrationSecret,
            name: name.as_str(),
            description: hint.as_str(),
            lost: "the secret of the integration changed with every attempt to store it",
        };
        // What signs webhooks is replaced here before or after it is replaced at the service: for a while both verify.
        let webhook = service.webhook.as_ref();
        let overlaps = webhook.is_some_and(|webhook| webhook.field == field.name);
        let how = Rotation {
            overlap: (!overlaps).then_some(Span::NONE),
            description: Some(hint.as_str()),
            ..Rotation::default()
        };
        let bytes = value.as_bytes();
        let put = self.put_in(ring, scope, &place, &how, bytes, |storage, scope| {
            storage.lock_integration_secret(scope, name)
        })?;
        Ok(Done {
            credential: Some(put.id),
            pruned: put.pruned,
            ..Done::whole(name.as_str().to_owned())
        })
    }

    fn remove_field(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Done, VaultError> {
        let done = Done::whole(name.as_str().to_owned());
        match self.storage.remove_integration_secret(scope, name)? {
            Some(Removed { id, version }) => {
                self.storage
                    .announce(scope.tenant(), id, version, News::Deleted)?;
                Ok(Done {
                    credential: Some(id),
                    ..done
                })
            }
            None => Ok(Done {
                outcome: Outcome::NotFound,
                ..done
            }),
        }
    }

    /// Of a use case that touches several things: all records at once, at its end.
    fn record_done<P: Action>(
        &mut self,
        permit: &Permit<P>,
        done: &[Done],
    ) -> Result<(), VaultError> {
        let pruned: Vec<_> = done
            .iter()
            .filter_map(|one| one.pruned.as_ref())
            .map(|pruned| (pruned, note_of(pruned)))
            .collect();
        let mut events: Vec<Event<'_>> = done
            .iter()
            .map(|one| Event {
                credential: one.credential,
                ..Event::done(permit).note(&one.note).outcome(one.outcome)
            })
            .collect();
        let of_prune = |(pruned, note)| event_of_prune(Some(pruned), Some(note));
        events.extend(
            pruned
                .iter()
                .map(|(pruned, note)| of_prune((*pruned, note))),
        );
        let _receipt = self.audit.append(&events)?;
        Ok(())
    }

    /// Everything that the tenant has of a service, or one secret of it, under one record that names the fields. `None`: it
    /// has nothing of that.
    ///
    /// - errors: [`VaultError::ServiceUnknown`] of a service that neither the catalogue nor the tenant has.
    pub fn retrieve_integration(
        &mut self,
        permit: Permit<IntegrationRetrieve>,
        name: &ServiceName,
        only: Option<&str>,
    ) -> Result<Option<OpenIntegration>, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        let mut sealed = self.storage.sealed_integration(scope, name, false)?;
        if let Some(field) = only {
            sealed.secrets.retain(|(other, _)| other == field);
        }
        let is_missing = sealed.secrets.is_empty() && (only.is_some() || sealed.plain.is_none());
        if is_missing {
            let services = self.storage.services()?;
            if sealed.plain.is_none() {
                known_service(&services, name)?;
            }
            let note = match only {
                Some(field) => format!("{}: {field}", name.as_str()),
                None => name.as_str().to_owned(),
            };
            self.record(Event::done(&permit).note(&note).outcome(Outcome::NotFound))?;
            return Ok(None);
        }
        if only.is_some() {
            sealed.plain = None;
        }
        let note = fields_of(name, &sealed);
        let opened = self.open_integration(&ring, scope, sealed)?;
        let event = Event {
            credential: opened.only,
            ..Event::done(&permit).note(&note)
        };
        let receipt = self.audit.append(&[event])?;
        Ok(Some(opened.released(&receipt)))
    }

    /// The main secret of a service, by the catalogue.
    ///
    /// - errors: [`VaultError::ServiceUnknown`], [`VaultError::NoMainSecret`].
    pub fn main_secret(&mut self, name: &ServiceName) -> Result<String, VaultError> {
        let services = self.storage.services()?;
        let main = known_service(&services, name)?.main_secret();
        main.map(|field| field.name.clone())
            .ok_or(VaultError::NoMainSecret)
    }

    /// The public half of the pair that such a service has, if it has one.
    pub fn main_public(&mut self, name: &ServiceName) -> Result<Option<String>, VaultError> {
        let services = self.storage.services()?;
        let main = known_service(&services, name)?.main_public();
        Ok(main.map(|field| field.name.clone()))
    }

    fn open_integration(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        sealed: SealedIntegration,
    ) -> Result<Opened, VaultError> {
        let only = match &sealed.secrets[..] {
            [(_, only)] => Some(only.id),
            _ => None,
        };
        let mut secrets = Vec::with_capacity(sealed.secrets.len());
        for (field, current) in sealed.secrets {
            secrets.push((field, self.open(ring, scope, &current)?));
        }
        Ok(Opened {
            secrets,
            plain: sealed.plain,
            only,
        })
    }

    /// Removes all that the tenant has of a service; its secrets can be restored one by one, as deleted ones can. False:
    /// there was nothing; that is recorded too.
    pub fn delete_integration(
        &mut self,
        permit: Permit<IntegrationDelete>,
        name: &ServiceName,
    ) -> Result<bool, VaultError> {
        self.ring()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let held = self.storage.lock_integration(scope, name)?;
        let sealed = self.storage.sealed_integration(scope, name, true)?;
        if held.is_none() && sealed.secrets.is_empty() {
            let services = self.storage.services()?;
            known_service(&services, name)?;
            let event = Event::done(&permit).note(name.as_str());
            self.record(event.outcome(Outcome::NotFound))?;
            return Ok(false);
        }
        let mut done = Vec::with_capacity(sealed.secrets.len() + 1);
        for (field, _) in &sealed.secrets {
            done.push(self.remove_field(scope, &IntegrationSecretName::new(name, field))?);
        }
        self.storage.forget_integration(scope, name)?;
        done.push(Done::whole(name.as_str().to_owned()));
        self.record_done(&permit, &done)?;
        Ok(true)
    }

    /// How it stands with every service of the catalogue that is offered or that the tenant has. Opens nothing.
    pub fn list_integrations(
        &mut self,
        permit: Permit<IntegrationList>,
    ) -> Result<Vec<Status>, VaultError> {
        self.ring()?;
        let all = self.statuses(permit.scope())?;
        self.record(Event::done(&permit))?;
        Ok(all)
    }

    /// The same of one service; `None`: the tenant has nothing of it.
    ///
    /// - errors: [`VaultError::ServiceUnknown`].
    pub fn describe_integration(
        &mut self,
        permit: Permit<IntegrationList>,
        name: &ServiceName,
    ) -> Result<Option<Status>, VaultError> {
        self.ring()?;
        let services = self.storage.services()?;
        known_service(&services, name)?;
        let found = self
            .statuses(permit.scope())?
            .into_iter()
            .find(|status| status.service.name == name.as_str())
            .filter(|status| status.plain.is_some() || !status.secrets.is_empty());
        let event = Event::done(&permit).note(name.as_str());
        self.record(match found {
            Some(_) => event,
            None => event.outcome(Outcome::NotFound),
        })?;
        Ok(found)
    }

    fn statuses(&mut self, scope: &Scope) -> Result<Vec<Status>, VaultError> {
        let services = self.storage.services()?;
        let mut plain = self.storage.integrations(scope)?;
        let secrets = self.storage.integration_secrets(scope)?;
        let mut all = Vec::with_capacity(services.len());
        for service in services {
            let at = plain
                .iter()
                .position(|plain| plain.service.as_str() == service.name);
            let status = Status {
                plain: at.map(|at| plain.swap_remove(at)),
                secrets: secrets
                    .iter()
                    .filter(|secret| secret.service == service.name)
                    .cloned()
                    .collect(),
                service,
            };
            if status.service.offered || status.plain.is_some() || !status.secrets.is_empty() {
                all.push(status);
            }
        }
        Ok(all)
    }

    /// What signatures are verified with. Verifying is no release, so that its caller records it as what it is.
    ///
    /// - errors: [`VaultError::ServiceUnknown`].
    pub fn webhook_material<P: Action>(
        &mut self,
        permit: &Permit<P>,
        name: &ServiceName,
    ) -> Result<WebhookMaterial, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        let services = self.storage.services()?;
        let service = known_service(&services, name)?.clone();
        let sealed = match &service.webhook {
            Some(webhook) => {
                let name = IntegrationSecretName::new(name, &webhook.field);
                self.storage.open_versions(scope, &name)?
            }
            None => Vec::new(),
        };
        let credential = sealed.first().map(|current| current.id);
        let mut secrets = Vec::with_capacity(sealed.len());
        for current in &sealed {
            // As committed now: there is no newer form of the row to look for.
            secrets.push(self.open_or_again(&ring, scope, current, |_| Ok(None))?);
        }
        let plain = self.storage.sealed_integration(scope, name, true)?.plain;
        Ok(WebhookMaterial {
            service,
            secrets,
            public: plain.map(|plain| plain.public).unwrap_or_default(),
            credential,
        })
    }

    // ---- verification ----

    /// Asks for an integration to be verified; asked again before there is a verdict, the answer is the same.
    ///
    /// - errors: [`VaultError::ServiceUnknown`], [`VaultError::IntegrationUnknown`].
    pub fn request_verification(
        &mut self,
        permit: Permit<VerificationRequest>,
        name: &ServiceName,
    ) -> Result<VerificationId, VaultError> {
        self.ring()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let services = self.storage.services()?;
        known_service(&services, name)?;
        let integration = match self.storage.lock_integration(scope, name)? {
            Some(integration) => integration,
            None => {
                let sealed = self.storage.sealed_integration(scope, name, true)?;
                if sealed.secrets.is_empty() {
                    return Err(VaultError::IntegrationUnknown);
                }
                // A secret was restored after the whole was deleted.
                self.storage.hold_integration(scope, name)?
            }
        };
        let mut random = [0; 16];
        self.entropy.fill(&mut random)?;
        let fresh = uuid::Builder::from_random_bytes(random).into_uuid();
        let fresh = VerificationId(fresh.into_bytes());
        let id = self
            .storage
            .request_verification(scope, &integration, fresh)?;
        self.storage.announce_verification(id)?;
        self.record(Event::done(&permit).note(name.as_str()))?;
        Ok(id)
    }

    /// Takes the request that is due longest, with what is to be verified; `None`: none is due.
    ///
    /// - tenant: of one alone.
    pub fn claim_verification(
        &mut self,
        whole: &WholeVault,
        tenant: Option<TenantId>,
        lease: Span,
    ) -> Result<Option<(Claim, OpenIntegration)>, VaultError> {
        let ring = self.ring()?;
        self.storage.give_up(whole, tenant)?;
        let mut passed_over = Vec::new();
        let mut taken = None;
        while passed_over.len() < PASSED_OVER_MAX
            && let Some(claim) = self.storage.claim(whole, tenant, lease)?
        {
            let scope = whole.scope(claim.tenant);
            let sealed = self
                .storage
                .sealed_integration(&scope, &claim.service, true)?;
            let note = fields_of(&claim.service, &sealed);
            match self.open_integration(&ring, &scope, sealed) {
                Ok(opened) => {
                    taken = Some((claim, opened, note));
                    break;
                }
                // A tenant that is locked, or whose keys are destroyed, must not stop the others' queue. It has been
                // counted as an attempt, and comes again until it has had enough.
                Err(error) if error.is_of_the_credential() => {
                    passed_over.push((claim.tenant, note))
                }
                Err(error) => return Err(error),
            }
        }
        let mut events: Vec<Event<'_>> = passed_over
            .iter()
            .map(|(tenant, note)| {
                Event::of::<VerificationClaim>(Some(*tenant), Some(note)).outcome(Outcome::Failed)
            })
            .collect();
        match &taken {
            Some((claim, opened, note)) => events.push(Event {
                credential: opened.only,
                ..Event::of::<VerificationClaim>(Some(claim.tenant), Some(note))
            }),
            None => {
                events.push(Event::of::<VerificationClaim>(tenant, None).outcome(Outcome::NotFound))
            }
        }
        let receipt = self.audit.append(&events)?;
        Ok(taken.map(|(claim, opened, _)| (claim, opened.released(&receipt))))
    }

    /// Whose a request is.
    ///
    /// - errors: [`VaultError::VerificationUnknown`].
    pub fn tenant_of_verification(
        &mut self,
        whole: &WholeVault,
        id: VerificationId,
    ) -> Result<(TenantId, ServiceName), VaultError> {
        let found = self.storage.request(whole, id)?;
        found.ok_or(VaultError::VerificationUnknown)
    }

    /// Puts a worker's verdict on what it has claimed.
    ///
    /// - errors: [`VaultError::VerificationUnknown`]; [`VaultError::NoLiveClaim`]; [`VaultError::InvalidArgument`] for a
    ///   message or account data with a secret in it, or too long.
    pub fn record_verification(
        &mut self,
        permit: Permit<VerificationRecord>,
        id: VerificationId,
        name: &ServiceName,
        verdict: Verdict<'_>,
    ) -> Result<(), VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        // The integration first: as those who save it, so that two cannot wait for one another.
        let integration = self.storage.lock_integration(scope, name)?;
        let state = self.storage.lock_request(scope, id)?;
        let no_claim = |why| Err(VaultError::NoLiveClaim { why });
        match (integration, state) {
            (_, None) | (None, _) => return Err(VaultError::VerificationUnknown),
            (_, Some(RequestState::Claimed)) => {}
            (_, Some(RequestState::Queued)) => return no_claim("nobody has claimed it"),
            (_, Some(RequestState::Expired)) => return no_claim("the lease has ended"),
            (_, Some(RequestState::Finished)) => return no_claim("there is a verdict already"),
            (_, Some(RequestState::Superseded)) => {
                return no_claim("the credentials were changed after they were claimed");
            }
        }
        self.judge_verdict(&ring, scope, name, verdict)?;
        self.storage.conclude(scope, id, name, verdict)?;
        let word = if verdict.ok { "ok" } else { "failed" };
        let note = format!("{}: {word}", name.as_str());
        self.record(Event::done(&permit).note(&note))
    }

    /// What a service answers is kept in the clear: it must not repeat what it was asked with.
    fn judge_verdict(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        name: &ServiceName,
        verdict: Verdict<'_>,
    ) -> Result<(), VaultError> {
        let refused = |argument, rule: String| VaultError::InvalidArgument { argument, rule };
        if let Some(message) = verdict.message {
            let chars = message.chars().count();
            if chars > MESSAGE_MAX_CHARS || message.chars().any(char::is_control) {
                let rule = format!(
                    "A message has at most {MESSAGE_MAX_CHARS} characters and no control characters; this one has {chars}."
                );
                return Err(refused("p_message", rule));
            }
        }
        let mut texts: Vec<(&'static str, &str)> = Vec::new();
        texts.extend(verdict.message.map(|message| ("p_message", message)));
        for (key, value) in verdict.account.into_iter().flatten() {
            texts.push(("p_account", key));
            strings(value, &mut |text| texts.push(("p_account", text)));
        }
        let holds_secret = |argument| {
            let rule = "It holds a secret; leave it out, or mask it.".to_owned();
            refused(argument, rule)
        };
        let services = self.storage.services()?;
        for (argument, text) in &texts {
            if key_within(&services, text).is_some() {
                return Err(holds_secret(argument));
            }
        }
        for (_, current) in self.storage.sealed_integration(scope, name, true)?.secrets {
            let secret = self.open(ring, scope, &current)?;
            if secret.len() < TELLING_SECRET_MIN_BYTES {
                continue;
            }
            if let Some((argument, _)) = texts
                .iter()
                .find(|(_, text)| secret.is_within_vartime(text))
            {
                return Err(holds_secret(argument));
            }
        }
        Ok(())
    }
}

/// Every string of a value, names of members too.
fn strings<'a>(value: &'a Value, found: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(values) => {
            for value in values {
                strings(value, found);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                found(key);
                strings(value, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn known_service<'a>(
    services: &'a [Service],
    name: &ServiceName,
) -> Result<&'a Service, VaultError> {
    let found = services
        .iter()
        .find(|service| service.name == name.as_str());
    found.ok_or_else(|| VaultError::ServiceUnknown {
        known: services
            .iter()
            .filter(|service| service.offered)
            .map(|service| service.name.clone())
            .collect(),
    })
}

fn offered<'a>(services: &'a [Service], name: &ServiceName) -> Result<&'a Service, VaultError> {
    let service = known_service(services, name)?;
    match service.offered {
        true => Ok(service),
        false => Err(VaultError::ServiceNotOffered),
    }
}

/// The fields that are given, as the catalogue has them.
fn known<'a>(
    service: &'a Service,
    given: &'a [GivenField],
) -> impl Iterator<Item = (&'a Field, Option<&'a str>)> {
    given.iter().filter_map(|(name, value)| {
        let value = value.as_ref().map(|value| value.as_str());
        Some((service.field(name)?, value))
    })
}

/// What can be judged without looking at what is stored.
fn judge(
    services: &[Service],
    service: &Service,
    given: &[GivenField],
    settings: &PlainObject,
) -> Result<(), VaultError> {
    if given.is_empty() && settings.is_empty() {
        return Err(VaultError::InvalidArgument {
            argument: "p_credentials",
            rule: format!(
                "Give one of its fields at least ({}), or a setting.",
                service.field_names()
            ),
        });
    }
    if given.iter().any(|(name, _)| service.field(name).is_none()) {
        return Err(VaultError::FieldUnknown {
            service: service.name.clone(),
            known: service.field_names(),
        });
    }
    let refused = |field: &Field, problem: String| VaultError::FieldRefused {
        service: service.name.clone(),
        field: field.name.clone(),
        problem,
    };
    for (field, value) in known(service, given) {
        match value {
            Some(value) => {
                if let Some(problem) = mistake(services, service, field, value) {
                    return Err(refused(field, problem));
                }
            }
            None if field.required => {
                let problem =
                    "it is required; vault.delete_tenant_credentials removes the whole integration";
                return Err(refused(field, problem.to_owned()));
            }
            None => {}
        }
    }
    let invalid = |rule: &str| VaultError::InvalidArgument {
        argument: "p_settings",
        rule: rule.to_owned(),
    };
    if let Some(mode) = settings.get("mode")
        && !mode.is_null()
        && mode.as_str().and_then(Mode::of_word).is_none()
    {
        return Err(invalid(
            "The setting mode is live or test, or null to take it back.",
        ));
    }
    let mut has_key = false;
    for (key, value) in settings {
        has_key |= key_within(services, key).is_some();
        strings(value, &mut |text| {
            has_key |= key_within(services, text).is_some()
        });
    }
    if has_key {
        return Err(invalid(
            "It holds a secret, and settings are kept in the clear; give it as a field.",
        ));
    }
    Ok(())
}

fn merge(
    integration: &mut Integration,
    service: &Service,
    given: &[GivenField],
    settings: &PlainObject,
) {
    for (field, value) in known(service, given) {
        match value.and_then(|value| field.mode_of(value)) {
            Some(mode) => integration.modes.insert(field.name.clone(), mode),
            None => integration.modes.remove(&field.name),
        };
        match value {
            Some(value) if !field.secret => {
                let value = value.to_owned();
                integration.public.insert(field.name.clone(), value);
            }
            // Also one that was public before the catalogue called it secret.
            _ => {
                integration.public.remove(&field.name);
            }
        }
    }
    for (key, value) in settings {
        match value {
            Value::Null => integration.settings.remove(key),
            value => integration.settings.insert(key.clone(), value.clone()),
        };
    }
}

/// Keys of one integration are all live ones or all test ones, and as the settings say.
fn judge_modes(integration: &Integration, service: &Service) -> Result<(), VaultError> {
    let refused = |field: &str, problem: String| VaultError::FieldRefused {
        service: service.name.clone(),
        field: field.to_owned(),
        problem,
    };
    let said = integration.settings.get("mode").and_then(Value::as_str);
    let mut first: Option<(&str, Mode)> = None;
    for (field, mode) in &integration.modes {
        let word = mode.word();
        if let Some(said) = said
            && said != word
        {
            return Err(refused(
                field,
                format!("it is a {word} key, while the settings say mode {said}"),
            ));
        }
        match first {
            Some((other, before)) if before != *mode => {
                let before = before.word();
                return Err(refused(
                    field,
                    format!("it is a {word} key beside the {before} {other}"),
                ));
            }
            _ => first = Some((field, *mode)),
        }
    }
    Ok(())
}

/// Which fields a record is about.
fn fields_of(name: &ServiceName, sealed: &SealedIntegration) -> String {
    let mut fields: Vec<&str> = sealed.secrets.iter().map(|(field, _)| &**field).collect();
    if let Some(plain) = &sealed.plain {
        fields.extend(plain.public.keys().map(|field| &**field));
    }
    match fields.is_empty() {
        true => name.as_str().to_owned(),
        false => format!("{}: {}", name.as_str(), fields.join(", ")),
    }
}
