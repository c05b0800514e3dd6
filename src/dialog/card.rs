//! 社保卡服务: the state of a card, and the temporary report that it is lost: made, extended, taken back.
//!
//! Each change is made in two steps: the card is read and told, and only then is it asked whether to go ahead. What is
//! done depends on what the store finds at that moment, so two calls at once are both told what is true.

use jiff::Timestamp;
use jiff::civil::Date;

use super::event::{Answer, LossOutcome};
use super::flow::Flow;
use super::signed_in::SignedIn;
use super::state::{Goal, LossAct, LossPlace, MenuId, Misses, Place, Service, State};
use super::step::{Lead, Miss, ONE, TWO, ask_world};
use super::turn::{Request, Turn};
use crate::member::account::CardStatus;
use crate::member::card::{Card, LossReport};
use crate::secret::Key;
use crate::speech::prompt::Prompt;

impl Flow {
    /// A digit where it is asked whether to go ahead.
    pub(super) fn loss_key(&self, state: State, place: LossPlace, key: Key, now: Timestamp) -> (State, Turn) {
        match place {
            LossPlace::Confirm { act, back, .. } if key == ONE => match Self::proof(&state, now) {
                Ok(proof) => {
                    let place = Place::Loss(LossPlace::Doing { act, back });
                    ask_world(State { place, ..state }, self.loss_request(act, proof))
                }
                Err(why) => self.sign_in(state, Goal::Service(act.service(), back), why),
            },
            LossPlace::Confirm { back, .. } if key == TWO => self.to_menu(state, back, vec![Prompt::card_unchanged()]),
            _ => self.miss(state, Miss::Wrong, now),
        }
    }

