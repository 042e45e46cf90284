//! JSON and Arrow are two spellings of the same rows: whatever the values, both decode to equal
//! columns, rows and rejections, in any width of integers and any form of strings.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int16Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::json;

use super::fixtures::things;
use super::*;

#[derive(Clone, Debug)]
struct Row {
    at: i64,
    name: Option<String>,
    count: Option<i16>,
    amount: Option<f32>,
    flag: Option<bool>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let instants = prop_oneof![
        8 => 1_300_000_000_000_000_i64..1_400_000_000_000_000,
        1 => 0_i64..40_000_000_000_000,
    ];
    let amounts = prop_oneof![
        8 => -1e6_f32..1e6,
        1 => Just(-0.0_f32),
        1 => Just(1e20_f32),
    ];
    let row = (
        instants,
        proptest::option::weighted(0.9, "\\PC{0,12}"),
        proptest::option::weighted(0.9, any::<i16>()),
        proptest::option::weighted(0.9, amounts),
        proptest::option::of(any::<bool>()),
    );
    let row = row.prop_map(|(at, name, count, amount, flag)| Row { at, name, count, amount, flag });
    proptest::collection::vec(row, 0..40)
}

fn contract() -> Contract {
    things("name", true)
}

fn json_rows(rows: &[Row]) -> Vec<String> {
    let text = |row: &Row| {
        json!({
            "flag": row.flag,
            "at": jiff::Timestamp::from_microsecond(row.at).unwrap().to_string(),
            "name": row.name,
            "count": row.count,
            "amount": row.amount.map(f64::from),
        })
        .to_string()
    };
    rows.iter().map(text).collect()
}

fn frame(rows: &[Row], form: usize) -> RecordBatch {
    let names: Vec<Option<&str>> = rows.iter().map(|row| row.name.as_deref()).collect();
    let names: ArrayRef = match form {
        0 => Arc::new(StringArray::from(names)),
        1 => Arc::new(LargeStringArray::from(names)),
        2 => Arc::new(StringViewArray::from(names)),
        _ => Arc::new(names.into_iter().collect::<DictionaryArray<Int32Type>>()),
    };
    let counts: Vec<Option<i16>> = rows.iter().map(|row| row.count).collect();
    let counts: ArrayRef = match form {
        0 => Arc::new(counts.iter().map(|count| count.map(i64::from)).collect::<Int64Array>()),
        _ => Arc::new(Int16Array::from(counts)),
    };
    let amounts: Vec<Option<f32>> = rows.iter().map(|row| row.amount).collect();
    let amounts: ArrayRef = match form {
        1 => Arc::new(Float32Array::from(amounts)),
        _ => Arc::new(amounts.iter().map(|x| x.map(f64::from)).collect::<Float64Array>()),
    };
    let instants = rows.iter().map(|row| row.at);
    let instants: ArrayRef = match form {
        0 => Arc::new(TimestampMicrosecondArray::from_iter_values(instants).with_timezone("UTC")),
        1 => Arc::new(
            TimestampNanosecondArray::from_iter_values(instants.map(|us| us * 1_000 + 999))
                .with_timezone("+05:00"),
        ),
        2 => Arc::new(Int64Array::from_iter_values(instants)),
        _ => Arc::new(StringArray::from_iter_values(
            instants.map(|us| jiff::Timestamp::from_microsecond(us).unwrap().to_string()),
        )),
    };
    let flags: ArrayRef = Arc::new(rows.iter().map(|row| row.flag).collect::<BooleanArray>());
    let columns = [
        ("count", counts),
        ("name", names),
        ("flag", flags),
        ("at", instants),
        ("amount", amounts),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
}

fn causes(decoded: &Decoded) -> Vec<(u32, &'static str)> {
    decoded.rejected.iter().map(|rejected| (rejected.row, rejected.cause.name())).collect()
}

proptest! {
    /// Array, lines, frame and frame in pieces give one batch and one list of causes.
    #[test]
    fn every_spelling_of_the_rows_decodes_alike(
        rows in rows(), form in 0_usize..4, cut in 0_usize..40,
    ) {
        let contract = contract();
        let text = json_rows(&rows);
        let array = Bytes::from(format!("[{}]", text.join(" , ")));
        let lines = Bytes::from(text.join("\n"));
        let batch = frame(&rows, form);
        let cut = cut.min(rows.len());
        let pieces = vec![batch.slice(0, cut), batch.slice(cut, rows.len() - cut)];
        let expected = decode(Payload::JsonArray(array), &contract).unwrap();
        prop_assert_eq!(expected.rows.len() + expected.rejected.len(), rows.len());
        let frames = [vec![batch], pieces].map(Payload::Batches);
        for payload in frames.into_iter().chain([Payload::Ndjson(lines)]) {
            let decoded = decode(payload, &contract).unwrap();
            prop_assert_eq!(&decoded.batch, &expected.batch);
            prop_assert_eq!(&decoded.rows, &expected.rows);
            prop_assert_eq!(causes(&decoded), causes(&expected));
            prop_assert_eq!(&decoded.quality, &expected.quality);
        }
    }

    /// A rejected row decodes from its original bytes to the same rejection.
    #[test]
    fn a_rejected_row_keeps_what_it_takes_to_decode_it_again(rows in rows(), form in 0_usize..4) {
        let contract = contract();
        let decoded = decode(Payload::Batches(vec![frame(&rows, form)]), &contract).unwrap();
        for rejected in &decoded.rejected {
            let again = decode(Payload::Ndjson(rejected.original.clone()), &contract).unwrap();
            prop_assert_eq!(again.rejected.len(), 1);
            prop_assert_eq!(again.rejected[0].cause, rejected.cause);
        }
    }

    /// Whatever the bytes, decoding ends in rows or in an error.
    #[test]
    fn no_bytes_crash_it(
        body in proptest::collection::vec(any::<u8>(), 0..200), form in 0_usize..3,
    ) {
        let body = Bytes::from(body);
        let payload = match form {
            0 => Payload::JsonArray(body),
            1 => Payload::Ndjson(body),
            _ => Payload::ArrowStream(body),
        };
        if let Ok(decoded) = decode(payload, &contract()) {
            prop_assert_eq!(decoded.batch.num_rows(), decoded.rows.len());
        }
    }
}
