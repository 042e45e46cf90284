//! One group: from waiting jobs to records, to the disk, to state, to answers.
//!
//! Nothing is answered or visible before the sync, and nothing formed here is formed again.

use std::collections::HashSet;
use std::sync::mpsc::SyncSender;

use headwater_kernel::error::{Error, Kind, Result};

use super::Writer;
use crate::engine::still_refused;
use crate::intake::Push;
use crate::intake::form::{Formed, Stamp, form};
use crate::intake::idempotency::Remembered;
use crate::letters::{LetterKey, Status};
use crate::log::Location;
use crate::log::header::{Op, RecordKind};
use crate::log::record::{DecisionMeta, encode_body, encode_meta};
use crate::log::write::Group;
use crate::receipt::Receipt;
use crate::state::apply::{Prepared, Scope, prepare};

/// A job of a group.
pub enum Asked {
    /// Rows to accept.
    Push(Box<Push>, Reply),
    /// A dead letter to give up.
    Discard(LetterKey, Reply),
}

/// Where the answer goes.
type Reply = SyncSender<Result<Receipt>>;

/// What a record of the group does once it is durable.
enum Effect {
    Epoch { source: usize, formed: Box<Formed>, prepared: Option<Box<Prepared>> },
    Discarded { letter: LetterKey, wall_at: i64 },
}

/// Records under construction and the answers that wait for them.
struct Draft {
    group: Group,
    effects: Vec<(u64, Effect)>,
    answers: Vec<(Reply, Receipt)>,
    decided: Vec<LetterKey>,
    wall_at: i64,
}

impl Writer {
    /// Writes a group of jobs and answers them.
    pub(super) fn write(&mut self, jobs: Vec<Asked>) {
        if let Some(error) = self.shared.failure.read().clone() {
            jobs.into_iter().for_each(|job| reply(job).send(Err(error.clone())).unwrap_or(()));
            return;
        }
        let mut draft = Draft {
            group: Group::new(self.identity, self.next_sequence),
            effects: Vec::new(),
            answers: Vec::new(),
            decided: Vec::new(),
            wall_at: self.shared.clock.now_us(),
        };
        let mut together: Vec<(Box<Push>, Reply)> = Vec::new();
        let mut keys = HashSet::new();
        for job in jobs {
            match job {
                Asked::Push(push, reply) => {
                    let joins = together.first().is_some_and(|(first, _)| joins(first, &push));
                    if !joins {
                        self.draft_pushes(&mut draft, std::mem::take(&mut together));
                    }
                    // A repeat within the group must find the first one remembered.
                    let key = push.idempotency_key.as_ref();
                    if key.is_some_and(|key| !keys.insert((push.source, key.clone()))) {
                        self.draft_pushes(&mut draft, std::mem::take(&mut together));
                    }
                    together.push((push, reply));
                }
                Asked::Discard(letter, reply) => {
                    self.draft_pushes(&mut draft, std::mem::take(&mut together));
                    self.draft_discard(&mut draft, letter, reply);
                }
            }
        }
        self.draft_pushes(&mut draft, together);
        self.commit(draft);
    }

    /// Forms the epochs of pushes that may share one.
    fn draft_pushes(&mut self, draft: &mut Draft, pushes: Vec<(Box<Push>, Reply)>) {
        let mut rows = Vec::new();
        let mut replies = Vec::new();
        for (push, reply) in pushes {
            match self.admit(draft, &push) {
                Ok(None) => {
                    rows.push(*push);
                    replies.push(reply);
                }
                Ok(Some(receipt)) => draft.answers.push((reply, receipt)),
                Err(error) => reply.send(Err(error)).unwrap_or(()),
            }
        }
        if rows.is_empty() {
            return;
        }
        match self.form(draft, &rows) {
            Ok(receipts) => draft.answers.extend(replies.into_iter().zip(receipts)),
            Err(error) => {
                replies.into_iter().for_each(|r| r.send(Err(error.clone())).unwrap_or(()));
            }
        }
    }

