use jiff::civil::date;

use super::super::account::{CardStatus, YearMonth};
use super::*;

const TODAY: Date = date(2026, 7, 1);
const HEADER: &str = "id_number,card_number,personal_number,name,scheme,insurance_status,contribution_status,\
    last_contribution,outpatient_benefit,inpatient_benefit,card_status,pin,pin_is_initial,current_year_balance,\
    carried_balance,pooled_year,pooled_deductible,pooled_deductible_met,pooled_limit,pooled_used,as_of,benefits_from";
const ROW: &str = "11010519491231002X,A12345678,1000000001,样例一,employee,active,paid,2026-06,normal,waiting,\
    temporary_loss,739154,false,310.05,700,2026,1800,450.5,20000,1234.56,2026-06-30,";

fn read(file: &str) -> Vec<Result<Member, RowError>> {
    MemberRows::new(file.as_bytes(), TODAY).unwrap().collect()
}

/// [`ROW`] with another text in `column`.
fn row_with(column: &str, text: &str) -> String {
    let place = MEMBER_COLUMNS.iter().position(|c| *c == column).unwrap();
    let mut fields: Vec<&str> = ROW.split(',').collect();
    fields[place] = text;
    fields.join(",")
}

fn header_error(file: &str) -> String {
    MemberRows::new(file.as_bytes(), TODAY).err().unwrap().to_string()
}

#[test]
fn a_row_becomes_a_member() {
    let [Ok(member)] = &read(&format!("{HEADER}\n{ROW}\n"))[..] else { panic!() };
    assert_eq!(member.id_number.expose(), "11010519491231002X");
    assert_eq!(member.card_number.as_ref().unwrap().expose(), "A12345678");
    assert_eq!(member.personal_number.as_ref().unwrap().expose(), "1000000001");
    assert_eq!(member.name.expose(), "样例一");
    assert_eq!(member.scheme, Scheme::Employee);
    assert_eq!(member.last_contribution, YearMonth { year: 2026, month: 6 });
    assert_eq!(member.card_status, CardStatus::TemporaryLoss);
    assert_eq!(member.pin.as_ref().unwrap().expose(), b"739154");
    assert!(!member.pin_is_initial);
    assert_eq!(member.personal.unwrap().total(), Money::parse("1010.05").unwrap());
    assert_eq!(member.pooled.remaining(), Some(Money::parse("18765.44").unwrap()));
    assert_eq!(member.pooled.as_of, date(2026, 6, 30));
    assert_eq!(format!("{member:?}"), "Member(…)");
}

#[test]
fn files_of_every_system() {
    let quoted = ROW.split(',').map(|field| format!("\"{field}\"")).collect::<Vec<_>>().join(",");
    let spaced = ROW.replace(',', " , ");
    for file in [
        format!("{HEADER}\n{ROW}"),
        format!("\u{feff}{HEADER}\n{ROW}\n"),
        format!("\u{feff}{HEADER}\r\n{ROW}\r\n"),
        format!("{HEADER}\r\n\r\n{quoted}\r\n\r\n"),
        format!("{HEADER}\n{spaced}\n"),
        HEADER.split(',').rev().collect::<Vec<_>>().join(",")
            + "\n"
            + &ROW.split(',').rev().collect::<Vec<_>>().join(","),
    ] {
        let rows = read(&file);
        assert_eq!(rows.len(), 1, "{file}");
        let member = rows[0].as_ref().unwrap_or_else(|e| panic!("{e}: {file}"));
        assert_eq!(member.card_number.as_ref().unwrap().expose(), "A12345678");
        assert_eq!(member.name.expose(), "样例一");
    }
}

#[test]
fn a_header_must_be_right() {
    assert_eq!(header_error(""), "column id_number is missing");
    assert_eq!(header_error(&HEADER.replace(",pin,", ",")), "column pin is missing");
    assert_eq!(header_error(&format!("{HEADER},pin")), "column pin is there twice");
    assert!(header_error(&HEADER.replace(",pin,", ",pim,")).starts_with("column pim is unknown; the columns are id_"));
    // Without a header the first line is a member: nothing of it is told.
    assert_eq!(header_error(ROW), "the first line must name the columns, but its field 1 is not a name");
    assert_eq!(header_error("\u{feff}"), "column id_number is missing");
}

