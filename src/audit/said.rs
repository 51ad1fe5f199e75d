//! What a caller says of its call: claims, the request's id, a reason, a lane, an account. The log repeats it and says
//! whether the login role is one that is trusted to pass such things on.
//!
//! Runs for every record, so where nothing is said it costs a few loads: settings are read where they lie, and claims
//! are parsed again only when they are other ones.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;

use crate::config;
use crate::pg::guc::Foreign;
use crate::pg::identity;

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
}

impl Said {
    pub fn now() -> Self {
        let Claims { subject, tenant } = claims();
        Self {
            subject,
            tenant,
            correlation_id: config::correlation_id(|id| text(id, TEXT_MAX_CHARS))
                .flatten()
                .or_else(request_id),
            access_reason: config::access_reason(|reason| text(reason, TEXT_MAX_CHARS)).flatten(),
            lane: config::lane(|lane| text(lane, WORD_MAX_CHARS)).flatten(),
            platform_account: config::platform_account(|account| text(account, WORD_MAX_CHARS))
                .flatten(),
        }
    }

    /// Whether who says it is trusted to; `None` where nothing is said. Judged by the user who was authenticated: a
    /// superuser who becomes a gateway by SET SESSION AUTHORIZATION is none.
    pub fn is_trusted(&self) -> Option<bool> {
        let said = [
            &self.subject,
            &self.tenant,
            &self.correlation_id,
            &self.access_reason,
            &self.lane,
            &self.platform_account,
        ];
        said.into_iter()
            .any(Option::is_some)
            .then(|| config::is_trusted_gateway(identity::authenticated_user().as_bytes()))
    }
}

thread_local! {
    static CLAIMS: Foreign = const { Foreign::named(c"request.jwt.claims") };
    static HEADERS: Foreign = const { Foreign::named(c"request.headers") };
    /// The claims that were parsed last, and what they say.
    static PARSED: RefCell<(Vec<u8>, Claims)> = const {
        RefCell::new((
            Vec::new(),
            Claims {
                subject: None,
                tenant: None,
            },
        ))
    };
}

#[derive(Clone, Default)]
struct Claims {
    subject: Option<String>,
    tenant: Option<String>,
}

fn claims() -> Claims {
    let said = CLAIMS.with(|claims| {
        claims.text(|json| {
            PARSED.with_borrow_mut(|(parsed, claims)| {
                if parsed != json {
                    *claims = Claims::parse(json);
                    parsed.clear();
                    parsed.extend_from_slice(json);
                }
                claims.clone()
            })
        })
    });
    said.unwrap_or_default()
}

impl Claims {
    /// Whatever is no JSON, or none of this form, says nothing.
    fn parse(json: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        struct Form {
            sub: Option<Value>,
            tenant_id: Option<Value>,
            app_metadata: Option<Value>,
        }
        let form: Form = serde_json::from_slice(json).unwrap_or_default();
        let tenant = form
            .tenant_id
            .or_else(|| form.app_metadata?.get("tenant_id").cloned());
        Self {
            subject: form.sub.as_ref().and_then(short),
            tenant: tenant.as_ref().and_then(short),
        }
    }
}

/// The request's header x-request-id, as PostgREST hands it on. Not remembered: beside it stands the caller's token.
fn request_id() -> Option<String> {
    #[derive(Deserialize)]
    struct Form {
        #[serde(rename = "x-request-id")]
        id: Option<Value>,
    }
    HEADERS.with(|headers| {
        headers.text(|json| {
            let form: Form = serde_json::from_slice(json).ok()?;
            short(&form.id?)
        })
    })?
}

fn short(claim: &Value) -> Option<String> {
    match claim {
        Value::String(said) => text(said.as_bytes(), TEXT_MAX_CHARS),
        Value::Number(number) => text(number.to_string().as_bytes(), TEXT_MAX_CHARS),
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
