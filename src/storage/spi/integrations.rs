//! Tenants' accounts at services, the catalogue of services, and the queue of those to be verified.

use std::collections::BTreeMap;

use serde_json::Value;
use vault::integrations::{
    ATTEMPTS_MAX, Claim, Integration, IntegrationSecretName, IntegrationStorage, Mode, NO_VERDICT,
    PlainObject, RequestState, SealedIntegration, SecretEntry, Service, ServiceName, ServiceRow,
    Verdict, VerificationId, VerificationState,
};
use vault::{Current, Instant, Locked, Removed, Scope, Span, TenantId, VaultError, WholeVault};

use super::versions::interval;
use super::{SpiStorage, current_row, locked_row, tenant, unlike_installed};
use crate::config;
use crate::pg::clock::Timestamp;
use crate::pg::notify::notify;
use crate::pg::plan::Argument::{self, Bool, Int, Null, Text, Uuid};
use crate::pg::plan::{Row, statement};
use crate::storage::wall;

statement!(SERVICES, "../queries/integration_services.sql", []);
statement!(
    locking MAKE_INTEGRATION,
    "../queries/make_integration.sql",
    [UUIDOID, TEXTOID]
);
statement!(
    locking LOCK_INTEGRATION,
    "../queries/lock_integration.sql",
    [UUIDOID, TEXTOID]
);
statement!(INTEGRATIONS, "../queries/integrations.sql", [UUIDOID]);
statement!(
    latest PUT_INTEGRATION,
    "../queries/put_integration.sql",
    [UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID]
);
statement!(
    latest FORGET_INTEGRATION,
    "../queries/forget_integration.sql",
    [UUIDOID, TEXTOID]
);
statement!(
    locking LOCK_INTEGRATION_SECRET,
    "../queries/lock_integration_secret.sql",
    [UUIDOID, TEXTOID]
);
statement!(
    SEALED_INTEGRATION,
    "../queries/sealed_integration.sql",
    [UUIDOID, TEXTOID, TEXTOID, TEXTOID]
);
statement!(
    latest SEALED_INTEGRATION_NOW,
    "../queries/sealed_integration.sql",
    [UUIDOID, TEXTOID, TEXTOID, TEXTOID]
);
statement!(
    latest OPEN_VERSIONS,
    "../queries/open_versions.sql",
    [UUIDOID, TEXTOID]
);
statement!(
    INTEGRATION_SECRETS,
    "../queries/integration_secrets.sql",
    [UUIDOID]
);
statement!(
    latest OPEN_VERIFICATION,
    "../queries/open_verification.sql",
    [UUIDOID, TEXTOID]
);
statement!(
    latest REQUEST_VERIFICATION,
    "../queries/request_verification.sql",
    [UUIDOID, TEXTOID, UUIDOID, INT4OID]
);
statement!(
    locking GIVE_UP_VERIFICATIONS,
    "../queries/give_up_verifications.sql",
    [UUIDOID, INT4OID, TEXTOID]
);
statement!(
    locking CLAIM_VERIFICATION,
    "../queries/claim_verification.sql",
    [UUIDOID, INTERVALOID, INT4OID]
);
statement!(latest VERIFICATION, "../queries/verification.sql", [UUIDOID]);
statement!(
    locking LOCK_VERIFICATION,
    "../queries/lock_verification.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    latest CONCLUDE_VERIFICATION,
    "../queries/conclude_verification.sql",
    [UUIDOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID]
);

/// Workers listen on it.
const CHANNEL: &std::ffi::CStr = c"vault_integration_verification";
/// A row that comes and goes with every look at it is not looked at for ever.
const ROUNDS: usize = 32;

impl IntegrationStorage for SpiStorage {
    fn services(&mut self) -> Result<Vec<Service>, VaultError> {
        let all = SERVICES.all(&[], |row| service(&row));
        // A row that went past its trigger is none, and stops no other one; doctor names it.
        Ok(all.into_iter().flatten().collect())
    }

    fn hold_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<Integration, VaultError> {
        for _ in 0..ROUNDS {
            {
                let _wall = wall::open(scope);
                MAKE_INTEGRATION.count(&[tenant(scope), Text(service.as_str())]);
            }
            if let Some(held) = self.lock_integration(scope, service)? {
                return Ok(held);
            }
        }
        Err(VaultError::Internal(
            "the integration came and went with every attempt to hold it",
        ))
    }

    fn lock_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<Option<Integration>, VaultError> {
        let _wall = wall::open(scope);
        LOCK_INTEGRATION
            .first(&[tenant(scope), Text(service.as_str())], |row| {
                integration(&row, 1)
            })
            .map(unlike_installed)
            .transpose()
    }

