//! Instants: from integers in a declared unit and from ISO 8601 text with an offset to UTC
//! microseconds. Nothing is guessed: a unit that looks wrong is refused, and the message says what
//! it looks like.

use headwater_kernel::blueprint::TimeUnit;
pub use headwater_kernel::value::{INSTANT_MAX_US, INSTANT_MIN_US};
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::cause::Cause;
use super::value::Fault;

/// An integer in `unit` as UTC microseconds; nanoseconds are floored.
pub fn instant_of_integer(value: i64, unit: TimeUnit) -> std::result::Result<i64, Fault> {
    let us = scaled(value, unit);
    match us {
        Some(us) if (INSTANT_MIN_US..=INSTANT_MAX_US).contains(&us) => Ok(us),
        _ => Err(out_of_range(value, unit)),
    }
}

/// ISO 8601 text with `Z` or an offset as UTC microseconds, floored.
pub fn instant_of_text(text: &str) -> std::result::Result<i64, Fault> {
    if let Some(us) = plain_instant(text.as_bytes()) {
        return in_range(us, text);
    }
    if text.contains('[') {
        return Err(not_an_instant(text));
    }
    match text.parse::<Timestamp>() {
        Ok(instant) => {
            let us = instant.as_nanosecond().div_euclid(1_000);
            in_range(i64::try_from(us).unwrap_or(i64::MAX), text)
        }
        Err(_) if is_naive(text) => Err(naive(text)),
        Err(_) => Err(not_an_instant(text)),
    }
}

/// Is the text a date and time without an offset?
pub fn is_naive(text: &str) -> bool {
    !text.contains('[') && text.parse::<Timestamp>().is_err() && text.parse::<DateTime>().is_ok()
}

/// An instant as ISO 8601 text with `Z`; the bare number if it is outside of jiff's years.
pub fn text_of_instant(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| format!("{us} us"), |at| at.to_string())
}

/// `YYYY-MM-DD?HH:MM:SS[.f{1,9}](Z|±HH:MM)`, the form nearly all rows have; none for any other,
/// which jiff then judges. Several times faster than a general parser, and held to it by a test.
fn plain_instant(text: &[u8]) -> Option<i64> {
    if text.len() < 20 || text[4] != b'-' || text[7] != b'-' || text[13] != b':' {
        return None;
    }
    if text[16] != b':' || !matches!(text[10], b'T' | b' ') {
        return None;
    }
    let year = two(text, 0)? * 100 + two(text, 2)?;
    let (month, day) = (two(text, 5)?, two(text, 8)?);
    let (hour, minute, second) = (two(text, 11)?, two(text, 14)?, two(text, 17)?);
    if !(1970..=2262).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let (fraction_us, at) = fraction(text, 19)?;
    let offset_s = offset(&text[at..])?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_s;
    Some(seconds * 1_000_000 + fraction_us)
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const LENGTH: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let at = usize::try_from(month - 1).ok().filter(|at| *at < 12)?;
    let length = LENGTH[at] + i64::from(leap && month == 2);
    if !(1..=length).contains(&day) {
        return None;
    }
    let past = year - 1;
    // Leap years up to and with `past`, less the 477 up to and with 1969.
    let leaps = past / 4 - past / 100 + past / 400 - 477;
    let leap_day = i64::from(leap && month > 2);
    Some((year - 1970) * 365 + leaps + BEFORE[at] + leap_day + day - 1)
}

/// Microseconds of a fraction at `at`, if one begins there, and where it ends.
fn fraction(text: &[u8], at: usize) -> Option<(i64, usize)> {
    if text[at] != b'.' {
        return Some((0, at));
    }
    let digits = text[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let mut us = 0;
    for place in 0..6 {
        let digit = if place < digits { i64::from(text[at + 1 + place] - b'0') } else { 0 };
        us = us * 10 + digit;
    }
    Some((us, at + 1 + digits))
}

fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (two(text, 1)?, two(text, 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3_600 + minutes * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn in_range(us: i64, text: &str) -> std::result::Result<i64, Fault> {
    if (INSTANT_MIN_US..=INSTANT_MAX_US).contains(&us) {
        return Ok(us);
    }
    let message = format!("\"{text}\" is outside 1971-01-01 .. 2200-01-01");
    Err(Fault::new(Cause::TimeOutOfRange, message))
}

fn scaled(value: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::S => value.checked_mul(1_000_000),
        TimeUnit::Ms => value.checked_mul(1_000),
        TimeUnit::Us => Some(value),
        TimeUnit::Ns => Some(value.div_euclid(1_000)),
    }
}

fn out_of_range(value: i64, unit: TimeUnit) -> Fault {
    let read_as = match scaled(value, unit) {
        Some(us) if Timestamp::from_microsecond(us).is_ok() => {
            format!("{value} {} is {}", unit_name(unit), text_of_instant(us))
        }
        _ => format!("{value} {}", unit_name(unit)),
    };
    let mut message = format!("{read_as}, outside 1971-01-01 .. 2200-01-01");
    if let Some(likely) = likely_unit(value, unit) {
        let (name, code) = (unit_name(likely), unit_code(likely));
        message.push_str(&format!("; it looks like {name}: declare hw.Timestamp(\"{code}\")"));
    }
    Fault::new(Cause::TimeOutOfRange, message)
}

/// The one unit in which the value would be an instant of 1990 .. 2100, if there is one.
fn likely_unit(value: i64, declared: TimeUnit) -> Option<TimeUnit> {
    const FROM_US: i64 = 631_152_000_000_000;
    const UNTIL_US: i64 = 4_102_444_800_000_000;
    [TimeUnit::S, TimeUnit::Ms, TimeUnit::Us, TimeUnit::Ns]
        .into_iter()
        .filter(|unit| *unit != declared)
        .find(|unit| scaled(value, *unit).is_some_and(|us| (FROM_US..UNTIL_US).contains(&us)))
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::S => "seconds",
        TimeUnit::Ms => "milliseconds",
        TimeUnit::Us => "microseconds",
        TimeUnit::Ns => "nanoseconds",
    }
}

fn unit_code(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::S => "s",
        TimeUnit::Ms => "ms",
        TimeUnit::Us => "us",
        TimeUnit::Ns => "ns",
    }
}

fn naive(text: &str) -> Fault {
    let message = format!(
        "\"{text}\" has no offset, so it is no instant: write Z or +00:00, or make it aware \
         (tz_localize)"
    );
    Fault::new(Cause::WrongType, message)
}

fn not_an_instant(text: &str) -> Fault {
    let shown: String = text.chars().take(40).collect();
    let message = format!("\"{shown}\" is not ISO 8601 with an offset");
    Fault::new(Cause::WrongType, message)
}

#[cfg(test)]
#[path = "instant_tests.rs"]
mod tests;
