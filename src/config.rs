//! Typed settings: `config/default.toml`, then a file, then the environment. Unknown keys and bad values are refused
//! with the place they stand at.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};
use tracing_subscriber::EnvFilter;

use crate::fault::{Fault, Faults};
use crate::secret::Secret;
use crate::telephony::public_url::{InvalidPublicUrl, PublicUrl};
use crate::telephony::sender::{Networks, fits_a_path};
use crate::telephony::{asterisk, cloopen, httapi, jambonz, plivo, twilio, voicexml, vonage};

/// The compiled-in defaults, and the documentation of every setting.
pub const DEFAULT: &str = include_str!("../config/default.toml");

const ENVIRONMENT_PREFIX: &str = "HOTLINE_";
/// Tables whose keys are the operator's own.
const OPEN_TABLES: [&str; 12] = [
    "twilio.accounts",
    "twilio.voices",
    "signalwire.voices",
    "telnyx.voices",
    "somleng.voices",
    "exotel.voices",
    "kazoo.voices",
    "jambonz.voices",
    "voicexml.voices",
    "httapi.voices",
    "plivo.voices",
    "vonage.voices",
];
/// What begins so may hold a secret: a fault names it and never quotes it.
const SECRETS: [&str; 14] = [
    "twilio.",
    "signalwire.",
    "somleng.",
    "exotel.",
    "kazoo.",
    "jambonz.",
    "voicexml.",
    "httapi.",
    "plivo.",
    "vonage.",
    "cloopen.",
    "asterisk.",
    "browser.token",
    "store.url",
];
/// A secret of so many characters is not guessed.
const LEAST_SECRET: usize = 16;

/// What the hotline is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// On a laptop, with sample members.
    Development,
    /// In public.
    Production,
}

