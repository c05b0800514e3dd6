//! `hotline messages`: what callers left, and how far staff are with it.

use std::io::Write;
use std::process::ExitCode;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::Serialize;

use super::{operator, runtime};
use crate::clock::Clock;
use crate::config::Settings;
use crate::member::message::{MessageKind, MessageNumber, MessageState};
use crate::member::tail::Tail;
use crate::server::open_existing;
use crate::store::messages::{Changed, Message, WholeMessage};

/// The commands on what callers left.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Lists it in the order in which its callers began to wait. Of telephone numbers only the last four are shown.
    List {
        /// Only what is not closed.
        #[arg(long)]
        open: bool,
        /// Only this kind: message, complaint, suggestion or callback.
        #[arg(long, value_name = "KIND", value_parser = kind)]
        kind: Option<MessageKind>,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows one with its telephone number and what the platform calls its recording; it is audited.
    Show {
        /// Its eight digits.
        #[arg(value_parser = number)]
        number: MessageNumber,
        /// Who looks, for the audit.
        #[arg(long, value_name = "NAME", value_parser = operator)]
        by: String,
    },
    /// Takes one on; its caller can hear that it is being worked on.
    Take {
        /// Its eight digits.
        #[arg(value_parser = number)]
        number: MessageNumber,
        /// Who takes it, for the audit.
        #[arg(long, value_name = "NAME", value_parser = operator)]
        by: String,
    },
    /// Its caller has an answer.
    Answer {
        /// Its eight digits.
        #[arg(value_parser = number)]
        number: MessageNumber,
        /// Who answered, for the audit.
        #[arg(long, value_name = "NAME", value_parser = operator)]
        by: String,
        /// What was answered: sealed, and shown by `show`.
        #[arg(long, value_name = "TEXT", value_parser = note)]
        note: Option<String>,
    },
    /// There is nothing more to do; it is forgotten after `messages.kept_days`.
    Close {
        /// Its eight digits.
        #[arg(value_parser = number)]
        number: MessageNumber,
        /// Who closes it, for the audit.
        #[arg(long, value_name = "NAME", value_parser = operator)]
        by: String,
    },
}

/// Lists, shows or changes. Exit code 1: there is no such message, or no way from where it is.
///
/// # Errors
/// The store cannot be read or written.
pub fn run(command: &Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        let store = open_existing(settings, Clock::system()).await?;
        let (number, to, note, by) = match command {
            Command::List { open, kind, json } => {
                let mut messages = store.messages().await?;
                messages
                    .retain(|m| !(*open && m.state == MessageState::Closed) && kind.is_none_or(|kind| m.kind == kind));
                return list(&messages, *json);
            }
            Command::Show { number, by } => {
                let Some(whole) = store.show_message(*number, by).await? else { return Ok(unknown(*number)) };
                return show(&whole);
            }
            Command::Take { number, by } => (number, MessageState::Taken, None, by),
            Command::Answer { number, by, note } => (number, MessageState::Answered, note.as_deref(), by),
            Command::Close { number, by } => (number, MessageState::Closed, None, by),
        };
        match store.change_message(*number, to, note, by).await? {
            Changed::Done => {
                println!("{} is {}", number.as_str(), to.name());
                Ok(ExitCode::SUCCESS)
            }
            Changed::Unknown => Ok(unknown(*number)),
            Changed::NotFrom(state) => {
                eprintln!("{} is {} already", number.as_str(), state.name());
                Ok(ExitCode::from(1))
            }
        }
    })
}

fn unknown(number: MessageNumber) -> ExitCode {
    eprintln!("there is no message {}", number.as_str());
    ExitCode::from(1)
}

/// One message as a program reads it.
#[derive(Serialize)]
struct Listed<'m> {
    number: &'m str,
    kind: &'static str,
    state: &'static str,
    received: Timestamp,
    waiting_since: Option<Timestamp>,
    changed: Timestamp,
    phone_ends_with: Option<&'m str>,
    seconds: u32,
    line: &'m str,
    language: &'m str,
    signed_in: bool,
}

fn list(messages: &[Message], json: bool) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    if json {
        let listed: Vec<_> = messages.iter().map(listed).collect();
        serde_json::to_writer_pretty(&mut out, &listed)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "{:8}  {:10}  {:8}  {:16}  {:16}  {:5}  {:>7}  {:6}  line",
        "number", "kind", "state", "received", "waiting since", "phone", "seconds", "member"
    )?;
    for message in messages {
        writeln!(
            out,
            "{:8}  {:10}  {:8}  {:16}  {:16}  {:5}  {:>7}  {:6}  {}",
            message.number.as_str(),
            message.kind.name(),
            message.state.name(),
            here(message.received),
            here(message.since.unwrap_or(message.received)),
            message.tail.as_ref().map_or("none", |tail| tail.as_str()),
            message.seconds,
            if message.signed_in { "yes" } else { "no" },
            message.line,
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(message: &Message) -> Listed<'_> {
    Listed {
        number: message.number.as_str(),
        kind: message.kind.name(),
        state: message.state.name(),
        received: message.received,
        waiting_since: message.since,
        changed: message.changed,
        phone_ends_with: message.tail.as_ref().map(Tail::as_str),
        seconds: message.seconds,
        line: &message.line,
        language: &message.language,
        signed_in: message.signed_in,
    }
}

fn show(whole: &WholeMessage) -> anyhow::Result<ExitCode> {
    let message = &whole.message;
    let mut out = std::io::stdout().lock();
    let none = "none".to_owned();
    let exposed =
        |secret: &Option<crate::secret::Secret>| secret.as_ref().map_or(none.clone(), |s| s.expose().to_owned());
    let rows = [
        ("number", message.number.as_str().to_owned()),
        ("kind", message.kind.name().to_owned()),
        ("state", format!("{} since {}", message.state.name(), here(message.changed))),
        ("received", here(message.received)),
        ("waiting since", here(message.since.unwrap_or(message.received))),
        ("phone", exposed(&whole.phone)),
        ("recording", exposed(&whole.recording)),
        ("seconds", message.seconds.to_string()),
        ("line", message.line.to_string()),
        ("language", message.language.to_string()),
        ("signed in", if message.signed_in { "yes" } else { "no" }.to_owned()),
        ("note", exposed(&whole.note)),
    ];
    for (name, value) in rows {
        writeln!(out, "{name:14}{value}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// To the minute, on the clocks of China.
fn here(at: Timestamp) -> String {
    let local = Offset::constant(8).to_datetime(at);
    format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
}

fn kind(name: &str) -> Result<MessageKind, String> {
    let found = MessageKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| format!("take one of {}", MessageKind::ALL.map(MessageKind::name).join(", ")))
}

fn number(text: &str) -> Result<MessageNumber, String> {
    MessageNumber::parse(text).map_err(|wrong| wrong.to_string())
}

fn note(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= 1000 && !text.chars().any(|c| c.is_control() && c != '\n');
    if fits { Ok(text.to_owned()) } else { Err("take 1000 characters at most, of plain text".to_owned()) }
}
