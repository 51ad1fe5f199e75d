//! A format as the table writes it, and the match of one at one place of a text.
//!
//! ```text
//! shk_live_<a:24-99>      a literal, then 24 to 99 bytes of the alphabet `a`
//! ~re_<a:8>_<a:24>        the same in pieces; `~`: the parts between must look random
//! <h:32>-us<d:1-2>        a head: the literal is the anchor, 32 bytes of `h` stand before it
//! acct_<uuid>             a UUID in either case
//! tok_<b:40+>             40 bytes or more
//! ```
//!
//! The match runs forward once. A run that may vary in length and is followed by a literal of its own alphabet ends
//! at the first place where the literal follows; there is no going back.

use crate::class::{self, Class};
use crate::random::Demand;

/// The longest run that is told from an endless one.
pub const ENDLESS: usize = usize::MAX;

/// So far a literal is searched for within a run.
const SEARCHED: usize = 512;

/// So many bytes of a literal are its anchor in the automaton; the rest is compared.
pub const ANCHOR: usize = 5;

#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub class: Class,
    pub min: usize,
    pub max: usize,
}

#[derive(Clone, Copy, Debug)]
pub enum Piece {
    Literal(&'static str),
    Run(Run),
    Uuid,
}

#[derive(Debug)]
pub struct Shape {
    pub demand: Demand,
    pub head: Option<Run>,
    /// The first literal whole; the automaton knows its beginning.
    pub literal: &'static str,
    pub rest: Vec<Piece>,
}

/// The ends of the runs found last, one for each alphabet: a text of many candidates is not run through for each.
pub struct Ends([(usize, usize); class::COUNT]);

impl Ends {
    pub fn new() -> Ends {
        Ends([(0, 0); class::COUNT])
    }

    /// Where the run of `class` ends that holds `from`.
    fn of(&mut self, text: &[u8], class: Class, from: usize) -> usize {
        let known = &mut self.0[class.number()];
        if !(known.0..known.1).contains(&from) {
            let length = text[from..]
                .iter()
                .position(|byte| !class.has(*byte))
                .unwrap_or(text.len() - from);
            *known = (from, from + length);
        }
        known.1
    }
}

impl Shape {
    /// `None` where the text is no shape; the tests read the whole table.
    pub fn parse(text: &'static str) -> Option<Shape> {
        let (demand, mut left) = match text.strip_prefix('~') {
            Some(left) => (Demand::Random, left),
            None => (Demand::Varied, text),
        };
        let mut pieces = Vec::new();
        while !left.is_empty() {
            let (piece, after) = parse_piece(left)?;
            pieces.push(piece);
            left = after;
        }
        let mut pieces = pieces.into_iter();
        let (head, literal) = match pieces.next()? {
            Piece::Literal(literal) => (None, literal),
            Piece::Run(run) if run.max <= SEARCHED => match pieces.next()? {
                Piece::Literal(literal) => (Some(run), literal),
                _ => return None,
            },
            _ => return None,
        };
        let rest = pieces.collect();
        Some(Shape {
            demand,
            head,
            literal,
            rest,
        })
    }

    pub fn anchor(&self) -> &'static [u8] {
        let literal = self.literal.as_bytes();
        &literal[..literal.len().min(ANCHOR)]
    }

    /// How much of it is spelled out: among two that match at one place the more particular one is meant.
    pub fn spelled(&self) -> usize {
        let rest = self.rest.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.len(),
            Piece::Uuid => 4,
            Piece::Run(_) => 0,
        });
        self.literal.len() + rest.sum::<usize>()
    }

    /// Start and end in `text`, where its anchor was found at `at`.
    pub fn matches(&self, text: &[u8], at: usize, ends: &mut Ends) -> Option<(usize, usize)> {
        let start = match self.head {
            None => at,
            Some(run) => {
                let length = text[..at]
                    .iter()
                    .rev()
                    .take(run.max.saturating_add(1))
                    .take_while(|byte| run.class.has(**byte))
                    .count();
                if !(run.min..=run.max).contains(&length) {
                    return None;
                }
                at - length
            }
        };
        if !begins(text, start) || !text[at..].starts_with(self.literal.as_bytes()) {
            return None;
        }
        let body = at + self.literal.len();
        let end = self.end(text, body, ends)?;
        let drawn = match self.head {
            None => &text[body..end],
            Some(_) => &text[start..end],
        };
        (!text.get(end).is_some_and(u8::is_ascii_alphanumeric) && self.demand.met_by(drawn))
            .then_some((start, end))
    }

    fn end(&self, text: &[u8], mut at: usize, ends: &mut Ends) -> Option<usize> {
        for (number, piece) in self.rest.iter().enumerate() {
            match piece {
                Piece::Literal(literal) => {
                    if !text[at..].starts_with(literal.as_bytes()) {
                        return None;
                    }
                    at += literal.len();
                }
                Piece::Uuid => {
                    if !uuid(text.get(at..at + 36)?) {
                        return None;
                    }
                    at += 36;
                }
                Piece::Run(run) => {
                    let length = ends.of(text, run.class, at) - at;
                    at += match self.rest.get(number + 1) {
                        // The last: what goes on beyond the greatest length is something else.
                        None if (run.min..=run.max).contains(&length) => length,
                        None => return None,
                        Some(_) if length < run.min => return None,
                        Some(Piece::Literal(literal)) if run.min < run.max => {
                            let reach = length.min(run.max).min(run.min + SEARCHED);
                            let window =
                                &text[at + run.min..text.len().min(at + reach + literal.len())];
                            run.min + memchr::memmem::find(window, literal.as_bytes())?
                        }
                        Some(_) => length.min(run.max),
                    };
                }
            }
        }
        Some(at)
    }
}

/// May a token begin here? At the start, after a byte that is no part of a word, and after an escape of a URL or of a
/// string: `task-...` holds no `sk-...`, `%3Dsk-...` and `\nsk-...` do.
pub fn begins(text: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| text[before]) else {
        return true;
    };
    if !(before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-')) {
        return true;
    }
    let hexadecimal = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    let escaped = |length: usize, mark: &[u8]| {
        at >= length + mark.len()
            && text[..at - length].ends_with(mark)
            && hexadecimal(&text[at - length..at])
    };
    escaped(2, b"%")
        || escaped(4, b"\\u")
        || (matches!(before, b'n' | b'r' | b't') && at >= 2 && text[at - 2] == b'\\')
}

/// Is it a UUID, in either case?
pub fn uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn parse_piece(text: &'static str) -> Option<(Piece, &'static str)> {
    let Some(inner) = text.strip_prefix('<') else {
        let end = text.find('<').unwrap_or(text.len());
        return Some((Piece::Literal(&text[..end]), &text[end..]));
    };
    let (inner, after) = inner.split_once('>')?;
    if inner == "uuid" {
        return Some((Piece::Uuid, after));
    }
    let (letter, length) = inner.split_once(':')?;
    let [letter] = letter.as_bytes() else {
        return None;
    };
    let (min, max) = match length.strip_suffix('+') {
        Some(min) => (min.parse().ok()?, ENDLESS),
        None => match length.split_once('-') {
            Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
            None => (length.parse().ok()?, length.parse().ok()?),
        },
    };
    let run = Run {
        class: Class::parse(*letter)?,
        min,
        max,
    };
    (min <= max).then_some((Piece::Run(run), after))
}
