//! What a call costs this machine, beside a static answer in the same run.
//!
//! `cargo bench --bench calls` starts a static axum server (one fixed TwiML answer, nothing else) and the hotline, each a
//! process of its own, sends both the same number of signed Twilio webhooks over the same number of connections, and
//! reads from the kernel how much CPU time each server process took. CPU time, not time of day: machines are shared and
//! noisy. What to look at are the ratios.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and prints what it measured"
)]
#![expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use hotline::member::sample;
use sha1::Sha1;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PUBLIC: &str = "https://hotline.example";
const CONNECTIONS: usize = 8;
/// Whole calls driven; each is seven webhooks.
const CALLS: usize = 400;
const MEMBERS: u64 = 1000;
const MENU_WEBHOOKS: usize = 20_000;
/// Times each call hears its balance again.
const AGAIN: usize = 25;

fn main() {
    // cargo passes --bench; the static server is this same binary, started with an argument of its own.
    if let Some(address) = std::env::args().find_map(|a| a.strip_prefix("static=").map(str::to_owned)) {
        return static_server(&address);
    }
    let tick = clock_ticks();
    let fixed = Server::fixed();
    let hotline = Server::hotline();
    let form = form("CAbench", "");

    let menu = |server: &Server| measure(server, tick, || flood(server, MENU_WEBHOOKS, &form));
    // Once round to warm both up, then the rounds that count, taking turns.
    menu(&fixed);
    menu(&hotline);
    let rounds: Vec<_> = (0..3).map(|_| (menu(&fixed), menu(&hotline))).collect();
    println!("a webhook that touches no account ({MENU_WEBHOOKS} greetings a round, {CONNECTIONS} connections)");
    for (fixed, hotline) in &rounds {
        let per = |m: &Cost| m.cpu.as_secs_f64() * 1e6 / MENU_WEBHOOKS as f64;
        println!(
            "    static axum {:6.1} µs CPU   hotline {:6.1} µs CPU   ratio {:.2}   ({:.0} and {:.0} a second)",
            per(fixed),
            per(hotline),
            per(hotline) / per(fixed),
            MENU_WEBHOOKS as f64 / fixed.wall.as_secs_f64(),
            MENU_WEBHOOKS as f64 / hotline.wall.as_secs_f64(),
        );
    }

    let callers = callers();
    let mut calls = Vec::new();
    let whole = measure(&hotline, tick, || calls = whole_calls(&hotline, &callers));
    let again = measure(&hotline, tick, || hear_again(&hotline, calls));
    let micros = |cost: &Cost, webhooks: usize| cost.cpu.as_secs_f64() * 1e6 / webhooks as f64;
    let (menu, read) = (micros(&rounds[2].1, MENU_WEBHOOKS), micros(&again, CALLS * AGAIN));
    println!("a webhook that reads an account, audited and durable ({CALLS} calls, {AGAIN} times each)");
    println!("    {read:6.1} µs CPU ({:.0} a second)", (CALLS * AGAIN) as f64 / again.wall.as_secs_f64());
    println!("the whole balance call ({CALLS} calls of 7 webhooks, 3 durable transactions and a PIN hash)");
    println!(
        "    {:.0} ms CPU per 1,000 calls; without the hash, reckoned as 4 menus and 3 reads: {:.0}",
        micros(&whole, CALLS),
        4.0 * menu + 3.0 * read,
    );
    println!("    resident memory after it all: {} KiB", hotline.resident_kib());
}

/// CPU and wall time.
struct Cost {
    cpu: Duration,
    wall: Duration,
}

fn measure(server: &Server, tick: f64, work: impl FnOnce()) -> Cost {
    let (cpu, wall) = (server.cpu_ticks(), Instant::now());
    work();
    let wall = wall.elapsed();
    Cost { cpu: Duration::from_secs_f64((server.cpu_ticks() - cpu) as f64 / tick), wall }
}

/// A server process, killed on drop.
struct Server {
    process: Child,
    address: SocketAddr,
    _data: Option<tempfile::TempDir>,
}

impl Server {
    fn fixed() -> Self {
        let address = free_address();
        let process = Command::new(std::env::current_exe().unwrap()).arg(format!("static={address}")).spawn().unwrap();
        Self { process, address, _data: None }.ready()
    }

    fn hotline() -> Self {
        let address = free_address();
        let data = tempfile::tempdir().unwrap();
        let at = |name: &str| data.path().join(name).display().to_string();
        let hotline = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hotline"));
            command
                .args(arguments)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .env("HOTLINE_STORE__URL", format!("sqlite:{}", at("hotline.db")))
                .env("HOTLINE_STORE__AUDIT_ANCHORS", at("audit.anchors"))
                .env("HOTLINE_KEYS__FILE", at("keys.toml"))
                .stdout(Stdio::null());
            command
        };
        let members = std::fs::File::create(at("members.csv")).unwrap();
        sample::write_members_csv(MEMBERS, members).unwrap();
        assert!(hotline(&["members", "import", &at("members.csv")]).status().unwrap().success());
        let process = hotline(&["serve"])
            .env("HOTLINE_SERVER__LISTEN", address.to_string())
            .env("HOTLINE_SERVER__PUBLIC_URL", PUBLIC)
            .env("HOTLINE_TWILIO__AUTH_TOKEN", TOKEN)
            .env("HOTLINE_LOG__LEVEL", "warn")
            // One telephone calls for everybody here, and the members of a sample live close together.
            .env("HOTLINE_ABUSE__PERSONS_AN_HOUR", "10000")
            .env("HOTLINE_ABUSE__NEIGHBOURS", "10000")
            .spawn()
            .unwrap();
        Self { process, address, _data: Some(data) }.ready()
    }

    fn ready(self) -> Self {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "a server does not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// User and system time of the process, in clock ticks (proc(5), fields 14 and 15).
    fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn clock_ticks() -> f64 {
    let out = Command::new("getconf").arg("CLK_TCK").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().parse().unwrap()
}

/// The same greeting, ready made.
fn static_server(address: &str) {
    const GREETING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Gather input=\"dtmf\" numDigits=\"1\"><Say language=\"cmn-CN\">您好。</Say></Gather></Response>";
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = async || ([("content-type", "text/xml; charset=utf-8")], GREETING);
        let routes = axum::Router::new().route("/twilio/voice", axum::routing::post(answer));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let server = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = stream.set_nodelay(true);
            let (server, service) = (server.clone(), hyper_util::service::TowerToHyperService::new(routes.clone()));
            tokio::spawn(async move {
                let _ = server.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
            });
        }
    });
}

