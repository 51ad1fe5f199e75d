//! A format as the table writes it, and the match of one at one place of a text.
//!
//! ```text
//! shk_live_<a:24-99>      a literal, then 24 to 99 bytes of the alphabet `a`
//! ~re_<a:8>_<a:24>        the same in pieces; `~`: the parts between must look random
//! !<k:2-12>_<a:32-200>    `!`: digits, small letters and capitals, some of each
//! <h:32>-us<d:1-2>        a head: the literal is the anchor, 32 bytes of `h` stand before it
//! acct_<uuid>             a UUID in either case
//! tok_<b:40+>             40 bytes or more
//! ```
//!
//! The match runs forward once. A run that may vary in length and is followed by a literal of its own alphabet ends
//! at the first place where the literal follows; there is no going back.

use crate::class::{self, Class};
use crate::random::Demand;
use crate::work;

/// So far a literal is searched for within a run of its own alphabet, and so long a head may be.
const SEARCHED: usize = 512;

/// So many letters follow the mark of the longest escape, `\u0022`.
const ESCAPE: usize = 5;

/// So many bytes of base64 before a token say that it is not one, but a part of something bigger.
const BLOB: usize = 40;

/// So many full stops at the end of a run are taken for the text's.
const DOTS: usize = 3;

#[derive(Clone, Copy, Debug)]
struct Run {
    class: Class,
    min: u32,
    max: u32,
}

impl Run {
    fn min(self) -> usize {
        self.min as usize
    }

    fn max(self) -> usize {
        self.max as usize
    }

    fn allows(self, length: usize) -> bool {
        (self.min()..=self.max()).contains(&length)
    }
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Literal(&'static str),
    Run(Run),
    Uuid,
}

#[derive(Debug)]
pub struct Shape {
    demand: Demand,
    head: Option<Run>,
    /// The first literal whole; its beginning is the anchor.
    literal: &'static str,
    rest: Vec<Piece>,
    /// No byte of the literal tells it from base64.
    plain: bool,
}

/// The ends of the runs found last, one for each alphabet: a text of many candidates is not run through for each.
pub struct Ends([(usize, usize); class::COUNT]);

impl Ends {
    pub fn new() -> Ends {
        Ends([(0, 0); class::COUNT])
    }

    /// Where the run of `class` ends that holds `from`.
    pub fn of(&mut self, text: &[u8], class: Class, from: usize) -> usize {
        let known = &mut self.0[class.number()];
        if !(known.0..known.1).contains(&from) {
            let length = text[from..].iter().position(|byte| !class.has(*byte));
            *known = (from, length.map_or(text.len(), |length| from + length));
            work::done(known.1 - known.0);
        }
        known.1
    }
}

impl Shape {
    /// `None` where the text is no shape; the tests read the whole table.
    pub fn parse(text: &'static str) -> Option<Shape> {
        let (demand, mut left) = match text.split_at_checked(1)? {
            ("~", left) => (Demand::Random, left),
            ("!", left) => (Demand::Mixed, left),
            _ => (Demand::Varied, text),
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
            Piece::Run(run) if run.max() <= SEARCHED => match pieces.next()? {
                Piece::Literal(literal) => (Some(run), literal),
                _ => return None,
            },
            _ => return None,
        };
        let plain = head.is_none() && literal.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(Shape {
            demand,
            head,
            literal,
            rest: pieces.collect(),
            plain,
        })
    }

    pub fn literal(&self) -> &'static [u8] {
        self.literal.as_bytes()
    }

    /// How many bytes a text must have before the literal, or this is not there; `None`: it begins with the literal.
    pub fn head(&self) -> Option<usize> {
        self.head.map(Run::min)
    }

    /// How many bytes a text must have from the literal on, or this is not there.
    pub fn tail(&self) -> usize {
        let rest = self.rest.iter().map(|piece| match piece {
            Piece::Literal(literal) => literal.len(),
            Piece::Uuid => 36,
            Piece::Run(run) => run.min(),
        });
        self.literal.len() + rest.sum::<usize>()
    }

