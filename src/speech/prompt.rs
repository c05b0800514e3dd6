//! What is said, before it is words: a prompt's id and the typed values in it.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::{Date, Time, Weekday};

use super::language::Language;
use crate::member::account::{
    Benefit, CardStatus, ContributionStatus, InsuranceStatus, Movements, Scheme, TransactionKind, YearMonth,
};
use crate::member::message::MessageNumber;
use crate::member::money::Money;
use crate::member::mutual_aid::Relation;
use crate::member::tail::Tail;
use crate::secret::Key;

/// Names one prompt of the catalogue, in every language.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId(Id);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Id {
    Known(&'static str),
    Named(Arc<str>),
}

impl PromptId {
    /// A prompt that code says.
    #[must_use]
    pub const fn known(id: &'static str) -> Self {
        Self(Id::Known(id))
    }

    /// A prompt that a line's file names.
    #[must_use]
    pub fn named(id: &str) -> Self {
        Self(Id::Named(Arc::from(id)))
    }

    /// The id as it stands in `prompts.toml`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Id::Known(id) => id,
            Id::Named(id) => id,
        }
    }
}

/// A value said inside a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Yuan: 一千零一十元零五分.
    Amount(Money),
    /// 二零二六年一月二日.
    Date(Date),
    /// 二零二六年.
    Year(i16),
    /// The last four characters of a number: 零零幺四.
    Tail(Tail),
    /// A key to press: 一, 星号键.
    Key(Key),
    /// 八点三十分.
    Time(Time),
    /// 周一至周五.
    Weekdays(Weekdays),
    /// A waiting time in minutes: 三十分钟, 两小时.
    Minutes(u32),
    /// How many, before the measure word of the wording: 两, 十二.
    Count(u32),
    /// 二零二六年六月.
    Month(YearMonth),
    /// The number of a message, in groups: 幺二三四 五六七二.
    Number(MessageNumber),
    /// A word of a closed vocabulary, worded by the catalogue itself: 正常参保.
    Word(Word),
}

/// Days of the week in a row, both ends counted: one day when they are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekdays {
    /// The first day.
    pub first: Weekday,
    /// The last day.
    pub last: Weekday,
}

/// What kind of value a placeholder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// [`Value::Amount`]
    Amount,
    /// [`Value::Date`]
    Date,
    /// [`Value::Year`]
    Year,
    /// [`Value::Tail`]
    Tail,
    /// [`Value::Key`]
    Key,
    /// [`Value::Time`]
    Time,
    /// [`Value::Weekdays`]
    Weekdays,
    /// [`Value::Minutes`]
    Minutes,
    /// [`Value::Count`]
    Count,
    /// [`Value::Month`]
    Month,
    /// [`Value::Number`]
    Number,
    /// [`Value::Word`]
    Word,
}

impl Slot {
    /// The name used in `prompts.toml`: `{total:amount}`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Date => "date",
            Self::Year => "year",
            Self::Tail => "tail",
            Self::Key => "key",
            Self::Time => "time",
            Self::Weekdays => "weekdays",
            Self::Minutes => "minutes",
            Self::Count => "count",
            Self::Month => "month",
            Self::Number => "number",
            Self::Word => "word",
        }
    }

    /// Every kind there is.
    pub const ALL: [Self; 12] = [
        Self::Amount,
        Self::Date,
        Self::Year,
        Self::Tail,
        Self::Key,
        Self::Time,
        Self::Weekdays,
        Self::Minutes,
        Self::Count,
        Self::Month,
        Self::Number,
        Self::Word,
    ];
}

impl Value {
    /// The kind of placeholder this value fills.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match self {
            Self::Amount(_) => Slot::Amount,
            Self::Date(_) => Slot::Date,
            Self::Year(_) => Slot::Year,
            Self::Tail(_) => Slot::Tail,
            Self::Key(_) => Slot::Key,
            Self::Time(_) => Slot::Time,
            Self::Weekdays(_) => Slot::Weekdays,
            Self::Minutes(_) => Slot::Minutes,
            Self::Count(_) => Slot::Count,
            Self::Month(_) => Slot::Month,
            Self::Number(_) => Slot::Number,
            Self::Word(_) => Slot::Word,
        }
    }
}

