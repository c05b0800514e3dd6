//! The running hotline: everything put together, the addresses it answers at, and its edge.

mod edge;
mod prompts;
mod reload;

use std::os::unix::fs::DirBuilderExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::civil::Date;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tower_http::set_header::SetResponseHeaderLayer;

pub use edge::{Edge, Limits};
pub use reload::Asked;

use crate::call::admission::Admission;
use crate::call::caller::Caller;
use crate::call::driver::{Bounds, Driver};
use crate::call::lines::{InForce, Lines, Sources};
use crate::call::seal::Seal;
use crate::clock::Clock;
use crate::config::{Profile, Settings, Voice};
use crate::fault::{Fault, Faults};
use crate::keys::KeyRing;
use crate::member::register::{MemberRows, MutualAidRows, TransactionRows};
use crate::member::sample;
use crate::member::{Identifier, Member};
use crate::record::{Folder, Recorder, Take};
use crate::service::spray::SpraySettings;
use crate::service::{HashSettings, Hasher, Services};
use crate::speech::clip::Clips;
use crate::speech::clip::wanted::{Wanted, wanted};
use crate::speech::language::Language;
use crate::store::crypto::Seals;
use crate::store::members::HashCost;
use crate::store::messages::MessageLimits;
use crate::store::throttle::{CallerLimits, TryLimits};
use crate::store::{Store, StoreError, StoreSettings};
use crate::telemetry::Telemetry;
use crate::telephony::asterisk::Asterisk;
use crate::telephony::player::Player;
use crate::telephony::{browser, cloopen, httapi, jambonz, plivo, twilio, voicexml, vonage};
use crate::voice::Library;

/// A hotline, ready to answer.
#[derive(Clone, Debug)]
pub struct App {
    driver: Arc<Driver>,
    telemetry: Arc<Telemetry>,
    lines: Arc<InForce>,
    routes: Router,
    recordings: Option<Recordings>,
    asterisk: Arc<Asterisk<Driver>>,
    library: Library,
    /// Tells connections that are not by the edge that this node stops.
    stop: watch::Sender<bool>,
}

/// Finished calls to be written as transcripts, and where to: taken by whoever writes them.
#[derive(Clone, Debug)]
pub struct Recordings {
    /// Where.
    pub folder: Folder,
    takes: Arc<Mutex<Option<Receiver<Take>>>>,
}

