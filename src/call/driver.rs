//! Drives calls: opens what the call carries, steps the dialog, has what it asks done exactly once, seals what is next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::admission::Admission;
use super::caller::{Call, CallEnd};
use super::lines::{InForce, Lines};
use super::live::{LiveCalls, Moment};
use super::seal::{Journey, Seal};
use crate::clock::Clock;
use crate::dialog::{Answer, Dialled, Event, Flow, Next, Place, Recording, Turn};
use crate::record::{Recorder, Why};
use crate::service::Services;
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;
use crate::telemetry::{Occurrence, Telemetry};
use crate::telephony::player::Player;
use crate::telephony::{Conversation, Pace, Reply, Then};

/// A turn asks at most this often: to sign in, and then to read what was wanted.
const MOST_QUESTIONS: u16 = 4;

/// Carries every call of this node on.
#[derive(Debug)]
pub struct Driver {
    lines: Arc<InForce>,
    services: Services,
    seal: Seal,
    live: LiveCalls,
    admission: Admission,
    clock: Clock,
    telemetry: Arc<Telemetry>,
    bounds: Bounds,
    /// Takes calls down, where they are recorded.
    recorder: Option<Recorder>,
    player: Player,
}

/// How long a call may go on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the first webhook on.
    pub longest: Duration,
    /// Callbacks.
    pub most_turns: u16,
    /// Calls in the register.
    pub most_registered: usize,
    /// How long to look, as a call comes in, whether its number is marked; `None`: not at all.
    pub marked_within: Option<Duration>,
}

impl Driver {
    /// Drives calls over `lines` with `services`.
    #[must_use]
    pub fn new(
        lines: Arc<InForce>,
        services: Services,
        seal: Seal,
        admission: Admission,
        clock: Clock,
        telemetry: Arc<Telemetry>,
        bounds: Bounds,
    ) -> Self {
        let live = LiveCalls::new(bounds.most_registered);
        Self {
            lines,
            services,
            seal,
            live,
            admission,
            clock,
            telemetry,
            bounds,
            recorder: None,
            player: Player::default(),
        }
    }

    /// The same, with its calls taken down by `recorder`.
    #[must_use]
    pub fn recorded_by(self, recorder: Option<Recorder>) -> Self {
        Self { recorder, ..self }
    }

    /// The same, with clips to play.
    #[must_use]
    pub fn playing(self, player: Player) -> Self {
        Self { player, ..self }
    }

    /// The calls this node has seen.
    #[must_use]
    pub fn live(&self) -> &LiveCalls {
        &self.live
    }

    /// What requests are served by.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Forgets calls that are over or that nothing was heard of; run now and then.
    pub fn sweep(&self) {
        let (now, idle) = (self.clock.now(), self.bounds.longest * 2);
        self.live.sweep(now, idle);
        if let Some(recorder) = &self.recorder {
            recorder.sweep(now, idle);
        }
    }

    /// A call that came in, or one that begins anew because its last step is not ours.
    async fn begin(&self, call: &Call, language: Option<Language>, lead: Option<Prompt>) -> Reply {
        let now = self.clock.now();
        let mut moment = self.live.enter(call, now).await;
        // A call that begins anew goes on counting: its effects must not be taken for those it had before.
        let turn = if lead.is_some() { moment.next_turn() } else { 0 };
        let is_new = lead.is_none() && moment.next_turn() == 0;
        moment.of_turn(turn, false, now);
        let lines = self.lines.now();
        let flow = lines.dialled(&call.dialled);
        let started = whole_second(moment.came());
        let journey = Journey { turn, started, line: flow.name.clone(), heard: 0, state: flow.start() };
        let language = language.or_else(|| flow.language_of(&call.dialled));
        let elder = match self.bounds.marked_within {
            Some(within) => self.services.is_marked(call, within).await,
            None => false,
        };
        match &self.recorder {
            Some(recorder) if is_new => recorder.begin(call, lines.known_number(&call.dialled), elder, moment.at()),
            Some(recorder) if lead.is_some() => recorder.spoil(call, Why::Resumed),
            _ => {}
        }
        let dialled = Event::Dialled(Dialled { language, elder });
        let mut reply = self.go(call, &lines, flow, journey, dialled, &mut moment).await;
        if let Some(lead) = lead {
            reply.say.insert(0, lead);
        }
        reply
    }

