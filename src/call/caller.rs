//! Which call, and who is calling: as the telephone network tells it.

use std::fmt;

/// One call, as a webhook names it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which dialect speaks for it: `twilio`, `browser`. Part of what the sealed state is bound to.
    pub dialect: &'static str,
    /// The platform's id of the call.
    pub id: Box<str>,
    /// The number that calls.
    pub caller: Caller,
    /// The number that was dialled, as the platform writes it.
    pub dialled: Box<str>,
}

/// The number that calls. A hint only: caller numbers can be forged, so it never replaces a step.
#[derive(Clone, PartialEq, Eq)]
pub enum Caller {
    /// Digits with an optional leading `+`, as the network told them.
    Number(Box<str>),
    /// Withheld, or something that is no telephone number: all of these share one budget.
    Withheld,
}

impl Caller {
    /// Reads what a platform writes for the calling number: E.164, national digits, `sip:` and `tel:` URIs; everything
    /// else (`anonymous`, `Restricted`, empty, +266696687, longer than any number) is withheld.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let user = text.trim().trim_start_matches("sip:").trim_start_matches("sips:").trim_start_matches("tel:");
        let number = user.split(['@', ';']).next().unwrap_or_default();
        let digits = number.strip_prefix('+').unwrap_or(number);
        let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        // +266696687 spells ANONYMOUS on a keypad; platforms send it for withheld numbers.
        if is_number && digits != "266696687" { Self::Number(number.into()) } else { Self::Withheld }
    }
}

impl fmt::Debug for Caller {
    /// A telephone number is personal data: only its class is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "Number(…)",
            Self::Withheld => "Withheld",
        })
    }
}

/// How a call ended, as the platform or the dialog tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallEnd {
    /// It was answered and is over.
    Completed,
    /// Busy, failed, no answer, cancelled: it never was a conversation.
    Failed,
}
