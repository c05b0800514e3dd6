//! A line's file, checked and compiled: menus, answers, hours, people, patience. What an operator changes weekly.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use jiff::tz::Offset;
use serde::Deserialize;
use toml::Spanned;

use super::dialled::DialledNumber;
use super::heard;
use super::holidays::Holidays;
use super::hours::{Hours, Span};
use super::state::{AnswerId, MenuId, Service};
use super::turn::TransferTarget;
use crate::fault::{Fault, Faults};
use crate::member::IdentifierKind;
use crate::member::card::LossTerm;
use crate::member::card_number::CardRule;
use crate::member::message::MessageKind;
use crate::member::pin_rule::InitialPinRule;
use crate::secret::Key;
use crate::speech::catalog::Catalog;
use crate::speech::language::Language;
use crate::speech::prompt::{PromptId, Weekdays, signature};

/// The compiled call flow of one line. Immutable; a reload makes a new one.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The line's name: `12333`.
    pub name: Box<str>,
    /// The dialled numbers that reach this line.
    pub dialled: Vec<DialledNumber>,
    pub(super) takes_any: bool,
    /// The languages offered, the first by default.
    pub languages: Vec<Language>,
    /// The language each of these numbers asks for.
    language_of: Vec<(DialledNumber, Language)>,
    pub(super) greeting: Vec<PromptId>,
    pub(super) menus: HashMap<MenuId, Menu>,
    /// What each answer says, in order.
    pub(super) answers: HashMap<AnswerId, Vec<PromptId>>,
    pub(super) numbers: Vec<IdentifierKind>,
    /// What the keys of their choice mean, as a digest: see [`heard`].
    pub(super) numbers_mean: u32,
    pub(super) card_rule: CardRule,
    pub(super) initial_pin: Option<InitialPinRule>,
    pub(super) person: Person,
    pub(super) messages: Option<Messages>,
    pub(super) patience: Patience,
    pub(super) elder: Elder,
    /// Whether callers are asked how it was.
    pub(super) rating: bool,
    /// For how long a report that a card is lost holds.
    pub(super) loss: LossTerm,
}

/// A menu: what is said, and where its keys lead.
#[derive(Clone, Debug)]
pub(super) struct Menu {
    pub(super) before: Vec<PromptId>,
    pub(super) options: Vec<MenuOption>,
    /// What its keys mean, as a digest: see [`heard`].
    pub(super) means: u32,
    pub(super) after: Vec<PromptId>,
    /// `*` leads here.
    pub(super) up: MenuId,
    pub(super) signed_in: bool,
}

#[derive(Clone, Debug)]
pub(super) struct MenuOption {
    pub(super) key: Key,
    pub(super) say: PromptId,
    pub(super) go: Target,
}

/// Where an option leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Menu(MenuId),
    Service(Service),
    Message(MessageService),
    Answer(AnswerId),
    Person,
    Goodbye,
}

/// What a menu offers on messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageService {
    /// Leave one.
    Leave(MessageKind),
    /// Hear how far staff are with one.
    Progress,
}

impl MessageService {
    /// Every service there is. A callback comes of waiting for a person, and is offered there.
    pub const ALL: [Self; 4] = [
        Self::Leave(MessageKind::Message),
        Self::Leave(MessageKind::Complaint),
        Self::Leave(MessageKind::Suggestion),
        Self::Progress,
    ];

    /// The name in line files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leave(kind) => kind.name(),
            Self::Progress => "message-progress",
        }
    }
}

/// What callers may leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Messages {
    /// No recording is longer.
    pub(super) longest: Duration,
    /// So much silence ends one.
    pub(super) silence: Duration,
    /// Within so many working days staff answer.
    pub(super) answered_within_days: u8,
    /// Within so many they call whoever left the queue for it.
    pub(super) called_back_within_days: u8,
}

/// The people behind the line.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) to: TransferTarget,
    pub(super) ring: Duration,
    /// How long somebody waits in a queue from word to word.
    pub(super) announce: Duration,
    pub(super) hours: Hours,
}

/// How older callers are spoken to.
#[derive(Clone, Debug)]
pub(super) struct Elder {
    /// From this age on.
    pub(super) age: u8,
    pub(super) between_keys: Duration,
    /// Said before the main menu to callers whose number is marked.
    pub(super) greeting: Vec<PromptId>,
    /// What is said around the options of a menu, and what instead.
    pub(super) instead: HashMap<PromptId, PromptId>,
}

