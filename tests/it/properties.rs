//! What holds for whatever comes: of the seal, and of the dialog.

use std::sync::OnceLock;

use data_encoding::BASE64URL_NOPAD;
use hotline::call::caller::{Call, Caller};
use hotline::call::seal::{Journey, NotOurs, Seal};
use hotline::dialog::{
    Answer, Change, Denied, Dialled, Draft, Event, FirstProof, Flow, Goal, Guard, LossAct, LossOutcome, LossPlace,
    MenuId, MessageAnswer, MessagePlace, MessageRequest, Misses, NewPin, News, Next, PinChange, PinCheck, PinGrant,
    PinInForce, PinPlace, Place, QueuePlace, RatingPlace, Recording, Service, SignInOutcome, SignedIn, State, Then,
    TransferEnd, Waiting, Welcome,
};
use hotline::keys::KeyRing;
use hotline::member::account::{
    CardStatus, Movements, PersonalAccount, StatementEntry, StatementPage, TransactionKind,
};
use hotline::member::card::{Card, LossReport};
use hotline::member::message::{MessageKind, MessageNumber};
use hotline::member::money::Money;
use hotline::member::mutual_aid::MutualAid;
use hotline::member::phone_number::{Callable, SealedPhone};
use hotline::member::tail::Tail;
use hotline::member::{IdentifierKind, MemberId, MemberKey};
use hotline::secret::{Key, Keys, PinDraft, PinVerified, Secret};
use hotline::speech::language::Language;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::support::line::line_12333;
use crate::support::served::KEYS;

/// Few, because every change runs them; the walk in flow.rs is what leaves nothing out.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn seal() -> Seal {
    Seal::new(&KeyRing::parse("keys.toml", KEYS).unwrap())
}

fn call(dialect: &'static str, id: &str) -> Call {
    Call { dialect, id: id.into(), caller: Caller::Withheld, dialled: "12333".into() }
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_i64).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn proof(member: [u8; 32], at: Timestamp) -> SignedIn {
    SignedIn::grant(PinVerified::check(&[1; 32], Some(&[1; 32])).unwrap(), MemberId(member), at)
}

fn callable() -> Callable {
    Callable { phone: SealedPhone([7; 28].into()), tail: Tail::of("8000").unwrap() }
}

fn pin() -> PinInForce {
    PinInForce { generation: [3; 8], draft: PinDraft::new([4; 32]) }
}

fn first(at: Timestamp) -> FirstProof {
    let proof = PinVerified::check(&[1; 32], Some(&[1; 32])).unwrap();
    FirstProof::grant(proof, MemberId([9; 32]), pin(), IdentifierKind::Card, at)
}

fn grant(at: Timestamp) -> PinGrant {
    PinGrant::grant(PinVerified::check(&[1; 32], Some(&[1; 32])).unwrap(), MemberId([9; 32]), pin(), at)
}

