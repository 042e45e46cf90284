//! Label rows: what is asked, of whom and at which instants. Columns are passed on unchanged; only
//! keys and instants are read, under the same contract as pushed rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType as ArrowType, Field, Schema};
use headwater_kernel::blueprint::{Column, DEFAULT_SCALE_EXPONENT, TimeUnit};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::near;
use headwater_kernel::plan::{InputPlan, Plan, ServicePlan};
use headwater_kernel::value::DataType;
use serde_json::Value as Json;

use super::history::instants;
use crate::contract::{Cause, Contract, Rejection, canonical_schema, is_naive};
use crate::decode::{Payload, decode};

/// The code of an instant without a zone, as every question has it.
const NAIVE: &str = "naive_instant";

/// The questions of a training set.
pub(crate) struct Labels {
    batch: RecordBatch,
    /// Parallel to the service's keys, in canonical types.
    keys: Vec<ArrayRef>,
    /// The instants asked about.
    pub(crate) times: ScalarBuffer<i64>,
}

impl Labels {
    /// Reads label batches of one schema for a service.
    pub(super) fn read(service: &ServicePlan, batches: &[RecordBatch], time: &str) -> Result<Self> {
        let first = batches.first().ok_or_else(|| invalid("no_labels", "there are no labels"))?;
        let batch = match batches {
            [only] => only.clone(),
            _ => {
                arrow_select::concat::concat_batches(first.schema_ref(), batches).map_err(|e| {
                    invalid("labels_disagree", "the batches of labels differ in their columns")
                        .with_detail(e.to_string())
                })?
            }
        };
        let contract = Contract::of_labels(&key_columns(service), time)?;
        let batch = match batch.num_rows() + batch.num_columns() {
            0 => no_labels(&contract),
            _ => batch,
        };
        check_columns(service, &batch, time)?;
        check_zones(&batch, &contract)?;
        let decoded = decode(Payload::Batches(vec![batch.clone()]), &contract)?;
        if let Some(refused) = decoded.rejected.first() {
            return Err(of_row(refused, &contract));
        }
        let rows = decoded.batch;
        let keys = (0..service.keys.len()).map(|key| rows.column(key).clone()).collect();
        let at = contract.time().expect("the contract of labels has instants");
        let times = instants(&rows, at).clone();
        Ok(Self { batch, keys, times })
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The last instant asked about; none of no rows.
    pub(crate) fn last(&self) -> Option<i64> {
        self.times.iter().copied().max()
    }

    /// The columns of the keys that an input of the service asks about, as they are stored.
    pub(crate) fn keys_of(&self, plan: &Plan, input: &InputPlan) -> Vec<ArrayRef> {
        let order = &plan.views[input.view].key_order;
        order.iter().map(|part| self.keys[input.keys[*part]].clone()).collect()
    }

    /// The label columns as they came, then `columns`.
    pub(super) fn with_columns(&self, columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
        let schema = self.batch.schema_ref();
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        let mut arrays = self.batch.columns().to_vec();
        for (name, array) in columns {
            fields.push(Arc::new(Field::new(name, array.data_type().clone(), true)));
            arrays.push(array);
        }
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(|error| {
            Error::new(Kind::Internal, "columns_disagree", "features do not fit the labels")
                .with_detail(error.to_string())
        })
    }
}

/// What has no rows names no columns either, as a list of dicts: those that are asked for.
fn no_labels(contract: &Contract) -> RecordBatch {
    RecordBatch::new_empty(canonical_schema(contract.columns()))
}

/// Refuses columns of clocks without a zone where instants are asked for.
fn check_zones(batch: &RecordBatch, contract: &Contract) -> Result<()> {
    for column in instants_of(contract) {
        let found = batch.column_by_name(&column.name).map(|array| array.data_type());
        if let Some(ArrowType::Timestamp(_, None)) = found {
            let message = format!("the instants of label column \"{}\" have no zone", column.name);
            let error = invalid(NAIVE, message).with_hint(format!(
                "make them aware, e.g. df[\"{}\"].dt.tz_localize(\"UTC\")",
                column.name
            ));
            return Err(if batch.num_rows() > 0 { error.at_row(0) } else { error });
        }
    }
    Ok(())
}

/// The error of a label row that breaks the contract of rows.
fn of_row(refused: &Rejection, contract: &Contract) -> Error {
    let row: Json = serde_json::from_slice(&refused.original).unwrap_or_default();
    let naive = instants_of(contract)
        .any(|column| row[column.name.as_str()].as_str().is_some_and(is_naive));
    let code = match (refused.cause, naive) {
        (Cause::WrongType, true) => NAIVE,
        (cause, _) => cause.name(),
    };
    // Columns of labels are not declared, and so have no unit to be declared.
    let said = refused.message.split(": declare hw.Timestamp").next().unwrap_or_default();
    let error = invalid(code, format!("label row {}: {said}", refused.row));
    let error = error.at_row(refused.row.into());
    match refused.cause {
        Cause::TimeOutOfRange => {
            error.with_hint("integers of label rows are microseconds since 1970, in UTC")
        }
        _ => error,
    }
}

fn instants_of(contract: &Contract) -> impl Iterator<Item = &Column> {
    contract.columns().iter().filter(|column| column.data_type == DataType::Timestamp)
}

fn key_columns(service: &ServicePlan) -> Vec<Column> {
    let column = |key: &headwater_kernel::blueprint::RequestKey| Column {
        name: key.name.clone(),
        data_type: key.data_type,
        nullable: true,
        unit: TimeUnit::Us,
        scale_exponent: DEFAULT_SCALE_EXPONENT,
    };
    service.keys.iter().map(column).collect()
}

fn check_columns(service: &ServicePlan, batch: &RecordBatch, time: &str) -> Result<()> {
    let schema = batch.schema_ref();
    // Columns that pandas adds for its index are nobody's near name.
    let names = || {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        names.filter(|name| !name.starts_with("__index_level_"))
    };
    if schema.column_with_name(time).is_none() {
        let message = format!("the labels have no column \"{time}\" with the instants asked about");
        return Err(invalid("missing_time_column", message).with_hint(near::hint(time, names())));
    }
    for key in &service.keys {
        if schema.column_with_name(&key.name).is_none() {
            let message =
                format!("key column \"{}\" of {} is missing in the labels", key.name, service.name);
            return Err(
                invalid("missing_key_column", message).with_hint(near::hint(&key.name, names()))
            );
        }
    }
    for column in &service.columns {
        if schema.column_with_name(&column.name).is_some() {
            let message = format!("label column \"{}\" has the name of a feature", column.name);
            return Err(invalid("name_clash", message).with_hint("rename the label column"));
        }
    }
    Ok(())
}

fn invalid(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, code, message)
}
