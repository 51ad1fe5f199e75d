//! Does a text mention a function of the vault, a setting that carries keys or claims, or run a prepared statement?
//!
//! Not a parser: a mention within a string or a comment counts, because the body of a `DO` block and the text given to
//! `EXECUTE` are strings. Words are compared whole, in any case of letters, quoted or not.

use crate::functions::DISTINCTIVE;
use crate::lexer::{block_comment, is_word};

/// How far apart the parts of a qualified name may stand, comments between them included. Bounded, so that no text
/// makes the search look at the same bytes again and again.
const GAP_MAX_BYTES: usize = 256;

/// The longest `U&"..."` that is read: six names of 63 characters, all of them escaped.
const UNICODE_MAX_BYTES: usize = 4096;

/// The longest name: PostgreSQL's, in bytes.
const NAME_MAX_BYTES: usize = 63;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mention {
    /// The text concerns the vault.
    pub ours: bool,
    /// It may run a prepared statement: [`executed`] says which.
    pub executes: bool,
}

/// By length, the first letters that names of this length begin with: rules out almost every other word.
type Filter = [u32; NAME_MAX_BYTES + 1];

const KEYWORDS: &[&str] = &["vault", "tenant_vault", "request", "execute"];

const OURS: Filter = filter_of_ours();

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Names {
    further: Vec<Vec<u8>>,
    filter: Filter,
}

impl Default for Names {
    fn default() -> Self {
        Self::ours()
    }
}

impl Names {
    /// The functions of the vault, and the settings that carry keys and claims.
    pub const fn ours() -> Self {
        Self {
            further: Vec::new(),
            filter: OURS,
        }
    }

    /// And further functions, separated by commas; of a qualified name the last part counts.
    pub fn and(list: &[u8]) -> Self {
        let mut names = Self::ours();
        for name in list.split(|byte| *byte == b',') {
            let name = name.trim_ascii();
            let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
            let last = last.trim_ascii();
            let last = match last {
                [b'"', inner @ .., b'"'] => inner,
                _ => last,
            };
            if !last.is_empty() && last.len() <= NAME_MAX_BYTES {
                names.filter[last.len()] |= letter(last[0]);
                names.further.push(last.to_ascii_lowercase());
            }
        }
        names
    }

    /// - one pass; allocates for `U&"..."` only
    pub fn mention(&self, text: &[u8]) -> Mention {
        self.search(text, true)
    }

    fn search(&self, text: &[u8], unicode: bool) -> Mention {
        let mut found = Mention::default();
        let mut at = 0;
        while let Some(skipped) = text[at..].iter().position(|byte| is_word(*byte)) {
            let start = at + skipped;
            at = start + word_at(&text[start..]).len();
            let word = &text[start..at];
            if self.filter[word.len().min(NAME_MAX_BYTES)] & letter(word[0]) != 0
                && word.len() <= NAME_MAX_BYTES
            {
                if self.is_function(word) || is_setting(text, start, at) {
                    found.ours = true;
                    return found;
                }
                if word.eq_ignore_ascii_case(b"vault") && calls_after(text, at) {
                    found.ours = true;
                    return found;
                }
                found.executes |= word.eq_ignore_ascii_case(b"execute");
            }
            // What comes before a name may stick to it: `E'\nstore...'` in a string, `1store` in nonsense.
            let sticks = word[0].is_ascii_digit()
                || start
                    .checked_sub(1)
                    .is_some_and(|before| text[before] == b'\\');
            if sticks && self.ends_with_function(word) {
                found.ours = true;
                return found;
            }
            if unicode && matches!(word, [b'u' | b'U']) && self.in_unicode(&text[at..]) {
                found.ours = true;
                return found;
            }
        }
        found
    }

    fn is_function(&self, word: &[u8]) -> bool {
        DISTINCTIVE
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
            || self
                .further
                .iter()
                .any(|name| word.eq_ignore_ascii_case(name))
    }

