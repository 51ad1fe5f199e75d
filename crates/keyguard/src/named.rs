//! Values without a mark of their own: told by the name they stand under.
//!
//! The name alone says little: `token` stands over cursors and over secrets. So the value must look drawn at random
//! too, and be no reference, no hash and no hole in a template.

use crate::random::Demand;
use crate::shape::uuid;
use crate::work;

/// The shortest value that a name makes a secret.
const SHORTEST: usize = 12;

/// The longest: what is longer is a text, a document or an image.
const LONGEST: usize = 1024;

/// So many of its bytes belong to no word.
const DRAWN: usize = 10;

/// So much of the end of a name is looked at.
const NAME: usize = 64;

/// The last words of names of secrets; most values are done with after a look at them.
const LAST_WORDS: [&str; 12] = [
    "key",
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "bearer",
    "authorization",
    "credential",
    "pass",
    "pat",
];

/// Names end so, when what stands under them is a secret.
#[rustfmt::skip]
const ENDINGS: [&str; 56] = [
    "access_key", "access_token", "account_key", "admin_key", "admin_token", "api_key", "api_pass", "api_token", "apikey", "app_key",
    "app_token", "auth_key", "auth_token", "authorization", "authtoken", "accesstoken", "accesskey", "bearer", "bot_token", "consumer_key",
    "credential", "db_pass", "deploy_key", "encryption_key", "hmac_key", "id_token", "ingest_key", "integration_key", "jwt", "license_key",
    "live_key", "master_key", "passphrase", "passwd", "password", "pat", "private_key", "privatekey", "pwd", "refresh_token",
    "rest_key", "secret", "secret_access_key", "secret_key", "secretkey", "server_key", "service_key", "session_key", "session_token", "shared_key",
    "signing_key", "smtp_pass", "storage_key", "token", "webhook_key", "write_key",
];

/// These end like secrets and are none.
#[rustfmt::skip]
const INNOCENT: [&str; 34] = [
    "anti_forgery_token", "cache_key", "client_token", "composite_key", "continuation_token", "csrf_token", "cursor_token", "device_token",
    "eos_token", "bos_token", "pad_token", "form_token", "foreign_key", "has_password", "has_secret", "has_token", "idempotency_key",
    "image_token", "lookup_key", "next_page_token", "next_token", "page_token", "pagination_token", "partition_key", "primary_key",
    "public_key", "public_token", "publishable_key", "push_token", "resume_token", "site_key", "sort_key", "sync_token", "xsrf_token",
];

/// Is a value under this name meant to be secret?
pub fn secret(name: &str) -> bool {
    let name = name.trim_ascii();
    let singular = name
        .strip_suffix(['s', 'S'])
        .filter(|name| !name.ends_with(['s', 'S']));
    let name = singular.unwrap_or(name).as_bytes();
    let ends_with = |word: &str| {
        name.len() >= word.len()
            && name[name.len() - word.len()..].eq_ignore_ascii_case(word.as_bytes())
    };
    if !LAST_WORDS.iter().any(|word| ends_with(word)) {
        return false;
    }
    let mut folded = [0u8; NAME];
    let folded = fold(name, &mut folded);
    let ends_so = |ending: &&str| {
        folded
            .strip_suffix(ending.as_bytes())
            .is_some_and(|before| before.last().is_none_or(|byte| *byte == b'_'))
    };
    ENDINGS.iter().any(ends_so) && !INNOCENT.iter().any(ends_so)
}

/// Does a value look like a secret, given that its name says so? Its range, without blanks and the word `Bearer`.
pub fn value(text: &str) -> Option<(usize, usize)> {
    let end = text.trim_end_matches(unseen).len();
    let start = end - text[..end].trim_start_matches(unseen).len();
    let start = start + scheme_length(&text[start..end]);
    let inner = &text[start..end];
    let bytes = inner.as_bytes();
    if !(SHORTEST..=LONGEST).contains(&bytes.len()) {
        return None;
    }
    work::done(bytes.len());
    let secret = bytes.iter().all(u8::is_ascii_graphic)
        && !reference(inner)
        && !sealed(inner)
        && Demand::Varied.met_by(bytes)
        && (uuid(bytes) || drawn(bytes));
    secret.then_some((start, end))
}

/// What comes along where a value is copied from a page or a letter: blanks, marks without a width, quotes of print.
fn unseen(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
        || matches!(letter, '“' | '”' | '„' | '‘' | '’' | '«' | '»')
}

/// The word before a token in a header, and the blank after it.
fn scheme_length(text: &str) -> usize {
    const SCHEMES: [&str; 4] = ["bearer ", "basic ", "token ", "apikey "];
    let begins = |scheme: &&str| {
        text.get(..scheme.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(scheme))
    };
    SCHEMES
        .iter()
        .find(|scheme| begins(scheme))
        .map_or(0, |scheme| scheme.len())
}

