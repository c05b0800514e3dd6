//! What the holes and the named values of a transcript come to: words of the catalogues, keys of the register.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::figures;
use super::pattern::{ANYTHING, Part, Pattern, Words};
use super::prompt_hole::{Given, PromptHole};
use super::transcript::{Expectation, Field, Header, SecretValue, Whose};
use crate::fault::{Fault, Faults};
use crate::member::card_number::CardRule;
use crate::member::id_number::IdNumber;
use crate::member::money::Money;
use crate::member::tail::Tail;
use crate::member::{Member, sample};
use crate::secret::{Key, Keys};
use crate::speech::catalog::Catalog;
use crate::speech::chinese::{self, Liang, Style};
use crate::speech::language::Language;
use crate::speech::prompt::{Slot, Value as Spoke};
use crate::speech::words::Words as Spoken;

/// What a transcript's holes and names stand for.
pub struct Readings<'r> {
    catalogs: Vec<&'r Catalog>,
    secrets: HashMap<String, Value>,
}

/// What a named value is.
struct Value {
    keys: Keys,
    /// What may be heard of it.
    tail: Option<Tail>,
}

impl<'r> Readings<'r> {
    /// For `header`, with these `members` in the register, spoken by these `catalogs`.
    ///
    /// # Errors
    /// A named value that nobody of the register has.
    pub fn new(
        source: &str,
        header: &Header,
        members: &[Member],
        catalogs: Vec<&'r Catalog>,
        card_rule: CardRule,
    ) -> Result<Self, Faults> {
        let mut secrets = HashMap::new();
        let mut faults = Vec::new();
        for secret in &header.secrets {
            match value(secret, members, card_rule) {
                Some(value) => drop(secrets.insert(secret.name.clone(), value)),
                None => faults.push(Fault {
                    line: Some(secret.line),
                    ..Fault::of(
                        source,
                        format!("no member of the register has what ${} stands for", secret.name),
                        format!("the register has {} rows: pick another, or another value of theirs", members.len()),
                    )
                }),
            }
        }
        if faults.is_empty() { Ok(Self { catalogs, secrets }) } else { Err(Faults(faults)) }
    }

    /// The keys of the value called `name`.
    #[must_use]
    pub fn keys_of(&self, name: &str) -> Option<&[Key]> {
        self.secrets.get(name).map(|value| value.keys.expose())
    }

    /// Every named value as it would be seen if it were written somewhere: its digits.
    pub fn written(&self) -> impl Iterator<Item = (&str, String)> {
        self.secrets.iter().map(|(name, value)| {
            let written = value.keys.expose().iter().map(|key| key.as_char());
            (name.as_str(), written.filter(char::is_ascii_digit).collect())
        })
    }

