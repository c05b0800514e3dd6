//! Members and what they have as files hold it: `members.csv`, `transactions.csv` and `mutual-aid.csv`, RFC 4180, UTF-8.
//!
//! The first line names the columns, in any order; all must be there, but for `benefits_from`, and no others. A row that
//! cannot be read is told by line, column and what was expected, never by what stood there, and does not stop the rows after
//! it. So a file is read line by line, and a quoted field may not go on over the end of its line: else one stray quotation
//! mark would swallow the rest of the file.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::str::FromStr;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use jiff::Timestamp;
use jiff::civil::Date;
use zeroize::Zeroizing;

use super::Member;
use super::account::{PersonalAccount, PooledFund, Scheme, Transaction, TransactionKind};
use super::card_number::CardNumber;
use super::id_number::IdNumber;
use super::money::Money;
use super::mutual_aid::{AidUsed, Bound, MutualAid, Relation};
use super::personal_number::PersonalNumber;
use crate::secret::{Pin, Secret};

/// The columns of `members.csv`.
pub const MEMBER_COLUMNS: [&str; 22] = [
    "id_number",
    "card_number",
    "personal_number",
    "name",
    "scheme",
    "insurance_status",
    "contribution_status",
    "last_contribution",
    "outpatient_benefit",
    "inpatient_benefit",
    "card_status",
    "pin",
    "pin_is_initial",
    "current_year_balance",
    "carried_balance",
    "pooled_year",
    "pooled_deductible",
    "pooled_deductible_met",
    "pooled_limit",
    "pooled_used",
    "as_of",
    BENEFITS_FROM,
];

/// The one column that a file may leave out, as registers do that do not tell it.
const BENEFITS_FROM: &str = "benefits_from";

/// The columns of `transactions.csv`.
pub const TRANSACTION_COLUMNS: [&str; 6] = ["id_number", "at", "kind", "amount", "balance_after", "place"];

/// The columns of `mutual-aid.csv`: a row is all there is of a member, and after the first four there is one column a
/// [`Relation`], in its order.
pub const MUTUAL_AID_COLUMNS: [&str; 12] = [
    "id_number",
    "year",
    "used",
    "as_of",
    Relation::Spouse.as_str(),
    Relation::Parent.as_str(),
    Relation::Child.as_str(),
    Relation::Sibling.as_str(),
    Relation::PaternalGrandparent.as_str(),
    Relation::MaternalGrandparent.as_str(),
    Relation::SonsChild.as_str(),
    Relation::DaughtersChild.as_str(),
];

/// In place of a column's name: the row as a whole.
pub const WHOLE_ROW: &str = "row";

/// Why a file was not begun.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// A column that is none of ours.
    #[error("column {0} is unknown; the columns are {1}")]
    Unknown(String, String),
    /// Something that cannot be a column's name, so perhaps a member's number: it is told by its place.
    #[error("the first line must name the columns, but its field {0} is not a name")]
    NotAName(usize),
    /// A column twice.
    #[error("column {0} is there twice")]
    Repeated(&'static str),
    /// A column not there.
    #[error("column {0} is missing")]
    Missing(&'static str),
    /// The file itself.
    #[error("cannot be read")]
    Unreadable(#[from] io::Error),
}

/// What is wrong with one row. It holds nothing of what stood there, so it may be printed and logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {column} {reason}")]
pub struct RowError {
    /// The line of the file, the header being 1.
    pub line: u64,
    /// The column, or [`WHOLE_ROW`].
    pub column: &'static str,
    /// What was expected.
    pub reason: String,
}

/// Reads `members.csv`.
pub struct MemberRows<R> {
    rows: Rows<R, 22>,
    today: Date,
}

impl<R: Read> MemberRows<R> {
    /// Reads the header. `today` is the last day on which a member may have been born.
    ///
    /// # Errors
    /// What [`HeaderError`] names.
    pub fn new(reader: R, today: Date) -> Result<Self, HeaderError> {
        Ok(Self { rows: Rows::new(reader, MEMBER_COLUMNS)?, today })
    }

    /// The line of the row that was given last, the header being 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.rows.line
    }
}

impl<R: Read> Iterator for MemberRows<R> {
    type Item = Result<Member, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let today = self.today;
        self.rows.next().map(|row| row.and_then(|fields| member(fields, today)))
    }
}

