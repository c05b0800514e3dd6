//! A walk through the flow, written down as the transcript of a caller who takes it.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::dialog::keyed::{Act, Move, Walk};
use crate::replay::transcript::OFFSET;

/// What has happened before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// Wrong PINs were entered for the caller's number, until no more are taken.
    Locked,
    /// As many were, but for one, by who withholds their number and so is forgiven none.
    NearlyLocked,
    /// Wrong second numbers were entered for an initial PIN, until one sign-in more is taken.
    SecondTried,
    /// As many messages were asked for that are not there as one caller may.
    MessagesTried,
    /// The caller left a message, and was told its number.
    MessageLeft,
    /// The caller's card was reported lost.
    LossReported,
}

impl Before {
    /// What must have happened for the world to give these `answers`.
    pub(super) fn of(answers: &[&str]) -> Self {
        let after = AFTER.iter().find(|(names, _)| answers.iter().any(|answer| names.contains(answer)));
        match after.map_or(Self::Nothing, |(_, before)| *before) {
            Self::NearlyLocked if answers.iter().any(|answer| answer.starts_with("initial PIN")) => Self::SecondTried,
            before => before,
        }
    }
}

/// What the world answers after something has happened, the first that counts first.
const AFTER: [(&[&str], Before); 5] = [
    (&["locked"], Before::Locked),
    // After an initial PIN: `SecondTried`.
    (&["PIN check: locked"], Before::NearlyLocked),
    (&["no try left"], Before::MessagesTried),
    (&["received", "taken", "answered", "closed"], Before::MessageLeft),
    (&["reported card", "done and not reported"], Before::LossReported),
];

/// The rows of the sample register whose members may be given these `answers`, the most likely first.
pub(super) fn rows(answers: &[&str]) -> &'static [usize] {
    let kind = KINDS.iter().find(|(names, _)| answers.iter().any(|answer| names.contains(answer)));
    kind.map_or(&[2, 1], |(_, rows)| rows)
}

/// Rows by what only their members are answered.
const KINDS: [(&[&str], &[usize]); 12] = [
    (&["initial PIN of who called by ID number", "initial PIN of who called by card number"], &[7, 12, 3]),
    (&["initial PIN of who has one number"], &[8, 14, 7]),
    (&["PIN check: card stopped", "change: card stopped", "locked card"], &[8, 14]),
    (&["granted to a resident"], &[5]),
    (&["granted to an older caller"], &[1, 3]),
    (&["no account", "no statement", "nothing to share", "resident's fund", "paused resident"], &[5]),
    (&["card reported elsewhere"], &[11]),
    (&["inactive card"], &[12]),
    (&["cancelled card", "no card"], &[14]),
    (&["no entries"], &[4, 3, 2]),
    (&["last page"], &[2, 3, 4]),
    (&["nobody bound", "nobody bound any more"], &[4, 11]),
];

/// A transcript being written.
pub(super) struct Script {
    /// Whose numbers and PIN are keyed.
    row: usize,
    /// Whether the number that calls is withheld,
    withheld: bool,
    /// or marked as an older caller's.
    marked: bool,
    /// Whether the store is away, after what was written last.
    away: bool,
    /// The values that are named.
    secrets: Vec<&'static str>,
    /// What the caller does in calls before, as it is written.
    before: Vec<String>,
    /// What the caller does in the call itself.
    acts: Vec<String>,
}

/// The names of values, and what they stand for; `N` is the row.
const SECRETS: [(&str, &str); 8] = [
    ("证号", "样例.身份证(N)"),
    ("卡号", "样例.社保卡(N)"),
    ("个人编号", "样例.个人编号(N)"),
    ("密码", "样例.查询密码(N)"),
    ("别的证号", "无人.身份证"),
    ("别的卡号", "无人.社保卡"),
    ("错误密码", "无人.查询密码"),
    ("新密码", "无人.查询密码"),
];

impl Script {
    /// Nothing yet; numbers and PIN will be those of the member in `row`.
    pub(super) fn new(row: usize, withheld: bool) -> Self {
        Self { row, withheld, marked: false, away: false, secrets: Vec::new(), before: Vec::new(), acts: Vec::new() }
    }

    /// The number that calls is an older caller's.
    pub(super) fn mark(&mut self) {
        self.marked = true;
    }

