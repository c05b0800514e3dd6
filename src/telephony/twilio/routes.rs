//! The addresses the platforms call.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::markup::Markup;
use super::profile::{Can, Profile};
use super::proof::{Proof, Sent};
use super::request::Form;
use super::settings::Platform;
use crate::clock::Clock;
use crate::dialog::Event;
use crate::telephony::public_url::PublicUrl;
use crate::telephony::sender::Peer;
use crate::telephony::webhook::{FORM, PATIENCE, PathParts, read};
use crate::telephony::{Conversation, Reply};

/// Ten times what Twilio sends.
const BODY_LIMIT: usize = 16 * 1024;

/// What a secret in a path is called, wherever a route is named.
const SECRET: &str = "secret";

/// The webhooks of a platform. `clock` tells which signatures are old.
pub fn router<C: Conversation>(
    conversation: Arc<C>,
    platform: Platform,
    public_url: &PublicUrl,
    clock: Clock,
) -> Router {
    let (at, line) = line(conversation, platform, public_url, clock);
    routes(&at, line)
}

/// Where a platform's webhooks are, as a pattern, and what answering them takes.
fn line<C>(conversation: Arc<C>, platform: Platform, public_url: &PublicUrl, clock: Clock) -> (String, Line<C>) {
    let Platform { profile, proof, voices, secret } = platform;
    let mut at = format!("/{}", profile.dialect);
    let mut base = format!("{}{at}/", public_url.as_str());
    if let Some(secret) = secret {
        at.extend(["/{", SECRET, "}"]);
        base.extend([secret.expose(), "/"]);
    }
    let markup = Markup::new(profile, &voices, &base);
    let (public_url, patience) = (public_url.clone(), PATIENCE);
    (at, Line { conversation, profile, proof, markup, public_url, clock, patience })
}

fn routes<C: Conversation>(at: &str, line: Line<C>) -> Router {
    let by_get = line.profile.can(Can::StartByGet);
    let line = Arc::new(line);
    let (last_words, in_queue) = (Arc::clone(&line), Arc::clone(&line));
    // Whoever waits goes on waiting: nobody loses their place by what passes.
    let waiting = post(waiting).layer(CatchPanicLayer::custom(move |_| spoken(in_queue.markup.busy_waiting())));
    // What comes first has no keys in it, which must not stand in an address.
    let start = if by_get { post(voice).merge(get(voice)) } else { post(voice) };
    Router::new()
        .route(&format!("{at}/voice"), start)
        .route(&format!("{at}/step/{{step}}"), post(step))
        .route(&format!("{at}/transferred/{{step}}"), post(transferred))
        .route(&format!("{at}/recorded/{{step}}"), post(recorded))
        .route(&format!("{at}/recording/{{step}}"), post(recording))
        .route(&format!("{at}/queued/{{step}}"), post(queued))
        .route(&format!("{at}/waiting/{{step}}"), waiting)
        .route(&format!("{at}/status"), post(status))
        .route(&format!("{at}/fallback"), post(fallback))
        // Whatever breaks behind a webhook, the caller hears of it in words.
        .layer(CatchPanicLayer::custom(move |_| last_words.busy()))
        .with_state(line)
}

/// What answering takes.
struct Line<C> {
    conversation: Arc<C>,
    profile: &'static Profile,
    proof: Proof,
    markup: Markup,
    public_url: PublicUrl,
    clock: Clock,
    patience: Duration,
}

async fn voice<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> Response {
    let (Ok(call), false) = (form.call(), form.duplicated()) else { return line.busy() };
    line.answer(line.conversation.dialled(call, None)).await
}

async fn step<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(form): Proven) -> Response {
    line.go_on(&form, path.named("step"), form.keys()).await
}

async fn transferred<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, path.named("step"), form.transfer()).await
}

async fn recorded<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(form): Proven,
) -> Response {
    line.go_on(&form, path.named("step"), form.recorded()).await
}

