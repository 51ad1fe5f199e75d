//! A message without its values: PostgreSQL keeps the format that a message was made from, and it is in English
//! whatever `lc_messages` says.

/// `invalid input syntax for type %s: "%s"` becomes `invalid input syntax for type ?: "?"`.
///
/// - conversions as printf(3) and ereport know them, `%m` and `%2$s` included; `%%` is one percent sign
pub fn blank(format: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(format.len());
    let mut rest = format.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            shown.push(byte);
            continue;
        }
        // Flags, width, precision and length come before the one letter that ends a conversion.
        match rest.find(|byte| !b"0123456789-+ #'*.$hlqjzt".contains(byte)) {
            Some(b'%') => shown.push(b'%'),
            _ => shown.push(b'?'),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_question_marks() {
        for (format, shown) in [
            (
                "invalid input syntax for type %s: \"%s\"",
                "invalid input syntax for type ?: \"?\"",
            ),
            ("%s at or near \"%s\"", "? at or near \"?\""),
            ("%.*s, %ld.%03d ms, %zu", "?, ?.? ms, ?"),
            ("%2$s of %1$s: %m", "? of ?: ?"),
            ("100 %% of %lld", "100 % of ?"),
            ("cut off %", "cut off ?"),
            ("cut off %0", "cut off ?"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(blank(format.as_bytes()), shown.as_bytes(), "{format}");
        }
    }
}
