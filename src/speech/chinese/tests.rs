use proptest::prelude::*;

use super::*;
use crate::member::tail::Tail;
use crate::speech::prompt::Weekdays;

type Say<'f> = &'f dyn Fn(&mut Words<'_>);

/// The text of what `say` says; every unit of it must be in the inventory.
fn heard(say: Say<'_>) -> String {
    let mut words = Words::new();
    say(&mut words);
    let inventory = MANDARIN.units();
    for piece in words.pieces() {
        if let Piece::Unit(unit) = piece {
            assert!(inventory.contains(unit), "{unit} is missing in units()");
        }
    }
    words.text()
}

fn yuan(text: &str) -> Money {
    Money::parse(text).unwrap_or_else(|e| panic!("{text} {e}"))
}

fn fen(fen: i64) -> Money {
    Money::from_fen(fen).unwrap_or_else(|e| panic!("{fen} {e}"))
}

fn spoken(money: Money, style: Style) -> String {
    let mut words = Words::new();
    amount(money, style, &mut words);
    words.text()
}

fn day(text: &str) -> Date {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

const STYLES: [Style; 4] = [
    Style { whole_suffix: true, liang: Liang::First },
    Style { whole_suffix: false, liang: Liang::First },
    Style { whole_suffix: true, liang: Liang::Never },
    Style { whole_suffix: true, liang: Liang::Every },
];

#[test]
fn amounts() {
    for (value, expected) in [
        ("0.00", "零元"),
        ("0.02", "两分"),
        ("0.20", "两角"),
        ("0.22", "两角二分"),
        ("1.05", "一元零五分"),
        ("2.00", "两元整"),
        ("2.20", "两元二角"),
        ("10.50", "十元五角"),
        ("12.30", "十二元三角"),
        ("20.00", "二十元整"),
        ("22.02", "二十二元零二分"),
        ("100.05", "一百元零五分"),
        ("110.00", "一百一十元整"),
        ("200.00", "两百元整"),
        ("202.00", "两百零二元整"),
        ("1002.00", "一千零二元整"),
        ("1010.10", "一千零一十元一角"),
        ("1234.56", "一千二百三十四元五角六分"),
        ("2222.22", "两千二百二十二元二角二分"),
        ("10010.00", "一万零一十元整"),
        ("12000.00", "一万二千元整"),
        ("20000.00", "两万元整"),
        ("20002.00", "两万零二元整"),
        ("100500.00", "十万零五百元整"),
        ("101000.00", "十万一千元整"),
        ("120000.00", "十二万元整"),
        ("20020002.00", "两千零二万零二元整"),
        ("100001000.00", "一亿零一千元整"),
        ("100020000.00", "一亿零二万元整"),
        ("101000000.00", "一亿零一百万元整"),
        ("110000000.00", "一亿一千万元整"),
        ("200000000.00", "两亿元整"),
        ("999999999999.99", "九千九百九十九亿九千九百九十九万九千九百九十九元九角九分"),
        ("-12.30", "负十二元三角"),
        ("-0.02", "负两分"),
        ("-2", "负两元整"),
    ] {
        assert_eq!(heard(&|out| amount(yuan(value), Style::default(), out)), expected, "{value}");
    }
}

/// 2222.22 as 两千二百二十二元两角二分 is acceptable too, but no style says it: it is 两 neither first nor everywhere.
#[test]
fn amounts_in_the_other_accepted_styles() {
    let plain = Style { whole_suffix: false, ..Style::default() };
    let never = Style { liang: Liang::Never, ..Style::default() };
    let every = Style { liang: Liang::Every, ..Style::default() };
    for (value, style, expected) in [
        ("0.00", plain, "零元"),
        ("110.00", plain, "一百一十元"),
        ("110.10", plain, "一百一十元一角"),
        ("200.00", never, "二百元整"),
        ("2.22", never, "二元二角二分"),
        ("20020002.00", never, "二千零二万零二元整"),
        ("2.20", every, "两元两角"),
        ("0.22", every, "两角两分"),
        ("12000.00", every, "一万两千元整"),
        ("2222.00", every, "两千两百二十二元整"),
        ("20020002.00", every, "两千零二万零二元整"),
        ("100020002.00", every, "一亿零两万零二元整"),
        ("222222222222.00", every, "两千两百二十二亿两千两百二十二万两千两百二十二元整"),
    ] {
        assert_eq!(heard(&|out| amount(yuan(value), style, out)), expected, "{value} {style:?}");
    }
}

#[test]
fn what_is_not_an_amount() {
    let rows: &[(Say<'_>, &str)] = &[
        (&|out| MANDARIN.digits("13812345678", out), "幺三八 幺二三四 五六七八"),
        (&|out| MANDARIN.digits("1012", out), "幺零幺二"),
        (&|out| MANDARIN.digits("003X", out), "零零三X"),
        (&|out| MANDARIN.digits("003x", out), "零零三X"),
        (&|out| MANDARIN.digits("12333", out), "幺二三三三"),
        (&|out| MANDARIN.digits("95566", out), "九五五六六"),
        (&|out| MANDARIN.digits("12393", out), "幺二三九三"),
        (&|out| MANDARIN.digits("123456", out), "幺二三四五六"),
        (&|out| MANDARIN.digits("1234567", out), "幺二三四 五六七"),
        (&|out| MANDARIN.digits("0791-12333", out), "零七九幺 幺二三三三"),
        (&|out| MANDARIN.digits(" - ", out), ""),
        (&|out| MANDARIN.digits("", out), ""),
        (&|out| date(day("2026-01-02"), out), "二零二六年一月二日"),
        (&|out| date(day("2026-02-22"), out), "二零二六年二月二十二日"),
        (&|out| date(day("2011-11-11"), out), "二零一一年十一月十一日"),
        (&|out| date(day("2000-10-30"), out), "二零零零年十月三十日"),
        (&|out| month(2026, 1, out), "二零二六年一月"),
        (&|out| year(2026, out), "二零二六年"),
        (&|out| time(Time::constant(2, 0, 0, 0), out), "两点"),
        (&|out| time(Time::constant(14, 5, 0, 0), out), "十四点零五分"),
        (&|out| time(Time::constant(14, 9, 0, 0), out), "十四点零九分"),
        (&|out| time(Time::constant(12, 2, 0, 0), out), "十二点零二分"),
        (&|out| time(Time::constant(8, 30, 0, 0), out), "八点三十分"),
        (&|out| time(Time::constant(0, 0, 0, 0), out), "零点"),
        (&|out| time(Time::constant(22, 10, 59, 0), out), "二十二点十分"),
        (&|out| MANDARIN.count(2, Measure::Entries, out), "两笔"),
        (&|out| MANDARIN.count(2, Measure::People, out), "两位"),
        (&|out| MANDARIN.count(2, Measure::Minutes, out), "两分钟"),
        (&|out| MANDARIN.count(12, Measure::Entries, out), "十二笔"),
        (&|out| MANDARIN.count(22, Measure::Minutes, out), "二十二分钟"),
        (&|out| MANDARIN.count(102, Measure::Persons, out), "一百零二人"),
        (&|out| MANDARIN.count(0, Measure::Entries, out), "零笔"),
        (&|out| MANDARIN.count(10, Measure::Days, out), "十天"),
        (&|out| MANDARIN.count(2, Measure::Hours, out), "两小时"),
        (&|out| MANDARIN.count(3, Measure::Times, out), "三次"),
        (&|out| MANDARIN.count(18, Measure::Digits, out), "十八位数字"),
        (&|out| MANDARIN.count(u32::MAX, Measure::Entries, out), "四十二亿九千四百九十六万七千二百九十五笔"),
        (&|out| MANDARIN.minutes(0, out), "零分钟"),
        (&|out| MANDARIN.minutes(2, out), "两分钟"),
        (&|out| MANDARIN.minutes(30, out), "三十分钟"),
        (&|out| MANDARIN.minutes(62, out), "一小时两分钟"),
        (&|out| MANDARIN.minutes(120, out), "两小时"),
        (&|out| MANDARIN.minutes(1397, out), "二十三小时十七分钟"),
        (&|out| MANDARIN.ordinal(2, Measure::Entries, out), "第二笔"),
        (&|out| MANDARIN.ordinal(2, Measure::People, out), "第二位"),
        (&|out| MANDARIN.ordinal(12, Measure::Entries, out), "第十二笔"),
        (&|out| MANDARIN.ordinal(200, Measure::People, out), "第二百位"),
        (&|out| percent(number("2"), out), "百分之二"),
        (&|out| percent(number("12.5"), out), "百分之十二点五"),
        (&|out| percent(number("100.00"), out), "百分之一百"),
        (&|out| percent(number("-0.5"), out), "负百分之零点五"),
        (&|out| decimal(number("0.2"), out), "零点二"),
        (&|out| decimal(number("-0.00"), out), "零"),
        (&|out| decimal(number("2.050"), out), "二点零五"),
        (&|out| decimal(number("1000010000000.1"), out), "一万亿零一千万点一"),
        (&|out| MANDARIN.weekdays(Weekday::Monday, Weekday::Friday, out), "周一至周五"),
        (&|out| MANDARIN.weekdays(Weekday::Saturday, Weekday::Saturday, out), "周六"),
    ];
    for (say, expected) in rows {
        assert_eq!(&heard(say), expected);
    }
}

#[test]
fn values_of_prompts() {
    for (said, expected) in [
        (Value::Amount(yuan("200")), "两百元整"),
        (Value::Date(day("2026-01-02")), "二零二六年一月二日"),
        (Value::Year(2026), "二零二六年"),
        (Value::Tail(Tail::of("11010519491231002X").unwrap()), "零零二X"),
        (Value::Key(Key::Digit(1)), "一"),
        (Value::Time(Time::constant(8, 30, 0, 0)), "八点三十分"),
        (Value::Time(Time::constant(0, 0, 0, 0)), "零点"),
        (Value::Time(Time::MAX), "二十四点"),
        (Value::Weekdays(Weekdays { first: Weekday::Monday, last: Weekday::Friday }), "周一至周五"),
        (Value::Minutes(30), "三十分钟"),
    ] {
        assert_eq!(heard(&|out| MANDARIN.value(&said, out)), expected);
    }
}

#[test]
fn keys() {
    let names: Vec<_> = Key::ALL.into_iter().map(|pressed| heard(&|out| key(pressed, out))).collect();
    let expected = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "星号键", "井号键"];
    assert_eq!(names, expected);
}

/// A group is parted by a break, not by a unit: the clip player must hear silence there.
#[test]
fn breaks_are_not_units() {
    let mut words = Words::new();
    MANDARIN.digits("1234567", &mut words);
    let expected = ["幺", "二", "三", "四"].map(Piece::Unit).into_iter().chain([Piece::Break]);
    assert!(words.pieces().iter().take(5).eq(expected.collect::<Vec<_>>().iter()));
}

/// A recorded voice is cut by this list: a change here costs a day in a studio.
#[test]
fn inventory() {
    let expected = "\
        零 一 二 三 四 五 六 七 八 九 两 十 幺 X \
        一十 二十 三十 四十 五十 六十 七十 八十 九十 \
        一百 二百 三百 四百 五百 六百 七百 八百 九百 两百 \
        一千 二千 三千 四千 五千 六千 七千 八千 九千 两千 \
        一角 二角 三角 四角 五角 六角 七角 八角 九角 两角 \
        一分 二分 三分 四分 五分 六分 七分 八分 九分 两分 \
        万 亿 元 整 负 点 第 百分之 年 月 日 分 至 星号键 井号键 \
        笔 位 人 分钟 小时 天 次 位数字 \
        周一 周二 周三 周四 周五 周六 周日";
    assert_eq!(MANDARIN.units(), expected.split_whitespace().collect());
}

/// Every whole yuan below 100,000, with no fraction, with 零 before the fen, and with one fraction more, all in turn.
/// The conformance suite puts the same range before another author's reader.
#[test]
fn amounts_below_a_hundred_thousand_read_back() {
    for yuan in 0..100_000 {
        for fraction in [0, 2, yuan % 99 + 1] {
            reads_back(yuan * 100 + fraction);
        }
    }
}

#[test]
fn every_amount_below_a_thousand_reads_back() {
    (0..100_000).for_each(reads_back);
}

fn reads_back(value: i64) {
    let text = spoken(fen(value), Style::default());
    assert_eq!(reader::read(&text, Liang::First), Ok(value), "{text}");
}

/// Amounts with as many zeros as other digits: gaps are where readers of numbers go wrong.
fn any_amount() -> impl Strategy<Value = i64> {
    (proptest::collection::vec(prop_oneof![Just(0), Just(2), 0..=9_i64], 1..=14), any::<bool>()).prop_map(
        |(digits, negative)| {
            let value = digits.into_iter().fold(0, |n, digit| n * 10 + digit);
            if negative { -value } else { value }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_amount_reads_back_in_every_style(value in any_amount()) {
        for style in STYLES {
            let text = spoken(fen(value), style);
            let whole = value != 0 && value % 100 == 0;
            prop_assert_eq!(text.ends_with('整'), whole && style.whole_suffix, "{}", text);
            let with_suffix = if whole && !style.whole_suffix { format!("{text}整") } else { text };
            prop_assert_eq!(reader::read(&with_suffix, style.liang), Ok(value), "{}", with_suffix);
        }
    }

    /// Another author's reader of whole numbers agrees. It knows no 两, and says 兆 for 万亿.
    #[test]
    fn whole_numbers_agree_with_chinese_number(n in any_amount().prop_map(|n| n.unsigned_abs() / 100)) {
        use chinese_number::{ChineseCase, ChineseCountMethod, ChineseVariant, NumberToChinese};
        let theirs = n.to_chinese(ChineseVariant::Simple, ChineseCase::Lower, ChineseCountMethod::TenThousand);
        prop_assert_eq!(heard(&|out| integer(n.into(), Liang::Never, out)), theirs.unwrap_or_default());
    }
}

#[test]
fn the_reader_refuses_what_is_not_chinese() {
    for text in [
        "",
        "元",
        "零元整",
        "零零元",
        "一百零元整",
        "一十元整",
        "两十元整",
        "一百十元整",
        "一百五元整",
        "一万一百元整",
        "一万零一千元整",
        "一千零十元整",
        "一亿一百万元整",
        "一亿零一千一百万元整",
        "二百元整",
        "两千两百元整",
        "一百元",
        "十元五角整",
        "一元五分",
        "一元零五角",
        "零五分",
        "零元五分",
        "十二元三角零五分",
        "五分五角",
        "零二元整",
        "一万万元整",
        "一万亿元整",
        "一百一百元整",
        "负零元",
        "一两元整",
        "两百零两元整",
    ] {
        assert!(reader::read(text, Liang::First).is_err(), "{text} was read");
    }
}

/// The other way: from what is heard to fen, strict about form, and made without a look at the speaker's tables.
mod reader {
    use super::Liang;

    /// One digit heard, with the power of ten it stands for.
    struct Heard {
        digit: i64,
        power: u32,
        /// A 零 was said right before it.
        zero: bool,
        said: Said,
        /// Nothing was said between this digit and 万, 亿 or 元.
        alone: bool,
    }

    #[derive(PartialEq, Eq)]
    enum Said {
        Plainly,
        /// As 两.
        Liang,
        /// As 十 without a 一.
        Bare,
    }

    pub(super) fn read(text: &str, liang: Liang) -> Result<i64, &'static str> {
        if text == "零元" {
            return Ok(0);
        }
        let (sign, text) = text.strip_prefix('负').map_or((1, text), |rest| (-1, rest));
        let (yuan, small) = text.split_once('元').map_or((None, text), |(yuan, small)| (Some(yuan), small));
        let mut heard = Vec::with_capacity(14);
        if let Some(yuan) = yuan {
            integer(yuan, &mut heard)?;
        }
        fraction(small, yuan.is_some(), &mut heard)?;
        for (i, one) in heard.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| &heard[i]);
            form(one, before, liang)?;
        }
        if heard.is_empty() {
            return Err("no numeral");
        }
        Ok(sign * heard.iter().map(|one| one.digit * 10_i64.pow(one.power)).sum::<i64>())
    }

    /// What must hold between a digit and the one before it.
    fn form(one: &Heard, before: Option<&Heard>, liang: Liang) -> Result<(), &'static str> {
        // Powers count from fen: yuan are 2..=5, 万 6..=9, 亿 10..=13. Jiao and fen are judged by `fraction`.
        let tens = matches!(one.power, 3 | 7 | 11);
        if tens && one.digit == 1 && (one.said == Said::Bare) != before.is_none() {
            return Err("一十 at the beginning, or 十 without 一 after it");
        }
        if before.is_some_and(|before| before.power <= one.power) {
            return Err("digits out of order");
        }
        if one.power >= 2 {
            let gap = before.is_some_and(|before| {
                let (section, place) = ((one.power - 2) / 4, (one.power - 2) % 4);
                let above = (before.power - 2) / 4;
                if section == above { before.power - one.power > 1 } else { above - section > 1 || place < 3 }
            });
            if gap != one.zero {
                return Err(if gap { "a gap without 零" } else { "零 without a gap" });
            }
        }
        let tail = matches!(one.power, 2 | 6 | 10) && !one.alone;
        let wanted = one.digit == 2
            && !tens
            && !tail
            && match liang {
                Liang::First => before.is_none(),
                Liang::Never => false,
                Liang::Every => true,
            };
        if (one.said == Said::Liang) != wanted {
            return Err(if wanted { "二 for 两" } else { "两 for 二" });
        }
        Ok(())
    }

    fn integer(text: &str, heard: &mut Vec<Heard>) -> Result<(), &'static str> {
        let (yi, rest) = text.split_once('亿').map_or((None, text), |(yi, rest)| (Some(yi), rest));
        let (wan, ones) = rest.split_once('万').map_or((None, rest), |(wan, rest)| (Some(wan), rest));
        for (section, power) in [(yi, 10), (wan, 6)] {
            match section {
                Some("") => return Err("万 or 亿 of nothing"),
                Some(section) => four_digits(section, power, heard)?,
                None => {}
            }
        }
        if text.is_empty() {
            return Err("元 of nothing");
        }
        four_digits(ones, 2, heard)
    }

    fn four_digits(text: &str, power: u32, heard: &mut Vec<Heard>) -> Result<(), &'static str> {
        let start = heard.len();
        let mut chars = text.chars().peekable();
        while chars.peek().is_some() {
            let zero = chars.next_if_eq(&'零').is_some();
            let (digit, said) = match chars.peek() {
                Some('十') => (1, Said::Bare),
                Some('两') => (2, Said::Liang),
                Some(&c) => (value(c)?, Said::Plainly),
                None => return Err("零 at the end"),
            };
            if said != Said::Bare {
                chars.next();
            }
            let place = match chars.next() {
                Some('千') => 3,
                Some('百') => 2,
                Some('十') => 1,
                None => 0,
                Some(_) => return Err("a digit without a place"),
            };
            heard.push(Heard { digit, power: power + place, zero, said, alone: false });
        }
        if let [only] = &mut heard[start..] {
            only.alone = only.power == power && (power > 2 || start == 0);
        }
        Ok(())
    }

    fn fraction(text: &str, after_yuan: bool, heard: &mut Vec<Heard>) -> Result<(), &'static str> {
        let chars: Vec<char> = text.chars().collect();
        let mut push = |c: char, power| {
            let (digit, said) = if c == '两' { (2, Said::Liang) } else { (value(c)?, Said::Plainly) };
            heard.push(Heard { digit, power, zero: false, said, alone: true });
            Ok(())
        };
        match (after_yuan, chars.as_slice()) {
            (true, ['整']) => Ok(()),
            (true, ['零', fen, '分']) | (false, [fen, '分']) => push(*fen, 0),
            (_, [jiao, '角']) => push(*jiao, 1),
            (_, [jiao, '角', fen, '分']) => push(*jiao, 1).and_then(|()| push(*fen, 0)),
            _ => Err("not 整, 角 or 分"),
        }
    }

    fn value(c: char) -> Result<i64, &'static str> {
        "一二三四五六七八九".chars().zip(1..).find_map(|(d, n)| (d == c).then_some(n)).ok_or("not a digit")
    }
}

