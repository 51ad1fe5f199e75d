//! Alphabets: the sets of bytes that formats are written in, one bit each in one table of 256 words.

/// An alphabet. Its number is its bit in [`OF`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class(u8);

/// How many alphabets there are.
pub const COUNT: usize = LETTERS.len();

/// The letter of an alphabet in the table of formats, and its bytes.
const LETTERS: [(u8, &[u8]); 21] = [
    (b'd', b"0-9"),
    (b'A', b"A-Za-z"),
    (b'l', b"a-z"),
    (b'u', b"A-Z"),
    (b'h', b"0-9a-f"),
    (b'H', b"0-9A-F"),
    (b'x', b"0-9A-Fa-f"),
    (b'L', b"0-9a-z"),
    (b'U', b"0-9A-Z"),
    (b'a', b"0-9A-Za-z"),
    (b'w', b"0-9A-Za-z_"),
    (b's', b"0-9A-Za-z-"),
    (b'b', b"0-9A-Za-z_-"),
    (b'B', b"0-9A-Za-z+/="),
    (b'e', b"0-9A-Za-z+/"),
    (b'v', b"0-9A-Za-z_.-"),
    (b'j', b"0-9A-Za-z_.+/=~-"),
    (b'S', b"0-9a-z-"),
    (b'k', b"0-9a-z_"),
    (b'z', b"0-9A-Za-z_.~-"),
    (b'P', b"0-9A-Za-z_.+/=~%-"),
];

/// Which alphabets each byte is part of.
const OF: [u32; 256] = table();

impl Class {
    /// Base64 with its padding.
    pub const BASE64: Class = Class::named(b'B');
    /// Base64 as URLs have it.
    pub const BASE64URL: Class = Class::named(b'b');

    const fn named(letter: u8) -> Class {
        let mut number = 0;
        while LETTERS[number].0 != letter {
            number += 1;
        }
        Class(number as u8)
    }

    /// The alphabet of a letter, where there is one.
    pub fn parse(letter: u8) -> Option<Class> {
        let number = LETTERS.iter().position(|(known, _)| *known == letter)?;
        Some(Class(number as u8))
    }

    /// Is the byte one of the alphabet's?
    pub fn has(self, byte: u8) -> bool {
        OF[byte as usize] & (1 << self.0) != 0
    }

    pub fn number(self) -> usize {
        self.0 as usize
    }
}

const fn table() -> [u32; 256] {
    let mut of = [0; 256];
    let mut class = 0;
    while class < LETTERS.len() {
        let ranges = LETTERS[class].1;
        let mut at = 0;
        while at < ranges.len() {
            let first = ranges[at];
            // A hyphen between two bytes is a range; at the end it is itself.
            let last = if at + 2 < ranges.len() && ranges[at + 1] == b'-' {
                at += 2;
                ranges[at]
            } else {
                first
            };
            let mut byte = first as usize;
            while byte <= last as usize {
                of[byte] |= 1 << class;
                byte += 1;
            }
            at += 1;
        }
        class += 1;
    }
    of
}
