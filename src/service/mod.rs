//! What a [`Request`] does: the only way from a call to the store.
//!
//! Each request of a turn is done once, in one transaction with its counters and its audit row; asked again, the stored
//! answer is given again. Nothing personal leaves without an audit row, and nothing at all after the call has ended.
//! Trouble of any kind is [`Answer::Unavailable`]: the caller is told to try later, never left waiting.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::call::caller::{Call, CallEnd};
use crate::dialog::{Answer, Request};
use crate::member::Identifier;
use crate::store::audit::Event;
use crate::store::effects::TurnKey;
use crate::store::members::{KeyedPin, PinForm, PinRecord};
use crate::store::messages::MessageLimits;
use crate::store::throttle::TryLimits;
use crate::store::{Store, StoreError};

mod accounts;
mod hash;
mod loss_report;
mod messages;
mod people;
mod pin;
mod precautions;
mod sign_in;
pub mod spray;

use accounts::Read;
pub use hash::{HashSettings, Hasher};
use loss_report::Loss;
pub(crate) use sign_in::is_in_force;
use spray::{Spray, SpraySettings};

/// Why a request was not done. Whether a PIN was right never shows here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// As many PINs as may wait to be hashed are waiting. No try was taken.
    #[error("too many PINs wait to be checked")]
    QueueFull,
    /// The hash itself failed, or the process is ending.
    #[error("a PIN could not be hashed")]
    Hash,
    /// The sign-in has run out. The dialog asks only while it holds, so clocks disagree.
    #[error("asked with a sign-in that has run out")]
    SignedOut,
}

/// Does what calls ask.
#[derive(Clone, Debug)]
pub struct Services {
    store: Store,
    hasher: Arc<Hasher>,
    limits: Arc<ArcSwap<TryLimits>>,
    messages: MessageLimits,
    spray: Arc<Spray>,
}

impl Services {
    /// Over `store`, checking PINs with `hasher`, with so many tries as `limits` tells.
    #[must_use]
    pub fn new(store: Store, hasher: Hasher, limits: TryLimits) -> Self {
        Self {
            store,
            hasher: Arc::new(hasher),
            limits: Arc::new(ArcSwap::from_pointee(limits)),
            messages: MessageLimits::default(),
            spray: Arc::new(Spray::new(SpraySettings::default())),
        }
    }

    /// With other limits on messages than the default ones.
    #[must_use]
    pub fn with_messages(self, messages: MessageLimits) -> Self {
        Self { messages, ..self }
    }

    /// The same, with other thresholds for what looks like an attack.
    #[must_use]
    pub fn watching(self, settings: SpraySettings) -> Self {
        Self { spray: Arc::new(Spray::new(settings)), ..self }
    }

    /// How much sign-ins on this node look like an attack, from 0 to 3.
    #[must_use]
    pub fn spray_level(&self) -> u8 {
        self.spray.level()
    }

    /// From now on a call may try so many PINs: as many as the most patient line in force lets it.
    pub fn allow_pins_per_call(&self, most: u16) {
        self.limits.rcu(|limits| TryLimits { per_call: most, ..TryLimits::clone(limits) });
    }

    /// The store behind.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many PIN hashes were begun: every PIN that is looked at costs exactly one, whoever's it is.
    #[must_use]
    pub fn hashes_run(&self) -> u64 {
        self.hasher.runs()
    }