/// A name of a secret that is kept elsewhere, or a hole for a template to fill.
pub fn reference(text: &str) -> bool {
    #[rustfmt::skip]
    const SCHEMES: [&str; 28] = [
        "vault:", "vault/", "op://", "arn:", "aws-secretsmanager:", "aws-ssm:", "ssm:", "secretsmanager:", "gcp-secret:", "gcpsm:", "sm://",
        "projects/", "azure-keyvault:", "akv:", "keyvault:", "env:", "env.", "env/", "file:", "file/", "secret:", "secret/", "ref:", "ref+",
        "doppler:", "https://", "http://", "kms:",
    ];
    const HOLES: [&str; 12] = [
        "${",
        "{{",
        "<",
        "%(",
        "$(",
        "#{",
        "*",
        "[",
        "{",
        "@Microsoft.KeyVault",
        "process.env",
        "os.environ",
    ];
    const MARKS: [&str; 6] = ["**", "...", "${", "{{", "••", "…"];
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
        || HOLES.iter().any(|hole| text.starts_with(hole))
        || MARKS.iter().any(|mark| text.contains(mark))
        || variable(text)
}

/// `$NAME`, `%NAME%`.
fn variable(text: &str) -> bool {
    let word = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.strip_prefix('$').is_some_and(word)
        || text
            .strip_prefix('%')
            .and_then(|text| text.strip_suffix('%'))
            .is_some_and(word)
}

/// `jwt.encode(...`, `settings.KEYS[0`, `read_key(`: a line of a program says where a value comes from.
fn expression(text: &str) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let name = text.bytes().take_while(named).count();
    let (name, after) = text.split_at(name);
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && (name.contains('.') && after.starts_with(['(', '[']) || after == "(")
}