#[test]
fn a_file_may_leave_out_from_when_benefits_are_paid() {
    let from =
        |file: &str| read(file).into_iter().map(|row| row.map(|member| member.benefits_from)).collect::<Vec<_>>();
    let (header, row) = (HEADER.strip_suffix(",benefits_from").unwrap(), ROW.strip_suffix(',').unwrap());
    assert_eq!(from(&format!("{header}\n{row}")), [Ok(None)]);
    assert_eq!(from(&format!("{HEADER}\n{row},\n{row},2026-09-01")), [Ok(None), Ok(Some(date(2026, 9, 1)))]);
    let error = |line, column, reason: &str| RowError { line, column, reason: reason.to_owned() };
    let day = error(2, "benefits_from", "must be a day written as 2026-06-30");
    let width = error(3, WHOLE_ROW, "must have 22 fields, not 21");
    assert_eq!(from(&format!("{HEADER}\n{row},2026-9-1\n{row}")), [Err(day), Err(width)]);
}

#[test]
fn a_fault_is_told_by_place_and_expectation() {
    for (column, text, reason) in [
        ("id_number", "", "must have 18 characters (15 for numbers issued before 1999), not 0"),
        ("id_number", "110105194912310021", "has a check character that does not follow from the others"),
        ("card_number", "1234567", "must have 8 or 9 characters, not 7"),
        ("personal_number", "A2345678", "must be digits"),
        ("name", "", "must not be empty"),
        ("name", "样\u{7}例", "must be at most 64 characters, none of them a control character"),
        ("scheme", "worker", "must be one of employee, retired, flexible, resident"),
        ("insurance_status", "", "must be one of active, paused, ended"),
        ("contribution_status", "PAID", "must be one of paid, owing, interrupted, exempt"),
        ("last_contribution", "2026-6", "must be a month written as 2026-06"),
        ("outpatient_benefit", "ok", "must be one of normal, waiting, stopped"),
        ("inpatient_benefit", "ok", "must be one of normal, waiting, stopped"),
        ("card_status", "lost", "must be one of normal, inactive, temporary_loss, formal_loss, locked, cancelled"),
        ("pin", "73915", "must be six digits"),
        ("pin_is_initial", "1", "must be true or false"),
        ("current_year_balance", "", "is not a decimal number; write yuan as 1234.56"),
        ("carried_balance", "0.001", "is finer than a fen (0.01 yuan); at most two decimals are taken"),
        ("pooled_year", "26", "must be a year written as 2026"),
        ("pooled_deductible", "-0.01", "must not be below zero"),
        ("pooled_deductible_met", "1,8", "is not a decimal number; write yuan as 1234.56"),
        ("pooled_limit", "none", "is not a decimal number; write yuan as 1234.56"),
        ("pooled_used", "1000000000000", "is beyond 999,999,999,999.99 yuan, the most that can be spoken"),
        ("as_of", "2026-02-29", "must be a day written as 2026-06-30"),
        ("as_of", "20260630", "must be a day written as 2026-06-30"),
    ] {
        let field = if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() };
        let rows = read(&format!("{HEADER}\n{}\n{ROW}\n", row_with(column, &field)));
        let expected = RowError { line: 2, column, reason: reason.to_owned() };
        assert_eq!(rows[0].as_ref().err(), Some(&expected), "{column} {text}");
        assert!(rows[1].is_ok() && rows.len() == 2, "the next row is read");
    }
}

#[test]
fn both_balances_together_must_be_speakable() {
    let row = row_with("carried_balance", "999999999999");
    let rows = read(&format!("{HEADER}\n{row}\n"));
    let error = rows[0].as_ref().unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2: carried_balance with the current year's is beyond 999,999,999,999.99 yuan, the most that can be spoken"
    );
}

