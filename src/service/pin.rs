//! Changing a PIN: what must be shown before, what the new one must be like, and putting it in force.
//!
//! The PIN in force is checked as in a [sign-in](super::sign_in), with the same tries. So is the second number of who has
//! an initial PIN, but that costs no hash. The change itself is one transaction after the hash: it is of the very PIN that
//! was shown (its generation tells), so of two changes at once the second changes nothing, and whoever dies before the
//! commit has changed nothing either.

use super::sign_in::{Asked, Attempt, Purpose, Reserved, conclude, reserve, still_reserved};
use super::{Services, Trouble};
use crate::call::caller::{Call, Caller};
use crate::dialog::{Answer, Denied, FirstProof, NewPin, PinChange, PinCheck, PinGrant, SignedIn};
use crate::member::account::CardStatus;
use crate::member::pin_rule::{self, InitialPinRule, Weakness};
use crate::member::{Identifier, IdentifierKind, MemberId, MemberKey};
use crate::secret::{Pin, PinDraft};
use crate::store::audit::Event;
use crate::store::crypto::number_of;
use crate::store::effects::{Known, TurnKey};
use crate::store::members::{PinForm, Registered};
use crate::store::{StoreError, Tx};

/// Whether whoever has such a card may change the PIN. A card that is lost does not hinder it: who has found it may know
/// the old one.
pub(super) fn may_change(card: CardStatus) -> bool {
    !matches!(card, CardStatus::Locked | CardStatus::Cancelled)
}

/// Where the first look leaves a change.
enum Looked {
    Answered(Answer),
    SignedOut,
    ToDo,
}

/// A change, as its transactions need it.
#[derive(Clone)]
struct Change {
    turn: TurnKey,
    request: [u8; 32],
    grant: PinGrant,
    caller: Option<[u8; 32]>,
}

impl Services {
    /// Checks the PIN in force, which is to be changed.
    pub(super) async fn check_old_pin(
        &self,
        call: &Call,
        turn: &TurnKey,
        proof: SignedIn,
        pin: Pin,
    ) -> Result<Answer, Trouble> {
        let who = by_id(proof.member());
        let request = self.store.seals().request(&[b"old_pin", &who.index, pin.expose()]);
        self.check_pin(self.asked(call, turn, request, who, Purpose::OldPin(proof)), pin).await
    }

    /// Checks a second number of who has an initial PIN.
    pub(super) async fn prove_second(
        &self,
        call: &Call,
        turn: &TurnKey,
        first: FirstProof,
        number: &Identifier,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let (who, key) = (by_id(first.member()), seals.member_key(number));
        let request = seals.request(&[b"second_number", &who.index, &[number_of(key.kind)], &key.index]);
        let asked = self.asked(call, turn, request, who, Purpose::SecondNumber(first));
        let reserving = asked.clone();
        match self.store.write(move |tx| Box::pin(reserve(tx, reserving))).await? {
            Reserved::Answered(answer) => Ok(answer),
            Reserved::SignedOut => Err(Trouble::SignedOut),
            Reserved::Taken(attempt) => {
                Ok(self.store.write(move |tx| Box::pin(second_shown(tx, asked, attempt, first, key))).await?)
            }
        }
    }

    /// Looks whether `pin` may be the new one. Neither the PIN nor why it is too easy is kept: a repeated webhook is
    /// answered by looking again.
    pub(super) async fn judge_pin(
        &self,
        call: &Call,
        turn: &TurnKey,
        grant: PinGrant,
        pin: Pin,
        initial: Option<InitialPinRule>,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let member = grant.member();
        let request = seals.request(&[b"new_pin", &member.0, pin.expose()]);
        let (turn, caller) = (turn.clone(), seals.caller(call));
        let from_phone = matches!(&call.caller, Caller::Number(number) if pin_rule::is_from_phone_number(&pin, number));
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                if !grant.holds(tx.now()) {
                    return Ok(None);
                }
                match tx.known(&turn, &request).await? {
                    Known::Ended => return Ok(Some(Answer::CallEnded)),
                    Known::Other => return Ok(Some(Answer::Superseded)),
                    Known::Answered(answer) => return Ok(Some(answer)),
                    Known::Begun => {}
                    Known::New { .. } => {
                        tx.begin(&turn, &request).await?;
                        tx.audit(Event::PinProposed, &turn, Some(&member.0), caller.as_ref());
                    }
                }
                let Registered { id, card, .. } = tx.registered(member).await?;
                let draft = tx.seals().draft(member, &pin);
                let weakness = if draft.matches(&grant.pin().draft) {
                    Some(Weakness::Unchanged)
                } else if initial.is_some_and(|rule| rule.is(&pin, &id, card.as_ref())) {
                    Some(Weakness::Initial)
                } else {
                    let from_phone = from_phone.then_some(Weakness::FromPhoneNumber);
                    pin_rule::weakness(&pin, &id, card.as_ref()).or(from_phone)
                };
                Ok(Some(Answer::NewPin(weakness.map_or(NewPin::Good(draft), NewPin::TooEasy))))
            })
        });
        job.await?.ok_or(Trouble::SignedOut)
    }

    /// Puts `pin` in force, if it is the one that `draft` is of.
    pub(super) async fn change_pin(
        &self,
        call: &Call,
        turn: &TurnKey,
        grant: PinGrant,
        draft: PinDraft,
        pin: Pin,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let member = grant.member();
        let request = seals.request(&[b"change_pin", &member.0, draft.expose(), pin.expose()]);
        let alike = draft.matches(&seals.draft(member, &pin));
        let change = Change { turn: turn.clone(), request, grant, caller: seals.caller(call) };
        // First, so that copies of the webhook cost no hash.
        let looking = change.clone();
        match self.store.write(move |tx| Box::pin(look(tx, looking, alike))).await? {
            Looked::Answered(answer) => return Ok(answer),
            Looked::SignedOut => return Err(Trouble::SignedOut),
            Looked::ToDo => {}
        }
        let Some(place) = self.hasher.admit() else { return Ok(Answer::PinChange(PinChange::TurnedAway)) };
        let form = PinForm::hashed(self.hasher.cost())?;
        let PinForm::Argon2id(cost, salt) = form else { return Err(Trouble::Hash) };
        let hash = self.hasher.hash(place, cost, seals.pepper(), seals.pin(member, &pin), salt).await?;
        Ok(self.store.write(move |tx| Box::pin(put_in_force(tx, change, *hash, form))).await?)
    }
}

