//! What people paste that is not what was asked for. Each mistake is named; the value never is.

use super::catalogue::{Charset, Field, Service};

/// Shorter beginnings say nothing of where a value comes from.
const TELLING_PREFIX_MIN_BYTES: usize = 3;

/// What is wrong with this value of a field of `service`; `None`: nothing that can be seen.
///
/// - services: the whole catalogue, which tells one service's keys from another's.
pub fn mistake(
    services: &[Service],
    service: &Service,
    field: &Field,
    value: &str,
) -> Option<String> {
    if value.is_empty() {
        return Some("it is empty".to_owned());
    }
    let is_block = field.charset == Charset::Pem;
    let trimmed = value.trim();
    if trimmed.len() != value.len() && !(is_block && value.trim_end().len() == trimmed.len()) {
        return Some("it begins or ends with white space".to_owned());
    }
    if is_quoted(value) {
        return Some("it is in quotes; give the value alone".to_owned());
    }
    if is_assignment(value) {
        return Some("it is a whole NAME=value line; give the value alone".to_owned());
    }
    if value
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
    {
        return Some("it begins with Bearer; give the key alone".to_owned());
    }
    if is_masked(value) {
        return Some("it is masked: parts of it were replaced when it was displayed".to_owned());
    }
    if field.secret && is_placeholder(value) {
        return Some("it is a placeholder and no value".to_owned());
    }
    if let Some(mistaken) = field
        .refused
        .iter()
        .find(|one| value.starts_with(&one.prefix))
    {
        return Some(mistaken.words.clone());
    }
    let own = field.prefix_of(value);
    let own_bytes = own.map_or(0, |prefix| prefix.text.len());
    if let Some((of, other)) = other_ones(services, service, field, value, own_bytes) {
        let label = &other.label;
        return Some(match of.name == service.name {
            true => format!("it is the {label} of {}", of.label),
            false => format!("it looks like the {label} of {}, another service", of.label),
        });
    }
    if own.is_none() && !field.prefixes.is_empty() {
        let known: Vec<&str> = field.prefixes.iter().map(|prefix| &*prefix.text).collect();
        return Some(format!("it does not begin with {}", known.join(" or ")));
    }
    if !field.charset.holds(&value[own_bytes..]) {
        let words = field.charset.words();
        return Some(match own_bytes {
            0 => format!("it does not consist of {words}"),
            _ => format!("it does not consist of {words} behind its beginning"),
        });
    }
    let chars = value.chars().count();
    if chars < field.min_chars {
        let min = field.min_chars;
        return Some(format!(
            "it has {chars} characters, and {min} is the least: a part may be missing"
        ));
    }
    if chars > field.max_chars {
        let max = field.max_chars;
        return Some(format!("it has {chars} characters, and {max} is the most"));
    }
    None
}

/// Whether a key of a service of the catalogue stands somewhere in a text; whose. For texts that nobody seals.
pub fn key_within<'a>(services: &'a [Service], text: &str) -> Option<&'a Service> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let words = text.split(|c: char| !is_part(c));
    let words: Vec<&str> = words.filter(|word| word.len() >= 16).collect();
    services.iter().find(|service| {
        let secrets = service.fields.iter().filter(|field| field.secret);
        let mut prefixes = secrets.flat_map(|field| &field.prefixes);
        prefixes.any(|prefix| {
            let telling = prefix.text.len() >= TELLING_PREFIX_MIN_BYTES;
            telling
                && words.iter().any(|word| {
                    let rest = word.strip_prefix(&*prefix.text).unwrap_or_default();
                    rest.len() >= 12 && rest.bytes().any(|b| b.is_ascii_digit())
                })
        })
    })
}

/// The field whose beginning says more of the value than the one that it was given for.
fn other_ones<'a>(
    services: &'a [Service],
    service: &Service,
    field: &Field,
    value: &str,
    own_bytes: usize,
) -> Option<(&'a Service, &'a Field)> {
    let mut best: Option<(&Service, &Field, usize)> = None;
    // Those of its own service first: of several with one beginning they are meant.
    let (own, others): (Vec<&Service>, Vec<&Service>) = services
        .iter()
        .partition(|other| other.name == service.name);
    for of in own.into_iter().chain(others) {
        for other in of
            .fields
            .iter()
            .filter(|other| of.name != service.name || other.name != field.name)
        {
            let Some(prefix) = other.prefix_of(value) else {
                continue;
            };
            let bytes = prefix.text.len();
            let chars = value.chars().count();
            if bytes >= TELLING_PREFIX_MIN_BYTES
                && bytes > best.map_or(own_bytes, |(_, _, best)| best)
                && (other.min_chars..=other.max_chars).contains(&chars)
                && other.charset.holds(&value[bytes..])
            {
                best = Some((of, other, bytes));
            }
        }
    }
    best.map(|(of, other, _)| (of, other))
}

