//! An exported log, line by line: the JSON that `vault.export_access_log` writes, back into records; and that of the
//! checkpoints and stubs.
//!
//! **Invariant:** what a line says of itself is never repeated in an error.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::{Broken, Checkpoint, Fingerprint, Foreign, Link, Point, Record, Row, Stub};

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Not JSON, or not with the columns of a record; `column` counts bytes from 1.
    Unreadable { column: usize },
    /// It is a record, but a column holds what the vault never writes.
    Broken(Broken),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { column } => {
                write!(f, "not a line of an export (byte {column})")
            }
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl std::error::Error for LineError {}

/// Reads one line of the log.
///
/// Every column has to be there, once, and nothing else: what a reader passes over could be changed.
pub fn record(line: &[u8]) -> Result<Row, LineError> {
    let line: RecordLine<'_> = parse(line)?;
    line.row().map_err(|Odd| {
        LineError::Broken(Broken::Foreign {
            seq: line.seq,
            how: Foreign::Malformed,
        })
    })
}

/// Something that is attested under a chain key, and the fingerprint of the root key that it derives from.
#[derive(Clone, Copy, Debug)]
pub struct Attested<T> {
    pub content: T,
    pub chain_key: Fingerprint,
}

/// Reads one line of the checkpoints: a row of vault.access_log_checkpoints by `row_to_json`, or with UTC and plain hex.
pub fn checkpoint(line: &[u8]) -> Result<Attested<Checkpoint>, LineError> {
    let line: CheckpointLine<'_> = parse(line)?;
    line.checkpoint().map_err(|Odd| {
        LineError::Broken(Broken::Foreign {
            seq: line.seq,
            how: Foreign::Checkpoint,
        })
    })
}

/// Reads one line of the stubs: likewise a row of vault.access_log_stubs.
pub fn stub(line: &[u8]) -> Result<Attested<Stub>, LineError> {
    let line: StubLine<'_> = parse(line)?;
    line.stub().map_err(|Odd| {
        LineError::Broken(Broken::Foreign {
            seq: line.last_seq,
            how: Foreign::Stub,
        })
    })
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, LineError> {
    serde_json::from_slice(line).map_err(|error| LineError::Unreadable {
        column: error.column(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordLine<'a> {
    seq: i64,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, deserialize_with = "present")]
    secret_id: Option<Text<'a>>,
    #[serde(borrow)]
    accessed_at: Text<'a>,
    #[serde(borrow)]
    session_user: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    outcome: Text<'a>,
    #[serde(borrow, deserialize_with = "present")]
    sqlstate: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    tenant_id: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    secret_key: Option<Text<'a>>,
    #[serde(borrow)]
    effective_role: Text<'a>,
    #[serde(borrow, deserialize_with = "present")]
    claims_subject: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    claims_tenant: Option<Text<'a>>,
    #[serde(deserialize_with = "present")]
    claims_trusted: Option<bool>,
    #[serde(borrow, deserialize_with = "present")]
    application_name: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    client_addr: Option<Text<'a>>,
    backend_pid: i32,
    #[serde(borrow, deserialize_with = "present")]
    xid: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    correlation_id: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    access_reason: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    lane: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    platform_account: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "present")]
    origin: Option<Text<'a>>,
    #[serde(borrow)]
    link: Text<'a>,
    #[serde(borrow, deserialize_with = "present")]
    chain_key: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine<'a> {
    seq: i64,
    #[serde(borrow)]
    link: Text<'a>,
    #[serde(borrow)]
    made_at: Text<'a>,
    #[serde(borrow)]
    chain_key: Text<'a>,
    #[serde(borrow)]
    mac: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StubLine<'a> {
    first_seq: i64,
    /// Not attested: the record of the pruning says who did it.
    #[serde(borrow, default, rename = "pruned_by")]
    _pruned_by: Option<Text<'a>>,
    last_seq: i64,
    #[serde(borrow)]
    link: Text<'a>,
    #[serde(borrow)]
    pruned_at: Text<'a>,
    #[serde(borrow)]
    chain_key: Text<'a>,
    #[serde(borrow)]
    mac: Text<'a>,
}

