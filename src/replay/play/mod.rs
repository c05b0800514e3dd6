//! Plays a transcript: the caller's fingers, the platform's time-outs, and what is heard held against what is expected.

mod hearing;
mod player;

use std::fmt;
use std::time::Duration;

use super::pattern::Difference;
use super::phone::{Answer, Webhook};
use super::transcript::{Dialect, Does, Fault, Press, Pressed, Truth, When};
use crate::clock::Clock;
use crate::dialog::explore::Rule;

pub use player::{Telling, play};

/// Where a transcript is played: a hotline, its clock, and what can be seen of it from behind.
pub trait Stage {
    /// Sends a webhook: the answer, and how long it took beside the time that is let go by.
    fn send(&mut self, webhook: &Webhook) -> impl Future<Output = Result<(Answer, Duration), String>>;

    /// The clock it goes by.
    fn clock(&self) -> Clock;

    /// Lets time go by.
    fn pass(&mut self, time: Duration);

    /// The place the dialog has come to, where it can be seen.
    fn place(&self, dialect: Dialect, call: &str, step: &str) -> Option<String>;

    /// Whether `rule` holds for all that can happen next, `at` this dialect's step of this call, or at the dial tone of the
    /// number `dialled`; so it does where that cannot be seen.
    ///
    /// # Errors
    /// What breaks it.
    fn holds(&self, rule: Rule, dialled: &str, at: Option<(Dialect, &str, &str)>) -> Result<(), String>;

    /// Does to the hotline what `fault` says.
    fn suffer(&mut self, fault: Fault) -> impl Future<Output = Result<(), String>>;

    /// Whether it is so; `Err` says what is the case instead.
    fn check(&mut self, truth: &Truth) -> impl Future<Output = Result<(), String>>;
}

/// How a transcript went by one dialect.
#[derive(Clone, Debug)]
pub struct Played {
    /// Which.
    pub dialect: Dialect,
    /// Everything that happened, in order.
    pub scenes: Vec<Scene>,
    /// The ways it walked through the flow, as far as its places can be seen.
    pub walked: Vec<Walked>,
    /// Everything that was not as written; empty: it passed.
    pub mismatches: Vec<Mismatch>,
    /// How long the call took, by its own clock.
    pub lasted: Duration,
}

/// One way of a call from place to place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Walked {
    /// From this place,
    pub from: String,
    /// when this happened: a key, where one is enough; `entry`; `silence`; or what else a platform tells,
    pub on: String,
    /// to this one.
    pub to: String,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The line of the transcript it belongs to.
    pub line: usize,
    /// When, since the first dial tone.
    pub at: Duration,
    /// What.
    pub act: Act,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Act {
    /// The caller did something, as the transcript writes it; secret values by their names.
    Caller(String),
    /// This was heard, at this place, after so long a silence.
    Heard {
        /// The words.
        said: String,
        /// The place.
        place: Option<String>,
        /// From the caller's last act to the first word.
        silence: Duration,
    },
    /// The hotline ended the call.
    HungUp,
    /// Something went wrong, as the transcript writes it.
    Fault(String),
    /// Something was looked at, as the transcript writes it.
    Looked(String),
}

/// Something that was not as written.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The line of the transcript.
    pub line: usize,
    /// The turn of the call, counted from 1.
    pub turn: usize,
    /// When, since the first dial tone.
    pub at: Duration,
    /// Where in the flow, as far as it can be seen.
    pub place: Option<String>,
    /// The places on the way there.
    pub path: Vec<String>,
    /// What was pressed, entry by entry; secret values by their names.
    pub pressed: Vec<String>,
    /// What is wrong.
    pub what: Wrong,
}

