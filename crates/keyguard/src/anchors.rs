//! Where in a text a format may begin: the places where the first bytes of its literal stand.
//!
//! A bit for each pair of bytes says at once of most places that nothing begins there. The bits take 16 KiB, which stay in
//! the processor's nearest cache, and no step waits for the one before it, as the steps of an automaton do. A text too short
//! for any format is not looked at, and no text nearer to its end than the shortest format is long.

use std::ops::ControlFlow;

use crate::shape::begins;

/// So many bytes of a literal are its anchor; the rest is compared by the format.
pub const ANCHOR: usize = 4;

/// What is behind an anchor.
#[derive(Clone, Copy)]
pub struct Behind {
    pub number: usize,
    /// How many bytes a text must have before the anchor and from it on, or nothing can be there.
    pub before: usize,
    pub from: usize,
    /// Whether it may stand where no word begins: something comes before it, or what is behind it asks for itself.
    pub within: bool,
}

/// Immutable: the postmaster builds one for all backends.
pub struct Anchors {
    words: Set,
    within: Set,
    /// The fewest bytes from an anchor on, of those that stand where a word begins.
    words_from: usize,
    /// The fewest bytes of a whole text, of those that may stand within: in a text without a colon, and with one. Addresses
    /// are so much shorter than all else.
    within_least: [usize; 2],
}

impl Anchors {
    /// - given: anchors of 1 to [`ANCHOR`] bytes, none twice, no zero in them.
    pub fn new(given: &[(&[u8], Behind)]) -> Anchors {
        let of = |within: bool| {
            given
                .iter()
                .filter(move |(_, behind)| behind.within == within)
        };
        let least = |colon: bool| {
            let those = of(true).filter(|(bytes, _)| colon || !bytes.contains(&b':'));
            those.map(|(_, behind)| behind.before + behind.from).min()
        };
        Anchors {
            words: Set::new(of(false)),
            within: Set::new(of(true)),
            words_from: of(false).map(|(_, behind)| behind.from).min().unwrap_or(0),
            within_least: [false, true].map(|colon| least(colon).unwrap_or(usize::MAX)),
        }
    }

