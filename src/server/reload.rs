//! Lines, wording and clips, read again while calls run: when the process gets SIGHUP or, with `lines.watch`, when a file of them
//! is saved. What is read is checked as `hotline check` does, and only then taken, as one piece.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{App, per_call, read_lines, speechless_lines, unfit_lines, warn_of_missed};
use crate::call::lines::{Lines, Sources};
use crate::config::{Profile, Settings};
use crate::fault::{Fault, Faults};
use crate::telemetry::Occurrence;
use crate::voice::{Library, Manifests};

/// How often the files are looked at, with `lines.watch`: read and compared, some milliseconds. No events of the
/// file system are asked for, because they do not tell of files on a network, in a container's mount, or in a folder that was
/// put in the place of another.
const LOOK: Duration = Duration::from_millis(500);
/// So long files must stay as they are to be whole: some editors write them in several goes.
const SETTLED: Duration = Duration::from_millis(100);

/// That lines are to be read again. Asked for again while they are read, they are read once more after.
#[derive(Debug, Default)]
pub struct Asked(Notify);

impl Asked {
    /// Asks for it, as SIGHUP does.
    pub fn ask(&self) {
        self.0.notify_one();
    }
}

/// What is read again, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    sources: Sources,
    manifests: Manifests,
}

/// What was checked, and may be put in force.
struct Fit {
    lines: Lines,
    library: Library,
    /// What only clips could say, and cannot: no worse than before.
    speechless: Vec<Fault>,
}

impl App {
    /// Reads lines, wording and clips again, checks them wholly, and takes them. Calls go on: each with the new lines from its next
    /// turn on.
    ///
    /// # Errors
    /// Every fault; what was in force stays so.
    pub async fn reload(&self, settings: &Settings) -> Result<(), Faults> {
        let files = read(settings).await?;
        self.take(settings, files).await
    }

    /// Reloads whenever it is `asked` for and, if the settings want it, whenever the files are others than before; until the
    /// process ends.
    pub async fn reload_when_asked(&self, settings: &Settings, asked: Arc<Asked>) {
        let manifests = read(settings).await.map(|read| read.manifests);
        let mut last = manifests.map(|manifests| Read { sources: self.lines().sources().clone(), manifests });
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let found = tokio::select! {
                () = asked.0.notified() => read(settings).await,
                _ = looks.tick(), if settings.lines.watch => match read(settings).await {
                    found if found == last => continue,
                    changed => settled(settings, changed).await,
                },
            };
            last.clone_from(&found);
            let Ok(found) = found else { continue };
            // How it went is recorded where it is done; what has a fault is not looked at again until it is changed.
            let _ = self.take(settings, found).await;
        }
    }

    async fn take(&self, settings: &Settings, read: Read) -> Result<(), Faults> {
        let start = tokio::time::Instant::now();
        let (owned, lines, library) = (settings.clone(), self.lines(), self.library.clone());
        // A second or more of work: not on the threads that answer calls.
        let checked = tokio::task::spawn_blocking(move || check(&owned, read, &lines, &library)).await;
        let checked = checked.unwrap_or_else(|_| Err(broken_off()));
        match checked {
            Ok(Fit { lines, library, speechless }) => {
                warn_of_missed(settings, &lines);
                for fault in &speechless {
                    tracing::warn!("{fault}");
                }
                // First, so that no call has fewer tries than its line says, and none wording without clips.
                self.driver.services().allow_pins_per_call(per_call(&lines));
                self.library.take(&library);
                self.telemetry.record(&Occurrence::LinesTaken { lines: lines.flows().count(), took: start.elapsed() });
                self.lines.take(Arc::new(lines));
                Ok(())
            }
            Err(faults) => {
                self.telemetry.record(&Occurrence::LinesRefused { faults: &faults });
                Err(faults)
            }
        }
    }
}

async fn read(settings: &Settings) -> Result<Read, Faults> {
    let settings = settings.clone();
    let read = move || Read { sources: read_lines(&settings), manifests: Manifests::read(&settings.prompts.directory) };
    tokio::task::spawn_blocking(read).await.map_err(|_| broken_off())
}

/// The files when they have stayed as they are for a moment, or after a while as they are then.
async fn settled(settings: &Settings, mut found: Result<Read, Faults>) -> Result<Read, Faults> {
    const MOST_LOOKS: u8 = 20;
    for _ in 0..MOST_LOOKS {
        sleep(SETTLED).await;
        let again = read(settings).await;
        if again == found {
            break;
        }
        found = again;
    }
    found
}

fn broken_off() -> Faults {
    Faults(vec![Fault::of("lines", "the check broke off", "report it, with the files")])
}

/// As `hotline check` does, and whether clips say it where nothing else can.
fn check(settings: &Settings, read: Read, lines_now: &Lines, library_now: &Library) -> Result<Fit, Faults> {
    let lines = read.sources.compile()?;
    let mut faults = unfit_lines(settings, &lines);
    faults.extend(lines.walk_all());
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let library = library_now.newer(&settings.prompts.directory, read.manifests)?;
    let speechless = speechless_lines(settings, &lines, library.clips());
    // While a hotline is put up, clips may be what comes last: it started without them.
    let lacked = || {
        settings.profile != Profile::Production
            && !speechless_lines(settings, lines_now, library_now.clips()).is_empty()
    };
    if speechless.is_empty() || lacked() { Ok(Fit { lines, library, speechless }) } else { Err(Faults(speechless)) }
}