impl Recordings {
    /// The calls as they end; `None` where somebody writes them already.
    #[must_use]
    pub fn takes(&self) -> Option<Receiver<Take>> {
        self.takes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl App {
    /// Puts a hotline together as `settings` say: reads and checks lines and prompts, opens keys and store.
    ///
    /// # Errors
    /// Everything that keeps it from starting, each with its place and remedy.
    pub async fn build(settings: &Settings, clock: Clock) -> Result<Self, Faults> {
        let lines = load_lines(settings)?;
        let mut faults = unfit_lines(settings, &lines);
        faults.extend(unfit_keys(settings));
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let record = &settings.record;
        let folder = record.folder().map(|path| Folder::open(path, record.kept, record.most)).transpose()?;
        let library = Library::read(&settings.prompts.directory)?;
        let speechless = speechless_lines(settings, &lines, library.clips());
        if settings.profile == Profile::Production && !speechless.is_empty() {
            return Err(Faults(speechless));
        }
        for fault in speechless {
            tracing::warn!("{fault}");
        }
        let (keys, store) = open(settings, clock.clone()).await?;
        if settings.store.sample_members {
            load_samples(&store, &clock).await?;
        }
        warn_of_missed(settings, &lines);
        Ok(Self::put_together(settings, lines.into(), &keys, store, clock, folder, library))
    }

    /// Puts a hotline together of what is open and checked already: a replay has thousands of them over the same lines. Its
    /// calls are not recorded.
    #[must_use]
    pub fn assemble(
        settings: &Settings,
        lines: impl Into<Arc<Lines>>,
        keys: &KeyRing,
        store: Store,
        clock: Clock,
    ) -> Self {
        Self::put_together(settings, lines.into(), keys, store, clock, None, Library::default())
    }

    fn put_together(
        settings: &Settings,
        lines: Arc<Lines>,
        keys: &KeyRing,
        store: Store,
        clock: Clock,
        folder: Option<Folder>,
        library: Library,
    ) -> Self {
        let telemetry = Arc::new(Telemetry::new());
        let (recorder, recordings) = folder
            .map(|folder| {
                let (recorder, takes) = Recorder::new(settings.record.every, Arc::clone(&telemetry));
                (recorder, Recordings { folder, takes: Arc::new(Mutex::new(Some(takes))) })
            })
            .unzip();
        let limits = tries(settings, &lines, store.seals());
        let services = Services::new(store, Hasher::new(hashing(settings)), limits)
            .with_messages(messages(settings))
            .watching(spray(settings));
        let lines = Arc::new(InForce::new(lines));
        let server = &settings.server;
        let driver = Driver::new(
            Arc::clone(&lines),
            services,
            Seal::new(keys),
            Admission::new(server.max_in_flight, server.reserved_for_running),
            clock.clone(),
            Arc::clone(&telemetry),
            Bounds {
                longest: settings.call.longest,
                most_turns: settings.call.most_turns,
                most_registered: settings.call.most_registered,
                marked_within: settings.call.marked_callers.then_some(settings.call.marked_within),
            },
        );
        let driver = Arc::new(driver.recorded_by(recorder).playing(player(settings, &library)));
        let own = settings.public_url().map(|url| url.as_str().to_owned()).unwrap_or_default();
        let media = settings.asterisk.media(&own);
        let asterisk = Arc::new(Asterisk::new(Arc::clone(&driver), &settings.asterisk, library.clips().clone(), media));
        let stop = watch::Sender::new(false);
        let routes = routes(settings, &driver, &telemetry, clock, library.clone(), asterisk.router());
        Self { driver, telemetry, lines, routes, recordings, asterisk, library, stop }
    }

    /// Connects to Asterisk, and listens for it, where the settings say so, until this node stops.
    ///
    /// # Errors
    /// What is to be listened at is taken, or not this machine's.
    pub async fn connect(&self) -> std::io::Result<()> {
        self.asterisk.connect(&self.stop).await
    }

    /// This node stops: what is connected otherwise than by the edge hands its calls over to whoever connects next.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Until they have done so.
    pub async fn stopped(&self) {
        const AT_MOST: Duration = Duration::from_secs(5);
        let _ = tokio::time::timeout(AT_MOST, self.stop.closed()).await;
    }

    /// Every address, for the edge or for a client in this process.
    pub fn routes(&self) -> Router {
        self.routes.clone()
    }

    /// Who drives the calls.
    #[must_use]
    pub fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }

    /// The lines in force.
    #[must_use]
    pub fn lines(&self) -> Arc<Lines> {
        self.lines.now()
    }

    /// The calls that are recorded, if any are.
    #[must_use]
    pub fn recordings(&self) -> Option<&Recordings> {
        self.recordings.as_ref()
    }

    /// What the hotline tells of itself.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// What a hotline does beside answering, until the process ends: forgets what is over, lets loss
    /// reports lapse, anchors the audit, hardens PINs.
    pub async fn housekeep(&self, settings: &Settings) {
        const EVERY: Duration = Duration::from_mins(1);
        const ROUNDS_TO_ANCHOR: u64 = 60;
        for round in 0.. {
            self.tidy().await;
            if round % ROUNDS_TO_ANCHOR == 0 {
                self.anchor(settings).await;
            }
            tokio::time::sleep(EVERY).await;
            self.harden_pins().await;
        }
    }

    /// Forgets what is over and lets loss reports lapse.
    pub async fn tidy(&self) {
        self.driver.sweep();
        if let Err(trouble) = self.driver.services().sweep().await {
            tracing::warn!(%trouble, "sweep put off");
        }
        match self.driver.services().lapse_losses().await {
            Ok(0) => {}
            Ok(lapsed) => tracing::info!(lapsed, "loss reports lapsed"),
            Err(trouble) => tracing::warn!(%trouble, "lapse of loss reports put off"),
        }
    }

    /// Hashes PINs that are stored in their keyed form, while nobody calls: the first caller ends it.
    async fn harden_pins(&self) {
        const A_ROUND: usize = 500;
        for _ in 0..A_ROUND {
            if self.driver.live().count() > 0 {
                return;
            }
            match self.driver.services().harden_pins(1).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(trouble) => return tracing::warn!(%trouble, "hardening of PINs put off"),
            }
        }
    }