    /// Does what turn `turn` of `call` asks, once.
    pub async fn perform(&self, call: &Call, turn: u16, request: Request) -> Answer {
        let turn = TurnKey::new(call, turn);
        let done = match request {
            Request::Identify(identifier) => Ok(self.identify(&identifier).await),
            Request::Guard => Ok(self.guard(&turn).await),
            Request::SignIn { who, pin, initial } => self.sign_in(call, &turn, who, pin, initial).await,
            Request::CheckPin { proof, pin } => self.check_old_pin(call, &turn, proof, pin).await,
            Request::ProveSecond { first, number } => self.prove_second(call, &turn, first, &number).await,
            Request::JudgePin { grant, pin, initial } => self.judge_pin(call, &turn, grant, pin, initial).await,
            Request::ChangePin { grant, draft, pin } => self.change_pin(call, &turn, grant, draft, pin).await,
            Request::PersonalBalance(proof) => self.read(call, &turn, proof, Read::PersonalBalance).await,
            Request::PooledFund(proof) => self.read(call, &turn, proof, Read::PooledFund).await,
            Request::Transactions { proof, which, size, page } => {
                self.read(call, &turn, proof, Read::Transactions(which, size, page)).await
            }
            Request::Message(request) => self.message(call, &turn, request).await,
            Request::Coverage(proof) => self.read(call, &turn, proof, Read::Coverage).await,
            Request::Rate(rating) => self.rate(&turn, rating).await,
            Request::MutualAid(proof) => self.read(call, &turn, proof, Read::MutualAid).await,
            Request::Card(proof) => self.read(call, &turn, proof, Read::Card).await,
            Request::ReportLoss(proof, term) => self.loss(call, &turn, proof, Loss::Report(term)).await,
            Request::RenewLoss(proof, term) => self.loss(call, &turn, proof, Loss::Renew(term)).await,
            Request::ReleaseLoss(proof) => self.loss(call, &turn, proof, Loss::Release).await,
        };
        done.unwrap_or_else(|trouble| {
            tracing::warn!(dialect = turn.dialect, call = %turn.call, turn = turn.turn, %trouble, "request not served");
            Answer::Unavailable
        })
    }

    /// The call is over: nothing personal is answered to it any more.
    pub async fn end_call(&self, call: &Call, how: CallEnd) {
        let (dialect, id) = (call.dialect, call.id.clone());
        let ended = self
            .store
            .write(move |mut tx| {
                Box::pin(async move {
                    tx.end_call(dialect, &id).await?;
                    tx.send_drafts_of(dialect, &id).await
                })
            })
            .await;
        if let Err(trouble) = ended {
            // What was signed in ends by itself in minutes, and the sweep forgets the call in a day.
            tracing::warn!(dialect, call = %call.id, ?how, %trouble, "end of call not stored");
        }
    }

    /// Forgets what no call needs any more: run every minute or so.
    ///
    /// # Errors
    /// What [`StoreError`] names; the next run does what this one did not.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.level_changed(self.spray.look(self.store.clock().now())).await;
        let (limits, messages) = (self.limits.load_full(), self.messages);
        self.store
            .write(move |mut tx| {
                Box::pin(async move {
                    tx.sweep_calls().await?;
                    tx.sweep_tries(&limits).await?;
                    tx.sweep_messages(&messages).await
                })
            })
            .await
    }

    /// Gives whoever has the number `identifier` all tries back: `operator` has made sure who they are.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn reset_tries(&self, identifier: &Identifier, operator: &str) -> Result<(), StoreError> {
        let who = self.store.seals().member_key(identifier);
        let turn = TurnKey { dialect: "operator", call: operator.into(), turn: 0 };
        self.store
            .write(move |mut tx| {
                Box::pin(async move {
                    let member = tx.find(&who).await?;
                    let person = tx.seals().person(&who, member);
                    tx.reset_tries(&person).await?;
                    tx.audit(Event::TriesReset, &turn, Some(&member.map_or(who.index, |m| m.0)), None);
                    Ok(())
                })
            })
            .await
    }

    /// Hashes the stored PINs of `most` members who have not called since they were imported; how many there were.
    /// For an idle node: it takes the places of callers in the queue.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn harden_pins(&self, most: u16) -> Result<usize, StoreError> {
        let pins = self.store.keyed_pins(most).await?;
        let count = pins.len();
        for pin in pins {
            let hardened = self.hardened(&pin).await.map_err(|_| StoreError::Unavailable("no hash"))?;
            self.store.harden_pin(pin, hardened).await?;
        }
        Ok(count)
    }

    async fn hardened(&self, pin: &KeyedPin) -> Result<PinRecord, Trouble> {
        let place = self.hasher.admit().ok_or(Trouble::QueueFull)?;
        let form = PinForm::hashed(self.hasher.cost())?;
        let PinForm::Argon2id(cost, salt) = form else { return Err(Trouble::Hash) };
        let record = &pin.stored.record;
        let hash = self.hasher.hash(place, cost, self.store.seals().pepper(), record.hash.into(), salt).await?;
        Ok(record.in_form(*hash, form))
    }
}
