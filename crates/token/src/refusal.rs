//! Why a token is not believed: few reasons, in plain words, which hold nothing of the token.

use thiserror::Error;

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The rule that it breaks.
    #[error("the token is malformed")]
    Malformed(&'static str),

    /// Also where several keys would serve and the token does not say which.
    #[error("the token's issuer or key is unknown")]
    UnknownKey,

    #[error("the token's signature does not verify")]
    Signature,

    #[error("the token has expired")]
    Expired,

    #[error("the token is not valid yet")]
    NotYetValid,

    #[error("the token is for another audience")]
    Audience,
}
