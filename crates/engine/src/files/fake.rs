//! A disk for tests that may lose, by a seed, all that was not synced: whole writes, sectors of
//! them, half sectors, names. It can also fail a sync, run full and lose power at a chosen call.
//!
//! Never used outside tests: nothing here survives the process.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::memory::{names_in, read_slice, write_slice};
use super::{File, Files, Lock};

/// Bytes that a disk writes in one piece; a torn one keeps a prefix.
const SECTOR: usize = 512;

/// A disk with a switch for every misfortune. Clones share the disk.
#[derive(Clone, Debug)]
pub struct Fake {
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    random: Random,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<(String, NameChange)>,
    contents: Vec<Contents>,
    locked: BTreeMap<String, usize>,
    calls: u64,
    power_off_at: Option<u64>,
    syncs: u64,
    fail_sync_at: Option<u64>,
    bytes_max: Option<u64>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Clone, Debug, Default)]
struct Contents {
    visible: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

/// A small seeded generator (splitmix64), so that a seed replays a failure.
#[derive(Clone, Debug, Default)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is above 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }
}

impl Fake {
    /// An empty disk; `seed` decides what a power cut takes.
    pub fn new(seed: u64) -> Self {
        let world = World { random: Random::new(seed), ..World::default() };
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// Every call from the `calls`-th on fails, as if the power had gone.
    pub fn power_off_after(&self, calls: u64) {
        let mut world = self.world.lock();
        world.power_off_at = Some(world.calls + calls);
    }

    /// The `syncs`-th sync of contents from now on fails, and what it covered is never written.
    pub fn fail_sync_after(&self, syncs: u64) {
        let mut world = self.world.lock();
        world.fail_sync_at = Some(world.syncs + syncs);
    }

    /// Writes that would take more than `bytes` in all fail.
    pub fn full_at(&self, bytes: Option<u64>) {
        self.world.lock().bytes_max = bytes;
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.world.lock().calls
    }

    /// Changes a byte of a file behind everybody's back, durably.
    pub fn damage(&self, path: &str, offset: usize) {
        let mut world = self.world.lock();
        let index = world.names[path];
        let contents = &mut world.contents[index];
        contents.visible[offset] ^= 0x5A;
        contents.durable[offset] ^= 0x5A;
    }

    /// The disk after a power cut: what was synced, and by chance parts of what was not.
    pub fn cut(&self) -> Self {
        let mut world = self.world.lock();
        let mut random = Random::new(world.random.next_u64());
        let mut names = world.durable_names.clone();
        let kept = random.below(world.pending_names.len() as u64 + 1) as usize;
        for (_, change) in &world.pending_names[..kept] {
            apply_name(&mut names, change);
        }
        let mut contents = Vec::with_capacity(world.contents.len());
        for file in &world.contents {
            let mut survived = file.durable.clone();
            for change in &file.pending {
                survive(&mut survived, change, &mut random);
            }
            contents.push(Contents {
                visible: survived.clone(),
                durable: survived,
                pending: Vec::new(),
            });
        }
        let durable_names = names.clone();
        let world = World { random, names, durable_names, contents, ..World::default() };
        Self { world: Arc::new(Mutex::new(world)) }
    }
}

/// Applies by chance all, none or some sectors of an unsynced change.
fn survive(data: &mut Vec<u8>, change: &Change, random: &mut Random) {
    match change {
        Change::SetLen(len) => {
            if random.below(2) == 0 {
                data.resize(*len as usize, 0);
            }
        }
        Change::Write(offset, new) => match random.below(4) {
            0 => {}
            1 => write_slice(data, *offset, new),
            _ => {
                for (index, sector) in new.chunks(SECTOR).enumerate() {
                    let at = offset + (index * SECTOR) as u64;
                    match random.below(8) {
                        0..4 => write_slice(data, at, sector),
                        4 => {
                            let torn = random.below(sector.len() as u64 + 1) as usize;
                            write_slice(data, at, &sector[..torn]);
                        }
                        _ => {}
                    }
                }
            }
        },
    }
}

fn apply_name(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Create(path, index) => {
            names.insert(path.clone(), *index);
        }
        NameChange::Rename(from, to) => {
            if let Some(index) = names.remove(from) {
                names.insert(to.clone(), index);
            }
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
    }
}

fn folder(path: &str) -> String {
    path.rsplit_once('/').map_or(String::new(), |(dir, _)| dir.to_string())
}

impl World {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        match self.power_off_at {
            Some(at) if self.calls > at => Err(io::Error::other("the power is off")),
            _ => Ok(()),
        }
    }

