//! hotline: an open backend for public telephone hotlines in the style of China's 12333.
//!
//! A caller dials, keys in an ID-card or social-security-card number and a query PIN, and hears the balance of a
//! medical-insurance account in speech that is right to the last 零. Telephone networks reach it by webhooks, jambonz also by a
//! WebSocket; an Asterisk by a WebSocket or by AGI.
//!
//! # The map
//!
//! ```text
//!  telephone network
//!    │  webhook, WebSocket, AGI                                  ▲ markup, JSON, commands
//!    ▼                                                           │
//!  telephony/   one dialect each: prove the sender, read an Event, write a Turn
//!    ▼                                                           ▲
//!  call/        open the sealed state → step → have done what is asked, exactly once → step → seal
//!    │      ▲                          │
//!    ▼      │ Turn                     ▼ Request / Answer
//!  dialog/  pure call flow           service/  what a request does; the only way to the store
//!    ▼                                 ▼
//!  speech/  pure: values → words     store/    SQLite or PostgreSQL: members, tries, effects, audit
//! ```
//!
//! Arrows point one way. [`dialog`], [`speech`], [`member`] and [`secret`] are pure: no I/O, no clock, no randomness, no
//! async (a test reads their imports). Words of a vendor never leave their dialect.
//!
//! | module | what it is for |
//! |---|---|
//! | [`dialog`] | the call flow as one pure function, [`dialog::Flow::step`]; menus and answers from a line's file; the walk that proves what must hold; how long callers take |
//! | [`speech`] | typed values into words: the catalogues of prompts; Chinese as Mandarin and Cantonese say it; English; words into clips |
//! | [`member`] | who calls and what they have: ID, card and personal numbers, money, accounts, the CSV register |
//! | [`secret`] | keys, PINs and tokens that cannot be printed, and the proof that a PIN was right |
//! | [`call`] | one call: the driver, the seal, the register of live calls, admission; the lines in force |
//! | [`service`] | what a request of the dialog does, exactly once, with tries taken before hashing |
//! | [`store`] | what is kept: encrypted, indexed blindly, audited in a MAC chain |
//! | [`keys`] | the key ring everything is sealed with |
//! | [`telephony`] | the dialect contract; Twilio and its family; jambonz; Plivo; Vonage; Cloopen; `VoiceXML`; FreeSWITCH; Asterisk; the JSON way in for `hotline dial` and browsers |
//! | [`server`] | everything put together, the edge, and lines replaced while calls run |
//! | [`voice`] | clips on disk: what is wrong with them, what must be rendered, which are in force |
//! | [`record`] | calls as they are recorded: keys that menus offer, shapes of numbers, shifted values, for [`replay`] |
//! | [`replay`] | keypress transcripts: read, played at a platform's end of the line, told where they differ; written of calls that took place, of ways nobody walked, and of rules that break |
//! | [`config`], [`fault`] | typed settings; faults with place and remedy |
//! | [`telemetry`], [`clock`] | one occurrence = one log line and its metric; the one home of time |
//! | [`cli`] | the commands, one file each |
//!
//! # One call, walked through
//!
//! 1. `POST /twilio/voice` reaches [`telephony::twilio`]. The signature is checked over the configured public address;
//!    only then is the form looked at. It becomes a [`call::caller::Call`] and goes to the
//!    [`call::driver::Driver`].
//! 2. The driver finds the line that was dialled, starts a [`dialog::State`] and steps it with
//!    [`dialog::Event::Dialled`]. The [`dialog::Turn`] says the greeting and the main menu and wants one key.
//! 3. [`call::seal`] seals turn number and state, bound to this call's id, into a token. The dialect writes the prompts
//!    (worded by the [`speech::catalog`]) and the token, in the address that the key is to be sent to. Nothing is kept.
//! 4. The caller presses 1. The next webhook brings the token back; it is opened, and the state goes one step further:
//!    not signed in, so the number is asked for.
//! 5. The number arrives as [`secret::Keys`]. The dialog reads it as a [`member::id_number::IdNumber`] and asks
//!    [`dialog::Request::Identify`]; [`service`] answers with its blind index, and from here on there is no number.
//! 6. Before the PIN, [`dialog::Request::Guard`] asks whether digits must be pressed first: only while [`service::spray`]
//!    sees an attack. The PIN arrives, and the dialog asks [`dialog::Request::SignIn`]. The service takes a try and writes an audit row
//!    in one transaction, hashes outside it, and writes the outcome in a second. Only a right PIN makes a
//!    [`secret::PinVerified`], only that makes a [`dialog::SignedIn`], and every account request takes one.
//! 7. The balance is read, audited and stored as the effect of this very turn in one transaction: a webhook that is
//!    repeated, on this node or another, gets the same words and leaves no second trace.
//!
//! # Chapters
//!
//! [`manual::asterisk`] (calls by your own Asterisk), [`manual::lines`] (menus and wording), [`manual::transcripts`] (calls as
//! QA writes them down), [`manual::privacy`] (what is kept, and how it is sealed), [`manual::deployment`] (production, several
//! nodes, limits), [`manual::voice`] (clips: built, recorded, checked and served).

pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dialog;
pub mod fault;
pub mod keys;
pub mod member;
pub mod record;
pub mod replay;
pub mod secret;
pub mod server;
pub mod service;
pub mod speech;
pub mod store;
pub mod telemetry;
pub mod telephony;
pub mod voice;

/// Explanations that belong to no single module.
pub mod manual {
    #[doc = include_str!("manual/asterisk.md")]
    pub mod asterisk {}
    #[doc = include_str!("manual/deployment.md")]
    pub mod deployment {}
    #[doc = include_str!("manual/lines.md")]
    pub mod lines {}
    #[doc = include_str!("manual/privacy.md")]
    pub mod privacy {}
    #[doc = include_str!("manual/transcripts.md")]
    pub mod transcripts {}
    #[doc = include_str!("manual/voice.md")]
    pub mod voice {}
}
