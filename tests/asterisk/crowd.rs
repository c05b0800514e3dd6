//! Many calls at a time, each with a number, a PIN and a balance of its own: every digit arrives, every amount is right.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::call::Call;
use crate::stand::Plan;

/// So many, or as many as `ASTERISK_CALLS` says.
const CALLS: usize = 60;
/// So many begin in a second.
const PACE: u64 = 10;
/// All have been answered by then.
const PATIENCE: Duration = Duration::from_mins(2);

/// Nothing is said for so long, less than is waited for an answer: they have heard all of it.
const HEARD_OUT: Duration = Duration::from_secs(3);

/// A row of the register that is made up.
struct Member {
    id: String,
    pin: String,
    /// In fen: all of it, this year's, what was carried over.
    balance: [i64; 3],
}

#[test]
fn at_once_every_caller_hears_their_own_balance() {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings")]
    let calls = std::env::var("ASTERISK_CALLS").map_or(CALLS, |calls| calls.parse().unwrap());
    let plan = Plan::new().setup(|setup| setup.env("STORE__SAMPLE_MEMBERS", "false"));
    let members = made_up(&plan, calls);
    let in_words = in_words(&plan, members.iter().flat_map(|member| member.balance));
    let balances: Vec<String> = in_words.chunks(3).map(balance).collect();
    let line = plan.open().connected();
    let begun = Instant::now();
    // Nobody keys anything before everybody has been answered: all calls are up at once.
    let (answered, up) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let until = |count: &AtomicUsize| {
        while count.load(Ordering::Relaxed) < calls {
            assert!(begun.elapsed() < PATIENCE, "{} of {calls} calls in {PATIENCE:?}", count.load(Ordering::Relaxed));
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let calls_over: Vec<Call> = std::thread::scope(|scope| {
        let (number, answered, up, until) = (line.number(), &answered, &up, &until);
        let callers = members.iter().enumerate().map(|(n, member)| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(1000 / PACE * n as u64));
                let call = number.call(&format!("1390000{n:04}"));
                call.hears_something();
                answered.fetch_add(1, Ordering::Relaxed);
                until(up);
                // As people do: not all in the same instant.
                std::thread::sleep(Duration::from_millis(100 * (n as u64 % 50)));
                call.sign_in(&member.id, &member.pin);
                call.answers(&["1"]);
                call.hears_something();
                call.phone().quiet_for(HEARD_OUT);
                call.hang_up();
                call
            })
        });
        let callers: Vec<_> = callers.collect();
        until(answered);
        up.store(line.asterisk.channels().len(), Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let heard = begun.elapsed();
    // To tell it from the sound takes a second each: nobody is disturbed by it now.
    let mut waited: Vec<Duration> = Vec::new();
    for (call, balance) in calls_over.iter().zip(&balances) {
        let (said, after) = call.answer();
        assert_eq!(said.replace(' ', ""), *balance);
        waited.push(after);
    }
    waited.sort();
    let audit = line.setup.audit();
    let read = audit.iter().filter(|event| *event == "read_personal_balance").count();
    assert_eq!(read, calls);
    let digits: usize = members.iter().map(digits).sum();
    let of_hundred = |hundredth: usize| waited[(calls - 1) * hundredth / 100];
    eprintln!(
        "{calls} calls, {digits} digits, in {heard:.0?}; from the last key to the balance {:.0?}, of 95 in 100 at most {:.0?}, of all {:.0?}",
        of_hundred(50),
        of_hundred(95),
        of_hundred(100)
    );
    let secrets: Vec<&str> = members.iter().flat_map(|member| [member.id.trim_end_matches('*'), &member.pin]).collect();
    line.close(&[], &secrets);
}

/// What the owner of these amounts hears.
fn balance(amounts: &[String]) -> String {
    let [all, current, carried] = amounts else { panic!("{amounts:?}") };
    format!(
        "请确认周围环境安全您的医保个人账户余额为{all}其中本年账户{current}历年账户{carried}截至二零二六年六月三十日\
         重听，请按一收支明细，请按二返回上一级，请按星号键；重听，请按井号键；人工服务，请按零"
    )
}

fn digits(member: &Member) -> usize {
    member.id.len() + member.pin.len() + 6
}

/// Members of a register that the hotline's own command makes up and imports. Not all of it have accounts and a
/// PIN of their own, or hear no more than others: employees are taken.
fn made_up(plan: &Plan, count: usize) -> Vec<Member> {
    let (setup, twice) = (plan.setup_so_far(), (2 * count).to_string());
    for arguments in [
        &["members", "sample", "--count", &twice, "--output", "members.csv"][..],
        &["members", "import", "members.csv"],
    ] {
        let output = setup.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut rows = csv::Reader::from_path(setup.path().join("members.csv")).unwrap();
    let head = rows.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    let (scheme, initial, column) = (column("scheme"), column("pin_is_initial"), &column);
    let usual = rows.records().map(Result::unwrap).filter(|row| (&row[scheme], &row[initial]) == ("employee", "false"));
    let members = usual.take(count).map(|row| {
        let field = |name: &str| row[column(name)].to_owned();
        let fen = |name: &str| field(name).replace('.', "").parse().unwrap();
        Member {
            id: field("id_number").replace('X', "*"),
            pin: field("pin"),
            balance: [
                fen("current_year_balance") + fen("carried_balance"),
                fen("current_year_balance"),
                fen("carried_balance"),
            ],
        }
    });
    let members: Vec<_> = members.collect();
    assert_eq!(members.len(), count);
    members
}

/// These amounts of fen in words, as the hotline's own command says them: they are held against readers by others elsewhere.
fn in_words(plan: &Plan, amounts: impl Iterator<Item = i64>) -> Vec<String> {
    let list: Vec<String> = amounts.map(|fen| format!("{}.{:02}\n", fen / 100, fen % 100)).collect();
    let path = plan.setup_so_far().path().join("amounts");
    std::fs::write(&path, list.concat()).unwrap();
    let mut say = plan.setup_so_far().command(&["say", "amount", "-"]);
    let output = say.stdin(std::fs::File::open(&path).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
