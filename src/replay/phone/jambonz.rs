//! jambonz's end: signed JSON out, lists of verbs in, read as strictly as its validators and its feature server read them.

use std::time::Duration;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{Answer, Collecting, Happened, Heard, Phone, Recording, Then, Webhook, digits};
use crate::secret::Key;

/// The account and application every replayed call belongs to.
const ACCOUNT: &str = "00000000-0000-4000-8000-000000000001";
const APPLICATION: &str = "00000000-0000-4000-8000-000000000002";
/// The longest time that counts as none: so long a voice waits for keys before the next one speaks.
const MOMENT: Duration = Duration::from_millis(500);

impl Phone {
    pub(super) fn jambonz(&self, heard: Option<&Heard>, happened: &Happened<'_>) -> Webhook {
        let step = heard.and_then(|heard| heard.step.clone());
        let told = |path: Option<String>, more| self.hook(path.unwrap_or_default(), "in-progress", more);
        match happened {
            Happened::Dialled => {
                let sip = json!({ "method": "INVITE", "headers": { "user-agent": "replay" }, "body": "v=0\r\n" });
                let defaults = json!({ "synthesizer": { "vendor": "google", "language": "cmn-CN" } });
                let more = json!({ "sip": sip, "defaults": defaults, "caller_name": "" });
                self.hook("/jambonz/call".to_owned(), "trying", more)
            }
            // Which key ended it, is not told.
            Happened::Keys { keys, .. } => told(step, json!({ "reason": "dtmfDetected", "digits": digits(keys) })),
            Happened::Silence => told(step, json!({ "reason": "timeout" })),
            Happened::Recorded(Some(spoken)) => told(step, json!({ "dial_call_duration": spoken.as_secs() })),
            // The recorder was not reached, or there is none.
            Happened::Recorded(None) => told(step, json!({})),
            Happened::Waiting { ahead, .. } => {
                let queue = json!({ "queue_sid": format!("queue:{ACCOUNT}:agents"), "queue_time": 1 });
                let position = ahead.map(|ahead| json!({ "queue_position": ahead, "queue_size": ahead + 1 }));
                self.sparse(step.unwrap_or_default(), joined(queue, position.unwrap_or_else(|| json!({}))))
            }
            Happened::Transferred { talked } => {
                if let Some(queued) = &self.queued {
                    let how = if *talked { "bridged" } else { "error" };
                    told(Some(queued.clone()), json!({ "queue_result": how, "queue_time": 1 }))
                } else {
                    let how = if *talked { "completed" } else { "no-answer" };
                    told(step, json!({ "dial_call_status": how, "dial_sip_status": if *talked { 200 } else { 480 } }))
                }
            }
            Happened::Left => told(self.queued.clone(), json!({ "queue_result": "leave", "queue_time": 1 })),
            Happened::HungUp => {
                let more = json!({ "call_termination_by": "caller", "duration": 1 });
                self.hook("/jambonz/status".to_owned(), "completed", more)
            }
        }
    }

    pub(super) fn jambonz_beside(&self, heard: &Heard, spoken: Duration) -> Option<Webhook> {
        Some(self.hook(heard.step.clone()?, "completed", json!({ "dial_call_duration": spoken.as_secs() })))
    }

    /// A webhook that tells of the call.
    fn hook(&self, path: String, status: &str, more: Value) -> Webhook {
        let call = json!({
            "call_sid": self.call,
            "direction": "inbound",
            "from": self.from.as_deref().unwrap_or("anonymous"),
            "to": self.dialled,
            "call_id": format!("{}@replay", self.call),
            "sip_status": 200,
            "sip_reason": "OK",
            "call_status": status,
            "account_sid": ACCOUNT,
            "application_sid": APPLICATION,
            "originating_sip_ip": "198.51.100.7:5060",
        });
        self.signed(path, &joined(call, more))
    }

    /// A webhook that tells no more of the call than which it is.
    fn sparse(&self, path: String, more: Value) -> Webhook {
        let call = json!({ "call_sid": self.call, "call_id": format!("{}@replay", self.call) });
        self.signed(path, &joined(call, more))
    }

    fn signed(&self, path: String, body: &Value) -> Webhook {
        let body = body.to_string();
        let headers =
            vec![("content-type", "application/json".to_owned()), ("jambonz-signature", self.jambonz_signature(&body))];
        Webhook { path, headers, body, of_call: true }
    }

    /// HMAC-SHA256 over the time and the body.
    fn jambonz_signature(&self, body: &str) -> String {
        let time = self.clock.now().as_second();
        // A MAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.account.jambonz_secret.expose().as_bytes()) else {
            return String::new();
        };
        mac.update(format!("{time}.{body}").as_bytes());
        format!("t={time},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
    }