    /// The first receipt for a repeated push; an error for what must not be written.
    fn admit(&mut self, draft: &mut Draft, push: &Push) -> Result<Option<Receipt>> {
        let name = self.sources[push.source].name.clone();
        if let Some(id) = &push.replays {
            let key = letter_key(&name, id);
            self.shared.letters.read().open(&key)?;
            if draft.decided.contains(&key) {
                let message = format!("dead letter {id} of {name} is being decided about");
                return Err(Error::new(Kind::Conflict, "already_replayed", message));
            }
            draft.decided.push(key);
        }
        let Some(key) = &push.idempotency_key else { return Ok(None) };
        let forgotten = self.idempotency.expire(draft.wall_at);
        if self.shared.files.durable() {
            self.unsaved.forgotten.extend(forgotten);
        }
        let Some(first) = self.idempotency.find(&name, key) else { return Ok(None) };
        let range = (first.first_offset, first.first_offset + first.rows);
        let positions = [(name, [(0, range)].into())].into();
        Ok(Some(Receipt { duplicates: first.rows, positions, ..Receipt::default() }))
    }

    /// Forms epochs and adds their records.
    fn form(&mut self, draft: &mut Draft, pushes: &[Push]) -> Result<Vec<Receipt>> {
        let index = pushes[0].source;
        let (shared, wall_at) = (&self.shared, draft.wall_at);
        let source = &mut self.sources[index];
        let mut clock = || shared.stamps.stamp(index, wall_at);
        let stamp = match pushes[0].is_history() {
            true => Stamp::History,
            false => Stamp::Clock(&mut clock),
        };
        let (first_offset, last_arrival) = (source.next_offset, source.last_arrival);
        let (formed, receipts) = form(source, pushes, stamp, wall_at)?;
        if pushes[0].replays.is_some() && !receipts[0].rejected.is_empty() {
            source.next_offset = first_offset;
            source.last_arrival = last_arrival;
            formed.iter().for_each(|f| shared.stamps.publish(index, f.meta.visible_at));
            let refused = &receipts[0].rejected[0];
            return Err(still_refused(&refused.cause, &refused.message));
        }
        let prepared: Result<Vec<_>> = formed.iter().map(|f| self.prepare(index, f)).collect();
        let prepared = prepared.inspect_err(|_| {
            let stamps = &self.shared.stamps;
            formed.iter().for_each(|f| stamps.publish(index, f.meta.visible_at));
            self.sources[index].next_offset = first_offset;
        })?;
        for (formed, prepared) in formed.into_iter().zip(prepared) {
            let (meta, body) = (encode_meta(&formed.meta), encode_body(&formed.body));
            let sequence = draft.group.push(RecordKind::Epoch, Op::Insert, &meta, &body);
            let formed = Box::new(formed);
            draft.effects.push((sequence, Effect::Epoch { source: index, formed, prepared }));
        }
        for (push, receipt) in pushes.iter().zip(&receipts) {
            if let Some(key) = &push.idempotency_key {
                let (first_offset, _) = receipt.positions[&self.sources[index].name][&0];
                let rows = u64::from(push.decoded.rows_total);
                let remembered = Remembered { first_offset, rows, wall_at };
                self.idempotency.remember(&self.sources[index].name, key, remembered);
                if self.shared.files.durable() {
                    self.unsaved.keys.push((self.sources[index].name.clone(), key.clone()));
                }
            }
        }
        Ok(receipts)
    }

    fn prepare(&self, source: usize, formed: &Formed) -> Result<Option<Box<Prepared>>> {
        if formed.body.num_rows() == 0 {
            return Ok(None);
        }
        let (transform, sources) = (&self.shared.transform, &self.shared.sources);
        let prepared = prepare(transform, sources, source, &formed.body, Scope::All)?;
        Ok(Some(Box::new(prepared)))
    }

