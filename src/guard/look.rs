//! A value looked at: whatever its type, text by text, with the way to each.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use keyguard::Guard;

use super::rules::{Judged, Rules, Scope};
use crate::pg::text::legible;
use crate::pg::value::{Form, Value};

/// Built once: in the postmaster where it preloads the library, for every backend to inherit.
static GUARD: OnceLock<Guard> = OnceLock::new();

pub fn guard() -> &'static Guard {
    GUARD.get_or_init(Guard::new)
}

/// Something that looks like a secret, in one text of a value.
pub struct Found<'a> {
    pub detector: &'a str,
    pub service: &'a str,
    /// To the text within the value, such as `$.a[0]`; empty where the value is the text. Shows no key that is a finding.
    pub path: &'a str,
    pub text: &'a str,
    /// In bytes of the text.
    pub start: usize,
    pub length: usize,
    pub stands: Stands,
    /// Whether nothing was shown of this text before.
    pub is_first: bool,
}

/// What a text is of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// All of it.
    Alone,
    /// A string of a JSON document, between these bytes of it.
    Within(usize, usize),
    /// A part that nothing can be put in place of.
    Fixed,
}

pub type Visit<'v> = &'v mut dyn FnMut(&Found<'_>) -> ControlFlow<()>;

/// Who looks, and by which rules.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub rules: &'a Rules,
    pub scope: Scope<'a>,
}

impl Look<'_> {
    /// Everything in a value that rules do not allow, until `visit` breaks.
    ///
    /// - name: of the column; empty where it says nothing.
    pub fn value(
        self,
        value: Value<'_>,
        form: &Form,
        name: &str,
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        self.within(value, form, name, "", visit)
    }

    fn within(
        self,
        value: Value<'_>,
        form: &Form,
        name: &str,
        way: &str,
        visit: Visit<'_>,
    ) -> ControlFlow<()> {
        match form {
            Form::Array(element) => {
                for (n, one) in value.elements(element).into_iter().enumerate() {
                    if let Some(one) = one {
                        let way = format!("{way}[{}]", n + 1);
                        self.within(one, &element.form, name, &way, visit)?;
                    }
                }
                ControlFlow::Continue(())
            }
            // What is bytes is looked at where it is text, all of it.
            Form::Bytes => match std::str::from_utf8(value.text(form)) {
                Ok(text) => self.fixed(text, name, way, visit),
                Err(_) => ControlFlow::Continue(()),
            },
            Form::Json | Form::Jsonb => self.document(&legible(value.text(form)), name, way, visit),
            Form::Hstore(_) => {
                for (key, value) in pairs(&legible(value.text(form))) {
                    let hidden = guard().first(&key, None).is_some();
                    let shown = if hidden { "*" } else { &*key };
                    let way = format!("{way}.{shown:?}");
                    self.fixed(&key, "", &way, visit)?;
                    self.fixed(&value, &key, &way, visit)?;
                }
                ControlFlow::Continue(())
            }
            Form::Text | Form::Name => self.text(&legible(value.text(form)), name, way, visit),
        }
    }

    /// A text that is all of a value, or of an element.
    ///
    /// - name: that it stands under; empty: none.
    pub fn text(self, text: &str, name: &str, way: &str, visit: Visit<'_>) -> ControlFlow<()> {
        // JSON is looked at decoded, whatever the type of the column.
        if text.trim_start().starts_with(['{', '[']) {
            return self.document(text, name, way, visit);
        }
        let stands = if way.is_empty() {
            Stands::Alone
        } else {
            Stands::Fixed
        };
        self.string(text, name, &mut || Cow::Borrowed(way), stands, visit)
            .map_continue(drop)
    }

    /// The same for a text in whose place nothing can be put.
    fn fixed(self, text: &str, name: &str, way: &str, visit: Visit<'_>) -> ControlFlow<()> {
        self.text(text, name, way, &mut |found| {
            visit(&Found {
                stands: Stands::Fixed,
                ..*found
            })
        })
    }

    /// A JSON document, or what begins like one.
    pub fn document(self, text: &str, name: &str, way: &str, visit: Visit<'_>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        let name = (!name.is_empty()).then_some(name);
        keyguard::json_strings(text, name, &mut |path, string| {
            let stands = match string.place {
                Some((start, end)) if way.is_empty() => Stands::Within(start, end),
                _ => Stands::Fixed,
            };
            let mut shown = || Cow::Owned(format!("{way}{path}"));
            let seen = self.string(
                string.text,
                string.name.unwrap_or_default(),
                &mut shown,
                stands,
                visit,
            );
            if seen.is_break() {
                flow = ControlFlow::Break(());
            }
            seen
        });
        flow
    }

    /// One text. Whether anything was found in it, allowed or not.
    fn string<'w>(
        self,
        text: &str,
        name: &str,
        way: &mut dyn FnMut() -> Cow<'w, str>,
        stands: Stands,
        visit: Visit<'_>,
    ) -> ControlFlow<(), bool> {
        let mut any = false;
        let mut is_first = true;
        let mut flow = ControlFlow::Continue(());
        let mut report = |detector: &str, service: &str, start: usize, length: usize| {
            any = true;
            let path = way();
            let judged = Judged {
                detector,
                service,
                text: text.get(start..).unwrap_or_default(),
            };
            if self.rules.allow(&judged, self.scope, &path) {
                return ControlFlow::Continue(());
            }
            visit(&Found {
                detector,
                service,
                path: &path,
                text,
                start,
                length,
                stands,
                is_first: std::mem::take(&mut is_first),
            })
        };
        let name = (!name.is_empty()).then_some(name);
        guard().all(text, name, &mut |finding| {
            flow = report(
                finding.detector,
                finding.service,
                finding.start,
                finding.length,
            );
            flow
        });
        flow?;
        if self.rules.has_own_prefixes() {
            for (start, length, rule, service) in self.rules.denied(text, self.scope, way) {
                any = true;
                visit(&Found {
                    detector: rule,
                    service,
                    path: &way(),
                    text,
                    start,
                    length,
                    stands,
                    is_first: std::mem::take(&mut is_first),
                })?;
            }
        }
        ControlFlow::Continue(any)
    }
}

