//! The choice of language: asked before anything else, where a line offers several, and each option in its own.

use super::event::Dialled;
use super::flow::Flow;
use super::state::{MenuId, Misses, Place, State};
use super::step::Lead;
use super::turn::{BargeIn, Next, Turn};
use crate::secret::Key;
use crate::speech::language::Language;
use crate::speech::prompt::{Prompt, PromptId};

impl Flow {
    /// The first words of a call. Who did not tell by the number dialled which language they speak is asked after the first
    /// of them; the others follow in the language chosen.
    pub(super) fn greet(&self, mut state: State, dialled: Dialled) -> (State, Turn) {
        let asked_for = dialled.language.filter(|l| self.languages.contains(l));
        state.language = asked_for.unwrap_or(self.first_language());
        state.elder = dialled.elder;
        if asked_for.is_none() && self.offers_languages() {
            let welcome = self.greeting_of(&state).iter().take(1).map(|id| Prompt::of_menu(id.clone(), None)).collect();
            let place = Place::Language { greeted: false, misses: Misses::default() };
            return self.go_interruptibly(state, place, welcome);
        }
        self.welcome(state, 0)
    }

    /// The greeting from the prompt `from` on, and the main menu.
    fn welcome(&self, state: State, from: usize) -> (State, Turn) {
        let greeting = self.greeting_of(&state).iter().skip(from);
        let greeting = greeting.map(|id| Prompt::of_menu(id.clone(), None)).collect::<Lead>();
        let (state, mut turn) = self.main_menu(state, greeting);
        // The greeting may be cut short: a person answers from its first syllable on.
        if let Next::Collect(collect) = &mut turn.next {
            collect.barge_in = BargeIn::Always;
        }
        (state, turn)
    }

    fn greeting_of(&self, state: &State) -> &[PromptId] {
        if state.elder { &self.elder.greeting } else { &self.greeting }
    }

    /// On in `language`.
    pub(super) fn speak(&self, state: State, language: Language) -> (State, Turn) {
        let greeted = matches!(state.place, Place::Language { greeted: true, .. });
        let state = State { language, ..state };
        if greeted { self.main_menu(state, Vec::new()) } else { self.welcome(state, 1) }
    }

    /// The languages, by the keys they are offered under.
    pub(super) fn language_keys(&self) -> impl Iterator<Item = (Key, Language)> + '_ {
        (1..).map(Key::Digit).zip(self.languages.iter().copied())
    }

    pub(super) fn language_options(&self) -> impl Iterator<Item = Prompt> + '_ {
        self.language_keys().map(|(key, language)| Prompt::language_option(key).in_language(language))
    }

    pub(super) fn offers_languages(&self) -> bool {
        self.languages.len() > 1
    }

    pub(super) fn first_language(&self) -> Language {
        self.languages.first().copied().unwrap_or(Language::Mandarin)
    }

    /// Where `*` leads from `menu`: from the main menu to the choice of language, for whoever pressed the wrong one.
    pub(super) fn above(&self, menu: &MenuId) -> Place {
        if menu.as_str() == MenuId::MAIN && self.offers_languages() {
            return Place::Language { greeted: true, misses: Misses::default() };
        }
        let up = self.menus.get(menu).map_or_else(|| MenuId::new(MenuId::MAIN), |m| m.up.clone());
        Place::Menu { menu: up, misses: Misses::default() }
    }
}
