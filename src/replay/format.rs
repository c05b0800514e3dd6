//! Writes a transcript as everybody writes it: one mark and one blank before each line, two before a header's, the narrow
//! forms of marks and keys. What is heard, and what is remarked, stays as it is typed.

use super::syntax::{Kind, kind_of, narrow, without_comment};

/// `text` in the usual form. A text that is no transcript keeps its faults.
#[must_use]
pub fn format(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for raw in text.trim_start_matches('\u{feff}').lines() {
        let kept = without_comment(raw);
        let remark = raw[kept.len()..].trim_end();
        let line = match kind_of(kept) {
            None => remark.to_owned(),
            Some((kind, body)) => {
                let body = match kind {
                    Kind::Heard => body.trim().to_owned(),
                    Kind::Title => body.split_whitespace().collect::<Vec<_>>().join(" "),
                    _ => narrow(body).split_whitespace().collect::<Vec<_>>().join(" "),
                };
                // Remarks below each other stay so.
                let gap = kept.trim_end().len();
                let gap =
                    Some(&kept[gap..]).filter(|gap| gap.len() > 2 && gap.bytes().all(|b| b == b' ')).unwrap_or("  ");
                let remark = if remark.is_empty() { String::new() } else { format!("{gap}{remark}") };
                match kind {
                    Kind::Caller => format!("> {body}{remark}"),
                    Kind::Heard => format!("‹ {body}{remark}"),
                    Kind::True => format!("= {body}{remark}"),
                    Kind::Fault => format!("! {body}{remark}"),
                    Kind::Header => format!("  {body}{remark}"),
                    Kind::Title => format!("{body}{remark}"),
                }
            }
        };
        // One empty line parts what belongs apart; more say no more.
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 && !(line.is_empty() && out.is_empty()) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_everybody_writes_it() {
        let typed = "\u{feff}通话   A-1  余额\r\n\t时钟　2026-07-01 10:00\r\n\r\n\r\n＞  按   １  #   // 一\r\n<您好，  欢迎{…} @main\r\n//  备注\r\n\r\n";
        let formatted =
            "通话 A-1 余额\n  时钟 2026-07-01 10:00\n\n> 按 1 #   // 一\n‹ 您好，  欢迎{…} @main\n//  备注\n";
        assert_eq!(format(typed), formatted);
        assert_eq!(format(formatted), formatted);
    }
}
