//! 社保卡服务: the state of a card in words, and what to do about it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::event::Answer;
use super::flow::Flow;
use super::state::{Misses, Place, Service, State};
use super::step::Lead;
use super::turn::Turn;
use crate::member::account::CardStatus;
use crate::member::card::{Card, LossReport};
use crate::speech::prompt::Prompt;

impl Flow {
    /// What the world answered while a card was being read.
    pub(super) fn card_answered(&self, state: State, answer: Answer, now: Timestamp) -> (State, Turn) {
        match (state.place.clone(), answer) {
            // Told only while the sign-in it was asked with still holds.
            (Place::Reading { service, back }, Answer::Card(_)) if Self::proof(&state, now).is_err() => {
                self.serve(state, service, back, now)
            }
            (Place::Reading { service: service @ Service::CardStatus, back }, Answer::Card(card)) => {
                self.told(state, service, back, self.card_told(card))
            }
            (Place::Reading { back, .. }, Answer::Superseded) => {
                self.go(state, Place::Menu { menu: back, misses: Misses::default() }, Vec::new())
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    /// The state of a card, and what it means.
    fn card_told(&self, card: Option<Card>) -> Lead {
        let Some(Card { tail, status, report }) = card else { return vec![Prompt::no_card()] };
        let (told, advice) = match (status, report) {
            (CardStatus::TemporaryLoss, Some(report)) => {
                let (since, until) = self.days_of(report);
                (Prompt::card_reported(tail, since, until), Prompt::card_reported_advice())
            }
            (status, _) => (Prompt::card_status(tail, status.into()), card_advice(status)),
        };
        vec![Prompt::privacy(), told, advice]
    }

    /// The day a report was made, and the last day it holds.
    fn days_of(&self, report: LossReport) -> (Date, Date) {
        let day = |at| self.person.hours.offset.to_datetime(at).date();
        (
            day(report.since),
            day(report.until.saturating_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(report.until)),
        )
    }
}

/// What the state of a card means, and what its owner can do.
fn card_advice(status: CardStatus) -> Prompt {
    match status {
        CardStatus::Normal => Prompt::card_normal(),
        CardStatus::Inactive => Prompt::card_inactive(),
        CardStatus::TemporaryLoss => Prompt::card_temporary_loss(),
        CardStatus::FormalLoss => Prompt::card_formal_loss(),
        CardStatus::Locked => Prompt::card_locked(),
        CardStatus::Cancelled => Prompt::card_cancelled(),
    }
}
