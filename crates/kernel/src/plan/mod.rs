//! The plan: what the kernel, the engine and the server need to know, derived from a blueprint and
//! from nothing else. Spaces hold keys, sections are folded, parts are shared by features, views
//! are read. Deriving is pure: the same blueprint always gives the same plan.

mod carry;
mod derive;
mod fingerprint;
mod narrow;
mod views;

use std::sync::Arc;

use crate::blueprint::{Aggregate, Blueprint, Expression, RequestKey};
use crate::error::Result;
use crate::value::{DataType, FeatureType, Value};
use crate::window::Window;

pub use carry::{Carry, PartsCarry, SectionCarry};
pub use narrow::{Filling, Needs};

/// Everything derived from a blueprint.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was derived from.
    pub blueprint: Arc<Blueprint>,
    /// Key spaces, in order of first use.
    pub spaces: Vec<Space>,
    /// Fold units, in order of first use.
    pub sections: Vec<Section>,
    /// As `blueprint.views`.
    pub views: Vec<ViewPlan>,
    /// As `blueprint.services`.
    pub services: Vec<ServicePlan>,
}

impl Plan {
    /// Derives the plan; an error of kind Invalid names the definition at fault.
    pub fn new(blueprint: Blueprint) -> Result<Plan> {
        derive::derive(blueprint)
    }

    /// Index of the view of this name.
    pub fn view_index(&self, name: &str) -> Option<usize> {
        self.views.iter().position(|view| view.name == name)
    }

    /// Index of the service of this name.
    pub fn service_index(&self, name: &str) -> Option<usize> {
        self.services.iter().position(|service| service.name == name)
    }

    /// Index of the stream of this name.
    pub fn stream_index(&self, name: &str) -> Option<usize> {
        self.blueprint.streams.iter().position(|stream| stream.name == name)
    }

    /// Index of the table of this name.
    pub fn table_index(&self, name: &str) -> Option<usize> {
        self.blueprint.tables.iter().position(|table| table.name == name)
    }

    /// Indices of the sections that fold this stream.
    pub fn sections_of_stream(&self, stream: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.sections.len()).filter(move |&index| self.sections[index].stream == stream)
    }
}

/// All keys of one tuple of entity key columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// Canonical name, e.g. `carrier:str` or `origin:str,dest:str`.
    pub name: String,
    /// Entity key names with their types, in the entity's order.
    pub keys: Vec<(String, DataType)>,
    /// Indices into [`Plan::sections`].
    pub sections: Vec<usize>,
}

/// A fold unit: one stream keyed by one tuple of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Canonical name, e.g. `Departure(carrier)`; equal in every generation.
    pub name: String,
    /// Index into [`Plan::spaces`].
    pub space: usize,
    /// Index into the blueprint's streams.
    pub stream: usize,
    /// The stream's columns that hold the key, in the entity's order.
    pub key_columns: Vec<String>,
    /// Distinct inputs of its parts.
    pub inputs: Vec<Expression>,
    /// Distinct filters of its parts.
    pub filters: Vec<Filter>,
    /// What is kept for a key.
    pub parts: Vec<Part>,
    /// Indices of the views that read it.
    pub views: Vec<usize>,
    /// Do its parts need ties (first, last, raw)?
    pub ordered: bool,
    /// Hash of the fingerprints of its parts, in order, and of what waiting events hold.
    pub fingerprint: u128,
}

/// Which rows a part takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// ANDed left to right; null is false.
    pub conditions: Vec<Expression>,
    /// The row must not be bad for this view (index into [`Plan::views`]); `None` when no
    /// expression of the view can fail.
    pub admission: Option<usize>,
}

/// A unit of state, shared by the features of all views of its section.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What is kept.
    pub family: Family,
    /// Index into [`Section::inputs`]; `None` counts events.
    pub input: Option<usize>,
    /// Index into [`Section::filters`]; `None` takes every row.
    pub filter: Option<usize>,
    /// Of a numeric extreme: the part that counts its inputs.
    pub count: Option<usize>,
    /// Its reach: every window that reads it, sorted, distinct.
    pub windows: Vec<Window>,
    /// Hash of its meaning; parts of equal fingerprint hold equal state.
    pub fingerprint: u128,
}

/// Families of state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Number of rows (with the input not null, where there is one).
    Count,
    /// Exact fixed-point sum.
    Sum,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// Earliest value in the order of events.
    First,
    /// The n latest values in the order of events.
    Last {
        /// How many.
        n: u32,
    },
    /// The events themselves, for the exact windows of one view.
    Raw {
        /// The view.
        view: usize,
        /// Most events kept for a key.
        events_max: u64,
        /// Section inputs that its features read; raw events hold these, in this order.
        inputs: Vec<usize>,
        /// Section filters that its features read; raw events hold these, in this order.
        filters: Vec<usize>,
    },
}

