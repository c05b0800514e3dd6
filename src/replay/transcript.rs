//! A transcript, read: one call as a tester wrote it down.

use std::time::Duration;

use jiff::{Timestamp, civil};

use super::pattern::Part;
use super::prompt_hole::PromptHole;
use crate::dialog::explore::Rule;
use crate::member::account::CardStatus;
use crate::member::money::Money;
use crate::secret::Key;

/// One `.call` file.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The file.
    pub source: String,
    /// Its short name: `BAL-001`.
    pub id: String,
    /// What the call is about.
    pub title: String,
    /// What holds before the first event.
    pub header: Header,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What holds before the first event.
#[derive(Clone, Debug)]
pub struct Header {
    /// The virtual clock at the dial tone.
    pub clock: Timestamp,
    /// The ways in the call is placed by; what is heard must be the same on each.
    pub dialects: Vec<Dialect>,
    /// The number dialled.
    pub dialled: String,
    /// The number that calls.
    pub from: From,
    /// Whether that number is marked as an older caller's.
    pub elder: bool,
    /// The register to import, as the file names it; the sample members without.
    pub members: Option<String>,
    /// The transactions to import, likewise.
    pub transactions: Option<String>,
    /// The families to import, likewise.
    pub mutual_aid: Option<String>,
    /// The folder of lines it is about, as the file names it; those of the settings without.
    pub lines: Option<String>,
    /// Settings that are other than the hotline's own, as the environment would say them: `ABUSE__LEVEL`, `2`.
    pub settings: Vec<(String, String)>,
    /// Whether the call can only be placed in process: it names what a running hotline cannot be given, or changes data that
    /// others call for.
    pub in_process_only: bool,
    /// What stands for numbers and PINs.
    pub secrets: Vec<SecretValue>,
}

/// The number that calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// One of its own for each transcript, so that no call is counted to another's caller.
    Own,
    /// This.
    Number(String),
    /// It is withheld.
    Withheld,
}

/// A way a call comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// Signed form posts, TwiML.
    Twilio,
    /// The JSON way in.
    Browser,
    /// Signed JSON, lists of verbs.
    Jambonz,
}

impl Dialect {
    /// Every way in.
    pub const ALL: [Self; 3] = [Self::Twilio, Self::Browser, Self::Jambonz];

    /// Its name in transcripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Browser => "browser",
            Self::Jambonz => "jambonz",
        }
    }
}

/// A named value that is never written out: where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretValue {
    /// The line it is named in.
    pub line: usize,
    /// Its name, without the `$`.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
    /// What of theirs.
    pub field: Field,
}

/// Whose number or PIN a secret value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The member in this row of the register, counted from 1.
    Row(usize),
    /// The first member whose ID number ends in X.
    EndsInX,
    /// Nobody's: right in form, and no member has it.
    Nobody,
}

/// What of somebody a secret value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 身份证号码.
    IdNumber,
    /// 社会保障卡号, as it is keyed on a line that leaves the letters out.
    CardNumber,
    /// 医保个人编号.
    PersonalNumber,
    /// 查询密码.
    Pin,
}

/// One thing a transcript says, and the line it stands in.
#[derive(Clone, Debug)]
pub struct Step {
    /// Counted from 1.
    pub line: usize,
    /// What.
    pub what: What,
    /// The same as it is written.
    pub written: String,
}

impl Step {
    /// The place of the flow that a call is to begin at, if this dials it.
    #[must_use]
    pub fn dials_to(&self) -> Option<&str> {
        match &self.what {
            What::Caller { does: Does::Dial { to }, .. } => to.as_deref(),
            _ => None,
        }
    }
}

/// What a line after the header says.
#[derive(Clone, Debug)]
pub enum What {
    /// `>` The caller does something, `after` so long.
    Caller {
        /// How long the caller waits first.
        after: Duration,
        /// What they do.
        does: Does,
    },
    /// `‹` Something is heard.
    Heard(Expectation),
    /// `=` Something is true afterwards.
    True(Truth),
    /// `!` Something goes wrong behind the caller's back.
    Fault(Fault),
    /// Written by nobody: the way that was put in for a dial must have led to this place by now.
    Arrived(String),
}

