//! FastAGI: for sites that have only that. One connection is one call, and one command at a time.
//!
//! ```text
//! AGI(agi://hotline:4573/12333)                          a call came in; none behind the /: the extension
//! AGI(agi://hotline:4573/12333,transferred,${DIALSTATUS})   it comes back from a person
//! AGI(agi://hotline:4573/12333,ended)                       it ended while it was not here
//! ```
//!
//! What is to happen behind it stands in `HOTLINE_NEXT`: `number`, `sip` or `queue` to put the caller through (with the same
//! variables as by ARI), `fallback` when nothing can be said, `over` when the call is over. Nothing: the hotline went away in the
//! middle, and the dialplan brings the call again. `[hotline-agi]` of `config/asterisk/extensions.conf` does all that.
//!
//! A sound that keys may stop is played with all of them as its escape digits; what must be heard out, with none: Asterisk
//! drops keys then. Each clip is a command of its own: lists are not taken.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

use super::call::variables;
use super::connect::until;
use super::kept::{Kept, OVER, TakenUp, kept, kept_away, target};
use super::talk::{Beginning, Line, Talk, Thought};
use super::turns::{Command, Heard, Input, Part, Script, Sound, Turns};
use super::{NEXT, STATE};
use crate::call::caller::{Call, Caller};
use crate::dialog::{Event, Record};
use crate::secret::{Key, Secret};
use crate::speech::language::Language;
use crate::telephony::sender::Networks;
use crate::telephony::{Conversation, Then, whole_seconds};

/// How a call is named to the rest of the house.
const DIALECT: &str = "fastagi";
/// Longer than any line that Asterisk writes.
const LONGEST_LINE: u64 = 4096;
/// More than it has to say of a call.
const MOST_LINES: usize = 128;
/// Calls at once.
const CALLS: usize = 2048;
/// How long a connection may take to say what it is about.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// How much longer than what it does a command may take: a sound is fetched before it is played.
pub const SLACK: Duration = Duration::from_secs(10);
/// Of commands that do nothing that lasts.
const AT_ONCE: Duration = Duration::ZERO;
/// What stands behind the address when a call ended that was not here.
const ENDED: &str = "ended";
/// What stops a sound that keys may stop.
const ESCAPE: &str = "0123456789*#";
/// Samples a second, of what positions in sounds are told in.
const RATE: u64 = 8000;

/// Where AGI is listened for, and for whom.
pub struct Agi<C> {
    /// What every call takes.
    pub line: Arc<Line<C>>,
    /// Who may connect.
    pub addresses: Networks,
    /// The folder on Asterisk's disk that is recorded into, if one is.
    pub recordings: Option<Box<str>>,
    /// How much longer than what it does a command may take until the call counts as lost: [`SLACK`].
    pub slack: Duration,
}

impl<C: Conversation> Agi<C> {
    /// Listens at `address` until `stop` says so: calls that are up are left then, and the dialplan brings them again.
    ///
    /// # Errors
    /// The address is taken, or not this machine's.
    pub async fn listen(self, address: SocketAddr, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        let (agi, places) = (Arc::new(self), Arc::new(Semaphore::new(CALLS)));
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = until(&mut stop) => return,
                };
                let (stream, peer) = match accepted {
                    Ok(accepted) => accepted,
                    Err(trouble) => {
                        // Out of file handles, most likely: better to wait than to spin.
                        tracing::warn!(%trouble, "AGI connection not accepted");
                        sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                // Nothing else tells who it is.
                if !agi.addresses.have(peer.ip()) {
                    tracing::warn!(address = %peer.ip(), "an AGI connection is refused: asterisk.agi_addresses does not have it");
                    continue;
                }
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    tracing::warn!("an AGI connection is refused: there are {CALLS} calls by AGI already");
                    continue;
                };
                let (agi, mut stop) = (Arc::clone(&agi), stop.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let call = agi.serve(stream);
                    tokio::select! {
                        _ = call => {}
                        () = until(&mut stop) => {}
                    }
                    drop(place);
                });
            }
        });
        Ok(())
    }

    /// One call. Where the connection breaks off, the dialplan goes on.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut wire = Wire { stream: BufReader::new(stream), slack: self.slack };
        let Ok(introduction) = timeout(INTRODUCTION, wire.introduction()).await else { return Ok(()) };
        let introduction = introduction?;
        let Some(call) = introduction.call() else { return Ok(()) };
        let talk = Talk::new(Arc::clone(&self.line), call);
        if introduction.get("arg_1") == ENDED {
            talk.over(None).await;
            return Ok(());
        }
        wire.command("ANSWER", AT_ONCE).await?;
        // What stood there when the caller was put through is done.
        wire.set(NEXT, "").await?;
        let kept = wire.variable(STATE).await?;
        let mut driven = Driven {
            thought: None,
            talk,
            wire,
            turns: Turns::new(),
            doing: Doing::Nothing,
            origin: Instant::now(),
            recordings: self.recordings.as_deref(),
        };
        let beginning = match Kept::parse(&kept).map(|kept| kept.taken_up(&introduction.arguments())) {
            Some(TakenUp::Told(beginning)) => beginning,
            // Its end was told to nobody.
            Some(TakenUp::Recording(step)) => {
                Beginning::Step(step, Event::Recorded { recording: None, hung_up: false })
            }
            Some(TakenUp::Transfer(transfer, step)) => {
                let todo = driven.turns.take(Input::Turn(Script::of(Then::Transfer(transfer, step))), Duration::ZERO);
                driven.carry_out(todo).await?;
                return driven.run().await;
            }
            Some(TakenUp::Over) => {
                driven.wire.set(NEXT, OVER).await?;
                return driven.wire.command("HANGUP", AT_ONCE).await.map(drop);
            }
            None => Beginning::Dialled(introduction.language()),
        };
        driven.thought = Some(driven.talk.think(beginning));
        driven.run().await
    }
}

