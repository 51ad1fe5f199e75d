//! What a service's credentials look like, as a row of the catalogue says it.
//!
//! **Invariant:** a [`Service`] is well formed: its names are names, its bounds are bounds. There are no patterns that could
//! run for long; a value is judged in one pass.

use serde_json::{Map, Value};

pub const NAME_MAX_BYTES: usize = 64;
const LABEL_MAX_CHARS: usize = 100;
const WORDS_MAX_CHARS: usize = 200;
const PREFIX_MAX_BYTES: usize = 32;
const FIELDS_MAX: usize = 16;
const PREFIXES_MAX: usize = 16;
/// So that all fields of one integration fit into memory many times over.
const VALUE_MAX_CHARS: usize = 16_384;
const VALUE_CHARS_UNLESS_SAID: usize = 4096;

/// Whether a key moves real money, mail or data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Live,
    Test,
}

impl Mode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "live" => Some(Self::Live),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Of what a value consists, behind its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    Hex,
    LowerHex,
    Alnum,
    Base64,
    Base64Url,
    Uuid,
    /// ASCII that shows, without blanks.
    Printable,
    /// One line of anything but control characters: names, addresses.
    Text,
    /// A block of several lines between BEGIN and END.
    Pem,
}

impl Charset {
    const ALL: [(&'static str, Self); 9] = [
        ("hex", Self::Hex),
        ("lower_hex", Self::LowerHex),
        ("alnum", Self::Alnum),
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("uuid", Self::Uuid),
        ("printable", Self::Printable),
        ("text", Self::Text),
        ("pem", Self::Pem),
    ];

    fn of_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, charset)| *charset)
    }

    /// For "it consists of ...".
    pub fn words(self) -> &'static str {
        match self {
            Self::Hex => "hexadecimal digits",
            Self::LowerHex => "lower-case hexadecimal digits",
            Self::Alnum => "letters and digits",
            Self::Base64 => "base64 characters",
            Self::Base64Url => "letters, digits, - and _",
            Self::Uuid => "a uuid",
            Self::Printable => "ASCII characters without blanks",
            Self::Text => "one line of text",
            Self::Pem => "a block from -----BEGIN to -----END",
        }
    }

    pub fn holds(self, value: &str) -> bool {
        let all = |good: fn(u8) -> bool| value.bytes().all(good);
        match self {
            Self::Hex => all(|b| b.is_ascii_hexdigit()),
            Self::LowerHex => all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            Self::Alnum => all(|b| b.is_ascii_alphanumeric()),
            Self::Base64 => all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)),
            Self::Base64Url => all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            Self::Uuid => is_uuid(value),
            Self::Printable => all(|b| b.is_ascii_graphic()),
            Self::Text => !value.chars().any(char::is_control),
            Self::Pem => value.starts_with("-----BEGIN ") && value.contains("-----END "),
        }
    }
}

fn is_uuid(value: &str) -> bool {
    let hyphens = [8, 13, 18, 23];
    value.len() == 36
        && value.bytes().enumerate().all(|(i, b)| match b {
            b'-' => hyphens.contains(&i),
            b => b.is_ascii_hexdigit() && !hyphens.contains(&i),
        })
}

/// How a value may begin, and what that says of its mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Empty: one without any beginning of its own is good, too.
    pub text: String,
    pub mode: Option<Mode>,
}

/// How a value begins that somebody took for this one, and what to tell them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistaken {
    pub prefix: String,
    pub words: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub label: String,
    /// Sealed; else kept in the clear, readable by all who may list.
    pub secret: bool,
    pub required: bool,
    pub prefixes: Vec<Prefix>,
    pub refused: Vec<Mistaken>,
    pub charset: Charset,
    pub min_chars: usize,
    pub max_chars: usize,
}

impl Field {
    /// The longest of its prefixes that the value has.
    pub fn prefix_of(&self, value: &str) -> Option<&Prefix> {
        let fitting = self
            .prefixes
            .iter()
            .filter(|prefix| value.starts_with(&prefix.text));
        fitting.max_by_key(|prefix| prefix.text.len())
    }

    pub fn mode_of(&self, value: &str) -> Option<Mode> {
        self.prefix_of(value).and_then(|prefix| prefix.mode)
    }
}

/// How the service signs what it sends, and which field holds what that is verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub scheme: String,
    pub field: String,
}

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub category: String,
    pub label: String,
    /// Offered to tenants; what one has of another one stays readable.
    pub offered: bool,
    pub fields: Vec<Field>,
    pub webhook: Option<Webhook>,
}

/// The columns of a row, as they stand.
pub struct ServiceRow<'a> {
    pub service: &'a str,
    pub category: &'a str,
    pub label: &'a str,
    pub offered: bool,
    /// JSON.
    pub fields: &'a str,
    pub webhook: Option<&'a str>,
}

