//! What somebody tries who has seen genuine requests.

use webhook::{
    Environment, HEADER_MAX_BYTES, Headers, Refusal, SIGNATURES_MAX, TOLERANCE_S, WISE_TOLERANCE_S,
};

use super::vectors::named;

const STAMPED: [&str; 4] = ["stripe_dotnet", "mux_node_sdk", "mux_elixir", "svix_docs"];

#[test]
fn a_replay_is_stale_after_five_minutes_and_before_its_time() {
    let tolerance = i64::from(TOLERANCE_S);
    for vector in STAMPED.map(named) {
        for near in [-tolerance, -1, 0, 1, tolerance] {
            assert_eq!(
                vector.verify_at(vector.now_s + near),
                Ok(()),
                "{}",
                vector.name
            );
        }
        for far in [
            -tolerance - 1,
            tolerance + 1,
            1_000_000_000,
            i64::MAX - vector.now_s,
        ] {
            assert_eq!(
                vector.verify_at(vector.now_s + far),
                Err(Refusal::Stale),
                "{}",
                vector.name
            );
        }
        assert_eq!(
            vector.verify_at(i64::MIN),
            Err(Refusal::Stale),
            "{}",
            vector.name
        );
    }
}

/// Its time is signed: a newer one does not go with the signature.
#[test]
fn a_replay_does_not_become_young_by_another_time() {
    for vector in STAMPED.map(named) {
        let later = vector.now_s + 3600;
        let (old, new) = (vector.now_s.to_string(), later.to_string());
        let mut other = vector.clone();
        for value in other.headers.values_mut() {
            *value = value.replace(&old, &new);
        }
        assert_eq!(
            other.verify_at(later),
            Err(Refusal::Mismatch),
            "{}",
            vector.name
        );
        // A time beside the signed one.
        let header = vector.headers.keys().next().unwrap();
        let twice = vector.with(header, &format!("t={new},{}", vector.header(header)));
        assert!(twice.verify_at(later).is_err(), "{}", vector.name);
    }
}

/// That something is old is said of what is genuine alone: else the time would be an oracle for nothing, and the log wrong.
#[test]
fn what_is_forged_is_a_mismatch_however_old() {
    for vector in STAMPED.map(named) {
        let payload = b"{}";
        let refused =
            vector.verify_with(&vector.keys(), payload, vector.list(), vector.now_s + 9999);
        assert_eq!(refused, Err(Refusal::Mismatch), "{}", vector.name);
    }
}

#[test]
fn wise_counts_its_redeliveries_in_and_older_events_out() {
    let wise = named("wise_sandbox");
    for near in [-300, 0, 14 * 86_400, WISE_TOLERANCE_S] {
        assert_eq!(wise.verify_at(wise.now_s + near), Ok(()), "{near}");
    }
    for far in [-301, WISE_TOLERANCE_S + 1, i64::MAX - wise.now_s] {
        assert_eq!(
            wise.verify_at(wise.now_s + far),
            Err(Refusal::Stale),
            "{far}"
        );
    }
}

#[test]
fn a_sandbox_signs_for_sandboxes_alone() {
    let wise = named("wise_sandbox");
    let headers = Headers::new(wise.list()).unwrap();
    let verify = |world| {
        let payload = wise.payload.as_bytes();
        wise.definition()
            .verify(&[], world, payload, &headers, wise.now_s, TOLERANCE_S)
    };
    assert_eq!(verify(Environment::Test), Ok(()));
    assert_eq!(verify(Environment::Live), Err(Refusal::Mismatch));
}

#[test]
fn a_header_that_is_not_there_is_missing() {
    for vector in super::vectors::all() {
        for name in vector.headers.keys() {
            let mut other = vector.clone();
            other.headers.remove(name);
            assert_eq!(
                other.verify(),
                Err(Refusal::Missing),
                "{}, {name}",
                vector.name
            );
        }
    }
}

/// Servers in front and applications read the first of two, or the last, or both.
#[test]
fn a_header_that_comes_twice_is_malformed() {
    for vector in super::vectors::all() {
        for (name, value) in &vector.headers {
            for second in [value.as_str(), "", "x"] {
                let mut twice = vector.list();
                twice.push((name.to_ascii_uppercase(), second.to_owned()));
                let payload = vector.payload.as_bytes();
                let refused = vector.verify_with(&vector.keys(), payload, twice, vector.now_s);
                assert_eq!(refused, Err(Refusal::Malformed), "{}, {name}", vector.name);
            }
        }
    }
}