    /// Writes the heads of the audit chains outside the database.
    pub async fn anchor(&self, settings: &Settings) {
        if let Err(trouble) = self.driver.services().store().anchor(&settings.store.audit_anchors).await {
            tracing::error!(%trouble, "audit not anchored");
        }
    }
}

/// The files of lines, wordings and holidays of these settings.
#[must_use]
pub fn read_lines(settings: &Settings) -> Sources {
    Sources::read(&settings.lines.directory, &settings.prompts.directory, &settings.holidays.directory)
}

/// The lines, wordings and holidays of these settings.
///
/// # Errors
/// Every fault of every file at once.
pub fn load_lines(settings: &Settings) -> Result<Lines, Faults> {
    read_lines(settings).compile()
}

/// What of `lines` keeps a hotline with these settings from starting.
#[must_use]
pub fn unfit_lines(settings: &Settings, lines: &Lines) -> Vec<Fault> {
    let unfit = lines.flows().filter(|flow| settings.profile == Profile::Production && flow.has_example_target());
    let fault = |name: &str| {
        let problem = format!("line {name} still transfers to the example person (profile = \"production\")");
        Fault::of("lines", problem, "set transfer_to under [person] to your own")
    };
    unfit.map(|flow| fault(&flow.name)).collect()
}

/// What of `lines` cannot be said where only clips can.
#[must_use]
pub fn speechless_lines(settings: &Settings, lines: &Lines, clips: &Clips) -> Vec<Fault> {
    if !settings.asterisk.is_set_up() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for catalog in lines.catalogs() {
        let language = catalog.language();
        let mut offering = lines.flows().filter(|flow| flow.languages.contains(&language)).peekable();
        if !clips.speaks(language) {
            faults.extend(offering.map(|flow| {
                let problem = format!("line {} speaks {language}, of which there are no clips for Asterisk", flow.name);
                let remedy = match language {
                    // No voice was found that may be shipped.
                    Language::Cantonese => {
                        "record them as src/manual/voice.md tells, or take the language out of the line"
                    }
                    _ => "render them with hotline prompts build, or take the language out of the line",
                };
                Fault::of("asterisk", problem, remedy)
            }));
        } else if offering.peek().is_some() {
            faults.extend(unspoken(language, &clips.lack(language, &wanted(catalog))));
        }
    }
    faults
}

/// That there are no clips of `lacking`, if it is anything.
fn unspoken(language: Language, lacking: &[&Wanted]) -> Option<Fault> {
    const SHOWN: usize = 3;
    let (first, more) = lacking.split_at(lacking.len().min(SHOWN));
    let first: Vec<_> = first.iter().map(|clip| format!("{} (“{}”)", clip.name, clip.text)).collect();
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let problem = format!("there is no clip in {language} that speaks {}{more}", first.join(", "));
    (!lacking.is_empty()).then(|| Fault::of("asterisk", problem, format!("run hotline prompts build {language}")))
}

