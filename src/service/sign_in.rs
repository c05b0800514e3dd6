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

use zeroize::Zeroizing;

use super::hash::QueuePlace;
use super::spray::Verdict;
use super::{Services, Trouble};
use crate::call::caller::Call;
use crate::dialog::{Answer, SignInOutcome, SignedIn};
use crate::member::{MemberId, MemberKey, pin_rule};
use crate::secret::{Pin, PinVerified};
use crate::store::audit::Event;
use crate::store::crypto::{number_of, random};
use crate::store::effects::{Known, TurnKey};
use crate::store::members::{PinForm, PinRecord, StoredPin};
use crate::store::throttle::{Try, TryLimits};
use crate::store::{StoreError, Tx};

/// At this level of [`Spray`](super::spray::Spray) nobody signs in.
const STAFF_ONLY: u8 = 3;

/// Where the first transaction leaves a sign-in.
enum Reserved {
    /// It is answered.
    Answered(Answer),
    /// A try was taken for it.
    Taken(Attempt),
}

/// A try that was taken.
struct Attempt {
    /// Whom the number means, for all that the database tells.
    member: Option<MemberId>,
    /// By what tries are counted.
    person: [u8; 32],
    /// What the PIN must come to.
    stored: Option<StoredPin>,
}

/// What was asked, as both transactions need it.
#[derive(Clone)]
struct Asked {
    turn: TurnKey,
    request: [u8; 32],
    who: MemberKey,
    caller: Option<[u8; 32]>,
    limits: Arc<TryLimits>,
    /// Sign-in by telephone is closed for now.
    closed: bool,
}

/// What hashing told.
struct Checked {
    proof: Option<PinVerified>,
    /// What to store in the place of what is stored, if the PIN was right.
    better: Option<PinRecord>,
}

impl Services {
    pub(super) async fn sign_in(
        &self,
        call: &Call,
        turn: &TurnKey,
        who: MemberKey,
        pin: Pin,
    ) -> Result<Answer, Trouble> {
        let place = self.hasher.admit().ok_or(Trouble::QueueFull)?;
        let seals = self.store.seals();
        let asked = Asked {
            turn: turn.clone(),
            request: seals.request(&[b"sign_in", &[number_of(who.kind)], &who.index, pin.expose()]),
            who,
            caller: seals.caller(call),
            limits: Arc::clone(&self.limits),
            closed: self.spray.level() >= STAFF_ONLY,
        };
        let reserving = asked.clone();
        let reserved = self.store.write(move |tx| Box::pin(reserve(tx, reserving))).await?;
        let attempt = match reserved {
            Reserved::Answered(answer) => return Ok(answer),
            Reserved::Taken(attempt) => attempt,
        };
        let checked = self.check(place, &asked.who, &attempt, &pin).await?;
        let (person, known, keyed) = (attempt.person, attempt.stored.is_some(), pin.clone());
        let answer = self.store.write(move |tx| Box::pin(settle(tx, asked, attempt, checked, pin))).await?;
        let verdict = match answer {
            Answer::SignIn(SignInOutcome::Granted(_)) => Verdict::Right,
            // Hung up meanwhile, or another copy of the webhook was faster: the count is of persons, so twice is once.
            _ if known => Verdict::Wrong,
            _ => Verdict::Unknown,
        };
        self.level_changed(self.spray.pin(self.store.clock().now(), &keyed, &person, verdict)).await;
        Ok(answer)
    }

    /// Exactly one hash, whoever it is and whatever is stored.
    async fn check(
        &self,
        place: QueuePlace,
        who: &MemberKey,
        attempt: &Attempt,
        pin: &Pin,
    ) -> Result<Checked, Trouble> {
        let seals = self.store.seals();
        let stored = attempt.stored.as_ref().map(|stored| &stored.record);
        let keyed = seals.pin(attempt.member.unwrap_or(MemberId(who.index)), pin);
        let (cost, salt) = match stored.map(|record| record.form) {
            Some(PinForm::Argon2id(cost, salt)) => (cost, salt),
            Some(PinForm::Keyed) | None => (self.hasher.cost(), random()?),
        };
        let hash = self.hasher.hash(place, cost, seals.pepper(), keyed.clone(), salt).await?;
        let form = stored.map_or(PinForm::Keyed, |record| record.form);
        let computed = if form == PinForm::Keyed { &keyed } else { &hash };
        let proof = PinVerified::check(computed, stored.map(|record| &record.hash));
        let better = stored.and_then(|record| match form {
            PinForm::Keyed => Some((&hash, PinForm::Argon2id(cost, salt), record.initial)),
            // Other settings now: back to the keyed form, and the next sign-in hashes it anew. So one hash is enough
            // even then.
            PinForm::Argon2id(..) if cost != self.hasher.cost() => Some((&keyed, PinForm::Keyed, record.initial)),
            PinForm::Argon2id(..) => None,
        });
        let better =
            better.map(|(hash, form, initial): (&Zeroizing<[u8; 32]>, _, _)| PinRecord { hash: **hash, form, initial });
        Ok(Checked { proof, better })
    }
}

