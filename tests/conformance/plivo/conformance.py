"""Holds a hotline to Plivo's contract: what the platform's own builder can build, signed as both of its packages sign.

Without arguments the checker checks itself.
"""

import argparse
import itertools
import json
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path

from plivo.utils import signature_v3

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "family"))
from telephone import BALANCE, MEMBER, Line, compare, report  # noqa: E402

SIGNATURE, MAIN, NONCE = "X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3", "X-Plivo-Signature-V3-Nonce"
TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ADDRESS = "https://hotline.example/plivo/hangup"
BODY = urllib.parse.urlencode({
    "CallUUID": "b5c2a5a2-1e6a-4b1c-9d7e-0a1b2c3d4e5f", "From": "8613800138000", "To": "861012333", "Direction": "inbound",
    "CallStatus": "in-progress", "CallerName": "Köln 二", "ForwardedFrom": "", "Event": "Redirect",
})
numbers = itertools.count(1)


class Node:
    """The platform's package for Node."""

    def __init__(self):
        self.process = subprocess.Popen(["node", HERE / "sdk.js"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question):
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def sign(address, body, token, nonce="05429567804466091622"):
    """A signature, as the package of PyPI makes it."""
    params = {k: v if len(v) > 1 else v[0] for k, v in urllib.parse.parse_qs(body, keep_blank_values=True).items()}
    base = signature_v3.construct_post_url(address, params).decode()
    return signature_v3.get_signature_v3(token.encode(), base, nonce.encode()).decode()


def headers(address, body, token, nonce="05429567804466091622"):
    return {SIGNATURE: sign(address, body, token, nonce), NONCE: nonce}


def theirs(node, address, body, headers, token):
    """Whether the packages take it: both, or neither."""
    nonce = headers.get(NONCE, "")
    params = {k: v if len(v) > 1 else v[0] for k, v in urllib.parse.parse_qs(body, keep_blank_values=True).items()}
    taken = set()
    for name in (SIGNATURE, MAIN):
        signature = headers.get(name, "")
        if not signature or not nonce:
            taken.add(False)
            continue
        python = signature_v3.validate_v3_signature("POST", address, nonce, token, signature, dict(params))
        node_takes = node.ask(verify=dict(uri=address, nonce=nonce, token=token, signature=signature, params=params))["is"]
        assert python == node_takes, f"PyPI {python}, npm {node_takes}: {headers}"
        taken.add(python)
    return True in taken


def tries(address, token):
    """What may be sent: name -> (body, headers)."""
    right = headers(address, BODY, token)
    signature, other = right[SIGNATURE], sign(address, BODY, token + "x")
    yield "right", BODY, right
    yield "one of several", BODY, right | {SIGNATURE: f"{other},{signature}"}
    yield "the first of several", BODY, right | {SIGNATURE: f"{signature},{other}"}
    yield "the main account's", BODY, {MAIN: signature, NONCE: right[NONCE]}
    yield "the main account's beside another's", BODY, {MAIN: signature, SIGNATURE: other, NONCE: right[NONCE]}
    yield "another's alone", BODY, right | {SIGNATURE: other}
    yield "another body", BODY + "&Digits=1", right
    yield "a body cut short", BODY[:-1], right
    yield "the same, written otherwise", BODY.replace("%C3", "%c3"), right
    yield "another order", "&".join(reversed(BODY.split("&"))), right
    yield "an empty value more", BODY + "&X=", right
    yield "another nonce", BODY, right | {NONCE: "05429567804466091623"}
    yield "no nonce", BODY, {SIGNATURE: signature}
    yield "no signature", BODY, {NONCE: right[NONCE]}
    yield "nothing", BODY, {}
    yield "an empty signature", BODY, right | {SIGNATURE: ""}
    yield "another address", BODY, headers(address.replace("hangup", "fallback"), BODY, token)
    yield "http", BODY, headers(address.replace("https:", "http:"), BODY, token)
    yield "cut short", BODY, right | {SIGNATURE: signature[:-1]}
    yield "a blank before one of several", BODY, right | {SIGNATURE: f"{other}, {signature}"}
    yield "in lower case", BODY, right | {SIGNATURE: signature.lower()}
    yield "a name twice", BODY + "&Extra=2&Extra=1", headers(address, BODY + "&Extra=2&Extra=1", token)


def tree(element):
    """An element's children, as sdk.js takes them: [name, attributes, text, children]."""
    children = []
    for child in element:
        below = tree(child)
        children.append([child.tag, dict(child.attrib), child.text or "", below])
        if child.tail:
            children.append(["#text", {}, child.tail, []])
    return children


def fault(node, document):
    """Why the platform's builder would not build a document; empty: it does, and builds the same."""
    root = ET.fromstring(document)
    if root.tag != "Response" or root.attrib:
        return "the root is no Response"
    answer = node.ask(build=tree(root))
    if answer["fault"]:
        return answer["fault"]
    for element in root.iter("GetInput"):
        times = int(element.get("executionTimeout")), int(element.get("digitEndTimeout"))
        if not (5 <= times[0] <= 60 and 2 <= times[1] <= 10):
            return f"GetInput waits {times}"
        if element.get("finishOnKey") not in [*"0123456789*#", "none"]:
            return "finishOnKey is no key"
        if element.get("inputType") != "dtmf" or element.get("log") != "false":
            return "keys are logged, or not heard"
    for element in root.iter():
        for name in ("action", "callbackUrl"):
            if name in element.attrib and not element.get(name).startswith("https://"):
                return f"{name} is no whole address"
        if element.tag == "Speak" and len("".join(element.itertext())) > 3000:
            return "too much is said at a time"
    # Its own text is not escaped everywhere: only what stands in which is compared.
    rebuilt = [(e.tag, e.attrib) for e in ET.fromstring(answer["xml"]).iter()] if "&" not in document else None
    if rebuilt is not None and rebuilt != [(e.tag, e.attrib) for e in root.iter()]:
        return f"it would build {answer['xml']}"
    return ""


GET = ('<GetInput action="https://h.example/a" method="POST" inputType="dtmf" executionTimeout="9" digitEndTimeout="5" '
       'finishOnKey="#" numDigits="18" redirect="true" log="false">%s</GetInput>')
SPEAK = '<Speak language="cmn-CN" voice="Polly.Zhiyu">您好。</Speak>'
RIGHT = [
    GET % SPEAK + '<Redirect method="POST">https://h.example/a</Redirect>',
    SPEAK + "<Hangup/>",
    '<Speak voice="Polly.Zhiyu"><prosody rate="85%">您好。<break time="400ms"/>再见。</prosody></Speak><Hangup/>',
    '<Dial action="https://h.example/a" method="POST" redirect="true" timeout="25"><Number>861012333</Number></Dial>',
    '<Dial action="https://h.example/a" timeout="25"><User>sip:a@b.example</User></Dial>',
    '<Record action="https://h.example/a" method="POST" maxLength="60" callbackUrl="https://h.example/b"/>',
]
WRONG = {
    "an unknown attribute": GET.replace("numDigits", "numberDigits") % "",
    "an unknown element": "<Say>x</Say>",
    "the verb of another platform": "<Gather/>",
    "a transfer while keys are heard": GET % '<Dial><Number>1</Number></Dial>',
    "a hang-up in speech": "<Speak>x<Hangup/></Speak>",
    "a voice that is none": '<Speak voice="Google.cmn">x</Speak>',
    "a relative action": GET.replace("https://h.example/a", "/a") % "",
    "two seconds for the first key": GET.replace('executionTimeout="9"', 'executionTimeout="2"') % "",
    "a minute between keys": GET.replace('digitEndTimeout="5"', 'digitEndTimeout="60"') % "",
    "keys in the log": GET.replace('log="false"', 'log="true"') % "",
    "too much at a time": f"<Speak>{'一' * 3001}</Speak>",
}


def selftest():
    node = Node()

    def both_packages_are_right():
        found = {name: theirs(node, ADDRESS, body, heads, TOKEN) for name, body, heads in tries(ADDRESS, TOKEN)}
        right = {name for name, is_right in found.items() if is_right}
        expected = {"right", "one of several", "the first of several", "the main account's", "the main account's beside another's",
                    "the same, written otherwise", "another order", "a name twice"}
        assert right == expected, right ^ expected

    def right_documents_are_built():
        for document in RIGHT:
            assert not fault(node, f"<Response>{document}</Response>"), (document, fault(node, f"<Response>{document}</Response>"))

    def wrong_documents_are_not():
        for name, document in WRONG.items():
            assert fault(node, f"<Response>{document}</Response>"), name
        assert fault(node, "<Answer/>") and fault(node, '<Response version="1"/>')

    def differences_are_caught():
        assert compare({"a": (False, True)}, {"a"}) == ["a: theirs False, ours True"]

    return report([
        ("both packages take what is right", both_packages_are_right), ("the builder builds what is right", right_documents_are_built),
        ("the builder refuses what is wrong", wrong_documents_are_not), ("differences are caught", differences_are_caught),
    ])


class Call:
    """A call in progress."""

    def __init__(self, line, node, to="861012333"):
        n = next(numbers)
        self.line, self.node = line, node
        self.fields = {"CallUUID": f"b5c2a5a2-1e6a-4b1c-9d7e-{n:012}", "From": f"86138{n:08}", "To": to, "Direction": "inbound",
                       "CallStatus": "in-progress", "ALegUUID": f"b5c2a5a2-{n}"}

    def post(self, address, **more):
        body = urllib.parse.urlencode(self.fields | more)
        status, reply = self.line.send(address, body, self.line.prove(address, body))
        assert status == 200, f"{address}: {status}"
        wrong = fault(self.node, reply.decode())
        assert not wrong, f"{wrong}: {reply.decode()}"
        self.line.replies.append(reply)
        self.document = ET.fromstring(reply)
        self.heard = "".join("".join(speak.itertext()) for speak in self.document.iter("Speak"))
        return self

    def dial(self):
        return self.post(f"{self.line.public_url}/plivo/answer", Event="StartApp")

    def press(self, keys):
        get = self.document.find("GetInput")
        assert get is not None, f"nobody waits for keys; heard {self.heard!r}"
        digits = keys.removesuffix(get.get("finishOnKey"))
        assert len(digits) <= int(get.get("numDigits")), keys
        return self.post(get.get("action"), InputType="dtmf", Digits=digits)

    def on(self):
        """Goes on with the next element, as where nothing was pressed."""
        return self.post(self.document.find("Redirect").text, Event="Redirect")


def hold(url, public_url, token):
    node = Node()
    line = Line(url, public_url, lambda address, body: headers(address, body, token))
    hangup = f"{line.public_url}/plivo/hangup"

    def accepts(body, heads):
        status, _ = line.send(hangup, body, heads)
        assert status in (200, 403), status
        return status == 200

    def signatures():
        decisions = {name: (theirs(node, hangup, body, heads, token), accepts(body, heads)) for name, body, heads in tries(hangup, token)}
        wrong = compare(decisions, set())
        assert not wrong, wrong

    def every_address_asks():
        for path in ("answer", "hangup", "fallback", "step/x", "transferred/x", "recorded/x", "recording/x", "queued/x"):
            assert line.send(f"{line.public_url}/plivo/{path}", BODY, {}) == (403, b""), path

    def a_balance():
        call = Call(line, node).dial().press("1").press("1").on().press(MEMBER[0] + "#").press("1").press(MEMBER[1] + "#").press("1")
        assert BALANCE in call.heard, call.heard
        assert "评价" in call.press("9").heard, call.heard
        assert call.press("9").document.find("Hangup") is not None, call.heard

    def a_person():
        call = Call(line, node).dial().press("0")
        call.post(call.document.find("Dial").get("action"), DialStatus="no-answer", DialRingStatus="true")
        assert "人工座席暂时无法接听" in call.heard, call.heard

    def no_queue():
        call = Call(line, node, to="12300").dial().press("0")
        assert call.document.find("Dial") is None
        assert "人工座席暂时无法接听" in call.on().heard, call.heard

    def a_message():
        call = Call(line, node).dial().press("5").press("1").press("1")
        record = call.document.find("Record")
        call.post(record.get("action"), RecordingID="6ee1a2b3-0c4d", RecordingDuration="7", Digits="#")
        assert call.document.find("GetInput") is not None, call.heard

    def the_end_and_a_fallback():
        call = Call(line, node).dial()
        assert "医保账户查询" in call.post(f"{line.public_url}/plivo/fallback").heard
        body = urllib.parse.urlencode(call.fields | {"CallStatus": "completed", "Event": "Hangup", "HangupCause": "NORMAL_CLEARING"})
        assert line.send(hangup, body, line.prove(hangup, body)) == (200, b"")
        assert call.press("1").document.find("Hangup") is not None, "after the end"

    return report([
        ("what the packages refuse is refused, and what they take is taken", signatures),
        ("every address asks for a signature", every_address_asks),
        ("a balance in one call", a_balance), ("a person is rung, and does not answer", a_person),
        ("there is no queue", no_queue), ("a message is recorded", a_message), ("the end, and a fallback", the_end_and_a_fallback),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="where the hotline listens: http://127.0.0.1:8080")
    parser.add_argument("--public-url", help="what it thinks it is called: https://hotline.example")
    parser.add_argument("--token", help="its auth token")
    args = parser.parse_args()
    sys.exit(1 if (hold(args.url, args.public_url, args.token) if args.url else selftest()) else 0)


main()
