"""Holds a hotline to SignalWire's contract: what its own packages take for its signature, and nothing else, is let in; and
what is answered, its own builder can build.

Without --url the checker checks itself.
"""

import argparse
import json
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path

from signalwire.request_validator import RequestValidator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "family"))
from telephone import Call, Line, balance, compare, report  # noqa: E402

PUBLIC_URL = "https://hotline.example"
FIELDS = {
    "AccountSid": "6bfbbe86-a901-4197-8759-2a0de1fa319d", "ApiVersion": "2010-04-01", "CallSid": "0703574f-b151-465d-aedb-28972eb513c7",
    "CallStatus": "ringing", "Direction": "inbound", "From": "+8613800138000", "To": "+861012333", "Empty": "", "CallerName": "Köln 二",
}
BODY = urllib.parse.urlencode(FIELDS)


def sdk(command, data):
    """Asks the package for Node."""
    done = subprocess.run(["node", HERE / "sdk.js", command], input=json.dumps(data), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def theirs(key, tried):
    """Which of `tried` their packages take, by name: the one for Python, of either scheme, or the one for Node, of Twilio's."""
    asked, python = [], {}
    for name, address, body, headers in tried:
        signature = headers.get("X-SignalWire-Signature") or headers.get("X-Twilio-Signature") or ""
        validator = RequestValidator(key)
        fields = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        python[name] = validator.validate(address, body, signature) or validator.validate(address, fields, signature)
        asked.append({"key": key, "address": address, "body": body, "signature": signature})
    # All at once: a process takes its time.
    node = sdk("validate", asked)
    return {name: ours or by_node for (name, ours), by_node in zip(python.items(), node, strict=True)}


def tries(key, public_url=PUBLIC_URL):
    """What may be sent: name -> (address, body, headers)."""
    address = f"{public_url}/signalwire/status"
    validator = RequestValidator(key)
    host = public_url.removeprefix("https://").split("/")[0]
    with_port = address.replace(host, host if ":" in host else f"{host}:443", 1)

    def own(address=address, body=BODY, key=key):
        return RequestValidator(key).build_signature(address, body)

    def twilios(address=address, fields=FIELDS, key=key):
        return RequestValidator(key).build_signature_with_compatibility(address, fields)

    def header(signature):
        return {"X-SignalWire-Signature": signature}

    for name, make in (("own", own), ("Twilio's", twilios)):
        yield f"{name} way", address, BODY, header(make())
        yield f"{name} way, with the port", address, BODY, header(make(with_port))
        yield f"{name} way, in Twilio's header", address, BODY, {"X-Twilio-Signature": make()}
        yield f"{name} way, with a query", f"{address}?a=b&c=d", BODY, header(make(f"{address}?a=b&c=d"))
        yield f"{name} way, of another key", address, BODY, header(make(key="PSK_another"))
        yield f"{name} way, of no key", address, BODY, header(make(key=""))
        yield f"{name} way, of another address", address, BODY, header(make(address + "x"))
        yield f"{name} way, of another body", address, BODY + "&Digits=1", header(make())
        yield f"{name} way, cut", address, BODY, header(make()[:-1])
        yield f"{name} way, in capitals", address, BODY, header(make().upper())
        yield f"{name} way, behind an empty header", address, BODY, {"X-SignalWire-Signature": "x", "X-Twilio-Signature": make()}
    yield "nothing", address, BODY, {}
    yield "an empty signature", address, BODY, header("")
    yield "another order, own way", address, "&".join(reversed(BODY.split("&"))), header(own())
    yield "another order, Twilio's way", address, "&".join(reversed(BODY.split("&"))), header(twilios())
    yield "made by the package for Node", address, BODY, header(sdk("sign", {"key": key, "address": address, "body": BODY}))
    twice = BODY + "&Extra=b&Extra=a&Extra=a"
    yield "parameters sent twice", address, twice, header(sdk("sign", {"key": key, "address": address, "body": twice}))


RIGHT = {
    *(f"{way} way{more}" for way in ("own", "Twilio's") for more in ("", ", with the port", ", in Twilio's header", ", with a query")),
    "another order, Twilio's way", "made by the package for Node", "parameters sent twice",
}


def attributes(*replies):
    """What the package's builder has not got, of replies."""
    elements = [e for reply in replies for e in ET.fromstring(reply).iter()]
    return sdk("types", [{"name": e.tag, "attributes": list(e.attrib), "inside": [c.tag for c in e]} for e in elements])


def selftest():
    def the_packages_are_right():
        key = "PSK_7TruNcSNTxp4zNrykMj4EPzF"
        found = {name for name, is_right in theirs(key, list(tries(key))).items() if is_right}
        assert found == RIGHT, found ^ RIGHT

    def differences_are_caught():
        assert compare({"a": (False, True), "b": (True, False), "c": (True, True)}, set()) == [
            "a: theirs False, ours True", "b: theirs True, ours False"]

    def wrong_replies_are_caught():
        right = '<Response><Gather input="dtmf" numDigits="1"><Say voice="x" language="y">a<break time="1s"/></Say><Pause length="1"/></Gather></Response>'
        assert attributes(right) == [], attributes(right)
        for wrong, complaint in (
            (right.replace("numDigits", "num_digits"), "num_digits"),
            (right.replace("Pause", "Wait"), "Wait"),
            (right.replace("<Pause", "<Redirect/><Pause"), "Redirect"),
            (right.replace("break", "brake"), "brake"),
        ):
            assert any(complaint in found for found in attributes(wrong)), (wrong, attributes(wrong))

    return report([
        ("the packages take what is right", the_packages_are_right),
        ("differences are caught", differences_are_caught),
        ("wrong replies are caught", wrong_replies_are_caught),
    ])


def hold(url, public_url, key):
    def prove(own):
        validator = RequestValidator(key)

        def headers(address, body):
            fields = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
            made = validator.build_signature(address, body) if own else validator.build_signature_with_compatibility(address, fields)
            return {"X-SignalWire-Signature": made}

        return headers

    line = Line(url, public_url, prove(own=False))

    def signatures():
        tried = list(tries(key, line.public_url))
        right = theirs(key, tried)
        decisions = {name: (right[name], line.accepts(*sent)) for name, *sent in tried}
        wrong = compare(decisions, set())
        assert not wrong, wrong

    def every_address_asks():
        for path in ("voice", "status", "fallback", "step/x", "transferred/x", "recorded/x", "recording/x", "queued/x", "waiting/x"):
            assert line.send(f"{line.public_url}/signalwire/{path}", BODY, {}) == (403, b""), path

    def calls():
        for own in (False, True):
            line.prove = prove(own)
            fields = {"AccountSid": FIELDS["AccountSid"], "ApiVersion": "2010-04-01"}
            call = balance(Call(line, "signalwire", lambda n: f"0703574f-b151-465d-aedb-{int(own)}{n:011}", fields))
            assert call.document.find("Hangup") is not None, call.heard

    def documents():
        assert line.replies
        wrong = attributes(*line.replies)
        assert not wrong, wrong

    return report([
        ("what the packages refuse is refused, and what they take is taken", signatures),
        ("every address asks for a signature", every_address_asks),
        ("a balance in one call, signed in either way", calls),
        ("the package's builder has what documents have", documents),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="where the hotline listens: http://127.0.0.1:8080")
    parser.add_argument("--public-url", help="what it thinks it is called: https://hotline.example")
    parser.add_argument("--key", help="its signing key")
    args = parser.parse_args()
    sys.exit(1 if (hold(args.url, args.public_url, args.key) if args.url else selftest()) else 0)


main()
