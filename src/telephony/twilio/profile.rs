//! What each platform of the family can do, and the words it has for it.
//!
//! They all read the documents that Twilio reads, or some of them. Where one cannot do what another can, the difference stands
//! here, once, and everything else asks for it. Sources: the platforms' documentation; of Somleng (`somleng-switch`) and Kazoo
//! (`kazoo_translator`, `pivot`) the programs themselves; of Exotel its own library (`goexoml`).

use super::settings::Voice;
use crate::speech::language::Language;

/// One platform.
#[derive(Debug)]
pub struct Profile {
    /// How its calls are named to the rest of the house, and where its webhooks are: `/twilio/…`.
    pub dialect: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What its parameters are called.
    pub words: Words,
    /// What it can do.
    pub can: &'static [Can],
    /// How it waits for keys.
    pub keys: KeyTimer,
    /// How it names what it recorded.
    pub recordings: Recordings,
    /// Who speaks a language that the settings name nobody for: the language's tag, and the voice. Empty: it is not said.
    pub voice: fn(Language) -> (&'static str, &'static str),
}

/// What parameters are called: of several the first that was sent counts.
#[derive(Debug)]
pub struct Words {
    /// The call's id.
    pub call: &'static [&'static str],
    /// What is in one, beside letters and digits.
    pub in_call: &'static [u8],
    /// No id is longer.
    pub longest_call: usize,
    /// The number that calls.
    pub caller: &'static [&'static str],
    /// The number that was dialled.
    pub dialled: &'static [&'static str],
    /// The keys that were pressed.
    pub digits: &'static [&'static str],
    /// How far the call is.
    pub state: &'static [&'static str],
}

/// What not every platform can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Can {
    /// Let callers wait in a queue, and be asked and spoken to meanwhile.
    Queue,
    /// Tell of silence where keys were waited for. Otherwise it goes on behind.
    TellSilence,
    /// Answer the caller only when the person does.
    AnswerOnBridge,
    /// Speak what has marks of SSML in it.
    Ssml,
    /// Speak slower, as a whole.
    VoiceSpeed,
    /// End a recording at silence.
    EndAtSilence,
    /// Tell of a recording beside the call.
    TellRecordings,
    /// Be told which news of a recording are wanted.
    ChooseRecordingNews,
    /// Tell the state of the caller's call, and of no other, with every webhook.
    TellState,
    /// Ask for the first document with GET.
    StartByGet,
}

/// How keys are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTimer {
    /// For every key as long, from the end of what is said on; and silence that is part of what is said makes up for what
    /// the first may take longer.
    EachAfterPause,
    /// For every key as long.
    Each,
    /// For all of them together.
    Whole,
}

/// How what was recorded is named. It is only ever named, never fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recordings {
    /// By an address on the platform itself, which holds for good.
    Addresses,
    /// By an id. Addresses are none that hold, or of no known form.
    Ids,
}

impl Profile {
    /// Whether the platform can.
    #[must_use]
    pub fn can(&self, what: Can) -> bool {
        self.can.contains(&what)
    }

    /// The voice of a language that the settings name none for.
    #[must_use]
    pub fn default_voice(&self, language: Language) -> Voice {
        let (language, voice) = (self.voice)(language);
        Voice { language: language.into(), voice: voice.into() }
    }
}

const TWILIOS_WORDS: Words = Words {
    call: &["CallSid"],
    in_call: b"-_",
    longest_call: 64,
    caller: &["From"],
    dialled: &["To"],
    digits: &["Digits"],
    state: &["CallStatus"],
};

const WHAT_TWILIO_CAN: &[Can] = &[
    Can::Queue,
    Can::TellSilence,
    Can::AnswerOnBridge,
    Can::Ssml,
    Can::EndAtSilence,
    Can::TellRecordings,
    Can::ChooseRecordingNews,
    Can::TellState,
];

/// Twilio and its family.
pub static PROFILES: [&Profile; 6] = [&TWILIO, &SIGNALWIRE, &TELNYX, &SOMLENG, &EXOTEL, &KAZOO];

/// Twilio Programmable Voice.
pub static TWILIO: Profile = Profile {
    dialect: "twilio",
    name: "Twilio",
    words: TWILIOS_WORDS,
    can: WHAT_TWILIO_CAN,
    keys: KeyTimer::EachAfterPause,
    recordings: Recordings::Addresses,
    voice: |language| match language {
        Language::Mandarin => ("cmn-CN", "Polly.Zhiyu-Neural"),
        // Polly's own, Hiujin, speaks yue-CN, which Twilio's list of languages does not have.
        Language::Cantonese => ("yue-HK", "Google.yue-HK-Standard-A"),
        Language::English => ("en-US", "Polly.Joanna-Neural"),
    },
};

