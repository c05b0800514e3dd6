//! `JUnit` XML, as build servers read it.

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Outcome, Report};
use crate::replay::pattern::Run;
use crate::replay::play::Mismatch;

/// The report as `JUnit` XML: a suite a file, a case a dialect.
///
/// # Errors
/// The document cannot be written.
pub fn junit(report: &Report) -> anyhow::Result<String> {
    let mut document = Document::new("hotline replay");
    for file in &report.files {
        let mut suite = TestSuite::new(file.source.as_str());
        match &file.outcome {
            Outcome::Unreadable(faults) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message("cannot be read").set_description(faults.to_string());
                suite.add_test_case(TestCase::new("read", status));
            }
            Outcome::PassedOver(why) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(why.as_str());
                suite.add_test_case(TestCase::new("play", status));
            }
            Outcome::Played(transcript, played) => {
                for played in played {
                    let status = if played.mismatches.is_empty() {
                        TestCaseStatus::success()
                    } else {
                        let lines: Vec<_> = played.mismatches.iter().map(line).collect();
                        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                        let message = lines.first().and_then(|line| line.lines().next()).unwrap_or_default();
                        status.set_message(message);
                        status.set_description(lines.join("\n"));
                        status
                    };
                    let name = format!("{} {} ({})", transcript.id, transcript.title, played.dialect.name());
                    let mut case = TestCase::new(name, status);
                    case.set_classname(transcript.id.as_str()).set_time(played.lasted);
                    suite.add_test_case(case);
                }
            }
        }
        document.add_test_suite(suite);
    }
    Ok(plain(&document.to_string()?, document.skipped))
}

/// The root tells `skipped` by an extension that the schema build servers go by does not know; its suites tell it too.
fn plain(document: &str, skipped: usize) -> String {
    // Of what is written, only the root has these two beside each other, and it comes first.
    document.replacen(&format!(" skipped=\"{skipped}\" failures="), " failures=", 1)
}

/// One thing that is not as written.
fn line(mismatch: &Mismatch) -> String {
    let Mismatch { line, what, .. } = mismatch;
    let words = |runs: &[Run]| runs.iter().map(Run::to_string).collect::<String>();
    match what.difference() {
        Some(d) => format!("line {line}: {what}\n  期望 {}\n  听到 {}", words(&d.expected), words(&d.heard)),
        None => format!("line {line}: {what}"),
    }
}
