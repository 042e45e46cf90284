//! As of event time: each view of a stream is swept by the kernel over all events that any label
//! can reach.

use headwater_kernel::error::Result;
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::sweep::{SweepEvents, SweepLabels, SweepOptions, SweepResult, sweep};
use headwater_kernel::window;

use super::chunks::{Wanted, chunks};
use super::{Answer, Work};

impl Work<'_> {
    /// Answers the views over streams from all events, whenever they arrived.
    pub(super) fn sweep(&self, answers: &mut [Option<Answer>]) -> Result<()> {
        for (section, inputs) in self.by_section() {
            self.check_cancelled()?;
            let wanted = Wanted {
                transform: self.transform,
                section,
                span: self.span(&inputs),
                threads: self.options.threads,
                cancelled: self.options.cancelled,
            };
            let history = &self.history.streams[self.plan.sections[section].stream];
            let chunks = chunks(history, &wanted)?;
            let batches: Vec<FoldBatch<'_>> =
                chunks.iter().map(|chunk| chunk.input.as_fold_batch()).collect();
            let events = SweepEvents { chunks: &batches };
            for input in inputs {
                let asked = &self.service.inputs[input];
                let keys = self.labels.keys_of(self.plan, asked)?;
                let labels = SweepLabels { keys: &keys, times: &self.labels.times };
                let options = SweepOptions {
                    threads: self.options.threads,
                    cancelled: self.options.cancelled,
                };
                let swept = sweep(self.plan, asked.view, &events, &labels, &options)?;
                answers[input] = Some(Answer::from(swept));
                self.tell_done();
            }
        }
        Ok(())
    }

    /// The event times that some window of these inputs reaches from some label, `[start, end)`.
    pub(super) fn span(&self, inputs: &[usize]) -> (i64, i64) {
        let times = &self.labels.times;
        let Some((first, last)) = super::history::span_of(times) else { return (0, 0) };
        let views = inputs.iter().map(|input| &self.plan.views[self.service.inputs[*input].view]);
        let start = views.clone().map(|view| view.reach_start(first)).min();
        let end = views.map(|view| window::end(last, view.include_current)).max();
        (start.unwrap_or(0), end.unwrap_or(0))
    }
}

impl From<SweepResult> for Answer {
    fn from(swept: SweepResult) -> Self {
        Answer {
            columns: swept.columns.into_iter().map(Some).collect(),
            found: swept.found,
            statuses: swept.statuses,
        }
    }
}
