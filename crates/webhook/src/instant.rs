//! Times as webhooks write them.

/// Seconds since 1970 in decimal digits, nothing else.
pub fn seconds(text: &str) -> Option<i64> {
    let is_digits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// A time of RFC 3339, section 5.6, in UTC: `2021-08-23T10:12:50Z`, a fraction of a second left out or cut off.
pub fn rfc3339_utc(text: &str) -> Option<i64> {
    let whole = match text.strip_suffix('Z')?.split_once('.') {
        Some((whole, fraction)) => {
            let is_fraction = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
            is_fraction.then_some(whole)?
        }
        None => text.strip_suffix('Z')?,
    };
    let bytes = whole.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.len() != 19 || separators.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0, |sum, b| {
            b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let fits = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    fits.then(|| days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days since 1970-01-01 of the Gregorian calendar. A year is counted from March, so that the leap day is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2021-08-23T10:12:50Z", 1_629_713_570),
            ("2000-02-29T23:59:59.999Z", 951_868_799),
            ("2024-03-01T00:00:00.5Z", 1_709_251_200),
            ("2100-02-28T12:00:00Z", 4_107_499_200),
        ] {
            assert_eq!(rfc3339_utc(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_none() {
        for text in [
            "",
            "Z",
            "2021-08-23",
            "2021-08-23T10:12:50",
            "2021-08-23 10:12:50Z",
            "2021-08-23T10:12:50+00:00",
            "2021-13-23T10:12:50Z",
            "2021-08-23T24:12:50Z",
            "2021-08-23T10:12:50.Z",
            "2021-08-23T10:12:5\u{e9}Z",
            "+021-08-23T10:12:50Z",
            "2021-08-23T10:12:50.1.2Z",
        ] {
            assert_eq!(rfc3339_utc(text), None, "{text}");
        }
        for text in [
            "",
            "+1",
            "-1",
            " 1",
            "1.5",
            "1e3",
            "1234567890123",
            "\u{661}",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(seconds("1614265330"), Some(1_614_265_330));
    }
}