fn goal() -> impl Strategy<Value = Goal> {
    let menu = "[a-z]{1,12}".prop_map(|name| MenuId::new(&name));
    prop_oneof![
        menu.clone().prop_map(Goal::Menu),
        (proptest::sample::select(&Service::ALL[..]), menu).prop_map(|(service, menu)| Goal::Service(service, menu)),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    let misses = || (0..5_u8, 0..5_u8).prop_map(|(silent, wrong)| Misses { silent, wrong });
    let who = any::<[u8; 32]>().prop_map(|index| MemberKey { kind: IdentifierKind::Card, index });
    prop_oneof![
        Just(Place::Start),
        Just(Place::WithPerson),
        moment().prop_map(|since| Place::Queue(QueuePlace { since })),
        misses().prop_map(|misses| Place::Rating(RatingPlace::Reason { person: true, misses })),
        Just(Place::Over),
        (any::<bool>(), misses()).prop_map(|(greeted, misses)| Place::Language { greeted, misses }),
        (goal(), misses()).prop_map(|(goal, misses)| Place::NumberKind { goal, misses }),
        (goal(), misses()).prop_map(|(goal, misses)| Place::Number { goal, kind: IdentifierKind::Id, misses }),
        (goal(), who, misses()).prop_map(|(goal, who, misses)| Place::Pin { goal, who, misses }),
        (any::<u8>(), any::<bool>(), "[a-z]{1,12}", misses()).prop_map(|(page, more, back, misses)| Place::Page {
            which: Movements::Everything,
            page,
            more,
            back: MenuId::new(&back),
            misses
        }),
        ("[a-z]{1,12}", 1_500_000_000_i64..2_000_000_000, misses()).prop_map(|(back, since, misses)| {
            let since = Some(Timestamp::from_second(since).unwrap());
            let draft = Draft { kind: MessageKind::Callback, since, back: MenuId::new(&back) };
            Place::Message(MessagePlace::Confirm { draft, number: callable(), misses })
        }),
        ("[a-z]{1,12}", misses()).prop_map(|(back, misses)| {
            let draft = Draft { kind: MessageKind::Complaint, since: None, back: MenuId::new(&back) };
            let (phone, message) = (Some(callable().phone), MessageNumber::new(9_999_999));
            Place::Message(MessagePlace::Review { draft, phone, message, misses })
        }),
        (goal(), moment(), misses())
            .prop_map(|(goal, at, misses)| { Place::PinChange(PinPlace::Second { goal, first: first(at), misses }) }),
        (goal(), moment(), any::<[u8; 32]>(), 0..3_u8, misses()).prop_map(|(goal, at, draft, mismatches, misses)| {
            let change = Change { goal, grant: grant(at), mismatches };
            Place::PinChange(PinPlace::Again { change, draft: PinDraft::new(draft), misses })
        }),
        ("[a-z]{1,12}", misses()).prop_map(|(back, misses)| Place::Loss(LossPlace::Confirm {
            act: LossAct::Renew,
            back: MenuId::new(&back),
            misses
        })),
        ("[a-z]{1,12}", misses()).prop_map(|(back, misses)| Place::Told {
            service: Service::PooledFund,
            then: Then::Parts,
            back: MenuId::new(&back),
            misses
        }),
    ]
}

fn journey() -> impl Strategy<Value = Journey> {
    let signed_in = proptest::option::of((any::<[u8; 32]>(), moment()).prop_map(|(member, at)| proof(member, at)));
    let language = proptest::sample::select(&Language::ALL[..]);
    let line = ("[0-9]{1,12}", any::<u32>());
    (any::<u16>(), moment(), line, language, signed_in, 0..6_u8, 0..6_u8, place()).prop_map(
        |(turn, started, (line, heard), language, signed_in, wrong_pins, transfers, place)| Journey {
            turn,
            started,
            line: line.into(),
            heard,
            state: State {
                language,
                signed_in,
                wrong_pins,
                transfers,
                elder: transfers % 2 == 1,
                served: wrong_pins % 2 == 1,
                without_account: turn % 2 == 1,
                news: News::default(),
                place,
            },
        },
    )
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn what_is_sealed_opens_to_itself_and_only_where_it_was_sealed(
        journey in journey(), id in "[A-Za-z0-9_-]{1,64}", other in "[A-Za-z0-9_-]{1,64}",
    ) {
        let (seal, call_here) = (seal(), call("twilio", &id));
        let token = seal.seal(&call_here, &journey).unwrap();
        prop_assert_eq!(seal.seal(&call_here, &journey).unwrap(), token.clone(), "the same bytes each time");
        prop_assert_eq!(seal.open(&call_here, &token), Ok(journey));
        prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert!(token.len() <= 400, "{} characters", token.len());
        if other != id {
            prop_assert_eq!(seal.open(&call("twilio", &other), &token), Err(NotOurs));
        }
        prop_assert_eq!(seal.open(&call("browser", &id), &token), Err(NotOurs));
        let foreign = KEYS.replace("000102", "ff0102");
        prop_assert_eq!(Seal::new(&KeyRing::parse("keys.toml", &foreign).unwrap()).open(&call_here, &token), Err(NotOurs));
    }

    #[test]
    fn a_changed_or_cut_token_opens_to_nothing(journey in journey(), bit in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let (seal, call) = (seal(), call("twilio", "CA1"));
        let token = seal.seal(&call, &journey).unwrap();
        let mut bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(seal.open(&call, &BASE64URL_NOPAD.encode(&bytes)), Err(NotOurs));
        prop_assert_eq!(seal.open(&call, &token[..cut.index(token.len())]), Err(NotOurs));
    }

    #[test]
    fn what_somebody_made_up_opens_to_nothing(token in "[A-Za-z0-9_-]{0,1200}", text in ".{0,100}") {
        prop_assert_eq!(seal().open(&call("twilio", "CA1"), &token), Err(NotOurs));
        prop_assert_eq!(seal().open(&call("twilio", "CA1"), &text), Err(NotOurs));
    }
}

fn flow() -> &'static Flow {
    static FLOW: OnceLock<Flow> = OnceLock::new();
    FLOW.get_or_init(line_12333)
}

