//! 人工服务: when somebody answers, and being put through.

use jiff::Timestamp;

use super::flow::Flow;
use super::state::{Place, State};
use super::step::Lead;
use super::turn::{Next, Transfer, Turn};
use crate::speech::prompt::Prompt;

impl Flow {
    pub(super) fn person(&self, state: State, mut lead: Lead, now: Timestamp) -> (State, Turn) {
        if self.can_transfer(&state, now) {
            return self.transfer(state, lead);
        }
        if self.person.hours.open(now) {
            lead.push(Prompt::not_answered());
        } else {
            lead.extend(self.closed());
        }
        lead.extend(self.message_offered());
        self.main_menu(state, lead)
    }

    pub(super) fn can_transfer(&self, state: &State, now: Timestamp) -> bool {
        self.person.hours.open(now) && state.transfers < self.patience.transfers
    }

    pub(super) fn transfer(&self, state: State, mut say: Lead) -> (State, Turn) {
        say.push(Prompt::connecting());
        // Nobody stays signed in behind an agent's back.
        let state =
            State { place: Place::WithPerson, signed_in: None, transfers: state.transfers.saturating_add(1), ..state };
        let transfer = Transfer { to: self.person.to.clone(), ring: self.person.ring };
        (state, Turn { say, next: Next::Transfer(transfer) })
    }

    pub(super) fn closed(&self) -> Lead {
        let hours = self.person.hours.spans.iter().map(|span| Prompt::person_hours(span.days, span.from, span.to));
        std::iter::once(Prompt::person_closed()).chain(hours).collect()
    }
}