    fn draft_discard(&mut self, draft: &mut Draft, letter: LetterKey, reply: Reply) {
        let open = self.shared.letters.read().open(&letter).map(drop);
        if let Err(error) = open {
            reply.send(Err(error)).unwrap_or(());
            return;
        }
        if draft.decided.contains(&letter) {
            let message = format!("dead letter {} is being decided about", letter.id());
            let error = Error::new(Kind::Conflict, "already_discarded", message);
            reply.send(Err(error)).unwrap_or(());
            return;
        }
        draft.decided.push(letter.clone());
        let name = format!("{}/{}", letter.source, letter.id());
        let meta = encode_meta(&DecisionMeta { letter: name, wall_at: draft.wall_at });
        let sequence = draft.group.push(RecordKind::Decision, Op::None, &meta, &[]);
        draft.effects.push((sequence, Effect::Discarded { letter, wall_at: draft.wall_at }));
        draft.answers.push((reply, Receipt::default()));
    }

    /// Makes the records durable, then visible, then answers.
    fn commit(&mut self, draft: Draft) {
        if !draft.group.is_empty() {
            match self.log.append(&draft.group) {
                Ok(places) => self.publish(&draft.group, draft.effects, &places),
                Err(error) => {
                    let error = self.shared.fail(&error);
                    self.shared.stamps.withdraw();
                    for (reply, _) in draft.answers {
                        reply.send(Err(error.clone())).unwrap_or(());
                    }
                    return;
                }
            }
        }
        for (reply, receipt) in draft.answers {
            reply.send(Ok(receipt)).unwrap_or(());
        }
        (self.after_group)(self.log.bytes());
    }

    fn publish(&mut self, group: &Group, effects: Vec<(u64, Effect)>, places: &[Location]) {
        self.next_sequence = group.next_sequence();
        *self.shared.segments.write() = self.log.segments().to_vec();
        for ((sequence, effect), location) in effects.into_iter().zip(places) {
            match effect {
                Effect::Epoch { source, formed, prepared } => {
                    self.publish_epoch(sequence, source, &formed, prepared.as_deref(), *location);
                }
                Effect::Discarded { letter, wall_at } => {
                    let mut letters = self.shared.letters.write();
                    letters.decide(&letter, Status::Discarded(wall_at));
                    drop(letters);
                    self.shared.state.write().epoch = self.epoch(sequence);
                }
            }
        }
        self.shared.tell_applied();
    }

    fn publish_epoch(
        &mut self,
        sequence: u64,
        source: usize,
        formed: &Formed,
        prepared: Option<&Prepared>,
        location: Location,
    ) {
        self.note_ids(source, formed);
        let (shared, meta) = (&self.shared, &formed.meta);
        if formed.body.column_by_name(crate::log::record::ARRIVED_AT).is_some() {
            shared.stamps.history(source, meta.visible_at);
        }
        let mut state = shared.state.write();
        state.apply(&shared.plan, self.epoch(sequence), meta, (source, prepared));
        shared.stamps.publish(source, meta.visible_at);
        drop(state);
        let mut letters = shared.letters.write();
        letters.add_refused(meta, location);
        if let Some(prepared) = prepared {
            let name = |view: usize| shared.plan.views[view].name.clone();
            letters.add_left_out(meta, location, &prepared.left_out, &name);
        }
        if let Some(id) = &meta.replays {
            letters.decide(&letter_key(&meta.source, id), Status::Replayed(meta.wall_at));
        }
    }

    /// Keeps accepted ids for the next checkpoint.
    fn note_ids(&mut self, source: usize, formed: &Formed) {
        if !self.shared.files.durable() {
            return;
        }
        let spec = &self.sources[source];
        if let (Some(column), Some(_)) = (spec.id, &spec.ids) {
            let ids = crate::intake::ids::ids_of(&formed.body, column, formed.meta.visible_at);
            self.unsaved.ids.extend(ids.into_iter().map(|(at, id)| (source, at, id)));
        }
    }
}

/// May both be in one epoch?
fn joins(first: &Push, push: &Push) -> bool {
    let plain = |push: &Push| !push.is_history() && push.replays.is_none();
    first.source == push.source && plain(first) && plain(push)
}

fn letter_key(source: &str, id: &str) -> LetterKey {
    LetterKey::parse(source, id).expect("ids were parsed before they came to the writer")
}

fn reply(job: Asked) -> Reply {
    match job {
        Asked::Push(_, reply) | Asked::Discard(_, reply) => reply,
    }
}