    /// What `lines` expect to hear, one after the other, in words.
    ///
    /// # Errors
    /// A prompt that no language has, or an expression that is too large.
    pub fn pattern<'e>(&self, lines: impl Iterator<Item = &'e Expectation>) -> Result<Pattern, String> {
        let lines = lines.map(|line| {
            let parts = line.parts.iter().map(|(part, _)| self.words(part)).collect::<Result<Vec<_>, _>>()?;
            Ok((parts, line.optional))
        });
        let lines = lines.collect::<Result<Vec<_>, String>>()?;
        Pattern::new(lines).map_err(|_| "the pattern is too large".to_owned())
    }

    /// What was `heard` in the place of each amount and day of `lines`, if nothing but these differs: `None` for every part
    /// that was heard as expected.
    #[must_use]
    pub fn figures(&self, lines: &[&Expectation], heard: &str) -> Option<Vec<Option<String>>> {
        let figure = |part: &Part| match part {
            Part::Amount(_) => Regex::new(figures::AMOUNT).ok(),
            Part::Date(_) => Regex::new(figures::DAY).ok(),
            _ => None,
        };
        // What need not be heard has no correction.
        if lines.iter().any(|line| line.optional && line.parts.iter().any(|(part, _)| figure(part).is_some())) {
            return None;
        }
        let words = |(part, _): &(Part, String)| match figure(part) {
            // A name that no transcript can give.
            Some(any) => Some(Words::Named(String::new(), any)),
            None => self.words(part).ok(),
        };
        let open = lines.iter().map(|line| Some((line.parts.iter().map(words).collect::<Option<_>>()?, line.optional)));
        let open = Pattern::new(open.collect::<Option<_>>()?).ok()?;
        let mut found = open.named(heard).into_iter().filter(|(name, _)| name.is_empty()).map(|(_, text)| text);
        let parts = lines.iter().filter(|line| !line.optional).flat_map(|line| &line.parts);
        let corrections = parts.map(|(part, _)| {
            let text = figure(part).and_then(|_| found.next())?;
            let accepted = matches!(self.words(part), Ok(Words::OneOf(readings)) if readings.contains(&text));
            (!accepted).then_some(text)
        });
        let corrections: Vec<_> = corrections.collect();
        corrections.iter().any(Option::is_some).then_some(corrections)
    }

    fn words(&self, part: &Part) -> Result<Words, String> {
        Ok(match part {
            Part::Text(text) => Words::OneOf(vec![text.clone()]),
            Part::Any => anything()?,
            Part::Amount(amount) => Words::OneOf(self.amounts(*amount)),
            Part::Date(day) => Words::OneOf(self.said(|language, words| language.say(&Spoke::Date(*day), words))),
            Part::Digits(digits) => Words::OneOf(self.one_by_one(digits)),
            Part::Tail(name) => Words::OneOf(self.one_by_one(self.tail(name)?.as_str())),
            Part::Prompt(prompt) => self.prompt(prompt)?,
            Part::Capture(name) => Words::Named(name.clone(), digits_heard()?),
            Part::AnyOf(choices) => Words::OneOf(choices.clone()),
            Part::Matching(expression) => Words::Hole(expression.clone()),
        })
    }

    fn tail(&self, name: &str) -> Result<Tail, String> {
        let tail = self.secrets.get(name).and_then(|value| value.tail);
        tail.ok_or_else(|| format!("nothing of ${name} may ever be heard"))
    }

    /// What `say` says in each language, each wording once.
    fn said(&self, say: impl Fn(Language, &mut Spoken<'_>)) -> Vec<String> {
        let mut said = Vec::new();
        for catalog in &self.catalogs {
            let mut words = Spoken::new();
            say(catalog.language(), &mut words);
            let text = words.text();
            if !said.contains(&text) {
                said.push(text);
            }
        }
        said
    }

    /// Every accepted way to say an amount: as the hotline does, and as good usage allows besides.
    fn amounts(&self, amount: Money) -> Vec<String> {
        let mut said = self.said(|language, words| language.say(&Spoke::Amount(amount), words));
        for whole_suffix in [true, false] {
            for liang in [Liang::First, Liang::Every, Liang::Never] {
                let mut words = Spoken::new();
                chinese::amount(amount, Style { whole_suffix, liang }, &mut words);
                let text = words.text();
                if !said.contains(&text) {
                    said.push(text);
                }
            }
        }
        said
    }

    fn one_by_one(&self, digits: &str) -> Vec<String> {
        self.said(|language, words| language.say_digits(digits, words))
    }

    /// The words of a prompt in each language, with holes for what stands in it and is not given.
    fn prompt(&self, prompt: &PromptHole) -> Result<Words, String> {
        let mut wordings = Vec::new();
        for catalog in &self.catalogs {
            let (Some(shape), Some(slots)) = (catalog.shape(&prompt.id), catalog.slots(&prompt.id)) else { continue };
            let words = shape.map(|part| match part {
                Ok(text) => Ok(Words::OneOf(vec![text.to_owned()])),
                Err(value) => self.given(prompt, slots.get(value)),
            });
            wordings.push(words.collect::<Result<Vec<_>, _>>()?);
        }
        if wordings.is_empty() {
            return Err(format!("there is no prompt \"{}\"", prompt.id));
        }
        Words::prompt(wordings).map_err(|e| e.to_string())
    }

    /// What stands in `slot`.
    fn given(&self, prompt: &PromptHole, slot: Option<&(&str, Slot)>) -> Result<Words, String> {
        let given = slot.and_then(|(name, slot)| Some((slot, prompt.values.iter().find(|(known, _)| known == name)?)));
        let Some((slot, (_, text))) = given else { return anything() };
        let given = Given::read(*slot, text).map_err(|example| format!("{text:?} is not written as {example}"))?;
        Ok(Words::OneOf(match given {
            Given::Value(Spoke::Amount(amount)) => self.amounts(amount),
            Given::Value(value) => self.said(|language, words| language.say(&value, words)),
            Given::TailOf(name) => {
                let tail = Spoke::Tail(self.tail(&name)?);
                self.said(|language, words| language.say(&tail, words))
            }
            Given::Words(words) => vec![words],
        }))
    }
}

/// Whether `c` is a digit as Chinese says it, alone or in a row.
#[must_use]
pub fn is_digit_heard(c: char) -> bool {
    DIGITS.iter().any(|(_, chinese, _)| *chinese == c)
}

/// Digits as Chinese and English say them one by one.
const DIGITS: [(char, char, &str); 11] = [
    ('0', '零', "zero"),
    ('1', '幺', "one"),
    ('1', '一', "one"),
    ('2', '二', "two"),
    ('3', '三', "three"),
    ('4', '四', "four"),
    ('5', '五', "five"),
    ('6', '六', "six"),
    ('7', '七', "seven"),
    ('8', '八', "eight"),
    ('9', '九', "nine"),
];

