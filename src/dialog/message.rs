//! 留言、投诉、建议、回拨: a number to call back at, a recording, and its own number; and how far staff are with one.
//!
//! Who hangs up, falls silent or asks for a person with a recording made has left it: only `*` takes it back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::cleared;
use super::event::{Answer, Recording};
use super::flow::{Flow, MessageService, Target};
use super::state::{MenuId, Misses, Place, State};
use super::step::{Lead, Miss, ONE, THREE, TWO, ask_world, over};
use super::turn::{BargeIn, Next, Record, Request, Turn};
use crate::member::message::{MessageKind, MessageNumber, MessageNumberError, MessageState, Progress};
use crate::member::phone_number::{Callable, PhoneNumber, SealedPhone};
use crate::secret::Key;
use crate::speech::language::Language;
use crate::speech::prompt::Prompt;

/// What is being left.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Draft {
    /// Of which kind.
    pub kind: MessageKind,
    /// Since when the caller has been waiting for a person: what a callback is ordered by.
    pub since: Option<Timestamp>,
    /// The menu to go back to.
    pub back: MenuId,
}

/// A place on the way to a message, or to how far staff are with one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are what their types say")]
pub enum MessagePlace {
    /// The caller's own number is being looked at.
    Asking { draft: Draft },
    /// Asked at which number to be called back.
    Choice { draft: Draft, own: Option<Callable>, misses: Misses },
    /// Asked for the number.
    Phone { draft: Draft, misses: Misses },
    /// The number is being sealed.
    Sealing { draft: Draft, misses: Misses },
    /// Asked whether the last four are right.
    Confirm { draft: Draft, number: Callable, misses: Misses },
    /// Being recorded. `instead`: of this earlier recording.
    Recording { draft: Draft, phone: Option<SealedPhone>, instead: Option<MessageNumber>, misses: Misses },
    /// The recording is being kept.
    Keeping { draft: Draft, phone: Option<SealedPhone>, instead: Option<MessageNumber>, hung_up: bool, misses: Misses },
    /// Asked whether to send it.
    Review { draft: Draft, phone: Option<SealedPhone>, message: MessageNumber, misses: Misses },
    /// It is being sent.
    Sending { draft: Draft, phone: Option<SealedPhone>, message: MessageNumber },
    /// It is being taken back.
    Discarding { draft: Draft, phone: Option<SealedPhone>, message: MessageNumber },
    /// The wish to be called back is being written down.
    AskingCallback { draft: Draft, number: Callable },
    /// The number of what was left has been told. `answered`: whether there is a number to answer to.
    Sent { kind: MessageKind, message: MessageNumber, answered: bool, back: MenuId, misses: Misses },
    /// Asked for a message's number.
    Number { back: MenuId, misses: Misses },
    /// It is being looked up.
    LookingUp { back: MenuId, misses: Misses },
    /// How far staff are has been told.
    Told { progress: Progress, back: MenuId, misses: Misses },
}