impl Found<'_> {
    /// Whether the text is this finding and nothing else.
    pub fn is_whole(&self) -> bool {
        let found = self.text.get(self.start..self.start + self.length);
        found.map(str::trim) == Some(self.text.trim())
    }
}

/// Keys and values of an hstore as it is written: `"key"=>"value", "other"=>NULL`, with backslashes before quotes and
/// backslashes.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut letters = text.chars();
    while let Some(key) = quoted(&mut letters) {
        let mut after = letters.clone();
        if after.by_ref().take(3).collect::<String>() == "=>\"" {
            letters.next();
            letters.next();
            if let Some(value) = quoted(&mut letters) {
                found.push((key, value));
            }
        } else {
            // NULL is no text; a key may still be one.
            found.push((key, String::new()));
        }
    }
    found
}

/// The next text in quotes, without what comes before it.
fn quoted(letters: &mut std::str::Chars<'_>) -> Option<String> {
    letters.find(|letter| *letter == '"')?;
    let mut text = String::new();
    loop {
        match letters.next()? {
            '"' => return Some(text),
            '\\' => text.push(letters.next()?),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn an_hstore_is_read_as_it_is_written() {
        let read = pairs(r#""a"=>"b", "c=>\"d"=>NULL, "e\\"=>"", "f, g"=>"\"h\" => 1""#);
        let expected = [
            ("a", "b"),
            ("c=>\"d", ""),
            ("e\\", ""),
            ("f, g", "\"h\" => 1"),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(read, expected);
    }
}
