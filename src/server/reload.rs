//! Lines and wording, read again while calls run: when the process gets SIGHUP or, with `lines.watch`, when a file of them
//! is saved. What is read is checked as `hotline check` does, and only then taken, as one piece.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{App, per_call, read_lines, unfit_lines, warn_of_missed};
use crate::call::lines::{Lines, Sources};
use crate::config::Settings;
use crate::fault::{Fault, Faults};
use crate::telemetry::Occurrence;

/// How often the files are looked at, with `lines.watch`: read and compared, a fraction of a millisecond. No events of the
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

impl App {
    /// Reads lines and wording again, checks them wholly, and takes them. Calls go on: each with the new lines from its next
    /// turn on.
    ///
    /// # Errors
    /// Every fault; what was in force stays so.
    pub async fn reload(&self, settings: &Settings) -> Result<(), Faults> {
        let sources = read(settings).await?;
        self.take(settings, sources).await
    }

    /// Reloads whenever it is `asked` for and, if the settings want it, whenever the files are others than before; until the
    /// process ends.
    pub async fn reload_when_asked(&self, settings: &Settings, asked: Arc<Asked>) {
        let mut last = self.lines().sources().clone();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let sources = tokio::select! {
                () = asked.0.notified() => read(settings).await,
                _ = looks.tick(), if settings.lines.watch => match read(settings).await {
                    Ok(sources) if sources == last => continue,
                    changed => settled(settings, changed).await,
                },
            };
            let Ok(sources) = sources else { continue };
            last = sources.clone();
            // How it went is recorded where it is done; what has a fault is not looked at again until it is changed.
            let _ = self.take(settings, sources).await;
        }
    }

    async fn take(&self, settings: &Settings, sources: Sources) -> Result<(), Faults> {
        let start = tokio::time::Instant::now();
        let owned = settings.clone();
        // A second or more of work: not on the threads that answer calls.
        let checked = tokio::task::spawn_blocking(move || check(&owned, &sources)).await;
        let checked = checked.unwrap_or_else(|_| Err(broken_off()));
        match checked {
            Ok(lines) => {
                warn_of_missed(settings, &lines);
                // First, so that no call has fewer tries than its line says.
                self.driver.services().allow_pins_per_call(per_call(&lines));
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

async fn read(settings: &Settings) -> Result<Sources, Faults> {
    let settings = settings.clone();
    tokio::task::spawn_blocking(move || read_lines(&settings)).await.map_err(|_| broken_off())
}

/// The files when they have stayed as they are for a moment, or after a while as they are then.
async fn settled(settings: &Settings, mut sources: Result<Sources, Faults>) -> Result<Sources, Faults> {
    const MOST_LOOKS: u8 = 20;
    for _ in 0..MOST_LOOKS {
        sleep(SETTLED).await;
        let again = read(settings).await;
        if again == sources {
            break;
        }
        sources = again;
    }
    sources
}

fn broken_off() -> Faults {
    Faults(vec![Fault::of("lines", "the check broke off", "report it, with the files")])
}

/// As `hotline check` does.
fn check(settings: &Settings, sources: &Sources) -> Result<Lines, Faults> {
    let lines = sources.compile()?;
    let mut faults = unfit_lines(settings, &lines);
    faults.extend(lines.walk_all());
    if faults.is_empty() { Ok(lines) } else { Err(Faults(faults)) }
}