/// How long and how often a caller is waited for (DOMAIN.md 4a).
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) menu_first_key: Duration,
    pub(super) number_first_key: Duration,
    pub(super) between_keys: Duration,
    pub(super) misses: u8,
    pub(super) wrong_pins: u8,
    pub(super) transfers: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    dialled: Vec<Spanned<String>>,
    languages: Vec<Spanned<Language>>,
    #[serde(default)]
    language_of: BTreeMap<Spanned<String>, Spanned<Language>>,
    time_zone: Spanned<String>,
    greeting: Vec<Spanned<String>>,
    sign_in: SignInFile,
    patience: PatienceFile,
    person: PersonFile,
    #[serde(default)]
    messages: Option<MessagesFile>,
    #[serde(default)]
    elder: ElderFile,
    #[serde(default)]
    rating: RatingFile,
    #[serde(default)]
    card: Option<CardFile>,
    menu: BTreeMap<Spanned<String>, MenuFile>,
    #[serde(default)]
    answer: BTreeMap<Spanned<String>, AnswerFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInFile {
    numbers: Spanned<Vec<IdentifierKind>>,
    card_rule: CardRule,
    #[serde(default)]
    initial_pin: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PatienceFile {
    menu_first_key: Spanned<SignedDuration>,
    number_first_key: Spanned<SignedDuration>,
    between_keys: Spanned<SignedDuration>,
    misses: Spanned<u8>,
    wrong_pins: Spanned<u8>,
    transfers: Spanned<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonFile {
    transfer_to: Option<Spanned<String>>,
    queue: Option<Spanned<String>>,
    ring: Option<Spanned<SignedDuration>>,
    announce: Option<Spanned<SignedDuration>>,
    holidays: Option<Spanned<String>>,
    hours: Spanned<Vec<HoursFile>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ElderFile {
    age: Option<Spanned<u8>>,
    between_keys: Option<Spanned<SignedDuration>>,
    greeting: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    instead: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RatingFile {
    offered: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardFile {
    loss_days: Spanned<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursFile {
    days: Spanned<String>,
    from: Spanned<Time>,
    #[serde(deserialize_with = "end_of_hours")]
    to: Time,
}

/// A time of day, or the end of the day.
fn end_of_hours<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "24:00" { Ok(Time::MAX) } else { text.parse().map_err(serde::de::Error::custom) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessagesFile {
    longest: Spanned<SignedDuration>,
    silence: Spanned<SignedDuration>,
    answered_within_days: Spanned<u8>,
    called_back_within_days: Option<Spanned<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MenuFile {
    #[serde(default)]
    before: Vec<Spanned<String>>,
    options: Vec<OptionFile>,
    #[serde(default)]
    after: Vec<Spanned<String>>,
    #[serde(default)]
    up: Option<Spanned<String>>,
    #[serde(default)]
    signed_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionFile {
    key: Spanned<u8>,
    say: Spanned<String>,
    go: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    say: Vec<Spanned<String>>,
}

/// Among the dialled numbers: every number that no other line names.
const ANY_NUMBER: &str = "*";
/// No menu offers more: memory, not the keypad, is the limit (DOMAIN.md 3).
const MOST_OPTIONS: usize = 5;
/// Of platforms' names for queues, the shortest limit.
const LONGEST_QUEUE: usize = 64;

impl Flow {
    /// Compiles `text`, the content of `source`, against the catalogues of every language it may offer and the holidays it
    /// may name.
    ///
    /// # Errors
    /// Every fault at once, with its line and remedy.
    pub fn parse(source: &str, text: &str, catalogs: &[&Catalog], holidays: &[Arc<Holidays>]) -> Result<Self, Faults> {
        let file: File = toml::from_str(text).map_err(|e| Faults(vec![Fault::from_toml(source, text, &e)]))?;
        let offered = |catalog: &&&Catalog| file.languages.iter().any(|l| *l.get_ref() == catalog.language());
        let spoken = catalogs.iter().filter(offered).copied().collect();
        let mut compiler = Compiler { source, text, spoken, holidays, faults: Vec::new() };
        let flow = compiler.flow(&file);
        if compiler.faults.is_empty() { Ok(flow) } else { Err(Faults(compiler.faults)) }
    }

    /// The prompts this line's file names.
    pub fn prompts(&self) -> impl Iterator<Item = &str> {
        let menus = self.menus.values().flat_map(|menu| {
            menu.before.iter().chain(&menu.after).chain(menu.options.iter().map(|option| &option.say))
        });
        self.greeting
            .iter()
            .chain(&self.elder.greeting)
            .chain(self.elder.instead.values())
            .chain(menus)
            .chain(self.answers.values().flatten())
            .map(PromptId::as_str)
    }

    /// The language that the number dialled asks for, if it is one that does.
    #[must_use]
    pub fn language_of(&self, dialled: &str) -> Option<Language> {
        let number = DialledNumber::parse(dialled)?;
        let asked_for = self.language_of.iter().filter(|(asking, _)| number.reaches(asking));
        asked_for.max_by_key(|(asking, _)| asking.as_str().len()).map(|(_, language)| *language)
    }

    /// How card numbers are keyed on this line.
    #[must_use]
    pub fn card_rule(&self) -> CardRule {
        self.card_rule
    }

    /// Whether a menu offers `service`.
    pub(super) fn offers(&self, service: Service) -> bool {
        self.menus.values().flat_map(|menu| &menu.options).any(|option| option.go == Target::Service(service))
    }

    /// How many wrong PINs end a call.
    #[must_use]
    pub fn wrong_pins(&self) -> u8 {
        self.patience.wrong_pins
    }

    /// Whether the line takes every number that no other line names.
    #[must_use]
    pub fn takes_any_number(&self) -> bool {
        self.takes_any
    }

    /// The SIP address or number people answer at, when it is still the one of the shipped example.
    #[must_use]
    pub fn has_example_target(&self) -> bool {
        match &self.person.to {
            TransferTarget::Sip(uri) => uri.ends_with(".invalid"),
            TransferTarget::Number(_) | TransferTarget::Queue(_) => false,
        }
    }

    /// The platform's queue that people take callers out of, if the line has one.
    #[must_use]
    pub fn queue(&self) -> Option<&str> {
        match &self.person.to {
            TransferTarget::Queue(name) => Some(name),
            TransferTarget::Number(_) | TransferTarget::Sip(_) => None,
        }
    }

    /// The holidays the line keeps, if any.
    #[must_use]
    pub fn holidays(&self) -> Option<&Holidays> {
        self.person.hours.holidays.as_deref()
    }
}

/// Gathers faults while it compiles, so that an operator sees all of them at once.
struct Compiler<'f> {
    source: &'f str,
    text: &'f str,
    /// The catalogues of the languages the line offers.
    spoken: Vec<&'f Catalog>,
    holidays: &'f [Arc<Holidays>],
    faults: Vec<Fault>,
}

impl Compiler<'_> {
    fn fault<T>(&mut self, at: &Spanned<T>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(Fault::at(self.source, self.text, at.span().start, problem, remedy));
    }

    fn flow(&mut self, file: &File) -> Flow {
        if file.languages.is_empty() {
            self.fault(&file.name, "languages is empty", "name at least one: languages = [\"zh-CN\"]");
        }
        for (n, language) in file.languages.iter().enumerate() {
            if file.languages.iter().take(n).any(|other| other.get_ref() == language.get_ref()) {
                self.fault(language, "languages names one twice", "name each once, in the order they are offered");
            }
            if !self.spoken.iter().any(|c| c.language() == *language.get_ref()) {
                let tag = language.get_ref().tag();
                self.fault(
                    language,
                    format!("there are no prompts in {tag}"),
                    "add voice-prompts for it, or leave the language out",
                );
            }
        }
        for (number, language) in &file.language_of {
            if !file.dialled.iter().any(|dialled| dialled.get_ref() == number.get_ref()) {
                let problem = format!("language_of has {}, which this line is not reached by", number.get_ref());
                self.fault(number, problem, "name it under dialled too");
            }
            if !file.languages.iter().any(|offered| offered.get_ref() == language.get_ref()) {
                let problem = format!("language_of has {}, which this line does not offer", language.get_ref());
                self.fault(language, problem, "name it under languages too");
            }
        }
        let offset = self.offset(&file.time_zone);
        let menus = self.menus(file);
        let answers = self.answers(file, &menus);
        let numbers = self.numbers(&file.sign_in.numbers);
        Flow {
            name: file.name.get_ref().as_str().into(),
            dialled: self.dialled(file),
            takes_any: file.dialled.iter().any(|n| n.get_ref() == ANY_NUMBER),
            languages: file.languages.iter().map(|l| *l.get_ref()).collect(),
            language_of: file
                .language_of
                .iter()
                .filter_map(|(n, l)| Some((DialledNumber::parse(n.get_ref())?, *l.get_ref())))
                .collect(),
            greeting: self.prompts(&file.greeting),
            menus,
            answers,
            numbers_mean: heard::of_numbers(&numbers),
            numbers,
            card_rule: file.sign_in.card_rule,
            initial_pin: file.sign_in.initial_pin.as_ref().and_then(|rule| self.initial_pin(rule)),
            person: self.person(&file.person, offset),
            messages: file.messages.as_ref().map(|messages| self.messages(messages)),
            patience: self.patience(&file.patience),
            elder: self.elder(file),
            rating: file.rating.offered,
            loss: LossTerm { days: self.loss_days(file), offset },
        }
    }

    fn dialled(&mut self, file: &File) -> Vec<DialledNumber> {
        if file.dialled.is_empty() {
            self.fault(&file.name, "dialled is empty: nobody reaches this line", "name its numbers, or \"*\"");
        }
        let mut numbers = Vec::new();
        for text in file.dialled.iter().filter(|n| n.get_ref() != ANY_NUMBER) {
            match DialledNumber::parse(text.get_ref()) {
                Some(number) => numbers.push(number),
                None => self.fault(
                    text,
                    format!("dialled \"{}\" is no number", text.get_ref()),
                    "write the number's digits, such as \"12393\" or \"+861012393\", or \"*\"",
                ),
            }
        }
        numbers
    }

    fn elder(&mut self, file: &File) -> Elder {
        let ElderFile { age, between_keys, greeting, instead } = &file.elder;
        Elder {
            age: age.as_ref().map_or(65, |age| self.between(age, "elder.age", 50, 120)),
            between_keys: between_keys
                .as_ref()
                .map_or(Duration::from_secs(8), |wait| self.wait(wait, "elder.between_keys")),
            greeting: self.prompts(greeting.as_ref().unwrap_or(&file.greeting)),
            instead: instead.iter().map(|(usual, instead)| self.instead(file, usual, instead)).collect(),
        }
    }

    fn instead(&mut self, file: &File, usual: &Spanned<String>, instead: &Spanned<String>) -> (PromptId, PromptId) {
        let mut said = file.menu.values().flat_map(|menu| menu.before.iter().chain(&menu.after));
        if !said.any(|id| id.get_ref() == usual.get_ref()) {
            let problem = format!("no menu says \"{}\" before or after its options", usual.get_ref());
            self.fault(usual, problem, "name a prompt of a menu's before or after, or leave it out");
        }
        (PromptId::named(usual.get_ref()), self.prompt(instead, false))
    }

    fn offset(&mut self, zone: &Spanned<String>) -> Offset {
        let text = zone.get_ref();
        // "+08:00": sign, hours, minutes. Named zones would need a database on the machine; China has one offset.
        let parsed = (|| {
            let (sign, rest) = match text.split_at_checked(1)? {
                ("+", rest) => (1, rest),
                ("-", rest) => (-1, rest),
                _ => return None,
            };
            let (hours, minutes) = rest.split_once(':')?;
            let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
            Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
        })();
        parsed.unwrap_or_else(|| {
            self.fault(zone, format!("time_zone \"{text}\" is no offset from UTC"), "write it as \"+08:00\"");
            Offset::UTC
        })
    }

    fn numbers(&mut self, numbers: &Spanned<Vec<IdentifierKind>>) -> Vec<IdentifierKind> {
        let mut seen = Vec::new();
        for kind in numbers.get_ref() {
            if seen.contains(kind) {
                self.fault(numbers, "sign_in.numbers names a kind twice", "name each kind once");
            } else {
                seen.push(*kind);
            }
        }
        if seen.is_empty() {
            self.fault(numbers, "sign_in.numbers is empty", "take some of [\"id\", \"card\", \"personal\"]");
        }
        seen
    }

    fn initial_pin(&mut self, rule: &Spanned<String>) -> Option<InitialPinRule> {
        let parsed = InitialPinRule::parse(rule.get_ref());
        if parsed.is_none() {
            self.fault(
                rule,
                "initial_pin is no rule for initial PINs",
                "write six digits, \"id_last6\", \"id_before_last\" or \"card_last6\"",
            );
        }
        parsed
    }

    fn patience(&mut self, file: &PatienceFile) -> Patience {
        Patience {
            menu_first_key: self.wait(&file.menu_first_key, "menu_first_key"),
            number_first_key: self.wait(&file.number_first_key, "number_first_key"),
            between_keys: self.wait(&file.between_keys, "between_keys"),
            misses: self.between(&file.misses, "misses", 2, 5),
            wrong_pins: self.between(&file.wrong_pins, "wrong_pins", 1, 5),
            transfers: self.between(&file.transfers, "transfers", 1, 5),
        }
    }

    fn loss_days(&mut self, file: &File) -> u8 {
        if let Some(card) = &file.card {
            return self.between(&card.loss_days, "loss_days", 1, 30);
        }
        let report = format!("service:{}", Service::ReportLoss.name());
        let mut options = file.menu.values().flat_map(|menu| &menu.options);
        if let Some(option) = options.find(|option| *option.go.get_ref() == report) {
            let problem = "nothing tells for how many days a card is reported lost";
            self.fault(&option.go, problem, "add [card] with loss_days = 7");
        }
        // Never used: no option leads to a report.
        1
    }

    fn wait(&mut self, wait: &Spanned<SignedDuration>, name: &str) -> Duration {
        let duration = wait.get_ref().unsigned_abs();
        if wait.get_ref().is_negative() || !(1..=60).contains(&duration.as_secs()) || duration.subsec_nanos() != 0 {
            self.fault(wait, format!("{name} is out of range"), "write whole seconds from \"1s\" to \"60s\"");
        }
        duration
    }

    fn between(&mut self, value: &Spanned<u8>, name: &str, least: u8, most: u8) -> u8 {
        if !(least..=most).contains(value.get_ref()) {
            self.fault(value, format!("{name} is out of range"), format!("take a number from {least} to {most}"));
        }
        *value.get_ref()
    }

    fn person(&mut self, file: &PersonFile, offset: Offset) -> Person {
        let spans = file.hours.get_ref().iter().filter_map(|span| self.span(span)).collect();
        let to = match (&file.transfer_to, &file.queue) {
            (Some(target), None) => self.target(target),
            (None, Some(queue)) => self.queue(queue),
            _ => {
                self.fault(
                    &file.hours,
                    "[person] names no one place where people answer",
                    "write either transfer_to = \"+861012333\" or queue = \"agents\"",
                );
                TransferTarget::Queue("".into())
            }
        };
        let holidays = file.holidays.as_ref().and_then(|name| {
            let found = self.holidays.iter().find(|holidays| *holidays.name == **name.get_ref());
            if found.is_none() {
                let known = self.holidays.iter().map(|h| format!("\"{}\"", h.name)).collect::<Vec<_>>().join(", ");
                let known = if known.is_empty() { "there are none".to_owned() } else { format!("there are {known}") };
                self.fault(
                    name,
                    format!("there are no holidays \"{}\"", name.get_ref()),
                    format!("name a file of holidays.directory without its .toml; {known}"),
                );
            }
            found.cloned()
        });
        Person {
            to,
            ring: file.ring.as_ref().map_or(Duration::from_secs(30), |ring| self.wait(ring, "ring")),
            announce: file.announce.as_ref().map_or(Duration::from_secs(20), |wait| self.wait(wait, "announce")),
            hours: Hours { offset, spans, holidays },
        }
    }

    fn messages(&mut self, file: &MessagesFile) -> Messages {
        let longest = file.longest.get_ref();
        let seconds = longest.as_secs();
        if !(60..=600).contains(&seconds) || seconds % 60 != 0 || longest.subsec_nanos() != 0 {
            self.fault(
                &file.longest,
                "longest is out of range",
                "write whole minutes from \"60s\" to \"600s\": callers are told them",
            );
        }
        Messages {
            longest: longest.unsigned_abs(),
            silence: self.wait(&file.silence, "silence"),
            answered_within_days: self.between(&file.answered_within_days, "answered_within_days", 1, 30),
            called_back_within_days: file
                .called_back_within_days
                .as_ref()
                .map_or(1, |days| self.between(days, "called_back_within_days", 1, 30)),
        }
    }

    fn queue(&mut self, queue: &Spanned<String>) -> TransferTarget {
        let name = queue.get_ref();
        let fits = (1..=LONGEST_QUEUE).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !fits {
            self.fault(
                queue,
                format!("queue \"{name}\" is no name of a queue"),
                "take letters, digits, -, _ and ., 64 at most",
            );
        }
        TransferTarget::Queue(name.as_str().into())
    }

    fn target(&mut self, target: &Spanned<String>) -> TransferTarget {
        let text = target.get_ref();
        let is_number = text
            .strip_prefix('+')
            .is_some_and(|digits| (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
        if is_number {
            return TransferTarget::Number(text.as_str().into());
        }
        let is_sip = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")).is_some_and(|rest| {
            rest.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
                && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'))
        });
        if !is_sip {
            self.fault(
                target,
                "transfer_to is neither a number nor a SIP address",
                "write \"+861012333\" or \"sip:agents@pbx.example\"",
            );
        }
        TransferTarget::Sip(text.as_str().into())
    }

    fn span(&mut self, file: &HoursFile) -> Option<Span> {
        if *file.from.get_ref() >= file.to {
            self.fault(&file.from, "the hours end before they begin", "write from before to; split a night in two");
        }
        let days = weekdays(file.days.get_ref());
        if days.is_none() {
            self.fault(&file.days, "days is no range of days", "write \"mon-fri\" or \"sat\"");
        }
        Some(Span { days: days?, from: *file.from.get_ref(), to: file.to })
    }

    fn menus(&mut self, file: &File) -> HashMap<MenuId, Menu> {
        let mut menus = HashMap::with_capacity(file.menu.len());
        let mut pointed_at: Vec<&str> = vec![MenuId::MAIN];
        if !file.menu.keys().any(|name| name.get_ref() == MenuId::MAIN) {
            self.fault(&file.name, "there is no [menu.main]", "add it: it follows the greeting");
        }
        for (name, menu) in &file.menu {
            self.name(name, "menu");
            let options = self.options(name, &menu.options, file, &mut pointed_at);
            if let Some(up) = &menu.up
                && !file.menu.keys().any(|m| m.get_ref() == up.get_ref())
            {
                self.fault(up, format!("there is no menu \"{}\"", up.get_ref()), "name a [menu.…] of this file");
            }
            menus.insert(
                MenuId::new(name.get_ref()),
                Menu {
                    before: self.prompts(&menu.before),
                    means: heard::of_options(&options),
                    options,
                    after: self.prompts(&menu.after),
                    up: MenuId::new(menu.up.as_ref().map_or(MenuId::MAIN, |up| up.get_ref())),
                    signed_in: menu.signed_in,
                },
            );
        }
        for name in file.menu.keys() {
            if !pointed_at.contains(&name.get_ref().as_str()) {
                self.fault(
                    name,
                    format!("no key leads to menu \"{}\"", name.get_ref()),
                    "let an option go there, or take it out",
                );
            }
        }
        menus
    }

    fn answers(&mut self, file: &File, menus: &HashMap<MenuId, Menu>) -> HashMap<AnswerId, Vec<PromptId>> {
        let mut answers = HashMap::with_capacity(file.answer.len());
        for (name, answer) in &file.answer {
            self.name(name, "answer");
            let id = AnswerId::new(name.get_ref());
            if menus.contains_key(&MenuId::new(name.get_ref())) {
                self.fault(
                    name,
                    format!("answer \"{}\" has the name of a menu", name.get_ref()),
                    "give one of them another name: transcripts and drawings know both as places",
                );
            }
            if answer.say.is_empty() {
                self.fault(name, format!("answer \"{}\" says nothing", name.get_ref()), "name its prompts under say");
            }
            let leads_here = |option: &MenuOption| matches!(&option.go, Target::Answer(to) if *to == id);
            if !menus.values().flat_map(|menu| &menu.options).any(leads_here) {
                self.fault(
                    name,
                    format!("no key leads to answer \"{}\"", name.get_ref()),
                    "let an option go there, or take it out",
                );
            }
            answers.insert(id, self.prompts(&answer.say));
        }
        answers
    }

    /// The name of a menu or an answer, which travels with the call.
    fn name(&mut self, name: &Spanned<String>, of: &str) {
        if name.get_ref().contains(|c: char| !c.is_ascii_lowercase() && !"-.0123456789".contains(c)) {
            self.fault(
                name,
                format!("{of} \"{}\" has a name that cannot be used", name.get_ref()),
                "take small letters, digits and -",
            );
        }
    }

    fn options<'m>(
        &mut self,
        menu: &Spanned<String>,
        options: &'m [OptionFile],
        file: &File,
        pointed_at: &mut Vec<&'m str>,
    ) -> Vec<MenuOption> {
        if options.is_empty() || options.len() > MOST_OPTIONS {
            self.fault(
                menu,
                format!("menu \"{}\" has {} options", menu.get_ref(), options.len()),
                "offer one to five; 0, *, # and 9 work everywhere and are not counted",
            );
        }
        options
            .iter()
            .enumerate()
            .map(|(n, option)| {
                if usize::from(*option.key.get_ref()) != n + 1 {
                    self.fault(
                        &option.key,
                        "the keys of a menu are 1, 2, 3 … without gaps, in the order they are said",
                        format!("give this option key {}", n + 1),
                    );
                }
                let say = self.prompt(&option.say, true);
                let go = self.go(&option.go, file);
                if let Some(name) = option.go.get_ref().strip_prefix("menu:") {
                    pointed_at.push(name);
                }
                MenuOption { key: Key::Digit(*option.key.get_ref() % 10), say, go }
            })
            .collect()
    }

    fn go(&mut self, go: &Spanned<String>, file: &File) -> Target {
        let text = go.get_ref();
        let target = match text.split_once(':') {
            Some(("menu", name)) => {
                file.menu.keys().any(|m| m.get_ref() == name).then(|| Target::Menu(MenuId::new(name)))
            }
            Some(("answer", name)) => {
                file.answer.keys().any(|a| a.get_ref() == name).then(|| Target::Answer(AnswerId::new(name)))
            }
            Some(("service", name)) => {
                let message = || MessageService::ALL.into_iter().find(|s| s.name() == name).map(Target::Message);
                Service::ALL.into_iter().find(|s| s.name() == name).map(Target::Service).or_else(message)
            }
            None if text == "person" => Some(Target::Person),
            None if text == "goodbye" => Some(Target::Goodbye),
            _ => None,
        };
        if matches!(target, Some(Target::Message(MessageService::Leave(_)))) && file.messages.is_none() {
            self.fault(
                go,
                format!("{text} needs [messages], and there is none"),
                "add [messages] with longest, silence and answered_within_days, as in config/lines/12333.toml",
            );
        }
        target.unwrap_or_else(|| {
            let names =
                Service::ALL.map(Service::name).into_iter().chain(MessageService::ALL.map(MessageService::name));
            let services = names.map(|name| format!("service:{name}")).collect::<Vec<_>>().join(", ");
            self.fault(
                go,
                format!("go = \"{text}\" leads nowhere"),
                format!("take menu:NAME or answer:NAME of this file, {services}, person or goodbye"),
            );
            Target::Person
        })
    }

    fn prompts(&mut self, ids: &[Spanned<String>]) -> Vec<PromptId> {
        ids.iter().map(|id| self.prompt(id, false)).collect()
    }

    fn prompt(&mut self, id: &Spanned<String>, takes_key: bool) -> PromptId {
        let name = id.get_ref();
        for catalog in &self.spoken {
            let sayable = signature(name).map_or_else(
                || catalog.has(name, takes_key),
                // A prompt of code may be said by a line when nothing stands in it.
                |known| known.slots.is_empty() && !takes_key && !known.personal,
            );
            if !sayable {
                let want = if takes_key { "with {key:key} in it" } else { "without placeholders" };
                self.faults.push(Fault::at(
                    self.source,
                    self.text,
                    id.span().start,
                    format!("there is no prompt \"{name}\" {want} in {}", catalog.language()),
                    format!("add it to voice-prompts/{}/prompts.toml, or name another", catalog.language()),
                ));
            }
        }
        PromptId::named(name)
    }
}

/// Reads `mon-fri` or `sat`.
fn weekdays(text: &str) -> Option<Weekdays> {
    let day = |name: &str| {
        Some(match name {
            "mon" => Weekday::Monday,
            "tue" => Weekday::Tuesday,
            "wed" => Weekday::Wednesday,
            "thu" => Weekday::Thursday,
            "fri" => Weekday::Friday,
            "sat" => Weekday::Saturday,
            "sun" => Weekday::Sunday,
            _ => return None,
        })
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(Weekdays { first: day(first)?, last: day(last)? })
}
