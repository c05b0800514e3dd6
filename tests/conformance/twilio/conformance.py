"""Holds a running hotline to Twilio's contract: acts as Twilio, and lets Twilio's own libraries judge the replies.

The hotline needs the members of config/sample and a fresh store; `run` says how.
"""

import argparse
import sys
import traceback

from telephone import Call, Fields, Line
from twiml import sdk

# What callers hear, by a fragment each: the wording is in voice-prompts/zh-CN/prompts.toml.
WORDS = {
    "main menu": "医保账户查询",
    "which number": "社会保障卡号，请按",
    "enter number": "请输入",
    "confirm": "号码后四位",
    "enter PIN": "请输入六位查询密码",
    "account menu": "个人账户余额，请按",
    "balance": "一千零一十元零五分",
    "balance of 15 digits": "九千五百一十五元五角",
    "pooled fund": "您的统筹账户起付线已付",
    "no personal account": "没有个人账户",
    "refused": "号码或密码不正确",
    "used up": "尝试次数已经用完",
    "locked": "尝试次数过多",
    "initial PIN": "初始密码",
    "goodbye": "再见",
    # What the fallback address says before the greeting.
    "apology": "刚才的操作没有完成",
    "connecting": "转接人工",
    "closed": "不是人工服务时间",
    "not answered": "无法接听",
    "message menu": "留言回拨",
    "which phone": "给您回电的号码",
    "tone": "请在提示音后开始",
    "nothing recorded": "没有录到您的声音",
    "review": "发送留言",
    "message sent": "您的留言已经收到",
    "two ahead": "您前面还有两位，平均等待约三分钟",
    "one ahead": "您前面还有一位",
    "may leave": "不想等候",
    "how was it": "请您对本次服务作出评价",
    "why": "什么让您不满意",
    "thanks": "感谢您的评价",
    "person first": "人工服务，请直接按零",
}

EMPLOYEE = "11010519491231002X", "739154"
EMPLOYEE_CARD = "12345678"
OLD_ID = "610000700315001", "385207"
RESIDENT = "330000201604010048", "916408"
INITIAL_PIN = "370000199502140068", "123456"
# These are spoilt by wrong PINs: a check each.
TO_REFUSE = "310000198503120012", "204867"
TO_LOCK = "110000197611200034", "950736"
TO_COMPARE = "440000195408230024", "583016"
# Well-formed, and nobody's.
NOBODY = "110101199001011237"
WRONG_PIN = "271828"

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def hears(call, *names):
    for name in names:
        assert WORDS[name] in call.said, f"{name} ({WORDS[name]}) is not in {call.said!r}"
    return call


def does_not_hear(call, *names):
    for name in names:
        assert WORDS[name] not in call.said, f"{name} ({WORDS[name]}) is in {call.said!r}"
    return call


def equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


def keyed(number):
    return number.replace("X", "*") + "#"


def to_confirm(line, number, kind="1"):
    """Up to where the last four are read back."""
    call = hears(Call.dial(line), "main menu")
    hears(call.press("1"), "which number")
    hears(call.press(kind), "enter number")
    return hears(call.press(keyed(number)), "confirm")


def to_pin(line, number, kind="1"):
    return hears(to_confirm(line, number, kind).press("1"), "enter PIN")


def signed_in(line, number, pin, kind="1"):
    return hears(to_pin(line, number, kind).press(pin + "#"), "account menu")


def is_over(call):
    assert call.over, f"the call goes on: {call.said!r}"


def goes_on(call):
    assert not call.over, f"the call is over: {call.said!r}"


# What a caller can do.


@check
def balance_by_id_number_with_x(line):
    call = signed_in(line, *EMPLOYEE)
    hears(call.press("1"), "balance")
    goes_on(call)


@check
def balance_by_card_number(line):
    hears(signed_in(line, EMPLOYEE_CARD, EMPLOYEE[1], kind="2").press("1"), "balance")


@check
def balance_by_id_number_of_15_digits(line):
    hears(signed_in(line, *OLD_ID).press("1"), "balance of 15 digits")


