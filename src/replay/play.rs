//! Plays a transcript: the caller's fingers, the platform's time-outs, and what is heard held against what is expected.

use std::fmt;
use std::time::Duration;

use super::chaos::Chaos;
use super::pattern::Difference;
use super::phone::{Account, Answer, Collecting, Happened, Heard, Phone, Then, Webhook};
use super::readings::Readings;
use super::transcript::{Dialect, Does, Expectation, Fault, Press, Pressed, Step, Transcript, Truth, What, When};
use crate::secret::Key;

/// Where a transcript is played: a hotline, its clock, and what can be seen of it from behind.
pub trait Stage {
    /// Sends a webhook.
    fn send(&mut self, webhook: &Webhook) -> impl Future<Output = Result<Answer, String>>;

    /// Lets time go by.
    fn pass(&mut self, time: Duration);

    /// The place the dialog has come to, where it can be seen.
    fn place(&self, dialect: Dialect, call: &str, step: &str) -> Option<String>;

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
    /// Everything that was not as written; empty: it passed.
    pub mismatches: Vec<Mismatch>,
    /// How long the call took, by its own clock.
    pub lasted: Duration,
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
    /// The dialog is elsewhere.
    Place {
        /// Where it should be.
        expected: String,
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

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heard { .. } => f.write_str("other words were heard"),
            Self::Late { silence, within } => {
                write!(f, "heard after {:.1} s; {:.1} s is the limit", silence.as_secs_f64(), within.as_secs_f64())
            }
            Self::Place { expected } => write!(f, "the call should be @{expected}"),
            Self::Answer(why) | Self::Impossible(why) | Self::NotTrue(why) => f.write_str(why),
            Self::Repeated => f.write_str("the repeated callback was answered differently"),
        }
    }
}

/// Plays `transcript` by `dialect` on `stage`.
pub async fn play(
    transcript: &Transcript,
    dialect: Dialect,
    stage: &mut impl Stage,
    account: &Account,
    readings: &Readings<'_>,
    chaos: Option<Chaos>,
) -> Played {
    let mut player = Player {
        transcript,
        dialect,
        stage,
        account,
        readings,
        call: None,
        calls: 0,
        clock: Duration::ZERO,
        acted: Duration::ZERO,
        ahead: Vec::new(),
        unheard: None,
        last: None,
        delay: Duration::ZERO,
        chaos,
        turn: 0,
        path: Vec::new(),
        pressed: Vec::new(),
        played: Played { dialect, scenes: Vec::new(), mismatches: Vec::new(), lasted: Duration::ZERO },
    };
    player.run().await;
    player.played.lasted = player.clock;
    player.played
}

struct Player<'p, S> {
    transcript: &'p Transcript,
    dialect: Dialect,
    stage: &'p mut S,
    account: &'p Account,
    readings: &'p Readings<'p>,
    /// The call that is up, and what its caller heard last.
    call: Option<(Phone, Heard)>,
    /// Calls so far.
    calls: usize,
    /// Since the first dial tone.
    clock: Duration,
    /// When the caller last did something.
    acted: Duration,
    /// Keys that wait for the next prompt.
    ahead: Vec<Key>,
    /// What was heard and not yet expected: the words, the silence before them.
    unheard: Option<(String, Duration)>,
    /// The last webhook and its answer, for repeating it.
    last: Option<(Webhook, Answer)>,
    /// The next callback comes so much later.
    delay: Duration,
    chaos: Option<Chaos>,
    turn: usize,
    path: Vec<String>,
    pressed: Vec<String>,
    played: Played,
}