#[test]
fn a_header_that_is_too_long_is_malformed() {
    for vector in super::vectors::all() {
        for name in vector.headers.keys() {
            let long = "a".repeat(HEADER_MAX_BYTES + 1);
            assert_eq!(
                vector.with(name, &long).verify(),
                Err(Refusal::Malformed),
                "{}",
                vector.name
            );
        }
    }
}

#[test]
fn names_of_headers_have_no_case() {
    for vector in super::vectors::all() {
        let all = |change: fn(&str) -> String| {
            let list = vector.list();
            list.into_iter()
                .map(|(name, value)| (change(&name), value))
                .collect()
        };
        for list in [all(str::to_ascii_lowercase), all(str::to_ascii_uppercase)] {
            let payload = vector.payload.as_bytes();
            let verified = vector.verify_with(&vector.keys(), payload, list, vector.now_s);
            assert_eq!(verified, Ok(()), "{}", vector.name);
        }
    }
}

/// While a service moves from one secret to the next it signs with both, in either order.
#[test]
fn one_of_several_signatures_is_enough() {
    let stripe = named("stripe_dotnet");
    let (time, signature) = stripe
        .header("Stripe-Signature")
        .split_once(",v0")
        .unwrap()
        .0
        .split_once(',')
        .unwrap();
    let other = format!("v1={}", "0".repeat(64));
    for header in [
        format!("{time},{other},{signature}"),
        format!("{time},{signature},{other}"),
        format!("{signature},{time},v1=short,v0=1"),
        format!("{time}, {signature}"),
    ] {
        assert_eq!(
            stripe.with("Stripe-Signature", &header).verify(),
            Ok(()),
            "{header}"
        );
    }
    let svix = named("svix_docs");
    let signature = svix.header("svix-signature");
    let other = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for header in [
        format!("{other} {signature}"),
        format!("{signature} {other} v1a,x v2,"),
    ] {
        assert_eq!(
            svix.with("svix-signature", &header).verify(),
            Ok(()),
            "{header}"
        );
    }
}

#[test]
fn guesses_in_bulk_are_malformed() {
    let stripe = named("stripe_dotnet");
    let header = stripe.header("Stripe-Signature").to_owned();
    let many = |count| format!("{header}{}", ",v1=0".repeat(count));
    let verified = |count| stripe.with("Stripe-Signature", &many(count)).verify();
    assert_eq!(verified(SIGNATURES_MAX - 1), Ok(()));
    assert_eq!(verified(SIGNATURES_MAX), Err(Refusal::Malformed));
    let svix = named("svix_docs");
    let header = svix.header("svix-signature").to_owned();
    let many = |count| format!("{header}{}", " v1,0".repeat(count));
    let verified = |count| svix.with("svix-signature", &many(count)).verify();
    assert_eq!(verified(SIGNATURES_MAX - 1), Ok(()));
    assert_eq!(verified(SIGNATURES_MAX), Err(Refusal::Malformed));
}

#[test]
fn other_schemes_of_the_same_header_are_not_heeded() {
    let stripe = named("stripe_dotnet");
    let renamed = |to: &str| {
        let header = stripe.header("Stripe-Signature").replace("v1=", to);
        stripe.with("Stripe-Signature", &header).verify()
    };
    for other in ["v0=", "V1=", "v2=", "=", "v1 ="] {
        assert_eq!(renamed(other), Err(Refusal::Malformed), "{other}");
    }
    let svix = named("svix_docs");
    for other in ["v1a,", "V1,", "v2,", ","] {
        let header = svix.header("svix-signature").replace("v1,", other);
        let refused = svix.with("svix-signature", &header).verify();
        assert_eq!(refused, Err(Refusal::Malformed), "{other}");
    }
}

#[test]
fn times_are_plain_digits() {
    for (name, header) in [
        ("stripe_dotnet", "stripe-signature"),
        ("svix_docs", "svix-timestamp"),
    ] {
        let vector = named(name);
        let old = vector.now_s.to_string();
        for other in [
            "",
            "-1",
            "+1",
            "1e9",
            "0x10",
            "1533204620.0",
            "99999999999999999999",
        ] {
            let value = vector.header(header).replace(&old, other);
            assert_eq!(
                vector.with(header, &value).verify(),
                Err(Refusal::Malformed),
                "{other}"
            );
        }
    }
}

/// `a.1` and `2` read as `a`, `1` and a payload that begins with `2.`: what was signed would be the same bytes.
#[test]
fn an_id_holds_no_full_stop() {
    let svix = named("svix_docs");
    let shifted = svix.with("svix-id", "msg_1.2");
    assert_eq!(shifted.verify(), Err(Refusal::Malformed));
    for id in ["", "a b", "\u{e9}", &"a".repeat(257)] {
        assert_eq!(
            svix.with("svix-id", id).verify(),
            Err(Refusal::Malformed),
            "{id}"
        );
    }
}

