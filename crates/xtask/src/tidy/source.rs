//! Reads source text just well enough for the rules: what is code, what is comment or literal, where words stand.
//!
//! **Invariant:** every function that blanks text keeps its length and its line breaks, so that offsets stay true.

/// Line of a byte offset, counted from 1.
pub fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

/// Offsets of `word` where no letter, digit or underscore stands beside it.
pub fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(in_word) && !after.is_some_and(in_word)
        })
}

pub fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The longest prefix of letters, digits and underscores.
pub fn leading_word(text: &str) -> &str {
    &text[..text.find(|c| !in_word(c)).unwrap_or(text.len())]
}

/// Rust with comments and the contents of literals blanked.
pub fn rust_code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let begins_word = at == 0 || !is_word_byte(bytes[at - 1]);
        let end = if rest.starts_with("//") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + nested_comment(rest)
        } else if bytes[at] == b'"' {
            at + quoted(rest, b'"', true)
        } else if begins_word && let Some(len) = raw_string(rest) {
            at + len
        } else if bytes[at] == b'\'' && is_char_literal(rest) {
            at + quoted(rest, b'\'', true)
        } else {
            at + 1
        };
        if end > at + 1 {
            blank(&mut out[at..end]);
        }
        at = end;
    }
    String::from_utf8(out).expect("whole characters are blanked or kept")
}

/// SQL with comments, string literals and dollar-quoted bodies blanked.
pub fn sql_code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let begins_word = at == 0 || !is_word_byte(bytes[at - 1]);
        let end = if rest.starts_with("--") {
            at + rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            at + nested_comment(rest)
        } else if bytes[at] == b'\'' {
            at + quoted(rest, b'\'', false)
        } else if begins_word && let Some(len) = dollar_quoted(rest) {
            at + len
        } else {
            at + 1
        };
        if end > at + 1 {
            blank(&mut out[at..end]);
        }
        at = end;
    }
    String::from_utf8(out).expect("whole characters are blanked or kept")
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Both languages nest their block comments.
fn nested_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Length of a quoted text that begins here. A doubled quote reads as two texts side by side, which blanks the same.
fn quoted(text: &str, quote: u8, backslash_escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == b'\\' && backslash_escapes {
            at += 2;
        } else if bytes[at] == quote {
            return at + 1;
        } else {
            at += 1;
        }
    }
    text.len()
}

/// `r"..."`, `r#"..."#`, also after `b` or `c`.
fn raw_string(text: &str) -> Option<usize> {
    let after_prefix = text
        .strip_prefix(['b', 'c'])
        .unwrap_or(text)
        .strip_prefix('r')?;
    let hashes = after_prefix
        .bytes()
        .take_while(|byte| *byte == b'#')
        .count();
    let body = after_prefix[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len();
    Some(
        body.find(&close)
            .map_or(text.len(), |at| start + at + close.len()),
    )
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    matches!(
        (chars.next(), chars.next()),
        (Some('\\'), _) | (Some(_), Some('\''))
    )
}

/// `$$...$$` or `$tag$...$tag$`.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = leading_word(text.strip_prefix('$')?);
    if tag.starts_with(|c: char| c.is_ascii_digit()) || !text[1 + tag.len()..].starts_with('$') {
        return None;
    }
    let fence = &text[..tag.len() + 2];
    Some(
        text[fence.len()..]
            .find(fence)
            .map_or(text.len(), |at| at + 2 * fence.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        assert_eq!(
            words("unsafe_code unsafe (unsafe) xunsafe", "unsafe").collect::<Vec<_>>(),
            [12, 20]
        );
    }

    #[test]
    fn rust_comments_and_literals_are_blanked_and_code_stays() {
        for (text, kept) in [
            ("a // unsafe\nb", "a\nb"),
            ("a /* x /* unsafe */ y */ b", "a b"),
            (r#"a "unsafe \" unsafe" b"#, "a b"),
            (r###"a r#"un"safe"# b"###, "a b"),
            (r#"a br"unsafe\" b"#, "a b"),
            ("a '\"' b '\\'' c", "a b c"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("number\"x\"", "number"),
            ("\"é unsafe é\" b", "b"),
        ] {
            let code = rust_code(text);
            assert_eq!(code.len(), text.len(), "{text}");
            let words: Vec<_> = code.split(' ').filter(|word| !word.is_empty()).collect();
            assert_eq!(words.join(" ").replace(" \n", "\n"), kept, "{text}");
        }
    }

    #[test]
    fn sql_comments_and_literals_are_blanked_and_code_stays() {
        for (text, kept) in [
            ("a -- CREATE\nb", "a\nb"),
            ("a 'it''s; CREATE' b", "a b"),
            ("DO $$ CREATE $$; b", "DO ; b"),
            ("DO $body$ $$ CREATE $$ $body$; b", "DO ; b"),
            ("a /* CREATE */ $1 b", "a $1 b"),
        ] {
            let code = sql_code(text);
            assert_eq!(code.len(), text.len(), "{text}");
            let words: Vec<_> = code.split(' ').filter(|word| !word.is_empty()).collect();
            assert_eq!(words.join(" ").replace(" \n", "\n"), kept, "{text}");
        }
    }

    #[test]
    fn unfinished_text_ends_with_the_file() {
        for text in ["\"open", "r#\"open", "/* open", "'\\", "$$ open"] {
            assert_eq!(rust_code(text).len(), text.len());
            assert_eq!(sql_code(text).len(), text.len());
        }
    }
}
