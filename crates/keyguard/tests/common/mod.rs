//! Texts made by a seeded generator: no secret stands in a file, and a test that failed fails again.

/// Enough of a generator for tests (xorshift64*); its numbers are the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound.max(1)
    }

    pub fn pick<'t, T: ?Sized>(&mut self, among: &[&'t T]) -> &'t T {
        among[self.below(among.len())]
    }

    /// So many bytes of an alphabet.
    pub fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..length)
            .map(|_| char::from(letters[self.below(letters.len())]))
            .collect()
    }
}

pub const DIGITS: &str = "0123456789";
pub const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
pub const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub const HEX: &str = "0123456789abcdef";
pub const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub const LOWER_ALNUM: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
pub const BASE64URL: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
pub const BASE64: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";

/// One piece of a shape, in the notation of the table, read without the crate's own reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Literal(String),
    Run {
        alphabet: &'static str,
        letter: char,
        min: usize,
        max: Option<usize>,
    },
    Uuid,
}

/// What a letter of the notation stands for. Bytes that would end a token in some context are left out of the widest.
fn alphabet(letter: char) -> &'static str {
    match letter {
        'd' => DIGITS,
        'A' => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        'l' => LOWER,
        'u' => UPPER,
        'h' => HEX,
        'H' => "0123456789ABCDEF",
        'x' => "0123456789abcdefABCDEF",
        'L' => LOWER_ALNUM,
        'U' => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        'a' => ALNUM,
        'w' => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_",
        's' => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-",
        'S' => "0123456789abcdefghijklmnopqrstuvwxyz-",
        'k' => "0123456789abcdefghijklmnopqrstuvwxyz_",
        'b' | 'v' | 'z' => BASE64URL,
        'B' | 'e' | 'j' | 'P' => BASE64,
        other => panic!("no alphabet {other}"),
    }
}

pub fn pieces(shape: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut left = shape.trim_start_matches(['~', '!']);
    while !left.is_empty() {
        let Some(inner) = left.strip_prefix('<') else {
            let end = left.find('<').unwrap_or(left.len());
            pieces.push(Piece::Literal(left[..end].to_owned()));
            left = &left[end..];
            continue;
        };
        let (inner, after) = inner.split_once('>').unwrap();
        left = after;
        if inner == "uuid" {
            pieces.push(Piece::Uuid);
            continue;
        }
        let (letter, length) = inner.split_once(':').unwrap();
        let letter = letter.chars().next().unwrap();
        let (min, max) = match (length.strip_suffix('+'), length.split_once('-')) {
            (Some(min), _) => (min.parse().unwrap(), None),
            (_, Some((min, max))) => (min.parse().unwrap(), Some(max.parse().unwrap())),
            _ => (length.parse().unwrap(), Some(length.parse().unwrap())),
        };
        pieces.push(Piece::Run {
            alphabet: alphabet(letter),
            letter,
            min,
            max,
        });
    }
    pieces
}

/// A token of a shape, drawn at random. Its ends are letters or digits, so that the shape says where it ends.
pub fn token(random: &mut Random, pieces: &[Piece]) -> String {
    let mut token = String::new();
    for (number, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(literal) => token.push_str(literal),
            Piece::Uuid => token.push_str(&uuid(random)),
            Piece::Run {
                alphabet, min, max, ..
            } => {
                let most = max.unwrap_or(min + 24).min(min + 24);
                let mut length = min + random.below(most - min + 1);
                // Base64 is whole in groups of four; here its length only has to be allowed.
                if number == 0 || number + 1 == pieces.len() {
                    let firm: String = alphabet
                        .chars()
                        .filter(char::is_ascii_alphanumeric)
                        .collect();
                    token.push_str(&random.text(&firm, length.min(1)));
                    length -= length.min(1);
                    token.push_str(&random.text(alphabet, length.saturating_sub(1)));
                    token.push_str(&random.text(&firm, length.min(1)));
                } else {
                    token.push_str(&random.text(alphabet, length));
                }
            }
        }
    }
    token
}

pub fn uuid(random: &mut Random) -> String {
    let mut part = |length| random.text(HEX, length);
    format!(
        "{}-{}-4{}-a{}-{}",
        part(8),
        part(4),
        part(3),
        part(3),
        part(12)
    )
}

/// For URLs: what may not stand in a query is escaped.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A string as JSON writes it.
pub fn json_string(text: &str) -> String {
    let mut written = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            control if control < ' ' => written.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => written.push(other),
        }
    }
    written.push('"');
    written
}
