//! Laws of the transform: a row's fate depends on the row alone, an expression counts only where
//! it is needed, and a view that leaves a row out leaves the others' figures as they are.

use arrow_array::{Int64Array, StringArray, TimestampMicrosecondArray};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::fixtures::{expression, feature, plan, read, stream, view};
use super::*;

const WHOLE: usize = 0;
const PARSED: usize = 1;
const SUMMED: usize = 2;

/// Three views of one section: none, an input and a `where` of which can fail.
fn transform() -> Transform {
    let lifetime = json!({"kind": "lifetime"});
    let int = json!({"scalar": "int"});
    let positive = expression(json!(["gt", ["col", "a"], ["int", 0]]), "bool", false, "a > 0");
    let b_positive = expression(json!(["gt", ["col", "b"], ["int", 0]]), "bool", false, "b > 0");
    let number = json!(["cast", "int", ["col", "text"]]);
    let parsed = expression(number.clone(), "int", true, "CAST(text AS INT)");
    let filter = json!(["gt", number, ["int", 1]]);
    let filter = expression(filter, "bool", true, "CAST(text AS INT) > 1");
    let sum = expression(json!(["add", ["col", "a"], ["col", "b"]]), "int", true, "a + b");
    let make = |name: &str, aggregate: &str, input: Json, filter: Json| {
        feature(name, aggregate, input, filter, lifetime.clone(), int.clone())
    };
    let views = json!([
        view(
            "Whole",
            "Trip",
            "driver",
            Json::Null,
            json!([
                make("whole__trips", "count", Json::Null, Json::Null),
                make("whole__a", "sum", read("a", "int"), b_positive.clone()),
            ])
        ),
        view(
            "Parsed",
            "Trip",
            "driver",
            positive,
            json!([make("parsed__number", "sum", parsed, b_positive),])
        ),
        view(
            "Summed",
            "Trip",
            "driver",
            filter,
            json!([
                make("summed__top", "max", sum, Json::Null),
                make("summed__trips", "count", Json::Null, Json::Null),
            ])
        ),
    ]);
    let columns = [("driver", "str"), ("text", "str"), ("a", "int"), ("b", "int")];
    let plan = plan(json!([stream("Trip", &columns, None)]), json!([]), views, json!([]));
    assert_eq!(plan.sections.len(), 1);
    Transform::new(plan).unwrap()
}

#[derive(Clone, Debug)]
struct Row {
    driver: Option<&'static str>,
    text: Option<&'static str>,
    a: Option<i64>,
    b: Option<i64>,
}

fn batch(transform: &Transform, rows: &[Row]) -> RecordBatch {
    let schema = crate::contract::canonical_schema(&transform.plan.blueprint.streams[0].columns);
    let times = (0..rows.len() as i64).map(|row| 1_357_034_400_000_000 + row);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| row.driver).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.text).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.a).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.b).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

fn row(driver: Option<&'static str>, text: Option<&'static str>, a: i64, b: i64) -> Row {
    Row { driver, text, a: Some(a), b: Some(b) }
}

/// The views that fold each row: those whose own filter lets it through.
fn folded(transform: &Transform, input: &SectionInput, rows: usize) -> Vec<Vec<usize>> {
    let takes = |view: usize, row: usize| {
        let filter = transform.plan.views[view].filter;
        filter.is_none_or(|filter| input.filters[filter].value(row))
    };
    let views = |row| (WHOLE..=SUMMED).filter(|view| takes(*view, row)).collect();
    (0..rows).map(views).collect()
}