impl MessagePlace {
    /// The name in transcripts, coverage and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asking { .. } => "message.asking",
            Self::Choice { .. } => "message.choice",
            Self::Phone { .. } => "message.phone",
            Self::Sealing { .. } => "message.sealing",
            Self::Confirm { .. } => "message.confirm",
            Self::Recording { .. } => "message.recording",
            Self::Keeping { .. } => "message.keeping",
            Self::Review { .. } => "message.review",
            Self::Sending { .. } => "message.sending",
            Self::Discarding { .. } => "message.discarding",
            Self::AskingCallback { .. } => "message.callback",
            Self::Sent { .. } => "message.sent",
            Self::Number { .. } => "message.number",
            Self::LookingUp { .. } => "message.looking-up",
            Self::Told { .. } => "message.progress",
        }
    }

    /// Whether a number is keyed here.
    #[must_use]
    pub fn is_entry(&self) -> bool {
        matches!(self, Self::Phone { .. } | Self::Number { .. })
    }

    /// What is being left, if anything is.
    pub(super) fn kind(&self) -> Option<MessageKind> {
        match self {
            Self::Asking { draft }
            | Self::Choice { draft, .. }
            | Self::Phone { draft, .. }
            | Self::Sealing { draft, .. }
            | Self::Confirm { draft, .. }
            | Self::Recording { draft, .. }
            | Self::Keeping { draft, .. }
            | Self::Review { draft, .. }
            | Self::Sending { draft, .. }
            | Self::Discarding { draft, .. }
            | Self::AskingCallback { draft, .. } => Some(draft.kind),
            Self::Sent { kind, .. } => Some(*kind),
            Self::Number { .. } | Self::LookingUp { .. } | Self::Told { .. } => None,
        }
    }

    /// The menu to go back to.
    pub(super) fn menu_mut(&mut self) -> &mut MenuId {
        match self {
            Self::Asking { draft }
            | Self::Choice { draft, .. }
            | Self::Phone { draft, .. }
            | Self::Sealing { draft, .. }
            | Self::Confirm { draft, .. }
            | Self::Recording { draft, .. }
            | Self::Keeping { draft, .. }
            | Self::Review { draft, .. }
            | Self::Sending { draft, .. }
            | Self::Discarding { draft, .. }
            | Self::AskingCallback { draft, .. } => &mut draft.back,
            Self::Sent { back, .. }
            | Self::Number { back, .. }
            | Self::LookingUp { back, .. }
            | Self::Told { back, .. } => back,
        }
    }

    /// What went wrong where the caller is asked for something.
    pub(super) fn misses_mut(&mut self) -> Option<&mut Misses> {
        match self {
            Self::Choice { misses, .. }
            | Self::Phone { misses, .. }
            | Self::Confirm { misses, .. }
            | Self::Recording { misses, .. }
            | Self::Review { misses, .. }
            | Self::Sent { misses, .. }
            | Self::Number { misses, .. }
            | Self::Told { misses, .. } => Some(misses),
            Self::Asking { .. }
            | Self::Sealing { .. }
            | Self::Keeping { .. }
            | Self::Sending { .. }
            | Self::Discarding { .. }
            | Self::AskingCallback { .. }
            | Self::LookingUp { .. } => None,
        }
    }

    /// Whether the world is asked here.
    pub(super) fn is_asking(&self) -> bool {
        self.clone().misses_mut().is_none()
    }

    /// Whether a recording lies here that nobody has taken back: whatever happens next, it is kept.
    pub(super) fn holds_recording(&self) -> bool {
        matches!(self, Self::Review { .. } | Self::Recording { instead: Some(_), .. })
    }

    /// Whether the caller has what they wanted: silence after it is a telephone put down.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Review { .. } | Self::Sent { .. } | Self::Told { .. })
    }
}

/// What the dialog asks of those who keep messages.
#[derive(Clone, Debug)]
pub enum MessageRequest {
    /// The number that calls, sealed.
    OwnNumber,
    /// Seal a number that was keyed.
    Seal(PhoneNumber),
    /// Keep a recording until it is decided what becomes of it.
    Keep(Kept),
    /// Send what was kept.
    Send(MessageNumber),
    /// Throw it away.
    Discard(MessageNumber),
    /// Write down that somebody wants to be called back.
    CallBack {
        /// Where.
        phone: SealedPhone,
        /// Since when they have been waiting.
        since: Option<Timestamp>,
        /// What is known of the call.
        about: About,
    },
    /// Look how far staff are.
    Progress(MessageNumber),
}

/// A recording to keep.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Of which kind.
    pub kind: MessageKind,
    /// Where to answer.
    pub phone: Option<SealedPhone>,
    /// What was recorded.
    pub recording: Recording,
    /// An earlier recording that it takes the place of.
    pub instead: Option<MessageNumber>,
    /// What is known of the call.
    pub about: About,
}

/// What staff should know of the call that something was left in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The line's name.
    pub line: Box<str>,
    /// The language spoken.
    pub language: Language,
    /// Whether the caller had signed in as a member.
    pub signed_in: bool,
}

/// What those who keep messages answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageAnswer {
    /// A number, sealed; `None`: the caller's own is not known.
    Number(Option<Callable>),
    /// The recording is kept, under this number.
    Kept(MessageNumber),
    /// It is with the staff, under this number.
    Sent(MessageNumber),
    /// It is thrown away.
    Discarded,
    /// How far staff are; `None`: there is no such message.
    Progress(Option<Progress>),
    /// Too many numbers were tried that there are not.
    NoTryLeft,
}

