//! One connection: what Asterisk tells goes to the calls it is about, and what calls ask goes to Asterisk.
//!
//! Nothing is known at its beginning: calls that are up already are found by asking which channels there are, and go on
//! from what they keep on their channels.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::call::{Asked, Driven, Opening, Playbacks, Purpose};
use super::kept::{Kept, TakenUp};
use super::talk::{Beginning, Line, Talk};
use super::turns::{Input, Script};
use super::voice::recording;
use super::wire::{self, Answered, Channel, News, Request};
use super::{DIALECT, STATE};
use crate::call::caller::{Call, CallEnd, Caller};
use crate::speech::language::Language;
use crate::telephony::{Conversation, Then};

/// Requests of all calls together that wait to be sent.
const ASKED_AT_ONCE: usize = 1024;
/// What a call has been told and has not looked at: far more than a caller can press meanwhile.
const TOLD_AT_ONCE: usize = 256;
/// How often the other side is asked whether it is there, and after how much silence it is not.
const PING: Duration = Duration::from_secs(15);
const DEAD: Duration = Duration::from_secs(45);
/// How long calls that are being thought of are waited for at the end.
const LEAVE: Duration = Duration::from_secs(4);
/// How often it is asked where a call stands, should Asterisk not say.
const TRIES: u8 = 3;
/// How long it is waited for the news that a channel has come in, which is among those that are there and keeps nothing:
/// with a connection for a single call Asterisk tells it half a second after it has connected.
const COMES_IN: Duration = Duration::from_millis(1500);
/// When what Asterisk cannot do now is asked once more.
const AGAIN: Duration = Duration::from_secs(1);
/// Recordings that ended while nobody was connected: more are not kept in mind.
const MOST_RECORDED: usize = 1024;

/// A connection to Asterisk. Both may be dropped half-way.
pub trait Link: Send {
    /// What comes next; `None`: nothing any more.
    fn receive(&mut self) -> impl Future<Output = Option<Received>> + Send;
    /// Sends a request, whose answer bears the name `id`. `None`: nothing is taken any more.
    fn ask(&mut self, id: &str, request: &Request) -> impl Future<Output = Option<()>> + Send;
    /// Asks whether the other side is there.
    fn ping(&mut self) -> impl Future<Output = Option<()>> + Send;
    /// Says goodbye.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What came.
pub enum Received {
    /// Something that Asterisk tells.
    Text(String),
    /// The answer to a request, where it comes another way.
    Answered(Answered),
    /// A sign of life.
    Nothing,
}

/// What is said of [`Ended::Replaced`].
pub const REPLACED: &str = "another hotline is connected to Asterisk under the same asterisk.app: it has the calls now";

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// We were told to stop.
    Stopped,
    /// It was lost.
    Lost,
    /// Another one has the application.
    Replaced,
}

/// The calls of one connection.
struct Session<C> {
    line: Arc<Line<C>>,
    /// The name of the application in the dialplan.
    app: Box<str>,
    /// Its name here: one for a single call has more to it.
    registered: Option<Box<str>>,
    /// Asterisk's own name, as part of a call's id.
    asterisk: Box<str>,
    calls: HashMap<Box<str>, Running>,
    /// Calls whose channel is gone: what was recorded in them may be told yet, while anybody listens.
    going: HashMap<Box<str>, Sender<Input>>,
    /// Channels of which it is being asked where they stand.
    arriving: HashMap<Box<str>, Arriving>,
    /// Channels that hear last words.
    ending: HashSet<Box<str>>,
    /// How long recordings are whose end came before their call was known: Asterisk keeps its news while nobody is connected.
    recorded: HashMap<Box<str>, u32>,
    /// Calls that were given away: their end is told here.
    away: HashMap<Box<str>, Call>,
    pending: HashMap<u64, (Box<str>, Purpose)>,
    next: u64,
    asks: Sender<Asked>,
    /// Held by everybody who is being thought of.
    busy: Arc<()>,
    todo: Vec<Asked>,
}

struct Arriving {
    channel: Channel,
    args: Vec<String>,
    known: Known,
    /// How often Asterisk has not said.
    tries: u8,
}

