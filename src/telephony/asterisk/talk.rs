//! One call's end of the conversation: it is told what happened, and what it says becomes sounds.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::turns::Input;
use super::voice::Voice;
use crate::call::caller::{Call, CallEnd};
use crate::dialog::Event;
use crate::speech::catalog::Catalogs;
use crate::speech::language::Language;
use crate::telephony::{Conversation, Reply};

/// What every call takes.
#[derive(Debug)]
pub struct Line<C> {
    /// Who carries conversations on.
    pub conversation: Arc<C>,
    /// What speaks.
    pub voice: Voice,
    /// The context of the dialplan that puts callers through.
    pub transfer_context: Box<str>,
    /// How long the conversation may think.
    pub patience: Duration,
}

/// How a call begins here.
#[derive(Debug)]
pub enum Beginning {
    /// It came in, in a language that its way in asks for.
    Dialled(Option<Language>),
    /// It is under way: at this step, this happened.
    Step(Box<str>, Event),
}

/// An answer that is being thought of. What breaks there breaks nothing here.
pub type Thought = JoinHandle<Result<Reply, Elapsed>>;

/// What one call tells the conversation, and hears.
#[derive(Debug)]
pub struct Talk<C> {
    line: Arc<Line<C>>,
    /// Whose.
    pub call: Call,
    /// The wording in force, once something has been said: that of the last words, should they be needed.
    wording: Option<(Catalogs, Language)>,
}

impl<C: Conversation> Talk<C> {
    /// Of `call`.
    #[must_use]
    pub fn new(line: Arc<Line<C>>, call: Call) -> Self {
        Self { line, call, wording: None }
    }

    /// What every call takes.
    #[must_use]
    pub fn line(&self) -> &Line<C> {
        &self.line
    }

    /// Tells what happened. It is thought of to the end, or until patience is, whoever still waits for it.
    #[must_use]
    pub fn think(&self, of: Beginning) -> Thought {
        let (line, call) = (Arc::clone(&self.line), self.call.clone());
        tokio::spawn(async move {
            match of {
                Beginning::Dialled(language) => timeout(line.patience, line.conversation.dialled(call, language)).await,
                Beginning::Step(step, event) => {
                    timeout(line.patience, line.conversation.step(call, &step, event)).await
                }
            }
        })
    }

    /// What an answer is for the caller.
    pub fn said(&mut self, reply: Result<Result<Reply, Elapsed>, JoinError>) -> Input {
        let script = match reply {
            Ok(Ok(reply)) => {
                self.wording = Some((reply.wording.clone(), reply.language));
                self.line.voice.script(&reply, &self.call)
            }
            // Too slow, or broken.
            Ok(Err(_)) | Err(_) => match &self.wording {
                Some((wording, language)) => self.line.voice.last_words(wording, *language, &self.call),
                None => return Input::Speechless,
            },
        };
        script.map_or_else(
            |missing| {
                tracing::error!(call = %self.call.id, %missing, "nothing can be said: the call is given back");
                Input::Speechless
            },
            Input::Turn,
        )
    }

    /// The call is over. What is still thought of is not given up: it may be what the caller asked for last.
    pub async fn over(&self, thought: Option<Thought>) {
        if let Some(thought) = thought {
            let _ = thought.await;
        }
        let ended = self.line.conversation.ended(self.call.clone(), CallEnd::Completed);
        let _ = timeout(self.line.patience, ended).await;
    }
}
