//! What is sent to a parser, and what holds of whatever it makes of it.

use hotline::call::caller::{Call, Caller};
use hotline::dialog::{Event, Recording};

/// The longest id or number that goes on into an address, a row or a metric.
const LONGEST: usize = 128;

/// The first `N` lines of an input, which are no more than text, and the body after them.
pub fn parts<const N: usize>(input: &[u8]) -> ([&str; N], &[u8]) {
    let mut rest = input;
    let lines = std::array::from_fn(|_| {
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        str::from_utf8(line).unwrap_or_default()
    });
    (lines, rest)
}

/// A call has an id that may stand in an address, and numbers that may stand in a row.
pub fn call<E>(call: Result<Call, E>) {
    let Ok(call) = call else { return };
    assert!((1..=LONGEST).contains(&call.id.len()), "an id of {} bytes", call.id.len());
    assert!(
        call.id.bytes().all(|b| b.is_ascii_graphic() && !b"/?#%\\\"'<>".contains(&b)),
        "an id with other characters"
    );
    assert!(call.dialled.len() <= LONGEST && !call.dialled.contains(char::is_control), "a number that is none");
    if let Caller::Number(number) = &call.caller {
        assert!(number.bytes().enumerate().all(|(at, b)| b.is_ascii_digit() || (at == 0 && b == b'+')), "a caller");
    }
}

/// Nothing of an event can be seen where it is shown.
pub fn event(event: Event) {
    if let Event::Recorded { recording: Some(recording), .. } = &event {
        self::recording(recording);
    }
    let shown = format!("{event:?}");
    assert!(!shown.contains("13800138000"), "what was sent is shown");
}

/// What was recorded has a name.
pub fn recording(recording: &Recording) {
    assert!(!recording.reference.expose().is_empty(), "a recording without a name");
}
