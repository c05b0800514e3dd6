//! An Asterisk of its own for a test: config/asterisk as it is shipped, but for addresses, ports, passwords and folders.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than starting and stopping take, on a machine that is busy with other things.
const DEADLINE: Duration = Duration::from_mins(1);
/// Ports for sound, below those the system gives out by itself: so many for each Asterisk.
const RTP: (u16, u16) = (12000, 32000);
const RTP_EACH: u16 = 1000;
/// And all others.
const OURS: (u16, u16) = (10000, 12000);
/// What Asterisk says of the package's own configuration, which ours is laid over.
const OF_THE_PACKAGE: &[&str] =
    &["pbx_config.c: users.conf is deprecated", "res_musiconhold.c: No music on hold classes configured"];

/// The password of who commands calls.
pub const COMMANDS: &str = "0f1e2d3c4b5a6978";

/// A file, what stands there, and what is to.
pub type Change = (&'static str, String, String);

/// What is other than shipped.
pub struct Site {
    pub hotline: SocketAddr,
    /// What Asterisk says it is to the hotline.
    pub password: String,
    /// Who answers the trunk, when callers are put through.
    pub person: SocketAddr,
    /// More replacements.
    pub changes: Vec<Change>,
    /// More lines at the end of a file.
    pub additions: Vec<(&'static str, String)>,
    /// Sounds on Asterisk's own disk, by name.
    pub sounds: Vec<(String, PathBuf)>,
    /// Where its own ARI is, if anybody may connect to it: http.conf is for that, and for nothing else.
    pub ari: Option<u16>,
}

impl Site {
    pub fn new(hotline: SocketAddr) -> Self {
        let (changes, additions, sounds) = (Vec::new(), Vec::new(), Vec::new());
        let (password, person) = ("0123456789abcdef".to_owned(), free_udp());
        Self { hotline, password, person, changes, additions, sounds, ari: None }
    }

    /// Every file of config/asterisk as this site has it.
    fn files(&self, sip: SocketAddr, rtp: u16) -> Vec<(String, String)> {
        let here = |port: u16| format!("127.0.0.1:{port}");
        let mut changes = vec![
            ("ari.conf", "password = PASSWORD".to_owned(), format!("password = {COMMANDS}")),
            ("websocket_client.conf", "127.0.0.1:8080".to_owned(), self.hotline.to_string()),
            ("websocket_client.conf", "password = PASSWORD".to_owned(), format!("password = {}", self.password)),
            ("http.conf", "bindport = 8088".to_owned(), format!("bindport = {}", self.ari.unwrap_or_default())),
            ("pjsip.conf", "0.0.0.0:5060".to_owned(), here(sip.port())),
            ("pjsip.conf", "198.51.100.7:5060".to_owned(), self.person.to_string()),
            ("pjsip.conf", "match = 198.51.100.7".to_owned(), "match = 127.0.0.1".to_owned()),
            ("extensions.conf", "127.0.0.1:8080".to_owned(), self.hotline.to_string()),
            ("rtp.conf", "rtpstart = 10000".to_owned(), format!("rtpstart = {rtp}")),
            ("rtp.conf", "rtpend = 19999".to_owned(), format!("rtpend = {}", rtp + RTP_EACH - 1)),
        ];
        changes.extend(self.changes.iter().cloned());
        let shipped = project("config/asterisk");
        let mut files = Vec::new();
        for file in fs::read_dir(&shipped).unwrap().flatten() {
            let name = file.file_name().into_string().unwrap();
            let is_for_this = if self.ari.is_some() { name != "websocket_client.conf" } else { name != "http.conf" };
            if file.path().extension().is_none_or(|extension| extension != "conf") || !is_for_this {
                continue;
            }
            let mut text = fs::read_to_string(file.path()).unwrap();
            for (_, from, to) in changes.iter().filter(|(file, ..)| *file == name) {
                assert!(text.contains(from.as_str()), "config/asterisk/{name} says {from:?} nowhere");
                text = text.replace(from, to);
            }
            for (_, addition) in self.additions.iter().filter(|(file, _)| *file == name) {
                text.push_str(addition);
            }
            files.push((name, text));
        }
        files
    }
}

/// The name of a file, and the sound in it.
pub type Recording = (String, Vec<i16>);

/// What was recorded into this folder.
pub fn recordings(folder: &Path) -> Vec<Recording> {
    let sound = |path: &Path| hound::WavReader::open(path).unwrap().samples().map(Result::unwrap).collect();
    let files = fs::read_dir(folder).unwrap().flatten();
    files.map(|file| (file.file_name().into_string().unwrap(), sound(&file.path()))).collect()
}

/// A running Asterisk; killed when dropped.
pub struct Asterisk {
    child: Child,
    folder: TempDir,
    pub sip: SocketAddr,
}

impl Asterisk {
    pub fn start(site: &Site) -> Self {
        // A dot in the path of its cache, and Asterisk finds nothing there.
        let folder = tempfile::Builder::new().prefix("hl").rand_bytes(6).tempdir().unwrap();
        assert!(!folder.path().display().to_string().contains('.'), "a temporary folder with a dot: set TMPDIR");
        let sip = free_udp();
        lay_out(folder.path(), site, sip);
        let child = launch(folder.path());
        let asterisk = Self { child, folder, sip };
        asterisk.wait_until_up();
        asterisk
    }

    /// What its console answers.
    pub fn command(&self, line: &str) -> String {
        String::from_utf8_lossy(&console(self.folder.path(), line).stdout).into_owned()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/messages.log")).unwrap_or_default()
    }

    /// All it has written down: its log, and what a screen would have shown.
    fn written(&self) -> String {
        let files = fs::read_dir(self.folder.path().join("log")).unwrap().flatten();
        files.map(|file| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()).collect()
    }

    /// What is known of the channels that are up, with all their variables.
    pub fn shown(&self) -> String {
        self.channels().iter().map(|channel| self.command(&format!("core show channel {channel}"))).collect()
    }

    /// What callers said who were recorded: the names of the files, and what is in them.
    pub fn recordings(&self) -> Vec<Recording> {
        recordings(&self.folder.path().join("spool/recording"))
    }

    /// The channels that are up.
    pub fn channels(&self) -> Vec<String> {
        let lines = self.command("core show channels concise");
        lines.lines().filter_map(|line| Some(line.split_once('!')?.0.to_owned())).collect()
    }

    #[track_caller]
    pub fn until(&self, what: &str, mut ready: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !ready(self) {
            assert!(Instant::now() < end, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it, calls and all, and starts it again.
    pub fn restart(&mut self) {
        self.end();
        self.child = launch(self.folder.path());
        self.wait_until_up();
    }

    /// Ends it. Nothing in its log may be a warning or an error but what is `expected`, and nothing may hold one of
    /// `secrets`.
    #[track_caller]
    pub fn stop(mut self, expected: &[&str], secrets: &[&str]) {
        self.end();
        let log = self.log();
        assert!(log.contains("Asterisk Ready"), "{log}");
        let trouble: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("WARNING") || line.contains("ERROR"))
            .filter(|line| !expected.iter().chain(OF_THE_PACKAGE).any(|known| line.contains(known)))
            .collect();
        assert!(trouble.is_empty(), "{}", trouble.join("\n"));
        let written = self.written();
        // Key by key, as the level dtmf writes them down.
        assert!(!written.contains("DTMF"), "Asterisk has written down that keys were pressed");
        for secret in secrets {
            assert!(!written.contains(secret), "Asterisk has written down what was keyed");
        }
    }

    fn wait_until_up(&self) {
        self.until("Asterisk is up", |asterisk| {
            let booted = console(asterisk.folder.path(), "core waitfullybooted");
            String::from_utf8_lossy(&booted.stdout).contains("fully booted")
        });
    }

    fn end(&mut self) {
        // SIGTERM would wait for calls.
        let _ = console(self.folder.path(), "core stop now");
        let end = Instant::now() + DEADLINE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "Asterisk does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Asterisk's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What tests/asterisk/fetch left.
fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let output = Command::new(project("tests/asterisk/fetch")).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "tests/asterisk/fetch failed");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The folders of an Asterisk, and what is in them.
fn lay_out(folder: &Path, site: &Site, sip: SocketAddr) {
    let shared = root().join("usr/share/asterisk");
    for name in ["etc", "lib", "db", "data/sounds", "spool/recording", "spool/monitor", "run", "log", "c"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for name in ["documentation", "rest-api"] {
        symlink(shared.join(name), folder.join("data").join(name)).unwrap();
    }
    symlink(root().join("var/lib/asterisk/moh"), folder.join("data/moh")).unwrap();
    for (name, file) in &site.sounds {
        fs::copy(file, folder.join("data/sounds").join(name).with_extension("wav")).unwrap();
    }
    // As config/asterisk/README.md has it.
    let made = Command::new(project("config/asterisk/queue-sounds"))
        .arg(project("voice-prompts/zh-CN/clips"))
        .arg(folder.join("data/sounds/en_hotline"))
        .status();
    assert!(made.unwrap().success(), "config/asterisk/queue-sounds failed");
    let at = |name: &str| folder.join(name).display().to_string();
    let modules = libraries().join("asterisk/modules").display().to_string();
    let settings = format!(
        "[directories]\nastetcdir => {etc}\nastmoddir => {modules}\nastvarlibdir => {lib}\nastdbdir => {db}\n\
         astkeydir => {lib}\nastdatadir => {data}\nastagidir => {lib}\nastspooldir => {spool}\nastrundir => {run}\n\
         astlogdir => {log}\nastcachedir => {cache}\nastsbindir => {run}\n[options]\nverbose = 2\nhideconnect = yes\n",
        etc = at("etc"),
        lib = at("lib"),
        db = at("db"),
        data = at("data"),
        spool = at("spool"),
        run = at("run"),
        log = at("log"),
        cache = at("c"),
    );
    // As the package has it, and ours over it.
    let package = root().join("etc/asterisk");
    for file in fs::read_dir(&package).unwrap().flatten().filter(|file| file.path().is_file()) {
        fs::copy(file.path(), folder.join("etc").join(file.file_name())).unwrap();
    }
    // Its one port would be in the way of another Asterisk.
    fs::write(folder.join("etc/manager.conf"), "[general]\nenabled = no\n").unwrap();
    symlink(package.join("manager.d"), folder.join("etc/manager.d")).unwrap();
    fs::write(folder.join("etc/asterisk.conf"), settings).unwrap();
    for (name, text) in site.files(sip, rtp_ports()) {
        fs::write(folder.join("etc").join(name), text).unwrap();
    }
}

/// Where its own loader and libraries are.
fn libraries() -> PathBuf {
    let folders = fs::read_dir(root().join("usr/lib")).unwrap().flatten().map(|entry| entry.path());
    folders.into_iter().find(|path| path.join("asterisk/modules").is_dir()).expect("the modules of Asterisk")
}

/// The program, on the configuration in `folder`.
fn program(folder: &Path) -> Command {
    let libraries = libraries();
    let loader = fs::read_dir(&libraries).unwrap().flatten().map(|entry| entry.path());
    let is_loader = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("ld-linux-");
    let mut command = Command::new(loader.into_iter().find(is_loader).expect("a loader"));
    command.arg("--library-path").arg(&libraries).arg(root().join("usr/sbin/asterisk"));
    command.arg("-C").arg(folder.join("etc/asterisk.conf")).stdin(Stdio::null());
    command
}

fn launch(folder: &Path) -> Child {
    let output = fs::File::create(folder.join("log/output")).unwrap();
    program(folder).arg("-f").stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap()
}

fn console(folder: &Path, line: &str) -> Output {
    program(folder).args(["-r", "-x", line]).output().unwrap()
}

pub fn free_udp() -> SocketAddr {
    let free = |port| UdpSocket::bind(("127.0.0.1", port)).is_ok();
    SocketAddr::from(([127, 0, 0, 1], ports().find(|port| free(*port)).unwrap()))
}

pub fn free_tcp() -> u16 {
    ports().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Ports that are given out once, and by nobody else: the system's own are given again as soon as they are let go of, also to
/// whoever connects to somewhere.
fn ports() -> impl Iterator<Item = u16> {
    // Two runs at a time begin at other places.
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(97)));
    let all = u32::from(OURS.1 - OURS.0);
    (0..all).map(move |_| OURS.0 + (NEXT.fetch_add(1, Ordering::Relaxed) % all) as u16)
}

/// Ports that no other Asterisk of this run has. One of another run would be passed over.
fn rtp_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    RTP.0 + NEXT.fetch_add(1, Ordering::Relaxed) % ((RTP.1 - RTP.0) / RTP_EACH) * RTP_EACH
}