impl Flow {
    /// Leads into what a menu offers on messages.
    pub(super) fn message_service(&self, state: State, service: MessageService, back: MenuId) -> (State, Turn) {
        match service {
            MessageService::Leave(kind) => Self::leave(state, Draft { kind, since: None, back }),
            MessageService::Progress => {
                self.go_message(state, MessagePlace::Number { back, misses: Misses::default() }, Vec::new())
            }
        }
    }

    /// Whether callers of this line may leave something.
    #[must_use]
    pub fn takes_messages(&self) -> bool {
        self.messages.is_some()
    }

    /// A caller who has waited since then leaves the queue, to be called back in the order of their waiting.
    #[must_use]
    pub fn callback(&self, state: State, since: Timestamp) -> (State, Turn) {
        let draft = Draft { kind: MessageKind::Callback, since: Some(since), back: MenuId::new(MenuId::MAIN) };
        Self::leave(state, draft)
    }

    /// Which key of the main menu leads to a message, when there is nobody to talk to.
    pub(super) fn message_key(&self) -> Option<Key> {
        let leaves = |go: &Target| matches!(go, Target::Message(MessageService::Leave(_)));
        let main = self.menus.get(&MenuId::new(MenuId::MAIN))?;
        let leads = |go: &Target| match go {
            Target::Menu(menu) => self.menus.get(menu).is_some_and(|m| m.options.iter().any(|o| leaves(&o.go))),
            go => leaves(go),
        };
        main.options.iter().find(|option| leads(&option.go)).map(|option| option.key)
    }

    /// Tells that a message can be left, where there is nobody to talk to and the line takes any.
    pub(super) fn message_offered(&self) -> Option<Prompt> {
        self.message_key().map(Prompt::leave_message)
    }

    fn leave(state: State, draft: Draft) -> (State, Turn) {
        let place = Place::Message(MessagePlace::Asking { draft });
        ask_world(State { place, ..state }, Request::Message(MessageRequest::OwnNumber))
    }

    fn go_message(&self, state: State, place: MessagePlace, lead: Lead) -> (State, Turn) {
        self.go(state, Place::Message(place), lead)
    }

    fn back_to(&self, state: State, back: MenuId, lead: Lead) -> (State, Turn) {
        self.go(state, Place::Menu { menu: back, misses: Misses::default() }, lead)
    }

    // ---- keys ----

    /// A digit at a place that offers choices.
    pub(super) fn message_key_pressed(
        &self,
        state: State,
        place: MessagePlace,
        key: Key,
        now: Timestamp,
    ) -> (State, Turn) {
        let misses = Misses::default();
        match place {
            MessagePlace::Choice { draft, own, .. } => {
                match choices(&draft, own.as_ref()).into_iter().find(|(k, _)| *k == key) {
                    Some((_, Choice::Own(own))) => self.reached(state, draft, own, now),
                    Some((_, Choice::Other)) => {
                        self.go_message(state, MessagePlace::Phone { draft, misses }, Vec::new())
                    }
                    Some((_, Choice::None)) => self.record(state, draft, None, None),
                    None => self.miss(state, Miss::Wrong, now),
                }
            }
            MessagePlace::Confirm { draft, number, .. } if key == ONE => self.reached(state, draft, number, now),
            MessagePlace::Confirm { draft, .. } if key == TWO => {
                self.go_message(state, MessagePlace::Phone { draft, misses }, Vec::new())
            }
            MessagePlace::Review { draft, phone, message, .. } if key == ONE => {
                let place = Place::Message(MessagePlace::Sending { draft, phone, message });
                ask_world(State { place, ..state }, Request::Message(MessageRequest::Send(message)))
            }
            MessagePlace::Review { draft, phone, message, .. } if key == TWO => {
                self.record(state, draft, phone, Some(message))
            }
            MessagePlace::Sent { kind, message, answered, back, .. } if key == ONE => {
                self.sent(state, kind, message, answered, back)
            }
            MessagePlace::Told { progress, back, .. } if key == ONE => self.progress_told(state, progress, back),
            _ => self.miss(state, Miss::Wrong, now),
        }
    }