    fn change_name(&mut self, path: &str, change: NameChange) {
        apply_name(&mut self.names, &change);
        self.pending_names.push((folder(path), change));
    }

    fn room_for(&self, more: u64) -> io::Result<()> {
        let used: u64 = self.names.values().map(|i| self.contents[*i].visible.len() as u64).sum();
        match self.bytes_max {
            Some(max) if used + more > max => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct FakeFile {
    world: Arc<Mutex<World>>,
    index: usize,
}

#[derive(Debug)]
struct FakeLock {
    world: Arc<Mutex<World>>,
    path: String,
}

impl Lock for FakeLock {}

impl Drop for FakeLock {
    fn drop(&mut self) {
        self.world.lock().locked.remove(&self.path);
    }
}

impl Files for Fake {
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let mut world = self.world.lock();
        world.call()?;
        let index = match world.names.get(path) {
            Some(index) => *index,
            None => {
                world.contents.push(Contents::default());
                let index = world.contents.len() - 1;
                world.change_name(path, NameChange::Create(path.to_string(), index));
                index
            }
        };
        Ok(Arc::new(FakeFile { world: Arc::clone(&self.world), index }))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        let mut world = self.world.lock();
        world.call()?;
        Ok(world.names.contains_key(path))
    }

    fn create_dir(&self, _path: &str) -> io::Result<()> {
        self.world.lock().call()
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut world = self.world.lock();
        world.call()?;
        Ok(names_in(world.names.keys(), dir))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        if !world.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.change_name(to, NameChange::Rename(from.to_string(), to.to_string()));
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        if !world.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.change_name(path, NameChange::Remove(path.to_string()));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        let pending = std::mem::take(&mut world.pending_names);
        for (folder, change) in pending {
            if folder == dir {
                apply_name(&mut world.durable_names, &change);
            } else {
                world.pending_names.push((folder, change));
            }
        }
        Ok(())
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>> {
        let mut world = self.world.lock();
        world.call()?;
        if world.locked.insert(path.to_string(), 1).is_some() {
            return Ok(None);
        }
        Ok(Some(Box::new(FakeLock { world: Arc::clone(&self.world), path: path.to_string() })))
    }

    fn durable(&self) -> bool {
        true
    }
}

impl File for FakeFile {
    fn len(&self) -> io::Result<u64> {
        let mut world = self.world.lock();
        world.call()?;
        Ok(world.contents[self.index].visible.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        read_slice(&world.contents[self.index].visible, offset, out)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        let len = world.contents[self.index].visible.len() as u64;
        world.room_for((offset + data.len() as u64).saturating_sub(len))?;
        let contents = &mut world.contents[self.index];
        write_slice(&mut contents.visible, offset, data);
        contents.pending.push(Change::Write(offset, data.to_vec()));
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        let before = world.contents[self.index].visible.len() as u64;
        world.room_for(len.saturating_sub(before))?;
        let contents = &mut world.contents[self.index];
        contents.visible.resize(len as usize, 0);
        contents.pending.push(Change::SetLen(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.world.lock();
        world.call()?;
        world.syncs += 1;
        if world.fail_sync_at.is_some_and(|at| world.syncs == at) {
            world.contents[self.index].pending.clear();
            return Err(io::Error::other("the disk did not sync"));
        }
        let contents = &mut world.contents[self.index];
        for change in std::mem::take(&mut contents.pending) {
            match change {
                Change::Write(offset, new) => write_slice(&mut contents.durable, offset, &new),
                Change::SetLen(len) => contents.durable.resize(len as usize, 0),
            }
        }
        Ok(())
    }
}
