//! A prompt in a transcript, with the values that are to stand in it: `{提示 account.pooled-fund used=1200.50 year=2026}`.

use super::transcript::{Transcript, What};
use crate::fault::{Fault, Faults};
use crate::member::money::Money;
use crate::member::tail::Tail;
use crate::secret::Key;
use crate::speech::catalog::Catalog;
use crate::speech::prompt::{Slot, Value};

/// A prompt, whatever stands in it but for what is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptHole {
    /// Its id in `prompts.toml`.
    pub id: String,
    /// Values by their names there, as they are written.
    pub values: Vec<(String, String)>,
}

/// A value that a transcript gives to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// This one.
    Value(Value),
    /// Words as they are heard.
    Words(String),
    /// The last four of the secret value of this name.
    TailOf(String),
}

impl Given {
    /// Reads `text` as what stands in a `slot`; `Err` shows how it is written.
    ///
    /// # Errors
    /// It is written otherwise.
    pub fn read(slot: Slot, text: &str) -> Result<Self, &'static str> {
        let value = |value: Option<Value>, example| value.map(Self::Value).ok_or(example);
        match slot {
            Slot::Amount => value(Money::parse(text).ok().map(Value::Amount), "1010.05"),
            Slot::Date => value(text.parse().ok().map(Value::Date), "2026-06-30"),
            Slot::Year => value(text.parse().ok().map(Value::Year), "2026"),
            Slot::Key => {
                let mut chars = text.chars();
                let key = chars.next().and_then(Key::from_char).filter(|_| chars.next().is_none());
                value(key.map(Value::Key), "1")
            }
            Slot::Time => value(text.parse().ok().map(Value::Time), "08:30"),
            Slot::Minutes => value(text.parse().ok().map(Value::Minutes), "30"),
            Slot::Count => value(text.parse().ok().map(Value::Count), "2"),
            Slot::Month => value(text.parse().ok().map(Value::Month), "2026-06"),
            Slot::Tail => match text.strip_prefix(['$', '＄']) {
                Some(name) => Ok(Self::TailOf(name.to_owned())),
                None => value(Tail::of(text).ok().map(Value::Tail), "$证号"),
            },
            // Numbers of messages are drawn, and words are heard as they are.
            Slot::Number | Slot::Weekdays | Slot::Word => Ok(Self::Words(text.to_owned())),
        }
    }
}

/// Whether each prompt that `transcript` names is one of `catalogs`, with the values it is given.
///
/// # Errors
/// Every one that is not.
pub fn are_known(transcript: &Transcript, catalogs: &[&Catalog]) -> Result<(), Faults> {
    let mut faults = Vec::new();
    for step in &transcript.steps {
        let What::Heard(expected) = &step.what else { continue };
        for prompt in expected.prompts() {
            if let Err((problem, remedy)) = prompt.is_known(catalogs) {
                faults.push(Fault { line: Some(step.line), ..Fault::of(&transcript.source, problem, remedy) });
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
}

impl PromptHole {
    fn is_known(&self, catalogs: &[&Catalog]) -> Result<(), (String, String)> {
        let Some(slots) = catalogs.iter().find_map(|catalog| catalog.slots(&self.id)) else {
            let remedy = "take an id of voice-prompts/<language>/prompts.toml";
            return Err((format!("there is no prompt {:?}", self.id), remedy.to_owned()));
        };
        for (name, text) in &self.values {
            let Some((_, slot)) = slots.iter().find(|(known, _)| known == name) else {
                let known: Vec<_> = slots.iter().map(|(known, slot)| format!("{known} ({})", slot.name())).collect();
                let remedy =
                    if known.is_empty() { "leave it out".into() } else { format!("take one of {}", known.join(", ")) };
                return Err((format!("no {name:?} stands in {}", self.id), remedy));
            };
            if let Err(example) = Given::read(*slot, text) {
                let problem = format!("{text:?} is no {} to stand in {}", slot.name(), self.id);
                return Err((problem, format!("write {name}={example}")));
            }
        }
        Ok(())
    }
}