/// The first transaction.
async fn reserve(mut tx: Tx<'_>, asked: Asked) -> Result<Reserved, StoreError> {
    let Asked { turn, request, who, caller, limits, closed } = asked;
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
            Some((SignInOutcome::Closed, Event::SignInClosed))
        } else if pin_tries >= i64::from(limits.per_call) {
            Some((SignInOutcome::Refused, Event::PinCallLimit))
        } else {
            match tx.take_try(&person, caller.as_ref(), &limits).await? {
                Try::Taken => None,
                Try::TakenInLock => {
                    taken = Event::KnownCallerTry;
                    None
                }
                Try::CallerLimit => Some((SignInOutcome::CallerLimit, Event::CallerLimit)),
                Try::Locked(until) if TryLimits::is_for_ever(until) => Some((SignInOutcome::Barred, Event::PinLocked)),
                Try::Locked(until) => Some((SignInOutcome::Locked { until, at: tx.now() }, Event::PinLocked)),
            }
        };
        if let Some((outcome, event)) = answered {
            let answer = Answer::SignIn(outcome);
            tx.finish(&turn, &answer).await?;
            tx.audit(event, &turn, Some(&shown), caller.as_ref()).await?;
            return Ok(Reserved::Answered(answer));
        }
        tx.count_pin(&turn).await?;
    }
    let stored = match member {
        Some(member) => tx.pin(member).await?,
        None => None,
    };
    if pin_tries.is_some() {
        tx.audit(taken, &turn, Some(&shown), caller.as_ref()).await?;
    }
    Ok(Reserved::Taken(Attempt { member, person, stored }))
}

/// The second transaction.
async fn settle(
    mut tx: Tx<'_>,
    asked: Asked,
    attempt: Attempt,
    checked: Checked,
    pin: Pin,
) -> Result<Answer, StoreError> {
    let Asked { turn, request, who, caller, limits, .. } = asked;
    let ended = match tx.known(&turn, &request).await? {
        // Another copy of the webhook was faster.
        Known::Answered(answer) => return Ok(answer),
        Known::Begun => false,
        Known::Ended => true,
        // The turn was swept away, hours after it began: it is nobody's any more.
        Known::Other | Known::New { .. } => return Ok(Answer::Superseded),
    };
    let (outcome, event) = match (checked.proof, attempt.member, attempt.stored) {
        (Some(proof), Some(member), Some(stored)) => {
            if let Some(better) = &checked.better {
                tx.replace_pin(member, &stored, better).await?;
            }
            let (id, card) = tx.numbers(member).await?;
            if stored.record.initial || pin_rule::weakness(&pin, &id, card.as_ref()).is_some() {
                // What anybody could guess proves nothing: it forgives no failure, and the try stays spent.
                (SignInOutcome::InitialPin, Event::InitialPin)
            } else {
                tx.forgive(&attempt.person, caller.as_ref(), &limits).await?;
                tx.uncount_pin(&turn).await?;
                (SignInOutcome::Granted(SignedIn::grant(proof, member, tx.now())), Event::SignInOk)
            }
        }
        _ => (SignInOutcome::Refused, Event::SignInRefused),
    };
    let answer = Answer::SignIn(outcome);
    if !ended {
        tx.finish(&turn, &answer).await?;
    }
    tx.audit(event, &turn, Some(&attempt.member.map_or(who.index, |member| member.0)), caller.as_ref()).await?;
    // Hung up while the PIN was hashed: it counts, but nobody is there to be told.
    Ok(if ended { Answer::CallEnded } else { answer })
}