/// By what a member is asked for whose number nobody keyed.
fn by_id(member: MemberId) -> MemberKey {
    MemberKey { kind: IdentifierKind::Id, index: member.0 }
}

/// The second transaction of a second number.
async fn second_shown(
    mut tx: Tx<'_>,
    asked: Asked,
    attempt: Attempt,
    first: FirstProof,
    key: MemberKey,
) -> Result<Answer, StoreError> {
    let ended = match still_reserved(tx.known(&asked.turn, &asked.request).await?) {
        Ok(ended) => ended,
        Err(answer) => return Ok(answer),
    };
    let member = first.member();
    let theirs = key.kind == first.second() && tx.has_number(member, &key).await?;
    let grant = if theirs { PinGrant::with_second(first, member, tx.now()) } else { None };
    let (check, event) = match grant {
        Some(grant) => {
            tx.forgive(&attempt.person, asked.caller.as_ref(), &asked.limits).await?;
            // Its own, and that of the initial PIN, which by itself proved nothing.
            tx.uncount_pin(&asked.turn).await?;
            tx.uncount_pin(&asked.turn).await?;
            let open = may_change(tx.card_status(member).await?);
            (if open { PinCheck::Right(grant) } else { PinCheck::CardStopped }, Event::SecondNumberOk)
        }
        None => (PinCheck::Denied(Denied::Refused), Event::SecondNumberRefused),
    };
    conclude(&mut tx, &asked, &member.0, Answer::PinCheck(check), event, ended).await
}

/// Whether there is anything to do.
async fn look(mut tx: Tx<'_>, change: Change, alike: bool) -> Result<Looked, StoreError> {
    let Change { turn, request, grant, .. } = change;
    if !grant.holds(tx.now()) {
        return Ok(Looked::SignedOut);
    }
    Ok(match tx.answered(&turn, &request).await? {
        Some(answer) => Looked::Answered(answer),
        None if alike => Looked::ToDo,
        None => {
            let answer = Answer::PinChange(PinChange::Mismatch);
            tx.answer(&turn, &request, &answer).await?;
            Looked::Answered(answer)
        }
    })
}

/// The one transaction that changes something.
async fn put_in_force(mut tx: Tx<'_>, change: Change, hash: [u8; 32], form: PinForm) -> Result<Answer, StoreError> {
    let Change { turn, request, grant, caller } = change;
    if let Some(answer) = tx.answered(&turn, &request).await? {
        return Ok(answer);
    }
    let member = grant.member();
    let in_force = tx.pin(member).await?.filter(|stored| stored.record.generation == grant.pin().generation);
    let (done, event) = match in_force {
        Some(_) if !may_change(tx.card_status(member).await?) => (PinChange::CardStopped, Event::PinNotChanged),
        Some(stored) if tx.change_pin(member, &stored, hash, form, grant.pin().draft, &turn).await? => {
            (PinChange::Done(SignedIn::by_change(grant, tx.now())), Event::PinChanged)
        }
        _ => (PinChange::Overtaken, Event::PinNotChanged),
    };
    let answer = Answer::PinChange(done);
    tx.answer(&turn, &request, &answer).await?;
    tx.audit(event, &turn, Some(&member.0), caller.as_ref());
    Ok(answer)
}
