//! Signatures that others published: RFC 7515, appendix A.1 to A.3; RFC 8037, appendix A.4. Their tokens have no audience,
//! or are no tokens: what is tried is the key.

use zeroize::Zeroizing;

use crate::key::{Key, PublicKey};
use crate::{Refusal, base64url, parse_key_set};

const A1_SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A1_TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const A2_KEY: &str = r#"{"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
const A2_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7\
    t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12\
    jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUP\
    QGe77Rw";

const A3_KEY: &str = r#"{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const A3_TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const A4_KEY: &str =
    r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const A4_TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
    hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

#[test]
fn rfc_7515_appendix_a1_hs256() {
    let secret = base64url::decode(A1_SECRET.as_bytes()).unwrap();
    verifies_as_published_and_in_no_other_form(
        &Key::secret(Zeroizing::new(secret)).unwrap(),
        A1_TOKEN,
    );
}

#[test]
fn rfc_7515_appendix_a2_rs256() {
    verifies_as_published_and_in_no_other_form(&public_key(A2_KEY).into(), A2_TOKEN);
}

#[test]
fn rfc_7515_appendix_a3_es256() {
    verifies_as_published_and_in_no_other_form(&public_key(A3_KEY).into(), A3_TOKEN);
}

#[test]
fn rfc_8037_appendix_a4_ed25519() {
    verifies_as_published_and_in_no_other_form(&public_key(A4_KEY).into(), A4_TOKEN);
}

/// The signature with any bit changed, cut anywhere, or with a byte more, does not verify; nor does another text.
fn verifies_as_published_and_in_no_other_form(key: &Key, token: &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature.as_bytes()).unwrap();
    assert_eq!(key.verify(signed.as_bytes(), &signature), Ok(()));

    let refused = |signed: &[u8], signature: &[u8]| {
        assert_eq!(key.verify(signed, signature), Err(Refusal::Signature));
    };
    for bit in 0..signature.len() * 8 {
        let mut damaged = signature.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        refused(signed.as_bytes(), &damaged);
    }
    for length in 0..signature.len() {
        refused(signed.as_bytes(), &signature[..length]);
    }
    refused(signed.as_bytes(), &[&signature[..], &[0]].concat());
    refused(signed.as_bytes(), &[&[0], &signature[..]].concat());
    refused(&signed.as_bytes()[1..], &signature);
    refused(&[signed.as_bytes(), b"."].concat(), &signature);
}

#[test]
fn a_public_key_comes_back_from_what_is_stored_of_it() {
    for text in [A2_KEY, A3_KEY, A4_KEY] {
        let key = public_key(text);
        assert_eq!(public_key(&key.to_jwk().to_string()), key);
        let given: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(key.to_jwk(), given);
    }
}

fn public_key(jwk: &str) -> PublicKey {
    let set = format!(r#"{{"keys": [{jwk}]}}"#);
    let mut keys = parse_key_set(set.as_bytes()).unwrap();
    assert_eq!(keys.len(), 1);
    keys.remove(0).1
}
