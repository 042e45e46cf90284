//! Time: UTC microseconds, the proleptic Gregorian calendar, weeks that start on Monday (ISO 8601).
//!
//! The calendar is arithmetic on days since 1970; it asks no zone and no clock. An instant before
//! the year 1 or after 9999 is a bad row.

use headwater_kernel::value::DataType;
use serde_json::Value as Json;

use crate::bind::Node;
use crate::column::{Lane, Operand, floats, instants, ints, is_present, map1, map2, nulls_of};
use crate::context::{Context, Needed};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// 0001-01-01T00:00:00Z.
const EARLIEST: i64 = -62_135_596_800 * SECOND;
/// The last microsecond of 9999.
const LATEST: i64 = 253_402_300_800 * SECOND - 1;

/// The operations of this family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Extract(Field),
    Truncate(Field),
    /// Seconds since 1970, with their fraction.
    Epoch,
    /// The first instant minus the second, in seconds.
    SecondsBetween,
    /// Moved by this many microseconds.
    Shift(i64),
}

/// A field of an instant; for truncation, a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Second,
    Minute,
    Hour,
    Day,
    DayOfWeek,
    DayOfYear,
    Week,
    Month,
    Quarter,
    Year,
}

/// The operation of this head and setting over these types.
pub(crate) fn bind(
    head: &str,
    setting: Option<&Json>,
    types: &[DataType],
) -> Option<(Operation, DataType)> {
    use DataType::{Float, Int, Timestamp};
    Some(match (head, setting, types) {
        ("extract", Some(field), [Timestamp]) => {
            (Operation::Extract(field_named(field.as_str()?)?), Int)
        }
        ("date_trunc", Some(field), [Timestamp]) => {
            let field = field_named(field.as_str()?)?;
            if matches!(field, Field::DayOfWeek | Field::DayOfYear) {
                return None;
            }
            (Operation::Truncate(field), Timestamp)
        }
        ("shift", Some(by), [Timestamp]) => (Operation::Shift(by.as_i64()?), Timestamp),
        ("epoch", None, [Timestamp]) => (Operation::Epoch, Float),
        ("seconds_between", None, [Timestamp, Timestamp]) => (Operation::SecondsBetween, Float),
        _ => return None,
    })
}

fn field_named(name: &str) -> Option<Field> {
    Some(match name {
        "second" => Field::Second,
        "minute" => Field::Minute,
        "hour" => Field::Hour,
        "day" => Field::Day,
        "isodow" => Field::DayOfWeek,
        "doy" => Field::DayOfYear,
        "week" => Field::Week,
        "month" => Field::Month,
        "quarter" => Field::Quarter,
        "year" => Field::Year,
        _ => return None,
    })
}

impl Operation {
    pub fn evaluate(self, node: &Node, context: &mut Context, needed: Needed) -> Operand {
        let operands = node.operands(context, needed);
        let rows = context.rows;
        let nulls = nulls_of(&operands, rows);
        let first = operands[0].ints();
        match self {
            Operation::Extract(field) => ints(map1(first, rows, |at| extract(field, at)), nulls),
            Operation::Epoch => floats(map1(first, rows, seconds), nulls),
            Operation::SecondsBetween => {
                let between = |a: i64, b: i64| seconds(a.saturating_sub(b));
                floats(map2(first, operands[1].ints(), rows, between), nulls)
            }
            Operation::Truncate(field) => {
                let values = map1(first, rows, |at| truncate(field, at));
                check(&values, first, node, &operands, context, needed);
                instants(values, nulls)
            }
            Operation::Shift(by) => {
                let values = map1(first, rows, |at| at.saturating_add(by));
                check(&values, first, node, &operands, context, needed);
                instants(values, nulls)
            }
        }
    }
}

/// Rows whose instant has left the calendar are bad.
fn check(
    values: &[i64],
    before: Lane<i64>,
    node: &Node,
    operands: &[Operand],
    context: &mut Context,
    needed: Needed,
) {
    let inside = |value: &i64| (EARLIEST..=LATEST).contains(value);
    if values.iter().all(inside) {
        return;
    }
    let nulls = nulls_of(operands, values.len());
    for (row, value) in values.iter().enumerate() {
        if !inside(value) && is_present(nulls.as_ref(), row) {
            let before = before.at(row);
            context.fail(row, needed, || {
                format!("an instant out of the years 1 to 9999 in {}: from {before} us", node.text)
            });
        }
    }
}

/// The nearest double of the microseconds, divided by a million, rounded.
#[expect(clippy::cast_precision_loss, reason = "the rounding is the stated meaning")]
fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

fn extract(field: Field, at: i64) -> i64 {
    let (day, within) = (at.div_euclid(DAY), at.rem_euclid(DAY));
    match field {
        Field::Second => within % MINUTE / SECOND,
        Field::Minute => within % HOUR / MINUTE,
        Field::Hour => within / HOUR,
        Field::Day => civil(day).2,
        Field::DayOfWeek => day_of_week(day),
        Field::DayOfYear => day - days(civil(day).0, 1, 1) + 1,
        Field::Week => week(day),
        Field::Month => civil(day).1,
        Field::Quarter => (civil(day).1 - 1) / 3 + 1,
        Field::Year => civil(day).0,
    }
}

fn truncate(field: Field, at: i64) -> i64 {
    let floor = |unit: i64| at.saturating_sub(at.rem_euclid(unit));
    let day = at.div_euclid(DAY);
    let (year, month, _) = civil(day);
    let first_day = match field {
        Field::Second => return floor(SECOND),
        Field::Minute => return floor(MINUTE),
        Field::Hour => return floor(HOUR),
        Field::Week => day - day_of_week(day) + 1,
        Field::Month => days(year, month, 1),
        Field::Quarter => days(year, (month - 1) / 3 * 3 + 1, 1),
        Field::Year => days(year, 1, 1),
        Field::Day | Field::DayOfWeek | Field::DayOfYear => day,
    };
    first_day.saturating_mul(DAY)
}

/// 1 for Monday to 7 for Sunday; day 0 was a Thursday.
fn day_of_week(day: i64) -> i64 {
    (day + 3).rem_euclid(7) + 1
}

/// The ISO week: the one that holds the Thursday of the day's week, counted in Thursday's year.
fn week(day: i64) -> i64 {
    let thursday = day - day_of_week(day) + 4;
    (thursday - days(civil(thursday).0, 1, 1)) / 7 + 1
}

/// Days from 1970-01-01 to a date. Years begin in March here, so that the leap day is the last
/// one and months have a regular length: (153 * month + 2) / 5 days before each.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    // 146,097 days are 400 years; 719,468 are from 0000-03-01 to 1970-01-01.
    era * 146_097 + day_of_era - 719_468
}

/// (year, month, day) of a number of days since 1970-01-01; the inverse of `days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * month_from_march + 2) / 5 + 1)
}
