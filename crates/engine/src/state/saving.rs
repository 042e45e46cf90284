//! Rows of a checkpoint that are still to be copied, so that all are of one epoch.
//!
//! When a checkpoint begins, the changed rows are only marked. The checkpoint copies them in
//! slices; the writer copies a marked row itself before it changes it. Either way a row is taken
//! once, as it was when the checkpoint began.

use std::collections::HashSet;

use headwater_kernel::state::SpaceState;
use headwater_kernel::table::TableState;

/// A copied row: where it belongs, its key and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRow {
    /// Space or table.
    pub owner: Owner,
    /// Canonical key bytes.
    pub key: Box<[u8]>,
    /// The kernel's bytes.
    pub bytes: Vec<u8>,
}

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Index into the plan's spaces.
    Space(usize),
    /// Index into the blueprint's tables.
    Table(usize),
}

/// Marks of a checkpoint that is under way.
#[derive(Debug, Default)]
pub struct Saving {
    spaces: Vec<Marks>,
    tables: Vec<HashSet<Box<[u8]>>>,
    early: Vec<SavedRow>,
}

#[derive(Debug, Default)]
struct Marks {
    ids: Vec<u32>,
    next: usize,
    bits: Vec<u64>,
}

impl Marks {
    fn new(ids: Vec<u32>) -> Self {
        let words = ids.iter().max().map_or(0, |max| *max as usize / 64 + 1);
        let mut bits = vec![0; words];
        for id in &ids {
            bits[*id as usize / 64] |= 1 << (id % 64);
        }
        Self { ids, next: 0, bits }
    }

    fn take(&mut self, id: u32) -> bool {
        let Some(word) = self.bits.get_mut(id as usize / 64) else { return false };
        let marked = *word & (1 << (id % 64)) != 0;
        *word &= !(1 << (id % 64));
        marked
    }
}

impl Saving {
    /// Marks the changed ids of each space and the changed keys of each table.
    pub fn new(spaces: Vec<Vec<u32>>, tables: Vec<HashSet<Box<[u8]>>>) -> Self {
        Self { spaces: spaces.into_iter().map(Marks::new).collect(), tables, early: Vec::new() }
    }

    /// Copies the row of `key`, about to change, if it is still marked.
    pub fn before_change(&mut self, space: usize, state: &SpaceState, key: &[u8]) {
        let Some(id) = state.find(key) else { return };
        if self.spaces[space].take(id) {
            self.early.push(row(space, state, id));
        }
    }

    /// Copies the row of a table's `key`, about to change, if it is still marked.
    pub fn before_put(&mut self, table: usize, state: &TableState, key: &[u8]) {
        if self.tables[table].remove(key) {
            self.early.extend(table_row(table, state, key));
        }
    }

    /// Copies at most `limit` marked rows; none left when nothing comes.
    pub fn slice(
        &mut self,
        spaces: &[SpaceState],
        tables: &[TableState],
        limit: usize,
    ) -> Vec<SavedRow> {
        let mut out = std::mem::take(&mut self.early);
        for (space, state) in spaces.iter().enumerate() {
            let marks = &mut self.spaces[space];
            while out.len() < limit && marks.next < marks.ids.len() {
                let id = marks.ids[marks.next];
                marks.next += 1;
                if marks.take(id) {
                    out.push(row(space, state, id));
                }
            }
        }
        for (table, state) in tables.iter().enumerate() {
            while out.len() < limit {
                let Some(key) = self.tables[table].iter().next().cloned() else { break };
                self.tables[table].remove(&key);
                out.extend(table_row(table, state, &key));
            }
        }
        out
    }
}

fn row(space: usize, state: &SpaceState, id: u32) -> SavedRow {
    let mut bytes = Vec::new();
    state.row_bytes(id, &mut bytes);
    SavedRow { owner: Owner::Space(space), key: state.key(id).into(), bytes }
}

fn table_row(table: usize, state: &TableState, key: &[u8]) -> Option<SavedRow> {
    let mut bytes = Vec::new();
    let known = state.row_bytes(key, &mut bytes);
    known.then(|| SavedRow { owner: Owner::Table(table), key: key.into(), bytes })
}
