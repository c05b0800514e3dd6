//! Transcripts of the ways that nobody has walked yet: the shortest call to each, and on from there to others close by.
//!
//! The walk over the flow ([`keyed`](crate::dialog::keyed)) proposes calls, with a member of the sample register and
//! what may have happened before; the hotline itself, in this process, decides: a call is written down as far as it
//! went as proposed, with the words that were heard, and only if it walked something new. What no call walks is told,
//! and stays missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::bless::as_expected;
use super::coverage::Coverage;
use super::pattern::Difference;
use super::play::{Act as Happening, Played, Scene, Wrong};
use super::readings::is_digit_heard;
use super::report::Outcome;
use super::run::{Replay, files};
use super::script::{Before, Script, prepare, rows};
use super::transcript::clock_of_calls;
use crate::dialog::keyed::{Walk, Way};
use crate::dialog::{DialledNumber, Flow};
use crate::fault::{Fault, Faults};

/// A call goes on to ways close by until it has so many acts.
const LONGEST: usize = 16;
/// So far off is close by.
const CLOSE: usize = 3;
/// So often in a row may nothing new be walked before the rest is given up.
const IDLE: usize = 8;
/// After so many rounds each way has a call of its own.
const TOGETHER: usize = 4;
/// Other ways to the same that are tried.
const ROUTES: usize = 8;
/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// The transcripts that were written.
    pub written: Vec<PathBuf>,
    /// The ways that no call walked.
    pub left: Vec<Way>,
}

/// Writes transcripts of what `coverage` misses of `flow` into `folder`; tells `told` how many ways are missing still.
///
/// # Errors
/// The folder cannot be written, or nothing can be replayed.
pub fn generate(
    replay: &Replay,
    flow: &Flow,
    coverage: &Coverage,
    folder: &Path,
    told: &dyn Fn(usize),
) -> Result<Generated, Faults> {
    let unwritten = |e: std::io::Error| {
        Faults(vec![Fault::of(&folder.display().to_string(), format!("cannot be written: {e}"), "make it writable")])
    };
    std::fs::create_dir_all(folder).map_err(unwritten)?;
    let walks = Walk::of(flow, clock_of_calls());
    let mut missing: BTreeSet<Way> = coverage.missing().cloned().collect();
    let mut tried: BTreeMap<Way, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    let (mut idle, mut round) = (0, 0);
    while idle < IDLE {
        told(missing.len());
        let before = missing.len();
        let proposer = Proposer { walks: &walks, missing: &missing };
        let drafts = proposer.propose(&mut tried, round < TOGETHER);
        round += 1;
        if drafts.is_empty() {
            break;
        }
        let trial = tempfile::tempdir().map_err(unwritten)?;
        let dialled = dialled(flow);
        for (nth, draft) in drafts.iter().enumerate() {
            let text =
                draft.script.text(&format!("DRAFT-{nth}"), "", &dialled, draft.at(&walks), &draft.nothing_heard());
            std::fs::write(trial.path().join(format!("{nth:06}.call")), text).map_err(unwritten)?;
        }
        let report = replay.run(&[trial.path().to_owned()], &|_| ())?;
        for (draft, file) in drafts.into_iter().zip(&report.files) {
            let played = match &file.outcome {
                Outcome::Played(_, played) => played.first(),
                // A value that this member does not have, for one.
                _ => None,
            };
            if let Some(call) = played.and_then(|played| draft.kept(played, &walks, &mut missing)) {
                kept.push(call);
            }
        }
        idle = if missing.len() < before { 0 } else { idle + 1 };
    }
    let written = write(replay, flow, &walks, &kept, folder, &mut missing)?;
    Ok(Generated { written, left: missing.into_iter().collect() })
}

/// A number that reaches `flow`.
pub(super) fn dialled(flow: &Flow) -> String {
    flow.dialled.first().map_or(&*flow.name, DialledNumber::as_str).to_owned()
}

/// A call that may walk something new.
struct Draft {
    walk: usize,
    /// From which stop, by which of its moves.
    moves: Vec<(usize, usize)>,
    script: Script,
}

impl Draft {
    fn at(&self, walks: &[Walk]) -> jiff::Timestamp {
        walks.get(self.walk).map_or_else(clock_of_calls, |walk| walk.at)
    }

    fn nothing_heard(&self) -> Vec<String> {
        vec![String::new(); self.script.len()]
    }

