//! The caller's fingers, the platform between, and what the network does to both.

use std::collections::HashMap;
use std::time::Duration;

use super::{Act, Mismatch, Played, Scene, Stage, Walked, Wrong, shown, written};
use crate::dialog::explore::Rule;
use crate::replay::chaos::Chaos;
use crate::replay::fnv;
use crate::replay::pattern::{spoken, tidy};
use crate::replay::phone::{Account, Answer, Collecting, Happened, Heard, Phone, Then, Webhook};
use crate::replay::readings::Readings;
use crate::replay::transcript::{Dialect, Does, Fault, From, Press, Pressed, Step, Transcript, Truth, What, When};
use crate::secret::Key;
use crate::speech::tempo;

/// What a replay is told beside the transcript.
pub struct Telling<'t> {
    /// How the hotline is reached.
    pub account: &'t Account,
    /// What the transcript's holes and names stand for.
    pub readings: &'t Readings<'t>,
    /// What the network does to every callback.
    pub chaos: Option<Chaos>,
    /// Makes calls of this replay others than those of another, where both reach one hotline.
    pub run: &'t str,
}

/// Plays `transcript` by `dialect` on `stage`.
pub async fn play(transcript: &Transcript, dialect: Dialect, stage: &mut impl Stage, telling: Telling<'_>) -> Played {
    let Telling { account, readings, chaos, run } = telling;
    let mut player = Player {
        transcript,
        dialect,
        stage,
        account,
        readings,
        run,
        captured: HashMap::new(),
        call: None,
        calls: 0,
        clock: Duration::ZERO,
        acted: Duration::ZERO,
        speech: Duration::ZERO,
        ahead: Vec::new(),
        unheard: None,
        bound_for: None,
        last: None,
        before_last: None,
        delay: Duration::ZERO,
        store_away: false,
        chaos,
        turn: 0,
        path: Vec::new(),
        pressed: Vec::new(),
        played: Played {
            dialect,
            scenes: Vec::new(),
            walked: Vec::new(),
            mismatches: Vec::new(),
            lasted: Duration::ZERO,
        },
    };
    player.run().await;
    player.played.lasted = player.clock;
    player.played
}

