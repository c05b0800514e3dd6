//! Chinese: values into spoken units. Mandarin and Cantonese write numbers alike; where they do not, [`Chinese`] tells.
//!
//! Everything here is a pure function from a value to units of one fixed inventory ([`Chinese::units`]): the same units
//! name the recorded clips, so no value can be asked for that has no recording. `hotline say` prints what these functions
//! say.
//!
//! Numbers are written out here, never left to a synthesiser: measured, a text normaliser reads 第2位 as 第两位 and
//! 12.30元 as 十二点三零元.

use std::collections::BTreeSet;
use std::iter;

use jiff::civil::{Date, Time, Weekday};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::measure::Measure;
use super::prompt::Value;
use super::words::{Piece, Words};
use crate::member::money::Money;
use crate::secret::Key;

/// How amounts are worded, where good usage allows more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Style {
    /// Whether an amount without jiao and fen ends in 整, as on a cheque: 一百元整.
    pub whole_suffix: bool,
    /// Where a 2 is 两.
    pub liang: Liang,
}

impl Default for Style {
    fn default() -> Self {
        Self { whole_suffix: true, liang: Liang::First }
    }
}

/// Where a 2 is 两 and where it is 二. Before 十 and at the end of a longer number it is 二 in every style.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Liang {
    /// 两 when it is the first numeral said, 二 after that: 两千二百二十二元二角.
    #[default]
    First,
    /// 二 everywhere: 二千二百二十二元二角, and 二元.
    Never,
    /// 两 before every 百 千 万 亿 元 角 分, as in CLDR's `spellout-cardinal-alternate2`: 两千两百二十二元两角.
    Every,
}

/// What one Chinese language says otherwise than another.
#[derive(Debug)]
pub struct Chinese {
    /// 1 in a number that is a name: Mandarin has 幺 for it, so that nobody takes it for 七.
    one_of_names: &'static str,
    /// The measure word of days.
    days: &'static str,
    /// The days of the week, from Monday.
    week: [&'static str; 7],
}

/// As spoken on the mainland's hotlines.
pub static MANDARIN: Chinese =
    Chinese {
        one_of_names: "幺", days: "天", week: ["周一", "周二", "周三", "周四", "周五", "周六", "周日"]
    };

/// As formally spoken in Guangdong and Hong Kong, in simplified characters: 一 is jat¹ in every number, and says what 幺 does.
pub static CANTONESE: Chinese = Chinese {
    one_of_names: "一",
    days: "日",
    week: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
};

impl Chinese {
    /// Says any value a prompt holds.
    pub fn value(&self, value: &Value, out: &mut Words<'_>) {
        match *value {
            Value::Amount(money) => amount(money, Style::default(), out),
            Value::Date(of) => date(of, out),
            Value::Year(of) => year(of, out),
            Value::Tail(tail) => self.digits(tail.as_str(), out),
            Value::Key(pressed) => key(pressed, out),
            Value::Time(of) => time(of, out),
            Value::Weekdays(days) => self.weekdays(days.first, days.last, out),
            Value::Minutes(n) => self.minutes(n, out),
            Value::Count(n) => integer(n.into(), Liang::First, out),
            Value::Month(of) => month(of.year, of.month, out),
            Value::Number(number) => self.digits(number.as_str(), out),
            // Wording, not reckoning: the catalogue says words itself.
            Value::Word(_) => {}
        }
    }

    /// Says how many: 两笔, 十二分钟, 一百零二人.
    pub fn count(&self, n: u32, measure: Measure, out: &mut Words<'_>) {
        integer(n.into(), Liang::First, out);
        out.unit(self.measure(measure));
    }

    /// Says which one: 第二位, 第十二笔.
    pub fn ordinal(&self, n: u32, measure: Measure, out: &mut Words<'_>) {
        out.unit(ORDINAL);
        integer(n.into(), Liang::Never, out);
        out.unit(self.measure(measure));
    }

