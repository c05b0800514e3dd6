//! Asterisk: calls by ARI, over a websocket, and by AGI.
//!
//! ```text
//! GET /asterisk/ari        Asterisk connects (websocket, subprotocol ari, HTTP Basic); events and requests go by it
//! GET /asterisk/tone.wav   what a caller speaks after
//! ```
//!
//! They are there only where Asterisk is set up; the first, where it has a password. A connection is a [`session`]: what comes is read by [`wire`] and goes to the call
//! it is about; each is a small task ([`call`]) between the [`Conversation`], which tells what now, the
//! [`voice`], which makes sounds of that, and [`turns`], which knows what to play when and which keys count. That last one
//! is pure: captures of real calls are played through it.
//!
//! In the dialplan stands `Stasis(hotline,12333)`: the number that was dialled, and perhaps a language (`zh-CN`) that the way in
//! asks for. Variables of a channel:
//!
//! | variable | what it is |
//! |---|---|
//! | `HOTLINE_STATE` | how the call waits, and the sealed step; whoever takes the call up goes on from there |
//! | `HOTLINE_LINE` | for putting through: the number that was dialled |
//! | `HOTLINE_TO` | the number, SIP address or queue to reach |
//! | `HOTLINE_RING` | for how many seconds |
//!
//! To put a caller through, the channel goes on in the dialplan at the context `hotline-transfer`, extension `number`, `sip` or
//! `queue`, and comes back with `Stasis(hotline,${HOTLINE_LINE},transferred,${DIALSTATUS})` or with `queued` and
//! `${QUEUESTATUS}`, or `LEFT` for who left the queue by a key.
//!
//! Facts of Asterisk 22 that shape all of it, measured:
//!
//! - The application is not told which calls are up when it connects, and hears of their keys all the same: so they are asked for.
//! - What was queued for it while it was away comes then, of calls that may be over.
//! - `PlaybackFinished` says `done` also where a sound in the midst of a list is missing.
//! - A play whose media is fetched slowly delays the keys pressed meanwhile; they are not lost.
//! - The connection for a single call has the name of its channel behind that of the application.
//! - The websocket client of Asterisk waits for acknowledgements ([`promptly`](super::promptly)).

mod agi;
mod call;
mod connect;
mod kept;
mod routes;
mod session;
mod settings;
mod talk;
#[cfg(test)]
mod testing;
mod tone;
mod turns;
mod voice;
mod wire;

use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::sync::watch;

pub use settings::Settings;

use self::talk::Line;
use self::voice::Voice;
use super::Conversation;
use super::webhook::PATIENCE;
use crate::speech::clip::Clips;

/// How a call is named to the rest of the house.
const DIALECT: &str = "asterisk";
/// What a call keeps on its channel.
const STATE: &str = "HOTLINE_STATE";
const LINE: &str = "HOTLINE_LINE";
const TO: &str = "HOTLINE_TO";
const RING: &str = "HOTLINE_RING";
/// For AGI, what the dialplan is to do behind it.
const NEXT: &str = "HOTLINE_NEXT";

/// Asterisk, as it is set up: what it connects to, and what connects to it.
#[derive(Debug)]
pub struct Asterisk<C> {
    line: Arc<Line<C>>,
    settings: Settings,
}

impl<C: Conversation> Asterisk<C> {
    /// Speaks with `clips`, which Asterisk fetches from below `media`.
    #[must_use]
    pub fn new(conversation: Arc<C>, settings: &Settings, clips: Clips, media: &str) -> Self {
        let voice = Voice::new(clips, media);
        let transfer_context = settings.transfer_context.clone();
        let line = Arc::new(Line { conversation, voice, transfer_context, patience: PATIENCE });
        Self { line, settings: settings.clone() }
    }

    /// The address that Asterisk connects to, if it may, and what it plays beside clips.
    #[must_use]
    pub fn router(&self) -> Option<Router> {
        let connect = routes::router(Arc::clone(&self.line), &self.settings).unwrap_or_default();
        self.settings.is_set_up().then(|| connect.merge(tone::router()))
    }

    /// Connects, and listens for AGI, where that is set up, until `stop` says so.
    ///
    /// # Errors
    /// What is to be listened at is taken, or not this machine's.
    pub async fn connect(&self, stop: &watch::Sender<bool>) -> io::Result<()> {
        if self.settings.connect_to().is_some() {
            let (line, settings) = (Arc::clone(&self.line), self.settings.clone());
            tokio::spawn(connect::keep_connected(line, settings, stop.subscribe()));
        }
        if let Some(address) = self.settings.agi_listen {
            let addresses = self.settings.agi_addresses.clone();
            let recordings = self.settings.agi_recordings.path().map(Into::into);
            let agi = agi::Agi { line: Arc::clone(&self.line), addresses, recordings, slack: agi::SLACK };
            agi.listen(address, stop.subscribe()).await?;
        }
        Ok(())
    }
}
