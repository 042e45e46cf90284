//! State of one key space: a directory of keys and, for each section, what is kept of its events.
//! Folding changes it, reading never does. It knows no clock: ageing follows the sealed instant.

mod ahead;
mod batch;
pub mod boundaries;
pub(crate) mod bytes;
mod carry;
mod column;
mod directory;
mod dirty;
mod fold;
mod header;
mod layout;
mod log;
mod log_row;
mod pool;
mod read;
mod read_short;
mod row;
mod section;
mod sides;
mod thin;
mod words;

use std::sync::Arc;

use crate::error::Result;
use crate::fold::{FoldBatch, FoldReport};
use crate::key::hash_key;
use crate::plan::{Plan, Source};
use crate::value::Cell;

pub use carry::Join;

use bytes::{Reader, put_u8, put_u32, put_u128};
use directory::Directory;
use dirty::Dirty;
pub use row::FORMAT;
use section::SectionState;

/// All keys of one space.
pub struct SpaceState {
    plan: Arc<Plan>,
    directory: Directory,
    /// Of the space's sections, in its order.
    sections: Vec<SectionState>,
    /// By id: did its row change since the last `take_dirty`?
    dirty: Dirty,
    expire_from: u32,
}

impl SpaceState {
    /// No keys yet; `space` is an index into the plan's spaces.
    pub fn new(plan: &Arc<Plan>, space: usize) -> SpaceState {
        let sections = &plan.spaces[space].sections;
        SpaceState {
            plan: Arc::clone(plan),
            directory: Directory::new(),
            sections: sections.iter().map(|&index| SectionState::new(plan, index)).collect(),
            dirty: Dirty::default(),
            expire_from: 0,
        }
    }

    fn position(&self, section: usize) -> usize {
        let found = self.sections.iter().position(|state| state.index == section);
        found.expect("a section of this space")
    }

    /// Folds a batch of a section (index into the plan's sections) of this space, sealed at
    /// `sealed_at`, which also ages what it touches. Events at or after it wait raw.
    ///
    /// # Panics
    /// When the batch does not have the columns that the section names.
    pub fn fold(&mut self, section: usize, batch: &FoldBatch, sealed_at: i64) -> FoldReport {
        let position = self.position(section);
        let state = &mut self.sections[position];
        state.fold(batch, sealed_at, &mut self.directory, &mut self.dirty)
    }

    /// Moves the sealed instant of a section without events. It never goes back.
    pub fn seal(&mut self, section: usize, sealed_at: i64) {
        let position = self.position(section);
        self.sections[position].seal(sealed_at);
    }

    /// The sealed instant of a section; `i64::MIN` before the first epoch.
    pub fn sealed_at(&self, section: usize) -> i64 {
        self.sections[self.position(section)].sealed_at
    }

    /// The id of a key by its canonical bytes.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        self.directory.find(hash_key(key), key)
    }

    /// Reads a view (index into the plan's views) at `t`: fills `out`, as the view's features, and
    /// tells `found`. No id: an unknown key, the empty window.
    ///
    /// # Panics
    /// When `t` is before the section's sealed instant: that is the archive's to answer.
    pub fn read(&self, view: usize, id: Option<u32>, t: i64, out: &mut [Cell]) -> bool {
        let Source::Section(section) = self.plan.views[view].source else {
            unreachable!("a view of a table is read from the table")
        };
        self.sections[self.position(section)].read(view, id, t, out)
    }

    /// Starts loading what a read of this id touches first.
    pub fn prefetch(&self, id: u32) {
        self.sections.iter().for_each(|section| section.prefetch(id));
    }

    /// The canonical bytes of a key by its id.
    ///
    /// # Panics
    /// When the id is not in use.
    pub fn key(&self, id: u32) -> &[u8] {
        self.directory.key(id)
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.directory.len()
    }

    /// Is no key known?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All ids in use, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.directory.ids_end() as u32).filter(|&id| self.directory.is_live(id))
    }

    /// Ids in use whose rows changed since the last call, ascending; the hook of checkpoints.
    /// Removed keys are told by [`SpaceState::expire`].
    pub fn take_dirty(&mut self) -> Vec<u32> {
        self.dirty.take().filter(|&id| self.directory.is_live(id)).collect()
    }

    /// Appends the row of a key: format byte, then each section's state by its fingerprint.
    pub fn row_bytes(&self, id: u32, out: &mut Vec<u8>) {
        put_u8(out, FORMAT);
        put_u32(out, self.sections.len() as u32);
        for section in &self.sections {
            put_u128(out, section.section().fingerprint);
            let length_at = out.len();
            put_u32(out, 0);
            section.write_row(id, out);
            let length = (out.len() - length_at - 4) as u32;
            out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
        }
    }

    /// Takes a row written by [`SpaceState::row_bytes`], of this or another generation, in place
    /// of what is held of the key; returns its id. Sections that this plan does not have are
    /// passed over, sections that the row does not have keep what is held.
    ///
    /// Damaged bytes are an error of kind Data and change nothing.
    pub fn load_row(&mut self, key: &[u8], bytes: &[u8]) -> Result<u32> {
        let mut reader = Reader::new(bytes);
        reader.format(FORMAT)?;
        let mut loaded = Vec::new();
        for _ in 0..reader.count(20)? {
            let fingerprint = reader.u128()?;
            let length = reader.u32()? as usize;
            let body = reader.take(length)?;
            let section = self.sections.iter().position(|s| s.section().fingerprint == fingerprint);
            if let Some(section) = section {
                loaded.push((section, self.sections[section].read_row(body)?));
            }
        }
        reader.end()?;
        let id = self.directory.find_or_insert(hash_key(key), key);
        for (section, row) in loaded {
            self.sections[section].load_row(id, row);
        }
        Ok(id)
    }

    /// Removes keys that no read at or after the sealed instants can find any more, looking at
    /// `limit` ids at most, from where the last call ended; returns the removed keys.
    pub fn expire(&mut self, limit: usize) -> Vec<Box<[u8]>> {
        let mut removed = Vec::new();
        let end = self.directory.ids_end() as u32;
        for _ in 0..limit.min(end as usize) {
            if self.expire_from >= end {
                self.expire_from = 0;
            }
            let id = self.expire_from;
            self.expire_from += 1;
            if !self.directory.is_live(id) {
                continue;
            }
            let mut dead = true;
            self.sections.iter_mut().for_each(|state| dead &= state.age(id));
            if dead {
                removed.push(self.directory.key(id).into());
                self.sections.iter_mut().for_each(|state| state.clear(id));
                self.directory.remove(id);
            }
        }
        removed
    }

    /// Bytes held, capacity included.
    pub fn bytes_used(&self) -> usize {
        let sections = self.sections.iter().map(SectionState::bytes_used).sum::<usize>();
        self.directory.bytes_used() + self.dirty.bytes_used() + sections
    }

    /// Bytes held of one key beside its place in the directory.
    pub fn bytes_used_of(&self, id: u32) -> usize {
        self.sections.iter().map(|section| section.bytes_used_of(id)).sum()
    }
}
