//! What callers leave for the staff: kept once, whatever the platform repeats, and never lost with the call.

use super::{Services, Trouble};
use crate::call::caller::{Call, Caller};
use crate::dialog::{About, Answer, Kept, MessageAnswer, MessageRequest};
use crate::member::message::{MessageKind, MessageNumber};
use crate::member::phone_number::{Callable, PhoneNumber, SealedPhone};
use crate::store::audit::Event;
use crate::store::effects::{Known, TurnKey};
use crate::store::messages::{Content, NewMessage};

impl Services {
    pub(super) async fn message(
        &self,
        call: &Call,
        turn: &TurnKey,
        request: MessageRequest,
    ) -> Result<Answer, Trouble> {
        match request {
            MessageRequest::OwnNumber => {
                let own = match &call.caller {
                    Caller::Number(number) => PhoneNumber::from_caller(number),
                    Caller::Withheld => None,
                };
                let own = own.map(|number| self.callable(call, &number)).transpose()?;
                Ok(Answer::Message(MessageAnswer::Number(own)))
            }
            MessageRequest::Seal(number) => {
                Ok(Answer::Message(MessageAnswer::Number(Some(self.callable(call, &number)?))))
            }
            MessageRequest::Keep(kept) => self.keep(call, turn, kept).await,
            MessageRequest::Send(number) => self.settle(turn, number, true).await,
            MessageRequest::Discard(number) => self.settle(turn, number, false).await,
            MessageRequest::CallBack { phone, since, about } => {
                let content = self.content(call, Some(&phone), None, about)?;
                let new = NewMessage { kind: MessageKind::Callback, recording: None, since, draft: false, content };
                self.call_back(call, turn, new, &phone).await
            }
            MessageRequest::Progress(number) => self.progress(call, turn, number).await,
        }
    }

    fn callable(&self, call: &Call, number: &PhoneNumber) -> Result<Callable, Trouble> {
        Ok(Callable { phone: self.store.seals().seal_phone(call, number)?, tail: number.tail() })
    }

    fn content(
        &self,
        call: &Call,
        phone: Option<&SealedPhone>,
        recording: Option<(&str, u32)>,
        about: About,
    ) -> Result<Content, Trouble> {
        let phone = phone.map(|phone| self.store.seals().open_phone(call, phone)).transpose()?;
        Ok(Content {
            phone: phone.map(|phone| phone.expose().into()),
            recording: recording.map(|(reference, _)| reference.into()),
            seconds: recording.map_or(0, |(_, seconds)| seconds),
            line: about.line,
            language: about.language.tag().into(),
            signed_in: about.signed_in,
        })
    }

