//! `> 拨入 @place`: in the place of the line, the shortest way of a caller from the dial tone to there.
//!
//! The walk over the flow ([`keyed`](crate::dialog::keyed)) knows the ways, and one is written down as it is for
//! `hotline flow --generate`: calls that must have been before, then the call itself. What is written is read like any
//! transcript; its steps all stand in the line that asked for them, and its values have names that no file can write.
//! Whether the hotline is then where it should be is looked at when the way is played.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use similar::TextDiff;

use super::pattern::Part;
use super::readings::row_of;
use super::script::{Before, Script, prepare, rows};
use super::stage::Set;
use super::transcript::{Dialect, Does, Fault, From, Header, Press, Pressed, SecretValue, Step, Transcript, What};
use crate::dialog::Flow;
use crate::dialog::keyed::{Move, Stop, Walk, people_answer};
use crate::fault::{self, Faults};

/// So many names are told to whoever wrote one that is none.
const NEAREST: usize = 3;

/// What a caller can only do once, or what is counted against them: not for a hotline that others call.
pub(super) const LASTING: [&str; 10] = [
    "done and reported",
    "done and not reported",
    "change: done",
    "recording kept",
    "sent",
    "discarded",
    "refused",
    "PIN check: refused",
    "no such message",
    // Counted for the operator.
    "rated",
];

/// Every walk that dials have asked for, by the lines, the line's name, and whether people answer.
#[derive(Default)]
pub struct Ways {
    walks: HashMap<(PathBuf, Box<str>, bool), Arc<Walk>>,
}

/// A way, as the steps and values of a transcript.
struct Way {
    steps: Vec<Step>,
    secrets: Vec<SecretValue>,
    in_process_only: bool,
}

/// Who goes a way.
#[derive(Clone, Copy)]
struct Calling<'c> {
    dialled: &'c str,
    /// Whether nobody knows the number that calls.
    withheld: bool,
    /// The row of the register that the transcript names, if it names one.
    named: Option<usize>,
    /// How many rows there are.
    members: usize,
}

impl Ways {
    /// `transcript` as it is played by `dialect`: with the way in the place of each dial that names where it leads. Its
    /// first call is placed at `now`, to what `set` holds. `None`: as it is written.
    ///
    /// # Errors
    /// A place that no key leads to.
    pub fn put_in(
        &mut self,
        transcript: &Transcript,
        dialect: Dialect,
        set: &Set,
        now: Timestamp,
    ) -> Result<Option<Transcript>, Faults> {
        if !transcript.steps.iter().any(|step| step.dials_to().is_some()) {
            return Ok(None);
        }
        let Transcript { source, id, title, mut header, steps: written } = transcript.clone();
        let (mut steps, mut faults) = (Vec::new(), Vec::new());
        let mut at = now;
        for step in written {
            at = at.saturating_add(lasts(&step)).unwrap_or(at);
            let Some(place) = step.dials_to() else {
                steps.push(step);
                continue;
            };
            match self.way(&transcript.header, dialect, set, at, place) {
                Ok(way) => {
                    let new = way.secrets.into_iter().filter(|new| header.secrets.iter().all(|s| s.name != new.name));
                    let new: Vec<_> = new.map(|secret| SecretValue { line: step.line, ..secret }).collect();
                    header.secrets.extend(new);
                    header.in_process_only |= way.in_process_only;
                    let place = place.to_owned();
                    // The first step of any way is to dial: that one is written already.
                    let (line, way) = (step.line, way.steps.into_iter().skip(1));
                    steps.push(step);
                    steps.extend(way.map(|step| Step { line, ..step }));
                    steps.push(Step { line, what: What::Arrived(place), written: String::new() });
                }
                Err((problem, remedy)) => {
                    let line = Some(step.line);
                    faults.push(fault::Fault { line, ..fault::Fault::of(&source, problem, remedy) });
                }
            }
        }
        if faults.is_empty() { Ok(Some(Transcript { source, id, title, header, steps })) } else { Err(Faults(faults)) }
    }

    fn way(
        &mut self,
        header: &Header,
        dialect: Dialect,
        set: &Set,
        at: Timestamp,
        place: &str,
    ) -> Result<Way, (String, String)> {
        let flow = set.lines.dialled(&header.dialled);
        let open = people_answer(flow, at);
        // The JSON way in tells the number when the call comes in, and not again.
        let withheld = header.from == From::Withheld || dialect == Dialect::Browser;
        let named = header.secrets.iter().find_map(|secret| row_of(secret.whose, &set.members));
        let caller = Calling { dialled: &header.dialled, withheld, named, members: set.members.len() };
        let mut led_to = BTreeSet::new();
        if let Some(walk) = self.walk(flow, set, at, open) {
            let reached = walk.reached_by(|a_move| can_be(a_move, withheld));
            if let Some(way) = written(&walk, &reached, place, caller) {
                return way;
            }
            led_to.extend(reached.iter().skip(1).map(|(stop, _)| stop.place.clone()));
        }
        let otherwise = self.walk(flow, set, at, !open);
        if otherwise.is_some_and(|walk| walk.stops.iter().any(|stop| *stop.place == *place)) {
            let when = if open { "when people answer" } else { "when nobody answers" };
            let problem = format!("no key leads to @{place} on line {} {when}", flow.name);
            return Err((problem, "name another hour in the header: 时钟 (clock)".to_owned()));
        }
        let problem = format!("no key leads to @{place} on line {}", flow.name);
        Err((problem, format!("take a place of that line: {}", nearest(place, &led_to))))
    }

