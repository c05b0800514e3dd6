//! How long callers take, reckoned from the words of the line and the keys it asks for.

use std::time::Duration;

use hotline::dialog::times::{WayTo, ways};
use hotline::dialog::{Flow, Service};
use hotline::speech::catalog::Catalogs;
use hotline::speech::language::Language;

use crate::support::line::{line, line_12333, project, wording};

fn to(flow: &Flow, wording: &Catalogs, service: Service) -> WayTo {
    let ways = ways(flow, flow.languages[0], wording);
    let (_, way) = ways.into_iter().find(|(offered, _)| *offered == service).expect("the line offers it");
    way.expect("keys lead there")
}

fn every_wording() -> Catalogs {
    Catalogs::new(Language::ALL.map(wording).into()).unwrap()
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Thirty keys and seven webhooks to the balance; the rest is listening.
#[test]
fn from_the_dial_tone_to_the_balance() {
    let way = to(&line_12333(), &every_wording(), Service::PersonalBalance);
    assert_eq!(way.entries, ["1", "1", "ID number", "1", "six digits", "1"]);
    assert_eq!(way.keys, 1 + 1 + 19 + 1 + 7 + 1);
    assert_eq!(way.practised.whole, way.practised.speech + millis(7 * 500 + 30 * 300));
    assert_eq!(way.slow.whole, way.slow.speech + millis(7 * 500 + 6 * 2000 + 30 * 1500));
    // What cannot be cut short: why one has to sign in; and then 请确认周围环境安全 and the balance itself, 59 syllables
    // with what stands before them and after.
    assert_eq!(way.practised.speech.as_secs(), 16);
    assert!(way.slow.speech > way.practised.speech * 7);
}

/// Every service that the line offers has its way, and none the way of another.
#[test]
fn every_service_has_a_way() {
    let flow = line_12333();
    let ways = ways(&flow, flow.languages[0], &every_wording());
    assert!(ways.len() >= 6, "{} services", ways.len());
    let mut entries: Vec<_> = ways
        .iter()
        .map(|(service, way)| way.as_ref().unwrap_or_else(|| panic!("no way to {}", service.name())).entries.clone())
        .collect();
    entries.sort_unstable();
    entries.dedup();
    assert_eq!(entries.len(), ways.len());
    let details = to(&flow, &every_wording(), Service::Details);
    assert_eq!(details.entries, ["1", "1", "ID number", "1", "six digits", "3", "1"]);
    // To what is done, not only to where it is asked whether it shall be.
    let sign_in = ["1", "ID number", "1", "six digits"];
    for (service, chosen, then) in [
        (Service::CardStatus, ["2", "5"], &[][..]),
        (Service::ReportLoss, ["2", "1"], &["1"]),
        (Service::ReleaseLoss, ["2", "2"], &["1"]),
        (Service::ChangePin, ["2", "3"], &["six digits", "six digits", "six digits"]),
    ] {
        let way = to(&flow, &every_wording(), service);
        assert_eq!(way.entries, [&chosen, &sign_in[..], then].concat());
    }
}

/// A sentence more in the greeting: who hears it out takes so much longer, and who does not takes as long as before.
#[test]
fn a_longer_greeting_is_longer_for_who_hears_it() {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let longer = shipped.replace(r#""greeting.recording"]"#, r#""greeting.recording", "policy.local"]"#);
    assert_ne!(longer, shipped);
    let catalog = every_wording();
    for service in [Service::PersonalBalance, Service::Status] {
        let (before, after) = (to(&line(&shipped), &catalog, service), to(&line(&longer), &catalog, service));
        // 具体以您参保地的规定为准。
        let sentence = millis(12 * 10_000 / 42 + 500);
        assert_eq!(after.slow.whole, before.slow.whole + sentence);
        assert_eq!(after.slow.speech, before.slow.speech + sentence);
        assert_eq!(after.practised, before.practised);
    }
}

/// One menu more on the way is one entry more.
#[test]
fn a_deeper_menu_is_farther() {
    let shipped = std::fs::read_to_string(project("config/lines/12333.toml")).unwrap();
    let deeper = shipped
        .replace(r#"say = "main.account", go = "menu:account" }"#, r#"say = "main.account", go = "menu:between" }"#)
        + "\n[menu.between]\noptions = [{ key = 1, say = \"main.account\", go = \"menu:account\" }]\n";
    let way = to(&line(&deeper), &every_wording(), Service::PooledFund);
    assert_eq!(way.entries, ["1", "1", "1", "ID number", "1", "six digits", "2"]);
}
