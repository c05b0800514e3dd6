//! The call flow itself: one pure function from a state and an event to a state and a turn.
//!
//! What is universal comes first (hanging up, `0` a person, `*` back, `#` again, `9` goodbye, silence, wrong keys);
//! what each place makes of its own keys comes after.

use jiff::Timestamp;

use super::event::{Answer, Dialled, Event, SignInOutcome, TransferEnd};
use super::flow::{Flow, Target};
use super::sign_in::SignedIn;
use super::state::{AnswerId, Goal, MenuId, Misses, Place, Service, State};
use super::turn::{BargeIn, Collect, Next, Request, Transfer, Turn};
use crate::member::account::{
    Benefit, Coverage, InsuranceStatus, Movements, PersonalAccount, PooledFund, StatementEntry, StatementPage,
};
use crate::member::card_number::CardLookup;
use crate::member::id_number::{IdNumber, IdNumberError};
use crate::member::personal_number::PersonalNumber;
use crate::member::{Identifier, IdentifierKind, MemberKey};
use crate::secret::{Key, Keys, Pin};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;

/// Said before the place's own prompts: an apology, an amount, a reason.
type Lead = Vec<Prompt>;

const ONE: Key = Key::Digit(1);
const TWO: Key = Key::Digit(2);
const THREE: Key = Key::Digit(3);

/// The keys of 收支明细.
const MOVEMENTS: [(Key, Movements); 3] =
    [(ONE, Movements::Credits), (TWO, Movements::Spending), (THREE, Movements::Everything)];

impl Flow {
    /// The state before the first event of a call.
    #[must_use]
    pub fn start(&self) -> State {
        State {
            language: self.languages.first().copied().unwrap_or(Language::Mandarin),
            signed_in: None,
            wrong_pins: 0,
            transfers: 0,
            place: Place::Start,
        }
    }

    /// Takes a conversation one event further. Total: every event has an answer in every state.
    #[must_use]
    pub fn step(&self, state: State, event: Event, now: Timestamp) -> (State, Turn) {
        let state = self.known(state);
        match event {
            Event::HungUp => over(state, Vec::new()),
            Event::LimitReached => over(state, vec![Prompt::too_long(), Prompt::goodbye()]),
            Event::Dialled(dialled) => self.greet(state, dialled),
            _ if state.place == Place::Over => over(state, Vec::new()),
            Event::Keys(keys) => self.keys(state, &keys, now),
            Event::Silence => self.miss(state, Miss::Silent, now),
            Event::Garbled => self.miss(state, Miss::Wrong, now),
            Event::Answer(answer) => self.answered(state, answer, now),
            Event::TransferEnded(TransferEnd::Talked) => over(state, vec![Prompt::goodbye()]),
            Event::TransferEnded(TransferEnd::NotAnswered) => self.main_menu(state, vec![Prompt::not_answered()]),
        }
    }

    /// A state from before a reload may name a menu or an answer that is gone: such a caller is led to the main menu.
    fn known(&self, mut state: State) -> State {
        let named = match &state.place {
            Place::Menu { menu, .. } => Some(menu),
            Place::NumberKind { goal, .. }
            | Place::Number { goal, .. }
            | Place::Identifying { goal, .. }
            | Place::Confirm { goal, .. }
            | Place::Pin { goal, .. }
            | Place::SigningIn { goal, .. } => match goal {
                Goal::Menu(menu) | Goal::Service(_, menu) => Some(menu),
            },
            Place::Reading { back, .. }
            | Place::Told { back, .. }
            | Place::Answered { back, .. }
            | Place::Details { back, .. }
            | Place::ReadingPage { back, .. }
            | Place::Page { back, .. } => Some(back),
            Place::Start | Place::WithPerson | Place::Over => None,
        };
        let unanswered = matches!(&state.place, Place::Answered { answer, .. } if !self.answers.contains_key(answer));
        if unanswered || named.is_some_and(|menu| !self.menus.contains_key(menu)) {
            state.place = Place::Start;
        }
        state
    }

