//! JSON, walked string by string as it is read: keys and values decoded, with the way to each.
//!
//! The walk keeps its place in an array, so that depth costs no stack, and allocates only for strings with escapes. A
//! string that holds JSON again is walked too, [`NESTED`] deep. Where the text stops being JSON, what is left of it is
//! looked at as text.

use std::fmt;
use std::ops::ControlFlow;

use crate::{Finding, Guard};

/// So many steps of a path are remembered; below, `.**` stands for the rest.
const STEPS: usize = 64;

/// JSON in a string in JSON: so deep.
const NESTED: usize = 4;

/// Keys that say nothing of what stands under them.
const GENERAL: [&str; 5] = ["current", "data", "default", "val", "value"];

/// Where in a document a finding lies: `$.a[0]."odd key"`. A key that is a finding itself is shown as `*`.
pub struct JsonPath<'p> {
    outer: Option<&'p JsonPath<'p>>,
    text: &'p str,
    steps: &'p [Step],
    deeper: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Index(usize),
    /// Where the key stands in the text, between its quotes.
    Key {
        start: usize,
        end: usize,
        hidden: bool,
    },
    /// An object's, before its first key.
    Open,
}

impl fmt::Display for JsonPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outer {
            Some(outer) => outer.fmt(f)?,
            None => f.write_str("$")?,
        }
        for step in self.steps {
            match *step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key { hidden: true, .. } => f.write_str(".*")?,
                Step::Key { start, end, .. } => {
                    let key = &self.text[start..end];
                    let plain = key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                        && !key.starts_with(|first: char| first.is_ascii_digit())
                        && !key.is_empty();
                    match plain {
                        true => write!(f, ".{key}")?,
                        false => write!(f, ".\"{key}\"")?,
                    }
                }
                Step::Open => {}
            }
        }
        if self.deeper {
            f.write_str(".**")
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for JsonPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

type Found<'f> = &'f mut dyn FnMut(&JsonPath, Finding) -> ControlFlow<()>;

/// All findings in a document.
pub fn walk(guard: &Guard, text: &str, name: Option<&str>, found: Found) -> ControlFlow<()> {
    Walk::new(guard, text, name, None, 0).run(found)
}

struct Walk<'w> {
    guard: &'w Guard,
    text: &'w str,
    name: Option<&'w str>,
    outer: Option<&'w JsonPath<'w>>,
    nested: usize,
    at: usize,
    steps: [Step; STEPS],
    depth: usize,
    /// Below the remembered steps: is it an object?
    deeper: Vec<bool>,
    decoded: String,
}

/// What may come next.
enum Next {
    Value,
    FirstKey,
    Key,
    FirstItem,
    After,
}

impl<'w> Walk<'w> {
    fn new(
        guard: &'w Guard,
        text: &'w str,
        name: Option<&'w str>,
        outer: Option<&'w JsonPath<'w>>,
        nested: usize,
    ) -> Self {
        Walk {
            guard,
            text,
            name,
            outer,
            nested,
            at: 0,
            steps: [Step::Open; STEPS],
            depth: 0,
            deeper: Vec::new(),
            decoded: String::new(),
        }
    }