@check
def resident_has_no_personal_account(line):
    hears(signed_in(line, *RESIDENT).press("1"), "no personal account")


@check
def initial_pin_opens_nothing(line):
    call = hears(to_pin(line, INITIAL_PIN[0]).press(INITIAL_PIN[1] + "#"), "initial PIN")
    does_not_hear(call, "balance")


@check
def three_wrong_pins_end_the_call(line):
    call = to_pin(line, TO_REFUSE[0])
    hears(call.press(WRONG_PIN + "#"), "refused", "enter PIN")
    hears(call.press(WRONG_PIN + "#"), "refused", "enter PIN")
    hears(call.press(WRONG_PIN + "#"), "used up", "goodbye")
    is_over(call)


@check
def wrong_pins_lock_across_calls(line):
    for _ in range(12):
        call = to_pin(line, TO_LOCK[0])
        while not call.over and WORDS["enter PIN"] in call.said and WORDS["locked"] not in call.said:
            call.press(WRONG_PIN + "#")
        if WORDS["locked"] in call.said:
            break
    hears(call, "locked")
    call = hears(to_pin(line, TO_LOCK[0]).press(TO_LOCK[1] + "#"), "locked")
    does_not_hear(call, "account menu")


@check
def nobodys_number_sounds_like_a_wrong_pin(line):
    known = to_pin(line, TO_COMPARE[0])
    nobodys = to_pin(line, NOBODY)
    for _ in range(3):
        equal(known.press(WRONG_PIN + "#").heard, nobodys.press(WRONG_PIN + "#").heard)
    equal(known.over, nobodys.over)


@check
def everything_in_one_call(line):
    call = hears(signed_in(line, *EMPLOYEE).press("1"), "balance")
    hears(call.press("1"), "balance")
    hears(call.press("*"), "account menu")
    hears(call.press("2"), "pooled fund")
    hears(call.press("*").press("*"), "main menu")
    # Who is signed in stays so for a while.
    hears(call.press("1"), "account menu")
    hears(call.press("9"), "how was it")
    hears(call.press("4"), "why")
    is_over(hears(call.press("1"), "thanks", "goodbye"))


@check
def older_callers_hear_slow_speech_and_a_person_first(line):
    call = Call.dial(line)
    assert b"prosody" not in call.body
    call = hears(signed_in(line, *EMPLOYEE), "person first")
    assert b'<prosody rate="85%">' in call.body and b'<break time="400ms"/>' in call.body, call.body


def in_queue(line):
    """The line with a queue; waiting in it, if anybody is there at this hour."""
    call = Call.dial(line, To="+8612300", Called="+8612300")
    call.press("0")
    if line.open:
        hears(call, "connecting", "two ahead", "may leave")
        equal(call.queue, "agents")
    else:
        hears(call, "closed")
        equal(call.queue, "")
    return call


@check
def waiting_in_a_queue_until_somebody_is_free(line):
    call = in_queue(line)
    if line.open:
        call.place |= {"QueuePosition": "2", "AvgQueueTime": "0"}
        does_not_hear(hears(call.silence(), "one ahead"), "two ahead")
        hears(call.dequeued("bridged"), "how was it")
        is_over(hears(call.press("9"), "goodbye"))


@check
def leaving_a_queue(line):
    for key in ("1", "*"):
        call = in_queue(line)
        if line.open:
            # To be called back in one's turn, or on to the main menu.
            hears(call.press(key), "which phone")
            does_not_hear(call, "not answered")
            hears(call.press("*"), "main menu")
            goes_on(call)


@check
def a_queue_that_fails_is_told(line):
    for result in ("queue-full", "error", "system-error", "redirected", "bridging-in-process"):
        call = in_queue(line)
        if line.open:
            hears(call.dequeued(result), "not answered", "main menu")


