//! The table of formats: a row a detector. What it says is known from the vendors' own pages, or seen by scanners.

/// One row: what is looked for, whose it is, and where that is known from.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    /// `service_kind`: the name by which a refusal, a rule and the manual speak of it.
    pub id: &'static str,
    pub service: &'static str,
    /// Its shapes, separated by ` | `, in the notation of `shape.rs`; empty where code finds it.
    pub shapes: &'static str,
    /// A page of the vendor's, or `observed`.
    pub source: &'static str,
    /// Looks like a secret and is made to be public: it is passed over, whatever else it looks like.
    pub is_public: bool,
}

/// All rows, public ones included.
pub fn detectors() -> &'static [Detector] {
    DETECTORS
}

/// A row's place in [`detectors`], where there is one of this id.
pub fn numbered(id: &str) -> Option<usize> {
    DETECTORS.iter().position(|detector| detector.id == id)
}

const fn secret(
    id: &'static str,
    service: &'static str,
    shapes: &'static str,
    source: &'static str,
) -> Detector {
    Detector {
        id,
        service,
        shapes,
        source,
        is_public: false,
    }
}

const fn public(
    id: &'static str,
    service: &'static str,
    shapes: &'static str,
    source: &'static str,
) -> Detector {
    Detector {
        id,
        service,
        shapes,
        source,
        is_public: true,
    }
}

#[rustfmt::skip]
static DETECTORS: &[Detector] = &[
    secret("private_key_block", "any", "", "RFC 7468"),
    secret("private_key_base64", "any", "", "RFC 7468"),
    secret("url_with_password", "any", "", "RFC 3986"),
    secret("named_value", "any", "", "the name that it stands under"),
    secret("anthropic_api_key", "Anthropic", "sk-ant-<b:40+>", "docs.anthropic.com"),
    secret("aws_access_key_id", "AWS", "AKIA<U:16> | ASIA<U:16>", "docs.aws.amazon.com/IAM"),
    secret("digitalocean_token", "DigitalOcean", "dop_v1_<h:64> | doo_v1_<h:64> | dor_v1_<h:64>", "docs.digitalocean.com"),
    secret("github_token", "GitHub", "ghp_<a:36-255> | gho_<a:36-255> | ghu_<a:36-255> | ghs_<b:36+> | ghr_<a:36-255>", "docs.github.com"),
    secret("github_fine_grained_token", "GitHub", "github_pat_<w:59-255>", "docs.github.com"),
    secret("gitlab_token", "GitLab", "glpat-<v:20-300>", "docs.gitlab.com"),
    secret("google_api_key", "Google", "AIza<b:35>", "cloud.google.com/docs"),
    secret("google_oauth_client_secret", "Google", "GOCSPX-<b:28>", "observed"),
    secret("klaviyo_private_key", "Klaviyo", "pk_<h:34>", "developers.klaviyo.com"),
    secret("mailchimp_api_key", "Mailchimp", "<h:32>-us<d:1-2>", "mailchimp.com/developer"),
    secret("mailgun_api_key", "Mailgun", "key-<h:32>", "observed"),
    secret("npm_token", "npm", "npm_<a:36>", "docs.npmjs.com"),
    secret("openai_api_key", "OpenAI", "sk-<b:20-80>T3BlbkFJ<b:20-80>", "observed"),
    secret("resend_api_key", "Resend", "~re_<a:8>_<a:24>", "resend.com/docs"),
    secret("sendgrid_api_key", "SendGrid", "SG.<b:22>.<b:43>", "docs.sendgrid.com"),
    secret("shopify_token", "Shopify", "shpat_<x:32> | shpca_<x:32> | shppa_<x:32> | shpss_<x:32>", "shopify.dev/changelog"),
    secret("slack_token", "Slack", "xoxb-<s:20+> | xoxp-<s:20+> | xoxa-<s:20+> | xoxr-<s:20+>", "docs.slack.dev"),
    secret("slack_webhook_url", "Slack", "hooks.slack.com/services/T<U:8-12>/B<U:8-12>/<a:18-40>", "docs.slack.dev"),
    secret("stripe_secret_key", "Stripe", "sk_live_<a:10-255> | sk_test_<a:10-255>", "docs.stripe.com/keys"),
    secret("stripe_restricted_key", "Stripe", "rk_live_<a:10-255> | rk_test_<a:10-255>", "docs.stripe.com/keys"),
    secret("stripe_webhook_secret", "Stripe", "whsec_<B:32-90> | whsec_<h:64>", "docs.stripe.com/webhooks"),
    public("stripe_publishable_key", "Stripe", "pk_live_<a:10-255> | pk_test_<a:10-255>", "docs.stripe.com/keys"),
];
