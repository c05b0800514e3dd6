//! The number that was dialled, whichever way the network writes it.

/// A dialled number: its digits, without what only says how to route it there from where the caller stands.
///
/// `+8612393`, `0086 12393`, `tel:12393`, `sip:12393@pbx.example;user=phone` and `12393` are one number; `010-12393`,
/// `+861012393` and `079112393` are the same with an area code in front.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DialledNumber(Box<str>);

/// China's country code. No area code begins so.
const COUNTRY: &str = "86";
/// Numbers up to this long are service numbers, which are dialled with an area code in front or without.
const LONGEST_SERVICE_NUMBER: usize = 6;

impl DialledNumber {
    /// Reads what a platform or a line's file writes. `None`: there are no three digits in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('<');
        let bare = ["sips:", "sip:", "tel:"]
            .iter()
            .find_map(|scheme| {
                let (head, rest) = text.split_at_checked(scheme.len())?;
                head.eq_ignore_ascii_case(scheme).then_some(rest)
            })
            .unwrap_or(text);
        let user = bare.split(['@', ';', '?', '>']).next().unwrap_or_default().replace("%2B", "+");
        if user.contains(|c: char| !c.is_ascii_digit() && !"+-. ()".contains(c)) {
            return None;
        }
        let digits: String = user.chars().filter(char::is_ascii_digit).collect();
        let national = digits.strip_prefix("00").unwrap_or(&digits);
        let national = national.strip_prefix(COUNTRY).filter(|rest| rest.len() >= 3).unwrap_or(national);
        let national = national.strip_prefix('0').unwrap_or(national);
        (national.len() >= 3).then(|| Self(national.into()))
    }

    /// Whether who dialled `self` wants the line with the number `line`: the same number, or the same service number behind
    /// an area code.
    #[must_use]
    pub fn reaches(&self, line: &Self) -> bool {
        let area = self.0.strip_suffix(&*line.0);
        area.is_some_and(|area| area.is_empty() || (line.0.len() <= LONGEST_SERVICE_NUMBER && is_area_code(area)))
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 10 (Beijing), 20 to 29, and three digits from 310 on.
fn is_area_code(digits: &str) -> bool {
    match digits.as_bytes() {
        [b'1', b'0'] | [b'2', _] => true,
        [first, _, _] => (b'3'..=b'9').contains(first),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(dialled: &str, line: &str) -> bool {
        let number = |text| DialledNumber::parse(text).unwrap_or_else(|| panic!("{text} is no number"));
        number(dialled).reaches(&number(line))
    }

    #[test]
    fn one_number_in_many_ways() {
        for dialled in [
            "12393",
            "+8612393",
            "8612393",
            "008612393",
            "+86 12393",
            "sip:12393@hotline.example",
            "SIP:12393@10.0.0.1:5060;transport=udp",
            "sips:12393@hotline.example",
            "<sip:12393@hotline.example>",
            "sip:%2B8612393@hotline.example",
            "tel:12393;phone-context=+86",
            "010-12393",
            "01012393",
            "+861012393",
            "1012393",
            "(0791) 12393",
            "+8679112393",
            "021.12393",
        ] {
            assert!(reaches(dialled, "12393"), "{dialled}");
            assert!(reaches(dialled, "+8612393"), "{dialled}");
            assert!(!reaches(dialled, "12333"), "{dialled}");
            assert!(!reaches(dialled, "95566"), "{dialled}");
        }
        assert!(reaches("95566", "95566") && reaches("02095566", "95566"));
        assert!(reaches("+86 400 101 2393", "4001012393") && reaches("4001012393", "+864001012393"));
        assert!(reaches("+12248033558", "+12248033558"));
    }

    /// A number of somebody's own may end as a service number does.
    #[test]
    fn the_end_alone_does_not_reach_a_line() {
        for dialled in ["13900012393", "+14155512393", "+86107912393", "079188612393", "112393", "1912393"] {
            assert!(!reaches(dialled, "12393"), "{dialled}");
        }
        assert!(!reaches("0104001012393", "4001012393"));
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "*", "anonymous", "sip:agent@hotline.example", "12", "+86", "client:12393", "1２393"] {
            assert_eq!(DialledNumber::parse(text), None, "{text}");
        }
    }
}
