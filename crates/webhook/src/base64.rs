//! `base64` with padding (RFC 4648, section 4), in its one canonical form.

use zeroize::Zeroizing;

/// The bytes of a text, which may be a key: they are wiped when they are dropped.
///
/// - errors: `None` for white space, a symbol of another alphabet, padding that lacks or stands elsewhere than at the end,
///   or a last symbol with bits that belong to no byte.
pub fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    // As long as it can get, so that no part of a key is left behind where the bytes outgrew their place.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3));
    let last = text.len().saturating_sub(4);
    for (at, group) in text.chunks(4).enumerate() {
        let padding = match group {
            [_, _, b'=', b'='] if at * 4 == last => 2,
            [_, _, _, b'='] if at * 4 == last => 1,
            _ => 0,
        };
        let mut bits = 0;
        for symbol in &group[..4 - padding] {
            bits = bits << 6 | u32::from(value(*symbol)?);
        }
        let [_, first, second, third] = (bits << (6 * padding)).to_be_bytes();
        match (padding, second, third) {
            (0, _, _) => bytes.extend([first, second, third]),
            (1, _, 0) => bytes.extend([first, second]),
            (2, 0, 0) => bytes.push(first),
            _ => return None,
        }
    }
    Some(bytes)
}

fn value(symbol: u8) -> Option<u8> {
    Some(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_4648_section_10() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(
                decode(text.as_bytes()).as_deref(),
                Some(&bytes.as_bytes().to_vec())
            );
        }
    }

    #[test]
    fn one_spelling_for_each_value() {
        for other in [
            "Zh==", "Zm9=", "Zg", "Zm8", "Z===", "====", "=Zg=", "Zg==Zg==", "Zm 9", "Zm9\n",
            "Zm9-", "Zm9_",
        ] {
            assert_eq!(decode(other.as_bytes()), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn what_another_encodes_is_decoded(bytes: Vec<u8>) {
            let decoded = decode(STANDARD.encode(&bytes).as_bytes());
            prop_assert_eq!(decoded.as_deref(), Some(&bytes));
        }

        #[test]
        fn what_is_decoded_had_this_spelling_and_no_other(text in "[A-Za-z0-9+/=]{0,12}") {
            if let Some(bytes) = decode(text.as_bytes()) {
                prop_assert_eq!(STANDARD.encode(&*bytes), text);
            }
        }
    }
}
