"""Is it sound TwiML? Asked of Twilio's own builders: what they cannot build, nobody may send."""

import inspect
import json
import re
import subprocess
import urllib.parse
import xml.etree.ElementTree as ET
from functools import lru_cache
from pathlib import Path

from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse

SDK = Path(__file__).with_name("sdk.js")
# Verbs behind these are never reached.
LAST = {"Redirect", "Hangup", "Dial", "Reject", "Enqueue", "Leave"}
KEYS = set("0123456789*#")


def sdk(command, data):
    """Asks Twilio's Node library."""
    done = subprocess.run(["node", SDK, command], input=json.dumps(data), capture_output=True, text=True, check=True)
    return done.stdout


@lru_cache
def nouns(kind):
    """What may stand inside an element: its name -> (its builder, its attributes, whether it has text)."""
    found = {}
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") or hasattr(TwiML, name):
            continue
        parameters = [p for p in inspect.signature(method).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD][1:]
        required = {p.name: "x" for p in parameters if p.default is p.empty}

        def build(**given):
            return method(blank(kind), **(required | given))

        attributes, text = set(), build().value is not None
        for p in parameters:
            child = build(**{p.name: "x"})
            attributes |= set(child.attrs)
            text = text or child.value is not None
        child = build()
        found[child.name] = (type(child), attributes, text)
    return found


def blank(kind):
    """An element of a kind, whatever its constructor asks for."""
    needed = [p for p in list(inspect.signature(kind).parameters.values()) if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD]
    return kind(*["x" for _ in needed])


