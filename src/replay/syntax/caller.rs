//! What a caller does, and when.

use std::time::Duration;

use super::{Wrong, is_name, narrow, wrong};
use crate::replay::transcript::{Does, Press, Pressed, What, When};
use crate::replay::words::{self as w, after, is, shown};
use crate::secret::Key;

/// The longest wait or pace a transcript may name: enough for locks and what lapses.
const LONGEST: Duration = Duration::from_hours(24 * 40);

/// `+1.2s 按 $证号 # 每键0.4s`
pub(super) fn read_caller(body: &str) -> Result<What, Wrong> {
    let (after_so_long, body) = match body.strip_prefix(['+', '＋']) {
        Some(rest) => {
            let (time, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (read_duration(time)?, rest.trim())
        }
        None => (Duration::ZERO, body),
    };
    let (word, rest) = first_word(body);
    let rest = rest.trim();
    let alone =
        |does| if rest.is_empty() { Ok(does) } else { wrong(format!("{word} takes no {rest:?}"), "take it out") };
    let does = if is(word, w::DIAL) {
        Does::Dial { to: read_place(rest)? }
    } else if is(word, w::SILENCE) {
        alone(Does::Silence)?
    } else if is(word, w::HANG_UP) {
        alone(Does::HangUp)?
    } else if is(word, w::SPEAK) {
        read_speech(rest)?
    } else if is(word, w::WAITING) {
        read_waiting(rest)?
    } else if is(word, w::PERSON) {
        match rest {
            how if is(how, w::TALKED) => Does::Transferred { talked: true },
            how if is(how, w::NOT_ANSWERED) => Does::Transferred { talked: false },
            _ => {
                let known = [w::TALKED, w::NOT_ANSWERED].map(shown).join(", ");
                return wrong(format!("{rest:?} is no end of a transfer"), format!("take one of {known}"));
            }
        }
    } else if is(word, w::PRESS) {
        Does::Press(read_press(rest, When::Heard)?)
    } else if is(word, w::PRESS_OVER) {
        Does::Press(read_press(rest, When::Over)?)
    } else if is(word, w::PRESS_AHEAD) {
        Does::Press(read_press(rest, When::Ahead)?)
    } else if is(word, w::HEARING) {
        let quoted = rest.strip_prefix(['“', '"', '「', '＂']).and_then(|rest| rest.split_once(['”', '"', '」', '＂']));
        let Some((phrase, rest)) = quoted else {
            return wrong("does not say what is heard", format!("write {} “余额” {} 1", w::HEARING[0], w::PRESS[0]));
        };
        let Some(keys) = after(rest.trim(), w::PRESS) else {
            return wrong("does not say what is pressed", format!("write {} “余额” {} 1", w::HEARING[0], w::PRESS[0]));
        };
        Does::Press(read_press(keys.trim(), When::Hearing(phrase.to_owned()))?)
    } else {
        let known = [
            w::DIAL,
            w::PRESS,
            w::PRESS_OVER,
            w::PRESS_AHEAD,
            w::HEARING,
            w::SILENCE,
            w::SPEAK,
            w::WAITING,
            w::PERSON,
            w::HANG_UP,
        ];
        let known = known.map(shown).join(", ");
        return wrong(format!("{word:?} is nothing a caller does"), format!("take one of {known}"));
    };
    Ok(What::Caller { after: after_so_long, does })
}

/// `@personal-balance`, or nothing.
fn read_place(text: &str) -> Result<Option<String>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.strip_prefix(['@', '＠']).filter(|place| !place.is_empty() && !place.contains(char::is_whitespace)) {
        Some(place) => Ok(Some(narrow(place))),
        None => wrong(
            format!("{text:?} is no place to begin at"),
            format!("write {} @main, or {} alone", w::DIAL[0], w::DIAL[0]),
        ),
    }
}

/// A word and what follows it: behind a Chinese one, keys and quotation marks need no blank, and `hang up` has one in it.
fn first_word(body: &str) -> (&str, &str) {
    if body.eq_ignore_ascii_case("hang up") {
        return (w::HANG_UP[0], "");
    }
    let keys =
        |rest: &&str| rest.starts_with(|c| Key::from_char(c).is_some() || matches!(c, '$' | '＄' | '“' | '"' | '「'));
    for word in [w::PRESS, w::PRESS_OVER, w::PRESS_AHEAD, w::HEARING].map(|word| word[0]) {
        if let Some(rest) = body.strip_prefix(word).filter(keys) {
            return (word, rest);
        }
    }
    body.split_once(char::is_whitespace).unwrap_or((body, ""))
}