#[test]
fn a_resident_has_no_personal_account() {
    let resident = |current: &str, carried: &str| {
        let row = ROW.replace("employee", "resident").replace(",310.05,700,", &format!(",{current},{carried},"));
        read(&format!("{HEADER}\n{row}\n")).remove(0)
    };
    for (current, carried) in [("", ""), ("0", "0.00"), ("", "0")] {
        assert!(resident(current, carried).unwrap().personal.is_none());
    }
    let error = resident("", "0.01").unwrap_err();
    assert_eq!(
        (error.column, &*error.reason),
        ("carried_balance", "must be empty or 0: residents have no personal account")
    );
    assert_eq!(resident("-1", "0").unwrap_err().column, "current_year_balance");
}

#[test]
fn what_may_be_left_empty() {
    for column in ["card_number", "personal_number", "pin", "pooled_limit"] {
        assert!(read(&format!("{HEADER}\n{}\n", row_with(column, "")))[0].is_ok(), "{column}");
    }
    let row = row_with("pin", "").replace(",false,", ",true,");
    let rows = read(&format!("{HEADER}\n{row}\n"));
    assert_eq!(rows[0].as_ref().unwrap_err().to_string(), "line 2: pin_is_initial must be false where there is no pin");
}

#[test]
fn one_bad_row_never_stops_the_rest() {
    let file = format!("{HEADER}\r\n{ROW}\r\n\r\nonly,three,fields\r\n\"{ROW}\r\n{ROW},\r\n{ROW}\r\n");
    let told: Vec<_> = read(&file).into_iter().map(|row| row.map(drop).map_err(|e| e.to_string())).collect();
    assert_eq!(
        told,
        [
            Ok(()),
            Err("line 4: row must have 22 fields, not 3".to_owned()),
            Err("line 5: row has a quotation mark that is not closed".to_owned()),
            Err("line 6: row must have 22 fields, not 23".to_owned()),
            Ok(()),
        ]
    );
}

#[test]
fn a_file_in_gbk_is_told_so() {
    let mut file = format!("{HEADER}\n").into_bytes();
    let (before, after) = ROW.split_once("样例一").unwrap();
    file.extend([before.as_bytes(), b"\xd1\xf9\xc0\xfd", after.as_bytes()].concat());
    let error = MemberRows::new(&*file, TODAY).unwrap().next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "line 2: name must be UTF-8; save the table as \"CSV UTF-8\", not in GBK");
}

#[test]
fn a_disk_that_fails_is_told_once() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk gone"))
        }
    }
    let file = format!("{HEADER}\n{ROW}\n");
    let rows = MemberRows::new(file.as_bytes().chain(Failing), TODAY).unwrap();
    let told: Vec<_> = rows.map(|row| row.map(drop).map_err(|e| e.to_string())).collect();
    assert_eq!(told, [Ok(()), Err("line 3: row cannot be read: disk gone".to_owned())]);
}

/// Whatever stands in a field, the fault told does not hold it.
#[test]
fn no_fault_tells_what_stood_there() {
    let secret = "7391548";
    for column in MEMBER_COLUMNS {
        for text in [secret.to_owned(), format!("x{secret}"), format!("{secret}.123"), format!("{secret}年")] {
            let file = format!("{HEADER}\n{}\n", row_with(column, &text));
            if let Err(error) = &read(&file)[0] {
                assert!(!format!("{error} {error:?}").contains(secret), "{error}");
            }
        }
    }
}