/// `said` without what is drawn for one call alone, the number of a message: eight digits or more, one by one. A year and the
/// last four of a number are fewer.
#[must_use]
pub fn without_drawn_numbers(said: &str) -> String {
    const SHORTEST: usize = 8;
    static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| digits_heard().ok());
    let Some(digits) = &*DIGITS else { return said.to_owned() };
    let is_drawn = |digits: &str| keys_heard(digits).len() >= SHORTEST;
    digits
        .replace_all(said, |found: &regex::Captures<'_>| if is_drawn(&found[0]) { "" } else { &found[0] }.to_owned())
        .into()
}

fn digits_heard() -> Result<Regex, String> {
    let chinese: String = DIGITS.iter().map(|(_, chinese, _)| *chinese).collect();
    let english = DIGITS.map(|(_, _, english)| english).join("|");
    Regex::new(&format!("[{chinese}]+|(?:(?:{english})[ ,]*)+")).map_err(|e| e.to_string())
}

/// The keys of digits that were heard.
#[must_use]
pub fn keys_heard(heard: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = heard;
    while let Some(first) = rest.chars().next() {
        let found = DIGITS.iter().find_map(|(digit, chinese, english)| {
            let after = rest.strip_prefix(*chinese).or_else(|| rest.strip_prefix(english))?;
            Some((Key::from_char(*digit), after))
        });
        rest = match found {
            Some((key, after)) => {
                keys.extend(key);
                after
            }
            None => &rest[first.len_utf8()..],
        };
    }
    keys
}

fn anything() -> Result<Words, String> {
    Regex::new(ANYTHING).map(Words::Hole).map_err(|e| e.to_string())
}

/// The row of the register, counted from 1, of somebody.
#[must_use]
pub fn row_of(whose: Whose, members: &[Member]) -> Option<usize> {
    match whose {
        Whose::Row(row) => Some(row),
        Whose::EndsInX => members.iter().position(|member| member.id_number.expose().ends_with('X')).map(|nth| nth + 1),
        Whose::Nobody => None,
    }
}

/// The member who somebody is.
#[must_use]
pub fn member_of(whose: Whose, members: &[Member]) -> Option<&Member> {
    members.get(row_of(whose, members)?.checked_sub(1)?)
}

fn value(secret: &SecretValue, members: &[Member], card_rule: CardRule) -> Option<Value> {
    if secret.whose == Whose::Nobody {
        return nobodys(secret.field);
    }
    let member = member_of(secret.whose, members)?;
    Some(match secret.field {
        Field::IdNumber => of_id_number(&member.id_number)?,
        Field::CardNumber => {
            let lookup = member.card_number.as_ref()?.lookup(card_rule);
            Value { keys: Keys::parse(lookup.expose(), false)?, tail: Some(lookup.tail()) }
        }
        Field::PersonalNumber => {
            let number = member.personal_number.as_ref()?;
            Value { keys: Keys::parse(number.expose(), false)?, tail: Some(number.tail()) }
        }
        Field::Pin => {
            let digits = std::str::from_utf8(member.pin.as_ref()?.expose()).ok()?;
            Value { keys: Keys::parse(digits, false)?, tail: None }
        }
    })
}

/// Right in form, and of a province where no county ever gave a number out.
fn nobodys(field: Field) -> Option<Value> {
    match field {
        Field::IdNumber => of_id_number(&sample::nobody()),
        Field::CardNumber => Some(Value { keys: Keys::parse("99999999", false)?, tail: Tail::of("9999").ok() }),
        Field::PersonalNumber => Some(Value { keys: Keys::parse("999999999999", false)?, tail: Tail::of("9999").ok() }),
        Field::Pin => Some(Value { keys: Keys::parse("730415", false)?, tail: None }),
    }
}

fn of_id_number(number: &IdNumber) -> Option<Value> {
    Some(Value { keys: Keys::parse(&number.expose().replace('X', "*"), false)?, tail: Some(number.tail()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_drawn_is_no_difference_and_an_amount_is() {
        for (said, left) in [
            ("编号是二零八八六二七七，请记下", "编号是，请记下"),
            ("截至二零二六年六月三十日", "截至二零二六年六月三十日"),
            ("后四位八幺二六，请按一。", "后四位八幺二六，请按一。"),
            ("your number is two zero eight eight, six two seven seven.", "your number is ."),
            ("余额为一千零一十元零五分", "余额为一千零一十元零五分"),
            ("press one, two, or three", "press one, two, or three"),
        ] {
            assert_eq!(without_drawn_numbers(said), left);
        }
    }
}