    /// Says a number that is a name, digit by digit, with 幺 for 1 in Mandarin: telephone numbers, tails of cards.
    ///
    /// Up to six digits are said in one breath, eleven as 3-4-4, others in fours. Anything but a digit or an X parts the
    /// number where it stands: `0791-12333` is 零七九幺 幺二三三三.
    pub fn digits(&self, text: &str, out: &mut Words<'_>) {
        let parts = text.split(|c: char| self.digit(c).is_none()).filter(|part| !part.is_empty());
        for (i, group) in parts.flat_map(groups).enumerate() {
            if i > 0 {
                out.push(Piece::Break);
            }
            for unit in group.iter().filter_map(|&byte| self.digit(byte.into())) {
                out.unit(unit);
            }
        }
    }

    /// Says how long. From an hour on in hours and minutes, since nobody plans by 一千三百九十七分钟: 三十分钟, 两小时,
    /// 二十三小时十七分钟.
    pub fn minutes(&self, n: u32, out: &mut Words<'_>) {
        let (hours, rest) = (n / 60, n % 60);
        if hours > 0 {
            self.count(hours, Measure::Hours, out);
        }
        if rest > 0 || hours == 0 {
            self.count(rest, Measure::Minutes, out);
        }
    }

    /// Says the days of the week from `first` to `last`: 周一至周五; one day when they are the same: 周六.
    pub fn weekdays(&self, first: Weekday, last: Weekday, out: &mut Words<'_>) {
        out.unit(self.weekday(first));
        if first != last {
            out.unit(TO);
            out.unit(self.weekday(last));
        }
    }

    /// Every unit that can be said: the clips a recorded voice needs.
    #[must_use]
    pub fn units(&self) -> BTreeSet<&'static str> {
        let places = [&THOUSANDS, &HUNDREDS, &TENS, &ONES, &ALONE, &JIAO, &FEN];
        let numerals = places.into_iter().flat_map(|place| {
            place.digits.into_iter().chain([place.leading_one, place.liang]).filter(|unit| !unit.is_empty())
        });
        let words = [
            WAN,
            YI,
            YUAN,
            WHOLE,
            MINUS,
            POINT,
            ORDINAL,
            PERCENT,
            YEAR,
            MONTH,
            DAY,
            MINUTE,
            TO,
            STAR,
            HASH,
            self.one_of_names,
            LETTER_X,
        ];
        let measures = Measure::ALL.map(|measure| self.measure(measure));
        numerals.chain(words).chain(self.week).chain(measures).collect()
    }

    fn measure(&self, measure: Measure) -> &'static str {
        match measure {
            Measure::Entries => "笔",
            Measure::People => "位",
            Measure::Persons => "人",
            Measure::Minutes => "分钟",
            Measure::Hours => "小时",
            Measure::Days => self.days,
            Measure::Times => "次",
            Measure::Digits => "位数字",
        }
    }

    fn digit(&self, c: char) -> Option<&'static str> {
        match c {
            '1' => Some(self.one_of_names),
            'x' | 'X' => Some(LETTER_X),
            _ => ONES.digits.get(usize::try_from(c.to_digit(10)?).ok()?).copied(),
        }
    }

    fn weekday(&self, day: Weekday) -> &'static str {
        self.week[usize::from(day.to_monday_zero_offset().unsigned_abs()) % 7]
    }
}

/// Says an amount: 一千二百三十四元五角六分, 一百元整, 负两角.
pub fn amount(money: Money, style: Style, out: &mut Words<'_>) {
    let (yuan, jiao, fen) = money.parts();
    if money.is_negative() {
        out.unit(MINUS);
    }
    if money == Money::ZERO {
        out.unit(ONES.digits[0]);
        out.unit(YUAN);
        return;
    }
    let mut speaker = Speaker::new(style.liang, out);
    if yuan > 0 {
        speaker.integer(yuan.into());
        speaker.out.unit(YUAN);
    }
    match (jiao, fen) {
        (0, 0) if style.whole_suffix => speaker.out.unit(WHOLE),
        (0, 0) => {}
        (0, fen) => {
            if yuan > 0 {
                speaker.out.unit(ONES.digits[0]);
            }
            speaker.numeral(&FEN, fen.into());
        }
        (jiao, 0) => speaker.numeral(&JIAO, jiao.into()),
        (jiao, fen) => {
            speaker.numeral(&JIAO, jiao.into());
            speaker.numeral(&FEN, fen.into());
        }
    }
}