    pub(super) fn hear_jambonz(&mut self, answer: &Answer) -> Result<Heard, String> {
        // 204 tells the platform to go on with what it has; nothing that is asked here has more to go on with.
        if answer.status != 200 {
            return Err(format!("the answer's status is {}", answer.status));
        }
        if !answer.kind.contains("application/json") {
            return Err(format!("the answer is {:?}: the platform reads no verbs in it", answer.kind));
        }
        let verbs: Value = serde_json::from_str(&answer.body).map_err(|e| format!("the answer is no JSON: {e}"))?;
        let verbs = verbs.as_array().ok_or("malformed jambonz payload: must be array")?;
        if verbs.is_empty() {
            return Err("no application provided".to_owned());
        }
        let mut list = List {
            public_url: &self.account.public_url,
            said: String::new(),
            then: None,
            step: None,
            end: None,
            is_given_up: false,
        };
        for verb in verbs {
            list.verb(verb)?;
        }
        let List { said, then, step, end, is_given_up, .. } = list;
        let then = then.ok_or("nothing follows what is said: the call would end without a goodbye")?;
        let can_fail = match then {
            Then::Collect(_) | Then::Transfer => true,
            Then::Record(recording) => recording.longest > Duration::ZERO,
            Then::Queue => end.is_some(),
            Then::Leave | Then::HangUp => false,
        };
        if can_fail && !is_given_up {
            return Err("where a hook fails, the call would end without a word".to_owned());
        }
        let step = match then {
            Then::Queue if end.is_some() => {
                (self.queued, self.waiting) = (end, step.clone());
                step
            }
            // Silence in the queue: the platform asks the same address again.
            Then::Queue => Some(self.waiting.clone().ok_or("a pause stands at the end, and nobody waits in a queue")?),
            Then::Leave if self.queued.is_none() => return Err("leave stands outside of a queue's waitHook".to_owned()),
            Then::Leave => step,
            Then::Collect(_) | Then::Record(_) | Then::Transfer | Then::HangUp => {
                (self.queued, self.waiting) = (None, None);
                step
            }
        };
        Ok(Heard { said, then, step })
    }
}

fn joined(mut one: Value, more: Value) -> Value {
    if let (Value::Object(one), Value::Object(more)) = (&mut one, more) {
        one.extend(more);
    }
    one
}

/// A list of verbs while it is read.
struct List<'l> {
    public_url: &'l str,
    said: String,
    then: Option<Then>,
    step: Option<String>,
    /// Where the end of a queue is told.
    end: Option<String>,
    /// Whether the call is ended in words where what ends the list has failed.
    is_given_up: bool,
}