impl Family {
    /// Does its state hang on the order of events of one instant?
    pub fn is_ordered(&self) -> bool {
        matches!(self, Family::First | Family::Last { .. } | Family::Raw { .. })
    }
}

/// Where a view's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Index into [`Plan::sections`].
    Section(usize),
    /// Index into the blueprint's tables.
    Table(usize),
}

/// How a view is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewPlan {
    /// Its name.
    pub name: String,
    /// Section or table.
    pub source: Source,
    /// Key names and types, in the entity's order, as readers give them.
    pub keys: Vec<(String, DataType)>,
    /// Position `i` of the stored key is part `key_order[i]` of the entity's key (differs from
    /// `0, 1, ..` only for tables whose key columns come in another order).
    pub key_order: Vec<usize>,
    /// Is an event at exactly `t` in the window?
    pub include_current: bool,
    /// Section filter of the view itself (its `where`, and admission); `None` keeps every row.
    pub filter: Option<usize>,
    /// Can one of its expressions fail on a row?
    pub fallible: bool,
    /// Distinct windows of its features, sorted.
    pub windows: Vec<Window>,
    /// What tells whether the key was found.
    pub presence: Presence,
    /// As the blueprint's features.
    pub features: Vec<FeaturePlan>,
}

impl ViewPlan {
    /// The first instant that any window covers at `t`; an event before it is out of reach.
    pub fn reach_start(&self, t: i64) -> i64 {
        let starts = self.windows.iter().map(|window| window.start(t, self.include_current));
        starts.min().unwrap_or(i64::MAX)
    }
}

/// What tells whether a view found its key at `t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// The part that counts the view's events, read over the view's aligned windows.
    pub count: Option<usize>,
    /// The part with the view's raw events, read over its exact windows.
    pub raw: Option<usize>,
}

/// One output column of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct FeaturePlan {
    /// Output column.
    pub column: String,
    /// Attribute name in the view.
    pub name: String,
    /// Type of the result.
    pub data_type: FeatureType,
    /// Replaces null; null where none is declared.
    pub default: Value,
    /// How it is computed.
    pub compute: FeatureCompute,
}

/// How a feature is computed.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureCompute {
    /// An aggregate of a section over a window.
    Aggregate(AggregatePlan),
    /// A column of a table: index into its columns.
    Column(usize),
}

/// An aggregate over a window, and the parts that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregatePlan {
    /// Which one.
    pub aggregate: Aggregate,
    /// Index into [`Section::inputs`].
    pub input: Option<usize>,
    /// Type of the input; `None` without one.
    pub input_type: Option<DataType>,
    /// Scale of its fixed-point sums (0 for integers and booleans).
    pub scale_exponent: i32,
    /// Index into [`Section::filters`].
    pub filter: Option<usize>,
    /// Length of the list; `None` for one value.
    pub n: Option<u32>,
    /// Index into [`ViewPlan::windows`].
    pub window: usize,
    /// The parts read.
    pub reads: Reads,
}

/// The parts that a feature reads (indices into [`Section::parts`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// One count.
    Count(usize),
    /// A sum and the count of its inputs.
    Sum {
        /// The sum.
        sum: usize,
        /// The number of inputs summed.
        count: usize,
    },
    /// A numeric extreme, and the count of its inputs: no number says that there is none.
    Extreme {
        /// The extreme.
        extreme: usize,
        /// The number of inputs.
        count: usize,
    },
    /// One part of first, last or an extreme of strings.
    One(usize),
    /// The raw events of the view.
    Raw(usize),
}

/// How a service is read.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// Key columns of a request, with their types.
    pub keys: Vec<RequestKey>,
    /// The views read.
    pub inputs: Vec<InputPlan>,
    /// Output columns in order.
    pub columns: Vec<OutputPlan>,
}

/// One view in one role.
#[derive(Clone, Debug, PartialEq)]
pub struct InputPlan {
    /// Index into [`Plan::views`].
    pub view: usize,
    /// Name in metadata: `View`, or `role.View`.
    pub label: String,
    /// For each key of the view, in the entity's order, the index into [`ServicePlan::keys`].
    pub keys: Vec<usize>,
}

/// One output column of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputPlan {
    /// Output name.
    pub name: String,
    /// Index into [`ServicePlan::inputs`].
    pub input: usize,
    /// Index into the view's features.
    pub feature: usize,
    /// Type of the result.
    pub data_type: FeatureType,
}
