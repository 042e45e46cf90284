//! Files in memory: the engine without a data folder, for notebooks and tests.
//!
//! Same calls, nothing survives. Never used where the user gave a path.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::{File, Files, Lock};

/// Files that live as long as this and what was opened from it.
#[derive(Debug, Default)]
pub struct Memory {
    files: Mutex<BTreeMap<String, Arc<MemoryFile>>>,
    locks: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Debug, Default)]
struct MemoryFile(RwLock<Vec<u8>>);

#[derive(Debug)]
struct MemoryLock {
    path: String,
    locks: Arc<Mutex<BTreeSet<String>>>,
}

impl Lock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.path);
    }
}

/// Names of `paths` that lie directly in `dir`.
pub(super) fn names_in<'a>(paths: impl Iterator<Item = &'a String>, dir: &str) -> Vec<String> {
    let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
    paths
        .filter_map(|path| path.strip_prefix(&prefix))
        .filter(|name| !name.contains('/'))
        .map(str::to_string)
        .collect()
}

impl Files for Memory {
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::clone(self.files.lock().entry(path.to_string()).or_default()) as Arc<dyn File>)
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        Ok(self.files.lock().contains_key(path))
    }

    fn create_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        Ok(names_in(self.files.lock().keys(), dir))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_string(), file);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.files.lock().remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, _dir: &str) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>> {
        let free = self.locks.lock().insert(path.to_string());
        let locks = Arc::clone(&self.locks);
        Ok(free.then(|| Box::new(MemoryLock { path: path.to_string(), locks }) as Box<dyn Lock>))
    }

    fn durable(&self) -> bool {
        false
    }
}

impl File for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_slice(&self.0.read(), offset, out)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_slice(&mut self.0.write(), offset, data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.write().resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Copies from `data` at `offset`; an error past its end.
pub(super) fn read_slice(data: &[u8], offset: u64, out: &mut [u8]) -> io::Result<()> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start.checked_add(out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
    out.copy_from_slice(data.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

/// Writes into `data` at `offset`, extending it by zeros where needed.
pub(super) fn write_slice(data: &mut Vec<u8>, offset: u64, new: &[u8]) {
    let start = usize::try_from(offset).expect("a file in memory fits the address space");
    let end = start + new.len();
    if start == data.len() {
        data.extend_from_slice(new);
        return;
    }
    if end > data.len() {
        data.resize(end, 0);
    }
    data[start..end].copy_from_slice(new);
}
