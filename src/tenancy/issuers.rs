//! Whose signed tokens are believed: rows of vault.jwt_keys, and the sealed secrets that some of them name. Each backend
//! remembers those that it has met, until a row changes; a secret's memory is wiped when it is forgotten.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use token::{Algorithm, Key, TrustedKey, parse_key_set};
use vault::{CredentialId, VaultError};

use crate::pg::plan::{Argument, Row, statement};
use crate::pg::relation::{self, Generation};
use crate::pg::text;

statement!(
    latest KEYS_OF_ISSUER,
    "../storage/queries/jwt_keys_of_issuer.sql",
    [TEXTOID, TEXTOID]
);

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

struct Known {
    read_at: Generation,
    /// Only of issuers that have keys: whoever sends a token chooses which one is looked for.
    keys: HashMap<(String, &'static str), Rc<Vec<TrustedKey>>>,
}

/// The issuer's keys of this algorithm.
///
/// - `open`: the sealed secret of this id, as a key; `None`: there is none any more.
pub fn keys(
    issuer: &str,
    algorithm: Algorithm,
    open: impl Fn(CredentialId) -> Result<Option<Key>, VaultError>,
) -> Result<Rc<Vec<TrustedKey>>, VaultError> {
    let now = relation::generation();
    let place = (issuer.to_owned(), algorithm.name());
    let kept = KNOWN.with_borrow_mut(|known| {
        known.take_if(|known| known.read_at != now);
        known.as_ref()?.keys.get(&place).map(Rc::clone)
    });
    if let Some(keys) = kept {
        return Ok(keys);
    }
    // Where the database's encoding has no form of the name, no row bears it.
    if text::from_utf8(issuer.as_bytes()).is_none() {
        return Ok(Rc::default());
    }
    let arguments = [Argument::Text(issuer), Argument::Text(algorithm.name())];
    let mut keys = Vec::new();
    for row in KEYS_OF_ISSUER.all(&arguments, |row| Stored::read(&row)) {
        keys.extend(row.trusted(algorithm, &open)?);
    }
    let keys = Rc::new(keys);
    if !keys.is_empty() {
        KNOWN.with_borrow_mut(|known| {
            let known = known.get_or_insert_with(|| Known {
                read_at: now,
                keys: HashMap::new(),
            });
            known.keys.insert(place, Rc::clone(&keys));
        });
    }
    Ok(keys)
}

/// A row as it stands.
struct Stored {
    id: Option<String>,
    jwk: Option<String>,
    credential: Option<[u8; 16]>,
    audience: Option<String>,
}

impl Stored {
    fn read(row: &Row<'_>) -> Self {
        Self {
            id: row.utf8(1),
            jwk: row.utf8(2),
            credential: row.uuid(3),
            audience: row.utf8(4),
        }
    }

    /// `None`: no key that serves, because the row was changed by hand, or its secret was destroyed.
    fn trusted(
        self,
        algorithm: Algorithm,
        open: impl Fn(CredentialId) -> Result<Option<Key>, VaultError>,
    ) -> Result<Option<TrustedKey>, VaultError> {
        let key = match (self.jwk, self.credential) {
            (Some(jwk), None) => {
                let set = format!(r#"{{"keys": [{jwk}]}}"#);
                let parsed = parse_key_set(set.as_bytes()).unwrap_or_default();
                parsed.into_iter().next().map(|(_, key)| Key::from(key))
            }
            (None, Some(id)) => open(CredentialId::from_bytes(id))?,
            _ => None,
        };
        let key = key.filter(|key| key.algorithm() == algorithm);
        Ok(key.zip(self.audience).map(|(key, audience)| TrustedKey {
            id: self.id,
            key,
            audience,
        }))
    }
}