/// What is wrong.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// Other words were heard.
    Heard {
        /// Side by side.
        difference: Difference,
        /// For each part of what was expected, what was heard in its place, if that is something else.
        corrections: Vec<Option<String>>,
    },
    /// The words came too late.
    Late {
        /// After so long.
        silence: Duration,
        /// The longest that is allowed.
        within: Duration,
    },
    /// By this way in other words are heard than by another.
    Otherwise {
        /// The other.
        than: Dialect,
        /// Side by side: there, and here.
        difference: Difference,
    },
    /// The dialog is elsewhere.
    Place {
        /// Where it should be.
        expected: String,
        /// Where it is.
        is: String,
    },
    /// The way that was put in for a dial does not lead where it should.
    Elsewhere {
        /// Where it should lead.
        place: String,
        /// Where it led.
        is: Option<String>,
        /// What broke it off there, if anything did.
        why: Option<String>,
    },
    /// The platform would not take the answer, or the hotline gave none.
    Answer(String),
    /// What the caller does cannot be done now.
    Impossible(String),
    /// It is not so.
    NotTrue(String),
    /// A repeated callback was answered differently.
    Repeated,
}

impl Wrong {
    /// The two sentences, where there are two.
    #[must_use]
    pub fn difference(&self) -> Option<&Difference> {
        match self {
            Self::Heard { difference, .. } | Self::Otherwise { difference, .. } => Some(difference),
            _ => None,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heard { .. } => f.write_str("other words were heard"),
            Self::Late { silence, within } => {
                write!(f, "heard after {:.1}s; {:.1}s is the limit", silence.as_secs_f64(), within.as_secs_f64())
            }
            Self::Otherwise { than, .. } => write!(f, "other words are heard than by {}", than.name()),
            Self::Place { expected, is } => write!(f, "the call is @{is}, not @{expected}"),
            Self::Elsewhere { place, is, why } => {
                write!(f, "the way to @{place} leads ")?;
                match is {
                    Some(is) => write!(f, "to @{is}")?,
                    None => f.write_str("nowhere")?,
                }
                why.iter().try_for_each(|why| write!(f, ", where {why}"))
            }
            Self::Answer(why) | Self::Impossible(why) | Self::NotTrue(why) => f.write_str(why),
            Self::Repeated => f.write_str("the repeated callback was answered differently"),
        }
    }
}

/// What a caller does, as a transcript writes it.
fn written(does: &Does) -> String {
    match does {
        Does::Dial { to: None } => "拨入".to_owned(),
        Does::Dial { to: Some(place) } => format!("拨入 @{place}"),
        Does::Press(Press { keys, when, .. }) => match when {
            When::Heard => format!("按 {}", shown(keys)),
            When::Over => format!("抢按 {}", shown(keys)),
            When::Ahead => format!("连按 {}", shown(keys)),
            When::Hearing(phrase) => format!("听到 “{phrase}” 按 {}", shown(keys)),
        },
        Does::Silence => "静默".to_owned(),
        Does::Speak { lasting, hang_up } => {
            format!("留言 {}s{}", lasting.as_secs_f64(), if *hang_up { " 挂机" } else { "" })
        }
        Does::Wait { ahead, average } => {
            let ahead = ahead.map(|ahead| format!(" 前面{ahead}位")).unwrap_or_default();
            let average = average.map(|average| format!(" 平均{}s", average.as_secs_f64())).unwrap_or_default();
            format!("等候{ahead}{average}")
        }
        Does::HangUp => "挂机".to_owned(),
        Does::Transferred { talked: true } => "人工 通话".to_owned(),
        Does::Transferred { talked: false } => "人工 无人接听".to_owned(),
    }
}

/// Keys as a transcript writes them: secret values by their names.
#[must_use]
pub fn shown(keys: &[Pressed]) -> String {
    let mut text = String::new();
    for pressed in keys {
        match pressed {
            Pressed::Key(key) => text.push(key.as_char()),
            Pressed::Secret(name) => {
                if !text.is_empty() && !text.ends_with(' ') {
                    text.push(' ');
                }
                text.push('$');
                text.push_str(name);
                text.push(' ');
            }
        }
    }
    text.trim_end().to_owned()
}
