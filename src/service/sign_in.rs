//! Checking a PIN: reserve, then verify.
//!
//! 1. A place in the hash queue. Full: turned away, and no try is lost.
//! 2. One transaction takes a try, writes that it was taken, and reserves the turn.
//! 3. The hash, outside of any transaction, on a thread of its own.
//! 4. One transaction writes how it went and keeps the answer.
//!
//! Whoever dies between 2 and 4 leaves a try that is spent: the repeated webhook finds the turn reserved and goes on with
//! *that* try. It asks with the same PIN (the digest tells), so hashing it again tells nobody anything new.
//!
//! Unknown people, people without a PIN and wrong PINs take the same way at the same cost. Within a lock nothing is
//! hashed at all: what a lock says is heard anyway, and the PIN is not even looked at, so nothing about it can show. The
//! same holds for a number that has called for too many people, and while sign-in is closed.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::hash::{Hasher, QueuePlace};
use super::pin::may_change;
use super::spray::Verdict;
use super::{Services, Trouble};
use crate::call::caller::Call;
use crate::dialog::{Answer, Denied, FirstProof, PinCheck, PinGrant, PinInForce, SignInOutcome, SignedIn, Welcome};
use crate::member::pin_rule::InitialPinRule;
use crate::member::{IdentifierKind, MemberId, MemberKey, pin_rule};
use crate::secret::{Pin, PinVerified};
use crate::store::audit::Event;
use crate::store::crypto::{number_of, random};
use crate::store::effects::{Known, TurnKey};
use crate::store::members::{PinForm, PinRecord, Registered, StoredPin};
use crate::store::throttle::{Try, TryLimits};
use crate::store::{Store, StoreError, Tx};

/// At this level of [`Spray`](super::spray::Spray) nobody signs in.
const STAFF_ONLY: u8 = 3;

/// What a right PIN is to open.
#[derive(Clone)]
pub(super) enum Purpose {
    /// The accounts, unless it is one of these initial ones.
    SignIn(Option<InitialPinRule>),
    /// The way to another PIN.
    OldPin(SignedIn),
    /// The same for who has an initial PIN and shows a second number.
    SecondNumber(FirstProof),
}

impl Purpose {
    /// Whether what it is asked with still holds at `now`.
    fn holds(&self, now: Timestamp) -> bool {
        match self {
            Self::SignIn(_) => true,
            Self::OldPin(proof) => proof.holds(now),
            Self::SecondNumber(first) => first.holds(now),
        }
    }

    /// The answer to what opens nothing.
    pub(super) fn denied(&self, denied: Denied) -> Answer {
        match self {
            Self::SignIn(_) => Answer::SignIn(denied.into()),
            Self::OldPin(_) | Self::SecondNumber(_) => Answer::PinCheck(PinCheck::Denied(denied)),
        }
    }

    fn refused(&self) -> Event {
        match self {
            Self::SignIn(_) => Event::SignInRefused,
            Self::OldPin(_) => Event::OldPinRefused,
            Self::SecondNumber(_) => Event::SecondNumberRefused,
        }
    }
}

/// Where the first transaction leaves a check.
pub(super) enum Reserved {
    /// It is answered.
    Answered(Answer),
    /// What it was asked with has run out.
    SignedOut,
    /// A try was taken for it.
    Taken(Attempt),
}

/// A try that was taken.
pub(super) struct Attempt {
    /// Whom the number means, for all that the database tells.
    pub(super) member: Option<MemberId>,
    /// By what tries are counted.
    pub(super) person: [u8; 32],
    /// What the PIN must come to.
    stored: Option<StoredPin>,
}

/// What was asked, as both transactions need it.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) turn: TurnKey,
    pub(super) request: [u8; 32],
    pub(super) who: MemberKey,
    pub(super) caller: Option<[u8; 32]>,
    pub(super) limits: Arc<TryLimits>,
    pub(super) purpose: Purpose,
    /// Sign-in by telephone is closed for now.
    pub(super) closed: bool,
}

/// What hashing told.
struct Checked {
    proof: Option<PinVerified>,
    /// What to store in the place of what is stored, if the PIN was right.
    better: Option<PinRecord>,
}

/// A PIN that was right.
struct Right {
    proof: PinVerified,
    member: MemberId,
    stored: StoredPin,
    better: Option<PinRecord>,
    pin: Pin,
}

