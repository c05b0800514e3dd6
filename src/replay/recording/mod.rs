//! Calls of a running hotline as transcripts: each is made into one, replayed in this process on a hotline of its own, and
//! written only if the same is heard as in the call.
//!
//! What a [`Take`] holds is nobody's: shapes, shifted values, the names of prompts. Here it gets people who do not
//! exist ([`cast`]) and becomes a text ([`mod@script`]). A first replay holds it against the call: the places, the
//! words that everybody hears, the other prompts by their names. What was heard then is written down in full, and must
//! be heard in a second replay.

mod cast;
mod script;

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};
use tracing::subscriber::{NoSubscriber, with_default};

use super::play::Act;
use super::report::Outcome;
use super::run::Replay;
use super::stage::Origin;
use super::words::Word;
use crate::clock::Clock;
use crate::record::{Folder, Take, Why};
use crate::telemetry::{Occurrence, Telemetry};
use cast::Cast;
use script::script;

/// How often recordings are looked through for those that are too old.
const SWEEP: Duration = Duration::from_mins(10);

/// Writes `takes` into `folder` as they come, replayed with the settings of `origin`, and deletes what is too old; as long as
/// the hotline runs.
pub async fn write_all(mut takes: Receiver<Take>, folder: Folder, origin: Origin, telemetry: &Telemetry) {
    let mut sweeps = interval(SWEEP);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = sweeps.tick() => sweep(&folder, telemetry).await,
            take = takes.recv() => {
                let Some(take) = take else { return };
                let (folder, origin) = (folder.clone(), origin.clone());
                // A tenth of a second of work, one call after the other: not on the threads that answer calls.
                let written = tokio::task::spawn_blocking(move || write(&take, &folder, &origin)).await;
                telemetry.record(&match written.unwrap_or(Err(Why::Unwritten)) {
                    Ok(()) => Occurrence::Recorded,
                    Err(why) => Occurrence::NotRecorded { why: why.name() },
                });
            }
        }
    }
}

async fn sweep(folder: &Folder, telemetry: &Telemetry) {
    let folder = folder.clone();
    let swept = tokio::task::spawn_blocking(move || folder.sweep(Clock::system().now())).await;
    match swept {
        Ok(Ok(0)) => {}
        Ok(Ok(many)) => telemetry.record(&Occurrence::RecordingsDeleted { many }),
        Ok(Err(trouble)) => tracing::error!(%trouble, "old recordings cannot be deleted"),
        Err(_) => tracing::error!("the search for old recordings broke off"),
    }
}

/// Makes a transcript of `take`, and writes it into `folder` if the same is heard when it is replayed.
///
/// # Errors
/// Why it was left out.
pub fn write(take: &Take, folder: &Folder, origin: &Origin) -> Result<(), Why> {
    if folder.is_full().map_err(unwritten)? {
        return Err(Why::TooMany);
    }
    let clock = super::transcript::OFFSET.to_datetime(take.began);
    let mark = take.shift.surrogate("file", 0, 1 << 16);
    let id = Folder::name(&format!("{}-{mark:04x}", clock.strftime("%Y%m%d-%H%M%S")));
    let files = transcript(take, &id, origin)?;
    folder.write(&files).map_err(unwritten)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it")]
fn unwritten(trouble: std::io::Error) -> Why {
    tracing::error!(%trouble, "a recording cannot be written");
    Why::Unwritten
}

/// The files of a recording called `id`, by their names.
///
/// # Errors
/// Why there is none.
pub fn transcript(take: &Take, id: &str, origin: &Origin) -> Result<Vec<(String, String)>, Why> {
    let cast = Cast::new(take);
    let mut files = Vec::new();
    let mut named: Vec<(Word, String)> = Vec::new();
    for (word, what, text) in cast.files().map_err(|_| Why::Unwritten)? {
        let name = format!("{id}-{what}.csv");
        named.push((word, name.clone()));
        files.push((name, text));
    }
    let draft = script(take, &cast, id, &named, None)?;
    let heard = rehearse(id, &draft, &files, origin)?;
    let text = script(take, &cast, id, &named, Some(&heard))?;
    rehearse(id, &text, &files, origin)?;
    files.push((format!("{id}.call"), text));
    Ok(files)
}

/// Replays `text` with `files` beside it: what each hearing said, if all was heard as it says.
fn rehearse(id: &str, text: &str, files: &[(String, String)], origin: &Origin) -> Result<Vec<String>, Why> {
    let stage = tempfile::tempdir().map_err(|_| Why::Unwritten)?;
    let put = |name: &str, text: &str| std::fs::write(stage.path().join(name), text).map_err(|_| Why::Unwritten);
    for (name, text) in files {
        put(name, text)?;
    }
    let name = format!("{id}.call");
    put(&name, text)?;
    // What this hotline logs is not of the hotline that runs.
    let played = with_default(NoSubscriber::new(), || played(&stage.path().join(name), origin));
    if let Err((why, wrong)) = &played {
        // Of surrogates, if of anything.
        tracing::debug!(recording = id, why = why.name(), wrong, "a call is heard otherwise when it is replayed");
    }
    played.map_err(|(why, _)| why)
}

/// What each hearing said; or why there is nothing to write, and the first thing that is wrong.
fn played(file: &Path, origin: &Origin) -> Result<Vec<String>, (Why, String)> {
    let replay = Replay { origin: origin.clone(), jobs: 1, dialects: None, chaos: None, against: None };
    let report = replay.run(&[file.to_owned()], &|_| {}).map_err(|faults| (Why::Unwritten, faults.to_string()))?;
    let played = match report.files.into_iter().next().map(|file| file.outcome) {
        Some(Outcome::Played(_, played)) => played.into_iter().next(),
        Some(Outcome::Unreadable(faults)) => return Err((Why::Differs, faults.to_string())),
        Some(Outcome::PassedOver(_)) | None => None,
    };
    let Some(played) = played else { return Err((Why::Differs, "is not played".to_owned())) };
    if let Some(mismatch) = played.mismatches.first() {
        let place = mismatch.place.as_deref().unwrap_or("nowhere");
        return Err((Why::Differs, format!("line {} @{place}: {}", mismatch.line, mismatch.what)));
    }
    let heard = played.scenes.into_iter().filter_map(|scene| match scene.act {
        Act::Heard { said, .. } => Some(said),
        _ => None,
    });
    Ok(heard.collect())
}
