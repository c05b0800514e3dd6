"""Holds a hotline to Vonage's contract: what its own models take for an object, signed as its own package verifies.

Without arguments the checker checks itself.
"""

import argparse
import hashlib
import itertools
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import jwt
from pydantic import ValidationError
from vonage_jwt import VonageVerifyJwtError, verify_signature
from vonage_voice.errors import NccoActionError
from vonage_voice.models import Connect, Input, Notify, Record, Talk
from vonage_voice.models.connect_endpoints import PhoneEndpoint, SipEndpoint
from vonage_voice.models.enums import TtsLanguageCode

sys.path.insert(0, str(Path(__file__).parent.parent / "family"))
from telephone import BALANCE, MEMBER, compare, report  # noqa: E402

SECRET, API_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "abcd1234"
MODELS = {"talk": Talk, "input": Input, "connect": Connect, "record": Record, "notify": Notify}
# No model has it, and every language of ours that it lists is one.
LANGUAGES = {code.value for code in TtsLanguageCode}
numbers = itertools.count(1)


def fields(model):
    """What a model's JSON may have in it."""
    return {field.serialization_alias or name for name, field in model.model_fields.items()}


def extra(model, value, path):
    """What stands there that the model does not know: it would be passed over, here and there."""
    unknown = set(value) - fields(model)
    return f"{path}: unknown {sorted(unknown)}" if unknown else ""


def fault(ncco, home):
    """What is wrong with an object; empty: nothing."""
    if not isinstance(ncco, list):
        return "no list"
    for at, action in enumerate(ncco):
        model = MODELS.get(action.get("action"))
        if model is None:
            return f"there is no {action.get('action')}"
        unknown = extra(model, action, action["action"])
        if unknown:
            return unknown
        try:
            model.model_validate({("from_" if name == "from" else name): value for name, value in action.items()}, strict=False)
        except (ValidationError, NccoActionError) as wrong:
            return f"{action['action']}: {str(wrong)[:200]}"
        own = [address for address in action.get("eventUrl", []) if model is not Record]
        if any(not address.startswith(f"{home}/vonage/") for address in own):
            return f"{action['action']}: the address is not the hotline's own"
        if "eventUrl" in action and action.get("eventMethod") != "POST":
            return f"{action['action']}: keys in an address"
        if model is Talk:
            if action["language"] not in LANGUAGES:
                return f"nobody speaks {action['language']}"
            following = next((a["action"] for a in ncco[at + 1:] if a["action"] != "talk"), None)
            if action.get("bargeIn") and following != "input":
                return "talk: bargeIn, and no input follows"
            text = action["text"]
            if text.startswith("<speak>") != text.endswith("</speak>") or ("<" in text and not text.startswith("<speak>")):
                return "talk: open markup"
        if model is Input:
            if action["type"] != ["dtmf"] or not {"maxDigits", "submitOnHash", "timeOut"} <= set(action["dtmf"]):
                return "input: something is left to the platform"
            if at != len(ncco) - 1:
                return "input: what stands behind it is said when the answer is late"
            unknown = extra(type(model.model_fields["dtmf"].annotation.__args__[0](maxDigits=1)), action["dtmf"], "dtmf")
            if unknown:
                return unknown
        if model is Connect:
            for endpoint in action["endpoint"]:
                unknown = extra({"phone": PhoneEndpoint, "sip": SipEndpoint}[endpoint["type"]], endpoint, "endpoint")
                if unknown:
                    return unknown
    return ""


def claims(body, **more):
    return {"iat": int(time.time()), "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5", "iss": "Vonage", "api_key": API_KEY,
            "payload_hash": hashlib.sha256(body.encode()).hexdigest(), "application_id": "aaaaaaaa-bbbb"} | more


def token(body, secret=SECRET, algorithm="HS256", **more):
    made = {name: value for name, value in claims(body, **more).items() if value is not None}
    return f"Bearer {jwt.encode(made, secret, algorithm)}"


def theirs(body, authorization, secret):
    """Whether the package takes it, and the hash is that of the body, as its documents ask for."""
    if not authorization.startswith("Bearer "):
        return False
    bare = authorization.removeprefix("Bearer ")
    try:
        if not verify_signature(bare, secret):
            return False
    except VonageVerifyJwtError:
        return False
    told = jwt.decode(bare, options={"verify_signature": False})
    return told.get("payload_hash") == hashlib.sha256(body.encode()).hexdigest()


BODY = json.dumps({"uuid": "aaaaaaaa-bbbb", "conversation_uuid": "CON-conformance", "status": "answered", "direction": "inbound",
                   "from": "8613800138000", "name": "Köln 二"})


