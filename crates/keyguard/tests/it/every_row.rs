//! Every row of the table, in the places where values stand; and what misses it by a little.

use keyguard::{Detector, Finding, Guard, detectors};

use crate::common::{Piece, Random, json_string, percent_encoded, pieces, token};

/// So many tokens of each shape.
const TOKENS: u64 = 8;

/// Rows whose tokens may be another row's too; which of the two is named is open.
const SHARED: [&str; 7] = [
    "marked_token",
    "chargebee_api_key",
    "clerk_secret_key",
    "gocardless_token",
    "messagebird_key",
    "mollie_api_key",
    "stripe_secret_key",
];

fn each_token(
    of: impl Fn(&Detector) -> bool,
    mut tried: impl FnMut(&Detector, &str, &[Piece], &str),
) {
    for (number, detector) in detectors()
        .iter()
        .enumerate()
        .filter(|(_, detector)| of(detector))
    {
        for (shape_number, shape) in detector
            .shapes
            .split(" | ")
            .filter(|shape| !shape.is_empty())
            .enumerate()
        {
            let pieces = pieces(shape);
            for seed in 0..TOKENS {
                let mut random =
                    Random::seeded(number as u64 * 1000 + shape_number as u64 * 20 + seed);
                tried(detector, shape, &pieces, &token(&mut random, &pieces));
            }
        }
    }
}

fn found(guard: &Guard, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    guard.all(text, None, &mut |finding| {
        found.push(finding);
        std::ops::ControlFlow::Continue(())
    });
    found
}

