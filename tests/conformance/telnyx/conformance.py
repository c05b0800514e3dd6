"""Holds a hotline to Telnyx' contract: what the platform's own package takes for its signature, and nothing else, is let in.

Without arguments the checker checks itself.
"""

import argparse
import base64
import hashlib
import sys
import time
import urllib.parse
from pathlib import Path

from nacl.signing import SigningKey
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

sys.path.insert(0, str(Path(__file__).parent.parent / "family"))
from telephone import Call, Line, balance, compare, report  # noqa: E402

SIGNATURE, TIMESTAMP = "Telnyx-Signature-Ed25519", "Telnyx-Timestamp"
# As tests/conformance/with-hotline has its other half.
KEY = SigningKey(hashlib.sha256(b"hotline test key 1").digest())
OTHER = SigningKey(hashlib.sha256(b"hotline test key 2").digest())
PUBLIC = base64.b64encode(bytes(KEY.verify_key)).decode()
BODY = urllib.parse.urlencode({
    "AccountSid": "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "CallSid": "v3:DPNqxVjTNtQYaKdcKbU0QgRFrQ3YzuAQrVYC4Ggcuq7zTpDkUB7A4w",
    "ConnectionId": "1234567890", "From": "+8613800138000", "To": "+861012333", "CallStatus": "ringing", "CallerName": "Köln 二",
})


def sign(body, at=None, key=KEY):
    """What the platform sends with a body."""
    at = str(int(time.time())) if at is None else at
    return {SIGNATURE: base64.b64encode(key.sign(f"{at}|{body}".encode()).signature).decode(), TIMESTAMP: at}


def theirs(body, headers):
    """Whether the platform's package takes it."""
    try:
        verify_webhook_signature(body, headers, PUBLIC)
        return True
    except WebhookVerificationError:
        return False


def tries():
    """What may be sent: name -> (body, headers)."""
    now = int(time.time())
    right = sign(BODY)
    signature = right[SIGNATURE]
    moved = bytearray(base64.b64decode(signature))
    moved[40] ^= 1
    yield "right", BODY, right
    yield "an empty body", "", sign("")
    yield "another body", BODY + "&Digits=1", right
    yield "a body cut short", BODY[:-1], right
    yield "the same, written otherwise", BODY.replace("%2B", "%2b"), right
    yield "another order", "&".join(reversed(BODY.split("&"))), right
    yield "nearly old", BODY, sign(BODY, str(now - 290))
    yield "old", BODY, sign(BODY, str(now - 310))
    yield "nearly of tomorrow", BODY, sign(BODY, str(now + 290))
    yield "of tomorrow", BODY, sign(BODY, str(now + 310))
    yield "a replayed signature with a new time", BODY, sign(BODY, str(now - 400)) | {TIMESTAMP: str(now)}
    yield "another key", BODY, sign(BODY, key=OTHER)
    yield "no signature", BODY, {TIMESTAMP: right[TIMESTAMP]}
    yield "no time", BODY, {SIGNATURE: signature}
    yield "nothing", BODY, {}
    yield "an empty signature", BODY, right | {SIGNATURE: ""}
    yield "an empty time", BODY, right | {TIMESTAMP: ""}
    yield "one bit", BODY, right | {SIGNATURE: base64.b64encode(moved).decode()}
    yield "63 bytes", BODY, right | {SIGNATURE: base64.b64encode(base64.b64decode(signature)[:63]).decode()}
    yield "65 bytes", BODY, right | {SIGNATURE: base64.b64encode(base64.b64decode(signature) + b"a").decode()}
    yield "no base64", BODY, right | {SIGNATURE: signature[:-2]}
    yield "in hexadecimal", BODY, right | {SIGNATURE: base64.b64decode(signature).hex()}
    yield "a time in milliseconds", BODY, sign(BODY, str(now * 1000))
    yield "a time with a point", BODY, sign(BODY, f"{now}.0")
    yield "a time with a sign", BODY, sign(BODY, f"+{now}")
    yield "a time with bars", BODY, sign(BODY, f"{str(now)[:4]}_{str(now)[4:]}")
    yield "strange characters in the signature", BODY, right | {SIGNATURE: signature[:8] + "!" + signature[8:]}
    yield "signed with a line feed for the bar", BODY, {
        SIGNATURE: base64.b64encode(KEY.sign(f"{now}\n{BODY}".encode()).signature).decode(), TIMESTAMP: str(now)}


