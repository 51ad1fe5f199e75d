//! `.env` text, as `dotenv` and its kin read it, without what they do beyond reading: nothing is expanded.
//!
//! A line is `KEY=value`, `export KEY=value`, a comment that begins with `#`, or empty. A value is what is left of the line,
//! up to a `#` after a blank, without blanks at its ends; or it stands in quotes, of one kind of `"`, `'` and `` ` ``, and
//! may then have several lines. Between double quotes `\n`, `\r`, `\t`, `\"`, `\'`, `\$` and `\\` mean what they mean;
//! between others nothing does.

use std::collections::BTreeMap;

use crate::{Entry, Plain, Refusal};

/// So many lines are named on which a key stands.
const LINES: usize = 8;

/// Every value, in order. A line that cannot be read becomes an entry called `line N`; of a key that stands twice nobody
/// knows which one holds, so neither is given.
pub fn read(text: &str) -> Vec<Entry> {
    let mut reader = Reader {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        line: 1,
    };
    let mut found = Vec::new();
    let mut lines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    while let Some((line, entry)) = reader.entry() {
        if entry.value.is_ok() {
            lines.entry(entry.name.clone()).or_default().push(line);
        }
        found.push(entry);
    }
    // One word on a key is enough.
    let mut told = std::collections::BTreeSet::new();
    found.retain(|entry| told.insert(entry.name.clone()));
    for entry in &mut found {
        if let Some(lines) = lines.get(&entry.name).filter(|lines| lines.len() > 1) {
            let some: Vec<String> = lines.iter().take(LINES).map(usize::to_string).collect();
            let more = if lines.len() > LINES { ", ..." } else { "" };
            entry.value = Err(Refusal::malformed(format!(
                "its key stands more than once: lines {}{more}",
                some.join(", ")
            )));
        }
    }
    found
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// The next one with the number of its first line; `None`: there is no more.
    fn entry(&mut self) -> Option<(usize, Entry)> {
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.advance(self.rest.len() - trimmed.len());
            if self.rest.is_empty() {
                return None;
            }
            if !self.rest.starts_with('#') {
                break;
            }
            self.take_line();
        }
        let line = self.line;
        let before = (self.rest, self.line);
        let read = self.key().and_then(|key| Ok((key, self.value()?)));
        let entry = match read {
            Ok((key, value)) => Entry {
                name: key.to_owned(),
                value: Ok(value),
            },
            Err(refusal) => {
                // Goes on with the next line: an open quote must not swallow what follows.
                (self.rest, self.line) = before;
                self.take_line();
                Entry {
                    name: format!("line {line}"),
                    value: Err(refusal),
                }
            }
        };
        Some((line, entry))
    }

    fn key(&mut self) -> Result<&'a str, Refusal> {
        let line = self.rest.lines().next().unwrap_or_default();
        let end = line
            .find('=')
            .ok_or_else(|| Refusal::malformed("it has no ="))?;
        let mut key = line[..end].trim();
        if let Some(exported) = key.strip_prefix("export")
            && exported.starts_with([' ', '\t'])
        {
            key = exported.trim_start();
        }
        let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if key.is_empty() || !key.chars().all(good) {
            return Err(Refusal::malformed(
                "its key has other characters than letters, digits, _, . and -",
            ));
        }
        self.advance(end + 1);
        Ok(key)
    }

    fn value(&mut self) -> Result<Plain, Refusal> {
        let trimmed = self.rest.trim_start_matches([' ', '\t']);
        self.advance(self.rest.len() - trimmed.len());
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => self.quoted(quote),
            _ => {
                let line = self.take_line();
                let end = line
                    .char_indices()
                    .find(|(at, c)| *c == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t'])))
                    .map_or(line.len(), |(at, _)| at);
                Ok(Plain::new(line[..end].trim().as_bytes().to_vec()))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Plain, Refusal> {
        let closing = self
            .closing(quote)
            .ok_or_else(|| Refusal::malformed("its quote has no end"))?;
        // What it takes and no more: a document may have many, and all of them are kept.
        let mut value = Plain::with_capacity(closing);
        let mut characters = self.rest.char_indices().skip(1);
        let end = loop {
            match characters.next() {
                None => return Err(Refusal::malformed("its quote has no end")),
                Some((at, c)) if c == quote => break at + 1,
                Some((_, '\\')) if quote == '"' => match characters.next() {
                    None => return Err(Refusal::malformed("its quote has no end")),
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, c @ ('"' | '\'' | '$' | '\\'))) => value.push(c),
                    Some((_, c)) => {
                        value.push('\\');
                        value.push(c);
                    }
                },
                Some((_, c)) => value.push(c),
            }
        };
        self.advance(end);
        let after = self.take_line().trim_start();
        if after.is_empty() || after.starts_with('#') {
            Ok(value)
        } else {
            Err(Refusal::malformed("something stands behind its quote"))
        }
    }

    /// Where the quote that stands here is closed.
    fn closing(&self, quote: char) -> Option<usize> {
        let mut characters = self.rest.char_indices().skip(1);
        loop {
            match characters.next()? {
                (at, c) if c == quote => return Some(at),
                (_, '\\') if quote == '"' => {
                    characters.next();
                }
                _ => {}
            }
        }
    }

    /// The rest of this line, without its end.
    fn take_line(&mut self) -> &'a str {
        let line = self.rest.split('\n').next().unwrap_or_default();
        self.advance((line.len() + 1).min(self.rest.len()));
        line.strip_suffix('\r').unwrap_or(line)
    }

    fn advance(&mut self, bytes: usize) {
        let (gone, rest) = self.rest.split_at(bytes);
        self.line += gone.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_no_more_room_than_it_has() {
        let text = "A=\"a\\nb\"\n".to_owned() + &"# much more\n".repeat(1_000);
        let read = read(&text);
        let value = read[0].value.as_ref().expect("a good line");
        assert_eq!(value.bytes(), b"a\nb");
        assert!(value.capacity() < 16, "{}", value.capacity());
    }

    #[test]
    fn a_key_that_stands_often_has_few_lines_named() {
        let read = read(&"A=1\n".repeat(100_000));
        assert_eq!(read.len(), 1);
        let refusal = read[0].value.as_ref().expect_err("twice and more");
        assert_eq!(
            refusal.to_string(),
            "its key stands more than once: lines 1, 2, 3, 4, 5, 6, 7, 8, ..."
        );
    }

    fn shown(text: &str) -> Vec<String> {
        let show = |entry: Entry| match entry.value {
            Ok(value) => format!("{}={}", entry.name, String::from_utf8_lossy(value.bytes())),
            Err(refusal) => format!("{}: {refusal}", entry.name),
        };
        read(text).into_iter().map(show).collect()
    }

    #[test]
    fn lines_are_read_as_dotenv_reads_them() {
        let text = "\u{feff}# comment\n\nA=1\nexport B = two words # not this\r\nC=\"a\\nb \\\"c\\\" \\$d \\x\" # or this\n\
                    D='it''\nE='no \\n escape'\nF=`back ' \"`\nG=\nH=a#b\nI=\"first\nsecond\"\n  J.k-2=x=y==\nK= # none\nexportL=1\nM=${A}";
        assert_eq!(
            shown(text),
            [
                "A=1",
                "B=two words",
                "C=a\nb \"c\" $d \\x",
                "line 6: something stands behind its quote",
                "E=no \\n escape",
                "F=back ' \"",
                "G=",
                "H=a#b",
                "I=first\nsecond",
                "J.k-2=x=y==",
                "K=",
                "exportL=1",
                "M=${A}"
            ]
        );
        assert!(shown("").is_empty() && shown(" \n#only\n\t").is_empty());
    }

    #[test]
    fn a_key_that_stands_twice_gives_neither_value() {
        assert_eq!(
            shown("A=1\nB=2\nA=1\n# \nA=3"),
            ["A: its key stands more than once: lines 1, 3, 5", "B=2"]
        );
    }

    #[test]
    fn an_open_quote_swallows_one_line_only() {
        assert_eq!(
            shown("A=\"open\nB=2\nC='x\n"),
            [
                "line 1: its quote has no end",
                "B=2",
                "line 3: its quote has no end"
            ]
        );
        assert_eq!(shown("just words"), ["line 1: it has no ="]);
        assert!(shown("ä=1")[0].starts_with("line 1: its key has other"));
    }

    #[test]
    fn refusals_hold_nothing_of_the_text() {
        for text in [
            "sk_live_1",
            "A=\"sk_live_1",
            "a b=sk_live_1",
            "A='x' sk_live_1",
        ] {
            assert!(!format!("{:?}", read(text)).contains("sk_live"), "{text}");
        }
    }
}