    /// - `word`: escapes are at most ten characters, `\U0010FFFF`
    fn ends_with_function(&self, word: &[u8]) -> bool {
        let longest = word.len().min(10);
        (1..=longest).any(|skipped| {
            let rest = &word[skipped..];
            rest.len() <= NAME_MAX_BYTES
                && rest.first().is_some_and(|first| {
                    self.filter[rest.len()] & letter(*first) != 0 && self.is_function(rest)
                })
        })
    }

    /// What follows a `U`: `&"..."` or `&'...'`, escaped, perhaps with `UESCAPE '!'` behind it.
    fn in_unicode(&self, rest: &[u8]) -> bool {
        let [b'&', quote @ (b'"' | b'\''), content @ ..] = rest else {
            return false;
        };
        let content = &content[..content.len().min(UNICODE_MAX_BYTES)];
        let mut end = 0;
        while let Some(found) = content[end..].iter().position(|byte| byte == quote) {
            end += found;
            if content.get(end + 1) != Some(quote) {
                break;
            }
            end += 2;
        }
        let (inside, behind) = content.split_at(end);
        let behind = behind.get(1..).unwrap_or_default();
        let behind = &behind[gap(behind)..];
        let word = word_at(behind);
        let escape = if word.eq_ignore_ascii_case(b"uescape") {
            let behind = &behind[word.len()..];
            match &behind[gap(behind)..] {
                [b'\'', escape, ..] => *escape,
                _ => b'\\',
            }
        } else {
            b'\\'
        };
        inside.contains(&escape) && {
            let decoded = decode(inside, escape);
            // A quoted name is one word; behind it stands what the name is joined to.
            self.search(&decoded, false).ours
                || (decoded.eq_ignore_ascii_case(b"vault") && calls_after(behind, 0))
        }
    }
}

/// The names that follow the word EXECUTE, as PostgreSQL keeps them: folded, or without their quotes.
pub fn executed(text: &[u8]) -> Executed<'_> {
    Executed { rest: text }
}

#[derive(Clone, Debug)]
pub struct Executed<'a> {
    rest: &'a [u8],
}

impl Iterator for Executed<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let start = self.rest.iter().position(|byte| is_word(*byte))?;
            let word = word_at(&self.rest[start..]);
            self.rest = &self.rest[start + word.len()..];
            if !word.eq_ignore_ascii_case(b"execute") {
                continue;
            }
            let behind = &self.rest[blanks(self.rest)..];
            let name = match behind {
                [b'"', quoted @ ..] => {
                    let quoted = &quoted[..quoted.len().min(2 * NAME_MAX_BYTES + 2)];
                    unquote(quoted)
                }
                _ => {
                    let end = behind
                        .iter()
                        .position(|byte| !is_word(*byte) && *byte != b'$')
                        .unwrap_or(behind.len());
                    behind[..end.min(NAME_MAX_BYTES)].to_ascii_lowercase()
                }
            };
            if !name.is_empty() {
                return Some(name);
            }
        }
    }
}

fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut bytes = quoted.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte == b'"' && bytes.next_if_eq(&&b'"').is_none() {
            break;
        }
        name.push(byte);
    }
    name.truncate(NAME_MAX_BYTES);
    name
}

/// `tenant_vault.root_key` and its kin; what PostgREST sets for each request, where it is set.
fn is_setting(text: &[u8], start: usize, end: usize) -> bool {
    let word = &text[start..end];
    let Some((second, _)) = qualified(text, end) else {
        return false;
    };
    if word.eq_ignore_ascii_case(b"tenant_vault") {
        return begins(second, b"root_key");
    }
    word.eq_ignore_ascii_case(b"request")
        && [&b"jwt"[..], b"headers", b"cookies"]
            .iter()
            .any(|name| second.eq_ignore_ascii_case(name))
        && is_given_a_value(&text[..start])
}

/// Whether what stands before a setting's name gives it a value: `SET`, `SET LOCAL`, `set_config('`, or, in a list of
/// parameters, `$1 = '`. Policies and views read the same settings, and carry nothing.
fn is_given_a_value(before: &[u8]) -> bool {
    let before = &before[before.len().saturating_sub(GAP_MAX_BYTES)..];
    let name = before.trim_ascii_end();
    let unquoted = name
        .iter()
        .rposition(|byte| !b"'\"\\$".contains(byte))
        .map_or(&name[..0], |last| &name[..=last])
        .trim_ascii_end();
    match unquoted {
        [call @ .., b'('] => ends_in_word(call.trim_ascii_end(), &[b"set_config"]),
        [.., b'=' | b'>'] => true,
        _ => ends_in_word(unquoted, &[b"set", b"local", b"session", b"e", b"n"]),
    }
}