/// Says the name of a key: 一, 零, 星号键, 井号键. A key is never 幺.
pub fn key(key: Key, out: &mut Words<'_>) {
    match key {
        Key::Digit(d) => out.unit(ONES.digits[usize::from(d % 10)]),
        Key::Star => out.unit(STAR),
        Key::Hash => out.unit(HASH),
    }
}

/// Says a day: 二零二六年一月二日.
pub fn date(date: Date, out: &mut Words<'_>) {
    month(date.year(), date.month(), out);
    calendar(date.day(), DAY, out);
}

/// Says a month (1–12) of the year `of`: 二零二六年一月.
pub fn month(of: i16, month: i8, out: &mut Words<'_>) {
    year(of, out);
    calendar(month, MONTH, out);
}

/// Says a year of our era, digit by digit, with 一 for 1: 二零一一年.
pub fn year(year: i16, out: &mut Words<'_>) {
    let year = year.unsigned_abs();
    for size in [1000, 100, 10, 1] {
        out.unit(ONES.digits[usize::from(year / size % 10)]);
    }
    out.unit(YEAR);
}

/// Says a time of day on the 24-hour clock, to the minute: 两点, 八点三十分, 十四点零五分.
pub fn time(time: Time, out: &mut Words<'_>) {
    let (hour, minute) = match time {
        Time::MAX => (24, 0),
        time => (time.hour().unsigned_abs(), time.minute().unsigned_abs()),
    };
    integer(hour.into(), Liang::First, out);
    out.unit(POINT);
    if minute == 0 {
        return;
    }
    if minute < 10 {
        out.unit(ONES.digits[0]);
    }
    integer(minute.into(), Liang::Never, out);
    out.unit(MINUTE);
}

/// Says a percentage, `decimal` being the number before the sign: 12.5 is 百分之十二点五.
pub fn percent(decimal: Decimal, out: &mut Words<'_>) {
    sign(decimal, out);
    out.unit(PERCENT);
    magnitude(decimal, out);
}

/// Says a bare number: 零点二, 负十二点五. Zeros that end the decimals are not said.
pub fn decimal(decimal: Decimal, out: &mut Words<'_>) {
    sign(decimal, out);
    magnitude(decimal, out);
}

const WAN: &str = "万";
const YI: &str = "亿";
const YUAN: &str = "元";
const WHOLE: &str = "整";
const MINUS: &str = "负";
const POINT: &str = "点";
const ORDINAL: &str = "第";
const PERCENT: &str = "百分之";
const YEAR: &str = "年";
const MONTH: &str = "月";
const DAY: &str = "日";
const MINUTE: &str = "分";
const TO: &str = "至";
const STAR: &str = "星号键";
const HASH: &str = "井号键";
const LETTER_X: &str = "X";

/// The units a digit is said with at one place of a number.
struct Place {
    /// By digit. Zero has a unit only where it is ever said.
    digits: [&'static str; 10],
    /// 1 as the first numeral of all: 十, not 一十.
    leading_one: &'static str,
    /// 2 where the style wants 两; there is no 两十.
    liang: &'static str,
}

const THOUSANDS: Place = Place {
    digits: ["", "一千", "二千", "三千", "四千", "五千", "六千", "七千", "八千", "九千"],
    leading_one: "一千",
    liang: "两千",
};
const HUNDREDS: Place = Place {
    digits: ["", "一百", "二百", "三百", "四百", "五百", "六百", "七百", "八百", "九百"],
    leading_one: "一百",
    liang: "两百",
};
const TENS: Place = Place {
    digits: ["", "一十", "二十", "三十", "四十", "五十", "六十", "七十", "八十", "九十"],
    leading_one: "十",
    liang: "二十",
};
const ONES: Place =
    Place {
        digits: ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"], leading_one: "一", liang: "二"
    };
/// The ones of a number below ten, right before 万, 亿, 元 or a measure word.
const ALONE: Place = Place { liang: "两", ..ONES };
const JIAO: Place = Place {
    digits: ["", "一角", "二角", "三角", "四角", "五角", "六角", "七角", "八角", "九角"],
    leading_one: "一角",
    liang: "两角",
};
const FEN: Place = Place {
    digits: ["", "一分", "二分", "三分", "四分", "五分", "六分", "七分", "八分", "九分"],
    leading_one: "一分",
    liang: "两分",
};

/// Says the numerals of one value, remembering what earlier ones mean for later ones.
struct Speaker<'w, 'c> {
    liang: Liang,
    /// No numeral was said yet.
    first: bool,
    /// Zeros were passed over since the last numeral and are to be heard as one 零 if another follows.
    gap: bool,
    out: &'w mut Words<'c>,
}

impl<'w, 'c> Speaker<'w, 'c> {
    fn new(liang: Liang, out: &'w mut Words<'c>) -> Self {
        Self { liang, first: true, gap: false, out }
    }

