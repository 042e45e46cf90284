//! The embedded engine as what a feature server stands on: delegation, and nothing else.
//!
//! It exists because the read side and the write side do not know each other; here they meet.

use std::sync::atomic::AtomicBool;

use arrow_array::RecordBatch;
use headwater_engine::Engine;
use headwater_engine::decode::Payload;
use headwater_engine::{PushOptions, TrainingOptions};
use headwater_kernel::error::Result;
use headwater_serve::backend;
use headwater_serve::backend::{AsOf, Backend, Format, Page};
use headwater_store::online::Online;

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
        Ok(receipt(&self.0.push(stream, payload(rows), push_options(options))?))
    }

    fn put(
        &self,
        table: &str,
        rows: backend::Payload,
        options: &backend::PushOptions,
    ) -> Result<backend::Receipt> {
        Ok(receipt(&self.0.put(table, payload(rows), push_options(options))?))
    }

    fn training_set(
        &self,
        service: &str,
        labels: RecordBatch,
        options: &backend::TrainingOptions,
        cancelled: &AtomicBool,
    ) -> Result<RecordBatch> {
        self.0.training_set(service, vec![labels], training_options(options, cancelled))
    }

    fn dead_letters(&self, stream: &str, page: &Page) -> Result<Vec<u8>> {
        self.0.dead_letters(stream, page.limit, page.after.as_deref())
    }
}