def tries(secret):
    """What may be sent: name -> (body, authorization)."""
    now, right = int(time.time()), token(BODY, secret)
    head, middle, signature = right.removeprefix("Bearer ").split(".")
    yield "right", BODY, right
    yield "another body", BODY + " ", right
    yield "a body cut short", BODY[:-1], right
    yield "another secret", BODY, token(BODY, secret + "x")
    yield "without a hash", BODY, token(BODY, secret, payload_hash=None)
    yield "another's hash", BODY, token(BODY, secret, payload_hash="0" * 64)
    yield "a hash of another form", BODY, token(BODY, secret, payload_hash="x")
    yield "nearly old", BODY, token(BODY, secret, iat=now - 290)
    yield "old", BODY, token(BODY, secret, iat=now - 310)
    yield "of tomorrow", BODY, token(BODY, secret, iat=now + 310)
    yield "over", BODY, token(BODY, secret, exp=now - 1)
    yield "not over", BODY, token(BODY, secret, exp=now + 60)
    yield "not begun", BODY, token(BODY, secret, nbf=now + 60)
    yield "without a time", BODY, token(BODY, secret, iat=None)
    yield "another account's", BODY, token(BODY, secret, api_key="abcd1235")
    yield "HS512", BODY, token(BODY, secret, "HS512")
    yield "alg none", BODY, f"Bearer {jwt.encode(claims(BODY), None, 'none')}"
    yield "alg none, with the signature", BODY, f"Bearer eyJhbGciOiJub25lIn0.{middle}.{signature}"
    yield "no signature", BODY, f"Bearer {head}.{middle}."
    yield "two parts", BODY, f"Bearer {head}.{middle}"
    yield "one bit", BODY, f"Bearer {head}.{middle}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    yield "basic", BODY, right.replace("Bearer", "Basic")
    yield "nothing", BODY, ""


# Its package leaves the age and the account to us.
STRICTER = {"old", "without a time", "another account's"}

HOME = "https://hotline.example"
STEP = f"{HOME}/vonage/step/S"
TALK = {"action": "talk", "text": "您好。", "language": "cmn-CN", "style": 0}
INPUT = {"action": "input", "type": ["dtmf"], "dtmf": {"maxDigits": 18, "submitOnHash": True, "timeOut": 9},
         "eventUrl": [STEP], "eventMethod": "POST"}
NOTIFY = {"action": "notify", "payload": {"to": "12333"}, "eventUrl": [STEP], "eventMethod": "POST"}
CONNECT = {"action": "connect", "endpoint": [{"type": "phone", "number": "861012333"}], "from": "861012333", "timeout": 25,
           "eventType": "synchronous", "eventUrl": [STEP], "eventMethod": "POST"}
RECORD = {"action": "record", "eventUrl": ["https://recorder.example/a"], "eventMethod": "POST", "endOnSilence": 5, "endOnKey": "#",
          "timeOut": 120, "beepStart": True}
RIGHT = [
    [TALK], [], [TALK, TALK | {"bargeIn": True}, INPUT], [TALK, CONNECT, NOTIFY], [RECORD, NOTIFY],
    [CONNECT | {"endpoint": [{"type": "sip", "uri": "sip:a@b.example"}]}, NOTIFY],
]
WRONG = {
    "no list": {}, "an action that is none": [{"action": "say", "text": "x"}], "an unknown property": [TALK | {"voice": "x"}],
    "too much at a time": [TALK | {"text": "一" * 1501}], "a language that is none": [TALK | {"language": "zh-CN"}],
    "barge-in without input": [TALK | {"bargeIn": True}], "open markup": [TALK | {"text": "<speak>x"}],
    "21 digits": [INPUT | {"dtmf": INPUT["dtmf"] | {"maxDigits": 21}}], "11 seconds": [INPUT | {"dtmf": INPUT["dtmf"] | {"timeOut": 11}}],
    "no time": [INPUT | {"dtmf": {"maxDigits": 1, "submitOnHash": False}}], "an unknown one of keys": [INPUT | {"dtmf": INPUT["dtmf"] | {"finish": 1}}],
    "speech": [INPUT | {"type": ["speech"]}], "another's address": [INPUT | {"eventUrl": ["https://evil.example/"]}],
    "keys in an address": [INPUT | {"eventMethod": "GET"}], "words behind an input": [INPUT, TALK],
    "a number with a plus": [CONNECT | {"endpoint": [{"type": "phone", "number": "+861012333"}]}],
    "nobody calls": [{name: value for name, value in CONNECT.items() if name != "from"}],
    "two who call": [CONNECT | {"randomFromNumber": True}], "an address as text": [INPUT | {"eventUrl": STEP}],
    "a second of silence": [RECORD | {"endOnSilence": 1}], "a key that is none": [RECORD | {"endOnKey": "##"}],
}


def selftest():
    def the_package_is_right():
        found = {name: theirs(body, authorization, SECRET) for name, body, authorization in tries(SECRET)}
        right = {name for name, is_right in found.items() if is_right}
        expected = {"right", "nearly old", "not over"} | STRICTER
        assert right == expected, right ^ expected

    def right_objects_are_taken():
        for ncco in RIGHT:
            assert not fault(ncco, HOME), (fault(ncco, HOME), ncco)

    def wrong_objects_are_not():
        for name, ncco in WRONG.items():
            assert fault(ncco, HOME), name

    return report([
        ("the package takes what is right", the_package_is_right), ("the models take what is right", right_objects_are_taken),
        ("the models refuse what is wrong", wrong_objects_are_not),
    ])


