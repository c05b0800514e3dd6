//! A real `PostgreSQL`, started by the tests and gone with them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection, Executor};

pub struct Server {
    dir: PathBuf,
    /// The shell that holds the server: it stops it and removes its files when this process's end of its input closes,
    /// however this process ends.
    shell: Child,
    databases: AtomicU32,
}

/// The one server of all tests that do no harm to it.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// Listens on a socket in its own directory only, so that it needs no port.
const SCRIPT: &str = r#"
# Debian keeps the server's programs out of the path, by version.
for bin in /usr/lib/postgresql/*/bin; do PATH=$PATH:$bin; done
# A terminal's Ctrl-C goes to us too; the end of the input follows it, and only that leaves nothing behind.
trap '' INT TERM HUP
dir=$(mktemp -d) || exit 1
trap 'pid=$(head -1 "$dir/data/postmaster.pid"); kill -CONT "$pid"; pkill -CONT -P "$pid"; pg_ctl -D "$dir/data" -m immediate stop; rm -rf "$dir"' EXIT
{
    initdb -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C --no-sync &&
    pg_ctl -D "$dir/data" -w -l "$dir/log" -o "-c listen_addresses= -c unix_socket_directories=$dir -c max_connections=400" start
} >"$dir/start.log" 2>&1 || { cat "$dir/start.log" >&2; exit 1; }
echo "$dir"
exec >/dev/null 2>&1
read -r _
"#;

impl Server {
    pub fn start() -> Self {
        // PostgreSQL refuses to run as root, so root runs it as the user its package made.
        let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let mut command = if is_root { Command::new("runuser") } else { Command::new("sh") };
        if is_root {
            command.args(["-u", "postgres", "--", "sh"]);
        }
        let mut shell = command
            .args(["-c", SCRIPT])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell to start PostgreSQL with");
        let mut dir = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut dir).unwrap();
        assert!(!dir.is_empty(), "PostgreSQL did not start: is it installed? (Debian: postgresql)");
        Self { dir: dir.trim().into(), shell, databases: AtomicU32::new(0) }
    }

    /// The URL of a new, empty database.
    pub async fn database(&self) -> String {
        sqlx::any::install_default_drivers();
        let url = |name: &str| format!("postgres://postgres@localhost/{name}?host={}", self.dir.display());
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut conn = sqlx::AnyConnection::connect(&url("postgres")).await.unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        url(&name)
    }

    /// Sends a signal to the server: the process that takes connections and those that serve them.
    pub fn signal(&self, signal: &str) {
        let pid = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        for (command, arguments) in [("kill", vec![signal, pid]), ("pkill", vec![signal, "-P", pid])] {
            assert!(Command::new(command).args(arguments).status().unwrap().success());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