    fn walk(&mut self, flow: &Flow, set: &Set, at: Timestamp, open: bool) -> Option<Arc<Walk>> {
        let key = (set.settings.lines.directory.clone(), flow.name.clone(), open);
        if let Some(walk) = self.walks.get(&key) {
            return Some(Arc::clone(walk));
        }
        let walk = if people_answer(flow, at) == open { Walk::at(flow, at) } else { Walk::when(flow, at, open)? };
        let walk = Arc::new(walk);
        self.walks.insert(key, Arc::clone(&walk));
        Some(walk)
    }
}

/// Whether a move can be of a caller whose number is `withheld`, or is not.
fn can_be(a_move: &Move, withheld: bool) -> bool {
    let says = |answer: &str| a_move.answers.contains(&answer);
    // A number that was keyed is known, whoever keyed it.
    if withheld { !says("number known") || &*a_move.way.from == "message.phone" } else { !says("number withheld") }
}

/// The shortest way to `place` of all that were `reached` in `walk`. `None`: there is none.
fn written(
    walk: &Walk,
    reached: &[(&Stop, Vec<&Move>)],
    place: &str,
    caller: Calling<'_>,
) -> Option<Result<Way, (String, String)>> {
    let Calling { dialled, withheld, named, members } = caller;
    let stops = reached.iter().skip(1).filter(|(stop, _)| &*stop.place == place);
    let targets = stops.map(|(stop, moves)| {
        let answers: Vec<_> = moves.iter().flat_map(|a_move| a_move.answers.iter().copied()).collect();
        let before = Before::of(&answers);
        let fits = named.is_none_or(|row| rows(&answers).contains(&row));
        ((stop.missed, before != Before::Nothing, !fits), (moves, answers, before))
    });
    // Who shows their number is forgiven what they tried: so near to a lock they do not come.
    let mut targets: Vec<_> = targets.filter(|(_, (.., before))| withheld || *before != Before::NearlyLocked).collect();
    // Without anything that went wrong, or was done in calls before, if that can be; of these the shortest.
    targets.sort_by_key(|(rank, _)| *rank);
    let mut scripts = targets.into_iter().filter_map(|(_, (moves, answers, before))| {
        let row = named.or_else(|| rows(&answers).iter().copied().find(|row| *row <= members)).unwrap_or(1);
        let mut script = Script::new(row, withheld);
        prepare(&mut script, walk, before)?;
        for a_move in moves {
            script.act(&a_move.way.from, a_move);
        }
        let lasting = before != Before::Nothing || answers.iter().any(|answer| LASTING.contains(answer));
        let text = script.text("WAY", place, dialled, walk.at, &vec![String::new(); script.len()]);
        Some(read(&text, row, lasting))
    });
    scripts.next()
}

/// Reads a way that was written for the member in `row`.
fn read(text: &str, row: usize, in_process_only: bool) -> Result<Way, (String, String)> {
    let unread = |faults: Faults| (format!("the way there cannot be written down: {faults}"), "report it".to_owned());
    let Transcript { header, mut steps, .. } = Transcript::parse("way", text.as_bytes()).map_err(unread)?;
    // A name in a file has no such mark.
    let own = |name: &mut String| *name = format!("{name}@{row}");
    for step in &mut steps {
        match &mut step.what {
            What::Caller { does: Does::Press(Press { keys, .. }), .. } => {
                for key in keys {
                    if let Pressed::Secret(name) = key {
                        own(name);
                    }
                }
            }
            What::Heard(expected) => {
                for (part, _) in &mut expected.parts {
                    if let Part::Capture(name) = part {
                        own(name);
                    }
                }
            }
            _ => {}
        }
    }
    let mut secrets = header.secrets;
    for secret in &mut secrets {
        own(&mut secret.name);
    }
    Ok(Way { steps, secrets, in_process_only })
}

/// How much time a step lets go by, as it is written: what it takes to speak and to press makes no other hour of it.
fn lasts(step: &Step) -> Duration {
    match &step.what {
        What::Caller { after, .. } => *after,
        What::Fault(Fault::Wait(time) | Fault::Delay(time)) => *time,
        _ => Duration::ZERO,
    }
}

/// The names of places that look most like `place`.
fn nearest(place: &str, places: &BTreeSet<Box<str>>) -> String {
    let mut places: Vec<&str> = places.iter().map(AsRef::as_ref).collect();
    let alike = |name: &str| TextDiff::from_chars(place, name).ratio();
    // Stable: of two that look as much alike, the first by name.
    places.sort_by(|a, b| alike(b).total_cmp(&alike(a)));
    places.iter().take(NEAREST).map(|name| format!("@{name}")).collect::<Vec<_>>().join(", ")
}
