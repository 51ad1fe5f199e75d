//! An exported log, line by line: the JSON that `vault.export_access_log` writes, back into records.
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

/// Reads one line of the checkpoints.
pub fn checkpoint(line: &[u8]) -> Result<Attested<Checkpoint>, LineError> {
    let line: CheckpointLine<'_> = parse(line)?;
    line.checkpoint().map_err(|Odd| {
        LineError::Broken(Broken::Foreign {
            seq: line.seq,
            how: Foreign::Checkpoint,
        })
    })
}

/// Reads one line of the stubs.
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

    fn hex(&self) -> Result<Vec<u8>, Odd> {
        from_hex(self.plain()?)
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

    /// RFC 3339 in UTC with six digits of a second, as microseconds since the Unix epoch.
    fn instant(&self) -> Result<i64, Odd> {
        let text = self.plain()?;
        let (year, rest) = text.split_once('-').ok_or(Odd)?;
        let parts: &[u8; 22] = rest.as_bytes().try_into().map_err(|_| Odd)?;
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
            b'.',
            f @ ..,
            b'Z',
        ] = *parts
        else {
            return Err(Odd);
        };
        if !(4..=6).contains(&year.len()) {
            return Err(Odd);
        }
        let year = digits(year.as_bytes())?;
        let (month, day) = (digits(&[m0, m1])?, digits(&[d0, d1])?);
        let (hour, minute) = (digits(&[h0, h1])?, digits(&[i0, i1])?);
        let (second, fraction) = (digits(&[s0, s1])?, digits(&f)?);
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
        let seconds = (hour * 60 + minute) * 60 + second;
        Ok((days_since_epoch(year, month, day) * 86_400 + seconds) * 1_000_000 + fraction)
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
