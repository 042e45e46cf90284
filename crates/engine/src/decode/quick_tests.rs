//! The quick reading against the general parser: what it accepts, that accepts too, with the same
//! values; what it leaves, it leaves without a trace; and plain rows it does accept.

use proptest::prelude::*;

use super::*;
use crate::contract::Quality;
use crate::decode::fixtures::things;
use crate::decode::json::parse_row;
use arrow_array::ArrayRef;

fn columns(rows: Rows<'_>) -> (Vec<ArrayRef>, Quality) {
    let finished = rows.finish();
    (finished.builders.into_iter().map(ColumnBuilder::finish).collect(), finished.quality)
}

/// Reads lines with and without the quick reading; how many it accepted.
fn compare(lines: &[String]) -> usize {
    let contract = things("naïve", false);
    let (mut quick, mut general) = (Rows::new(&contract, 1), Rows::new(&contract, 1));
    let mut accepted = 0;
    for line in lines {
        let expected = parse_row(&mut general, line);
        if quick.quick_line(line) {
            assert_eq!(expected, None, "accepted by the quick reading alone: {line}");
            accepted += 1;
        } else {
            assert_eq!(parse_row(&mut quick, line), expected);
        }
    }
    assert_eq!(columns(quick), columns(general));
    accepted
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,20}",
        "-?[0-9]{1,9}\\.[0-9]{1,9}",
        "-?(0|[1-9][0-9]{0,4})\\.[0-9]{0,12}",
        "-?[0-9]{1,3}(\\.[0-9])?[eE][+-]?[0-9]{1,3}",
        any::<f64>().prop_map(|x| format!("{x:?}")),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => number(),
        2 => "\"[a-zé\\\\\"\n ]{0,6}\"",
        1 => prop::sample::select(vec![
            "null", "NaN", "true", "false", "[]", "{}", "[1]", "nul", "True",
            "\"2013-01-01T10:00:00Z\"", "\"2013-01-01T10:00:00\"", "1357034400000000",
        ]).prop_map(str::to_owned),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let name =
        prop::sample::select(vec!["at", "naïve", "count", "amount", "flag", "gate", "a\\u0074"]);
    let pairs = proptest::collection::vec((name, value(), " {0,2}"), 0..6);
    let tail = prop::sample::select(vec!["}", "}", "}", "", ",}", "} ", "}}", "]"]);
    (pairs, any::<bool>(), tail).prop_map(|(pairs, timed, tail)| {
        let mut members: Vec<String> = pairs
            .into_iter()
            .map(|(name, value, space)| format!("\"{name}\"{space}:{space}{value}{space}"))
            .collect();
        if timed {
            members.push("\"at\":1357034400000000".to_owned());
        }
        format!("{{{}{tail}", members.join(","))
    })
}

/// Rows are cheap: 16 times the usual number of cases, 4,096 where nothing else is set.
fn cases() -> u32 {
    ProptestConfig::default().cases.saturating_mul(16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Rows of any kind, good, odd and broken, are read alike.
    #[test]
    fn the_quick_reading_agrees_with_the_general_parser(
        lines in proptest::collection::vec(line(), 1..6)
    ) {
        compare(&lines);
    }

    /// A good row with one byte changed is read alike.
    #[test]
    fn a_damaged_row_is_read_alike(at in 0_usize..100, byte in 0_u8..128) {
        let row = r#"{"at": 1357034400000000, "naïve": "UA", "count": -7, "amount": 12.25}"#;
        let mut bytes = row.as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(line) = String::from_utf8(bytes) {
            compare(&[row.to_owned(), line, row.to_owned()]);
        }
    }

    /// Plain numbers are read quickly, and to the very double.
    #[test]
    fn plain_numbers_are_read_here(
        whole in -999_999_i64..999_999, cents in 0_u32..100, count in any::<i32>(),
    ) {
        let line = format!(
            "{{\"at\":\"2013-01-01T10:00:00Z\",\"naïve\":\"é\",\"count\":{count},\"gate\":1,\
             \"amount\":{whole}.{cents:02}}}"
        );
        prop_assert_eq!(compare(&[line]), 1);
    }
}