    fn put_integration(
        &mut self,
        scope: &Scope,
        integration: &Integration,
        anew: bool,
    ) -> Result<u32, VaultError> {
        let _wall = wall::open(scope);
        let words: BTreeMap<&str, &str> = integration
            .modes
            .iter()
            .map(|(field, mode)| (&**field, mode.word()))
            .collect();
        let public = json(&integration.public)?;
        let settings = json(&integration.settings)?;
        let modes = json(&words)?;
        let arguments = [
            tenant(scope),
            Text(integration.service.as_str()),
            Text(&public),
            Text(&settings),
            Text(&modes),
            integration.mode().map_or(Null, |mode| Text(mode.word())),
            Bool(anew),
        ];
        let version = PUT_INTEGRATION.first(&arguments, |row| row.int(1));
        version
            .flatten()
            .map(i32::cast_unsigned)
            .ok_or(VaultError::Internal(
                "an integration vanished under its lock",
            ))
    }

    fn forget_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
    ) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        FORGET_INTEGRATION.count(&[tenant(scope), Text(service.as_str())]);
        Ok(())
    }

    fn lock_integration_secret(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Option<Locked>, VaultError> {
        let _wall = wall::open(scope);
        LOCK_INTEGRATION_SECRET
            .first(&[tenant(scope), Text(name.as_str())], |row| {
                locked_row(&row)
            })
            .map(unlike_installed)
            .transpose()
    }

    fn remove_integration_secret(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Option<Removed>, VaultError> {
        let locked = self.lock_integration_secret(scope, name)?;
        self.remove_locked(scope, locked, "i")
    }

    fn sealed_integration(
        &mut self,
        scope: &Scope,
        service: &ServiceName,
        now: bool,
    ) -> Result<SealedIntegration, VaultError> {
        let _wall = wall::open(scope);
        // Byte by byte: the slash, and what follows it in ASCII.
        let name = service.as_str();
        let (low, high) = (format!("{name}/"), format!("{name}0"));
        let arguments = [tenant(scope), Text(name), Text(&low), Text(&high)];
        let statement = match now {
            true => &SEALED_INTEGRATION_NOW,
            false => &SEALED_INTEGRATION,
        };
        enum Part {
            Plain(Integration),
            Secret(String, Current),
        }
        let part = |row: Row<'_>| match row.uuid(1) {
            Some(_) => Some(Part::Secret(row.text(5)?, current_row(&row)?)),
            None => integration(&row, 6).map(Part::Plain),
        };
        let mut found = SealedIntegration {
            plain: None,
            secrets: Vec::new(),
        };
        for part in statement.all(&arguments, part) {
            match unlike_installed(part)? {
                Part::Plain(plain) => found.plain = Some(plain),
                Part::Secret(field, sealed) => found.secrets.push((field, sealed)),
            }
        }
        Ok(found)
    }

    fn open_versions(
        &mut self,
        scope: &Scope,
        name: &IntegrationSecretName,
    ) -> Result<Vec<Current>, VaultError> {
        let _wall = wall::open(scope);
        OPEN_VERSIONS
            .all(&[tenant(scope), Text(name.as_str())], |row| {
                current_row(&row)
            })
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn integrations(&mut self, scope: &Scope) -> Result<Vec<Integration>, VaultError> {
        let _wall = wall::open(scope);
        INTEGRATIONS
            .all(&[tenant(scope)], |row| integration(&row, 1))
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn integration_secrets(&mut self, scope: &Scope) -> Result<Vec<SecretEntry>, VaultError> {
        let _wall = wall::open(scope);
        let entry = |row: Row<'_>| {
            Some(SecretEntry {
                service: row.text(1)?,
                field: row.text(2)?,
                hint: row.utf8(3).unwrap_or_default(),
                sealed_at: instant(&row, 4)?,
                expires_at: instant(&row, 5),
            })
        };
        INTEGRATION_SECRETS
            .all(&[tenant(scope)], entry)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn request_verification(
        &mut self,
        scope: &Scope,
        integration: &Integration,
        fresh: VerificationId,
    ) -> Result<VerificationId, VaultError> {
        let _wall = wall::open(scope);
        let service = Text(integration.service.as_str());
        let open = OPEN_VERIFICATION.first(&[tenant(scope), service], |row| row.uuid(1));
        if let Some(id) = open.flatten() {
            return Ok(VerificationId(id));
        }
        REQUEST_VERIFICATION.count(&[
            tenant(scope),
            service,
            Uuid(fresh.0),
            Int(integration.version.cast_signed()),
        ]);
        Ok(fresh)
    }

    fn announce_verification(&mut self, id: VerificationId) -> Result<(), VaultError> {
        if config::notify() {
            notify(CHANNEL, &id.to_string());
        }
        Ok(())
    }

    fn give_up(&mut self, whole: &WholeVault, of: Option<TenantId>) -> Result<(), VaultError> {
        let _wall = wall::open_to_all(whole);
        GIVE_UP_VERIFICATIONS.count(&[
            optional_tenant(of),
            Int(ATTEMPTS_MAX.cast_signed()),
            Text(NO_VERDICT),
        ]);
        Ok(())
    }

    fn claim(
        &mut self,
        whole: &WholeVault,
        of: Option<TenantId>,
        lease: Span,
    ) -> Result<Option<Claim>, VaultError> {
        let _wall = wall::open_to_all(whole);
        let claim = |row: Row<'_>| {
            Some(Claim {
                id: VerificationId(row.uuid(1)?),
                tenant: TenantId::from_bytes(row.uuid(2)?),
                service: ServiceName::parse(&row.text(3)?, "service").ok()?,
                attempt: row.int(4)?.cast_unsigned(),
                leased_until: instant(&row, 5)?,
            })
        };
        CLAIM_VERIFICATION
            .first(
                &[
                    optional_tenant(of),
                    interval(lease),
                    Int(ATTEMPTS_MAX.cast_signed()),
                ],
                claim,
            )
            .map(unlike_installed)
            .transpose()
    }

    fn request(
        &mut self,
        whole: &WholeVault,
        id: VerificationId,
    ) -> Result<Option<(TenantId, ServiceName)>, VaultError> {
        let _wall = wall::open_to_all(whole);
        VERIFICATION
            .first(&[Uuid(id.0)], |row| {
                let service = ServiceName::parse(&row.text(2)?, "service").ok()?;
                Some((TenantId::from_bytes(row.uuid(1)?), service))
            })
            .map(unlike_installed)
            .transpose()
    }

    fn lock_request(
        &mut self,
        scope: &Scope,
        id: VerificationId,
    ) -> Result<Option<RequestState>, VaultError> {
        let _wall = wall::open(scope);
        LOCK_VERIFICATION
            .first(&[tenant(scope), Uuid(id.0)], |row| {
                Some(match row.text(1)?.as_str() {
                    "queued" => RequestState::Queued,
                    "claimed" => RequestState::Claimed,
                    "expired" => RequestState::Expired,
                    "superseded" => RequestState::Superseded,
                    _ => RequestState::Finished,
                })
            })
            .map(unlike_installed)
            .transpose()
    }

    fn conclude(
        &mut self,
        scope: &Scope,
        id: VerificationId,
        service: &ServiceName,
        verdict: Verdict<'_>,
    ) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        let state = match verdict.ok {
            true => VerificationState::Ok,
            false => VerificationState::Failed,
        };
        let account = verdict.account.map(json).transpose()?;
        CONCLUDE_VERIFICATION.count(&[
            tenant(scope),
            Text(service.as_str()),
            Uuid(id.0),
            Text(state.word()),
            verdict.message.map_or(Null, Text),
            account.as_deref().map_or(Null, Text),
        ]);
        Ok(())
    }
}