/// How it is known of a channel that arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It was told that it has come in.
    Told,
    /// It is among those that are there.
    Listed,
    /// So it is, and keeps nothing: nobody has spoken with it, or it is still coming in.
    Awaited,
}

struct Running {
    told: Sender<Input>,
    playbacks: Playbacks,
    call: Call,
}

/// Serves `link` until it ends, or `stop` does.
pub async fn serve<C: Conversation>(
    mut link: impl Link,
    every: Arc<Line<C>>,
    app: &str,
    stop: impl Future<Output = ()> + Send,
) -> Ended {
    let mut stop = std::pin::pin!(stop);
    let (asks, mut asked) = mpsc::channel(ASKED_AT_ONCE);
    let mut session = Session::new(every, app, asks);
    let mut ping = interval(PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let going_on = tokio::select! {
            received = link.receive() => {
                heard = Instant::now();
                match received {
                    Some(Received::Text(text)) => {
                        if session.hear(&text).is_none() {
                            return Ended::Replaced;
                        }
                        Some(())
                    }
                    Some(Received::Answered(answered)) => { session.answered(answered); Some(()) }
                    Some(Received::Nothing) => Some(()),
                    None => None,
                }
            }
            Some(ask) = asked.recv() => { session.asked(ask); Some(()) }
            _ = ping.tick() => if heard.elapsed() > DEAD { None } else { link.ping().await },
            () = &mut stop => {
                session.leave(&mut link, &mut asked).await;
                link.close().await;
                return Ended::Stopped;
            }
        };
        if going_on.is_none() || session.send(&mut link).await.is_none() {
            return Ended::Lost;
        }
    }
}

impl<C: Conversation> Session<C> {
    fn new(line: Arc<Line<C>>, app: &str, asks: Sender<Asked>) -> Self {
        Self {
            line,
            app: app.into(),
            registered: None,
            asterisk: "".into(),
            calls: HashMap::new(),
            going: HashMap::new(),
            arriving: HashMap::new(),
            ending: HashSet::new(),
            recorded: HashMap::new(),
            away: HashMap::new(),
            pending: HashMap::new(),
            next: 0,
            asks,
            busy: Arc::default(),
            todo: Vec::new(),
        }
    }

    /// Takes a text of Asterisk's. `None`: it tells nothing more.
    fn hear(&mut self, text: &str) -> Option<()> {
        let Some((news, from)) = wire::read(text) else {
            tracing::warn!("Asterisk has sent something that cannot be read");
            return Some(());
        };
        if let Some(from) = from.filter(|_| self.asterisk.is_empty()) {
            self.asterisk = from.chars().filter(char::is_ascii_alphanumeric).collect();
        }
        match news {
            News::Registered(app) => self.registered(app),
            News::Started(channel, args) => {
                self.away.remove(&channel.id);
                self.calls.remove(&channel.id);
                self.come_in(channel, args);
            }
            News::Key(channel, key) => self.tell(&channel, Input::Key(key)),
            News::Played { channel, playback, failed } => self.played(&channel, &playback, failed),
            News::Recorded { channel, seconds } => self.recorded(channel, seconds),
            News::HangingUp(channel) => self.tell(&channel, Input::HungUp),
            News::Left(channel) => self.gone(&channel),
            News::Destroyed(channel) => self.destroyed(&channel),
            News::Answered(answered) => self.answered(answered),
            News::Replaced => return None,
            News::Other => {}
        }
        Some(())
    }

    /// The first word: from here on the application is there.
    fn registered(&mut self, app: Box<str>) {
        tracing::info!(%app, "Asterisk is connected");
        self.ask("", Purpose::Whatever, Request::filter(&app));
        self.registered = Some(app);
        self.ask("", Purpose::Channels, Request::channels());
    }

    /// It is told that a channel has come in; that it is there may be known already.
    fn come_in(&mut self, channel: Channel, args: Vec<String>) {
        let Some(arriving) = self.arriving.get_mut(&channel.id) else {
            return self.arrive(channel, args, Known::Told);
        };
        let (id, is_up, known) = (channel.id.clone(), channel.is_up(), arriving.known);
        (arriving.channel, arriving.args, arriving.known) = (channel, args, Known::Told);
        if !is_up {
            // Nothing could be done with it before.
            self.ask(&id, Purpose::Channel, Request::answer(&id));
        }
        if known == Known::Awaited {
            self.ask(&id, Purpose::State, Request::get(&id, STATE));
        }
    }

