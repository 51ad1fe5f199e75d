//! How much work a look does, beside one step a byte for the anchors: counted in tests, and nowhere else.
//!
//! A time says nothing on a machine that others share; a count of the bytes looked at says the same everywhere.

#[cfg(test)]
thread_local! {
    static DONE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes were looked at.
#[cfg(test)]
pub fn done(bytes: usize) {
    DONE.set(DONE.get() + bytes);
}

/// So many bytes were looked at.
#[cfg(not(test))]
#[inline(always)]
pub fn done(_: usize) {}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::Guard;

    fn of_a_look(guard: &Guard, text: &str) -> usize {
        DONE.set(0);
        guard.all(text, Some("api_key"), &mut |_| ControlFlow::Continue(()));
        guard.json(text, Some("api_key"), &mut |_, _| ControlFlow::Continue(()));
        DONE.get()
    }

    /// Sixteen times the text is at most seventeen times the work, whatever the text is made of.
    #[test]
    fn work_grows_with_the_text_and_not_faster() {
        let guard = Guard::new();
        let base64 = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t";
        let brackets = "))))))))))))";
        for part in [
            "sk-",
            "sk-ant-",
            "sk_live_",
            "eyJ",
            "eyJhbGciOiJI.",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n",
            base64,
            "/LS0tLS1CRUdJTi",
            "%41",
            "%41sk-",
            "%",
            "{\"a\":",
            "{\"a\":{\"a\":[",
            "[",
            "[\"",
            "\"\\u0041\",",
            "\"[",
            "\\",
            "://",
            "a://b:c@",
            "a://bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            "AccountKey=",
            ";AccountKey=",
            "token=",
            "token:",
            "password\":\"",
            "secret=a1B2",
            brackets,
            "token=)",
            "a_",
            "ab_live_",
            "0123456789abcdef",
            "0123456789abcdef0123456789abcdef-us",
            ":AA",
            "12345678:AA",
            "A.B.C.",
            "1/",
            "xoxb-",
            "|",
            "Q~",
            "AKIA",
            "/AKIA",
            ".",
            "SG.",
            "é",
        ] {
            let small = of_a_look(&guard, &part.repeat(65_536 / part.len()));
            let big = of_a_look(&guard, &part.repeat(1_048_576 / part.len()));
            assert!(
                big <= small * 17 + 65_536,
                "{part}: {small} for 64 KiB, {big} for 1 MiB"
            );
            assert!(big <= 1_048_576 * 400, "{part}: {big} for 1 MiB");
        }
    }

    /// However long the key is that many values stand under, it is not read and not written out for each of them.
    #[test]
    fn work_grows_with_the_values_and_not_with_their_key() {
        let guard = Guard::new();
        let found = format!("\"sk_{}_51HgT5pKq8mZr2VbXw9LcNdQ\",", "live");
        for (key, value) in [
            ("k", "\"clean\","),
            ("\\u0041", "\"clean\","),
            ("k", &*found),
            ("\\u00e9", &*found),
            ("k\":{\"k", "\"{\\\"clean\\\":0}\","),
        ] {
            let of = |bytes: usize| {
                let long = key.repeat(bytes / key.len());
                let text = format!("{{\"{long}\":[{}", value.repeat(bytes / value.len()));
                DONE.set(0);
                guard.json(&text, None, &mut |path, _| {
                    assert!(path.to_string().len() <= 1024 + 3);
                    ControlFlow::Continue(())
                });
                DONE.get()
            };
            let (small, big) = (of(16_384), of(262_144));
            assert!(
                big <= small * 17 + 65_536,
                "{key}, {value}: {small} for 16 KiB, {big} for 256 KiB"
            );
        }
    }
}
