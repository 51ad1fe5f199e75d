//! One attack a test.

use serde_json::{Value, json};
use token::{LEEWAY_S, Refusal, TOKEN_MAX_BYTES, Token};

use super::forge::{
    ALGORITHMS, AUDIENCE, EC_X, EC_Y, ED_X, ISSUER, NOW_S, RSA_MODULUS, all_keys, claims, decode,
    encode, hs256, jwk, key, of, of_texts, refusal, sha256, sign, trusted, verify,
};

fn malformed(token: &str) {
    let refusal = refusal(token);
    assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal:?}");
}

#[test]
fn a_token_in_order_is_believed() {
    for algorithm in ALGORITHMS {
        let claims = verify(&of(algorithm, &claims(json!({}))), &all_keys()).expect(algorithm);
        assert_eq!(claims.issuer(), ISSUER);
        assert_eq!(claims.subject(), Some("user-1"));
        assert_eq!(
            claims.all()["tenant_id"],
            "7c9e6679-7425-40de-944b-e07fc1f90ae7"
        );
    }
}

#[test]
fn no_algorithm_in_any_spelling() {
    for none in ["none", "None", "NONE", "nOnE", "none ", " none", "", "null"] {
        let header = json!({ "alg": none, "typ": "JWT" }).to_string();
        let body = format!(
            "{}.{}",
            encode(header),
            encode(claims(json!({})).to_string())
        );
        malformed(&format!("{body}."));
        malformed(&format!(
            "{body}.{}",
            encode(sign("HS256", body.as_bytes()))
        ));
        malformed(&body);
    }
    for header in [
        r#"{"typ":"JWT"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":0}"#,
    ] {
        malformed(&of_texts("HS256", header, &claims(json!({})).to_string()));
    }
}

#[test]
fn algorithms_that_nobody_uses_here_and_misspelt_ones() {
    for other in [
        "hs256",
        "HS384",
        "HS512",
        "RS384",
        "PS256",
        "ES384",
        "ES256K",
        "ES512",
        "EdDSA ",
        "eddsa",
        "Ed448",
        "A128GCM",
        "dir",
        "HS256\u{0}",
    ] {
        let header = json!({ "alg": other }).to_string();
        malformed(&of_texts("HS256", &header, &claims(json!({})).to_string()));
    }
}

/// Every form in which somebody may have the public key at hand.
#[test]
fn a_public_key_is_no_secret() {
    let payload = claims(json!({})).to_string();
    let pem = |bytes: &[u8]| {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n").into_bytes()
    };
    for (algorithm, raw) in [
        ("RS256", decode(RSA_MODULUS)),
        ("ES256", [&[4], &decode(EC_X)[..], &decode(EC_Y)].concat()),
        ("EdDSA", decode(ED_X)),
    ] {
        let jwk = jwk(algorithm).to_string().into_bytes();
        let spellings = [
            raw.clone(),
            pem(&raw),
            jwk.clone(),
            encode(&raw).into_bytes(),
            sha256(&raw),
        ];
        for secret in spellings {
            let header = json!({ "alg": "HS256", "kid": "the-key" }).to_string();
            let signed = format!("{}.{}", encode(header), encode(&payload));
            let token = format!("{signed}.{}", encode(hs256(&secret, signed.as_bytes())));
            assert_eq!(
                verify(&token, &[trusted(algorithm, Some("the-key"))]),
                Err(Refusal::UnknownKey)
            );
            assert_eq!(
                verify(&token, &[trusted(algorithm, None)]),
                Err(Refusal::UnknownKey)
            );
            // Not under a secret that is trusted beside it, either.
            assert_eq!(
                verify(&token, &[trusted(algorithm, None), trusted("HS256", None)]),
                Err(Refusal::Signature)
            );
        }
    }
}

#[test]
fn a_header_that_names_another_algorithm_than_the_keys() {
    for signed_by in ALGORITHMS {
        for said in ALGORITHMS.iter().filter(|said| **said != signed_by) {
            let header = json!({ "alg": said }).to_string();
            let token = of_texts(signed_by, &header, &claims(json!({})).to_string());
            assert_eq!(
                verify(&token, &[trusted(signed_by, None)]),
                Err(Refusal::UnknownKey)
            );
            assert_eq!(refusal(&token), Refusal::Signature);
        }
    }
}

