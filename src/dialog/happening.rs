//! Everything that can happen in a call, one of each kind: what a walk tries at every place.

use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};

use super::challenge::ChallengePlace;
use super::event::{
    Answer, Denied, Dialled, Event, Guard, LossOutcome, NewPin, PinChange, PinCheck, Recording, SignInOutcome,
    TransferEnd, Waiting, Welcome,
};
use super::explore::misses_possible;
use super::message::{MessageAnswer, MessagePlace};
use super::pin_change::PinPlace;
use super::pin_proof::{FirstProof, PinGrant, PinInForce};
use super::rating::{Grade, RatingPlace};
use super::signed_in::SignedIn;
use super::state::{LossPlace, Place, Service};
use crate::member::account::{
    Benefit, CardStatus, ContributionStatus, Coverage, InsuranceStatus, PageSize, PersonalAccount, PooledFund, Scheme,
    StatementEntry, StatementPage, TransactionKind, YearMonth,
};
use crate::member::card::{Card, LossReport};
use crate::member::message::{MessageNumber, MessageState, Progress};
use crate::member::money::Money;
use crate::member::mutual_aid::{AidUsed, Bound, MutualAid, Relation};
use crate::member::phone_number::{Callable, SealedPhone};
use crate::member::pin_rule::Weakness;
use crate::member::tail::Tail;
use crate::member::{IdentifierKind, MemberId, MemberKey};
use crate::secret::{Key, Keys, PinDraft, PinVerified, Secret};

/// Every kind of thing that can happen, one of each.
pub(super) fn events(now: Timestamp) -> Vec<(&'static str, Event)> {
    let keys = |text: &str, finished| Event::Keys(Keys::parse(text, finished).unwrap_or_default());
    let waiting = |ahead, average: Option<u64>| {
        let average = average.map(Duration::from_secs);
        Event::Waiting(Waiting { ahead, average, without_keys: false })
    };
    let mut events = vec![
        ("dial", Event::Dialled(Dialled::default())),
        ("dial from a marked number", Event::Dialled(Dialled { elder: true, ..Dialled::default() })),
        ("silence", Event::Silence),
        ("garbled", Event::Garbled),
        ("# alone", keys("", true)),
        ("ID number", keys("11010519491231002*", true)),
        ("ID number without #", keys("110105194912310021", false)),
        ("cleared ID number", keys("1101*11010519491231002*", true)),
        ("card number", keys("123456789", true)),
        ("six digits", keys("739154", true)),
        ("too few digits", keys("73", true)),
        ("telephone number", keys("13800138000", true)),
        ("message number", keys("12345672", true)),
        ("message number with a slip", keys("12345673", true)),
        ("recorded", Event::Recorded { recording: Some(recording()), hung_up: false }),
        ("recorded, hung up", Event::Recorded { recording: Some(recording()), hung_up: true }),
        ("nothing recorded", Event::Recorded { recording: None, hung_up: false }),
        ("digits heard", keys("2748", true)),
        ("talked", Event::TransferEnded(TransferEnd::Talked)),
        ("not answered", Event::TransferEnded(TransferEnd::NotAnswered)),
        ("left", Event::TransferEnded(TransferEnd::Left)),
        ("two ahead", waiting(Some(2), Some(150))),
        ("two ahead, for how long is not told", waiting(Some(2), None)),
        ("nobody ahead", waiting(Some(0), Some(150))),
        ("waiting", waiting(None, None)),
        ("limit", Event::LimitReached),
        ("hang-up", Event::HungUp),
    ];
    let pressed = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#"];
    events
        .extend(Key::ALL.into_iter().zip(pressed).map(|(key, name)| (name, Event::Keys(Keys::new(vec![key], false)))));
    events.extend(answers(now).into_iter().map(|(name, answer)| (name, Event::Answer(answer))));
    events
}

fn recording() -> Recording {
    Recording { reference: Secret::new("recording"), seconds: 12 }
}