/// A call, driven.
struct Driven<'a, C> {
    talk: Talk<C>,
    wire: Wire,
    turns: Turns,
    doing: Doing,
    /// What the conversation thinks of.
    thought: Option<Thought>,
    origin: Instant,
    recordings: Option<&'a str>,
}

/// What is under way.
enum Doing {
    Nothing,
    /// These, from this sample of the first on.
    Playing {
        part: Part,
        sounds: VecDeque<Sound>,
        from: u64,
        heard: Heard,
    },
    Recording(Record, Secret),
}

impl<C: Conversation> Driven<'_, C> {
    /// Until the call is over, or given away. One whose connection breaks off, or on which nothing is answered any more, is over.
    async fn run(mut self) -> io::Result<()> {
        let driven = self.drive().await;
        if driven.is_err() && !self.turns.is_over() {
            self.talk.over(self.thought.take()).await;
        }
        driven
    }

    async fn drive(&mut self) -> io::Result<()> {
        while !self.turns.is_over() {
            let now = self.origin.elapsed();
            let todo = if let Some(thought) = self.thought.take() {
                let input = self.talk.said(thought.await);
                if let Input::Turn(script) = &input {
                    self.wire.set(STATE, &kept(&script.then, "0")).await?;
                }
                self.turns.take(input, self.origin.elapsed())
            } else if self.turns.due().is_some_and(|due| due <= now) {
                self.turns.time_passed(now)
            } else if let Some(input) = self.go_on().await? {
                self.turns.take(input, self.origin.elapsed())
            } else {
                continue;
            };
            self.carry_out(todo).await?;
        }
        Ok(())
    }

    /// Goes on with what is under way. `None`: nothing has happened that matters.
    async fn go_on(&mut self) -> io::Result<Option<Input>> {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Nothing => match self.turns.due() {
                Some(due) => self.wait(due).await,
                // Hung up, or given away: the connection ends with it.
                None => Ok(Some(Input::Gone)),
            },
            Doing::Playing { part, sounds, from, heard } => self.play(part, sounds, from, heard).await,
            Doing::Recording(record, name) => self.record(record, &name).await.map(Some),
        }
    }

    async fn carry_out(&mut self, todo: Vec<Command>) -> io::Result<()> {
        for command in todo {
            match command {
                Command::Play(part, sounds, heard) => {
                    self.doing = Doing::Playing { part, sounds: sounds.into(), from: 0, heard };
                }
                Command::Stop(_) => self.doing = Doing::Nothing,
                Command::Record(record, name) => self.doing = Doing::Recording(record, name),
                Command::Tell(step, event) => self.thought = Some(self.talk.think(Beginning::Step(step, event))),
                Command::Transfer(transfer, step) => {
                    self.wire.set(STATE, &kept_away(&step, "0")).await?;
                    for (variable, value) in variables(&self.talk.call.dialled, &transfer) {
                        self.wire.set(variable, &value).await?;
                    }
                    self.wire.set(NEXT, target(&transfer.to).0).await?;
                }
                Command::Release => {
                    tracing::warn!(call = %self.talk.call.id, "the call is given back to the dialplan");
                    self.wire.set(NEXT, "fallback").await?;
                }
                Command::HangUp => {
                    self.wire.command("HANGUP", AT_ONCE).await?;
                }
                Command::Over => {
                    self.talk.over(self.thought.take()).await;
                    // Of a channel that is gone variables can still be set.
                    self.wire.set(NEXT, OVER).await?;
                }
            }
        }
        Ok(())
    }

    /// Plays one sound, and leaves the others for the next time.
    async fn play(
        &mut self,
        part: Part,
        mut sounds: VecDeque<Sound>,
        from: u64,
        heard: Heard,
    ) -> io::Result<Option<Input>> {
        let Some(sound) = sounds.front() else { return Ok(Some(Input::Played(part))) };
        let escape = if heard == Heard::UntilKeys { ESCAPE } else { "" };
        let play = format!("STREAM FILE {} \"{escape}\" {from}", sound.url);
        let (mut key, mut goes_on_at) = (None, None);
        match self.wire.command(&play, sound.length).await? {
            Answer::Result { value: 0, .. } => {}
            Answer::Result { value, at, .. } if value > 0 => {
                key = pressed(value);
                // Where the key does not count after all, the sound goes on from here.
                goes_on_at = Some(at.unwrap_or(from));
            }
            Answer::Dead => return Ok(Some(Input::Gone)),
            Answer::Result { .. } | Answer::Other => {
                if self.is_gone().await? {
                    return Ok(Some(Input::Gone));
                }
                tracing::warn!("Asterisk does not play a prompt");
                return Ok(Some(Input::Broken(part)));
            }
        }
        if goes_on_at.is_none() {
            sounds.pop_front();
        }
        if key.is_none() && sounds.is_empty() {
            return Ok(Some(Input::Played(part)));
        }
        self.doing = Doing::Playing { part, sounds, from: goes_on_at.unwrap_or(0), heard };
        Ok(key.map(Input::Key))
    }

    /// Waits for a key until `due`. `None`: none came, and time has passed; or one that nobody here knows, A to D.
    async fn wait(&mut self, due: Duration) -> io::Result<Option<Input>> {
        let left = due.saturating_sub(self.origin.elapsed()).max(Duration::from_millis(1));
        Ok(match self.wire.command(&format!("WAIT FOR DIGIT {}", left.as_millis()), left).await? {
            Answer::Result { value: 0, .. } => {
                // As Asterisk's clock has it.
                let todo = self.turns.time_passed(due);
                self.carry_out(todo).await?;
                None
            }
            Answer::Result { value, .. } if value > 0 => pressed(value).map(Input::Key),
            Answer::Result { .. } | Answer::Dead | Answer::Other => Some(Input::Gone),
        })
    }

    async fn record(&mut self, record: Record, name: &Secret) -> io::Result<Input> {
        let Some(folder) = self.recordings else { return Ok(Input::Recorded(0)) };
        let (longest, silence) = (record.longest.as_millis(), whole_seconds(record.silence));
        let (name, finish) = (name.expose(), record.finish.as_char());
        let command = format!("RECORD FILE {folder}/{name} wav \"{finish}\" {longest} s={silence}");
        let (at, hung_up) = match self.wire.command(&command, record.longest).await? {
            // The caller is there, and nothing is recorded.
            Answer::Result { text: Some(text), .. } if *text == *"writefile" => {
                tracing::warn!("Asterisk does not record by AGI; may it write into asterisk.agi_recordings?");
                (None, false)
            }
            Answer::Result { at, hung_up, .. } => (at, hung_up),
            Answer::Dead => (None, true),
            Answer::Other => (None, false),
        };
        if hung_up {
            self.turns.take(Input::HungUp, self.origin.elapsed());
        }
        Ok(Input::Recorded(u32::try_from(at.unwrap_or(0).div_ceil(RATE)).unwrap_or(u32::MAX)))
    }

    /// A sound that cannot be played and a caller who has hung up are answered alike.
    async fn is_gone(&mut self) -> io::Result<bool> {
        Ok(!matches!(self.wire.command("CHANNEL STATUS", AT_ONCE).await?, Answer::Result { value: 0.., .. }))
    }
}