/// Every setting. `config/default.toml` says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Settings {
    pub profile: Profile,
    pub server: Server,
    pub log: Log,
    pub store: Store,
    pub keys: Keys,
    pub lines: Lines,
    pub prompts: Prompts,
    pub holidays: Directory,
    pub call: Call,
    pub sign_in: SignIn,
    pub messages: Messages,
    pub abuse: Abuse,
    pub record: Record,
    pub twilio: twilio::Settings,
    pub signalwire: twilio::SignalWire,
    pub telnyx: twilio::Telnyx,
    pub somleng: twilio::Somleng,
    pub exotel: twilio::Unsigned,
    pub kazoo: twilio::Unsigned,
    pub jambonz: jambonz::Settings,
    pub voicexml: voicexml::Settings,
    pub httapi: httapi::Settings,
    pub plivo: plivo::Settings,
    pub vonage: vonage::Settings,
    pub cloopen: cloopen::Settings,
    pub asterisk: asterisk::Settings,
    pub browser: Browser,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Server {
    pub listen: SocketAddr,
    pub public_url: String,
    pub trusted_proxies: Networks,
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    pub body_timeout: Duration,
    pub max_connections: usize,
    pub max_in_flight: usize,
    pub reserved_for_running: usize,
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub enum LogFormat {
    Pretty,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Store {
    pub url: Secret,
    pub connections: u32,
    #[serde(deserialize_with = "duration")]
    pub deadline: Duration,
    pub audit_anchors: PathBuf,
    pub sample_members: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Keys {
    pub file: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Lines {
    pub directory: PathBuf,
    pub watch: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Prompts {
    pub directory: PathBuf,
    pub voice: Voice,
}

/// Who speaks where a platform has a voice of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The platform, from text.
    Platform,
    /// Our clips, of what there are clips of.
    Clips,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Directory {
    pub directory: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Call {
    #[serde(deserialize_with = "duration")]
    pub longest: Duration,
    pub most_turns: u16,
    pub most_registered: usize,
    pub marked_callers: bool,
    #[serde(deserialize_with = "duration")]
    pub marked_within: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct SignIn {
    pub tries_before_lock: u16,
    #[serde(deserialize_with = "duration")]
    pub first_lock: Duration,
    #[serde(deserialize_with = "duration")]
    pub longest_lock: Duration,
    pub hard_limit: u16,
    pub hash_memory_kib: u32,
    pub hash_passes: u32,
    pub hash_threads: usize,
    pub hash_queue: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Messages {
    pub kept_days: u16,
    pub tries_per_call: u16,
    pub tries_per_caller: u16,
    pub tries_withheld: u16,
}

/// `[abuse]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Abuse {
    pub persons_an_hour: u16,
    pub failures_a_day: u16,
    pub withheld_failures_an_hour: u16,
    pub exempt_callers: Vec<String>,
    pub known_caller_tries: u16,
    #[serde(deserialize_with = "duration")]
    pub known_caller_for: Duration,
    pub level: SprayLevel,
    pub same_pin: u32,
    pub neighbours: u32,
    pub unknown_percent: u8,
    pub failing_percent: u8,
    pub unanswered_percent: u8,
    #[serde(deserialize_with = "duration")]
    pub calm: Duration,
}

/// `[record]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Record {
    pub directory: String,
    #[serde(deserialize_with = "duration")]
    pub kept: Duration,
    pub most: usize,
    pub every: u32,
}

impl Record {
    /// Where calls are recorded, if they are.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        (!self.directory.is_empty()).then(|| Path::new(&self.directory))
    }
}

/// How much sign-ins are taken to look like an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub enum SprayLevel {
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "0")]
    Never,
    #[serde(rename = "1")]
    Alert,
    #[serde(rename = "2")]
    Challenge,
    #[serde(rename = "3")]
    StaffOnly,
}

impl SprayLevel {
    /// The level that is set. `None`: it follows from what is seen.
    #[must_use]
    pub fn pinned(self) -> Option<u8> {
        match self {
            Self::Auto => None,
            Self::Never => Some(0),
            Self::Alert => Some(1),
            Self::Challenge => Some(2),
            Self::StaffOnly => Some(3),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml documents each, once")]
pub struct Browser {
    pub token: Secret,
}

impl Settings {
    /// Reads the defaults, then `file`, then `environment` (name and value pairs; of those only `HOTLINE_PROFILE` and
    /// `HOTLINE_…__…` are ours: others set `HOTLINE_PORT` and the like for services of that name).
    ///
    /// # Errors
    /// Every fault found, each with file and line or the variable's name.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Result<Self, Faults> {
        match Self::read(file, environment)? {
            (settings, faults) if faults.is_empty() => Ok(settings),
            (_, faults) => Err(Faults(faults)),
        }
    }

    /// As [`Self::load`], but settings that are each well written come back with what is wrong among them.
    ///
    /// # Errors
    /// Every fault in how they are written.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Result<(Self, Vec<Fault>), Faults> {
        let mut layers = Layers::defaults()?;
        if let Some(path) = file {
            let source = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|e| {
                Faults(vec![Fault::of(
                    &source,
                    format!("cannot be read: {e}"),
                    "name a file that is there with --config",
                )])
            })?;
            layers.file(&source, &text)?;
        }
        for (name, value) in environment {
            let Ok(name) = name.into().into_string() else { continue };
            let ours = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|path| path.contains("__") || *path == "PROFILE");
            let Some(path) = ours else { continue };
            match value.into().into_string() {
                Ok(value) => layers.variable(&name, &path.to_lowercase().replace("__", "."), &value),
                Err(_) => layers.faults.push(Fault::of(&name, "is not UTF-8", "write it in UTF-8")),
            }
        }
        let settings = layers.settings()?;
        let faults = settings.contradictions();
        Ok((settings, faults))
    }

    /// The address platforms call.
    ///
    /// # Errors
    /// What is set is no address.
    pub fn public_url(&self) -> Result<PublicUrl, InvalidPublicUrl> {
        match self.server.public_url.as_str() {
            "" => PublicUrl::parse(&format!("http://{}", self.server.listen)),
            url => PublicUrl::parse(url),
        }
    }

    /// Whether requests from this machine are those of its people: a proxy in front would pass on anybody's.
    #[must_use]
    pub fn open_to_this_machine(&self) -> bool {
        let of_this_machine = self.server.public_url.is_empty() || self.public_url().is_ok_and(|u| u.is_this_machine());
        self.profile == Profile::Development && of_this_machine
    }

    /// The platforms of Twilio's family that are set up. Twilio itself is there in any case.
    #[must_use]
    pub fn family(&self) -> Vec<twilio::Platform> {
        let proxies = &self.server.trusted_proxies;
        let others = [
            self.signalwire.platform(),
            self.telnyx.platform(),
            self.somleng.platform(),
            self.exotel.exotel(proxies),
            self.kazoo.kazoo(proxies),
        ];
        [self.twilio.platform()].into_iter().chain(others.into_iter().flatten()).collect()
    }

    /// Whether anybody but people of our own can be let in at all.
    fn has_platform(&self) -> bool {
        self.has_webhooks() || self.asterisk.is_set_up()
    }

    /// Whether platforms call from outside, by webhooks.
    fn has_webhooks(&self) -> bool {
        let others = [self.jambonz.is_set_up(), self.plivo.is_set_up(), self.vonage.is_set_up()];
        self.twilio.has_tokens()
            || self.family().len() > 1
            || others.contains(&true)
            || self.unsigned().iter().any(|(_, secret, _)| secret.is_some())
    }

    /// What platforms that are set up, and have no queues, are called.
    #[must_use]
    pub fn without_queues(&self) -> Vec<&'static str> {
        let family = self.family();
        let family = family.iter().map(twilio::Platform::profile).filter(|profile| !profile.can(twilio::Can::Queue));
        let others = [
            (self.plivo.is_set_up(), "Plivo"),
            (self.vonage.is_set_up(), "Vonage"),
            (self.cloopen.secret().is_some(), "Cloopen"),
            (self.voicexml.secret().is_some(), "VoiceXML"),
            (self.httapi.secret().is_some(), "FreeSWITCH"),
        ];
        let others = others.into_iter().filter(|(is_set_up, _)| *is_set_up).map(|(_, name)| name);
        family.map(|profile| profile.name).chain(others).collect()
    }

    /// Platforms that sign nothing, by the name of their table: the secret in their addresses, and where they call from.
    fn unsigned(&self) -> [(&'static str, Option<&Secret>, &Networks); 5] {
        [
            ("exotel", self.exotel.secret(), &self.exotel.addresses),
            ("kazoo", self.kazoo.secret(), &self.kazoo.addresses),
            ("cloopen", self.cloopen.secret(), &self.cloopen.addresses),
            ("voicexml", self.voicexml.secret(), &self.voicexml.addresses),
            ("httapi", self.httapi.secret(), &self.httapi.addresses),
        ]
    }

    /// What each setting alone cannot tell.
    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.out_of_bounds(&mut faults);
        let mut fault = |key: &str, problem: &str, remedy: &str| faults.push(Fault::of(key, problem, remedy));
        if self.server.reserved_for_running >= self.server.max_in_flight {
            fault(
                "server.reserved_for_running",
                "leaves no room for new calls",
                "make it less than server.max_in_flight",
            );
        }
        if self.public_url().is_err() {
            fault("server.public_url", "is no address", "write it as \"https://hotline.example\", without ? and #");
        }
        if self.sign_in.hard_limit < self.sign_in.tries_before_lock || self.sign_in.hard_limit > 100 {
            fault(
                "sign_in.hard_limit",
                "must be from sign_in.tries_before_lock to 100",
                "20 keeps a PIN safe for years",
            );
        }
        if self.sign_in.first_lock > self.sign_in.longest_lock {
            fault("sign_in.first_lock", "is longer than sign_in.longest_lock", "make it as long at most");
        }
        let is_number =
            |n: &String| n.strip_prefix('+').unwrap_or(n).bytes().all(|b| b.is_ascii_digit()) && n.len() > 2;
        if !self.abuse.exempt_callers.iter().all(is_number) {
            fault(
                "abuse.exempt_callers",
                "holds something that is no number",
                "write digits as the platform tells them, such as \"+861012333\"",
            );
        }
        if EnvFilter::try_new(&self.log.level).is_err() {
            fault(
                "log.level",
                "is no level",
                "take trace, debug, info, warn, error, or a filter like \"info,hotline=debug\"",
            );
        }
        if !self.jambonz.recorder_is_address() {
            fault("jambonz.recorder", "is no WebSocket address", "write it as \"wss://recorder.example/hotline\"");
        }
        if !self.jambonz.credentials_can_be_sent() {
            let remedy = "write user:password, as the application's basic authentication has them";
            fault("jambonz.credentials", "cannot be sent", remedy);
        }
        if !self.vonage.recorder_is_address() {
            fault("vonage.recorder", "is no address", "write it as \"https://recorder.example/hotline\"");
        }
        if !self.telnyx.keys_are_keys() {
            fault(
                "telnyx.public_key",
                "is no public key",
                "take it from the portal, Keys & Credentials: 44 characters, the last one =",
            );
        }
        if !self.voicexml.recorder_is_address() {
            fault("voicexml.recorder", "is no address", "write it as \"https://recorder.example/messages\"");
        }
        if !self.httapi.dial_strings_reach_someone() {
            let remedy = "write a dial string with {to} in it, such as \"sofia/gateway/carrier/{to}\"";
            fault("httapi.dial_number, httapi.dial_sip", "reaches nobody", remedy);
        }
        if !self.httapi.recordings.can_be_named() {
            let remedy = "write it from / on, of letters, digits, / . _ and -";
            fault("httapi.recordings", "is no folder that FreeSWITCH can be told of", remedy);
        }
        if !self.httapi.credentials_can_be_sent() {
            fault("httapi.credentials", "cannot be sent", "write user:password, as gateway-credentials has them");
        }
        self.unfit_for_asterisk(&mut fault);
        for (table, secret, _) in self.unsigned() {
            if secret.is_some_and(|secret| !fits_a_path(secret)) {
                let remedy = "take letters, digits, - and _: it stands in the address";
                fault(&format!("{table}.secret"), "cannot stand in an address", remedy);
            }
        }
        if let Some(problem) = self.store.url_problem() {
            fault(
                "store.url",
                problem,
                "write \"sqlite:data/hotline.db\" or \"postgres://user:password@host/database\"",
            );
        }
        if self.profile == Profile::Production {
            self.unfit_for_public(&mut faults);
        }
        faults
    }

    fn unfit_for_asterisk(&self, fault: &mut impl FnMut(&str, &str, &str)) {
        let asterisk = &self.asterisk;
        if !asterisk.user_can_be_sent() {
            fault("asterisk.user, asterisk.connect_user", "cannot be sent", "write a name without a colon");
        }
        if !asterisk.names_can_be_dialplan() {
            let remedy = "take letters, digits, -, _ and .: both stand in the dialplan";
            fault("asterisk.app, asterisk.transfer_context", "cannot stand in a dialplan", remedy);
        }
        if !asterisk.media_url_is_address() {
            let remedy = "write it as \"http://10.0.0.7:8080\", as Asterisk reaches this hotline; without a comma";
            fault("asterisk.media_url", "is no address that sounds could be fetched from", remedy);
        }
        if !asterisk.connect_to_is_address() {
            let remedy = "write it as \"http://127.0.0.1:8088/ari\"; TLS belongs between the two";
            fault("asterisk.connect_to", "is no address that can be connected to", remedy);
        }
        if !asterisk.connect_to_names_nobody() {
            let remedy = "write it without, and the two as asterisk.connect_user and asterisk.connect_password";
            fault("asterisk.connect_to", "has a user or a password in it", remedy);
        }
        if !asterisk.connect_password_is_there() {
            let remedy = "write the password of asterisk.connect_user in Asterisk's ari.conf";
            fault("asterisk.connect_password", "is empty: Asterisk would not let us in", remedy);
        }
        let own = self.public_url().map(|url| url.as_str().to_owned()).unwrap_or_default();
        if asterisk.is_set_up() && !asterisk.media_can_be_fetched(&own) {
            let remedy = "write asterisk.media_url as \"http://10.0.0.7:8080\", as Asterisk reaches this hotline";
            fault("asterisk.media_url", "is where nothing can be fetched from", remedy);
        }
        if !asterisk.agi_recordings.can_be_named() {
            let remedy = "write it from / on, of letters, digits, / . _ and -";
            fault("asterisk.agi_recordings", "is no folder that Asterisk can be told of", remedy);
        }
        if asterisk.agi_listen.is_some() && asterisk.agi_addresses.is_empty() {
            let remedy = "list the addresses of your Asterisk, such as [\"127.0.0.1\"]";
            fault("asterisk.agi_addresses", "is empty: AGI proves nothing, so nobody could connect", remedy);
        }
    }

    /// Numbers and times with which the hotline would not start, or would hear nobody.
    fn out_of_bounds(&self, faults: &mut Vec<Fault>) {
        const MS: Duration = Duration::from_millis(1);
        const MINUTE: Duration = Duration::from_mins(1);
        const DAY: Duration = Duration::from_hours(24);
        let Self { server, store, call, sign_in, messages, abuse, record, .. } = self;
        let numbers = [
            ("server.max_connections", server.max_connections, 1, 1_000_000),
            ("server.max_in_flight", server.max_in_flight, 1, 1_000_000),
            ("store.connections", store.connections as usize, 1, 200),
            ("call.most_turns", call.most_turns.into(), 10, 10_000),
            ("call.most_registered", call.most_registered, 1, 100_000_000),
            ("sign_in.tries_before_lock", sign_in.tries_before_lock.into(), 1, 10),
            // OWASP's least, and what a machine has to spare for each hash.
            ("sign_in.hash_memory_kib", sign_in.hash_memory_kib as usize, 7168, 1_048_576),
            ("sign_in.hash_passes", sign_in.hash_passes as usize, 1, 100),
            ("sign_in.hash_threads", sign_in.hash_threads, 0, 256),
            ("sign_in.hash_queue", sign_in.hash_queue, 1, 100_000),
            ("messages.kept_days", messages.kept_days.into(), 1, 3660),
            ("messages.tries_per_call", messages.tries_per_call.into(), 1, 10),
            ("messages.tries_per_caller", messages.tries_per_caller.into(), 1, 100),
            ("messages.tries_withheld", messages.tries_withheld.into(), 1, 10_000),
            ("abuse.persons_an_hour", abuse.persons_an_hour.into(), 1, 10_000),
            ("abuse.failures_a_day", abuse.failures_a_day.into(), 1, 10_000),
            ("abuse.withheld_failures_an_hour", abuse.withheld_failures_an_hour.into(), 0, 10_000),
            ("abuse.known_caller_tries", abuse.known_caller_tries.into(), 0, 10),
            ("abuse.same_pin", abuse.same_pin as usize, 5, 10_000),
            ("abuse.neighbours", abuse.neighbours as usize, 3, 10_000),
            ("abuse.unknown_percent", abuse.unknown_percent.into(), 1, 100),
            ("abuse.failing_percent", abuse.failing_percent.into(), 1, 100),
            ("abuse.unanswered_percent", abuse.unanswered_percent.into(), 1, 100),
            ("record.most", record.most, 1, 100_000),
            ("record.every", record.every as usize, 1, 1_000_000),
        ];
        let times = [
            ("server.header_timeout", server.header_timeout, 100 * MS, 10 * MINUTE),
            ("server.body_timeout", server.body_timeout, 100 * MS, 10 * MINUTE),
            ("server.drain", server.drain, 100 * MS, 60 * MINUTE),
            ("store.deadline", store.deadline, 50 * MS, 10_000 * MS),
            ("call.longest", call.longest, MINUTE, DAY),
            ("call.marked_within", call.marked_within, 10 * MS, 1000 * MS),
            ("sign_in.first_lock", sign_in.first_lock, MINUTE, 366 * DAY),
            ("sign_in.longest_lock", sign_in.longest_lock, MINUTE, 366 * DAY),
            ("abuse.known_caller_for", abuse.known_caller_for, DAY, 366 * DAY),
            ("abuse.calm", abuse.calm, MINUTE, DAY),
            ("record.kept", record.kept, 60 * MINUTE, 31 * DAY),
        ];
        let fault = |key: &str, least: &str, most: &str| {
            let default = Layers::defaults().ok().and_then(|l| find(&l.defaults, key).map(ToString::to_string));
            let remedy = format!("the default is {}", default.unwrap_or_default());
            Fault::of(key, format!("must be from {least} to {most}"), remedy)
        };
        for (key, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                faults.push(fault(key, &least.to_string(), &most.to_string()));
            }
        }
        for (key, value, least, most) in times {
            if !(least..=most).contains(&value) {
                faults.push(fault(key, &format!("{least:?}"), &format!("{most:?}")));
            }
        }
    }

    fn unfit_for_public(&self, faults: &mut Vec<Fault>) {
        let mut fault = |key: &str, problem: &str, remedy: &str| {
            faults.push(Fault::of(key, format!("{problem} (profile = \"production\")"), remedy));
        };
        if self.store.sample_members {
            fault("store.sample_members", "would load sample members", "set it to false and import your own");
        }
        if !self.has_platform() {
            fault("twilio.auth_token", "no webhook has a secret: nobody could call", "set the token of your account");
        }
        let secrets = self.twilio.tokens().chain([&self.browser.token]).map(|secret| secret.expose().len());
        if secrets.filter(|length| *length > 0).any(|length| length < LEAST_SECRET) {
            fault(
                "twilio.auth_token, browser.token",
                "a secret is shorter than 16 characters",
                "take the platform's own token, or 32 random characters",
            );
        }
        if self.jambonz.secrets().any(is_short) {
            fault("jambonz.secret", "a secret is shorter than 16 characters", "take the account's own webhook secret");
        }
        let has_short_password =
            |both: &Secret| both.expose().split_once(':').is_some_and(|(_, p)| p.len() < LEAST_SECRET);
        if self.jambonz.credentials().any(has_short_password) {
            let remedy = "take a password of 32 random letters and digits";
            fault("jambonz.credentials", "a password is shorter than 16 characters", remedy);
        }
        if self.signalwire.keys().any(is_short) {
            let remedy = "take the signing key of the project, PSK_…";
            fault("signalwire.signing_key", "a key is shorter than 16 characters", remedy);
        }
        if self.somleng.tokens().any(is_short) {
            fault("somleng.auth_token", "a token is shorter than 16 characters", "take the auth token of the account");
        }
        if self.plivo.tokens().any(is_short) {
            fault("plivo.auth_token", "a token is shorter than 16 characters", "take the auth token of the account");
        }
        if self.vonage.secrets().any(is_short) {
            let remedy = "set one of 32 random letters and digits in the dashboard";
            fault("vonage.signature_secret", "a secret is shorter than 16 characters", remedy);
        }
        if self.asterisk.password().is_some_and(is_short) {
            let remedy = "take 32 random letters and digits";
            fault("asterisk.password", "is shorter than 16 characters", remedy);
        }
        for (table, secret, addresses) in self.unsigned() {
            let Some(secret) = secret else { continue };
            if is_short(secret) {
                let remedy = "take 32 random letters and digits";
                fault(&format!("{table}.secret"), "is shorter than 16 characters", remedy);
            }
            if addresses.is_empty() {
                let problem = "is empty: whoever learns the secret could call from anywhere";
                let remedy = "list the addresses the platform calls from, or write \"0.0.0.0/0\"";
                fault(&format!("{table}.addresses"), problem, remedy);
            }
        }
        // An Asterisk in the same house needs no public address.
        if self.asterisk.is_set_up() && !self.has_webhooks() {
            return;
        }
        if !self.server.public_url.is_empty() && self.public_url().is_err() {
            return; // Told already.
        }
        if !self.public_url().is_ok_and(|url| url.is_public()) {
            fault(
                "server.public_url",
                "is not a public https:// address",
                "write the address platforms call, as they see it",
            );
        }
    }
}