impl List<'_> {
    fn verb(&mut self, verb: &Value) -> Result<(), String> {
        let verb = verb.as_object().ok_or("malformed jambonz payload: must be array of objects")?;
        let name =
            verb.get("verb").and_then(Value::as_str).ok_or("malformed jambonz payload: missing verb property")?;
        let verb = Verb { name, properties: verb };
        if let Some(then) = self.then {
            return self.behind(then, verb);
        }
        match name {
            "say" => {
                verb.knows(&["text", "synthesizer"])?;
                self.say(verb.properties)?;
            }
            "gather" => self.gather(verb)?,
            "redirect" => {
                verb.knows(&["actionHook"])?;
                let step = self.path(verb.text("actionHook")?)?;
                if !step.contains("/recorded/") {
                    return Err("a redirect alone leads round in a circle".to_owned());
                }
                // Nobody can record: the platform tells so at once.
                self.then = Some(Then::Record(Recording { longest: Duration::ZERO, silence: Duration::ZERO }));
                self.step = Some(step);
            }
            "dial" => {
                verb.knows(&["actionHook", "answerOnBridge", "timeout", "target"])?;
                verb.seconds("timeout")?;
                let targets = verb.properties.get("target").and_then(Value::as_array).filter(|t| !t.is_empty());
                for target in targets.ok_or("dial: missing value for target")? {
                    let text = |name: &str| target.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
                    let known = match text("type") {
                        Some("phone") => text("number").is_some(),
                        Some("sip") => {
                            text("sipUri").is_some_and(|uri| uri.starts_with("sip:") || uri.starts_with("sips:"))
                        }
                        _ => false,
                    };
                    if !known {
                        return Err(format!("dial: {target} is no target"));
                    }
                }
                self.ends(Then::Transfer, verb.text("actionHook")?)?;
            }
            "enqueue" => {
                verb.knows(&["name", "actionHook", "waitHook"])?;
                verb.text("name")?;
                self.end = Some(self.path(verb.text("actionHook")?)?);
                self.ends(Then::Queue, verb.text("waitHook")?)?;
            }
            "listen" => {
                verb.knows(&["url", "actionHook", "finishOnKey", "maxLength", "playBeep", "mixType", "metadata"])?;
                let url = verb.text("url")?;
                if !["ws://", "wss://"].iter().any(|scheme| url.starts_with(scheme)) {
                    return Err(format!("listen: {url:?} is no WebSocket address"));
                }
                if !["mono", "stereo", "mixed"].contains(&verb.text("mixType")?) {
                    return Err("listen: property mixType is none of mono, stereo, mixed".to_owned());
                }
                let metadata = verb.properties.get("metadata").and_then(Value::as_object);
                let metadata = Verb { name: "listen: metadata", properties: metadata.ok_or("listen: no metadata")? };
                metadata.text("recording")?;
                let recording =
                    Recording { longest: verb.seconds("maxLength")?, silence: metadata.seconds("silence")? };
                self.ends(Then::Record(recording), verb.text("actionHook")?)?;
            }
            "pause" => {
                verb.knows(&["length"])?;
                verb.seconds("length")?;
                self.then = Some(Then::Queue);
            }
            "leave" => {
                verb.knows(&[])?;
                self.then = Some(Then::Leave);
            }
            "hangup" => {
                verb.knows(&[])?;
                self.then = Some(Then::HangUp);
            }
            other => return Err(format!("invalid instruction: {other}")),
        }
        Ok(())
    }

    /// What is reached only where the hook of the verb before it failed: of a gather the same asked again without a word; last
    /// words.
    fn behind(&mut self, then: Then, verb: Verb<'_>) -> Result<(), String> {
        match (then, verb.name) {
            (Then::Collect(_), "gather") if !self.is_given_up => {
                let (timeout, hook) = (verb.seconds("timeout")?, self.path(verb.text("actionHook")?)?);
                if verb.properties.contains_key("say") || timeout > MOMENT || self.step.as_ref() != Some(&hook) {
                    return Err("gather: behind another one it may only ask the same again".to_owned());
                }
            }
            (Then::Collect(_) | Then::Record(_) | Then::Transfer | Then::Queue, "say") => self.say_aside(verb)?,
            (Then::Collect(_) | Then::Record(_) | Then::Transfer | Then::Queue, "hangup") => self.is_given_up = true,
            _ => return Err(format!("{} stands behind what ends the list", verb.name)),
        }
        Ok(())
    }

    /// Said, but not by the way the caller goes.
    fn say_aside(&mut self, verb: Verb<'_>) -> Result<(), String> {
        verb.knows(&["text", "synthesizer"])?;
        let said = self.said.len();
        self.say(verb.properties)?;
        self.said.truncate(said);
        Ok(())
    }

    /// What is heard while the answer to a hook takes long.
    fn delay(&mut self, delay: &Value) -> Result<(), String> {
        let properties = delay.as_object().ok_or("gather: property actionHookDelayAction has invalid data type")?;
        let delay = Verb { name: "actionHookDelayAction", properties };
        // Told when to give up, the platform would hang up without a word.
        delay.knows(&["enabled", "noResponseTimeout", "retries", "actions"])?;
        delay.seconds("noResponseTimeout")?;
        let actions = properties.get("actions").and_then(Value::as_array).filter(|actions| !actions.is_empty());
        for action in actions.ok_or("ActionHookDelayProcessor: no actions specified")? {
            let properties = action.as_object().filter(|action| action.get("verb") == Some(&json!("say")));
            let properties = properties.ok_or("ActionHookDelayProcessor: invalid actions specified")?;
            self.say_aside(Verb { name: "say", properties })?;
        }
        Ok(())
    }

    fn gather(&mut self, verb: Verb<'_>) -> Result<(), String> {
        verb.knows(&[
            "input",
            "actionHook",
            "minDigits",
            "maxDigits",
            "finishOnKey",
            "interDigitTimeout",
            "timeout",
            "dtmfBargein",
            "say",
            "actionHookDelayAction",
        ])?;
        if verb.properties.get("input") != Some(&json!(["digits"])) {
            return Err("gather: input is not digits alone".to_owned());
        }
        // Without it, keys that nothing ends are lost; with more, those of a short entry.
        if verb.properties.get("minDigits") != Some(&json!(1)) {
            return Err("gather: minDigits is not 1: the platform would drop keys".to_owned());
        }
        if verb.properties.get("dtmfBargein") != Some(&json!(true)) {
            return Err("gather: keys would not stop the speech".to_owned());
        }
        let most = verb.properties.get("maxDigits").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok());
        let most = most.filter(|most| *most > 0).ok_or("gather: property maxDigits has invalid data type")?;
        let finish = if verb.properties.contains_key("finishOnKey") {
            let mut keys = verb.text("finishOnKey")?.chars();
            let key = keys.next().and_then(Key::from_char).filter(|_| keys.next().is_none());
            Some(key.ok_or("gather: finishOnKey is no key")?)
        } else {
            None
        };
        let collect = Collecting {
            most,
            finish,
            first_key: verb.seconds("timeout")?,
            between_keys: verb.seconds("interDigitTimeout")?,
        };
        if let Some(say) = verb.properties.get("say") {
            let say = say.as_object().ok_or("gather: property say has invalid data type")?;
            Verb { name: "say", properties: say }.knows(&["text", "synthesizer"])?;
            self.say(say)?;
        }
        let hook = verb.text("actionHook")?;
        if let Some(delay) = verb.properties.get("actionHookDelayAction") {
            self.delay(delay)?;
        }
        if self.path(hook)?.contains("/said/") {
            // Another voice goes on after a moment without keys.
            return if collect.first_key > MOMENT { Err("gather: silence between voices".to_owned()) } else { Ok(()) };
        }
        self.ends(Then::Collect(collect), hook)
    }

    fn say(&mut self, say: &Map<String, Value>) -> Result<(), String> {
        let texts = match say.get("text") {
            Some(Value::Array(texts)) if !texts.is_empty() => texts.as_slice(),
            Some(text @ Value::String(_)) => std::slice::from_ref(text),
            _ => return Err("say: there is no text".to_owned()),
        };
        if let Some(synthesizer) = say.get("synthesizer")
            && synthesizer.get("vendor").and_then(Value::as_str).is_none()
        {
            return Err("synthesizer: missing value for vendor".to_owned());
        }
        for text in texts {
            let text = text.as_str().ok_or("say: property text has invalid data type")?;
            self.said.push_str(&spoken(text)?);
            // English is parted by more than its full stops.
            if self.said.ends_with(|c: char| c.is_ascii()) {
                self.said.push(' ');
            }
        }
        Ok(())
    }

    fn ends(&mut self, then: Then, hook: &str) -> Result<(), String> {
        self.step = Some(self.path(hook)?);
        self.then = Some(then);
        Ok(())
    }

    /// The path of an address that must be the hotline's own.
    fn path(&self, address: &str) -> Result<String, String> {
        let path = address.strip_prefix(self.public_url).filter(|path| path.starts_with('/'));
        path.map(str::to_owned).ok_or_else(|| "the next address is not the hotline's own".to_owned())
    }
}