class Line:
    """A hotline that is running."""

    def __init__(self, url, home, secret):
        self.url, self.home, self.secret = url.rstrip("/"), home.rstrip("/"), secret
        self.http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(self, address, body, authorization):
        assert address.startswith(self.home + "/"), address
        request = urllib.request.Request(self.url + address.removeprefix(self.home), data=body.encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        try:
            with self.http.open(request, timeout=15) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


class Call:
    """A call in progress."""

    def __init__(self, line, to="861012333"):
        n = next(numbers)
        self.line, self.base = line, {"uuid": f"aaaaaaaa-{n}", "conversation_uuid": f"CON-conf-{int(time.time())}-{n}"}
        self.legs = {"from": f"86138{n:08}", "to": to}

    def told(self, address, more, legs=True, expected=200):
        body = json.dumps(self.base | (self.legs if legs else {}) | more)
        status, reply = self.line.send(address, body, token(body, self.line.secret))
        assert status == expected, f"{address}: {status}"
        if status == 204:
            return self
        self.ncco = json.loads(reply)
        wrong = fault(self.ncco, self.line.home)
        assert not wrong, f"{wrong}: {reply}"
        self.heard = "".join(action.get("text", "") for action in self.ncco)
        return self

    def dial(self):
        return self.told(f"{self.line.home}/vonage/answer", {})

    def action(self, name):
        found = [action for action in self.ncco if action["action"] == name]
        assert found, f"there is no {name}: {self.ncco}"
        return found[0]

    def press(self, keys):
        asked = self.action("input")
        digits = keys.removesuffix("#") if asked["dtmf"]["submitOnHash"] else keys
        assert len(digits) <= asked["dtmf"]["maxDigits"], keys
        return self.told(asked["eventUrl"][0], {"dtmf": {"digits": digits, "timed_out": False}})

    def silence(self):
        return self.told(self.action("input")["eventUrl"][0], {"dtmf": {"digits": "", "timed_out": True}})

    def notified(self):
        """Goes on behind a notify, of which nothing but its payload is told."""
        notify = self.action("notify")
        del self.base["uuid"]
        return self.told(notify["eventUrl"][0], {"payload": notify["payload"]}, legs=False)


def hold(url, public_url, secret):
    line = Line(url, public_url, secret)
    event = f"{line.home}/vonage/event"

    def accepts(body, authorization):
        status, _ = line.send(event, body, authorization)
        assert status in (204, 403), status
        return status == 204

    def signatures():
        decisions = {name: (theirs(body, made, secret), accepts(body, made)) for name, body, made in tries(secret)}
        wrong = compare(decisions, STRICTER)
        assert not wrong, wrong

    def every_address_asks():
        for path in ("answer", "event", "fallback", "step/x", "transferred/x", "talked/x", "recorded/x", "queued/x"):
            assert line.send(f"{line.home}/vonage/{path}", BODY, "") == (403, ""), path

    def a_balance():
        call = Call(line).dial().press("1").press("1").silence().press(MEMBER[0] + "#").press("1").press(MEMBER[1] + "#").press("1")
        assert BALANCE in call.heard, call.heard
        assert "评价" in call.press("9").heard, call.heard
        assert call.press("9").ncco[-1]["action"] == "talk", call.ncco

    def a_person():
        call = Call(line).dial().press("0")
        address = call.action("connect")["eventUrl"][0]
        for status in ("started", "ringing"):
            call.told(address, {"status": status, "direction": "outbound"}, expected=204)
        assert "人工座席暂时无法接听" in call.told(address, {"status": "timeout", "direction": "outbound"}).heard
        call = Call(line).dial().press("0")
        call.notified()

    def no_queue():
        call = Call(line, to="12300").dial().press("0")
        assert "人工座席暂时无法接听" in call.notified().heard

    def a_message():
        call = Call(line).dial().press("5").press("1").press("1")
        assert call.action("record")["eventUrl"][0].startswith("https://recorder.example/hotline?recording=vonage%3A")
        call.notified().action("input")

    def the_end():
        call = Call(line).dial()
        call.told(event, {"status": "completed", "direction": "outbound"}, expected=204)
        call.press("1").action("input")
        call.told(event, {"status": "completed", "direction": "inbound"}, expected=204)
        assert all(action["action"] == "talk" for action in call.press("1").ncco), call.ncco

    return report([
        ("what the package refuses is refused, and what it takes is taken", signatures),
        ("every address asks for a token", every_address_asks),
        ("a balance in one call", a_balance), ("a person is rung, and does not answer", a_person),
        ("there is no queue", no_queue), ("a message is recorded", a_message), ("the end is the caller's", the_end),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="where the hotline listens: http://127.0.0.1:8080")
    parser.add_argument("--public-url", help="what it thinks it is called: https://hotline.example")
    parser.add_argument("--secret", help="its signature secret")
    args = parser.parse_args()
    sys.exit(1 if (hold(args.url, args.public_url, args.secret) if args.url else selftest()) else 0)


main()