/// A row of `transactions.csv`: what moved, and on whose account.
#[derive(Clone, Debug)]
pub struct TransactionRow {
    /// Whose.
    pub id_number: IdNumber,
    /// What.
    pub transaction: Transaction,
}

/// Reads `transactions.csv`.
pub struct TransactionRows<R> {
    rows: Rows<R, 6>,
    today: Date,
}

impl<R: Read> TransactionRows<R> {
    /// Reads the header. `today` is the last day on which a member may have been born.
    ///
    /// # Errors
    /// What [`HeaderError`] names.
    pub fn new(reader: R, today: Date) -> Result<Self, HeaderError> {
        Ok(Self { rows: Rows::new(reader, TRANSACTION_COLUMNS)?, today })
    }
}

impl<R: Read> Iterator for TransactionRows<R> {
    type Item = Result<TransactionRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let today = self.today;
        self.rows.next().map(|row| row.and_then(|fields| transaction(fields, today)))
    }
}

/// A row of `mutual-aid.csv`: who is bound to whose account.
#[derive(Clone, Debug)]
pub struct MutualAidRow {
    /// Whose account it is.
    pub id_number: IdNumber,
    /// All there is.
    pub aid: MutualAid,
}

/// Reads `mutual-aid.csv`.
pub struct MutualAidRows<R> {
    rows: Rows<R, 12>,
    today: Date,
}

impl<R: Read> MutualAidRows<R> {
    /// Reads the header. `today` is the last day on which a member may have been born.
    ///
    /// # Errors
    /// What [`HeaderError`] names.
    pub fn new(reader: R, today: Date) -> Result<Self, HeaderError> {
        Ok(Self { rows: Rows::new(reader, MUTUAL_AID_COLUMNS)?, today })
    }
}

impl<R: Read> Iterator for MutualAidRows<R> {
    type Item = Result<MutualAidRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let today = self.today;
        self.rows.next().map(|row| row.and_then(|fields| mutual_aid(&fields, today)))
    }
}

