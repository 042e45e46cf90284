//! redb over the file trait, so that the fake disk covers checkpoints too.
//!
//! Calls are passed on as they are; no caching and no sync of its own.

use std::io;
use std::sync::Arc;

use crate::files::File;

/// A file as redb wants it.
#[derive(Debug)]
pub struct Backend(pub Arc<dyn File>);

impl redb::StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }
}
