//! The verification itself.

use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use subtle::{Choice, ConstantTimeEq};

use crate::definition::{Body, Encoding, PublicKey, Scheme};
use crate::key::Kind;
use crate::{Algorithm, Definition, Environment, Headers, Key, Refusal, base64, instant, mac};

/// How far the time of a webhook may be from now, either way, where the caller does not say: what Stripe, Svix and Mux
/// advise.
pub const TOLERANCE_S: u32 = 300;

/// Wise sends again for two weeks what was not taken, and does not say whether `sent_at` stays. A day is added.
pub const WISE_TOLERANCE_S: i64 = 15 * 86_400;

/// A service that is given a new secret signs with both for a while. More than a few are somebody's guesses.
pub const SIGNATURES_MAX: usize = 16;

const MAC_BYTES: usize = 32;
const ID_MAX_BYTES: usize = 256;

impl Definition {
    /// Whether one of the keys has signed this payload, now.
    ///
    /// - `keys`: made by [`Definition::key`]; all that count at this moment, since one that was replaced may still be in
    ///   use at the service. Of scheme wise: instead of the keys that the definition holds; none: those.
    /// - `environment`: which of the definition's public keys count.
    /// - `tolerance_s`: how far the time of the webhook may be from now, either way.
    pub fn verify(
        &self,
        keys: &[Key],
        environment: Environment,
        payload: &[u8],
        headers: &Headers,
        now_s: i64,
        tolerance_s: u32,
    ) -> Result<(), Refusal> {
        let near = |stamp_s: i64| match now_s.abs_diff(stamp_s) <= u64::from(tolerance_s) {
            true => Ok(()),
            false => Err(Refusal::Stale),
        };
        match &self.scheme {
            Scheme::Stamped { header } => {
                let stamped = Stamped::parse(headers.one(header)?)?;
                let signed = [stamped.time.as_bytes(), b".", payload];
                made_by_one(keys, &signed, &stamped.signatures)?;
                near(stamped.time_s)
            }
            Scheme::Svix => {
                let message = Message::parse(headers)?;
                let signed = [
                    message.id.as_bytes(),
                    b".",
                    message.time.as_bytes(),
                    b".",
                    payload,
                ];
                made_by_one(keys, &signed, &message.signatures)?;
                near(message.time_s)
            }
            Scheme::Body(body) => made_by_one(keys, &[payload], &[body.signature(headers)?]),
            Scheme::Wise { live, test } => {
                let published = match environment {
                    Environment::Live => live,
                    Environment::Test => test,
                };
                match keys {
                    [] => signed_by_one(published.iter(), payload, headers)?,
                    _ => signed_by_one(keys.iter().filter_map(public), payload, headers)?,
                }
                sent_lately(payload, now_s, tolerance_s)
            }
        }
    }
}

/// What somebody says is a MAC. It has no `==`, and [`Signature::is`] is all that can be asked of it: so nothing compares it
/// byte by byte until the first that differs.
struct Signature([u8; MAC_BYTES]);

impl Signature {
    /// All of it, in a time that says nothing of where the two differ.
    fn is(&self, expected: &[u8]) -> Choice {
        self.0.ct_eq(expected)
    }
}

/// Every key and every signature is tried, so that the time it takes says nothing of which one it was.
fn made_by_one(keys: &[Key], signed: &[&[u8]], signatures: &[Signature]) -> Result<(), Refusal> {
    let mut found = Choice::from(0);
    for key in keys.iter().filter_map(secret) {
        let expected = mac(Algorithm::Sha256, key, signed);
        for signature in signatures {
            found |= signature.is(&expected);
        }
    }
    match bool::from(found) {
        true => Ok(()),
        false => Err(Refusal::Mismatch),
    }
}

fn secret(key: &Key) -> Option<&[u8]> {
    match &key.0 {
        Kind::Secret(secret) => Some(secret),
        Kind::Public(_) => None,
    }
}

fn public(key: &Key) -> Option<&PublicKey> {
    match &key.0 {
        Kind::Public(key) => Some(key),
        Kind::Secret(_) => None,
    }
}

fn signed_by_one<'a>(
    mut keys: impl Iterator<Item = &'a PublicKey>,
    payload: &[u8],
    headers: &Headers,
) -> Result<(), Refusal> {
    let text = headers.one("x-signature-sha256")?;
    let signature = base64::decode(text.as_bytes()).ok_or(Refusal::Malformed)?;
    let verifies = |PublicKey(key): &PublicKey| {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(payload, &signature)
            .is_ok()
    };
    match keys.any(verifies) {
        true => Ok(()),
        false => Err(Refusal::Mismatch),
    }
}

/// Wise signs no time of its own, but its events say when they were sent. One that does not is taken: who could leave it out
/// is Wise alone.
fn sent_lately(payload: &[u8], now_s: i64, tolerance_s: u32) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Event {
        sent_at: Option<String>,
    }
    let sent_at = serde_json::from_slice(payload)
        .ok()
        .and_then(|event: Event| instant::rfc3339_utc(&event.sent_at?));
    let age_s = sent_at.map_or(0, |sent_s| now_s.saturating_sub(sent_s));
    match age_s <= WISE_TOLERANCE_S && age_s >= -i64::from(tolerance_s) {
        true => Ok(()),
        false => Err(Refusal::Stale),
    }
}