fn member(fields: [Field<'_>; 22], today: Date) -> Result<Member, RowError> {
    let [
        id_number,
        card_number,
        personal_number,
        name,
        scheme,
        insurance_status,
        contribution_status,
        last_contribution,
        outpatient_benefit,
        inpatient_benefit,
        card_status,
        pin,
        pin_is_initial,
        current_year_balance,
        carried_balance,
        pooled_year,
        pooled_deductible,
        pooled_deductible_met,
        pooled_limit,
        pooled_used,
        as_of,
        benefits_from,
    ] = fields;

    let scheme = scheme.read(Scheme::from_str)?;
    let pin = pin.optional(|text| Pin::parse(text).ok_or("must be six digits"))?;
    let initial = pin_is_initial.read(truth)?;
    if initial && pin.is_none() {
        return Err(pin_is_initial.refused("must be false where there is no pin"));
    }
    let as_of = as_of.read(day)?;
    Ok(Member {
        id_number: id_number.read(|text| IdNumber::parse(text, today))?,
        card_number: card_number.optional(CardNumber::parse)?,
        personal_number: personal_number.optional(PersonalNumber::parse)?,
        name: Secret::new(name.read(|text| words(text, 64))?),
        scheme,
        insurance_status: insurance_status.read(FromStr::from_str)?,
        contribution_status: contribution_status.read(FromStr::from_str)?,
        last_contribution: last_contribution.read(FromStr::from_str)?,
        outpatient_benefit: outpatient_benefit.read(FromStr::from_str)?,
        inpatient_benefit: inpatient_benefit.read(FromStr::from_str)?,
        benefits_from: benefits_from.optional(day)?,
        card_status: card_status.read(FromStr::from_str)?,
        pin,
        pin_is_initial: initial,
        personal: personal_account(scheme, &current_year_balance, &carried_balance, as_of)?,
        pooled: PooledFund {
            year: pooled_year.read(year)?,
            deductible: pooled_deductible.read(amount)?,
            deductible_met: pooled_deductible_met.read(amount)?,
            limit: pooled_limit.optional(amount)?,
            used: pooled_used.read(amount)?,
            as_of,
        },
    })
}

fn personal_account(
    scheme: Scheme,
    current_year: &Field<'_>,
    carried: &Field<'_>,
    as_of: Date,
) -> Result<Option<PersonalAccount>, RowError> {
    if scheme.has_personal_account() {
        let account = PersonalAccount::new(current_year.read(Money::parse)?, carried.read(Money::parse)?, as_of);
        return account.map(Some).map_err(|error| carried.refused(format!("with the current year's {error}")));
    }
    for field in [current_year, carried] {
        if field.optional(Money::parse)?.is_some_and(|balance| balance != Money::ZERO) {
            return Err(field.refused("must be empty or 0: residents have no personal account"));
        }
    }
    Ok(None)
}

fn transaction(fields: [Field<'_>; 6], today: Date) -> Result<TransactionRow, RowError> {
    let [id_number, at, kind, moved, balance_after, place] = fields;
    let kind = kind.read(TransactionKind::from_str)?;
    Ok(TransactionRow {
        id_number: id_number.read(|text| IdNumber::parse(text, today))?,
        transaction: Transaction {
            at: at.read(time)?,
            kind,
            amount: if kind == TransactionKind::Adjustment { moved.read(Money::parse)? } else { moved.read(amount)? },
            balance_after: balance_after.read(Money::parse)?,
            place: place.read(|text| words(text, 128))?.to_owned(),
        },
    })
}

fn mutual_aid(fields: &[Field<'_>; 12], today: Date) -> Result<MutualAidRow, RowError> {
    let [id_number, in_year, used, as_of, counts @ ..] = fields;
    let mut bound = Vec::new();
    for (&relation, field) in Relation::ALL.iter().zip(counts) {
        let count = field.optional(|text| how_many(text, relation.most()))?.unwrap_or(0);
        if count > 0 {
            bound.push(Bound { relation, count });
        }
    }
    Ok(MutualAidRow {
        id_number: id_number.read(|text| IdNumber::parse(text, today))?,
        aid: MutualAid {
            bound,
            used: Some(AidUsed { year: in_year.read(year)?, amount: used.read(amount)?, as_of: as_of.read(day)? }),
        },
    })
}

/// A number of people.
fn how_many(text: &str, most: u8) -> Result<u8, String> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let count = if plain { text.parse().ok() } else { None };
    count.filter(|count| *count <= most).ok_or_else(|| format!("must be a number from 0 to {most}, or empty for none"))
}

fn truth(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

fn words(text: &str, most: usize) -> Result<&str, String> {
    if text.is_empty() {
        Err("must not be empty".to_owned())
    } else if text.chars().any(char::is_control) || text.chars().count() > most {
        Err(format!("must be at most {most} characters, none of them a control character"))
    } else {
        Ok(text)
    }
}

/// An amount that cannot be below zero.
fn amount(text: &str) -> Result<Money, String> {
    match Money::parse(text) {
        Ok(money) if money.is_negative() => Err("must not be below zero".to_owned()),
        other => other.map_err(|error| error.to_string()),
    }
}

/// A settlement year; the basic medical insurance began in 1998.
fn year(text: &str) -> Result<i16, &'static str> {
    text.parse().ok().filter(|year| (1998..=9999).contains(year)).ok_or("must be a year written as 2026")
}

fn day(text: &str) -> Result<Date, &'static str> {
    // jiff reads more ways of writing a day than this one.
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    plain.then(|| text.parse().ok()).flatten().ok_or("must be a day written as 2026-06-30")
}

fn time(text: &str) -> Result<Timestamp, &'static str> {
    // jiff reads the name of a time zone in brackets, too, which RFC 3339 does not have.
    let plain = !text.contains('[');
    plain.then(|| text.parse().ok()).flatten().ok_or("must be a time written as 2026-06-18T09:30:00+08:00")
}