/// A text, or in a database whose encoding JSON does not know, its bytes: `{"hex": "e4f6fc"}`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text<'a> {
    Plain(#[serde(borrow)] Cow<'a, str>),
    Bytes(Bytes<'a>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bytes<'a> {
    #[serde(borrow)]
    hex: Cow<'a, str>,
}

/// Like an ordinary field, a field that may be null has to be there.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

impl RecordLine<'_> {
    fn row(&self) -> Result<Row, Odd> {
        let secret_id = any(&self.secret_id, Text::uuid)?;
        let tenant_id = any(&self.tenant_id, Text::uuid)?;
        let client_addr = any(&self.client_addr, Text::address)?;
        let sqlstate = any(&self.sqlstate, Text::bytes)?;
        let secret_key = any(&self.secret_key, Text::bytes)?;
        let claims_subject = any(&self.claims_subject, Text::bytes)?;
        let claims_tenant = any(&self.claims_tenant, Text::bytes)?;
        let application_name = any(&self.application_name, Text::bytes)?;
        let correlation_id = any(&self.correlation_id, Text::bytes)?;
        let access_reason = any(&self.access_reason, Text::bytes)?;
        let lane = any(&self.lane, Text::bytes)?;
        let platform_account = any(&self.platform_account, Text::bytes)?;
        let origin = any(&self.origin, Text::bytes)?;
        let record = Record {
            id: &self.id.uuid()?,
            secret_id: secret_id.as_ref(),
            accessed_at_us: self.accessed_at.instant()?,
            session_user: &self.session_user.bytes()?,
            action: &self.action.bytes()?,
            outcome: &self.outcome.bytes()?,
            sqlstate: sqlstate.as_deref(),
            tenant_id: tenant_id.as_ref(),
            secret_key: secret_key.as_deref(),
            effective_role: &self.effective_role.bytes()?,
            claims_subject: claims_subject.as_deref(),
            claims_tenant: claims_tenant.as_deref(),
            claims_trusted: self.claims_trusted,
            application_name: application_name.as_deref(),
            client_addr: client_addr.as_deref(),
            backend_pid: self.backend_pid,
            xid: any(&self.xid, Text::number)?,
            correlation_id: correlation_id.as_deref(),
            access_reason: access_reason.as_deref(),
            lane: lane.as_deref(),
            platform_account: platform_account.as_deref(),
            origin: origin.as_deref(),
        };
        let body = record.body();
        let chain_key = any(&self.chain_key, Text::hex)?;
        Row::new(self.seq, &self.link.hex()?, chain_key.as_deref(), body).map_err(|_| Odd)
    }
}

impl CheckpointLine<'_> {
    fn checkpoint(&self) -> Result<Attested<Checkpoint>, Odd> {
        let content = Checkpoint {
            point: point(self.seq, &self.link)?,
            made_at_us: self.made_at.instant()?,
            mac: self.mac.exactly()?,
        };
        let chain_key = Fingerprint::from_bytes(self.chain_key.exactly()?);
        Ok(Attested { content, chain_key })
    }
}

impl StubLine<'_> {
    fn stub(&self) -> Result<Attested<Stub>, Odd> {
        let content = Stub {
            first_seq: u64::try_from(self.first_seq).map_err(|_| Odd)?,
            last: point(self.last_seq, &self.link)?,
            pruned_at_us: self.pruned_at.instant()?,
            mac: self.mac.exactly()?,
        };
        let chain_key = Fingerprint::from_bytes(self.chain_key.exactly()?);
        Ok(Attested { content, chain_key })
    }
}

fn point(seq: i64, link: &Text<'_>) -> Result<Point, Odd> {
    Ok(Point {
        seq: u64::try_from(seq).map_err(|_| Odd)?,
        link: Link::from_bytes(link.exactly()?),
    })
}

/// Not in the form in which the vault writes it.
struct Odd;

fn any<'t, 'a, T>(
    text: &'t Option<Text<'a>>,
    read: impl Fn(&'t Text<'a>) -> Result<T, Odd>,
) -> Result<Option<T>, Odd> {
    text.as_ref().map(read).transpose()
}

