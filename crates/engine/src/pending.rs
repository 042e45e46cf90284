//! A push that was handed over and waits for its answer.
//!
//! It exists so that a caller can look up from waiting, for a signal or a deadline. Dropping it
//! drops the answer, never the push.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use headwater_kernel::error::Result;

use crate::receipt::Receipt;
use crate::shared::closed;

/// The receipt to come.
#[derive(Debug)]
pub struct Pending(Answer);

#[derive(Debug)]
enum Answer {
    Known(Receipt),
    Coming(Receiver<Result<Receipt>>),
}

impl Pending {
    /// Nothing is waited for.
    pub(crate) fn known(receipt: Receipt) -> Self {
        Self(Answer::Known(receipt))
    }

    /// The writer will answer.
    pub(crate) fn coming(answer: Receiver<Result<Receipt>>) -> Self {
        Self(Answer::Coming(answer))
    }

    /// Waits until the push is durable and visible, or refused.
    ///
    /// # Errors
    /// Those of [`crate::Engine::push`] that the writer finds.
    pub fn wait(self) -> Result<Receipt> {
        match self.0 {
            Answer::Known(receipt) => Ok(receipt),
            Answer::Coming(answer) => answer.recv().unwrap_or_else(|_| Err(closed())),
        }
    }

    /// The same for at most `longest`; none while there is no answer. It is given once.
    pub fn wait_for(&mut self, longest: Duration) -> Option<Result<Receipt>> {
        match &self.0 {
            Answer::Known(receipt) => Some(Ok(receipt.clone())),
            Answer::Coming(answer) => match answer.recv_timeout(longest) {
                Ok(receipt) => Some(receipt),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Err(closed())),
            },
        }
    }
}
