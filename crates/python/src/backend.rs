//! The embedded engine as what a feature server stands on: delegation, and nothing else.
//!
//! It exists because the read side and the write side do not know each other; here they meet.

use std::sync::atomic::AtomicBool;

use arrow_array::RecordBatch;
use headwater_engine::decode::Payload;
use headwater_engine::training::{AsOf, TrainingOptions};
use headwater_engine::{Engine, PushOptions, Receipt};
use headwater_kernel::error::{Error, Kind, Result};
use headwater_serve::backend::{self, Backend, Format, Page};
use headwater_store::online::Online;
use serde_json::Value as Json;

use crate::training::options as training_options;

/// An engine that a server can stand on.
pub struct Embedded(pub Engine);

impl Backend for Embedded {
    fn online(&self) -> &dyn Online {
        self.0.online()
    }

    fn ready(&self) -> Result<()> {
        self.0.ready()
    }

    fn push(
        &self,
        stream: &str,
        rows: backend::Payload,
        options: &backend::PushOptions,
    ) -> Result<backend::Receipt> {
        self.0.push(stream, payload(rows), &push_options(options)).map(receipt)
    }

    fn put(
        &self,
        table: &str,
        rows: backend::Payload,
        options: &backend::PushOptions,
    ) -> Result<backend::Receipt> {
        self.0.put(table, payload(rows), &push_options(options)).map(receipt)
    }

    fn training_set(
        &self,
        service: &str,
        labels: RecordBatch,
        options: &backend::TrainingOptions,
        cancelled: &AtomicBool,
    ) -> Result<RecordBatch> {
        let as_of = match options.as_of {
            backend::AsOf::EventTime => AsOf::EventTime,
            backend::AsOf::Arrival => AsOf::Arrival,
        };
        let continues = options.epoch;
        let options = training_options(options.time.clone(), as_of, cancelled);
        let options = TrainingOptions { continues, ..options };
        Ok(self.0.training_set(service, &[labels], &options)?.into_batch(&[]))
    }

    fn dead_letters(&self, stream: &str, page: &Page) -> Result<Vec<u8>> {
        json(&self.0.dead_letters(stream, page.limit, page.after.as_deref())?)
    }

    fn dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>> {
        json(&self.0.dead_letter(stream, id)?)
    }

    fn replay_dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>> {
        json(&self.0.replay_dead_letter(stream, id)?.to_json())
    }

    fn discard_dead_letter(&self, stream: &str, id: &str) -> Result<Vec<u8>> {
        json(&self.0.discard_dead_letter(stream, id)?)
    }

    fn status(&self) -> Result<Vec<u8>> {
        json(&self.0.status()?)
    }
}

/// A document as bytes.
pub fn json(document: &Json) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|error| {
        Error::new(Kind::Internal, "no_json", "a document has no JSON form")
            .with_detail(error.to_string())
    })
}

fn payload(rows: backend::Payload) -> Payload {
    match rows.format {
        Format::JsonArray => Payload::JsonArray(rows.bytes),
        Format::Ndjson => Payload::Ndjson(rows.bytes),
        Format::ArrowStream => Payload::ArrowStream(rows.bytes),
    }
}

fn push_options(options: &backend::PushOptions) -> PushOptions {
    PushOptions {
        arrived_at: options.arrived_at.clone(),
        idempotency_key: options.idempotency_key.clone(),
    }
}

fn receipt(receipt: Receipt) -> backend::Receipt {
    let mut rejected: Vec<(String, u64)> = Vec::new();
    for row in &receipt.rejected {
        match rejected.iter_mut().find(|(cause, _)| *cause == row.cause) {
            Some((_, count)) => *count += 1,
            None => rejected.push((row.cause.clone(), 1)),
        }
    }
    backend::Receipt {
        accepted: receipt.accepted,
        duplicates: receipt.duplicates,
        rejected,
        body: receipt.to_json().to_string().into_bytes(),
    }
}