fn keys() -> impl Strategy<Value = Event> {
    let pressed = proptest::collection::vec(proptest::sample::select(&Key::ALL[..]), 0..40);
    (pressed, any::<bool>()).prop_map(|(pressed, finished)| Event::Keys(Keys::new(pressed, finished)))
}

fn event() -> impl Strategy<Value = Event> {
    let one_key = proptest::sample::select(&Key::ALL[..]).prop_map(|key| Event::Keys(Keys::new(vec![key], false)));
    prop_oneof![
        8 => one_key,
        3 => keys(),
        3 => Just(Event::Keys(Keys::parse("11010519491231002*", true).unwrap())),
        3 => Just(Event::Keys(Keys::parse("739154", true).unwrap())),
        2 => Just(Event::Keys(Keys::parse("13800138000", true).unwrap())),
        2 => any::<bool>().prop_map(|hung_up| Event::Recorded { recording: None, hung_up }),
        3 => Just(Event::Recorded { recording: Some(Recording { reference: Secret::new("R"), seconds: 7 }), hung_up: false }),
        1 => Just(Event::Keys(Keys::parse("2748", true).unwrap())),
        2 => Just(Event::Silence),
        1 => Just(Event::Garbled),
        1 => Just(Event::Answer(Answer::Unavailable)),
        1 => Just(Event::Answer(Answer::Superseded)),
        1 => Just(Event::TransferEnded(TransferEnd::NotAnswered)),
        1 => Just(Event::TransferEnded(TransferEnd::Talked)),
        1 => Just(Event::TransferEnded(TransferEnd::Left)),
        1 => Just(Event::Waiting(Waiting::default())),
    ]
}

