//! The call flow itself: one pure function from a state and an event to a state and a turn.
//!
//! What is universal comes first (hanging up, `0` a person, `*` back, `#` again, `9` goodbye, silence, wrong keys);
//! what each place makes of its own keys comes after, a file a service: [`language`](super::language),
//! [`sign_in`](super::sign_in), [`challenge`](super::challenge), [`accounts`](super::accounts), [`card`](super::card),
//! [`pin_change`](super::pin_change), [`message`](super::message), [`person`](super::person), [`rating`](super::rating).

use jiff::Timestamp;

use super::accounts::choices;
use super::challenge::ChallengePlace;
use super::entry::{Entry, entry};
use super::event::{Answer, Event, Waiting};
use super::flow::{Flow, Target};
use super::message::MessagePlace;
use super::news::News;
use super::pin_change::PinPlace;
use super::rating::{RatingPlace, rating_asks};
use super::state::{AnswerId, Goal, LossPlace, MenuId, Misses, Place, Service, State};
use super::turn::{BargeIn, Collect, Next, Request, Turn};
use crate::member::IdentifierKind;
use crate::member::card_number::CardRule;
use crate::secret::{Key, Keys};
use crate::speech::prompt::{Prompt, PromptId};

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
            language: self.first_language(),
            signed_in: None,
            wrong_pins: 0,
            transfers: 0,
            elder: false,
            served: false,
            without_account: false,
            news: News::default(),
            place: Place::Start,
        }
    }

    /// Takes a conversation one event further. Total: every event has an answer in every state.
    #[must_use]
    pub fn step(&self, state: State, event: Event, now: Timestamp) -> (State, Turn) {
        let (mut state, mut turn) = self.stepped(self.known(state), event, now);
        state.served |= state.place.is_told();
        if let Next::Collect(collect) = &mut turn.next
            && state.elder
        {
            collect.between_keys = collect.between_keys.max(self.elder.between_keys);
        }
        self.told_first(state, turn, now)
    }

    fn stepped(&self, state: State, event: Event, now: Timestamp) -> (State, Turn) {
        match event {
            Event::HungUp => over(state, Vec::new()),
            Event::LimitReached => over(state, vec![Prompt::too_long(), Prompt::goodbye()]),
            Event::Dialled(dialled) => self.greet(state, dialled),
            _ if state.place == Place::Over => over(state, Vec::new()),
            Event::Keys(keys) => self.keys(state, &keys, now),
            Event::Waiting(waiting) => self.wait(state, waiting),
            Event::Silence | Event::Garbled if matches!(state.place, Place::Queue(_)) => {
                self.wait(state, Waiting::default())
            }
            // Who does not answer is spoken to in the first language.
            Event::Silence if matches!(state.place, Place::Language { .. }) => {
                let language = state.language;
                self.speak(state, language)
            }
            Event::Silence => self.miss(state, Miss::Silent, now),
            Event::Garbled => self.miss(state, Miss::Wrong, now),
            Event::Recorded { recording, hung_up } => self.recorded(state, recording, hung_up, now),
            Event::Answer(answer) => self.answered(state, answer, now),
            Event::TransferEnded(end) => self.transfer_ended(state, end),
        }
    }

    /// A state from before a reload may name a menu or an answer that is gone: such a caller is led to the main menu.
    fn known(&self, mut state: State) -> State {
        // What is being recorded is not lost with the menu it was chosen in.
        if let Place::Message(place) = &mut state.place
            && !self.menus.contains_key(place.menu_mut())
        {
            *place.menu_mut() = MenuId::new(MenuId::MAIN);
        }
        let named = match &state.place {
            Place::Menu { menu, .. } => Some(menu),
            Place::NumberKind { goal, .. }
            | Place::Number { goal, .. }
            | Place::Identifying { goal, .. }
            | Place::Confirm { goal, .. }
            | Place::Pin { goal, .. }
            | Place::SigningIn { goal, .. } => Some(goal.menu()),
            Place::PinChange(place) => Some(place.menu()),
            Place::Reading { back, .. }
            | Place::ReadingParts { back }
            | Place::Told { back, .. }
            | Place::Answered { back, .. }
            | Place::Details { back, .. }
            | Place::ReadingPage { back, .. }
            | Place::Page { back, .. } => Some(back),
            Place::Challenge(place) => match place.goal() {
                Goal::Menu(menu) | Goal::Service(_, menu) => Some(menu),
            },
            Place::Loss(place) => Some(place.back()),
            Place::Start
            | Place::Language { .. }
            | Place::Message(_)
            | Place::WithPerson
            | Place::Queue(_)
            | Place::Rating(_)
            | Place::Over => None,
        };
        let unanswered = matches!(&state.place, Place::Answered { answer, .. } if !self.answers.contains_key(answer));
        if unanswered || named.is_some_and(|menu| !self.menus.contains_key(menu)) {
            state.place = Place::Start;
        }
        if !self.languages.contains(&state.language) {
            state.language = self.first_language();
        }
        state
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
            Place::Queue(_) => self.queue_key(state, keys),
            place => match keys.single() {
                Some(Key::Digit(0)) => self.person(state, Vec::new(), now),
                Some(Key::Digit(9)) if matches!(place, Place::Rating(_)) => self.rating_left(state, now),
                Some(Key::Digit(9)) => self.goodbye(state),
                _ if place == Place::Start => self.main_menu(state, vec![Prompt::menu_changed()]),
                None if keys.is_empty() => self.again(state),
                None => self.miss(state, Miss::Wrong, now),
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
            Place::Message(place) => self.message_entered(state, place, keys, now),
            Place::PinChange(place) => self.pin_entered(state, place, keys, now),
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
                    Some(Target::Message(service)) => self.message_service(state, *service, menu),
                    Some(Target::Answer(answer)) => self.tell(state, answer.clone(), menu),
                    Some(Target::Person) => self.person(state, Vec::new(), now),
                    Some(Target::Goodbye) => self.goodbye(state),
                    None => self.miss(state, Miss::Wrong, now),
                }
            }
            Place::Language { .. } => match self.language_keys().find(|(k, _)| *k == key) {
                Some((_, language)) => self.speak(state, language),
                None => self.miss(state, Miss::Wrong, now),
            },
            Place::NumberKind { .. } | Place::Confirm { .. } => self.sign_in_key(state, place, key, now),
            Place::Told { .. } | Place::Details { .. } | Place::Page { .. } => self.account_key(state, place, key, now),
            Place::Loss(place) => self.loss_key(state, place, key, now),
            Place::Answered { answer, back, .. } if key == ONE => self.tell(state, answer, back),
            Place::Message(place) => self.message_key_pressed(state, place, key, now),
            Place::Rating(place) => self.rating_key(state, place, key, now),
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
            Place::Message(place) => return self.message_back(state, place.clone()),
            Place::Menu { menu, .. } => self.above(menu),
            Place::Language { greeted, .. } => Place::Language { greeted: *greeted, misses: Misses::default() },
            Place::Confirm { goal, who, .. } => {
                Place::Number { goal: goal.clone(), kind: who.kind, misses: Misses::default() }
            }
            Place::Challenge(at) => at.back(),
            Place::Number { goal, .. } | Place::Pin { goal, .. } => self.choice_of_number(goal.clone()),
            Place::PinChange(place) => self.pin_back(&state, place.clone()),
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
            (Place::Reading { .. } | Place::ReadingParts { .. } | Place::ReadingPage { .. }, answer) => {
                self.account_answered(state, answer, now)
            }
            (Place::Message(place), answer) => self.message_answered(state, place, answer, now),
            (Place::PinChange(place), answer) => self.pin_answered(state, place, answer, now),
            (Place::Rating(RatingPlace::Keeping), answer) => Self::rating_answered(state, &answer),
            // An answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    // ---- misses: silence and wrong keys ----

    /// First time the prompt again, second time with help, third time a person or goodbye.
    pub(super) fn miss(&self, state: State, miss: Miss, now: Timestamp) -> (State, Turn) {
        let apology = match (miss, &state.place) {
            (Miss::Silent, _) => Prompt::no_input(),
            (Miss::Wrong, Place::Number { .. } | Place::PinChange(PinPlace::Second { .. })) => {
                Prompt::number_incomplete()
            }
            (Miss::Wrong, Place::Pin { .. } | Place::PinChange(_)) => Prompt::pin_incomplete(),
            (Miss::Wrong, Place::Message(MessagePlace::Phone { .. })) => Prompt::phone_incomplete(),
            (Miss::Wrong, Place::Message(MessagePlace::Number { .. })) => Prompt::message_number_incomplete(),
            (Miss::Wrong, _) => Prompt::no_match(),
        };
        self.missed(state, miss, apology, now)
    }

    /// Something was entered that is no number or PIN, for this reason.
    pub(super) fn wrong_with(&self, state: State, reason: Prompt, now: Timestamp) -> (State, Turn) {
        self.missed(state, Miss::Wrong, reason, now)
    }

    pub(super) fn missed(&self, mut state: State, miss: Miss, apology: Prompt, now: Timestamp) -> (State, Turn) {
        let is_entry = state.place.is_entry();
        let is_rating = matches!(state.place, Place::Rating(_));
        let is_recording = matches!(state.place, Place::Message(MessagePlace::Recording { .. }));
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
            n if is_rating => self.rating_missed(state, n, apology, now),
            n if n >= self.patience.misses => self.give_up(state, miss, apology, now),
            1 => self.ask(state, vec![apology]),
            // Nothing is keyed or chosen there: it says itself what to do.
            _ if is_recording => self.ask(state, vec![apology]),
            _ if is_entry => self.ask(state, vec![apology, Prompt::entry_help()]),
            _ => self.ask(state, vec![apology, Prompt::menu_help()]),
        }
    }

    /// The caller cannot go on alone: to a person when there is one, else the hours and goodbye. Who has been served and
    /// then falls silent has put the telephone down: goodbye, and no agent for an empty line.
    pub(super) fn give_up(&self, state: State, miss: Miss, apology: Prompt, now: Timestamp) -> (State, Turn) {
        let (kept, served) = match &state.place {
            Place::Message(place) => (place.holds_recording(), place.is_done()),
            _ => (false, false),
        };
        let mut say = vec![apology];
        say.extend(kept.then(Prompt::message_kept));
        if matches!(miss, Miss::Silent) && (served || state.signed_in.is_some()) {
            say.push(Prompt::goodbye());
            return over(state, say);
        }
        if self.can_transfer(&state, now) {
            return self.transfer(state, say, now);
        }
        say.extend(self.closed(now));
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
            Place::Language { .. } => {
                say.extend(self.language_options());
                self.one_key(barge_in)
            }
            Place::Menu { menu, .. } => {
                // The greeting of a marked caller has said so already.
                if state.elder && !say.iter().any(|said| self.elder.greeting.iter().any(|id| id.as_str() == said.id()))
                {
                    say.push(Prompt::elder_person());
                }
                if let Some(menu) = self.menus.get(menu) {
                    say.extend(menu.before.iter().map(|id| self.around(&state, id)));
                    say.extend(menu.options.iter().map(|o| Prompt::of_menu(o.say.clone(), Some(o.key))));
                    say.extend(menu.after.iter().map(|id| self.around(&state, id)));
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
                    IdentifierKind::Card => match self.card_rule {
                        CardRule::DigitsOnly => Prompt::enter_card(),
                        CardRule::Last8 => Prompt::enter_card_last8(),
                    },
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
            Place::PinChange(place) if place.is_entry() => {
                let (asked, longest) = Self::pin_asked(place);
                say.extend(asked);
                self.entry(longest, barge_in)
            }
            Place::Told { .. } | Place::Details { .. } | Place::Page { .. } => {
                say.extend(choices(&state));
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
            Place::Message(_) => return self.ask_message(state, say, barge_in),
            Place::Rating(place @ (RatingPlace::Grade { .. } | RatingPlace::Reason { .. })) => {
                say.extend(rating_asks(place));
                self.one_key(barge_in)
            }
            Place::Start
            | Place::Identifying { .. }
            | Place::Challenge(ChallengePlace::Asking { .. })
            | Place::SigningIn { .. }
            | Place::Reading { .. }
            | Place::ReadingParts { .. }
            | Place::ReadingPage { .. }
            | Place::PinChange(_)
            | Place::Rating(RatingPlace::Keeping)
            | Place::Queue(_)
            | Place::Loss(LossPlace::Doing { .. })
            | Place::WithPerson => {
                return self.main_menu(state, say);
            }
            Place::Over => return over(state, say),
        };
        (state, Turn { say, next: Next::Collect(collect) })
    }

    /// What is said before and after the options of a menu: of what older callers have heard, nothing again.
    fn around(&self, state: &State, id: &PromptId) -> Prompt {
        let said = self.elder.instead.get(id).filter(|_| state.elder).unwrap_or(id);
        Prompt::of_menu(said.clone(), None)
    }

    pub(super) fn one_key(&self, barge_in: BargeIn) -> Collect {
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
        Place::Language { misses, .. }
        | Place::Menu { misses, .. }
        | Place::NumberKind { misses, .. }
        | Place::Number { misses, .. }
        | Place::Confirm { misses, .. }
        | Place::Pin { misses, .. }
        | Place::Told { misses, .. }
        | Place::Answered { misses, .. }
        | Place::Details { misses, .. }
        | Place::Page { misses, .. } => Some(misses),
        Place::Message(place) => place.misses_mut(),
        Place::PinChange(place) => place.misses(),
        Place::Rating(place) => place.misses(),
        Place::Challenge(place) => place.misses(),
        Place::Loss(place) => place.misses(),
        Place::Start
        | Place::Identifying { .. }
        | Place::SigningIn { .. }
        | Place::Reading { .. }
        | Place::ReadingParts { .. }
        | Place::ReadingPage { .. }
        | Place::WithPerson
        | Place::Queue(_)
        | Place::Over => None,
    }
}

pub(super) fn over(state: State, say: Vec<Prompt>) -> (State, Turn) {
    (State { place: Place::Over, signed_in: None, ..state }, Turn { say, next: Next::HangUp })
}

pub(super) fn ask_world(state: State, request: Request) -> (State, Turn) {
    (state, Turn { say: Vec::new(), next: Next::Ask(request) })
}
