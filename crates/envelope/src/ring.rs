//! The root key ring: the text of a key file, parsed once and completely.
//!
//! ```text
//! # comment
//! primary  2026-03  base64:<44 characters>
//! enabled  2025-09  hex:<64 digits>
//! ```
//!
//! **Invariant:** a ring that exists has exactly one primary key, no id twice, no key twice. Its errors name the line
//! and the rule, never what stands there.

use std::fmt;

use crate::root::ALL_EQUAL;
use crate::{Fingerprint, KeyBytes, RingError, RootKey};

pub(crate) const RING_MAX_BYTES: usize = 65_536;
pub(crate) const RING_MAX_KEYS: usize = 64;
const ID_MAX_BYTES: usize = 64;

/// The root keys of one key file. Every key opens what it wrapped; only the primary wraps anew.
pub struct KeyRing {
    entries: Vec<Entry>,
    primary: usize,
}

struct Entry {
    id: String,
    key: RootKey,
    line: usize,
}

impl KeyRing {
    /// Parses a key file; `docs/envelope.md` has the grammar.
    ///
    /// - `text`: at most 64 KiB, at most 64 keys. The caller wipes it afterwards.
    /// - errors: [`RingError`]; the first broken rule in the order of the lines.
    pub fn parse(text: &[u8]) -> Result<Self, RingError> {
        if text.len() > RING_MAX_BYTES {
            return Err(RingError::TooLarge);
        }
        let text = std::str::from_utf8(text).map_err(|_| RingError::NotUtf8)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut primary = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_matches(BLANK);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            let (state, entry) =
                parse_line(line, number).map_err(|rule| RingError::Line { number, rule })?;
            check_unique(&entries, &entry)?;
            if state == State::Primary && primary.replace(entries.len()).is_some() {
                return Err(RingError::TwoPrimaries);
            }
            if entries.len() == RING_MAX_KEYS {
                return Err(RingError::TooManyKeys);
            }
            entries.push(entry);
        }
        if entries.is_empty() {
            return Err(RingError::NoKeys);
        }
        let primary = primary.ok_or(RingError::NoPrimary)?;
        Ok(Self { entries, primary })
    }

    pub fn primary(&self) -> &RootKey {
        &self.entries[self.primary].key
    }

    pub fn primary_id(&self) -> &str {
        &self.entries[self.primary].id
    }

    /// The key that a `wrapped_kek` needs, if the ring holds it.
    pub fn by_fingerprint(&self, fingerprint: &Fingerprint) -> Option<&RootKey> {
        self.entries
            .iter()
            .map(|entry| &entry.key)
            .find(|key| key.fingerprint() == *fingerprint)
    }

    /// Every key's id and fingerprint, in the order of the file.
    pub fn fingerprints(&self) -> impl Iterator<Item = (&str, Fingerprint)> {
        self.entries
            .iter()
            .map(|entry| (entry.id.as_str(), entry.key.fingerprint()))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.entries.len())
    }
}

const BLANK: [char; 2] = [' ', '\t'];

#[derive(PartialEq)]
enum State {
    Primary,
    Enabled,
}

fn parse_line(line: &str, number: usize) -> Result<(State, Entry), &'static str> {
    let mut fields = line.split(BLANK).filter(|field| !field.is_empty());
    let (Some(state), Some(id), Some(key), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("expected a state, an id and a key, separated by spaces or tabs");
    };
    let state = match state {
        "primary" => State::Primary,
        "enabled" => State::Enabled,
        _ => return Err("the state must be primary or enabled"),
    };
    if id.len() > ID_MAX_BYTES || !id.bytes().all(is_id_byte) {
        return Err("the id must be 1 to 64 of A-Z a-z 0-9 . _ -");
    }
    let key = RootKey::new(parse_key(key)?).map_err(|_| ALL_EQUAL)?;
    let entry = Entry {
        id: id.to_owned(),
        key,
        line: number,
    };
    Ok((state, entry))
}

fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

/// `hex:<64 digits>` or `base64:<44 characters>`. The encoding is declared, never guessed: 44 characters of base64 and
/// a damaged line of hex digits can look alike.
fn parse_key(field: &str) -> Result<KeyBytes, &'static str> {
    match field.split_once(':') {
        Some(("hex", digits)) => decode_hex(digits.as_bytes())
            .ok_or("hex: must be followed by exactly 64 hexadecimal digits"),
        Some(("base64", symbols)) => decode_base64(symbols.as_bytes())
            .ok_or("base64: must be followed by exactly 44 characters, padded, for 32 bytes"),
        _ => Err("the key must begin with hex: or base64:"),
    }
}