    /// The call as far as it went as proposed, and walked something that is `missing`, which then is so no more.
    fn kept(self, played: &Played, walks: &[Walk], missing: &mut BTreeSet<Way>) -> Option<Call> {
        let text = self.script.text("DRAFT", "", "", self.at(walks), &self.nothing_heard());
        let first = self.script.lines_before(&text);
        let (mut heard, mut new, mut from) = (Vec::new(), Vec::new(), "start".to_owned());
        let mut until = 0;
        for (nth, (stop, a_move)) in self.moves.iter().enumerate() {
            let a_move = walks.get(self.walk)?.stops.get(*stop)?.moves.get(*a_move)?;
            let Some((said, place)) = heard_at(&played.scenes, first + nth + 1) else { break };
            let on = a_move.act.name();
            let way = [a_move.way.on.as_ref(), on.as_str()]
                .into_iter()
                .map(|on| Way { from: from.as_str().into(), on: on.into(), to: place.as_str().into() })
                .find(|way| missing.contains(way));
            let is_new = way.is_some();
            // What is on the way only is expected elsewhere.
            heard.push(if is_new { expectation(said, &place) } else { String::new() });
            if let Some(way) = way {
                missing.remove(&way);
                new.push(way);
                until = nth + 1;
            }
            if *place != *a_move.way.to {
                break;
            }
            from = place;
        }
        heard.truncate(until);
        (!new.is_empty()).then_some(Call { draft: self, heard, new })
    }
}

/// What was heard after the act in `line`, and where.
fn heard_at(scenes: &[Scene], line: usize) -> Option<(&str, String)> {
    scenes.iter().filter(|scene| scene.line == line).find_map(|scene| match &scene.act {
        Happening::Heard { said, place, .. } => Some((said.as_str(), place.clone()?)),
        _ => None,
    })
}

/// What was heard, as it is to be heard again.
fn expectation(said: &str, place: &str) -> String {
    format!("{} @{place}", as_expected(said))
}

/// A call that walked something new.
struct Call {
    draft: Draft,
    /// What followed each act.
    heard: Vec<String>,
    new: Vec<Way>,
}

/// A move, and what the world answers from the dial tone to its end.
struct Route {
    walk: usize,
    stop: usize,
    nth: usize,
    answers: Vec<&'static str>,
}

struct Proposer<'p> {
    walks: &'p [Walk],
    missing: &'p BTreeSet<Way>,
}

impl Proposer<'_> {
    /// A call to each way that is missing and on the way of no other; the next in turn of all that may lead there. Empty when
    /// none is left.
    fn propose(&self, tried: &mut BTreeMap<Way, usize>, together: bool) -> Vec<Draft> {
        let mut planned = BTreeSet::new();
        let mut drafts = Vec::new();
        for way in self.missing {
            if together && planned.contains(way) {
                continue;
            }
            let turn = tried.entry(way.clone()).or_default();
            let nth = *turn;
            *turn += 1;
            if let Some(draft) = self.draft(way, nth, &mut planned) {
                drafts.push(draft);
            }
        }
        drafts
    }

    fn draft(&self, way: &Way, nth: usize, planned: &mut BTreeSet<Way>) -> Option<Draft> {
        let routes = self.routes(way);
        let mut each = routes.iter().flat_map(|route| rows(&route.answers).iter().map(move |row| (route, *row)));
        let (Route { walk: walk_nth, stop, nth: nth_move, answers }, row) = each.nth(nth)?;
        let (walk_nth, stop, nth_move) = (*walk_nth, *stop, *nth_move);
        let walk = self.walks.get(walk_nth)?;
        let mut moves = path(walk, stop);
        moves.push((stop, nth_move));
        self.go_on(walk, &mut moves, planned);
        let before = Before::of(answers);
        let mut script = Script::new(row, before == Before::NearlyLocked || answers.contains(&"number withheld"));
        prepare(&mut script, walk, before)?;
        for (stop, nth) in &moves {
            let stop = walk.stops.get(*stop)?;
            let a_move = stop.moves.get(*nth)?;
            planned.insert(a_move.way.clone());
            script.act(&stop.place, a_move);
        }
        Some(Draft { walk: walk_nth, moves, script })
    }

    /// The moves that go `way`, from stops that were reached by other answers, the shortest first.
    fn routes(&self, way: &Way) -> Vec<Route> {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        for (walk_nth, walk) in self.walks.iter().enumerate() {
            for (stop_nth, stop) in walk.stops.iter().enumerate().filter(|(_, stop)| stop.place == way.from) {
                for (nth, a_move) in stop.moves.iter().enumerate().filter(|(_, a_move)| a_move.way == *way) {
                    let before = walk.moves_to(stop_nth).into_iter().flat_map(|a_move| a_move.answers.clone());
                    let answers: Vec<_> = before.chain(a_move.answers.clone()).collect();
                    if known.insert((answers.clone(), a_move.late)) {
                        found.push(Route { walk: walk_nth, stop: stop_nth, nth, answers });
                    }
                    if found.len() >= ROUTES {
                        return found;
                    }
                }
            }
        }
        found
    }

    /// Goes on from the last of `moves` to ways close by that are missing.
    fn go_on(&self, walk: &Walk, moves: &mut Vec<(usize, usize)>, planned: &BTreeSet<Way>) {
        let mut own = BTreeSet::new();
        loop {
            let last = moves.last().and_then(|(stop, nth)| walk.stops.get(*stop)?.moves.get(*nth));
            let Some(last) = last else { return };
            own.insert(&last.way);
            let Some(stop) = last.stop else { return };
            let wanted = |way: &Way| self.missing.contains(way) && !planned.contains(way) && !own.contains(way);
            let Some(more) = nearest(walk, stop, wanted) else { return };
            if moves.len() + more.len() > LONGEST {
                return;
            }
            moves.extend(more);
        }
    }
}