    fn run(mut self, found: Found) -> ControlFlow<()> {
        let mut next = Next::Value;
        loop {
            let bytes = self.text.as_bytes();
            while bytes
                .get(self.at)
                .is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
            {
                self.at += 1;
            }
            let from = self.at;
            let byte = bytes.get(from).copied();
            if byte.is_none() && matches!(next, Next::After) && self.depth == 0 {
                return ControlFlow::Continue(());
            }
            let stepped = match (next, byte) {
                (Next::Value | Next::FirstItem, Some(b'{')) => {
                    self.push(Step::Open).then_some(Next::FirstKey)
                }
                (Next::Value | Next::FirstItem, Some(b'[')) => {
                    self.push(Step::Index(0)).then_some(Next::FirstItem)
                }
                (Next::FirstItem, Some(b']')) | (Next::FirstKey, Some(b'}')) => self.pop(),
                (Next::Value | Next::FirstItem, Some(b'"')) => match self.string() {
                    Some(string) => {
                        self.value(string, found)?;
                        Some(Next::After)
                    }
                    None => None,
                },
                (Next::Value | Next::FirstItem, Some(b'0'..=b'9' | b'-' | b't' | b'f' | b'n')) => {
                    self.word()
                }
                (Next::FirstKey | Next::Key, Some(b'"')) => match self.string() {
                    Some(string) => {
                        self.key(string, found)?;
                        self.colon()
                    }
                    None => None,
                },
                (Next::After, Some(b',')) if self.depth > 0 => {
                    self.at += 1;
                    Some(self.comma())
                }
                (Next::After, Some(b'}')) if self.depth > 0 && self.in_object() => self.pop(),
                (Next::After, Some(b']')) if self.depth > 0 && !self.in_object() => self.pop(),
                _ => None,
            };
            match stepped {
                Some(stepped) => next = stepped,
                None => return self.rest(from, found),
            }
        }
    }

    fn push(&mut self, step: Step) -> bool {
        match self.steps.get_mut(self.depth) {
            Some(place) => *place = step,
            None => self.deeper.push(matches!(step, Step::Open)),
        }
        self.depth += 1;
        self.at += 1;
        true
    }

    fn pop(&mut self) -> Option<Next> {
        self.deeper.pop();
        self.depth -= 1;
        self.at += 1;
        Some(Next::After)
    }

    fn in_object(&self) -> bool {
        match self.deeper.last() {
            Some(object) => *object,
            None => !matches!(self.steps[self.depth - 1], Step::Index(_)),
        }
    }

    fn comma(&mut self) -> Next {
        if self.in_object() {
            return Next::Key;
        }
        if let (true, Step::Index(index)) = (
            self.deeper.is_empty(),
            &mut self.steps[self.depth.min(STEPS) - 1],
        ) {
            *index += 1;
        }
        Next::Value
    }