    /// Keeps a recording as a draft; after the end of the call, as a message. What is told of it again changes nothing,
    /// whichever of the platform's ways it comes: a recording is known by its reference.
    async fn keep(&self, call: &Call, turn: &TurnKey, kept: Kept) -> Result<Answer, Trouble> {
        let Kept { kind, phone, recording, instead, about } = kept;
        let seals = self.store.seals();
        let reference = recording.reference.expose();
        let request = seals.request(&[b"message.keep", kind.name().as_bytes(), reference.as_bytes()]);
        let index = seals.recording(reference);
        let content = self.content(call, phone.as_ref(), Some((reference, recording.seconds)), about)?;
        let (turn, caller) = (turn.clone(), seals.caller(call));
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                let ended = match tx.known(&turn, &request).await? {
                    Known::Other => return Ok(Answer::Superseded),
                    Known::Answered(answer) => return Ok(answer),
                    Known::Ended => true,
                    Known::Begun | Known::New { .. } => false,
                };
                match tx.recorded(&index).await? {
                    Some(_) if ended => return Ok(Answer::CallEnded),
                    Some(Some(number)) => return Ok(Answer::Message(MessageAnswer::Kept(number))),
                    Some(None) => return Ok(Answer::Superseded),
                    None => {}
                }
                let new = NewMessage { kind, recording: Some(index), since: None, draft: !ended, content };
                let number = tx.put_message(&turn, new).await?;
                let answer = Answer::Message(MessageAnswer::Kept(number));
                if !ended {
                    tx.answer(&turn, &request, &answer).await?;
                }
                if let Some(old) = instead
                    && tx.discard(old).await?
                {
                    let old = tx.seals().message(old);
                    tx.audit(Event::MessageDiscarded, &turn, Some(&old), caller.as_ref());
                }
                let index = tx.seals().message(number);
                tx.audit(Event::MessageRecorded, &turn, Some(&index), caller.as_ref());
                if ended {
                    tx.audit(Event::MessageLeft, &turn, Some(&index), caller.as_ref());
                    return Ok(Answer::CallEnded);
                }
                Ok(answer)
            })
        });
        Ok(job.await?)
    }

    /// Sends a draft, or throws it away.
    async fn settle(&self, turn: &TurnKey, number: MessageNumber, send: bool) -> Result<Answer, Trouble> {
        let what: &[u8] = if send { b"message.send" } else { b"message.discard" };
        let request = self.store.seals().request(&[what, number.as_str().as_bytes()]);
        let turn = turn.clone();
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                if let Some(answer) = tx.answered(&turn, &request).await? {
                    return Ok(answer);
                }
                let (changed, event, answer) = if send {
                    (tx.send_draft(number).await?, Event::MessageLeft, MessageAnswer::Sent(number))
                } else {
                    (tx.discard(number).await?, Event::MessageDiscarded, MessageAnswer::Discarded)
                };
                let answer = Answer::Message(answer);
                tx.answer(&turn, &request, &answer).await?;
                if changed {
                    let index = tx.seals().message(number);
                    tx.audit(event, &turn, Some(&index), None);
                }
                Ok(answer)
            })
        });
        Ok(job.await?)
    }

    async fn call_back(
        &self,
        call: &Call,
        turn: &TurnKey,
        new: NewMessage,
        phone: &SealedPhone,
    ) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let request = seals.request(&[b"message.callback", &phone.0]);
        let (turn, caller) = (turn.clone(), seals.caller(call));
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                if let Some(answer) = tx.answered(&turn, &request).await? {
                    return Ok(answer);
                }
                let number = tx.put_message(&turn, new).await?;
                let answer = Answer::Message(MessageAnswer::Sent(number));
                tx.answer(&turn, &request, &answer).await?;
                let index = tx.seals().message(number);
                tx.audit(Event::CallbackAsked, &turn, Some(&index), caller.as_ref());
                Ok(answer)
            })
        });
        Ok(job.await?)
    }

    /// How far staff are. Numbers that there are not are counted by call and by caller, so that nobody walks through them.
    async fn progress(&self, call: &Call, turn: &TurnKey, number: MessageNumber) -> Result<Answer, Trouble> {
        let seals = self.store.seals();
        let request = seals.request(&[b"message.progress", number.as_str().as_bytes()]);
        let limits = self.messages;
        let of_caller = seals.caller(call).map(|caller| (caller, limits.tries_per_caller));
        let of_caller = of_caller.unwrap_or_else(|| (seals.looks(&[b"withheld"]), limits.tries_withheld));
        let of_call = seals.looks(&[b"call", call.dialect.as_bytes(), call.id.as_bytes()]);
        let tries = [(of_call, limits.tries_per_call), of_caller];
        let turn = turn.clone();
        let job = self.store.write(move |mut tx| {
            Box::pin(async move {
                if let Some(answer) = tx.answered(&turn, &request).await? {
                    return Ok(answer);
                }
                let mut left = true;
                for (who, most) in &tries {
                    left = left && tx.take_look(who, *most).await?;
                }
                let answer =
                    if left { MessageAnswer::Progress(tx.progress(number).await?) } else { MessageAnswer::NoTryLeft };
                if matches!(answer, MessageAnswer::Progress(Some(_))) {
                    for (who, _) in &tries {
                        tx.give_look_back(who).await?;
                    }
                }
                let answer = Answer::Message(answer);
                tx.answer(&turn, &request, &answer).await?;
                Ok(answer)
            })
        });
        Ok(job.await?)
    }
}
