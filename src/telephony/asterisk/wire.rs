//! What goes over the socket: events and answers in, requests out; each is one text of JSON.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::secret::{Key, Secret};

/// The state of a channel that has been answered.
const UP: &str = "Up";

/// What Asterisk tells.
pub enum News {
    /// The application is known, by this name: the first word on every socket.
    Registered(Box<str>),
    /// A channel has entered the application.
    Started(Channel, Vec<String>),
    /// A key was pressed.
    Key(Box<str>, Key),
    /// What was played under this name is over. `failed`: the last of it could not be played.
    Played { channel: Box<str>, playback: Box<str>, failed: bool },
    /// A recording is over, after so many seconds; none if nothing was recorded.
    Recorded { channel: Box<str>, seconds: u32 },
    /// The channel is being hung up.
    HangingUp(Box<str>),
    /// The channel has left the application.
    Left(Box<str>),
    /// The channel is no more.
    Destroyed(Box<str>),
    /// Another connection has the application now: nothing is told here any more.
    Replaced,
    /// A request is answered.
    Answered(Answered),
    /// Something else.
    Other,
}

/// The answer to a request.
pub struct Answered {
    /// What the request was called.
    pub request: Box<str>,
    /// As of HTTP.
    pub status: u16,
    /// JSON, where there is one.
    pub body: Option<Box<str>>,
}

/// A channel, as far as it is read.
#[derive(Deserialize)]
pub struct Channel {
    /// Unique at this Asterisk, over its restarts too.
    pub id: Box<str>,
    /// As the connection for a single call is called after it.
    #[serde(default)]
    pub name: Box<str>,
    #[serde(default)]
    state: Box<str>,
    caller: Option<Party>,
    dialplan: Option<Dialplan>,
}

#[derive(Deserialize)]
struct Party {
    number: Option<Secret>,
}

#[derive(Deserialize)]
struct Dialplan {
    exten: Option<Box<str>>,
    app_name: Option<Box<str>>,
    app_data: Option<Box<str>>,
}

impl Channel {
    /// Whether it has been answered.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.state == *UP
    }

    /// The calling number, as the network told it.
    #[must_use]
    pub fn caller(&self) -> &str {
        self.caller.as_ref().and_then(|party| party.number.as_ref()).map_or("", Secret::expose)
    }

    /// The extension that was dialled.
    #[must_use]
    pub fn exten(&self) -> &str {
        self.dialplan.as_ref().and_then(|dialplan| dialplan.exten.as_deref()).unwrap_or_default()
    }

    /// What it entered `app` with, if that is what it is in: what the dialplan has behind the name of the application.
    #[must_use]
    pub fn in_app(&self, app: &str) -> Option<Vec<String>> {
        let dialplan = self.dialplan.as_ref()?;
        dialplan.app_name.as_deref().filter(|name| name.eq_ignore_ascii_case("Stasis"))?;
        let mut data = dialplan.app_data.as_deref().unwrap_or_default().split(',');
        data.next().filter(|name| name.trim() == app)?;
        Some(data.map(str::to_owned).collect())
    }
}

