//! JSON, walked string by string as it is read: keys and values decoded, with the way to each.
//!
//! The walk keeps its place in an array, so that depth costs no stack, and allocates only for strings with escapes. A
//! string that holds JSON again is walked too, [`NESTED`] deep. Where the text stops being JSON, what is left of it is
//! looked at as text.

use std::fmt::{self, Write};
use std::ops::ControlFlow;

use crate::{Finding, Guard, work};

/// So many steps of a path are remembered; below, `.**` stands for the rest.
const STEPS: usize = 64;

/// JSON in a string in JSON: so deep.
const NESTED: usize = 4;

/// So many bytes of a path are written, then `...`. No rule of the guard names a longer one, and a document with a long key
/// and many findings below it would be written out again for each of them.
const WRITTEN: usize = 1024;

/// So much of the end of a key is a name: many values may stand under one key, and each is told by it.
const NAME: usize = 512;

/// Keys that say nothing of what stands under them.
const GENERAL: [&str; 5] = ["current", "data", "default", "val", "value"];

/// Where in a document a finding lies: `$.a[0]."odd key"`. A key that is a finding itself is shown as `*`, and what is too
/// long is cut.
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
        let mut cut = Cut {
            out: f,
            left: WRITTEN,
            is_over: false,
        };
        match self.write(&mut cut) {
            Err(_) if cut.is_over => f.write_str("..."),
            written => written,
        }
    }
}

impl JsonPath<'_> {
    fn write(&self, out: &mut Cut<'_, '_>) -> fmt::Result {
        match self.outer {
            Some(outer) => outer.write(out)?,
            None => out.write_str("$")?,
        }
        for step in self.steps {
            match *step {
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Key { hidden: true, .. } => out.write_str(".*")?,
                Step::Key { start, end, .. } => {
                    let key = &self.text[start..end];
                    // More than fits: it is cut all the same.
                    let key = &key[..key.floor_char_boundary(2 * WRITTEN)];
                    work::done(key.len());
                    let plain = key
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                        && !key.starts_with(|first: char| first.is_ascii_digit())
                        && !key.is_empty();
                    match plain {
                        true => write!(out, ".{key}")?,
                        false => write!(out, ".\"{key}\"")?,
                    }
                }
                Step::Open => {}
            }
        }
        if self.deeper {
            out.write_str(".**")
        } else {
            Ok(())
        }
    }
}

/// Writes so many bytes and no more.
struct Cut<'f, 'o> {
    out: &'f mut fmt::Formatter<'o>,
    left: usize,
    is_over: bool,
}

impl fmt::Write for Cut<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.floor_char_boundary(self.left);
        self.out.write_str(&text[..fits])?;
        self.left -= fits;
        self.is_over = fits < text.len();
        match self.is_over {
            true => Err(fmt::Error),
            false => Ok(()),
        }
    }
}

impl fmt::Debug for JsonPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

type Found<'f> = &'f mut dyn FnMut(&JsonPath, Finding) -> ControlFlow<()>;

/// A string of a document, decoded.
#[derive(Clone, Copy)]
pub struct JsonString<'s> {
    pub text: &'s str,
    /// The nearest key above, else the name that the document stands under; a key has none.
    pub name: Option<&'s str>,
    /// Where a value stands in the document, between its quotes and as it is written there. `None` for keys, for strings of
    /// a document within a string, and for what is left of a broken one.
    pub place: Option<(usize, usize)>,
    /// How many bytes of a broken document come before what is left of it; else 0.
    offset: usize,
}

/// Answers whether the string is one that a path must not show.
type Visit<'f> = &'f mut dyn FnMut(&JsonPath, &JsonString) -> ControlFlow<(), bool>;

/// All strings of a document, keys included, until `visit` breaks. Those that hold JSON again are walked in their turn. For
/// whoever looks for more than the guard knows, or wants to put something in a string's place.
pub fn strings(text: &str, name: Option<&str>, visit: Visit) {
    let _ = Walk::new(text, name, None, 0).run(visit);
}

/// All findings in a document.
pub fn walk(guard: &Guard, text: &str, name: Option<&str>, found: Found) -> ControlFlow<()> {
    Walk::new(text, name, None, 0).run(&mut |path, string| {
        let mut hidden = false;
        guard.look(string.text, string.name, &mut |finding| {
            hidden = true;
            let start = finding.start + string.offset;
            found(path, Finding { start, ..finding })
        })?;
        ControlFlow::Continue(hidden)
    })
}

struct Walk<'w> {
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
        text: &'w str,
        name: Option<&'w str>,
        outer: Option<&'w JsonPath<'w>>,
        nested: usize,
    ) -> Self {
        Walk {
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

    fn run(mut self, visit: Visit) -> ControlFlow<()> {
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
                        self.value(string, visit)?;
                        Some(Next::After)
                    }
                    None => None,
                },
                (Next::Value | Next::FirstItem, Some(b'0'..=b'9' | b'-' | b't' | b'f' | b'n')) => {
                    self.word()
                }
                (Next::FirstKey | Next::Key, Some(b'"')) => match self.string() {
                    Some(string) => {
                        self.key(string, visit)?;
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
                None => return self.rest(from, visit),
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

    fn key(&mut self, raw: Raw, visit: Visit) -> ControlFlow<()> {
        if let Some(step) = self.step() {
            *step = Step::Open;
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        let path = self.path();
        let string = JsonString {
            text: raw.decode(self.text, &mut decoded),
            name: None,
            place: None,
            offset: 0,
        };
        let flow = visit(&path, &string);
        // Where the visit ends here, nobody asks for a path any more.
        let hidden = flow == ControlFlow::Continue(true);
        self.decoded = decoded;
        if let Some(step) = self.step() {
            *step = Step::Key {
                start: raw.start,
                end: raw.end,
                hidden,
            };
        }
        flow.map_continue(drop)
    }

    fn value(&mut self, raw: Raw, visit: Visit) -> ControlFlow<()> {
        let mut decoded = std::mem::take(&mut self.decoded);
        let value = raw.decode(self.text, &mut decoded);
        let mut named = String::new();
        let name = self.name_of_value(&mut named);
        let path = self.path();
        let document = self.nested < NESTED && value.trim_ascii_start().starts_with(['{', '[']);
        let flow = match document {
            true => Walk::new(value, name, Some(&path), self.nested + 1).run(visit),
            false => {
                let place = self.outer.is_none().then_some((raw.start, raw.end));
                let string = JsonString {
                    text: value,
                    name,
                    place,
                    offset: 0,
                };
                visit(&path, &string).map_continue(drop)
            }
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
                let last = end.saturating_sub(NAME).max(start);
                let start = self.text.ceil_char_boundary(last);
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
    fn rest(&self, from: usize, visit: Visit) -> ControlFlow<()> {
        let mut named = String::new();
        let string = JsonString {
            text: &self.text[from..],
            name: self.name_of_value(&mut named),
            place: None,
            offset: from,
        };
        visit(&self.path(), &string).map_continue(drop)
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
        work::done(raw.len());
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