/// One prompt to say, its values in the order of its [`Signature`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prompt {
    id: PromptId,
    values: Vec<Value>,
    /// The language it is said in whatever the call is held in.
    language: Option<Language>,
}

impl Prompt {
    /// Wording without values, or with the key of a menu option: what a line's file may name.
    #[must_use]
    pub fn of_menu(id: PromptId, key: Option<Key>) -> Self {
        Self { id, values: key.into_iter().map(Value::Key).collect(), language: None }
    }

    /// Any wording with values that fit it: what is asked of every prompt alike, such as which clips it needs.
    pub(super) fn of_values(id: PromptId, values: Vec<Value>) -> Self {
        Self { id, values, language: None }
    }

    /// The id of [`Prompt::personal_balance`]: several amounts at once.
    pub const BALANCE_IN_FULL: &'static str = "account.personal-balance";

    /// Which prompt.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Its values, in the order of its signature.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The same, said in `language` whatever the call is held in: nobody is asked for their language in another.
    #[must_use]
    pub fn in_language(self, language: Language) -> Self {
        Self { language: Some(language), ..self }
    }

    /// The language it is said in, in a call that is held in `language`.
    #[must_use]
    pub fn language(&self, language: Language) -> Language {
        self.language.unwrap_or(language)
    }

    /// Whether what is said belongs to one person: only after sign-in may it be.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        signature(self.id()).is_some_and(|s| s.personal)
    }
}

/// The placeholders a prompt has, by name and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The prompt's id.
    pub id: Cow<'static, str>,
    /// Its placeholders, in the order [`Prompt::values`] holds them.
    pub slots: Cow<'static, [(&'static str, Slot)]>,
    /// Whether it tells something of one person's account.
    pub personal: bool,
}

impl Signature {
    /// The signature of an option in a menu: one key.
    pub const OPTION: &'static [(&'static str, Slot)] = &[("key", Slot::Key)];
}

/// Declares the words that values are said by: each has a line of its own in `prompts.toml`, under this id.
macro_rules! words {
    ($( $(#[$about:meta])* $vocabulary:ident { $($word:ident = $id:literal,)+ } )+) => {
        /// A word of a closed vocabulary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Word { $( $(#[$about])* $vocabulary($vocabulary), )+ }

        impl Word {
            /// Every word there is.
            pub const ALL: &'static [Self] = &[ $($( Self::$vocabulary($vocabulary::$word), )+)+ ];

            /// The id of its wording in `prompts.toml`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $($( Self::$vocabulary($vocabulary::$word) => $id, )+)+ }
            }
        }

        $( impl From<$vocabulary> for Word {
            fn from(word: $vocabulary) -> Self {
                Self::$vocabulary(word)
            }
        } )+

        /// The wordings words have: said inside prompts only, and nothing stands in them.
        pub static WORDS: &[Signature] = &[
            $($( Signature { id: Cow::Borrowed($id), slots: Cow::Borrowed(&[]), personal: true }, )+)+
        ];
    };
}

words! {
    /// 参保类型.
    Scheme {
        Employee = "word.scheme.employee",
        Retired = "word.scheme.retired",
        Flexible = "word.scheme.flexible",
        Resident = "word.scheme.resident",
    }
    /// 参保状态.
    InsuranceStatus {
        Active = "word.insurance.active",
        Paused = "word.insurance.paused",
        Ended = "word.insurance.ended",
    }
    /// 缴费状态.
    ContributionStatus {
        Paid = "word.contribution.paid",
        Owing = "word.contribution.owing",
        Interrupted = "word.contribution.interrupted",
        Exempt = "word.contribution.exempt",
    }
    /// 待遇状态.
    Benefit {
        Normal = "word.benefit.normal",
        Waiting = "word.benefit.waiting",
        Stopped = "word.benefit.stopped",
    }
    /// 社保卡状态.
    CardStatus {
        Normal = "word.card.normal",
        Inactive = "word.card.inactive",
        TemporaryLoss = "word.card.temporary-loss",
        FormalLoss = "word.card.formal-loss",
        Locked = "word.card.locked",
        Cancelled = "word.card.cancelled",
    }
    /// 收支类型.
    TransactionKind {
        Credit = "word.transaction.credit",
        Interest = "word.transaction.interest",
        Refund = "word.transaction.refund",
        Outpatient = "word.transaction.outpatient",
        Pharmacy = "word.transaction.pharmacy",
        Inpatient = "word.transaction.inpatient",
        MutualAid = "word.transaction.mutual-aid",
        ResidentPremium = "word.transaction.resident-premium",
        Adjustment = "word.transaction.adjustment",
    }
    /// 近亲属.
    Relation {
        Spouse = "word.relation.spouse",
        Parent = "word.relation.parent",
        Child = "word.relation.child",
        Sibling = "word.relation.sibling",
        PaternalGrandparent = "word.relation.paternal-grandparent",
        MaternalGrandparent = "word.relation.maternal-grandparent",
        SonsChild = "word.relation.sons-child",
        DaughtersChild = "word.relation.daughters-child",
    }
    /// Which movements.
    Movements {
        Credits = "word.movements.credits",
        Spending = "word.movements.spending",
        Everything = "word.movements.all",
    }
}

/// The signature of a prompt that code says; `None` for those only line files name.
#[must_use]
pub fn signature(id: &str) -> Option<&'static Signature> {
    KNOWN.iter().chain(WORDS).find(|s| s.id == id)
}