    fn greet(&self, mut state: State, dialled: Dialled) -> (State, Turn) {
        if let Some(language) = dialled.language.filter(|l| self.languages.contains(l)) {
            state.language = language;
        }
        let greeting = self.greeting.iter().map(|id| Prompt::of_menu(id.clone(), None)).collect::<Lead>();
        let (state, mut turn) = self.main_menu(state, greeting);
        // The greeting may be cut short: a person answers from its first syllable on.
        if let Next::Collect(collect) = &mut turn.next {
            collect.barge_in = BargeIn::Always;
        }
        (state, turn)
    }

    // ---- keys ----

    fn keys(&self, state: State, keys: &Keys, now: Timestamp) -> (State, Turn) {
        match state.place.clone() {
            Place::Number { goal, kind, misses } => match entry(keys) {
                Entry::Again => self.ask(state, Vec::new()),
                Entry::Person => self.person(state, Vec::new(), now),
                Entry::Back => self.back_to_number_kind(state, goal),
                Entry::Keys(keys) => self.number(state, goal, kind, misses, keys, now),
            },
            Place::Pin { goal, who, misses } => match entry(keys) {
                Entry::Again => self.ask(state, Vec::new()),
                Entry::Person => self.person(state, Vec::new(), now),
                Entry::Back => self.back_to_number_kind(state, goal),
                Entry::Keys(keys) => match Pin::from_keys(cleared(keys)) {
                    Some(pin) => ask_world(
                        State { place: Place::SigningIn { goal, who, misses }, ..state },
                        Request::SignIn { who, pin },
                    ),
                    None => self.wrong_with(state, Prompt::pin_incomplete(), now),
                },
            },
            Place::Start => self.main_menu(state, vec![Prompt::menu_changed()]),
            place => match keys.single() {
                None if keys.is_empty() => self.again(state),
                None => self.miss(state, Miss::Wrong, now),
                Some(Key::Digit(0)) => self.person(state, Vec::new(), now),
                Some(Key::Digit(9)) => over(state, vec![Prompt::goodbye()]),
                Some(Key::Star) => self.back(state, &place),
                Some(Key::Hash) => self.again(state),
                Some(key) => self.choose(state, place, key, now),
            },
        }
    }

    /// A digit from 1 to 8 at a place that offers choices.
    fn choose(&self, state: State, place: Place, key: Key, now: Timestamp) -> (State, Turn) {
        match place {
            Place::Menu { menu, .. } => {
                let option = self.menus.get(&menu).and_then(|m| m.options.iter().find(|o| o.key == key));
                match option.map(|o| &o.go) {
                    Some(Target::Menu(to)) => self.menu(state, to, now),
                    Some(Target::Service(service)) => self.serve(state, *service, menu, now),
                    Some(Target::Answer(answer)) => self.tell(state, answer.clone(), menu),
                    Some(Target::Person) => self.person(state, Vec::new(), now),
                    Some(Target::Goodbye) => over(state, vec![Prompt::goodbye()]),
                    None => self.miss(state, Miss::Wrong, now),
                }
            }
            Place::NumberKind { goal, .. } => {
                let chosen = self.number_keys().find(|(k, _)| *k == key);
                match chosen {
                    Some((_, kind)) => {
                        self.go(state, Place::Number { goal, kind, misses: Misses::default() }, Vec::new())
                    }
                    None => self.miss(state, Miss::Wrong, now),
                }
            }
            Place::Confirm { goal, who, .. } if key == ONE => {
                self.go(state, Place::Pin { goal, who, misses: Misses::default() }, Vec::new())
            }
            Place::Confirm { goal, who, .. } if key == TWO => {
                self.go(state, Place::Number { goal, kind: who.kind, misses: Misses::default() }, Vec::new())
            }
            Place::Told { service, back, .. } if key == ONE => self.serve(state, service, back, now),
            Place::Told { statement: true, back, .. } if key == TWO => self.serve(state, Service::Details, back, now),
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
            Place::Answered { answer, back, .. } if key == ONE => self.tell(state, answer, back),
            _ => self.miss(state, Miss::Wrong, now),
        }
    }