@check
def silence_to_the_end(line):
    """Whoever cannot press keys is put through to a person while there are any, and then the call ends."""
    call, rung = Call.dial(line), 0
    for _ in range(20):
        if call.over:
            break
        if call.ringing:
            rung += 1
            call.transferred("no-answer")
        else:
            call.silence()
    is_over(call)
    hears(call, "goodbye")
    equal(rung > 0, line.open)


@check
def silence_without_digits_and_behind_the_gather(line):
    """Somleng sends no Digits at all, and older platforms fall through to the Redirect."""
    without, behind, usual = Call.dial(line), Call.dial(line), Call.dial(line)
    without.post(without.step)
    usual.silence()
    equal(without.listen().heard, usual.heard)
    equal(behind.fall_through().heard, usual.heard)


@check
def another_number_after_reading_back(line):
    hears(to_confirm(line, EMPLOYEE[0]).press("2"), "enter number")


@check
def star_goes_back_and_hash_repeats(line):
    call = hears(Call.dial(line).press("1"), "which number")
    hears(call.press("#"), "which number")
    hears(call.press("*"), "main menu")
    call = hears(hears(call.press("1"), "which number").press("1"), "enter number")
    hears(call.press("#"), "enter number")
    hears(call.press("*#"), "which number")


@check
def nine_says_goodbye(line):
    call = hears(Call.dial(line).press("9"), "goodbye")
    is_over(call)


@check
def zero_reaches_a_person_or_the_hours(line):
    call = Call.dial(line).press("0")
    if not line.open:
        equal(call.ringing, "")
        hears(call, "closed")
        return
    hears(call, "connecting")
    assert call.ringing, "nobody is rung"
    assert call.ringing.startswith(("+", "sip:")), call.ringing
    hears(call.transferred("no-answer"), "not answered")
    talked = Call.dial(line).press("0").transferred("completed")
    does_not_hear(hears(talked, "how was it"), "not answered")


@check
def a_message_is_left_and_found_again(line):
    call = hears(hears(Call.dial(line), "main menu").press("5"), "message menu")
    hears(call.press("1"), "which phone")
    hears(call.press("1"), "tone")
    hears(call.speak(0), "nothing recorded", "tone")
    equal(call.recorded_beside(7).status_code, 204)
    hears(call.speak(7), "review")
    hears(call.press("1"), "message sent")
    hears(call.press("*"), "message menu")
    is_over(hears(call.press("9"), "goodbye"))


@check
def hanging_up_while_recording_leaves_the_message(line):
    call = hears(Call.dial(line), "main menu")
    call.press("5"), call.press("2"), hears(call.press("1"), "tone")
    equal(call.hang_up().status_code, 204)
    for _ in range(2):
        equal(call.recorded_beside(7).status_code, 204)
    call.speak(7, key="hangup")
    is_over(call)


# What anyone can send.


@check
def forged_signatures_get_a_bare_403(line):
    call = Call.dial(line)
    address, fields = call.step, call.fields(Digits="1", FinishedOnKey="")
    right = line.sign(address, fields)
    forged = {
        "none": "",
        "cut": right[:-1],
        "cut by half": right[:14],
        "one character": ("B" if right[0] == "A" else "A") + right[1:],
        "another address": line.sign(address + "x", fields),
        "another token": Line(line.url, line.public_url, "wrong").sign(address, fields),
        "no token": Line(line.url, line.public_url, "").sign(address, fields),
        "the local address": line.sign(line.url + address.removeprefix(line.public_url), fields),
        "other keys": line.sign(address, fields | {"Digits": "2"}),
        "no keys": line.sign(address, {}),
    }
    for name, signature in forged.items():
        response = line.send(address, fields, signature=signature)
        assert (response.status_code, response.content) == (403, b""), f"{name}: {response.status_code} {response.content!r}"
    for path in (
        "voice", "status", "fallback", "transferred/x", "queued/x", "waiting/x", "step/x", "recorded/x", "recording/x",
    ):
        response = line.send(f"{line.public_url}/twilio/{path}", fields, signature="")
        equal((path, response.status_code, response.content), (path, 403, b""))