#[test]
fn both_names_of_standard_webhooks_serve_and_not_at_once() {
    let svix = named("svix_docs");
    let list = svix.list().into_iter();
    let standard: Vec<_> = list
        .map(|(name, value)| (name.replace("svix-", "webhook-"), value))
        .collect();
    let verify = |list| svix.verify_with(&svix.keys(), svix.payload.as_bytes(), list, svix.now_s);
    assert_eq!(verify(standard.clone()), Ok(()));
    assert_eq!(
        verify([svix.list(), standard].concat()),
        Err(Refusal::Malformed)
    );
}

#[test]
fn a_secret_of_standard_webhooks_is_base64_with_or_without_its_prefix() {
    let svix = named("svix_docs");
    let bare = svix
        .secret
        .as_deref()
        .unwrap()
        .strip_prefix("whsec_")
        .unwrap();
    let key = svix.definition().key(bare.as_bytes()).unwrap();
    let verified = svix.verify_with(&[key], svix.payload.as_bytes(), svix.list(), svix.now_s);
    assert_eq!(verified, Ok(()));
    for other in ["", "whsec_", "whsec_not base64", "whsec_AAA"] {
        assert!(svix.definition().key(other.as_bytes()).is_err(), "{other}");
    }
    assert!(named("stripe_dotnet").definition().key(b"").is_err());
    assert!(named("wise_sandbox").definition().key(b"secret").is_err());
}

/// A webhook of one service, shown to another that is signed the same way.
#[test]
fn a_signature_of_one_service_is_none_of_another() {
    let mux = named("mux_node_sdk");
    let mut stripe = mux.clone();
    stripe.definition = serde_json::json!({"scheme": "stripe", "field": "f"});
    assert_eq!(stripe.verify(), Err(Refusal::Missing));
    stripe = stripe.with("Stripe-Signature", mux.header("mux-signature"));
    // With the same secret it is: no service's secret is another's.
    assert_eq!(stripe.verify(), Ok(()));
    stripe.secret = Some("another secret".to_owned());
    assert_eq!(stripe.verify(), Err(Refusal::Mismatch));
}

#[test]
fn any_key_that_counts_verifies() {
    let mux = named("mux_node_sdk");
    let key = |secret: &str| mux.definition().key(secret.as_bytes()).unwrap();
    let verify = |keys: &[_]| mux.verify_with(keys, mux.payload.as_bytes(), mux.list(), mux.now_s);
    assert_eq!(verify(&[key("new"), key("SuperSecret123")]), Ok(()));
    assert_eq!(verify(&[key("SuperSecret123"), key("old")]), Ok(()));
    assert_eq!(verify(&[key("new"), key("old")]), Err(Refusal::Mismatch));
}

#[test]
fn nothing_shows_a_key() {
    let key = named("mux_node_sdk").keys().remove(0);
    assert_eq!(format!("{key:?}"), "Key(redacted)");
}

/// A public key is no secret: whoever reads it could sign with it.
#[test]
fn a_public_key_is_no_secret_and_a_secret_no_public_key() {
    let (wise, mux) = (named("wise_sandbox"), named("mux_node_sdk"));
    let published = wise.definition["keys"]["test"][0].as_str().unwrap();
    let public = wise.definition().key(published.as_bytes()).unwrap();
    let refused = mux.verify_with(&[public], mux.payload.as_bytes(), mux.list(), mux.now_s);
    assert_eq!(refused, Err(Refusal::Mismatch));
    let refused = wise.verify_with(
        &mux.keys(),
        wise.payload.as_bytes(),
        wise.list(),
        wise.now_s,
    );
    assert_eq!(refused, Err(Refusal::Mismatch));
}

/// One that a tenant has been given counts in the place of those that are published.
#[test]
fn a_public_key_of_ones_own_replaces_the_published_ones() {
    let wise = named("wise_sandbox");
    let headers = Headers::new(wise.list()).unwrap();
    let verify = |own: &str| {
        let key = wise.definition().key(own.as_bytes()).unwrap();
        let payload = wise.payload.as_bytes();
        let live = Environment::Live;
        wise.definition()
            .verify(&[key], live, payload, &headers, wise.now_s, TOLERANCE_S)
    };
    assert_eq!(
        verify(wise.definition["keys"]["test"][0].as_str().unwrap()),
        Ok(())
    );
    let other = wise.definition["keys"]["live"][0].as_str().unwrap();
    assert_eq!(verify(other), Err(Refusal::Mismatch));
}