/// The moves from the dial tone to `stop`, each as its stop and number.
fn path(walk: &Walk, stop: usize) -> Vec<(usize, usize)> {
    let mut path = Vec::new();
    let mut at = stop;
    while let Some(reached) = walk.stops.get(at).and_then(|stop| stop.reached) {
        path.push(reached);
        at = reached.0;
    }
    path.reverse();
    path
}

/// The shortest way from `stop` that ends with one that is wanted, if it is close by. A way that ends the call comes last.
fn nearest(walk: &Walk, stop: usize, wanted: impl Fn(&Way) -> bool) -> Option<Vec<(usize, usize)>> {
    let mut queue = VecDeque::from([(stop, Vec::new())]);
    let mut seen = BTreeSet::from([stop]);
    let mut ending = None;
    while let Some((at, moves)) = queue.pop_front() {
        for (nth, a_move) in walk.stops.get(at)?.moves.iter().enumerate().filter(|(_, a_move)| !a_move.late) {
            let moves: Vec<_> = moves.iter().copied().chain([(at, nth)]).collect();
            if wanted(&a_move.way) {
                if a_move.stop.is_some() {
                    return Some(moves);
                }
                ending.get_or_insert(moves);
            } else if let Some(next) = a_move.stop.filter(|next| moves.len() < CLOSE && seen.insert(*next)) {
                queue.push_back((next, moves));
            }
        }
    }
    ending
}

/// Writes the calls, replays them, and leaves open what is heard otherwise each time: numbers that are drawn. A call in
/// which anything else differs is taken back, and what it walked is `missing` still.
fn write(
    replay: &Replay,
    flow: &Flow,
    walks: &[Walk],
    calls: &[Call],
    folder: &Path,
    missing: &mut BTreeSet<Way>,
) -> Result<Vec<PathBuf>, Faults> {
    let unwritten = |path: &Path, e: std::io::Error| {
        Faults(vec![Fault::of(&path.display().to_string(), format!("cannot be written: {e}"), "make it writable")])
    };
    let first =
        1 + files(&[folder.to_owned()]).unwrap_or_default().iter().filter_map(|path| number(path)).max().unwrap_or(0);
    let mut written = Vec::new();
    for (nth, call) in calls.iter().enumerate() {
        let id = format!("GEN-{:04}", first + nth);
        let path = folder.join(format!("{id}.call"));
        let text = call.draft.script.text(&id, &title(flow, call), &dialled(flow), call.draft.at(walks), &call.heard);
        std::fs::write(&path, text).map_err(|e| unwritten(&path, e))?;
        written.push(path);
    }
    if written.is_empty() {
        return Ok(written);
    }
    for file in &replay.run(&written, &|_| ())?.files {
        let path = Path::new(&file.source);
        let drawn = drawn(&file.outcome);
        if drawn.is_empty() {
            continue;
        }
        let text = std::fs::read_to_string(path).map_err(|e| unwritten(path, e))?;
        let lines = text.lines().enumerate().map(|(nth, line)| match line.rsplit_once(" @") {
            Some((_, place)) if drawn.contains(&(nth + 1)) => format!("‹ {{…}} @{place}\n"),
            _ => format!("{line}\n"),
        });
        std::fs::write(path, lines.collect::<String>()).map_err(|e| unwritten(path, e))?;
    }
    let mut kept = Vec::new();
    for ((file, path), call) in replay.run(&written, &|_| ())?.files.iter().zip(written).zip(calls) {
        if matches!(&file.outcome, Outcome::Played(_, played) if played.iter().all(|played| played.mismatches.is_empty()))
        {
            kept.push(path);
        } else {
            std::fs::remove_file(&path).map_err(|e| unwritten(&path, e))?;
            missing.extend(call.new.iter().cloned());
        }
    }
    Ok(kept)
}

/// The lines in which nothing but digits was heard otherwise than before.
fn drawn(outcome: &Outcome) -> BTreeSet<usize> {
    let Outcome::Played(_, played) = outcome else { return BTreeSet::new() };
    let in_digits = |difference: &Difference| {
        let mut other = difference.expected.iter().chain(&difference.heard).filter(|run| !run.same);
        other.all(|run| run.text.chars().all(is_digit_heard))
    };
    let lines = played.iter().flat_map(|played| &played.mismatches).filter_map(|mismatch| match &mismatch.what {
        Wrong::Heard { difference, .. } if in_digits(difference) => Some(mismatch.line),
        _ => None,
    });
    lines.collect()
}

/// The number in the name of a transcript that was generated.
fn number(path: &Path) -> Option<usize> {
    path.file_stem()?.to_str()?.strip_prefix("GEN-")?.parse().ok()
}

/// What a call is about: where it walks what nobody walked before.
fn title(flow: &Flow, call: &Call) -> String {
    let mut places: Vec<&str> = Vec::new();
    for way in &call.new {
        if places.last() != Some(&&*way.from) {
            places.push(&way.from);
        }
    }
    format!("{} 由按键走通：{}", flow.name, places.join(" "))
}
