//! What the writer does between groups: it forgets keys that no read can find, and removes segments
//! whose retention has ended.
//!
//! Neither changes an answer that state can give; what a segment held is gone for training sets.

use headwater_kernel::error::Result;

use super::Writer;
use crate::log::header::RecordKind;
use crate::log::read::for_each;

/// Ids of each space that are looked at after a group: some microseconds.
const EXPIRE_IDS: usize = 64;

impl Writer {
    /// Looks at some more keys; those that no window can reach any more go.
    pub(super) fn expire_keys(&mut self) {
        let durable = self.shared.files.durable();
        let mut state = self.shared.state.write();
        let state = &mut *state;
        if state.saving.get_mut().is_some() {
            // A checkpoint counts on ids to stay those of their keys.
            return;
        }
        for (space, gone) in state.spaces.iter_mut().zip(&mut state.expired) {
            let keys = space.expire(EXPIRE_IDS);
            if durable {
                gone.extend(keys);
            }
        }
    }

    /// Removes closed segments that a checkpoint covers up to `covered` and that were last written
    /// longer ago than is kept.
    pub fn retain(&mut self, covered: u64) -> Result<()> {
        let Some(retention_us) = self.retention_us else { return Ok(()) };
        while let [oldest, next, ..] = self.log.segments() {
            if next.first_sequence > covered + 1 {
                break;
            }
            let written_at = self.last_written_at(&oldest.clone())?;
            if self.shared.clock.now_us() - written_at <= retention_us {
                break;
            }
            let first_kept = next.first_sequence;
            if let Err(error) = self.log.remove_oldest() {
                return Err(self.shared.fail(&error));
            }
            *self.shared.segments.write() = self.log.segments().to_vec();
            self.shared.letters.write().remove_before(first_kept);
        }
        Ok(())
    }

    fn last_written_at(&self, segment: &crate::log::Segment) -> Result<i64> {
        let mut last = i64::MIN;
        let only = std::slice::from_ref(segment);
        for_each(&*self.shared.files, only, (0, u64::MAX), |record| {
            if record.header.kind == RecordKind::Epoch {
                last = last.max(record.epoch()?.wall_at);
            }
            Ok(())
        })?;
        Ok(last)
    }
}
