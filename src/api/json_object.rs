//! A JSON object with secrets in it, put together in one place that is wiped, and answered as jsonb.

use vault::VaultError;
use zeroize::Zeroizing;

use crate::pg::{self, reply};

pub struct JsonObject(Zeroizing<String>);

impl JsonObject {
    /// - bytes: of all names and values together. Room is made for the longest form of each, so that no part of a secret is
    ///   left behind where the text outgrew its place.
    pub fn with_room_for(members: usize, bytes: usize) -> Self {
        let mut json = Zeroizing::new(String::with_capacity(2 + 6 * (bytes + members)));
        json.push('{');
        Self(json)
    }

    /// - name: one that needs no quoting.
    /// - errors: [`VaultError::NotText`].
    pub fn put(&mut self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let value = std::str::from_utf8(value).map_err(|_| VaultError::NotText)?;
        self.name(name);
        let json = &mut self.0;
        json.push('"');
        for c in value.chars() {
            match c {
                '"' | '\\' => json.extend(['\\', c]),
                '\0' => return Err(VaultError::NotText),
                '\u{1}'..='\u{1f}' => {
                    let low = char::from_digit(u32::from(c) & 0xf, 16).unwrap_or('0');
                    json.push_str(if c < '\u{10}' { "\\u000" } else { "\\u001" });
                    json.push(low);
                }
                c => json.push(c),
            }
        }
        json.push('"');
        Ok(())
    }

    /// - json: a value as JSON, without a secret.
    pub fn put_json(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    /// - errors: [`VaultError::NotText`] where it has no form in the database's encoding.
    pub fn finish(mut self) -> Result<reply::Varlena, VaultError> {
        self.0.push('}');
        let server = pg::text::from_utf8(self.0.as_bytes()).ok_or(VaultError::NotText)?;
        Ok(reply::jsonb(&server))
    }

    fn name(&mut self, name: &str) {
        let json = &mut self.0;
        if json.len() > 1 {
            json.push(',');
        }
        json.push('"');
        json.push_str(name);
        json.push_str("\":");
    }
}
