//! The caller's end of each platform: what a caller does becomes the platform's own webhooks, and what it is answered
//! becomes what is heard.

pub mod browser;
pub mod jambonz;
pub mod twilio;

use std::time::Duration;

use super::transcript::Dialect;
use crate::clock::Clock;
use crate::secret::{Key, Secret};

/// A request of a platform.
#[derive(Clone)]
pub struct Webhook {
    /// Path and query.
    pub path: String,
    /// Headers beside those of HTTP itself.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// Whether it says which call it is about: only then is a second one of it a repeat.
    pub of_call: bool,
}

/// What a platform is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Content-Type`.
    pub kind: String,
    /// The body.
    pub body: String,
}

/// What the caller hears, and what follows.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The words.
    pub said: String,
    /// What follows.
    pub then: Then,
    /// The step the next webhook brings back.
    pub step: Option<String>,
}

/// What follows what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Keys are awaited.
    Collect(Collecting),
    /// The caller speaks, and is recorded.
    Record(Recording),
    /// A person is called.
    Transfer,
    /// The caller waits in a queue: the platform asks now and then what they hear there.
    Queue,
    /// The caller is taken out of the queue: the platform tells so by itself.
    Leave,
    /// The call ends.
    HangUp,
}

/// How is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording {
    /// No recording is longer.
    pub longest: Duration,
    /// So much silence ends it.
    pub silence: Duration,
}

/// How keys are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collecting {
    /// So many end the entry.
    pub most: usize,
    /// This one ends it.
    pub finish: Option<Key>,
    /// The wait for the first.
    pub first_key: Duration,
    /// The wait for each further one.
    pub between_keys: Duration,
}

/// What the platform is told by its caller's telephone.
#[derive(Clone, Debug)]
pub enum Happened<'h> {
    /// The call comes in.
    Dialled,
    /// An entry is over.
    Keys {
        /// What was keyed.
        keys: &'h [Key],
        /// The key that ended it.
        finish: Option<Key>,
    },
    /// Nothing was keyed in time.
    Silence,
    /// The caller spoke so long; `None`: nothing was said.
    Recorded(Option<Duration>),
    /// The caller waits in a queue.
    Waiting {
        /// How many are before them.
        ahead: Option<u16>,
        /// How long people wait on average.
        average: Option<Duration>,
    },
    /// The transfer is over.
    Transferred {
        /// Whether they talked.
        talked: bool,
    },
    /// The caller has left the queue.
    Left,
    /// The telephone was put down.
    HungUp,
}

/// What a platform must know to reach a hotline.
#[derive(Clone, Debug)]
pub struct Account {
    /// The hotline's public address.
    pub public_url: String,
    /// What the platform signs with.
    pub auth_token: Secret,
    /// What lets into the JSON way in.
    pub browser_token: Secret,
    /// What jambonz signs with.
    pub jambonz_secret: Secret,
}

/// A telephone at one platform, during one call.
#[derive(Debug)]
pub struct Phone {
    account: Account,
    /// When webhooks are signed.
    clock: Clock,
    dialect: Dialect,
    /// The platform's id of the call; a platform without one learns it from the first answer.
    call: String,
    from: Option<String>,
    dialled: String,
    /// Where the end of the queue is told, while the caller waits in one.
    queued: Option<String>,
    /// Where what is heard there comes from, on a platform that goes on asking the same address.
    waiting: Option<String>,
    /// Where is told, beside the call, what was recorded.
    beside: Option<String>,
}

impl Phone {
    /// A telephone with the number `from`, about to dial.
    #[must_use]
    pub fn new(
        account: Account,
        clock: Clock,
        dialect: Dialect,
        call: String,
        from: Option<String>,
        dialled: String,
    ) -> Self {
        Self { account, clock, dialect, call, from, dialled, queued: None, waiting: None, beside: None }
    }

    /// The platform's id of the call.
    #[must_use]
    pub fn call(&self) -> &str {
        &self.call
    }

    /// Whether the caller waits in a queue.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.queued.is_some()
    }

    /// The webhook that tells what happened, after `heard`.
    ///
    /// # Errors
    /// This platform tells of nothing like it: why not.
    pub fn webhook(&self, heard: Option<&Heard>, happened: &Happened<'_>) -> Result<Webhook, String> {
        match self.dialect {
            Dialect::Twilio => Ok(self.twilio(heard, happened)),
            Dialect::Browser => self.browser(heard, happened),
            Dialect::Jambonz => Ok(self.jambonz(heard, happened)),
        }
    }

    /// What is told beside the call of a recording made after `heard`, perhaps after its end, which the caller made by
    /// hanging up if `hung_up`; `None` where nothing is.
    #[must_use]
    pub fn beside(&self, heard: &Heard, spoken: Duration, hung_up: bool) -> Option<Webhook> {
        match self.dialect {
            Dialect::Twilio => self.twilio_beside(heard, spoken),
            Dialect::Browser => None,
            // Told in the call, where it goes on.
            Dialect::Jambonz => hung_up.then(|| self.jambonz_beside(heard, spoken)).flatten(),
        }
    }

    /// What is heard of `answer`.
    ///
    /// # Errors
    /// The platform would not take it: why not.
    pub fn hear(&mut self, answer: &Answer) -> Result<Heard, String> {
        match self.dialect {
            Dialect::Twilio => self.hear_twilio(answer),
            Dialect::Browser => self.hear_browser(answer),
            Dialect::Jambonz => self.hear_jambonz(answer),
        }
    }
}

/// Keys as digits.
fn digits(keys: &[Key]) -> String {
    keys.iter().map(|key| key.as_char()).collect()
}