    /// Says `n`; of a zero it says nothing.
    fn integer(&mut self, n: u128) {
        let (yi, rest) = (n / 100_000_000, n % 100_000_000);
        if yi > 0 {
            self.integer(yi);
            self.out.unit(YI);
        }
        self.section(rest / 10_000, Some(WAN));
        self.section(rest % 10_000, None);
    }

    /// Says four digits and then `unit`.
    fn section(&mut self, value: u128, unit: Option<&'static str>) {
        let alone = value == 2 && (self.first || unit.is_some());
        let ones = if alone { &ALONE } else { &ONES };
        for (place, size) in [(&THOUSANDS, 1000), (&HUNDREDS, 100), (&TENS, 10), (ones, 1)] {
            let digit = (value / size % 10) as usize;
            if digit == 0 {
                self.gap = !self.first;
                continue;
            }
            if self.gap {
                self.out.unit(ONES.digits[0]);
            }
            self.gap = false;
            self.numeral(place, digit);
        }
        // An empty section is a gap (一亿零一千); zeros that end a section which was said are not (十万一千).
        if value > 0 {
            self.gap = false;
            if let Some(unit) = unit {
                self.out.unit(unit);
            }
        }
    }

    /// Says one digit at its place.
    fn numeral(&mut self, place: &Place, digit: usize) {
        let liang = match self.liang {
            Liang::First => self.first,
            Liang::Never => false,
            Liang::Every => true,
        };
        self.out.unit(match digit {
            1 if self.first => place.leading_one,
            2 if liang => place.liang,
            _ => place.digits[digit],
        });
        self.first = false;
    }
}

/// Says a whole number, 0 too. A 2 by itself is 两 unless `liang` is [`Liang::Never`]: bare numbers ask for that.
fn integer(n: u128, liang: Liang, out: &mut Words<'_>) {
    if n == 0 {
        out.unit(ONES.digits[0]);
    } else {
        Speaker::new(liang, out).integer(n);
    }
}

/// Says the number of a month or day: 二月, never 两月.
fn calendar(n: i8, unit: &'static str, out: &mut Words<'_>) {
    integer(n.unsigned_abs().into(), Liang::Never, out);
    out.unit(unit);
}

fn sign(decimal: Decimal, out: &mut Words<'_>) {
    if decimal.is_sign_negative() && !decimal.is_zero() {
        out.unit(MINUS);
    }
}

/// Says `decimal` without its sign.
fn magnitude(decimal: Decimal, out: &mut Words<'_>) {
    let decimal = decimal.abs().normalize();
    integer(decimal.trunc().mantissa().unsigned_abs(), Liang::Never, out);
    if decimal.scale() == 0 {
        return;
    }
    out.unit(POINT);
    let decimals = decimal.fract().mantissa().unsigned_abs();
    for power in (0..decimal.scale()).rev() {
        out.unit(ONES.digits[(decimals / 10_u128.pow(power) % 10) as usize]);
    }
}

/// Cuts an unbroken run of digits into what is said in one breath.
pub(super) fn groups(run: &str) -> impl Iterator<Item = &[u8]> {
    let (head, size) = match run.len() {
        ..=6 => (0, 6),
        11 => (3, 4),
        _ => (0, 4),
    };
    let (head, rest) = run.as_bytes().split_at(head);
    iter::once(head).chain(rest.chunks(size)).filter(|group| !group.is_empty())
}

#[cfg(test)]
mod tests;