    /// A channel is in the application, for the first time or once more: what it keeps tells which.
    fn arrive(&mut self, channel: Channel, args: Vec<String>, known: Known) {
        let id = channel.id.clone();
        if self.calls.contains_key(&id) || self.arriving.contains_key(&id) {
            return;
        }
        if !is_name(&id) {
            tracing::error!("a channel's id has other characters than letters, digits and ._-: the call is given back");
            return self.ask(&id, Purpose::Whatever, Request::go_on(&id));
        }
        if !channel.is_up() {
            // One that is still coming in is answered when it has.
            let purpose = if known == Known::Listed { Purpose::Whatever } else { Purpose::Channel };
            self.ask(&id, purpose, Request::answer(&id));
        }
        self.ask(&id, Purpose::State, Request::get(&id, STATE));
        self.arriving.insert(id, Arriving { channel, args, known, tries: 0 });
    }

    fn answered(&mut self, Answered { request, status, body }: Answered) {
        let pending = request.parse().ok().and_then(|id: u64| self.pending.remove(&id));
        let Some((channel, purpose)) = pending else { return };
        let refused = status >= 400;
        match purpose {
            Purpose::State if !refused || status == 404 => self.begin(&channel, body.filter(|_| !refused).as_deref()),
            Purpose::State => self.ask_again(&channel),
            Purpose::LastWords if refused => self.hang_up(&channel),
            Purpose::EndRecording if refused => self.tell(&channel, Input::Recorded(0)),
            Purpose::Channels => self.take_up(body.filter(|_| !refused).as_deref().unwrap_or_default()),
            _ if !refused => {}
            Purpose::Whatever => {}
            // There is no such channel.
            _ if status == 404 => {
                if self.away.remove(&channel).is_some() {
                    self.tell(&channel, Input::HungUp);
                }
                self.gone(&channel);
            }
            // Not now: whoever is to be hung up on hears nothing any more, and cannot stay.
            Purpose::HangUp if status >= 500 => {
                self.ask_later(Asked { purpose, request: Request::hang_up(&channel), channel }, AGAIN);
            }
            Purpose::HangUp => self.gone(&channel),
            Purpose::Channel => tracing::warn!(status, "Asterisk does not do what it was asked of a channel"),
            Purpose::LastWords | Purpose::EndRecording => {}
            Purpose::PlayPiece(part) => {
                tracing::warn!(status, "Asterisk does not play a prompt");
                self.tell(&channel, Input::Broken(part));
            }
            Purpose::Play(part) => {
                tracing::warn!(status, "Asterisk does not play a prompt");
                self.tell(&channel, Input::Played(part));
            }
            Purpose::Record => {
                tracing::warn!(status, "Asterisk does not record; has it a folder for recordings?");
                self.tell(&channel, Input::Recorded(0));
            }
            Purpose::GiveAway => {
                tracing::warn!(status, "Asterisk does not take a call back into its dialplan");
                self.away.remove(&channel);
                self.tell(&channel, Input::Kept);
            }
        }
    }

    /// Calls that are up and unknown here go on.
    fn take_up(&mut self, channels: &str) {
        let channels: Vec<Channel> = serde_json::from_str(channels).unwrap_or_default();
        let app = self.app.clone();
        // The connection for a single call has nothing to do with others.
        let only = self.registered.as_deref().and_then(|registered| registered.strip_prefix(&*app));
        let only = only.and_then(|rest| rest.strip_prefix(':')).map(str::to_owned);
        for channel in channels {
            if let Some(args) =
                channel.in_app(&app).filter(|_| only.as_deref().is_none_or(|only| *channel.name == *only))
            {
                self.arrive(channel, args, Known::Listed);
            }
        }
    }

