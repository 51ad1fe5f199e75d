//! What pgcrypto's `pgp_sym_encrypt` made, in whatever dress it was kept: as it came, as base64, hex, or armored. Only the
//! dress comes off here. The message itself is pgcrypto's to decrypt, which those who come from it have installed: OpenPGP
//! knows more ciphers than anybody wants to bring along.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Refusal;

const BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const END: &[u8] = b"-----END PGP MESSAGE-----";

/// The binary message.
///
/// - source: RFC 4880, sections 4.2 (every packet begins with a byte above 0x7f) and 6.2 (armor).
/// - errors: [`Refusal::Malformed`].
pub fn message(kept: &[u8]) -> Result<Vec<u8>, Refusal> {
    let text = kept.trim_ascii();
    let message = if kept.first().is_some_and(|first| first & 0x80 != 0) {
        kept.to_vec()
    } else if let Some(digits) = text.strip_prefix(b"\\x") {
        let value = |digit: u8| (digit as char).to_digit(16).map(|value| value as u8);
        let pairs = digits.chunks(2).map(|pair| match *pair {
            [high, low] => Some(value(high)? << 4 | value(low)?),
            _ => None,
        });
        pairs
            .collect::<Option<_>>()
            .ok_or_else(|| Refusal::malformed("it begins as hex and is none"))?
    } else if let Some(armored) = text.strip_prefix(BEGIN) {
        let armored = armored
            .strip_suffix(END)
            .ok_or_else(|| Refusal::malformed("it is armored and has no end"))?;
        base64_of(body(armored)?)?
    } else {
        base64_of(text.to_vec())?
    };
    match message.first() {
        Some(first) if first & 0x80 != 0 => Ok(message),
        _ => Err(Refusal::malformed("it holds no OpenPGP message")),
    }
}

/// The base64 between the headers, which an empty line ends, and the checksum, a line that begins with `=`. The checksum is
/// left to the message's own, which is a hash and not a sum.
fn body(armored: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut lines = armored.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    // What is left of the first line.
    lines.next();
    let mut body = Vec::with_capacity(armored.len());
    let mut has_begun = false;
    for line in lines {
        if !has_begun {
            has_begun = line.is_empty();
        } else if line.starts_with(b"=") {
            break;
        } else {
            body.extend_from_slice(line);
        }
    }
    match has_begun {
        true => Ok(body),
        false => Err(Refusal::malformed("it is armored and has no empty line")),
    }
}

/// `encode(..., 'base64')` breaks its lines.
fn base64_of(mut text: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    text.retain(|byte| !byte.is_ascii_whitespace());
    STANDARD
        .decode(&text)
        .map_err(|_| Refusal::malformed("it is neither binary, base64, hex nor armored"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_of_every_dress() {
        let bare = [0xc3, 0x0d, 0x04, 0x07, 0x03, 0x02, 0xff];
        assert_eq!(message(&bare).unwrap(), bare);
        assert_eq!(message(b"\\xc30d04070302ff").unwrap(), bare);
        assert_eq!(message(b" \\xC30D04070302FF\n").unwrap(), bare);
        assert_eq!(message(b"ww0EBwMC/w==").unwrap(), bare);
        assert_eq!(message(b"\nww0E\r\nBwMC\n/w==\n").unwrap(), bare);
        for armored in [
            "-----BEGIN PGP MESSAGE-----\n\nww0EBwMC\n/w==\n=abcd\n-----END PGP MESSAGE-----\n",
            "-----BEGIN PGP MESSAGE-----\r\nVersion: x\r\n\r\nww0EBwMC/w==\r\n-----END PGP MESSAGE-----",
        ] {
            assert_eq!(message(armored.as_bytes()).unwrap(), bare);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bad in [
            "",
            "not base64!",
            "aGVsbG8=",
            "\\x00",
            "\\xc3z0",
            "\\xc30",
            "-----BEGIN PGP MESSAGE-----\n\nww0E\n",
            "-----BEGIN PGP MESSAGE-----\nww0E\n-----END PGP MESSAGE-----",
        ] {
            assert!(message(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
