//! The token: read, then verified.

use serde_json::{Map, Value};

use crate::key::{Algorithm, Key};
use crate::{Refusal, base64url, is_label, json};

pub const TOKEN_MAX_BYTES: usize = 16 * 1024;
/// Clocks differ. In the token's favour at both ends of its life.
pub const LEEWAY_S: u64 = 60;

/// The end of the year 9999; what lies behind it is no date but a mistake, such as one in milliseconds.
const DATE_MAX_S: u64 = 253_402_300_799;

/// A token of good form, of which nothing is known yet.
pub struct Token<'a> {
    /// Header, dot, payload: what the signature is over.
    signed: &'a [u8],
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    issuer: String,
    claims: Map<String, Value>,
}

/// A key that somebody trusted, and for which audience its tokens must be.
#[derive(Debug)]
pub struct TrustedKey {
    /// A key without an id serves tokens of any.
    pub id: Option<String>,
    pub key: Key,
    pub audience: String,
}

/// What a verified token says. Only [`Token::verify`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    issuer: String,
    subject: Option<String>,
    all: Value,
}

impl Claims {
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Every claim: an object.
    pub fn all(&self) -> &Value {
        &self.all
    }
}

impl<'a> Token<'a> {
    /// Reads `header.payload.signature`.
    ///
    /// - errors: [`Refusal::Malformed`], with the rule that is broken.
    pub fn parse(text: &'a [u8]) -> Result<Self, Refusal> {
        if text.len() > TOKEN_MAX_BYTES {
            return Err(Refusal::Malformed("A token has at most 16 KiB."));
        }
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::Malformed(
                "A token has three parts, with dots between them.",
            ));
        };
        let decode = |part| {
            base64url::decode(part).ok_or(Refusal::Malformed(
                "Its parts are base64url without padding.",
            ))
        };
        let object = |part| {
            json::object(&decode(part)?).ok_or(Refusal::Malformed(
                "Its header and payload are JSON objects, in which no member stands twice.",
            ))
        };
        let header = object(header)?;
        let (algorithm, key_id) = read_header(&header)?;
        let claims = object(payload)?;
        let issuer = match claims.get("iss") {
            Some(Value::String(issuer)) if is_label(issuer) => issuer.clone(),
            _ => {
                return Err(Refusal::Malformed(
                    "Its issuer (\"iss\") is a string of 1 to 255 bytes without control characters.",
                ));
            }
        };
        let signed = text.len() - signature.len() - 1;
        Ok(Self {
            signed: &text[..signed],
            signature: decode(signature)?,
            algorithm,
            key_id,
            issuer,
            claims,
        })
    }

    /// Whose keys to look for. The token says so; nobody has verified it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it says that it is signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The claims, if one of the issuer's keys signed them, for the key's audience, and `now_s` (seconds since 1970)
    /// lies in the token's life.
    ///
    /// - `keys`: the issuer's; those of another algorithm serve no purpose.
    /// - errors: the first of: no key, signature, form of a claim, audience, not yet valid, expired.
    pub fn verify(self, keys: &[TrustedKey], now_s: u64) -> Result<Claims, Refusal> {
        let trusted = self.key_among(keys).ok_or(Refusal::UnknownKey)?;
        trusted.key.verify(self.signed, &self.signature)?;

        let subject = match self.claims.get("sub") {
            None => None,
            Some(Value::String(subject)) if is_label(subject) => Some(subject.clone()),
            Some(_) => {
                return Err(Refusal::Malformed(
                    "Its subject (\"sub\") is a string of 1 to 255 bytes without control characters.",
                ));
            }
        };
        let expires_s = self
            .date("exp")?
            .ok_or(Refusal::Malformed("It says when it expires (\"exp\")."))?;
        let valid_from_s = self.date("nbf")?;
        // When it was issued is not judged: an issuer whose clock is ahead would be.
        self.date("iat")?;
        if !self.is_for(&trusted.audience)? {
            return Err(Refusal::Audience);
        }
        if valid_from_s.is_some_and(|from_s| from_s > now_s.saturating_add(LEEWAY_S)) {
            return Err(Refusal::NotYetValid);
        }
        if now_s >= expires_s.saturating_add(LEEWAY_S) {
            return Err(Refusal::Expired);
        }
        Ok(Claims {
            issuer: self.issuer,
            subject,
            all: Value::Object(self.claims),
        })
    }

    /// The key of the token's id; else the only one of its algorithm that the id does not rule out. Keys are not tried
    /// one after the other.
    fn key_among<'k>(&self, keys: &'k [TrustedKey]) -> Option<&'k TrustedKey> {
        let of_algorithm = || {
            keys.iter()
                .filter(|trusted| trusted.key.algorithm() == self.algorithm)
        };
        let named = |id| of_algorithm().find(|trusted| trusted.id.as_ref() == Some(id));
        if let Some(exactly) = self.key_id.as_ref().and_then(named) {
            return Some(exactly);
        }
        let mut possible =
            of_algorithm().filter(|trusted| trusted.id.is_none() || self.key_id.is_none());
        let first = possible.next()?;
        possible.next().is_none().then_some(first)
    }

    /// A date in whole seconds (RFC 7519, section 2, NumericDate, without its fractions).
    fn date(&self, claim: &str) -> Result<Option<u64>, Refusal> {
        match self.claims.get(claim) {
            None => Ok(None),
            Some(given) => given
                .as_u64()
                .filter(|seconds| *seconds <= DATE_MAX_S)
                .map(Some)
                .ok_or(Refusal::Malformed(
                    "Its dates (\"exp\", \"nbf\", \"iat\") are whole numbers of seconds since 1970.",
                )),
        }
    }

    fn is_for(&self, audience: &str) -> Result<bool, Refusal> {
        let malformed =
            || Refusal::Malformed("Its audience (\"aud\") is a string or an array of strings.");
        match self.claims.get("aud") {
            None => Ok(false),
            Some(Value::String(one)) => Ok(one == audience),
            Some(Value::Array(several)) => {
                let mut is_named = false;
                for one in several {
                    is_named |= one.as_str().ok_or_else(malformed)? == audience;
                }
                Ok(is_named)
            }
            Some(_) => Err(malformed()),
        }
    }
}

fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), Refusal> {
    // Whoever sends one demands that it be understood, or the token refused (RFC 7515, section 4.1.11).
    if header.contains_key("crit") {
        return Err(Refusal::Malformed(
            "No extension of the header (\"crit\") is known here.",
        ));
    }
    // Tokens of other kinds from the same issuer are no proof of access (RFC 8725, section 3.11).
    let is_of_our_kind = match header.get("typ") {
        None => true,
        Some(Value::String(kind)) => ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]
            .iter()
            .any(|ours| kind.eq_ignore_ascii_case(ours)),
        Some(_) => false,
    };
    if !is_of_our_kind || header.contains_key("cty") {
        return Err(Refusal::Malformed(
            "Its type (\"typ\") is JWT or at+jwt, and it holds no other token.",
        ));
    }
    let algorithm = match header.get("alg") {
        Some(Value::String(name)) => Algorithm::parse(name),
        _ => None,
    };
    let algorithm = algorithm.ok_or(Refusal::Malformed(
        "Its algorithm (\"alg\") is one of HS256, RS256, ES256, EdDSA.",
    ))?;
    let key_id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) if is_label(id) => Some(id.clone()),
        Some(_) => {
            return Err(Refusal::Malformed(
                "Its key's id (\"kid\") is a string of 1 to 255 bytes without control characters.",
            ));
        }
    };
    Ok((algorithm, key_id))
}
