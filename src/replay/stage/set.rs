//! What calls are placed to, prepared once: settings, lines, and a database with its members in it, copied for each call.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

use crate::call::lines::Lines;
use crate::clock::Clock;
use crate::config::Settings;
use crate::fault::{Fault, Faults};
use crate::keys::KeyRing;
use crate::member::Member;
use crate::replay::phone::Account;
use crate::replay::transcript::{Header, OFFSET, Transcript};
use crate::secret::Secret;
use crate::server::{Register, fill, load_lines};
use crate::store::{Store, StoreSettings};

/// The address that platforms know a hotline in this process by.
const PUBLIC_URL: &str = "https://hotline.invalid";
/// Where it has recordings kept: nobody listens there, and nobody need.
const RECORDER: &str = "wss://recorder.invalid";
/// What lets into it: nobody else can reach it.
const TOKEN: &str = "replayed in process";

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// A file of settings.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Lines to put in the place of the settings' own.
    pub lines: Option<PathBuf>,
}

/// What the calls of a transcript are placed to.
#[derive(Clone, Debug)]
pub struct Set {
    /// As the hotline has them, but for what the transcript says, and for what is a replay's own.
    pub settings: Arc<Settings>,
    /// The lines.
    pub lines: Arc<Lines>,
    /// Who is in the register.
    pub members: Arc<Vec<Member>>,
    /// What everything is sealed with.
    pub keys: Arc<KeyRing>,
    /// A database with all of this in it. Nobody opens it: it is copied.
    pub database: Arc<PathBuf>,
}

impl Set {
    /// What a platform must know to reach it.
    #[must_use]
    pub fn account() -> Account {
        Account {
            public_url: PUBLIC_URL.into(),
            auth_token: Secret::new(TOKEN),
            browser_token: Secret::new(TOKEN),
            jambonz_secret: Secret::new(TOKEN),
        }
    }
}

/// A database with members in it, and who they are.
type Filled = (Arc<PathBuf>, Arc<Vec<Member>>);

/// Every set that a replay needs, each prepared once.
pub struct Sets {
    origin: Origin,
    keys: Arc<KeyRing>,
    folder: TempDir,
    /// As the origin and a transcript's own settings make them.
    settings: HashMap<Vec<(String, String)>, Settings>,
    lines: HashMap<PathBuf, Arc<Lines>>,
    databases: HashMap<(Register, Date), Filled>,
}

impl Sets {
    /// None yet.
    ///
    /// # Errors
    /// There is no room for databases, or no randomness for keys.
    pub fn new(origin: Origin) -> Result<Self, Faults> {
        // Databases that live for one call have no need of a disk.
        let memory = Path::new("/dev/shm");
        let folder = match tempfile::tempdir_in(memory) {
            Ok(folder) => Ok(folder),
            Err(_) => tempfile::tempdir(),
        };
        let folder = folder.map_err(|e| {
            Faults(vec![Fault::of("temporary files", e.to_string(), "make room, or name a folder with TMPDIR")])
        })?;
        let keys = Arc::new(KeyRing::passing()?);
        Ok(Self { origin, keys, folder, settings: HashMap::new(), lines: HashMap::new(), databases: HashMap::new() })
    }

    /// Where calls may keep their databases.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The set of `transcript`.
    ///
    /// # Errors
    /// What it names cannot be read, or has faults.
    pub async fn prepare(&mut self, transcript: &Transcript) -> Result<Set, Faults> {
        let header = &transcript.header;
        let settings = self.settings(transcript)?;
        let directory = settings.lines.directory.clone();
        let lines = if let Some(lines) = self.lines.get(&directory) {
            Arc::clone(lines)
        } else {
            let lines = Arc::new(load_lines(&settings)?);
            self.lines.insert(directory, Arc::clone(&lines));
            lines
        };
        let (database, members) = self.database(transcript, header.clock).await?;
        Ok(Set { settings: Arc::new(settings), lines, members, keys: Arc::clone(&self.keys), database })
    }

    fn settings(&mut self, transcript: &Transcript) -> Result<Settings, Faults> {
        let header = &transcript.header;
        let mut settings = if let Some(settings) = self.settings.get(&header.settings) {
            settings.clone()
        } else {
            let settings = self.read_settings(transcript)?;
            self.settings.insert(header.settings.clone(), settings.clone());
            settings
        };
        let lines = header.lines.as_ref().map(|lines| beside(transcript, lines));
        if let Some(lines) = lines.or_else(|| self.origin.lines.clone()) {
            settings.lines.directory = lines;
        }
        Ok(settings)
    }

