//! The call flow itself: one pure function from a state and an event to a state and a turn.
//!
//! What is universal comes first (hanging up, `0` a person, `*` back, `#` again, `9` goodbye, silence, wrong keys);
//! what each place makes of its own keys comes after, a file a service: [`sign_in`](super::sign_in),
//! [`challenge`](super::challenge), [`accounts`](super::accounts), [`card`](super::card), [`person`](super::person).

use jiff::Timestamp;

use super::accounts::choices;
use super::challenge::ChallengePlace;
use super::entry::{Entry, entry};
use super::event::{Answer, Dialled, Event, TransferEnd};
use super::flow::{Flow, Target};
use super::state::{AnswerId, Goal, LossPlace, MenuId, Misses, Place, Service, State};
use super::turn::{BargeIn, Collect, Next, Request, Turn};
use crate::member::IdentifierKind;
use crate::secret::{Key, Keys};
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;

/// Said before the place's own prompts: an apology, an amount, a reason.
pub(super) type Lead = Vec<Prompt>;

pub(super) const ONE: Key = Key::Digit(1);
pub(super) const TWO: Key = Key::Digit(2);
pub(super) const THREE: Key = Key::Digit(3);

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
            Place::Challenge(place) => match place.goal() {
                Goal::Menu(menu) | Goal::Service(_, menu) => Some(menu),
            },
            Place::Loss(place) => Some(place.back()),
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
            place if place.is_entry() => match entry(keys) {
                Entry::Again => self.ask(state, Vec::new()),
                Entry::Person => self.person(state, Vec::new(), now),
                Entry::Back => self.back(state, &place),
                Entry::Keys(keys) => self.entered(state, place, keys, now),
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

    /// A number or a PIN, or what was meant as one.
    fn entered(&self, state: State, place: Place, keys: &[Key], now: Timestamp) -> (State, Turn) {
        match place {
            Place::Number { goal, kind, misses } => self.number(state, goal, kind, misses, keys, now),
            Place::Challenge(at) => self.challenge_entry(state, at, keys, now),
            Place::Pin { goal, who, misses } => self.pin(state, goal, who, misses, keys, now),
            _ => self.miss(state, Miss::Wrong, now),
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
            Place::NumberKind { .. } | Place::Confirm { .. } => self.sign_in_key(state, place, key, now),
            Place::Told { .. } | Place::Details { .. } | Place::Page { .. } => self.account_key(state, place, key, now),
            Place::Loss(place) => self.loss_key(state, place, key, now),
            Place::Answered { answer, back, .. } if key == ONE => self.tell(state, answer, back),
            _ => self.miss(state, Miss::Wrong, now),
        }
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
            Place::Challenge(at) => at.back(),
            Place::Number { goal, .. } | Place::Pin { goal, .. } => self.choice_of_number(goal.clone()),
            Place::Page { back, .. } => Place::Details { back: back.clone(), misses: Misses::default() },
            Place::Told { back, .. } | Place::Answered { back, .. } | Place::Details { back, .. } => {
                Place::Menu { menu: back.clone(), misses: Misses::default() }
            }
            Place::Loss(place) => Place::Menu { menu: place.back().clone(), misses: Misses::default() },
            _ => Place::Menu { menu: MenuId::new(MenuId::MAIN), misses: Misses::default() },
        };
        self.go(state, to, Vec::new())
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
            (Place::Identifying { .. } | Place::SigningIn { .. }, answer) => self.sign_in_answered(state, answer, now),
            (Place::Challenge(at), answer) => self.guard_answered(state, at, answer, now),
            (
                Place::Reading { service: Service::CardStatus | Service::ReportLoss | Service::ReleaseLoss, .. }
                | Place::Loss(_),
                answer,
            ) => self.card_answered(state, answer, now),
            (Place::Reading { .. } | Place::ReadingPage { .. }, answer) => self.account_answered(state, answer, now),
            // An answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    // ---- misses: silence and wrong keys ----

    /// First time the prompt again, second time with help, third time a person or goodbye.
    pub(super) fn miss(&self, state: State, miss: Miss, now: Timestamp) -> (State, Turn) {
        let apology = match (miss, &state.place) {
            (Miss::Silent, _) => Prompt::no_input(),
            (Miss::Wrong, Place::Number { .. }) => Prompt::number_incomplete(),
            (Miss::Wrong, Place::Pin { .. }) => Prompt::pin_incomplete(),
            (Miss::Wrong, _) => Prompt::no_match(),
        };
        self.missed(state, miss, apology, now)
    }

    /// Something was entered that is no number or PIN, for this reason.
    pub(super) fn wrong_with(&self, state: State, reason: Prompt, now: Timestamp) -> (State, Turn) {
        self.missed(state, Miss::Wrong, reason, now)
    }

    fn missed(&self, mut state: State, miss: Miss, apology: Prompt, now: Timestamp) -> (State, Turn) {
        let is_entry = state.place.is_entry();
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
    pub(super) fn give_up(&self, state: State, miss: Miss, apology: Prompt, now: Timestamp) -> (State, Turn) {
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

    // ---- places ----

    pub(super) fn main_menu(&self, state: State, lead: Lead) -> (State, Turn) {
        self.go(state, Place::Menu { menu: MenuId::new(MenuId::MAIN), misses: Misses::default() }, lead)
    }

    pub(super) fn menu(&self, state: State, menu: &MenuId, now: Timestamp) -> (State, Turn) {
        let needs_sign_in = self.menus.get(menu).is_some_and(|m| m.signed_in);
        match Self::proof(&state, now) {
            Err(why) if needs_sign_in => self.sign_in(state, Goal::Menu(menu.clone()), why),
            _ => self.go(state, Place::Menu { menu: menu.clone(), misses: Misses::default() }, Vec::new()),
        }
    }

    pub(super) fn go(&self, state: State, place: Place, lead: Lead) -> (State, Turn) {
        self.ask(State { place, ..state }, lead)
    }

    pub(super) fn go_interruptibly(&self, state: State, place: Place, lead: Lead) -> (State, Turn) {
        let (state, mut turn) = self.go(state, place, lead);
        if let Next::Collect(collect) = &mut turn.next {
            collect.barge_in = BargeIn::Always;
        }
        (state, turn)
    }

    /// Says `lead`, then what the place asks, and waits for keys.
    pub(super) fn ask(&self, state: State, lead: Lead) -> (State, Turn) {
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
            Place::Challenge(ChallengePlace::Digits { digits, .. }) => {
                let (heard, collect) = self.ask_challenge(*digits, barge_in);
                say.extend(heard);
                collect
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
            Place::Loss(place @ LossPlace::Confirm { .. }) => {
                say.extend(self.loss_question(place));
                self.one_key(barge_in)
            }
            Place::Answered { .. } => {
                say.push(Prompt::after_answer(ONE));
                self.one_key(barge_in)
            }
            Place::Start
            | Place::Identifying { .. }
            | Place::Challenge(ChallengePlace::Asking { .. })
            | Place::SigningIn { .. }
            | Place::Reading { .. }
            | Place::ReadingPage { .. }
            | Place::Loss(LossPlace::Doing { .. })
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
    pub(super) fn entry(&self, longest: u8, barge_in: BargeIn) -> Collect {
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
pub(super) enum Miss {
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
        Place::Challenge(place) => place.misses(),
        Place::Loss(place) => place.misses(),
        Place::Start
        | Place::Identifying { .. }
        | Place::SigningIn { .. }
        | Place::Reading { .. }
        | Place::ReadingPage { .. }
        | Place::WithPerson
        | Place::Over => None,
    }
}

pub(super) fn over(state: State, say: Vec<Prompt>) -> (State, Turn) {
    (State { place: Place::Over, signed_in: None, ..state }, Turn { say, next: Next::HangUp })
}

pub(super) fn ask_world(state: State, request: Request) -> (State, Turn) {
    (state, Turn { say: Vec::new(), next: Next::Ask(request) })
}