/// The key whose character has this code.
fn pressed(code: i64) -> Option<Key> {
    u32::try_from(code).ok().and_then(char::from_u32).and_then(Key::from_char)
}

/// What a command is answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It was carried out.
    Result {
        /// A key's code, a state, whether it worked.
        value: i64,
        /// The sample it ended at.
        at: Option<u64>,
        /// What stands in brackets.
        text: Option<Box<str>>,
        /// Whether the caller hung up meanwhile.
        hung_up: bool,
    },
    /// There is no caller any more.
    Dead,
    /// It was not understood.
    Other,
}

impl Answer {
    /// Reads a line. `None`: it is no answer, but the news that the caller has hung up.
    fn parse(line: &str) -> Option<Self> {
        if line == "HANGUP" {
            return None;
        }
        let Some(result) = line.strip_prefix("200 result=") else {
            return Some(if line.starts_with("511") { Self::Dead } else { Self::Other });
        };
        let (value, rest) = result.split_once(' ').unwrap_or((result, ""));
        let Ok(value) = value.parse() else { return Some(Self::Other) };
        let text = rest.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map(|(text, _)| text.into());
        let at = rest.rsplit_once("endpos=").and_then(|(_, at)| at.trim().parse().ok());
        let hung_up = value == -1 || text.as_deref() == Some("hangup");
        Some(Self::Result { value, at, text, hung_up })
    }
}

