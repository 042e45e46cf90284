//! `POST /get-online-features`: Feast's wire, so that its own client can read from here.
//!
//! Entities are columns, results are columns, entity columns first. Values are never altered for
//! it: what Feast calls a status stands beside them. Its errors are JSON strings holding JSON.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::{Cell, Status, Value};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use super::body::{self, Limits};
use super::features::{INLINE_ROWS_MAX, guarded};
use super::reply;
use super::state::{App, Class};
use crate::lookup::Query;
use crate::lookup::answer::Answer;
use crate::lookup::keys::Keys;
use crate::lookup::question::{Question, Target};
use crate::lookup::request::malformed;
use crate::lookup::rows::{Rows, Scalar, Text};
use crate::{instant, json};

/// What Feast gives as the time of what has none.
const NO_TIMESTAMP: &str = "1970-01-01T00:00:00Z";

#[derive(Debug, Deserialize)]
struct FeastRequest<'a> {
    #[serde(borrow)]
    entities: Columns<'a>,
    #[serde(borrow, default)]
    features: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    feature_service: Option<Text<'a>>,
    #[serde(default)]
    full_feature_names: bool,
}

/// Answers Feast's client.
pub async fn get_online_features(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    match answer(&app, request).await {
        Ok(bytes) => reply::json(bytes),
        Err(error) => refusal(&error),
    }
}

async fn answer(app: &Arc<App>, request: Request) -> Result<Vec<u8>> {
    let (parts, body) = request.into_parts();
    let times = app.times(Class::Read, &parts.headers)?;
    let limits =
        Limits { body_max: app.options.body_max, deadline: times.body, buffered: &app.buffered };
    let held = body::read(&parts, body, limits).await?;
    let deadline = times.answer();
    let rows = FeastRequest::parse(&held.bytes)?.row_count()?;
    if rows <= INLINE_ROWS_MAX {
        return guarded(|| write(app, &held.bytes, deadline));
    }
    let (app, bytes, share) = (Arc::clone(app), held.bytes, held.share);
    let working = Arc::clone(&app);
    let work = move || {
        let _share = share;
        write(&working, &bytes, deadline)
    };
    app.slow_gate.run(deadline, work).await
}

fn write(app: &App, bytes: &[u8], deadline: Instant) -> Result<Vec<u8>> {
    let request = FeastRequest::parse(bytes)?;
    let question = request.question(app)?;
    let rows = request.rows()?;
    let query = Query {
        target: Target::Named(&question.name),
        keys: Keys::Rows(&rows),
        at: None,
        history: false,
        after: None,
        deadline: deadline.into_std(),
        // What is found is told a view.
        metadata: true,
    };
    let answer = app.lookup.answer_question(app.backend.online(), &question, &query)?;
    let names = request.names(&question)?;
    let mut out = Vec::with_capacity(4_096);
    write_results(&request, &names, &answer, &mut out);
    Ok(out)
}

impl<'a> FeastRequest<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        serde_json::from_str(text).map_err(|error| malformed(error.to_string()))
    }

    /// The number of values that every entity column has.
    fn row_count(&self) -> Result<usize> {
        let mut lengths = self.entities.0.iter().map(|(_, values)| values.len());
        let first = lengths.next().unwrap_or(0);
        if lengths.all(|length| length == first) {
            Ok(first)
        } else {
            Err(malformed("the entity columns are of different lengths"))
        }
    }

    fn rows(&self) -> Result<Rows<'_>> {
        let mut rows = Rows::default();
        for row in 0..self.row_count()? {
            let fields = self.entities.0.iter();
            rows.push(
                fields
                    .map(|(name, values)| (Cow::Borrowed(name.0.as_ref()), borrowed(&values[row]))),
            );
        }
        Ok(rows)
    }

    fn question(&self, app: &App) -> Result<Arc<Question>> {
        match (&self.feature_service, &self.features) {
            (Some(service), None) => {
                Ok(Arc::clone(app.lookup.question(Target::Service(&service.0))?))
            }
            (None, Some(features)) => {
                app.lookup.question_of(features.iter().map(|feature| &*feature.0)).map(Arc::new)
            }
            _ => Err(malformed("exactly one of features and feature_service must be given")),
        }
    }

    /// The entity columns that are keys of the question, as they were sent.
    fn echoed(&self, question: &Question) -> Vec<(&str, &[Scalar<'a>])> {
        let keys: HashSet<&str> = question.keys.iter().map(|key| key.name.as_str()).collect();
        let columns = self.entities.0.iter().map(|(name, values)| (&*name.0, values.as_slice()));
        columns.filter(|(name, _)| keys.contains(name)).collect()
    }

    /// The names of the result columns after those of the entities.
    fn names<'q>(&self, question: &'q Question) -> Result<Vec<&'q str>> {
        if self.full_feature_names {
            return Ok(question.names.iter().map(String::as_str).collect());
        }
        let mut seen: HashSet<&str> =
            self.echoed(question).into_iter().map(|(name, _)| name).collect();
        let names: Vec<&str> = question.short_names.iter().map(String::as_str).collect();
        match names.iter().find(|name| !seen.insert(name)) {
            None => Ok(names),
            Some(twice) => Err(Error::new(
                Kind::Invalid,
                "feature_name_clash",
                format!("two features have the short name {twice}"),
            )
            .with_hint("ask with full_feature_names true")),
        }
    }
}