#[test]
fn transactions() {
    let file = "\u{feff}id_number,kind,at,amount,balance_after,place\r\n\
        110105491231002,pharmacy,2026-06-18T09:30:00+08:00,35.6,1010.05,\"样例药店, 一分店\"\r\n\
        11010519491231002X,adjustment,2026-06-18T01:30:00Z,-0.01,-5,样例中心\r\n\
        11010519491231002X,interest,2026-06-18T01:30:00Z,-0.01,1,样例中心\r\n\
        11010519491231002X,interest,2026-06-18 09:30,1,1,样例中心\r\n\
        11010519491231002X,gift,2026-06-18T01:30:00Z,1,1,样例中心\r\n";
    let rows: Vec<_> = TransactionRows::new(file.as_bytes(), TODAY).unwrap().collect();
    let TransactionRow { id_number, transaction } = rows[0].as_ref().unwrap();
    assert_eq!(id_number.expose(), "11010519491231002X");
    assert_eq!(transaction.at.to_string(), "2026-06-18T01:30:00Z");
    assert_eq!(transaction.kind, TransactionKind::Pharmacy);
    assert_eq!(transaction.amount.to_plain(), "35.60");
    assert_eq!(transaction.place, "样例药店, 一分店");
    assert_eq!(rows[1].as_ref().unwrap().transaction.balance_after.to_plain(), "-5.00");
    let told: Vec<_> = rows[2..].iter().map(|row| row.as_ref().unwrap_err().to_string()).collect();
    assert_eq!(
        told,
        [
            "line 4: amount must not be below zero",
            "line 5: at must be a time written as 2026-06-18T09:30:00+08:00",
            "line 6: kind must be one of credit, interest, refund, outpatient, pharmacy, inpatient, mutual_aid, \
             resident_premium, adjustment",
        ]
    );
}

#[test]
fn mutual_aid() {
    let header = MUTUAL_AID_COLUMNS.join(",");
    let file = format!(
        "\u{feff}{header}\r\n\
        110105491231002,2026,800,2026-06-30,1,,2,0,,,,\r\n\
        310000198503120012,2026,0.00,2026-06-30,0,02,,, , ,99,1\r\n\
        310000198503120012,2026,0,2026-06-30,2,,,,,,,\r\n\
        310000198503120012,2026,0,2026-06-30,,,-1,,,,,\r\n\
        310000198503120012,2026,0,2026-06-30,,,100,,,,,\r\n\
        310000198503120012,2026,-1,2026-06-30,,,,,,,,\r\n\
        310000198503120012,,0,2026-06-30,,,,,,,,\r\n\
        310000198503120012,2026,0,2026-06-30,1\r\n"
    );
    let rows: Vec<_> = MutualAidRows::new(file.as_bytes(), TODAY).unwrap().collect();
    let bound = |n: usize| {
        let row: &MutualAidRow = rows[n].as_ref().unwrap();
        let bound = row.aid.bound.iter().map(|bound| (bound.relation.as_str(), bound.count)).collect::<Vec<_>>();
        (row.id_number.expose(), bound)
    };
    assert_eq!(bound(0), ("11010519491231002X", vec![("spouse", 1), ("children", 2)]));
    assert_eq!(bound(1).1, [("parents", 2), ("sons_children", 99), ("daughters_children", 1)]);
    let used = rows[0].as_ref().unwrap().aid.used.unwrap();
    assert_eq!((used.year, used.amount.to_plain(), used.as_of), (2026, "800.00".to_owned(), date(2026, 6, 30)));
    let told: Vec<_> = rows[2..].iter().map(|row| row.as_ref().unwrap_err().to_string()).collect();
    assert_eq!(
        told,
        [
            "line 4: spouse must be a number from 0 to 1, or empty for none",
            "line 5: children must be a number from 0 to 99, or empty for none",
            "line 6: children must be a number from 0 to 99, or empty for none",
            "line 7: used must not be below zero",
            "line 8: year must be a year written as 2026",
            "line 9: row must have 12 fields, not 5",
        ]
    );
    let mut again = Vec::new();
    write_mutual_aid(rows.into_iter().take(2).map(Result::unwrap), &mut again).unwrap();
    let expected = format!(
        "{header}\n11010519491231002X,2026,800.00,2026-06-30,1,,2,,,,,\n\
         310000198503120012,2026,0.00,2026-06-30,,2,,,,,99,1\n"
    );
    assert_eq!(String::from_utf8(again).unwrap(), expected);
}
