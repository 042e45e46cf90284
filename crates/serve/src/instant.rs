//! Instants as text: ISO 8601 with an offset in, UTC with `Z` and microseconds out.
//!
//! Nothing is guessed: text without an offset is refused with the remedy, and what lies outside
//! 1971-01-01 .. 2200-01-01 is refused as a likely mistake of unit.

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::{INSTANT_MAX_US, INSTANT_MIN_US};
use jiff::Timestamp;
use jiff::civil::DateTime;

const DAY_US: i64 = 86_400_000_000;

/// Reads ISO 8601 text with an offset; finer than a microsecond is floored.
///
/// # Errors
/// Kind `invalid`: `naive_instant` without an offset, `malformed_instant` for other text,
/// `time_out_of_range` outside the years accepted.
pub fn parse(text: &str) -> Result<i64> {
    // A zone in brackets is no ISO 8601, and rows refuse it too.
    if text.contains('[') {
        return Err(malformed(text));
    }
    match text.parse::<Timestamp>() {
        Ok(instant) => {
            let us = instant.as_nanosecond().div_euclid(1_000);
            // jiff's range is the years -9999..9999: within i64 as microseconds.
            checked(i64::try_from(us).unwrap_or(i64::MAX))
        }
        Err(_) if text.parse::<DateTime>().is_ok() => Err(naive(text)),
        Err(_) => Err(malformed(text)),
    }
}

fn malformed(text: &str) -> Error {
    Error::new(Kind::Invalid, "malformed_instant", format!("{text:?} is not an instant"))
        .with_hint("write ISO 8601 with an offset, e.g. 2013-07-01T12:00:00Z")
}

/// The instant itself when it lies within the years accepted.
///
/// # Errors
/// `time_out_of_range` (invalid), naming the likely unit.
pub fn checked(us: i64) -> Result<i64> {
    if (INSTANT_MIN_US..=INSTANT_MAX_US).contains(&us) {
        return Ok(us);
    }
    let unit = match us.unsigned_abs() {
        31_536_000..7_258_118_400 => "; it looks like seconds",
        31_536_000_000..7_258_118_400_000 => "; it looks like milliseconds",
        value if value > INSTANT_MAX_US as u64 => "; it looks like nanoseconds",
        _ => "",
    };
    Err(Error::new(
        Kind::Invalid,
        "time_out_of_range",
        format!("instant {us} is outside 1971-01-01 .. 2200-01-01"),
    )
    .with_hint(format!("give microseconds since 1970 in UTC{unit}")))
}

fn naive(text: &str) -> Error {
    Error::new(Kind::Invalid, "naive_instant", format!("instant {text:?} has no offset"))
        .with_hint("add the offset, e.g. 2013-07-01T12:00:00Z; pandas: tz_localize(\"UTC\")")
}

/// Has the instant's year four digits, as [`write`] needs?
pub fn writable(us: i64) -> bool {
    // 0000-01-01 and 10000-01-01.
    (-62_167_219_200_000_000..253_402_300_800_000_000).contains(&us)
}

/// Appends `2013-07-01T12:00:00.000000Z`. Years 0 to 9999.
pub fn write(us: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(us.div_euclid(DAY_US));
    let of_day = us.rem_euclid(DAY_US);
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], seconds / 3_600);
    digits(&mut text[14..16], seconds / 60 % 60);
    digits(&mut text[17..19], seconds % 60);
    digits(&mut text[20..26], fraction);
    out.extend_from_slice(&text);
}

/// The same as a string.
pub fn to_text(us: i64) -> String {
    let mut out = Vec::with_capacity(27);
    write(us, &mut out);
    String::from_utf8(out).expect("digits and signs are UTF-8")
}

fn digits(place: &mut [u8], mut value: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a day number since 1970-01-01 (proleptic Gregorian; years are counted
/// from March so that the leap day is a year's last).
fn civil(day: i64) -> (i64, i64, i64) {
    // 719,468 days from 0000-03-01 to 1970-01-01; 146,097 days are 400 years.
    let since_march = day + 719_468;
    let era = since_march.div_euclid(146_097);
    let of_era = since_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is written reads back as the same instant, and as jiff writes it.
        #[test]
        fn written_instants_read_back(us in INSTANT_MIN_US..=INSTANT_MAX_US) {
            let text = to_text(us);
            prop_assert_eq!(parse(&text).unwrap(), us);
            let peer = Timestamp::from_microsecond(us).unwrap();
            prop_assert_eq!(text, format!("{peer:.6}"));
        }
    }

    /// An offset is honoured and finer digits are floored to the microsecond.
    #[test]
    fn offsets_count_and_nanoseconds_are_floored() {
        assert_eq!(parse("2013-07-01T14:00:00.0000019+02:00").unwrap(), 1_372_680_000_000_001);
    }

    /// Text without an offset is refused with the remedy.
    #[test]
    fn a_naive_instant_is_refused() {
        let error = parse("2013-07-01T14:00:00").unwrap_err();
        assert_eq!(error.code, "naive_instant");
        assert_eq!(
            error.hint,
            "add the offset, e.g. 2013-07-01T12:00:00Z; pandas: tz_localize(\"UTC\")"
        );
    }

    /// An integer of the wrong unit names the unit it looks like.
    #[test]
    fn a_wrong_unit_is_named() {
        let hint = |us| checked(us).unwrap_err().hint;
        assert!(hint(1_372_680_000).ends_with("it looks like seconds"));
        assert!(hint(1_372_680_000_000).ends_with("it looks like milliseconds"));
        assert!(hint(1_372_680_000_000_000_000).ends_with("it looks like nanoseconds"));
    }

    /// The first and the last instant are instants, as they are in rows; those beside them are not.
    #[test]
    fn both_ends_of_time_are_in() {
        assert_eq!(parse("1971-01-01T00:00:00Z"), Ok(INSTANT_MIN_US));
        assert_eq!(parse("2200-01-01T00:00:00Z"), Ok(INSTANT_MAX_US));
        let code = |us| checked(us).unwrap_err().code;
        assert_eq!(code(INSTANT_MIN_US - 1), "time_out_of_range");
        assert_eq!(code(INSTANT_MAX_US + 1), "time_out_of_range");
    }

    /// A zone in brackets is refused, as it is in rows.
    #[test]
    fn a_zone_in_brackets_is_refused() {
        let error = parse("2013-07-01T12:00:00+02:00[Europe/Paris]").unwrap_err();
        assert_eq!(error.code, "malformed_instant");
    }
}
