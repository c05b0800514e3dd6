//! One end of one call: RFC 3261's transactions as far as a telephone beside its exchange meets them.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval};

use super::media::{Hearing, Mouth};
use super::message::{Media, Message, sdp};
use super::{Command, End, Manner, Shared, Stage};

pub(super) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often a leg looks what is due: frames are 20 ms.
const TICK: Duration = Duration::from_millis(5);
/// RFC 3261's T1 and T2.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(4);
/// After so long without an answer the other side is lost.
const GIVE_UP: Duration = Duration::from_secs(32);
/// μ-law and A-law, what is offered: A-law first, as lines in China have it.
const CODECS: [u8; 2] = [8, 0];

pub(super) struct Sockets {
    pub(super) sip: UdpSocket,
    pub(super) sip_address: SocketAddr,
    pub(super) rtp: UdpSocket,
    pub(super) rtp_address: SocketAddr,
}

/// What is sent again until it is answered.
struct Pending {
    bytes: Vec<u8>,
    since: Instant,
    again: Instant,
    pause: Duration,
}

pub(super) struct Leg {
    sockets: Sockets,
    shared: Arc<Shared>,
    commands: UnboundedReceiver<Command>,
    exchange: SocketAddr,
    voice: Arc<[i16]>,
    call_id: String,
    tag: String,
    /// `From` and `To` of what we send in the call.
    local: String,
    remote: String,
    /// Where requests in the call go.
    target: String,
    sequence: u32,
    pending: Option<Pending>,
    /// The INVITE that made the call: ours, or theirs.
    invite: Option<Message>,
    media: Option<Media>,
    mouth: Option<Mouth>,
    /// When a ringing telephone is picked up.
    pick_up: Option<Instant>,
    /// Whether we made the call.
    ours: bool,
    /// A telephone that was put down before it was answered.
    cancelled: bool,
    /// Calls that came while somebody was on the telephone.
    refused: usize,
}

impl Leg {
    pub(super) fn new(
        sockets: Sockets,
        shared: Arc<Shared>,
        commands: UnboundedReceiver<Command>,
        exchange: SocketAddr,
        voice: Arc<[i16]>,
    ) -> Self {
        Self {
            sockets,
            shared,
            commands,
            exchange,
            voice,
            call_id: token(),
            tag: token(),
            local: String::new(),
            remote: String::new(),
            target: String::new(),
            sequence: 1,
            pending: None,
            invite: None,
            media: None,
            mouth: None,
            pick_up: None,
            ours: false,
            cancelled: false,
            refused: 0,
        }
    }

    /// Calls.
    pub(super) async fn call(mut self, number: String, own: String) {
        let here = self.sockets.sip_address;
        self.ours = true;
        self.target = format!("sip:{number}@{}", self.exchange);
        self.local = format!("<sip:{own}@{here}>;tag={}", self.tag);
        self.remote = format!("<{}>", self.target);
        let offer = sdp(self.sockets.rtp_address, &CODECS);
        let invite = self.request("INVITE").with("Contact", self.contact()).with_sdp(offer);
        self.invite = Some(invite.clone());
        self.send_until_answered(&invite).await;
        self.run(None).await;
    }

    /// Is called.
    pub(super) async fn answer(self, manner: Manner) {
        self.run(Some(manner)).await;
    }