/// `20s`, `20s 挂机`
fn read_speech(text: &str) -> Result<Does, Wrong> {
    let (time, then) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let lasting = read_duration(time)?;
    match then.trim() {
        "" => Ok(Does::Speak { lasting, hang_up: false }),
        then if is(then, w::HANG_UP) => Ok(Does::Speak { lasting, hang_up: true }),
        then => wrong(format!("{then:?} is nothing that ends a recording"), format!("take {}", shown(w::HANG_UP))),
    }
}

/// `前面2位 平均90s`
fn read_waiting(text: &str) -> Result<Does, Wrong> {
    let example = || format!("write {} {}2{} {}90s", w::WAITING[0], w::AHEAD[0], w::PEOPLE[0], w::AVERAGE[0]);
    let (mut ahead, mut average) = (None, None);
    for word in text.split_whitespace() {
        let word = narrow(word);
        if let Some(people) = after(&word, w::AHEAD) {
            let number = w::PEOPLE.iter().find_map(|of| people.strip_suffix(of)).unwrap_or(people);
            ahead = Some(number.parse().map_err(|_| (format!("{word:?} tells no number"), example()))?);
        } else if let Some(time) = after(&word, w::AVERAGE) {
            average = Some(read_duration(time)?);
        } else {
            return wrong(format!("{word:?} says nothing of a queue"), example());
        }
    }
    Ok(Does::Wait { ahead, average })
}

/// `$证号 # 每键0.4s`
fn read_press(text: &str, when: When) -> Result<Press, Wrong> {
    let mut keys = Vec::new();
    let mut each = None;
    // A name begins wherever its mark stands: 12*$密码
    let text = text.replace(['$', '＄'], " $");
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some(pace) = after(word, w::EACH) {
            let pace = if pace.is_empty() { words.next().unwrap_or_default() } else { pace };
            each = Some(read_duration(pace)?);
        } else if let Some(name) = word.strip_prefix(['$', '＄']) {
            // Keys may stand right behind a name: $证号#
            let end = name.find(|c: char| Key::from_char(c).is_some_and(|key| !matches!(key, Key::Digit(_))));
            let (name, rest) = name.split_at(end.unwrap_or(name.len()));
            if !is_name(name) {
                return wrong(format!("${name} is no name"), "write $ and letters, as in $证号");
            }
            keys.push(Pressed::Secret(name.to_owned()));
            keys.extend(rest.chars().filter_map(Key::from_char).map(Pressed::Key));
        } else {
            for c in word.chars() {
                match Key::from_char(c) {
                    Some(key) => keys.push(Pressed::Key(key)),
                    None => {
                        return wrong(
                            format!("{c:?} is no key of a telephone"),
                            "keys are 0 to 9, * and #; write // before a remark",
                        );
                    }
                }
            }
        }
    }
    if keys.is_empty() {
        return wrong("no key is pressed", format!("name the keys, or write {}", shown(w::SILENCE)));
    }
    // A practised finger: what a transcript that does not care is replayed at.
    Ok(Press { keys, when, each: each.unwrap_or(Duration::from_millis(300)) })
}

/// `0.4s`, `400ms`, `30分钟`
pub(super) fn read_duration(text: &str) -> Result<Duration, Wrong> {
    const UNITS: [(&str, f64); 10] = [
        ("ms", 0.001),
        ("毫秒", 0.001),
        ("分钟", 60.0),
        ("小时", 3600.0),
        ("秒", 1.0),
        ("天", 86400.0),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
        ("d", 86400.0),
    ];
    let narrowed = narrow(text);
    UNITS
        .into_iter()
        .find_map(|(unit, seconds)| Some((narrowed.strip_suffix(unit)?, seconds)))
        .and_then(|(number, seconds)| Some(number.trim().parse::<f64>().ok()? * seconds))
        .filter(|seconds| (0.0..=LONGEST.as_secs_f64()).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| {
            (format!("{text:?} is no time"), "write it as 1.2s, 400ms, 30m or 2h; 40 days at most".to_owned())
        })
}