/// What callers miss of `lines` on platforms that are set up: each line a line.
#[must_use]
pub fn missed(settings: &Settings, lines: &Lines) -> Vec<String> {
    let (jambonz, voicexml, httapi) = (&settings.jambonz, &settings.voicexml, &settings.httapi);
    let by_jambonz = jambonz.is_set_up().then(|| ("jambonz", jambonz.recorder().is_some(), "recorder under [jambonz]"));
    let by_voicexml =
        voicexml.secret().map(|_| ("VoiceXML", voicexml.recorder().is_some(), "recorder under [voicexml]"));
    let by_httapi =
        httapi.secret().map(|_| ("FreeSWITCH", httapi.recordings.path().is_some(), "recordings under [httapi]"));
    let vonage = &settings.vonage;
    let by_vonage = vonage.is_set_up().then(|| ("Vonage", vonage.recorder().is_some(), "recorder under [vonage]"));
    let asterisk = &settings.asterisk;
    let by_agi = asterisk
        .agi_listen
        .map(|_| ("FastAGI", asterisk.agi_recordings.path().is_some(), "agi_recordings under [asterisk]"));
    let recorders = [by_jambonz, by_voicexml, by_httapi, by_vonage, by_agi];
    let no_queue = |line: &str, name: &str| {
        format!(
            "line {line}: {name} has no queues, so whoever asks for a person there hears that nobody can be reached; \
             transfer_to = \"+86…\" under [person] would reach one"
        )
    };
    let no_recorder = |line: &str, name: &str, setting: &str| {
        format!(
            "line {line}: on {name} nothing is recorded, so whoever leaves a message there hears that nothing was; \
             {setting} would say where to"
        )
    };
    let mut missed = Vec::new();
    for flow in lines.flows() {
        if flow.queue().is_some() {
            missed.extend(settings.without_queues().into_iter().map(|name| no_queue(&flow.name, name)));
        }
        if flow.takes_messages() {
            let unrecorded = recorders.iter().flatten().filter(|(_, records, _)| !records);
            missed.extend(unrecorded.map(|(name, _, setting)| no_recorder(&flow.name, name, setting)));
        }
    }
    if settings.cloopen.secret().is_some() {
        missed.push(
            "Cloopen rings nobody and records nothing, as far as its public documents tell: whoever asks for a person there \
             hears that nobody can be reached, and whoever leaves a message that nothing was recorded"
                .to_owned(),
        );
    }
    missed
}

fn warn_of_missed(settings: &Settings, lines: &Lines) {
    for warning in missed(settings, lines) {
        tracing::warn!("{warning}");
    }
}

/// What of the key ring keeps a hotline with these settings from starting.
#[must_use]
pub fn unfit_keys(settings: &Settings) -> Vec<Fault> {
    let (file, production) = (&settings.keys.file, settings.profile == Profile::Production);
    if file.exists() {
        return KeyRing::load(file, production).err().map_or_else(Vec::new, |faults| faults.0);
    }
    // A new ring in the place of one that was lost or not mounted would read nothing and shut everybody out.
    let problem = "there is no key ring (profile = \"production\")";
    let remedy =
        "bring the one of this installation; for a new installation, make one as src/manual/deployment.md says";
    if production { vec![Fault::of(&file.display().to_string(), problem, remedy)] } else { Vec::new() }
}

/// Opens the key ring and the store. In development, and for a store that holds nothing yet, a ring is made when there is
/// none.
///
/// # Errors
/// What is wrong with either.
pub async fn open(settings: &Settings, clock: Clock) -> Result<(Arc<KeyRing>, Store), Faults> {
    let file = &settings.keys.file;
    if !file.exists() {
        let faults = unfit_keys(settings);
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        let store = open_store(settings, Arc::new(KeyRing::passing()?), clock.clone()).await?;
        let empty = store.is_empty().await.map_err(|e| cannot_be_opened(&e))?;
        // Another process may have made the ring meanwhile, and have begun to write.
        if !empty && !file.exists() {
            return Err(Faults(vec![Fault::of(
                &file.display().to_string(),
                "there is no key ring, and the store holds what only its own can read",
                "bring the key ring of this store, or name an empty store",
            )]));
        }
        make_parent(file)?;
        KeyRing::create(file)?;
    }
    let keys = Arc::new(KeyRing::load(file, settings.profile == Profile::Production)?);
    let store = open_store(settings, Arc::clone(&keys), clock).await?;
    Ok((keys, store))
}

