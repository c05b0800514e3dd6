//! Mandarin: values into spoken units.
//!
//! Everything here is a pure function from a value to units of one fixed inventory ([`units`]): the same units name the
//! recorded clips, so no value can be asked for that has no recording. `hotline say` prints what these functions say.
//!
//! Numbers are written out here, never left to a synthesiser: measured, a text normaliser reads 第2位 as 第两位 and
//! 12.30元 as 十二点三零元.

use std::collections::BTreeSet;
use std::iter;

use jiff::civil::{Date, Time, Weekday};
use rust_decimal::Decimal;
use serde::Deserialize;

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

/// What is being counted: a number says its measure word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Entries of an account, 笔.
    Entries,
    /// People waiting, politely: 位.
    People,
    /// People in a record: 人.
    Persons,
    /// 分钟.
    Minutes,
    /// 小时.
    Hours,
    /// 天.
    Days,
    /// 次.
    Times,
    /// Digits of a number to be keyed: 位数字.
    Digits,
}

impl Measure {
    /// Every measure there is.
    pub const ALL: [Self; 8] =
        [Self::Entries, Self::People, Self::Persons, Self::Minutes, Self::Hours, Self::Days, Self::Times, Self::Digits];

    fn unit(self) -> &'static str {
        match self {
            Self::Entries => "笔",
            Self::People => "位",
            Self::Persons => "人",
            Self::Minutes => "分钟",
            Self::Hours => "小时",
            Self::Days => "天",
            Self::Times => "次",
            Self::Digits => "位数字",
        }
    }
}

/// Says any value a prompt holds.
pub fn value(value: &Value, out: &mut Words<'_>) {
    match *value {
        Value::Amount(money) => amount(money, Style::default(), out),
        Value::Date(of) => date(of, out),
        Value::Year(of) => year(of, out),
        Value::Tail(tail) => digits(tail.as_str(), out),
        Value::Key(pressed) => key(pressed, out),
        Value::Time(of) => time(of, out),
        Value::Weekdays(days) => weekdays(days.first, days.last, out),
        Value::Minutes(n) => minutes(n, out),
        Value::Count(n) => integer(n.into(), Liang::First, out),
        Value::Month(of) => month(of.year, of.month, out),
        // Wording, not reckoning: the catalogue says words itself.
        Value::Word(_) => {}
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

/// Says how many: 两笔, 十二分钟, 一百零二人.
pub fn count(n: u32, measure: Measure, out: &mut Words<'_>) {
    integer(n.into(), Liang::First, out);
    out.unit(measure.unit());
}

/// Says which one: 第二位, 第十二笔.
pub fn ordinal(n: u32, measure: Measure, out: &mut Words<'_>) {
    out.unit(ORDINAL);
    integer(n.into(), Liang::Never, out);
    out.unit(measure.unit());
}

/// Says a number that is a name, digit by digit, with 幺 for 1: telephone numbers, tails of cards.
///
/// Up to six digits are said in one breath, eleven as 3-4-4, others in fours. Anything but a digit or an X parts the
/// number where it stands: `0791-12333` is 零七九幺 幺二三三三.
pub fn digits(text: &str, out: &mut Words<'_>) {
    let parts = text.split(|c: char| phone_digit(c).is_none()).filter(|part| !part.is_empty());
    for (i, group) in parts.flat_map(groups).enumerate() {
        if i > 0 {
            out.push(Piece::Break);
        }
        for unit in group.iter().filter_map(|&byte| phone_digit(byte.into())) {
            out.unit(unit);
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
    let (hour, minute) = (time.hour().unsigned_abs(), time.minute().unsigned_abs());
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

/// Says how long. From an hour on in hours and minutes, since nobody plans by 一千三百九十七分钟: 三十分钟, 两小时,
/// 二十三小时十七分钟.
pub fn minutes(n: u32, out: &mut Words<'_>) {
    let (hours, rest) = (n / 60, n % 60);
    if hours > 0 {
        count(hours, Measure::Hours, out);
    }
    if rest > 0 || hours == 0 {
        count(rest, Measure::Minutes, out);
    }
}

/// Says the days of the week from `first` to `last`: 周一至周五; one day when they are the same: 周六.
pub fn weekdays(first: Weekday, last: Weekday, out: &mut Words<'_>) {
    out.unit(weekday(first));
    if first != last {
        out.unit(TO);
        out.unit(weekday(last));
    }
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

/// Every unit this module can say: the clips a recorded voice needs.
#[must_use]
pub fn units() -> BTreeSet<&'static str> {
    let places = [&THOUSANDS, &HUNDREDS, &TENS, &ONES, &ALONE, &JIAO, &FEN];
    let numerals = places.into_iter().flat_map(|place| {
        place.digits.into_iter().chain([place.leading_one, place.liang]).filter(|unit| !unit.is_empty())
    });
    let words = [
        WAN, YI, YUAN, WHOLE, MINUS, POINT, ORDINAL, PERCENT, YEAR, MONTH, DAY, MINUTE, TO, STAR, HASH, PHONE_ONE,
        LETTER_X,
    ];
    let week = iter::successors(Some(Weekday::Monday), |day| Some(day.next())).take(7).map(weekday);
    numerals.chain(words).chain(week).chain(Measure::ALL.map(Measure::unit)).collect()
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
const PHONE_ONE: &str = "幺";
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

fn phone_digit(c: char) -> Option<&'static str> {
    match c {
        '1' => Some(PHONE_ONE),
        'x' | 'X' => Some(LETTER_X),
        _ => ONES.digits.get(usize::try_from(c.to_digit(10)?).ok()?).copied(),
    }
}

/// Cuts an unbroken run of digits into what is said in one breath.
fn groups(run: &str) -> impl Iterator<Item = &[u8]> {
    let (head, size) = match run.len() {
        ..=6 => (0, 6),
        11 => (3, 4),
        _ => (0, 4),
    };
    let (head, rest) = run.as_bytes().split_at(head);
    iter::once(head).chain(rest.chunks(size)).filter(|group| !group.is_empty())
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "周一",
        Weekday::Tuesday => "周二",
        Weekday::Wednesday => "周三",
        Weekday::Thursday => "周四",
        Weekday::Friday => "周五",
        Weekday::Saturday => "周六",
        Weekday::Sunday => "周日",
    }
}

#[cfg(test)]
mod tests;
