//! Where a conversation stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::challenge::ChallengePlace;
use super::message::MessagePlace;
use super::news::News;
use super::pin_change::PinPlace;
use super::rating::RatingPlace;
use super::signed_in::SignedIn;
use crate::member::account::Movements;
use crate::member::tail::Tail;
use crate::member::{IdentifierKind, MemberKey};
use crate::speech::language::Language;

/// All that a conversation remembers. It holds no PIN and no number: a number becomes a keyed index as soon as it is
/// entered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// The language spoken.
    pub language: Language,
    /// Who has signed in, if anyone has.
    pub signed_in: Option<SignedIn>,
    /// Wrong PINs in this call, whatever numbers they were for.
    pub wrong_pins: u8,
    /// How often this call was put through to a person.
    pub transfers: u8,
    /// What is yet to be told, with the next words.
    pub news: News,
    /// Whether the caller is spoken to slowly, and offered a person first.
    pub elder: bool,
    /// Whether the caller was told what they called for: only then are they asked how it was.
    pub served: bool,
    /// Whether who has signed in has no personal account: nothing is asked of them that is about one.
    pub without_account: bool,
    /// Where in the conversation.
    pub place: Place,
}

/// A place in the conversation, with what is true only there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// Before the first word.
    Start,
    /// Asked which language to speak.
    Language {
        /// Whether the greeting has been said in full: not when the call has just come in.
        greeted: bool,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// In a menu of the line's file.
    Menu {
        /// Which.
        menu: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// Asked which kind of number to sign in with.
    NumberKind {
        /// Where to after sign-in.
        goal: Goal,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// Asked for the number.
    Number {
        /// Where to after sign-in.
        goal: Goal,
        /// Which number.
        kind: IdentifierKind,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// The number is being made a key.
    Identifying {
        /// Where to after sign-in.
        goal: Goal,
        /// Which number.
        kind: IdentifierKind,
        /// What is read back.
        tail: Tail,
        /// What went wrong with the number so far.
        misses: Misses,
    },
    /// Asked whether the last four are right.
    Confirm {
        /// Where to after sign-in.
        goal: Goal,
        /// What is read back.
        tail: Tail,
        /// Whose number.
        who: MemberKey,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// Between number and PIN.
    Challenge(ChallengePlace),
    /// Asked for the PIN.
    Pin {
        /// Where to after sign-in.
        goal: Goal,
        /// Whose number.
        who: MemberKey,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// The PIN is being checked.
    SigningIn {
        /// Where to after sign-in.
        goal: Goal,
        /// Whose number.
        who: MemberKey,
        /// What went wrong with the PIN so far.
        misses: Misses,
    },
    /// A service is reading what it tells.
    Reading {
        /// Which.
        service: Service,
        /// The menu to go back to.
        back: MenuId,
    },
    /// What the balance is made up of is being read.
    ReadingParts {
        /// The menu to go back to.
        back: MenuId,
    },
    /// A service has told what it reads.
    Told {
        /// Which.
        service: Service,
        /// What there is to go on to.
        then: Then,
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// Asked which movements to list.
    Details {
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// A page of the statement is being read.
    ReadingPage {
        /// Which movements.
        which: Movements,
        /// Which page, counted from 0.
        page: u8,
        /// The menu to go back to.
        back: MenuId,
    },
    /// A page of the statement has been told. What stood on it is not remembered.
    Page {
        /// Which movements.
        which: Movements,
        /// Which page, counted from 0.
        page: u8,
        /// Whether there is a next one.
        more: bool,
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// About a report that the card is lost.
    Loss(LossPlace),
    /// An answer of the line's file has been heard.
    Answered {
        /// Which.
        answer: AnswerId,
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// Leaving something for the staff, or asking how far they are with it.
    Message(MessagePlace),
    /// Changing the query PIN.
    PinChange(PinPlace),
    /// Connected, or being connected, to a person.
    WithPerson,
    /// Waiting in a queue for a person, or talking to the one who took them from it.
    Queue(QueuePlace),
    /// Asked how it was.
    Rating(RatingPlace),
    /// The call is over.
    Over,
}

/// What is offered after something was told, beside hearing it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// After the balance, 收支明细.
    Statement,
    /// After the total of the balance, 收支明细, and what it is made up of.
    Parts,
    /// After what the balance is made up of, 收支明细. Heard again is what was told last.
    AfterParts,
    /// After that there is no personal account, 统筹账户额度.
    PooledFund,
}

/// Waiting for a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QueuePlace {
    /// Since when: what is promised to them instead must not cost them their place.
    pub since: Timestamp,
}

impl Place {
    /// Whether the caller has just been told what they called for.
    #[must_use]
    pub fn is_told(&self) -> bool {
        matches!(self, Self::Told { .. } | Self::Page { .. } | Self::Answered { .. })
    }

    /// Whether something of a member is being read here.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        matches!(
            self,
            Self::Reading { .. }
                | Self::ReadingParts { .. }
                | Self::ReadingPage { .. }
                | Self::Loss(LossPlace::Doing { .. })
        )
    }

    /// Whether a number or a PIN is asked for: every key is part of it, but for `0`, `*` and `#` alone.
    #[must_use]
    pub fn is_entry(&self) -> bool {
        match self {
            Self::Number { .. } | Self::Challenge(ChallengePlace::Digits { .. }) | Self::Pin { .. } => true,
            Self::Message(place) => place.is_entry(),
            Self::PinChange(place) => place.is_entry(),
            _ => false,
        }
    }

    /// The name of the place in transcripts, coverage and logs: `main`, `sign-in.pin`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Start => "start",
            Self::Language { .. } => "language",
            Self::Menu { menu, .. } => menu.as_str(),
            Self::NumberKind { .. } => "sign-in.number-kind",
            Self::Number { kind: IdentifierKind::Id, .. } => "sign-in.id-number",
            Self::Number { kind: IdentifierKind::Card, .. } => "sign-in.card-number",
            Self::Number { kind: IdentifierKind::Personal, .. } => "sign-in.personal-number",
            Self::Identifying { .. } => "sign-in.identifying",
            Self::Confirm { .. } => "sign-in.confirm",
            Self::Challenge(place) => place.name(),
            Self::Pin { .. } => "sign-in.pin",
            Self::SigningIn { .. } => "sign-in.checking",
            Self::Reading { service, .. } | Self::Told { service, .. } => service.name(),
            Self::ReadingParts { .. } => Service::PersonalBalance.name(),
            Self::Details { .. } => Service::Details.name(),
            Self::ReadingPage { which, .. } | Self::Page { which, .. } => match which {
                Movements::Credits => "details.credits",
                Movements::Spending => "details.spending",
                Movements::Everything => "details.all",
            },
            Self::Loss(place) => place.name(),
            Self::Answered { answer, .. } => answer.as_str(),
            Self::Message(place) => place.name(),
            Self::PinChange(place) => place.name(),
            Self::WithPerson => "person",
            Self::Queue(_) => "person.queue",
            Self::Rating(place) => place.name(),
            Self::Over => "over",
        }
    }
}

/// A place in the conversation about a report that the card is lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LossPlace {
    /// Asked whether to go ahead.
    Confirm {
        /// With what.
        act: LossAct,
        /// The menu to go back to.
        back: MenuId,
        /// What went wrong here so far.
        misses: Misses,
    },
    /// It is being done.
    Doing {
        /// What.
        act: LossAct,
        /// The menu to go back to.
        back: MenuId,
    },
}

impl LossPlace {
    fn name(&self) -> &'static str {
        match self {
            Self::Confirm { act: LossAct::Report, .. } => "card.loss.confirm",
            Self::Confirm { act: LossAct::Renew, .. } => "card.renewal.confirm",
            Self::Confirm { act: LossAct::Release, .. } => "card.release.confirm",
            Self::Doing { act: LossAct::Report, .. } => "card.loss",
            Self::Doing { act: LossAct::Renew, .. } => "card.renewal",
            Self::Doing { act: LossAct::Release, .. } => "card.release",
        }
    }
}

/// What is done about a report that the card is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LossAct {
    /// 临时挂失.
    Report,
    /// 延长.
    Renew,
    /// 解除挂失.
    Release,
}