/// Opens what is there, and makes neither a key ring nor a database.
///
/// # Errors
/// What is wrong with either, or that it is not there.
pub async fn open_existing(settings: &Settings, clock: Clock) -> Result<Store, Faults> {
    let keys = KeyRing::load(&settings.keys.file, settings.profile == Profile::Production)?;
    if let Some(file) = settings.store.file().filter(|file| !file.exists()) {
        let problem = format!("there is no {}", file.display());
        return Err(Faults(vec![Fault::of("store.url", problem, "name the store that is to be read")]));
    }
    open_store(settings, Arc::new(keys), clock).await
}

/// Gives whoever has the number `identifier` all tries back, in the store that is there.
///
/// # Errors
/// The store is not there, or out of reach.
pub async fn reset_tries(
    settings: &Settings,
    clock: Clock,
    identifier: &Identifier,
    operator: &str,
) -> Result<(), Faults> {
    let store = open_existing(settings, clock).await?;
    let services = Services::new(store, Hasher::new(hashing(settings)), TryLimits::default());
    services.reset_tries(identifier, operator).await.map_err(|e| cannot_be_opened(&e))
}

/// Marks `caller` as an older caller's number, or takes the mark away, in the store that is there. Whether that changed
/// anything.
///
/// # Errors
/// The store is not there, or out of reach.
pub async fn mark_caller(
    settings: &Settings,
    clock: Clock,
    caller: &Caller,
    marked: bool,
    operator: &str,
) -> Result<bool, Faults> {
    let store = open_existing(settings, clock).await?;
    let services = Services::new(store, Hasher::new(hashing(settings)), TryLimits::default());
    services.mark_caller(caller, marked, operator).await.map_err(|e| cannot_be_opened(&e))
}

async fn open_store(settings: &Settings, keys: Arc<KeyRing>, clock: Clock) -> Result<Store, Faults> {
    if let Some(file) = settings.store.file() {
        make_parent(&file)?;
    }
    let store = StoreSettings {
        url: settings.store.url.clone(),
        node: node_name().into(),
        deadline: settings.store.deadline,
        connections: settings.store.connections,
    };
    Store::open(&store, keys, clock).await.map_err(|e| cannot_be_opened(&e))
}

fn cannot_be_opened(trouble: &StoreError) -> Faults {
    let problem = format!("the store cannot be opened: {trouble}");
    Faults(vec![Fault::of("store.url", problem, "check that the database is up and may be written")])
}

/// The name this node's audit chain goes by.
fn node_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    if name.is_empty() { "node".to_owned() } else { name }
}

fn make_parent(path: &std::path::Path) -> Result<(), Faults> {
    let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
    // What is kept here is nobody else's business, sealed as it is.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|e| {
        let shown = parent.display().to_string();
        Faults(vec![Fault::of(&shown, format!("cannot be made: {e}"), "make it, writable for this user")])
    })
}

/// How PINs are hashed.
#[must_use]
pub fn hashing(settings: &Settings) -> HashSettings {
    let s = &settings.sign_in;
    let defaults = HashSettings::default();
    HashSettings {
        cost: HashCost { memory: s.hash_memory_kib, passes: s.hash_passes },
        at_once: if s.hash_threads == 0 { defaults.at_once } else { s.hash_threads },
        waiting: s.hash_queue,
    }
}

/// How many PINs a call may try on the most patient of `lines`.
fn per_call(lines: &Lines) -> u16 {
    lines.flows().map(|flow| flow.wrong_pins()).max().map_or(3, u16::from)
}

