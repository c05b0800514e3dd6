//! JSON, for whatever else reads it.

use serde_json::{Value, json};

use super::{Outcome, Report};
use crate::replay::pattern::Run;
use crate::replay::play::{Act, Mismatch, Played, Scene};

/// The report as JSON; times are seconds.
#[must_use]
pub fn json(report: &Report) -> Value {
    let counts = report.counts();
    let files = report.files.iter().map(|file| {
        let outcome = match &file.outcome {
            Outcome::Unreadable(faults) => json!({
                "faults": faults.0.iter().map(|fault| json!({
                    "line": fault.line, "problem": fault.problem, "remedy": fault.remedy,
                })).collect::<Vec<_>>(),
            }),
            Outcome::PassedOver(why) => json!({ "passed_over": why }),
            Outcome::Played(transcript, played) => json!({
                "id": transcript.id,
                "title": transcript.title,
                "calls": played.iter().map(call).collect::<Vec<_>>(),
            }),
        };
        json!({ "file": file.source, "passed": file.passed(), "outcome": outcome })
    });
    json!({
        "passed": counts.passed,
        "failed": counts.failed,
        "unreadable": counts.unreadable,
        "passed_over": counts.passed_over,
        "calls": counts.calls,
        "files": files.collect::<Vec<_>>(),
    })
}

fn call(played: &Played) -> Value {
    json!({
        "dialect": played.dialect.name(),
        "lasted": played.lasted.as_secs_f64(),
        "scenes": played.scenes.iter().map(scene).collect::<Vec<_>>(),
        "mismatches": played.mismatches.iter().map(mismatch).collect::<Vec<_>>(),
    })
}

fn scene(scene: &Scene) -> Value {
    let (line, at) = (scene.line, scene.at.as_secs_f64());
    match &scene.act {
        Act::Caller(does) => json!({ "line": line, "at": at, "caller": does }),
        Act::Heard { said, place, silence } => {
            json!({ "line": line, "at": at, "heard": said, "place": place, "silence": silence.as_secs_f64() })
        }
        Act::HungUp => json!({ "line": line, "at": at, "hung_up": true }),
        Act::Fault(fault) => json!({ "line": line, "at": at, "fault": fault }),
        Act::Looked(truth) => json!({ "line": line, "at": at, "true": truth }),
    }
}

fn mismatch(mismatch: &Mismatch) -> Value {
    let runs = |runs: &[Run]| runs.iter().map(Run::to_string).collect::<String>();
    let mut value = json!({
        "line": mismatch.line,
        "turn": mismatch.turn,
        "at": mismatch.at.as_secs_f64(),
        "place": mismatch.place,
        "path": mismatch.path,
        "pressed": mismatch.pressed,
        "what": mismatch.what.to_string(),
    });
    if let Some(difference) = mismatch.what.difference() {
        value["expected"] = runs(&difference.expected).into();
        value["heard"] = runs(&difference.heard).into();
    }
    value
}