    /// Where a channel stands is known: `body` is what is kept on it, if anything is.
    fn begin(&mut self, id: &str, body: Option<&str>) {
        #[derive(Deserialize)]
        struct Variable {
            value: String,
        }
        let variable = body.and_then(|body| serde_json::from_str::<Variable>(body).ok());
        let variable = variable.map(|variable| variable.value).unwrap_or_default();
        let kept = Kept::parse(&variable);
        if kept.as_ref().is_none_or(Kept::is_away) && self.may_be_coming_in(id) {
            return;
        }
        let Some(Arriving { channel, args, .. }) = self.arriving.remove(id) else { return };
        let dialled = args.first().map(String::as_str).filter(|line| !line.is_empty()).unwrap_or(channel.exten());
        let call = Call {
            dialect: DIALECT,
            id: format!("{}-{id}", self.asterisk).into(),
            caller: Caller::parse(channel.caller()),
            dialled: dialled.into(),
        };
        let playing = kept.as_ref().map(|kept| kept.playbacks(id)).unwrap_or_default();
        let opening = match kept.map(|kept| kept.taken_up(&args)) {
            Some(TakenUp::Told(beginning)) => Opening::Told(beginning),
            Some(TakenUp::Recording(step)) => {
                let name = recording(&call, &step);
                Opening::Recording(step, name)
            }
            Some(TakenUp::Transfer(transfer, step)) => Opening::Turn(Script::of(Then::Transfer(transfer, step))),
            Some(TakenUp::Over) => {
                self.ending.insert(id.into());
                // Of last words there is one part.
                let last = playing.iter().find(|name| name.ends_with('a')).map_or("", String::as_str);
                return self.ask(id, Purpose::LastWords, Request::playback(last));
            }
            None => Opening::Told(Beginning::Dialled(args.get(1).and_then(|tag| tag.parse::<Language>().ok()))),
        };
        if !matches!(opening, Opening::Recording(..)) {
            for playback in playing {
                self.ask(id, Purpose::Whatever, Request::stop(&playback));
            }
        }
        let (told, hears) = mpsc::channel(TOLD_AT_ONCE);
        match (&opening, self.recorded.remove(id)) {
            (Opening::Recording(..), Some(seconds)) => {
                let _ = told.try_send(Input::Recorded(seconds));
            }
            (Opening::Recording(_, name), None) => {
                self.ask(id, Purpose::EndRecording, Request::end_recording(name.expose()));
            }
            _ => {}
        }
        let playbacks = Playbacks::new(id, &variable);
        let talk = Talk::new(Arc::clone(&self.line), call.clone());
        let driven = Driven::new(talk, id, playbacks.clone(), self.asks.clone());
        self.calls.insert(id.into(), Running { told, playbacks, call });
        tokio::spawn(driven.run(opening, hears, Arc::downgrade(&self.busy)));
    }

    /// Whether a channel whose call has not begun, or not gone on, is only known to be there: then it is asked once more, if it is not told meanwhile.
    fn may_be_coming_in(&mut self, id: &str) -> bool {
        let Some(arriving) = self.arriving.get_mut(id).filter(|arriving| arriving.known == Known::Listed) else {
            return false;
        };
        arriving.known = Known::Awaited;
        self.ask_later(
            Asked { channel: id.into(), purpose: Purpose::State, request: Request::get(id, STATE) },
            COMES_IN,
        );
        true
    }

    /// A call asks for something. Who has left the application meanwhile is not hung up on: others have the channel.
    fn asked(&mut self, ask: Asked) {
        let is_here = self.calls.contains_key(&ask.channel) || self.ending.contains(&ask.channel);
        if ask.purpose != Purpose::HangUp || is_here {
            self.todo.push(ask);
        }
    }

    fn ask_later(&self, ask: Asked, wait: Duration) {
        let asks = self.asks.clone();
        tokio::spawn(async move {
            sleep(wait).await;
            let _ = asks.send(ask).await;
        });
    }

    /// Asterisk did not say where a call stands. One that is under way must not begin anew.
    fn ask_again(&mut self, id: &str) {
        let Some(arriving) = self.arriving.get_mut(id) else { return };
        arriving.tries += 1;
        if arriving.tries < TRIES {
            return self.ask(id, Purpose::State, Request::get(id, STATE));
        }
        self.arriving.remove(id);
        tracing::error!("Asterisk does not say where a call stands: it is given back to the dialplan");
        self.ask(id, Purpose::Whatever, Request::go_on(id));
    }