#[test]
fn ecdsa_of_nothing() {
    let header = encode(r#"{"alg":"ES256"}"#);
    let signed = format!("{header}.{}", encode(claims(json!({})).to_string()));
    let order = order();
    let one: Vec<u8> = [[0; 31].as_slice(), &[1]].concat();
    let numbers = [vec![0; 32], one, order.clone(), vec![0xff; 32]];
    for r in &numbers {
        for s in &numbers {
            let token = format!("{signed}.{}", encode([&r[..], s].concat()));
            assert_eq!(refusal(&token), Refusal::Signature);
        }
    }
    // In DER, as X.509 has it.
    let fixed = sign("ES256", signed.as_bytes());
    let number = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
    let der = [
        &[0x30, 70],
        &number(&fixed[..32])[..],
        &number(&fixed[32..]),
    ]
    .concat();
    assert_eq!(
        refusal(&format!("{signed}.{}", encode(der))),
        Refusal::Signature
    );
}

/// (r, s) and (r, n - s) are both signatures by the one who holds the key, and issuers make either. The second says
/// nothing that the first did not; numbers outside of the group are refused.
#[test]
fn ecdsa_has_two_signatures_and_no_third() {
    let token = of("ES256", &claims(json!({})));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let (r, s) = signature.split_at(32);
    let other = [r, &subtract(&order(), s)].concat();
    let twin = verify(&format!("{signed}.{}", encode(other)), &all_keys());
    assert_eq!(twin, verify(&token, &all_keys()));
    assert!(twin.is_ok());

    let (beyond, carry) = add(s, &order());
    if !carry {
        let outside = [r, &beyond].concat();
        assert_eq!(
            refusal(&format!("{signed}.{}", encode(outside))),
            Refusal::Signature
        );
    }
}

#[test]
fn ed25519_has_one_signature() {
    /// 2^252 + 27742317777372353535851937790883648493, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let token = of("EdDSA", &claims(json!({})));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let mut s: Vec<u8> = signature[32..].to_vec();
    s.reverse();
    let mut order = ORDER;
    order.reverse();
    let (mut beyond, carry) = add(&s, &order);
    assert!(!carry);
    beyond.reverse();
    let other = [&signature[..32], &beyond].concat();
    assert_eq!(
        refusal(&format!("{signed}.{}", encode(other))),
        Refusal::Signature
    );
    assert_eq!(
        refusal(&format!("{signed}.{}", encode([0; 64]))),
        Refusal::Signature
    );
}

#[test]
fn a_signature_that_is_cut_or_longer() {
    for algorithm in ALGORITHMS {
        let token = of(algorithm, &claims(json!({})));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = decode(signature);
        for length in [0, 1, signature.len() / 2, signature.len() - 1] {
            let cut = format!("{signed}.{}", encode(&signature[..length]));
            assert_eq!(refusal(&cut), Refusal::Signature, "{algorithm} {length}");
        }
        let longer = format!("{signed}.{}", encode([&signature[..], &[0]].concat()));
        assert_eq!(refusal(&longer), Refusal::Signature);
    }
}

#[test]
fn a_payload_that_was_changed() {
    for algorithm in ALGORITHMS {
        let token = of(algorithm, &claims(json!({})));
        let parts: Vec<&str> = token.split('.').collect();
        let changed = encode(claims(json!({ "sub": "user-2" })).to_string());
        assert_eq!(
            refusal(&format!("{}.{changed}.{}", parts[0], parts[2])),
            Refusal::Signature
        );
        let header = encode(format!(r#"{{"alg":"{algorithm}"}}"#));
        assert_eq!(
            refusal(&format!("{header}.{}.{}", parts[1], parts[2])),
            Refusal::Signature
        );
    }
}

#[test]
fn the_audience() {
    let of_audience = |audience: Value| of("EdDSA", &claims(json!({ "aud": audience })));
    for right in [json!(AUDIENCE), json!([AUDIENCE]), json!(["x", AUDIENCE])] {
        assert!(verify(&of_audience(right), &all_keys()).is_ok());
    }
    for wrong in [
        json!("other"),
        json!(""),
        json!("Vault"),
        json!("vault "),
        json!("vault2"),
        json!([]),
        json!(["other"]),
        json!(["vaultx"]),
        Value::Null,
    ] {
        assert_eq!(
            refusal(&of_audience(wrong.clone())),
            Refusal::Audience,
            "{wrong}"
        );
    }
    for nonsense in [
        json!(1),
        json!({ "vault": true }),
        json!([1]),
        json!([AUDIENCE, 1]),
        json!([[AUDIENCE]]),
        json!([AUDIENCE, null]),
    ] {
        malformed(&of_audience(nonsense));
    }
}

#[test]
fn each_claim_has_its_type() {
    let dates = [
        json!("1800000300"),
        json!(-1),
        json!(1_800_000_300.5),
        json!(1.8e9),
        json!(u64::MAX),
        json!(i64::MAX),
        json!(253_402_300_800_u64),
        json!(1e300),
        json!(true),
        json!([NOW_S + 300]),
        json!({ "s": NOW_S + 300 }),
    ];
    for name in ["exp", "nbf", "iat"] {
        for date in &dates {
            malformed(&of("EdDSA", &claims(json!({ (name): date }))));
        }
        // Null is no absence.
        let text = claims(json!({ (name): null })).to_string();
        let with_null = format!(r#"{},"{name}":null}}"#, text.trim_end_matches('}'));
        malformed(&of_texts("EdDSA", r#"{"alg":"EdDSA"}"#, &with_null));
    }
    malformed(&of("EdDSA", &claims(json!({ "exp": null }))));
    for subject in [
        json!(1),
        json!(""),
        json!(["user-1"]),
        json!("a\u{0}b"),
        json!("a\nb"),
        json!("x".repeat(256)),
    ] {
        malformed(&of("EdDSA", &claims(json!({ "sub": subject }))));
    }
    for issuer in [
        json!(1),
        json!(""),
        json!([ISSUER]),
        Value::Null,
        json!("x".repeat(256)),
    ] {
        malformed(&of("EdDSA", &claims(json!({ "iss": issuer }))));
    }
    let nobody = verify(&of("EdDSA", &claims(json!({ "sub": null }))), &all_keys()).unwrap();
    assert_eq!(nobody.subject(), None);
}

#[test]
fn a_date_too_great_for_a_number_is_no_json() {
    for huge in ["1e400", "9".repeat(400).as_str()] {
        let payload = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{huge}}}"#);
        malformed(&of_texts("EdDSA", r#"{"alg":"EdDSA"}"#, &payload));
    }
}

#[test]
fn a_life_has_an_end_and_a_beginning() {
    let with = |name: &str, date: u64| {
        verify(&of("HS256", &claims(json!({ (name): date }))), &all_keys()).map(drop)
    };
    assert_eq!(with("exp", NOW_S - LEEWAY_S + 1), Ok(()));
    assert_eq!(with("exp", NOW_S - LEEWAY_S), Err(Refusal::Expired));
    assert_eq!(with("exp", 0), Err(Refusal::Expired));
    assert_eq!(with("nbf", NOW_S + LEEWAY_S), Ok(()));
    assert_eq!(with("nbf", NOW_S + LEEWAY_S + 1), Err(Refusal::NotYetValid));
    assert_eq!(with("iat", NOW_S + 86_400), Ok(()));
}

#[test]
fn the_clock_may_say_anything() {
    for now_s in [0, u64::MAX] {
        let token = of("HS256", &claims(json!({ "nbf": NOW_S })));
        let refusal = Token::parse(token.as_bytes())
            .unwrap()
            .verify(&all_keys(), now_s);
        assert!(refusal.is_err());
    }
}

#[test]
fn members_that_stand_twice() {
    let payload = claims(json!({})).to_string();
    for header in [
        r#"{"alg":"EdDSA","alg":"none"}"#,
        r#"{"alg":"none","alg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","\u0061lg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#,
    ] {
        malformed(&of_texts("EdDSA", header, &payload));
    }
    let open = payload.trim_end_matches('}');
    for twice in [
        r#","sub":"user-2"}"#,
        r#","sub":"user-1"}"#,
        r#","exp":99999999999}"#,
        r#","app_metadata":{"tenant_id":1,"tenant_id":2}}"#,
    ] {
        malformed(&of_texts(
            "EdDSA",
            r#"{"alg":"EdDSA"}"#,
            &format!("{open}{twice}"),
        ));
    }
}

#[test]
fn extensions_that_demand_to_be_understood() {
    let payload = claims(json!({})).to_string();
    for header in [
        json!({ "alg": "EdDSA", "crit": ["exp"], "exp": 0 }),
        json!({ "alg": "EdDSA", "crit": [] }),
        json!({ "alg": "EdDSA", "crit": ["b64"], "b64": false }),
        json!({ "alg": "EdDSA", "crit": null }),
    ] {
        malformed(&of_texts("EdDSA", &header.to_string(), &payload));
    }
}

#[test]
fn keys_that_the_token_brings_along() {
    let payload = claims(json!({})).to_string();
    for header in [
        json!({ "alg": "EdDSA", "jwk": jwk("EdDSA") }),
        json!({ "alg": "EdDSA", "jku": "https://attacker.example/jwks.json" }),
        json!({ "alg": "EdDSA", "x5c": ["MIIB"], "x5u": "https://attacker.example/" }),
    ] {
        let token = of_texts("EdDSA", &header.to_string(), &payload);
        assert_eq!(
            verify(&token, &[trusted("RS256", None)]),
            Err(Refusal::UnknownKey)
        );
        assert_eq!(verify(&token, &[]), Err(Refusal::UnknownKey));
        // They change nothing where the token is in order without them.
        assert!(verify(&token, &all_keys()).is_ok());
    }
}

#[test]
fn tokens_of_other_kinds() {
    let payload = claims(json!({})).to_string();
    for right in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        let header = json!({ "alg": "EdDSA", "typ": right }).to_string();
        assert!(verify(&of_texts("EdDSA", &header, &payload), &all_keys()).is_ok());
    }
    for header in [
        json!({ "alg": "EdDSA", "typ": "logout+jwt" }),
        json!({ "alg": "EdDSA", "typ": "dpop+jwt" }),
        json!({ "alg": "EdDSA", "typ": "" }),
        json!({ "alg": "EdDSA", "typ": 1 }),
        json!({ "alg": "EdDSA", "cty": "JWT" }),
    ] {
        malformed(&of_texts("EdDSA", &header.to_string(), &payload));
    }
}

#[test]
fn a_token_has_one_spelling() {
    let token = of("HS256", &claims(json!({})));
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    // The last of the signature's 43 symbols carries four bits; the two others are zero.
    let last = signature.as_bytes()[42];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.iter().position(|symbol| *symbol == last).unwrap();
    for other in at + 1..at + 4 {
        let spelt = char::from(alphabet[other]);
        malformed(&format!("{header}.{payload}.{}{spelt}", &signature[..42]));
    }
    for other in [
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{token}."),
        format!("{token}.AA"),
        format!("{token}AAAAA"),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}=.{payload}.{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("Bearer {token}"),
        format!("{header}.{payload}.{}", signature.replace(['-', '_'], "+")) + "+",
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        token.replace('.', ","),
    ] {
        let refused = match Token::parse(other.as_bytes()) {
            Ok(token) => token.verify(&all_keys(), NOW_S).expect_err("believed"),
            Err(refusal) => refusal,
        };
        // What is well-formed with more or less of a signature is a token that nobody signed.
        let expected = matches!(refused, Refusal::Malformed(_) | Refusal::Signature);
        assert!(expected, "{other:?}: {refused:?}");
    }
    let trailing = format!("{} ", claims(json!({}))) + "{}";
    malformed(&of_texts("HS256", r#"{"alg":"HS256"}"#, &trailing));
    malformed(&of_texts("HS256", r#"["HS256"]"#, "{}"));
    malformed(&of_texts("HS256", r#"{"alg":"HS256"}"#, "[]"));
}

#[test]
fn sizes_are_bounded() {
    let padded = |length: usize| of("HS256", &claims(json!({ "padding": "x".repeat(length) })));
    assert!(verify(&padded(11_000), &all_keys()).is_ok());
    let oversized = padded(13_000);
    assert!(oversized.len() > TOKEN_MAX_BYTES);
    malformed(&oversized);
    malformed(&"A".repeat(TOKEN_MAX_BYTES + 1));
    let deep = format!(r#"{{"iss":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    malformed(&of_texts("HS256", r#"{"alg":"HS256"}"#, &deep));
}

#[test]
fn no_debug_output_shows_a_secret() {
    let shown = format!("{:?}", key("HS256"));
    assert_eq!(shown, "Key(HS256, redacted)");
    assert!(!format!("{:?}", trusted("HS256", None)).contains("thirty"));
}

/// n of P-256 (SP 800-186, section 3.2.1.3).
fn order() -> Vec<u8> {
    decode("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE")
}

/// Big-endian.
fn subtract(from: &[u8], what: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = from
        .iter()
        .zip(what)
        .rev()
        .map(|(a, b)| {
            let d = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(d < 0);
            d.rem_euclid(256) as u8
        })
        .collect();
    difference.reverse();
    difference
}

fn add(a: &[u8], b: &[u8]) -> (Vec<u8>, bool) {
    let mut carry = 0;
    let mut sum: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let s = u16::from(*a) + u16::from(*b) + carry;
            carry = s >> 8;
            s as u8
        })
        .collect();
    sum.reverse();
    (sum, carry != 0)
}
