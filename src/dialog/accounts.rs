//! 医保账户查询: what a member's accounts are told as, and the pages of the statement.

use jiff::Timestamp;

use super::event::Answer;
use super::flow::Flow;
use super::state::{Goal, MenuId, Misses, Place, Service, State, Then};
use super::step::{Lead, Miss, ONE, THREE, TWO, ask_world};
use super::turn::{Request, Turn};
use crate::member::account::{
    Benefit, Coverage, InsuranceStatus, Movements, PageSize, PersonalAccount, PooledFund, StatementEntry, StatementPage,
};
use crate::member::money::Money;
use crate::member::mutual_aid::MutualAid;
use crate::secret::Key;
use crate::speech::prompt::Prompt;

/// The keys of 收支明细.
pub(super) const MOVEMENTS: [(Key, Movements); 3] =
    [(ONE, Movements::Credits), (TWO, Movements::Spending), (THREE, Movements::Everything)];

impl Flow {
    /// Reads what `service` tells, after sign-in if need be.
    pub(super) fn serve(&self, state: State, service: Service, back: MenuId, now: Timestamp) -> (State, Turn) {
        match Self::proof(&state, now) {
            Ok(proof) => {
                let request = match service {
                    Service::PersonalBalance => Request::PersonalBalance(proof),
                    Service::PooledFund => Request::PooledFund(proof),
                    Service::Status => Request::Coverage(proof),
                    Service::MutualAid => Request::MutualAid(proof),
                    Service::ChangePin => return self.change_pin(state, back),
                    Service::CardStatus | Service::ReportLoss | Service::ReleaseLoss => Request::Card(proof),
                    // Nothing to choose from: read as any statement is, so that it is told, and audited, that there is none.
                    Service::Details if state.without_account => {
                        return self.turn_to(state, Movements::Everything, 0, back, now);
                    }
                    // What exactly is asked first.
                    Service::Details => {
                        return self.go(state, Place::Details { back, misses: Misses::default() }, Vec::new());
                    }
                };
                ask_world(State { place: Place::Reading { service, back }, ..state }, request)
            }
            Err(why) => self.sign_in(state, Goal::Service(service, back), why),
        }
    }

    /// A digit at a place that tells of an account.
    pub(super) fn account_key(&self, state: State, place: Place, key: Key, now: Timestamp) -> (State, Turn) {
        match place {
            Place::Told { service: service @ Service::MutualAid, back, .. } => match key {
                ONE => self.told(state, service, back, vec![Prompt::binding()]),
                TWO => self.serve(state, service, back, now),
                _ => self.miss(state, Miss::Wrong, now),
            },
            Place::Told { service, then, back, .. } => match (then, key) {
                (Then::AfterParts, ONE) | (Then::Parts, THREE) => self.parts(state, back, now),
                (_, ONE) => self.serve(state, service, back, now),
                (Then::Statement | Then::Parts | Then::AfterParts, TWO) => {
                    self.serve(state, Service::Details, back, now)
                }
                (Then::PooledFund, TWO) => self.serve(state, Service::PooledFund, back, now),
                _ => self.miss(state, Miss::Wrong, now),
            },
            Place::Details { back, .. } => match MOVEMENTS.into_iter().find(|(k, _)| *k == key) {
                Some((_, which)) => self.turn_to(state, which, 0, back, now),
                None => self.miss(state, Miss::Wrong, now),
            },
            Place::Page { which, page, more, back, .. } => {
                let turned = match key {
                    ONE => next_page(page, more),
                    TWO => page.checked_sub(1),
                    THREE => Some(page),
                    _ => None,
                };
                match turned {
                    Some(page) => self.turn_to(state, which, page, back, now),
                    None => self.miss(state, Miss::Wrong, now),
                }
            }
            _ => self.miss(state, Miss::Wrong, now),
        }
    }