fn tries(settings: &Settings, lines: &Lines, seals: &Seals) -> TryLimits {
    let (s, abuse) = (&settings.sign_in, &settings.abuse);
    TryLimits {
        per_call: per_call(lines),
        before_lock: s.tries_before_lock,
        first_lock: s.first_lock,
        longest_lock: s.longest_lock,
        in_all: s.hard_limit,
        callers: CallerLimits {
            persons_an_hour: abuse.persons_an_hour,
            failures_a_day: abuse.failures_a_day,
            withheld_failures_an_hour: abuse.withheld_failures_an_hour,
            exempt: abuse.exempt_callers.iter().map(|number| seals.number(number)).collect(),
            known_tries: abuse.known_caller_tries,
            known_for: abuse.known_caller_for,
        },
        ..TryLimits::default()
    }
}

fn messages(settings: &Settings) -> MessageLimits {
    let s = &settings.messages;
    MessageLimits {
        kept: Duration::from_hours(u64::from(s.kept_days) * 24),
        tries_per_call: s.tries_per_call,
        tries_per_caller: s.tries_per_caller,
        tries_withheld: s.tries_withheld,
    }
}

/// What looks like an attack.
fn spray(settings: &Settings) -> SpraySettings {
    let abuse = &settings.abuse;
    SpraySettings {
        pinned: abuse.level.pinned(),
        same_pin: abuse.same_pin,
        neighbours: abuse.neighbours,
        unknown_percent: abuse.unknown_percent,
        failing_percent: abuse.failing_percent,
        unanswered_percent: abuse.unanswered_percent,
        calm: abuse.calm,
    }
}

/// The samples that make a first call possible, when there is no member yet.
async fn load_samples(store: &Store, clock: &Clock) -> Result<(), Faults> {
    let failed = |mut faults: Faults| {
        for fault in &mut faults.0 {
            "set store.sample_members to false".clone_into(&mut fault.remedy);
        }
        faults
    };
    if store.count_members().await.map_err(|e| failed(refused("sample members", &e)))? > 0 {
        return Ok(());
    }
    fill(store, clock, &Register::samples()).await.map_err(failed)?;
    tracing::info!("sample members loaded");
    Ok(())
}

/// Members and what is known of their accounts, as CSV; each with the name its faults are told by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the fields are the files that `hotline members import` takes")]
pub struct Register {
    pub members: (String, String),
    pub transactions: (String, String),
    pub mutual_aid: (String, String),
}

impl Register {
    /// The members made by hand.
    #[must_use]
    pub fn samples() -> Self {
        let sample = |csv: &str| ("sample members".to_owned(), csv.to_owned());
        Self {
            members: sample(sample::MEMBERS_CSV),
            transactions: sample(sample::TRANSACTIONS_CSV),
            mutual_aid: sample(sample::MUTUAL_AID_CSV),
        }
    }

    /// The members, of whom none may be born after `today`.
    ///
    /// # Errors
    /// A row that is none.
    pub fn members(&self, today: Date) -> Result<Vec<Member>, Faults> {
        let (source, csv) = &self.members;
        let rows = MemberRows::new(csv.as_bytes(), today).map_err(|e| refused(source, &e))?;
        rows.collect::<Result<_, _>>().map_err(|e| refused(source, &e))
    }
}

/// Puts `register` into `store`.
///
/// # Errors
/// A row that is none, or a store out of reach.
pub async fn fill(store: &Store, clock: &Clock, register: &Register) -> Result<(), Faults> {
    let today = jiff::tz::Offset::constant(8).to_datetime(clock.now()).date();
    let members = register.members(today)?;
    store.import_members(members).await.map_err(|e| refused(&register.members.0, &e))?;
    let (source, csv) = &register.transactions;
    let rows = TransactionRows::new(csv.as_bytes(), today).map_err(|e| refused(source, &e))?;
    let rows: Result<Vec<_>, _> = rows.map(|row| row.map(|r| (r.id_number, r.transaction))).collect();
    store.import_transactions(rows.map_err(|e| refused(source, &e))?).await.map_err(|e| refused(source, &e))?;
    let (source, csv) = &register.mutual_aid;
    let rows = MutualAidRows::new(csv.as_bytes(), today).map_err(|e| refused(source, &e))?;
    let rows: Result<Vec<_>, _> = rows.map(|row| row.map(|r| (r.id_number, r.aid))).collect();
    store.import_mutual_aid(rows.map_err(|e| refused(source, &e))?).await.map_err(|e| refused(source, &e))?;
    Ok(())
}

