//! One call: a small task between its turns, the conversation, and the socket its requests go by.

use std::sync::{Arc, Weak};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinError;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until};

use super::kept::{kept, kept_away, target};
use super::talk::{Beginning, Talk, Thought};
use super::turns::{Command, Input, Part, Script, Sound, Turns};
use super::wire::Request;
use super::{LINE, RING, STATE, TO};
use crate::dialog::Transfer;
use crate::secret::Secret;
use crate::telephony::{Conversation, Reply, whole_seconds};

/// Asterisk takes 128 sounds at a time.
const MOST_SOUNDS: usize = 100;

/// What is asked of Asterisk, and what for: what is to be made of a refusal depends on it.
#[derive(Debug)]
pub struct Asked {
    /// The channel it is about.
    pub channel: Box<str>,
    /// What for.
    pub purpose: Purpose,
    /// The request.
    pub request: Request,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To speak on the channel at all.
    Channel,
    /// To play this.
    Play(Part),
    /// To play a piece of this.
    PlayPiece(Part),
    /// To record.
    Record,
    /// To end a recording that was begun by another.
    EndRecording,
    /// To learn whether last words are still being said.
    LastWords,
    /// To give the channel away.
    GiveAway,
    /// To end the call.
    HangUp,
    /// Whatever comes of it.
    Whatever,
    /// To learn where the call stands.
    State,
    /// To learn which channels there are.
    Channels,
}

/// The names of what a call plays: `channel.salt-turn` and which part of the turn. The salt tells those of a call that was taken
/// up from those before.
#[derive(Clone, Debug)]
pub struct Playbacks {
    channel: Box<str>,
    salt: Box<str>,
}

impl Playbacks {
    /// Of `channel`, which begins here at `step`.
    #[must_use]
    pub fn new(channel: &str, step: &str) -> Self {
        let salt = HEXLOWER.encode(Sha256::digest(step).get(..4).unwrap_or_default());
        Self { channel: channel.into(), salt: salt.into() }
    }

    /// What a part is called.
    #[must_use]
    pub fn name(&self, part: Part) -> String {
        let second = if part.second { 'b' } else { 'a' };
        format!("{}.{}{second}", self.channel, self.turn(part.turn))
    }

    /// What the `n`th list is called that stands before the last one of a part.
    #[must_use]
    pub fn name_before(&self, part: Part, n: usize) -> String {
        format!("{}-{n}", self.name(part))
    }

    /// Which part is called so, if any of these.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Part> {
        let turn =
            name.strip_prefix(&*self.channel)?.strip_prefix('.')?.strip_prefix(&*self.salt)?.strip_prefix('-')?;
        let second = turn.ends_with('b');
        Some(Part { turn: turn.strip_suffix(['a', 'b'])?.parse().ok()?, second })
    }

    fn turn(&self, turn: u32) -> String {
        format!("{}-{turn}", self.salt)
    }
}

/// A call, driven.
pub struct Driven<C> {
    talk: Talk<C>,
    channel: Box<str>,
    playbacks: Playbacks,
    asks: Sender<Asked>,
    turns: Turns,
    /// The first moment of all that turns know of.
    origin: Instant,
    thinking: Option<Thinking>,
    /// How many lists stand before the last one of what is played.
    before: usize,
}

/// How a call begins here.
pub enum Opening {
    /// The conversation is told this.
    Told(Beginning),
    /// This is for the caller.
    Turn(Script),
    /// The caller is being recorded at this step, under this name.
    Recording(Box<str>, Secret),
}

/// The conversation thinks of what to say.
struct Thinking {
    thought: Thought,
    /// Who leaves in good order waits until nobody holds this any more.
    _busy: Option<Arc<()>>,
}

impl<C: Conversation> Driven<C> {
    /// A call on `channel`, whose requests go to `asks`.
    #[must_use]
    pub fn new(talk: Talk<C>, channel: &str, playbacks: Playbacks, asks: Sender<Asked>) -> Self {
        let (turns, origin) = (Turns::new(), Instant::now());
        Self { talk, channel: channel.into(), playbacks, asks, turns, origin, thinking: None, before: 0 }
    }

    /// Goes on until the call is over, or `told` is: then whoever takes the channel up goes on.
    pub async fn run(mut self, opening: Opening, mut told: Receiver<Input>, busy: Weak<()>) {
        let todo = match opening {
            Opening::Told(beginning) => {
                self.think(beginning, &busy);
                Vec::new()
            }
            Opening::Turn(script) => self.turns.take(Input::Turn(script), Duration::ZERO),
            Opening::Recording(step, name) => {
                self.turns = Turns::recording(step, name);
                Vec::new()
            }
        };
        if self.carry_out_all(todo, &busy).await.is_none() {
            return;
        }
        let mut gone = false;
        while !self.turns.is_over() {
            let due = self.turns.due().map(|due| self.origin + due);
            let (todo, done) = tokio::select! {
                input = told.recv() => {
                    let input = match input {
                        Some(input) => input,
                        // Nobody tells any more what was recorded, and there is no channel that could be taken up.
                        None if gone => Input::Recorded(0),
                        None => return,
                    };
                    gone |= matches!(input, Input::Gone);
                    (self.turns.take(input, self.origin.elapsed()), None)
                }
                reply = thought(&mut self.thinking) => {
                    let done = self.thinking.take();
                    let input = self.talk.said(reply);
                    self.keep(&input).await;
                    (self.turns.take(input, self.origin.elapsed()), done)
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    (self.turns.time_passed(self.origin.elapsed()), None)
                }
            };
            if self.carry_out_all(todo, &busy).await.is_none() {
                return;
            }
            drop(done);
        }
    }