#[test]
fn each_view_leaves_out_what_it_cannot_use_and_says_why() {
    let transform = transform();
    let rows = [
        row(Some("ann"), Some("7"), 1, 1),
        row(Some("ann"), Some("x"), 1, 1),
        row(Some("ann"), Some("x"), 1, -1),
        row(Some("ann"), Some("x"), -1, 1),
        row(None, Some("x"), 1, 1),
        row(Some("bob"), Some("9"), i64::MAX, 1),
        row(Some("bob"), Some("0"), i64::MAX, 1),
    ];
    let input = transform.section(0, &batch(&transform, &rows)).unwrap();
    let told: Vec<(u32, usize, &str, &str)> = input
        .left_out
        .iter()
        .map(|one| (one.row, one.view, one.cause.name(), one.message.as_str()))
        .collect();
    let null_key = "key column \"driver\" is null";
    let number = "Parsed: parsed__number \"CAST(text AS INT)\": ";
    let filter = "Summed: where \"CAST(text AS INT) > 1\": ";
    let why = input.left_out[0].message.strip_prefix(number).unwrap().to_owned();
    let number = format!("{number}{why}");
    let filter = format!("{filter}{why}");
    let overflow = "Summed: summed__top \"a + b\": ";
    let last = told.last().unwrap().3;
    assert!(last.starts_with(overflow), "{last}");
    assert_eq!(
        told,
        vec![
            (1, PARSED, "expression", number.as_str()),
            (1, SUMMED, "expression", filter.as_str()),
            (2, SUMMED, "expression", filter.as_str()),
            (3, SUMMED, "expression", filter.as_str()),
            (4, WHOLE, "null_key", null_key),
            (4, PARSED, "null_key", null_key),
            (4, SUMMED, "null_key", null_key),
            (5, SUMMED, "expression", last),
        ]
    );
    let folded = folded(&transform, &input, rows.len());
    assert_eq!(folded[0], vec![WHOLE, PARSED, SUMMED]);
    assert_eq!(folded[1], vec![WHOLE]);
    assert_eq!(folded[2], vec![WHOLE, PARSED]);
    assert_eq!(folded[3], vec![WHOLE]);
    assert_eq!(input.keys.get(4), None);
    assert_eq!(folded[5], vec![WHOLE, PARSED]);
    assert_eq!(folded[6], vec![WHOLE, PARSED]);
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop_oneof![
        Just(None),
        prop::sample::select(vec!["0", "1", "2", "7", "x", "", "99999999999999999999"])
            .prop_map(Some),
    ];
    let number = prop_oneof![
        Just(None),
        (-2_i64..3).prop_map(Some),
        Just(Some(i64::MAX)),
        Just(Some(i64::MIN)),
    ];
    let driver = prop::sample::select(vec![None, Some("ann"), Some("bob")]);
    let row = (driver, text, number.clone(), number).prop_map(|(driver, text, a, b)| Row {
        driver,
        text,
        a,
        b,
    });
    proptest::collection::vec(row, 1..40)
}

/// What the definitions say of one row, in plain Rust: (view folds it, why it is left out).
fn fate(view: usize, row: &Row) -> (bool, Option<&'static str>) {
    if row.driver.is_none() {
        return (false, Some("null_key"));
    }
    let number = row.text.map(|text| text.parse::<i64>().map_err(|_| ()));
    let bad = (false, Some("expression"));
    match view {
        WHOLE => (true, None),
        PARSED if row.a.is_none_or(|a| a <= 0) => (false, None),
        PARSED if row.b.is_some_and(|b| b > 0) && number == Some(Err(())) => bad,
        PARSED => (true, None),
        _ => match number {
            Some(Err(())) => bad,
            Some(Ok(number)) if number > 1 => match (row.a, row.b) {
                (Some(a), Some(b)) if a.checked_add(b).is_none() => bad,
                _ => (true, None),
            },
            _ => (false, None),
        },
    }
}