    /// The end of a recording; its call may not be known yet.
    fn recorded(&mut self, channel: Box<str>, seconds: u32) {
        if self.calls.contains_key(&channel) {
            self.tell(&channel, Input::Recorded(seconds));
        } else if let Some(gone) = self.going.get(&channel) {
            let _ = gone.try_send(Input::Recorded(seconds));
        } else if self.recorded.len() < MOST_RECORDED {
            self.recorded.insert(channel, seconds);
        }
    }

    /// Last words have been said.
    fn hang_up(&mut self, channel: &str) {
        if self.ending.contains(channel) {
            self.ask(channel, Purpose::HangUp, Request::hang_up(channel));
        }
    }

    fn played(&mut self, channel: &str, playback: &str, failed: bool) {
        self.hang_up(channel);
        let Some(part) = self.calls.get(channel).and_then(|running| running.playbacks.part(playback)) else { return };
        if failed {
            // Also when the caller hangs up meanwhile, so it is no warning.
            tracing::debug!("a prompt was not played to its end");
        }
        self.tell(channel, Input::Played(part));
    }

    /// A call whose task is gone, or does not look any more, is taken up anew when it is heard of.
    fn tell(&mut self, channel: &str, input: Input) {
        if let Some(running) = self.calls.get(channel)
            && running.told.try_send(input).is_err()
        {
            self.calls.remove(channel);
            self.ask("", Purpose::Channels, Request::channels());
        }
    }

    /// The channel has left the application, or there is none.
    fn gone(&mut self, channel: &str) {
        self.arriving.remove(channel);
        self.ending.remove(channel);
        self.recorded.remove(channel);
        if let Some(running) = self.calls.remove(channel) {
            let _ = running.told.try_send(Input::Gone);
            self.going.retain(|_, told| !told.is_closed());
            self.going.insert(channel.into(), running.told);
        }
    }

    /// A channel that was given away is no more.
    fn destroyed(&mut self, channel: &str) {
        self.gone(channel);
        if let Some(call) = self.away.remove(channel) {
            let line = Arc::clone(&self.line);
            tokio::spawn(async move {
                let ended = line.conversation.ended(call, CallEnd::Completed);
                let _ = timeout(line.patience, ended).await;
            });
        }
    }

    fn ask(&mut self, channel: &str, purpose: Purpose, request: Request) {
        self.todo.push(Asked { channel: channel.into(), purpose, request });
    }

    /// Sends what is to be asked.
    async fn send(&mut self, link: &mut impl Link) -> Option<()> {
        for Asked { channel, purpose, request } in std::mem::take(&mut self.todo) {
            if purpose == Purpose::GiveAway {
                self.follow(link, &channel).await?;
            }
            let id = self.named(channel, purpose);
            link.ask(&id, &request).await?;
        }
        Some(())
    }

    /// The end of a call that is given away is told only to who asks for it.
    async fn follow(&mut self, link: &mut impl Link, channel: &str) -> Option<()> {
        if let Some(running) = self.calls.get(channel) {
            self.away.insert(channel.into(), running.call.clone());
        }
        let request = Request::follow(self.registered.as_deref().unwrap_or(&self.app), channel);
        let id = self.named(channel.into(), Purpose::Whatever);
        link.ask(&id, &request).await
    }

    fn named(&mut self, channel: Box<str>, purpose: Purpose) -> String {
        self.next += 1;
        self.pending.insert(self.next, (channel, purpose));
        self.next.to_string()
    }

    /// Leaves the calls to whoever connects next: what is being thought of is finished, and kept on its channel. Nothing is
    /// heard of new ones any more.
    async fn leave(&mut self, link: &mut impl Link, asked: &mut Receiver<Asked>) {
        let finish = async {
            // One is ours.
            while Arc::strong_count(&self.busy) > 1 || !asked.is_empty() {
                tokio::select! {
                    Some(ask) = asked.recv() => {
                        self.todo.push(ask);
                        if self.send(link).await.is_none() { return; }
                    }
                    () = sleep(Duration::from_millis(10)) => {}
                }
            }
        };
        if timeout(LEAVE, finish).await.is_err() {
            tracing::warn!("some calls are left in the middle of a turn");
        }
    }
}

/// Whether a channel's id can stand in a path, and in the id of a call.
fn is_name(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests;
