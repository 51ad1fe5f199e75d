//! Bech32, the spelling of age's keys (BIP 173), without its limit of 90 characters.

use zeroize::Zeroizing;

use crate::Refusal;

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM_LETTERS: usize = 6;

/// The prefix in lower case, and the bytes. All in one case, with a checksum that fits.
pub(crate) fn decode(text: &str) -> Result<(String, Zeroizing<Vec<u8>>), Refusal> {
    let refused = || Refusal::malformed("it is no key in Bech32, or was misspelt");
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    if !text.is_ascii() || has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) {
        return Err(refused());
    }
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let (prefix, letters) = lower.rsplit_once('1').ok_or_else(refused)?;
    let letters = letters.bytes().map(|letter| {
        let place = LETTERS.iter().position(|known| *known == letter);
        place.map(|place| place as u8)
    });
    let values: Zeroizing<Vec<u8>> =
        Zeroizing::new(letters.collect::<Option<_>>().ok_or_else(refused)?);
    if prefix.is_empty() || values.len() < CHECKSUM_LETTERS || checksum(prefix, &values) != 1 {
        return Err(refused());
    }
    let values = &values[..values.len() - CHECKSUM_LETTERS];
    let mut bytes = Zeroizing::new(Vec::with_capacity(values.len() * 5 / 8));
    let (mut held, mut bits) = (0u32, 0);
    for value in values {
        held = held << 5 | u32::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    // What is left fills up the last letter, with zeros.
    match bits < 5 && held == 0 {
        true => Ok((prefix.to_owned(), bytes)),
        false => Err(refused()),
    }
}

/// 1 for what fits.
fn checksum(prefix: &str, values: &[u8]) -> u32 {
    const GENERATORS: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let all = high.chain([0]).chain(low).chain(values.iter().copied());
    all.fold(1, |sum: u32, value| {
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        GENERATORS
            .iter()
            .enumerate()
            .filter(|(bit, _)| sum >> 25 >> bit & 1 == 1)
            .fold(next, |next, (_, generator)| next ^ generator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BIP 173's own.
    #[test]
    fn what_the_standard_lists_as_valid_decodes_and_what_it_lists_as_invalid_does_not() {
        for good in [
            "A12UEL5L",
            "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
            "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        ] {
            assert!(checks(good), "{good}");
        }
        for bad in [
            "pzry9x0s0muk",
            "1pzry9x0s0muk",
            "x1b4n0q5v",
            "li1dgmt3",
            "A1G7SGD8",
            "10a06t8",
            "1qzzfhee",
            "a12UEL5L",
            "é1",
        ] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    fn checks(text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        let (prefix, letters) = lower.rsplit_once('1').unwrap();
        let values: Vec<u8> = letters
            .bytes()
            .map(|letter| LETTERS.iter().position(|known| *known == letter).unwrap() as u8)
            .collect();
        checksum(prefix, &values) == 1
    }

    #[test]
    fn bits_that_fill_up_are_few_and_zero() {
        // Eleven letters of 5 bits: 55 bits, 6 bytes and 7 bits too many.
        assert!(decode("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w").is_ok());
        assert!(decode("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw").is_ok());
    }
}