impl Store {
    /// What keeps the address from naming a store.
    fn url_problem(&self) -> Option<&'static str> {
        let url = self.url.expose();
        let Some(file) = url.strip_prefix("sqlite:") else {
            let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
            return (!postgres).then_some("names neither SQLite nor PostgreSQL");
        };
        match file.strip_prefix("//").unwrap_or(file) {
            "" | ":memory:" => Some("names no file: what is stored must outlive the process"),
            file if file.contains('?') => Some("takes no parameters behind ? for SQLite"),
            _ => None,
        }
    }

    /// The file of an embedded store.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.url.expose().strip_prefix("sqlite:")?;
        let file = file.strip_prefix("//").unwrap_or(file);
        // As the driver reads it.
        Some(percent_encoding::percent_decode_str(file).decode_utf8_lossy().into_owned().into())
    }
}

/// The settings as they are put together, and where each came from.
struct Layers {
    merged: Table,
    /// Dotted key → file and line, or variable.
    origin: HashMap<String, (String, Option<usize>)>,
    defaults: Table,
    faults: Vec<Fault>,
}

impl Layers {
    fn defaults() -> Result<Self, Faults> {
        let table: Table =
            toml::from_str(DEFAULT).map_err(|e| Faults(vec![Fault::from_toml("default.toml", DEFAULT, &e)]))?;
        Ok(Self { merged: table.clone(), origin: HashMap::new(), defaults: table, faults: Vec::new() })
    }