    /// `*`: what was recorded is taken back, everything else leads one step up.
    pub(super) fn message_back(&self, state: State, place: MessagePlace) -> (State, Turn) {
        let misses = Misses::default();
        match place {
            MessagePlace::Review { draft, phone, message, .. } => {
                let place = Place::Message(MessagePlace::Discarding { draft, phone, message });
                ask_world(State { place, ..state }, Request::Message(MessageRequest::Discard(message)))
            }
            MessagePlace::Confirm { draft, .. } => {
                self.go_message(state, MessagePlace::Phone { draft, misses }, Vec::new())
            }
            MessagePlace::Recording { draft, phone, instead: Some(message), .. } => {
                self.go_message(state, MessagePlace::Review { draft, phone, message, misses }, Vec::new())
            }
            mut place => {
                let back = place.menu_mut().clone();
                self.back_to(state, back, Vec::new())
            }
        }
    }

    /// A telephone number or a message's.
    pub(super) fn message_entered(
        &self,
        state: State,
        place: MessagePlace,
        keys: &[Key],
        now: Timestamp,
    ) -> (State, Turn) {
        match place {
            MessagePlace::Phone { draft, misses } => match PhoneNumber::from_keys(cleared(keys)) {
                Ok(number) => {
                    let place = Place::Message(MessagePlace::Sealing { draft, misses });
                    ask_world(State { place, ..state }, Request::Message(MessageRequest::Seal(number)))
                }
                Err(_) => self.wrong_with(state, Prompt::phone_incomplete(), now),
            },
            MessagePlace::Number { back, misses } => match MessageNumber::from_keys(cleared(keys)) {
                Ok(number) => {
                    let place = Place::Message(MessagePlace::LookingUp { back, misses });
                    ask_world(State { place, ..state }, Request::Message(MessageRequest::Progress(number)))
                }
                Err(MessageNumberError::Length) => self.wrong_with(state, Prompt::message_number_incomplete(), now),
                Err(MessageNumberError::CheckDigit) => self.wrong_with(state, Prompt::number_impossible(), now),
            },
            _ => self.miss(state, Miss::Wrong, now),
        }
    }

    /// There is a number to call back at: the recording, or all that a callback needs.
    fn reached(&self, state: State, draft: Draft, number: Callable, now: Timestamp) -> (State, Turn) {
        if draft.kind != MessageKind::Callback {
            return self.record(state, draft, Some(number.phone), None);
        }
        let about = self.about(&state, now);
        let request = MessageRequest::CallBack { phone: number.phone.clone(), since: draft.since, about };
        let place = Place::Message(MessagePlace::AskingCallback { draft, number });
        ask_world(State { place, ..state }, Request::Message(request))
    }

    fn record(
        &self,
        state: State,
        draft: Draft,
        phone: Option<SealedPhone>,
        instead: Option<MessageNumber>,
    ) -> (State, Turn) {
        let misses = Misses::default();
        self.go_message(state, MessagePlace::Recording { draft, phone, instead, misses }, Vec::new())
    }

    fn about(&self, state: &State, now: Timestamp) -> About {
        let signed_in = Self::proof(state, now).is_ok();
        About { line: self.name.clone(), language: state.language, signed_in }
    }

    // ---- the recording ----

    /// A recording is over. `hung_up`: and with it the call.
    pub(super) fn recorded(
        &self,
        state: State,
        recording: Option<Recording>,
        hung_up: bool,
        now: Timestamp,
    ) -> (State, Turn) {
        match (state.place.clone(), recording) {
            (Place::Message(MessagePlace::Recording { draft, phone, instead, misses }), Some(recording)) => {
                let (kind, about) = (draft.kind, self.about(&state, now));
                let kept = Kept { kind, phone: phone.clone(), recording, instead, about };
                let place = Place::Message(MessagePlace::Keeping { draft, phone, instead, hung_up, misses });
                ask_world(State { place, ..state }, Request::Message(MessageRequest::Keep(kept)))
            }
            _ if hung_up => over(state, Vec::new()),
            (Place::Message(MessagePlace::Recording { .. }), None) => {
                self.missed(state, Miss::Silent, Prompt::nothing_recorded(), now)
            }
            // Nobody was being recorded here.
            _ => self.ask(state, Vec::new()),
        }
    }

    // ---- answers of the world ----