/// Told when a recording is complete: of a call that ended while it was made, perhaps here alone. There is nobody to speak
/// to, so that what cannot be kept now is refused, to be told again.
async fn recording<C: Conversation>(
    State(line): State<Arc<Line<C>>>,
    path: PathParts,
    Proven(form): Proven,
) -> StatusCode {
    let (Ok(call), Some(recording)) = (form.call(), form.completed_recording()) else { return StatusCode::NO_CONTENT };
    match tokio::time::timeout(line.patience, line.conversation.recorded(call, path.named("step"), recording)).await {
        Ok(true) => StatusCode::NO_CONTENT,
        Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn queued<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(form): Proven) -> Response {
    line.go_on(&form, path.named("step"), form.queue()).await
}

async fn waiting<C: Conversation>(State(line): State<Arc<Line<C>>>, path: PathParts, Proven(form): Proven) -> Response {
    let Ok(call) = form.call() else { return spoken(line.markup.busy_waiting()) };
    match tokio::time::timeout(line.patience, line.conversation.step(call, path.named("step"), form.waiting())).await {
        Ok(reply) => spoken(line.markup.waiting(&reply)),
        Err(_) => spoken(line.markup.busy_waiting()),
    }
}

/// Told for every change of a call; only its end is news. There is nobody left to say anything to.
async fn status<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> StatusCode {
    if let (Ok(call), Some(how), false) = (form.call(), form.ended(), form.duplicated()) {
        let _ = tokio::time::timeout(line.patience, line.conversation.ended(call, how)).await;
    }
    StatusCode::NO_CONTENT
}

async fn fallback<C: Conversation>(State(line): State<Arc<Line<C>>>, Proven(form): Proven) -> Response {
    let (Ok(call), false) = (form.call(), form.duplicated()) else { return line.busy() };
    line.answer(line.conversation.resume(call)).await
}

impl<C: Conversation> Line<C> {
    async fn go_on(&self, form: &Form, step: &str, event: Event) -> Response {
        let Ok(call) = form.call() else { return self.busy() };
        self.answer(self.conversation.step(call, step, event)).await
    }

    async fn answer(&self, reply: impl Future<Output = Reply>) -> Response {
        match tokio::time::timeout(self.patience, reply).await {
            Ok(reply) => spoken(self.markup.reply(&reply)),
            Err(_) => self.busy(),
        }
    }

    fn busy(&self) -> Response {
        let (language, words) = self.conversation.busy();
        spoken(self.markup.busy(language, &words))
    }
}

fn spoken(markup: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], markup).into_response()
}

/// A form whose sender has proved to be the platform. Extracting it is the only way to one; whoever cannot prove it gets
/// a bare status.
struct Proven(Form);

impl<C: Conversation> FromRequest<Arc<Line<C>>> for Proven {
    type Rejection = StatusCode;

    async fn from_request(request: Request, line: &Arc<Line<C>>) -> Result<Self, StatusCode> {
        let (mut parts, body) = if *request.method() == Method::POST {
            read(request, FORM, BODY_LIMIT).await?
        } else {
            (request.into_parts().0, Bytes::new())
        };
        let form = if parts.method == Method::POST { &body[..] } else { query(&parts.uri) };
        let form = Form::parse(line.profile, form);
        let Ok(path) = PathParts::from_request_parts(&mut parts, line).await;
        let sent = Sent {
            path_and_query: parts.uri.path_and_query().map_or("/", |p| p.as_str()),
            secret: path.named(SECRET),
            headers: &parts.headers,
            body: &body,
            form: &form,
            peer: parts.extensions.get::<Peer>().copied(),
        };
        if line.proof.holds(&sent, &line.public_url, line.clock.now()) {
            Ok(Self(form))
        } else {
            Err(StatusCode::FORBIDDEN)
        }
    }
}

