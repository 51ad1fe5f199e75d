//! Chain keys, out of the files that hold them or what they derive from.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use auditchain::{ChainKey, Fingerprint, HASH_BYTES, Keys};
use envelope::{KeyBytes, KeyRing};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::arguments::KeyFiles;
use crate::lines::Lines;

/// Every chain key of the files, with its fingerprint.
pub struct Found(Vec<(Fingerprint, KeyBytes)>);

impl Found {
    pub fn read(files: &KeyFiles) -> Result<Self, String> {
        let mut found = Self(Vec::new());
        let mut rings = Vec::new();
        for path in &files.root_keys {
            let ring = KeyRing::parse(&read(path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            found.add_ring(&ring);
            rings.push(ring);
        }
        if let Some(path) = &files.kept_keys {
            found.add_kept(path, &rings)?;
        }
        if let Some(path) = &files.chain_keys {
            found.add_lines(path)?;
        }
        Ok(found)
    }

    pub fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        for (fingerprint, key) in &self.0 {
            keys.add(*fingerprint, ChainKey::new(key.expose()));
        }
        keys
    }

    /// Writes `fingerprint key` lines into a new file that its owner alone can read.
    pub fn write(&self, path: &Path) -> Result<usize, String> {
        let mut text = Zeroizing::new(String::with_capacity(100 + 98 * self.0.len()));
        text.push_str("# Chain keys of tenant_vault: they verify its access log, can forge it, and open no secret.\n");
        for (fingerprint, key) in &self.0 {
            text.push_str(&fingerprint.to_string());
            text.push(' ');
            for byte in key.expose() {
                for digit in [byte >> 4, byte & 15] {
                    text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                }
            }
            text.push('\n');
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(self.0.len())
    }

    fn add_ring(&mut self, ring: &KeyRing) {
        for (_, fingerprint) in ring.fingerprints() {
            let root = ring
                .by_fingerprint(&fingerprint)
                .expect("the ring names its own keys");
            self.add(*fingerprint.as_bytes(), root.chain_key().expose());
        }
    }

    /// A key that was wrapped under a root key of none of the rings stays unknown; the record that needs it says so.
    fn add_kept(&mut self, path: &Path, rings: &[KeyRing]) -> Result<(), String> {
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let Some(kept) = Kept::read(line) else {
                return Err(lines.says("not a kept chain key"));
            };
            let of = envelope::Fingerprint::from_bytes(kept.fingerprint);
            let by = envelope::Fingerprint::from_bytes(kept.wrapped_by);
            let Some(root) = rings.iter().find_map(|ring| ring.by_fingerprint(&by)) else {
                continue;
            };
            let key = root
                .unwrap_chain_key(&of, &kept.wrapped_key)
                .map_err(|_| lines.says("the kept chain key does not open"))?;
            self.add(kept.fingerprint, key.expose());
        }
        Ok(())
    }

    fn add_lines(&mut self, path: &Path) -> Result<(), String> {
        let text = read(path)?;
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let (fingerprint, key) = chain_key(line).ok_or_else(|| {
                let line = index + 1;
                format!(
                    "{} line {line}: expected 32 and 64 hex digits, separated by a space",
                    path.display()
                )
            })?;
            self.add(fingerprint, &key);
        }
        Ok(())
    }

    fn add(&mut self, fingerprint: [u8; 16], key: &[u8; HASH_BYTES]) {
        let fingerprint = Fingerprint::from_bytes(fingerprint);
        if self.0.iter().all(|(known, _)| *known != fingerprint) {
            self.0.push((fingerprint, KeyBytes::new(*key)));
        }
    }
}

fn chain_key(line: &[u8]) -> Option<([u8; 16], Zeroizing<[u8; HASH_BYTES]>)> {
    let line = std::str::from_utf8(line).ok()?;
    let (fingerprint, key) = line.split_once(' ')?;
    Some((from_hex(fingerprint)?, Zeroizing::new(from_hex(key)?)))
}

/// A row of vault.access_log_keys.
struct Kept {
    fingerprint: [u8; 16],
    wrapped_by: [u8; 16],
    wrapped_key: [u8; envelope::WRAPPED_KEK_BYTES],
}

#[derive(Deserialize)]
struct KeptLine<'a> {
    #[serde(borrow)]
    fingerprint: Cow<'a, str>,
    #[serde(borrow)]
    wrapped_by: Cow<'a, str>,
    #[serde(borrow)]
    wrapped_key: Cow<'a, str>,
}

impl Kept {
    fn read(line: &[u8]) -> Option<Self> {
        let line: KeptLine<'_> = serde_json::from_slice(line).ok()?;
        Some(Self {
            fingerprint: from_hex(&line.fingerprint)?,
            wrapped_by: from_hex(&line.wrapped_by)?,
            wrapped_key: from_hex(&line.wrapped_key)?,
        })
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Hex digits; behind `\x` where PostgreSQL wrote them.
pub fn from_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let text = text.strip_prefix("\\x").unwrap_or(text);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != BYTES || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(*high)? << 4 | digit(*low)?) as u8;
    }
    Some(bytes)
}
