//! The look at one text.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::anchors::{ANCHOR, Anchors, Behind};
use crate::detectors::{Detector, detectors, row};
use crate::named::Assigned;
use crate::shape::{Ends, Shape};
use crate::{Finding, blocks, named, percent, work};

/// The anchors and the formats behind them. Immutable: the postmaster builds one for all backends.
pub struct Guard {
    anchors: Anchors,
    /// What to try at an anchor, by its number; public formats first.
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
    Coded(&'static Coded),
}

impl Matcher {
    /// How many bytes a text must have before the literal, and from it on.
    fn before(&self) -> usize {
        match self {
            Matcher::Shape(shape) => shape.head().unwrap_or(0),
            Matcher::Coded(coded) => coded.before,
        }
    }

    fn from(&self) -> usize {
        match self {
            Matcher::Shape(shape) => shape.tail(),
            Matcher::Coded(coded) => coded.from,
        }
    }

    /// May the literal stand where no word begins?
    fn stands_within(&self) -> bool {
        match self {
            Matcher::Shape(shape) => shape.head().is_some(),
            Matcher::Coded(_) => true,
        }
    }
}

impl Tried {
    fn new(detector: &'static Detector, matcher: Matcher) -> Tried {
        let settled = match &matcher {
            Matcher::Shape(shape) if detector.service != "any" => shape.settled(),
            Matcher::Shape(_) | Matcher::Coded(_) => 0,
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

/// A format that code finds: the literal that leads to it, and how many bytes a text must have before that and from it on.
struct Coded {
    id: &'static str,
    literal: &'static [u8],
    before: usize,
    from: usize,
    block: Block,
}

const CODED: [Coded; 4] = [
    Coded {
        id: "private_key_block",
        literal: b"-----BEGIN",
        before: 0,
        from: 64,
        block: blocks::private_key,
    },
    Coded {
        id: "private_key_base64",
        literal: b"LS0tLS1CRUdJTi",
        before: 0,
        from: 64,
        block: blocks::private_key_base64,
    },
    Coded {
        id: "json_web_token",
        literal: b"eyJ",
        before: 0,
        from: 40,
        block: blocks::json_web_token,
    },
    Coded {
        id: "url_with_password",
        literal: b"://",
        before: 1,
        from: 9,
        block: blocks::url_with_password,
    },
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
        let mut tried: BTreeMap<&'static [u8], Vec<Tried>> = BTreeMap::new();
        let mut add = |literal: &'static [u8], detector, matcher| {
            tried
                .entry(&literal[..literal.len().min(ANCHOR)])
                .or_default()
                .push(Tried::new(detector, matcher));
        };
        for detector in detectors() {
            for shape in detector.each_shape() {
                let shape = Shape::parse(shape).expect("the tests read every shape of the table");
                add(shape.literal(), detector, Matcher::Shape(shape));
            }
        }
        for coded in &CODED {
            add(coded.literal, row(coded.id), Matcher::Coded(coded));
        }
        for formats in tried.values_mut() {
            formats.sort_by_key(|what| !what.detector.is_public);
            formats.shrink_to_fit();
        }
        let behind = |(number, (bytes, formats)): (usize, (&&'static [u8], &Vec<Tried>))| {
            let least =
                |of: fn(&Matcher) -> usize| formats.iter().map(|what| of(&what.matcher)).min();
            let behind = Behind {
                number,
                before: least(Matcher::before).unwrap_or(0),
                from: least(Matcher::from).unwrap_or(0),
                within: formats.iter().any(|what| what.matcher.stands_within()),
            };
            (*bytes, behind)
        };
        let anchors = Anchors::new(&tried.iter().enumerate().map(behind).collect::<Vec<_>>());
        let tried = tried.into_values().collect();
        Guard {
            anchors,
            tried,
            named_value: row("named_value"),
        }
    }

    /// How many bytes of memory it holds, all tables included.
    pub fn heap_bytes(&self) -> usize {
        let table = |formats: &Vec<Tried>| {
            let shapes = formats.iter().map(|what| match &what.matcher {
                Matcher::Shape(shape) => shape.heap_bytes(),
                Matcher::Coded(_) => 0,
            });
            size_of_val(formats) + formats.capacity() * size_of::<Tried>() + shapes.sum::<usize>()
        };
        let tables = self.tried.iter().map(table).sum::<usize>();
        self.anchors.heap_bytes() + tables
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
        let mut passed = 0;
        let mut pending: Option<Pending> = None;
        self.anchors.each(text, |at, number| {
            let formats = &self.tried[number];
            work::done(formats.len());
            // Nothing that begins where it begins is still to come.
            if let Some(wait) = pending.take_if(|wait| at > wait.start + ANCHOR) {
                passed = wait.end;
                report(wait, seen, found)?;
            }
            if at < passed {
                return ControlFlow::Continue(());
            }
            for what in formats {
                let matched = match &what.matcher {
                    Matcher::Shape(shape) => shape.matches(text, at, &mut ends),
                    Matcher::Coded(coded) if text[at..].starts_with(coded.literal) => {
                        (coded.block)(text, at, &mut ends)
                    }
                    Matcher::Coded(_) => None,
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
            ControlFlow::Continue(())
        })?;
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
