//! Figures of what was heard in Chinese words: so that a hole stays a hole when it is blessed.

use jiff::civil::Date;

use crate::member::money::Money;
use crate::speech::chinese::{self, Liang, Style};
use crate::speech::words::Words;

/// What an amount looks like.
pub const AMOUNT: &str = "负?(?:[零一二两三四五六七八九十百千万亿]+元整?(?:零?[一二两三四五六七八九][角分])*|(?:[一二两三四五六七八九][角分])+)";

/// What a day looks like.
pub const DAY: &str = "[零一二三四五六七八九]{4}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}日";

/// The amount that is said in these words, if it is one and nothing else: 一千零一十元零五分.
#[must_use]
pub fn amount(text: &str) -> Option<Money> {
    let (negative, rest) = text.strip_prefix('负').map_or((false, text), |rest| (true, rest));
    let (yuan, rest) = rest.split_once('元').map_or((0, rest), |(yuan, rest)| (number(yuan), rest));
    let rest = rest.trim_start_matches(['零', '整']);
    let (jiao, rest) = rest.split_once('角').unwrap_or(("", rest));
    let fen = rest.strip_suffix('分').unwrap_or(rest);
    let whole = yuan.checked_mul(100)?.checked_add(number(jiao) * 10 + number(fen))?;
    let amount = Money::from_fen(if negative { -whole } else { whole }).ok()?;
    let styles = [true, false]
        .into_iter()
        .flat_map(|whole_suffix| [Liang::First, Liang::Every, Liang::Never].map(|liang| Style { whole_suffix, liang }));
    // What cannot be said so was something else.
    let mut said = styles.map(|style| said(|words| chinese::amount(amount, style, words)));
    said.any(|said| said == text).then_some(amount)
}

/// The day that is said in these words, if it is one and nothing else: 二零二六年六月三十日.
#[must_use]
pub fn day(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let mut digits = year.chars().map(|c| i16::try_from(digit(c)?).ok());
    let year = digits.try_fold(0_i16, |year, digit| year.checked_mul(10)?.checked_add(digit?))?;
    let day = rest.strip_suffix('日')?;
    let date = Date::new(year, i8::try_from(number(month)).ok()?, i8::try_from(number(day)).ok()?).ok()?;
    (said(|words| chinese::date(date, words)) == text).then_some(date)
}

fn said(say: impl Fn(&mut Words<'_>)) -> String {
    let mut words = Words::new();
    say(&mut words);
    words.text()
}

/// A number in words; what is none comes to something that is not said so.
fn number(text: &str) -> i64 {
    let (mut whole, mut section, mut last) = (0_i64, 0_i64, 0_i64);
    for c in text.chars() {
        let unit = match c {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' => {
                whole = whole.saturating_add((section + last).saturating_mul(10_000));
                (section, last) = (0, 0);
                continue;
            }
            // 一万亿: of all that was said so far.
            '亿' => {
                whole = whole.saturating_add(section + last).saturating_mul(100_000_000);
                (section, last) = (0, 0);
                continue;
            }
            c => {
                last = digit(c).unwrap_or_default();
                continue;
            }
        };
        // 十二 stands for 一十二.
        section += last.max(1) * unit;
        last = 0;
    }
    whole.saturating_add(section + last)
}

fn digit(c: char) -> Option<i64> {
    match c {
        '两' => Some(2),
        c => "零一二三四五六七八九".chars().zip(0..).find_map(|(said, digit)| (said == c).then_some(digit)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_amount_is_known_again(fen in -99_999_999_999_i64..=99_999_999_999, whole_suffix: bool) {
            let money = Money::from_fen(fen).unwrap();
            let said = said(|words| chinese::amount(money, Style { whole_suffix, liang: Liang::First }, words));
            prop_assert_eq!(amount(&said), Some(money), "{}", said);
        }
    }

    #[test]
    fn what_is_no_figure_is_none() {
        assert_eq!(amount("一千零一十元零五分").map(Money::fen), Some(101_005));
        assert_eq!(amount("两百元整").map(Money::fen), Some(20_000));
        assert_eq!(amount("余额为两百元整"), None);
        assert_eq!(amount("一千一十元"), None);
        assert_eq!(amount(""), None);
        assert_eq!(day("二零二六年六月三十日"), Some(jiff::civil::date(2026, 6, 30)));
        assert_eq!(day("二零二六年六月三十一日"), None);
        assert_eq!(day("六月三十日"), None);
    }
}