    async fn run(mut self, manner: Option<Manner>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut signal, mut sound) = ([0; 8192], [0; 2048]);
        let mut held = true;
        // What was begun is ended, though nobody holds the telephone any more.
        while held || self.may_go_on() {
            tokio::select! {
                command = self.commands.recv(), if held => match command {
                    Some(Command::Press { keys, pace }) => {
                        if let Some(mouth) = &mut self.mouth {
                            mouth.press(&keys, pace);
                        }
                    }
                    Some(Command::HangUp) => self.hang_up().await,
                    None => held = false,
                },
                Ok((length, from)) = self.sockets.sip.recv_from(&mut signal) => {
                    if let Some(message) = Message::parse(&signal[..length]) {
                        self.exchange = from;
                        if message.method().is_some() {
                            self.requested(message, manner.as_ref()).await;
                        } else {
                            self.answered(message).await;
                        }
                    }
                }
                Ok((length, _)) = self.sockets.rtp.recv_from(&mut sound) => {
                    let now = Instant::now();
                    self.shared.change(|view| {
                        if view.stage == Stage::Talking {
                            view.hearing.hear(now, &sound[..length]);
                        }
                    });
                }
                _ = tick.tick() => self.due().await,
            }
        }
    }

    /// Whether something is still to be sent or waited for.
    fn may_go_on(&self) -> bool {
        let stage = self.shared.lock().stage.clone();
        self.pending.is_some() || !matches!(stage, Stage::Idle | Stage::Ended(_))
    }

    /// What time brings: sound, keys, a telephone picked up, what was not answered.
    async fn due(&mut self) {
        let now = Instant::now();
        if let (Some(mouth), Some(media)) = (&mut self.mouth, &self.media) {
            let (packets, let_go) = mouth.due(now, media);
            // What is heard after this may be what the key brings.
            let heard = self.shared.lock().hearing.samples().len();
            for packet in packets {
                let _ = self.sockets.rtp.send_to(&packet, media.address).await;
            }
            let free = mouth.is_free();
            let is_told = self.shared.lock().free;
            if let_go || (free && !is_told && self.commands.is_empty()) {
                self.shared.change(|view| {
                    view.pressed.extend(let_go.then_some(heard));
                    view.free = free;
                });
            }
        }
        if self.pick_up.is_some_and(|at| now >= at) {
            self.pick_up = None;
            self.accept().await;
        }
        let Some(pending) = &mut self.pending else { return };
        if now - pending.since > GIVE_UP {
            self.end(End::Lost);
        } else if now >= pending.again {
            pending.pause = (pending.pause * 2).min(LAST_RETRY);
            pending.again = now + pending.pause;
            let _ = self.sockets.sip.send_to(&pending.bytes, self.exchange).await;
        }
    }

    async fn hang_up(&mut self) {
        let stage = self.shared.lock().stage.clone();
        match stage {
            Stage::Talking => {
                self.end(End::Ours);
                let bye = self.request("BYE");
                self.send_until_answered(&bye).await;
            }
            // A call that we made: taken back. The exchange then refuses the INVITE, which is what ends it.
            Stage::Calling | Stage::Ringing if self.ours => {
                self.cancelled = true;
                let Some(invite) = &self.invite else { return };
                let mut cancel = Message::request("CANCEL", &self.target);
                for name in ["Via", "From", "To", "Call-ID"] {
                    cancel = cancel.with(name, invite.header(name));
                }
                let cancel = cancel.with("CSeq", format!("{} CANCEL", invite.sequence().0));
                self.send_until_answered(&cancel).await;
            }
            Stage::Calling | Stage::Ringing => {
                self.refuse("480 Temporarily Unavailable").await;
                self.end(End::Ours);
            }
            Stage::Idle => self.end(End::Ours),
            Stage::Ended(_) => {}
        }
    }

    /// A response has come.
    async fn answered(&mut self, response: Message) {
        let (number, method) = response.sequence();
        let status = response.status().unwrap_or_default();
        if method != "INVITE" {
            // To BYE or CANCEL.
            if status >= 200 {
                self.pending = None;
            }
            return;
        }
        let calling = |stage: &Stage| matches!(stage, Stage::Calling | Stage::Ringing);
        match status {
            100..200 => {
                // It has got there. A call that was taken back goes on asking until that is answered.
                if !self.cancelled {
                    self.pending = None;
                }
                self.shared.change(|view| {
                    if status >= 180 && view.stage == Stage::Calling {
                        view.stage = Stage::Ringing;
                    }
                });
            }
            200..300 => {
                response.header("To").clone_into(&mut self.remote);
                if let Some(contact) = response.contact() {
                    contact.clone_into(&mut self.target);
                }
                let ack = self.request_numbered("ACK", number);
                let _ = self.sockets.sip.send_to(&ack.to_bytes(), self.exchange).await;
                self.pending = None;
                if calling(&self.shared.lock().stage) {
                    self.talk(&response.body);
                    if self.cancelled {
                        // It was answered while it was put down.
                        self.hang_up().await;
                    }
                }
            }
            _ => {
                if let Some(invite) = &self.invite {
                    let mut ack = Message::request("ACK", &self.target);
                    for name in ["Via", "From", "Call-ID"] {
                        ack = ack.with(name, invite.header(name));
                    }
                    ack = ack.with("To", response.header("To")).with("CSeq", format!("{number} ACK"));
                    let _ = self.sockets.sip.send_to(&ack.to_bytes(), self.exchange).await;
                }
                self.pending = None;
                let end = if self.cancelled { End::Ours } else { End::Refused(status) };
                self.end(end);
            }
        }
    }

    /// A request has come.
    async fn requested(&mut self, request: Message, manner: Option<&Manner>) {
        let stage = self.shared.lock().stage.clone();
        let ours = request.header("Call-ID") == self.call_id;
        match request.method().unwrap_or_default() {
            "ACK" => self.pending = None,
            "OPTIONS" => self.respond(&request, "200 OK").await,
            "BYE" if ours => {
                self.respond(&request, "200 OK").await;
                self.pending = None;
                self.end(End::Theirs);
            }
            // In the call: where sound goes may have changed.
            "INVITE" | "UPDATE" if ours && stage == Stage::Talking => {
                self.media = Media::parse(&request.body).or(self.media);
                self.respond_with_sdp(&request).await;
            }
            "INVITE" if ours => {}
            "INVITE" => match manner {
                Some(Manner::AnswersLater { busy, .. }) if self.refused < *busy => {
                    self.refused += 1;
                    self.respond(&request, "486 Busy Here").await;
                }
                Some(manner) if stage == Stage::Idle => self.rung(request, manner).await,
                _ => self.respond(&request, "486 Busy Here").await,
            },
            "CANCEL" if ours => {
                self.respond(&request, "200 OK").await;
                self.refuse("487 Request Terminated").await;
                self.end(End::Theirs);
            }
            _ => self.respond(&request, "481 Call/Transaction Does Not Exist").await,
        }
    }

    /// Somebody calls.
    async fn rung(&mut self, invite: Message, manner: &Manner) {
        invite.header("Call-ID").clone_into(&mut self.call_id);
        invite.header("From").clone_into(&mut self.remote);
        self.local = format!("{};tag={}", invite.header("To"), self.tag);
        invite.contact().unwrap_or_default().clone_into(&mut self.target);
        let caller = invite.header("From").to_owned();
        self.shared.change(|view| {
            view.stage = Stage::Ringing;
            view.caller = caller.split_once("sip:").and_then(|(_, rest)| Some(rest.split_once('@')?.0.to_owned()));
        });
        self.invite = Some(invite.clone());
        match manner {
            Manner::Busy => {
                self.refuse("486 Busy Here").await;
                self.end(End::Refused(486));
            }
            Manner::Away => self.respond(&invite, "180 Ringing").await,
            Manner::Answers { after, .. } => {
                self.respond(&invite, "180 Ringing").await;
                self.pick_up = Some(Instant::now() + *after);
            }
            Manner::AnswersLater { .. } => self.accept().await,
        }
    }

    /// Picks up.
    async fn accept(&mut self) {
        let Some(invite) = self.invite.clone() else { return };
        self.talk(&invite.body);
        self.respond_with_sdp(&invite).await;
    }

    async fn refuse(&mut self, status: &str) {
        self.pick_up = None;
        if let Some(invite) = self.invite.clone() {
            self.respond(&invite, status).await;
        }
    }

    async fn respond(&self, request: &Message, status: &str) {
        let response = Message::response(request, status, &self.tag).with("Contact", self.contact());
        let _ = self.sockets.sip.send_to(&response.to_bytes(), self.exchange).await;
    }

    async fn respond_with_sdp(&mut self, request: &Message) {
        let codec = self.media.map_or(CODECS[0], |media| media.codec);
        let response = Message::response(request, "200 OK", &self.tag).with("Contact", self.contact());
        let response = response.with_sdp(sdp(self.sockets.rtp_address, &[codec]));
        if request.method() == Some("INVITE") {
            self.send_until_answered(&response).await;
        } else {
            let _ = self.sockets.sip.send_to(&response.to_bytes(), self.exchange).await;
        }
    }

    /// From here on both sides hear each other.
    fn talk(&mut self, sdp: &str) {
        let now = Instant::now();
        self.media = Media::parse(sdp);
        self.mouth = Some(Mouth::new(now, Arc::clone(&self.voice)));
        self.shared.change(|view| {
            view.stage = Stage::Talking;
            view.begun = now;
            view.hearing = Hearing::new(now);
        });
    }

    fn end(&mut self, end: End) {
        self.pending = None;
        self.pick_up = None;
        self.mouth = None;
        self.shared.change(|view| {
            if !matches!(view.stage, Stage::Ended(_)) {
                view.stage = Stage::Ended(end);
            }
        });
    }

    /// A request in the call.
    fn request(&mut self, method: &str) -> Message {
        self.sequence += 1;
        self.request_numbered(method, self.sequence)
    }

    fn request_numbered(&self, method: &str, number: u32) -> Message {
        let via = format!("SIP/2.0/UDP {};branch=z9hG4bK{};rport", self.sockets.sip_address, token());
        Message::request(method, &self.target)
            .with("Via", via)
            .with("From", self.local.clone())
            .with("To", self.remote.clone())
            .with("Call-ID", self.call_id.clone())
            .with("CSeq", format!("{number} {method}"))
    }

    fn contact(&self) -> String {
        format!("<sip:phone@{}>", self.sockets.sip_address)
    }

    async fn send_until_answered(&mut self, message: &Message) {
        let (bytes, now) = (message.to_bytes(), Instant::now());
        let _ = self.sockets.sip.send_to(&bytes, self.exchange).await;
        self.pending = Some(Pending { bytes, since: now, again: now + FIRST_RETRY, pause: FIRST_RETRY });
    }
}

fn token() -> String {
    format!("{:016x}", fastrand::u64(..))
}
