//! The look at one text.

use std::ops::ControlFlow;

use aho_corasick::automaton::{Automaton, OverlappingState};
use aho_corasick::{Input, MatchKind, dfa};

use crate::detectors::{Detector, detectors, row};
use crate::named::Assigned;
use crate::shape::{ANCHOR, Ends, Shape, anchor};
use crate::{Finding, blocks, named, percent, work};

/// The automaton and the formats behind it. Immutable: the postmaster builds one for all backends.
pub struct Guard {
    automaton: dfa::DFA,
    /// What to try where the automaton finds a literal, by the literal's number; public formats first.
    tried: Vec<Vec<Tried>>,
    named_value: &'static Detector,
}

struct Tried {
    detector: &'static Detector,
    matcher: Matcher,
    /// How particular it is; what is any vendor's is least.
    settled: usize,
}

enum Matcher {
    Shape(Shape),
    Block(&'static [u8], Block),
}

impl Tried {
    fn new(detector: &'static Detector, matcher: Matcher) -> Tried {
        let settled = match &matcher {
            Matcher::Shape(shape) if detector.service != "any" => shape.settled(),
            Matcher::Shape(_) | Matcher::Block(..) => 0,
        };
        Tried {
            detector,
            matcher,
            settled,
        }
    }
}

/// The range of a secret, where its literal was found.
type Block = fn(&[u8], usize, &mut Ends) -> Option<(usize, usize)>;

/// Formats that code finds, and the literals that lead to them.
const BLOCKS: [(&str, &[u8], Block); 4] = [
    ("private_key_block", b"-----BEGIN", blocks::private_key),
    (
        "private_key_base64",
        b"LS0tLS1CRUdJTi",
        blocks::private_key_base64,
    ),
    ("json_web_token", b"eyJ", blocks::json_web_token),
    ("url_with_password", b"://", blocks::url_with_password),
];

/// A match that waits for a more particular one at the same place.
struct Pending {
    detector: &'static Detector,
    start: usize,
    end: usize,
    settled: usize,
}

/// Ranges that are done with, in order: what was found, and what is public.
type Seen = Vec<(usize, usize)>;

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
        let mut numbers = std::collections::HashMap::new();
        let mut add = |anchor: &'static [u8], detector, matcher| {
            let number = *numbers.entry(anchor).or_insert_with(|| {
                anchors.push(anchor);
                tried.push(Vec::new());
                anchors.len() - 1
            });
            tried[number].push(Tried::new(detector, matcher));
        };
        for detector in detectors() {
            for shape in detector.each_shape() {
                let shape = Shape::parse(shape).expect("the tests read every shape of the table");
                add(shape.anchor(), detector, Matcher::Shape(shape));
            }
        }
        for (id, literal, block) in BLOCKS {
            add(anchor(literal), row(id), Matcher::Block(literal, block));
        }
        for formats in &mut tried {
            formats.sort_by_key(|what| !what.detector.is_public);
            formats.shrink_to_fit();
        }
        let automaton = dfa::Builder::new()
            .match_kind(MatchKind::Standard)
            .start_kind(aho_corasick::StartKind::Unanchored)
            .build(&anchors)
            .expect("a few thousand states are no more than an automaton may have");
        Guard {
            automaton,
            tried,
            named_value: row("named_value"),
        }
    }

    /// How many bytes of memory it holds, the tables beside the automaton included.
    pub fn heap_bytes(&self) -> usize {
        let table = |formats: &Vec<Tried>| {
            let shapes = formats.iter().map(|what| match &what.matcher {
                Matcher::Shape(shape) => shape.heap_bytes(),
                Matcher::Block(..) => 0,
            });
            size_of_val(formats) + formats.capacity() * size_of::<Tried>() + shapes.sum::<usize>()
        };
        let tables = self.tried.iter().map(table).sum::<usize>();
        self.automaton.memory_usage() + tables
    }

    pub(crate) fn look(&self, text: &str, name: Option<&str>, found: Found) -> ControlFlow<()> {
        let mut seen = Seen::new();
        self.formats(text.as_bytes(), &mut seen, found)?;
        if percent::escaped(text.as_bytes()) {
            self.escaped(text, &mut seen, found)?;
        }
        if memchr::memchr2(b'=', b':', text.as_bytes()).is_some() {
            self.assigned(text, &mut seen, found)?;
        }
        if seen.is_empty()
            && name.is_some_and(named::secret)
            && let Some((start, end)) = named::value(text)
        {
            found(finding(self.named_value, start, end))?;
        }
        ControlFlow::Continue(())
    }

    /// What is known by its form.
    fn formats(&self, text: &[u8], seen: &mut Seen, found: Found) -> ControlFlow<()> {
        let mut ends = Ends::new();
        let mut state = OverlappingState::start();
        let input = Input::new(text);
        let mut passed = 0;
        let mut pending: Option<Pending> = None;
        loop {
            self.automaton
                .try_find_overlapping(&input, &mut state)
                .expect("the automaton was built to be searched so");
            let Some(hit) = state.get_match() else {
                break;
            };
            work::done(self.tried[hit.pattern().as_usize()].len());
            let at = hit.start();
            // Nothing that begins where it begins is still to come.
            if let Some(wait) = pending.take_if(|wait| at > wait.start + ANCHOR) {
                passed = wait.end;
                report(wait, seen, found)?;
            }
            if at < passed {
                continue;
            }
            for what in &self.tried[hit.pattern().as_usize()] {
                let matched = match &what.matcher {
                    Matcher::Shape(shape) => shape.matches(text, at, &mut ends),
                    Matcher::Block(literal, block) if text[at..].starts_with(literal) => {
                        block(text, at, &mut ends)
                    }
                    Matcher::Block(..) => None,
                };
                let Some((start, end)) = matched.filter(|(start, _)| *start >= passed) else {
                    continue;
                };
                let better = |wait: &Pending| {
                    start < wait.start || start == wait.start && what.settled > wait.settled
                };
                if pending.as_ref().is_none_or(better) {
                    pending = Some(Pending {
                        detector: what.detector,
                        start,
                        end,
                        settled: what.settled,
                    });
                }
            }
        }
        match pending {
            Some(wait) => report(wait, seen, found),
            None => ControlFlow::Continue(()),
        }
    }

    /// The same once more, with percent escapes undone; what was seen already is not told again.
    fn escaped(&self, text: &str, seen: &mut Seen, found: Found) -> ControlFlow<()> {
        let decoded = percent::decoded(text.as_bytes());
        let mut back = percent::Back::to(text.as_bytes());
        let known = std::mem::take(seen);
        let mut more = Seen::new();
        let flow = self.formats(&decoded, &mut more, &mut |shown| {
            let start = back.place(shown.start);
            let end = back.place(shown.start + shown.length);
            if overlaps(&known, start, end) {
                return ControlFlow::Continue(());
            }
            seen.push((start, end));
            found(Finding {
                start,
                length: end - start,
                ..shown
            })
        });
        seen.extend(known);
        seen.sort_unstable();
        flow
    }

    /// What is known by a name in the text itself.
    fn assigned(&self, text: &str, seen: &mut Seen, found: Found) -> ControlFlow<()> {
        let mut assigned = Assigned::new();
        let mut passed = 0;
        for mark in memchr::memchr2_iter(b'=', b':', text.as_bytes()) {
            if mark < passed {
                continue;
            }
            if let Some((start, end)) = assigned.value(text, mark)
                && !overlaps(seen, start, end)
            {
                passed = end;
                found(finding(self.named_value, start, end))?;
            }
        }
        if passed > 0 {
            seen.push((passed, passed));
        }
        ControlFlow::Continue(())
    }
}

fn report(wait: Pending, seen: &mut Seen, found: Found) -> ControlFlow<()> {
    seen.push((wait.start, wait.end));
    match wait.detector.is_public {
        true => ControlFlow::Continue(()),
        false => found(finding(wait.detector, wait.start, wait.end)),
    }
}

fn finding(detector: &'static Detector, start: usize, end: usize) -> Finding {
    Finding {
        detector: detector.id,
        service: detector.service,
        start,
        length: end - start,
    }
}

fn overlaps(seen: &Seen, start: usize, end: usize) -> bool {
    let at = seen.partition_point(|range| range.1 <= start);
    seen.get(at).is_some_and(|range| range.0 < end)
}