    async fn go_on(&self, call: &Call, token: &str, event: Event) -> Reply {
        let Ok(journey) = self.seal.open(call, token) else {
            self.telemetry.record(&Occurrence::StepNotOurs { dialect: call.dialect });
            return self.begin(call, None, Some(Prompt::menu_changed())).await;
        };
        let now = self.clock.now();
        let mut moment = self.live.enter(call, now).await;
        let at = moment.of_turn(journey.turn, matches!(event, Event::Waiting(_)), now);
        let lines = self.lines.now();
        // A line that is gone hands its calls to the one that its number reaches now.
        let flow = lines.named(&journey.line).unwrap_or_else(|| lines.dialled(&call.dialled));
        if matches!(event, Event::HungUp) {
            self.live.end(call, now);
        }
        // A person takes as long as they take, and so does waiting for one: the time of the call begins anew.
        let started = match event {
            Event::Waiting(_) | Event::TransferEnded(_) => whole_second(at),
            _ => journey.started,
        };
        let journey = Journey { started, ..journey };
        let lasted = at.duration_since(journey.started).unsigned_abs();
        let is_over = self.live.is_over(call) || moment.is_past(journey.turn);
        let is_long = lasted > self.bounds.longest || journey.turn >= self.bounds.most_turns;
        let event = match event {
            // What was recorded is not lost with the call: the end of it is often told first.
            Event::Recorded { recording: recording @ Some(_), .. } if is_over || is_long => {
                Event::Recorded { recording, hung_up: true }
            }
            _ if is_over => Event::HungUp,
            Event::HungUp => Event::HungUp,
            _ if is_long => Event::LimitReached,
            event => event,
        };
        let state = flow.taken_up(journey.state, journey.heard, &event);
        let journey = Journey { line: flow.name.clone(), state, ..journey };
        self.go(call, &lines, flow, journey, event, &mut moment).await
    }

    /// One turn: the dialog, what it asks, and the dialog again, until there is something for the caller.
    /// `lines` are those in force as it begins, whatever is taken meanwhile.
    async fn go(
        &self,
        call: &Call,
        lines: &Lines,
        flow: &Flow,
        journey: Journey,
        event: Event,
        moment: &mut Moment,
    ) -> Reply {
        let Journey { turn, started, line, state, .. } = journey;
        let at = moment.at();
        let mut take = self.recorder.as_ref().and_then(|recorder| {
            let shape = flow.shape(&state, &event, at);
            let mut take = recorder.take(call, turn, shape)?;
            take.happens(turn, shape, &state.place, at);
            Some((take, state.place.clone()))
        });
        let (mut state, mut step) = flow.step(state, event, at);
        for question in 0..MOST_QUESTIONS {
            let Next::Ask(request) = step.next else { break };
            let place = state.place.name().to_owned();
            let answer = self.services.perform(call, turn * MOST_QUESTIONS + question, request).await;
            self.telemetry.record(&Occurrence::Asked { call, place: &place, answer: &answer });
            if let Some((take, _)) = &mut take {
                take.answered(&state.place, &answer);
            }
            (state, step) = flow.step(state, Event::Answer(answer), at);
        }
        self.telemetry.record(&Occurrence::Turn { call, turn, place: state.place.name() });
        let language = state.language;
        let Turn { say, next } = step;
        let over = state.place == Place::Over;
        if let (Some(recorder), Some((mut take, from))) = (&self.recorder, take) {
            take.hears(&from, &state, &say, &next, lines.wording());
            recorder.keep(call, take, over);
        }
        let heard = flow.heard(&state);
        let pace = if state.elder { Pace::Slow } else { Pace::Usual };
        let sealed = || self.seal.seal(call, &Journey { turn: turn.saturating_add(1), started, line, heard, state });
        let then = match next {
            Next::Collect(collect) => sealed().map(|token| Then::Collect(collect, token)),
            Next::Record(record) => sealed().map(|token| Then::Record(record, token)),
            Next::Transfer(transfer) => sealed().map(|token| Then::Transfer(transfer, token)),
            Next::Leave => sealed().map(Then::Leave),
            Next::HangUp => Some(Then::HangUp),
            // More questions than a turn has: a fault of the flow, which its exploration rules out.
            Next::Ask(_) => None,
        };
        match then {
            Some(then) => {
                if over {
                    moment.hang_up(turn);
                    self.hang_up(call);
                }
                Reply { wording: lines.wording().clone(), language, say, pace, player: self.player.clone(), then }
            }
            None => self.turn_away(&call.dialled),
        }
    }