/// Everything that is read of a text.
#[derive(Deserialize)]
struct Text {
    #[serde(rename = "type")]
    kind: Box<str>,
    /// Asterisk's own name for itself.
    asterisk_id: Option<Box<str>>,
    application: Option<Box<str>>,
    channel: Option<Channel>,
    #[serde(default)]
    args: Vec<String>,
    digit: Option<char>,
    playback: Option<Playback>,
    recording: Option<Recording>,
    request_id: Option<Box<str>>,
    status_code: Option<u16>,
    message_body: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Playback {
    id: Box<str>,
    target_uri: Box<str>,
    state: Box<str>,
}

#[derive(Deserialize)]
struct Recording {
    target_uri: Box<str>,
    state: Box<str>,
    duration: Option<u32>,
}

/// Reads a text. `None`: it is nothing that Asterisk sends. What is wrong is not told: that may quote it.
#[must_use]
pub fn read(text: &str) -> Option<(News, Option<Box<str>>)> {
    let text: Text = serde_json::from_str(text).ok()?;
    let of_channel = |uri: &str| uri.strip_prefix("channel:").map(Into::into);
    let news = match &*text.kind {
        "ApplicationRegistered" => text.application.map(News::Registered),
        "StasisStart" => text.channel.map(|channel| News::Started(channel, text.args)),
        "ChannelDtmfReceived" => {
            // A to D are on no telephone.
            let key = text.digit.and_then(Key::from_char);
            text.channel.zip(key).map(|(channel, key)| News::Key(channel.id, key))
        }
        "PlaybackFinished" => text.playback.and_then(|playback| {
            let channel = of_channel(&playback.target_uri)?;
            Some(News::Played { channel, playback: playback.id, failed: &*playback.state == "failed" })
        }),
        "RecordingFinished" | "RecordingFailed" => text.recording.and_then(|recording| {
            let done = &*recording.state == "done";
            let seconds = recording.duration.filter(|_| done).unwrap_or(0);
            Some(News::Recorded { channel: of_channel(&recording.target_uri)?, seconds })
        }),
        "ChannelHangupRequest" => text.channel.map(|channel| News::HangingUp(channel.id)),
        "StasisEnd" => text.channel.map(|channel| News::Left(channel.id)),
        "ChannelDestroyed" => text.channel.map(|channel| News::Destroyed(channel.id)),
        "ApplicationReplaced" => Some(News::Replaced),
        "RESTResponse" => text.request_id.map(|request| {
            let status = text.status_code.unwrap_or(500);
            News::Answered(Answered { request, status, body: text.message_body })
        }),
        _ => None,
    };
    Some((news.unwrap_or(News::Other), text.asterisk_id))
}

/// A request of ARI, whichever way it goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Below `/ari/`.
    pub path: String,
    /// Name and value.
    pub query: Vec<(&'static str, String)>,
    /// JSON, where there is one.
    pub body: Option<String>,
}

impl Request {
    /// Answers a channel.
    #[must_use]
    pub fn answer(channel: &str) -> Self {
        Self::of(POST, format!("channels/{channel}/answer"))
    }

    /// Plays `media`, one after the other, under the name `playback`.
    #[must_use]
    pub fn play(channel: &str, playback: &str, media: String) -> Self {
        Self::of(POST, format!("channels/{channel}/play/{playback}")).with("media", media)
    }

    /// Stops what is played under this name.
    #[must_use]
    pub fn stop(playback: &str) -> Self {
        Self::of(DELETE, format!("playbacks/{playback}"))
    }

    /// Puts a variable on a channel.
    #[must_use]
    pub fn set(channel: &str, variable: &str, value: &str) -> Self {
        Self::of(POST, format!("channels/{channel}/variable"))
            .with("variable", variable.to_owned())
            .with("value", value.to_owned())
    }

    /// Reads a variable of a channel.
    #[must_use]
    pub fn get(channel: &str, variable: &str) -> Self {
        Self::of(GET, format!("channels/{channel}/variable")).with("variable", variable.to_owned())
    }

    /// Records into a file called `name`.
    #[must_use]
    pub fn record(channel: &str, name: &str, seconds: u64, silence: u64, finish: Key) -> Self {
        let finish = match finish {
            Key::Star | Key::Hash => finish.as_char().to_string(),
            // A recording ends with these two, with any key, or with none.
            Key::Digit(_) => "any".to_owned(),
        };
        Self::of(POST, format!("channels/{channel}/record"))
            .with("name", name.to_owned())
            .with("format", "wav".to_owned())
            .with("maxDurationSeconds", seconds.to_string())
            .with("maxSilenceSeconds", silence.to_string())
            .with("ifExists", "overwrite".to_owned())
            .with("terminateOn", finish)
    }

