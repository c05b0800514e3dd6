//! `hotline dial`: a telephone in the terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde::Serialize;
use tower::ServiceExt;

use super::runtime;
use crate::clock::Clock;
use crate::config::Settings;
use crate::secret::{Key, Secret};
use crate::server::App;
use crate::speech::language::Language;
use crate::telephony::browser::{Dial, Following, HangUp, Happened, Heard, Peer, Transferred};

/// A telephone in the terminal: shows what is heard, takes keys.
///
/// Type keys and Enter: 1, or 739154#. An empty line is silence, "hang up" ends the call. Keys beyond what the hotline waits
/// for stand for the next prompts, so "1 1" presses 1 twice.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Press these in order, then read more from the terminal: hotline dial 1 1 11010519491231002*#
    keys: Vec<String>,
    /// The running hotline to call.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Call a hotline inside this process, with these settings, instead of a running one.
    #[arg(long, conflicts_with = "server")]
    in_process: bool,
    /// Its browser.token, for a hotline on another machine.
    #[arg(long, env = "HOTLINE_BROWSER__TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// The number dialled: which line answers.
    #[arg(long, default_value = "12333")]
    number: String,
    /// The number that calls.
    #[arg(long, default_value = "")]
    from: String,
    /// The language wanted, without being asked for it: zh-CN, yue-CN or en-US, if the line offers it.
    #[arg(long)]
    language: Option<Language>,
}

/// Places the call. Exit code 2: the hotline cannot be reached.
///
/// # Errors
/// The hotline cannot be reached, or refuses.
pub fn run(args: &Args, settings: impl FnOnce() -> anyhow::Result<Settings>) -> anyhow::Result<ExitCode> {
    let line = if args.in_process {
        let settings = settings()?;
        let runtime = Arc::new(runtime()?);
        let app = runtime.block_on(App::build(&settings, Clock::system()))?;
        Line::InProcess(runtime, app.routes(), settings.browser.token)
    } else {
        Line::Server(args.server.trim_end_matches('/').to_owned(), Secret::new(args.token.as_str()))
    };
    talk(args, &line)?;
    Ok(ExitCode::SUCCESS)
}

fn talk(args: &Args, line: &Line) -> anyhow::Result<()> {
    let dial = Dial { dialled: args.number.as_str().into(), from: args.from.as_str().into(), language: args.language };
    let mut heard: Heard = line.post("/browser/call", &dial)?;
    let mut fingers = Fingers::new(args.keys.clone());
    loop {
        show(&heard)?;
        let happened = match heard.then {
            Following::HangUp => {
                println!("— the hotline has hung up —");
                break;
            }
            Following::Transfer => {
                println!(
                    "— to {}: \"talked\", \"not answered\" or \"hang up\" —",
                    heard.transfer.as_deref().unwrap_or("a person")
                );
                match fingers.line()?.as_deref().map(str::trim) {
                    Some("talked") => Happened { transfer: Some(Transferred::Talked), ..of(&heard) },
                    Some("left") => Happened { transfer: Some(Transferred::Left), ..of(&heard) },
                    Some("not answered") => Happened { transfer: Some(Transferred::NotAnswered), ..of(&heard) },
                    _ => break,
                }
            }
            Following::Record => {
                let longest = heard.record.as_ref().map_or(0, |record| record.longest / 1000);
                println!("— recording, {longest} s at most: how many seconds you speak, nothing, or \"hang up\" —");
                match fingers.speak()? {
                    Some(seconds) => Happened { recorded: Some(seconds), ..of(&heard) },
                    None => break,
                }
            }
            Following::Leave => Happened { transfer: Some(Transferred::Left), ..of(&heard) },
            Following::Collect => {
                let (most, finish) = heard.collect.as_ref().map_or((1, None), |c| (usize::from(c.max), c.finish));
                match fingers.press(most, finish)? {
                    Pressed::Keys(keys, finished) => Happened { keys: Some(keys.into()), finished, ..of(&heard) },
                    Pressed::Nothing => Happened { silence: true, ..of(&heard) },
                    Pressed::HungUp => break,
                }
            }
        };
        let step = heard.step.take().unwrap_or_default();
        heard = line.post(&format!("/browser/step/{step}"), &happened)?;
    }
    line.hang_up(&HangUp { call: heard.call })
}

fn of(heard: &Heard) -> Happened {
    Happened { call: heard.call.clone(), ..Happened::default() }
}

fn show(heard: &Heard) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for said in &heard.heard {
        writeln!(out, "‹ {}", said.text)?;
    }
    out.flush()?;
    Ok(())
}

/// How the hotline is reached.
enum Line {
    Server(String, Secret),
    InProcess(Arc<tokio::runtime::Runtime>, Router, Secret),
}

