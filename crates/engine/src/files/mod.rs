//! Files as the engine sees them: a few calls, behind which lies a disk, memory or a test.
//!
//! It exists so that a seeded fake disk can stand in and lose what was not synced. Nothing else in
//! the engine may reach a file in another way. Paths are relative, parts joined by `/`.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub mod disk;
#[cfg(any(test, feature = "fake-disk"))]
pub mod fake;
pub mod memory;

/// A folder tree that one engine owns. Durability is asked for, never implied: contents by
/// [`File::sync`], names (created, renamed, removed) by [`Files::sync_dir`] of their folder.
pub trait Files: Debug + Send + Sync {
    /// Opens a file for reading and writing; creates it when it is missing.
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>>;

    /// Does the file exist?
    fn exists(&self, path: &str) -> io::Result<bool>;

    /// Makes a folder and those above it; no error if it exists.
    fn create_dir(&self, path: &str) -> io::Result<()>;

    /// Names in a folder, sorted.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Gives a file another name in one step, replacing what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes names of a folder durable.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Locks a file against every other process and opener until the guard is dropped; `None`
    /// when another holds it.
    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>>;

    /// Does anything survive the process? Without it nobody needs to wait for a sync.
    fn durable(&self) -> bool;
}

/// One open file. Calls may come from several threads.
pub trait File: Debug + Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Is it empty?
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `out` from `offset`; an error of kind `UnexpectedEof` past the end.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes at `offset`; a gap before it reads as zeros.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Cuts the file or extends it by zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes contents and length durable (fdatasync).
    fn sync(&self) -> io::Result<()>;
}

/// A lock held as long as this lives.
pub trait Lock: Debug + Send + Sync {}

/// The whole of a small file.
pub fn read_all(files: &dyn Files, path: &str) -> io::Result<Vec<u8>> {
    let file = files.open(path)?;
    let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
    let mut out = vec![0; len];
    file.read_at(0, &mut out)?;
    Ok(out)
}

/// Replaces a small file so that a crash leaves the former or the new contents, never a mixture.
pub fn replace(files: &dyn Files, dir: &str, name: &str, data: &[u8]) -> io::Result<()> {
    let join = |name: &str| if dir.is_empty() { name.to_string() } else { format!("{dir}/{name}") };
    let (path, draft) = (join(name), join(&format!("{name}.new")));
    let file = files.open(&draft)?;
    file.set_len(0)?;
    file.write_at(0, data)?;
    file.sync()?;
    files.rename(&draft, &path)?;
    files.sync_dir(dir)
}

#[cfg(test)]
mod tests;