    /// How many bytes it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.rest.capacity() * size_of::<Piece>()
    }

    /// How much of it is settled: among two that match at one place the more particular one is meant.
    pub fn settled(&self) -> usize {
        let rest = self.rest.iter().map(|piece| match piece {
            Piece::Literal(literal) => 4 * literal.len(),
            Piece::Uuid => 16,
            Piece::Run(run) => {
                2 * usize::from(run.min == run.max) + usize::from(!run.class.has(b'g'))
            }
        });
        4 * self.literal.len() + rest.sum::<usize>()
    }

    /// Start and end in `text`, where its anchor was found at `at`.
    pub fn matches(&self, text: &[u8], at: usize, ends: &mut Ends) -> Option<(usize, usize)> {
        let start = match self.head {
            None => at,
            Some(run) => head_start(run, &text[..at])?,
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
        let glued = text.get(end).is_some_and(u8::is_ascii_alphanumeric);
        (!glued && self.demand.met_by(drawn) && !(self.plain && within_base64(text, start)))
            .then_some((start, end))
    }

    fn end(&self, text: &[u8], mut at: usize, ends: &mut Ends) -> Option<usize> {
        for (number, piece) in self.rest.iter().enumerate() {
            at += match piece {
                Piece::Literal(literal) => text[at..]
                    .starts_with(literal.as_bytes())
                    .then_some(literal.len())?,
                Piece::Uuid => uuid(text.get(at..at + 36)?).then_some(36)?,
                Piece::Run(run) => {
                    let length = ends.of(text, run.class, at) - at;
                    match self.rest.get(number + 1) {
                        None => last_length(*run, &text[at..at + length])?,
                        Some(_) if length < run.min() => return None,
                        Some(Piece::Literal(literal))
                            if run.min < run.max && run.class.has(literal.as_bytes()[0]) =>
                        {
                            let reach =
                                length.min(run.max()).min(run.min() + SEARCHED) + literal.len();
                            let searched = &text[at + run.min()..text.len().min(at + reach)];
                            work::done(searched.len());
                            run.min() + memchr::memmem::find(searched, literal.as_bytes())?
                        }
                        Some(_) => length.min(run.max()),
                    }
                }
            };
        }
        Some(at)
    }
}

/// Where the head begins that ends where `before` does. The letters of a string's escape are not the head's; those of a
/// URL's are taken for it here, and out of it when the text is looked at decoded.
fn head_start(run: Run, before: &[u8]) -> Option<usize> {
    let length = before
        .iter()
        .rev()
        .take(run.max() + 1 + ESCAPE)
        .take_while(|byte| run.class.has(**byte))
        .count();
    work::done(length);
    let start = before.len() - length;
    let start = match before[..start].ends_with(b"\\") {
        true => start + escape(&before[..start], &before[start..]),
        false => start,
    };
    run.allows(before.len() - start).then_some(start)
}

