//! Secrets that a key-value store of version 2 (Vault, OpenBao) answers as JSON: what `kv get -format=json` prints for one
//! path, or an object of such answers by path.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{Entry, Plain, Refusal};

/// Every field of every secret, in the document's order; called by its path, a slash and the field, or by the field alone.
/// A field that is no text is given as its JSON. A field that is null is refused, as is one that stands twice.
///
/// - errors: [`Refusal::Malformed`] where the document as a whole is none; it names the path, and nothing of what is there.
pub fn read(text: &str) -> Result<Vec<Entry>, Refusal> {
    let whole = object(text, "the document")?;
    let mut entries = Vec::new();
    match fields_of(&whole)? {
        Answer::Fields(fields) => read_fields("", fields, &mut entries),
        Answer::Deleted => {}
        Answer::Other => {
            for (path, answer) in &whole.0 {
                let path = path.trim_matches('/');
                let answer = object(answer.get(), "an entry of the document")?;
                match fields_of(&answer)? {
                    Answer::Fields(fields) => {
                        read_fields(&format!("{path}/"), fields, &mut entries);
                    }
                    Answer::Deleted => entries.push(Entry {
                        name: path.to_owned(),
                        value: Err(Refusal::malformed("its current version is deleted")),
                    }),
                    Answer::Other => {
                        return Err(Refusal::malformed(
                            "an entry of the document is no answer of a key-value store of version 2",
                        ));
                    }
                }
            }
        }
    }
    Ok(entries)
}

enum Answer<'a> {
    Fields(Object<'a>),
    Deleted,
    Other,
}

/// `{"data": {"data": {...}, "metadata": {...}}}`, or what stands in it.
fn fields_of<'a>(answer: &Object<'a>) -> Result<Answer<'a>, Refusal> {
    let mut inner = answer.get("data");
    let mut has_metadata = answer.get("metadata").is_some_and(is_object);
    if !has_metadata
        && let Some(data) = inner
        && is_object(data)
    {
        let data = object(data.get(), "\"data\"")?;
        inner = data.get("data");
        has_metadata = data.get("metadata").is_some_and(is_object);
    }
    match inner {
        Some(data) if has_metadata && is_object(data) => {
            Ok(Answer::Fields(object(data.get(), "\"data\"")?))
        }
        Some(data) if has_metadata && data.get() == "null" => Ok(Answer::Deleted),
        _ => Ok(Answer::Other),
    }
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn read_fields(path: &str, fields: Object<'_>, entries: &mut Vec<Entry>) {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (field, _) in &fields.0 {
        *times.entry(field).or_default() += 1;
    }
    for (field, value) in &fields.0 {
        let value = match times.remove(&**field) {
            Some(1) => plain(value),
            Some(_) => Err(Refusal::malformed("its field stands more than once")),
            // Told already.
            None => continue,
        };
        entries.push(Entry {
            name: format!("{path}{field}"),
            value,
        });
    }
}

fn plain(value: &RawValue) -> Result<Plain, Refusal> {
    let json = value.get();
    if json == "null" {
        return Err(Refusal::malformed("its value is null"));
    }
    if !json.starts_with('"') {
        return Ok(Plain::new(json.as_bytes().to_vec()));
    }
    let text: Zeroizing<String> = serde_json::from_str::<String>(json)
        .map(Zeroizing::new)
        .map_err(|_| Refusal::malformed("its value is no Unicode text"))?;
    Ok(Plain::new(text.as_bytes().to_vec()))
}

/// Members in order, a repeated one repeated; values as they stand in the document, uncopied.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let mut named = self.0.iter().filter(|(member, _)| member == name);
        match (named.next(), named.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// serde_json's own words could quote what is there.
fn object<'a>(text: &'a str, what: &str) -> Result<Object<'a>, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        Refusal::malformed(format!(
            "{what} is no JSON object (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// A name that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |entry: Entry| match entry.value {
            Ok(value) => format!("{}={}", entry.name, String::from_utf8_lossy(value.bytes())),
            Err(refusal) => format!("{}: {refusal}", entry.name),
        };
        read(text)
            .expect("a document")
            .into_iter()
            .map(show)
            .collect()
    }

    #[test]
    fn one_answer_gives_its_fields() {
        let fields =
            r#"{"api_key": "sk_live_1", "n": 5, "é": "é\n\"", "o": {"a": [1, 2]}, "none": null}"#;
        let metadata = r#"{"version": 3, "deletion_time": "", "destroyed": false}"#;
        let inner = format!(r#"{{"data": {fields}, "metadata": {metadata}}}"#);
        let expected = [
            "api_key=sk_live_1",
            "n=5",
            "é=é\n\"",
            "o={\"a\": [1, 2]}",
            "none: its value is null",
        ];
        assert_eq!(shown(&inner), expected);
        let printed = format!(
            r#"{{"request_id": "x", "lease_duration": 0, "data": {inner}, "warnings": null}}"#
        );
        assert_eq!(shown(&printed), expected);
        // A secret may have fields of these names.
        let awkward = r#"{"data": {"data": {"data": "1", "metadata": "2"}, "metadata": {}}}"#;
        assert_eq!(shown(awkward), ["data=1", "metadata=2"]);
    }

    #[test]
    fn answers_by_path_are_called_by_their_path() {
        let text = r#"{"/acme/stripe": {"data": {"data": {"key": "1"}, "metadata": {}}},
                       "acme/mux/": {"data": {"id": "2", "secret": "3"}, "metadata": {}},
                       "acme/gone": {"data": {"data": null, "metadata": {}}}}"#;
        assert_eq!(
            shown(text),
            [
                "acme/stripe/key=1",
                "acme/mux/id=2",
                "acme/mux/secret=3",
                "acme/gone: its current version is deleted"
            ]
        );
        assert!(shown("{}").is_empty());
    }

    #[test]
    fn a_field_that_stands_twice_gives_neither_value() {
        let text = r#"{"data": {"a": "1", "b": "2", "a": "3"}, "metadata": {}}"#;
        assert_eq!(shown(text), ["a: its field stands more than once", "b=2"]);
    }

    #[test]
    fn what_is_no_answer_is_refused_without_repeating_it() {
        for text in [
            "",
            "[]",
            "\"sk_live_1\"",
            "{\"a\": \"sk_live_1\"}",
            "{\"a\": {\"b\": \"sk_live_1\"}}",
            "{\"data\": {\"key\": \"sk_live_1\"}}",
            "{\"data\": {\"key\": sk_live_1}, \"metadata\": {}}",
            "{\"a\": {\"data\": {\"k\": \"sk_live_1\"}, \"metadata\": {}}, \"b\": 1}",
        ] {
            let refused = read(text).expect_err(text);
            assert!(!refused.to_string().contains("sk_live"), "{refused}");
        }
    }
}
