//! Headers of a request, as far as they may carry a signature.

use crate::Refusal;

/// No server that people put in front passes on more.
pub const HEADERS_MAX: usize = 256;

/// Of one that is asked for. Others may be longer.
pub const HEADER_MAX_BYTES: usize = 8 * 1024;

/// Names with their values; a name may come several times. Names of HTTP's headers have no case.
#[derive(Debug, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// - errors: `None` for more than [`HEADERS_MAX`].
    pub fn new(headers: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let mut all = Vec::new();
        for (name, value) in headers {
            if all.len() == HEADERS_MAX {
                return None;
            }
            all.push((name, value));
        }
        Some(Self(all))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The one value of this name, without the white space around it (RFC 9110, section 5.5).
    ///
    /// - errors: missing; malformed where there are several, which proxies and applications read differently, or where it
    ///   is longer than [`HEADER_MAX_BYTES`].
    pub(crate) fn one(&self, name: &str) -> Result<&str, Refusal> {
        let mut values = self.values(name);
        let value = values.next().ok_or(Refusal::Missing)?;
        if values.next().is_some() || value.len() > HEADER_MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        Ok(value.trim_matches([' ', '\t']))
    }

    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> Headers {
        let all = all
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        Headers::new(all).unwrap()
    }

    #[test]
    fn names_have_no_case_and_stand_once() {
        let some = headers(&[("X-A", " 1\t"), ("x-b", "2"), ("X-B", "2")]);
        assert_eq!(some.one("x-a"), Ok("1"));
        assert_eq!(some.one("X-B"), Err(Refusal::Malformed));
        assert_eq!(some.one("X-C"), Err(Refusal::Missing));
        assert!(some.has("x-B") && !some.has("x"));
    }

    #[test]
    fn too_long_or_too_many_is_refused() {
        let long = "a".repeat(HEADER_MAX_BYTES + 1);
        assert_eq!(headers(&[("a", &long)]).one("a"), Err(Refusal::Malformed));
        assert!(headers(&[("a", &long[1..])]).one("a").is_ok());
        let many = |count| Headers::new((0..count).map(|_| (String::new(), String::new())));
        assert!(many(HEADERS_MAX).is_some() && many(HEADERS_MAX + 1).is_none());
    }
}
