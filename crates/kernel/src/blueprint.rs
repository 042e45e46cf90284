//! The blueprint: the compiled, canonical form of a set of definitions, as the Python compiler
//! writes it (JSON). Everything here is data; `plan` derives parts and layouts from it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::value::{DataType, FeatureType};
use crate::window::Window;

/// Version of this JSON format.
pub const FORMAT: u32 = 1;

/// Version of the kernel's meaning; part of every fingerprint.
pub const MEANING: u32 = 1;

/// A compiled set of definitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blueprint {
    /// [`FORMAT`].
    pub format: u32,
    /// [`MEANING`].
    pub meaning: u32,
    /// Streams of events, by name.
    pub streams: Vec<Stream>,
    /// Tables, by name.
    pub tables: Vec<Table>,
    /// Feature views.
    pub views: Vec<View>,
    /// Feature services.
    pub services: Vec<Service>,
}

/// A column of a stream or table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name in the rows.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// May it be null or missing?
    pub nullable: bool,
    /// Unit of integer instants of a timestamp column.
    #[serde(default)]
    pub unit: TimeUnit,
    /// A float is rounded to a multiple of `2^scale_exponent` before it is summed (default -44).
    #[serde(default = "default_scale_exponent")]
    pub scale_exponent: i32,
}

/// Default scale of fixed-point sums: 2^-44.
pub const DEFAULT_SCALE_EXPONENT: i32 = -44;

fn default_scale_exponent() -> i32 {
    DEFAULT_SCALE_EXPONENT
}

/// Unit of integer instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    #[default]
    Us,
    /// Nanoseconds (floored to microseconds).
    Ns,
}

/// A stream of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Class name, e.g. `Departure`.
    pub name: String,
    /// Columns in order of declaration.
    pub columns: Vec<Column>,
    /// The event-time column.
    pub time: String,
    /// The id column, if events have one.
    pub id: Option<String>,
    /// The column that orders events of one instant, if declared.
    pub order: Option<String>,
    /// Watermark lag, microseconds.
    pub lateness_us: i64,
    /// How far ahead of its arrival an event may be, microseconds.
    pub skew_us: i64,
    /// Horizon in which a repeated id is dropped, microseconds; null without `id`.
    pub dedup_us: Option<i64>,
    /// Oldest event accepted, measured against arrival, microseconds.
    pub max_age_us: Option<i64>,
    /// A silent partition leaves the watermark after this, microseconds.
    pub idle_us: i64,
    /// Fingerprint of the above.
    pub version: String,
}

/// A table of attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Class name, e.g. `Weather`.
    pub name: String,
    /// Columns in order of declaration.
    pub columns: Vec<Column>,
    /// Key columns.
    pub key: Vec<String>,
    /// The column from whose instant a row is valid; none: valid from arrival.
    pub valid_from: Option<String>,
    /// A row counts at every `t`.
    pub timeless: bool,
    /// Availability delay after `valid_from`, microseconds.
    pub delay_us: i64,
    /// A row older than this (`t - valid_from > ttl`) is not used, microseconds.
    pub ttl_us: Option<i64>,
    /// Fingerprint of the above.
    pub version: String,
}

/// A key column of a view.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Name in the entity, as readers give it.
    pub name: String,
    /// Its type: any but float.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// The column of the stream or table that holds it.
    pub column: String,
}

/// A feature view: a stream folded, or columns of a table as of `t`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Class name, e.g. `CarrierPunctuality`.
    pub name: String,
    /// The stream folded; exactly one of `stream` and `table` is given.
    pub stream: Option<String>,
    /// The table looked up.
    pub table: Option<String>,
    /// The key tuple.
    pub keys: Vec<Key>,
    /// Only rows for which this is true take part; a boolean expression.
    #[serde(rename = "where")]
    pub filter: Option<Expression>,
    /// Is an event at exactly `t` in the window?
    pub include_current: bool,
    /// Most raw events a key that exact windows keep.
    pub events_max: u64,
    /// Features in order of definition, one for each window.
    pub features: Vec<Feature>,
    /// Fingerprint of the view's meaning.
    pub version: String,
}

/// A typed expression over the columns of a stream: canonical tree, never the user's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expression {
    /// The canonical tree (`crates/expr` gives it meaning); compared and hashed as JSON.
    pub tree: Json,
    /// The type of its result.
    #[serde(rename = "type")]
    pub data_type: DataType,
    /// Can a row fail (overflow, CAST)?
    pub fallible: bool,
    /// Scale of fixed-point sums of it.
    #[serde(default = "default_scale_exponent")]
    pub scale_exponent: i32,
    /// What the user wrote; for messages only.
    #[serde(default)]
    pub text: String,
}

/// One output column of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Output column, e.g. `carrier_punctuality__late_share_24h`.
    pub column: String,
    /// Attribute name in the view, e.g. `late_share`.
    pub name: String,
    /// How it is computed.
    pub compute: Compute,
    /// Type of the result.
    #[serde(rename = "type")]
    pub data_type: FeatureType,
    /// Replaces null (JSON scalar of the feature's type; timestamps as integer microseconds).
    #[serde(default)]
    pub default: Option<Json>,
}

/// How a feature is computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant)] // one a feature, made once
pub enum Compute {
    /// An aggregate of the view's stream over a window.
    Aggregate {
        /// Which one.
        aggregate: Aggregate,
        /// Its input; none for `count()`.
        input: Option<Expression>,
        /// The aggregate's own filter, to be joined with the view's by AND.
        #[serde(rename = "where")]
        filter: Option<Expression>,
        /// Length of the list for `first(x, n=)` and `last(x, n=)`; none: one value.
        n: Option<u32>,
        /// The window.
        window: Window,
    },
    /// A column of the view's table.
    Column {
        /// Its name in the table.
        source: String,
    },
}

/// The aggregates of this format; a family a file in `aggregates`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Events, or events with the input not null.
    Count,
    /// Exact sum.
    Sum,
    /// Exact mean, rounded once.
    Mean,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// Earliest value in the order of events.
    First,
    /// Latest value in the order of events.
    Last,
}

/// A feature service: what one model asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The request's key columns in order of first use, with their types.
    pub keys: Vec<RequestKey>,
    /// The views read, each in one role.
    pub inputs: Vec<ServiceInput>,
    /// Output columns in the service's order.
    pub columns: Vec<ServiceColumn>,
    /// Fingerprint of the above and of the versions of the views.
    pub version: String,
}

/// A key column that a request must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestKey {
    /// Name in the request.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: DataType,
}

/// A view in one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceInput {
    /// Name of the view.
    pub view: String,
    /// The role, where there is one; output columns begin with `{role}__`.
    pub role: Option<String>,
    /// For each key of the view, in its order, the request column that holds it.
    pub keys: Vec<String>,
}

/// One output column of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceColumn {
    /// Output name.
    pub name: String,
    /// Index into [`Service::inputs`].
    pub input: usize,
    /// Column of the view ([`Feature::column`]).
    pub column: String,
}
