//! Names, keys and ids, parsed once at the door. Inside, a value of these types is already good.

use std::fmt;

use envelope::SECRET_MAX_BYTES;
use uuid::{Builder, Uuid};

use crate::VaultError;

const NAME_MAX_CHARS: usize = 256;
const DESCRIPTION_MAX_CHARS: usize = 4096;
const REASON_MAX_CHARS: usize = 512;
const KEY_MAX_BYTES: usize = 256;

/// A tenant's uuid. The nil uuid is the platform itself, to which credentials without a tenant belong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Uuid);

impl TenantId {
    pub const PLATFORM: Self = Self(Uuid::nil());

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// A tenant named by a caller.
    ///
    /// - errors: [`VaultError::InvalidArgument`] for the nil uuid, which is reserved for the platform: a
    ///   forgotten variable must not write there.
    pub fn parse(bytes: [u8; 16], argument: &'static str) -> Result<Self, VaultError> {
        let tenant = Self::from_bytes(bytes);
        if tenant == Self::PLATFORM {
            let rule =
                "The nil uuid is reserved for the platform; give the tenant's own uuid.".to_owned();
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(tenant)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

/// 32 random bits that stand for a tenant in the ids of its credentials; 0 is the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TenantTag(pub u32);

impl TenantTag {
    pub const PLATFORM: Self = Self(0);
}

/// A credential's uuid, in the layout of version 4: `tag[4] || random[12]`, less the six fixed bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialId(Uuid);

impl CredentialId {
    /// - `random`: 12 bytes, of which 90 bits survive (RFC 9562, section 5.4, fixes six).
    pub fn new(tag: TenantTag, random: [u8; 12]) -> Self {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&tag.0.to_be_bytes());
        bytes[4..].copy_from_slice(&random);
        Self(Builder::from_random_bytes(bytes).into_uuid())
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The tenant tag this id claims. A claim only: the row found is the proof.
    pub fn tag(&self) -> TenantTag {
        let [a, b, c, d, ..] = *self.as_bytes();
        TenantTag(u32::from_be_bytes([a, b, c, d]))
    }
}

/// An application's uuid, as the caller's own tables have it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(Uuid);

impl AppId {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// An app named by a caller.
    ///
    /// - errors: [`VaultError::InvalidArgument`] for the nil uuid, which is mostly a forgotten variable.
    pub fn parse(bytes: [u8; 16], argument: &'static str) -> Result<Self, VaultError> {
        let app = Self::from_bytes(bytes);
        if app.0.is_nil() {
            let rule = "The nil uuid is no app; give the app's own uuid.".to_owned();
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(app)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

macro_rules! shown_as_uuid {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )+};
}
shown_as_uuid!(TenantId, CredentialId, AppId);

/// A credential's name: 1 to 256 characters, none of them a control character. Need not be unique.
#[derive(Debug)]
pub struct CredentialName<'a>(&'a str);

impl<'a> CredentialName<'a> {
    pub fn parse(text: &'a str, argument: &'static str) -> Result<Self, VaultError> {
        let chars = text.chars().count();
        if !(1..=NAME_MAX_CHARS).contains(&chars) || text.chars().any(char::is_control) {
            let rule = format!(
                "A name has 1 to {NAME_MAX_CHARS} characters and no control characters; this one has {chars}."
            );
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        self.0
    }
}

/// Free text about a credential: at most 4096 characters. Readable by everybody who may list credentials.
#[derive(Debug)]
pub struct Description<'a>(&'a str);

impl<'a> Description<'a> {
    pub fn parse(text: &'a str, argument: &'static str) -> Result<Self, VaultError> {
        let chars = text.chars().count();
        if chars > DESCRIPTION_MAX_CHARS {
            let rule = format!(
                "A description has at most {DESCRIPTION_MAX_CHARS} characters; this one has {chars}."
            );
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        self.0
    }
}

/// Why somebody changed a version: 1 to 512 characters, none of them a control character. Not a secret.
#[derive(Debug)]
pub struct Reason<'a>(&'a str);

impl<'a> Reason<'a> {
    pub fn parse(text: &'a str, argument: &'static str) -> Result<Self, VaultError> {
        let chars = text.chars().count();
        if !(1..=REASON_MAX_CHARS).contains(&chars) || text.chars().any(char::is_control) {
            let rule = format!(
                "A reason has 1 to {REASON_MAX_CHARS} characters and no control characters; this one has {chars}."
            );
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        self.0
    }
}

/// The key of a tenant secret: `^[A-Za-z0-9_.:/-]{1,256}$`, unique within its tenant.
#[derive(Debug)]
pub struct SecretKey(String);

impl SecretKey {
    pub fn parse(text: &str, argument: &'static str) -> Result<Self, VaultError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b);
        if !(1..=KEY_MAX_BYTES).contains(&text.len()) || !text.bytes().all(good) {
            let rule = format!("A key matches ^[A-Za-z0-9_.:/-]{{1,{KEY_MAX_BYTES}}}$.");
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key of an app secret: `^[A-Za-z0-9_]{1,256}$`, unique within its app. What an environment variable can be called.
#[derive(Debug, PartialEq, Eq)]
pub struct AppKey(String);

impl AppKey {
    pub fn parse(text: &str, argument: &'static str) -> Result<Self, VaultError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !(1..=KEY_MAX_BYTES).contains(&text.len()) || !text.bytes().all(good) {
            let rule = format!("A key of an app matches ^[A-Za-z0-9_]{{1,{KEY_MAX_BYTES}}}$.");
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an app secret is called in storage and in the log: `<app's uuid>/<key>`, unique within its tenant.
#[derive(Debug, PartialEq, Eq)]
pub struct AppSecretName(String);

impl AppSecretName {
    pub fn new(app: AppId, key: &AppKey) -> Self {
        Self(format!("{app}/{}", key.as_str()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The end of a secret, for people to tell it from others: its last four characters, where it has sixteen or more and
/// none of the four is a control character; else nothing.
#[derive(Debug)]
pub struct Hint<'a>(&'a str);

impl<'a> Hint<'a> {
    const CHARS: usize = 4;
    const SECRET_MIN_CHARS: usize = 16;

    pub fn of(secret: &'a [u8]) -> Self {
        let text = std::str::from_utf8(secret).unwrap_or_default();
        if text.chars().nth(Self::SECRET_MIN_CHARS - 1).is_none() {
            return Self("");
        }
        let start = text.char_indices().rev().nth(Self::CHARS - 1);
        let end = start.map_or("", |(start, _)| &text[start..]);
        Self(if end.chars().any(char::is_control) {
            ""
        } else {
            end
        })
    }

    pub fn as_str(&self) -> &str {
        self.0
    }
}

/// Refuses an empty secret and one over the limit.
pub fn check_secret(secret: &[u8], argument: &'static str) -> Result<(), VaultError> {
    if !(1..=SECRET_MAX_BYTES).contains(&secret.len()) {
        let rule = format!(
            "A secret has 1 to {SECRET_MAX_BYTES} bytes; this one has {}.",
            secret.len()
        );
        return Err(VaultError::InvalidArgument { argument, rule });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<T: fmt::Debug>(result: Result<T, VaultError>) -> String {
        match result {
            Err(VaultError::InvalidArgument {
                argument: "p",
                rule,
            }) => rule,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn an_id_keeps_its_tag_and_the_layout_of_version_4() {
        let id = CredentialId::new(TenantTag(0xdead_beef), [0xff; 12]);
        assert_eq!(id.tag(), TenantTag(0xdead_beef));
        assert_eq!(id.to_string(), "deadbeef-ffff-4fff-bfff-ffffffffffff");
        let id = CredentialId::new(TenantTag::PLATFORM, [0; 12]);
        assert_eq!(id.to_string(), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn the_nil_tenant_is_reserved() {
        assert!(rule(TenantId::parse([0; 16], "p")).contains("reserved"));
        assert!(TenantId::parse([1; 16], "p").is_ok());
    }

    #[test]
    fn names_have_a_length_in_characters_and_no_control_characters() {
        assert!(CredentialName::parse(&"é".repeat(256), "p").is_ok());
        for bad in ["", "a\nb", "\u{7f}", &"é".repeat(257)] {
            assert!(rule(CredentialName::parse(bad, "p")).contains("1 to 256"));
        }
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert!(Reason::parse(&"é".repeat(512), "p").is_ok());
        for bad in ["", "two\nlines", &"é".repeat(513)] {
            assert!(rule(Reason::parse(bad, "p")).contains("1 to 512"));
        }
    }

    #[test]
    fn keys_are_plain_identifiers() {
        for good in [
            "a",
            "STRIPE_SECRET_KEY",
            "svc/api:key-1.2",
            &"k".repeat(256),
        ] {
            assert!(SecretKey::parse(good, "p").is_ok(), "{good}");
        }
        for bad in ["", " a", "a b", "é", "a\0", "$x", &"k".repeat(257)] {
            assert!(
                rule(SecretKey::parse(bad, "p")).contains("^[A-Za-z0-9_.:/-]{1,256}$"),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn keys_of_apps_are_names_of_variables() {
        for good in ["a", "_", "0", "DATABASE_URL", &"k".repeat(256)] {
            assert!(AppKey::parse(good, "p").is_ok(), "{good}");
        }
        for bad in [
            "",
            " a",
            "a\n",
            "a b",
            "a-b",
            "a.b",
            "a/b",
            "é",
            "Ａ",
            "a\0",
            &"k".repeat(257),
        ] {
            assert!(
                rule(AppKey::parse(bad, "p")).contains("^[A-Za-z0-9_]{1,256}$"),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn an_app_secret_is_called_by_its_app_and_its_key() {
        let (app, key) = (AppId::from_bytes([0xab; 16]), AppKey::parse("K", "p"));
        let name = AppSecretName::new(app, &key.unwrap());
        assert_eq!(name.as_str(), "abababab-abab-abab-abab-abababababab/K");
        assert!(rule(AppId::parse([0; 16], "p")).contains("no app"));
        assert!(AppId::parse([1; 16], "p").is_ok());
    }

    #[test]
    fn a_hint_is_the_end_of_a_long_secret_and_nothing_of_a_short_one() {
        for (secret, hint) in [
            ("", ""),
            ("abc", ""),
            ("123456789012345", ""),
            ("1234567890123456", "3456"),
            ("sk_live_0123456789abcdef", "cdef"),
            ("ééééééééééééééé", ""),
            ("ééééééééééééééé€", "ééé€"),
            ("1234567890123456\n", ""),
            ("1234567890\n12345678", "5678"),
        ] {
            assert_eq!(Hint::of(secret.as_bytes()).as_str(), hint, "{secret:?}");
        }
        assert_eq!(Hint::of(&[0xff; 20]).as_str(), "");
    }

    #[test]
    fn secrets_are_not_empty_and_not_over_the_limit() {
        assert!(rule(check_secret(b"", "p")).contains("1 to 1048576"));
        assert!(check_secret(&vec![0; SECRET_MAX_BYTES], "p").is_ok());
        assert!(rule(check_secret(&vec![0; SECRET_MAX_BYTES + 1], "p")).contains("1048577"));
    }

    #[test]
    fn refusals_do_not_repeat_the_value() {
        let shown = format!("{:?}", SecretKey::parse("sk live", "p"));
        assert!(!shown.contains("sk live"));
    }
}
