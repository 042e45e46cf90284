//! The redb file of checkpoints: one table for each kind of thing saved.
//!
//! Only this file knows redb. A checkpoint is written in one transaction.

use std::sync::Arc;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_store::online::EpochId;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::backend::Backend;
use super::{CheckpointMeta, FORMAT, row};
use crate::files::Files;
use crate::intake::idempotency::Remembered;
use crate::letters::{Letter, LetterKey};
use crate::log::header::Identity;
use crate::log::record::{decode_meta, encode_meta};
use crate::log::recover::storage;

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Called with (name of the space or table, key, kernel's bytes).
pub type EachRow<'a> = &'a mut dyn FnMut(&str, &[u8], &[u8]) -> Result<()>;

/// Called with (source, idempotency key, push).
pub type EachKey<'a> = &'a mut dyn FnMut(&str, &str, Remembered) -> Result<()>;

const FILE: &str = "checkpoint.redb";
const META: Bytes = TableDefinition::new("meta");
const ROWS: Bytes = TableDefinition::new("rows");
const TABLES: Bytes = TableDefinition::new("tables");
const IDS: Bytes = TableDefinition::new("ids");
const KEYS: Bytes = TableDefinition::new("keys");
const LETTERS: Bytes = TableDefinition::new("letters");

/// Bytes that redb keeps of its file in memory: rows are read once and written once.
const CACHE_BYTES: usize = 64 << 20;

/// The file of checkpoints.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

/// What is done with each (key, value) of a table.
type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<()>;

impl Store {
    /// Opens it, or makes an empty one.
    pub fn open(files: &Arc<dyn Files>) -> Result<Self> {
        let fresh = !files.exists(FILE).map_err(|error| storage(&error))?;
        let file = files.open(FILE).map_err(|error| storage(&error))?;
        if fresh {
            files.sync_dir("").map_err(|error| storage(&error))?;
        }
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = builder.create_with_backend(Backend(file)).map_err(failed)?;
        Ok(Self { database })
    }

    /// What the newest checkpoint says of itself; `None` before the first.
    pub fn meta(&self, namespace: u64) -> Result<Option<CheckpointMeta>> {
        let mut found = None;
        self.each(META, &mut |_, bytes| {
            found = Some(decode_meta::<CheckpointMeta>(bytes)?);
            Ok(())
        })?;
        match &found {
            Some(meta) if meta.format != FORMAT => Err(Error::new(
                Kind::Data,
                "unknown_format",
                format!("the checkpoint has format {}, unknown to this version", meta.format),
            )),
            Some(meta) if meta.namespace != namespace => {
                Err(row::damaged("it is of another namespace"))
            }
            _ => Ok(found),
        }
    }

    /// Calls `each` with (name of the space, key, kernel's bytes).
    pub fn each_row(&self, namespace: u64, covered: EpochId, each: EachRow<'_>) -> Result<()> {
        self.each(ROWS, &mut |key, bytes| {
            let (name, key) = split_name(key)?;
            each(name, key, row::decode(namespace, covered, bytes)?)
        })
    }

    /// Calls `each` with (name of the table, key, kernel's bytes).
    pub fn each_table_row(
        &self,
        namespace: u64,
        covered: EpochId,
        each: EachRow<'_>,
    ) -> Result<()> {
        self.each(TABLES, &mut |key, bytes| {
            let (name, key) = split_name(key)?;
            each(name, key, row::decode(namespace, covered, bytes)?)
        })
    }

    /// Calls `each` with (name of the stream, arrival, id), by stream and arrival.
    pub fn each_id(&self, each: &mut dyn FnMut(&str, i64, u128) -> Result<()>) -> Result<()> {
        self.each(IDS, &mut |key, _| {
            let (name, rest) = split_name(key)?;
            let bytes: [u8; 24] = rest.try_into().map_err(|_| row::damaged("an id"))?;
            let arrival = u64::from_be_bytes(bytes[..8].try_into().expect("8 bytes"));
            let id = u128::from_be_bytes(bytes[8..].try_into().expect("16 bytes"));
            each(name, (arrival ^ (1 << 63)) as i64, id)
        })
    }

    /// Calls `each` with (source, key, push).
    pub fn each_key(&self, each: EachKey<'_>) -> Result<()> {
        self.each(KEYS, &mut |key, bytes| {
            let (name, key) = split_name(key)?;
            let key = std::str::from_utf8(key).map_err(|_| row::damaged("a key"))?;
            each(name, key, decode_meta(bytes)?)
        })
    }

    /// Calls `each` with every letter.
    pub fn each_letter(&self, each: &mut dyn FnMut(LetterKey, Letter) -> Result<()>) -> Result<()> {
        self.each(LETTERS, &mut |key, bytes| each(decode_meta(key)?, decode_meta(bytes)?))
    }

    fn each(&self, table: Bytes, each: Visit<'_>) -> Result<()> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let table = match transaction.open_table(table) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for entry in table.iter().map_err(failed)? {
            let (key, value) = entry.map_err(failed)?;
            each(key.value(), value.value())?;
        }
        Ok(())
    }

    /// Begins a checkpoint; `full` drops all that was saved before.
    pub fn begin(&self, full: bool) -> Result<Writing> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_quick_repair(true);
        if full {
            for table in [ROWS, TABLES, IDS, KEYS, LETTERS] {
                transaction.delete_table(table).map_err(failed)?;
            }
        }
        Ok(Writing { transaction })
    }
}

