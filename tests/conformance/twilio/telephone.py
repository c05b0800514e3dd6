"""Twilio, as a hotline sees it: posts signed webhooks, does what the replies say, and presses keys as a caller would."""

import itertools
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

import requests
from twilio.request_validator import RequestValidator
from twiml import Checker, words

USER_AGENT = "TwilioProxy/1.1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
numbers = itertools.count(1)


class Fields(list):
    """Names and values, a name as often as it likes: what the official validator takes besides a dict."""

    def __iter__(self):
        return iter([name for name, _ in list.__iter__(self)])

    def getlist(self, name):
        return [value for n, value in list.__iter__(self) if n == name]

    def pairs(self):
        return list(list.__iter__(self))


class Line:
    """A hotline that is running, and what was found wrong with its replies."""

    def __init__(self, url, public_url, token):
        self.url, self.public_url, self.token = url.rstrip("/"), public_url.rstrip("/"), token
        self.validator = RequestValidator(token)
        self.checker = Checker(public_url)
        self.http = requests.Session()
        self.http.trust_env = False

    def sign(self, address, fields):
        return self.validator.compute_signature(address, fields)

    def send(self, address, fields, signature=None, method="POST", headers=None):
        """Sends a webhook to a public address: to where that leads here. Signed, unless a signature (or "") is given."""
        fields = fields if isinstance(fields, Fields) else Fields(fields.items())
        assert address.startswith(self.public_url + "/"), address
        signature = self.sign(address, fields) if signature is None else signature
        sent = {"User-Agent": USER_AGENT, "Content-Type": FORM, "X-Twilio-Signature": signature} | (headers or {})
        sent = {name: value for name, value in sent.items() if value}
        body = requests.models.RequestEncodingMixin._encode_params(fields.pairs())
        local = self.url + address.removeprefix(self.public_url)
        return self.http.request(method, local, data=body, headers=sent, allow_redirects=False, timeout=15)

    def webhook(self, address, fields):
        """Sends a webhook that must be answered in markup; gives the reply's root and its bytes."""
        response = self.send(address, fields)
        assert response.status_code == 200, f"{address}: {response.status_code}"
        root = self.checker.reply(response.headers.get("Content-Type", ""), response.content, address)
        assert root is not None, f"{address}: no markup"
        return root, response.content