    /// Ends a recording: what was recorded is kept.
    #[must_use]
    pub fn end_recording(name: &str) -> Self {
        Self::of(POST, format!("recordings/live/{}/stop", segment(name)))
    }

    /// Asks for what is played under this name.
    #[must_use]
    pub fn playback(name: &str) -> Self {
        Self::of(GET, format!("playbacks/{name}"))
    }

    /// Lets the dialplan go on, elsewhere.
    #[must_use]
    pub fn go_on_at(channel: &str, context: &str, extension: &str) -> Self {
        Self::go_on(channel)
            .with("context", context.to_owned())
            .with("extension", extension.to_owned())
            .with("priority", "1".to_owned())
    }

    /// Lets the dialplan go on behind the application.
    #[must_use]
    pub fn go_on(channel: &str) -> Self {
        Self::of(POST, format!("channels/{}/continue", segment(channel)))
    }

    /// Hangs up: normal clearing.
    #[must_use]
    pub fn hang_up(channel: &str) -> Self {
        Self::of(DELETE, format!("channels/{channel}")).with("reason_code", "16".to_owned())
    }

    /// Every channel there is.
    #[must_use]
    pub fn channels() -> Self {
        Self::of(GET, "channels".to_owned())
    }

    /// Who Asterisk is.
    #[must_use]
    pub fn system() -> Self {
        Self::of(GET, "asterisk/info".to_owned()).with("only", "system".to_owned())
    }

    /// Has the end of a channel told that is out of the application.
    #[must_use]
    pub fn follow(app: &str, channel: &str) -> Self {
        Self::of(POST, format!("applications/{}/subscription", segment(app)))
            .with("eventSource", format!("channel:{channel}"))
    }

    /// Has what is of no use here not be told: what variables are set to is nobody's business.
    #[must_use]
    pub fn filter(app: &str) -> Self {
        let types = ["ChannelVarset", "ChannelDialplan", "ChannelStateChange", "PlaybackStarted", "PlaybackContinuing"];
        let disallowed: Vec<_> = types.iter().map(|kind| serde_json::json!({ "type": kind })).collect();
        let body = serde_json::json!({ "disallowed": disallowed }).to_string();
        Self { body: Some(body), ..Self::of("PUT", format!("applications/{}/eventFilter", segment(app))) }
    }

    fn of(method: &'static str, path: String) -> Self {
        Self { method, path, query: Vec::new(), body: None }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.query.push((name, value));
        self
    }

    /// The text that asks it over the socket; its answer bears the name `id`.
    #[must_use]
    pub fn text(&self, id: &str) -> String {
        #[derive(Serialize)]
        struct Pair<'r> {
            name: &'r str,
            value: &'r str,
        }
        #[derive(Serialize)]
        struct Text<'r> {
            r#type: &'static str,
            transaction_id: &'static str,
            request_id: &'r str,
            method: &'r str,
            uri: &'r str,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            query_strings: Vec<Pair<'r>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            content_type: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            message_body: Option<&'r str>,
        }
        let text = Text {
            r#type: "RESTRequest",
            transaction_id: "hotline",
            request_id: id,
            method: self.method,
            uri: &self.path,
            query_strings: self.query.iter().map(|(name, value)| Pair { name, value }).collect(),
            content_type: self.body.as_ref().map(|_| "application/json"),
            message_body: self.body.as_deref(),
        };
        // Plain structs of text: there is nothing that could not be written.
        serde_json::to_string(&text).unwrap_or_default()
    }
}

const GET: &str = "GET";
const POST: &str = "POST";
const DELETE: &str = "DELETE";

/// `text` as a segment of a path: a connection for one call has an application with `:` and `/` in its name.
fn segment(text: &str) -> String {
    // RFC 3986, 2.3.
    const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, &RESERVED).to_string()
}