/// How many bytes at the beginning of `word` are the end of an escape that `before` begins.
fn escape(before: &[u8], word: &[u8]) -> usize {
    let digits = |number: usize, from: usize| {
        let digits = word.get(from..from + number);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match (before.last(), word.first()) {
        (Some(b'%'), _) if digits(2, 0) => 2,
        (Some(b'\\'), Some(b'n' | b'r' | b't')) => 1,
        (Some(b'\\'), Some(b'u')) if digits(4, 1) => ESCAPE,
        _ => 0,
    }
}

/// How much of the last run is the token's: a full stop at its end is the sentence's, and what goes on beyond the
/// greatest length is something else.
fn last_length(run: Run, found: &[u8]) -> Option<usize> {
    let dots = found
        .iter()
        .rev()
        .take(DOTS)
        .take_while(|byte| **byte == b'.')
        .count();
    let length = found.len() - dots;
    run.allows(length).then_some(length)
}

/// May a token begin here? At the start, after a byte that is no part of a word, and after an escape of a URL or of a
/// string: `task-...` holds no `sk-...`, `%3Dsk-...` and `\nsk-...` do.
#[inline]
pub fn begins(text: &[u8], at: usize) -> bool {
    let back = |bytes: usize| at.checked_sub(bytes).map(|place| text[place]);
    if !back(1)
        .is_some_and(|before| before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-'))
    {
        return true;
    }
    [(b'\\', 1), (b'%', 2), (b'\\', ESCAPE)]
        .into_iter()
        .any(|(mark, letters)| {
            back(letters + 1) == Some(mark)
                && escape(&text[..at - letters], &text[at - letters..at]) == letters
        })
}

/// Does it follow a `/` or `+` that is a letter of base64? A picture holds every short word somewhere.
fn within_base64(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    before.ends_with(b"/") | before.ends_with(b"+")
        && before.len() >= BLOB
        && before[at - BLOB..]
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
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
    let &[letter] = letter.as_bytes() else {
        return None;
    };
    let (min, max) = match length.strip_suffix('+') {
        Some(min) => (min.parse().ok()?, u32::MAX),
        None => match length.split_once('-') {
            Some((min, max)) => (min.parse().ok()?, max.parse().ok()?),
            None => (length.parse().ok()?, length.parse().ok()?),
        },
    };
    let run = Run {
        class: Class::parse(letter)?,
        min,
        max,
    };
    (min <= max).then_some((Piece::Run(run), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::detectors;

    #[test]
    fn every_shape_of_the_table_is_one() {
        for detector in detectors() {
            for shape in detector.each_shape() {
                let parsed =
                    Shape::parse(shape).unwrap_or_else(|| panic!("{}: {shape}", detector.id));
                let ordered = parsed.rest.windows(2).all(|two| {
                    !matches!(two, [Piece::Run(run), Piece::Run(_) | Piece::Uuid] if run.min < run.max)
                });
                assert!(
                    ordered,
                    "{}: a run that varies is followed by another: {shape}",
                    detector.id
                );
            }
        }
    }

    #[test]
    fn what_is_no_shape_is_none() {
        for text in [
            "",
            "~",
            "<a:20>",
            "<a:20><a:2>x",
            "x<q:2>",
            "x<a:3-2>",
            "x<a>",
            "x<a:2",
            "<a:9+>x",
            "<uuid>x",
        ] {
            assert!(Shape::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_head_does_not_begin_with_the_letters_of_an_escape() {
        let shape = Shape::parse("~<k:2-8>_sk_<b:16+>").expect("a shape");
        let token = "acme_sk_4f9a1c7e2b8d3056";
        for (before, extra) in [
            ("", 0),
            (" ", 0),
            ("\\n", 0),
            ("\\u0022", 0),
            ("n", 1),
            ("%3d", 2),
        ] {
            let text = format!("{before}{token}");
            let at = text.find("_sk_").expect("there");
            let found = shape.matches(text.as_bytes(), at, &mut Ends::new());
            let start = before.len() - extra;
            assert_eq!(found, Some((start, text.len())), "{text}");
        }
    }

    #[test]
    fn the_left_neighbour_decides() {
        for (text, at, expected) in [
            ("sk", 0, true),
            (" sk", 1, true),
            ("=sk", 1, true),
            ("ask", 1, false),
            ("-sk", 1, false),
            ("_sk", 1, false),
            ("9sk", 1, false),
            ("%3Dsk", 3, true),
            ("%3Gsk", 3, false),
            ("3Dsk", 2, false),
            ("\\nsk", 2, true),
            ("\\u0022sk", 6, true),
            ("\\u002sk", 5, false),
            ("u0022sk", 5, false),
            ("ésk", 2, true),
        ] {
            assert_eq!(begins(text.as_bytes(), at), expected, "{text}");
        }
    }
}
