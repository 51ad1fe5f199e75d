//! Does a text look drawn at random, or written by somebody?
//!
//! Randomness is never proved from one sample. What is asked here is cheap and errs towards "yes" for what has no
//! words in it: a mask, a placeholder and a slug are told apart from a token, and nothing else.

use crate::work;

/// At most so many bytes of a text are looked at: more would say nothing new.
const LOOKED_AT: usize = 256;

/// What a format asks of the part that is drawn at random.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Demand {
    /// No mask and no placeholder. For prefixes that nobody writes by chance.
    Varied,
    /// Besides, no words: for short prefixes and those that begin slugs.
    Random,
    /// Besides, digits, small letters and capitals, some of each: for what has no other mark.
    Mixed,
}

impl Demand {
    pub fn met_by(self, body: &[u8]) -> bool {
        let body = &body[..body.len().min(LOOKED_AT)];
        work::done(body.len());
        match self {
            Demand::Varied => varied(body),
            Demand::Random => varied(body) && random(body),
            Demand::Mixed => varied(body) && random(body) && mixed(body),
        }
    }
}

/// Enough different bytes, and no byte that fills most of it: `xxxxxxxx`, `your_key_here_xxxxxxxx` are not.
fn varied(body: &[u8]) -> bool {
    let mut counts = [0u16; 256];
    for byte in body {
        counts[*byte as usize] += 1;
    }
    let distinct = counts.iter().filter(|count| **count > 0).count();
    let most = counts.iter().copied().max().unwrap_or(0) as usize;
    distinct >= least_distinct(body.len()) && most * 2 <= body.len().max(6) && !placeholder(body)
}

/// Sixteen hexadecimal digits drawn at random have fewer than six different ones once in thousands.
fn least_distinct(length: usize) -> usize {
    match length {
        0..=7 => 2,
        8..=11 => 4,
        12..=15 => 5,
        16..=31 => 6,
        _ => 8,
    }
}

/// Letters and digits in turn, or capitals within words: what dictionaries and slugs do not have.
fn random(body: &[u8]) -> bool {
    let (mut digits, mut lower, mut upper, mut turns) = (0, 0, 0, 0);
    let mut last = 0;
    for byte in body {
        let kind = match byte {
            b'0'..=b'9' => {
                digits += 1;
                1
            }
            b'a'..=b'z' => {
                lower += 1;
                2
            }
            b'A'..=b'Z' => {
                upper += 1;
                3
            }
            _ => {
                last = 0;
                continue;
            }
        };
        // A capital at the beginning of a word is a word's.
        if last != 0 && kind != last && !(last == 3 && kind == 2) {
            turns += 1;
        }
        last = kind;
    }
    let letters = lower + upper;
    let mixed = (digits >= 2 && letters >= 2) || (lower >= 2 && upper >= 2);
    mixed && turns >= 2 + body.len() / 16
}

fn mixed(body: &[u8]) -> bool {
    let some = |kind: fn(&u8) -> bool| body.iter().filter(|byte| kind(byte)).count() >= 3;
    some(u8::is_ascii_digit) && some(u8::is_ascii_lowercase) && some(u8::is_ascii_uppercase)
}

/// What manuals and templates write in a token's place.
pub fn placeholder(body: &[u8]) -> bool {
    const WORDS: [&[u8]; 10] = [
        b"example",
        b"placeholder",
        b"your_",
        b"your-",
        b"redacted",
        b"changeme",
        b"xxxxxx",
        b"dummy",
        b"1234567890abcdef1234567890",
        b"abcdefghijklmnop",
    ];
    WORDS.iter().any(|word| contains_folded(body, word))
}

fn contains_folded(text: &[u8], word: &[u8]) -> bool {
    memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), text).any(|at| {
        text.get(at..at + word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_in_either_case() {
        for text in [
            "your_token",
            "xxYOUR_KEYxx",
            "xExample",
            "aREDACTED",
            "XXXXXXXX",
            "0abcdefghijklmnopq",
        ] {
            assert!(placeholder(text.as_bytes()), "{text}");
        }
        for text in ["", "you", "exampl", "51H8aZrKq0PmX3vY7bTc2Wd9"] {
            assert!(!placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_drawn_is_told_from_what_is_written() {
        for text in [
            "51H8aZrKq0PmX3vY7bTc2Wd9",
            "0f8fad5bd9cb469fa16570867728950e",
            "ZmxvcndlcyBhcmUgbmljZQAB",
        ] {
            assert!(Demand::Random.met_by(text.as_bytes()), "{text}");
        }
        for text in [
            "engagement_campaign_2024_q3_all",
            "learn-pipeline-for-text-2024",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "Correct-Horse-Battery-Staple",
        ] {
            assert!(!Demand::Random.met_by(text.as_bytes()), "{text}");
        }
        assert!(Demand::Mixed.met_by(b"51H8aZrKq0PmX3vY7bTc2Wd9"));
        assert!(!Demand::Mixed.met_by(b"0f8fad5bd9cb469fa16570867728950e"));
    }
}
