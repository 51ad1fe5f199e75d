//! Arguments, parsed once. Text arrives as the bytes of its datum, uncopied; NULL is refused by name.

use std::borrow::Cow;

use pgrx::Uuid;
use pgrx::datum::Interval;
use vault::{AppId, AppKey, CredentialId, Span, TenantId, VaultError};

use crate::pg;

const REASON_MAX_CHARS: usize = 1000;

pub fn required<T>(value: Option<T>, argument: &'static str) -> Result<T, VaultError> {
    value.ok_or(VaultError::NullArgument(argument))
}

/// A count of rows: 1 to 1,000,000.
pub fn at_least_one(value: Option<i32>, argument: &'static str) -> Result<u32, VaultError> {
    const MAX: u32 = 1_000_000;
    let count = required(value, argument)?;
    u32::try_from(count)
        .ok()
        .filter(|count| (1..=MAX).contains(count))
        .ok_or_else(|| VaultError::InvalidArgument {
            argument,
            rule: format!("A number of rows is 1 to {MAX}; this one is {count}."),
        })
}

pub fn credential_id(
    value: Option<Uuid>,
    argument: &'static str,
) -> Result<CredentialId, VaultError> {
    Ok(CredentialId::from_bytes(
        *required(value, argument)?.as_bytes(),
    ))
}

pub fn tenant_id(value: Option<Uuid>, argument: &'static str) -> Result<TenantId, VaultError> {
    TenantId::parse(*required(value, argument)?.as_bytes(), argument)
}

pub fn app_id(value: Option<Uuid>, argument: &'static str) -> Result<AppId, VaultError> {
    AppId::parse(*required(value, argument)?.as_bytes(), argument)
}

pub fn app_key(value: Option<&[u8]>, argument: &'static str) -> Result<AppKey, VaultError> {
    AppKey::parse(&text(required(value, argument)?, argument)?, argument)
}

pub fn span(value: Option<Interval>, argument: &'static str) -> Result<Option<Span>, VaultError> {
    value
        .map(|given| Span::parse(given.months(), given.days(), given.micros(), argument))
        .transpose()
}

/// An optional text argument as UTF-8; to be parsed further.
pub fn optional_text<'a>(
    value: Option<&'a [u8]>,
    argument: &'static str,
) -> Result<Option<Cow<'a, str>>, VaultError> {
    value.map(|value| text(value, argument)).transpose()
}

/// A tenant named by an administrator: the platform, the nil uuid, too.
pub fn any_tenant_id(value: Option<Uuid>, argument: &'static str) -> Result<TenantId, VaultError> {
    Ok(TenantId::from_bytes(*required(value, argument)?.as_bytes()))
}

/// Why an administrator does what he does: at most 1000 characters, none of them a control character.
pub fn reason<'a>(value: &'a [u8], argument: &'static str) -> Result<Cow<'a, str>, VaultError> {
    let reason = text(value, argument)?;
    let chars = reason.chars().count();
    if chars > REASON_MAX_CHARS || reason.chars().any(char::is_control) {
        let rule = format!(
            "A reason has at most {REASON_MAX_CHARS} characters and no control characters; this one has {chars}."
        );
        return Err(VaultError::InvalidArgument { argument, rule });
    }
    Ok(reason)
}

/// A text argument as UTF-8.
pub fn text<'a>(value: &'a [u8], argument: &'static str) -> Result<Cow<'a, str>, VaultError> {
    let not_text = || VaultError::InvalidArgument {
        argument,
        rule: "Text must have a UTF-8 form.".to_owned(),
    };
    match pg::text::to_utf8(value).ok_or_else(not_text)? {
        Cow::Borrowed(utf8) => std::str::from_utf8(utf8)
            .map(Cow::Borrowed)
            .map_err(|_| not_text()),
        Cow::Owned(utf8) => String::from_utf8(utf8)
            .map(Cow::Owned)
            .map_err(|_| not_text()),
    }
}

/// A secret in a text argument, as the UTF-8 bytes to seal. Checked for its size.
pub fn secret_text<'a>(
    value: Option<&'a [u8]>,
    argument: &'static str,
) -> Result<Cow<'a, [u8]>, VaultError> {
    let rule =
        || "A secret given as text must have a UTF-8 form; use the _bytes function.".to_owned();
    let secret = pg::text::to_utf8(required(value, argument)?).ok_or_else(|| {
        VaultError::InvalidArgument {
            argument,
            rule: rule(),
        }
    })?;
    vault::check_secret(&secret, argument)?;
    Ok(secret)
}

pub fn secret_bytes<'a>(
    value: Option<&'a [u8]>,
    argument: &'static str,
) -> Result<&'a [u8], VaultError> {
    let secret = required(value, argument)?;
    vault::check_secret(secret, argument)?;
    Ok(secret)
}
