//! RSA public keys as they are published: SubjectPublicKeyInfo (RFC 5280, section 4.1) in PEM or in bare base64.

use crate::base64;

/// Wise's has 294; the longest that ring takes, of 8192 bits, some 1100.
const DER_MAX_BYTES: usize = 2048;

const MODULUS_MIN_BITS: usize = 2048;
const MODULUS_MAX_BITS: usize = 8192;
/// ring's bound: more serves nobody and makes a verification slow.
const EXPONENT_MAX_BITS: usize = 33;

/// AlgorithmIdentifier of rsaEncryption, with its NULL (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// The RSAPublicKey inside (RFC 8017, appendix A.1.1), of 2048 to 8192 bits. What ring would take for no key is none here,
/// so that nobody keeps a key under which nothing verifies.
pub fn rsa_public_key(text: &str) -> Option<Vec<u8>> {
    let body = match text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----") {
        Some(rest) => rest.strip_suffix("-----END PUBLIC KEY-----")?,
        None => text,
    };
    let symbols: Vec<u8> = body.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let der = base64::decode(&symbols)?;
    if der.len() > DER_MAX_BYTES {
        return None;
    }
    let (info, rest) = element(SEQUENCE, &der)?;
    let (bits, after) = element(BIT_STRING, info.strip_prefix(RSA_ENCRYPTION)?)?;
    let key = bits.strip_prefix(&[0])?;
    let (numbers, behind) = element(SEQUENCE, key)?;
    let (modulus, exponent) = element(INTEGER, numbers)?;
    let (exponent, end) = element(INTEGER, exponent)?;
    let is_whole = [rest, after, behind, end]
        .iter()
        .all(|left| left.is_empty());
    let fits = (MODULUS_MIN_BITS..=MODULUS_MAX_BITS).contains(&odd_bits(modulus)?)
        && (2..=EXPONENT_MAX_BITS).contains(&odd_bits(exponent)?);
    (is_whole && fits).then(|| key.to_vec())
}

/// How many bits an odd, positive INTEGER has that is written without needless zeros.
fn odd_bits(integer: &[u8]) -> Option<usize> {
    let digits = match integer {
        [0, digits @ ..] if digits.first()? >= &0x80 => digits,
        [1..0x80, ..] => integer,
        _ => return None,
    };
    let is_odd = digits.last()? & 1 == 1;
    is_odd.then(|| digits.len() * 8 - digits[0].leading_zeros() as usize)
}

/// The content of a DER element of this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
        [0x82, high @ 1..=0xff, low, rest @ ..] => {
            (usize::from(*high) << 8 | usize::from(*low), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD;

    use super::*;

    /// Wise's, of its sandbox.
    const PUBLISHED: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwpb91cEYuyJNQepZAVfPZIlPZfNUefH+n6w9SW3fykqK\
        u938cR7WadQv87oF2VuT+fDt7kqeRziTmPSUhqPUys/V2Q1rlfJuXbE+Gga37t7zwd0egQ+KyOEHQOpcTwKmtZ81ieGHynAQzsn1We3jwt760Ms\
        CPJ7GMT141ByQM+yW1Bx+4SG3IGjXWyqOWrcXsxAvIXkpUD/jK/L958CgnZEgz0BSEh0QxYLITnW1lLokSx/dTianWPFEhMC9BgijempgNXHNfc\
        Virg1lPSygz7KqoKUN0oHqWLr2U1A+7kqrl6O2nx3CKs1bj1hToT1+p4kcMoHXA7kA+VBLUpEsVwIDAQAB";

    #[test]
    fn pem_and_bare_base64_are_the_same_key() {
        let key = rsa_public_key(PUBLISHED).unwrap();
        assert_eq!((key.len(), &key[..4]), (270, &[0x30, 0x82, 0x01, 0x0a][..]));
        let (first, second) = PUBLISHED.split_at(64);
        let pem = format!(
            "\n-----BEGIN PUBLIC KEY-----\n{first}\r\n{second}\n-----END PUBLIC KEY-----\n"
        );
        assert_eq!(rsa_public_key(&pem), Some(key));
    }

    #[test]
    fn nothing_else_is_a_key() {
        let cut = &PUBLISHED[..PUBLISHED.len() - 4];
        let longer = format!("{PUBLISHED}AAAA");
        let private = PUBLISHED.replacen("MIIB", "MIIE", 1);
        let half = format!("-----BEGIN PUBLIC KEY-----{PUBLISHED}");
        for text in [
            "",
            "x",
            "-----BEGIN PUBLIC KEY-----",
            cut,
            &longer,
            &private,
            &half,
        ] {
            assert_eq!(rsa_public_key(text), None, "{text}");
        }
        // Every byte of the frame around the two numbers matters; and a modulus of 2047 bits, an even one, and an even exponent.
        let der = base64::decode(PUBLISHED.as_bytes()).unwrap();
        let frame = (0..32).chain(der.len() - 5..der.len() - 3);
        for (at, bits) in
            frame
                .map(|at| (at, 0x40))
                .chain([(33, 0x80), (der.len() - 6, 1), (der.len() - 1, 1)])
        {
            let mut other = der.to_vec();
            other[at] ^= bits;
            let text = STANDARD.encode(&other);
            assert!(rsa_public_key(&text).is_none(), "byte {at}");
        }
    }
}