/// A checkpoint being written; dropped, it never was.
pub struct Writing {
    transaction: WriteTransaction,
}

impl Writing {
    /// Saves rows of spaces: (name of the space, key, kernel's bytes).
    pub fn rows(
        &self,
        identity: Identity,
        epoch: EpochId,
        rows: &mut dyn Iterator<Item = (&str, &[u8], &[u8])>,
    ) -> Result<()> {
        self.put_rows(ROWS, identity, epoch, rows)
    }

    /// Saves rows of tables: (name of the table, key, kernel's bytes).
    pub fn table_rows(
        &self,
        identity: Identity,
        epoch: EpochId,
        rows: &mut dyn Iterator<Item = (&str, &[u8], &[u8])>,
    ) -> Result<()> {
        self.put_rows(TABLES, identity, epoch, rows)
    }

    fn put_rows(
        &self,
        table: Bytes,
        identity: Identity,
        epoch: EpochId,
        rows: &mut dyn Iterator<Item = (&str, &[u8], &[u8])>,
    ) -> Result<()> {
        let mut table = self.transaction.open_table(table).map_err(failed)?;
        for (name, key, bytes) in rows {
            let value = row::encode(identity, epoch, bytes);
            table.insert(join_name(name, key).as_slice(), value.as_slice()).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes rows of spaces that expired.
    pub fn remove_rows(&self, keys: &mut dyn Iterator<Item = (&str, &[u8])>) -> Result<()> {
        let mut table = self.transaction.open_table(ROWS).map_err(failed)?;
        for (name, key) in keys {
            table.remove(join_name(name, key).as_slice()).map_err(failed)?;
        }
        Ok(())
    }

    /// Saves ids and removes those of `stream` that arrived before `expired`.
    pub fn ids(
        &self,
        ids: &mut dyn Iterator<Item = (&str, i64, u128)>,
        expired: &mut dyn Iterator<Item = (&str, i64)>,
    ) -> Result<()> {
        let mut table = self.transaction.open_table(IDS).map_err(failed)?;
        for (stream, arrival, id) in ids {
            table.insert(id_key(stream, arrival, id).as_slice(), &[][..]).map_err(failed)?;
        }
        for (stream, before) in expired {
            let (from, to) = (join_name(stream, &[]), id_key(stream, before, 0));
            let range = from.as_slice()..to.as_slice();
            table.retain_in(range, |_, _| false).map_err(failed)?;
        }
        Ok(())
    }

    /// Saves pushes known by key; `None` removes one.
    pub fn keys(
        &self,
        keys: &mut dyn Iterator<Item = (&str, &str, Option<Remembered>)>,
    ) -> Result<()> {
        let mut table = self.transaction.open_table(KEYS).map_err(failed)?;
        for (source, key, push) in keys {
            let key = join_name(source, key.as_bytes());
            match push {
                Some(push) => {
                    let value = encode_meta(&push);
                    table.insert(key.as_slice(), value.as_slice()).map_err(failed)?;
                }
                None => drop(table.remove(key.as_slice()).map_err(failed)?),
            }
        }
        Ok(())
    }

    /// Saves letters; `None` removes one.
    pub fn letters(&self, letters: &[(LetterKey, Option<Letter>)]) -> Result<()> {
        let mut table = self.transaction.open_table(LETTERS).map_err(failed)?;
        for (key, letter) in letters {
            let key = encode_meta(key);
            match letter {
                Some(letter) => {
                    let value = encode_meta(letter);
                    table.insert(key.as_slice(), value.as_slice()).map_err(failed)?;
                }
                None => drop(table.remove(key.as_slice()).map_err(failed)?),
            }
        }
        Ok(())
    }

    /// Makes all of it durable at once.
    pub fn commit(self, meta: &CheckpointMeta) -> Result<()> {
        {
            let mut table = self.transaction.open_table(META).map_err(failed)?;
            let value = encode_meta(meta);
            table.insert(&b"checkpoint"[..], value.as_slice()).map_err(failed)?;
        }
        self.transaction.commit().map_err(failed)
    }
}

/// `name`, a zero byte and `rest`: names hold no zero byte.
fn join_name(name: &str, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 1 + rest.len());
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.extend_from_slice(rest);
    out
}

fn split_name(key: &[u8]) -> Result<(&str, &[u8])> {
    let end = key.iter().position(|byte| *byte == 0);
    let end = end.ok_or_else(|| row::damaged("a key without a name"))?;
    let name = std::str::from_utf8(&key[..end]).map_err(|_| row::damaged("a name"))?;
    Ok((name, &key[end + 1..]))
}

/// Orders by stream, arrival and id.
fn id_key(stream: &str, arrival: i64, id: u128) -> Vec<u8> {
    let mut rest = [0; 24];
    rest[..8].copy_from_slice(&((arrival as u64) ^ (1 << 63)).to_be_bytes());
    rest[8..].copy_from_slice(&id.to_be_bytes());
    join_name(stream, &rest)
}

fn failed(error: impl Into<redb::Error>) -> Error {
    Error::new(Kind::Unavailable, "storage_failed", "the checkpoint cannot be read or written")
        .with_detail(error.into().to_string())
}
