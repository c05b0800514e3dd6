//! What the running hotline tells of itself: one occurrence is one log line and its metric, made together.
//!
//! No occurrence holds what a caller keyed or heard: an answer is known here by its kind, a caller by nothing.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::Duration;

use crate::call::caller::{Call, CallEnd};
use crate::dialog::{Answer, Denied, Guard, LossOutcome, MessageAnswer, NewPin, PinChange, PinCheck, SignInOutcome};
use crate::fault::{Fault, Faults};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are what their types say")]
pub enum Occurrence<'o> {
    /// A call came in.
    Dialled { call: &'o Call },
    /// A turn of a call was taken.
    Turn { call: &'o Call, turn: u16, place: &'o str },
    /// The dialog asked the world.
    Asked { call: &'o Call, place: &'o str, answer: &'o Answer },
    /// The dialog has ended a call.
    CallOver { call: &'o Call },
    /// The platform told that a call is over.
    CallEnded { call: &'o Call, how: CallEnd },
    /// A webhook had failed; the call goes on from the greeting.
    Resumed { call: &'o Call },
    /// A step was not sealed by us for the call it came with.
    StepNotOurs { dialect: &'static str },
    /// All places were taken.
    TurnedAway { class: &'static str },
    /// Lines and wording were read again, checked, and taken.
    LinesTaken { lines: usize, took: Duration },
    /// Lines and wording were read again; they have faults, and those in force stay.
    LinesRefused { faults: &'o Faults },
    /// A finished call was written as a transcript.
    Recorded,
    /// A call that was to be recorded is not.
    NotRecorded { why: &'static str },
    /// Recordings were deleted because they are old.
    RecordingsDeleted { many: usize },
    /// A request was answered.
    Answered { route: &'o str, status: u16, took: Duration },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DialectLabel {
    dialect: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    answer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GradeLabel {
    grade: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
    status: u16,
}

/// Writes what happens to the log and counts it.
pub struct Telemetry {
    registry: Registry,
    calls: Family<DialectLabel, Counter>,
    calls_over: Family<DialectLabel, Counter>,
    turns: Family<DialectLabel, Counter>,
    answers: Family<AnswerLabel, Counter>,
    ratings: Family<GradeLabel, Counter>,
    steps_not_ours: Family<DialectLabel, Counter>,
    turned_away: Family<ClassLabel, Counter>,
    reloads: Family<OutcomeLabel, Counter>,
    recordings: Family<OutcomeLabel, Counter>,
    requests: Family<RouteLabel, Counter>,
    request_seconds: Histogram,
    live_calls: Gauge,
    spray_level: Gauge,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl Telemetry {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0];
        let mut telemetry = Self {
            registry: Registry::with_prefix("hotline"),
            calls: Family::default(),
            calls_over: Family::default(),
            turns: Family::default(),
            answers: Family::default(),
            ratings: Family::default(),
            steps_not_ours: Family::default(),
            turned_away: Family::default(),
            reloads: Family::default(),
            recordings: Family::default(),
            requests: Family::default(),
            request_seconds: Histogram::new(seconds),
            live_calls: Gauge::default(),
            spray_level: Gauge::default(),
        };
        let registry = &mut telemetry.registry;
        registry.register("calls", "Calls that came in", telemetry.calls.clone());
        registry.register("calls_over", "Calls whose end the platform told", telemetry.calls_over.clone());
        registry.register("turns", "Turns taken", telemetry.turns.clone());
        registry.register("answers", "Answers to what the dialog asked, by kind", telemetry.answers.clone());
        registry.register("ratings", "Ratings of callers, by grade", telemetry.ratings.clone());
        registry.register("steps_not_ours", "Steps not sealed by us for their call", telemetry.steps_not_ours.clone());
        registry.register(
            "turned_away",
            "Webhooks turned away because all places were taken",
            telemetry.turned_away.clone(),
        );
        registry.register("reloads", "Lines and wording read again, by outcome", telemetry.reloads.clone());
        registry.register(
            "recordings",
            "Calls written as transcripts, and those left out, by reason",
            telemetry.recordings.clone(),
        );
        registry.register("requests", "HTTP requests by route and status", telemetry.requests.clone());
        registry.register("request_seconds", "Seconds to answer an HTTP request", telemetry.request_seconds.clone());
        registry.register(
            "live_calls",
            "Calls that are up, as far as this node has seen them",
            telemetry.live_calls.clone(),
        );
        registry.register(
            "spray_level",
            "How much sign-ins on this node look like an attack: 0 to 3",
            telemetry.spray_level.clone(),
        );
        telemetry
    }

    /// Writes the line and counts.
    pub fn record(&self, occurrence: &Occurrence<'_>) {
        match *occurrence {
            Occurrence::Dialled { call } => {
                tracing::info!(dialect = call.dialect, call = %Printable(&call.id), caller = ?call.caller, "call came in");
                self.calls.get_or_create(&DialectLabel { dialect: call.dialect }).inc();
            }
            Occurrence::Turn { call, turn, place } => {
                tracing::debug!(dialect = call.dialect, call = %Printable(&call.id), turn, place, "turn");
                self.turns.get_or_create(&DialectLabel { dialect: call.dialect }).inc();
            }
            Occurrence::Asked { call, place, answer } => {
                let label = kind(answer);
                tracing::info!(dialect = call.dialect, call = %Printable(&call.id), place, answer = label, "asked");
                self.answers.get_or_create(&AnswerLabel { answer: label }).inc();
                if let Answer::Rated(grade) = answer {
                    self.ratings.get_or_create(&GradeLabel { grade: grade.as_str() }).inc();
                }
            }
            Occurrence::CallOver { call } => {
                tracing::debug!(dialect = call.dialect, call = %Printable(&call.id), "hung up");
            }
            Occurrence::CallEnded { call, how } => {
                tracing::info!(dialect = call.dialect, call = %Printable(&call.id), ?how, "call is over");
                self.calls_over.get_or_create(&DialectLabel { dialect: call.dialect }).inc();
            }
            Occurrence::Resumed { call } => {
                tracing::warn!(dialect = call.dialect, call = %Printable(&call.id), "resumed after a failed webhook");
            }
            Occurrence::StepNotOurs { dialect } => {
                tracing::warn!(dialect, "step not sealed by us for this call");
                self.steps_not_ours.get_or_create(&DialectLabel { dialect }).inc();
            }
            Occurrence::TurnedAway { class } => {
                tracing::warn!(class, "turned away: all places are taken");
                self.turned_away.get_or_create(&ClassLabel { class }).inc();
            }
            Occurrence::LinesTaken { lines, took } => {
                tracing::info!(lines, millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "lines taken");
                self.reloads.get_or_create(&OutcomeLabel { outcome: "taken" }).inc();
            }
            Occurrence::LinesRefused { faults } => {
                for Fault { source, line, problem, remedy } in &faults.0 {
                    tracing::error!(file = %source, line, problem, remedy, "fault in lines or wording");
                }
                tracing::error!(faults = faults.0.len(), "lines not taken: those in force stay");
                self.reloads.get_or_create(&OutcomeLabel { outcome: "refused" }).inc();
            }
            Occurrence::Recorded => {
                tracing::debug!("call recorded");
                self.recordings.get_or_create(&OutcomeLabel { outcome: "written" }).inc();
            }
            Occurrence::NotRecorded { why } => {
                tracing::debug!(why, "call not recorded");
                self.recordings.get_or_create(&OutcomeLabel { outcome: why }).inc();
            }
            Occurrence::RecordingsDeleted { many } => tracing::info!(many, "old recordings deleted"),
            Occurrence::Answered { route, status, took } => {
                tracing::debug!(
                    route,
                    status,
                    micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    "answered"
                );
                self.requests.get_or_create(&RouteLabel { route: route.to_owned(), status }).inc();
                self.request_seconds.observe(took.as_secs_f64());
            }
        }
    }

    /// The metrics as text (`OpenMetrics` 1.0).
    #[must_use]
    pub fn metrics(&self, live_calls: usize, spray_level: u8) -> String {
        self.spray_level.set(spray_level.into());
        self.live_calls.set(i64::try_from(live_calls).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

/// A platform's word in a log line: without what could break the line, and never longer than any id is.
struct Printable<'t>(&'t str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().take(64).filter(char::is_ascii_graphic).try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Identified(_) => "identified",
        Answer::SignIn(SignInOutcome::Granted(..)) => "granted",
        Answer::SignIn(SignInOutcome::Refused) | Answer::PinCheck(PinCheck::Denied(Denied::Refused)) => "refused",
        Answer::SignIn(SignInOutcome::Locked { .. }) | Answer::PinCheck(PinCheck::Denied(Denied::Locked { .. })) => {
            "locked"
        }
        Answer::SignIn(SignInOutcome::InitialPin(_)) => "initial_pin",
        Answer::SignIn(SignInOutcome::Barred) | Answer::PinCheck(PinCheck::Denied(Denied::Barred)) => "barred",
        Answer::PinCheck(PinCheck::Right(_)) => "pin_right",
        Answer::PinCheck(PinCheck::CardStopped) | Answer::PinChange(PinChange::CardStopped) => "card_stopped",
        Answer::NewPin(NewPin::Good(_)) => "pin_good",
        Answer::NewPin(NewPin::TooEasy(_)) => "pin_too_easy",
        Answer::PinChange(PinChange::Done(_)) => "pin_changed",
        Answer::PinChange(PinChange::Mismatch) => "pin_mismatch",
        Answer::PinChange(PinChange::Overtaken) => "pin_overtaken",
        Answer::PinChange(PinChange::TurnedAway) => "turned_away",
        Answer::SignIn(SignInOutcome::CallerLimit) | Answer::PinCheck(PinCheck::Denied(Denied::CallerLimit)) => {
            "caller_limit"
        }
        Answer::SignIn(SignInOutcome::Closed)
        | Answer::PinCheck(PinCheck::Denied(Denied::Closed))
        | Answer::Guard(Guard::Closed) => "closed",
        Answer::Guard(Guard::Open) => "no_guard",
        Answer::Guard(Guard::Challenge(_)) => "challenge",
        Answer::PersonalBalance(_) => "personal_balance",
        Answer::PooledFund(..) => "pooled_fund",
        Answer::Transactions(_) => "transactions",
        Answer::Coverage(_) => "status",
        Answer::Rated(_) => "rated",
        Answer::MutualAid(_) => "mutual_aid",
        Answer::Card(_) => "card",
        Answer::Message(MessageAnswer::Number(_)) => "phone_number",
        Answer::Message(MessageAnswer::Kept(_)) => "message_kept",
        Answer::Message(MessageAnswer::Sent(_)) => "message_sent",
        Answer::Message(MessageAnswer::Discarded) => "message_discarded",
        Answer::Message(MessageAnswer::Progress(Some(_))) => "message_progress",
        Answer::Message(MessageAnswer::Progress(None)) => "message_unknown",
        Answer::Message(MessageAnswer::NoTryLeft) => "message_tries_used_up",
        Answer::Loss(LossOutcome::Done(_)) => "loss_done",
        Answer::Loss(LossOutcome::NotDone(_)) => "loss_not_done",
        Answer::Unavailable => "unavailable",
        Answer::Superseded => "superseded",
        Answer::CallEnded => "call_ended",
    }
}
