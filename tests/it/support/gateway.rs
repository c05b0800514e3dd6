//! Stands where a `VoiceXML` gateway stands: reads documents and does what they say, as far as a call of ours needs it.

use std::collections::BTreeMap;

use super::caller::{Answer, FORM, InProcess};
use super::served::{PUBLIC_URL, Setup};
use super::tree::Element;

/// The secret in its addresses.
pub const KEY: &str = "vx_0f1e2d3c4b5a69788796a5b4";

/// A hotline that it may call.
pub fn set_up(setup: Setup) -> Setup {
    setup.env("VOICEXML__SECRET", KEY).env("VOICEXML__ADDRESSES", r#"["127.0.0.1"]"#)
}

/// A call by a gateway.
pub struct Gateway<'h> {
    hotline: &'h InProcess,
    from: String,
    to: String,
    /// The document that runs.
    document: Element,
    variables: BTreeMap<String, String>,
    /// What was heard since the last submit.
    pub said: String,
    /// The last path, form and answer.
    pub last: (String, String, Answer),
    /// Every document so far.
    pub documents: Vec<String>,
}

impl<'h> Gateway<'h> {
    /// A call comes in.
    pub fn dial(hotline: &'h InProcess, to: &str) -> Self {
        let none = Answer { status: 0, headers: Vec::new(), body: String::new() };
        let mut gateway = Self {
            hotline,
            from: "tel:13800138000".to_owned(),
            to: format!("sip:{to}@gateway.example"),
            document: Element::default(),
            variables: BTreeMap::new(),
            said: String::new(),
            last: (String::new(), String::new(), none),
            documents: Vec::new(),
        };
        let path = format!("/voicexml/{KEY}/start");
        let answer = hotline.wire.send("GET", &path, &[], "");
        gateway.take(path, String::new(), answer);
        gateway
    }

    /// Reads a document and runs it up to where it waits.
    fn take(&mut self, path: String, form: String, answer: Answer) {
        let kind = "application/voicexml+xml; charset=utf-8";
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        self.document = Element::parse(&answer.body);
        self.documents.push(answer.body.clone());
        self.last = (path, form, answer);
        assert_eq!((&*self.document.name, self.document.get("version")), ("vxml", "2.1"));
        self.variables.clear();
        for variable in self.document.clone().all("var") {
            self.assign(variable);
        }
        let form = self.form();
        for variable in form.all("var") {
            self.assign(variable);
        }
        for item in &form.children {
            for prompt in item.all("prompt") {
                self.said.push_str(&prompt.words());
            }
            // A block runs to its end; everything else waits.
            if item.name == "block" && item.child("disconnect").is_none() {
                return self.execute(item);
            }
        }
    }

    fn form(&self) -> Element {
        self.document.child("form").unwrap_or_else(|| panic!("no form: {}", self.last.2.body)).clone()
    }

    /// What it waits for, or does last.
    pub fn item(&self, name: &str) -> Element {
        self.form().child(name).unwrap_or_else(|| panic!("no {name}: {}", self.last.2.body)).clone()
    }

    pub fn is_over(&self) -> bool {
        self.form().child("block").is_some_and(|block| block.child("disconnect").or(block.child("exit")).is_some())
    }

    /// Of the language of expressions, what documents of ours have.
    fn evaluate(&self, expression: &str) -> String {
        match expression {
            e if e.ends_with("? session.connection.remote.uri : ''") => self.from.clone(),
            e if e.ends_with("? session.connection.local.uri : ''") => self.to.clone(),
            e if e.starts_with("application.lastresult$ ?") => String::new(),
            "Math.ceil(message$.duration / 1000)" => self.variables["spoken"].clone(),
            e => match e.strip_prefix('\'').and_then(|e| e.strip_suffix('\'')) {
                Some(text) => text.to_owned(),
                None if e.parse::<u32>().is_ok() => e.to_owned(),
                None => self.variables.get(e).unwrap_or_else(|| panic!("no variable {e}")).clone(),
            },
        }
    }

    fn assign(&mut self, element: &Element) {
        let value = self.evaluate(element.get("expr"));
        self.variables.insert(element.get("name").to_owned(), value);
    }