    /// What the caller does in the call.
    pub(super) fn act(&mut self, from: &str, a_move: &Move) {
        let act = self.written(from, a_move);
        self.acts.push(act);
    }

    /// What the caller does in a call before.
    pub(super) fn act_before(&mut self, from: &str, a_move: &Move) {
        let act = self.written(from, a_move);
        self.before.push(act);
        if &*a_move.way.to == "message.sent" {
            self.before.push("‹ {…}编号是{记下 $编号}{…}".to_owned());
        }
    }

    /// The same once more, in the call before.
    pub(super) fn again_before(&mut self) {
        self.before.extend(self.before.last().cloned());
    }

    /// A call before is over.
    pub(super) fn hang_up_before(&mut self) {
        self.before.push("> 挂机".to_owned());
    }

    /// The call is on another day.
    pub(super) fn another_day(&mut self) {
        self.before.push("! 等待 1天".to_owned());
    }

    /// How many acts the call has.
    pub(super) fn len(&self) -> usize {
        self.acts.len()
    }

    /// The transcript: `heard` is what follows each act, and ends it.
    pub(super) fn text(&self, id: &str, title: &str, dialled: &str, at: Timestamp, heard: &[String]) -> String {
        let mut text = format!("通话 {id} {title}\n");
        let clock = OFFSET.to_datetime(at);
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  时钟 {}", clock.strftime("%Y-%m-%d %H:%M"));
        let _ = writeln!(text, "  拨打 {dialled}\n  方言 twilio\n  数据 专用");
        let (acts, before) = (&self.acts[..heard.len().min(self.acts.len())], &self.before);
        let used = |name: &str| {
            let name = format!("${name} ");
            acts.iter().chain(before).any(|act| act.contains(&name))
        };
        if self.withheld {
            text.push_str("  主叫 隐藏\n");
        } else if self.marked {
            text.push_str("  主叫 13800138000 老年\n");
        }
        for (name, stands_for) in SECRETS.iter().filter(|(name, _)| self.secrets.contains(name) && used(name)) {
            let _ = writeln!(text, "  密值 ${name} = {}", stands_for.replace('N', &self.row.to_string()));
        }
        text.push('\n');
        for line in before {
            text.push_str(line);
            text.push('\n');
        }
        for (act, heard) in acts.iter().zip(heard) {
            text.push_str(act);
            text.push('\n');
            if !heard.is_empty() {
                let _ = writeln!(text, "‹ {heard}");
            }
        }
        text
    }

    /// The line of the transcript that the call's act number `nth` stands in, in a text without anything heard.
    pub(super) fn lines_before(&self, text: &str) -> usize {
        text.lines().count() - self.acts.len()
    }

    fn written(&mut self, from: &str, a_move: &Move) -> String {
        let pause = if a_move.late { "+6m " } else { "" };
        let away = a_move.answers.contains(&"unavailable");
        let store = match (std::mem::replace(&mut self.away, away), away) {
            (false, true) => "! 数据库 断开\n",
            (true, false) => "! 数据库 恢复\n",
            _ => "",
        };
        let act = match a_move.act {
            Act::Dial => format!("> {pause}拨入"),
            Act::Key(key) => format!("> {pause}按 {}", key.as_char()),
            Act::Alone(Some(key)) => format!("> {pause}按 {} #", key.as_char()),
            Act::Alone(None) => format!("> {pause}按 #"),
            Act::Entry { right: false } => format!("> {pause}按 73 #"),
            Act::Entry { right: true } => format!("> {pause}按 {} #", self.entry(from, &a_move.answers)),
            Act::Silence | Act::Speak(false) => format!("> {pause}静默"),
            Act::Speak(true) => format!("> {pause}留言 12s"),
            Act::Person { talked: true } => format!("> {pause}人工 通话"),
            Act::Person { talked: false } => format!("> {pause}人工 无人接听"),
        };
        format!("{store}{act}")
    }