    pub(super) fn message_answered(
        &self,
        state: State,
        place: MessagePlace,
        answer: Answer,
        now: Timestamp,
    ) -> (State, Turn) {
        use MessageAnswer::{Discarded, Kept, NoTryLeft, Number, Progress, Sent};
        let fresh = Misses::default();
        let answer = match answer {
            Answer::Message(answer) => Ok(answer),
            other => Err(other),
        };
        match (place, answer) {
            (MessagePlace::Asking { draft }, Ok(Number(own))) => {
                let place = if choices(&draft, own.as_ref()).len() > 1 {
                    MessagePlace::Choice { draft, own, misses: fresh }
                } else {
                    MessagePlace::Phone { draft, misses: fresh }
                };
                self.go_message(state, place, Vec::new())
            }
            (MessagePlace::Sealing { draft, .. }, Ok(Number(Some(number))))
            | (MessagePlace::AskingCallback { draft, number }, Err(Answer::Superseded)) => {
                self.go_message(state, MessagePlace::Confirm { draft, number, misses: fresh }, Vec::new())
            }
            (MessagePlace::Sealing { draft, misses }, Err(Answer::Superseded)) => {
                self.go_message(state, MessagePlace::Phone { draft, misses }, Vec::new())
            }
            (MessagePlace::Keeping { hung_up: true, .. }, Ok(Kept(_))) => {
                over(state, vec![Prompt::message_kept(), Prompt::goodbye()])
            }
            (MessagePlace::Keeping { draft, phone, .. }, Ok(Kept(message))) => {
                self.go_message(state, MessagePlace::Review { draft, phone, message, misses: fresh }, Vec::new())
            }
            (MessagePlace::Keeping { draft, phone, instead, misses, .. }, Err(Answer::Superseded)) => {
                self.go_message(state, MessagePlace::Recording { draft, phone, instead, misses }, Vec::new())
            }
            (MessagePlace::Keeping { .. }, Err(Answer::Unavailable)) => {
                self.main_menu(state, vec![Prompt::message_not_kept()])
            }
            (MessagePlace::Sending { draft, phone, .. }, Ok(Sent(message))) => {
                self.sent(state, draft.kind, message, phone.is_some(), draft.back)
            }
            // It is kept, and goes to the staff when the call is over.
            (MessagePlace::Sending { .. }, Err(Answer::Unavailable)) => {
                self.main_menu(state, vec![Prompt::message_kept()])
            }
            (MessagePlace::Discarding { draft, .. }, Ok(Discarded)) => {
                self.back_to(state, draft.back, vec![Prompt::message_discarded()])
            }
            (
                MessagePlace::Sending { draft, phone, message } | MessagePlace::Discarding { draft, phone, message },
                Err(Answer::Superseded),
            ) => self.go_message(state, MessagePlace::Review { draft, phone, message, misses: fresh }, Vec::new()),
            (MessagePlace::Discarding { draft, phone, message }, Err(Answer::Unavailable)) => {
                let place = MessagePlace::Review { draft, phone, message, misses: fresh };
                self.go_message(state, place, vec![Prompt::query_unavailable()])
            }
            (MessagePlace::AskingCallback { draft, .. }, Ok(Sent(message))) => {
                self.sent(state, draft.kind, message, true, draft.back)
            }
            (MessagePlace::LookingUp { back, .. }, Ok(Progress(Some(progress)))) => {
                self.progress_told(state, progress, back)
            }
            (MessagePlace::LookingUp { back, misses }, Ok(Progress(None))) => {
                let place = Place::Message(MessagePlace::Number { back, misses });
                self.wrong_with(State { place, ..state }, Prompt::message_unknown(), now)
            }
            (MessagePlace::LookingUp { back, .. }, Ok(NoTryLeft)) => {
                self.back_to(state, back, vec![Prompt::message_tries_used_up()])
            }
            (MessagePlace::LookingUp { back, misses }, Err(Answer::Superseded)) => {
                self.go_message(state, MessagePlace::Number { back, misses }, Vec::new())
            }
            // Unavailable, or an answer to something nobody asked.
            _ => self.main_menu(state, vec![Prompt::query_unavailable()]),
        }
    }

    fn sent(
        &self,
        state: State,
        kind: MessageKind,
        message: MessageNumber,
        answered: bool,
        back: MenuId,
    ) -> (State, Turn) {
        let (answers, calls_back) = self.messages.map_or((DEFAULT_DAYS, DEFAULT_DAYS), |messages| {
            (messages.answered_within_days, messages.called_back_within_days)
        });
        let told = match (kind, answered) {
            (MessageKind::Callback, _) => Prompt::callback_asked(message, calls_back.into()),
            (_, true) => Prompt::message_sent(message, answers.into()),
            (_, false) => Prompt::suggestion_sent(message),
        };
        let place = MessagePlace::Sent { kind, message, answered, back, misses: Misses::default() };
        self.go_interruptibly(state, Place::Message(place), vec![told])
    }

