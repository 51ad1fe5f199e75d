//! Whose signed tokens are believed: `vault.trust_jwt_issuer`, `vault.trust_jwt_secret`, `vault.distrust_jwt_issuer`.

use std::borrow::Cow;

use pgrx::pg_extern;
use token::{Key, LABEL_MAX_BYTES, is_label, parse_key_set};
use vault::{DistrustJwtIssuer, JwtPublicKey, TrustJwtIssuer, TrustJwtSecret, VaultError};

use super::argument::{required, secret_text, text};
use super::door::{Call, answer};
use crate::pg::json::Jsonb;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn trust_jwt_issuer(
    p_issuer: Option<&[u8]>,
    p_audience: Option<&[u8]>,
    p_jwks: Option<Jsonb>,
) -> i32 {
    answer::<TrustJwtIssuer, _>(|call| trust(call, p_issuer, p_audience, p_jwks))
}

fn trust(
    call: &Call,
    issuer: Option<&[u8]>,
    audience: Option<&[u8]>,
    jwks: Option<Jsonb>,
) -> Result<i32, VaultError> {
    let issuer = label(issuer, "p_issuer")?;
    let audience = label(audience, "p_audience")?;
    let jwks = required(jwks, "p_jwks")?;
    let invalid = |rule: String| VaultError::InvalidArgument {
        argument: "p_jwks",
        rule,
    };
    let jwks = jwks
        .to_utf8()
        .ok_or_else(|| invalid("Text must have a UTF-8 form.".to_owned()))?;
    let keys = parse_key_set(&jwks).map_err(|error| invalid(error.to_string()))?;
    call.writes("trust an issuer of tokens")?;
    let jwks: Vec<String> = keys
        .iter()
        .map(|(_, key)| key.to_jwk().to_string())
        .collect();
    let rows: Vec<JwtPublicKey<'_>> = keys
        .iter()
        .zip(&jwks)
        .map(|((id, key), jwk)| JwtPublicKey {
            id: id.as_deref(),
            algorithm: key.algorithm().name(),
            jwk,
        })
        .collect();
    let permit = policy::for_platform::<TrustJwtIssuer>();
    session::vault(|vault| vault.trust_jwt_issuer(permit, &issuer, &audience, &rows))?;
    Ok(i32::try_from(rows.len()).unwrap_or(i32::MAX))
}

#[pg_extern(sql = false)]
fn trust_jwt_secret(
    p_issuer: Option<&[u8]>,
    p_audience: Option<&[u8]>,
    p_secret: Option<&[u8]>,
    p_kid: Option<&[u8]>,
) {
    answer::<TrustJwtSecret, _>(|call| {
        let issuer = label(p_issuer, "p_issuer")?;
        let audience = label(p_audience, "p_audience")?;
        let secret = secret_text(p_secret, "p_secret")?;
        if let Err(problem) = Key::secret(secret.to_vec().into()) {
            return Err(VaultError::InvalidArgument {
                argument: "p_secret",
                rule: problem.to_string(),
            });
        }
        let id = p_kid.map(|id| label(Some(id), "p_kid")).transpose()?;
        call.writes("trust an issuer of tokens")?;
        let permit = policy::for_platform::<TrustJwtSecret>();
        session::vault(|vault| {
            vault.trust_jwt_secret(permit, &issuer, &audience, id.as_deref(), &secret)
        })
        .map(drop)
    });
}

#[pg_extern(sql = false)]
fn distrust_jwt_issuer(p_issuer: Option<&[u8]>) -> i32 {
    answer::<DistrustJwtIssuer, _>(|call| {
        let issuer = label(p_issuer, "p_issuer")?;
        call.writes("forget an issuer of tokens")?;
        let permit = policy::for_platform::<DistrustJwtIssuer>();
        let count = session::vault(|vault| vault.distrust_jwt_issuer(permit, &issuer))?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    })
}

fn label<'a>(value: Option<&'a [u8]>, argument: &'static str) -> Result<Cow<'a, str>, VaultError> {
    let label = text(required(value, argument)?, argument)?;
    if !is_label(&label) {
        return Err(VaultError::InvalidArgument {
            argument,
            rule: format!("It has 1 to {LABEL_MAX_BYTES} bytes and no control characters."),
        });
    }
    Ok(label)
}