impl Text<'_> {
    /// In the database's encoding.
    fn bytes(&self) -> Result<Cow<'_, [u8]>, Odd> {
        match self {
            Self::Plain(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Bytes(Bytes { hex }) => Ok(Cow::Owned(from_hex(hex)?)),
        }
    }

    fn plain(&self) -> Result<&str, Odd> {
        match self {
            Self::Plain(text) => Ok(text),
            Self::Bytes(_) => Err(Odd),
        }
    }

    /// Hex digits; behind `\x` where PostgreSQL made the JSON of a bytea.
    fn hex(&self) -> Result<Vec<u8>, Odd> {
        let text = self.plain()?;
        from_hex(text.strip_prefix("\\x").unwrap_or(text))
    }

    fn exactly<const BYTES: usize>(&self) -> Result<[u8; BYTES], Odd> {
        self.hex()?.try_into().map_err(|_| Odd)
    }

    /// 8, 4, 4, 4 and 12 hex digits.
    fn uuid(&self) -> Result<[u8; 16], Odd> {
        let text = self.plain()?;
        let hyphens = text.bytes().enumerate().filter(|(_, byte)| *byte == b'-');
        if text.len() != 36 || !hyphens.map(|(at, _)| at).eq([8, 13, 18, 23]) {
            return Err(Odd);
        }
        from_hex(&text.replace('-', ""))?
            .try_into()
            .map_err(|_| Odd)
    }

    /// As PostgreSQL writes an inet: without the length of the prefix where it is the whole address.
    fn address(&self) -> Result<Vec<u8>, Odd> {
        let text = self.plain()?;
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (family, octets) = match address.parse().map_err(|_| Odd)? {
            IpAddr::V4(address) => (4, address.octets().to_vec()),
            IpAddr::V6(address) => (6, address.octets().to_vec()),
        };
        let whole = octets.len() as u8 * 8;
        let prefix = match prefix {
            Some(prefix) => decimal(prefix)?,
            None => whole,
        };
        if prefix > whole {
            return Err(Odd);
        }
        Ok([&[family, prefix], &octets[..]].concat())
    }

    fn number(&self) -> Result<u64, Odd> {
        decimal(self.plain()?)
    }

    /// RFC 3339, as microseconds since the Unix epoch. The vault writes UTC with six digits of a second; PostgreSQL's own
    /// JSON has the session's time zone, and no trailing zeros.
    fn instant(&self) -> Result<i64, Odd> {
        let (year, rest) = self.plain()?.split_once('-').ok_or(Odd)?;
        let (time, rest) = rest.as_bytes().split_at_checked(14).ok_or(Odd)?;
        let [
            m0,
            m1,
            b'-',
            d0,
            d1,
            b'T',
            h0,
            h1,
            b':',
            i0,
            i1,
            b':',
            s0,
            s1,
        ] = *time
        else {
            return Err(Odd);
        };
        if !(4..=6).contains(&year.len()) {
            return Err(Odd);
        }
        let year = digits(year.as_bytes())?;
        let (month, day) = (digits(&[m0, m1])?, digits(&[d0, d1])?);
        let (hour, minute, second) = (digits(&[h0, h1])?, digits(&[i0, i1])?, digits(&[s0, s1])?);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days_of_month = match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(Odd),
        };
        if !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return Err(Odd);
        }
        let (fraction_us, zone) = fraction_us(rest)?;
        let seconds = (hour * 60 + minute) * 60 + second - offset_minutes(zone)? * 60;
        let days = days_since_epoch(year, month, day);
        (days * 86_400 + seconds)
            .checked_mul(1_000_000)
            .and_then(|us| us.checked_add(fraction_us))
            .ok_or(Odd)
    }
}

/// A point and one to six digits, if there are any; and what follows them.
fn fraction_us(text: &[u8]) -> Result<(i64, &[u8]), Odd> {
    let Some((b'.', text)) = text.split_first() else {
        return Ok((0, text));
    };
    let many = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=6).contains(&many) {
        return Err(Odd);
    }
    let (fraction, rest) = text.split_at(many);
    let scale = (many..6).fold(1, |scale, _| scale * 10);
    Ok((digits(fraction)? * scale, rest))
}

/// `Z`, or how far the time is ahead of UTC: `+01:00`.
fn offset_minutes(zone: &[u8]) -> Result<i64, Odd> {
    match *zone {
        [b'Z'] => Ok(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let minutes = digits(&[h0, h1])? * 60 + digits(&[m0, m1])?;
            Ok(if sign == b'+' { minutes } else { -minutes })
        }
        _ => Err(Odd),
    }
}

/// Days since 1970-01-01 in the Gregorian calendar: years that begin with March, so that the leap day comes last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month < 3);
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

fn digits(digits: &[u8]) -> Result<i64, Odd> {
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Ok(number * 10 + i64::from(digit - b'0')),
        _ => Err(Odd),
    })
}

