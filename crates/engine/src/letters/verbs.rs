//! The engine's verbs on dead letters.

use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use headwater_kernel::error::{Error, Kind, Result};
use serde_json::{Value as Json, json};

use crate::decode::Payload;
use crate::decode::original::row_as_json;
use crate::engine::Engine;
use crate::letters::{Letter, LetterKey, unknown};
use crate::log::read::read_one;
use crate::log::record::decode_body;
use crate::options::PushOptions;
use crate::pending::Pending;
use crate::receipt::Receipt;
use crate::writer::Job;

/// Most letters in one answer.
pub const LETTERS_MAX: usize = 10_000;

impl Engine {
    /// Dead letters of a stream or table, oldest first: `{"letters": [...], "next": id or null}`.
    ///
    /// # Errors
    /// `wrong_parameter` (invalid) where `limit` is not within 1 ..= [`LETTERS_MAX`];
    /// `unknown_stream` and `unknown_dead_letter` (for `after`), both not found; kind `closed`.
    pub fn dead_letters(&self, source: &str, limit: i64, after: Option<&str>) -> Result<Json> {
        self.shared.check_open()?;
        self.shared.sources.any(source)?;
        let after = after.map(|id| self.letter_key(source, id)).transpose()?;
        let wanted = usize::try_from(limit).ok().filter(|limit| (1..=LETTERS_MAX).contains(limit));
        let limit = wanted.ok_or_else(|| {
            let message = format!("limit is {limit}, not within 1 .. {LETTERS_MAX}");
            Error::new(Kind::Invalid, "wrong_parameter", message)
        })?;
        Ok(self.shared.letters.read().list(source, limit, after.as_ref()))
    }

    /// One dead letter with its row as it came: `original` as text, and where the bytes are no
    /// UTF-8 all of them as `original_hex` too.
    ///
    /// # Errors
    /// `unknown_stream`, `unknown_dead_letter`, `expired` (not found), `archive_damaged` (data).
    pub fn dead_letter(&self, source: &str, id: &str) -> Result<Json> {
        let (key, letter) = self.letter(source, id)?;
        let original = self.original(&key, &letter)?;
        let mut shown = letter.to_json(&key);
        shown["original"] = json!(String::from_utf8_lossy(&original));
        if std::str::from_utf8(&original).is_err() {
            let hex: String = original.iter().map(|byte| format!("{byte:02x}")).collect();
            shown["original_hex"] = json!(hex);
        }
        Ok(shown)
    }

    /// Pushes the event of a dead letter again, exactly once; it arrives now.
    ///
    /// # Errors
    /// `already_replayed`, `already_discarded` and, for what one view left out, `in_the_log`
    /// (conflict); `still_refused` (data): the letter stays open; and those of [`Engine::push`].
    pub fn replay_dead_letter(&self, source: &str, id: &str) -> Result<Receipt> {
        let (key, letter) = self.letter(source, id)?;
        self.shared.letters.read().open(&key)?;
        if let Some(view) = &key.view {
            let message = format!("the event of dead letter {id} was accepted; {view} left it out");
            return Err(Error::new(Kind::Conflict, "in_the_log", message).with_hint(format!(
                "mend {view} and open again: its events are folded anew; or discard the letter"
            )));
        }
        let original = self.original(&key, &letter)?;
        let index = self.shared.sources.any(source)?;
        let rows = match original.contains(&b'\n') {
            true => Payload::JsonArray(Bytes::from([b"[", original.as_slice(), b"]"].concat())),
            false => Payload::Ndjson(Bytes::from(original)),
        };
        self.push_to(index, rows, &PushOptions::default(), Some(key.id()))?.wait()
    }

    /// Gives a dead letter up, on record; the letter as it is then.
    ///
    /// # Errors
    /// `unknown_dead_letter` (not found), `already_replayed`, `already_discarded` (conflict).
    pub fn discard_dead_letter(&self, source: &str, id: &str) -> Result<Json> {
        self.shared.check_writable()?;
        let (key, _) = self.letter(source, id)?;
        let (reply, answer) = sync_channel(1);
        self.writer.send(Job::Discard(key.clone(), reply))?;
        Pending::coming(answer).wait()?;
        let letters = self.shared.letters.read();
        Ok(letters.get(&key)?.to_json(&key))
    }

    fn letter_key(&self, source: &str, id: &str) -> Result<LetterKey> {
        LetterKey::parse(source, id).ok_or_else(|| unknown(source, id))
    }

    fn letter(&self, source: &str, id: &str) -> Result<(LetterKey, Letter)> {
        self.shared.check_open()?;
        self.shared.sources.any(source)?;
        let key = self.letter_key(source, id)?;
        let letter = self.shared.letters.read().get(&key)?.clone();
        Ok((key, letter))
    }

    /// The row of a letter: as it came, or for what a view left out as JSON.
    fn original(&self, key: &LetterKey, letter: &Letter) -> Result<Vec<u8>> {
        let record = read_one(&*self.shared.files, letter.location)?;
        if key.view.is_none() {
            let meta = record.epoch()?;
            let refused = meta.rejected.into_iter().nth(letter.row as usize);
            return Ok(refused.map(|refused| refused.original).unwrap_or_default());
        }
        let body = decode_body(&record.body)?;
        Ok(body.map(|body| row_as_json(&body, letter.row as usize).to_vec()).unwrap_or_default())
    }
}
