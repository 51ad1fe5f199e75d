//! `vault.authenticate`: a signed token says for whom the transaction goes on.

use pgrx::{Uuid, pg_extern};
use token::{Key, Refusal, Token};
use vault::{Authenticate, CredentialId, TenantId, VaultError};

use super::argument::required;
use super::door::{Call, answer};
use crate::pg::clock::Timestamp;
use crate::tenancy::{self, issuers};
use crate::{policy, session};

#[pg_extern(sql = false)]
fn authenticate(p_jwt: Option<&[u8]>) -> Option<Uuid> {
    answer::<Authenticate, _>(|call| {
        let tenant = authenticated(call, required(p_jwt, "p_jwt")?)?;
        Ok(tenant.map(|tenant| Uuid::from_bytes(*tenant.as_bytes())))
    })
}

/// The token is looked at as the bytes it came in: a token is ASCII, in every encoding of a server.
fn authenticated(call: &Call, jwt: &[u8]) -> Result<Option<TenantId>, VaultError> {
    let refused = |refusal: Refusal| {
        call.note_more(refusal.reason());
        not_believed(refusal)
    };
    let token = Token::parse(jwt).map_err(refused)?;
    let permit = policy::for_platform::<Authenticate>();
    let open = |id: CredentialId| {
        let secret = session::vault(|vault| vault.jwt_secret(&permit, id))?;
        // A secret that is none by today's rule verifies nothing.
        Ok(secret.and_then(|secret| Key::secret(secret.expose().to_vec().into()).ok()))
    };
    let keys = issuers::keys(token.issuer(), token.algorithm(), open)?;
    if !keys.is_empty() {
        // An issuer that is known may be named in the log; another one is nobody's word but the token's.
        call.note_more(token.issuer());
    }
    let now_s = Timestamp::now().unix_ms() / 1000;
    let claims = token.verify(&keys, now_s).map_err(refused)?;
    let tenant = tenancy::authenticated(claims.all())?;
    session::vault(|vault| vault.authenticated(permit, tenant, claims.issuer()))?;
    Ok(tenant)
}

fn not_believed(refusal: Refusal) -> VaultError {
    let (rule, hint) = match refusal {
        Refusal::Malformed(rule) => (Some(rule), None),
        Refusal::UnknownKey => (
            None,
            Some(
                "An administrator of the vault says whom to trust: vault.trust_jwt_issuer, for the token's iss and kid.",
            ),
        ),
        Refusal::Expired => (None, Some("Ask its issuer for a new one.")),
        Refusal::Audience => (
            None,
            Some("Its aud must name the audience for which the issuer is trusted: vault.jwt_keys."),
        ),
        Refusal::Signature | Refusal::NotYetValid => (None, None),
    };
    VaultError::TokenRefused {
        reason: refusal.reason(),
        rule,
        hint,
    }
}
