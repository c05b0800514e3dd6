//! A hotline that really serves: the built program in a directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};
use tempfile::TempDir;

use super::line::project;

/// The address the platform knows every hotline of these tests by.
pub const PUBLIC_URL: &str = "https://hotline.test";
/// What the platform signs with.
pub const AUTH_TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// What lets into `/browser`, `/metrics` and `/readyz`.
pub const BROWSER_TOKEN: &str = "1c2d3e4f5a6b79880716253443526170";
/// How often something that is waited for is asked after.
const POLL: Duration = Duration::from_millis(5);
/// One key ring for all, so that what is made from keys can be told beforehand.
pub const KEYS: &str =
    "current = 1\n[keys]\n1 = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n";
/// Longer than anything that is waited for takes, on a machine that is busy with other things.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// When people answer, in the line's file.
#[derive(Clone, Copy)]
pub enum People {
    Always,
    Never,
}

/// The shipped line, but with people who answer always or never.
pub fn line_with(people: People) -> String {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let (before, rest) = shipped.split_once("hours = [\n").unwrap();
    let (_, after) = rest.split_once("]\n").unwrap();
    let hours = match people {
        People::Always => r#"{ days = "mon-sun", from = "00:00", to = "23:59:59.999999999" }"#,
        People::Never => "",
    };
    let line = format!("{before}hours = [{hours}]\n{after}");
    // On any day of the year; nobody is asked how it was, and nobody is old: that is for tests of their own.
    let line = line.replace("holidays = \"china\"\n", "").replace("offered = true", "offered = false");
    line.replace("age = 65", "age = 120")
}

/// A directory and settings, in which processes may be started.
pub struct Setup {
    dir: TempDir,
    environment: Vec<(String, String)>,
}

impl Setup {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("lines")).unwrap();
        let keys = dir.path().join("keys.toml");
        std::fs::write(&keys, KEYS).unwrap();
        std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let environment = [
            ("SERVER__LISTEN", "127.0.0.1:0".to_owned()),
            ("SERVER__PUBLIC_URL", PUBLIC_URL.to_owned()),
            ("STORE__URL", format!("sqlite:{}", at("hotline.db"))),
            ("STORE__AUDIT_ANCHORS", at("audit.anchors")),
            // Two cores run all tests at once: only tests of the deadline are about it.
            ("STORE__DEADLINE", "10s".to_owned()),
            ("KEYS__FILE", at("keys.toml")),
            ("LINES__DIRECTORY", at("lines")),
            ("PROMPTS__DIRECTORY", project("voice-prompts").display().to_string()),
            ("HOLIDAYS__DIRECTORY", project("config/holidays").display().to_string()),
            ("SIGN_IN__HASH_MEMORY_KIB", "7168".to_owned()),
            // One telephone calls for everybody here: what it may not, `abuse.rs` is about.
            ("ABUSE__PERSONS_AN_HOUR", "1000".to_owned()),
            ("ABUSE__FAILURES_A_DAY", "1000".to_owned()),
            ("SIGN_IN__HASH_PASSES", "1".to_owned()),
            ("TWILIO__AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ("BROWSER__TOKEN", BROWSER_TOKEN.to_owned()),
        ];
        let environment = environment.map(|(name, value)| (format!("HOTLINE_{name}"), value)).into();
        Self { dir, environment }.people(People::Never)
    }

    pub fn people(self, people: People) -> Self {
        self.line(&line_with(people))
    }

    pub fn line(self, text: &str) -> Self {
        std::fs::write(self.dir.path().join("lines/12333.toml"), text).unwrap();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        let name = format!("HOTLINE_{name}");
        self.environment.retain(|(n, _)| *n != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command of the built program, with these settings and no others.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
        command.args(arguments).env_clear().envs(self.environment.iter().cloned()).current_dir(self.dir.path());
        command
    }

    pub fn serve(&self) -> Served {
        Served::start(self.command(&["serve"]))
    }

    /// A connection to the database, beside those of the hotline.
    pub async fn database(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.dir.path().join("hotline.db")).connect().await.unwrap()
    }

    /// Nobody writes to the database until what this gives is dropped.
    pub fn nobody_writes(&self) -> impl Drop {
        struct Locked(Option<SqliteConnection>);
        impl Drop for Locked {
            fn drop(&mut self) {
                let connection = self.0.take().unwrap();
                wait(async { connection.close().await.unwrap() });
            }
        }
        wait(async {
            let mut connection = self.database().await;
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            Locked(Some(connection))
        })
    }

    /// The events of the audit, in order.
    pub fn audit(&self) -> Vec<String> {
        wait(async {
            let rows = sqlx::query("SELECT event FROM audit ORDER BY chain, seq")
                .fetch_all(&mut self.database().await)
                .await
                .unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        })
    }

    /// Every byte that lies on the disk, file by file.
    pub fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let files = std::fs::read_dir(self.dir.path()).unwrap().flatten().filter(|f| f.path().is_file());
        files.map(|f| (f.file_name().into_string().unwrap(), std::fs::read(f.path()).unwrap())).collect()
    }
}

/// Runs what is asynchronous, here and now.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Asks `ready` until it says yes.
#[track_caller]
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !ready() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(POLL);
    }
}

/// A process that serves; killed when dropped.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
    welcome: Receiver<String>,
    log: Arc<Mutex<Vec<u8>>>,
    reading: Option<JoinHandle<()>>,
}

impl Served {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, welcome) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let log = Arc::new(Mutex::new(Vec::new()));
        let reading = std::thread::spawn({
            let (log, mut stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
            move || {
                let mut chunk = [0; 8192];
                while let Ok(n @ 1..) = stderr.read(&mut chunk) {
                    log.lock().unwrap().extend_from_slice(&chunk[..n]);
                }
            }
        });
        // The first line tells the address, and that somebody listens there.
        let first = welcome.recv_timeout(DEADLINE).unwrap_or_default();
        let address = first.rsplit_once("http://").and_then(|(_, address)| address.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the hotline did not start: {}", String::from_utf8_lossy(&log.lock().unwrap()));
        };
        Self { child, address, welcome, log, reading: Some(reading) }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until the process has ended by itself.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the process goes on");
            std::thread::sleep(POLL);
        }
    }

    /// What it said at its start, but for the first line. It says all before it answers.
    pub fn welcome(mut self) -> String {
        assert_eq!(super::caller::Wire::from(&self).get("/healthz").status, 200);
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.welcome.iter().map(|line| line + "\n").collect()
    }

    /// What it has written to standard error so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Ends the process, and gives all that it wrote to standard error.
    pub fn log(mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reading.take().unwrap().join().unwrap();
        String::from_utf8(std::mem::take(&mut self.log.lock().unwrap())).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