fn decode_hex(digits: &[u8]) -> Option<KeyBytes> {
    let digits: &[u8; 64] = digits.try_into().ok()?;
    let mut key = KeyBytes::zeroed();
    for (byte, pair) in key.expose_mut().iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
    }
    Some(key)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// RFC 4648, section 4, strictly: 43 symbols and one `=`, the two bits left over zero, so that a key has one spelling.
fn decode_base64(symbols: &[u8]) -> Option<KeyBytes> {
    let symbols: &[u8; 44] = symbols.try_into().ok()?;
    let (symbols, b"=") = symbols.split_at(43) else {
        return None;
    };
    let mut key = KeyBytes::zeroed();
    for (bytes, group) in key.expose_mut().chunks_mut(3).zip(symbols.chunks(4)) {
        let mut bits = 0u32;
        for symbol in group {
            bits = bits << 6 | u32::from(base64_value(*symbol)?);
        }
        // Only the last group is short: three symbols, 18 bits, for two bytes.
        let unused = group.len() * 6 - bytes.len() * 8;
        if bits & ((1 << unused) - 1) != 0 {
            return None;
        }
        bits >>= unused;
        for byte in bytes.iter_mut().rev() {
            *byte = bits as u8;
            bits >>= 8;
        }
    }
    Some(key)
}

