use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::speech::language::Language;

fn catalog(language: Language) -> Catalog {
    let text = match language {
        Language::Mandarin => include_str!("../../../../voice-prompts/zh-CN/prompts.toml"),
        Language::Cantonese => include_str!("../../../../voice-prompts/yue-CN/prompts.toml"),
        Language::English => include_str!("../../../../voice-prompts/en-US/prompts.toml"),
    };
    Catalog::parse("prompts.toml", text).unwrap()
}

/// A catalogue, and what is wanted of it.
struct Known {
    catalog: Catalog,
    places: HashSet<(String, Before, After)>,
}

static KNOWN: LazyLock<[Known; 3]> = LazyLock::new(|| {
    Language::ALL.map(|language| {
        let catalog = catalog(language);
        let places = wanted(&catalog).into_iter().map(|clip| (clip.text, clip.before, clip.after)).collect();
        Known { catalog, places }
    })
});

impl Known {
    /// What of `value`, said at each place of each prompt that takes its kind, is not wanted.
    fn unwanted(&self, value: &Value) -> Vec<String> {
        let mut missing = Vec::new();
        for id in self.catalog.ids() {
            let slots = self.catalog.slots(id).unwrap();
            if !slots.iter().any(|(_, slot)| *slot == value.slot()) {
                continue;
            }
            let filled =
                slots.iter().map(|(name, slot)| if *slot == value.slot() { value.clone() } else { usual(name, *slot) });
            let prompt = Prompt::of_values(PromptId::named(id), filled.collect());
            let mut words = Words::new();
            self.catalog.speak(&prompt, &mut words);
            for sound in sounds(self.catalog.language(), &words, Pace::Slow) {
                if let Sound::Said(said) = sound
                    && !self.places.contains(&(said.text.to_owned(), said.before, said.after))
                {
                    missing.push(said.name());
                }
            }
        }
        missing
    }
}

/// Whatever value is said, in every prompt: no unit of it is missing.
#[test]
fn no_value_needs_a_clip_that_is_not_wanted() {
    let tails = ["0000", "1234", "9876", "5599", "591X", "2205"].map(|id| Value::Tail(Tail::of(id).unwrap()));
    let days = Date::constant(1999, 12, 1).series(jiff::Span::new().days(1)).take(12_000).step_by(5).map(Value::Date);
    let counts = (0..2000).chain([10_001, 1_050_000, 90_909_090, 4_294_967_295]).map(Value::Count);
    let minutes = (0..1600).map(Value::Minutes);
    let numbers = (0..500).map(|n| Value::Number(MessageNumber::new(n * 19_996)));
    let amounts = (0..4000).map(|n| amount(n * 7919 % 10_000_019));
    for value in tails.into_iter().chain(days).chain(counts).chain(minutes).chain(numbers).chain(amounts) {
        for known in KNOWN.iter() {
            assert_eq!(known.unwanted(&value), [""; 0], "{}: {value:?}", known.catalog.language());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_amount_needs_a_clip_that_is_not_wanted(fen in -99_999_999_999_999..99_999_999_999_999_i64) {
        for known in KNOWN.iter() {
            prop_assert_eq!(known.unwanted(&amount(fen)), [""; 0]);
        }
    }
}

/// Nobody ends in the midst of a turn with a voice that is at its end.
#[test]
fn wording_without_a_full_stop_is_wanted_within_a_turn_too() {
    let text = include_str!("../../../../voice-prompts/zh-CN/prompts.toml");
    let places = |text: &str| {
        let wanted = wanted(&Catalog::parse("prompts.toml", text).unwrap()).into_iter();
        let of = wanted.filter(|clip| clip.name.starts_with("call.goodbye.1"));
        of.map(|clip| (clip.name, clip.after)).collect::<Vec<_>>()
    };
    assert_eq!(places(text), [("call.goodbye.1".to_owned(), After::End)]);
    let without = text.replace("感谢您的来电，再见。", "感谢您的来电，再见");
    let both = [("call.goodbye.1".to_owned(), After::End), ("call.goodbye.1-on".to_owned(), After::On)];
    assert_eq!(places(&without), both);
}

/// Each clip has a name of its own, and its carrier says it at its place.
#[test]
fn names_and_carriers() {
    for language in Language::ALL {
        let wanted = wanted(&catalog(language));
        let names: HashSet<_> = wanted.iter().map(|clip| &clip.name).collect();
        assert_eq!(names.len(), wanted.len(), "{language}");
        for clip in wanted.iter().filter(|clip| clip.silence_ms == 0) {
            let (Chunk::Wording(text) | Chunk::Unit(text)) = &clip.carrier[clip.at] else { panic!("{}", clip.name) };
            assert_eq!(*text, clip.text, "{}", clip.name);
            assert_eq!(clip.carrier.last(), Some(&Chunk::Pause('.')));
        }
    }
    let mandarin = wanted(&catalog(Language::Mandarin));
    let of = |name: &str| mandarin.iter().find(|clip| clip.name == name).unwrap();
    let clip = of("account.personal-balance.1-on");
    assert_eq!((clip.text.as_str(), clip.before, clip.after), ("您的医保个人账户余额为", Before::Other, After::On));
    let carrier = [
        Chunk::Wording("您的医保个人账户余额为".to_owned()),
        Chunk::Unit("三百".to_owned()),
        Chunk::Unit("元".to_owned()),
        Chunk::Unit("整".to_owned()),
        Chunk::Pause(','),
        Chunk::Wording("截至".to_owned()),
    ];
    assert_eq!(clip.carrier[..6], carrier);
    assert_eq!(of("unit.一.fourth-tone").after, After::FourthTone);
    // In a date 一 is swallowed, and 三十一元 was taken for 三十元.
    let clip = of("unit.一.numeral-on");
    assert_eq!(clip.carrier[clip.at + 1], Chunk::Unit("元".to_owned()));
    assert_eq!(of("silence.800").silence_ms, 800);
}
