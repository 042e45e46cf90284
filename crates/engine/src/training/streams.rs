//! Views of streams: their events are prepared section by section, then each view is swept (as of
//! event time) or replayed (as of arrival) by the kernel.

use headwater_kernel::error::Result;
use headwater_kernel::fold::FoldBatch;
use headwater_kernel::sweep::{SweepEvents, SweepLabels, SweepOptions, SweepResult, replay, sweep};
use headwater_kernel::window;

use super::chunks::{Chunk, Wanted, chunks};
use super::history::span_of;
use super::{Answer, AsOf, Work};

impl Work<'_> {
    /// Answers the views over streams.
    pub(super) fn streams(&self, answers: &mut [Option<Answer>]) -> Result<()> {
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
            for input in inputs {
                answers[input] = Some(self.view(input, &chunks)?.into());
                self.tell_done();
            }
        }
        Ok(())
    }

    fn view(&self, input: usize, chunks: &[Chunk]) -> Result<SweepResult> {
        let asked = &self.service.inputs[input];
        let keys = self.labels.keys_of(self.plan, asked)?;
        let labels = SweepLabels { keys: &keys, times: &self.labels.times };
        let batches: Vec<FoldBatch<'_>> =
            chunks.iter().map(|chunk| chunk.input.as_fold_batch()).collect();
        let events = SweepEvents { chunks: &batches };
        let options =
            SweepOptions { threads: self.options.threads, cancelled: self.options.cancelled };
        match self.options.as_of {
            AsOf::EventTime => sweep(self.plan, asked.view, &events, &labels, &options),
            AsOf::Arrival => {
                let arrivals: Vec<_> = chunks
                    .iter()
                    .map(|chunk| chunk.arrived.each(chunk.input.times.len()))
                    .collect();
                let arrivals: Vec<&[i64]> = arrivals.iter().map(|each| &each[..]).collect();
                replay(self.plan, asked.view, &events, &arrivals, &labels, &options)
            }
        }
    }

    /// The event times that some window of these inputs reaches from some label, `[start, end)`.
    fn span(&self, inputs: &[usize]) -> (i64, i64) {
        let Some((first, last)) = span_of(&self.labels.times) else { return (0, 0) };
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
