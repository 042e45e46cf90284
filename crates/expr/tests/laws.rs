//! Laws of evaluation, over the trees of the shared table and rows drawn at their edges.
//!
//! However a batch is cut, and whichever rows are needed, each row has the value and the failure
//! that it has alone; and forms that mean the same give the same, failures included.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod table;

use std::sync::LazyLock;

use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use headwater_expr::{Bound, Evaluated, bind};
use headwater_kernel::blueprint::Column;
use headwater_kernel::value::DataType;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Every column that the table names; a name has one type throughout.
static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let mut all: Vec<Column> = Vec::new();
    for column in table::cases().iter().flat_map(|case| &case.columns) {
        match all.iter().find(|known| known.name == column.name) {
            None => all.push(column.clone()),
            Some(known) => assert_eq!(known.data_type, column.data_type, "{}", column.name),
        }
    }
    all
});

#[derive(Debug)]
struct Tree {
    json: Json,
    data_type: DataType,
    fallible: bool,
}

/// Every tree of the table, once.
static TREES: LazyLock<Vec<Tree>> = LazyLock::new(|| {
    let mut trees: Vec<Tree> = Vec::new();
    for compiled in table::cases().into_iter().filter_map(|case| case.compiled) {
        if trees.iter().all(|tree| tree.json != compiled.tree) {
            trees.push(Tree {
                json: compiled.tree,
                data_type: compiled.data_type,
                fallible: compiled.fallible,
            });
        }
    }
    assert!(trees.len() > 200, "the table has been cut");
    trees
});

fn bound(tree: &Json) -> Bound {
    bind(tree, &COLUMNS).unwrap()
}

fn evaluate(tree: &Json, batch: &RecordBatch) -> Evaluated {
    bound(tree).evaluate(batch, None)
}

/// A value of a column: null, an edge or anything. Floats and instants keep to what is accepted.
fn value(data_type: DataType) -> BoxedStrategy<Json> {
    let some: BoxedStrategy<Json> = match data_type {
        DataType::Bool => any::<bool>().prop_map(Json::from).boxed(),
        DataType::Int => prop_oneof![
            -3i64..4,
            prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1]),
            any::<i64>(),
        ]
        .prop_map(Json::from)
        .boxed(),
        DataType::Float => {
            let most = f64::from(56u8).exp2().next_down();
            prop_oneof![
                prop::sample::select(vec![0.0, 0.5, -0.5, 1.0, 2.5, most, -most, 5e-324]),
                -most..most,
            ]
            .prop_map(Json::from)
            .boxed()
        }
        DataType::Str => prop_oneof![
            prop::sample::select(vec!["", " 12 ", "2.5", "true", "abc", "x", "\u{1F600}", "ß"]),
            Just("a%_b"),
        ]
        .prop_map(Json::from)
        .boxed(),
        DataType::Timestamp => prop_oneof![
            prop::sample::select(vec![31_536_000_000_000i64, 7_258_118_400_000_000]),
            31_536_000_000_000i64..7_258_118_400_000_000,
        ]
        .prop_map(Json::from)
        .boxed(),
    };
    prop_oneof![1 => Just(Json::Null), 4 => some].boxed()
}

fn row() -> impl Strategy<Value = Map<String, Json>> {
    let values: Vec<BoxedStrategy<Json>> =
        COLUMNS.iter().map(|column| value(column.data_type)).collect();
    values.prop_map(|values| COLUMNS.iter().map(|column| column.name.clone()).zip(values).collect())
}

fn rows(most: usize) -> impl Strategy<Value = RecordBatch> {
    prop::collection::vec(row(), 0..=most).prop_map(|rows| table::batch(&COLUMNS, &rows))
}

fn any_tree() -> impl Strategy<Value = &'static Tree> {
    (0..TREES.len()).prop_map(|number| &TREES[number])
}