@dataclass
class Call:
    """A call in progress: `document` is what Twilio is at, `heard` all that was said since the last key."""

    line: Line
    caller: str = ""
    sid: str = ""
    document: ET.Element = None
    body: bytes = b""
    heard: list = field(default_factory=list)
    ringing: str = ""
    over: bool = False
    last: tuple = ()
    recordings: int = 0
    queue: str = ""
    # Where the end of the queue is told.
    left: str = ""
    # What the platform tells of the queue while one waits.
    place: dict = field(default_factory=lambda: dict(QueueSid="QU" + "0" * 32, QueuePosition="3", QueueTime="0", AvgQueueTime="150", CurrentQueueSize="3"))

    def __post_init__(self):
        n = next(numbers)
        # Every call from another number: what is spent on one caller is not spent on the next.
        self.caller = self.caller or f"+86138{n:08}"
        self.sid = self.sid or f"CA{n:032x}"

    @classmethod
    def dial(cls, line, **fields):
        call = cls(line)
        call.post(f"{line.public_url}/twilio/voice", CallStatus="ringing", **fields)
        return call.listen()

    def fields(self, **more):
        """What every voice webhook has."""
        common = dict(AccountSid="AC" + "0" * 32, ApiVersion="2010-04-01", CallSid=self.sid, CallStatus="in-progress",
                      Called="+861012333", CalledCity="", CalledZip="", Caller=self.caller, CallerState="Köln", Direction="inbound")
        return common | {"From": self.caller, "To": "+861012333", "ToZip": ""} | more

    def post(self, address, **more):
        self.last = (address, self.fields(**more))
        self.document, self.body = self.line.webhook(*self.last)

    @property
    def said(self):
        return "".join(self.heard)

    @property
    def gather(self):
        gather = self.document.find("Gather")
        assert gather is not None, f"no keys are waited for; heard {self.said!r}"
        return gather

    @property
    def step(self):
        return self.gather.get("action")

    def listen(self):
        """Hears the document out, without a key: up to where keys are waited for, or a person is rung, or the end."""
        self.heard = []
        for verb in self.document:
            self.heard += words(verb)
            match verb.tag:
                case "Gather":
                    return self
                case "Record":
                    return self
                case "Dial":
                    self.ringing = "".join(verb.itertext())
                    return self
                case "Enqueue":
                    self.queue, self.left = verb.text, verb.get("action")
                    self.post(verb.get("waitUrl"), **self.place)
                    heard = self.heard
                    self.listen()
                    self.heard = heard + self.heard
                    return self
                case "Leave":
                    assert self.queue, "<Leave> by a caller who is in no queue"
                    heard = self.heard
                    self.dequeued("leave")
                    self.heard = heard + self.heard
                    return self
                case "Redirect":
                    self.post(verb.text)
                    heard = self.heard
                    self.listen()
                    self.heard = heard + self.heard
                    return self
                case "Hangup" | "Reject":
                    self.over = True
                    return self
        self.over = True
        return self

    def press(self, keys):
        """Presses keys, then nothing: the timer ends what neither the finish key nor the length ended."""
        gather, digits, finished = self.gather, "", ""
        rest = iter(keys)
        for key in rest:
            if key == gather.get("finishOnKey", "#"):
                finished = key
                break
            digits += key
            if len(digits) == int(gather.get("numDigits", "0")):
                break
        # People finish with # whether or not it is asked for; everything else unheard is the test's fault.
        unheard = "".join(rest)
        assert unheard in ("", "#"), f"{unheard!r} of {keys!r} is not heard"
        if digits or gather.get("actionOnEmptyResult") == "true":
            waiting = self.place if self.queue else {}
            self.post(gather.get("action"), Digits=digits, FinishedOnKey=finished, msg="Gather End", **waiting)
            return self.listen()
        return self.fall_through()

    def speak(self, seconds, key="#"):
        """Speaks after the tone. Where nothing was recorded, Twilio tells nobody, and goes on behind the verb."""
        record = self.document.find("Record")
        assert record is not None, f"nobody listens; heard {self.said!r}"
        if seconds == 0:
            return self.fall_through(record)
        self.post(record.get("action"), RecordingUrl=self.recording, RecordingDuration=str(seconds), Digits=key)
        return self.listen()

    @property
    def recording(self):
        """What Twilio calls the next recording of this call."""
        account = "AC" + "0" * 32
        return f"https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/RE{self.sid[-24:]}{self.recordings:08x}"

    def recorded_beside(self, seconds):
        """The status callback of a recording: sent whether or not the call goes on, and without the caller's number."""
        record = self.document.find("Record")
        return self.line.send(record.get("recordingStatusCallback"), {
            "AccountSid": "AC" + "0" * 32, "CallSid": self.sid, "RecordingSid": "RE" + "0" * 32, "RecordingUrl": self.recording,
            "RecordingStatus": "completed", "RecordingDuration": str(seconds), "RecordingChannels": "1",
            "RecordingSource": "RecordVerb", "RecordingTrack": "inbound", "ErrorCode": "0"})

    def silence(self):
        return self.press("")

    def fall_through(self, verb=None):
        """What a platform without `actionOnEmptyResult` does with silence: goes on behind the Gather."""
        verbs = list(self.document)
        behind = verbs[verbs.index(self.gather if verb is None else verb) + 1 :]
        self.document = ET.Element("Response")
        self.document.extend(behind)
        return self.listen()

    def hang_up(self, status="completed"):
        self.over = True
        return self.line.send(f"{self.line.public_url}/twilio/status", self.fields(
            CallStatus=status, CallDuration="42", Duration="1", Timestamp="Wed, 01 Jul 2026 02:00:00 +0000",
            CallbackSource="call-progress-events", SequenceNumber="0"))

    def transferred(self, status):
        """The person rung is done, or was not reached."""
        dial = self.document.find("Dial")
        self.post(dial.get("action"), DialCallStatus=status, DialCallSid="CA" + "f" * 32, DialCallDuration="5", DialBridged="true")
        self.ringing = ""
        return self.listen()

    def dequeued(self, result):
        """Waiting is over, and whatever came of it."""
        self.queue = ""
        self.post(self.left, QueueResult=result, QueueSid="QU" + "0" * 32, QueueTime="60")
        return self.listen()
