//! The JSON way in.

use std::time::Duration;

use super::{Answer, Collecting, Happened, Heard, Phone, Recording, Then, Webhook, digits};
use crate::secret::Key;
use crate::telephony::browser as json;

impl Phone {
    pub(super) fn browser(&self, heard: Option<&Heard>, happened: &Happened<'_>) -> Result<Webhook, String> {
        let step = heard.and_then(|heard| heard.step.as_deref()).unwrap_or_default();
        let at_step = |more: json::Happened| {
            (format!("/browser/step/{step}"), body(&json::Happened { call: self.call.as_str().into(), ..more }))
        };
        let (path, body) = match happened {
            Happened::Dialled => {
                let from = self.from.as_deref().unwrap_or_default();
                let dial = json::Dial { dialled: self.dialled.as_str().into(), from: from.into(), language: None };
                ("/browser/call".to_owned(), body(&dial))
            }
            Happened::Keys { keys, finish } => at_step(json::Happened {
                keys: Some(digits(keys).into()),
                finished: finish.is_some(),
                ..json::Happened::default()
            }),
            Happened::Silence => at_step(json::Happened { silence: true, ..json::Happened::default() }),
            Happened::Transferred { talked } => at_step(json::Happened {
                transfer: Some(if *talked { json::Transferred::Talked } else { json::Transferred::NotAnswered }),
                ..json::Happened::default()
            }),
            Happened::Left => {
                at_step(json::Happened { transfer: Some(json::Transferred::Left), ..json::Happened::default() })
            }
            Happened::Recorded(spoken) => {
                let seconds = spoken.map_or(0, |spoken| u32::try_from(spoken.as_secs()).unwrap_or(u32::MAX));
                at_step(json::Happened { recorded: Some(seconds), ..json::Happened::default() })
            }
            Happened::Waiting { .. } => return Err("this way in tells nothing of a queue".to_owned()),
            Happened::HungUp => {
                ("/browser/hang-up".to_owned(), body(&json::HangUp { call: self.call.as_str().into() }))
            }
        };
        let mut headers = vec![("content-type", "application/json".to_owned())];
        let token = self.account.browser_token.expose();
        if !token.is_empty() {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        Ok(Webhook { path, headers, body, of_call: !matches!(happened, Happened::Dialled) })
    }

    pub(super) fn hear_browser(&mut self, answer: &Answer) -> Result<Heard, String> {
        if answer.status != 200 {
            return Err(format!("the answer's status is {}", answer.status));
        }
        let turn: json::Heard =
            serde_json::from_str(&answer.body).map_err(|e| format!("the answer is no turn: {e}"))?;
        self.call = turn.call.into();
        let then = match (turn.then, turn.collect) {
            (json::Following::Collect, Some(collect)) => Then::Collect(Collecting {
                most: usize::from(collect.max),
                finish: collect.finish.and_then(Key::from_char),
                first_key: Duration::from_millis(collect.first_key),
                between_keys: Duration::from_millis(collect.between_keys),
            }),
            (json::Following::Collect, None) => return Err("keys are awaited, and nothing says how".to_owned()),
            (json::Following::Record, _) => {
                let recorder = turn.record.ok_or("the caller is recorded, and nothing says how")?;
                Then::Record(Recording {
                    longest: Duration::from_millis(recorder.longest),
                    silence: Duration::from_millis(recorder.silence),
                })
            }
            (json::Following::Transfer, _) => Then::Transfer,
            (json::Following::Leave, _) => Then::Leave,
            (json::Following::HangUp, _) => Then::HangUp,
        };
        let said = turn.heard.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" ");
        Ok(Heard { said, then, step: turn.step.map(Into::into) })
    }
}

fn body(of: &impl serde::Serialize) -> String {
    // Plain structs of text: there is nothing that could not be written.
    serde_json::to_string(of).unwrap_or_default()
}
