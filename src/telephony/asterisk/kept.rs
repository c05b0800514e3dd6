//! What a call keeps on its channel, and how whoever takes it up goes on from there.

use std::time::Duration;

use super::talk::Beginning;
use crate::dialog::{Event, Transfer, TransferEnd, TransferTarget};
use crate::secret::Keys;
use crate::telephony::{Then, whole_seconds};

/// What a call keeps on its channel, for whoever takes it up: how it waits, the sealed step, and what is being played.
///
/// ```text
/// k.STEP.PLAYING                  for keys
/// r.STEP.PLAYING                  for a recording
/// t.STEP.PLAYING.RING.KIND.TO     to be put through, to whom and for how many seconds
/// p.STEP.PLAYING                  for a person: it has been given away
/// over.PLAYING                    for nothing: last words are being said
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Kept<'v> {
    waits: Waits<'v>,
    /// Beginning of the names of what is being played.
    playing: &'v str,
}

/// What a call waits for, and at which step.
#[derive(Debug, PartialEq, Eq)]
enum Waits<'v> {
    Keys(&'v str),
    Recording(&'v str),
    Transfer(&'v str, Transfer),
    Person(&'v str),
    Nothing,
}

/// How a call goes on that was taken up.
#[derive(Debug)]
pub enum TakenUp {
    /// The conversation is told this.
    Told(Beginning),
    /// A recording was being made at this step: how long it is will be told.
    Recording(Box<str>),
    /// Putting through was yet to come.
    Transfer(Transfer, Box<str>),
    /// It ends with what is being played.
    Over,
}

/// What stands there where the conversation is over.
pub const OVER: &str = "over";

/// What a call keeps that waits for `then`, and plays what is called so.
#[must_use]
pub fn kept(then: &Then, playing: &str) -> String {
    match then {
        Then::Collect(_, step) => format!("k.{step}.{playing}"),
        Then::Record(_, step) => format!("r.{step}.{playing}"),
        Then::Transfer(transfer, step) => {
            let (kind, to) = target(&transfer.to);
            format!("t.{step}.{playing}.{}.{kind}.{to}", whole_seconds(transfer.ring))
        }
        Then::Leave(step) => kept_away(step, playing),
        Then::HangUp => format!("{OVER}.{playing}"),
    }
}

/// What a call keeps that has been given away at `step`.
#[must_use]
pub fn kept_away(step: &str, playing: &str) -> String {
    format!("p.{step}.{playing}")
}

/// Whom to put through to: which way, which is also the extension of the dialplan, and the number, the address or the queue.
#[must_use]
pub fn target(to: &TransferTarget) -> (&'static str, &str) {
    match to {
        TransferTarget::Number(to) => ("number", to),
        TransferTarget::Sip(to) => ("sip", to),
        TransferTarget::Queue(to) => ("queue", to),
    }
}

impl<'v> Kept<'v> {
    /// Reads the variable. `None`: nothing is kept that could be taken up.
    #[must_use]
    pub fn parse(variable: &'v str) -> Option<Self> {
        let (waits, rest) = variable.split_once('.')?;
        if waits == OVER {
            return Some(Self { waits: Waits::Nothing, playing: rest });
        }
        let mut rest = rest.splitn(3, '.');
        let (step, playing) = (rest.next().filter(|step| !step.is_empty())?, rest.next()?);
        let waits = match waits {
            "k" => Waits::Keys(step),
            "r" => Waits::Recording(step),
            "p" => Waits::Person(step),
            "t" => Waits::Transfer(step, transfer(rest.next()?)?),
            _ => return None,
        };
        Some(Self { waits, playing })
    }

    /// Whether the call has been given away, and is with a person or on its way back.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self.waits, Waits::Person(_))
    }

    /// What of `channel` is perhaps still being played: both parts of a turn, each the last list of it first.
    #[must_use]
    pub fn playbacks(&self, channel: &str) -> Vec<String> {
        let names = ["b", "b-1", "b-0", "a", "a-1", "a-0"].into_iter();
        names.map(|part| format!("{channel}.{}{part}", self.playing)).collect()
    }

    /// How the call goes on that entered the application with `args`. The caller hears anew what was being said: nobody knows
    /// how much of it they heard.
    #[must_use]
    pub fn taken_up(self, args: &[String]) -> TakenUp {
        let told = |step: &str, event| TakenUp::Told(Beginning::Step(step.into(), event));
        match self.waits {
            Waits::Keys(step) => told(step, Event::Keys(Keys::new(Vec::new(), true))),
            Waits::Recording(step) => TakenUp::Recording(step.into()),
            Waits::Transfer(step, transfer) => TakenUp::Transfer(transfer, step.into()),
            Waits::Person(step) => told(step, Event::TransferEnded(transfer_end(args))),
            Waits::Nothing => TakenUp::Over,
        }
    }
}

/// `RING.KIND.TO`.
fn transfer(text: &str) -> Option<Transfer> {
    let mut parts = text.splitn(3, '.');
    let ring = Duration::from_secs(parts.next()?.parse().ok()?);
    let to = match (parts.next()?, parts.next()?) {
        ("number", to) => TransferTarget::Number(to.into()),
        ("sip", to) => TransferTarget::Sip(to.into()),
        ("queue", to) => TransferTarget::Queue(to.into()),
        _ => return None,
    };
    Some(Transfer { to, ring })
}

/// How putting through ended, as the dialplan tells it: `transferred` and how dialling ended, or `queued` and how the queue did.
fn transfer_end(args: &[String]) -> TransferEnd {
    match (args.get(1).map(String::as_str), args.get(2).map(String::as_str)) {
        (Some("transferred"), Some("ANSWER")) | (Some("queued"), Some("CONTINUE" | "ANSWER")) => TransferEnd::Talked,
        (Some("queued"), Some("LEFT")) => TransferEnd::Left,
        _ => TransferEnd::NotAnswered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::BargeIn;
    use crate::telephony::asterisk::testing::transfer;
    use crate::telephony::testing::collect;

    fn taken_up(variable: &str, args: &[&str]) -> String {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        match Kept::parse(variable).map(|kept| kept.taken_up(&args)) {
            Some(TakenUp::Told(Beginning::Step(step, event))) => format!("{step} {event:?}"),
            Some(TakenUp::Told(Beginning::Dialled(_))) => "dialled".into(),
            Some(TakenUp::Recording(step)) => format!("{step} recording"),
            Some(TakenUp::Transfer(transfer, step)) => format!("{step} {} {:?}", target(&transfer.to).1, transfer.ring),
            Some(TakenUp::Over) => "over".into(),
            None => "nothing".into(),
        }
    }

    #[test]
    fn a_call_is_taken_up_where_it_was() {
        let kept = |then| kept(&then, "0a1b2c3d-7");
        let keys = kept(collect(1, None, 6000, 3000, BargeIn::Always));
        assert_eq!(keys, "k.AbC-_9.0a1b2c3d-7");
        assert_eq!(taken_up(&keys, &["12333"]), "AbC-_9 Keys(Keys(…))");
        let playbacks = Kept::parse(&keys).unwrap().playbacks("pbx-1795289216.6");
        assert_eq!(playbacks[0], "pbx-1795289216.6.0a1b2c3d-7b");
        assert_eq!(playbacks[5], "pbx-1795289216.6.0a1b2c3d-7a-0");
        assert_eq!(taken_up("r.S.0-1", &[]), "S recording");
        assert_eq!(kept(Then::HangUp), "over.0a1b2c3d-7");
        assert_eq!(taken_up("over.0a1b2c3d-7", &[]), "over");
        for nothing in ["", "over", "k", "k.", "k..", "k..0-1", "k.S", "x.S.0-1", "t.S.0-1", "t.S.0-1.x.sip.a"] {
            assert_eq!(taken_up(nothing, &[]), "nothing", "{nothing}");
        }
    }

    /// Whoever was to be put through is, and is not told that nobody answered.
    #[test]
    fn putting_through_that_was_yet_to_come_comes() {
        for (to, kind) in [
            (TransferTarget::Number("+861012333".into()), "number.+861012333"),
            (TransferTarget::Sip("sip:agents@pbx.example".into()), "sip.sip:agents@pbx.example"),
            (TransferTarget::Queue("agents".into()), "queue.agents"),
        ] {
            let Then::Transfer(put_through, step) = transfer(to).then else { panic!("no transfer") };
            let kept = kept(&Then::Transfer(put_through.clone(), step), "0-1");
            assert_eq!(kept, format!("t.T.0-1.25.{kind}"));
            // What is behind the name of the application may be of an earlier one.
            let again = Kept::parse(&kept).unwrap().taken_up(&["12333", "transferred", "ANSWER"].map(Into::into));
            assert!(matches!(again, TakenUp::Transfer(again, step) if again == put_through && *step == *"T"));
        }
    }

    #[test]
    fn who_was_put_through_comes_back_with_how_it_ended() {
        for (args, end) in [
            (&["12333", "transferred", "ANSWER"][..], "Talked"),
            (&["12333", "transferred", "BUSY"], "NotAnswered"),
            (&["12333", "transferred", "NOANSWER"], "NotAnswered"),
            (&["12333", "transferred", ""], "NotAnswered"),
            (&["12333", "queued", "CONTINUE"], "Talked"),
            (&["12333", "queued", "TIMEOUT"], "NotAnswered"),
            (&["12333", "queued", "LEFT"], "Left"),
            (&["12333", "transferred", "LEFT"], "NotAnswered"),
            // Never given away: we were stopped just then.
            (&["12333"], "NotAnswered"),
            (&[], "NotAnswered"),
        ] {
            assert_eq!(taken_up(&kept_away("S", "0-1"), args), format!("S TransferEnded({end})"), "{args:?}");
        }
    }
}