fn query(uri: &Uri) -> &[u8] {
    uri.query().unwrap_or_default().as_bytes()
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, HEXLOWER};
    use hmac::{Hmac, KeyInit, Mac};
    use jiff::Timestamp;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use sha1::Sha1;
    use tower::ServiceExt;

    use super::*;
    use crate::telephony::sender::Networks;
    use crate::telephony::testing::{self, Answer, App, Fake, Webhook, contract};
    use crate::telephony::twilio::settings::{Settings, SignalWire, Somleng, Telnyx, Unsigned};
    use crate::telephony::twilio::signature::SIGNATURE;

    const GREETING: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。</Say><Hangup/></Response>"#
    );
    const BUSY: &str = concat!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#,
        r#"<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">系统繁忙。</Say><Hangup/></Response>"#
    );
    const WAITS_ON: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Pause length="10"/></Response>"#;
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

    const NOW: i64 = 1_767_225_600;

    fn app() -> App {
        let settings: Settings = toml::from_str(r#"auth_token = "12345""#).unwrap();
        app_of(settings.platform()).0
    }

    /// The routes of a platform, and the clock they go by.
    fn app_of(platform: Platform) -> (App, Clock) {
        let clock = Clock::manual(Timestamp::from_second(NOW).unwrap());
        let url = PublicUrl::parse("https://hotline.example").unwrap();
        let app = App::new(|conversation| {
            let (at, line) = line(conversation, platform, &url, clock.clone());
            routes(&at, Line { patience: Duration::from_millis(1), ..line })
        });
        (app, clock)
    }

    /// As Twilio would send it.
    fn signed(path: &str, body: &str) -> Request {
        request(path, body).header(SIGNATURE, sign(path, body)).body(body.to_owned().into()).unwrap()
    }

    async fn post(app: &App, path: &str, body: &str) -> Answer {
        app.send(signed(path, body)).await
    }

    fn spoken(body: &str) -> Answer {
        Answer::spoken("text/xml; charset=utf-8", body)
    }

    fn request(path: &str, body: &str) -> axum::http::request::Builder {
        Request::post(path).header(header::CONTENT_TYPE, FORM).header(header::CONTENT_LENGTH, body.len())
    }

    fn sign(path: &str, body: &str) -> String {
        let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
        pairs.sort();
        pairs.dedup();
        let text: String = pairs.into_iter().flat_map(<[_; 2]>::from).collect();
        let mut mac: Hmac<Sha1> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(format!("https://hotline.example{path}{text}").as_bytes());
        BASE64.encode(&mac.finalize().into_bytes())
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let in_words =
            |path, body, told| Webhook { path, body, told, answer: spoken(GREETING), last_words: Some(spoken(BUSY)) };
        let beside = |path, body, told| Webhook { path, body, told, answer: Answer::bare(204), last_words: None };
        // Whoever waits goes on waiting, whatever passes.
        let waited = |body, told| Webhook {
            last_words: Some(spoken(WAITS_ON)),
            ..in_words("/twilio/waiting/{step}", body, told)
        };
        let account = format!("AC{}", "0".repeat(32));
        let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/RE{}", "1".repeat(32));
        let recorded = format!("CallSid={{call}}&AccountSid={account}&RecordingUrl={url}&RecordingDuration=7");
        let complete = format!("{recorded}&RecordingStatus=completed");
        let webhooks = [
            in_words("/twilio/voice?line=a", "CallSid={call}&To=12333", "c1 dialled 12333 Withheld"),
            in_words("/twilio/step/{step}", "CallSid={call}&Digits=12&FinishedOnKey=%23", "c1 S Keys(Keys(…))"),
            in_words("/twilio/step/{step}", "CallSid={call}", "c1 S Silence"),
            in_words(
                "/twilio/transferred/{step}",
                "CallSid={call}&DialCallStatus=busy",
                "c1 S TransferEnded(NotAnswered)",
            ),
            in_words("/twilio/queued/{step}", "CallSid={call}&QueueResult=leave", "c1 S TransferEnded(Left)"),
            waited(
                "CallSid={call}&QueuePosition=2",
                "c1 S Waiting(Waiting { ahead: Some(1), average: None, without_keys: false })",
            ),
            waited("CallSid={call}&Digits=2", "c1 S Keys(Keys(…))"),
            in_words("/twilio/fallback", "CallSid={call}&ErrorCode=11200&ErrorUrl=x", "c1 resumed"),
            in_words(
                "/twilio/recorded/{step}",
                &recorded,
                "c1 S Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }",
            ),
            in_words("/twilio/recorded/{step}", "CallSid={call}", "c1 S Recorded { recording: None, hung_up: false }"),
            beside("/twilio/recording/{step}", &complete, "c1 S recorded 7"),
            beside("/twilio/status", "CallSid={call}&CallStatus=completed", "c1 Completed"),
        ];
        let with = |path: &str, body: &str, signature: &str| {
            request(path, body).header(SIGNATURE, signature).body(body.to_owned().into()).unwrap()
        };
        contract(&testing::Platform {
            app: app(),
            webhooks: &webhooks,
            sent: &signed,
            forged: &[
                &|path, body| request(path, body).body(body.to_owned().into()).unwrap(),
                &|path, body| request(&path.replace("/S", "/%FF"), body).body(body.to_owned().into()).unwrap(),
                &|path, body| with(path, body, ""),
                &|path, body| with(path, body, "王"),
                &|path, body| with(path, body, &sign(path, body)[..20]),
                &|path, body| with(path, body, &sign(path, body)[..27]),
                &|path, body| with(path, body, &sign(path, body).to_lowercase()),
                &|path, body| with(path, body, &sign("/twilio/other", body)),
            ],
            unreadable: &["", "From=1", "CallSid=", "CallSid=%00", "CallSid=CA1&CallSid=CA2&Digits=1"],
        })
        .await;
    }

    fn greeting(say: &str) -> Answer {
        spoken(&format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><Response><Say{say}>您好。</Say><Hangup/></Response>"#
        ))
    }

    #[tokio::test]
    async fn signalwire_signs_in_two_ways() {
        let settings: SignalWire = toml::from_str(r#"signing_key = "12345""#).unwrap();
        let (app, _) = app_of(settings.platform().unwrap());
        let (path, body) = ("/signalwire/step/S", "CallSid=0703574f-b151&Digits=12");
        let mut mac: Hmac<Sha1> = Hmac::new_from_slice(b"12345").unwrap();
        mac.update(format!("https://hotline.example{path}{body}").as_bytes());
        let own = HEXLOWER.encode(&mac.finalize().into_bytes());
        let said = greeting(r#" language="cmn-CN" voice="Polly.Zhiyu-Neural""#);
        for (header, value) in [
            ("x-signalwire-signature", &own),
            ("x-signalwire-signature", &sign(path, body)),
            (SIGNATURE, &sign(path, body)),
        ] {
            let request = request(path, body).header(header, value).body(body.into()).unwrap();
            assert_eq!(app.send(request).await, said, "{header} {value}");
            assert_eq!(app.told(), ["0703574f-b151 S Keys(Keys(…))"]);
        }
        for other in ["/signalwire/step/T", "/signalwire/voice"] {
            let request = request(other, body).header("x-signalwire-signature", &own).body(body.into()).unwrap();
            assert_eq!(app.send(request).await, Answer::bare(403), "{other}");
        }
        assert_eq!(post(&app, "/twilio/voice", body).await, Answer::bare(404), "nobody else is there");
    }

    #[tokio::test]
    async fn telnyx_signs_what_it_sends_and_when() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = BASE64.encode(pair.public_key().as_ref());
        let settings: Telnyx = toml::from_str(&format!("public_key = \"{public}\"")).unwrap();
        let (app, clock) = app_of(settings.platform().unwrap());
        let body = "CallSid=v3%3AaB-9_&CallStatus=in-progress&Digits=12";
        let signed = |time: i64, signature: &str| {
            let signed = request("/telnyx/step/S", body).header("Telnyx-Timestamp", time.to_string());
            signed.header("Telnyx-Signature-Ed25519", signature).body(body.into()).unwrap()
        };
        let signature = BASE64.encode(pair.sign(format!("{NOW}|{body}").as_bytes()).as_ref());
        let said = greeting(r#" language="cmn-CN" voice="Polly.Zhiyu-Neural""#);
        assert_eq!(app.send(signed(NOW, &signature)).await, said);
        assert_eq!(app.told(), ["v3:aB-9_ S Keys(Keys(…))"]);
        assert_eq!(app.send(signed(NOW + 1, &signature)).await, Answer::bare(403));
        clock.advance(Duration::from_mins(5));
        assert_eq!(app.send(signed(NOW, &signature)).await, said, "a repeat is the conversation's business");
        clock.advance(Duration::from_secs(1));
        assert_eq!(app.send(signed(NOW, &signature)).await, Answer::bare(403), "what is old is not");
        assert_eq!(app.send(request("/telnyx/step/S", body).body(body.into()).unwrap()).await, Answer::bare(403));
    }

    #[tokio::test]
    async fn somleng_signs_as_twilio_does() {
        let settings: Somleng = toml::from_str(r#"auth_token = "12345""#).unwrap();
        let (app, _) = app_of(settings.platform().unwrap());
        let said = greeting(r#" language="cmn-CN" voice="Polly.Zhiyu-Neural""#);
        assert_eq!(post(&app, "/somleng/step/S", "CallSid=91ae2a8d-7a2f&CallStatus=in-progress").await, said);
        assert_eq!(post(&app, "/somleng/queued/S", "CallSid=91ae2a8d-7a2f&CallStatus=in-progress").await, said);
        assert_eq!(app.told(), ["91ae2a8d-7a2f S Silence", "91ae2a8d-7a2f S TransferEnded(NotAnswered)"]);
    }

    /// Of a platform that signs nothing: with the secret in its path, from this address.
    fn unsigned(method: Method, path: &str, from: [u8; 4], body: &str) -> Request {
        let (query, body) = if method == Method::GET { (format!("?{body}"), "") } else { (String::new(), body) };
        let request = Request::builder().method(method).uri(format!("{path}{query}"));
        let request = request.header(header::CONTENT_TYPE, FORM).extension(Peer((from, 40_000).into()));
        request.body(body.to_owned().into()).unwrap()
    }

    const OURS: [u8; 4] = [203, 0, 113, 7];

    #[tokio::test]
    async fn who_signs_nothing_knows_the_secret_and_comes_from_the_list() {
        let settings = "secret = \"geheim\"\naddresses = [\"203.0.113.0/24\"]";
        let settings: Unsigned = toml::from_str(settings).unwrap();
        let platform = settings.exotel(&Networks::default()).unwrap();
        let (app, _) = app_of(platform);
        let said = greeting(r#" language="zh-CN""#);
        let dialled = "CallSid=c1&CallFrom=01012345678&CallTo=12333";
        for method in [Method::GET, Method::POST] {
            assert_eq!(app.send(unsigned(method, "/exotel/geheim/voice", OURS, dialled)).await, said);
            assert_eq!(app.told(), ["c1 dialled 12333 Number(…)"]);
        }
        let pressed = "CallSid=c1&digits=%2212%22";
        assert_eq!(app.send(unsigned(Method::POST, "/exotel/geheim/step/S", OURS, pressed)).await, said);
        assert_eq!(app.told(), ["c1 S Keys(Keys(…))"]);
        assert_eq!(
            app.send(unsigned(Method::GET, "/exotel/geheim/step/S", OURS, pressed)).await,
            Answer::bare(405),
            "keys are"
        );
        for (path, from) in [
            ("/exotel/geheim2/voice", OURS),
            ("/exotel/Geheim/voice", OURS),
            ("/exotel/%E7%8E%8B/voice", OURS),
            ("/exotel/%FF/voice", OURS),
            ("/exotel/secret/voice", OURS),
            ("/exotel/geheim/voice", [203, 0, 114, 7]),
            ("/exotel/geheim/step/S", [127, 0, 0, 1]),
        ] {
            assert_eq!(app.send(unsigned(Method::POST, path, from, dialled)).await, Answer::bare(403), "{path}");
        }
        for (path, refused) in [("/exotel/voice", 404), ("/exotel//voice", 403)] {
            assert_eq!(app.send(unsigned(Method::POST, path, OURS, dialled)).await, Answer::bare(refused), "{path}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn kazoo_begins_by_get_and_ends_in_other_words() {
        let settings: Unsigned = toml::from_str("secret = \"geheim\"").unwrap();
        let platform = settings.kazoo(&Networks::default()).unwrap();
        let (app, _) = app_of(platform);
        let call = "CallSid=a1%4010.0.0.7&CallerNumber=13800138000&To=12333&CallStatus=no-answer";
        assert_eq!(app.send(unsigned(Method::GET, "/kazoo/geheim/voice", OURS, call)).await, greeting(""));
        let keys = format!("{call}&Digits=1");
        assert_eq!(app.send(unsigned(Method::POST, "/kazoo/geheim/step/S", OURS, &keys)).await, greeting(""));
        assert_eq!(app.send(unsigned(Method::POST, "/kazoo/geheim/status", OURS, call)).await, Answer::bare(204));
        let over = "Call-ID=a1%4010.0.0.7&Hangup-Cause=NORMAL_CLEARING";
        assert_eq!(app.send(unsigned(Method::POST, "/kazoo/geheim/status", OURS, over)).await, Answer::bare(204));
        assert_eq!(
            app.told(),
            ["a1@10.0.0.7 dialled 12333 Number(…)", "a1@10.0.0.7 S Keys(Keys(…))", "a1@10.0.0.7 Completed"]
        );
    }

    #[tokio::test]
    async fn a_secret_stands_in_the_addresses_that_are_given_out() {
        let settings: Unsigned = toml::from_str("secret = \"geheim\"").unwrap();
        let platform = settings.kazoo(&Networks::default()).unwrap();
        let url = PublicUrl::parse("https://hotline.example/a").unwrap();
        let routes = router(Arc::new(Fake::default()), platform, &url, Clock::manual(Timestamp::UNIX_EPOCH));
        let dialled = unsigned(Method::GET, "/kazoo/geheim/voice", OURS, "CallSid=1");
        assert_eq!(routes.oneshot(dialled).await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn a_recording_that_is_not_kept_is_to_be_told_again() {
        let app = app();
        let account = format!("AC{}", "0".repeat(32));
        let url = format!("https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/RE{}", "1".repeat(32));
        let body = format!("CallSid=CA1&AccountSid={account}&RecordingUrl={url}&RecordingDuration=7");
        assert_eq!(post(&app, "/twilio/recording/S", &body).await, Answer::bare(204), "it is not complete");
        assert_eq!(app.told(), [""; 0]);
        let complete = format!("{body}&RecordingStatus=completed");
        assert_eq!(post(&app, "/twilio/recording/T", &complete).await, Answer::bare(503));
        assert_eq!(app.told(), ["CA1 T recorded 7"]);
    }

    #[tokio::test]
    async fn only_the_end_of_a_call_is_news() {
        let app = app();
        for body in [
            "CallSid=CA1&CallStatus=ringing",
            "CallSid=CA1",
            "CallStatus=completed",
            "CallSid=CA1&CallStatus=completed&CallStatus=busy",
        ] {
            assert_eq!(post(&app, "/twilio/status", body).await, Answer::bare(204), "{body}");
        }
        assert_eq!(app.told(), [""; 0]);
    }

    #[tokio::test]
    async fn what_a_client_says_of_its_host_is_not_asked() {
        let app = app();
        let body = "CallSid=CA1";
        let signed = request("/twilio/voice", body).header(SIGNATURE, sign("/twilio/voice", body));
        let forwarded = signed
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http");
        assert_eq!(app.send(forwarded.body(body.into()).unwrap()).await, spoken(GREETING));
        let absolute = request("http://evil.example/twilio/voice", body).header(SIGNATURE, sign("/twilio/voice", body));
        assert_eq!(app.send(absolute.body(body.into()).unwrap()).await, spoken(GREETING));
    }

    #[tokio::test]
    async fn other_methods_kinds_and_sizes_are_refused() {
        let app = app();
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            let request = Request::builder().method(method).uri("/twilio/voice").body(String::new().into()).unwrap();
            assert_eq!(app.send(request).await, Answer::bare(405));
        }
        for kind in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded2",
            "",
        ] {
            let signed = Request::post("/twilio/voice").header(SIGNATURE, sign("/twilio/voice", "CallSid=CA1"));
            let request = signed.header(header::CONTENT_TYPE, kind).body("CallSid=CA1".into()).unwrap();
            assert_eq!(app.send(request).await, Answer::bare(415), "{kind}");
        }
        let fits = format!("CallSid=CA1&Digits={}", "1".repeat(BODY_LIMIT - 19));
        assert_eq!(fits.len(), BODY_LIMIT);
        assert_eq!(post(&app, "/twilio/step/S", &fits).await, spoken(GREETING));
        assert_eq!(post(&app, "/twilio/step/S", &format!("{fits}1")).await, Answer::bare(413));
        assert_eq!(app.told(), ["CA1 S Garbled"]);
    }

    #[tokio::test]
    async fn a_step_that_breaks_is_last_words_too_and_the_end_of_a_call_none() {
        let app = app();
        for step in ["panic", "never"] {
            assert_eq!(
                post(&app, &format!("/twilio/step/{step}"), "CallSid=CA1&Digits=1").await,
                spoken(BUSY),
                "{step}"
            );
        }
        assert_eq!(post(&app, "/twilio/status", "CallSid=never&CallStatus=completed").await, Answer::bare(204));
        assert_eq!(app.told(), [""; 0]);
    }
}
