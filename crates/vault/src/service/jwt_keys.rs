//! Whose signed tokens are believed. Public keys are rows; a secret shared with an issuer is sealed like any other value of
//! the platform's, and opened for one purpose only.

use envelope::Secret;

use super::{ROUNDS, Vault};
use crate::{
    Audit, Authenticate, CredentialId, DistrustJwtIssuer, Entropy, Event, Insertion, JwtKeyStorage,
    JwtPublicKey, JwtSecretRow, KeyStorage, Outcome, Permit, RootKeys, Storage, TenantId,
    TrustJwtIssuer, TrustJwtSecret, VaultError, VersionStorage,
};

impl<S: Storage + KeyStorage + VersionStorage + JwtKeyStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// Believes tokens that these keys verify, and none of the public keys that the issuer had before.
    pub fn trust_jwt_issuer(
        &mut self,
        permit: Permit<TrustJwtIssuer>,
        issuer: &str,
        audience: &str,
        keys: &[JwtPublicKey<'_>],
    ) -> Result<(), VaultError> {
        self.ring()?;
        self.storage.hold_jwt_keys()?;
        self.storage
            .replace_jwt_public_keys(issuer, audience, keys)?;
        self.record(Event::done(&permit).note(issuer))
    }

    /// Believes tokens of HS256 that this secret verifies; it takes the place of the issuer's secret of the same key id.
    pub fn trust_jwt_secret(
        &mut self,
        permit: Permit<TrustJwtSecret>,
        issuer: &str,
        audience: &str,
        key_id: Option<&str>,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let ring = self.ring_to_write()?;
        self.storage.hold_jwt_keys()?;
        let scope = permit.scope();
        self.storage.destroy_jwt_secret(scope, issuer, key_id)?;
        let row = JwtSecretRow {
            id: self.fresh_id(&ring, scope)?,
            issuer,
            audience,
            key_id,
        };
        for _ in 0..ROUNDS {
            let (sealed, under) = self.seal(&ring, scope, row.id, 1, secret)?;
            match self
                .storage
                .insert_jwt_secret(scope, row, &sealed, &under)?
            {
                Insertion::Done => {
                    self.record(Event::done(&permit).credential(row.id).note(issuer))?;
                    return Ok(row.id);
                }
                Insertion::KeyMoved => self.keks.forget(scope.tenant(), under.generation),
                Insertion::KeyTaken => break,
            }
        }
        Err(VaultError::Internal(
            "the tenant key moved with every attempt to store a token's secret",
        ))
    }

    /// Believes none of the issuer's tokens any more. How many keys that were; none is recorded too.
    pub fn distrust_jwt_issuer(
        &mut self,
        permit: Permit<DistrustJwtIssuer>,
        issuer: &str,
    ) -> Result<u32, VaultError> {
        self.ring()?;
        self.storage.hold_jwt_keys()?;
        let count = self.storage.destroy_jwt_keys(permit.scope(), issuer)?;
        let outcome = match count {
            0 => Outcome::NotFound,
            _ => Outcome::Ok,
        };
        self.record(Event::done(&permit).note(issuer).outcome(outcome))?;
        Ok(count)
    }

    /// A secret to verify signatures with: released to nobody, so that opening it is no record of its own. `None`: it was
    /// destroyed.
    pub fn jwt_secret(
        &mut self,
        permit: &Permit<Authenticate>,
        id: CredentialId,
    ) -> Result<Option<Secret>, VaultError> {
        let ring = self.ring()?;
        match self.storage.jwt_secret(permit.scope(), id)? {
            Some(sealed) => self.open(&ring, permit.scope(), &sealed).map(Some),
            None => Ok(None),
        }
    }

    /// Records that a token was believed, and for which tenant the transaction goes on.
    pub fn authenticated(
        &mut self,
        permit: Permit<Authenticate>,
        tenant: Option<TenantId>,
        issuer: &str,
    ) -> Result<(), VaultError> {
        self.record(Event {
            tenant,
            ..Event::done(&permit).note(issuer)
        })
    }
}
