//! What can be said of a training set, as JSON beside its columns: whose knowledge, versions, how
//! many keys were found, values that are null for a reason, and rows of frames that were refused.

use std::sync::Arc;

use arrow_array::RecordBatch;
use serde_json::{Map, Value as Json, json};

use super::frames::FrameReport;
use super::{Known, TrainingSet};

/// Key of the JSON in the metadata of the schema.
pub const METADATA_KEY: &str = "headwater";

/// Most rows for which `found` is listed; above, only their number is told.
const FOUND_ROWS_MAX: usize = 10_000;

/// Most statuses and most rejected rows that are listed; above, only their number is told.
const LISTED_MAX: usize = 1_000;

impl TrainingSet {
    /// The batch with its metadata in the schema, under [`METADATA_KEY`].
    pub fn into_batch(self, frames: &[FrameReport]) -> RecordBatch {
        let text = self.metadata(frames).to_string();
        let schema = self.batch.schema();
        let mut metadata = schema.metadata().clone();
        metadata.insert(METADATA_KEY.to_owned(), text);
        let schema = Arc::new(schema.as_ref().clone().with_metadata(metadata));
        self.batch.with_schema(schema).expect("only the metadata of the schema has changed")
    }

    /// The metadata alone.
    pub fn metadata(&self, frames: &[FrameReport]) -> Json {
        let mut views = Map::new();
        for view in &self.views {
            let mut told = json!({
                "version": view.version,
                "found_rows": view.found.count_set_bits(),
            });
            if view.found.len() <= FOUND_ROWS_MAX {
                told["found"] = view.found.iter().collect();
            }
            views.insert(view.label.clone(), told);
        }
        let statuses =
            self.statuses.iter().take(LISTED_MAX).map(
                |one| json!({"row": one.row, "column": one.column, "status": one.status.name()}),
            );
        let mut metadata = json!({
            "as_of": self.as_of.name(),
            "views": views,
            "status": statuses.collect::<Vec<_>>(),
            "status_values": self.statuses.len(),
            "timeless": self.timeless,
            "notes": self.notes(),
        });
        if let Some(known) = &self.known {
            let Known { epoch, first_sequence } = known;
            metadata["epoch"] = json!({"term": epoch.term, "sequence": epoch.sequence});
            metadata["archive_begins"] = json!(first_sequence);
        }
        if !frames.is_empty() {
            metadata["frames"] = frames.iter().map(frame_json).collect();
        }
        metadata
    }

    fn notes(&self) -> Vec<String> {
        let note = |table: &String| format!("rows of {table} count at every t: it is timeless");
        self.timeless.iter().map(note).collect()
    }
}

fn frame_json(frame: &FrameReport) -> Json {
    let rejected = frame
        .rejected
        .iter()
        .take(LISTED_MAX)
        .map(|one| json!({"row": one.row, "cause": one.cause.name(), "message": one.message}));
    json!({
        "name": frame.name,
        "accepted": frame.accepted,
        "duplicates": frame.duplicates,
        "rejected": rejected.collect::<Vec<_>>(),
        "rejected_rows": frame.rejected.len(),
    })
}
