//! How often: a rate with a burst, and the one number that a token bucket is.
//!
//! The generic cell rate algorithm (ITU-T I.371, annex A): a bucket is the time at which it will be full again. Nothing
//! ticks, and an idle bucket is one whose time has passed.
//!
//! **Invariant:** never reads the clock; a caller says what time it is, in nanoseconds of a clock that does not step.

use std::fmt;

/// So many calls in a unit of time, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    calls: u32,
    unit: Unit,
    burst: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

/// Why a bucket gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dry {
    /// There will be enough after so long.
    For { ns: u64 },
    /// More was asked for than the bucket ever holds.
    Always,
}

impl Rate {
    /// What a rate looks like, for whoever gets it wrong.
    pub const RULE: &'static str = "A rate is a number of calls, from 1 to 1,000,000, and a unit: 100/s, 6000/min or 1000/h; \
                                    then, where another burst than that number is wanted, as in 100/s burst 20.";
    const MAX: u32 = 1_000_000;

    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let (calls, unit) = words.next()?.split_once('/')?;
        let calls = Self::number(calls)?;
        let unit = match unit {
            "s" => Unit::Second,
            "min" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return None,
        };
        let burst = match words.next() {
            None => calls,
            Some("burst") => Self::number(words.next()?)?,
            Some(_) => return None,
        };
        words
            .next()
            .is_none()
            .then_some(Self { calls, unit, burst })
    }

    fn number(digits: &str) -> Option<u32> {
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| plain)?;
        (1..=Self::MAX).contains(&number).then_some(number)
    }

    pub fn burst(&self) -> u32 {
        self.burst
    }

    /// The time in which one token comes back; rounded up, so that never more come than were asked for.
    pub fn interval_ns(&self) -> u64 {
        self.unit.ns().div_ceil(u64::from(self.calls))
    }

    /// Takes `tokens` from a bucket that will be full at `full_at`.
    ///
    /// - returns: when it will be full again.
    pub fn take(&self, full_at: u64, now: u64, tokens: u32) -> Result<u64, Dry> {
        if tokens > self.burst {
            return Err(Dry::Always);
        }
        let interval = self.interval_ns();
        let after = full_at
            .max(now)
            .saturating_add(interval.saturating_mul(u64::from(tokens)));
        let latest = now.saturating_add(interval.saturating_mul(u64::from(self.burst)));
        match after.checked_sub(latest) {
            None | Some(0) => Ok(after),
            Some(ns) => Err(Dry::For { ns }),
        }
    }

    /// When a bucket that had another rate until now will be full: what was taken from it stays taken, as far as the
    /// new burst knows of so many.
    pub fn resume(&self, before: Self, full_at: u64, now: u64) -> u64 {
        let taken = full_at.saturating_sub(now).div_ceil(before.interval_ns());
        now.saturating_add(self.interval_ns() * taken.min(u64::from(self.burst)))
    }

    /// How many tokens are in a bucket that will be full at `full_at`.
    pub fn available(&self, full_at: u64, now: u64) -> u32 {
        let missing = full_at.saturating_sub(now).div_ceil(self.interval_ns());
        self.burst
            .saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// All of it in one number other than 0.
    pub fn to_word(self) -> u64 {
        u64::from(self.calls) << 32 | u64::from(self.burst) << 2 | self.unit as u64
    }

    pub fn from_word(word: u64) -> Option<Self> {
        let within = |number: u64| {
            let number = u32::try_from(number).ok()?;
            (1..=Self::MAX).contains(&number).then_some(number)
        };
        Some(Self {
            calls: within(word >> 32)?,
            unit: *[Unit::Second, Unit::Minute, Unit::Hour].get((word & 3) as usize)?,
            burst: within(word >> 2 & 0x3fff_ffff)?,
        })
    }
}

