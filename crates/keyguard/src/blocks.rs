//! Secrets that are told by what surrounds them: private keys in armour, and passwords in addresses.

use crate::class::Class;
use crate::named::reference;
use crate::random;
use crate::shape::{Ends, begins};
use crate::work;

/// So far the end of a title, of an armoured body and of an address is searched for.
const REACH: usize = 512;

/// Fewer bytes of base64 than this are no key but a hint at one.
const BODY: usize = 48;

/// The block that begins with `-----BEGIN` at `at`.
pub fn private_key(text: &[u8], at: usize, _: &mut Ends) -> Option<(usize, usize)> {
    let after = &text[at + 10..];
    let title = memchr::memmem::find(&after[..after.len().min(64)], b"-----")?;
    let titled = &after[..title];
    if !titled.ends_with(b"PRIVATE KEY") && !titled.ends_with(b"PRIVATE KEY BLOCK") {
        return None;
    }
    let body = at + 10 + title + 5;
    work::done(REACH.min(text.len() - body));
    let drawn = text[body..]
        .iter()
        .take(REACH)
        .take_while(|byte| **byte != b'-')
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        .count();
    if drawn < BODY {
        return None;
    }
    let end = memchr::memmem::find(&text[body..], b"-----").map_or(text.len(), |end| body + end);
    Some((at, end))
}

/// The same in base64: certificates begin with the same letters, so the title is decoded.
pub fn private_key_base64(text: &[u8], at: usize, ends: &mut Ends) -> Option<(usize, usize)> {
    let end = ends.of(text, Class::BASE64, at);
    let mut title = [0u8; 48];
    let title = decode_base64(&text[at..end.min(at + 64)], &mut title);
    (end - at >= 64 && memchr::memmem::find(title, b"PRIVATE KEY").is_some()).then_some((at, end))
}

/// A signed token, or an encrypted one: three or five parts, the first an object in base64.
///
/// - a token whose claims say that its bearer is anonymous is made to be public, and passes
/// - source: RFC 7515 section 7.1, RFC 7516 section 7.1
pub fn json_web_token(text: &[u8], at: usize, ends: &mut Ends) -> Option<(usize, usize)> {
    if !begins(text, at) {
        return None;
    }
    let mut parts = [(0, 0); 5];
    let mut end = at;
    let mut count = 0;
    for part in &mut parts {
        let start = end + usize::from(count > 0);
        end = start.max(ends.of(text, Class::BASE64URL, start));
        *part = (start, end);
        count += 1;
        if text.get(end) != Some(&b'.') {
            break;
        }
    }
    let length = |part: usize| parts[part].1 - parts[part].0;
    let signed = count >= 3
        && length(0) >= 12
        && text[parts[1].0..].starts_with(b"eyJ")
        && length(1) >= 12
        && length(2) >= 16;
    let encrypted =
        count == 5 && length(0) >= 12 && length(2) >= 8 && length(3) >= 8 && length(4) >= 16;
    let end = match (signed, encrypted) {
        (true, _) => parts[2].1,
        (_, true) => parts[4].1,
        _ => return None,
    };
    let mut claims = [0u8; 1024];
    let claims = decode_base64(&text[parts[1].0..parts[1].1], &mut claims);
    let anonymous = signed && memchr::memmem::find(claims, b"\"role\":\"anon\"").is_some();
    (!anonymous).then_some((at, end))
}

/// `scheme://user:password@host`, where `://` was found at `at`.
pub fn url_with_password(text: &[u8], at: usize, _: &mut Ends) -> Option<(usize, usize)> {
    let scheme = text[..at]
        .iter()
        .rev()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
        .count();
    if scheme == 0 {
        return None;
    }
    let authority = &text[at + 3..text.len().min(at + 3 + REACH)];
    let end = authority
        .iter()
        .position(|byte| {
            matches!(
                byte,
                b'/' | b'?' | b'#' | b'"' | b'\'' | b'\\' | b'`' | b' ' | b'\n' | b'\r' | b'\t'
            )
        })
        .unwrap_or(authority.len());
    work::done(scheme + end);
    let authority = &authority[..end];
    let host = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', &authority[..host])?;
    let (user, password) = (&authority[..colon], &authority[colon + 1..host]);
    if host + 1 == authority.len()
        || password.len() < 3
        || user == password
        || stands_for_one(password)
    {
        return None;
    }
    Some((at - scheme, at + 3 + end))
}

/// What stands where a password would: a hole, a mask, the word itself.
fn stands_for_one(password: &[u8]) -> bool {
    const WORDS: [&str; 12] = [
        "password", "passwd", "pass", "pwd", "secret", "postgres", "root", "admin", "user",
        "token", "xxx", "guest",
    ];
    let Ok(text) = std::str::from_utf8(password) else {
        return false;
    };
    reference(text)
        || random::placeholder(password)
        || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || text.starts_with(['$', '[', '{', '<', '%'])
        || text
            .chars()
            .all(|letter| matches!(letter, '*' | 'x' | 'X' | '.' | '•' | '…'))
}

fn decode_base64<'o>(text: &[u8], out: &'o mut [u8]) -> &'o [u8] {
    let (mut held, mut bits, mut length) = (0u32, 0, 0);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        held = held << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 && length < out.len() {
            bits -= 8;
            out[length] = (held >> bits) as u8;
            length += 1;
        }
    }
    &out[..length]
}
