//! The world's side of [`IntegrationStorage`].

use std::collections::BTreeMap;

use vault::integrations::{
    ATTEMPTS_MAX, Claim, Integration, IntegrationSecretName, IntegrationStorage, NO_VERDICT,
    PlainObject, RequestState, SealedIntegration, SecretEntry, Service, ServiceName, ServiceRow,
    Status, Verdict, VerificationId, VerificationState, parse_given, parse_plain,
};
use vault::{
    Current, Instant, Kind, Locked, Permit, Removed, Scope, Span, TenantId, VaultError, WholeVault,
};

use super::{Backend, Port, Tables, current};

/// A row of vault.integration_verifications that is not finished, or was superseded.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub tenant: TenantId,
    pub service: ServiceName,
    pub state: RequestState,
    pub attempts: u32,
    pub next_try: u64,
    pub leased_until: u64,
}

pub fn service(name: &str) -> ServiceName {
    ServiceName::parse(name, "p_service").unwrap()
}

/// Three services: one with everything, one with one key, one that is not offered.
pub fn catalogue() -> Vec<Service> {
    let parse = |name, offered, fields, webhook| {
        Service::parse(&ServiceRow {
            service: name,
            category: "payments",
            label: name,
            offered,
            fields,
            webhook,
        })
        .unwrap()
    };
    vec![
        parse(
            "pay",
            true,
            r#"[{"name": "key", "secret": true, "required": true, "prefixes": {"sk_live_": "live", "sk_test_": "test"}},
                {"name": "hook", "secret": true},
                {"name": "shown", "secret": false, "prefixes": {"pk_live_": "live", "pk_test_": "test"}}]"#,
            Some(r#"{"scheme": "stripe", "field": "hook"}"#),
        ),
        parse(
            "mail",
            true,
            r#"[{"name": "key", "secret": true, "charset": "text"}]"#,
            None,
        ),
        parse("old", false, r#"[{"name": "key", "secret": true}]"#, None),
    ]
}

fn fresh(service: &ServiceName) -> Integration {
    Integration {
        service: service.clone(),
        version: 0,
        public: BTreeMap::new(),
        settings: PlainObject::new(),
        modes: BTreeMap::new(),
        updated_at: Instant(0),
        verification: VerificationState::Unverified,
        verified_at: None,
        message: None,
        account: None,
    }
}

fn key(scope: &Scope, service: &ServiceName) -> (TenantId, String) {
    (scope.tenant(), service.as_str().to_owned())
}

fn seconds(span: Span) -> u64 {
    u64::try_from(span.us / 1_000_000).unwrap()
}

impl Tables {
    fn open_request(&mut self, tenant: TenantId, service: &ServiceName) -> Option<VerificationId> {
        let open = |request: &&Request| {
            request.tenant == tenant
                && request.service == *service
                && matches!(request.state, RequestState::Queued | RequestState::Claimed)
        };
        let mut requests = self.requests.iter();
        requests
            .find(|(_, request)| open(request))
            .map(|(id, _)| *id)
    }

    fn integration(&mut self, tenant: TenantId, service: &ServiceName) -> &mut Integration {
        let key = (tenant, service.as_str().to_owned());
        self.integrations.get_mut(&key).expect("the row is locked")
    }
}

impl IntegrationStorage for Port {
    fn services(&mut self) -> Result<Vec<Service>, VaultError> {
        self.call("services").map(|_| catalogue())
    }

    fn hold_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<Integration, VaultError> {
        self.write("hold_integration", |tables| {
            let row = tables.integrations.entry(key(scope, service));
            row.or_insert_with(|| fresh(service)).clone()
        })
    }

    fn lock_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<Option<Integration>, VaultError> {
        self.write("lock_integration", |tables| {
            tables.integrations.get(&key(scope, service)).cloned()
        })
    }

    fn put_integration(
        &mut self,
        scope: &Scope,
        integration: &Integration,
        anew: bool,
    ) -> Result<u32, VaultError> {
        self.write("put_integration", |tables| {
            let (tenant, service) = (scope.tenant(), &integration.service);
            if anew && let Some(id) = tables.open_request(tenant, service) {
                tables.requests.get_mut(&id).unwrap().state = RequestState::Superseded;
            }
            let row = tables.integration(tenant, service);
            let version = row.version + 1;
            *row = Integration {
                version,
                ..integration.clone()
            };
            if anew {
                row.verification = VerificationState::Unverified;
            }
            version
        })
    }

    fn forget_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<(), VaultError> {
        self.write("forget_integration", |tables| {
            tables.integrations.remove(&key(scope, service));
            let tenant = scope.tenant();
            tables
                .requests
                .retain(|_, request| request.tenant != tenant || request.service != *service);
        })
    }

    fn lock_integration_secret(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Option<Locked>, VaultError> {
        self.write("lock_integration_secret", |tables| {
            let id = tables.id_of(scope.tenant(), Kind::IntegrationSecret, name.as_str())?;
            let version = tables.rows[&id].version;
            Some(Locked { id, version })
        })
    }

    fn remove_integration_secret(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Option<Removed>, VaultError> {
        self.write("remove_integration_secret", |tables| {
            let id = tables.id_of(scope.tenant(), Kind::IntegrationSecret, name.as_str())?;
            tables.delete(id)
        })
    }

    fn sealed_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
        _: bool,
    ) -> Result<SealedIntegration, VaultError> {
        self.read("sealed_integration", |tables| {
            let start = format!("{}/", service.as_str());
            let mut secrets: Vec<_> = tables
                .rows
                .iter()
                .filter(|(_, row)| {
                    row.tenant == scope.tenant() && row.kind == Kind::IntegrationSecret
                })
                .filter_map(|(id, row)| {
                    let field = row.name.strip_prefix(&start)?;
                    Some((field.to_owned(), current(*id, row)))
                })
                .collect();
            secrets.sort_by(|(a, _), (b, _)| a.cmp(b));
            SealedIntegration {
                plain: tables.integrations.get(&key(scope, service)).cloned(),
                secrets,
            }
        })
    }

    fn open_versions(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Vec<Current>, VaultError> {
        self.read("open_versions", |tables| {
            let Some(id) = tables.id_of(scope.tenant(), Kind::IntegrationSecret, name.as_str())
            else {
                return Vec::new();
            };
            let row = &tables.rows[&id];
            let mut open = vec![current(id, row)];
            for (version, kept) in row.kept.iter().rev() {
                if kept.replaced.is_some_and(|(until, _)| until > tables.now) {
                    open.push(Current {
                        id,
                        version: *version,
                        wrapped_dek: kept.sealed.wrapped_dek,
                        ciphertext: kept.sealed.ciphertext.clone(),
                    });
                }
            }
            open
        })
    }

    fn integrations(&mut self, scope: &Scope) -> Result<Vec<Integration>, VaultError> {
        self.read("integrations", |tables| {
            let mine = |((tenant, _), row): (&(TenantId, String), &Integration)| {
                (*tenant == scope.tenant()).then(|| row.clone())
            };
            tables.integrations.iter().filter_map(mine).collect()
        })
    }

    fn integration_secrets(&mut self, scope: &Scope) -> Result<Vec<SecretEntry>, VaultError> {
        self.read("integration_secrets", |tables| {
            tables
                .rows
                .values()
                .filter(|row| row.tenant == scope.tenant() && row.kind == Kind::IntegrationSecret)
                .map(|row| {
                    let (service, field) = row.name.split_once('/').unwrap();
                    SecretEntry {
                        service: service.to_owned(),
                        field: field.to_owned(),
                        hint: row.description.clone(),
                        sealed_at: Instant(0),
                        expires_at: None,
                    }
                })
                .collect()
        })
    }

    fn request_verification(
        &mut self,
        scope: &Scope,
        integration: &Integration,
        fresh: VerificationId,
    ) -> Result<VerificationId, VaultError> {
        self.write("request_verification", |tables| {
            let (tenant, service) = (scope.tenant(), &integration.service);
            if let Some(open) = tables.open_request(tenant, service) {
                return open;
            }
            let request = Request {
                tenant,
                service: service.clone(),
                state: RequestState::Queued,
                attempts: 0,
                next_try: tables.now,
                leased_until: 0,
            };
            tables.requests.insert(fresh, request);
            tables.integration(tenant, service).verification = VerificationState::Queued;
            fresh
        })
    }

    fn announce_verification(&mut self, _: VerificationId) -> Result<(), VaultError> {
        self.call("announce_verification").map(drop)
    }

    fn give_up(&mut self, _: &WholeVault, of: Option<TenantId>) -> Result<(), VaultError> {
        self.write("give_up", |tables| {
            let now = tables.now;
            let spent: Vec<_> = tables
                .requests
                .iter()
                .filter(|(_, request)| {
                    of.is_none_or(|tenant| tenant == request.tenant)
                        && request.state == RequestState::Claimed
                        && request.attempts >= ATTEMPTS_MAX
                        && request.leased_until <= now
                })
                .map(|(id, request)| (*id, request.clone()))
                .collect();
            for (id, request) in spent {
                tables.requests.get_mut(&id).unwrap().state = RequestState::Finished;
                let row = tables.integration(request.tenant, &request.service);
                row.verification = VerificationState::Failed;
                row.message = Some(NO_VERDICT.to_owned());
            }
        })
    }

    fn claim(
        &mut self,
        _: &WholeVault,
        of: Option<TenantId>,
        lease: Span,
    ) -> Result<Option<Claim>, VaultError> {
        self.write("claim", |tables| {
            let now = tables.now;
            let due = |request: &Request| {
                of.is_none_or(|tenant| tenant == request.tenant)
                    && matches!(request.state, RequestState::Queued | RequestState::Claimed)
                    && request.attempts < ATTEMPTS_MAX
                    && request.next_try <= now
            };
            let mut due: Vec<_> = tables
                .requests
                .iter_mut()
                .filter(|(_, request)| due(request))
                .collect();
            due.sort_by_key(|(_, request)| request.next_try);
            let (id, request) = due.into_iter().next()?;
            let lease = seconds(lease);
            request.state = RequestState::Claimed;
            request.leased_until = now + lease;
            request.next_try = now + lease + ((1 << request.attempts) - 1) * lease;
            request.attempts += 1;
            Some(Claim {
                id: *id,
                tenant: request.tenant,
                service: request.service.clone(),
                attempt: request.attempts,
                leased_until: Instant(i64::try_from(request.leased_until).unwrap() * 1_000_000),
            })
        })
    }

    fn request(
        &mut self,
        _: &WholeVault,
        id: VerificationId,
    ) -> Result<Option<(TenantId, ServiceName)>, VaultError> {
        self.read("request", |tables| {
            let request = tables.requests.get(&id)?;
            Some((request.tenant, request.service.clone()))
        })
    }

    fn lock_request(
        &mut self,
        scope: &Scope,
        id: VerificationId,
    ) -> Result<Option<RequestState>, VaultError> {
        self.write("lock_request", |tables| {
            let now = tables.now;
            let request = tables.requests.get(&id)?;
            assert_eq!(request.tenant, scope.tenant());
            Some(match request.state {
                RequestState::Claimed if request.leased_until <= now => RequestState::Expired,
                state => state,
            })
        })
    }

    fn conclude(
        &mut self,
        scope: &Scope,
        id: VerificationId,
        service: &ServiceName,
        verdict: Verdict<'_>,
    ) -> Result<(), VaultError> {
        self.write("conclude", |tables| {
            tables.requests.get_mut(&id).unwrap().state = RequestState::Finished;
            let row = tables.integration(scope.tenant(), service);
            row.verification = match verdict.ok {
                true => VerificationState::Ok,
                false => VerificationState::Failed,
            };
            row.message = verdict.message.map(str::to_owned);
            row.account = verdict.account.cloned();
        })
    }
}

impl Backend {
    pub fn save_integration(
        &mut self,
        tenant: TenantId,
        name: &str,
        credentials: &str,
        settings: &str,
    ) -> Result<u32, VaultError> {
        let given = parse_given(credentials.as_bytes(), "p_credentials")?;
        let settings = parse_plain(settings.as_bytes(), "p_settings")?;
        self.call(|vault| {
            vault.save_integration(Permit::assertion(tenant), &service(name), &given, &settings)
        })
    }

    /// `field=value` of each, sorted, secrets first.
    pub fn read_integration(
        &mut self,
        tenant: TenantId,
        name: &str,
        only: Option<&str>,
    ) -> Result<Option<Vec<String>>, VaultError> {
        let found = self.call(|vault| {
            vault.retrieve_integration(Permit::assertion(tenant), &service(name), only)
        })?;
        Ok(found.map(|open| {
            let secrets = open.secrets.into_iter().map(|(field, released)| {
                let secret = released.into_secret();
                format!("{field}={}", String::from_utf8_lossy(secret.expose()))
            });
            let public = open
                .public
                .iter()
                .map(|(field, value)| format!("{field}={value}"));
            secrets.chain(public).collect()
        }))
    }

    pub fn delete_integration(&mut self, tenant: TenantId, name: &str) -> Result<bool, VaultError> {
        self.call(|vault| vault.delete_integration(Permit::assertion(tenant), &service(name)))
    }

    pub fn integration_status(&mut self, tenant: TenantId) -> Result<Vec<Status>, VaultError> {
        self.call(|vault| vault.list_integrations(Permit::assertion(tenant)))
    }

    /// What webhooks would be verified with, the newest first.
    pub fn webhook_secrets(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Vec<Vec<u8>>, VaultError> {
        let permit = Permit::<vault::IntegrationRetrieve>::assertion(tenant);
        let material = self.call(|vault| vault.webhook_material(&permit, &service(name)))?;
        let bytes = |secret: &envelope::Secret| secret.expose().to_vec();
        Ok(material.secrets.iter().map(bytes).collect())
    }

    pub fn request_verification(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<VerificationId, VaultError> {
        self.call(|vault| vault.request_verification(Permit::assertion(tenant), &service(name)))
    }

    pub fn claim_verification(&mut self, lease_s: i64) -> Result<Option<Claim>, VaultError> {
        let lease = Span::parse(0, 0, lease_s * 1_000_000, "p_lease")?;
        let claimed =
            self.call(|vault| vault.claim_verification(&WholeVault::assertion(), None, lease))?;
        Ok(claimed.map(|(claim, _)| claim))
    }

    pub fn record_verification(
        &mut self,
        tenant: TenantId,
        id: VerificationId,
        name: &str,
        message: &str,
    ) -> Result<(), VaultError> {
        let verdict = Verdict {
            ok: true,
            message: Some(message),
            account: None,
        };
        self.call(|vault| {
            vault.record_verification(Permit::assertion(tenant), id, &service(name), verdict)
        })
    }
}
