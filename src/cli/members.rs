//! `hotline members`: imports members and transactions, makes up some, and gives tries back.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use zeroize::Zeroizing;

use super::{operator, runtime};
use crate::clock::Clock;
use crate::config::Settings;
use crate::member::card_number::CardRule;
use crate::member::id_number::IdNumber;
use crate::member::register::{MemberRows, MutualAidRows, RowError, TransactionRows};
use crate::member::{Identifier, Member, sample};
use crate::store::Store;

/// The commands on members.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Imports members.csv, and transactions.csv and mutual-aid.csv if they are named; what is there is brought up to date.
    ///
    /// A row that cannot be taken is named with its line and the reason, and the others are taken. Exit code 1: there
    /// was such a row.
    Import {
        /// members.csv: the columns are listed in the README.
        file: PathBuf,
        /// transactions.csv, of members that are stored or in the file.
        #[arg(long, value_name = "FILE")]
        transactions: Option<PathBuf>,
        /// mutual-aid.csv: for whom members let their accounts pay. A row is all there is of its member.
        #[arg(long, value_name = "FILE")]
        mutual_aid: Option<PathBuf>,
    },
    /// Gives a member all tries back whose number is locked, once they have shown who they are; it is audited.
    ///
    /// The ID number is read from standard input, so that it stands in no list of processes and in no history.
    Unlock {
        /// Who made sure: a name or a counter, for the audit.
        #[arg(long, value_name = "OPERATOR", value_parser = operator)]
        by: String,
    },
    /// Writes members who do not exist, as CSV.
    Sample {
        /// How many.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=sample::SYNTHETIC_MOST))]
        count: u64,
        /// Their transactions instead of the members themselves.
        #[arg(long)]
        transactions: bool,
        /// For whom they let their accounts pay, instead of the members themselves.
        #[arg(long, conflicts_with = "transactions")]
        mutual_aid: bool,
        /// Where to; standard output by default.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Rows taken at a time: enough to keep the store busy, few enough to keep in memory.
const BATCH: usize = 10_000;

/// Imports or makes up.
///
/// # Errors
/// A file cannot be read or written, its header is not what it should be, or the store is out of reach.
pub fn run(command: &Command, settings: impl FnOnce() -> anyhow::Result<Settings>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import { file, transactions, mutual_aid } => {
            let settings = settings()?;
            runtime()?.block_on(import(&settings, file, transactions.as_deref(), mutual_aid.as_deref()))
        }
        Command::Unlock { by } => {
            let settings = settings()?;
            runtime()?.block_on(unlock(&settings, by))
        }
        Command::Sample { count, transactions, mutual_aid, output } => {
            let out: Box<dyn Write> = match output {
                Some(path) => {
                    Box::new(File::create(path).with_context(|| format!("{} cannot be written", path.display()))?)
                }
                None => Box::new(std::io::stdout().lock()),
            };
            let mut out = BufWriter::with_capacity(1 << 16, out);
            let write = match (*transactions, *mutual_aid) {
                (true, _) => sample::write_transactions_csv,
                (_, true) => sample::write_mutual_aid_csv,
                _ => sample::write_members_csv,
            };
            let written = write(*count, &mut out);
            match written.and_then(|()| out.flush()) {
                // Whoever reads us has seen enough.
                Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
                done => done.map(|()| ExitCode::SUCCESS).context("the sample cannot be written"),
            }
        }
    }
}

async fn unlock(settings: &Settings, by: &str) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().read_line(&mut line)?;
    let number = IdNumber::parse(line.trim(), today(&clock)).context("standard input holds no ID number")?;
    crate::server::reset_tries(settings, clock, &Identifier::Id(number), by).await?;
    println!("all tries are given back");
    Ok(ExitCode::SUCCESS)
}

fn today(clock: &Clock) -> Date {
    jiff::tz::Offset::constant(8).to_datetime(clock.now()).date()
}

