//! `hotline ratings`: what callers said, by line and day.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use super::runtime;
use crate::clock::Clock;
use crate::config::Settings;
use crate::dialog::{Grade, Reason};
use crate::server::open_existing;
use crate::store::ratings::Rated;

/// Prints the sums.
///
/// # Errors
/// The store is not there, or out of reach.
pub fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let rated = runtime()?.block_on(async {
        let store = open_existing(settings, Clock::system()).await?;
        anyhow::Ok(store.ratings().await?)
    })?;
    std::io::stdout().lock().write_all(table(&rated).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// One row a line and day; of the dissatisfied, why; of all, how many had talked to a person.
fn table(rated: &[Rated]) -> String {
    let mut days: BTreeMap<(&str, &str), Vec<&Rated>> = BTreeMap::new();
    for sum in rated {
        days.entry((&sum.line, &sum.day)).or_default().push(sum);
    }
    let mut columns = vec!["line", "day", "ratings"];
    columns.extend(Grade::ALL.map(Grade::as_str));
    columns.extend(Reason::ALL.map(Reason::as_str));
    columns.push("after_person");
    let mut text = columns.join("\t") + "\n";
    for ((line, day), sums) in days {
        let count =
            |holds: &dyn Fn(&Rated) -> bool| -> u64 { sums.iter().filter(|sum| holds(sum)).map(|sum| sum.count).sum() };
        // Writing into a String cannot fail.
        let _ = write!(text, "{line}\t{day}\t{}", count(&|_| true));
        for grade in Grade::ALL {
            let _ = write!(text, "\t{}", count(&|sum| sum.grade == grade.as_str()));
        }
        for reason in Reason::ALL {
            let _ = write!(text, "\t{}", count(&|sum| sum.reason == reason.as_str()));
        }
        let _ = writeln!(text, "\t{}", count(&|sum| sum.person));
    }
    text
}