fn tree_of(data_type: DataType) -> impl Strategy<Value = Json> {
    any_tree()
        .prop_filter("of the type", move |tree| tree.data_type == data_type)
        .prop_map(|tree| tree.json.clone())
}

/// Values and failures of the same rows.
fn assert_same(a: &Evaluated, b: &Evaluated) {
    assert_eq!(a.array.to_data(), b.array.to_data());
    assert_eq!(a.bad, b.bad);
}

/// The same values; of a failure only the row, since forms name their own parts.
fn assert_same_meaning(a: &Evaluated, b: &Evaluated) {
    assert_eq!(a.array.to_data(), b.array.to_data());
    let rows = |found: &Evaluated| found.bad.iter().map(|(row, _)| *row).collect::<Vec<_>>();
    assert_eq!(rows(a), rows(b));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    /// A batch cut in two gives the values and the bad rows of the whole.
    #[test]
    fn a_cut_changes_nothing(tree in any_tree(), batch in rows(24), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(batch.num_rows() + 1);
        let whole = evaluate(&tree.json, &batch);
        let rest = batch.num_rows() - cut;
        for (start, length) in [(0, cut), (cut, rest)] {
            let part = evaluate(&tree.json, &batch.slice(start, length));
            let inside = start..start + length;
            let bad: Vec<_> = whole.bad.iter().filter(|(row, _)| inside.contains(row))
                .map(|(row, message)| (row - start, message.clone())).collect();
            assert_same(&part, &Evaluated { array: whole.array.slice(start, length), bad });
        }
    }

    /// What is needed has its own value; what is not is null and never bad.
    #[test]
    fn a_mask_hides_and_changes_nothing(
        tree in any_tree(),
        batch in rows(16),
        bits in prop::collection::vec(any::<bool>(), 16),
    ) {
        let needed = BooleanBuffer::from_iter(bits.into_iter().take(batch.num_rows()));
        let all = evaluate(&tree.json, &batch);
        let masked = bound(&tree.json).evaluate(&batch, Some(&needed));
        let bad: Vec<_> =
            all.bad.iter().filter(|(row, _)| needed.value(*row)).cloned().collect();
        prop_assert_eq!(&masked.bad, &bad);
        for row in 0..batch.num_rows() {
            if needed.value(row) {
                prop_assert_eq!(masked.array.slice(row, 1).to_data(), all.array.slice(row, 1).to_data());
            } else {
                prop_assert!(masked.array.is_null(row));
            }
        }
    }

    /// A tree that the compiler calls infallible never fails on accepted rows.
    #[test]
    fn what_cannot_fail_does_not(tree in any_tree(), batch in rows(24)) {
        let found = evaluate(&tree.json, &batch);
        prop_assert!(tree.fallible || found.bad.is_empty(), "{} {:?}", tree.json, found.bad);
    }

    /// Floats are finite or null and never -0.0.
    #[test]
    fn floats_are_finite(tree in tree_of(DataType::Float), batch in rows(24)) {
        let found = evaluate(&tree, &batch);
        let floats = found.array.as_any().downcast_ref::<arrow_array::Float64Array>().unwrap();
        for value in floats.iter().flatten() {
            prop_assert!(value.is_finite() && value.to_bits() != (-0.0f64).to_bits());
        }
    }

    /// NOT (a AND b) is NOT a OR NOT b, down to which rows fail.
    #[test]
    fn de_morgan(a in tree_of(DataType::Bool), b in tree_of(DataType::Bool), batch in rows(16)) {
        let not_both = evaluate(&json!(["not", ["and", a, b]]), &batch);
        let either_not = evaluate(&json!(["or", ["not", a], ["not", b]]), &batch);
        assert_same(&not_both, &either_not);
    }

    /// AND in one list is AND nested either way.
    #[test]
    fn and_associates(
        a in tree_of(DataType::Bool),
        b in tree_of(DataType::Bool),
        c in tree_of(DataType::Bool),
        batch in rows(16),
    ) {
        let flat = evaluate(&json!(["and", a, b, c]), &batch);
        assert_same(&flat, &evaluate(&json!(["and", ["and", a, b], c]), &batch));
        assert_same(&flat, &evaluate(&json!(["and", a, ["and", b, c]]), &batch));
    }

    /// coalesce(a, b) is CASE WHEN a IS NOT NULL THEN a ELSE b END.
    #[test]
    fn coalesce_is_a_case(a in tree_of(DataType::Int), b in tree_of(DataType::Int), batch in rows(16)) {
        let coalesced = evaluate(&json!(["coalesce", a, b]), &batch);
        let chosen = evaluate(&json!(["case", ["not", ["is_null", a]], a, b]), &batch);
        assert_same_meaning(&coalesced, &chosen);
    }

    /// A list of literals is the chain of its comparisons.
    #[test]
    fn in_is_a_chain_of_equals(members in prop::collection::vec(-3i64..4, 1..4), batch in rows(16)) {
        let literals: Vec<Json> = members.iter().map(|member| json!(["int", member])).collect();
        let mut list = vec![json!("in"), json!(["col", "i"])];
        list.extend(literals.iter().cloned());
        let mut chain = vec![json!("or"), json!(["bool", false])];
        chain.extend(literals.iter().map(|literal| json!(["eq", ["col", "i"], literal])));
        assert_same(&evaluate(&Json::from(list), &batch), &evaluate(&Json::from(chain), &batch));
    }

    /// An instant is the sum of what its fields say, and truncation keeps the fields above.
    #[test]
    fn the_calendar_agrees_with_a_library(at in 31_536_000_000_000i64..7_258_118_400_000_000) {
        let row = Map::from_iter([("t".to_owned(), json!(at))]);
        let batch = table::batch(&[table::column("t", DataType::Timestamp)], &[row]);
        let zoned = jiff::Timestamp::from_microsecond(at).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        let week = zoned.date().iso_week_date();
        let wanted = [
            ("year", i64::from(zoned.year())),
            ("month", i64::from(zoned.month())),
            ("day", i64::from(zoned.day())),
            ("hour", i64::from(zoned.hour())),
            ("minute", i64::from(zoned.minute())),
            ("second", i64::from(zoned.second())),
            ("doy", i64::from(zoned.day_of_year())),
            ("isodow", i64::from(zoned.weekday().to_monday_one_offset())),
            ("week", i64::from(week.week())),
        ];
        let columns = [table::column("t", DataType::Timestamp)];
        for (field, wanted) in wanted {
            let tree = json!(["extract", field, ["col", "t"]]);
            let found = bind(&tree, &columns).unwrap().evaluate(&batch, None);
            let found = found.array.as_any().downcast_ref::<arrow_array::Int64Array>().unwrap();
            prop_assert_eq!(found.value(0), wanted, "{} of {}", field, zoned);
        }
    }

    /// LIKE says what a recursive reading of the pattern says.
    #[test]
    fn like_reads_its_pattern(text in "[ab_é]{0,8}", pattern in "[ab%_é]{0,6}") {
        fn reads(text: &[char], pattern: &[char]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some(('%', rest)) => (0..=text.len()).any(|from| reads(&text[from..], rest)),
                Some(('_', rest)) => !text.is_empty() && reads(&text[1..], rest),
                Some((wanted, rest)) => text.first() == Some(wanted) && reads(&text[1..], rest),
            }
        }
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let batch = table::batch(&[], &[Map::new()]);
        let tree = json!(["like", ["str", text], ["str", pattern]]);
        let found = bind(&tree, &[]).unwrap().evaluate(&batch, None);
        let found = found.array.as_any().downcast_ref::<arrow_array::BooleanArray>().unwrap();
        prop_assert_eq!(found.value(0), reads(&chars(&text), &chars(&pattern)));
    }
}