    fn colon(&mut self) -> Option<Next> {
        let bytes = self.text.as_bytes();
        while bytes
            .get(self.at)
            .is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
        {
            self.at += 1;
        }
        if bytes.get(self.at) != Some(&b':') {
            return None;
        }
        self.at += 1;
        Some(Next::Value)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<Next> {
        let left = &self.text.as_bytes()[self.at..];
        let length = left
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
            .unwrap_or(left.len());
        let word = &left[..length];
        let known = matches!(word, b"true" | b"false" | b"null")
            || word.iter().all(|byte| {
                byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
            });
        self.at += length;
        known.then_some(Next::After)
    }

    /// The string that begins here: its place between the quotes, and whether it has escapes.
    fn string(&mut self) -> Option<Raw> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
            if bytes[at] == b'"' {
                self.at = at + 1;
                return Some(Raw {
                    start,
                    end: at,
                    escaped,
                });
            }
            escaped = true;
            at += 2;
            if at > bytes.len() {
                return None;
            }
        }
    }

    fn key(&mut self, raw: Raw, found: Found) -> ControlFlow<()> {
        if let Some(step) = self.step() {
            *step = Step::Open;
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        let path = self.path();
        let mut hidden = false;
        let flow = self
            .guard
            .look(raw.decode(self.text, &mut decoded), None, &mut |finding| {
                hidden = true;
                found(&path, finding)
            });
        self.decoded = decoded;
        if let Some(step) = self.step() {
            *step = Step::Key {
                start: raw.start,
                end: raw.end,
                hidden,
            };
        }
        flow
    }

    fn value(&mut self, raw: Raw, found: Found) -> ControlFlow<()> {
        let mut decoded = std::mem::take(&mut self.decoded);
        let value = raw.decode(self.text, &mut decoded);
        let mut named = String::new();
        let name = self.name_of_value(&mut named);
        let path = self.path();
        let document = self.nested < NESTED && value.trim_ascii_start().starts_with(['{', '[']);
        let flow = match document {
            true => Walk::new(self.guard, value, name, Some(&path), self.nested + 1).run(found),
            false => self
                .guard
                .look(value, name, &mut |finding| found(&path, finding)),
        };
        self.decoded = decoded;
        flow
    }

    /// The innermost step, where it is one of those that are remembered.
    fn step(&mut self) -> Option<&mut Step> {
        match self.deeper.is_empty() {
            true => self.steps[..self.depth].last_mut(),
            false => None,
        }
    }

    fn path(&self) -> JsonPath<'_> {
        JsonPath {
            outer: self.outer,
            text: self.text,
            steps: &self.steps[..self.depth.min(STEPS)],
            deeper: self.depth > STEPS,
        }
    }

    /// The nearest key above, or the name that the whole document stands under.
    fn name_of_value<'n>(&self, buffer: &'n mut String) -> Option<&'n str>
    where
        'w: 'n,
    {
        if !self.deeper.is_empty() {
            return None;
        }
        // `{"secret": {"value": ...}}`: the name is the outer one's.
        let key = self.steps[..self.depth]
            .iter()
            .rev()
            .find_map(|step| match *step {
                Step::Key { start, end, .. } if !GENERAL.contains(&&self.text[start..end]) => {
                    Some((start, end))
                }
                _ => None,
            });
        match key {
            Some((start, end)) => {
                let escaped = memchr::memchr(b'\\', &self.text.as_bytes()[start..end]).is_some();
                Some(
                    Raw {
                        start,
                        end,
                        escaped,
                    }
                    .decode(self.text, buffer),
                )
            }
            None => self.name,
        }
    }

    /// What is left, as text.
    fn rest(&self, from: usize, found: Found) -> ControlFlow<()> {
        let mut named = String::new();
        let name = self.name_of_value(&mut named);
        let path = self.path();
        self.guard.look(&self.text[from..], name, &mut |finding| {
            found(
                &path,
                Finding {
                    start: finding.start + from,
                    ..finding
                },
            )
        })
    }
}

#[derive(Clone, Copy)]
struct Raw {
    start: usize,
    end: usize,
    escaped: bool,
}

impl Raw {
    /// The string itself, or decoded into `buffer` where it has escapes.
    fn decode<'s>(&self, text: &'s str, buffer: &'s mut String) -> &'s str {
        let raw = &text[self.start..self.end];
        if !self.escaped {
            return raw;
        }
        buffer.clear();
        let mut left = raw;
        while let Some(at) = memchr::memchr(b'\\', left.as_bytes()) {
            buffer.push_str(&left[..at]);
            left = &left[at + 1..];
            let mut letters = left.chars();
            match letters.next() {
                Some('n') => buffer.push('\n'),
                Some('t') => buffer.push('\t'),
                Some('r') => buffer.push('\r'),
                Some('b') => buffer.push('\u{8}'),
                Some('f') => buffer.push('\u{c}'),
                Some('u') => {
                    let (letter, after) = unicode(letters.as_str());
                    buffer.push(letter);
                    left = after;
                    continue;
                }
                Some(other) => buffer.push(other),
                None => {}
            }
            left = letters.as_str();
        }
        buffer.push_str(left);
        buffer
    }
}

/// The letter of `\uXXXX`, or of two of them that belong together, and what comes after.
fn unicode(text: &str) -> (char, &str) {
    let unit = |text: &str| {
        let digits = text
            .get(..4)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(text) else {
        return (char::REPLACEMENT_CHARACTER, text);
    };
    let after = &text[4..];
    if (0xD800..0xDC00).contains(&first)
        && let Some(low) = after.strip_prefix("\\u")
        && let Some(second @ 0xDC00..=0xDFFF) = unit(low)
    {
        let letter = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (
            char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER),
            &low[4..],
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        after,
    )
}