macro_rules! slot_type {
    (Amount) => {
        Money
    };
    (Date) => {
        Date
    };
    (Year) => {
        i16
    };
    (Tail) => {
        Tail
    };
    (Key) => {
        Key
    };
    (Time) => {
        Time
    };
    (Minutes) => {
        u32
    };
    (Count) => {
        u32
    };
    (Weekdays) => {
        Weekdays
    };
    (Month) => {
        YearMonth
    };
    (Number) => {
        MessageNumber
    };
    (Word) => {
        Word
    };
}

macro_rules! prompts {
    ($( $(#[$doc:meta])* $personal:ident $name:ident = $id:literal ( $($slot:ident : $kind:ident),* ); )*) => {
        /// Every prompt that code says, with what stands in it. `prompts.toml` must have exactly these placeholders.
        pub static KNOWN: &[Signature] = &[
            $( Signature {
                id: Cow::Borrowed($id),
                slots: Cow::Borrowed(&[ $( (stringify!($slot), Slot::$kind) ),* ]),
                personal: prompts!(@ $personal),
            } ),*
        ];
        impl Prompt {
            $( $(#[$doc])* #[must_use] pub fn $name($($slot: slot_type!($kind)),*) -> Self {
                Self { id: PromptId::known($id), values: vec![ $( Value::$kind($slot) ),* ], language: None }
            } )*
        }
    };
    (@ public) => { false };
    (@ personal) => { true };
}

prompts! {
    /// The language it is worded in: said in each of them, before the main menu of a line that offers several.
    public language_option = "language.option"(key: Key);

    /// Nothing was pressed: first time.
    public no_input = "again.no-input"();
    /// What was pressed is not offered here: first time.
    public no_match = "again.no-match"();
    /// How menus work, said at the second miss in one.
    public menu_help = "help.menu"();
    /// How entering a number works, said at the second miss there.
    public entry_help = "help.entry"();
    /// The keys that work everywhere.
    public universal_keys = "keys.universal"();
    /// The keys that work while a number is entered.
    public entry_keys = "keys.entry"();
    /// The keys that work while the PIN is entered: one of them leads back to the number.
    public pin_keys = "keys.pin"();

    /// After an answer: hear it again, back, a person.
    public after_answer = "keys.answer"(again: Key);

    /// Why the caller is asked who they are.
    public sign_in_first = "sign-in.first"();
    /// Sign in by ID number.
    public by_id = "sign-in.by-id"(key: Key);
    /// Sign in by social-security card number.
    public by_card = "sign-in.by-card"(key: Key);
    /// Sign in by personal number of the medical insurance.
    public by_personal_number = "sign-in.by-personal-number"(key: Key);
    /// Asks for the ID number.
    public enter_id = "sign-in.enter-id"();
    /// Asks for the card number.
    public enter_card = "sign-in.enter-card"();
    /// Asks for the last eight digits of the card number.
    public enter_card_last8 = "sign-in.enter-card-last8"();
    /// Asks for the personal number.
    public enter_personal_number = "sign-in.enter-personal-number"();
    /// Too few or too many digits.
    public number_incomplete = "sign-in.number-incomplete"();
    /// Right length, but a date or check digit no number has.
    public number_impossible = "sign-in.number-impossible"();
    /// Reads back the last four.
    public confirm_number = "sign-in.confirm"(tail: Tail, yes: Key, no: Key);
    /// Asks for the query PIN.
    public enter_pin = "sign-in.enter-pin"();
    /// Not six digits.
    public pin_incomplete = "sign-in.pin-incomplete"();
    /// The one sentence for every failed sign-in.
    public refused = "sign-in.refused"();
    /// Too many tries for this number; how long until the next.
    public locked = "sign-in.locked"(wait: Minutes);
    /// No try is left until an operator gives them back.
    public barred = "sign-in.barred"();
    /// Too many sign-ins from this telephone, whoever they were for.
    public caller_limit = "sign-in.caller-limit"();
    /// Nobody signs in by telephone for now.
    public sign_in_closed = "sign-in.closed"();
    /// Asks for digits that are heard.
    public challenge = "sign-in.challenge"(digits: Tail);
    /// Others were pressed: once more.
    public challenge_wrong = "sign-in.challenge-wrong"();
    /// Others were pressed again.
    public challenge_failed = "sign-in.challenge-failed"();
    /// After a failed sign-in by another number than the ID number: that it is not the only way.
    public try_id_number = "sign-in.try-id-number"();
    /// Three wrong PINs in this call.
    public pins_used_up = "sign-in.pins-used-up"();
    /// The PIN is the initial one, or too easy to guess: it opens nothing.
    public initial_pin = "sign-in.initial-pin"();
    /// The PIN was changed in an earlier call.
    personal pin_changed = "sign-in.pin-changed"(on: Date);
    /// The five minutes after sign-in are over.
    public sign_in_expired = "sign-in.expired"();

    /// Asks for the PIN in force.
    public enter_old_pin = "pin.enter-old"();
    /// Asks for the new PIN.
    public enter_new_pin = "pin.enter-new"();
    /// Asks for the new PIN again.
    public enter_new_pin_again = "pin.enter-again"();
    /// The keys that work while the PIN is being changed.
    public pin_change_keys = "pin.keys"();
    /// One digit six times.
    public pin_repeated = "pin.repeated"();
    /// Digits in a row.
    public pin_sequence = "pin.sequence"();
    /// Among those chosen most.
    public pin_common = "pin.common"();
    /// The birthday.
    public pin_birthday = "pin.birthday"();
    /// Taken from the ID number.
    public pin_from_id_number = "pin.from-id-number"();
    /// Taken from the card number.
    public pin_from_card_number = "pin.from-card-number"();
    /// Taken from the telephone number that calls.
    public pin_from_phone_number = "pin.from-phone-number"();
    /// What was given out.
    public pin_still_initial = "pin.still-initial"();
    /// The one in force.
    public pin_same = "pin.same"();
    /// The two entries differ.
    public pin_mismatch = "pin.mismatch"();
    /// They differed three times: the old PIN stays.
    public pin_unchanged = "pin.unchanged"();
    /// The new PIN is in force.
    public pin_set = "pin.set"();
    /// The card is locked or cancelled: the old PIN stays.
    public pin_card_stopped = "pin.card-stopped"();
    /// Another change was faster: what was entered here is not in force.
    public pin_overtaken = "pin.overtaken"();
    /// It cannot be done now: the old PIN stays.
    public pin_unavailable = "pin.unavailable"();
    /// Whether the new PIN came into force cannot be told now.
    public pin_uncertain = "pin.uncertain"();

    /// Before anything personal is read out.
    public privacy = "account.privacy"();
    /// The personal account.
    personal personal_balance = "account.personal-balance"(total: Amount, current: Amount, carried: Amount, as_of: Date);
    /// The personal account to who hears one thing at a time: the whole of it.
    personal personal_total = "account.personal-total"(total: Amount, as_of: Date);
    /// And what that is made up of.
    personal personal_parts = "account.personal-parts"(current: Amount, carried: Amount, as_of: Date);
    /// Residents have none.
    personal no_personal_account = "account.no-personal-account"();
    /// The pooled fund of a member with a ceiling.
    personal pooled_fund = "account.pooled-fund"(year: Year, met: Amount, left: Amount, used: Amount, remaining: Amount, as_of: Date);
    /// The pooled fund of a member without a ceiling.
    personal pooled_fund_unlimited = "account.pooled-fund-unlimited"(year: Year, met: Amount, left: Amount, used: Amount, as_of: Date);
    /// The pooled fund of a resident with a ceiling.
    personal resident_fund = "account.resident-fund"(year: Year, met: Amount, left: Amount, used: Amount, remaining: Amount, as_of: Date);
    /// The pooled fund of a resident without a ceiling.
    personal resident_fund_unlimited = "account.resident-fund-unlimited"(year: Year, met: Amount, left: Amount, used: Amount, as_of: Date);
    /// The pooled fund of a member whose insurance is paused or has ended.
    personal pooled_fund_stopped = "account.pooled-fund-stopped"(insurance: Word, year: Year, used: Amount, as_of: Date);
    /// Insured, but not yet or no longer entitled to outpatient care.
    personal outpatient_not_paid = "account.outpatient-not-paid"(benefit: Word);
    /// Insured, but not yet or no longer entitled to inpatient care.
    personal inpatient_not_paid = "account.inpatient-not-paid"(benefit: Word);
    /// When the waiting period is over.
    personal benefits_from = "account.benefits-from"(from: Date);
    /// How the member is insured.
    personal status = "account.status"(scheme: Word, insurance: Word, contribution: Word, last_paid: Month, outpatient: Word, inpatient: Word);
    /// What paused insurance means.
    personal insurance_paused = "account.insurance-paused"();
    /// What it does not mean for those who have a personal account.
    personal balance_stays = "account.balance-stays"();
    /// What ended insurance means.
    personal insurance_ended = "account.insurance-ended"();
    /// Hear it again.
    public hear_again = "account.hear-again"(key: Key);
    /// From the balance to what moved it.
    public to_details = "account.to-details"(key: Key);

    /// From the whole of a balance to what it is made up of.
    public to_parts = "account.to-parts"(key: Key);

    /// From that there is no personal account to what the pooled fund pays.
    public to_pooled_fund = "account.to-pooled-fund"(key: Key);

    /// List these movements.
    public list = "details.list"(which: Word, key: Key);
    /// One movement.
    personal entry = "details.entry"(day: Date, kind: Word, amount: Amount, balance: Amount);
    /// That was the oldest.
    personal last_entry = "details.last-entry"();
    /// There are none of these.
    personal no_entries = "details.no-entries"(which: Word);
    /// Older ones.
    public next_page = "details.next-page"(key: Key);
    /// Newer ones.
    public previous_page = "details.previous-page"(key: Key);
    /// The same ones again.
    public page_again = "details.page-again"(key: Key);
    /// The older one, where each is told alone.
    public next_entry = "details.next-entry"(key: Key);
    /// The newer one.
    public previous_entry = "details.previous-entry"(key: Key);
    /// The same one again.
    public entry_again = "details.entry-again"(key: Key);

    /// For how many relatives the account pays.
    personal aid_bound = "mutual-aid.bound"(people: Count);
    /// How many of them are of one kind.
    personal aid_relatives = "mutual-aid.relatives"(relation: Word, people: Count);
    /// What it has paid for them this year.
    personal aid_used = "mutual-aid.used"(year: Year, used: Amount, as_of: Date);
    /// It pays for nobody but its owner.
    personal aid_nobody = "mutual-aid.nobody"();
    /// A resident has no account to share.
    personal aid_no_account = "mutual-aid.no-account"();
    /// From there to how relatives are bound.
    public to_binding = "mutual-aid.to-binding"(key: Key);
    /// How relatives are bound.
    public binding = "mutual-aid.binding"();
    /// The state of the member's card.
    personal card_status = "card.status"(tail: Tail, status: Word);
    /// The card was reported lost by telephone; the last day that holds.
    personal card_reported = "card.reported"(tail: Tail, since: Date, until: Date);
    /// What that means, and what to do next.
    personal card_reported_advice = "card.reported.advice"();
    /// The card can be used.
    personal card_normal = "card.normal"();
    /// The card must be activated first.
    personal card_inactive = "card.inactive"();
    /// The loss was reported elsewhere.
    personal card_temporary_loss = "card.temporary-loss"();
    /// The loss was reported for good.
    personal card_formal_loss = "card.formal-loss"();
    /// How a card is unlocked.
    personal card_locked = "card.locked"();
    /// The card is no more.
    personal card_cancelled = "card.cancelled"();
    /// The member has no card.
    personal no_card = "card.none"();
    /// Which card is to be reported lost.
    personal loss_of = "card.loss.of"(tail: Tail);
    /// What a report does and does not do; asks whether to make it.
    public confirm_loss = "card.loss.confirm"(days: Count, yes: Key, no: Key);
    /// It is made; the last day it holds.
    personal loss_reported = "card.loss.reported"(days: Count, until: Date);
    /// What is left to do after it.
    public loss_next = "card.loss.next"();
    /// Asks whether a report that there is should hold longer.
    public confirm_renewal = "card.renewal.confirm"(days: Count, yes: Key, no: Key);
    /// It does; the last day it holds.
    personal loss_renewed = "card.renewal.done"(until: Date);
    /// Asks whether to take a report back.
    public confirm_release = "card.release.confirm"(yes: Key, no: Key);
    /// It is taken back, and the card is what it was before.
    personal loss_released = "card.release.done"(status: Word);
    /// There is no report by telephone.
    personal nothing_to_release = "card.release.nothing"();
    /// The caller has chosen to leave it as it is.
    public card_unchanged = "card.unchanged"();
    /// What was asked for may or may not have been done.
    public card_uncertain = "card.uncertain"();

    /// The query cannot be answered now: the store is away or overloaded.
    public query_unavailable = "query.unavailable"();

    /// The caller is being connected to a person.
    public connecting = "person.connecting"();
    /// Nobody took the call.
    public not_answered = "person.not-answered"();
    /// Outside the hours of people.
    public person_closed = "person.closed"();
    /// The hours of people, on a range of days.
    public person_hours = "person.hours"(days: Weekdays, from: Time, to: Time);
    /// Today is a public holiday.
    public person_holiday = "person.holiday"();
    /// When people answer next.
    public person_next = "person.next"(day: Date, from: Time);
    /// Offered first in every menu to older callers.
    public elder_person = "elder.person"();

    /// How many are before a caller who waits, and for how long.
    public queue_position = "queue.position"(ahead: Count, wait: Minutes);
    /// How many are before a caller who waits.
    public queue_ahead = "queue.ahead"(ahead: Count);
    /// Nobody is before them.
    public queue_next = "queue.next"();
    /// The platform does not tell how many there are.
    public queue_waiting = "queue.waiting"();
    /// How not to wait any longer, where the line takes messages: who leaves is called back in their turn.
    public queue_call_back = "queue.call-back"(key: Key);
    /// How not to wait any longer, elsewhere.
    public queue_leave = "queue.leave"(key: Key);
    /// For who has left a queue and wants nothing more of it.
    public queue_no_call_back = "queue.no-call-back"(key: Key);

    /// Asks how it was.
    public rating_ask = "rating.ask"();
    /// 非常满意.
    public rating_very_satisfied = "rating.very-satisfied"(key: Key);
    /// 满意.
    public rating_satisfied = "rating.satisfied"(key: Key);
    /// 一般.
    public rating_fair = "rating.fair"(key: Key);
    /// 不满意.
    public rating_dissatisfied = "rating.dissatisfied"(key: Key);
    /// Asks why it was not good.
    public rating_why = "rating.why"();
    /// 没解决.
    public rating_unsolved = "rating.unsolved"(key: Key);
    /// 态度.
    public rating_manner = "rating.manner"(key: Key);
    /// 等待太久.
    public rating_wait = "rating.wait"(key: Key);
    /// For the rating.
    public rating_thanks = "rating.thanks"();

    /// That a message can be left, by this key of the main menu.
    public leave_message = "person.leave-message"(key: Key);

    /// Asks at which number to be called back.
    public choose_phone = "message.choose-phone"();
    /// The number the caller calls from.
    public own_phone = "message.own-phone"(tail: Tail, key: Key);
    /// Another number than that.
    public other_phone = "message.other-phone"(key: Key);
    /// A number, when that of the caller is not known.
    public leave_phone = "message.leave-phone"(key: Key);
    /// No number: nobody answers then.
    public no_phone = "message.no-phone"(key: Key);
    /// Asks for a telephone number.
    public enter_phone = "message.enter-phone"();
    /// That is no telephone number.
    public phone_incomplete = "message.phone-incomplete"();
    /// What a message should say.
    public say_message = "message.say-message"();
    /// What a complaint should say.
    public say_complaint = "message.say-complaint"();
    /// What a suggestion should say.
    public say_suggestion = "message.say-suggestion"();
    /// How long it may be, and how it ends; the tone follows.
    public record = "message.record"(longest: Minutes, finish: Key);
    /// Nothing was recorded.
    public nothing_recorded = "message.nothing-recorded"();
    /// Send it, record it again, or take it back.
    public review_message = "message.review"(send: Key, again: Key, discard: Key);
    /// The recording could not be kept.
    public message_not_kept = "message.not-kept"();
    /// The recording is kept, whatever happens now.
    public message_kept = "message.kept"();
    /// It was taken back.
    public message_discarded = "message.discarded"();
    /// Its number, and when staff answer.
    public message_sent = "message.sent"(number: Number, within: Count);
    /// The number of a suggestion that nobody can answer to.
    public suggestion_sent = "message.sent-without-phone"(number: Number);
    /// The number of a callback, which keeps its place in the queue.
    public callback_asked = "message.callback"(number: Number, within: Count);
    /// Asks for the number of a message.
    public enter_message_number = "message.enter-number"();
    /// Not eight digits.
    public message_number_incomplete = "message.number-incomplete"();
    /// There is no such message.
    public message_unknown = "message.unknown"();
    /// Too many numbers were tried that there are not.
    public message_tries_used_up = "message.tries-used-up"();
    /// It has come in.
    public message_received = "message.received"(day: Date);
    /// Somebody works on it.
    public message_taken = "message.taken"(day: Date);
    /// It is answered.
    public message_answered = "message.answered"(day: Date);
    /// It is done with.
    public message_closed = "message.closed"(day: Date);

    /// The answer to what was keyed takes long: said meanwhile by platforms that can.
    public a_moment = "hold.a-moment"();

    /// The menu the caller was in is no longer there.
    public menu_changed = "call.menu-changed"();
    /// A webhook of this call failed; it goes on from the greeting.
    public resumed = "call.resumed"();
    /// The call has lasted too long.
    public too_long = "call.too-long"();
    /// The last words.
    public goodbye = "call.goodbye"();
    /// The last-resort answer, whatever went wrong.
    public busy = "call.busy"();
}