/// `t=1492774577,v1=5257a8..,v1=..,v0=..`. Schemes other than v1 are passed over: to heed them would invite a downgrade.
struct Stamped<'a> {
    time: &'a str,
    time_s: i64,
    signatures: Vec<Signature>,
}

impl<'a> Stamped<'a> {
    fn parse(header: &'a str) -> Result<Self, Refusal> {
        let mut time = None;
        let mut signatures = Vec::new();
        let mut count = 0;
        for item in header.split(',') {
            let (name, value) = item
                .trim_start_matches(' ')
                .split_once('=')
                .ok_or(Refusal::Malformed)?;
            match name {
                "t" if time.is_none() => time = Some(value),
                "t" => return Err(Refusal::Malformed),
                "v1" => {
                    count += 1;
                    signatures.extend(hex(value.as_bytes()));
                }
                _ => {}
            }
        }
        let time = time.ok_or(Refusal::Malformed)?;
        let time_s = instant::seconds(time).ok_or(Refusal::Malformed)?;
        if !(1..=SIGNATURES_MAX).contains(&count) {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            time,
            time_s,
            signatures,
        })
    }
}

/// The three headers of Standard Webhooks, under either name.
struct Message<'a> {
    id: &'a str,
    time: &'a str,
    time_s: i64,
    signatures: Vec<Signature>,
}

impl<'a> Message<'a> {
    fn parse(headers: &'a Headers) -> Result<Self, Refusal> {
        const SVIX: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];
        const STANDARD: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let has = |names: &[&str; 3]| names.iter().any(|name| headers.has(name));
        let [id, time, signature] = match (has(&SVIX), has(&STANDARD)) {
            (true, false) => SVIX,
            (false, true) => STANDARD,
            (false, false) => return Err(Refusal::Missing),
            // The application might look at the other id than the one that was verified.
            (true, true) => return Err(Refusal::Malformed),
        };
        let (id, time, signature) = (
            headers.one(id)?,
            headers.one(time)?,
            headers.one(signature)?,
        );
        // With a full stop in the id, the same signed bytes could be read as another id, time and payload.
        let is_id = (1..=ID_MAX_BYTES).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
        let time_s = instant::seconds(time).ok_or(Refusal::Malformed)?;
        let mut signatures = Vec::new();
        let mut count = 0;
        for item in signature.split(' ') {
            let (version, value) = item.split_once(',').ok_or(Refusal::Malformed)?;
            if version == "v1" {
                count += 1;
                signatures.extend(base64_mac(value.as_bytes()));
            }
        }
        if !is_id || !(1..=SIGNATURES_MAX).contains(&count) {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            id,
            time,
            time_s,
            signatures,
        })
    }
}

impl Body {
    fn signature(&self, headers: &Headers) -> Result<Signature, Refusal> {
        let text = headers.one(&self.header)?;
        let text = text.strip_prefix(&self.prefix).ok_or(Refusal::Malformed)?;
        match self.encoding {
            Encoding::Hex => hex(text.as_bytes()),
            Encoding::Base64 => base64_mac(text.as_bytes()),
        }
        .ok_or(Refusal::Malformed)
    }
}

fn base64_mac(text: &[u8]) -> Option<Signature> {
    base64::decode(text)?
        .as_slice()
        .try_into()
        .ok()
        .map(Signature)
}

/// 64 digits, in lower case.
fn hex(text: &[u8]) -> Option<Signature> {
    let digit = |symbol: u8| match symbol {
        b'0'..=b'9' => Some(symbol - b'0'),
        b'a'..=b'f' => Some(symbol - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; MAC_BYTES];
    if text.len() != 2 * MAC_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(Signature(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature's own comparison looks at every byte and every bit, and at nothing shorter or longer.
    #[test]
    fn a_signature_is_the_whole_digest_or_it_is_not() {
        let expected: [u8; MAC_BYTES] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        assert!(bool::from(Signature(expected).is(&expected)));
        for bit in 0..8 * MAC_BYTES {
            let mut other = expected;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!bool::from(Signature(other).is(&expected)), "bit {bit}");
        }
        let longer = [&expected[..], &[0]].concat();
        for other in [&expected[..MAC_BYTES - 1], &longer, &[]] {
            assert!(!bool::from(Signature(expected).is(other)));
        }
    }

    /// Which of several it was does not decide how many are looked at: the loop has no way out before its end.
    #[test]
    fn the_right_one_is_found_wherever_it_stands() {
        let definition = Definition::parse(br#"{"scheme": "stripe", "field": "k"}"#).unwrap();
        let keys: Vec<Key> = [&b"first"[..], b"second", b"third"]
            .iter()
            .map(|key| definition.key(key).unwrap())
            .collect();
        for key in [&b"first"[..], b"second", b"third"] {
            for place in 0..SIGNATURES_MAX {
                let mut signatures: Vec<_> = (0..SIGNATURES_MAX)
                    .map(|_| Signature([0; MAC_BYTES]))
                    .collect();
                let made = mac(Algorithm::Sha256, key, &[b"payload"]);
                signatures[place] = Signature(made.try_into().unwrap());
                assert_eq!(made_by_one(&keys, &[b"payload"], &signatures), Ok(()));
                assert_eq!(
                    made_by_one(&keys, &[b"another"], &signatures),
                    Err(Refusal::Mismatch)
                );
            }
        }
    }
}