/// The name of a menu in the line's file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MenuId(std::sync::Arc<str>);

impl MenuId {
    /// The menu that follows the greeting; `*` leads up to it from everywhere.
    pub const MAIN: &'static str = "main";

    /// The menu called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of an answer in the line's file: what is told to everyone alike, such as the policy on a question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnswerId(std::sync::Arc<str>);

impl AnswerId {
    /// The answer called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What reads or changes a member's data, in typed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// 个人账户余额.
    PersonalBalance,
    /// 统筹账户额度.
    PooledFund,
    /// 收支明细.
    Details,
    /// 缴费与待遇状态.
    Status,
    /// 修改查询密码.
    ChangePin,
    /// 家庭共济.
    MutualAid,
    /// 社保卡状态查询.
    CardStatus,
    /// 临时挂失.
    ReportLoss,
    /// 解除挂失.
    ReleaseLoss,
}

impl Service {
    /// Every service there is.
    pub const ALL: [Self; 9] = [
        Self::PersonalBalance,
        Self::PooledFund,
        Self::Details,
        Self::Status,
        Self::MutualAid,
        Self::ChangePin,
        Self::CardStatus,
        Self::ReportLoss,
        Self::ReleaseLoss,
    ];

    /// The name in line files and places.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PersonalBalance => "personal-balance",
            Self::PooledFund => "pooled-fund",
            Self::Details => "details",
            Self::Status => "status",
            Self::ChangePin => "change-pin",
            Self::MutualAid => "mutual-aid",
            Self::CardStatus => "card-status",
            Self::ReportLoss => "report-loss",
            Self::ReleaseLoss => "release-loss",
        }
    }
}

/// Where a caller wanted to go before sign-in came between.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Goal {
    /// A menu for which one must be signed in.
    Menu(MenuId),
    /// A service, and the menu it was chosen in.
    Service(Service, MenuId),
}

impl Goal {
    /// The menu of the line's file that it names.
    #[must_use]
    pub fn menu(&self) -> &MenuId {
        match self {
            Self::Menu(menu) | Self::Service(_, menu) => menu,
        }
    }
}

/// What went wrong at one prompt, counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Misses {
    /// Nothing was pressed.
    pub silent: u8,
    /// What was pressed is not offered, or is no number.
    pub wrong: u8,
}
