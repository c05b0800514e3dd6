//! The same in English: another voice, other words.

use crate::balance::{ZHANG, ZHANGS_PIN};
use crate::phone::End;
use crate::stand::Plan;
use crate::support::served::{People, line_with};

const MAIN: &str = "Hello You have reached one two three three three, the human resources and social security hotline \
     To speak to a person at any time, press zero To help us serve you better, this call may be recorded \
     For your medical insurance account, press one For your social security card, press two \
     For questions about medical insurance policy, press three For service offices and other places to ask, press four \
     For messages, complaints and suggestions, press five \
     To hear this again, press the pound key For a person, press zero To end the call, press nine";
const ACCOUNT: &str = "For your personal account balance, press one For your pooled fund allowance, press two \
     For your transactions, press three For contribution and benefit status, press four For family mutual aid, press five \
     To go back, press the star key To hear this again, press the pound key For a person, press zero";
const BALANCE: &str = "Please make sure that nobody around you can listen in \
     The balance of your medical insurance personal account is one thousand ten point zero five yuan \
     Of this three hundred ten point zero five yuan is from this year, and seven hundred yuan is from earlier years \
     This is as of June thirtieth twenty twenty-six To hear this again, press one For your transactions, press two \
     To go back, press the star key To hear this again, press the pound key For a person, press zero";
const GOODBYE: &str = "Thank you for calling Goodbye";

#[test]
fn a_caller_hears_the_balance_in_english() {
    let line = line_with(People::Always).replace("languages = [\"zh-CN\"]", "languages = [\"en-US\"]");
    let line = Plan::new().setup(|setup| setup.line(&line)).open().connected();
    let call = line.number().in_english().call("13800000041");
    call.hears(MAIN);
    call.press("1");
    call.answers(&["1", &format!("{ZHANG}#"), "1", &format!("{ZHANGS_PIN}#")]);
    call.hears(ACCOUNT);
    call.press("1");
    call.hears(BALANCE);
    call.press("9");
    call.hears(GOODBYE);
    assert_eq!(call.ended(), End::Theirs);
    line.close(&[], &["11010519491231002", ZHANGS_PIN]);
}