/// What a caller does.
#[derive(Clone, Debug)]
pub enum Does {
    /// Dials; or dials again, after the call is over.
    Dial {
        /// The place of the flow the call begins at: the way there is [put in](super::ways) before it is played.
        to: Option<String>,
    },
    /// Presses keys.
    Press(Press),
    /// Presses nothing until the hotline has waited long enough.
    Silence,
    /// Speaks, and is recorded.
    Speak {
        /// How long.
        lasting: Duration,
        /// Whether the telephone is put down then.
        hang_up: bool,
    },
    /// Waits in a queue, until its announcement comes.
    Wait {
        /// How many are before them.
        ahead: Option<u16>,
        /// How long people wait on average.
        average: Option<Duration>,
    },
    /// Puts the telephone down.
    HangUp,
    /// Has been connected to a person: how that ended.
    Transferred {
        /// Whether they talked.
        talked: bool,
    },
}

/// Keys pressed.
#[derive(Clone, Debug)]
pub struct Press {
    /// Which.
    pub keys: Vec<Pressed>,
    /// When.
    pub when: When,
    /// From one key to the next.
    pub each: Duration,
}

/// A key, or a named value keyed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// One key.
    Key(Key),
    /// The value of this name.
    Secret(String),
}

/// When keys are pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// After all is heard.
    Heard,
    /// Over the prompt, as soon as keys stop it.
    Over,
    /// Ahead: what one prompt does not take is for the next.
    Ahead,
    /// As soon as this is heard.
    Hearing(String),
}

/// What is heard, and how soon, and where.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The words, and how each part is written.
    pub parts: Vec<(Part, String)>,
    /// Need not be heard.
    pub optional: bool,
    /// The longest silence before it.
    pub within: Option<Duration>,
    /// The place in the flow.
    pub place: Option<String>,
}

impl Expectation {
    /// The prompts it names.
    pub fn prompts(&self) -> impl Iterator<Item = &PromptHole> {
        self.parts.iter().filter_map(|(part, _)| match part {
            Part::Prompt(prompt) => Some(prompt),
            _ => None,
        })
    }
}

/// What must be true of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// So many audit rows of this event were written since the transcript began.
    Audit {
        /// The event's name: `read_personal_balance`.
        event: String,
        /// How many.
        times: u64,
    },
    /// Nothing that the hotline logged, counted or stored shows these values.
    Unseen(Vec<String>),
    /// This of a member's data was so before the first call, and is so now.
    Account(Account),
    /// The call is over, from the hotline's side.
    CallOver,
    /// This rule holds for all that can happen next.
    Holds(Rule),
}

/// Something of a member's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name of a value of theirs.
    pub whose: String,
    /// What of it.
    pub what: Data,
}

/// What of a member's data, before the first call and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// 社保卡状态, with what was reported by telephone; `None`: there is no card.
    Card(Change<Option<CardStatus>>),
    /// 个人账户余额; `None`: there is no account.
    Balance(Change<Option<Money>>),
    /// 查询密码, by its name.
    Pin(Change<String>),
    /// Tries at the PIN since the last that was forgiven.
    WrongPins(Change<u64>),
}

/// Before the first call, and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<T> {
    /// Before.
    pub was: T,
    /// Now.
    pub is: T,
}

impl Account {
    /// The names of the PINs in it.
    #[must_use]
    pub fn pins(&self) -> Vec<&str> {
        match &self.what {
            Data::Pin(Change { was, is }) => vec![was, is],
            _ => Vec::new(),
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The last callback is delivered so many times more, and must be answered the same.
    Duplicate(u8),
    /// The callback before the last is delivered once more, late; what comes of that nobody hears.
    Reorder,
    /// The node is killed; the next callback reaches another one, on the same store.
    NodeKilled,
    /// The store is away until it is back.
    StoreAway,
    /// The store is back.
    StoreBack,
    /// The next thing the store is asked takes so much longer.
    StoreSlow(Duration),
    /// The next callback comes so much later.
    Delay(Duration),
    /// Time goes by for everybody, and nothing happens.
    Wait(Duration),
}

/// The day and time of a header's clock, if it names no offset: China's.
pub const OFFSET: jiff::tz::Offset = jiff::tz::offset(8);

/// When calls take place that say nothing about it: a Wednesday morning, when people answer.
pub const CLOCK: civil::DateTime = civil::date(2026, 7, 1).at(10, 0, 0, 0);

/// [`CLOCK`] in China.
#[must_use]
pub fn clock_of_calls() -> Timestamp {
    OFFSET.to_timestamp(CLOCK).unwrap_or(Timestamp::UNIX_EPOCH)
}