/// Cantonese says what Mandarin says, but for 1 in names of numbers, days of the week, and how days are counted.
#[test]
fn cantonese() {
    let rows: &[(Say<'_>, &str)] = &[
        (&|out| CANTONESE.digits("13812345678", out), "一三八 一二三四 五六七八"),
        (&|out| CANTONESE.digits("12333", out), "一二三三三"),
        (&|out| CANTONESE.digits("101x", out), "一零一X"),
        (&|out| CANTONESE.value(&Value::Tail(Tail::of("11010519491231002X").unwrap()), out), "零零二X"),
        (&|out| CANTONESE.value(&Value::Amount(yuan("2020.02")), out), "两千零二十元零二分"),
        (&|out| CANTONESE.value(&Value::Date(day("2011-11-11")), out), "二零一一年十一月十一日"),
        (&|out| CANTONESE.value(&Value::Time(Time::constant(14, 5, 0, 0)), out), "十四点零五分"),
        (&|out| CANTONESE.weekdays(Weekday::Monday, Weekday::Friday, out), "星期一至星期五"),
        (&|out| CANTONESE.weekdays(Weekday::Sunday, Weekday::Sunday, out), "星期日"),
        (&|out| CANTONESE.count(2, Measure::Days, out), "两日"),
        (&|out| CANTONESE.minutes(62, out), "一小时两分钟"),
    ];
    let inventory = CANTONESE.units();
    for (say, expected) in rows {
        let mut words = Words::new();
        say(&mut words);
        assert_eq!(&words.text(), expected);
        for piece in words.pieces() {
            assert!(!matches!(piece, Piece::Unit(unit) if !inventory.contains(unit)), "{piece:?} is no unit");
        }
    }
    assert!(!inventory.contains("幺") && !inventory.contains("周一") && !inventory.contains("天"));
}