fn base64_value(symbol: u8) -> Option<u8> {
    match symbol {
        b'A'..=b'Z' => Some(symbol - b'A'),
        b'a'..=b'z' => Some(symbol - b'a' + 26),
        b'0'..=b'9' => Some(symbol - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn check_unique(entries: &[Entry], new: &Entry) -> Result<(), RingError> {
    for entry in entries {
        if entry.id == new.id {
            return Err(RingError::Line {
                number: new.line,
                rule: "the id is already used by an earlier line",
            });
        }
        // Equal keys have equal fingerprints; the key itself is no longer at hand, and need not be.
        if entry.key.fingerprint() == new.key.fingerprint() {
            return Err(RingError::SameKeyTwice {
                first_line: entry.line,
                second_line: new.line,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const HEX_AS_BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "base64:/+ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn reads_comments_blanks_tabs_and_windows_line_ends() {
        let text = format!(
            "# keys of the test ring\r\n\r\n\t # indented\n  enabled\told.1 \t {OTHER}  \r\nprimary new_2-B hex:{HEX}"
        );
        let ring = KeyRing::parse(text.as_bytes()).unwrap();
        let ids: Vec<&str> = ring.fingerprints().map(|(id, _)| id).collect();
        assert_eq!(ids, ["old.1", "new_2-B"]);
        assert_eq!(ring.primary_id(), "new_2-B");
        assert_eq!(
            ring.primary().fingerprint(),
            root(core::array::from_fn(|i| i as u8)).fingerprint()
        );
    }

    #[test]
    fn finds_a_key_by_its_fingerprint() {
        let ring = KeyRing::parse(format!("primary a hex:{HEX}\nenabled b {OTHER}").as_bytes());
        let ring = ring.unwrap();
        for (_, fingerprint) in ring.fingerprints() {
            let key = ring.by_fingerprint(&fingerprint).unwrap();
            assert_eq!(key.fingerprint(), fingerprint);
        }
        assert!(
            ring.by_fingerprint(&Fingerprint::from_bytes([0; 16]))
                .is_none()
        );
    }

    #[test]
    fn hex_in_either_case_and_base64_spell_the_same_key() {
        let spellings = [
            format!("hex:{HEX}"),
            format!("hex:{}", HEX.to_uppercase()),
            format!("base64:{HEX_AS_BASE64}"),
        ];
        let fingerprints = spellings.map(|key| {
            let ring = KeyRing::parse(format!("primary a {key}").as_bytes()).unwrap();
            ring.primary().fingerprint()
        });
        assert!(fingerprints.iter().all(|found| *found == fingerprints[0]));
    }

    #[test]
    fn refuses_a_line_by_its_rule() {
        let fields = "expected a state, an id and a key, separated by spaces or tabs";
        let state = "the state must be primary or enabled";
        let id = "the id must be 1 to 64 of A-Z a-z 0-9 . _ -";
        let prefix = "the key must begin with hex: or base64:";
        let hex = "hex: must be followed by exactly 64 hexadecimal digits";
        let base64 = "base64: must be followed by exactly 44 characters, padded, for 32 bytes";
        let long_id = "i".repeat(65);
        let cases = [
            ("primary", fields),
            (&format!("primary hex:{HEX}"), fields),
            (&format!("primary a hex:{HEX} # a remark"), fields),
            (&format!("Primary a hex:{HEX}"), state),
            (&format!("disabled a hex:{HEX}"), state),
            (&format!("\u{feff}primary a hex:{HEX}"), state),
            (&format!("primary é hex:{HEX}"), id),
            (&format!("primary a/b hex:{HEX}"), id),
            (&format!("primary {long_id} hex:{HEX}"), id),
            (&format!("primary a {HEX}"), prefix),
            (&format!("primary a HEX:{HEX}"), prefix),
            (&format!("primary a hex:{}", &HEX[2..]), hex),
            (&format!("primary a hex:{HEX}00"), hex),
            (&format!("primary a hex:{}0g", &HEX[2..]), hex),
            (&format!("primary a hex:{}é", &HEX[2..]), hex),
            ("primary a hex:", hex),
            (
                &format!("primary a base64:{}", &HEX_AS_BASE64[..43]),
                base64,
            ),
            (
                &format!("primary a base64:{}A", &HEX_AS_BASE64[..43]),
                base64,
            ),
            // The same key with its two unused bits set: a second spelling of one key.
            (
                &format!("primary a base64:{}9=", &HEX_AS_BASE64[..42]),
                base64,
            ),
            (
                &format!("primary a base64:-{}", &HEX_AS_BASE64[1..]),
                base64,
            ),
            (
                &format!("primary a base64:={}", &HEX_AS_BASE64[1..]),
                base64,
            ),
            (&format!("primary a base64:{HEX_AS_BASE64}="), base64),
            (&format!("primary a hex:{}", "00".repeat(32)), ALL_EQUAL),
            (&format!("primary a base64:{}8=", "/".repeat(42)), ALL_EQUAL),
            (
                &format!("primary x {OTHER}\nenabled x hex:{HEX}"),
                "the id is already used by an earlier line",
            ),
        ];
        for (text, rule) in cases {
            let number = text.lines().count() + 1;
            assert_eq!(
                refusal(&format!("# first line\n{text}\n")),
                RingError::Line { number, rule },
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_a_ring_as_a_whole() {
        assert_eq!(refusal(""), RingError::NoKeys);
        assert_eq!(refusal("# nothing\n \t\n"), RingError::NoKeys);
        assert_eq!(
            refusal(&format!("enabled a hex:{HEX}")),
            RingError::NoPrimary
        );
        assert_eq!(
            refusal(&format!("primary a hex:{HEX}\nprimary b {OTHER}")),
            RingError::TwoPrimaries
        );
        assert_eq!(
            refusal(&format!(
                "primary a hex:{HEX}\n\nenabled b base64:{HEX_AS_BASE64}"
            )),
            RingError::SameKeyTwice {
                first_line: 1,
                second_line: 3
            }
        );
        assert_eq!(
            KeyRing::parse(b"primary \xff").unwrap_err(),
            RingError::NotUtf8
        );
    }

    #[test]
    fn holds_64_keys_and_64_kib() {
        assert_eq!(
            KeyRing::parse(ring_of(64).as_bytes())
                .unwrap()
                .fingerprints()
                .count(),
            64
        );
        assert_eq!(refusal(&ring_of(65)), RingError::TooManyKeys);

        let mut text = ring_of(1);
        text.push_str(&"#".repeat(RING_MAX_BYTES - text.len()));
        assert!(KeyRing::parse(text.as_bytes()).is_ok());
        text.push('#');
        assert_eq!(refusal(&text), RingError::TooLarge);
    }

    #[test]
    fn errors_and_debug_never_show_what_the_file_holds() {
        let swapped = format!("primary {HEX} root-2026\nenabled {HEX} hex:{HEX}");
        let twice = format!("primary {HEX} hex:{HEX}\nenabled b hex:{HEX}");
        for text in [swapped, twice] {
            let error = KeyRing::parse(text.as_bytes()).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(&HEX[..8]), "{shown}");
            assert!(!shown.contains("root-2026"), "{shown}");
        }
        let ring = KeyRing::parse(format!("primary a hex:{HEX}").as_bytes()).unwrap();
        assert_eq!(format!("{ring:?}"), "KeyRing(1 keys)");
    }

    fn refusal(text: &str) -> RingError {
        KeyRing::parse(text.as_bytes()).unwrap_err()
    }

    fn ring_of(keys: u8) -> String {
        (0..keys)
            .map(|n| {
                let state = if n == 0 { "primary" } else { "enabled" };
                format!("{state} k{n} hex:{n:02x}{}\n", &HEX[..62])
            })
            .collect()
    }

    fn root(bytes: [u8; 32]) -> RootKey {
        RootKey::new(KeyBytes::new(bytes)).unwrap()
    }
}
