//! Whether a webhook comes from the service that it claims to come from.
//!
//! [`Definition::parse`] reads how a service signs; [`Definition::verify`] looks at one request.
//!
//! | scheme | header | signature |
//! |---|---|---|
//! | `stripe` | `Stripe-Signature: t=..,v1=hex` | HMAC-SHA256 over `t.payload` |
//! | `mux` | `Mux-Signature: t=..,v1=hex` | the same |
//! | `svix` | `svix-id`, `svix-timestamp`, `svix-signature: v1,base64`; or `webhook-...` | HMAC-SHA256 over `id.timestamp.payload`, with the key in base64 (Standard Webhooks) |
//! | `shopify` | `X-Shopify-Hmac-Sha256: base64` | HMAC-SHA256 over the payload |
//! | `wise` | `X-Signature-SHA256: base64` | RSA (PKCS #1 v1.5, SHA-256) over the payload, under a key that Wise publishes |
//! | `hmac_sha256` | any one, after any prefix, in hex or base64 | HMAC-SHA256 over the payload |
//!
//! - What is signed are bytes: the payload is never parsed before its signature was verified.
//! - A signature has one spelling: lower-case hex, canonical base64.
//! - A time counts only once its signature was verified. So [`Refusal::Stale`] is said of genuine requests alone.
//! - MACs are compared in constant time.
//!
//! **Invariant:** no clock (now is an argument), no network, no randomness, no `unsafe`; no input makes it panic; and no
//! error holds any part of a request or a key.
#![forbid(unsafe_code)]

mod base64;
mod definition;
mod digest;
mod headers;
mod instant;
mod key;
mod refusal;
mod spki;
mod verify;

pub use definition::{Definition, DefinitionError, Environment};
pub use digest::{Algorithm, mac};
pub use headers::{HEADER_MAX_BYTES, HEADERS_MAX, Headers};
pub use key::{Key, KeyError};
pub use refusal::Refusal;
pub use verify::{SIGNATURES_MAX, TOLERANCE_S, WISE_TOLERANCE_S};