    /// What the world answered while a card was being read, or its report changed.
    pub(super) fn card_answered(&self, state: State, answer: Answer, now: Timestamp) -> (State, Turn) {
        let holds = Self::proof(&state, now).is_ok();
        match (state.place.clone(), answer) {
            // Told only while the sign-in it was asked with still holds.
            (Place::Reading { service, back }, Answer::Card(_)) if !holds => self.serve(state, service, back, now),
            (Place::Loss(LossPlace::Doing { back, .. }), Answer::Loss(_)) if !holds => {
                self.serve(state, Service::CardStatus, back, now)
            }
            (Place::Reading { service, back }, Answer::Card(card)) => self.card_read(state, service, back, card, now),
            (Place::Loss(LossPlace::Doing { act, back }), Answer::Loss(LossOutcome::Done(card))) => {
                self.told(state, Service::CardStatus, back, self.loss_done(act, card))
            }
            // Another call was faster.
            (Place::Loss(LossPlace::Doing { act, back }), Answer::Loss(LossOutcome::NotDone(card))) => {
                self.card_read(state, act.service(), back, card, now)
            }
            (Place::Reading { back, .. } | Place::Loss(LossPlace::Doing { back, .. }), Answer::Superseded) => {
                self.to_menu(state, back, Vec::new())
            }
            // It may have been done all the same, and only the answer was late.
            (Place::Loss(LossPlace::Doing { back, .. }), _) => {
                self.to_menu(state, back, vec![Prompt::card_uncertain()])
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    fn loss_request(&self, act: LossAct, proof: SignedIn) -> Request {
        match act {
            LossAct::Report => Request::ReportLoss(proof, self.loss),
            LossAct::Renew => Request::RenewLoss(proof, self.loss),
            LossAct::Release => Request::ReleaseLoss(proof),
        }
    }

    /// A card was read for `service`: tells it, and asks what there is to ask.
    fn card_read(
        &self,
        state: State,
        service: Service,
        back: MenuId,
        card: Option<Card>,
        now: Timestamp,
    ) -> (State, Turn) {
        let act = match (service, card) {
            (Service::ReportLoss, Some(card)) if card.can_be_reported() => Some(LossAct::Report),
            // Only where it gains a day.
            (Service::ReportLoss, Some(Card { report: Some(report), .. })) if report.until < self.loss.until(now) => {
                Some(LossAct::Renew)
            }
            (Service::ReleaseLoss, Some(Card { report: Some(_), .. })) => Some(LossAct::Release),
            _ => None,
        };
        match (act, card) {
            (Some(act), Some(card)) => {
                let lead = match card.report {
                    Some(report) => self.reported(&card, report),
                    None => Prompt::loss_of(card.tail),
                };
                let place = LossPlace::Confirm { act, back, misses: Misses::default() };
                self.go_interruptibly(state, Place::Loss(place), vec![lead])
            }
            (_, Some(card)) if service == Service::ReleaseLoss && card.can_be_reported() => {
                let words = vec![Prompt::card_status(card.tail, card.status.into()), Prompt::nothing_to_release()];
                self.told(state, service, back, words)
            }
            _ => self.told(state, service, back, self.card_told(card)),
        }
    }

    /// The state of a card, and what it means.
    fn card_told(&self, card: Option<Card>) -> Lead {
        let Some(card) = card else { return vec![Prompt::no_card()] };
        let (told, advice) = match card.report {
            Some(report) => (self.reported(&card, report), Prompt::card_reported_advice()),
            None => (Prompt::card_status(card.tail, card.status.into()), card_advice(card.status)),
        };
        vec![Prompt::privacy(), told, advice]
    }

    fn loss_done(&self, act: LossAct, card: Card) -> Lead {
        match (act, card.report) {
            (LossAct::Report, Some(report)) => {
                let (_, until) = self.days_of(report);
                vec![Prompt::loss_reported(self.loss_days(), until), Prompt::loss_next()]
            }
            (LossAct::Renew, Some(report)) => {
                let (_, until) = self.days_of(report);
                vec![Prompt::loss_renewed(until), Prompt::loss_next()]
            }
            _ => vec![Prompt::loss_released(card.status.into())],
        }
    }

    fn reported(&self, card: &Card, report: LossReport) -> Prompt {
        let (since, until) = self.days_of(report);
        Prompt::card_reported(card.tail, since, until)
    }

    /// The day a report was made, and the last day it holds.
    fn days_of(&self, report: LossReport) -> (Date, Date) {
        let offset = self.person.hours.offset;
        (offset.to_datetime(report.since).date(), report.last_day(offset))
    }

    fn loss_days(&self) -> u32 {
        self.loss.days.into()
    }

    /// What is asked before anything is done, and the keys that answer it.
    pub(super) fn loss_question(&self, place: &LossPlace) -> Lead {
        let LossPlace::Confirm { act, .. } = place else { return Vec::new() };
        let question = match act {
            LossAct::Report => Prompt::confirm_loss(self.loss_days(), ONE, TWO),
            LossAct::Renew => Prompt::confirm_renewal(self.loss_days(), ONE, TWO),
            LossAct::Release => Prompt::confirm_release(ONE, TWO),
        };
        vec![question, Prompt::universal_keys()]
    }

    fn to_menu(&self, state: State, menu: MenuId, lead: Lead) -> (State, Turn) {
        self.go(state, Place::Menu { menu, misses: Misses::default() }, lead)
    }
}

impl LossAct {
    /// Where a caller is sent who has to begin anew.
    fn service(self) -> Service {
        match self {
            Self::Report | Self::Renew => Service::ReportLoss,
            Self::Release => Service::ReleaseLoss,
        }
    }
}

impl LossPlace {
    /// The menu to go back to.
    pub(super) fn back(&self) -> &MenuId {
        match self {
            Self::Confirm { back, .. } | Self::Doing { back, .. } => back,
        }
    }

    /// What went wrong here so far, where keys are waited for.
    pub(super) fn misses(&mut self) -> Option<&mut Misses> {
        match self {
            Self::Confirm { misses, .. } => Some(misses),
            Self::Doing { .. } => None,
        }
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
