//! What was and is to be so with a member's data.

use super::{Wrong, is_name, narrow, wrong};
use crate::member::account::CardStatus;
use crate::member::money::Money;
use crate::replay::transcript::{Account, Change, Data, Field, SecretValue, Whose};
use crate::replay::words::{self as w, is, shown};

/// `$证号 卡 正常→挂失`
pub(super) fn read_account(text: &str) -> Result<Account, Wrong> {
    let example = || format!("write {} $证号 {} 正常→挂失", w::ACCOUNT[0], w::CARD[0]);
    let text = narrow(text);
    let (whose, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let Some(whose) = whose.strip_prefix('$').filter(|name| is_name(name)) else {
        return wrong("does not say whose account", example());
    };
    let (field, rest) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let change = || match rest.split_once('→').or_else(|| rest.split_once("->")) {
        Some((was, is)) => Ok(Change { was: was.trim(), is: is.trim() }),
        None => wrong("does not say what it was and what it is", example()),
    };
    let what = if is(field, w::CARD) {
        Data::Card(change()?.read(read_card)?)
    } else if is(field, w::BALANCE) {
        Data::Balance(change()?.read(read_balance)?)
    } else if is(field, w::PIN_IN_FORCE) {
        Data::Pin(change()?.read(read_pin)?)
    } else if is(field, w::WRONG_PINS) {
        Data::WrongPins(change()?.read(read_count)?)
    } else {
        let known = [w::CARD, w::BALANCE, w::PIN_IN_FORCE, w::WRONG_PINS].map(shown).join(", ");
        return wrong(format!("{field:?} is nothing of an account"), format!("take one of {known}"));
    };
    Ok(Account { whose: whose.to_owned(), what })
}

fn read_card(word: &str) -> Result<Option<CardStatus>, Wrong> {
    let known = || w::CARDS.map(|(known, _)| shown(known)).join(", ");
    let card = w::CARDS.iter().find(|(known, _)| is(word, known)).map(|(_, card)| *card);
    card.ok_or_else(|| (format!("{word:?} is no state of a card"), format!("take one of {}", known())))
}

fn read_balance(word: &str) -> Result<Option<Money>, Wrong> {
    if is(word, w::NOTHING) {
        return Ok(None);
    }
    let remedy = || format!("write 1010.05, or {}: no account", shown(w::NOTHING));
    Money::parse(word).map(Some).map_err(|e| (format!("{word:?} {e}"), remedy()))
}

fn read_pin(word: &str) -> Result<String, Wrong> {
    let name = word.strip_prefix('$').filter(|name| is_name(name)).map(str::to_owned);
    let remedy = || format!("write {} $证号 {} $密码→$新密码", w::ACCOUNT[0], w::PIN_IN_FORCE[0]);
    // Never what stands there: it may be one.
    name.ok_or_else(|| ("a PIN is written by its name".to_owned(), remedy()))
}

fn read_count(word: &str) -> Result<u64, Wrong> {
    word.parse().map_err(|_| (format!("{word:?} is no count"), format!("write {} 0→2", w::WRONG_PINS[0])))
}

impl Change<&str> {
    fn read<T>(self, read: impl Fn(&str) -> Result<T, Wrong>) -> Result<Change<T>, Wrong> {
        Ok(Change { was: read(self.was)?, is: read(self.is)? })
    }
}

/// Whether the names that `account` has are of somebody, and of PINs.
pub(super) fn is_of_somebody(account: &Account, secrets: &[SecretValue]) -> Result<(), Wrong> {
    let named = |name: &str| secrets.iter().find(|secret| secret.name == name);
    if let Some(SecretValue { name, whose: Whose::Nobody, .. }) = named(&account.whose) {
        let remedy = format!("name a member's: {} ${name} = 样例.身份证(2)", w::SECRET[0]);
        return wrong(format!("${name} is nobody's: there is no account to look at"), remedy);
    }
    let other = account.pins().into_iter().filter_map(named).find(|secret| secret.field != Field::Pin);
    match other {
        Some(SecretValue { name, .. }) => {
            wrong(format!("${name} is no PIN"), format!("name one: {} $密码 = 样例.查询密码(2)", w::SECRET[0]))
        }
        None => Ok(()),
    }
}
