//! Percent escapes of URLs, undone: a token may hold some, and stand among others.

/// Has the text an escape?
pub fn escaped(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text).any(|at| escape(&text[at..]).is_some())
}

/// The text without its escapes. Need not be UTF-8 any more.
pub fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text;
    while let Some(at) = memchr::memchr(b'%', left) {
        bytes.extend_from_slice(&left[..at]);
        let (byte, length) = escape(&left[at..]).map_or((b'%', 1), |byte| (byte, 3));
        bytes.push(byte);
        left = &left[at + length..];
    }
    bytes.extend_from_slice(left);
    bytes
}

/// Places in the decoded text, one after the other, as places in `text`.
pub struct Back<'t> {
    text: &'t [u8],
    at: usize,
    decoded: usize,
}

impl<'t> Back<'t> {
    pub fn to(text: &'t [u8]) -> Back<'t> {
        Back {
            text,
            at: 0,
            decoded: 0,
        }
    }

    /// Where the byte `decoded` of the decoded text stands; never before the one asked for last.
    pub fn place(&mut self, decoded: usize) -> usize {
        while self.decoded < decoded && self.at < self.text.len() {
            self.at += if escape(&self.text[self.at..]).is_some() {
                3
            } else {
                1
            };
            self.decoded += 1;
        }
        self.at
    }
}

fn escape(text: &[u8]) -> Option<u8> {
    let &[b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? * 16 + digit(low)?) as u8)
}