    /// Executes what stands in `content`, up to what leads away.
    fn execute(&mut self, content: &Element) {
        for element in &content.children {
            match element.name.as_str() {
                "prompt" => {}
                "assign" => self.assign(element),
                // What is posted to others is not looked at here.
                "data" => assert_eq!(element.get("enctype"), "multipart/form-data"),
                "submit" => return self.submit(element),
                "if" => {
                    // All of ours ask whether something was recorded.
                    assert_eq!(element.get("cond"), "message != undefined");
                    let parts: Vec<_> = element.children.split(|child| child.name == "else").collect();
                    let part = usize::from(!self.variables.contains_key("spoken"));
                    let chosen = Element { children: parts[part].to_vec(), ..Element::default() };
                    return self.execute(&chosen);
                }
                "exit" => return,
                other => panic!("{other} is not known here"),
            }
        }
        panic!("leads nowhere: {content:?}");
    }

    fn submit(&mut self, submit: &Element) {
        assert_eq!(submit.get("method"), "post");
        let mut form = form_urlencoded::Serializer::new(String::new());
        for name in submit.get("namelist").split(' ') {
            form.append_pair(name, &self.evaluate(name));
        }
        let path = submit.get("next").strip_prefix(PUBLIC_URL).unwrap().to_owned();
        self.said.clear();
        let form = form.finish();
        let answer = self.post(&path, &form);
        self.take(path, form, answer);
    }

    pub fn post(&self, path: &str, form: &str) -> Answer {
        self.hotline.wire.send("POST", path, &[("content-type", FORM)], form)
    }

    /// Keys, told as its words where there are several, as some gateways do.
    pub fn press(&mut self, keys: &str) -> &str {
        let field = self.item("field");
        let finish = property(&field, "termchar");
        let entry = Some(finish.as_str()).filter(|f| !f.is_empty()).and_then(|f| keys.strip_suffix(f)).unwrap_or(keys);
        if entry.is_empty() {
            self.execute(field.child("nomatch").unwrap());
            return &self.said;
        }
        let grammar = field.child("grammar").unwrap();
        assert_eq!((grammar.get("mode"), grammar.get("root")), ("dtmf", "entry"));
        let [entry_rule, key_rule]: [&Element; 2] = grammar.all("rule").collect::<Vec<_>>().try_into().unwrap();
        let repeat = entry_rule.child("item").unwrap();
        assert_eq!(repeat.child("ruleref").unwrap().get("uri"), "#key");
        let most = repeat.get("repeat").rsplit('-').next().unwrap().parse().unwrap();
        assert!(entry.len() <= most, "{most} keys are waited for");
        let allowed: Vec<_> = key_rule.child("one-of").unwrap().all("item").map(|item| item.text.clone()).collect();
        assert!(entry.chars().all(|key| allowed.contains(&key.to_string())), "{allowed:?}");
        let words: Vec<_> = entry.chars().map(String::from).collect();
        self.variables.insert("keys".to_owned(), words.join(" "));
        self.execute(field.child("filled").unwrap());
        &self.said
    }

    pub fn silence(&mut self) -> &str {
        let field = self.item("field");
        self.execute(field.child("noinput").unwrap());
        &self.said
    }

    /// The transfer ends so.
    pub fn transferred(&mut self, how: &str) -> &str {
        let transfer = self.item("transfer");
        self.variables.insert("person".to_owned(), how.to_owned());
        self.execute(transfer.child("filled").unwrap());
        &self.said
    }

    /// So many seconds are recorded.
    pub fn speak(&mut self, seconds: u32) -> &str {
        let record = self.item("record");
        self.variables.insert("spoken".to_owned(), seconds.to_string());
        self.execute(record.child("filled").unwrap());
        &self.said
    }

    /// The caller hangs up: after so many seconds of a recording, if one is made.
    pub fn hang_up(&mut self, spoken: Option<u32>) {
        let handler = |of: &Element| of.all("catch").find(|c| c.get("event") == "connection.disconnect").cloned();
        let of_item = self.form().child("record").and_then(handler);
        let handler = of_item.or_else(|| handler(&self.document)).unwrap();
        if let Some(seconds) = spoken {
            self.variables.insert("spoken".to_owned(), seconds.to_string());
        }
        self.execute(&handler);
    }

    /// Something fails, for the n-th time.
    pub fn fails(&mut self, count: &str) -> &str {
        let catches = self.document.clone();
        let handler = catches.all("catch").find(|c| c.get("event") == "error" && c.get("count") == count).unwrap();
        if handler.child("submit").is_some() {
            self.execute(handler);
        } else {
            assert!(handler.child("disconnect").is_some());
            self.said = handler.child("prompt").unwrap().words();
        }
        &self.said
    }
}

/// The value of a property of `element`.
pub fn property(element: &Element, name: &str) -> String {
    let property = element.all("property").find(|property| property.get("name") == name);
    property.unwrap_or_else(|| panic!("no property {name}")).get("value").to_owned()
}