impl Services {
    pub(super) async fn sign_in(
        &self,
        call: &Call,
        turn: &TurnKey,
        who: MemberKey,
        pin: Pin,
        initial: Option<InitialPinRule>,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let request = seals.request(&[b"sign_in", &[number_of(who.kind)], &who.index, pin.expose()]);
        let asked = self.asked(call, turn, request, who, Purpose::SignIn(initial));
        self.check_pin(asked, pin).await
    }

    pub(super) fn asked(
        &self,
        call: &Call,
        turn: &TurnKey,
        request: [u8; 32],
        who: MemberKey,
        purpose: Purpose,
    ) -> Asked {
        let caller = self.store.seals().caller(call);
        let closed = self.spray.level() >= STAFF_ONLY;
        Asked { turn: turn.clone(), request, who, caller, limits: self.limits.load_full(), purpose, closed }
    }

    /// Checks `pin`, for whatever it is to open.
    pub(super) async fn check_pin(&self, asked: Asked, pin: Pin) -> Result<Answer, Trouble> {
        let place = self.hasher.admit().ok_or(Trouble::QueueFull)?;
        let reserving = asked.clone();
        let reserved = self.store.write(move |tx| Box::pin(reserve(tx, reserving))).await?;
        let attempt = match reserved {
            Reserved::Answered(answer) => return Ok(answer),
            Reserved::SignedOut => return Err(Trouble::SignedOut),
            Reserved::Taken(attempt) => attempt,
        };
        let checked = check(&self.store, &self.hasher, place, &asked.who, &attempt, &pin).await?;
        let (person, known, keyed) = (attempt.person, attempt.stored.is_some(), pin.clone());
        let answer = self.store.write(move |tx| Box::pin(settle(tx, asked, attempt, checked, pin))).await?;
        let verdict = match answer {
            Answer::SignIn(SignInOutcome::Granted(..)) | Answer::PinCheck(PinCheck::Right(_)) => Verdict::Right,
            // Hung up meanwhile, or another copy of the webhook was faster: the count is of persons, so twice is once.
            _ if known => Verdict::Wrong,
            _ => Verdict::Unknown,
        };
        self.level_changed(self.spray.pin(self.store.clock().now(), &keyed, &person, verdict)).await;
        Ok(answer)
    }
}

/// Whether `pin` is the one in force of `member`. No try is taken and nothing is written, so it takes a hasher of one's own: who
/// answers calls has none to give.
pub(crate) async fn is_in_force(store: &Store, hasher: &Hasher, member: MemberId, pin: &Pin) -> Result<bool, Trouble> {
    let stored = store.read(move |mut tx| Box::pin(async move { tx.pin(member).await })).await?;
    let place = hasher.admit().ok_or(Trouble::QueueFull)?;
    let who = MemberKey { kind: IdentifierKind::Id, index: member.0 };
    let attempt = Attempt { member: Some(member), person: member.0, stored };
    Ok(check(store, hasher, place, &who, &attempt, pin).await?.proof.is_some())
}

/// Exactly one hash, whoever it is and whatever is stored.
async fn check(
    store: &Store,
    hasher: &Hasher,
    place: QueuePlace,
    who: &MemberKey,
    attempt: &Attempt,
    pin: &Pin,
) -> Result<Checked, Trouble> {
    let seals = store.seals();
    let stored = attempt.stored.as_ref().map(|stored| &stored.record);
    let keyed = seals.pin(attempt.member.unwrap_or(MemberId(who.index)), pin);
    let (cost, salt) = match stored.map(|record| record.form) {
        Some(PinForm::Argon2id(cost, salt)) => (cost, salt),
        Some(PinForm::Keyed) | None => (hasher.cost(), random()?),
    };
    let hash = hasher.hash(place, cost, seals.pepper(), keyed.clone(), salt).await?;
    let form = stored.map_or(PinForm::Keyed, |record| record.form);
    let computed = if form == PinForm::Keyed { &keyed } else { &hash };
    let proof = PinVerified::check(computed, stored.map(|record| &record.hash));
    let better = stored.and_then(|record| match form {
        PinForm::Keyed => Some(record.in_form(*hash, PinForm::Argon2id(cost, salt))),
        // Other settings now: back to the keyed form, and the next sign-in hashes it anew. So one hash is enough
        // even then.
        PinForm::Argon2id(..) if cost != hasher.cost() => Some(record.in_form(*keyed, PinForm::Keyed)),
        PinForm::Argon2id(..) => None,
    });
    Ok(Checked { proof, better })
}