/// One verb, or what stands in one.
#[derive(Clone, Copy)]
struct Verb<'v> {
    name: &'v str,
    properties: &'v Map<String, Value>,
}

impl<'v> Verb<'v> {
    /// The platform refuses a verb for a property that it does not know.
    fn knows(self, known: &[&str]) -> Result<(), String> {
        match self.properties.keys().find(|key| *key != "verb" && !known.contains(&key.as_str())) {
            Some(unknown) => Err(format!("{}: unknown property {unknown}", self.name)),
            None => Ok(()),
        }
    }

    fn text(self, property: &str) -> Result<&'v str, String> {
        let text = self.properties.get(property).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| format!("{}: missing value for {property}", self.name))
    }

    /// A time; nought would be for ever.
    fn seconds(self, property: &str) -> Result<Duration, String> {
        let seconds = self.properties.get(property).and_then(Value::as_f64).filter(|seconds| *seconds > 0.0);
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| format!("{}: property {property} has invalid data type", self.name))
    }
}

/// The words of a text, which may be markup.
fn spoken(text: &str) -> Result<String, String> {
    let Some(markup) = text.strip_prefix("<speak>") else { return Ok(text.to_owned()) };
    let mut rest = markup.strip_suffix("</speak>").ok_or("say: the markup is not closed")?;
    let mut said = String::with_capacity(rest.len());
    while let Some(at) = rest.find(['<', '&']) {
        said.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(['>', ';']).ok_or("say: the markup does not parse")?;
        let (tag, after) = rest.split_at(end + 1);
        rest = after;
        match tag {
            "&lt;" => said.push('<'),
            "&gt;" => said.push('>'),
            "&amp;" => said.push('&'),
            tag if tag.starts_with("<break time=\"") && tag.ends_with("ms\"/>") => said.push(' '),
            tag if tag.starts_with("<prosody rate=\"") || tag == "</prosody>" => {}
            tag => return Err(format!("say: {tag} is not understood")),
        }
    }
    said.push_str(rest);
    Ok(said)
}