/// What a password was made into, and what is encrypted already: kept in databases on purpose.
fn sealed(text: &str) -> bool {
    #[rustfmt::skip]
    const MARKS: [&str; 26] = [
        "$2a$", "$2b$", "$2y$", "$argon2", "$scrypt$", "$pbkdf2", "$1$", "$5$", "$6$", "$7$", "$y$", "$bcrypt", "pbkdf2_sha", "pbkdf2:",
        "scrypt:", "bcrypt", "argon2", "{SSHA", "{SHA", "{CRYPT}", "SCRAM-SHA-256$", "age1", "sha256:", "sha512:", "sha1:", "AQICAH",
    ];
    MARKS.iter().any(|mark| text.starts_with(mark))
        || (text.len() == 35
            && text.starts_with("md5")
            && text[3..].bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// No words: what is left without words, numbers and versions is as long as a token's least part.
fn drawn(text: &[u8]) -> bool {
    const SEPARATORS: &[u8] = b"-_./:@,+&=;?~|";
    let word = |part: &[u8]| {
        let letters = part
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let digits = part[letters..].iter().all(u8::is_ascii_digit);
        let capitals = part[..letters]
            .iter()
            .skip(1)
            .filter(|byte| byte.is_ascii_uppercase())
            .count();
        digits
            && part.len() - letters <= 8
            && (capitals <= 2 || capitals + 1 >= letters)
            && letters <= 24
    };
    let parts = text.split(|byte| SEPARATORS.contains(byte));
    parts
        .filter(|part| !word(part))
        .map(<[u8]>::len)
        .sum::<usize>()
        >= DRAWN
        && !time(text)
}

/// `2026-03-01T12:00:00...`
fn time(text: &[u8]) -> bool {
    let shape = b"dddd-dd-dd";
    text.len() <= 40
        && text.len() >= shape.len()
        && shape.iter().zip(text).all(|(kind, byte)| match kind {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// The end of a name in small letters, `_` between its words.
fn fold<'b>(name: &[u8], buffer: &'b mut [u8; NAME]) -> &'b [u8] {
    let mut at = NAME;
    for (number, byte) in name.iter().enumerate().rev() {
        if at < 2 {
            break;
        }
        at -= 1;
        buffer[at] = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => byte.to_ascii_lowercase(),
            _ => b'_',
        };
        // `accessToken`: a capital after a small letter begins a word.
        if byte.is_ascii_uppercase() && number > 0 && name[number - 1].is_ascii_lowercase() {
            at -= 1;
            buffer[at] = b'_';
        }
    }
    &buffer[at..]
}

/// A name and a value in a text: `API_KEY=...`, `"secret": "..."`, `password => ...`.
pub struct Assigned {
    /// Where the last value ended that was looked for: several marks within one run are not run through for each.
    run: (usize, usize),
}

impl Assigned {
    pub fn new() -> Assigned {
        Assigned { run: (0, 0) }
    }

    /// The range of a secret's value, where `=` or `:` stands at `mark`.
    pub fn value(&mut self, text: &str, mark: usize) -> Option<(usize, usize)> {
        let bytes = text.as_bytes();
        let blank = |byte: &u8| {
            matches!(
                byte,
                b' ' | b'\t' | b'"' | b'\'' | b'\\' | b'`' | b'>' | b'='
            )
        };
        let name_end = mark
            - bytes[..mark]
                .iter()
                .rev()
                .take(4)
                .take_while(|byte| blank(byte))
                .count();
        let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let length = bytes[..name_end]
            .iter()
            .rev()
            .take(NAME)
            .take_while(|byte| named(byte))
            .count();
        work::done(length);
        // A word of an address or of a reference, as in `arn:...:secret:...`, is no name.
        let within = bytes[..name_end - length].ends_with(b":")
            || bytes[..name_end - length].ends_with(b"/");
        if length < 3 || within || !secret(&text[name_end - length..name_end]) {
            return None;
        }
        let after = mark + 1;
        let start = after
            + bytes[after..]
                .iter()
                .take(6)
                .take_while(|byte| blank(byte))
                .count();
        let start = start + scheme_length(&text[start..]);
        if !(self.run.0..self.run.1).contains(&start) {
            let ends = |byte: &u8| {
                byte.is_ascii_whitespace()
                    || matches!(byte, b'"' | b'\'' | b'\\' | b'`' | b',' | b';' | b'&')
            };
            let length = bytes[start..].iter().position(ends);
            self.run = (start, length.map_or(bytes.len(), |length| start + length));
            work::done(self.run.1 - start);
        }
        let end = self.run.1;
        let tail = bytes[start..end]
            .iter()
            .rev()
            .take(4)
            .take_while(|byte| matches!(byte, b')' | b']' | b'}' | b'.' | b'>'))
            .count();
        // What begins within a letter is none of ours: a run ends before one of more than one byte only by chance.
        let run = text.get(start..end - tail)?;
        if expression(run) {
            return None;
        }
        let (from, to) = value(run)?;
        Some((start + from, start + to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "api_key",
            "apiKey",
            "API_KEY",
            "x-api-key",
            "stripe.secret",
            "clientSecret",
            "db_password",
            "PASSWORD",
            "api_keys",
            "accessToken",
            "auth-token",
            "wise_api_token",
            "private_key",
            "aws_secret_access_key",
            "token",
            "Authorization",
            "passwords",
        ] {
            assert!(secret(name), "{name}");
        }
    }

    #[test]
    fn names_of_anything_else() {
        for name in [
            "",
            "key",
            "monkey",
            "secret_id",
            "secret_ref",
            "token_type",
            "api_key_id",
            "password_hash",
            "secret_name",
            "public_key",
            "next_page_token",
            "sort_key",
            "idempotency_key",
            "site_key",
            "token_count",
            "max_token_length",
            "secret_arn",
            "passing",
            "stoken",
            "webhook_url",
            "token_expires_at",
            "api_key_last4",
            "auth_header",
            "version",
            "compass",
            "csrfToken",
        ] {
            assert!(!secret(name), "{name}");
        }
    }

    #[test]
    fn references_and_hashes_are_no_values() {
        for text in [
            "vault://credential/0f8fad5b-d9cb-469f-a165-70867728950e",
            "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zo",
            "op://Private/Stripe/credential9",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-B1c2D3",
            "projects/12345678/secrets/stripe-key/versions/7",
            "${STRIPE_SECRET_KEY_2}",
            "{{ secrets.STRIPE_KEY2 }}",
            "<your-key-h3re-please>",
            "$STRIPE_KEY_2026",
            "env:STRIPE_KEY_2026a",
            "sk_live_************1234",
            "••••••••••••1234",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub",
            "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy",
            "correct-horse-battery-staple",
            "change-me-before-2026",
            "000000000000",
            "short1A",
        ] {
            assert!(value(text).is_none(), "{text}");
        }
        for text in [
            "0f8fad5bd9cb469fa16570867728950e",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "Bearer 0f8fad5bd9cb469fa165",
            "\u{feff}0f8fad5bd9cb469fa16570867728950e\u{200b}",
            "0f8fad5bd9cb469fa16570867728950e\u{a0}\n",
            "“0f8fad5bd9cb469fa16570867728950e”",
        ] {
            assert!(value(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_line_of_a_program_assigns_no_secret() {
        let found = |text: &str| {
            let mark = text.find(['=', ':']).expect("every line assigns");
            Assigned::new().value(text, mark).is_some()
        };
        for text in [
            "token = jwt.encode(payload1, key)",
            "secret_key = settings.SECRET_KEY_FALLBACKS[0]",
            "password: z.string().min(12).max(64)",
            "api_key = read_key_of_client2()",
        ] {
            assert!(!found(text), "{text}");
        }
        for text in [
            "password = Summer2026(xYz)",
            "password = 4b.7c(9d1e2f3a",
            "api_key: “0f8fad5bd9cb469fa16570867728950e”",
        ] {
            assert!(found(text), "{text}");
        }
    }
}
