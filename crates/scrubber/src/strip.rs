//! A text without its literals and comments.

use crate::functions::{DISTINCTIVE, SHOWN_QUOTED};
use crate::lexer::{Backslash, Kind, Lexer, Token};

/// What may be shown of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stripped {
    /// All of it: it has neither literals nor comments.
    Unchanged,
    /// Never longer than the text.
    Text(Vec<u8>),
    /// Where its literals begin and end cannot be said, or there is no memory to say it in.
    Nothing,
}

/// Each literal, and each quoted name that is not known, becomes `?`; each comment a blank.
///
/// - where a backslash could end a literal or not, what either reading hides is hidden
pub fn strip(text: &[u8]) -> Stripped {
    let plain = Hidden::new(text, Backslash::Plain);
    if text.contains(&b'\\') {
        let escaping = Hidden::new(text, Backslash::Escapes);
        without(text, Union::new(plain, escaping))
    } else {
        without(text, plain)
    }
}

fn without(text: &[u8], hidden: impl Iterator<Item = Range>) -> Stripped {
    let mut shown = Vec::new();
    let mut at = 0;
    for range in hidden {
        if range.malformed {
            return Stripped::Nothing;
        }
        if shown.is_empty() && shown.try_reserve_exact(text.len() + 1).is_err() {
            return Stripped::Nothing;
        }
        shown.extend_from_slice(&text[at..range.start]);
        shown.push(if range.is_comment { b' ' } else { b'?' });
        at = range.end;
    }
    if at == 0 {
        return Stripped::Unchanged;
    }
    shown.extend_from_slice(&text[at..]);
    Stripped::Text(shown)
}

#[derive(Clone, Copy, Debug)]
struct Range {
    start: usize,
    end: usize,
    is_comment: bool,
    malformed: bool,
}

/// The parts of a text to hide, in order, under one reading of backslashes.
struct Hidden<'a> {
    text: &'a [u8],
    tokens: Lexer<'a>,
}

impl<'a> Hidden<'a> {
    fn new(text: &'a [u8], backslash: Backslash) -> Self {
        Self {
            text,
            tokens: Lexer::new(text, backslash),
        }
    }

    fn hides(&self, token: &Token) -> bool {
        match token.kind {
            Kind::Code => false,
            Kind::Literal | Kind::Comment => true,
            Kind::Quoted => token.malformed || !is_known(&self.text[token.start..token.end]),
        }
    }
}

impl Iterator for Hidden<'_> {
    type Item = Range;

    fn next(&mut self) -> Option<Range> {
        loop {
            let token = self.tokens.next()?;
            if self.hides(&token) {
                return Some(Range {
                    start: token.start,
                    end: token.end,
                    is_comment: token.kind == Kind::Comment,
                    malformed: token.malformed,
                });
            }
        }
    }
}

fn is_known(quoted: &[u8]) -> bool {
    let [b'"', name @ .., b'"'] = quoted else {
        return false;
    };
    [SHOWN_QUOTED, DISTINCTIVE]
        .iter()
        .any(|names| names.iter().any(|known| known.as_bytes() == name))
}

/// What either of two readings hides; parts that touch stay apart.
struct Union<'a> {
    readings: [std::iter::Peekable<Hidden<'a>>; 2],
}

impl<'a> Union<'a> {
    fn new(one: Hidden<'a>, other: Hidden<'a>) -> Self {
        Self {
            readings: [one.peekable(), other.peekable()],
        }
    }

    fn first(&mut self) -> Option<Range> {
        let [one, other] = &mut self.readings;
        match (one.peek(), other.peek()) {
            (Some(left), Some(right)) if right.start < left.start => other.next(),
            (Some(_), _) => one.next(),
            (None, _) => other.next(),
        }
    }
}

impl Iterator for Union<'_> {
    type Item = Range;

    fn next(&mut self) -> Option<Range> {
        let mut range = self.first()?;
        loop {
            let mut grown = false;
            for reading in &mut self.readings {
                if let Some(next) = reading.next_if(|next| next.start < range.end) {
                    range.end = range.end.max(next.end);
                    range.is_comment &= next.is_comment;
                    range.malformed |= next.malformed;
                    grown = true;
                }
            }
            if !grown {
                return Some(range);
            }
        }
    }
}
