//! `hotline serve`: answers calls.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use super::runtime;
use crate::clock::Clock;
use crate::config::{LogFormat, Settings};
use crate::replay::recording::write_all;
use crate::replay::stage::Origin;
use crate::server::{App, Asked, Edge, Limits};

/// Telephone webhooks are small forms; ten times what most platforms send.
const BODY_BYTES: usize = 16 * 1024;
/// jambonz tells of a call with the whole invitation in it, twice over.
const BODY_BYTES_OF_INVITATIONS: usize = 64 * 1024;

/// Serves until SIGINT or SIGTERM. `config` is the file that `settings` were read from: recorded calls are replayed with it.
///
/// # Errors
/// What keeps the hotline from starting.
pub fn run(settings: &Settings, config: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    log(settings)?;
    runtime()?.block_on(serve(settings, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: &Settings, config: Option<PathBuf>) -> anyhow::Result<()> {
    let server = &settings.server;
    let limits = Limits {
        header_timeout: server.header_timeout,
        body_timeout: server.body_timeout,
        body_bytes: if settings.jambonz.has_secrets() { BODY_BYTES_OF_INVITATIONS } else { BODY_BYTES },
        connections: server.max_connections,
        drain: server.drain,
    };
    let edge = Edge::bind(server.listen, limits).await.with_context(|| {
        format!(
            "cannot listen at {}; is another hotline running? HOTLINE_SERVER__LISTEN sets another address",
            server.listen
        )
    })?;
    // Port 0 lets the system choose: callbacks name the port that it chose.
    let mut settings = settings.clone();
    settings.server.listen = edge.address()?;
    let settings = &settings;
    let (stop, asked) = (stopped(), asked_to_reload()?);
    let app = App::build(settings, Clock::system()).await?;
    welcome(settings, settings.server.listen)?;
    let housekeeping = tokio::spawn({
        let (app, settings) = (app.clone(), settings.clone());
        async move { app.housekeep(&settings).await }
    });
    let reloading = tokio::spawn({
        let (app, settings) = (app.clone(), settings.clone());
        async move { app.reload_when_asked(&settings, asked).await }
    });
    let recording = record(&app, config);
    app.connect().await.with_context(|| "cannot listen at asterisk.agi_listen; is it another's?")?;
    let stop = async {
        stop.await;
        app.stop();
    };
    edge.serve(app.routes(), stop).await;
    app.stopped().await;
    housekeeping.abort();
    reloading.abort();
    if let Some(recording) = recording {
        recording.abort();
    }
    app.anchor(settings).await;
    tracing::info!("stopped");
    Ok(())
}

/// Writes finished calls as transcripts, where the settings say so.
fn record(app: &App, config: Option<PathBuf>) -> Option<JoinHandle<()>> {
    let recordings = app.recordings()?;
    let (takes, folder, app) = (recordings.takes()?, recordings.folder.clone(), app.clone());
    let origin = Origin { file: config, environment: std::env::vars_os().collect(), lines: None };
    Some(tokio::spawn(async move { write_all(takes, folder, origin, app.telemetry()).await }))
}

/// SIGHUP asks for the lines to be read again; it may be sent from now on.
fn asked_to_reload() -> anyhow::Result<Arc<Asked>> {
    let mut signals = signal(SignalKind::hangup()).context("signals cannot be received")?;
    let asked = Arc::new(Asked::default());
    tokio::spawn({
        let asked = Arc::clone(&asked);
        async move {
            while signals.recv().await.is_some() {
                asked.ask();
            }
        }
    });
    Ok(asked)
}

/// Until the process is asked to end; it may be asked from now on.
fn stopped() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            // Without signals there is no asking: run until killed, which loses nothing.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// One line an event on standard error; standard output is for people.
fn log(settings: &Settings) -> anyhow::Result<()> {
    // Checked with the other settings.
    let filter = EnvFilter::try_new(&settings.log.level)?;
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let set = match settings.log.format {
        LogFormat::Pretty => lines.compact().try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    set.map_err(|e| anyhow::anyhow!("logging could not be set up: {e}"))
}

/// How to place the first call right now.
fn welcome(settings: &Settings, address: std::net::SocketAddr) -> anyhow::Result<()> {
    let public = match settings.server.public_url.as_str() {
        "" => format!("http://{address}"),
        url => url.trim_end_matches('/').to_owned(),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "hotline {} answers at http://{address}", env!("CARGO_PKG_VERSION"))?;
    if settings.open_to_this_machine() && settings.store.sample_members {
        writeln!(out, "\nPlace a first call, in another terminal:")?;
        writeln!(out, "    hotline dial --server http://{address}      (or: cargo run --release -- dial)")?;
        writeln!(
            out,
            "and press 1, 1, 11010519491231002*#, 1, 739154#, 1. That is a sample member; * is the X of the number."
        )?;
    }
    webhooks(settings, &public, &mut out)?;
    out.flush()?;
    Ok(())
}

/// What to enter at each platform. A secret in an address is not shown: what is printed here is kept in logs.
fn webhooks(settings: &Settings, public: &str, out: &mut impl Write) -> std::io::Result<()> {
    const AGAIN: &str = "#rc=2&rp=5xx,ct,rt";
    let twilio = [
        ("a call comes in", format!("twilio/voice{AGAIN}")),
        ("primary handler fails", "twilio/fallback".into()),
        ("call status changes", "twilio/status".into()),
    ];
    enter(out, "Twilio (HTTP POST)", public, twilio)?;
    if !settings.twilio.has_tokens() {
        writeln!(out, "    refused until HOTLINE_TWILIO__AUTH_TOKEN holds the auth token of your account")?;
    }
    let at = |path: &str| path.to_owned();
    if settings.signalwire.keys().next().is_some() {
        let signalwire = [
            ("when a call comes in", at("signalwire/voice")),
            ("fallback", at("signalwire/fallback")),
            ("status change", at("signalwire/status")),
        ];
        enter(out, "SignalWire (cXML, HTTP POST)", public, signalwire)?;
    }
    if settings.telnyx.keys().next().is_some() {
        let telnyx = [
            ("webhook", at("telnyx/voice")),
            ("failover", at("telnyx/fallback")),
            ("status callback", at("telnyx/status")),
        ];
        enter(out, "Telnyx (TeXML application, all of it POST)", public, telnyx)?;
    }
    if settings.somleng.tokens().next().is_some() {
        let somleng = [("voice", at("somleng/voice")), ("status callback", at("somleng/status"))];
        enter(out, "Somleng (HTTP POST)", public, somleng)?;
    }
    if settings.exotel.secret().is_some() {
        let exotel = [("a call comes in", at("exotel/SECRET/voice")), ("status callback", at("exotel/SECRET/status"))];
        enter(out, "Exotel (SECRET: what exotel.secret holds)", public, exotel)?;
    }
    if settings.kazoo.secret().is_some() {
        let kazoo = [("voice_url", at("kazoo/SECRET/voice")), ("cdr_url", at("kazoo/SECRET/status"))];
        enter(out, "Kazoo (Pivot, format twiml; SECRET: what kazoo.secret holds)", public, kazoo)?;
    }
    if settings.jambonz.has_secrets() {
        let jambonz =
            [("calling webhook", format!("jambonz/call{AGAIN}")), ("call status webhook", at("jambonz/status"))];
        enter(out, "jambonz (POST, application/json)", public, jambonz)?;
    }
    if settings.jambonz.has_credentials() {
        let jambonz = [("calling webhook", at("jambonz/socket")), ("call status webhook", at("jambonz/socket"))];
        let public = public.replacen("http", "ws", 1);
        enter(out, "jambonz over a WebSocket (basic authentication as in jambonz.credentials)", &public, jambonz)?;
    }
    if settings.voicexml.secret().is_some() {
        let voicexml = [("first document", at("voicexml/SECRET/start"))];
        enter(out, "VoiceXML 2.1 (GET or POST; SECRET: what voicexml.secret holds)", public, voicexml)?;
    }
    if settings.httapi.secret().is_some() {
        let httapi =
            [("gateway-url", at("httapi/SECRET/call")), ("after it, in the dialplan", at("httapi/SECRET/fallback"))];
        enter(out, "FreeSWITCH (mod_httapi, method POST; SECRET: what httapi.secret holds)", public, httapi)?;
    }
    if settings.plivo.is_set_up() {
        let plivo = [
            ("primary answer URL", at("plivo/answer")),
            ("fallback answer URL", at("plivo/fallback")),
            ("hangup URL", at("plivo/hangup")),
        ];
        enter(out, "Plivo (XML application, all of it POST)", public, plivo)?;
    }
    if settings.vonage.is_set_up() {
        let vonage = [
            ("answer URL", at("vonage/answer")),
            ("event URL", at("vonage/event")),
            ("fallback URL", at("vonage/fallback")),
        ];
        enter(out, "Vonage (application with Voice, HTTP POST, signed webhooks)", public, vonage)?;
    }
    if settings.cloopen.secret().is_some() {
        let cloopen = [("notification URL", at("cloopen/SECRET"))];
        enter(out, "Cloopen 容联云 (SECRET: what cloopen.secret holds)", public, cloopen)?;
    }
    asterisk(settings, public, out)
}

/// What to enter in Asterisk's own files.
fn asterisk(settings: &Settings, public: &str, out: &mut impl Write) -> std::io::Result<()> {
    let asterisk = &settings.asterisk;
    if !asterisk.is_set_up() {
        return Ok(());
    }
    writeln!(out, "\nFor Asterisk (config/asterisk/README.md has the files):")?;
    if asterisk.password().is_some() {
        let uri = public.replacen("http", "ws", 1);
        writeln!(
            out,
            "    websocket_client.conf  uri = {uri}/asterisk/ari, protocols = ari, username = {}",
            asterisk.user
        )?;
    }
    if let Some(there) = asterisk.connect_to() {
        writeln!(out, "    ari.conf               a user {} for us; we connect to {there}", asterisk.connect_user)?;
    }
    if asterisk.password().is_some() || asterisk.connect_to().is_some() {
        writeln!(out, "    extensions.conf        Stasis({},${{EXTEN}})", asterisk.app)?;
        writeln!(out, "    clips are fetched from {}/prompts/", asterisk.media(public))?;
    }
    if let Some(at) = asterisk.agi_listen {
        writeln!(out, "    extensions.conf        AGI(agi://{at}/${{EXTEN}})")?;
    }
    Ok(())
}

/// One platform's fields and addresses, one under the other.
fn enter<const N: usize>(
    out: &mut impl Write,
    platform: &str,
    public: &str,
    fields: [(&str, String); N],
) -> std::io::Result<()> {
    writeln!(out, "\nWebhooks for {platform}:")?;
    // As wide as the longest of Twilio's.
    let width = fields.iter().map(|(field, _)| field.len()).fold(21, usize::max);
    fields.iter().try_for_each(|(field, path)| writeln!(out, "    {field:width$}  {public}/{path}"))
}
