//! Acceptance by time: is an event too far ahead of its own arrival, or too old for a stream that
//! declares `max_age`? Decided once, when the epoch is formed, from the row and its arrival alone;
//! it must never ask a clock.

use headwater_kernel::blueprint::Stream;

use super::cause::Cause;
use super::instant::text_of_instant;

/// What acceptance by time says of one event.
pub type Acceptance = std::result::Result<(), (Cause, String)>;

/// Accepts an event of `stream` with event time `event_at` that arrived at `arrived_at` (both UTC
/// microseconds), or tells the cause and the message of its rejection.
///
/// Refused are `event_at > arrived_at + skew` and, with `max_age`, `event_at < arrived_at -
/// max_age`; both bounds themselves are accepted.
pub fn acceptance(stream: &Stream, event_at: i64, arrived_at: i64) -> Acceptance {
    let ahead_us = event_at.saturating_sub(arrived_at);
    if ahead_us > stream.skew_us {
        let message = format!(
            "column \"{}\": {} is {} after its arrival at {}, and {} allows a skew of {}",
            stream.time,
            text_of_instant(event_at),
            text_of_length(ahead_us),
            text_of_instant(arrived_at),
            stream.name,
            text_of_length(stream.skew_us),
        );
        return Err((Cause::InTheFuture, message));
    }
    let Some(max_age_us) = stream.max_age_us else {
        return Ok(());
    };
    let age_us = arrived_at.saturating_sub(event_at);
    if age_us > max_age_us {
        let message = format!(
            "column \"{}\": {} is {} before its arrival at {}, and {} allows a max_age of {}",
            stream.time,
            text_of_instant(event_at),
            text_of_length(age_us),
            text_of_instant(arrived_at),
            stream.name,
            text_of_length(max_age_us),
        );
        return Err((Cause::TooLate, message));
    }
    Ok(())
}

/// A length of time as people write it: `10m`, `1d1m`, `10m0.000001s`.
fn text_of_length(us: i64) -> String {
    const UNITS: [(i64, &str); 3] =
        [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m")];
    let (mut text, mut left) = (String::new(), us);
    for (unit, name) in UNITS {
        if left >= unit {
            text.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    if left > 0 || text.is_empty() {
        let seconds = format!("{}.{:06}", left / 1_000_000, left % 1_000_000);
        text.push_str(seconds.trim_end_matches('0').trim_end_matches('.'));
        text.push('s');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_US: i64 = 1_357_041_600_000_000;
    const MINUTE_US: i64 = 60_000_000;

    fn stream(max_age_us: Option<i64>) -> Stream {
        Stream {
            name: "Departure".to_owned(),
            columns: Vec::new(),
            time: "departed_at".to_owned(),
            id: None,
            order: None,
            lateness_us: 0,
            skew_us: 10 * MINUTE_US,
            dedup_us: None,
            max_age_us,
            idle_us: 0,
            version: String::new(),
        }
    }

    #[test]
    fn an_event_may_be_ahead_of_its_arrival_by_the_skew() {
        assert_eq!(acceptance(&stream(None), NOON_US + 10 * MINUTE_US, NOON_US), Ok(()));
        let refused = acceptance(&stream(None), NOON_US + 10 * MINUTE_US + 1, NOON_US);
        let message = "column \"departed_at\": 2013-01-01T12:10:00.000001Z is 10m0.000001s after its \
                       arrival at 2013-01-01T12:00:00Z, and Departure allows a skew of 10m";
        assert_eq!(refused, Err((Cause::InTheFuture, message.to_owned())));
    }

    #[test]
    fn an_event_may_be_as_old_as_the_stream_declares() {
        let day_us = 1_440 * MINUTE_US;
        assert_eq!(acceptance(&stream(Some(day_us)), NOON_US - day_us, NOON_US), Ok(()));
        let refused = acceptance(&stream(Some(day_us)), NOON_US - day_us - MINUTE_US, NOON_US);
        let message = "column \"departed_at\": 2012-12-31T11:59:00Z is 1d1m before its arrival \
                       at 2013-01-01T12:00:00Z, and Departure allows a max_age of 1d";
        assert_eq!(refused, Err((Cause::TooLate, message.to_owned())));
    }

    #[test]
    fn a_length_is_written_in_its_units() {
        let texts = [0, 1, 250_000, 606_000_000, 86_400_000_000, 90_000_274_106];
        let expected = ["0s", "0.000001s", "0.25s", "10m6s", "1d", "1d1h0.274106s"];
        assert_eq!(texts.map(text_of_length), expected);
    }

    #[test]
    fn a_stream_without_max_age_takes_events_of_any_age() {
        assert_eq!(acceptance(&stream(None), 31_536_000_000_000, NOON_US), Ok(()));
    }
}