fn message_answers(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let own = Tail::of("8000").ok().map(|tail| Callable { phone: SealedPhone([7; 28].into()), tail });
    let number = MessageNumber::new(1_234_567);
    let at = |state| MessageAnswer::Progress(Some(Progress { state, at: now }));
    let answers = [
        ("number withheld", MessageAnswer::Number(None)),
        ("number known", MessageAnswer::Number(own)),
        ("recording kept", MessageAnswer::Kept(number)),
        ("sent", MessageAnswer::Sent(number)),
        ("discarded", MessageAnswer::Discarded),
        ("received", at(MessageState::Received)),
        ("taken", at(MessageState::Taken)),
        ("answered", at(MessageState::Answered)),
        ("closed", at(MessageState::Closed)),
        ("no such message", MessageAnswer::Progress(None)),
        ("no try left", MessageAnswer::NoTryLeft),
    ];
    answers.map(|(name, answer)| (name, Answer::Message(answer))).into()
}

/// Every kind of thing the world can answer.
pub(super) fn answers(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let key = |kind| MemberKey { kind, index: [7; 32] };
    let grant = |at: Timestamp| {
        PinVerified::check(&[1; 32], Some(&[1; 32])).map(|proof| SignedIn::grant(proof, MemberId([9; 32]), at))
    };
    let amount = |fen| Money::from_fen(fen).unwrap_or(Money::ZERO);
    let as_of = Date::constant(2026, 1, 2);
    let account = PersonalAccount::new(amount(31005), amount(70000), as_of).ok();
    let fund = PooledFund {
        year: 2026,
        deductible: amount(180_000),
        deductible_met: amount(50_000),
        limit: Some(amount(2_000_000)),
        used: amount(12_345),
        as_of,
    };
    let mut answers = vec![
        ("identified ID", Answer::Identified(key(IdentifierKind::Id))),
        ("identified card", Answer::Identified(key(IdentifierKind::Card))),
        ("refused", Answer::SignIn(SignInOutcome::Refused)),
        (
            "locked",
            Answer::SignIn(SignInOutcome::Locked {
                until: now.saturating_add(SignedDuration::from_mins(30)).unwrap_or(now),
                at: now,
            }),
        ),
        ("initial PIN of who has one number", Answer::SignIn(SignInOutcome::InitialPin(None))),
        ("barred", Answer::SignIn(SignInOutcome::Barred)),
        ("too many from here", Answer::SignIn(SignInOutcome::CallerLimit)),
        ("sign-in closed", Answer::SignIn(SignInOutcome::Closed)),
        ("no guard", Answer::Guard(Guard::Open)),
        ("closed", Answer::Guard(Guard::Closed)),
        ("balance", Answer::PersonalBalance(account)),
        ("no account", Answer::PersonalBalance(None)),
        ("rated", Answer::Rated(Grade::Fair)),
        ("unavailable", Answer::Unavailable),
        ("superseded", Answer::Superseded),
        ("call ended", Answer::CallEnded),
    ];
    answers.extend(Tail::of("2748").map(|digits| ("challenge", Answer::Guard(Guard::Challenge(digits)))));
    answers.extend(funds(fund));
    answers.extend(coverages().map(|(name, coverage)| (name, Answer::Coverage(coverage))));
    answers.extend(pages(now));
    answers.extend(message_answers(now));
    answers.extend(pin_changes(now));
    let welcome = |proof, welcome| Answer::SignIn(SignInOutcome::Granted(proof, welcome));
    let granted = |proof, age, pin_changed| welcome(proof, Welcome { age, pin_changed, ..Welcome::default() });
    let resident = Welcome { age: 40, without_account: true, ..Welcome::default() };
    answers.extend(grant(now).map(|proof| ("granted", granted(proof, 40, None))));
    answers.extend(grant(now).map(|proof| ("granted to an older caller", granted(proof, 90, None))));
    answers.extend(grant(now).map(|proof| ("granted after a change of PIN", granted(proof, 40, Some(now)))));
    answers.extend(grant(now).map(|proof| ("granted to a resident", welcome(proof, resident))));
    answers.extend(families());
    answers.extend(cards(now));
    let long_ago = now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now);
    answers.extend(grant(long_ago).map(|proof| ("granted long ago", granted(proof, 40, None))));
    answers
}