@check
def forwarded_headers_are_not_asked(line):
    call = Call.dial(line)
    evil = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "Forwarded": "host=evil.example"}
    address, fields = f"{line.public_url}/twilio/voice", call.fields()
    equal(line.send(address, fields, headers=evil).status_code, 200)
    signature = line.sign("http://evil.example/twilio/voice", fields)
    equal(line.send(address, fields, signature=signature, headers=evil).status_code, 403)


@check
def both_official_helpers_sign_alike(line):
    call = Call.dial(line)
    for query in ("", "?line=12333&say=It's+amazing"):
        address, fields = f"{line.public_url}/twilio/voice{query}", call.fields(Empty="", State="Köln 二")
        host, path = line.public_url, address.removeprefix(line.public_url)
        with_port = host + path if host.count(":") > 1 else f"{host}:443{path}"
        for signed in {address, with_port, address.replace("'", "%27")}:
            by_node = sdk("sign", {"token": line.token, "url": signed, "params": fields})
            equal(by_node, line.sign(signed, Fields(fields.items())))
            equal((signed, line.send(address, fields, signature=by_node).status_code), (signed, 200))


@check
def repeated_values_are_signed_as_the_helpers_do(line):
    call = Call.dial(line)
    more = [("Extra", "b"), ("Extra", "a"), ("Extra", "a"), ("Empty", "")]
    line.webhook(f"{line.public_url}/twilio/voice", Fields([*call.fields().items(), *more]))


@check
def odd_digits_open_nothing(line):
    odd = ["１", "*", "#", "**", "1" * 10_000, "hangup", "-1", "1 ", "١", "1\x00", "<Say>", "\u202e1", "𝟏", "9" * 64, "9" * 65, "'; --"]
    for digits in odd:
        call = to_pin(line, RESIDENT[0])
        call.post(call.step, Digits=digits, FinishedOnKey="")
        does_not_hear(call.listen(), "account menu", "balance")


@check
def full_width_digits_are_digits(line):
    call = Call.dial(line)
    call.post(call.step, Digits="１", FinishedOnKey="")
    hears(call.listen(), "which number")


@check
def two_answers_are_none(line):
    for twice in ([("Digits", "1"), ("Digits", "2")], [("Digits", "1"), ("Digits", "1")]):
        call = Call.dial(line)
        call.document, _ = line.webhook(call.step, Fields([*call.fields().items(), *twice]))
        does_not_hear(call.listen(), "which number")
        hears(call, "main menu")
    ids = Call.dial(line)
    ids.document, _ = line.webhook(ids.step, Fields([*ids.fields(Digits="1").items(), ("CallSid", "CA0")]))
    does_not_hear(ids.listen(), "which number")


@check
def keys_in_the_address_are_not_keys(line):
    call, usual = Call.dial(line), Call.dial(line)
    call.document, _ = line.webhook(call.step + "?Digits=1", call.fields(Digits=""))
    equal(call.listen().heard, usual.silence().heard)


@check
def a_repeat_hears_the_very_same(line):
    call = signed_in(line, *EMPLOYEE)
    call.press("1")
    for _ in range(3):
        _, again = line.webhook(*call.last)
        equal(again, call.body)


@check
def a_repeated_pin_is_one_try(line):
    call = to_pin(line, EMPLOYEE[0])
    first = call.press(WRONG_PIN + "#").body
    for _ in range(6):
        equal(line.webhook(*call.last)[1], first)
    hears(call.press(EMPLOYEE[1] + "#"), "account menu")


@check
def the_step_of_one_call_opens_nothing_in_another(line):
    mine, others = signed_in(line, *EMPLOYEE), Call.dial(line)
    others.post(mine.step, Digits="1", FinishedOnKey="")
    does_not_hear(others.listen(), "balance")
    sealed = mine.step.rsplit("/", 1)[1]
    for broken in ("x", sealed[:-1], sealed + "A", sealed.swapcase(), "A" * 200, "A" * 3000):
        call = Call.dial(line)
        call.sid = mine.sid
        call.post(f"{line.public_url}/twilio/step/{broken}", Digits="1", FinishedOnKey="")
        does_not_hear(call.listen(), "balance")