impl Line {
    fn post<T: serde::de::DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        let answer = self.send(path, &serde_json::to_vec(body)?)?;
        serde_json::from_slice(&answer).context("the answer is none of a hotline")
    }

    fn hang_up(&self, body: &HangUp) -> anyhow::Result<()> {
        self.send("/browser/hang-up", &serde_json::to_vec(body)?).map(drop)
    }

    fn send(&self, path: &str, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Server(server, token) => {
                let mut request = ureq::post(format!("{server}{path}")).header("content-type", "application/json");
                if let Some(bearer) = bearer(token) {
                    request = request.header("authorization", bearer);
                }
                match request.send(body) {
                    Ok(mut response) => response.body_mut().read_to_vec().context("the answer broke off"),
                    Err(ureq::Error::StatusCode(403)) => {
                        bail!(
                            "{server} lets nobody in without its token: give it with --token or HOTLINE_BROWSER__TOKEN"
                        )
                    }
                    Err(ureq::Error::StatusCode(status)) => bail!("{server} answers {status}: is it a hotline?"),
                    Err(e) => Err(e).with_context(|| {
                        format!("no hotline answers at {server}; start one with `hotline serve`, or dial --in-process")
                    }),
                }
            }
            Self::InProcess(runtime, routes, token) => {
                let peer = Peer(([127, 0, 0, 1], 0).into());
                let mut request = Request::post(path)
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::HOST, "localhost")
                    .extension(peer);
                if let Some(bearer) = bearer(token) {
                    request = request.header(header::AUTHORIZATION, bearer);
                }
                let request = request.body(Body::from(body.to_vec()))?;
                runtime
                    .block_on(async {
                        let Ok(response) = routes.clone().oneshot(request).await;
                        if response.status() == StatusCode::FORBIDDEN {
                            bail!("these settings let nobody in without a token: set browser.token");
                        }
                        if !response.status().is_success() {
                            bail!("the hotline in this process answers {}", response.status());
                        }
                        to_bytes(response.into_body(), 1 << 20).await.context("the answer broke off")
                    })
                    .map(|bytes| bytes.to_vec())
            }
        }
    }
}

fn bearer(token: &Secret) -> Option<String> {
    (!token.expose().is_empty()).then(|| format!("Bearer {}", token.expose()))
}

/// What the caller does, read ahead.
struct Fingers {
    /// Words of the command line, pressed first.
    given: std::vec::IntoIter<String>,
    /// What is left of a line: keys for the next prompts.
    ahead: String,
}

enum Pressed {
    /// Keys, and whether the finish key ended them.
    Keys(String, bool),
    Nothing,
    HungUp,
}

impl Fingers {
    fn new(given: Vec<String>) -> Self {
        Self { given: given.into_iter(), ahead: String::new() }
    }

    /// One line of the terminal; `None` at its end.
    fn line(&mut self) -> anyhow::Result<Option<String>> {
        if let Some(word) = self.given.next() {
            println!("> {word}");
            return Ok(Some(word));
        }
        if std::io::stdin().is_terminal() {
            print!("> ");
            std::io::stdout().flush()?;
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// How many seconds are spoken. `None`: the caller hangs up.
    fn speak(&mut self) -> anyhow::Result<Option<u32>> {
        self.ahead.clear();
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            match line.trim() {
                "" | "silence" => return Ok(Some(0)),
                "hang up" | "hangup" | "h" => return Ok(None),
                seconds => match seconds.parse() {
                    Ok(seconds) => return Ok(Some(seconds)),
                    Err(_) => println!("— a number of seconds; an empty line is silence; \"hang up\" ends the call —"),
                },
            }
        }
    }

    /// As many keys as are waited for: up to `most`, or to `finish`.
    fn press(&mut self, most: usize, finish: Option<char>) -> anyhow::Result<Pressed> {
        while self.ahead.is_empty() {
            let Some(line) = self.line()? else { return Ok(Pressed::HungUp) };
            let line = line.trim();
            match line {
                "" | "silence" => return Ok(Pressed::Nothing),
                "hang up" | "hangup" | "h" => return Ok(Pressed::HungUp),
                keys if keys.chars().all(|c| c == ' ' || Key::from_char(c).is_some()) => {
                    self.ahead = keys.chars().filter(|c| *c != ' ').collect();
                }
                _ => println!("— keys are 0-9, * and #; an empty line is silence; \"hang up\" ends the call —"),
            }
        }
        let mut keys = String::new();
        while let Some(key) = self.ahead.chars().next() {
            if keys.chars().count() == most {
                break;
            }
            self.ahead.drain(..key.len_utf8());
            if finish == Some(key) {
                return Ok(Pressed::Keys(keys, true));
            }
            keys.push(key);
        }
        Ok(Pressed::Keys(keys, false))
    }
}