/// What Asterisk says of a call before anything else.
#[derive(Default)]
struct Introduction {
    /// Name and value, without `agi_`.
    said: Vec<(Box<str>, Secret)>,
}

impl Introduction {
    fn take(&mut self, line: &str) {
        if let Some((name, value)) = line.strip_prefix("agi_").and_then(|line| line.split_once(": ")) {
            self.said.push((name.into(), Secret::new(value)));
        }
    }

    fn get(&self, name: &str) -> &str {
        let said = self.said.iter().find(|(of, _)| **of == *name);
        said.map_or("", |(_, value)| value.expose())
    }

    /// Which call it is. `None`: none that could be told from others.
    fn call(&self) -> Option<Call> {
        let id = self.get("uniqueid");
        let is_id =
            (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let script = self.get("network_script").split('?').next().unwrap_or_default();
        let dialled = if script.is_empty() { self.get("extension") } else { script };
        is_id.then(|| Call {
            dialect: DIALECT,
            id: id.into(),
            caller: Caller::parse(self.get("callerid")),
            dialled: dialled.into(),
        })
    }

    /// What stands behind the address, as it would by ARI: the line first.
    fn arguments(&self) -> Vec<String> {
        ["extension", "arg_1", "arg_2"].map(|name| self.get(name).to_owned()).into()
    }

    fn language(&self) -> Option<Language> {
        self.get("arg_1").parse().ok()
    }
}

/// Lines to and from Asterisk.
struct Wire {
    stream: BufReader<TcpStream>,
    slack: Duration,
}

impl Wire {
    async fn introduction(&mut self) -> io::Result<Introduction> {
        let mut introduction = Introduction::default();
        for _ in 0..MOST_LINES {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(introduction);
            }
            introduction.take(&line);
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The name of a caller may be in any encoding.
        Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
    }

    /// Sends a command that does something for so long, and waits for what is answered, a while longer.
    async fn command(&mut self, command: &str, length: Duration) -> io::Result<Answer> {
        self.stream.write_all(format!("{command}\n").as_bytes()).await?;
        timeout(length.saturating_add(self.slack), self.answer()).await.map_err(io::Error::from)?
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        loop {
            let line = self.line().await?;
            if let Some(answer) = Answer::parse(&line) {
                return Ok(answer);
            }
        }
    }

    async fn set(&mut self, variable: &str, value: &str) -> io::Result<()> {
        self.command(&format!("SET VARIABLE {variable} \"{value}\""), AT_ONCE).await.map(drop)
    }

    async fn variable(&mut self, variable: &str) -> io::Result<String> {
        Ok(match self.command(&format!("GET VARIABLE {variable}"), AT_ONCE).await? {
            Answer::Result { value: 1, text, .. } => text.unwrap_or_default().into(),
            _ => String::new(),
        })
    }
}

#[cfg(test)]
mod tests;