async fn import(
    settings: &Settings,
    members: &Path,
    transactions: Option<&Path>,
    mutual_aid: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let (_, store) = crate::server::open(settings, clock.clone()).await?;
    let today = today(&clock);

    let (reader, progress) = open(members)?;
    let mut rows = MemberRows::new(reader, today).with_context(|| members.display().to_string())?;
    let rows = std::iter::from_fn(|| {
        let row = rows.next()?;
        let line = rows.line();
        Some(row.map(|member| (line, member)))
    });
    let mut cards = Vec::new();
    let mut refused = take(rows, members, &progress, |batch| {
        let store: &Store = &store;
        cards.extend(batch.iter().flat_map(|(line, member)| card_keys(store, *line, member)));
        async move { store.import_members(batch.into_iter().map(|(_, member)| member).collect()).await.map(|()| None) }
    })
    .await?;
    tell_shared_cards(members, &cards, &store.shared_cards().await?);
    if let Some(file) = transactions {
        let (reader, progress) = open(file)?;
        let rows = TransactionRows::new(reader, today).with_context(|| file.display().to_string())?;
        let rows = rows.map(|row| row.map(|r| (r.id_number, r.transaction)));
        refused += take(rows, file, &progress, |batch| {
            let store: &Store = &store;
            async move { store.import_transactions(batch).await.map(|done| Some(done.known)) }
        })
        .await?;
    }
    if let Some(file) = mutual_aid {
        let (reader, progress) = open(file)?;
        let rows = MutualAidRows::new(reader, today).with_context(|| file.display().to_string())?;
        let rows = rows.map(|row| row.map(|r| (r.id_number, r.aid)));
        refused += take(rows, file, &progress, |batch| {
            let store: &Store = &store;
            async move { store.import_mutual_aid(batch).await.map(|()| None) }
        })
        .await?;
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// By what a row's card is found, and by which rule.
struct CardKey {
    index: [u8; 32],
    rule: CardRule,
    line: u64,
}

fn card_keys(store: &Store, line: u64, member: &Member) -> impl Iterator<Item = CardKey> {
    let card = member.card_number.as_ref();
    card.into_iter().flat_map(move |card| {
        CardRule::ALL.map(|rule| {
            let index = store.seals().member_key(&Identifier::Card(card.lookup(rule))).index;
            CardKey { index, rule, line }
        })
    })
}

/// Which rows hold a card number that tells nobody from another; by their lines, not by what stands there.
fn tell_shared_cards(file: &Path, cards: &[CardKey], shared: &HashSet<[u8; 32]>) {
    let lines = |rule| {
        let lines = cards.iter().filter(|card| card.rule == rule && shared.contains(&card.index));
        lines.map(|card| card.line).collect::<BTreeSet<_>>()
    };
    let by_digits = lines(CardRule::DigitsOnly);
    let by_last8: BTreeSet<_> = lines(CardRule::Last8).difference(&by_digits).copied().collect();
    for (lines, same, place) in [
        (by_digits, "a card number with the digits of another member's", "anywhere"),
        (by_last8, "a card number with the last eight digits of another member's", "where card_rule = \"last8\""),
    ] {
        const TOLD: usize = 20;
        if lines.is_empty() {
            continue;
        }
        let more = lines.len().saturating_sub(TOLD);
        let listed: Vec<_> = lines.iter().take(TOLD).map(u64::to_string).collect();
        println!(
            "{}: {} rows have {same}, by which nobody can sign in {place}: lines {}{}",
            file.display(),
            lines.len(),
            listed.join(", "),
            if more > 0 { format!(" and {more} more") } else { String::new() },
        );
    }
}

/// Takes every good row in batches, names every bad one; returns how many were bad.
async fn take<T, F>(
    rows: impl Iterator<Item = Result<T, RowError>>,
    file: &Path,
    progress: &Progress,
    mut store: impl FnMut(Vec<T>) -> F,
) -> anyhow::Result<u64>
where
    F: Future<Output = Result<Option<u64>, crate::store::StoreError>>,
{
    let (mut taken, mut refused, mut known) = (0_u64, 0_u64, 0_u64);
    let mut batch = Vec::with_capacity(BATCH);
    let mut rows = rows.peekable();
    while let Some(row) = rows.next() {
        match row {
            Ok(row) => batch.push(row),
            Err(RowError { line, column, reason }) => {
                refused += 1;
                progress.bar.suspend(|| eprintln!("{}:{line}: {column}: {reason}", file.display()));
            }
        }
        if batch.len() == BATCH || rows.peek().is_none() {
            let rows = batch.len() as u64;
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            known += store(full)
                .await
                .with_context(|| format!("stopped; {taken} rows of {} were taken before", file.display()))?
                .unwrap_or(0);
            taken += rows;
            progress.bar.set_position(progress.read.load(Ordering::Relaxed));
        }
    }
    progress.bar.finish_and_clear();
    let again = if known > 0 { format!(" ({known} were there already)") } else { String::new() };
    println!("{}: {taken} rows taken{again}, {refused} refused", file.display());
    Ok(refused)
}

/// How much of a file is read.
struct Progress {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
}

/// A reader that counts.
struct Counted {
    file: BufReader<File>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

fn open(path: &Path) -> anyhow::Result<(Counted, Progress)> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let size = file.metadata().map_or(0, |m| m.len());
    // Drawn on a terminal only.
    let bar = ProgressBar::new(size);
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let read = Arc::new(AtomicU64::new(0));
    Ok((Counted { file: BufReader::with_capacity(1 << 16, file), read: Arc::clone(&read) }, Progress { bar, read }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[tokio::test]
    async fn a_store_that_fails_leaves_the_count_of_what_it_took() {
        let progress = Progress { bar: ProgressBar::hidden(), read: Arc::default() };
        let rows = (0..2 * BATCH).map(Ok::<_, RowError>);
        let take = take(rows, Path::new("members.csv"), &progress, |batch| async move {
            if batch.contains(&BATCH) { Err(StoreError::Unavailable("away")) } else { Ok(None) }
        });
        let told = take.await.unwrap_err().to_string();
        assert_eq!(told, "stopped; 10000 rows of members.csv were taken before");
    }
}