    /// `None`: nobody takes requests any more.
    async fn carry_out_all(&mut self, todo: Vec<Command>, busy: &Weak<()>) -> Option<()> {
        for command in todo {
            self.carry_out(command, busy).await?;
        }
        Some(())
    }

    fn think(&mut self, of: Beginning, busy: &Weak<()>) {
        self.thinking = Some(Thinking { thought: self.talk.think(of), _busy: busy.upgrade() });
    }

    /// Before anything is said: whoever takes the call up finds it there.
    async fn keep(&mut self, input: &Input) {
        if let Input::Turn(script) = input {
            let kept = kept(&script.then, &self.playbacks.turn(self.turns.turn().saturating_add(1)));
            // Whether anybody takes it shows with what is asked next.
            let _ = self.ask(Purpose::Channel, Request::set(&self.channel, STATE, &kept)).await;
        }
    }

    async fn carry_out(&mut self, command: Command, busy: &Weak<()>) -> Option<()> {
        match command {
            Command::Play(part, sounds, _) => self.play(part, &sounds).await,
            Command::Stop(part) => {
                // The last first: what waits would begin when what is before it ends.
                self.ask(Purpose::Whatever, Request::stop(&self.playbacks.name(part))).await?;
                for before in (0..self.before).rev() {
                    let name = self.playbacks.name_before(part, before);
                    self.ask(Purpose::Whatever, Request::stop(&name)).await?;
                }
                Some(())
            }
            Command::Record(record, name) => {
                let (longest, silence) = (whole_seconds(record.longest), whole_seconds(record.silence));
                let request = Request::record(&self.channel, name.expose(), longest, silence, record.finish);
                self.ask(Purpose::Record, request).await
            }
            Command::Tell(step, event) => {
                self.think(Beginning::Step(step, event), busy);
                Some(())
            }
            Command::Transfer(transfer, step) => self.transfer(&transfer, &step).await,
            Command::Release => {
                tracing::warn!(call = %self.talk.call.id, "the call is given back to the dialplan");
                self.ask(Purpose::GiveAway, Request::go_on(&self.channel)).await
            }
            Command::HangUp => self.ask(Purpose::HangUp, Request::hang_up(&self.channel)).await,
            Command::Over => {
                let thought = self.thinking.take().map(|thinking| thinking.thought);
                self.talk.over(thought).await;
                Some(())
            }
        }
    }

    /// Plays as one what Asterisk takes as one, and what is longer as several: it plays them in order. The last of them bears the
    /// name of the part, so its end is the end.
    async fn play(&mut self, part: Part, sounds: &[Sound]) -> Option<()> {
        let mut lists = sounds.chunks(MOST_SOUNDS);
        let last = lists.next_back().unwrap_or_default();
        self.before = lists.len();
        for (n, list) in lists.enumerate() {
            let request = Request::play(&self.channel, &self.playbacks.name_before(part, n), media(list));
            self.ask(Purpose::PlayPiece(part), request).await?;
        }
        let request = Request::play(&self.channel, &self.playbacks.name(part), media(last));
        let purpose = if self.before == 0 { Purpose::Play(part) } else { Purpose::PlayPiece(part) };
        self.ask(purpose, request).await
    }

    /// What the dialplan needs to put the caller through, and then the channel.
    async fn transfer(&self, transfer: &Transfer, step: &str) -> Option<()> {
        let kept = kept_away(step, &self.playbacks.turn(self.turns.turn()));
        self.ask(Purpose::Channel, Request::set(&self.channel, STATE, &kept)).await?;
        for (variable, value) in variables(&self.talk.call.dialled, transfer) {
            self.ask(Purpose::Channel, Request::set(&self.channel, variable, &value)).await?;
        }
        let (context, (extension, _)) = (&self.talk.line().transfer_context, target(&transfer.to));
        self.ask(Purpose::GiveAway, Request::go_on_at(&self.channel, context, extension)).await
    }

    async fn ask(&self, purpose: Purpose, request: Request) -> Option<()> {
        self.asks.send(Asked { channel: self.channel.clone(), purpose, request }).await.ok()
    }
}

/// What the dialplan is told that puts a caller through who dialled `line`.
pub fn variables(line: &str, transfer: &Transfer) -> [(&'static str, String); 3] {
    let (_, to) = target(&transfer.to);
    [(LINE, line.to_owned()), (TO, to.to_owned()), (RING, whole_seconds(transfer.ring).to_string())]
}

/// Waits for what the conversation has to say, if it has the word.
async fn thought(thinking: &mut Option<Thinking>) -> Result<Result<Reply, Elapsed>, JoinError> {
    match thinking {
        Some(thinking) => (&mut thinking.thought).await,
        None => std::future::pending().await,
    }
}

/// Sounds as a list that is played as one.
fn media(sounds: &[Sound]) -> String {
    let mut media = String::with_capacity(sounds.len() * 128);
    for sound in sounds {
        if !media.is_empty() {
            media.push(',');
        }
        media.push_str("sound:");
        media.push_str(&sound.url);
    }
    media
}