impl Unit {
    fn ns(self) -> u64 {
        const SECOND_NS: u64 = 1_000_000_000;
        match self {
            Self::Second => SECOND_NS,
            Self::Minute => 60 * SECOND_NS,
            Self::Hour => 3600 * SECOND_NS,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "min",
            Unit::Hour => "h",
        };
        write!(f, "{}/{unit}", self.calls)?;
        if self.burst != self.calls {
            write!(f, " burst {}", self.burst)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "100",
            "/s",
            "0/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "100/d",
            "100 /s",
            "100/s 20",
            "100/s burst",
            "100/s burst 0",
            "100/s burst 20 20",
            "1000001/s",
            "1/s burst 1000001",
            "100/S",
        ] {
            assert_eq!(Rate::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for text in [
            "100/s",
            "6000/min",
            "1/h",
            "100/s burst 20",
            "1000000/s burst 1",
        ] {
            let rate = Rate::parse(text).expect("a rate");
            assert_eq!(rate.to_string(), text);
            assert_eq!(Rate::from_word(rate.to_word()), Some(rate));
        }
        assert_eq!(
            Rate::parse(" 7/s  burst 7 ").expect("a rate").to_string(),
            "7/s"
        );
        assert_eq!(Rate::from_word(0), None);
    }

    #[test]
    fn a_burst_then_one_an_interval() {
        let rate = Rate::parse("10/s burst 3").expect("a rate");
        let (mut full_at, now) = (0, 1_000_000_000_000);
        for left in [2, 1, 0] {
            full_at = rate.take(full_at, now, 1).expect("within the burst");
            assert_eq!(rate.available(full_at, now), left);
        }
        let tenth = 100_000_000;
        assert_eq!(rate.take(full_at, now, 1), Err(Dry::For { ns: tenth }));
        assert_eq!(
            rate.take(full_at, now + tenth - 1, 1),
            Err(Dry::For { ns: 1 })
        );
        assert!(rate.take(full_at, now + tenth, 1).is_ok());
        assert_eq!(rate.take(full_at, now, 3), Err(Dry::For { ns: 3 * tenth }));
        assert_eq!(rate.take(full_at, now, 4), Err(Dry::Always));
    }

    #[test]
    fn what_was_taken_stays_taken_under_another_rate() {
        let [slow, fast] = ["2/h", "100/h"].map(|text| Rate::parse(text).expect("a rate"));
        let now = 1_000_000_000_000;
        let full_at = slow.take(0, now, 2).expect("its burst");
        let full_at = fast.resume(slow, full_at, now);
        assert_eq!(fast.available(full_at, now), 98);
        let full_at = fast.take(full_at, now, 98).expect("the rest");
        let full_at = slow.resume(fast, full_at, now);
        assert_eq!(slow.available(full_at, now), 0);
        assert_eq!(
            slow.take(full_at, now, 1),
            Err(Dry::For {
                ns: slow.interval_ns()
            })
        );
        assert_eq!(slow.resume(fast, 5, now), now);
    }

    proptest! {
        /// Whatever is asked whenever: in each span of time no more is given than the burst and what came back in it.
        #[test]
        fn never_more_than_the_rate_and_a_burst(
            calls in 1u32..50, burst in 1u32..50,
            asks in proptest::collection::vec((0u64..400_000_000, 1u32..60), 1..200),
        ) {
            let rate = Rate { calls, unit: Unit::Second, burst };
            let (mut now, mut full_at) = (5_000_000_000, 0);
            let mut given: Vec<(u64, u64)> = Vec::new();
            for (pause, tokens) in asks {
                now += pause;
                match rate.take(full_at, now, tokens) {
                    Ok(after) => {
                        full_at = after;
                        given.push((now, u64::from(tokens)));
                    }
                    Err(Dry::For { ns }) => {
                        prop_assert!(rate.take(full_at, now + ns, tokens).is_ok());
                        prop_assert!(rate.take(full_at, now + ns - 1, tokens).is_err());
                    }
                    Err(Dry::Always) => prop_assert!(tokens > burst),
                }
            }
            for (first, (from, _)) in given.iter().enumerate() {
                let mut sum = 0;
                for (at, tokens) in &given[first..] {
                    sum += tokens;
                    let back = (at - from) / rate.interval_ns();
                    prop_assert!(sum <= u64::from(burst) + back);
                }
            }
        }
    }
}
