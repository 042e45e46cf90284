//! Views of streams: their events are prepared section by section, then each view is swept (as of
//! event time) or replayed (as of arrival) by the kernel.

use arrow_array::ArrayRef;
use headwater_kernel::error::Result;
use headwater_kernel::sweep::{
    Asked, EventColumns, Located, SweepEvents, SweepLabels, SweepOptions, SweepResult, replay,
};
use headwater_kernel::window;

use super::chunks::{Wanted, chunks};
use super::history::{HistoryBatch, span_of};
use super::threads::Hands;
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
                hands: Hands { threads: self.options.threads, cancelled: self.options.cancelled },
            };
            let history = &self.history.streams[self.plan.sections[section].stream];
            let keys: Vec<Vec<ArrayRef>> =
                inputs.iter().map(|input| self.keys_of(*input)).collect();
            match self.options.as_of {
                AsOf::EventTime => self.sweep(&inputs, &keys, history, &wanted, answers)?,
                AsOf::Arrival => self.replay(&inputs, &keys, history, &wanted, answers)?,
            }
        }
        Ok(())
    }

    /// Each chunk of events is held against the questions of all inputs as soon as it is prepared.
    fn sweep(
        &self,
        inputs: &[usize],
        keys: &[Vec<ArrayRef>],
        history: &[HistoryBatch],
        wanted: &Wanted<'_>,
        answers: &mut [Option<Answer>],
    ) -> Result<()> {
        let asked = inputs.iter().zip(keys).map(|(input, keys)| {
            let labels = SweepLabels { keys, times: &self.labels.times };
            Asked::new(self.plan, self.view_of(*input), &labels, self.options.threads)
        });
        let asked = asked.collect::<Result<Vec<_>>>()?;
        let chunks = chunks(history, wanted, |events| {
            asked.iter().map(|asked| asked.locate(events)).collect::<Result<Vec<Located>>>()
        })?;
        let events: Vec<EventColumns<'_>> =
            chunks.iter().map(|chunk| chunk.columns.as_events()).collect();
        for (index, (input, asked)) in inputs.iter().zip(asked).enumerate() {
            let located: Vec<&Located> = chunks.iter().map(|chunk| &chunk.made[index]).collect();
            let events = SweepEvents { chunks: &events };
            answers[*input] = Some(asked.answer(&events, &located, &self.sweep_options())?.into());
            self.tell_done();
        }
        Ok(())
    }

    fn replay(
        &self,
        inputs: &[usize],
        keys: &[Vec<ArrayRef>],
        history: &[HistoryBatch],
        wanted: &Wanted<'_>,
        answers: &mut [Option<Answer>],
    ) -> Result<()> {
        let chunks = chunks(history, wanted, |_| Ok(()))?;
        let events: Vec<EventColumns<'_>> =
            chunks.iter().map(|chunk| chunk.columns.as_events()).collect();
        let arrivals = chunks.iter().map(|chunk| chunk.arrived.each(chunk.columns.times.len()));
        let arrivals: Vec<_> = arrivals.collect();
        let arrivals: Vec<&[i64]> = arrivals.iter().map(|each| &each[..]).collect();
        for (input, keys) in inputs.iter().zip(keys) {
            let labels = SweepLabels { keys, times: &self.labels.times };
            let (view, events) = (self.view_of(*input), SweepEvents { chunks: &events });
            let options = self.sweep_options();
            let swept = replay(self.plan, view, &events, &arrivals, &labels, &options)?;
            answers[*input] = Some(swept.into());
            self.tell_done();
        }
        Ok(())
    }

    fn view_of(&self, input: usize) -> usize {
        self.service.inputs[input].view
    }

    fn keys_of(&self, input: usize) -> Vec<ArrayRef> {
        self.labels.keys_of(self.plan, &self.service.inputs[input])
    }

    fn sweep_options(&self) -> SweepOptions<'_> {
        SweepOptions { threads: self.options.threads, cancelled: self.options.cancelled }
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