    /// From here on nothing personal is told to this call, on any node. Stored behind the caller's back: a goodbye must not
    /// wait for the store.
    fn hang_up(&self, call: &Call) {
        self.telemetry.record(&Occurrence::CallOver { call });
        self.live.hang_up(call);
        let (services, call) = (self.services.clone(), call.clone());
        tokio::spawn(async move { services.end_call(&call, CallEnd::Completed).await });
    }

    fn turn_away(&self, dialled: &str) -> Reply {
        let lines = self.lines.now();
        let flow = lines.dialled(dialled);
        let language = flow.language_of(dialled).unwrap_or(flow.start().language);
        let (wording, pace) = (lines.wording().clone(), Pace::Usual);
        let player = self.player.clone();
        Reply { wording, language, say: vec![Prompt::busy()], pace, player, then: Then::HangUp }
    }
}

impl Conversation for Driver {
    async fn dialled(&self, call: Call, language: Option<Language>) -> Reply {
        let Some(_place) = self.admission.new_call() else {
            self.telemetry.record(&Occurrence::TurnedAway { class: "new" });
            return self.turn_away(&call.dialled);
        };
        self.telemetry.record(&Occurrence::Dialled { call: &call });
        self.begin(&call, language, None).await
    }

    async fn step(&self, call: Call, step: &str, event: Event) -> Reply {
        let Some(_place) = self.admission.step() else {
            self.telemetry.record(&Occurrence::TurnedAway { class: "running" });
            return self.turn_away(&call.dialled);
        };
        self.go_on(&call, step, event).await
    }

    async fn recorded(&self, call: Call, step: &str, recording: Recording) -> bool {
        let Some(_place) = self.admission.step() else { return false };
        // Not ours, or of a key that is gone: there is nothing to keep it with, now or later.
        let Ok(Journey { turn, line, state, .. }) = self.seal.open(&call, step) else { return true };
        let lines = self.lines.now();
        let flow = lines.named(&line).unwrap_or_else(|| lines.dialled(&call.dialled));
        let event = Event::Recorded { recording: Some(recording), hung_up: true };
        let (state, step) = flow.step(state, event, self.clock.now());
        // The conversation goes on by itself, if it does: here is only seen to it that the recording is kept.
        let Next::Ask(request) = step.next else { return true };
        let place = state.place.name().to_owned();
        let answer = self.services.perform(&call, turn * MOST_QUESTIONS, request).await;
        self.telemetry.record(&Occurrence::Asked { call: &call, place: &place, answer: &answer });
        answer != Answer::Unavailable
    }

    async fn ended(&self, call: Call, how: CallEnd) {
        let now = self.clock.now();
        self.live.end(&call, now);
        if let Some(recorder) = &self.recorder {
            recorder.ended(&call, now);
        }
        self.telemetry.record(&Occurrence::CallEnded { call: &call, how });
        self.services.end_call(&call, how).await;
    }

    async fn resume(&self, call: Call) -> Reply {
        let Some(_place) = self.admission.step() else {
            self.telemetry.record(&Occurrence::TurnedAway { class: "running" });
            return self.turn_away(&call.dialled);
        };
        self.telemetry.record(&Occurrence::Resumed { call: &call });
        self.begin(&call, None, Some(Prompt::resumed())).await
    }

    fn busy(&self) -> (Language, Box<str>) {
        let reply = self.turn_away("");
        let text = reply.wording.of(reply.language).speak_all(&reply.say).text();
        (reply.language, text.into())
    }
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
