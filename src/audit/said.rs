//! What a caller says of its call: claims, the request's id, a reason, a lane, an account. The log repeats it and says
//! whether the login role is one that is trusted to pass such things on.
//!
//! Runs for every record, so where nothing is said it costs a few loads: settings are read where they lie, and claims
//! are parsed again only when they are other ones.

use serde_json::Value;

use crate::pg::identity;
use crate::{config, tenancy};

/// Longer texts are cut, so that a row stays below the TOAST threshold.
const TEXT_MAX_CHARS: usize = 200;
const WORD_MAX_CHARS: usize = 100;

/// Nothing of it is judged here.
#[derive(Default)]
pub struct Said {
    pub subject: Option<String>,
    pub tenant: Option<String>,
    pub correlation_id: Option<String>,
    pub access_reason: Option<String>,
    pub lane: Option<String>,
    pub platform_account: Option<String>,
    /// Whether a context of this transaction's says so, and whether that is trusted.
    is_of_the_context: Option<bool>,
}

impl Said {
    pub fn now() -> Self {
        let claims = tenancy::said();
        let claims = claims.as_deref();
        let short = |said: &String| text(said.as_bytes(), TEXT_MAX_CHARS);
        let mut said = Self {
            subject: claims.and_then(|claims| short(claims.subject.as_ref()?)),
            tenant: claims.and_then(|claims| short(claims.tenant.as_ref()?)),
            correlation_id: config::correlation_id(|id| text(id, TEXT_MAX_CHARS))
                .flatten()
                .or_else(request_id),
            access_reason: config::access_reason(|reason| text(reason, TEXT_MAX_CHARS)).flatten(),
            lane: config::lane(|lane| text(lane, WORD_MAX_CHARS)).flatten(),
            platform_account: config::platform_account(|account| text(account, WORD_MAX_CHARS))
                .flatten(),
            is_of_the_context: None,
        };
        // What this transaction was told it acts for counts before what the session says.
        tenancy::read_said(|context| {
            let word = |said: &String| text(said.as_bytes(), WORD_MAX_CHARS);
            said.tenant = Some(context.tenant.to_string());
            said.subject = context.user.as_ref().and_then(short);
            for (own, of_the_context) in [
                (
                    &mut said.correlation_id,
                    context.correlation_id.as_ref().and_then(short),
                ),
                (&mut said.lane, context.lane.as_ref().and_then(word)),
                (
                    &mut said.platform_account,
                    context.platform_account.as_ref().and_then(word),
                ),
            ] {
                *own = of_the_context.or(own.take());
            }
            said.is_of_the_context = Some(context.is_trusted);
        });
        said
    }

    /// Whether who says it is trusted to; `None` where nothing is said. Judged by who set the context, else by the user
    /// who was authenticated: a superuser who becomes a gateway by SET SESSION AUTHORIZATION is none.
    pub fn is_trusted(&self) -> Option<bool> {
        let said = [
            &self.subject,
            &self.tenant,
            &self.correlation_id,
            &self.access_reason,
            &self.lane,
            &self.platform_account,
        ];
        said.into_iter().any(Option::is_some).then(|| {
            self.is_of_the_context.unwrap_or_else(|| {
                if tenancy::is_authenticated() {
                    return true;
                }
                // Claims that the session kept from an earlier transaction may be another client's.
                config::is_trusted_gateway(identity::authenticated_user().as_bytes())
                    && (tenancy::said().is_none() || tenancy::claims().is_some())
            })
        })
    }
}

/// The request's header x-request-id.
fn request_id() -> Option<String> {
    match tenancy::header("x-request-id")? {
        Value::String(id) => text(id.as_bytes(), TEXT_MAX_CHARS),
        Value::Number(id) => text(id.to_string().as_bytes(), TEXT_MAX_CHARS),
        _ => None,
    }
}

/// One short line of ASCII, which every database encoding can hold; `None`: blank.
fn text(said: &[u8], max_chars: usize) -> Option<String> {
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    // Four bytes a character at most: what lies behind the cut is not looked at.
    let head = &said[..said.len().min(4 * max_chars)];
    let text = String::from_utf8_lossy(head);
    let text = text.trim();
    (!text.is_empty()).then(|| text.chars().take(max_chars).map(plain).collect())
}
