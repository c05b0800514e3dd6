//! A telephone at whatever platform: what a script of a call has it do, and what is heard.

use super::caller::Then as Markup;
use super::cloud::{self, Then as Instruction};
use super::family;
use super::gateway::Gateway;
use super::switch::Switch;

/// Stands at one platform, in one call, which has been dialled.
pub trait Handset {
    /// What was heard last.
    fn hears(&self) -> String;

    /// Presses these keys, as far as the platform waits for them.
    fn presses(&mut self, keys: &str);

    /// Lets the time for keys go by.
    fn is_silent(&mut self);

    /// Nobody answers whom the platform rings, or it rings nobody.
    fn nobody_answers(&mut self);

    /// The platform tells what it told last once more; whether it gets the same answer.
    fn tells_again(&self) -> bool;

    /// Whether the platform is to hang up.
    fn is_over(&self) -> bool;

    /// Whether it tells of the finish key alone: to the others of Twilio's family it is as if nothing had been pressed.
    fn tells_finish_alone(&self) -> bool {
        true
    }

    /// Does what a script says: `silence`, `not answered`, or keys.
    fn does(&mut self, what: &str) -> String {
        match what {
            "silence" => self.is_silent(),
            "not answered" => self.nobody_answers(),
            keys => self.presses(keys),
        }
        self.hears()
    }
}

impl Handset for family::Telephone<'_> {
    fn hears(&self) -> String {
        self.heard.said.clone()
    }

    fn presses(&mut self, keys: &str) {
        self.press(keys);
    }

    fn is_silent(&mut self) {
        self.silence();
    }

    fn nobody_answers(&mut self) {
        match self.heard.then.clone() {
            Markup::Dial { path, .. } => drop(self.post(&path, &[("DialCallStatus", "no-answer")]).to_owned()),
            _ => drop(self.go_on().to_owned()),
        }
    }

    fn tells_again(&self) -> bool {
        let (path, form, answer) = &self.last;
        self.send(path, form).body == answer.body
    }

    fn is_over(&self) -> bool {
        self.heard.then == Markup::HangUp
    }

    fn tells_finish_alone(&self) -> bool {
        false
    }
}

impl Handset for cloud::Telephone<'_> {
    fn hears(&self) -> String {
        self.heard.said.clone()
    }

    fn presses(&mut self, keys: &str) {
        self.press(keys);
    }

    fn is_silent(&mut self) {
        self.silence();
    }

    fn nobody_answers(&mut self) {
        match self.heard.then.clone() {
            Instruction::Dial { path, .. } => self.told(&path, &[("DialStatus", "no-answer"), ("status", "timeout")]),
            _ => self.go_on(),
        };
    }

    fn tells_again(&self) -> bool {
        let (path, body, answer) = &self.last;
        self.send(path, body).body == answer.body
    }

    fn is_over(&self) -> bool {
        self.heard.then == Instruction::HangUp
    }
}

impl Handset for Gateway<'_> {
    fn hears(&self) -> String {
        self.said.clone()
    }

    fn presses(&mut self, keys: &str) {
        self.press(keys);
    }

    fn is_silent(&mut self) {
        self.silence();
    }

    fn nobody_answers(&mut self) {
        self.transferred("noanswer");
    }

    fn tells_again(&self) -> bool {
        let (path, form, answer) = &self.last;
        self.post(path, form).body == answer.body
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }
}

impl Handset for Switch<'_> {
    fn hears(&self) -> String {
        self.said.clone()
    }

    fn presses(&mut self, keys: &str) {
        self.press(keys);
    }

    fn is_silent(&mut self) {
        self.silence();
    }

    fn nobody_answers(&mut self) {
        self.told("NO_ANSWER");
    }

    fn tells_again(&self) -> bool {
        let (path, form, answer) = &self.last;
        self.post(path, form).body == answer.body
    }

    fn is_over(&self) -> bool {
        self.tag("hangup").get("cause") == "NORMAL_CLEARING"
    }
}