/// The first transaction.
pub(super) async fn reserve(mut tx: Tx<'_>, asked: Asked) -> Result<Reserved, StoreError> {
    let Asked { turn, request, who, caller, limits, purpose, closed } = asked;
    if !purpose.holds(tx.now()) {
        return Ok(Reserved::SignedOut);
    }
    let known = tx.known(&turn, &request).await?;
    let pin_tries = match known {
        Known::Ended => return Ok(Reserved::Answered(Answer::CallEnded)),
        Known::Other => return Ok(Reserved::Answered(Answer::Superseded)),
        Known::Answered(answer) => return Ok(Reserved::Answered(answer)),
        Known::Begun => None,
        Known::New { pin_tries } => Some(pin_tries),
    };
    let member = tx.find(&who).await?;
    let person = tx.seals().person(&who, member);
    let shown = member.map_or(who.index, |member| member.0);
    let mut taken = Event::PinTry;
    if let Some(pin_tries) = pin_tries {
        tx.begin(&turn, &request).await?;
        let answered = if closed {
            Some((Denied::Closed, Event::SignInClosed))
        } else if pin_tries >= i64::from(limits.per_call) {
            Some((Denied::Refused, Event::PinCallLimit))
        } else {
            match tx.take_try(&person, caller.as_ref(), &limits).await? {
                Try::Taken => None,
                Try::TakenInLock => {
                    taken = Event::KnownCallerTry;
                    None
                }
                Try::CallerLimit => Some((Denied::CallerLimit, Event::CallerLimit)),
                Try::Locked(until) if TryLimits::is_for_ever(until) => Some((Denied::Barred, Event::PinLocked)),
                Try::Locked(until) => Some((Denied::Locked { until, at: tx.now() }, Event::PinLocked)),
            }
        };
        if let Some((denied, event)) = answered {
            let answer = purpose.denied(denied);
            tx.finish(&turn, &answer).await?;
            tx.audit(event, &turn, Some(&shown), caller.as_ref());
            return Ok(Reserved::Answered(answer));
        }
        tx.count_pin(&turn).await?;
    }
    let stored = match member {
        Some(member) => tx.pin(member).await?,
        None => None,
    };
    if pin_tries.is_some() {
        tx.audit(taken, &turn, Some(&shown), caller.as_ref());
    }
    Ok(Reserved::Taken(Attempt { member, person, stored }))
}

/// Whether the call has ended while a try that was reserved was looked at; an answer, if nothing is left to do.
pub(super) fn still_reserved(known: Known) -> Result<bool, Answer> {
    match known {
        // Another copy of the webhook was faster.
        Known::Answered(answer) => Err(answer),
        Known::Begun => Ok(false),
        Known::Ended => Ok(true),
        // The turn was swept away, hours after it began: it is nobody's any more.
        Known::Other | Known::New { .. } => Err(Answer::Superseded),
    }
}

/// The second transaction.
async fn settle(
    mut tx: Tx<'_>,
    asked: Asked,
    attempt: Attempt,
    checked: Checked,
    pin: Pin,
) -> Result<Answer, StoreError> {
    let ended = match still_reserved(tx.known(&asked.turn, &asked.request).await?) {
        Ok(ended) => ended,
        Err(answer) => return Ok(answer),
    };
    let Attempt { member, person, stored } = attempt;
    let (answer, event) = match (checked.proof, member, stored) {
        (Some(proof), Some(member), Some(stored)) => {
            let right = Right { proof, member, stored, better: checked.better, pin };
            match &asked.purpose {
                Purpose::SignIn(initial) => signed_in(&mut tx, &asked, &person, right, initial.as_ref(), ended).await?,
                _ => old_pin_shown(&mut tx, &asked, &person, right).await?,
            }
        }
        _ => (asked.purpose.denied(Denied::Refused), asked.purpose.refused()),
    };
    let shown = member.map_or(asked.who.index, |member| member.0);
    conclude(&mut tx, &asked, &shown, answer, event, ended).await
}

/// Writes how a check went, and keeps the answer unless nobody is there any more to be told.
pub(super) async fn conclude(
    tx: &mut Tx<'_>,
    asked: &Asked,
    shown: &[u8; 32],
    answer: Answer,
    event: Event,
    ended: bool,
) -> Result<Answer, StoreError> {
    if !ended {
        tx.finish(&asked.turn, &answer).await?;
    }
    tx.audit(event, &asked.turn, Some(shown), asked.caller.as_ref());
    // Hung up while the PIN was hashed: it counts, but nobody is there to be told.
    Ok(if ended { Answer::CallEnded } else { answer })
}

