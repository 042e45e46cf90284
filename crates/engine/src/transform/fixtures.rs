//! Small blueprints for tests, written the way the compiler writes them.

use std::sync::Arc;

use headwater_kernel::plan::Plan;
use serde_json::{Value as Json, json};

/// A plan from streams, tables, views and services in the JSON of the blueprint.
pub(crate) fn plan(streams: Json, tables: Json, views: Json, services: Json) -> Arc<Plan> {
    let blueprint = json!({
        "format": 1, "meaning": 1,
        "streams": streams, "tables": tables, "views": views, "services": services,
    });
    let blueprint = serde_json::from_value(blueprint).expect("the fixture is a blueprint");
    Arc::new(Plan::new(blueprint).expect("the fixture compiles"))
}

/// A stream of these columns (name, type), all of which may be null; its time is `at`.
pub(crate) fn stream(name: &str, columns: &[(&str, &str)], id: Option<&str>) -> Json {
    let mut all = vec![json!({"name": "at", "type": "timestamp", "nullable": false})];
    all.extend(columns.iter().map(|(name, kind)| column(name, kind)));
    json!({
        "name": name, "columns": all, "time": "at", "id": id, "order": null,
        "lateness_us": 3_600_000_000_i64, "skew_us": 600_000_000, "idle_us": 60_000_000,
        "dedup_us": id.map(|_| 86_400_000_000_i64), "max_age_us": null, "version": name,
    })
}

/// A column that may be null.
pub(crate) fn column(name: &str, kind: &str) -> Json {
    json!({"name": name, "type": kind, "nullable": true})
}

/// An expression.
pub(crate) fn expression(tree: Json, kind: &str, fallible: bool, text: &str) -> Json {
    json!({"tree": tree, "type": kind, "fallible": fallible, "text": text})
}

/// A column as an expression.
pub(crate) fn read(name: &str, kind: &str) -> Json {
    expression(json!(["col", name]), kind, false, name)
}

/// A view of a stream keyed by one column of strings.
pub(crate) fn view(name: &str, stream: &str, key: &str, filter: Json, features: Json) -> Json {
    json!({
        "name": name, "stream": stream, "table": null,
        "keys": [{"name": key, "type": "str", "column": key}],
        "where": filter, "include_current": false, "events_max": 100_000,
        "features": features, "version": name,
    })
}

/// A feature over a window given as JSON.
pub(crate) fn feature(
    column: &str,
    aggregate: &str,
    input: Json,
    filter: Json,
    window: Json,
    kind: Json,
) -> Json {
    json!({
        "column": column, "name": column, "type": kind,
        "compute": {
            "kind": "aggregate", "aggregate": aggregate, "input": input, "where": filter,
            "n": null, "window": window,
        },
    })
}