impl Service {
    /// - errors: what is wrong with the row, in words for whoever writes it.
    pub fn parse(row: &ServiceRow<'_>) -> Result<Self, String> {
        if !is_name(row.service) {
            return Err(format!(
                "service matches ^[a-z][a-z0-9_]*$, of at most {NAME_MAX_BYTES} characters"
            ));
        }
        if !is_name(row.category) {
            return Err(format!(
                "category matches ^[a-z][a-z0-9_]*$, of at most {NAME_MAX_BYTES} characters"
            ));
        }
        let label = label(row.label).ok_or_else(|| rule_of_labels("label"))?;
        let Ok(Value::Array(entries)) = serde_json::from_str(row.fields) else {
            return Err("fields is a JSON array of objects".to_owned());
        };
        if !(1..=FIELDS_MAX).contains(&entries.len()) {
            return Err(format!("fields has 1 to {FIELDS_MAX} entries"));
        }
        let mut fields: Vec<Field> = Vec::with_capacity(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            let at = |problem: String| format!("field {}: {problem}", i + 1);
            let field = field(entry).map_err(at)?;
            if fields.iter().any(|other| other.name == field.name) {
                return Err(at("another field has the same name".to_owned()));
            }
            fields.push(field);
        }
        let webhook = match row.webhook {
            Some(text) => Some(webhook(text, &fields)?),
            None => None,
        };
        Ok(Self {
            name: row.service.to_owned(),
            category: row.category.to_owned(),
            label,
            offered: row.offered,
            fields,
            webhook,
        })
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The secret that a service with one has.
    pub fn main_secret(&self) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| field.secret && field.required)
    }

    /// The public part of such a pair.
    pub fn main_public(&self) -> Option<&Field> {
        self.fields
            .iter()
            .find(|field| !field.secret && field.required)
    }

    pub fn field_names(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(|field| &*field.name).collect();
        names.join(", ")
    }
}

/// The name of a service or of a field.
pub fn is_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=NAME_MAX_BYTES).contains(&text.len())
        && text.bytes().all(good)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

fn label(text: &str) -> Option<String> {
    let chars = text.chars().count();
    let good = (1..=LABEL_MAX_CHARS).contains(&chars) && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

fn rule_of_labels(what: &str) -> String {
    format!("{what} has 1 to {LABEL_MAX_CHARS} characters and no control characters")
}

/// What the functions answer beside the fields.
const RESERVED: [&str; 11] = [
    "account",
    "connected",
    "expires_at",
    "hints",
    "missing_fields",
    "mode",
    "service",
    "settings",
    "updated_at",
    "verification",
    "version",
];

const MEMBERS: [&str; 9] = [
    "name",
    "label",
    "secret",
    "required",
    "prefixes",
    "refused",
    "charset",
    "min_length",
    "max_length",
];

fn field(entry: &Value) -> Result<Field, String> {
    let Value::Object(entry) = entry else {
        return Err("it is no JSON object".to_owned());
    };
    if entry.keys().any(|key| !MEMBERS.contains(&key.as_str())) {
        return Err(format!("its members are {}", MEMBERS.join(", ")));
    }
    let name = match entry.get("name") {
        Some(Value::String(name)) if is_name(name) => name.clone(),
        _ => {
            return Err(format!(
                "name matches ^[a-z][a-z0-9_]*$, of at most {NAME_MAX_BYTES} characters"
            ));
        }
    };
    if RESERVED.contains(&&*name) {
        return Err(format!("name is none of {}", RESERVED.join(", ")));
    }
    let label = match entry.get("label") {
        None => name.clone(),
        Some(Value::String(text)) => label(text).ok_or_else(|| rule_of_labels("label"))?,
        Some(_) => return Err(rule_of_labels("label")),
    };
    let charset = match entry.get("charset") {
        None => Charset::Printable,
        Some(Value::String(word)) => Charset::of_word(word).ok_or_else(rule_of_charsets)?,
        Some(_) => return Err(rule_of_charsets()),
    };
    let min_chars = length(entry, "min_length", 1)?;
    let max_chars = length(entry, "max_length", VALUE_CHARS_UNLESS_SAID.max(min_chars))?;
    if min_chars > max_chars {
        return Err("min_length is at most max_length".to_owned());
    }
    Ok(Field {
        label,
        secret: flag(entry, "secret")?.ok_or("secret is true or false")?,
        required: flag(entry, "required")?.unwrap_or(false),
        prefixes: prefixes(entry)?,
        refused: refused(entry)?,
        charset,
        min_chars,
        max_chars,
        name,
    })
}

fn rule_of_charsets() -> String {
    let words: Vec<&str> = Charset::ALL.iter().map(|(word, _)| *word).collect();
    format!("charset is one of {}", words.join(", "))
}

fn flag(entry: &Map<String, Value>, member: &str) -> Result<Option<bool>, String> {
    match entry.get(member) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(format!("{member} is true or false")),
    }
}

