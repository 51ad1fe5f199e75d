//! Examples that the services publish, or others who verify their webhooks: one a file, its source in it.

use std::collections::BTreeMap;

use serde::Deserialize;
use webhook::{Definition, Environment, Headers, Key, Refusal, TOLERANCE_S};

const FILES: [(&str, &str); 8] = [
    (
        "github_docs",
        include_str!("../../testdata/github_docs.json"),
    ),
    ("mux_elixir", include_str!("../../testdata/mux_elixir.json")),
    (
        "mux_node_sdk",
        include_str!("../../testdata/mux_node_sdk.json"),
    ),
    (
        "shopify_privacy_request",
        include_str!("../../testdata/shopify_privacy_request.json"),
    ),
    (
        "shopify_sqlpage",
        include_str!("../../testdata/shopify_sqlpage.json"),
    ),
    (
        "stripe_dotnet",
        include_str!("../../testdata/stripe_dotnet.json"),
    ),
    ("svix_docs", include_str!("../../testdata/svix_docs.json")),
    (
        "wise_sandbox",
        include_str!("../../testdata/wise_sandbox.json"),
    ),
];

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    #[serde(skip)]
    pub name: &'static str,
    #[allow(dead_code, reason = "for whoever reads the file")]
    source: String,
    pub definition: serde_json::Value,
    pub secret: Option<String>,
    environment: Option<String>,
    pub now_s: i64,
    pub headers: BTreeMap<String, String>,
    pub payload: String,
}

pub fn all() -> Vec<Vector> {
    let read = |(name, text): &(&'static str, &str)| {
        let vector: Vector = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        Vector { name, ..vector }
    };
    FILES.iter().map(read).collect()
}

pub fn named(name: &str) -> Vector {
    all().into_iter().find(|v| v.name == name).unwrap()
}

impl Vector {
    pub fn definition(&self) -> Definition {
        Definition::parse(self.definition.to_string().as_bytes()).unwrap()
    }

    pub fn keys(&self) -> Vec<Key> {
        let key = |secret: &String| self.definition().key(secret.as_bytes()).unwrap();
        self.secret.iter().map(key).collect()
    }

    pub fn environment(&self) -> Environment {
        match self.environment.as_deref() {
            Some("test") => Environment::Test,
            _ => Environment::Live,
        }
    }

    pub fn list(&self) -> Vec<(String, String)> {
        self.headers.clone().into_iter().collect()
    }

    /// At the time it was made.
    pub fn verify(&self) -> Result<(), Refusal> {
        self.verify_at(self.now_s)
    }

    pub fn verify_at(&self, now_s: i64) -> Result<(), Refusal> {
        self.verify_with(&self.keys(), self.payload.as_bytes(), self.list(), now_s)
    }

    pub fn verify_with(
        &self,
        keys: &[Key],
        payload: &[u8],
        headers: Vec<(String, String)>,
        now_s: i64,
    ) -> Result<(), Refusal> {
        let headers = Headers::new(headers).unwrap();
        let (definition, world) = (self.definition(), self.environment());
        definition.verify(keys, world, payload, &headers, now_s, TOLERANCE_S)
    }

    /// The header that the signature stands in, and those beside it that are signed.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        let known = other
            .headers
            .keys()
            .find(|k| k.eq_ignore_ascii_case(name))
            .cloned();
        other
            .headers
            .insert(known.unwrap_or(name.to_owned()), value.to_owned());
        other
    }

    pub fn header(&self, name: &str) -> &str {
        let mut known = self.headers.iter();
        known.find(|(k, _)| k.eq_ignore_ascii_case(name)).unwrap().1
    }
}
