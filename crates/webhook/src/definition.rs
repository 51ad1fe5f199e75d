//! How a service signs its webhooks, as the catalogue of services says it.

use std::{error, fmt};

use serde::Deserialize;

use crate::{Key, KeyError, spki};

const FIELD_MAX_BYTES: usize = 64;
const HEADER_NAME_MAX_BYTES: usize = 64;
const PREFIX_MAX_BYTES: usize = 32;
const KEYS_MAX: usize = 8;

/// A JSON object: `{"scheme": "stripe", "field": "webhook_secret"}`,
/// `{"scheme": "wise", "keys": {"live": ["..."], "test": ["..."]}}`, or
/// `{"scheme": "hmac_sha256", "field": "webhook_secret", "header": "X-Hub-Signature-256", "prefix": "sha256=",
/// "encoding": "hex"}`.
#[derive(Debug)]
pub struct Definition {
    pub(crate) scheme: Scheme,
    field: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Scheme {
    /// `t=..,v1=..` in this header.
    Stamped {
        header: &'static str,
    },
    Svix,
    Body(Body),
    Wise {
        live: Vec<PublicKey>,
        test: Vec<PublicKey>,
    },
}

/// An HMAC-SHA256 over the payload.
#[derive(Debug)]
pub(crate) struct Body {
    pub header: String,
    pub prefix: String,
    pub encoding: Encoding,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    Hex,
    Base64,
}

/// An RSAPublicKey in DER.
#[derive(Debug)]
pub(crate) struct PublicKey(pub Vec<u8>);

/// Which of a service's worlds an account lives in. What the one signs counts for nothing in the other: whoever likes has
/// an account in a sandbox, and has it sign what it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Live,
    Test,
}

/// The rule that a definition breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefinitionError(pub &'static str);

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl error::Error for DefinitionError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    scheme: String,
    field: Option<String>,
    header: Option<String>,
    prefix: Option<String>,
    encoding: Option<Encoding>,
    keys: Option<RawKeys>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeys {
    live: Vec<String>,
    #[serde(default)]
    test: Vec<String>,
}

impl Definition {
    pub fn parse(json: &[u8]) -> Result<Self, DefinitionError> {
        const FORM: DefinitionError = DefinitionError(
            "A webhook definition is an object of scheme, and, as the scheme needs, field, header, prefix, encoding, keys.",
        );
        let raw: Raw = serde_json::from_slice(json).map_err(|_| FORM)?;
        let is_plain = raw.header.is_none() && raw.prefix.is_none() && raw.encoding.is_none();
        let is_keyed = raw.keys.is_some();
        let scheme = match raw.scheme.as_str() {
            "stripe" if is_plain && !is_keyed => Scheme::Stamped {
                header: "stripe-signature",
            },
            "mux" if is_plain && !is_keyed => Scheme::Stamped {
                header: "mux-signature",
            },
            "svix" if is_plain && !is_keyed => Scheme::Svix,
            "shopify" if is_plain && !is_keyed => Scheme::Body(Body {
                header: "x-shopify-hmac-sha256".to_owned(),
                prefix: String::new(),
                encoding: Encoding::Base64,
            }),
            "wise" if is_plain => {
                let keys = raw.keys.ok_or(DefinitionError(
                    "Scheme wise has keys: {\"live\": [\"...\"], \"test\": [\"...\"]}.",
                ))?;
                Scheme::Wise {
                    live: public_keys(&keys.live, 1)?,
                    test: public_keys(&keys.test, 0)?,
                }
            }
            "hmac_sha256" if !is_keyed => {
                let (Some(header), Some(encoding)) = (raw.header, raw.encoding) else {
                    return Err(DefinitionError(
                        "Scheme hmac_sha256 has a header, and an encoding: hex or base64.",
                    ));
                };
                let body = Body {
                    header,
                    prefix: raw.prefix.unwrap_or_default(),
                    encoding,
                };
                Scheme::Body(body.checked()?)
            }
            "stripe" | "mux" | "svix" | "shopify" | "wise" | "hmac_sha256" => {
                return Err(DefinitionError(
                    "Only scheme hmac_sha256 has header, prefix and encoding; only scheme wise has keys.",
                ));
            }
            _ => {
                return Err(DefinitionError(
                    "A scheme is stripe, mux, svix, shopify, wise or hmac_sha256.",
                ));
            }
        };
        let is_secret = !matches!(scheme, Scheme::Wise { .. });
        match &raw.field {
            Some(field) if (1..=FIELD_MAX_BYTES).contains(&field.len()) => {}
            None if !is_secret => {}
            _ => {
                return Err(DefinitionError(
                    "A field names what to verify with; scheme wise, which has keys, can do without.",
                ));
            }
        }
        Ok(Self {
            scheme,
            field: raw.field,
        })
    }

    /// The service's field that holds what to verify with; `None`: the definition's own public keys.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Whether it can be verified without a key from that field.
    pub fn has_keys(&self) -> bool {
        matches!(self.scheme, Scheme::Wise { .. })
    }

    /// What stands in that field, as a key.
    pub fn key(&self, secret: &[u8]) -> Result<Key, KeyError> {
        Key::new(&self.scheme, secret)
    }
}

impl Body {
    fn checked(self) -> Result<Self, DefinitionError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let is_visible = |b: u8| b.is_ascii_graphic();
        if self.header.is_empty()
            || self.header.len() > HEADER_NAME_MAX_BYTES
            || !self.header.bytes().all(is_name)
            || self.prefix.len() > PREFIX_MAX_BYTES
            || !self.prefix.bytes().all(is_visible)
        {
            return Err(DefinitionError(
                "A header is the name of one; a prefix is at most 32 visible characters.",
            ));
        }
        Ok(self)
    }
}

fn public_keys(texts: &[String], at_least: usize) -> Result<Vec<PublicKey>, DefinitionError> {
    if !(at_least..=KEYS_MAX).contains(&texts.len()) {
        return Err(DefinitionError(
            "There are 1 to 8 live keys, and at most 8 test keys.",
        ));
    }
    texts
        .iter()
        .map(|text| spki::rsa_public_key(text).map(PublicKey))
        .collect::<Option<Vec<_>>>()
        .ok_or(DefinitionError(
            "A key is an RSA public key of 2048 to 8192 bits: PEM (BEGIN PUBLIC KEY), or its base64.",
        ))
}