    fn progress_told(&self, state: State, progress: Progress, back: MenuId) -> (State, Turn) {
        let day = self.person.hours.offset.to_datetime(progress.at).date();
        let told = match progress.state {
            MessageState::Received => Prompt::message_received(day),
            MessageState::Taken => Prompt::message_taken(day),
            MessageState::Answered => Prompt::message_answered(day),
            MessageState::Closed => Prompt::message_closed(day),
        };
        let place = MessagePlace::Told { progress, back, misses: Misses::default() };
        self.go_interruptibly(state, Place::Message(place), vec![told])
    }

    // ---- what is asked ----

    pub(super) fn ask_message(&self, state: State, mut say: Lead, barge_in: BargeIn) -> (State, Turn) {
        let Place::Message(place) = &state.place else { return self.main_menu(state, say) };
        let collect = match place {
            MessagePlace::Choice { draft, own, .. } => {
                say.push(Prompt::choose_phone());
                say.extend(choices(draft, own.as_ref()).into_iter().map(|(key, choice)| match choice {
                    Choice::Own(own) => Prompt::own_phone(own.tail, key),
                    Choice::Other if own.is_some() => Prompt::other_phone(key),
                    Choice::Other => Prompt::leave_phone(key),
                    Choice::None => Prompt::no_phone(key),
                }));
                say.extend(no_call_back(draft));
                say.push(Prompt::universal_keys());
                self.one_key(barge_in)
            }
            MessagePlace::Phone { draft, .. } => {
                say.push(Prompt::enter_phone());
                say.extend(no_call_back(draft));
                say.push(Prompt::entry_keys());
                self.entry(PhoneNumber::LONGEST, barge_in)
            }
            MessagePlace::Confirm { number, .. } => {
                say.push(Prompt::confirm_number(number.tail, ONE, TWO));
                self.one_key(barge_in)
            }
            MessagePlace::Recording { draft, .. } => {
                let Some(messages) = self.messages else {
                    // The line takes none any more.
                    say.push(Prompt::menu_changed());
                    return self.main_menu(state, say);
                };
                say.push(match draft.kind {
                    MessageKind::Message | MessageKind::Callback => Prompt::say_message(),
                    MessageKind::Complaint => Prompt::say_complaint(),
                    MessageKind::Suggestion => Prompt::say_suggestion(),
                });
                say.push(Prompt::record(u32::try_from(messages.longest.as_secs() / 60).unwrap_or(u32::MAX), Key::Hash));
                let record = Record { longest: messages.longest, finish: Key::Hash, silence: messages.silence };
                return (state, Turn { say, next: Next::Record(record) });
            }
            MessagePlace::Review { .. } => {
                say.push(Prompt::review_message(ONE, TWO, Key::Star));
                self.one_key(barge_in)
            }
            MessagePlace::Sent { .. } | MessagePlace::Told { .. } => {
                say.push(Prompt::after_answer(ONE));
                self.one_key(barge_in)
            }
            MessagePlace::Number { .. } => {
                say.extend([Prompt::enter_message_number(), Prompt::entry_keys()]);
                self.entry(8, barge_in)
            }
            place if place.is_asking() => return self.main_menu(state, say),
            _ => self.one_key(barge_in),
        };
        (state, Turn { say, next: Next::Collect(collect) })
    }
}

/// What a line without `[messages]` would promise; none takes messages then.
const DEFAULT_DAYS: u8 = 3;

/// Where somebody wants to be called back.
enum Choice {
    Own(Callable),
    Other,
    None,
}

/// What is offered for a draft, by key: nobody needs a number to make a suggestion.
/// How to go on for who has left a queue for another reason.
fn no_call_back(draft: &Draft) -> Option<Prompt> {
    (draft.kind == MessageKind::Callback).then(|| Prompt::queue_no_call_back(Key::Star))
}

fn choices(draft: &Draft, own: Option<&Callable>) -> Vec<(Key, Choice)> {
    let own = own.cloned().map(Choice::Own);
    let none = (draft.kind == MessageKind::Suggestion).then_some(Choice::None);
    [ONE, TWO, THREE].into_iter().zip(own.into_iter().chain([Choice::Other]).chain(none)).collect()
}
