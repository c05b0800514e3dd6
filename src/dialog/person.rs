//! 人工服务: when somebody answers, being put through, and waiting in a queue until somebody is free.

use std::time::Duration;

use jiff::Timestamp;

use super::event::{TransferEnd, Waiting};
use super::flow::Flow;
use super::state::{Place, QueuePlace, State};
use super::step::{Lead, ONE, TWO, over};
use super::turn::{BargeIn, Collect, Next, Transfer, TransferTarget, Turn};
use crate::secret::{Key, Keys};
use crate::speech::prompt::Prompt;

impl Flow {
    pub(super) fn person(&self, state: State, mut lead: Lead, now: Timestamp) -> (State, Turn) {
        if self.can_transfer(&state, now) {
            return self.transfer(state, lead, now);
        }
        if self.person.hours.open(now) {
            lead.push(Prompt::not_answered());
        } else {
            lead.extend(self.closed(now));
        }
        lead.extend(self.message_offered());
        self.main_menu(state, lead)
    }

    pub(super) fn can_transfer(&self, state: &State, now: Timestamp) -> bool {
        self.person.hours.open(now) && state.transfers < self.patience.transfers
    }

    pub(super) fn transfer(&self, state: State, mut say: Lead, now: Timestamp) -> (State, Turn) {
        say.push(Prompt::connecting());
        let place = match self.person.to {
            TransferTarget::Queue(_) => Place::Queue(QueuePlace { since: now }),
            TransferTarget::Number(_) | TransferTarget::Sip(_) => Place::WithPerson,
        };
        // Nobody stays signed in behind an agent's back.
        let state = State { place, signed_in: None, transfers: state.transfers.saturating_add(1), ..state };
        let transfer = Transfer { to: self.person.to.clone(), ring: self.person.ring };
        (state, Turn { say, next: Next::Transfer(transfer) })
    }

    /// When people answer; and, where the days of the week do not tell, when they do next.
    pub(super) fn closed(&self, now: Timestamp) -> Lead {
        let hours = &self.person.hours;
        let mut say = vec![Prompt::person_closed()];
        if hours.is_holiday(now) {
            say.push(Prompt::person_holiday());
        }
        say.extend(hours.spans.iter().map(|span| Prompt::person_hours(span.days, span.from, span.to)));
        if hours.is_unusual(now) {
            say.extend(hours.next(now).map(|next| Prompt::person_next(next.date(), next.time())));
        }
        say
    }

    pub(super) fn transfer_ended(&self, state: State, end: TransferEnd) -> (State, Turn) {
        let was_with_person = matches!(state.place, Place::WithPerson | Place::Queue(_));
        match end {
            TransferEnd::Talked if was_with_person => self.rate(state, true),
            TransferEnd::Talked => over(state, vec![Prompt::goodbye()]),
            TransferEnd::NotAnswered => {
                let lead = [Prompt::not_answered()].into_iter().chain(self.message_offered()).collect();
                self.main_menu(state, lead)
            }
            // They chose to. No platform tells by which key, so where messages are taken they are asked.
            TransferEnd::Left => match state.place {
                Place::Queue(QueuePlace { since }) if self.takes_messages() => self.callback(state, since),
                _ => self.main_menu(state, Vec::new()),
            },
        }
    }

    // ---- in the queue ----

    /// The platform asks what the caller is to hear while they wait.
    pub(super) fn wait(&self, state: State, waiting: Waiting) -> (State, Turn) {
        if !matches!(state.place, Place::Queue(_)) {
            return self.main_menu(state, Vec::new());
        }
        self.keep_waiting(state, vec![position(waiting)], waiting.without_keys)
    }

    /// A key pressed while waiting. Whoever asks for a person is waiting for one already.
    pub(super) fn queue_key(&self, state: State, keys: &Keys) -> (State, Turn) {
        match keys.single() {
            Some(ONE) if self.takes_messages() => (state, Turn { say: Vec::new(), next: Next::Leave }),
            Some(TWO) if !self.takes_messages() => (state, Turn { say: Vec::new(), next: Next::Leave }),
            Some(Key::Star) => (state, Turn { say: Vec::new(), next: Next::Leave }),
            // Not asked how it was: nobody has served them yet, or they would not be waiting.
            Some(Key::Digit(9)) => over(state, vec![Prompt::goodbye()]),
            Some(Key::Digit(0) | Key::Hash) | None => self.wait(state, Waiting::default()),
            Some(_) => self.keep_waiting(state, vec![Prompt::no_match()], false),
        }
    }

    /// Says `say` and which keys there are, and then nothing for a while: silence is what people do who wait.
    fn keep_waiting(&self, state: State, mut say: Lead, without_keys: bool) -> (State, Turn) {
        if !without_keys {
            say.push(if self.takes_messages() { Prompt::queue_call_back(ONE) } else { Prompt::queue_leave(TWO) });
        }
        let collect = Collect {
            min: 1,
            max: 1,
            finish: None,
            first_key: self.person.announce,
            between_keys: self.patience.between_keys,
            barge_in: BargeIn::Always,
        };
        (state, Turn { say, next: Next::Collect(collect) })
    }
}

/// How many are before the caller, and for how long, as far as the platform tells.
fn position(waiting: Waiting) -> Prompt {
    let minutes = |wait: Duration| u32::try_from(wait.as_secs().div_ceil(60)).unwrap_or(u32::MAX);
    let wait = waiting.average.map(minutes).filter(|minutes| *minutes > 0);
    match (waiting.ahead, wait) {
        (Some(0), _) => Prompt::queue_next(),
        (Some(ahead), Some(wait)) => Prompt::queue_position(ahead.into(), wait),
        (Some(ahead), None) => Prompt::queue_ahead(ahead.into()),
        (None, _) => Prompt::queue_waiting(),
    }
}
