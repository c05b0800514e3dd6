//! Turn-taking with one caller, at the telephone's end: what is played when, which keys count, and when time is up.
//!
//! Pure: what happened goes in with its moment, what is to be done comes out, and the next moment at which something is due
//! is told ([`Turns::due`]). Nothing is known here of how a channel is driven: ARI and AGI do that, each in its way.
//!
//! - What must be heard out is; keys pressed meanwhile, or before it, do not count. Where keys may stop all that is said, those
//!   that came while the turn was being thought of count: they were pressed ahead, and then nothing is said at all.
//! - The first key stops the speech. The time for the first key runs from the end of what is said, that for a further one from
//!   the key before it.
//! - An entry that is full ends at once. The finish key that many callers press all the same is passed over for [`AFTERMATH`].
//! - What ARI does not play at all counts as played: the caller waits no longer than the time for the first key. Where a part of
//!   it cannot, the rest is not played: it might be another amount. The call is given back.

use std::collections::VecDeque;
use std::time::Duration;

use zeroize::{Zeroize, Zeroizing};

use crate::dialog::{Collect, Event, Record, Recording, Transfer, TransferEnd};
use crate::secret::{Key, Keys, Secret};
use crate::telephony::Then;

/// How long after a full entry its finish key is taken for the end of it.
pub const AFTERMATH: Duration = Duration::from_millis(600);
/// How much longer than itself a sound may take: it is fetched before it is played.
const SLACK: Duration = Duration::from_secs(10);
/// How much longer than allowed a recording may take until its end is told.
const RECORDING_SLACK: Duration = Duration::from_secs(5);
/// How long after the end of a call what was recorded in it may be told.
const LATE: Duration = Duration::from_secs(2);

/// Something to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Its address.
    pub url: Box<str>,
    /// How long it lasts.
    pub length: Duration,
}

/// What one turn of the conversation is for the caller.
#[derive(Clone, Debug)]
pub struct Script {
    /// Heard out.
    pub before: Vec<Sound>,
    /// What keys stop, where keys are waited for; else heard out as well.
    pub during: Vec<Sound>,
    /// What follows.
    pub then: Then,
    /// What a recording is to be called, should one be made.
    pub recording: Secret,
}

impl Script {
    /// Nothing is said.
    #[must_use]
    pub fn of(then: Then) -> Self {
        Self { before: Vec::new(), during: Vec::new(), then, recording: Secret::new("") }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The conversation has something for the caller.
    Turn(Script),
    /// The conversation has nothing more to say: neither this turn, nor last words.
    Speechless,
    /// A key was pressed.
    Key(Key),
    /// What was played is over: to its end, stopped, or because it could not be played.
    Played(Part),
    /// Of what was to be played something cannot be.
    Broken(Part),
    /// A recording is over, after so many seconds; nothing was recorded if there are none.
    Recorded(u32),
    /// The caller has hung up; what is under way ends now.
    HungUp,
    /// There is no channel any more, or it is no longer ours.
    Gone,
    /// The channel could not be given away: it is still ours.
    Kept,
}

/// Which part of which turn is played: turns are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// The turn, from 1 on.
    pub turn: u32,
    /// Whether it is the part that keys stop.
    pub second: bool,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Command {
    /// Play these, one after the other.
    Play(Part, Vec<Sound>, Heard),
    /// Stop playing.
    Stop(Part),
    /// Record, and call it so.
    Record(Record, Secret),
    /// Tell the conversation what happened at the step. Its answer comes back as [`Input::Turn`].
    Tell(Box<str>, Event),
    /// Give the channel away to be put through, at this step.
    Transfer(Transfer, Box<str>),
    /// Give the channel back: others say that nothing can be done.
    Release,
    /// End the call.
    HangUp,
    /// The call is over: nothing more comes of it.
    Over,
}

/// Whether keys stop what is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// No.
    Out,
    /// Yes.
    UntilKeys,
}