    fn number_keys(&self) -> impl Iterator<Item = (Key, IdentifierKind)> + '_ {
        (1..).map(Key::Digit).zip(self.numbers.iter().copied())
    }

    /// `#`: an answer is told again; what is somebody's own is not, unless they choose to.
    fn again(&self, state: State) -> (State, Turn) {
        match state.place.clone() {
            Place::Answered { answer, back, .. } => self.tell(state, answer, back),
            _ => self.ask(state, Vec::new()),
        }
    }

    fn back(&self, state: State, place: &Place) -> (State, Turn) {
        let to = match place {
            Place::Menu { menu, .. } => {
                let up = self.menus.get(menu).map_or_else(|| MenuId::new(MenuId::MAIN), |m| m.up.clone());
                Place::Menu { menu: up, misses: Misses::default() }
            }
            Place::Confirm { goal, who, .. } => {
                Place::Number { goal: goal.clone(), kind: who.kind, misses: Misses::default() }
            }
            Place::Page { back, .. } => Place::Details { back: back.clone(), misses: Misses::default() },
            Place::Told { back, .. } | Place::Answered { back, .. } | Place::Details { back, .. } => {
                Place::Menu { menu: back.clone(), misses: Misses::default() }
            }
            _ => Place::Menu { menu: MenuId::new(MenuId::MAIN), misses: Misses::default() },
        };
        self.go(state, to, Vec::new())
    }

    /// To the choice of number, or to the main menu where there is none.
    fn back_to_number_kind(&self, state: State, goal: Goal) -> (State, Turn) {
        if self.numbers.len() == 1 {
            return self.main_menu(state, Vec::new());
        }
        self.go(state, Place::NumberKind { goal, misses: Misses::default() }, Vec::new())
    }

    // ---- sign-in ----

    fn number(
        &self,
        state: State,
        goal: Goal,
        kind: IdentifierKind,
        misses: Misses,
        keys: &[Key],
        now: Timestamp,
    ) -> (State, Turn) {
        match self.identifier(kind, keys, now) {
            Ok(identifier) => {
                let tail = identifier.tail();
                let place = Place::Identifying { goal, kind, tail, misses };
                ask_world(State { place, ..state }, Request::Identify(identifier))
            }
            Err(reason) => self.wrong_with(state, reason, now),
        }
    }

    /// The number in `keys`. What is wrong with its shape is no secret: it is the same for everyone.
    fn identifier(&self, kind: IdentifierKind, keys: &[Key], now: Timestamp) -> Result<Identifier, Prompt> {
        match kind {
            IdentifierKind::Id => {
                let today = self.person.hours.offset.to_datetime(now).date();
                IdNumber::from_keys(id_number_keys(keys), today).map(Identifier::Id).map_err(|e| match e {
                    IdNumberError::Length(_) | IdNumberError::Characters => Prompt::number_incomplete(),
                    _ => Prompt::number_impossible(),
                })
            }
            IdentifierKind::Card => CardLookup::from_keys(cleared(keys), self.card_rule)
                .map(Identifier::Card)
                .map_err(|_| Prompt::number_incomplete()),
            IdentifierKind::Personal => PersonalNumber::from_keys(cleared(keys))
                .map(Identifier::Personal)
                .map_err(|_| Prompt::number_incomplete()),
        }
    }

    fn signed_in(
        &self,
        state: State,
        goal: Goal,
        who: MemberKey,
        misses: Misses,
        outcome: SignInOutcome,
        now: Timestamp,
    ) -> (State, Turn) {
        match outcome {
            SignInOutcome::Granted(proof) => self.reach(State { signed_in: Some(proof), ..state }, goal, now),
            SignInOutcome::Refused => {
                let state = State { wrong_pins: state.wrong_pins.saturating_add(1), ..state };
                if state.wrong_pins >= self.patience.wrong_pins {
                    return over(state, vec![Prompt::refused(), Prompt::pins_used_up(), Prompt::goodbye()]);
                }
                let mut lead = vec![Prompt::refused()];
                if who.kind != IdentifierKind::Id && self.numbers.contains(&IdentifierKind::Id) {
                    // A card or personal number may be another's too, or entered wrong at the office.
                    lead.push(Prompt::try_id_number());
                }
                self.go(state, Place::Pin { goal, who, misses }, lead)
            }
            SignInOutcome::Locked { until, at } => {
                // Rounded up, so that nobody calls again a minute early.
                let minutes = (until.duration_since(at).as_secs().max(0) + 59) / 60;
                let wait = Prompt::locked(u32::try_from(minutes).unwrap_or(u32::MAX));
                self.main_menu(state, vec![wait])
            }
            SignInOutcome::InitialPin => self.person(state, vec![Prompt::initial_pin()], now),
            SignInOutcome::Barred => self.main_menu(state, vec![Prompt::barred()]),
        }
    }

    fn reach(&self, state: State, goal: Goal, now: Timestamp) -> (State, Turn) {
        match goal {
            Goal::Menu(menu) => self.menu(state, &menu, now),
            Goal::Service(service, back) => self.serve(state, service, back, now),
        }
    }

    // ---- services ----

    /// Reads what `service` tells, after sign-in if need be.
    fn serve(&self, state: State, service: Service, back: MenuId, now: Timestamp) -> (State, Turn) {
        match Self::proof(&state, now) {
            Ok(proof) => {
                let request = match service {
                    Service::PersonalBalance => Request::PersonalBalance(proof),
                    Service::PooledFund => Request::PooledFund(proof),
                    Service::Status => Request::Coverage(proof),
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

    /// Reads page `page` of the statement.
    fn turn_to(&self, state: State, which: Movements, page: u8, back: MenuId, now: Timestamp) -> (State, Turn) {
        match Self::proof(&state, now) {
            Ok(proof) => ask_world(
                State { place: Place::ReadingPage { which, page, back }, ..state },
                Request::Transactions { proof, which, page },
            ),
            // Somebody else may sign in now: from the start of the statement.
            Err(why) => self.sign_in(state, Goal::Service(Service::Details, back), why),
        }
    }

    /// The proof of sign-in, or what to say before asking for it.
    fn proof(state: &State, now: Timestamp) -> Result<SignedIn, Prompt> {
        match state.signed_in {
            Some(proof) if proof.holds(now) => Ok(proof),
            Some(_) => Err(Prompt::sign_in_expired()),
            None => Err(Prompt::sign_in_first()),
        }
    }

    fn sign_in(&self, state: State, goal: Goal, why: Prompt) -> (State, Turn) {
        let misses = Misses::default();
        let place = match self.numbers.as_slice() {
            // Nothing to choose from: straight to the number.
            &[kind] => Place::Number { goal, kind, misses },
            _ => Place::NumberKind { goal, misses },
        };
        self.go_interruptibly(State { signed_in: None, ..state }, place, vec![why])
    }

    fn told(&self, state: State, service: Service, back: MenuId, words: Lead) -> (State, Turn) {
        let place = Place::Told { service, statement: false, back, misses: Misses::default() };
        self.go_interruptibly(state, place, words)
    }

    fn balance_told(&self, state: State, account: Option<PersonalAccount>, back: MenuId) -> (State, Turn) {
        let service = Service::PersonalBalance;
        match account {
            Some(account) => {
                let place = Place::Told { service, statement: true, back, misses: Misses::default() };
                self.go_interruptibly(state, place, vec![Prompt::privacy(), personal_balance(&account)])
            }
            None => self.told(state, service, back, vec![Prompt::no_personal_account()]),
        }
    }

    fn page_told(
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

    fn entry_told(&self, entry: &StatementEntry) -> Prompt {
        let day = self.person.hours.offset.to_datetime(entry.at).date();
        Prompt::entry(day, entry.kind.into(), entry.amount, entry.balance_after)
    }

    /// Tells an answer of the line's file: nobody is asked who they are, and the world is not asked at all.
    fn tell(&self, state: State, answer: AnswerId, back: MenuId) -> (State, Turn) {
        let said =
            self.answers.get(&answer).into_iter().flatten().map(|id| Prompt::of_menu(id.clone(), None)).collect();
        self.go_interruptibly(state, Place::Answered { answer, back, misses: Misses::default() }, said)
    }

    // ---- answers of the world ----

    fn answered(&self, state: State, answer: Answer, now: Timestamp) -> (State, Turn) {
        match (state.place.clone(), answer) {
            (_, Answer::CallEnded) => over(state, Vec::new()),
            (Place::Identifying { goal, tail, .. }, Answer::Identified(who)) => {
                self.go(state, Place::Confirm { goal, tail, who, misses: Misses::default() }, Vec::new())
            }
            (Place::SigningIn { goal, who, misses }, Answer::SignIn(outcome)) => {
                self.signed_in(state, goal, who, misses, outcome, now)
            }
            // Told only while the sign-in it was asked with still holds.
            (
                Place::Reading { service, back },
                Answer::PersonalBalance(_) | Answer::PooledFund(..) | Answer::Coverage(_),
            ) if Self::proof(&state, now).is_err() => self.serve(state, service, back, now),
            (Place::ReadingPage { which, page, back }, Answer::Transactions(_))
                if Self::proof(&state, now).is_err() =>
            {
                self.turn_to(state, which, page, back, now)
            }
            (Place::Reading { service: Service::PersonalBalance, back }, Answer::PersonalBalance(account)) => {
                self.balance_told(state, account, back)
            }
            (Place::Reading { service: service @ Service::PooledFund, back }, Answer::PooledFund(fund, coverage)) => {
                self.told(state, service, back, pooled_fund(&fund, &coverage))
            }
            (Place::Reading { service: service @ Service::Status, back }, Answer::Coverage(coverage)) => {
                self.told(state, service, back, status(&coverage))
            }
            (Place::ReadingPage { which, page, back }, Answer::Transactions(read)) => {
                self.page_told(state, which, page, back, read)
            }
            (Place::SigningIn { goal, who, misses }, Answer::Superseded) => {
                self.go(state, Place::Pin { goal, who, misses }, Vec::new())
            }
            (Place::Reading { back, .. }, Answer::Superseded) => {
                self.go(state, Place::Menu { menu: back, misses: Misses::default() }, Vec::new())
            }
            (Place::ReadingPage { back, .. }, Answer::Superseded) => {
                self.go(state, Place::Details { back, misses: Misses::default() }, Vec::new())
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    // ---- misses: silence and wrong keys ----

    /// First time the prompt again, second time with help, third time a person or goodbye.
    fn miss(&self, state: State, miss: Miss, now: Timestamp) -> (State, Turn) {
        let apology = match (miss, &state.place) {
            (Miss::Silent, _) => Prompt::no_input(),
            (Miss::Wrong, Place::Number { .. }) => Prompt::number_incomplete(),
            (Miss::Wrong, Place::Pin { .. }) => Prompt::pin_incomplete(),
            (Miss::Wrong, _) => Prompt::no_match(),
        };
        self.missed(state, miss, apology, now)
    }

    /// Something was entered that is no number or PIN, for this reason.
    fn wrong_with(&self, state: State, reason: Prompt, now: Timestamp) -> (State, Turn) {
        self.missed(state, Miss::Wrong, reason, now)
    }

    fn missed(&self, mut state: State, miss: Miss, apology: Prompt, now: Timestamp) -> (State, Turn) {
        let is_entry = matches!(state.place, Place::Number { .. } | Place::Pin { .. });
        let Some(misses) = misses_of(&mut state.place) else {
            // Waiting for the world or for a person: keys and silence mean nothing there.
            return self.main_menu(state, vec![apology]);
        };
        let count = match miss {
            Miss::Silent => &mut misses.silent,
            Miss::Wrong => &mut misses.wrong,
        };
        *count = count.saturating_add(1);
        match *count {
            n if n >= self.patience.misses => self.give_up(state, miss, apology, now),
            1 => self.ask(state, vec![apology]),
            _ if is_entry => self.ask(state, vec![apology, Prompt::entry_help()]),
            _ => self.ask(state, vec![apology, Prompt::menu_help()]),
        }
    }

    /// The caller cannot go on alone: to a person when there is one, else the hours and goodbye. Who has been served and
    /// then falls silent has put the telephone down: goodbye, and no agent for an empty line.
    fn give_up(&self, state: State, miss: Miss, apology: Prompt, now: Timestamp) -> (State, Turn) {
        if matches!(miss, Miss::Silent) && state.signed_in.is_some() {
            return over(state, vec![apology, Prompt::goodbye()]);
        }
        if self.can_transfer(&state, now) {
            return self.transfer(state, vec![apology]);
        }
        let mut say = vec![apology];
        say.extend(self.closed());
        say.push(Prompt::goodbye());
        over(state, say)
    }

    // ---- people ----

    fn person(&self, state: State, mut lead: Lead, now: Timestamp) -> (State, Turn) {
        if self.can_transfer(&state, now) {
            return self.transfer(state, lead);
        }
        if self.person.hours.open(now) {
            lead.push(Prompt::not_answered());
        } else {
            lead.extend(self.closed());
        }
        self.main_menu(state, lead)
    }

    fn can_transfer(&self, state: &State, now: Timestamp) -> bool {
        self.person.hours.open(now) && state.transfers < self.patience.transfers
    }

    fn transfer(&self, state: State, mut say: Lead) -> (State, Turn) {
        say.push(Prompt::connecting());
        // Nobody stays signed in behind an agent's back.
        let state =
            State { place: Place::WithPerson, signed_in: None, transfers: state.transfers.saturating_add(1), ..state };
        let transfer = Transfer { to: self.person.to.clone(), ring: self.person.ring };
        (state, Turn { say, next: Next::Transfer(transfer) })
    }

    fn closed(&self) -> Lead {
        let hours = self.person.hours.spans.iter().map(|span| Prompt::person_hours(span.days, span.from, span.to));
        std::iter::once(Prompt::person_closed()).chain(hours).collect()
    }

    // ---- places ----

    fn main_menu(&self, state: State, lead: Lead) -> (State, Turn) {
        self.go(state, Place::Menu { menu: MenuId::new(MenuId::MAIN), misses: Misses::default() }, lead)
    }

    fn menu(&self, state: State, menu: &MenuId, now: Timestamp) -> (State, Turn) {
        let needs_sign_in = self.menus.get(menu).is_some_and(|m| m.signed_in);
        match Self::proof(&state, now) {
            Err(why) if needs_sign_in => self.sign_in(state, Goal::Menu(menu.clone()), why),
            _ => self.go(state, Place::Menu { menu: menu.clone(), misses: Misses::default() }, Vec::new()),
        }
    }

    fn go(&self, state: State, place: Place, lead: Lead) -> (State, Turn) {
        self.ask(State { place, ..state }, lead)
    }

    fn go_interruptibly(&self, state: State, place: Place, lead: Lead) -> (State, Turn) {
        let (state, mut turn) = self.go(state, place, lead);
        if let Next::Collect(collect) = &mut turn.next {
            collect.barge_in = BargeIn::Always;
        }
        (state, turn)
    }

    /// Says `lead`, then what the place asks, and waits for keys.
    fn ask(&self, state: State, lead: Lead) -> (State, Turn) {
        // The first words of an apology or a refusal are heard out (DOMAIN.md 3, rule 9); everything else may be cut short.
        let barge_in = if lead.is_empty() { BargeIn::Always } else { BargeIn::AfterPrompts(1) };
        let mut say = lead;
        let collect = match &state.place {
            Place::Menu { menu, .. } => {
                if let Some(menu) = self.menus.get(menu) {
                    say.extend(menu.before.iter().map(|id| Prompt::of_menu(id.clone(), None)));
                    say.extend(menu.options.iter().map(|o| Prompt::of_menu(o.say.clone(), Some(o.key))));
                    say.extend(menu.after.iter().map(|id| Prompt::of_menu(id.clone(), None)));
                }
                self.one_key(barge_in)
            }
            Place::NumberKind { .. } => {
                say.extend(self.number_keys().map(|(key, kind)| match kind {
                    IdentifierKind::Id => Prompt::by_id(key),
                    IdentifierKind::Card => Prompt::by_card(key),
                    IdentifierKind::Personal => Prompt::by_personal_number(key),
                }));
                say.push(Prompt::universal_keys());
                self.one_key(barge_in)
            }
            Place::Number { kind, .. } => {
                say.push(match kind {
                    IdentifierKind::Id => Prompt::enter_id(),
                    IdentifierKind::Card => Prompt::enter_card(),
                    IdentifierKind::Personal => Prompt::enter_personal_number(),
                });
                say.push(Prompt::entry_keys());
                let longest = match kind {
                    IdentifierKind::Id => 18,
                    IdentifierKind::Card => 9,
                    IdentifierKind::Personal => 12,
                };
                self.entry(longest, barge_in)
            }
            Place::Confirm { tail, .. } => {
                say.push(Prompt::confirm_number(*tail, ONE, TWO));
                self.one_key(barge_in)
            }
            Place::Pin { .. } => {
                say.push(Prompt::enter_pin());
                say.push(Prompt::pin_keys());
                self.entry(6, barge_in)
            }
            Place::Told { .. } | Place::Details { .. } | Place::Page { .. } => {
                say.extend(choices(&state.place));
                say.push(Prompt::universal_keys());
                self.one_key(barge_in)
            }
            Place::Answered { .. } => {
                say.push(Prompt::after_answer(ONE));
                self.one_key(barge_in)
            }
            Place::Start
            | Place::Identifying { .. }
            | Place::SigningIn { .. }
            | Place::Reading { .. }
            | Place::ReadingPage { .. }
            | Place::WithPerson => {
                return self.main_menu(state, say);
            }
            Place::Over => return over(state, say),
        };
        (state, Turn { say, next: Next::Collect(collect) })
    }

    fn one_key(&self, barge_in: BargeIn) -> Collect {
        Collect {
            min: 1,
            max: 1,
            finish: None,
            first_key: self.patience.menu_first_key,
            between_keys: self.patience.between_keys,
            barge_in,
        }
    }

    /// Room for an entry, a `*` that clears it, and the entry again. It ends with `#`, so a `#` pressed out of habit
    /// after the last digit never falls into the next prompt.
    fn entry(&self, longest: u8, barge_in: BargeIn) -> Collect {
        Collect {
            min: 1,
            max: longest * 2 + 1,
            finish: Some(Key::Hash),
            first_key: self.patience.number_first_key,
            between_keys: self.patience.between_keys,
            barge_in,
        }
    }
}

#[derive(Clone, Copy)]
enum Miss {
    Silent,
    Wrong,
}

pub(super) fn misses_of(place: &mut Place) -> Option<&mut Misses> {
    match place {
        Place::Menu { misses, .. }
        | Place::NumberKind { misses, .. }
        | Place::Number { misses, .. }
        | Place::Confirm { misses, .. }
        | Place::Pin { misses, .. }
        | Place::Told { misses, .. }
        | Place::Answered { misses, .. }
        | Place::Details { misses, .. }
        | Place::Page { misses, .. } => Some(misses),
        Place::Start
        | Place::Identifying { .. }
        | Place::SigningIn { .. }
        | Place::Reading { .. }
        | Place::ReadingPage { .. }
        | Place::WithPerson
        | Place::Over => None,
    }
}

/// What is offered after something was told. A key that leads nowhere now is not offered, and no other takes its place.
fn choices(place: &Place) -> Lead {
    match place {
        Place::Told { statement: false, .. } => vec![Prompt::hear_again(ONE)],
        Place::Told { statement: true, .. } => vec![Prompt::hear_again(ONE), Prompt::to_details(TWO)],
        Place::Details { .. } => MOVEMENTS.map(|(key, which)| Prompt::list(which.into(), key)).into(),
        Place::Page { page, more, .. } => {
            let next = next_page(*page, *more).map(|_| Prompt::next_page(ONE));
            let previous = page.checked_sub(1).map(|_| Prompt::previous_page(TWO));
            next.into_iter().chain(previous).chain([Prompt::page_again(THREE)]).collect()
        }
        _ => Vec::new(),
    }
}

fn next_page(page: u8, more: bool) -> Option<u8> {
    page.checked_add(1).filter(|_| more)
}

fn over(state: State, say: Vec<Prompt>) -> (State, Turn) {
    (State { place: Place::Over, signed_in: None, ..state }, Turn { say, next: Next::HangUp })
}

fn ask_world(state: State, request: Request) -> (State, Turn) {
    (state, Turn { say: Vec::new(), next: Next::Ask(request) })
}

/// What was keyed where a number is asked for.
enum Entry<'k> {
    /// `#` alone.
    Again,
    /// `0` alone.
    Person,
    /// `*` alone.
    Back,
    /// A number, or what was meant as one.
    Keys(&'k [Key]),
}

fn entry(keys: &Keys) -> Entry<'_> {
    match keys.expose() {
        [] => Entry::Again,
        [Key::Digit(0)] => Entry::Person,
        [Key::Star] => Entry::Back,
        keys => Entry::Keys(keys),
    }
}

/// What stands after the last `*`: it clears what was keyed before it.
fn cleared(keys: &[Key]) -> &[Key] {
    let start = keys.iter().rposition(|k| *k == Key::Star).map_or(0, |star| star + 1);
    keys.get(start..).unwrap_or_default()
}

/// As [`cleared`], but a `*` in eighteenth place is the X that ends an ID number.
fn id_number_keys(keys: &[Key]) -> &[Key] {
    match keys.split_last() {
        Some((Key::Star, before)) if cleared(before).len() == 17 => keys.get(keys.len() - 18..).unwrap_or_default(),
        _ => cleared(keys),
    }
}

fn personal_balance(account: &PersonalAccount) -> Prompt {
    Prompt::personal_balance(account.total(), account.current_year(), account.carried(), account.as_of())
}

/// Whether the fund pays at all comes first; what it would still pay is not told to those for whom it pays nothing.
fn pooled_fund(fund: &PooledFund, coverage: &Coverage) -> Lead {
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
    words.push(match (coverage.scheme.has_personal_account(), fund.remaining()) {
        (true, Some(remaining)) => Prompt::pooled_fund(fund.year, met, left, fund.used, remaining, as_of),
        (true, None) => Prompt::pooled_fund_unlimited(fund.year, met, left, fund.used, as_of),
        (false, Some(remaining)) => Prompt::resident_fund(fund.year, met, left, fund.used, remaining, as_of),
        (false, None) => Prompt::resident_fund_unlimited(fund.year, met, left, fund.used, as_of),
    });
    words
}

fn status(coverage: &Coverage) -> Lead {
    let told = Prompt::status(
        coverage.scheme.into(),
        coverage.insurance.into(),
        coverage.contribution.into(),
        coverage.last_contribution,
        coverage.outpatient.into(),
        coverage.inpatient.into(),
    );
    [Prompt::privacy(), told].into_iter().chain(stopped(coverage)).collect()
}

/// What it means that the insurance is paused or has ended.
fn stopped(coverage: &Coverage) -> Lead {
    match coverage.insurance {
        InsuranceStatus::Active => Vec::new(),
        InsuranceStatus::Paused if coverage.scheme.has_personal_account() => {
            vec![Prompt::insurance_paused(), Prompt::balance_stays()]
        }
        InsuranceStatus::Paused => vec![Prompt::insurance_paused()],
        InsuranceStatus::Ended => vec![Prompt::insurance_ended()],
    }
}