fn coverage(scheme: Scheme, insurance: InsuranceStatus, contribution: ContributionStatus, care: Benefit) -> Coverage {
    let last_contribution = YearMonth { year: 2026, month: 6 };
    let benefits_from = (care == Benefit::Waiting).then_some(date(2026, 9, 1));
    Coverage { scheme, insurance, contribution, last_contribution, outpatient: care, inpatient: care, benefits_from }
}

/// Every word of every vocabulary, and every way it decides what is said.
fn coverages() -> [(&'static str, Coverage); 5] {
    use ContributionStatus::{Exempt, Interrupted, Owing, Paid};
    use InsuranceStatus::{Active, Ended, Paused};
    [
        ("insured", coverage(Scheme::Employee, Active, Paid, Benefit::Normal)),
        ("waiting", coverage(Scheme::Flexible, Active, Owing, Benefit::Waiting)),
        ("paused", coverage(Scheme::Employee, Paused, Interrupted, Benefit::Stopped)),
        ("paused resident", coverage(Scheme::Resident, Paused, Owing, Benefit::Stopped)),
        ("ended", coverage(Scheme::Retired, Ended, Exempt, Benefit::Stopped)),
    ]
}

fn funds(fund: PooledFund) -> Vec<(&'static str, Answer)> {
    let [(_, employee), (_, waiting), (_, paused), _, (_, ended)] = coverages();
    let resident = Coverage { scheme: Scheme::Resident, ..employee };
    let unlimited = PooledFund { limit: None, ..fund };
    vec![
        ("fund", Answer::PooledFund(fund, employee)),
        ("fund without ceiling", Answer::PooledFund(unlimited, employee)),
        ("resident's fund", Answer::PooledFund(fund, resident)),
        ("resident's fund without ceiling", Answer::PooledFund(unlimited, resident)),
        ("fund that waits", Answer::PooledFund(fund, waiting)),
        ("paused fund", Answer::PooledFund(fund, paused)),
        ("ended fund", Answer::PooledFund(fund, ended)),
    ]
}

/// Everything that may be answered while a PIN is changed.
fn pin_changes(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let right = || PinVerified::check(&[1; 32], Some(&[1; 32]));
    let (member, draft) = (MemberId([9; 32]), PinDraft::new([5; 32]));
    let pin = PinInForce { generation: [3; 8], draft };
    let first = |second| right().map(|proof| FirstProof::grant(proof, member, pin, second, now));
    let initial = |second| Answer::SignIn(SignInOutcome::InitialPin(first(second)));
    let until = now.saturating_add(SignedDuration::from_mins(30)).unwrap_or(now);
    let denied = |denied| Answer::PinCheck(PinCheck::Denied(denied));
    let easy = |weakness| Answer::NewPin(NewPin::TooEasy(weakness));
    let mut answers = vec![
        ("initial PIN of who called by ID number", initial(IdentifierKind::Card)),
        ("initial PIN of who called by card number", initial(IdentifierKind::Id)),
        ("PIN check: refused", denied(Denied::Refused)),
        ("PIN check: locked", denied(Denied::Locked { until, at: now })),
        ("PIN check: barred", denied(Denied::Barred)),
        ("PIN check: card stopped", Answer::PinCheck(PinCheck::CardStopped)),
        ("new PIN: good", Answer::NewPin(NewPin::Good(draft))),
        ("new PIN: repeated", easy(Weakness::Repeated)),
        ("new PIN: sequence", easy(Weakness::Sequence)),
        ("new PIN: common", easy(Weakness::Common)),
        ("new PIN: birthday", easy(Weakness::Birthday)),
        ("new PIN: of ID number", easy(Weakness::FromIdNumber)),
        ("new PIN: of card number", easy(Weakness::FromCardNumber)),
        ("new PIN: of telephone number", easy(Weakness::FromPhoneNumber)),
        ("new PIN: initial", easy(Weakness::Initial)),
        ("new PIN: the old one", easy(Weakness::Unchanged)),
        ("change: mismatch", Answer::PinChange(PinChange::Mismatch)),
        ("change: card stopped", Answer::PinChange(PinChange::CardStopped)),
        ("change: overtaken", Answer::PinChange(PinChange::Overtaken)),
        ("change: turned away", Answer::PinChange(PinChange::TurnedAway)),
    ];
    if let Some(grant) = right().map(|proof| PinGrant::grant(proof, member, pin, now)) {
        answers.push(("PIN check: right", Answer::PinCheck(PinCheck::Right(grant))));
        answers.push(("change: done", Answer::PinChange(PinChange::Done(SignedIn::by_change(grant, now)))));
    }
    answers
}

/// A card in every state, one reported by telephone, and none.
fn cards(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let Ok(tail) = Tail::of("5678") else { return Vec::new() };
    let card = |status, report| Answer::Card(Some(Card { tail, status, report }));
    let loss = |outcome: fn(Card) -> LossOutcome, status, report| Answer::Loss(outcome(Card { tail, status, report }));
    let until = now.saturating_add(SignedDuration::from_hours(7 * 24)).unwrap_or(now);
    let report = LossReport { since: now, until };
    vec![
        ("card", card(CardStatus::Normal, None)),
        ("inactive card", card(CardStatus::Inactive, None)),
        ("reported card", card(CardStatus::TemporaryLoss, Some(report))),
        ("card reported elsewhere", card(CardStatus::TemporaryLoss, None)),
        ("formally reported card", card(CardStatus::FormalLoss, None)),
        ("locked card", card(CardStatus::Locked, None)),
        ("cancelled card", card(CardStatus::Cancelled, None)),
        ("no card", Answer::Card(None)),
        ("done and reported", loss(LossOutcome::Done, CardStatus::TemporaryLoss, Some(report))),
        ("done and not reported", loss(LossOutcome::Done, CardStatus::Normal, None)),
        ("reported by another", loss(|card| LossOutcome::NotDone(Some(card)), CardStatus::TemporaryLoss, Some(report))),
        ("not reported by another", loss(|card| LossOutcome::NotDone(Some(card)), CardStatus::Normal, None)),
    ]
}

/// Pages with another behind them, one without, every kind of movement on them; none at all, and no account.
fn pages(now: Timestamp) -> Vec<(&'static str, Answer)> {
    let amount = |fen| Money::from_fen(fen).unwrap_or(Money::ZERO);
    let entry = |kind| StatementEntry { at: now, kind, amount: amount(-1), balance_after: amount(-12_040) };
    let page = |kinds: &[TransactionKind], more| {
        let entries = kinds.iter().copied().map(entry).collect();
        Answer::Transactions(Some(StatementPage { entries, more }))
    };
    let full = TransactionKind::ALL.chunks(PageSize::Three.entries()).map(|kinds| page(kinds, true));
    let mut pages: Vec<_> = ["page", "another page", "a third page"].into_iter().zip(full).collect();
    pages.extend([
        ("last page", page(&[TransactionKind::Adjustment], false)),
        ("no entries", page(&[], false)),
        ("no statement", Answer::Transactions(None)),
    ]);
    pages
}

/// A family as there are many, one of every kind of relatives, nobody yet, nobody any more, and no account.
fn families() -> [(&'static str, Answer); 5] {
    let used = |fen| Money::from_fen(fen).ok().map(|amount| AidUsed { year: 2026, amount, as_of: date(2026, 1, 2) });
    let aid = |relations: &[Relation], fen| {
        let bound = relations.iter().map(|&relation| Bound { relation, count: 1 }).collect();
        Answer::MutualAid(Some(MutualAid { bound, used: used(fen) }))
    };
    [
        ("family", aid(&[Relation::Spouse, Relation::Child], 80_000)),
        ("everybody bound", aid(Relation::ALL, 0)),
        ("nobody bound", Answer::MutualAid(Some(MutualAid::default()))),
        ("nobody bound any more", aid(&[], 12_050)),
        ("nothing to share", Answer::MutualAid(None)),
    ]
}

/// Whether `event` can happen at `place`. What cannot is walked too, because anybody may send anything, but is no way to
/// draw: an answer that nobody asked for, a key while the world is asked.
pub(super) fn happens(place: &Place, event: &Event) -> bool {
    match event {
        Event::Dialled(_) | Event::LimitReached | Event::HungUp => true,
        Event::TransferEnded(TransferEnd::Left) | Event::Waiting(_) => matches!(place, Place::Queue(_)),
        Event::TransferEnded(_) => matches!(place, Place::WithPerson | Place::Queue(_)),
        Event::Recorded { .. } => matches!(place, Place::Message(MessagePlace::Recording { .. })),
        Event::Keys(_) | Event::Silence | Event::Garbled => {
            (misses_possible(place) || matches!(place, Place::Queue(_)))
                && !matches!(place, Place::Message(MessagePlace::Recording { .. }))
        }
        Event::Answer(answer) => match (place, answer) {
            (Place::Identifying { kind, .. }, Answer::Identified(who)) => who.kind == *kind,
            (place, Answer::Unavailable | Answer::Superseded | Answer::CallEnded) => {
                matches!(
                    place,
                    Place::Identifying { .. } | Place::SigningIn { .. } | Place::Rating(RatingPlace::Keeping)
                ) || matches!(place, Place::PinChange(place) if !place.is_entry())
                    || place.is_reading()
                    || matches!(place, Place::Message(place) if place.is_asking())
            }
            (Place::Message(place), Answer::Message(answer)) => answers_message(place, answer),
            _ => matches!(
                (place, answer),
                (Place::SigningIn { .. }, Answer::SignIn(_))
                    | (
                        Place::PinChange(PinPlace::CheckingOld { .. } | PinPlace::CheckingSecond { .. }),
                        Answer::PinCheck(_)
                    )
                    | (Place::PinChange(PinPlace::Judging { .. }), Answer::NewPin(_))
                    | (Place::PinChange(PinPlace::Changing { .. }), Answer::PinChange(_))
                    | (Place::Challenge(ChallengePlace::Asking { .. }), Answer::Guard(_))
                    | (
                        Place::Reading { service: Service::PersonalBalance, .. } | Place::ReadingParts { .. },
                        Answer::PersonalBalance(_)
                    )
                    | (Place::Reading { service: Service::PooledFund, .. }, Answer::PooledFund(..))
                    | (Place::Reading { service: Service::Status, .. }, Answer::Coverage(_))
                    | (Place::Reading { service: Service::MutualAid, .. }, Answer::MutualAid(_))
                    | (
                        Place::Reading {
                            service: Service::CardStatus | Service::ReportLoss | Service::ReleaseLoss,
                            ..
                        },
                        Answer::Card(_)
                    )
                    | (Place::Loss(LossPlace::Doing { .. }), Answer::Loss(_))
                    | (Place::ReadingPage { .. }, Answer::Transactions(_))
                    | (Place::Rating(RatingPlace::Keeping), Answer::Rated(_))
            ),
        },
    }
}

/// Whether `answer` is one to what is asked at `place`.
fn answers_message(place: &MessagePlace, answer: &MessageAnswer) -> bool {
    matches!(
        (place, answer),
        (MessagePlace::Asking { .. }, MessageAnswer::Number(_))
            | (MessagePlace::Sealing { .. }, MessageAnswer::Number(Some(_)))
            | (MessagePlace::Keeping { .. }, MessageAnswer::Kept(_))
            | (MessagePlace::Sending { .. } | MessagePlace::AskingCallback { .. }, MessageAnswer::Sent(_))
            | (MessagePlace::Discarding { .. }, MessageAnswer::Discarded)
            | (MessagePlace::LookingUp { .. }, MessageAnswer::Progress(_) | MessageAnswer::NoTryLeft)
    )
}
