//! What a vault takes away to another one: lines of JSON, in an age file. The first line says so, each other one is a value.
//! docs/moving-in.md specifies it.

use std::borrow::Cow;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Plain, Refusal};

const NAME: &str = "tenant_vault";
const VERSION: u32 = 1;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Credential,
    TenantSecret,
    AppSecret,
    /// Of a later version of the format's writer.
    #[serde(other)]
    Unknown,
}

/// A value and all that is known of it. Ids are uuids as text.
#[derive(Debug)]
pub struct Exported<'a> {
    pub id: String,
    pub tenant_id: String,
    pub kind: Kind,
    pub app_id: Option<String>,
    /// Of secrets of tenants and of apps: the key.
    pub name: Cow<'a, str>,
    pub description: Cow<'a, str>,
    pub version: u32,
    /// RFC 3339, UTC.
    pub sealed_at: String,
}

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    bundle: Cow<'a, str>,
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    id: Cow<'a, str>,
    tenant_id: Cow<'a, str>,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    description: Cow<'a, str>,
    version: u32,
    sealed_at: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

pub fn begin(to: &mut impl Write) -> io::Result<()> {
    let head = Head {
        bundle: NAME.into(),
        version: VERSION,
    };
    serde_json::to_writer(&mut *to, &head)?;
    to.write_all(b"\n")
}

pub fn write(to: &mut impl Write, what: &Exported<'_>, value: &[u8]) -> io::Result<()> {
    let encoded = Zeroizing::new(STANDARD.encode(value));
    let line = Line {
        id: what.id.as_str().into(),
        tenant_id: what.tenant_id.as_str().into(),
        kind: what.kind,
        app_id: what.app_id.as_deref().map(Cow::from),
        name: what.name.as_ref().into(),
        description: what.description.as_ref().into(),
        version: what.version,
        sealed_at: what.sealed_at.as_str().into(),
        value: encoded.as_str().into(),
    };
    serde_json::to_writer(&mut *to, &line)?;
    to.write_all(b"\n")
}

/// Every value, in order.
///
/// - errors: [`Refusal::Malformed`] where any line is malformed: half a bundle is none.
pub fn read(plain: &Plain) -> Result<Vec<(Exported<'static>, Plain)>, Refusal> {
    let mut lines = plain.bytes().split(|byte| *byte == b'\n');
    let head = lines.next().unwrap_or_default();
    match serde_json::from_slice::<Head<'_>>(head) {
        Ok(head) if head.bundle == NAME && head.version == VERSION => {}
        _ => {
            return Err(Refusal::malformed(format!(
                "it is no bundle of {NAME}, version {VERSION}"
            )));
        }
    }
    let mut entries = Vec::new();
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        // serde_json's own words could quote what is there.
        let malformed =
            || Refusal::malformed(format!("line {} of the bundle is malformed", number + 2));
        let line: Line<'_> = serde_json::from_slice(line).map_err(|_| malformed())?;
        let value = STANDARD
            .decode(line.value.as_bytes())
            .map_err(|_| malformed())?;
        let what = Exported {
            id: line.id.into_owned(),
            tenant_id: line.tenant_id.into_owned(),
            kind: line.kind,
            app_id: line.app_id.map(Cow::into_owned),
            name: line.name.into_owned().into(),
            description: line.description.into_owned().into(),
            version: line.version,
            sealed_at: line.sealed_at.into_owned(),
        };
        entries.push((what, Plain::new(value)));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Exported<'static> {
        Exported {
            id: "00000000-0000-4000-8000-000000000001".to_owned(),
            tenant_id: "00000000-0000-4000-8000-000000000002".to_owned(),
            kind: Kind::AppSecret,
            app_id: Some("00000000-0000-4000-8000-000000000003".to_owned()),
            name: "KEY \"quoted\" grün".into(),
            description: "two\nlines".into(),
            version: 7,
            sealed_at: "2026-11-21T12:00:00.000000Z".to_owned(),
        }
    }

    #[test]
    fn a_value_is_one_line_and_comes_back() {
        let mut text = Vec::new();
        begin(&mut text).unwrap();
        write(&mut text, &example(), b"\xff\0\n").unwrap();
        let other = Exported {
            kind: Kind::Credential,
            app_id: None,
            ..example()
        };
        write(&mut text, &other, b"").unwrap();
        let shown = String::from_utf8(text.clone()).unwrap();
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [
                "{\"bundle\":\"tenant_vault\",\"version\":1}",
                "{\"id\":\"00000000-0000-4000-8000-000000000001\",\"tenant_id\":\"00000000-0000-4000-8000-000000000002\",\
                 \"kind\":\"app_secret\",\"app_id\":\"00000000-0000-4000-8000-000000000003\",\
                 \"name\":\"KEY \\\"quoted\\\" grün\",\"description\":\"two\\nlines\",\"version\":7,\
                 \"sealed_at\":\"2026-11-21T12:00:00.000000Z\",\"value\":\"/wAK\"}",
                "{\"id\":\"00000000-0000-4000-8000-000000000001\",\"tenant_id\":\"00000000-0000-4000-8000-000000000002\",\
                 \"kind\":\"credential\",\"name\":\"KEY \\\"quoted\\\" grün\",\"description\":\"two\\nlines\",\"version\":7,\
                 \"sealed_at\":\"2026-11-21T12:00:00.000000Z\",\"value\":\"\"}",
            ]
        );
        let read = read(&Plain::new(text)).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].1.bytes(), b"\xff\0\n");
        assert_eq!(read[0].0.kind, Kind::AppSecret);
        assert_eq!(read[0].0.name, "KEY \"quoted\" grün");
        assert_eq!(read[1].0.app_id, None);
    }

    #[test]
    fn half_a_bundle_is_none_and_an_unknown_kind_is_known_as_such() {
        let mut text = Vec::new();
        begin(&mut text).unwrap();
        assert!(read(&Plain::new(text.clone())).unwrap().is_empty());
        write(&mut text, &example(), b"x").unwrap();
        let cut = Plain::new(text[..text.len() - 4].to_vec());
        assert!(read(&cut).unwrap_err().to_string().contains("line 2"));
        let later = String::from_utf8(text.clone())
            .unwrap()
            .replace("app_secret", "integration");
        let later = read(&Plain::new(later.into_bytes())).unwrap();
        assert_eq!(later[0].0.kind, Kind::Unknown);
        for bad in [
            "",
            "{}",
            "{\"bundle\":\"tenant_vault\",\"version\":2}",
            "{\"bundle\":\"other\",\"version\":1}",
        ] {
            assert!(read(&Plain::new(bad.as_bytes().to_vec())).is_err(), "{bad}");
        }
    }
}