    /// What the world answered while an account was being read.
    pub(super) fn account_answered(&self, state: State, answer: Answer, now: Timestamp) -> (State, Turn) {
        match (state.place.clone(), answer) {
            // Told only while the sign-in it was asked with still holds.
            (
                Place::Reading { service, back },
                Answer::PersonalBalance(_) | Answer::PooledFund(..) | Answer::Coverage(_) | Answer::MutualAid(_),
            ) if Self::proof(&state, now).is_err() => self.serve(state, service, back, now),
            (Place::ReadingParts { back }, Answer::PersonalBalance(_)) if Self::proof(&state, now).is_err() => {
                self.parts(state, back, now)
            }
            (Place::ReadingPage { which, page, back }, Answer::Transactions(_))
                if Self::proof(&state, now).is_err() =>
            {
                self.turn_to(state, which, page, back, now)
            }
            (Place::Reading { service: Service::PersonalBalance, back }, Answer::PersonalBalance(account)) => {
                self.balance_told(state, account, back)
            }
            (Place::ReadingParts { back }, Answer::PersonalBalance(account)) => self.parts_told(state, account, back),
            (Place::Reading { service: service @ Service::PooledFund, back }, Answer::PooledFund(fund, coverage)) => {
                self.told(state, service, back, pooled_fund(&fund, &coverage))
            }
            (Place::Reading { service: service @ Service::Status, back }, Answer::Coverage(coverage)) => {
                self.told(state, service, back, status(&coverage))
            }
            (Place::Reading { service: service @ Service::MutualAid, back }, Answer::MutualAid(aid)) => {
                self.told(state, service, back, mutual_aid(aid.as_ref()))
            }
            (Place::ReadingPage { which, page, back }, Answer::Transactions(read)) => {
                self.page_told(state, which, page, back, read)
            }
            (Place::Reading { back, .. } | Place::ReadingParts { back }, Answer::Superseded) => {
                self.go(state, Place::Menu { menu: back, misses: Misses::default() }, Vec::new())
            }
            (Place::ReadingPage { back, .. }, Answer::Superseded) => {
                self.go(state, Place::Details { back, misses: Misses::default() }, Vec::new())
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    /// Reads what the balance is made up of.
    fn parts(&self, state: State, back: MenuId, now: Timestamp) -> (State, Turn) {
        match Self::proof(&state, now) {
            Ok(proof) => {
                ask_world(State { place: Place::ReadingParts { back }, ..state }, Request::PersonalBalance(proof))
            }
            // Somebody else may sign in now: from the total.
            Err(why) => self.sign_in(state, Goal::Service(Service::PersonalBalance, back), why),
        }
    }

    /// Reads page `page` of the statement.
    pub(super) fn turn_to(
        &self,
        state: State,
        which: Movements,
        page: u8,
        back: MenuId,
        now: Timestamp,
    ) -> (State, Turn) {
        // Who is spoken to so is for the rest of the call: pages do not change their size under way.
        let size = if state.elder { PageSize::One } else { PageSize::Three };
        match Self::proof(&state, now) {
            Ok(proof) => ask_world(
                State { place: Place::ReadingPage { which, page, back }, ..state },
                Request::Transactions { proof, which, size, page },
            ),
            // Somebody else may sign in now: from the start of the statement.
            Err(why) => self.sign_in(state, Goal::Service(Service::Details, back), why),
        }
    }

    pub(super) fn told(&self, state: State, service: Service, back: MenuId, words: Lead) -> (State, Turn) {
        self.told_then(state, service, Then::Nothing, back, words)
    }

    fn told_then(&self, state: State, service: Service, then: Then, back: MenuId, words: Lead) -> (State, Turn) {
        self.go_interruptibly(state, Place::Told { service, then, back, misses: Misses::default() }, words)
    }

    /// All at once; to older callers the total, and what it is made up of by a key.
    pub(super) fn balance_told(&self, state: State, account: Option<PersonalAccount>, back: MenuId) -> (State, Turn) {
        let service = Service::PersonalBalance;
        let (then, words) = match account {
            Some(account) if state.elder => (Then::Parts, Prompt::personal_total(account.total(), account.as_of())),
            Some(account) => (Then::Statement, personal_balance(&account)),
            None => {
                let then = if self.offers(Service::PooledFund) { Then::PooledFund } else { Then::Nothing };
                return self.told_then(state, service, then, back, vec![Prompt::no_personal_account()]);
            }
        };
        self.told_then(state, service, then, back, vec![Prompt::privacy(), words])
    }

    fn parts_told(&self, state: State, account: Option<PersonalAccount>, back: MenuId) -> (State, Turn) {
        // Gone since the total was told.
        let Some(account) = account else { return self.balance_told(state, account, back) };
        let parts = Prompt::personal_parts(account.current_year(), account.carried(), account.as_of());
        self.told_then(state, Service::PersonalBalance, Then::AfterParts, back, vec![parts])
    }

    pub(super) fn page_told(
        &self,
        state: State,
        which: Movements,
        page: u8,
        back: MenuId,
        read: Option<StatementPage>,
    ) -> (State, Turn) {
        let misses = Misses::default();
        let Some(StatementPage { entries, more }) = read else {
            return self.go(state, Place::Menu { menu: back, misses }, vec![Prompt::no_personal_account()]);
        };
        if entries.is_empty() {
            return self.go(state, Place::Details { back, misses }, vec![Prompt::no_entries(which.into())]);
        }
        let mut words = if page == 0 { vec![Prompt::privacy()] } else { Vec::new() };
        words.extend(entries.iter().map(|entry| self.entry_told(entry)));
        if !more {
            words.push(Prompt::last_entry());
        }
        self.go_interruptibly(state, Place::Page { which, page, more, back, misses }, words)
    }

    pub(super) fn entry_told(&self, entry: &StatementEntry) -> Prompt {
        let day = self.person.hours.offset.to_datetime(entry.at).date();
        Prompt::entry(day, entry.kind.into(), entry.amount, entry.balance_after)
    }
}

/// What is offered after something was told. A key that leads nowhere now is not offered, and no other takes its place.
pub(super) fn choices(state: &State) -> Lead {
    match &state.place {
        Place::Told { service: Service::MutualAid, .. } => vec![Prompt::to_binding(ONE), Prompt::hear_again(TWO)],
        Place::Told { then: Then::Nothing, .. } => vec![Prompt::hear_again(ONE)],
        Place::Told { then: Then::Statement | Then::AfterParts, .. } => {
            vec![Prompt::hear_again(ONE), Prompt::to_details(TWO)]
        }
        Place::Told { then: Then::Parts, .. } => {
            vec![Prompt::hear_again(ONE), Prompt::to_details(TWO), Prompt::to_parts(THREE)]
        }
        Place::Told { then: Then::PooledFund, .. } => vec![Prompt::hear_again(ONE), Prompt::to_pooled_fund(TWO)],
        Place::Details { .. } => MOVEMENTS.map(|(key, which)| Prompt::list(which.into(), key)).into(),
        Place::Page { page, more, .. } => {
            let (next, previous, again) = if state.elder {
                (Prompt::next_entry(ONE), Prompt::previous_entry(TWO), Prompt::entry_again(THREE))
            } else {
                (Prompt::next_page(ONE), Prompt::previous_page(TWO), Prompt::page_again(THREE))
            };
            let next = next_page(*page, *more).map(|_| next);
            let previous = page.checked_sub(1).map(|_| previous);
            next.into_iter().chain(previous).chain([again]).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn next_page(page: u8, more: bool) -> Option<u8> {
    page.checked_add(1).filter(|_| more)
}

pub(super) fn personal_balance(account: &PersonalAccount) -> Prompt {
    Prompt::personal_balance(account.total(), account.current_year(), account.carried(), account.as_of())
}

/// Whether the fund pays at all comes first; what it would still pay is not told to those for whom it pays nothing.
pub(super) fn pooled_fund(fund: &PooledFund, coverage: &Coverage) -> Lead {
    let (met, left, as_of) = (fund.deductible_met, fund.deductible_left(), fund.as_of);
    let mut words = vec![Prompt::privacy()];
    if coverage.insurance != InsuranceStatus::Active {
        words.push(Prompt::pooled_fund_stopped(coverage.insurance.into(), fund.year, fund.used, as_of));
        words.extend(stopped(coverage));
        return words;
    }
    if coverage.outpatient != Benefit::Normal {
        words.push(Prompt::outpatient_not_paid(coverage.outpatient.into()));
    }
    if coverage.inpatient != Benefit::Normal {
        words.push(Prompt::inpatient_not_paid(coverage.inpatient.into()));
    }
    words.extend(waiting(coverage));
    words.push(match (coverage.scheme.has_personal_account(), fund.remaining()) {
        (true, Some(remaining)) => Prompt::pooled_fund(fund.year, met, left, fund.used, remaining, as_of),
        (true, None) => Prompt::pooled_fund_unlimited(fund.year, met, left, fund.used, as_of),
        (false, Some(remaining)) => Prompt::resident_fund(fund.year, met, left, fund.used, remaining, as_of),
        (false, None) => Prompt::resident_fund_unlimited(fund.year, met, left, fund.used, as_of),
    });
    words
}

pub(super) fn status(coverage: &Coverage) -> Lead {
    let told = Prompt::status(
        coverage.scheme.into(),
        coverage.insurance.into(),
        coverage.contribution.into(),
        coverage.last_contribution,
        coverage.outpatient.into(),
        coverage.inpatient.into(),
    );
    [Prompt::privacy(), told].into_iter().chain(waiting(coverage)).chain(stopped(coverage)).collect()
}

/// From when what waits is paid. Not told of an insurance that is paused or has ended: then the day says nothing.
fn waiting(coverage: &Coverage) -> Option<Prompt> {
    let waits = [coverage.outpatient, coverage.inpatient].contains(&Benefit::Waiting);
    let from = coverage.benefits_from.filter(|_| waits && coverage.insurance == InsuranceStatus::Active);
    from.map(Prompt::benefits_from)
}

/// What it means that the insurance is paused or has ended.
pub(super) fn stopped(coverage: &Coverage) -> Lead {
    match coverage.insurance {
        InsuranceStatus::Active => Vec::new(),
        InsuranceStatus::Paused if coverage.scheme.has_personal_account() => {
            vec![Prompt::insurance_paused(), Prompt::balance_stays()]
        }
        InsuranceStatus::Paused => vec![Prompt::insurance_paused()],
        InsuranceStatus::Ended => vec![Prompt::insurance_ended()],
    }
}

/// For whom the account pays, by kind and number; of who has nobody bound any more, what was used before.
fn mutual_aid(aid: Option<&MutualAid>) -> Lead {
    let Some(aid) = aid else { return vec![Prompt::aid_no_account()] };
    let nobody = aid.people() == 0;
    let used = aid.used.filter(|used| !nobody || used.amount != Money::ZERO);
    let used = used.map(|used| Prompt::aid_used(used.year, used.amount, used.as_of));
    if nobody {
        return [Prompt::privacy(), Prompt::aid_nobody()].into_iter().chain(used).collect();
    }
    let relatives = aid.bound.iter().map(|bound| Prompt::aid_relatives(bound.relation.into(), bound.count.into()));
    [Prompt::privacy(), Prompt::aid_bound(aid.people())].into_iter().chain(relatives).chain(used).collect()
}
