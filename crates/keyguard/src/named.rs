//! Values without a mark of their own: told by the name they stand under.

use crate::random;
use crate::shape::uuid;

/// The shortest value that a name makes a secret.
const SHORTEST: usize = 12;

/// The longest: what is longer is a text, a document or an image.
const LONGEST: usize = 4096;

/// So much of the end of a name is looked at.
const NAME: usize = 64;

/// Names end so, when what stands under them is a secret.
const ENDINGS: [&str; 42] = [
    "api_key",
    "apikey",
    "secret",
    "secret_key",
    "secretkey",
    "secret_token",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "access_token",
    "accesstoken",
    "auth_token",
    "authtoken",
    "private_key",
    "privatekey",
    "client_secret",
    "token",
    "signing_key",
    "encryption_key",
    "access_key",
    "accesskey",
    "auth_key",
    "master_key",
    "account_key",
    "admin_key",
    "service_key",
    "service_role_key",
    "webhook_key",
    "shared_key",
    "storage_key",
    "hmac_key",
    "session_key",
    "license_key",
    "app_key",
    "server_key",
    "bearer",
    "authorization",
    "credential",
    "api_token",
    "api_secret",
    "rest_key",
];

/// These end like secrets and are none.
const INNOCENT: [&str; 22] = [
    "page_token",
    "pagination_token",
    "next_token",
    "sync_token",
    "continuation_token",
    "cursor_token",
    "csrf_token",
    "xsrf_token",
    "idempotency_key",
    "public_key",
    "publishable_key",
    "site_key",
    "sort_key",
    "partition_key",
    "primary_key",
    "foreign_key",
    "public_token",
    "device_token",
    "push_token",
    "resume_token",
    "client_token",
    "form_token",
];

/// Is a value under this name meant to be secret?
pub fn secret(name: &str) -> bool {
    let mut folded = [0u8; NAME];
    let folded = fold(name, &mut folded);
    let folded = folded
        .strip_suffix(b"s")
        .filter(|_| !folded.ends_with(b"ss"))
        .unwrap_or(folded);
    ENDINGS.iter().any(|ending| ends_with_word(folded, ending))
        && !INNOCENT.iter().any(|ending| ends_with_word(folded, ending))
}

/// Does a value look like a secret, given that its name says so?
pub fn value(text: &str) -> bool {
    let text = text.trim();
    let text = ["Bearer ", "bearer ", "Basic ", "Token ", "token "]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    let bytes = text.as_bytes();
    (SHORTEST..=LONGEST).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_graphic)
        && !reference(text)
        && !hash(text)
        && random::Demand::Varied.met_by(bytes)
        && (uuid(bytes) || drawn(bytes))
}

/// A name of a secret that is kept elsewhere, or a hole for a template to fill.
pub fn reference(text: &str) -> bool {
    const SCHEMES: [&str; 22] = [
        "vault:",
        "op://",
        "arn:",
        "aws-secretsmanager:",
        "aws-ssm:",
        "ssm:",
        "secretsmanager:",
        "gcp-secret:",
        "gcpsm:",
        "sm://",
        "projects/",
        "azure-keyvault:",
        "akv:",
        "keyvault:",
        "env:",
        "env.",
        "file:",
        "secret:",
        "ref:",
        "doppler:",
        "https://",
        "http://",
    ];
    const HOLES: [&str; 9] = [
        "${",
        "{{",
        "<",
        "%(",
        "$(",
        "#{",
        "*",
        "@Microsoft.KeyVault",
        "process.env",
    ];
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
        || HOLES.iter().any(|hole| text.starts_with(hole))
        || ["**", "...", "${", "{{"]
            .iter()
            .any(|mark| text.contains(mark))
        || (text.starts_with('$')
            && text[1..]
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'))
}

/// What a password was made into, and ciphertext: kept in databases on purpose.
fn hash(text: &str) -> bool {
    const MARKS: [&str; 15] = [
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2",
        "$scrypt$",
        "$pbkdf2",
        "$1$",
        "$5$",
        "$6$",
        "$y$",
        "pbkdf2_sha",
        "{SSHA}",
        "SCRAM-SHA-256$",
        "md5",
        "age1",
    ];
    MARKS.iter().any(|mark| text.starts_with(mark))
}

/// No words: not every part between separators is a word or a number.
fn drawn(text: &[u8]) -> bool {
    let separators = |byte: &u8| matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b' ');
    let wordy = text.split(separators).all(|part| {
        part.iter().all(u8::is_ascii_digit)
            || (part.iter().all(u8::is_ascii_alphabetic)
                && part
                    .iter()
                    .skip(1)
                    .filter(|byte| byte.is_ascii_uppercase())
                    .count()
                    <= 1)
    });
    !wordy
}

/// The end of a name in small letters, `_` between its words.
fn fold<'b>(name: &str, buffer: &'b mut [u8; NAME]) -> &'b [u8] {
    let mut at = NAME;
    let mut bytes = name.trim().bytes().rev().peekable();
    while let Some(byte) = bytes.next() {
        let mut put = |byte: u8| {
            if at > 0 {
                at -= 1;
                buffer[at] = byte;
            }
        };
        match byte {
            b'A'..=b'Z' => {
                put(byte.to_ascii_lowercase());
                // `accessToken`: a capital after a small letter begins a word.
                if bytes.peek().is_some_and(u8::is_ascii_lowercase) {
                    put(b'_');
                }
            }
            b'a'..=b'z' | b'0'..=b'9' => put(byte),
            _ => put(b'_'),
        }
        if at == 0 {
            break;
        }
    }
    &buffer[at..]
}

fn ends_with_word(name: &[u8], ending: &str) -> bool {
    name.strip_suffix(ending.as_bytes())
        .is_some_and(|before| before.last().is_none_or(|byte| *byte == b'_'))
}