    fn read_settings(&self, transcript: &Transcript) -> Result<Settings, Faults> {
        let header = &transcript.header;
        let own = header.settings.iter().map(|(name, value)| (format!("HOTLINE_{name}").into(), value.into()));
        let environment = self.origin.environment.iter().cloned().chain(own);
        let mut settings = Settings::load(self.origin.file.as_deref(), environment).map_err(|mut faults| {
            // What a transcript sets is its own fault.
            for fault in &mut faults.0 {
                if header.settings.iter().any(|(name, _)| fault.source.strip_prefix("HOTLINE_") == Some(name)) {
                    fault.source.clone_from(&transcript.source);
                }
            }
            faults
        })?;
        let Account { public_url, auth_token, browser_token, jambonz_secret } = Set::account();
        settings.server.public_url = public_url;
        settings.twilio.auth_token = Some(auth_token);
        settings.twilio.more_auth_tokens.clear();
        settings.twilio.accounts.clear();
        settings.browser.token = browser_token;
        settings.jambonz.secret = jambonz_secret;
        settings.jambonz.recorder = RECORDER.into();
        // What is replayed is what is heard, not how long a hash takes: argon2id at its cheapest.
        settings.sign_in.hash_memory_kib = 8;
        settings.sign_in.hash_passes = 1;
        settings.sign_in.hash_threads = 1;
        Ok(settings)
    }

    async fn database(&mut self, transcript: &Transcript, clock: Timestamp) -> Result<Filled, Faults> {
        let register = register(transcript)?;
        let today = OFFSET.to_datetime(clock).date();
        let key = (register, today);
        if let Some(filled) = self.databases.get(&key) {
            return Ok(filled.clone());
        }
        let (register, _) = &key;
        let members = Arc::new(register.members(today)?);
        let number = self.databases.len();
        let (draft, done) =
            (self.folder().join(format!("draft-{number}.db")), self.folder().join(format!("{number}.db")));
        let settings = StoreSettings { deadline: std::time::Duration::from_secs(30), ..StoreSettings::sqlite(&draft) };
        let unmade = |e: &dyn std::fmt::Display| {
            let problem = format!("no database can be made for it: {e}");
            Faults(vec![Fault::of(&transcript.source, problem, "make room for temporary files")])
        };
        let clock = Clock::manual(clock);
        let store = Store::open(&settings, Arc::clone(&self.keys), clock.clone()).await.map_err(|e| unmade(&e))?;
        fill(&store, &clock, register).await?;
        let url = settings.url.expose();
        let copied = async {
            let mut connection = sqlx::AnyConnection::connect(url).await?;
            // A path of our own making; no statement takes a file's name as a parameter here.
            let sql = format!("VACUUM INTO '{}'", done.display().to_string().replace('\'', "''"));
            connection.execute(AssertSqlSafe(sql)).await?;
            connection.close().await
        };
        copied.await.map_err(|e| unmade(&e))?;
        let filled = (Arc::new(done), members);
        self.databases.insert(key, filled.clone());
        Ok(filled)
    }
}

/// The register that a transcript names.
fn register(transcript: &Transcript) -> Result<Register, Faults> {
    let Header { members, transactions, mutual_aid, .. } = &transcript.header;
    let mut register = Register::samples();
    if members.is_some() {
        // The samples' movements are not theirs.
        for (_, csv) in [&mut register.transactions, &mut register.mutual_aid] {
            csv.truncate(csv.find('\n').map_or(csv.len(), |end| end + 1));
        }
    }
    for (named, place) in [
        (members, &mut register.members),
        (transactions, &mut register.transactions),
        (mutual_aid, &mut register.mutual_aid),
    ] {
        if let Some(named) = named {
            let path = beside(transcript, named);
            let shown = path.display().to_string();
            let csv = std::fs::read_to_string(&path).map_err(|e| {
                let problem = format!("{named} cannot be read: {e}");
                Faults(vec![Fault::of(&transcript.source, problem, "name a file beside this one")])
            })?;
            *place = (shown, csv);
        }
    }
    Ok(register)
}

/// A path as a transcript writes it: beside itself.
fn beside(transcript: &Transcript, path: &str) -> PathBuf {
    Path::new(&transcript.source).parent().unwrap_or(Path::new("")).join(path)
}