fn refused(source: &str, trouble: &dyn std::fmt::Display) -> Faults {
    Faults(vec![Fault::of(source, trouble.to_string(), "mend the file as `hotline members import` asks for")])
}

fn routes(
    settings: &Settings,
    driver: &Arc<Driver>,
    telemetry: &Arc<Telemetry>,
    clock: Clock,
    library: Library,
    of_asterisk: Option<Router>,
) -> Router {
    let gate =
        browser::Gate { token: settings.browser.token.clone(), open_to_this_machine: settings.open_to_this_machine() };
    let mut routes = Router::new()
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route_layer(from_fn_with_state(gate.clone(), guard))
        .route("/healthz", get(async || "ok\n"))
        .with_state((Arc::clone(driver), Arc::clone(telemetry)))
        .merge(browser::router(Arc::clone(driver), gate))
        .merge(of_asterisk.unwrap_or_default());
    // Checked with the other settings: it is an address.
    if let Ok(public_url) = settings.public_url() {
        for platform in settings.family() {
            routes = routes.merge(twilio::router(Arc::clone(driver), platform, &public_url, clock.clone()));
        }
        let proxies = &settings.server.trusted_proxies;
        routes = routes.merge(jambonz::router(driver, &settings.jambonz, &public_url, proxies, clock.clone()));
        if settings.plivo.is_set_up() {
            routes = routes.merge(plivo::router(Arc::clone(driver), &settings.plivo, &public_url));
        }
        if settings.vonage.is_set_up() {
            routes = routes.merge(vonage::router(Arc::clone(driver), &settings.vonage, &public_url, clock));
        }
        if settings.cloopen.secret().is_some() {
            routes = routes.merge(cloopen::router(Arc::clone(driver), &settings.cloopen, proxies));
        }
        let others = [
            voicexml::router(Arc::clone(driver), &settings.voicexml, &public_url, proxies),
            httapi::router(Arc::clone(driver), &settings.httapi, &public_url, proxies),
        ];
        routes = others.into_iter().flatten().fold(routes, Router::merge);
    }
    routes
        .merge(prompts::router(library))
        .layer(from_fn_with_state(Arc::clone(telemetry), measure))
        // Nothing of a call may be kept. What every caller hears, a clip or the tone, says itself for how long it may.
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// The clips of `library`, for those whom the settings let play them.
fn player(settings: &Settings, library: &Library) -> Player {
    let player = Player::new(library.clips().clone());
    match (settings.prompts.voice, settings.public_url()) {
        (Voice::Clips, Ok(public_url)) => player.on_platforms(public_url.as_str()),
        _ => player,
    }
}

async fn measure(State(telemetry): State<Arc<Telemetry>>, request: Request, next: Next) -> Response {
    let start = std::time::Instant::now();
    // The pattern of the route: a path as it came holds a sealed step, or whatever a stranger wrote.
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    telemetry.record(&crate::telemetry::Occurrence::Answered {
        route: &route,
        status: response.status().as_u16(),
        took: start.elapsed(),
    });
    response
}

/// How many call, and how the store does, is nobody else's business.
async fn guard(State(gate): State<browser::Gate>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get().copied();
    if gate.lets_in(peer, request.headers()) { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}

type Watched = (Arc<Driver>, Arc<Telemetry>);

/// Ready when the store answers. Menus and person work without it: a node that is not ready still serves the calls it gets.
async fn ready(State((driver, _)): State<Watched>) -> Response {
    match driver.services().store().ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response(),
    }
}

async fn metrics(State((driver, telemetry)): State<Watched>) -> Response {
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], telemetry.metrics(driver.live().count(), driver.services().spray_level()))
        .into_response()
}