impl<S: Stage> Player<'_, S> {
    async fn run(&mut self) {
        let steps = &self.transcript.steps;
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            // Lines of what is heard that follow each other are one hearing.
            let hearing = steps[at..].iter().take_while(|step| matches!(step.what, What::Heard(_))).count();
            if hearing > 0 {
                self.expect(&steps[at..at + hearing]);
                at += hearing;
                continue;
            }
            at += 1;
            if !self.act(step).await {
                return;
            }
        }
    }

    /// Whether the transcript can go on.
    async fn act(&mut self, step: &Step) -> bool {
        let done = match &step.what {
            What::Caller { after, does } => {
                self.pass(*after);
                self.caller(step.line, does).await
            }
            What::True(truth) => match truth {
                Truth::CallOver if self.is_up() => Err(Wrong::NotTrue("the call goes on".to_owned())),
                Truth::CallOver => Ok(()),
                truth => {
                    // What is looked at afterwards is no reason to stop.
                    if let Err(why) = self.stage.check(truth).await {
                        self.mismatch(step.line, Wrong::NotTrue(why));
                    }
                    Ok(())
                }
            },
            What::Fault(fault) => self.fault(step.line, *fault).await,
            What::Heard(_) => Ok(()),
        };
        let can_go_on = matches!(done, Ok(()) | Err(Wrong::NotTrue(_)));
        if let Err(wrong) = done {
            self.mismatch(step.line, wrong);
        }
        can_go_on
    }

    fn is_up(&self) -> bool {
        self.call.as_ref().is_some_and(|(_, heard)| heard.then != Then::HangUp)
    }

    fn pass(&mut self, time: Duration) {
        self.clock += time;
        self.stage.pass(time);
    }

    // ---- the caller ----

    async fn caller(&mut self, line: usize, does: &Does) -> Result<(), Wrong> {
        self.scene(line, Act::Caller(written(does)));
        match does {
            Does::Dial => {
                if self.is_up() {
                    return Err(Wrong::Impossible("the call before is not over".to_owned()));
                }
                self.calls += 1;
                let header = &self.transcript.header;
                // A call's id is the same whenever it is replayed, and no other transcript's.
                let id = match self.dialect {
                    Dialect::Twilio => format!("CA{:016x}{:016x}", fnv(&self.transcript.source), self.calls),
                    // Given with the first answer.
                    Dialect::Browser => String::new(),
                };
                let phone =
                    Phone::new(self.account.clone(), self.dialect, id, header.from.clone(), header.dialled.clone());
                self.acted = self.clock;
                self.path.clear();
                self.pressed.clear();
                self.call(line, phone, None, &Happened::Dialled).await
            }
            Does::Press(press) => self.press(line, press).await,
            Does::Silence => {
                let collect = self.collecting()?;
                self.pass(collect.first_key);
                self.acted = self.clock;
                self.tell(line, &Happened::Silence).await
            }
            Does::Transferred { talked } => {
                let transfer = self.call.as_ref().is_some_and(|(_, heard)| heard.then == Then::Transfer);
                if !transfer {
                    return Err(Wrong::Impossible("nobody is being called".to_owned()));
                }
                self.tell(line, &Happened::Transferred { talked: *talked }).await
            }
            Does::HangUp => {
                let Some((phone, heard)) = self.call.take() else {
                    return Err(Wrong::Impossible("there is no call".to_owned()));
                };
                self.ahead.clear();
                self.unheard = None;
                let webhook = phone.webhook(Some(&heard), &Happened::HungUp).map_err(Wrong::Impossible)?;
                let answer = self.stage.send(&webhook).await.map_err(Wrong::Answer)?;
                if answer.status >= 300 {
                    return Err(Wrong::Answer(format!("the end of the call is answered with {}", answer.status)));
                }
                Ok(())
            }
        }
    }

    fn collecting(&self) -> Result<Collecting, Wrong> {
        match self.call.as_ref().map(|(_, heard)| heard.then) {
            Some(Then::Collect(collect)) => Ok(collect),
            Some(Then::Transfer | Then::Queue | Then::Leave) => {
                Err(Wrong::Impossible("a person is being called: no key is awaited".to_owned()))
            }
            Some(Then::Record(_)) => Err(Wrong::Impossible("the caller is being recorded: no key is awaited".to_owned())),
            Some(Then::HangUp) => Err(Wrong::Impossible("the hotline has hung up".to_owned())),
            None => Err(Wrong::Impossible("there is no call".to_owned())),
        }
    }

    async fn press(&mut self, line: usize, press: &Press) -> Result<(), Wrong> {
        if let When::Hearing(phrase) = &press.when {
            let heard = self.call.as_ref().map_or("", |(_, heard)| heard.said.as_str());
            if !super::pattern::spoken(heard).contains(&super::pattern::spoken(phrase)) {
                return Err(Wrong::Impossible(format!("“{phrase}” is not heard")));
            }
        }
        let mut keys = Vec::new();
        for pressed in &press.keys {
            match pressed {
                Pressed::Key(key) => keys.push(*key),
                Pressed::Secret(name) => match self.readings.keys_of(name) {
                    Some(value) => keys.extend(value),
                    None => return Err(Wrong::Impossible(format!("no member has what ${name} stands for"))),
                },
            }
        }
        self.ahead.append(&mut keys);
        self.pressed.push(shown(&press.keys));
        // The first entry is for the prompt that was heard; the others, typed ahead, for those after it.
        loop {
            let collect = self.collecting()?;
            let (entry, finish) = self.entry(collect, press.each);
            self.acted = self.clock;
            self.tell(line, &Happened::Keys { keys: &entry, finish }).await?;
            if self.ahead.is_empty() {
                return Ok(());
            }
            if press.when != When::Ahead {
                let left = self.ahead.len();
                self.ahead.clear();
                return Err(Wrong::Impossible(format!(
                    "{left} of the keys were not awaited: write them in a line of their own, or type them ahead"
                )));
            }
        }
    }

    /// Keys up to the end of one entry, as the platform collects them.
    fn entry(&mut self, collect: Collecting, each: Duration) -> (Vec<Key>, Option<Key>) {
        let mut entry = Vec::new();
        while !self.ahead.is_empty() {
            let key = self.ahead.remove(0);
            self.pass(each);
            if collect.finish == Some(key) {
                return (entry, Some(key));
            }
            entry.push(key);
            if entry.len() >= collect.most {
                return (entry, None);
            }
        }
        // Nothing tells that the caller is done, but that nothing more comes.
        self.pass(collect.between_keys);
        (entry, None)
    }

    // ---- the platform ----

    async fn tell(&mut self, line: usize, happened: &Happened<'_>) -> Result<(), Wrong> {
        let Some((phone, heard)) = self.call.take() else {
            return Err(Wrong::Impossible("there is no call".to_owned()));
        };
        self.call(line, phone, Some(heard), happened).await
    }

    async fn call(
        &mut self,
        line: usize,
        mut phone: Phone,
        heard: Option<Heard>,
        happened: &Happened<'_>,
    ) -> Result<(), Wrong> {
        let late = std::mem::take(&mut self.delay);
        self.pass(late);
        let webhook = phone.webhook(heard.as_ref(), happened).map_err(Wrong::Impossible)?;
        let answer = self.stage.send(&webhook).await.map_err(Wrong::Answer)?;
        self.turn += 1;
        self.mishap(line, &phone, &webhook, &answer).await?;
        let heard = phone.hear(&answer).map_err(Wrong::Answer)?;
        self.last = Some((webhook, answer));
        let silence = self.clock.saturating_sub(self.acted);
        let place = heard.step.as_ref().and_then(|step| self.stage.place(self.dialect, phone.call(), step));
        if let Some(place) = &place
            && self.path.last() != Some(place)
        {
            self.path.push(place.clone());
        }
        self.scene(line, Act::Heard { said: heard.said.clone(), place, silence });
        self.unheard = Some((heard.said.clone(), silence));
        if heard.then == Then::HangUp {
            self.scene(line, Act::HungUp);
        }
        self.call = Some((phone, heard));
        Ok(())
    }

    /// What the network makes of the webhook that was just answered.
    async fn mishap(&mut self, line: usize, phone: &Phone, webhook: &Webhook, answer: &Answer) -> Result<(), Wrong> {
        let Some(mishap) = self.chaos.as_mut().map(Chaos::next) else { return Ok(()) };
        // A call that has no id before its first answer cannot be begun twice.
        let copies = if phone.call().is_empty() { 0 } else { mishap.copies };
        for _ in 0..copies {
            let again = self.stage.send(webhook).await.map_err(Wrong::Answer)?;
            if again != *answer {
                self.mismatch(line, Wrong::Repeated);
            }
        }
        if let Some((before, _)) = self.last.clone().filter(|_| mishap.late_copy) {
            self.stage.send(&before).await.map_err(Wrong::Answer)?;
        }
        self.stage.pass(mishap.delay);
        Ok(())
    }

    async fn fault(&mut self, line: usize, fault: Fault) -> Result<(), Wrong> {
        match fault {
            Fault::Duplicate(times) => {
                let Some((webhook, answer)) = self.last.clone() else {
                    return Err(Wrong::Impossible("there is nothing to repeat".to_owned()));
                };
                for _ in 0..times {
                    let again = self.stage.send(&webhook).await.map_err(Wrong::Answer)?;
                    if again != answer {
                        self.mismatch(line, Wrong::Repeated);
                    }
                }
                Ok(())
            }
            Fault::Delay(time) => {
                self.delay += time;
                Ok(())
            }
            Fault::Wait(time) => {
                self.pass(time);
                self.acted = self.clock;
                Ok(())
            }
            fault => self.stage.suffer(fault).await.map_err(Wrong::Impossible),
        }
    }

    // ---- what is heard ----

    /// Holds what was heard against `steps`, which are lines of what is heard.
    fn expect(&mut self, steps: &[Step]) {
        let lines: Vec<(usize, &Expectation)> = steps
            .iter()
            .filter_map(|step| if let What::Heard(expected) = &step.what { Some((step.line, expected)) } else { None })
            .collect();
        let Some((first, _)) = lines.first() else { return };
        let Some((heard, silence)) = self.unheard.take() else {
            if !lines.iter().all(|(_, expected)| expected.optional) {
                self.mismatch(*first, Wrong::Impossible("nothing new is heard".to_owned()));
            }
            return;
        };
        match self.readings.pattern(lines.iter().map(|(_, expected)| *expected)) {
            Ok(pattern) if pattern.hears(&heard) => {}
            Ok(pattern) => {
                let corrections = pattern.corrections(&heard).into_iter().map(|c| c.map(str::to_owned)).collect();
                self.mismatch(*first, Wrong::Heard { difference: pattern.difference(&heard), corrections });
            }
            Err(why) => self.mismatch(*first, Wrong::Impossible(why)),
        }
        for (line, expected) in lines {
            if let Some(within) = expected.within.filter(|within| silence > *within) {
                self.mismatch(line, Wrong::Late { silence, within });
            }
            if let Some(place) = &expected.place
                && let Some(is) = self.place()
                && is != *place
            {
                self.mismatch(line, Wrong::Place { expected: place.clone() });
            }
        }
    }

    fn place(&self) -> Option<String> {
        let (phone, heard) = self.call.as_ref()?;
        match (&heard.step, heard.then) {
            (Some(step), _) => self.stage.place(self.dialect, phone.call(), step),
            (None, Then::HangUp) => Some("over".to_owned()),
            (None, _) => None,
        }
    }

    fn scene(&mut self, line: usize, act: Act) {
        self.played.scenes.push(Scene { line, at: self.clock, act });
    }

    fn mismatch(&mut self, line: usize, what: Wrong) {
        self.played.mismatches.push(Mismatch {
            line,
            turn: self.turn,
            at: self.clock,
            place: self.place(),
            path: self.path.clone(),
            pressed: self.pressed.clone(),
            what,
        });
    }
}

/// What a caller does, as a transcript writes it.
fn written(does: &Does) -> String {
    match does {
        Does::Dial => "拨入".to_owned(),
        Does::Press(Press { keys, when, .. }) => match when {
            When::Heard => format!("按 {}", shown(keys)),
            When::Over => format!("抢按 {}", shown(keys)),
            When::Ahead => format!("连按 {}", shown(keys)),
            When::Hearing(phrase) => format!("听到 “{phrase}” 按 {}", shown(keys)),
        },
        Does::Silence => "静默".to_owned(),
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

/// FNV-1a: a short name for a file, the same on every machine.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
