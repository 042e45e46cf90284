//! Streams and tables under one index: streams first, in the blueprint's order, then tables.
//!
//! A source is what is pushed to. Names are unique over both, so a name alone finds one.

use std::sync::Arc;

use headwater_kernel::blueprint::{Blueprint, Column, Stream, Table};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::near;
use headwater_kernel::plan::{Plan, Source as ViewSource};

use crate::contract::Contract;

/// All sources of a plan.
#[derive(Clone, Debug)]
pub struct Sources {
    streams: Vec<Arc<Stream>>,
    tables: Vec<Arc<Table>>,
}

/// A source by what it is.
#[derive(Clone, Debug)]
pub enum Definition {
    /// A stream of events.
    Stream(Arc<Stream>),
    /// A table of rows.
    Table(Arc<Table>),
}

impl Definition {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Definition::Stream(stream) => &stream.name,
            Definition::Table(table) => &table.name,
        }
    }

    /// Its columns in order of declaration.
    pub fn columns(&self) -> &[Column] {
        match self {
            Definition::Stream(stream) => &stream.columns,
            Definition::Table(table) => &table.columns,
        }
    }

    /// The column with the event time, or from whose instant a row is valid.
    pub fn time(&self) -> Option<&str> {
        match self {
            Definition::Stream(stream) => Some(&stream.time),
            Definition::Table(table) => table.valid_from.as_deref(),
        }
    }

    /// The contract of its rows.
    pub fn contract(&self, arrived_at: Option<&str>) -> Result<Contract> {
        match self {
            Definition::Stream(stream) => Contract::of_stream(stream, arrived_at),
            Definition::Table(table) => Contract::of_table(table, arrived_at),
        }
    }
}

impl Sources {
    /// The sources of a blueprint.
    pub fn new(blueprint: &Blueprint) -> Self {
        Self {
            streams: blueprint.streams.iter().cloned().map(Arc::new).collect(),
            tables: blueprint.tables.iter().cloned().map(Arc::new).collect(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.streams.len() + self.tables.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The source with this index.
    pub fn get(&self, source: usize) -> Definition {
        match self.streams.get(source) {
            Some(stream) => Definition::Stream(Arc::clone(stream)),
            None => Definition::Table(Arc::clone(&self.tables[source - self.streams.len()])),
        }
    }

    /// Index of the table among the blueprint's tables; `None` for a stream.
    pub fn table_of(&self, source: usize) -> Option<usize> {
        source.checked_sub(self.streams.len())
    }

    /// The source that a view stands on.
    pub fn of_view(&self, plan: &Plan, view: usize) -> usize {
        match plan.views[view].source {
            ViewSource::Section(section) => plan.sections[section].stream,
            ViewSource::Table(table) => self.streams.len() + table,
        }
    }

    /// The index of a name; `None` if there is no such source.
    pub fn find(&self, name: &str) -> Option<usize> {
        let streams = self.streams.iter().map(|stream| &stream.name);
        let tables = self.tables.iter().map(|table| &table.name);
        streams.chain(tables).position(|other| other == name)
    }

    /// The index of a stream's name, or an error that says what there is.
    pub fn stream(&self, name: &str) -> Result<usize> {
        match self.find(name) {
            Some(source) if source < self.streams.len() => Ok(source),
            Some(_) => Err(unknown("stream", name, self.streams.iter().map(|s| s.name.as_str()))
                .with_hint(format!("{name} is a table: put its rows"))),
            None => Err(unknown("stream", name, self.streams.iter().map(|s| s.name.as_str()))),
        }
    }

    /// The index of a table's name, or an error that says what there is.
    pub fn table(&self, name: &str) -> Result<usize> {
        match self.find(name) {
            Some(source) if source >= self.streams.len() => Ok(source),
            Some(_) => Err(unknown("table", name, self.tables.iter().map(|t| t.name.as_str()))
                .with_hint(format!("{name} is a stream: push its events"))),
            None => Err(unknown("table", name, self.tables.iter().map(|t| t.name.as_str()))),
        }
    }

    /// The index of any source's name, or an error that says what there is.
    pub fn any(&self, name: &str) -> Result<usize> {
        let names = self.streams.iter().map(|s| s.name.as_str());
        let names = names.chain(self.tables.iter().map(|t| t.name.as_str()));
        self.find(name).ok_or_else(|| unknown("stream", name, names))
    }
}

fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let code = if what == "table" { "unknown_table" } else { "unknown_stream" };
    let error = Error::new(Kind::NotFound, code, format!("no {what} is named {name}"));
    let hint = near::hint(name, names);
    error.with_hint(if hint.is_empty() { format!("the definitions have no {what}") } else { hint })
}