/// What the world says, when asked.
fn answer(next: &Next, granted: bool, now: Timestamp) -> Option<Answer> {
    let Next::Ask(request) = next else { return None };
    let card = |report: Option<LossReport>| {
        let card = Card { tail: Tail::of("5678").unwrap(), status: CardStatus::Normal, report: None };
        card.reported(report, now)
    };
    let yuan = |text| Money::parse(text).unwrap();
    Some(match request {
        hotline::dialog::Request::Identify(_) => {
            Answer::Identified(MemberKey { kind: IdentifierKind::Id, index: [7; 32] })
        }
        hotline::dialog::Request::Guard if granted => Answer::Guard(Guard::Open),
        hotline::dialog::Request::Guard => Answer::Guard(Guard::Challenge(Tail::of("2748").unwrap())),
        hotline::dialog::Request::Message(request) => Answer::Message(match request {
            MessageRequest::OwnNumber if granted => MessageAnswer::Number(None),
            MessageRequest::OwnNumber | MessageRequest::Seal(_) => MessageAnswer::Number(Some(callable())),
            MessageRequest::Keep(_) => MessageAnswer::Kept(MessageNumber::new(7)),
            MessageRequest::Send(number) => MessageAnswer::Sent(*number),
            MessageRequest::CallBack { .. } => MessageAnswer::Sent(MessageNumber::new(7)),
            MessageRequest::Discard(_) => MessageAnswer::Discarded,
            MessageRequest::Progress(_) if granted => MessageAnswer::NoTryLeft,
            MessageRequest::Progress(_) => MessageAnswer::Progress(None),
        }),
        hotline::dialog::Request::SignIn { .. } if granted => Answer::SignIn(SignInOutcome::Granted(
            proof([9; 32], now),
            Welcome {
                age: 70,
                without_account: now.as_second() % 5 == 0,
                pin_changed: (now.as_second() % 2 == 0).then_some(now),
            },
        )),
        hotline::dialog::Request::SignIn { .. } if now.as_second() % 3 == 0 => {
            Answer::SignIn(SignInOutcome::InitialPin(Some(first(now))))
        }
        hotline::dialog::Request::SignIn { .. } => Answer::SignIn(SignInOutcome::Refused),
        hotline::dialog::Request::CheckPin { .. } | hotline::dialog::Request::ProveSecond { .. } if granted => {
            Answer::PinCheck(PinCheck::Right(grant(now)))
        }
        hotline::dialog::Request::CheckPin { .. } | hotline::dialog::Request::ProveSecond { .. } => {
            Answer::PinCheck(PinCheck::Denied(Denied::Refused))
        }
        hotline::dialog::Request::JudgePin { .. } => Answer::NewPin(NewPin::Good(PinDraft::new([5; 32]))),
        hotline::dialog::Request::ChangePin { grant, .. } if granted => {
            Answer::PinChange(PinChange::Done(SignedIn::by_change(*grant, now)))
        }
        hotline::dialog::Request::ChangePin { .. } => Answer::PinChange(PinChange::Mismatch),
        hotline::dialog::Request::PersonalBalance(_) => Answer::PersonalBalance(
            PersonalAccount::new(yuan("310.05"), yuan("700"), jiff::civil::date(2026, 6, 30)).ok(),
        ),
        hotline::dialog::Request::PooledFund(_) | hotline::dialog::Request::Coverage(_) => {
            Answer::PersonalBalance(None)
        }
        hotline::dialog::Request::MutualAid(_) => Answer::MutualAid(Some(MutualAid::default())),
        hotline::dialog::Request::Card(_) => Answer::Card(Some(card(None))),
        hotline::dialog::Request::ReportLoss(_, term) | hotline::dialog::Request::RenewLoss(_, term) => {
            let report = LossReport { since: now, until: term.until(now) };
            Answer::Loss(LossOutcome::Done(card(Some(report))))
        }
        hotline::dialog::Request::ReleaseLoss(_) => Answer::Loss(LossOutcome::NotDone(None)),
        hotline::dialog::Request::Transactions { page, .. } => {
            let kind = TransactionKind::Credit;
            let entry = StatementEntry { at: now, kind, amount: yuan("1"), balance_after: yuan("-1") };
            Answer::Transactions(Some(StatementPage { entries: vec![entry], more: *page < 4 }))
        }
        hotline::dialog::Request::Rate(rating) => Answer::Rated(rating.grade),
    })
}

proptest! {
    #![proptest_config(cases(256))]

    /// Whatever is pressed: there is something to hear, wrong PINs and transfers end, and what is over stays over.
    #[test]
    fn the_dialog_takes_whatever_comes(
        events in proptest::collection::vec((event(), 0..400_i64, any::<bool>()), 1..60), start in moment(),
    ) {
        let mut now = start;
        let (mut state, mut turn) = flow().step(flow().start(), Event::Dialled(Dialled::default()), now);
        prop_assert!(!turn.say.is_empty());
        for (event, seconds, granted) in events {
            now = now.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
            let was_over = state.place == Place::Over;
            (state, turn) = flow().step(state, event, now);
            for _ in 0..4 {
                let Some(answer) = answer(&turn.next, granted, now) else { break };
                prop_assert!(turn.say.is_empty());
                (state, turn) = flow().step(state, Event::Answer(answer), now);
            }
            let is_over = state.place == Place::Over;
            prop_assert!(!matches!(turn.next, Next::Ask(_)), "still asking");
            prop_assert_eq!(is_over, matches!(turn.next, Next::HangUp));
            prop_assert!(is_over || !turn.say.is_empty(), "silence");
            if was_over {
                prop_assert!(is_over && turn.say.is_empty(), "what was over goes on");
            }
            if turn.say.iter().any(hotline::speech::prompt::Prompt::is_personal) {
                prop_assert!(state.signed_in.is_some_and(|proof| proof.holds(now)));
            }
            prop_assert!(state.wrong_pins <= 3 && state.transfers <= 3);
        }
        let (state, turn) = flow().step(state, Event::HungUp, now);
        prop_assert!(matches!(turn.next, Next::HangUp) && state.place == Place::Over && state.signed_in.is_none());
    }
}