/// What a right PIN opens to who signs in.
async fn signed_in(
    tx: &mut Tx<'_>,
    asked: &Asked,
    person: &[u8; 32],
    right: Right,
    initial: Option<&InitialPinRule>,
    ended: bool,
) -> Result<(Answer, Event), StoreError> {
    let Right { proof, member, stored, better, pin } = right;
    let Registered { id, card, scheme } = tx.registered(member).await?;
    let card = card.as_ref();
    if stored.record.initial
        || pin_rule::weakness(&pin, &id, card).is_some()
        || initial.is_some_and(|rule| rule.is(&pin, &id, card))
    {
        if let Some(better) = &better {
            tx.replace_pin(member, &stored, better).await?;
        }
        // What anybody could guess proves nothing: it forgives no failure, and the try stays spent.
        let second = match asked.who.kind {
            IdentifierKind::Id => card.map(|_| IdentifierKind::Card),
            IdentifierKind::Card | IdentifierKind::Personal => Some(IdentifierKind::Id),
        };
        let in_force = in_force(tx, member, &stored.record, &pin);
        let first = second.map(|second| FirstProof::grant(proof, member, in_force, second, tx.now()));
        return Ok((Answer::SignIn(SignInOutcome::InitialPin(first)), Event::InitialPin));
    }
    let news = stored.record.news(&tx.seals().call(asked.turn.dialect, &asked.turn.call)).filter(|_| !ended);
    let record = match (better, news) {
        (better, Some(_)) => Some(better.unwrap_or_else(|| stored.record.clone()).told()),
        (better, None) => better,
    };
    let replaced = match &record {
        Some(record) => tx.replace_pin(member, &stored, record).await?,
        None => false,
    };
    // Told by whoever has written that it is told.
    let pin_changed = news.filter(|_| replaced);
    if pin_changed.is_some() {
        tx.audit(Event::PinChangeTold, &asked.turn, Some(&member.0), asked.caller.as_ref());
    }
    tx.forgive(person, asked.caller.as_ref(), &asked.limits).await?;
    tx.uncount_pin(&asked.turn).await?;
    let age = age(id.birth_date(), tx.now());
    let welcome = Welcome { age, without_account: !scheme.has_personal_account(), pin_changed };
    let granted = SignInOutcome::Granted(SignedIn::grant(proof, member, tx.now()), welcome);
    Ok((Answer::SignIn(granted), Event::SignInOk))
}

/// What a right PIN opens to who wants another.
async fn old_pin_shown(
    tx: &mut Tx<'_>,
    asked: &Asked,
    person: &[u8; 32],
    right: Right,
) -> Result<(Answer, Event), StoreError> {
    let Right { proof, member, stored, better, pin } = right;
    if let Some(better) = &better {
        tx.replace_pin(member, &stored, better).await?;
    }
    tx.forgive(person, asked.caller.as_ref(), &asked.limits).await?;
    tx.uncount_pin(&asked.turn).await?;
    let check = if may_change(tx.card_status(member).await?) {
        let in_force = in_force(tx, member, &stored.record, &pin);
        PinCheck::Right(PinGrant::grant(proof, member, in_force, tx.now()))
    } else {
        PinCheck::CardStopped
    };
    Ok((Answer::PinCheck(check), Event::OldPinOk))
}

fn in_force(tx: &Tx<'_>, member: MemberId, record: &PinRecord, pin: &Pin) -> PinInForce {
    PinInForce { generation: record.generation, draft: tx.seals().draft(member, pin) }
}

/// How old somebody is who was born on `birth`, by the calendar of China.
fn age(birth: Date, now: Timestamp) -> u8 {
    let today = Offset::constant(8).to_datetime(now).date();
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    let years = today.year() - birth.year() - i16::from(!had_birthday);
    u8::try_from(years.max(0)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_year_older_from_the_birthday_on_in_china() {
        let at = |now: &str| age(date(1961, 7, 3), now.parse().unwrap());
        assert_eq!(at("2026-07-02T23:59:59+08:00"), 64);
        assert_eq!(at("2026-07-03T00:00:00+08:00"), 65);
        assert_eq!(age(date(1964, 2, 29), "2029-02-28T12:00:00+08:00".parse().unwrap()), 64);
        assert_eq!(age(date(1964, 2, 29), "2029-03-01T12:00:00+08:00".parse().unwrap()), 65);
        assert_eq!(age(date(2030, 1, 1), "2026-07-03T00:00:00+08:00".parse().unwrap()), 0);
    }
}