    /// What is keyed at `from` for the world to answer so.
    fn entry(&mut self, from: &str, answers: &[&str]) -> String {
        let says = |answer: &str| answers.contains(&answer);
        let refused = answers.iter().any(|answer| answer.ends_with("refused"));
        let name = match from {
            "sign-in.id-number" => "证号",
            "sign-in.card-number" => "卡号",
            "sign-in.personal-number" | "card.pin.personal-number" => "个人编号",
            "card.pin.id-number" => {
                if refused {
                    "别的证号"
                } else {
                    "证号"
                }
            }
            "card.pin.card-number" => {
                if refused {
                    "别的卡号"
                } else {
                    "卡号"
                }
            }
            "sign-in.pin" | "card.pin.old" => {
                if refused {
                    "错误密码"
                } else {
                    "密码"
                }
            }
            "card.pin.new"
                if answers.iter().any(|answer| answer.starts_with("new PIN: ") && !says("new PIN: good")) =>
            {
                return "111111".to_owned();
            }
            "card.pin.again" if says("change: mismatch") => return "384027".to_owned(),
            "card.pin.new" | "card.pin.again" => "新密码",
            "message.number" if says("no such message") || says("no try left") => return "12345672".to_owned(),
            "message.number" => return "$编号".to_owned(),
            _ => return "13800138000".to_owned(),
        };
        self.secrets.push(name);
        format!("${name}")
    }
}

/// Writes the calls that bring about what was before; `None` where this flow has none such.
pub(super) fn prepare(script: &mut Script, walk: &Walk, before: Before) -> Option<()> {
    let cannot_be = if script.withheld { "number known" } else { "number withheld" };
    let to = |place: &str| {
        let stops = walk.stops.iter().enumerate().filter(|(_, stop)| &*stop.place == place && !stop.missed);
        let mut ways = stops.map(|(stop, _)| (stop, walk.moves_to(stop)));
        ways.find(|(_, moves)| !moves.iter().any(|a_move| a_move.answers.contains(&cannot_be)))
    };
    let by = |stop: usize, is: &dyn Fn(&Move) -> bool| walk.stops.get(stop)?.moves.iter().find(|a_move| is(a_move));
    let write = |script: &mut Script, moves: Vec<&Move>| {
        for a_move in moves {
            script.act_before(&a_move.way.from, a_move);
        }
    };
    // Each call ends with so many tries of this, which is refused.
    let tries = |script: &mut Script, place: &str, refusal: &str, calls: &[usize]| {
        let (stop, moves) = to(place)?;
        let refused = by(stop, &|a_move| a_move.answers.iter().any(|answer| answer == &refusal))?;
        for tries in calls {
            write(script, moves.clone());
            script.act_before(&refused.way.from, refused);
            for _ in 1..*tries {
                script.again_before();
            }
            script.hang_up_before();
        }
        Some(())
    };
    match before {
        Before::Nothing => {}
        Before::MessageLeft => {
            let (_, moves) = to("message.sent")?;
            write(script, moves);
            script.hang_up_before();
        }
        Before::LossReported => {
            let (stop, mut moves) = to("card.loss.confirm")?;
            moves.push(by(stop, &|a_move| a_move.answers.contains(&"done and reported"))?);
            write(script, moves);
            script.hang_up_before();
            // A renewal on the same day would gain nothing.
            script.another_day();
        }
        // A call ends at the third wrong PIN; the fifth locks.
        Before::Locked => tries(script, "sign-in.pin", "refused", &[3, 2])?,
        Before::NearlyLocked => tries(script, "sign-in.pin", "refused", &[3, 1])?,
        // The initial PIN, which anybody could guess, is a try like any other.
        Before::SecondTried => {
            let by_id = to("card.pin.card-number").and(Some("card.pin.card-number"));
            tries(script, by_id.unwrap_or("card.pin.id-number"), "PIN check: refused", &[3])?;
        }
        Before::MessagesTried => tries(script, "message.number", "no such message", &[2; 5])?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::keyed::every_answer;
    use crate::replay::ways::LASTING;

    /// A name that no answer has decides nothing.
    #[test]
    fn answers_are_known_by_their_names() {
        let known = every_answer();
        let named = AFTER.iter().flat_map(|(names, _)| *names).chain(KINDS.iter().flat_map(|(names, _)| *names));
        let unknown: Vec<_> = named.chain(&LASTING).filter(|name| !known.contains(*name)).collect();
        assert_eq!(unknown, Vec::<&&str>::new());
    }
}