fn is_quoted(value: &str) -> bool {
    const PAIRS: [(char, char); 5] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('\u{201c}', '\u{201d}'),
        ('\u{2018}', '\u{2019}'),
    ];
    let ends = value.chars().next().zip(value.chars().next_back());
    value.len() > 1 && PAIRS.iter().any(|pair| ends == Some(*pair))
}

/// `NAME=value`, also behind `export`.
fn is_assignment(value: &str) -> bool {
    let value = value.strip_prefix("export ").unwrap_or(value);
    let Some((name, _)) = value.split_once('=') else {
        return false;
    };
    let good = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    // Base64 ends in equals signs, behind what is hardly ever upper case with an underscore.
    name.len() >= 3 && name.contains('_') && name.bytes().all(good) && !name.starts_with('_')
}

fn is_masked(value: &str) -> bool {
    value.contains("**")
        || value.contains("...")
        || value.contains(['\u{2022}', '\u{25cf}', '\u{2026}'])
}

fn is_placeholder(value: &str) -> bool {
    value.starts_with("${")
        || value.starts_with("{{")
        || value.starts_with('<') && value.ends_with('>')
        || value.to_ascii_lowercase().starts_with("your")
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::ServiceRow;
    use super::*;

    fn service(name: &str, fields: &str) -> Service {
        Service::parse(&ServiceRow {
            service: name,
            category: "x",
            label: name,
            offered: true,
            fields,
            webhook: None,
        })
        .unwrap()
    }

    fn catalogue() -> Vec<Service> {
        vec![
            service(
                "pay",
                r#"[{"name": "secret_key", "label": "secret key", "secret": true, "charset": "alnum", "min_length": 16,
                     "max_length": 40, "prefixes": {"sk_live_": "live", "sk_test_": "test"},
                     "refused": {"pk_": "it is a publishable key; the secret key begins with sk_"}},
                    {"name": "publishable_key", "label": "publishable key", "secret": false, "charset": "alnum",
                     "prefixes": {"pk_live_": "live", "pk_test_": "test"}},
                    {"name": "hook", "label": "webhook secret", "secret": true, "prefixes": {"whsec_": null}}]"#,
            ),
            service(
                "wide",
                r#"[{"name": "key", "secret": true, "prefixes": {"sk-": null}}]"#,
            ),
            service(
                "narrow",
                r#"[{"name": "key", "label": "API key", "secret": true, "prefixes": {"sk-nar-": null}}]"#,
            ),
            service(
                "free",
                r#"[{"name": "token", "secret": true, "min_length": 8}]"#,
            ),
            service(
                "mail",
                r#"[{"name": "hook", "secret": true, "prefixes": {"whsec_": null}},
                                {"name": "sender", "secret": false, "charset": "text"}]"#,
            ),
            service(
                "block",
                r#"[{"name": "key", "secret": true, "charset": "pem"}]"#,
            ),
        ]
    }

    fn of(name: &str, field: &str, value: &str) -> Option<String> {
        let all = catalogue();
        let service = all.iter().find(|service| service.name == name).unwrap();
        mistake(&all, service, service.field(field).unwrap(), value)
    }

    #[test]
    fn good_values_pass() {
        for (service, field, value) in [
            ("pay", "secret_key", "sk_test_4eC39HqLyjWDarjtT1"),
            ("pay", "publishable_key", "pk_live_4eC39HqLyjWDarjtT1"),
            ("pay", "hook", "whsec_abcdefghijkl"),
            ("mail", "hook", "whsec_abcdefghijkl"),
            ("mail", "sender", "Zoë of sk_live_ fame"),
            ("wide", "key", "sk-abcdefgh"),
            ("narrow", "key", "sk-nar-abcdefgh"),
            ("free", "token", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
            ("free", "token", "QUJDREVGRw=="),
            (
                "block",
                "key",
                "-----BEGIN KEY-----\nAB\n-----END KEY-----\n",
            ),
        ] {
            assert_eq!(of(service, field, value), None, "{value}");
        }
    }

    #[test]
    fn each_mistake_has_its_words() {
        for (service, field, value, words) in [
            ("pay", "secret_key", "", "it is empty"),
            (
                "pay",
                "secret_key",
                " sk_test_4eC39HqLyjWDarjtT1",
                "white space",
            ),
            (
                "pay",
                "secret_key",
                "sk_test_4eC39HqLyjWDarjtT1\n",
                "white space",
            ),
            (
                "pay",
                "secret_key",
                "\"sk_test_4eC39HqLyjWDarjtT1\"",
                "in quotes",
            ),
            (
                "pay",
                "secret_key",
                "\u{201c}sk_test_4eC39HqLyjWDarjtT1\u{201d}",
                "in quotes",
            ),
            (
                "pay",
                "secret_key",
                "PAY_KEY=sk_test_4eC39HqLyjWDarjtT1",
                "NAME=value line",
            ),
            (
                "pay",
                "secret_key",
                "export PAY_KEY=sk_test_4eC39Hq",
                "NAME=value line",
            ),
            ("wide", "key", "Bearer sk-abcdefgh", "Bearer"),
            (
                "pay",
                "secret_key",
                "sk_live_****************1234",
                "masked",
            ),
            (
                "pay",
                "secret_key",
                "sk_live_\u{2022}\u{2022}1234",
                "masked",
            ),
            ("pay", "secret_key", "sk_live_4eC3...1234", "masked"),
            ("free", "token", "${FREE_TOKEN}", "placeholder"),
            ("free", "token", "<your token>", "placeholder"),
            (
                "pay",
                "secret_key",
                "pk_test_4eC39HqLyjWDarjtT1",
                "publishable key; the secret key begins with sk_",
            ),
            (
                "pay",
                "publishable_key",
                "sk_test_4eC39HqLyjWDarjtT1",
                "it is the secret key of pay",
            ),
            (
                "pay",
                "hook",
                "sk_test_4eC39HqLyjWDarjtT1",
                "it is the secret key of pay",
            ),
            (
                "mail",
                "sender",
                "sk_test_4eC39HqLyjWDarjtT1",
                "the secret key of pay, another service",
            ),
            (
                "wide",
                "key",
                "sk-nar-abcdefgh",
                "the API key of narrow, another service",
            ),
            (
                "free",
                "token",
                "sk_live_4eC39HqLyjWDarjtT1",
                "another service",
            ),
            ("narrow", "key", "abcdefgh", "does not begin with sk-nar-"),
            (
                "pay",
                "secret_key",
                "abcdefghijklmnop",
                "does not begin with sk_live_ or sk_test_",
            ),
            (
                "pay",
                "secret_key",
                "sk_test_4eC39-qLyjWDarjtT1",
                "letters and digits behind its beginning",
            ),
            (
                "free",
                "token",
                "two words",
                "ASCII characters without blanks",
            ),
            (
                "pay",
                "secret_key",
                "sk_test_4eC",
                "11 characters, and 16 is the least",
            ),
            (
                "pay",
                "secret_key",
                "sk_test_4eC39HqLyjWDarjtT14eC39HqLyjWDarjtT1",
                "40 is the most",
            ),
            ("block", "key", "AB", "BEGIN"),
        ] {
            let found = of(service, field, value).unwrap_or_default();
            assert!(found.contains(words), "{value}: {found:?}");
            assert!(value.is_empty() || !found.contains(value), "{found}");
        }
    }

    #[test]
    fn a_key_is_found_in_the_midst_of_a_text() {
        let all = catalogue();
        let found = |text: &str| key_within(&all, text).map(|service| &*service.name);
        assert_eq!(
            found("Invalid key: sk_live_4eC39HqLyjWDarjtT1."),
            Some("pay")
        );
        assert_eq!(found(r#"{"k":"sk-nar-abcdef0123456789"}"#), Some("wide"));
        for clean in [
            "Invalid key: sk_live_****1234",
            "task-force-and-others-of-that-kind",
            "acct_1032D82eZvKYlo2C",
            "whsec_ is how it begins",
        ] {
            assert_eq!(found(clean), None, "{clean}");
        }
    }
}