/// The rows of a file with `N` columns.
struct Rows<R, const N: usize> {
    reader: BufReader<R>,
    splitter: Reader,
    columns: [&'static str; N],
    /// Where in a row of the file each of `columns` stands; `None`: the file leaves it out.
    place: [Option<usize>; N],
    /// How many there are in the file.
    width: usize,
    line: u64,
    // What is read goes through these two; they are wiped in the end.
    text: Zeroizing<Vec<u8>>,
    fields: Zeroizing<Vec<u8>>,
    /// Where in `fields` each field ends.
    ends: Vec<usize>,
    failed: bool,
}

/// One field of one row.
struct Field<'a> {
    line: u64,
    column: &'static str,
    bytes: &'a [u8],
}

impl<R: Read, const N: usize> Rows<R, N> {
    fn new(reader: R, columns: [&'static str; N]) -> Result<Self, HeaderError> {
        let mut rows = Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            splitter: ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build(),
            columns,
            place: [None; N],
            width: 0,
            line: 0,
            text: Zeroizing::new(Vec::with_capacity(4096)),
            fields: Zeroizing::new(Vec::new()),
            ends: Vec::new(),
            failed: false,
        };
        // A file without a single line has no columns.
        let names = if rows.read_line()? { rows.split().unwrap_or(0) } else { 0 };
        rows.place = rows.places(names)?;
        rows.width = names;
        Ok(rows)
    }

    fn places(&self, names: usize) -> Result<[Option<usize>; N], HeaderError> {
        let mut places = [None; N];
        for place in 0..names {
            let name = self.field(place).trim_ascii();
            match self.columns.iter().position(|column| column.as_bytes() == name) {
                Some(known) if places[known].replace(place).is_some() => {
                    return Err(HeaderError::Repeated(self.columns[known]));
                }
                Some(_) => {}
                // A file without a header must not have its first member's data told.
                None if name.is_empty() || !name.iter().all(|b| b.is_ascii_lowercase() || *b == b'_') => {
                    return Err(HeaderError::NotAName(place + 1));
                }
                None => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    return Err(HeaderError::Unknown(name, self.columns.join(", ")));
                }
            }
        }
        let missing =
            places.iter().zip(self.columns).find(|(place, column)| place.is_none() && *column != BENEFITS_FROM);
        match missing {
            Some((_, column)) => Err(HeaderError::Missing(column)),
            None => Ok(places),
        }
    }

    fn next(&mut self) -> Option<Result<[Field<'_>; N], RowError>> {
        if self.failed {
            return None;
        }
        let whole = |line, reason| RowError { line, column: WHOLE_ROW, reason };
        match self.read_line() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.failed = true;
                return Some(Err(whole(self.line + 1, format!("cannot be read: {error}"))));
            }
        }
        Some(match self.split() {
            Some(count) if count == self.width => Ok(std::array::from_fn(|column| Field {
                line: self.line,
                column: self.columns[column],
                bytes: self.place[column].map_or(&[], |place| self.field(place)),
            })),
            Some(count) => Err(whole(self.line, format!("must have {} fields, not {count}", self.width))),
            None => Err(whole(self.line, "has a quotation mark that is not closed".to_owned())),
        })
    }

    /// Reads the next line that is not blank into `text`; `false` at the end of the file.
    fn read_line(&mut self) -> io::Result<bool> {
        loop {
            self.text.clear();
            if self.reader.read_until(b'\n', &mut self.text)? == 0 {
                return Ok(false);
            }
            self.line += 1;
            let kept = self.text.trim_ascii_end().len();
            if kept > 0 {
                self.text.truncate(kept);
                self.text.push(b'\n');
                return Ok(true);
            }
        }
    }

    /// Splits `text` into its fields and counts them; `None` if a quotation mark is not closed.
    fn split(&mut self) -> Option<usize> {
        // No more fields than characters, no more characters in fields than in the line.
        let room = self.text.len();
        if self.fields.len() < room {
            self.fields.resize(room, 0);
            self.ends.resize(room, 0);
        }
        let (result, _, _, count) = self.splitter.read_record(&self.text, &mut self.fields, &mut self.ends);
        if result == ReadRecordResult::Record {
            Some(count)
        } else {
            self.splitter.reset();
            None
        }
    }

    fn field(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.fields[start..self.ends[place]]
    }
}

