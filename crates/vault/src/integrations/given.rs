//! What a caller gives: a flat JSON object of credentials, read without leaving a copy of a value behind.

use zeroize::Zeroizing;

use crate::VaultError;

/// A field's name, and its value; `None`: the field is to be removed.
pub type GivenField = (String, Option<Zeroizing<String>>);

const FIELDS_MAX: usize = 64;

/// Strings, numbers as they are written, and nulls, by their names.
///
/// - errors: [`VaultError::InvalidArgument`], which repeats neither a name nor a value: both may be a key in a wrong place.
pub fn parse_given(json: &[u8], argument: &'static str) -> Result<Vec<GivenField>, VaultError> {
    let refused = || {
        VaultError::InvalidArgument {
        argument,
        rule: "It is one JSON object of field names with strings, numbers, or null for a field to be removed."
            .to_owned(),
    }
    };
    let mut reader = Reader { rest: json };
    let mut fields = Vec::new();
    reader.expect(b'{').ok_or_else(refused)?;
    if reader.peek() != Some(b'}') {
        loop {
            let name = reader.string().ok_or_else(refused)?;
            reader.expect(b':').ok_or_else(refused)?;
            let value = reader.value().ok_or_else(refused)?;
            if fields.len() == FIELDS_MAX || fields.iter().any(|(other, _)| *other == *name) {
                return Err(refused());
            }
            fields.push((String::clone(&name), value));
            match reader.next_token() {
                Some(b',') => {}
                Some(b'}') => break,
                _ => return Err(refused()),
            }
        }
    } else {
        reader.next_token();
    }
    match reader.peek() {
        None => Ok(fields),
        Some(_) => Err(refused()),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn next_token(&mut self) -> Option<u8> {
        let token = self.peek()?;
        self.rest = &self.rest[1..];
        Some(token)
    }

    fn expect(&mut self, token: u8) -> Option<()> {
        (self.next_token()? == token).then_some(())
    }

    fn value(&mut self) -> Option<Option<Zeroizing<String>>> {
        match self.peek()? {
            b'"' => self.string().map(Some),
            b'n' => {
                self.rest = self.rest.strip_prefix(b"null")?;
                Some(None)
            }
            _ => self.number().map(Some),
        }
    }

    fn number(&mut self) -> Option<Zeroizing<String>> {
        let is_part = |b: &u8| b.is_ascii_digit() || b"+-.eE".contains(b);
        let end = self.rest.iter().position(|b| !is_part(b))?;
        let (number, rest) = self.rest.split_at(end);
        number.iter().any(u8::is_ascii_digit).then_some(())?;
        self.rest = rest;
        Some(Zeroizing::new(std::str::from_utf8(number).ok()?.to_owned()))
    }

    fn string(&mut self) -> Option<Zeroizing<String>> {
        self.expect(b'"')?;
        let end = self.end_of_string()?;
        let (raw, rest) = (&self.rest[..end], &self.rest[end + 1..]);
        self.rest = rest;
        let raw = std::str::from_utf8(raw).ok()?;
        // An escape is never shorter than what it stands for, so that the text does not outgrow its place and leave a part
        // of itself behind.
        let mut text = Zeroizing::new(String::with_capacity(raw.len()));
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            let c = match c {
                '\\' => escaped(&mut chars)?,
                '\0'..='\u{1f}' => return None,
                c => c,
            };
            if c == '\0' {
                return None;
            }
            text.push(c);
        }
        Some(text)
    }

    fn end_of_string(&self) -> Option<usize> {
        let mut at = 0;
        loop {
            match self.rest.get(at)? {
                b'"' => return Some(at),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        c @ ('"' | '\\' | '/') => c,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let unit = unit(chars)?;
            match unit {
                0xd800..=0xdbff => {
                    (chars.next()? == '\\' && chars.next()? == 'u').then_some(())?;
                    let low = self::unit(chars)?;
                    char::decode_utf16([unit, low]).next()?.ok()?
                }
                unit => char::from_u32(u32::from(unit))?,
            }
        }
        _ => return None,
    })
}

fn unit(chars: &mut std::str::Chars<'_>) -> Option<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit << 4 | u16::try_from(chars.next()?.to_digit(16)?).ok()?;
    }
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Option<Vec<(String, Option<String>)>> {
        let fields = parse_given(json.as_bytes(), "p").ok()?;
        let plain = |value: Option<Zeroizing<String>>| value.map(|text| text.to_string());
        Some(
            fields
                .into_iter()
                .map(|(name, value)| (name, plain(value)))
                .collect(),
        )
    }

    #[test]
    fn strings_numbers_and_nulls_are_read() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parse("{}"), Some(vec![]));
        assert_eq!(parse(" { } "), Some(vec![]));
        let found = parse(r#"{"a": "x\n\"\\\u00e9\ud83d\ude00é", "b":null , "c": -12.5}"#).unwrap();
        let expected = [
            ("a", some("x\n\"\\é\u{1f600}é")),
            ("b", None),
            ("c", some("-12.5")),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }

    #[test]
    fn whatever_else_is_refused() {
        for json in [
            "",
            "[]",
            "1",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":"x"} x"#,
            r#"{"a":"x",}"#,
            r#"{"a":{}}"#,
            r#"{"a":[]}"#,
            r#"{"a":true}"#,
            r#"{"a":"x""#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12"}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"a":"x","a":"y"}"#,
            r#"{"a":-}"#,
            "{\"a\":\"x\ny\"}",
            r#"{"a":"x\"#,
            r#"{"a":nul}"#,
        ] {
            assert_eq!(parse(json), None, "{json}");
        }
    }
}