proptest! {
    /// The fate of every row in every view is what the definitions say.
    #[test]
    fn a_row_is_folded_or_left_out_as_defined(rows in rows()) {
        let transform = transform();
        let input = transform.section(0, &batch(&transform, &rows)).unwrap();
        let folded = folded(&transform, &input, rows.len());
        for (at, row) in rows.iter().enumerate() {
            for view in WHOLE..=SUMMED {
                let (takes, why) = fate(view, row);
                let told = input.left_out.iter().find(|o| (o.row as usize, o.view) == (at, view));
                prop_assert_eq!(told.map(|one| one.cause.name()), why, "{:?} {}", row, view);
                if row.driver.is_some() {
                    prop_assert_eq!(folded[at].contains(&view), takes, "{:?} {}", row, view);
                }
                prop_assert_eq!(input.keys.get(at).is_some(), row.driver.is_some());
            }
        }
    }

    /// A batch cut in two gives what the whole gives.
    #[test]
    fn cutting_a_batch_changes_nothing(rows in rows(), cut in 0_usize..40) {
        let transform = transform();
        let whole = batch(&transform, &rows);
        let cut = cut.min(rows.len());
        let all = transform.section(0, &whole).unwrap();
        let mut left_out = Vec::new();
        for (first, part) in [(0, whole.slice(0, cut)), (cut, whole.slice(cut, rows.len() - cut))] {
            let input = transform.section(0, &part).unwrap();
            left_out.extend(input.left_out.into_iter().map(|mut one| {
                one.row += first as u32;
                one
            }));
            for row in 0..part.num_rows() {
                prop_assert_eq!(input.keys.get(row), all.keys.get(first + row));
                prop_assert_eq!(input.times[row], all.times[first + row]);
                for (filter, of_all) in input.filters.iter().zip(&all.filters) {
                    prop_assert_eq!(filter.value(row), of_all.value(first + row));
                }
            }
        }
        prop_assert_eq!(left_out, all.left_out);
    }

    /// Narrowed to some parts and views, these get what they got, and no row passes to others but
    /// to the counts of extremes.
    #[test]
    fn narrowed_it_gives_what_is_asked_for_and_nothing_else(
        rows in rows(),
        parts in any::<u16>(),
        views in 0_usize..8,
    ) {
        let transform = transform();
        let plan = Arc::clone(transform.plan());
        let section = &plan.sections[0];
        let parts = (0..section.parts.len()).filter(|part| parts >> part & 1 == 1).collect();
        let views = (WHOLE..=SUMMED).filter(|view| views >> view & 1 == 1).collect();
        let filling = Filling { section: 0, parts, views };
        let narrowed = Transform::narrowed(&plan, std::slice::from_ref(&filling)).unwrap();
        let rows = batch(&transform, &rows);
        let whole = transform.section(0, &rows).unwrap();
        let input = narrowed.section(0, &rows).unwrap();
        let counted = filling.parts.iter().filter_map(|&part| section.parts[part].count);
        let folded: Vec<usize> = filling.parts.iter().copied().chain(counted).collect();
        for (index, part) in narrowed.plan().sections[0].parts.iter().enumerate() {
            let takes = |of: &SectionInput, filter: Option<usize>, row: usize| {
                filter.is_none_or(|filter| of.filters[filter].value(row))
                    && part.input.is_none_or(|input| of.inputs[input].is_valid(row))
            };
            for row in 0..rows.num_rows() {
                let took = takes(&whole, section.parts[index].filter, row);
                let expected = took && folded.contains(&index);
                prop_assert_eq!(takes(&input, part.filter, row), expected, "{:?} {}", part, row);
                if let (true, Some(at)) = (expected, part.input) {
                    let (one, other) = (&input.inputs[at], &whole.inputs[at]);
                    prop_assert!(one.slice(row, 1) == other.slice(row, 1), "{part:?} {row}");
                }
            }
        }
        let needs = filling.needs(&plan);
        for (at, is_needed) in needs.inputs.iter().enumerate() {
            let fails = section.inputs[at].fallible && !needs.views.is_empty();
            prop_assert!(*is_needed || fails || input.inputs[at].null_count() == rows.num_rows());
        }
        let told = whole.left_out.into_iter().filter(|one| filling.views.contains(&one.view));
        prop_assert_eq!(input.left_out, told.collect::<Vec<_>>());
    }
}
