//! PostgreSQL's lexer (src/backend/parser/scan.l), as far as it says where literals and comments begin and end.
//!
//! What it does not decide is what the server decides at the time: whether a backslash in a plain `'...'` escapes
//! (`standard_conforming_strings`). Callers who cannot know run it in both ways ([`Backslash`]).

/// Whether a backslash in a plain literal escapes the next character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backslash {
    Plain,
    Escapes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shown as it is: words, operators, blanks, `$1`.
    Code,
    /// A string in any notation, or a number.
    Literal,
    /// A name in double quotes; `inside` them.
    Quoted,
    Comment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// Ended by the end of the text, or by what no SQL has there: whoever wrote it may have meant something else to be
    /// the literal.
    pub malformed: bool,
}

/// Tokens that cover the text without gaps, in order.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    backslash: Backslash,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8], backslash: Backslash) -> Self {
        Self {
            text,
            at: 0,
            backslash,
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn token(&mut self, kind: Kind, end: usize) -> Token {
        let token = Token {
            kind,
            start: self.at,
            end,
            malformed: false,
        };
        self.at = end;
        token
    }

    /// - `open`: where the opening quote stands
    fn string(&mut self, open: usize, escapes: bool) -> Token {
        let mut at = open + 1;
        loop {
            let Some(found) = self.text[at..]
                .iter()
                .position(|byte| *byte == b'\'' || (escapes && *byte == b'\\'))
            else {
                return self.unended(Kind::Literal);
            };
            at += found;
            if self.text[at] == b'\\' {
                at = (at + 2).min(self.text.len());
            } else if self.byte(at + 1) == b'\'' {
                at += 2;
            } else if let Some(again) = continuation(self.text, at + 1) {
                at = again;
            } else {
                break;
            }
        }
        let mut token = self.token(Kind::Literal, at + 1);
        token.malformed = is_word(self.byte(at + 1));
        token
    }

    /// - `open`: where the opening quote stands
    fn quoted(&mut self, open: usize) -> Token {
        let mut at = open + 1;
        while let Some(found) = self.text[at..].iter().position(|byte| *byte == b'"') {
            at += found;
            if self.byte(at + 1) != b'"' {
                return self.token(Kind::Quoted, at + 1);
            }
            at += 2;
        }
        self.unended(Kind::Quoted)
    }

    fn dollar(&mut self) -> Token {
        let rest = &self.text[self.at..];
        let Some(tag) = dollar_tag(rest) else {
            let digits = rest[1..].iter().position(|byte| !byte.is_ascii_digit());
            let end = self.at + 1 + digits.unwrap_or(rest.len() - 1);
            return self.token(Kind::Code, end);
        };
        // Tags hold no dollar inside, so a closing one begins at a dollar: each byte is looked at twice at most.
        let mut at = self.at + tag.len();
        while let Some(found) = self.text[at..].iter().position(|byte| *byte == b'$') {
            at += found;
            if self.text[at..].starts_with(tag) {
                return self.token(Kind::Literal, at + tag.len());
            }
            at += 1;
        }
        self.unended(Kind::Literal)
    }

    fn unended(&mut self, kind: Kind) -> Token {
        let mut token = self.token(kind, self.text.len());
        token.malformed = true;
        token
    }

    /// A word, unless it is the beginning of a literal: `E'...'`, `U&'...'`, `U&"..."`, and so on.
    fn word(&mut self) -> Token {
        let plain = self.backslash == Backslash::Escapes;
        match (
            self.byte(self.at),
            self.byte(self.at + 1),
            self.byte(self.at + 2),
        ) {
            (b'e' | b'E', b'\'', _) => return self.string(self.at + 1, true),
            (b'b' | b'B' | b'x' | b'X', b'\'', _) => return self.string(self.at + 1, false),
            (b'n' | b'N', b'\'', _) => return self.string(self.at + 1, plain),
            (b'u' | b'U', b'&', b'\'') => return self.string(self.at + 2, false),
            (b'u' | b'U', b'&', b'"') => return self.quoted(self.at + 2),
            _ => {}
        }
        let rest = self.text[self.at..].iter();
        let length = rest
            .take_while(|byte| is_word(**byte) || **byte == b'$')
            .count();
        self.token(Kind::Code, self.at + length)
    }

    /// Generous: what begins with a digit goes on through letters, digits and dots, so that `1e10`, `0xFF`, `1_000` and
    /// what follows a slip of the keyboard are one number; and through the sign of an exponent.
    fn number(&mut self) -> Token {
        let mut at = self.at;
        loop {
            let byte = self.byte(at);
            let exponent = matches!(byte, b'+' | b'-')
                && matches!(self.byte(at - 1), b'e' | b'E')
                && self.byte(at + 1).is_ascii_digit();
            if at >= self.text.len() || !(is_word(byte) || byte == b'.' || exponent) {
                break;
            }
            at += 1;
        }
        self.token(Kind::Literal, at)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.text.get(self.at..)?;
        Some(match *rest {
            [] => return None,
            [b'\'', ..] => self.string(self.at, self.backslash == Backslash::Escapes),
            [b'"', ..] => self.quoted(self.at),
            [b'$', ..] => self.dollar(),
            [b'-', b'-', ..] => {
                let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                self.token(Kind::Comment, self.at + line.unwrap_or(rest.len()))
            }
            [b'/', b'*', ..] => {
                let (length, ended) = block_comment(rest);
                let mut token = self.token(Kind::Comment, self.at + length);
                token.malformed = !ended;
                token
            }
            [b'0'..=b'9', ..] => self.number(),
            [byte, ..] if is_word(byte) => self.word(),
            _ => self.token(Kind::Code, self.at + 1),
        })
    }
}

/// Where the literal goes on, if the text after its closing quote is blanks and comments with a line break among them,
/// and another quote: `'a'` and, on the next line, `'b'` are one literal.
fn continuation(text: &[u8], after: usize) -> Option<usize> {
    let mut at = after;
    let mut line_broken = false;
    loop {
        match *text.get(at..)? {
            [b'\n' | b'\r', ..] => line_broken = true,
            [b' ' | b'\t' | b'\x0b' | b'\x0c', ..] => {}
            [b'-', b'-', ..] => {
                at += text[at..]
                    .iter()
                    .position(|byte| matches!(byte, b'\n' | b'\r'))?;
                continue;
            }
            [b'\'', ..] if line_broken => return Some(at + 1),
            _ => return None,
        }
        at += 1;
    }
}

/// `$$` or `$tag$` at the beginning of `text`.
fn dollar_tag(text: &[u8]) -> Option<&[u8]> {
    let inside = text.get(1..)?;
    let end = inside.iter().position(|byte| !is_word(*byte))?;
    let tag = &text[..end + 2];
    (inside[end] == b'$' && !inside[0].is_ascii_digit()).then_some(tag)
}

/// The length of the comment, nested ones included, that `text` begins with, and whether it ends.
pub fn block_comment(text: &[u8]) -> (usize, bool) {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match text[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return (at, true);
                }
            }
            _ => at += 1,
        }
    }
    (text.len(), false)
}

/// A character of names; those beyond ASCII are of any encoding.
pub fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

/// By a table, since every byte of every statement is asked for.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte >= 0x80 || (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};