    fn file(&mut self, source: &str, text: &str) -> Result<(), Faults> {
        let table: Table = toml::from_str(text).map_err(|e| Faults(vec![Fault::from_toml(source, text, &e)]))?;
        let mut leaves = Vec::new();
        self.leaves("", &table, &mut leaves);
        for (path, value) in leaves {
            let line = line_of(text, &path);
            self.set(&path, value, (source.to_owned(), line));
        }
        Ok(())
    }

    /// The keys that hold values; a table that is open, or that stands where a value should, counts as one.
    fn leaves(&self, prefix: &str, table: &Table, out: &mut Vec<(String, Value)>) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Table(inner)
                    if !OPEN_TABLES.contains(&path.as_str())
                        && matches!(find(&self.defaults, &path), Some(Value::Table(_))) =>
                {
                    self.leaves(&path, inner, out);
                }
                value => out.push((path, value.clone())),
            }
        }
    }

    /// A variable's text becomes what its setting is: a list or a number where the default is one, else text as it stands.
    fn variable(&mut self, name: &str, path: &str, text: &str) {
        let default = find(&self.defaults, path);
        let value = match default {
            Some(Value::String(_)) | None => Value::String(text.to_owned()),
            Some(_) => toml::from_str::<Table>(&format!("v = {text}"))
                .ok()
                .and_then(|mut t| t.remove("v"))
                .unwrap_or_else(|| Value::String(text.to_owned())),
        };
        self.set(path, value, (name.to_owned(), None));
    }

    fn set(&mut self, path: &str, value: Value, origin: (String, Option<usize>)) {
        let fault =
            |problem: String, remedy: String| Fault { source: origin.0.clone(), line: origin.1, problem, remedy };
        match find(&self.defaults, path) {
            None => {
                self.faults.push(fault(format!("unknown setting \"{path}\""), self.nearest(path)));
                return;
            }
            Some(Value::Table(_)) if !OPEN_TABLES.contains(&path) => {
                self.faults.push(fault(
                    format!("\"{path}\" is a section, not a setting"),
                    format!("write its settings under [{path}]"),
                ));
                return;
            }
            Some(default) if !default.same_type(&value) => {
                self.faults.push(fault(
                    format!("{path} is {}", kind(&value)),
                    format!("write {}, such as the default: {default}", kind(default)),
                ));
                return;
            }
            Some(_) => {}
        }
        put(&mut self.merged, path, value);
        self.origin.insert(path.to_owned(), origin);
    }

    fn nearest(&self, path: &str) -> String {
        let mut known = Vec::new();
        self.leaves("", &self.defaults, &mut known);
        let last = path.rsplit('.').next().unwrap_or(path);
        let section = path.split('.').next().unwrap_or(path);
        let like = known
            .iter()
            .map(|(k, _)| k.as_str())
            .find(|k| k.ends_with(last) || k.rsplit('.').next().is_some_and(|l| last.contains(l)));
        match like {
            Some(like) => format!("did you mean {like}? config/default.toml lists every setting"),
            None if known.iter().any(|(k, _)| k.starts_with(&format!("{section}."))) => {
                format!("config/default.toml lists the settings of [{section}]")
            }
            None => "config/default.toml lists every setting".to_owned(),
        }
    }

    fn settings(mut self) -> Result<Settings, Faults> {
        // Each section by itself, so that one bad value does not hide another's.
        let whole = Value::Table(self.merged.clone());
        let settings = whole.try_into::<Settings>();
        if settings.is_err() {
            let defaults = self.defaults.clone();
            for path in self.origin.keys() {
                let mut alone = defaults.clone();
                if let Some(value) = find(&self.merged, path) {
                    put(&mut alone, path, value.clone());
                }
                if let Err(e) = Value::Table(alone).try_into::<Settings>() {
                    let (source, line) = self.origin.get(path).cloned().unwrap_or_default();
                    let message = if SECRETS.iter().any(|secret| path.starts_with(secret)) {
                        "is not what is expected here"
                    } else {
                        e.message().lines().next().unwrap_or_default()
                    };
                    self.faults.push(Fault {
                        source,
                        line,
                        problem: format!("{path}: {message}"),
                        remedy: format!(
                            "write it like the default: {}",
                            find(&defaults, path).map(ToString::to_string).unwrap_or_default()
                        ),
                    });
                }
            }
        }
        self.faults.sort_by(|a, b| (&a.source, a.line, &a.problem).cmp(&(&b.source, b.line, &b.problem)));
        match settings {
            Ok(settings) if self.faults.is_empty() => Ok(settings),
            Err(_) if self.faults.is_empty() => {
                Err(Faults(vec![Fault::of("settings", "do not go together", "compare with config/default.toml")]))
            }
            _ => Err(Faults(self.faults)),
        }
    }
}

fn find<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    let mut keys = path.split('.');
    let mut value = table.get(keys.next()?)?;
    for key in keys {
        value = value.as_table()?.get(key)?;
    }
    Some(value)
}

fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(first) {
                put(inner, rest, value);
            }
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text in quotes",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a decimal number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// The line on which the last key of a dotted path is set, under the section before it.
fn line_of(text: &str, path: &str) -> Option<usize> {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut current = String::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
            header.trim().clone_into(&mut current);
        }
        let name = line.split('=').next().unwrap_or_default().trim();
        let full = if current.is_empty() { name.to_owned() } else { format!("{current}.{name}") };
        if full == path || (current == section && name == key) || (current == path) {
            return Some(n + 1);
        }
    }
    None
}

fn is_short(secret: &Secret) -> bool {
    secret.expose().len() < LEAST_SECRET
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let signed = SignedDuration::deserialize(deserializer)?;
    if signed.is_negative() || signed.is_zero() {
        return Err(serde::de::Error::custom("a time of zero or less; write it like \"5s\" or \"30m\""));
    }
    Ok(signed.unsigned_abs())
}