# What Python reads besides digits as a number, and besides base64 as base64.
STRICTER = {"a time with a sign", "a time with bars", "strange characters in the signature"}


def selftest():
    def the_package_is_right():
        found = {name: theirs(body, headers) for name, body, headers in tries()}
        right = {name for name, is_right in found.items() if is_right}
        expected = {"right", "an empty body", "nearly old", "nearly of tomorrow"} | STRICTER
        assert right == expected, right ^ expected

    def differences_are_caught():
        assert compare({"a": (False, True)}, set()) == ["a: theirs False, ours True"]
        assert compare({"a": (False, True)}, {"a"}) == ["a: theirs False, ours True"], "laxer is never right"
        assert compare({"a": (True, False)}, set()) == ["a: theirs True, ours False"]
        assert compare({"a": (True, False)}, {"a"}) == []
        assert compare({"a": (True, True)}, {"a"}) == ["a: no longer stricter than theirs"]
        assert compare({}, {"a"}) == ["a: is not tried"]

    return report([("the package takes what is right", the_package_is_right), ("differences are caught", differences_are_caught)])


def hold(url, public_url):
    line = Line(url, public_url, lambda _, body: sign(body))
    status = f"{line.public_url}/telnyx/status"

    def signatures():
        decisions = {name: (theirs(body, headers), line.accepts(status, body, headers)) for name, body, headers in tries()}
        wrong = compare(decisions, STRICTER)
        assert not wrong, wrong

    def every_address_asks():
        for path in ("voice", "status", "fallback", "step/x", "transferred/x", "recorded/x", "recording/x", "queued/x", "waiting/x"):
            assert line.send(f"{line.public_url}/telnyx/{path}", BODY, {}) == (403, b""), path

    def a_call():
        fields = {"AccountSid": "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b", "ConnectionId": "1234567890"}
        call = balance(Call(line, "telnyx", lambda n: f"v3:DPNqxVjTNtQYaKdcKbU0QgRFrQ3YzuAQrVYC4Ggcuq7{n:08}", fields))
        assert call.document.find("Hangup") is not None, call.heard

    def documents():
        # What developers.telnyx.com lists for each verb, of what we write.
        known = {
            "Response": set(), "Say": {"voice", "language", "loop", "voiceSpeed"}, "Hangup": set(), "Redirect": {"method"},
            "Gather": {"action", "method", "finishOnKey", "numDigits", "timeout", "input"},
        }
        import xml.etree.ElementTree as ET
        assert line.replies
        for reply in line.replies:
            for element in ET.fromstring(reply).iter():
                assert element.tag in known, f"<{element.tag}>: {reply.decode()}"
                assert set(element.attrib) <= known[element.tag], f"{element.tag} {element.attrib}"
                if element.tag == "Gather":
                    assert {child.tag for child in element} <= {"Say"}, reply.decode()
                    assert 1 <= int(element.get("timeout")) <= 120

    return report([
        ("what the package refuses is refused, and what it takes is taken", signatures),
        ("every address asks for a signature", every_address_asks),
        ("a balance in one call", a_call),
        ("documents have what is documented", documents),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="where the hotline listens: http://127.0.0.1:8080")
    parser.add_argument("--public-url", help="what it thinks it is called: https://hotline.example")
    args = parser.parse_args()
    sys.exit(1 if (hold(args.url, args.public_url) if args.url else selftest()) else 0)


main()