/// A form as Twilio fills it in.
fn form(call: &str, extra: &str) -> String {
    format!(
        "AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01&CallSid={call}&CallStatus=in-progress\
         &Called=12333&CalledCity=&CalledCountry=CN&Caller=%2B8613800138000&CallerCity=&CallerCountry=CN\
         &Direction=inbound&From=%2B8613800138000&To=12333{extra}"
    )
}

fn sign(path: &str, form: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
    pairs.sort();
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).unwrap();
    mac.update(PUBLIC.as_bytes());
    mac.update(path.as_bytes());
    for (name, value) in pairs {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    BASE64.encode(&mac.finalize().into_bytes())
}

/// One keep-alive connection.
struct Line(BufReader<TcpStream>);

impl Line {
    fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn press(&mut self, call: &str, path: &str, keys: &str) -> String {
        let form = form(call, &format!("&Digits={keys}&FinishedOnKey=&msg=Gather+End"));
        self.post(path, &form, &sign(path, &form))
    }

    fn post(&mut self, path: &str, form: &str, signature: &str) -> String {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: hotline.example\r\nx-twilio-signature: {signature}\r\n\
             content-type: application/x-www-form-urlencoded; charset=utf-8\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut length, mut line) = (0, String::new());
        self.0.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        loop {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}

fn flood(server: &Server, webhooks: usize, form: &str) {
    let signature = sign("/twilio/voice", form);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut line = Line::open(server);
                for _ in 0..webhooks / CONNECTIONS {
                    line.post("/twilio/voice", form, &signature);
                }
            });
        }
    });
}

/// Number and PIN of members who have an account and a PIN of their own, as they are keyed.
fn callers() -> Vec<[String; 2]> {
    let members = (0..MEMBERS).map(sample::synthetic).filter(|m| m.personal.is_some() && !m.pin_is_initial);
    let keyed = members.filter_map(|m| {
        let pin = String::from_utf8(m.pin.as_ref()?.expose().to_vec()).ok()?;
        Some([m.id_number.expose().replace('X', "*"), pin])
    });
    keyed.take(CALLS).collect()
}

/// A call that stands at its balance: its id, and where the next key goes.
type Standing = (String, String);

/// Greeting, 1, 1, the number, 1, the PIN, 1: and the balance must be heard. Each call is another member's.
fn whole_calls(server: &Server, callers: &[[String; 2]]) -> Vec<Standing> {
    assert_eq!(callers.len(), CALLS, "too few synthetic members have an account and a PIN");
    on_every_connection(server, callers, |line, n, [number, pin]| {
        let call = format!("CA{n:08}");
        let first = form(&call, "");
        let mut heard = line.post("/twilio/voice", &first, &sign("/twilio/voice", &first));
        for keys in ["1", "1", number, "1", pin, "1"] {
            heard = line.press(&call, &action(&heard), keys);
        }
        assert!(heard.contains("您的医保个人账户余额为"), "{heard}");
        (call, action(&heard))
    })
}

/// Each call hears its balance again and again.
fn hear_again(server: &Server, calls: Vec<Standing>) {
    on_every_connection(server, &calls, |line, _, (call, path)| {
        let mut path = path.clone();
        for _ in 0..AGAIN {
            let heard = line.press(call, &path, "1");
            assert!(heard.contains("您的医保个人账户余额为"), "{heard}");
            path = action(&heard);
        }
    });
}

/// Shares `work` out to the connections.
fn on_every_connection<W: Sync, T: Send>(
    server: &Server,
    work: &[W],
    each: impl Fn(&mut Line, usize, &W) -> T + Sync,
) -> Vec<T> {
    let share = work.len().div_ceil(CONNECTIONS);
    let each = &each;
    std::thread::scope(|scope| {
        let shares: Vec<_> = work
            .chunks(share)
            .enumerate()
            .map(|(connection, work)| {
                scope.spawn(move || {
                    let mut line = Line::open(server);
                    let numbered = work.iter().enumerate();
                    numbered.map(|(n, work)| each(&mut line, connection * share + n, work)).collect::<Vec<_>>()
                })
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    })
}

/// The path keys go to.
fn action(markup: &str) -> String {
    let action = markup.split("action=\"").nth(1).and_then(|a| a.split('"').next()).unwrap();
    action.strip_prefix(PUBLIC).unwrap().to_owned()
}