/// SignalWire's compatibility API (cXML).
pub static SIGNALWIRE: Profile = Profile {
    dialect: "signalwire",
    name: "SignalWire",
    words: TWILIOS_WORDS,
    can: WHAT_TWILIO_CAN,
    keys: KeyTimer::EachAfterPause,
    recordings: Recordings::Ids,
    voice: |language| match language {
        Language::Mandarin => ("cmn-CN", "Polly.Zhiyu-Neural"),
        Language::Cantonese => ("yue-HK", "gcloud.yue-HK-Standard-A"),
        Language::English => ("en-US", "Polly.Joanna-Neural"),
    },
};

/// Telnyx TeXML. Its documents tell of no pause while keys are waited for, and of no marks in what is said; a recording is ended
/// at silence only by transcribing it, which costs, and is none of a transcriber's business.
pub static TELNYX: Profile = Profile {
    dialect: "telnyx",
    name: "Telnyx",
    // v3:DPNqxVjTNtQYaKdcKbU0QgRFrQ3YzuAQrVYC4Ggcuq7zTpDkUB7A4w
    words: Words { in_call: b"-_:", longest_call: 128, ..TWILIOS_WORDS },
    can: &[Can::Queue, Can::VoiceSpeed, Can::TellRecordings, Can::TellState],
    keys: KeyTimer::Each,
    // They hold for ten minutes.
    recordings: Recordings::Ids,
    voice: |language| match language {
        Language::Mandarin => ("cmn-CN", "Polly.Zhiyu-Neural"),
        Language::Cantonese => ("yue-CN", "Polly.Hiujin-Neural"),
        Language::English => ("en-US", "Polly.Joanna-Neural"),
    },
};

/// Somleng, on its own or in its cloud. A document with a verb that it does not know ends there: pauses and queues are
/// among them. A voice that it does not have is spoken by the account's own.
pub static SOMLENG: Profile = Profile {
    dialect: "somleng",
    name: "Somleng",
    words: TWILIOS_WORDS,
    can: &[Can::TellSilence, Can::EndAtSilence, Can::TellRecordings, Can::TellState],
    keys: KeyTimer::Each,
    recordings: Recordings::Ids,
    voice: |language| match language {
        Language::Mandarin => ("cmn-CN", "Polly.Zhiyu-Neural"),
        Language::Cantonese => ("yue-CN", "Polly.Hiujin-Neural"),
        Language::English => ("en-US", "Polly.Joanna-Neural"),
    },
};

/// Exotel (ExoML).
pub static EXOTEL: Profile = Profile {
    dialect: "exotel",
    name: "Exotel",
    words: Words {
        caller: &["CallFrom", "From"],
        dialled: &["CallTo", "To"],
        digits: &["DigitsPressed", "digits", "Digits"],
        // The second where its end is told.
        state: &["CallStatus", "Status"],
        ..TWILIOS_WORDS
    },
    can: &[Can::EndAtSilence, Can::TellState, Can::StartByGet],
    keys: KeyTimer::Each,
    recordings: Recordings::Ids,
    // Which voices there are, depends on the account.
    voice: |language| match language {
        Language::Mandarin => ("zh-CN", ""),
        Language::Cantonese => ("zh-HK", ""),
        Language::English => ("en-US", ""),
    },
};

/// Kazoo, by its Pivot. It knows English and four other languages of Europe by their tags, and two voices; any other tag ends the
/// call. So none is written, and it speaks as it is set up to.
pub static KAZOO: Profile = Profile {
    dialect: "kazoo",
    name: "Kazoo",
    words: Words {
        // The second when it tells of the end of a call, which it does in other words.
        call: &["CallSid", "Call-ID"],
        // As its switch makes them, or the telephone did.
        in_call: b"-_.@:+",
        longest_call: 128,
        caller: &["CallerNumber", "From"],
        ..TWILIOS_WORDS
    },
    can: &[Can::EndAtSilence, Can::StartByGet],
    keys: KeyTimer::Whole,
    recordings: Recordings::Ids,
    voice: |_| ("", ""),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_a_name_and_a_place_of_its_own() {
        for (n, profile) in PROFILES.iter().enumerate() {
            assert!(PROFILES[..n].iter().all(|other| other.dialect != profile.dialect), "{}", profile.dialect);
            assert_eq!(profile.name.to_lowercase(), profile.dialect);
        }
    }
}
