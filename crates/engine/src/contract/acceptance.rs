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

/// A length of time in the greatest unit that is exact, down to microseconds.
fn text_of_length(us: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "m"),
        (1_000_000, "s"),
        (1_000, "ms"),
    ];
    UNITS
        .iter()
        .find(|(unit, _)| us != 0 && us % unit == 0)
        .map_or_else(|| format!("{us}us"), |(unit, name)| format!("{}{name}", us / unit))
}
