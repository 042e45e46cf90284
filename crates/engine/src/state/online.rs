//! The read contract over the state in memory: an epoch is a read lock, held as long as one answer
//! is being put together.
//!
//! Nothing here changes state, and nothing waits while the lock is held.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::plan::{Plan, Source as ViewSource};
use headwater_kernel::value::{Cell, Status, Value};
use headwater_store::online::{Epoch, EpochId, HistoryRows, Online, Positions};
use parking_lot::RwLockReadGuard;

use super::State;
use crate::shared::Shared;

/// State under a read lock.
struct Locked<'a> {
    shared: &'a Shared,
    state: RwLockReadGuard<'a, State>,
}

impl Online for Shared {
    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    fn open_epoch(&self) -> Result<Box<dyn Epoch + '_>> {
        self.check_open()?;
        Ok(Box::new(Locked { shared: self, state: self.state.read() }))
    }

    fn history(
        &self,
        epoch: EpochId,
        view: usize,
        keys: &[Option<Vec<u8>>],
        t: i64,
    ) -> Result<HistoryRows> {
        self.check_open()?;
        crate::archive::history(self, epoch, view, keys, t)
    }

    fn wait_for(&self, positions: &Positions, deadline: Instant) -> Result<()> {
        let mut wanted = Vec::new();
        for (name, partitions) in positions {
            let source = self.sources.any(name)?;
            for (partition, (_, end)) in partitions {
                if *partition != 0 && *end > 0 {
                    return Err(never(name));
                }
                wanted.push((source, *end));
            }
        }
        let mut applied = self.applied.lock();
        loop {
            self.check_open()?;
            let visible = |(source, end): &(usize, u64)| {
                self.state.read().sources[*source].next_offset >= *end
            };
            if wanted.iter().all(visible) {
                return Ok(());
            }
            if self.applied_changed.wait_until(&mut applied, deadline).timed_out() {
                return Err(Error::new(
                    Kind::Unavailable,
                    "deadline",
                    "the positions asked for did not become visible in time",
                )
                .with_hint("ask again, or without after"));
            }
        }
    }
}

fn never(name: &str) -> Error {
    Error::new(Kind::Invalid, "unknown_partition", format!("{name} has partition 0 only"))
        .with_hint("pass the positions of a receipt as they are")
}

impl Epoch for Locked<'_> {
    fn id(&self) -> EpochId {
        self.state.epoch
    }

    fn choose_t(&self, at: Option<i64>, views: &[usize]) -> i64 {
        if let Some(at) = at {
            return at;
        }
        let sources: Vec<usize> = views.iter().map(|view| self.source(*view)).collect();
        let sealed_at = sources.iter().filter_map(|s| self.state.sources[*s].sealed_at).max();
        self.shared.stamps.choose(&sources, self.shared.clock.now_us(), sealed_at)
    }

    fn sealed_at(&self, view: usize) -> Option<i64> {
        match self.shared.plan.views[view].source {
            ViewSource::Section(_) => self.state.sources[self.source(view)].sealed_at,
            ViewSource::Table(_) => None,
        }
    }

    fn read(&self, view: usize, key: Option<&[u8]>, t: i64, out: &mut Vec<Cell>) -> bool {
        let view_plan = &self.shared.plan.views[view];
        let start = out.len();
        let empty = Cell { value: Value::Null, status: Status::Ok };
        out.resize(start + view_plan.features.len(), empty);
        match view_plan.source {
            ViewSource::Section(section) => {
                let space = &self.state.spaces[self.shared.plan.sections[section].space];
                let id = key.and_then(|key| space.find(key));
                space.read(view, id, t, &mut out[start..])
            }
            ViewSource::Table(table) => {
                self.state.tables[table].read(view_plan, key, t, None, &mut out[start..])
            }
        }
    }

    fn positions(&self, view: usize) -> Positions {
        let source = self.source(view);
        let name = self.shared.sources.get(source).name().to_string();
        let end = self.state.sources[source].next_offset;
        BTreeMap::from([(name, BTreeMap::from([(0, (0, end))]))])
    }

    fn watermark(&self, view: usize) -> Option<i64> {
        let newest = self.newest_event_at(view)?;
        match self.shared.plan.views[view].source {
            ViewSource::Section(section) => {
                let stream = self.shared.plan.sections[section].stream;
                Some(newest - self.shared.plan.blueprint.streams[stream].lateness_us)
            }
            ViewSource::Table(_) => Some(newest),
        }
    }

    fn newest_event_at(&self, view: usize) -> Option<i64> {
        self.state.sources[self.source(view)].newest_event_at
    }

    fn last_arrival_at(&self, view: usize) -> Option<i64> {
        self.state.sources[self.source(view)].sealed_at
    }
}

impl Locked<'_> {
    fn source(&self, view: usize) -> usize {
        self.shared.sources.of_view(&self.shared.plan, view)
    }
}
