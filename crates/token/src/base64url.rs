//! `base64url` without padding (RFC 7515, section 2), in its one canonical form.

/// The bytes of a text.
///
/// - errors: `None` for padding, white space, a symbol of another alphabet, a length that no bytes have, or a last symbol
///   with bits that belong to no byte: a token has one spelling.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0;
        for symbol in group {
            bits = bits << 6 | u32::from(value(*symbol)?);
        }
        let [_, first, second, third] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        match group.len() {
            4 => bytes.extend([first, second, third]),
            3 if third == 0 => bytes.extend([first, second]),
            2 if second == 0 && third == 0 => bytes.push(first),
            _ => return None,
        }
    }
    Some(bytes)
}

pub fn encode(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..group.len()].copy_from_slice(group);
        let [first, second, third] = three;
        let bits = u32::from_be_bytes([0, first, second, third]);
        for i in 0..=group.len() {
            let symbol = bits >> (18 - 6 * i) & 0x3f;
            text.push(char::from(SYMBOLS[symbol as usize]));
        }
    }
    text
}

fn value(symbol: u8) -> Option<u8> {
    Some(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_7515_appendix_c() {
        assert_eq!(encode(&[3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(
            decode(b"A-z_4ME").as_deref(),
            Some(&[3, 236, 255, 224, 193][..])
        );
    }

    #[test]
    fn one_spelling_for_each_value() {
        assert_eq!(decode(b"").as_deref(), Some(&[][..]));
        assert_eq!(decode(b"AA").as_deref(), Some(&[0][..]));
        for other in [
            "AB", "AAB", "A", "AA==", "AA=", "A A", "AA\n", "AA+A", "AA/A", "AA.A", "AAAAA",
            "\u{e9}A",
        ] {
            assert_eq!(decode(other.as_bytes()), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes: Vec<u8>) {
            prop_assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn what_is_decoded_had_this_spelling_and_no_other(text in "[A-Za-z0-9_-]{0,12}") {
            if let Some(bytes) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