fn ends_in_word(text: &[u8], words: &[&[u8]]) -> bool {
    let text = text
        .iter()
        .rposition(|byte| !b"\"\\".contains(byte))
        .map_or(&text[..0], |last| &text[..=last]);
    let start = text
        .iter()
        .rposition(|byte| !is_word(*byte))
        .map_or(0, |last| last + 1);
    words
        .iter()
        .any(|word| text[start..].eq_ignore_ascii_case(word))
}

/// Whether a name and a bracket follow a schema's name.
fn calls_after(text: &[u8], end: usize) -> bool {
    qualified(text, end).is_some_and(|(_, behind)| {
        let behind = &text[behind..];
        behind.get(gap(behind)) == Some(&b'(')
    })
}

/// The word that follows a dot, and where it ends.
fn qualified(text: &[u8], end: usize) -> Option<(&[u8], usize)> {
    let dot = end + gap(&text[end..]);
    let rest = text[dot..].strip_prefix(b".")?;
    let start = dot + 1 + gap(rest);
    let word = word_at(&text[start..]);
    (!word.is_empty()).then_some((word, start + word.len()))
}

fn begins(word: &[u8], with: &[u8]) -> bool {
    word.get(..with.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn word_at(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !is_word(*byte));
    &text[..end.unwrap_or(text.len())]
}

/// The bytes of blanks, comments, and the quotes of names (escaped ones, too, as in JSON) that `text` begins with.
fn gap(text: &[u8]) -> usize {
    skip(text, b" \t\n\r\x0b\x0c\"\\")
}

/// The bytes of blanks and comments that `text` begins with.
fn blanks(text: &[u8]) -> usize {
    skip(text, b" \t\n\r\x0b\x0c")
}

fn skip(text: &[u8], skipped: &[u8]) -> usize {
    let text = &text[..text.len().min(GAP_MAX_BYTES)];
    let mut at = 0;
    loop {
        match &text[at..] {
            [byte, ..] if skipped.contains(byte) => at += 1,
            [b'-', b'-', rest @ ..] => {
                at += 2 + rest
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r'))
                    .unwrap_or(rest.len());
            }
            comment @ [b'/', b'*', ..] => at += block_comment(comment).0,
            _ => return at,
        }
    }
}

/// `\0061` and `\+000061` by the escape character given; what is no such thing stays as it is.
fn decode(escaped: &[u8], escape: u8) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = match after {
            [b'+', six @ ..] if byte == escape => six.get(..6).map(|digits| (digits, 7)),
            four if byte == escape => four.get(..4).map(|digits| (digits, 4)),
            _ => None,
        };
        let code = digits.and_then(|(digits, length)| {
            let text = std::str::from_utf8(digits).ok()?;
            Some((u32::from_str_radix(text, 16).ok()?, length))
        });
        match code {
            Some((code, length)) => {
                // Our names are ASCII; anything else only has to be a part of no name of ours.
                decoded.push(u8::try_from(code).ok().filter(u8::is_ascii).unwrap_or(0x80));
                rest = &after[length..];
            }
            None => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

const fn filter_of_ours() -> Filter {
    let mut filter = [0; NAME_MAX_BYTES + 1];
    let mut at = 0;
    while at < DISTINCTIVE.len() {
        let name = DISTINCTIVE[at].as_bytes();
        filter[name.len()] |= letter(name[0]);
        at += 1;
    }
    at = 0;
    while at < KEYWORDS.len() {
        let name = KEYWORDS[at].as_bytes();
        filter[name.len()] |= letter(name[0]);
        at += 1;
    }
    filter
}

/// One bit for each letter in either case; all other bytes share the last.
const fn letter(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => 1 << (letter - b'a'),
        _ => 1 << 31,
    }
}