#[test]
fn a_token_is_found_wherever_it_stands() {
    let guard = Guard::new();
    let mut missed = Vec::new();
    each_token(
        |detector| !detector.is_public,
        |detector, shape, _, token| {
            let places = [
                ("bare", token.to_owned(), token.to_owned()),
                (
                    "env",
                    format!("SOME_SETTING={token}\nOTHER=1"),
                    token.to_owned(),
                ),
                (
                    "prose",
                    format!("The value ({token}), as said."),
                    token.to_owned(),
                ),
                (
                    "sentence",
                    format!("Here it is: {token}."),
                    token.to_owned(),
                ),
                (
                    "quoted",
                    format!("{{\"a\": {}}}", json_string(token)),
                    json_string(token)[1..json_string(token).len() - 1].to_owned(),
                ),
                (
                    "query",
                    format!("https://example.com/a?x=1&v={}&y=2", percent_encoded(token)),
                    percent_encoded(token),
                ),
            ];
            for (place, text, written) in places {
                let start = text.find(&written).unwrap();
                let hit = found(&guard, &text).into_iter().find(|finding| {
                    finding.start < start + written.len() && finding.start + finding.length > start
                });
                match hit {
                    None => {
                        missed.push(format!("{place}: {} {shape}: {}", detector.id, token.len()))
                    }
                    Some(hit)
                        if place == "bare"
                            && hit.detector != detector.id
                            && !SHARED.contains(&detector.id) =>
                    {
                        missed.push(format!("named {}: {} {shape}", hit.detector, detector.id));
                    }
                    Some(_) => {}
                }
            }
        },
    );
    missed.dedup();
    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

#[test]
fn what_is_public_passes() {
    let guard = Guard::new();
    each_token(
        |detector| detector.is_public,
        |detector, shape, _, token| {
            for text in [
                token.to_owned(),
                format!("key={token}"),
                format!("({token})."),
                format!("https://example.com/?k={token}"),
            ] {
                assert_eq!(guard.first(&text, None), None, "{} {shape}", detector.id);
            }
            assert_eq!(
                guard.first(token, Some("api_key")),
                None,
                "{} {shape} under a name",
                detector.id
            );
        },
    );
}

/// The shape with its last run changed; none where it has no run.
fn with_last_run(
    pieces: &[Piece],
    change: impl Fn(&mut usize, &mut Option<usize>),
) -> Option<Vec<Piece>> {
    let mut changed = pieces.to_vec();
    let last = changed.iter_mut().rev().find_map(|piece| match piece {
        Piece::Run { min, max, .. } => Some((min, max)),
        _ => None,
    });
    let (min, max) = last?;
    change(min, max);
    Some(changed)
}

#[test]
fn a_byte_less_is_no_token() {
    let guard = Guard::new();
    each_token(
        |detector| !detector.is_public && detector.each_shape().count() == 1,
        |detector, shape, pieces, _| {
            let shorter = with_last_run(pieces, |min, max| {
                *min -= 1;
                *max = Some(*min);
            });
            let Some(shorter) = shorter else {
                return;
            };
            let mut random = Random::seeded(detector.id.len() as u64 + shape.len() as u64);
            let text = token(&mut random, &shorter);
            let same = guard
                .first(&text, None)
                .filter(|finding| finding.detector == detector.id);
            assert_eq!(same, None, "{} {shape}", detector.id);
        },
    );
}

#[test]
fn a_byte_of_another_alphabet_is_no_token() {
    let guard = Guard::new();
    each_token(
        |detector| !detector.is_public,
        |detector, shape, pieces, _| {
            // In the middle of the last run: what is left of it is too short.
            let Some(Piece::Run {
                min, max: Some(_), ..
            }) = pieces.last()
            else {
                return;
            };
            let mut random = Random::seeded(shape.len() as u64);
            let exact = with_last_run(pieces, |min, max| *max = Some(*min)).expect("it has a run");
            let text = token(&mut random, &exact);
            let at = text.len() - min / 2 - 1;
            let broken = format!("{}!{}", &text[..at], &text[at + 1..]);
            let whole = guard.first(&broken, None).filter(|finding| {
                finding.detector == detector.id && finding.start + finding.length > at
            });
            assert_eq!(whole, None, "{} {shape}", detector.id);
        },
    );
}

#[test]
fn what_is_glued_to_a_word_is_a_part_of_it() {
    let guard = Guard::new();
    each_token(
        |detector| !detector.is_public,
        |detector, shape, pieces, token| {
            // A head of any length takes the letter for its own; a mark of punctuation needs no boundary.
            let firm = match &pieces[0] {
                Piece::Literal(literal) => {
                    literal.starts_with(|first: char| first.is_ascii_alphanumeric())
                }
                Piece::Run { min, max, .. } => *max == Some(*min),
                Piece::Uuid => false,
            };
            if !firm || shape.starts_with(['~', '!']) {
                return;
            }
            for glued in [
                format!("a{token}"),
                format!("desk-{token}"),
                format!("my_{token}"),
                format!("7{token}"),
            ] {
                let start = glued.len() - token.len();
                let same = guard
                    .first(&glued, None)
                    .filter(|finding| finding.detector == detector.id && finding.start == start);
                assert_eq!(same, None, "{} {shape}", detector.id);
            }
        },
    );
}

#[test]
fn masks_and_holes_pass() {
    let guard = Guard::new();
    each_token(
        |detector| !detector.is_public,
        |detector, shape, pieces, token| {
            let mut head = String::new();
            for piece in pieces {
                match piece {
                    Piece::Literal(literal) => head.push_str(literal),
                    _ => break,
                }
            }
            if head.is_empty() {
                return;
            }
            let length = token.len() - head.len();
            let last = &token[token.len() - 4..];
            for text in [
                format!("{head}{}", "x".repeat(length)),
                format!("{head}{}", "X".repeat(length)),
                format!("{head}{}", "0".repeat(length)),
                format!("{head}{}{last}", "*".repeat(length.saturating_sub(4))),
                format!("{head}{}{last}", "•".repeat(length.saturating_sub(4))),
                format!("{head}...{last}"),
                format!("{head}…{last}"),
                format!("{head}${{TOKEN}}"),
                format!("{head}{{{{ token }}}}"),
                format!("{head}<your-token>"),
                format!("{head}your_token_here"),
                head.clone(),
            ] {
                assert_eq!(
                    guard.first(&text, None),
                    None,
                    "{} {shape}: {text}",
                    detector.id
                );
            }
        },
    );
}