fn length(entry: &Map<String, Value>, member: &str, unless_said: usize) -> Result<usize, String> {
    let Some(value) = entry.get(member) else {
        return Ok(unless_said);
    };
    value
        .as_u64()
        .and_then(|length| usize::try_from(length).ok())
        .filter(|length| (1..=VALUE_MAX_CHARS).contains(length))
        .ok_or_else(|| format!("{member} is a number from 1 to {VALUE_MAX_CHARS}"))
}

fn prefixes(entry: &Map<String, Value>) -> Result<Vec<Prefix>, String> {
    let rule = || {
        format!(
            "prefixes is an object of at most {PREFIXES_MAX} beginnings, each ASCII of at most {PREFIX_MAX_BYTES} \
             characters, with \"live\", \"test\" or null"
        )
    };
    let Some((texts, values)) = members(entry, "prefixes").ok_or_else(rule)? else {
        return Ok(Vec::new());
    };
    texts
        .into_iter()
        .zip(values)
        .map(|(text, value)| {
            let mode = match value {
                Value::Null => None,
                Value::String(word) => Some(Mode::of_word(word)?),
                _ => return None,
            };
            is_prefix(text).then(|| Prefix {
                text: text.to_owned(),
                mode,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(rule)
}

fn refused(entry: &Map<String, Value>) -> Result<Vec<Mistaken>, String> {
    let rule = || {
        format!(
            "refused is an object of at most {PREFIXES_MAX} beginnings, each ASCII of 1 to {PREFIX_MAX_BYTES} \
             characters, with what the value is, in at most {WORDS_MAX_CHARS} characters"
        )
    };
    let Some((texts, values)) = members(entry, "refused").ok_or_else(rule)? else {
        return Ok(Vec::new());
    };
    texts
        .into_iter()
        .zip(values)
        .map(|(text, value)| {
            let words = value.as_str()?;
            let chars = words.chars().count();
            let good =
                (1..=WORDS_MAX_CHARS).contains(&chars) && !words.chars().any(char::is_control);
            (good && is_prefix(text) && !text.is_empty()).then(|| Mistaken {
                prefix: text.to_owned(),
                words: words.to_owned(),
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(rule)
}

type Members<'a> = (Vec<&'a str>, Vec<&'a Value>);

/// An object that is not too big. `Some(None)`: there is none; `None`: it is something else.
fn members<'a>(entry: &'a Map<String, Value>, member: &str) -> Option<Option<Members<'a>>> {
    match entry.get(member) {
        None => Some(None),
        Some(Value::Object(object)) if object.len() <= PREFIXES_MAX => Some(Some(
            object.iter().map(|(key, value)| (&**key, value)).unzip(),
        )),
        Some(_) => None,
    }
}

fn is_prefix(text: &str) -> bool {
    text.len() <= PREFIX_MAX_BYTES && text.bytes().all(|b| b.is_ascii_graphic())
}

fn webhook(text: &str, fields: &[Field]) -> Result<Webhook, String> {
    let Ok(Value::Object(webhook)) = serde_json::from_str(text) else {
        return Err("webhook is a JSON object".to_owned());
    };
    let scheme = match webhook.get("scheme") {
        Some(Value::String(scheme)) if is_name(scheme) => scheme.clone(),
        _ => return Err("the scheme of webhook is a word".to_owned()),
    };
    match webhook.get("field") {
        Some(Value::String(name)) if fields.iter().any(|field| field.name == *name) => {
            Ok(Webhook {
                scheme,
                field: name.clone(),
            })
        }
        _ => Err("the field of webhook is the name of one of fields".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &str) -> Result<Service, String> {
        Service::parse(&ServiceRow {
            service: "acme",
            category: "media",
            label: "Acme",
            offered: true,
            fields,
            webhook: None,
        })
    }

    #[test]
    fn a_row_says_what_it_says() {
        let service = parse(
            r#"[{"name": "key", "label": "Key", "secret": true, "required": true, "prefixes": {"ac_": "live", "": null},
                 "refused": {"pk_": "that one is public"}, "charset": "hex", "min_length": 8, "max_length": 20},
                {"name": "region", "secret": false}]"#,
        )
        .unwrap();
        let [key, region] = &service.fields[..] else {
            panic!("two fields");
        };
        assert_eq!((key.min_chars, key.max_chars), (8, 20));
        assert_eq!(key.mode_of("ac_12"), Some(Mode::Live));
        assert_eq!(key.mode_of("12"), None);
        assert_eq!((region.secret, region.required), (false, false));
        assert_eq!(
            (&*region.label, region.charset),
            ("region", Charset::Printable)
        );
        assert_eq!(service.main_secret(), Some(key));
        assert_eq!(service.main_public(), None);
    }

    #[test]
    fn nonsense_is_refused_by_what_is_wrong_with_it() {
        for (fields, problem) in [
            ("{}", "array"),
            ("[]", "1 to 16"),
            ("[1]", "field 1: it is no JSON object"),
            (
                r#"[{"name": "A", "secret": true}]"#,
                "field 1: name matches",
            ),
            (
                r#"[{"name": "settings", "secret": true}]"#,
                "name is none of",
            ),
            (r#"[{"name": "a"}]"#, "field 1: secret is true or false"),
            (r#"[{"name": "a", "secret": 1}]"#, "secret is true or false"),
            (
                r#"[{"name": "a", "secret": true, "regex": "."}]"#,
                "its members are",
            ),
            (
                r#"[{"name": "a", "secret": true, "charset": "x"}]"#,
                "charset is one of hex",
            ),
            (
                r#"[{"name": "a", "secret": true, "label": ""}]"#,
                "label has 1 to",
            ),
            (
                r#"[{"name": "a", "secret": true, "min_length": 0}]"#,
                "min_length is a number",
            ),
            (
                r#"[{"name": "a", "secret": true, "max_length": 99999}]"#,
                "max_length is a number",
            ),
            (
                r#"[{"name": "a", "secret": true, "min_length": 9, "max_length": 8}]"#,
                "at most max_length",
            ),
            (
                r#"[{"name": "a", "secret": true, "prefixes": {"x": "sandbox"}}]"#,
                "prefixes is",
            ),
            (
                r#"[{"name": "a", "secret": true, "prefixes": ["x"]}]"#,
                "prefixes is",
            ),
            (
                r#"[{"name": "a", "secret": true, "prefixes": {"a b": null}}]"#,
                "prefixes is",
            ),
            (
                r#"[{"name": "a", "secret": true, "refused": {"": "x"}}]"#,
                "refused is",
            ),
            (
                r#"[{"name": "a", "secret": true, "refused": {"x": 1}}]"#,
                "refused is",
            ),
            (
                r#"[{"name": "a", "secret": true}, {"name": "a", "secret": true}]"#,
                "field 2: another field",
            ),
        ] {
            let found = parse(fields).unwrap_err();
            assert!(found.contains(problem), "{fields}: {found}");
        }
        let row = |service, category, label, webhook| {
            Service::parse(&ServiceRow {
                service,
                category,
                label,
                offered: true,
                fields: r#"[{"name": "a", "secret": true}]"#,
                webhook,
            })
        };
        assert!(
            row("a/b", "ai", "A", None)
                .unwrap_err()
                .contains("service matches")
        );
        assert!(
            row("a", "A I", "A", None)
                .unwrap_err()
                .contains("category matches")
        );
        assert!(row("a", "ai", "", None).unwrap_err().contains("label has"));
        assert!(
            row("a", "ai", "A", Some("[]"))
                .unwrap_err()
                .contains("object")
        );
        assert!(
            row("a", "ai", "A", Some(r#"{"scheme": 1}"#))
                .unwrap_err()
                .contains("scheme")
        );
        let unknown = Some(r#"{"scheme": "svix", "field": "b"}"#);
        assert!(row("a", "ai", "A", unknown).unwrap_err().contains("field"));
        let known = Some(r#"{"scheme": "svix", "field": "a", "tolerance_s": 300}"#);
        assert!(row("a", "ai", "A", known).is_ok());
    }

    #[test]
    fn character_sets_hold_what_they_name() {
        for (charset, good, bad) in [
            (Charset::Hex, "09afAF", "g"),
            (Charset::LowerHex, "09af", "A"),
            (Charset::Alnum, "aZ9", "-"),
            (Charset::Base64, "aZ9+/=", "-"),
            (Charset::Base64Url, "aZ9-_", "+"),
            (
                Charset::Uuid,
                "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "7c9e6679742540de944be07fc1f90ae7",
            ),
            (Charset::Printable, "a~!", "a b"),
            (Charset::Text, "Zoë & Co", "a\nb"),
            (
                Charset::Pem,
                "-----BEGIN KEY-----\nx\n-----END KEY-----",
                "x",
            ),
        ] {
            assert!(charset.holds(good), "{charset:?}");
            assert!(!charset.holds(bad), "{charset:?}");
        }
    }
}