/// Without sign, and without leading zeros: a number has one spelling.
fn decimal<T: FromStr>(text: &str) -> Result<T, Odd> {
    if text.starts_with('+') || text.len() > 1 && text.starts_with('0') {
        return Err(Odd);
    }
    text.parse().map_err(|_| Odd)
}

fn from_hex(text: &str) -> Result<Vec<u8>, Odd> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Odd),
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Odd);
    }
    pairs
        .iter()
        .map(|[high, low]| Ok(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_its_microseconds_in_every_spelling() {
        let instant = |text| Text::Plain(Cow::Borrowed(text)).instant().ok();
        assert_eq!(instant("1970-01-01T00:00:00.000000Z"), Some(0));
        assert_eq!(instant("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(instant("1969-12-31T23:59:59.999999Z"), Some(-1));
        assert_eq!(
            instant("2000-02-29T12:30:15.5+00:00"),
            Some(951_827_415_500_000)
        );
        assert_eq!(
            instant("2000-02-29T18:00:15.5+05:30"),
            Some(951_827_415_500_000)
        );
        assert_eq!(
            instant("2000-02-29T11:30:15.5-01:00"),
            Some(951_827_415_500_000)
        );
        assert_eq!(instant("294247-01-10T04:00:54.775807Z"), Some(i64::MAX));
        for odd in [
            "",
            "infinity",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.0000000Z",
            "197-01-01T00:00:00Z",
            "1970-01-01T00:00:00+1:00",
            "-1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00ZZ",
            "+970-01-01T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1970-01-01T00:00:é0Z",
            "294247-01-10T04:00:54.775808Z",
            "999999-12-31T23:59:59Z",
        ] {
            assert_eq!(instant(odd), None, "{odd}");
        }
    }

    #[test]
    fn an_address_is_what_postgresql_writes() {
        let address = |text| Text::Plain(Cow::Borrowed(text)).address().ok();
        assert_eq!(address("10.0.0.7"), Some(vec![4, 32, 10, 0, 0, 7]));
        assert_eq!(address("10.0.0.7/24"), Some(vec![4, 24, 10, 0, 0, 7]));
        assert_eq!(
            address("::1").map(|bytes| bytes[..2].to_vec()),
            Some(vec![6, 128])
        );
        for odd in [
            "",
            "10.0.0",
            "10.0.0.7/33",
            "10.0.0.7/",
            "10.0.0.7/+8",
            "10.0.0.7/08",
            "::1/129",
            "localhost",
        ] {
            assert_eq!(address(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_line_says_all_of_its_columns_once() {
        let vector = include_str!("../testdata/v1/record_full.json");
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        let columns = vector["columns"].as_object().unwrap();
        let line = |columns: &serde_json::Map<_, _>| serde_json::to_string(columns).unwrap();
        assert!(record(line(columns).as_bytes()).is_ok());
        for name in columns.keys() {
            let mut fewer = columns.clone();
            fewer.remove(name);
            assert!(record(line(&fewer).as_bytes()).is_err(), "without {name}");
            let twice =
                line(columns).replacen('{', &format!(r#"{{"{name}":{},"#, columns[name]), 1);
            assert!(record(twice.as_bytes()).is_err(), "with {name} twice");
        }
        let mut more = columns.clone();
        more.insert("another".to_owned(), serde_json::Value::Null);
        assert!(record(line(&more).as_bytes()).is_err());
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "{\"seq\":",
            "\u{0}",
            "{\"seq\":1e300}",
        ] {
            let unreadable = record(text.as_bytes()).unwrap_err();
            assert!(matches!(unreadable, LineError::Unreadable { .. }), "{text}");
        }
    }

    #[test]
    fn what_the_vault_does_not_write_is_foreign() {
        let vector = include_str!("../testdata/v1/record_full.json");
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        for (name, odd) in [
            ("id", "019a6f2e8c407d318000000000000001"),
            ("id", "019a6f2e-8c40-7d31-8000-00000000000G"),
            ("secret_id", ""),
            ("accessed_at", "infinity"),
            ("client_addr", "nowhere"),
            ("xid", "-1"),
            ("link", "00"),
            ("link", "0"),
            ("chain_key", "00"),
        ] {
            let mut columns = vector["columns"].clone();
            columns[name] = odd.into();
            let foreign = LineError::Broken(Broken::Foreign {
                seq: 1,
                how: Foreign::Malformed,
            });
            assert_eq!(
                record(columns.to_string().as_bytes()).unwrap_err(),
                foreign,
                "{name}"
            );
        }
    }
}
