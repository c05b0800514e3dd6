"""A platform of Twilio's family, as a hotline sees it: posts what it is given, does what the replies say, presses keys."""

import itertools
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

FORM = "application/x-www-form-urlencoded"
numbers = itertools.count(1)
# The member of config/sample whose number ends with X.
MEMBER = ("11010519491231002*", "739154")
BALANCE = "一千零一十元零五分"


class Line:
    """A hotline that is running. `prove` gives the headers that prove who sends a body to an address."""

    def __init__(self, url, public_url, prove):
        self.url, self.public_url, self.prove = url.rstrip("/"), public_url.rstrip("/"), prove
        self.replies = []
        self.http = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(self, address, body, headers):
        """Posts to a public address: to where that leads here. Headers may stand there several times."""
        assert address.startswith(self.public_url + "/"), address
        request = urllib.request.Request(self.url + address.removeprefix(self.public_url), data=body.encode(), method="POST")
        request.add_header("Content-Type", FORM)
        for name, value in headers.items():
            request.add_unredirected_header(name, value)
        try:
            with self.http.open(request, timeout=15) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def accepts(self, address, body, headers):
        """Whether it takes the sender for the platform. What is posted there has no effect."""
        status, _ = self.send(address, body, headers)
        assert status in (204, 403), f"{address}: {status}"
        return status == 204


class Call:
    """A call in progress."""

    def __init__(self, line, dialect, sid, fields):
        self.line, self.dialect = line, dialect
        n = next(numbers)
        self.fields = dict(fields, CallSid=sid(n), From=f"+86138{n:08}", To="+861012333", CallStatus="in-progress")
        self.document = None
        self.heard = ""

    def post(self, address, **more):
        body = urllib.parse.urlencode(self.fields | more)
        status, reply = self.line.send(address, body, self.line.prove(address, body))
        assert status == 200, f"{address}: {status}"
        self.document = ET.fromstring(reply)
        self.line.replies.append(reply)
        says = self.document.iter("Say")
        self.heard = "".join("".join(say.itertext()) for say in says)
        return self

    def dial(self):
        return self.post(f"{self.line.public_url}/{self.dialect}/voice")

    def press(self, keys):
        gather = self.document.find("Gather")
        assert gather is not None, f"nobody waits for keys; heard {self.heard!r}"
        finish = gather.get("finishOnKey")
        digits = keys.removesuffix(finish) if finish else keys
        assert len(digits) <= int(gather.get("numDigits")), keys
        return self.post(gather.get("action"), Digits=digits)

    def silence(self):
        """Goes past the Gather, as where nobody tells of silence."""
        return self.post(self.document.find("Redirect").text)


def balance(call):
    """From the dial tone to a balance, and goodbye."""
    call.dial().press("1").press("1").silence().press(MEMBER[0] + "#").press("1").press(MEMBER[1] + "#").press("1")
    assert BALANCE in call.heard, call.heard
    # How it was, and why.
    for key in "911":
        if call.document.find("Hangup") is None:
            call.press(key)
    return call


def compare(decisions, stricter):
    """Our decisions against theirs, by name: (theirs, ours). We may be stricter where that is listed, and never laxer. Gives
    what is wrong."""
    wrong = []
    for name, (theirs, ours) in decisions.items():
        if theirs != ours and not (theirs and not ours and name in stricter):
            wrong.append(f"{name}: theirs {theirs}, ours {ours}")
        if theirs == ours and name in stricter:
            wrong.append(f"{name}: no longer stricter than theirs")
    wrong += [f"{name}: is not tried" for name in stricter - decisions.keys()]
    return wrong


def report(checks):
    """Runs each check, and tells how it went."""
    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"ok    {name}")
        except Exception as error:
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {str(error)[:1200]}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return failed