/// Where a call stands at the telephone's end.
#[derive(Debug)]
pub struct Turns {
    state: State,
    /// The moment at which something is due.
    due: Option<Duration>,
    /// Pressed while nobody waited for keys.
    ahead: Zeroizing<VecKeys>,
    /// A finish key that is passed over, and until when.
    passed_over: Option<(Key, Duration)>,
    turn: u32,
    hung_up: bool,
}

/// Keys in the order they were pressed, wiped when dropped.
#[derive(Debug, Default)]
struct VecKeys(VecDeque<Key>);

impl Zeroize for VecKeys {
    fn zeroize(&mut self) {
        self.0.make_contiguous().zeroize();
        self.0.clear();
    }
}

#[derive(Debug)]
enum State {
    /// The conversation has the word.
    Thinking,
    /// Something is heard out before keys count.
    HearingOut { part: Part, during: Vec<Sound>, collect: Collect, step: Box<str> },
    /// Keys are waited for; perhaps something is still said.
    Collecting { collect: Collect, step: Box<str>, playing: Option<Part>, pressed: Zeroizing<Vec<Key>> },
    /// Something is said, and then something else than keys follows.
    Saying { part: Part, then: Then, recording: Secret },
    /// The caller is recorded.
    Recording { step: Box<str>, recording: Secret },
    /// The channel has been given away, or is being hung up.
    Leaving { given_away: bool, step: Option<Box<str>> },
    /// Nothing more happens.
    Over,
}

impl Default for Turns {
    fn default() -> Self {
        Self::new()
    }
}

impl Turns {
    /// A call whose first turn is being thought of.
    #[must_use]
    pub fn new() -> Self {
        // Room for all at once: a buffer that grows leaves copies behind.
        let ahead = Zeroizing::new(VecKeys(VecDeque::with_capacity(Keys::MAX)));
        Self { state: State::Thinking, due: None, ahead, passed_over: None, turn: 0, hung_up: false }
    }

    /// A call that was taken up while it was recorded at `step` under this name: the end of that is told, or was not heard of.
    #[must_use]
    pub fn recording(step: Box<str>, recording: Secret) -> Self {
        Self { state: State::Recording { step, recording }, due: Some(LATE), ..Self::new() }
    }

    /// When [`Self::time_passed`] is to be called, if nothing happens before.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// How many turns there have been.
    #[must_use]
    pub fn turn(&self) -> u32 {
        self.turn
    }

    /// Whether the conversation has the word.
    #[must_use]
    pub fn is_thinking(&self) -> bool {
        matches!(self.state, State::Thinking)
    }

    /// Takes what happened at `now`.
    pub fn take(&mut self, input: Input, now: Duration) -> Vec<Command> {
        let mut todo = Vec::new();
        match input {
            Input::Turn(script) => self.begin(script, now, &mut todo),
            Input::Speechless => {
                if self.is_thinking() {
                    self.leave(Command::Release, true, None, &mut todo);
                }
            }
            Input::Key(key) => self.key(key, now, &mut todo),
            Input::Played(part) => self.played(part, now, &mut todo),
            Input::Broken(part) => self.broken(part, &mut todo),
            Input::Recorded(seconds) => self.recorded(seconds, &mut todo),
            Input::HungUp => self.hung_up = true,
            Input::Gone => self.gone(now, &mut todo),
            Input::Kept => self.kept(&mut todo),
        }
        todo
    }

    /// Takes that time has passed.
    pub fn time_passed(&mut self, now: Duration) -> Vec<Command> {
        let mut todo = Vec::new();
        if self.due.is_none_or(|due| now < due) {
            return todo;
        }
        self.due = None;
        match &mut self.state {
            State::HearingOut { part, .. }
            | State::Saying { part, .. }
            | State::Collecting { playing: Some(part), .. } => {
                let part = *part;
                todo.push(Command::Stop(part));
                self.played(part, now, &mut todo);
            }
            State::Collecting { .. } => self.complete(false, &mut todo),
            State::Recording { .. } => self.recorded(0, &mut todo),
            State::Thinking | State::Leaving { .. } | State::Over => {}
        }
        todo
    }

