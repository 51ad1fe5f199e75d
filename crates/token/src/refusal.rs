//! Why a token is not believed: few reasons, in plain words, which hold nothing of the token.

use std::{error, fmt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The rule that it breaks.
    Malformed(&'static str),
    /// Also where several keys would serve and the token does not say which.
    UnknownKey,
    Signature,
    Expired,
    NotYetValid,
    Audience,
}

impl Refusal {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "the token is malformed",
            Self::UnknownKey => "the token's issuer or key is unknown",
            Self::Signature => "the token's signature does not verify",
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::Audience => "the token is for another audience",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl error::Error for Refusal {}
