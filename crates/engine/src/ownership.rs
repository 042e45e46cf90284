//! Who owns a data folder: one process at a time, and where it can be reached.
//!
//! A lock file keeps the second one out; the system lets go of it when the process ends. Beside it
//! lies what the owner says of itself, for the error and for the CLI: never trusted for more.

use std::path::Path;
use std::time::Duration;

use headwater_kernel::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};

use crate::files::disk::Disk;
use crate::files::{Files, Lock, read_all, replace};
use crate::log::recover::storage;

/// Whoever only asks for the owner holds the lock for a moment: 5 attempts over 100 ms outlast it.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(25);

const LOCK: &str = "LOCK";
const OWNER: &str = "owner.json";

/// What an owner says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Number of the ownership.
    pub term: u64,
    /// Where its server answers, if it has one.
    pub address: Option<String>,
}

/// An ownership, given up when dropped.
#[derive(Debug)]
pub struct Ownership {
    owner: Owner,
    _lock: Box<dyn Lock>,
}

impl Ownership {
    /// Takes the folder, or says who has it.
    ///
    /// # Errors
    /// `owned` (conflict), with the address of the owner in the hint.
    pub fn take(files: &dyn Files) -> Result<Self> {
        for attempt in 1.. {
            let lock = files.lock(LOCK).map_err(|error| storage(&error))?;
            let owner = read(files);
            match lock {
                Some(lock) => return Ok(Self { owner, _lock: lock }),
                None if attempt == ATTEMPTS => return Err(owned(&owner)),
                None => std::thread::sleep(PAUSE),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// The term of the last owner.
    pub fn last_term(&self) -> u64 {
        self.owner.term
    }

    /// Says durably who owns the folder now.
    pub fn declare(&mut self, files: &dyn Files, term: u64, address: Option<&str>) -> Result<()> {
        let address = address.map(str::to_string);
        self.owner = Owner { pid: std::process::id(), term, address };
        let text = serde_json::to_vec(&self.owner).expect("plain fields become JSON");
        replace(files, "", OWNER, &text).map_err(|error| storage(&error))
    }

    /// What was declared.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// The owner of the folder at `path`; `None` when no living process has it.
pub fn owner(path: &Path) -> Result<Option<Owner>> {
    if !path.join(LOCK).exists() {
        return Ok(None);
    }
    let files = Disk::new(path).map_err(|error| storage(&error))?;
    match files.lock(LOCK).map_err(|error| storage(&error))? {
        Some(_) => Ok(None),
        None => Ok(Some(read(&files))),
    }
}

fn read(files: &dyn Files) -> Owner {
    let known = files.exists(OWNER).unwrap_or(false);
    let text = if known { read_all(files, OWNER).unwrap_or_default() } else { Vec::new() };
    serde_json::from_slice(&text).unwrap_or_default()
}

fn owned(owner: &Owner) -> Error {
    let message = format!("the data folder is owned by process {}", owner.pid);
    let error = Error::new(Kind::Conflict, "owned", message);
    match &owner.address {
        Some(address) => error
            .with_detail(format!("it answers at {address}"))
            .with_hint(format!("connect to {address}")),
        None => error.with_hint("close it there, or push through it"),
    }
}