    fn begin(&mut self, script: Script, now: Duration, todo: &mut Vec<Command>) {
        if !self.is_thinking() {
            return;
        }
        self.turn = self.turn.saturating_add(1);
        let Script { before, during, then, recording } = script;
        let first = Part { turn: self.turn, second: false };
        match then {
            Then::Collect(collect, step) if before.is_empty() => self.collect(collect, step, during, now, todo),
            Then::Collect(collect, step) => {
                self.forget_ahead();
                self.play(first, before, Heard::Out, now, todo);
                self.state = State::HearingOut { part: first, during, collect, step };
            }
            then => {
                self.forget_ahead();
                let mut all = before;
                all.extend(during);
                if all.is_empty() {
                    self.follow(then, recording, now, todo);
                } else {
                    self.play(first, all, Heard::Out, now, todo);
                    self.state = State::Saying { part: first, then, recording };
                }
            }
        }
    }

    /// Waits for keys: those that were pressed ahead count first, and if there are any, nothing is said.
    fn collect(
        &mut self,
        collect: Collect,
        step: Box<str>,
        during: Vec<Sound>,
        now: Duration,
        todo: &mut Vec<Command>,
    ) {
        let playing = if self.ahead.0.is_empty() && !during.is_empty() {
            let part = Part { turn: self.turn, second: true };
            self.play(part, during, Heard::UntilKeys, now, todo);
            Some(part)
        } else {
            self.due = Some(now.saturating_add(collect.first_key));
            None
        };
        let pressed = Zeroizing::new(Vec::with_capacity(usize::from(collect.max).min(Keys::MAX)));
        self.state = State::Collecting { collect, step, playing, pressed };
        while matches!(self.state, State::Collecting { .. }) {
            let Some(key) = self.ahead.0.pop_front() else { break };
            self.key(key, now, todo);
        }
    }

    fn play(&mut self, part: Part, sounds: Vec<Sound>, heard: Heard, now: Duration, todo: &mut Vec<Command>) {
        let length: Duration = sounds.iter().map(|sound| sound.length).sum();
        self.due = Some(now.saturating_add(length).saturating_add(SLACK));
        todo.push(Command::Play(part, sounds, heard));
    }

    fn key(&mut self, key: Key, now: Duration, todo: &mut Vec<Command>) {
        if let Some((passed_over, until)) = self.passed_over.take()
            && key == passed_over
            && now <= until
        {
            return;
        }
        match &mut self.state {
            State::Thinking => {
                if self.ahead.0.len() < Keys::MAX {
                    self.ahead.0.push_back(key);
                }
            }
            State::Collecting { collect, playing, pressed, .. } => {
                if let Some(part) = playing.take() {
                    todo.push(Command::Stop(part));
                }
                if collect.finish == Some(key) {
                    return self.complete(true, todo);
                }
                pressed.push(key);
                if pressed.len() >= usize::from(collect.max.max(1)).min(Keys::MAX) {
                    if collect.max > 1 {
                        self.passed_over = Some((collect.finish.unwrap_or(Key::Hash), now.saturating_add(AFTERMATH)));
                    }
                    return self.complete(false, todo);
                }
                self.due = Some(now.saturating_add(collect.between_keys));
            }
            // Nobody waits for keys there.
            State::HearingOut { .. }
            | State::Saying { .. }
            | State::Recording { .. }
            | State::Leaving { .. }
            | State::Over => {}
        }
    }

    /// The entry is over: by its finish key, because it is full, or because time is up.
    fn complete(&mut self, finished: bool, todo: &mut Vec<Command>) {
        let State::Collecting { step, pressed, .. } = std::mem::replace(&mut self.state, State::Thinking) else {
            return;
        };
        self.due = None;
        let event = if pressed.is_empty() && !finished {
            Event::Silence
        } else {
            Event::Keys(Keys::new(pressed.to_vec(), finished))
        };
        todo.push(Command::Tell(step, event));
    }