class Checker:
    """Collects what is wrong with replies."""

    def __init__(self, public_url):
        self.public_url = public_url.rstrip("/")
        self.elements = []
        self.problems = []

    def reply(self, content_type, body, where=""):
        """Checks one reply; gives its root, or None if it is no XML. Problems are kept."""
        before = len(self.problems)
        root = self._document(content_type, body)
        self.problems[before:] = [f"{where}: {p}" for p in self.problems[before:]]
        return root

    def types(self):
        """Holds every element seen so far against the types of the Node library."""
        return [line for line in sdk("types", self.elements).splitlines() if line]

    def _wrong(self, problem):
        self.problems.append(problem)

    def _document(self, content_type, body):
        if content_type.split(";")[0].strip() not in ("text/xml", "application/xml"):
            self._wrong(f"Content-Type {content_type!r} (12300)")
        if len(body) > 64_000:
            self._wrong(f"{len(body)} bytes (11750)")
        if not body.startswith(b"<?xml "):
            self._wrong("does not begin with the XML declaration")
        try:
            root = ET.fromstring(body)
        except ET.ParseError as error:
            self._wrong(f"is no XML: {error} (12100)")
            return None
        if root.tag != "Response" or root.attrib:
            self._wrong(f"the root is {root.tag} {root.attrib} (12102)")
            return root
        self._inside(root, VoiceResponse)
        self._verbs(root)
        return root

    def _inside(self, element, kind):
        allowed = nouns(kind)
        for child in element:
            if child.tag not in allowed:
                self._wrong(f"<{child.tag}> inside <{element.tag}> (12200)")
                continue
            self.elements.append({"name": child.tag, "attributes": dict(child.attrib)})
            builder, attributes, text = allowed[child.tag]
            for name in child.attrib.keys() - attributes:
                self._wrong(f"<{child.tag}> has no attribute {name} (12200)")
            if not text and (child.text or "").strip():
                self._wrong(f"<{child.tag}> has text")
            if not text and any((grandchild.tail or "").strip() for grandchild in child):
                self._wrong(f"<{child.tag}> has text between its elements")
            self._inside(child, builder)
            getattr(self, "_" + child.tag.lower().replace("-", "_"), lambda _: None)(child)

    def _verbs(self, root):
        verbs = list(root)
        if any((verb.tail or "").strip() for verb in verbs) or (root.text or "").strip():
            self._wrong("<Response> has text")
        for n, verb in enumerate(verbs[:-1]):
            if verb.tag in LAST:
                self._wrong(f"<{verbs[n + 1].tag}> behind <{verb.tag}> is never reached")
        if not verbs:
            self._wrong("an empty <Response> ends the call without a word")
        elif verbs[-1].tag not in LAST:
            self._wrong(f"ends the call by running out after <{verbs[-1].tag}>")

    def _say(self, say):
        text = "".join(say.itertext())
        if not text.strip():
            self._wrong("<Say> of nothing")
        if len(urllib.parse.quote_plus(text)) > 4500:
            self._wrong(f"<Say> of {len(urllib.parse.quote_plus(text))} URL-encoded characters (13521)")
        if len(text.encode()) > 3000:
            self._wrong(f"<Say> of {len(text.encode())} bytes")
        if re.search("[0-9０-９]", text):
            self._wrong(f"<Say> leaves digits to the voice: {text!r}")
        for needed in ("language", "voice"):
            if needed not in say.attrib:
                self._wrong(f"<Say> without {needed}")

    def _gather(self, gather):
        for needed in ("input", "action", "method", "numDigits", "finishOnKey", "timeout", "actionOnEmptyResult"):
            if needed not in gather.attrib:
                self._wrong(f"<Gather> without {needed}")
        if gather.get("input") != "dtmf":
            self._wrong(f"<Gather input={gather.get('input')!r}>")
        if gather.get("finishOnKey", "") not in KEYS | {""}:
            self._wrong(f"<Gather finishOnKey={gather.get('finishOnKey')!r}> (13310)")
        for positive in ("numDigits", "timeout"):
            if not re.fullmatch("[1-9][0-9]*", gather.get(positive, "1")):
                self._wrong(f"<Gather {positive}={gather.get(positive)!r}> (13313, 13314)")
        self._action(gather)

    def _dial(self, dial):
        if len(dial) != 1:
            self._wrong("<Dial> needs one place to ring at")
        if not re.fullmatch("[1-9][0-9]*", dial.get("timeout", "")):
            self._wrong(f"<Dial timeout={dial.get('timeout')!r}>")
        self._action(dial)

    def _record(self, record):
        for needed in ("action", "method", "finishOnKey", "timeout", "maxLength", "playBeep", "recordingStatusCallback"):
            if needed not in record.attrib:
                self._wrong(f"<Record> without {needed}")
        if not record.get("finishOnKey") or not set(record.get("finishOnKey")) <= KEYS:
            self._wrong(f"<Record finishOnKey={record.get('finishOnKey')!r}>")
        for positive in ("timeout", "maxLength"):
            if not re.fullmatch("[1-9][0-9]*", record.get(positive, "1")):
                self._wrong(f"<Record {positive}={record.get(positive)!r}>")
        if record.get("recordingStatusCallbackMethod") != "POST":
            self._wrong("<Record> does not say that it posts its status")
        self._action(record)
        self._address("Record", record.get("recordingStatusCallback", ""))

    def _enqueue(self, enqueue):
        if not re.fullmatch("[A-Za-z0-9._-]{1,64}", enqueue.text or ""):
            self._wrong(f"<Enqueue> into a queue called {enqueue.text!r}")
        if enqueue.get("waitUrlMethod") != "POST":
            self._wrong("<Enqueue> does not say that it posts while somebody waits")
        self._action(enqueue)
        # 14202
        self._address("Enqueue", enqueue.get("waitUrl", ""))

    def _redirect(self, redirect):
        if redirect.get("method") != "POST":
            self._wrong("<Redirect> does not say that it posts")
        self._address("Redirect", (redirect.text or ""))

    def _pause(self, pause):
        if not re.fullmatch("[1-9][0-9]*", pause.get("length", "")):
            self._wrong(f"<Pause length={pause.get('length')!r}>")

    def _action(self, element):
        if element.get("method") != "POST":
            self._wrong(f"<{element.tag}> does not say that it posts")
        self._address(element.tag, element.get("action", ""))

    def _address(self, tag, address):
        if not address.startswith(self.public_url + "/"):
            self._wrong(f"<{tag}> leads to {address!r}, not below {self.public_url}")
        # 13337: account-wide PCI mode asks for it.
        if not address.startswith("https://"):
            self._wrong(f"<{tag}> leads to {address!r}, not https")
        if re.search("[?#]|[^!-~]", address) or len(address) > 2000:
            self._wrong(f"<{tag}> leads to {address!r}: a plain path survives every rewriting")


def words(element):
    """What is said in an element, one text a `Say`."""
    says = [element] if element.tag == "Say" else element.iter("Say")
    return ["".join(say.itertext()) for say in says]