fn borrowed<'b>(scalar: &'b Scalar<'_>) -> Scalar<'b> {
    match scalar {
        Scalar::Str(text) => Scalar::Str(Cow::Borrowed(text.as_ref())),
        Scalar::Null => Scalar::Null,
        Scalar::Bool(value) => Scalar::Bool(*value),
        Scalar::Int(value) => Scalar::Int(*value),
        Scalar::Float(value) => Scalar::Float(*value),
        Scalar::List => Scalar::List,
        Scalar::Object => Scalar::Object,
    }
}

fn write_results(request: &FeastRequest<'_>, names: &[&str], answer: &Answer, out: &mut Vec<u8>) {
    let question = &answer.question;
    let rows = answer.row_count();
    let t = instant::to_text(answer.t);
    let entities = request.echoed(question);
    out.extend_from_slice(b"{\"results\":[");
    for (place, (_, values)) in entities.iter().enumerate() {
        separate(place, out);
        json::name_first("values", out);
        json::list(values.iter(), out, scalar);
        json::name("statuses", false, out);
        json::list(values.iter(), out, |_, out| json::string("PRESENT", out));
        json::name("event_timestamps", false, out);
        json::list(values.iter(), out, |_, out| json::string(NO_TIMESTAMP, out));
        out.push(b'}');
    }
    for column in 0..question.names.len() {
        let known = |row: usize| {
            let input = question.input_of[column];
            answer.metadata.as_ref().is_some_and(|metadata| metadata.views[input].found[row])
        };
        separate(entities.len() + column, out);
        json::name_first("values", out);
        json::list(0..rows, out, |row, out| value(&answer.row(row)[column].value, out));
        json::name("statuses", false, out);
        json::list(0..rows, out, |row, out| {
            json::string(status(&answer.row(row)[column], known(row)), out);
        });
        json::name("event_timestamps", false, out);
        json::list(0..rows, out, |row, out| {
            json::string(if known(row) { &t } else { NO_TIMESTAMP }, out);
        });
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"metadata\":{\"feature_names\":");
    let entity_names = entities.iter().map(|(name, _)| *name);
    json::list(entity_names.chain(names.iter().copied()), out, json::string);
    out.extend_from_slice(b"}}");
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

fn status(cell: &Cell, known: bool) -> &'static str {
    match cell.status {
        Status::Ok if !known => "NOT_FOUND",
        Status::Ok if cell.value.is_null() => "NULL_VALUE",
        Status::Ok => "PRESENT",
        Status::Invalid | Status::Saturated | Status::Overflow => "INVALID",
    }
}

/// A value as Feast writes it: as we do, but instants are whole seconds.
fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Timestamp(us) => json::integer(us.div_euclid(1_000_000), out),
        Value::List(items) => json::list(items.iter(), out, self::value),
        other => json::value(other, out),
    }
}

fn scalar(scalar: &Scalar<'_>, out: &mut Vec<u8>) {
    match scalar {
        Scalar::Bool(value) => json::boolean(*value, out),
        Scalar::Int(value) => json::integer(*value, out),
        Scalar::Float(value) => json::float(*value, out),
        Scalar::Str(text) => json::string(text, out),
        // Lists and objects are no keys: typing refused them before.
        Scalar::Null | Scalar::List | Scalar::Object => out.extend_from_slice(b"null"),
    }
}

/// An error as Feast's client reads it; 404 names the class that it raises again.
fn refusal(error: &Error) -> Response<Body> {
    let status = reply::status(error);
    let mut out = Vec::new();
    let class = match error.code {
        "unknown_view" => Some("FeatureViewNotFoundException"),
        "unknown_service" => Some("FeatureServiceNotFoundException"),
        "feature_name_clash" => Some("FeatureNameCollisionError"),
        _ => None,
    };
    if error.code == "malformed_body" {
        // Its server answers so what its own framework cannot read.
        out.extend_from_slice(b"{\"detail\":[{\"msg\":");
        json::string(&error.to_string(), &mut out);
        out.extend_from_slice(b"}]}");
        return reply::body(StatusCode::UNPROCESSABLE_ENTITY, reply::JSON, out);
    }
    match class {
        None => json::string(&error.to_string(), &mut out),
        Some(class) => {
            let mut inner = b"{\"module\": \"feast.errors\", \"class\": ".to_vec();
            json::string(class, &mut inner);
            inner.extend_from_slice(b", \"message\": ");
            json::string(&error.to_string(), &mut inner);
            inner.push(b'}');
            let inner = String::from_utf8(inner).expect("JSON of strings is UTF-8");
            json::string(&inner, &mut out);
        }
    }
    reply::dress(error, status, reply::body(status, reply::JSON, out))
}

/// Entity columns in the order in which they were sent.
#[derive(Debug)]
struct Columns<'a>(Vec<(Text<'a>, Vec<Scalar<'a>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Columns<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> Visitor<'de> for ColumnsVisitor {
    type Value = Columns<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists, one for each entity column")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut entries: A,
    ) -> std::result::Result<Columns<'de>, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = entries.next_entry()? {
            columns.push(column);
        }
        Ok(Columns(columns))
    }
}