    /// How many bytes it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.words.heap_bytes() + self.within.heap_bytes()
    }

    /// The places of anchors and their numbers, in order.
    #[inline]
    pub fn each<B>(
        &self,
        text: &[u8],
        mut visit: impl FnMut(usize, usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let [silent, with_colon] = self.within_least;
        let within = text.len() >= silent
            || text.len() >= with_colon && memchr::memchr(b':', text).is_some();
        let looked_at = match within {
            true => text.len(),
            false => (text.len() + 2).saturating_sub(self.words_from),
        };
        for (at, pair) in text[..looked_at].windows(2).enumerate() {
            let pair = [pair[0], pair[1]];
            if self.words.has(pair) && begins(text, at) {
                self.words.each(pair, text, at, &mut visit)?;
            }
            if self.within.has(pair) {
                self.within.each(pair, text, at, &mut visit)?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Anchors by the pairs of bytes that they begin with.
struct Set {
    /// A bit for each pair, those with the same first byte side by side.
    bits: Box<[u64; PAIRS / 64]>,
    /// How many bits are set before each word of them.
    ranks: Box<[u16; PAIRS / 64]>,
    /// Where in `anchors` those of each set bit begin.
    starts: Vec<u16>,
    anchors: Vec<Anchor>,
}

/// How many pairs of bytes there are.
const PAIRS: usize = 0x1_0000;

#[derive(Clone, Copy)]
struct Anchor {
    bytes: u32,
    mask: u32,
    before: u32,
    from: u32,
    number: u16,
}

impl Set {
    fn new<'g>(given: impl Iterator<Item = &'g (&'g [u8], Behind)>) -> Set {
        let mut anchors: Vec<(u16, Anchor)> = Vec::new();
        for (bytes, behind) in given {
            let narrow = |bytes| u32::try_from(bytes).unwrap_or(u32::MAX);
            let anchor = Anchor {
                bytes: four(bytes),
                mask: four(&[0xff; ANCHOR][..bytes.len()]),
                before: narrow(behind.before),
                from: narrow(behind.from),
                number: u16::try_from(behind.number).expect("some hundreds of anchors"),
            };
            // Behind a single byte any other may stand.
            let seconds = bytes.get(1).map_or(0..=255, |second| *second..=*second);
            anchors.extend(seconds.map(|second| (u16::from_be_bytes([bytes[0], second]), anchor)));
        }
        anchors.sort_by_key(|(pair, _)| *pair);
        let mut bits = Box::new([0; PAIRS / 64]);
        let mut ranks = Box::new([0; PAIRS / 64]);
        let mut starts = Vec::new();
        for (start, (pair, _)) in anchors.iter().enumerate() {
            let (word, bit) = place(*pair);
            if bits[word] & bit == 0 {
                bits[word] |= bit;
                starts.push(u16::try_from(start).expect("some thousands of pairs"));
                for rank in &mut ranks[word + 1..] {
                    *rank += 1;
                }
            }
        }
        starts.push(u16::try_from(anchors.len()).expect("some thousands of pairs"));
        starts.shrink_to_fit();
        Set {
            bits,
            ranks,
            starts,
            anchors: anchors.into_iter().map(|(_, anchor)| anchor).collect(),
        }
    }

    fn heap_bytes(&self) -> usize {
        size_of_val(&*self.bits)
            + size_of_val(&*self.ranks)
            + self.starts.capacity() * size_of::<u16>()
            + self.anchors.capacity() * size_of::<Anchor>()
    }

    #[inline]
    fn has(&self, pair: [u8; 2]) -> bool {
        let (word, bit) = place(u16::from_be_bytes(pair));
        self.bits[word] & bit != 0
    }

    /// The anchors at a place with such a pair.
    #[inline]
    fn each<B>(
        &self,
        pair: [u8; 2],
        text: &[u8],
        at: usize,
        visit: &mut impl FnMut(usize, usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let (word, bit) = place(u16::from_be_bytes(pair));
        let rank =
            usize::from(self.ranks[word]) + (self.bits[word] & (bit - 1)).count_ones() as usize;
        let here = four(&text[at..text.len().min(at + ANCHOR)]);
        for anchor in &self.anchors[self.starts[rank].into()..self.starts[rank + 1].into()] {
            if here & anchor.mask == anchor.bytes
                && at >= anchor.before as usize
                && text.len() - at >= anchor.from as usize
            {
                visit(at, anchor.number.into())?;
            }
        }
        ControlFlow::Continue(())
    }
}

#[inline]
fn place(pair: u16) -> (usize, u64) {
    (usize::from(pair) / 64, 1 << (pair % 64))
}

/// Up to four bytes as one number; zeros stand for what is missing.
#[inline]
fn four(bytes: &[u8]) -> u32 {
    let mut four = [0; ANCHOR];
    four[..bytes.len()].copy_from_slice(bytes);
    u32::from_le_bytes(four)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIVEN: [(&[u8], usize, usize, bool); 10] = [
        (b"ab", 0, 4, false),
        (b"abc", 0, 5, false),
        (b"abcd", 0, 4, false),
        (b"b-", 0, 6, false),
        (b"\xffa", 0, 4, false),
        (b"-", 2, 3, true),
        (b"-b", 3, 4, true),
        (b"ca", 1, 6, true),
        (b":", 1, 2, true),
        (b"ab:", 0, 3, true),
    ];

    fn given() -> Vec<(&'static [u8], Behind)> {
        let behind = |(number, (bytes, before, from, within)): (usize, _)| {
            let behind = Behind {
                number,
                before,
                from,
                within,
            };
            (bytes, behind)
        };
        GIVEN.into_iter().enumerate().map(behind).collect()
    }

    /// The same without tables: every anchor tried at every place.
    fn plainly(text: &[u8]) -> Vec<(usize, usize)> {
        let at_each = (0..text.len()).flat_map(|at| {
            let there = move |(number, (bytes, behind)): (usize, (&'static [u8], Behind))| {
                (text[at..].starts_with(bytes)
                    && at >= behind.before
                    && text.len() - at >= behind.from
                    && (behind.within || begins(text, at)))
                .then_some((at, number))
            };
            given().into_iter().enumerate().filter_map(there)
        });
        at_each.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn what_is_told_is_what_is_there(letters in prop::collection::vec(0usize..11, 0..16)) {
            let text: Vec<u8> = letters.iter().map(|n| b"abcd-: %3\\\xff"[*n]).collect();
            let mut told = Vec::new();
            let _ = Anchors::new(&given()).each(&text, |at, number| {
                told.push((at, number));
                ControlFlow::<()>::Continue(())
            });
            told.sort_unstable();
            prop_assert_eq!(told, plainly(&text));
        }
    }
}
