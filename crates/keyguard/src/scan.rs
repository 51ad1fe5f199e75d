//! The look at one text.

use std::ops::ControlFlow;

use aho_corasick::automaton::OverlappingState;
use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input, MatchKind};

use crate::detectors::{Detector, detectors, numbered};
use crate::shape::{ANCHOR, Ends, Shape};
use crate::{Finding, blocks, named};

/// The automaton and the formats behind it. Immutable: the postmaster builds one for all backends.
pub struct Guard {
    automaton: AhoCorasick,
    /// What to try where the automaton finds a literal, by the literal's number; public formats first.
    tried: Vec<Vec<Tried>>,
    named_value: &'static Detector,
}

struct Tried {
    detector: &'static Detector,
    matcher: Matcher,
}

enum Matcher {
    Shape(Shape),
    Block(fn(&[u8], usize) -> Option<(usize, usize)>),
}

/// Formats that code finds, and the literals that lead to them.
type Block = (
    &'static str,
    &'static [u8],
    fn(&[u8], usize) -> Option<(usize, usize)>,
);
const BLOCKS: [Block; 3] = [
    ("private_key_block", b"-----BEGIN", blocks::private_key),
    (
        "private_key_base64",
        b"LS0tLS1CRUdJTi",
        blocks::private_key_base64,
    ),
    ("url_with_password", b"://", blocks::url_with_password),
];

/// A match that waits for a more particular one at the same place.
struct Pending {
    detector: &'static Detector,
    start: usize,
    end: usize,
    spelled: usize,
}

type Found<'f> = &'f mut dyn FnMut(Finding) -> ControlFlow<()>;

impl Default for Guard {
    fn default() -> Self {
        Guard::new()
    }
}

impl Guard {
    pub fn new() -> Guard {
        let mut anchors: Vec<&'static [u8]> = Vec::new();
        let mut tried: Vec<Vec<Tried>> = Vec::new();
        let mut add = |anchor: &'static [u8], what: Tried| match anchors
            .iter()
            .position(|known| *known == anchor)
        {
            Some(number) => tried[number].push(what),
            None => {
                anchors.push(anchor);
                tried.push(vec![what]);
            }
        };
        for detector in detectors() {
            for shape in detector
                .shapes
                .split(" | ")
                .filter(|shape| !shape.is_empty())
            {
                let shape = Shape::parse(shape).expect("the tests read every shape of the table");
                add(
                    shape.anchor(),
                    Tried {
                        detector,
                        matcher: Matcher::Shape(shape),
                    },
                );
            }
        }
        let row =
            |id| &detectors()[numbered(id).expect("the tests look for the rows that code finds")];
        for (id, literal, block) in BLOCKS {
            add(
                literal,
                Tried {
                    detector: row(id),
                    matcher: Matcher::Block(block),
                },
            );
        }
        for formats in &mut tried {
            formats.sort_by_key(|what| !what.detector.is_public);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .start_kind(aho_corasick::StartKind::Unanchored)
            .build(&anchors)
            .expect("an automaton of some thousand states can be built");
        Guard {
            automaton,
            tried,
            named_value: row("named_value"),
        }
    }

    /// How many bytes the automaton holds.
    pub fn heap_bytes(&self) -> usize {
        self.automaton.memory_usage()
    }

    pub(crate) fn look(&self, text: &str, name: Option<&str>, found: Found) -> ControlFlow<()> {
        let mut seen = Vec::new();
        self.formats(text.as_bytes(), &mut seen, found)?;
        if let Some(name) = name
            && seen.is_empty()
            && named::secret(name)
            && named::value(text)
        {
            found(finding(self.named_value, 0, text.len()))?;
        }
        ControlFlow::Continue(())
    }

    /// What is known by its form. `seen`: the ranges found, public ones included, in order.
    fn formats(
        &self,
        text: &[u8],
        seen: &mut Vec<(usize, usize)>,
        found: Found,
    ) -> ControlFlow<()> {
        let mut ends = Ends::new();
        let mut state = OverlappingState::start();
        let mut passed = 0;
        let mut pending: Option<Pending> = None;
        loop {
            let input = Input::new(text).anchored(Anchored::No);
            self.automaton.find_overlapping(input, &mut state);
            let Some(hit) = state.get_match() else {
                break;
            };
            if let Some(wait) = &pending
                && hit.start() > wait.start + ANCHOR
            {
                passed = wait.end;
                report(pending.take(), seen, found)?;
            }
            if hit.start() < passed {
                continue;
            }
            for what in &self.tried[hit.pattern().as_usize()] {
                let matched = match &what.matcher {
                    Matcher::Shape(shape) => shape
                        .matches(text, hit.start(), &mut ends)
                        .map(|range| (range, shape.spelled())),
                    Matcher::Block(block) => block(text, hit.start()).map(|range| (range, 0)),
                };
                let Some(((start, end), spelled)) = matched else {
                    continue;
                };
                if start < passed {
                    continue;
                }
                let better = pending.as_ref().is_none_or(|wait| {
                    start < wait.start || (start == wait.start && spelled > wait.spelled)
                });
                if better {
                    pending = Some(Pending {
                        detector: what.detector,
                        start,
                        end,
                        spelled,
                    });
                }
            }
        }
        report(pending, seen, found)
    }
}

fn report(
    pending: Option<Pending>,
    seen: &mut Vec<(usize, usize)>,
    found: Found,
) -> ControlFlow<()> {
    let Some(wait) = pending else {
        return ControlFlow::Continue(());
    };
    seen.push((wait.start, wait.end));
    match wait.detector.is_public {
        true => ControlFlow::Continue(()),
        false => found(finding(wait.detector, wait.start, wait.end - wait.start)),
    }
}

fn finding(detector: &'static Detector, start: usize, length: usize) -> Finding {
    Finding {
        detector: detector.id,
        service: detector.service,
        start,
        length,
    }
}