impl<'a> Field<'a> {
    fn refused(&self, reason: impl fmt::Display) -> RowError {
        RowError { line: self.line, column: self.column, reason: reason.to_string() }
    }

    /// What `parse` makes of the field; spaces around it do not count.
    fn read<T, E: fmt::Display>(&self, parse: impl FnOnce(&'a str) -> Result<T, E>) -> Result<T, RowError> {
        let text = std::str::from_utf8(self.bytes)
            .map_err(|_| self.refused("must be UTF-8; save the table as \"CSV UTF-8\", not in GBK"))?;
        parse(text.trim()).map_err(|error| self.refused(error))
    }

    /// The same, but the field may be empty.
    fn optional<T, E: fmt::Display>(&self, parse: impl FnOnce(&'a str) -> Result<T, E>) -> Result<Option<T>, RowError> {
        if self.bytes.trim_ascii().is_empty() { Ok(None) } else { self.read(parse).map(Some) }
    }
}

/// Writes `members` as `members.csv`: what [`MemberRows`] reads.
///
/// # Errors
/// Those of `to`.
pub fn write_members(members: impl IntoIterator<Item = Member>, to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(MEMBER_COLUMNS)?;
    for member in members {
        let Member { personal, pooled, .. } = &member;
        let balance = |of: fn(&PersonalAccount) -> Money| personal.as_ref().map(of).map(Money::to_plain);
        let fields: [&str; 22] = [
            member.id_number.expose(),
            member.card_number.as_ref().map_or("", CardNumber::expose),
            member.personal_number.as_ref().map_or("", PersonalNumber::expose),
            member.name.expose(),
            member.scheme.as_str(),
            member.insurance_status.as_str(),
            member.contribution_status.as_str(),
            &member.last_contribution.to_string(),
            member.outpatient_benefit.as_str(),
            member.inpatient_benefit.as_str(),
            member.card_status.as_str(),
            member.pin.as_ref().and_then(|pin| std::str::from_utf8(pin.expose()).ok()).unwrap_or(""),
            if member.pin_is_initial { "true" } else { "false" },
            &balance(PersonalAccount::current_year).unwrap_or_default(),
            &balance(PersonalAccount::carried).unwrap_or_default(),
            &pooled.year.to_string(),
            &pooled.deductible.to_plain(),
            &pooled.deductible_met.to_plain(),
            &pooled.limit.map(Money::to_plain).unwrap_or_default(),
            &pooled.used.to_plain(),
            &pooled.as_of.to_string(),
            &member.benefits_from.map(|day| day.to_string()).unwrap_or_default(),
        ];
        csv.write_record(fields)?;
    }
    csv.flush()
}

/// Writes `rows` as `transactions.csv`: what [`TransactionRows`] reads.
///
/// # Errors
/// Those of `to`.
pub fn write_transactions(rows: impl IntoIterator<Item = TransactionRow>, to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(TRANSACTION_COLUMNS)?;
    for TransactionRow { id_number, transaction } in rows {
        csv.write_record([
            id_number.expose(),
            &transaction.at.to_string(),
            transaction.kind.as_str(),
            &transaction.amount.to_plain(),
            &transaction.balance_after.to_plain(),
            &transaction.place,
        ])?;
    }
    csv.flush()
}

/// Writes `rows` as `mutual-aid.csv`: what [`MutualAidRows`] reads.
///
/// # Errors
/// Those of `to`.
pub fn write_mutual_aid(rows: impl IntoIterator<Item = MutualAidRow>, to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(MUTUAL_AID_COLUMNS)?;
    for MutualAidRow { id_number, aid } in rows {
        let used = |of: fn(&AidUsed) -> String| aid.used.as_ref().map(of).unwrap_or_default();
        let first = [used(|u| u.year.to_string()), used(|u| u.amount.to_plain()), used(|u| u.as_of.to_string())];
        let counts = Relation::ALL.iter().map(|relation| {
            aid.bound.iter().find(|bound| bound.relation == *relation).map(|bound| bound.count.to_string())
        });
        let after = first.into_iter().chain(counts.map(Option::unwrap_or_default));
        csv.write_record(std::iter::once(id_number.expose().to_owned()).chain(after))?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests;