@check
def the_fallback_goes_on_with_an_apology(line):
    call = signed_in(line, *EMPLOYEE)
    call.post(f"{line.public_url}/twilio/fallback", ErrorCode="11200", ErrorUrl=call.step)
    does_not_hear(hears(call.listen(), "apology", "main menu"), "balance")
    hears(call.press("1"), "which number")


@check
def what_cannot_be_understood_is_answered_in_words(line):
    call = Call.dial(line)
    for sid in ("", "C" * 65, "CA 1", "</Say>", "\x00"):
        root, _ = line.webhook(f"{line.public_url}/twilio/voice", call.fields() | {"CallSid": sid})
        assert root.find("Say") is not None and root.find("Hangup") is not None, sid
    line.webhook(f"{line.public_url}/twilio/voice", {})


@check
def withheld_and_odd_callers_are_welcome(line):
    for caller in ("", "anonymous", "+266696687", "sip:alice@pbx.example", "</Say>", "+1" * 400):
        hears(Call.dial(line, From=caller, Caller=caller), "main menu")


@check
def the_status_callback_gets_a_204(line):
    for status in ("ringing", "in-progress", "completed", "busy", "no-answer", "canceled", "failed", "news"):
        response = Call.dial(line).hang_up(status)
        equal((status, response.status_code, response.content), (status, 204, b""))


@check
def keys_that_come_after_the_end_open_nothing(line):
    call = signed_in(line, *EMPLOYEE)
    call.hang_up()
    call.post(call.step, Digits="1", FinishedOnKey="")
    does_not_hear(call.listen(), "balance")
    is_over(call)
    late = signed_in(line, *EMPLOYEE)
    late.post(late.step, Digits="1", FinishedOnKey="", CallStatus="completed")
    does_not_hear(late.listen(), "balance")


@check
def other_methods_kinds_and_sizes_are_refused(line):
    call, address = Call.dial(line), f"{line.public_url}/twilio/voice"
    for method in ("GET", "PUT", "DELETE"):
        equal((method, line.send(address, call.fields(), method=method).status_code), (method, 405))
    for kind in ("application/json", "text/plain"):
        equal((kind, line.send(address, call.fields(), headers={"Content-Type": kind}).status_code), (kind, 415))
    equal(line.send(address, call.fields(Digits="1" * 20_000)).status_code, 413)
    equal(line.send(f"{line.public_url}/twilio/nowhere", call.fields()).status_code, 404)


@check
def no_reply_may_be_kept(line):
    response = line.send(f"{line.public_url}/twilio/voice", Call(line).fields())
    assert "no-store" in response.headers.get("Cache-Control", ""), response.headers


# Of all that was heard above.


@check
def every_reply_was_sound(line):
    assert line.checker.elements, "no reply was seen"
    problems = sorted(set(line.checker.problems)) + line.checker.types()
    assert not problems, "\n      ".join([f"{len(problems)} problems", *problems[:20]])


def run(line):
    failed = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            function(line)
            print(f"ok    {name}")
        except Exception as error:
            failed += 1
            place = traceback.extract_tb(error.__traceback__)
            where = next((f"line {frame.lineno}" for frame in reversed(place) if frame.filename == __file__ and frame.name == function.__name__), "")
            print(f"FAIL  {name}: {where}: {type(error).__name__}: {str(error)[:1200]}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="where the hotline listens: http://127.0.0.1:8080")
    parser.add_argument("--public-url", required=True, help="what it thinks it is called: https://hotline.example")
    parser.add_argument("--token", required=True, help="its auth token")
    parser.add_argument("--open", choices=["yes", "no"], default="no", help="whether people answer at this hour")
    args = parser.parse_args()
    line = Line(args.url, args.public_url, args.token)
    line.open = args.open == "yes"
    sys.exit(1 if run(line) else 0)


main()