    fn played(&mut self, over: Part, now: Duration, todo: &mut Vec<Command>) {
        // It broke off, and the end of the call is told next.
        if self.hung_up {
            return;
        }
        match std::mem::replace(&mut self.state, State::Thinking) {
            State::HearingOut { part, during, collect, step } if part == over => {
                self.forget_ahead();
                self.collect(collect, step, during, now, todo);
            }
            State::Collecting { collect, step, playing: Some(part), pressed } if part == over => {
                self.due = Some(now.saturating_add(collect.first_key));
                self.state = State::Collecting { collect, step, playing: None, pressed };
            }
            State::Saying { part, then, recording } if part == over => self.follow(then, recording, now, todo),
            // Stopped, and long forgotten.
            state => self.state = state,
        }
    }

    /// What is left of it is not said.
    fn broken(&mut self, broken: Part, todo: &mut Vec<Command>) {
        match &self.state {
            State::HearingOut { part, .. }
            | State::Saying { part, .. }
            | State::Collecting { playing: Some(part), .. }
                if *part == broken && !self.hung_up =>
            {
                todo.push(Command::Stop(broken));
                self.leave(Command::Release, true, None, todo);
            }
            _ => {}
        }
    }

    /// What follows what was said, where that is anything but keys.
    fn follow(&mut self, then: Then, recording: Secret, now: Duration, todo: &mut Vec<Command>) {
        self.due = None;
        match then {
            Then::Record(record, step) => {
                self.due = Some(now.saturating_add(record.longest).saturating_add(RECORDING_SLACK));
                self.state = State::Recording { step, recording: recording.clone() };
                todo.push(Command::Record(record, recording));
            }
            Then::Transfer(transfer, step) => {
                let at = step.clone();
                self.leave(Command::Transfer(transfer, step), true, Some(at), todo);
            }
            // Whoever waits in a queue is out of our hands: here is nobody who does.
            Then::Leave(step) => {
                self.state = State::Thinking;
                todo.push(Command::Tell(step, Event::TransferEnded(TransferEnd::Left)));
            }
            Then::HangUp => self.leave(Command::HangUp, false, None, todo),
            Then::Collect(collect, step) => self.collect(collect, step, Vec::new(), now, todo),
        }
    }

    fn leave(&mut self, how: Command, given_away: bool, step: Option<Box<str>>, todo: &mut Vec<Command>) {
        self.due = None;
        self.state = State::Leaving { given_away, step };
        todo.push(how);
    }

    /// Nobody took the channel: the conversation goes on, or there is none any more.
    fn kept(&mut self, todo: &mut Vec<Command>) {
        let State::Leaving { given_away: true, step } = &mut self.state else { return };
        match step.take() {
            Some(step) => {
                self.state = State::Thinking;
                todo.push(Command::Tell(step, Event::TransferEnded(TransferEnd::NotAnswered)));
            }
            None => self.leave(Command::HangUp, false, None, todo),
        }
    }

    fn recorded(&mut self, seconds: u32, todo: &mut Vec<Command>) {
        if !matches!(self.state, State::Recording { .. }) {
            return;
        }
        let State::Recording { step, recording } = std::mem::replace(&mut self.state, State::Thinking) else { return };
        self.due = None;
        let recording = (seconds > 0).then_some(Recording { reference: recording, seconds });
        todo.push(Command::Tell(step, Event::Recorded { recording, hung_up: self.hung_up }));
        if self.hung_up {
            self.end(todo);
        }
    }

    /// The channel is gone. What was recorded may yet be told.
    fn gone(&mut self, now: Duration, todo: &mut Vec<Command>) {
        match self.state {
            State::Recording { .. } => {
                self.hung_up = true;
                self.due = Some(now.saturating_add(LATE));
            }
            State::Over => {}
            // Whoever has it now knows of its end; of a caller who has hung up nobody else does.
            State::Leaving { given_away: true, .. } if !self.hung_up => {
                self.state = State::Over;
                self.due = None;
            }
            _ => self.end(todo),
        }
    }

    fn end(&mut self, todo: &mut Vec<Command>) {
        self.state = State::Over;
        self.due = None;
        self.forget_ahead();
        todo.push(Command::Over);
    }

    /// Whether nothing more happens: the call is over, or has been given away.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn forget_ahead(&mut self) {
        self.ahead.zeroize();
    }
}

#[cfg(test)]
mod tests;