fn service(row: &Row<'_>) -> Option<Service> {
    let webhook = row.utf8(6);
    Service::parse(&ServiceRow {
        service: &row.text(1)?,
        category: &row.text(2)?,
        label: &row.utf8(3)?,
        offered: row.bool(4)?,
        fields: &row.utf8(5)?,
        webhook: webhook.as_deref(),
    })
    .ok()
}

/// From the column `first` on, in the order of lock_integration.sql.
fn integration(row: &Row<'_>, first: i32) -> Option<Integration> {
    let at = |column: i32| first + column;
    let words: BTreeMap<String, String> = parsed(row, at(4))?;
    let modes = words
        .into_iter()
        .map(|(field, word)| Some((field, Mode::of_word(&word)?)))
        .collect::<Option<_>>()?;
    let account = match row.bytes(at(9), |_| ()) {
        Some(()) => Some(object(row, at(9))?),
        None => None,
    };
    Some(Integration {
        service: ServiceName::parse(&row.text(first)?, "service").ok()?,
        version: row.int(at(1))?.cast_unsigned(),
        public: parsed(row, at(2))?,
        settings: object(row, at(3))?,
        modes,
        updated_at: instant(row, at(5))?,
        verification: VerificationState::of_word(&row.text(at(6))?)?,
        verified_at: instant(row, at(7)),
        message: row.utf8(at(8)),
        account,
    })
}

fn parsed(row: &Row<'_>, column: i32) -> Option<BTreeMap<String, String>> {
    serde_json::from_str(&row.utf8(column)?).ok()
}

fn object(row: &Row<'_>, column: i32) -> Option<PlainObject> {
    match serde_json::from_str(&row.utf8(column)?).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn instant(row: &Row<'_>, column: i32) -> Option<Instant> {
    row.timestamp(column).map(|Timestamp(us)| Instant(us))
}

fn json(value: &impl serde::Serialize) -> Result<String, VaultError> {
    serde_json::to_string(value)
        .map_err(|_| VaultError::Internal("what is in the clear of an integration is no JSON"))
}

fn optional_tenant(tenant: Option<TenantId>) -> Argument<'static> {
    tenant.map_or(Null, |tenant| Uuid(*tenant.as_bytes()))
}
