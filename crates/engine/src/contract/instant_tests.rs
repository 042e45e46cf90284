//! Instants in text and in integers: the quick path agrees with the general parser, and every
//! refusal says what the value looks like.

use headwater_kernel::blueprint::TimeUnit;
use proptest::prelude::*;

use super::*;

fn message(result: std::result::Result<i64, Fault>) -> (Cause, String) {
    let fault = result.expect_err("the value is refused");
    (fault.cause, fault.message)
}

proptest! {
    /// The quick path reads what jiff writes, to the microsecond, with any offset.
    #[test]
    fn the_quick_path_agrees_with_the_general_parser(
        us in INSTANT_MIN_US..INSTANT_MAX_US,
        digits in 0_usize..=9,
        minutes in -1439_i64..=1439,
        space in any::<bool>(),
    ) {
        let shifted = Timestamp::from_microsecond(us + minutes * 60_000_000).unwrap();
        let mut text = format!("{shifted:.9}");
        text.pop();
        text.truncate(if digits == 0 { 19 } else { 20 + digits });
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hour, minute) = (minutes.abs() / 60, minutes.abs() % 60);
        let text = format!("{text}{sign}{hour:02}:{minute:02}");
        let text = if space { text.replacen('T', " ", 1) } else { text };
        let parsed: Timestamp = text.parse().unwrap();
        prop_assert_eq!(plain_instant(text.as_bytes()), Some(parsed.as_microsecond()));
    }

    /// Whatever the text, the quick path gives what jiff gives, or nothing.
    #[test]
    fn the_quick_path_accepts_nothing_that_the_general_parser_refuses(
        text in "[0-9]{4}-[0-9]{2}-[0-3][0-9][T ][0-9]{2}:[0-9]{2}:[0-9]{2}\
                 (\\.[0-9]{0,10})?(Z|[+-][0-9]{2}:[0-9]{2})"
    ) {
        if let Some(us) = plain_instant(text.as_bytes()) {
            let parsed: Timestamp = text.parse().unwrap();
            prop_assert_eq!(us, parsed.as_nanosecond().div_euclid(1_000) as i64);
        }
    }
}

#[test]
fn the_bounds_themselves_are_accepted() {
    assert_eq!(instant_of_text("1971-01-01T00:00:00Z"), Ok(INSTANT_MIN_US));
    assert_eq!(instant_of_text("2200-01-01T00:00:00Z"), Ok(INSTANT_MAX_US));
    assert_eq!(instant_of_integer(31_536_000, TimeUnit::S), Ok(INSTANT_MIN_US));
}

#[test]
fn one_microsecond_beyond_a_bound_is_refused() {
    assert_eq!(
        message(instant_of_integer(INSTANT_MAX_US + 1, TimeUnit::Us)),
        (
            Cause::TimeOutOfRange,
            "7258118400000001 microseconds is 2200-01-01T00:00:00.000001Z, outside 1971-01-01 .. \
             2200-01-01"
                .to_owned()
        )
    );
    assert_eq!(
        message(instant_of_text("1970-12-31T23:59:59.999999Z")),
        (
            Cause::TimeOutOfRange,
            "\"1970-12-31T23:59:59.999999Z\" is outside 1971-01-01 .. 2200-01-01".to_owned()
        )
    );
}

#[test]
fn nanoseconds_are_floored() {
    assert_eq!(
        instant_of_integer(1_357_034_400_123_456_999, TimeUnit::Ns),
        Ok(1_357_034_400_123_456)
    );
    assert_eq!(instant_of_text("2013-01-01T10:00:00.123456999Z"), Ok(1_357_034_400_123_456));
}

#[test]
fn seconds_in_a_column_of_microseconds_are_named() {
    assert_eq!(
        message(instant_of_integer(1_357_034_400, TimeUnit::Us)),
        (
            Cause::TimeOutOfRange,
            "1357034400 microseconds is 1970-01-01T00:22:37.0344Z, outside 1971-01-01 .. \
             2200-01-01; it looks like seconds: declare hw.Timestamp(\"s\")"
                .to_owned()
        )
    );
}

#[test]
fn nanoseconds_in_a_column_of_milliseconds_are_named() {
    assert_eq!(
        message(instant_of_integer(1_357_034_400_000_000_000, TimeUnit::Ms)),
        (
            Cause::TimeOutOfRange,
            "1357034400000000000 milliseconds, outside 1971-01-01 .. 2200-01-01; it looks like \
             nanoseconds: declare hw.Timestamp(\"ns\")"
                .to_owned()
        )
    );
}

#[test]
fn text_without_offset_is_refused_with_the_remedy() {
    assert_eq!(
        message(instant_of_text("2013-01-01T10:00:00")),
        (
            Cause::WrongType,
            "\"2013-01-01T10:00:00\" has no offset, so it is no instant: write Z or +00:00, or \
             make it aware (tz_localize)"
                .to_owned()
        )
    );
}

#[test]
fn other_text_is_refused() {
    assert_eq!(
        message(instant_of_text("yesterday")),
        (Cause::WrongType, "\"yesterday\" is not ISO 8601 with an offset".to_owned())
    );
    assert_eq!(
        message(instant_of_text("2013-01-01T10:00:00-05:00[America/New_York]")),
        (
            Cause::WrongType,
            "\"2013-01-01T10:00:00-05:00[America/New_Yo\" is not ISO 8601 with an offset"
                .to_owned()
        )
    );
}