pub(super) struct Player<'p, S> {
    transcript: &'p Transcript,
    dialect: Dialect,
    pub(super) stage: &'p mut S,
    account: &'p Account,
    pub(super) readings: &'p Readings<'p>,
    run: &'p str,
    /// Digits that were heard and given a name.
    pub(super) captured: HashMap<String, Vec<Key>>,
    /// The call that is up, and what its caller heard last.
    pub(super) call: Option<(Phone, Heard)>,
    /// Calls so far.
    calls: usize,
    /// Since the first dial tone.
    clock: Duration,
    /// When the caller last did something.
    acted: Duration,
    /// How long what was heard last goes on, if nobody stops it.
    speech: Duration,
    /// Keys that wait for the next prompt.
    ahead: Vec<Key>,
    /// What was heard and not yet expected: the words, the silence before them.
    pub(super) unheard: Option<(String, Duration)>,
    /// The place that the way being walked should lead to.
    bound_for: Option<String>,
    /// The last webhook and its answer, for repeating it.
    last: Option<(Webhook, Answer)>,
    /// The one before, for repeating it late.
    before_last: Option<Webhook>,
    /// The next callback comes so much later.
    delay: Duration,
    /// Whether the store is away, so that what is told beside a call cannot be kept.
    store_away: bool,
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
                break;
            }
        }
        // A transcript may end before its call: then nobody holds the telephone any more.
        if let Some((phone, heard)) = self.call.take().filter(|(_, heard)| heard.then != Then::HangUp)
            && let Ok(webhook) = phone.webhook(Some(&heard), &Happened::HungUp)
        {
            // Nobody is left to hear what comes of it.
            let _ = self.stage.send(&webhook).await;
        }
    }

    /// Whether the transcript can go on.
    async fn act(&mut self, step: &Step) -> bool {
        match &step.what {
            What::Fault(_) => self.scene(step.line, Act::Fault(step.written.clone())),
            What::True(_) => self.scene(step.line, Act::Looked(step.written.clone())),
            What::Caller { .. } | What::Heard(_) | What::Arrived(_) => {}
        }
        let done = match &step.what {
            What::Caller { after, does } => {
                self.bound_for = step.dials_to().map(str::to_owned).or(self.bound_for.take());
                self.pass(*after);
                self.caller(step.line, does).await
            }
            What::True(Truth::CallOver) if self.is_up() => Err(Wrong::NotTrue("the call goes on".to_owned())),
            What::True(Truth::Holds(rule)) => self.holds(*rule),
            What::True(truth @ (Truth::Audit { .. } | Truth::Unseen(_) | Truth::Account(_))) => {
                self.stage.check(truth).await.map_err(Wrong::NotTrue)
            }
            What::Fault(fault) => self.fault(step.line, *fault).await,
            What::Arrived(place) => self.arrived(place),
            What::True(Truth::CallOver) | What::Heard(_) => Ok(()),
        };
        // What is looked at afterwards is no reason to stop.
        let can_go_on = matches!(done, Ok(()) | Err(Wrong::NotTrue(_)));
        if let Err(wrong) = done {
            let wrong = match self.bound_for.take() {
                Some(place) => Wrong::Elsewhere { place, is: self.place(), why: Some(wrong.to_string()) },
                None => wrong,
            };
            self.mismatch(step.line, wrong);
        }
        can_go_on
    }

    fn holds(&self, rule: Rule) -> Result<(), Wrong> {
        let at = match &self.call {
            Some((phone, Heard { step: Some(step), .. })) => Some((self.dialect, phone.call(), step.as_str())),
            Some(_) => return Err(Wrong::Impossible("the call is over: nothing can happen in it".to_owned())),
            None => None,
        };
        self.stage.holds(rule, &self.transcript.header.dialled, at).map_err(Wrong::NotTrue)
    }

    /// Whether the way that was put in for a dial led to `place`. Where places cannot be seen, it is trusted.
    fn arrived(&mut self, place: &str) -> Result<(), Wrong> {
        self.bound_for = None;
        match self.place() {
            Some(is) if is != place => Err(Wrong::Elsewhere { place: place.to_owned(), is: Some(is), why: None }),
            _ => Ok(()),
        }
    }

    fn is_up(&self) -> bool {
        self.call.as_ref().is_some_and(|(_, heard)| heard.then != Then::HangUp)
    }

    fn pass(&mut self, time: Duration) {
        self.clock += time;
        self.stage.pass(time);
    }

    /// Listens to the end of what is said.
    fn hear_out(&mut self) {
        let rest = std::mem::take(&mut self.speech);
        self.pass(rest);
    }

    // ---- the caller ----

    async fn caller(&mut self, line: usize, does: &Does) -> Result<(), Wrong> {
        match does {
            Does::Press(Press { when: When::Heard, .. }) | Does::Silence | Does::Speak { .. } | Does::Wait { .. } => {
                self.hear_out();
            }
            _ => {}
        }
        self.scene(line, Act::Caller(written(does)));
        match does {
            Does::Dial { .. } => self.dial(line).await,
            Does::Press(press) => self.press(line, press).await,
            Does::Silence => self.silence(line).await,
            Does::Speak { lasting, hang_up } => self.speak(line, *lasting, *hang_up).await,
            Does::Wait { ahead, average } => {
                let waits =
                    self.call.as_ref().is_some_and(|(phone, heard)| heard.then == Then::Queue || phone.is_queued());
                if !waits {
                    return Err(Wrong::Impossible("the caller waits in no queue".to_owned()));
                }
                self.acted = self.clock;
                self.tell(line, &Happened::Waiting { ahead: *ahead, average: *average }).await
            }
            Does::Transferred { talked } => {
                let transfer = self.call.as_ref().is_some_and(|(phone, heard)| {
                    matches!(heard.then, Then::Transfer | Then::Queue) || phone.is_queued()
                });
                if !transfer {
                    return Err(Wrong::Impossible("nobody is being called".to_owned()));
                }
                self.acted = self.clock;
                self.tell(line, &Happened::Transferred { talked: *talked }).await
            }
            Does::HangUp => {
                let Some((phone, heard)) = self.call.take() else {
                    return Err(Wrong::Impossible("there is no call".to_owned()));
                };
                self.ahead.clear();
                self.unheard = None;
                let webhook = phone.webhook(Some(&heard), &Happened::HungUp).map_err(Wrong::Impossible)?;
                self.send_beside(&webhook).await
            }
        }
    }

    async fn dial(&mut self, line: usize) -> Result<(), Wrong> {
        if self.is_up() {
            return Err(Wrong::Impossible("the call before is not over".to_owned()));
        }
        self.calls += 1;
        let header = &self.transcript.header;
        let own = fnv(&format!("{}{}{}", self.transcript.source, self.dialect.name(), self.run));
        // A call's id is the same whenever it is replayed, and no other transcript's.
        let id = match self.dialect {
            Dialect::Twilio => format!("CA{own:016x}{:016x}", self.calls),
            // Given with the first answer.
            Dialect::Browser => String::new(),
            Dialect::Jambonz => format!("{own:016x}-{:016x}", self.calls),
        };
        let from = match &header.from {
            // The same by every way in: callers hear it.
            From::Own => {
                let number = fnv(&format!("{}{}", self.transcript.source, self.run));
                Some(format!("139{:08}", number % 100_000_000))
            }
            From::Number(number) => Some(number.clone()),
            From::Withheld => None,
        };
        let phone =
            Phone::new(self.account.clone(), self.stage.clock(), self.dialect, id, from, header.dialled.clone());
        self.acted = self.clock;
        self.path.clear();
        self.pressed.clear();
        self.call(line, phone, None, &Happened::Dialled).await
    }

    async fn silence(&mut self, line: usize) -> Result<(), Wrong> {
        if let Some((_, Heard { then: Then::Record(recording), .. })) = &self.call {
            self.pass(recording.silence);
            self.acted = self.clock;
            return self.tell(line, &Happened::Recorded(None)).await;
        }
        let collect = self.collecting()?;
        self.pass(collect.first_key);
        self.acted = self.clock;
        self.tell(line, &Happened::Silence).await
    }

    async fn speak(&mut self, line: usize, lasting: Duration, hang_up: bool) -> Result<(), Wrong> {
        let Some((phone, heard @ Heard { then: Then::Record(recording), .. })) = &self.call else {
            return Err(Wrong::Impossible("nothing is being recorded".to_owned()));
        };
        let lasting = lasting.min(recording.longest);
        let beside = phone.beside(heard, lasting, hang_up);
        self.pass(lasting);
        self.acted = self.clock;
        if hang_up {
            let Some((phone, heard)) = self.call.take() else { return Ok(()) };
            self.unheard = None;
            let webhook = phone.webhook(Some(&heard), &Happened::HungUp).map_err(Wrong::Impossible)?;
            self.send_beside(&webhook).await?;
        } else {
            self.tell(line, &Happened::Recorded(Some(lasting))).await?;
        }
        match beside {
            Some(webhook) => self.send_beside(&webhook).await,
            None => Ok(()),
        }
    }

    /// Tells the hotline something that nobody hears the answer to.
    async fn send_beside(&mut self, webhook: &Webhook) -> Result<(), Wrong> {
        let (answer, _) = self.stage.send(webhook).await.map_err(Wrong::Answer)?;
        match answer.status {
            200..300 => Ok(()),
            // Platforms send it again, later.
            500.. if self.store_away => Ok(()),
            status => Err(Wrong::Answer(format!("what is told beside the call is answered with {status}"))),
        }
    }

    fn collecting(&self) -> Result<Collecting, Wrong> {
        let why = match self.call.as_ref().map(|(_, heard)| heard.then) {
            Some(Then::Collect(collect)) => return Ok(collect),
            Some(Then::Transfer | Then::Queue | Then::Leave) => "a person is being called: no key is awaited",
            Some(Then::Record(_)) => "the caller is being recorded: no key is awaited",
            Some(Then::HangUp) => "the hotline has hung up",
            None => "there is no call",
        };
        Err(Wrong::Impossible(why.to_owned()))
    }

    async fn press(&mut self, line: usize, press: &Press) -> Result<(), Wrong> {
        if let When::Hearing(phrase) = &press.when {
            self.hear_until(phrase)?;
        }
        for pressed in &press.keys {
            match pressed {
                Pressed::Key(key) => self.ahead.push(*key),
                Pressed::Secret(name) => {
                    let value = self.readings.keys_of(name).or_else(|| self.captured.get(name).map(Vec::as_slice));
                    let Some(value) = value else {
                        return Err(Wrong::Impossible(format!("${name} was not heard yet")));
                    };
                    self.ahead.extend(value);
                }
            }
        }
        self.pressed.push(self.hidden(&press.keys));
        // The first entry is for the prompt that was heard; the others, typed ahead, for those after it.
        loop {
            let collect = self.collecting()?;
            self.speech = Duration::ZERO;
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

    /// Listens until `phrase` is said.
    fn hear_until(&mut self, phrase: &str) -> Result<(), Wrong> {
        let heard = self.call.as_ref().map(|(_, heard)| spoken(&heard.said)).unwrap_or_default();
        let phrase = spoken(phrase);
        let Some(at) = heard.find(&phrase) else {
            return Err(Wrong::Impossible(format!("“{phrase}” is not heard")));
        };
        let until = tempo::text_length(&heard[..at + phrase.len()]).min(self.speech);
        self.speech = Duration::ZERO;
        self.pass(until);
        Ok(())
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

    /// Keys as reports show them: of a secret value, its name and length.
    fn hidden(&self, keys: &[Pressed]) -> String {
        let shown = |pressed: &Pressed| match pressed {
            Pressed::Key(_) => shown(std::slice::from_ref(pressed)),
            Pressed::Secret(name) => {
                let length = self.readings.keys_of(name).or_else(|| self.captured.get(name).map(Vec::as_slice));
                format!("‹${name} {}位›", length.map_or(0, <[Key]>::len))
            }
        };
        keys.iter().map(shown).collect()
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
        before: Option<Heard>,
        happened: &Happened<'_>,
    ) -> Result<(), Wrong> {
        let late = std::mem::take(&mut self.delay);
        self.pass(late);
        let (mut heard, mut took) = self.callback(line, &mut phone, before.as_ref(), happened).await?;
        // That the caller has left the queue is told by the platform: what is heard then follows at once.
        if heard.then == Then::Leave {
            let (next, more) = self.callback(line, &mut phone, Some(&heard), &Happened::Left).await?;
            took += more;
            heard = Heard { said: [heard.said, next.said].concat(), ..next };
        }
        let silence = self.clock.saturating_sub(self.acted) + took;
        let for_entry = matches!(&before, Some(Heard { then: Then::Collect(collect), .. }) if collect.finish.is_some());
        let from = before.and_then(|before| self.place_of(&phone, &before));
        let place = self.place_of(&phone, &heard);
        self.walk(from, for_entry, happened, place.clone(), &phone);
        self.scene(line, Act::Heard { said: tidy(&heard.said), place, silence });
        self.speech = tempo::text_length(&heard.said);
        self.unheard = Some((heard.said.clone(), silence));
        if heard.then == Then::HangUp {
            self.scene(line, Act::HungUp);
        }
        self.call = Some((phone, heard));
        Ok(())
    }

    async fn callback(
        &mut self,
        line: usize,
        phone: &mut Phone,
        before: Option<&Heard>,
        happened: &Happened<'_>,
    ) -> Result<(Heard, Duration), Wrong> {
        let webhook = phone.webhook(before, happened).map_err(Wrong::Impossible)?;
        let (answer, took) = self.stage.send(&webhook).await.map_err(Wrong::Answer)?;
        self.turn += 1;
        self.mishap(line, &webhook, &answer).await?;
        let heard = phone.hear(&answer).map_err(Wrong::Answer)?;
        self.before_last = self.last.take().map(|(webhook, _)| webhook);
        self.last = Some((webhook, answer));
        Ok((heard, took))
    }

    pub(super) fn place_of(&self, phone: &Phone, heard: &Heard) -> Option<String> {
        match (&heard.step, heard.then) {
            (Some(step), _) => self.stage.place(self.dialect, phone.call(), step),
            (None, Then::HangUp) => Some("over".to_owned()),
            (None, _) => None,
        }
    }

    fn walk(
        &mut self,
        from: Option<String>,
        for_entry: bool,
        happened: &Happened<'_>,
        to: Option<String>,
        phone: &Phone,
    ) {
        let Some(to) = to else { return };
        if self.path.last() != Some(&to) {
            self.path.push(to.clone());
        }
        let on = match happened {
            Happened::Dialled => "dialled".to_owned(),
            Happened::Keys { keys: [key], finish: None } if !for_entry => key.as_char().to_string(),
            // What stands in an entry is nobody's business; `0`, `*` and `#` alone are no entry.
            Happened::Keys { keys: [key @ (Key::Star | Key::Digit(0))], .. } => key.as_char().to_string(),
            Happened::Keys { keys: [], .. } => "#".to_owned(),
            Happened::Keys { .. } => "entry".to_owned(),
            Happened::Silence => "silence".to_owned(),
            Happened::Recorded(Some(_)) => "recorded".to_owned(),
            Happened::Recorded(None) => "not recorded".to_owned(),
            Happened::Waiting { .. } => "waiting".to_owned(),
            Happened::Transferred { talked: true } => "talked".to_owned(),
            Happened::Transferred { talked: false } if phone.is_queued() => "queue failed".to_owned(),
            Happened::Transferred { talked: false } => "not answered".to_owned(),
            Happened::Left => "left".to_owned(),
            Happened::HungUp => "hang-up".to_owned(),
        };
        self.played.walked.push(Walked { from: from.unwrap_or_else(|| "start".to_owned()), on, to });
    }

    /// What the network makes of the webhook that was just answered.
    async fn mishap(&mut self, line: usize, webhook: &Webhook, answer: &Answer) -> Result<(), Wrong> {
        let Some(mishap) = self.chaos.as_mut().map(Chaos::strike) else { return Ok(()) };
        self.repeat(line, webhook, answer, mishap.copies).await?;
        if let Some((before, _)) = self.last.clone().filter(|(before, _)| mishap.late_copy && before.of_call) {
            self.stage.send(&before).await.map_err(Wrong::Answer)?;
        }
        self.stage.pass(mishap.delay);
        Ok(())
    }

    async fn repeat(&mut self, line: usize, webhook: &Webhook, answer: &Answer, times: u8) -> Result<(), Wrong> {
        // A call that has no id before its first answer cannot be begun twice.
        let times = if webhook.of_call { times } else { 0 };
        for _ in 0..times {
            let (again, _) = self.stage.send(webhook).await.map_err(Wrong::Answer)?;
            if again != *answer {
                self.mismatch(line, Wrong::Repeated);
            }
        }
        Ok(())
    }

    async fn fault(&mut self, line: usize, fault: Fault) -> Result<(), Wrong> {
        match fault {
            Fault::Duplicate(times) => {
                let Some((webhook, answer)) = self.last.clone() else {
                    return Err(Wrong::Impossible("there is nothing to repeat".to_owned()));
                };
                self.repeat(line, &webhook, &answer, times).await
            }
            Fault::Reorder => {
                let Some(webhook) = self.before_last.clone() else {
                    return Err(Wrong::Impossible("nothing came before the last callback".to_owned()));
                };
                self.stage.send(&webhook).await.map(drop).map_err(Wrong::Answer)
            }
            Fault::Delay(time) => {
                self.delay += time;
                Ok(())
            }
            Fault::Wait(time) => {
                self.pass(time);
                self.acted = self.clock;
                self.stage.suffer(fault).await.map_err(Wrong::Impossible)
            }
            fault => {
                match fault {
                    Fault::StoreAway => self.store_away = true,
                    Fault::StoreBack => self.store_away = false,
                    _ => {}
                }
                self.stage.suffer(fault).await.map_err(Wrong::Impossible)
            }
        }
    }

    fn scene(&mut self, line: usize, act: Act) {
        self.played.scenes.push(Scene { line, at: self.clock, act });
    }

    pub(super) fn mismatch(&mut self, line: usize, what: Wrong) {
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
