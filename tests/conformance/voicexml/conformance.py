"""Calls a running hotline as a VoiceXML gateway does, and holds each document to the W3C's DTD of VoiceXML 2.1.

Without arguments the checker checks itself.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

DTD = "/usr/share/xml/w3c-sgml-lib/schema/dtd/REC-voicexml21-20070619/vxml.dtd"
FORM = "application/x-www-form-urlencoded"
VXML = "{http://www.w3.org/2001/vxml}"
KIND = "application/voicexml+xml; charset=utf-8"


def faults(document, home):
    """What is wrong with a document; empty: nothing."""
    # The DTD has `xmlns` fixed and no document type is sent: it is given here.
    typed = document.replace(b"?>", f'?><!DOCTYPE vxml SYSTEM "{DTD}">'.encode(), 1)
    with tempfile.NamedTemporaryFile(suffix=".vxml") as file:
        file.write(typed)
        file.flush()
        lint = subprocess.run(["xmllint", "--nonet", "--noout", "--valid", file.name], capture_output=True, text=True)
    found = [line for line in lint.stderr.splitlines() if "error" in line]
    if lint.returncode != 0 or found:
        return found or [f"xmllint ends with {lint.returncode}"]
    # What a gateway does, and no DTD knows.
    root = ET.fromstring(document)
    known = {element.get("name") for name in ("var", "field", "record", "transfer") for element in root.iter(VXML + name)}
    for submit in [*root.iter(VXML + "submit"), *root.iter(VXML + "data")]:
        unknown = [name for name in submit.get("namelist", "").split() if name not in known]
        found += [f"namelist: there is no variable {name}" for name in unknown]
        if submit.get("method") != "post":
            found.append("keys could stand in an address")
    found += [f"submit: {submit.get('next')} is not the hotline's own" for submit in root.iter(VXML + "submit")
              if not submit.get("next", "").startswith(f"{home}/voicexml/")]
    for assign in root.iter(VXML + "assign"):
        if assign.get("name") not in known:
            found.append(f"assign: there is no variable {assign.get('name')}")
    for grammar in root.iter(VXML + "grammar"):
        rules = {rule.get("id") for rule in grammar.iter(VXML + "rule")}
        used = {f"#{grammar.get('root')}"} | {ref.get("uri") for ref in grammar.iter(VXML + "ruleref")}
        found += [f"grammar: there is no rule {uri}" for uri in used if uri.removeprefix("#") not in rules]
        keys = {(item.text or "").strip() for one in grammar.iter(VXML + "one-of") for item in one}
        if not set("0123456789") <= keys or not keys <= set("0123456789*#"):
            found.append(f"grammar: not the keys of a telephone: {sorted(keys)}")
    for element in root.iter():
        for name in ("timeout", "connecttimeout", "maxtime", "finalsilence", "time"):
            value = element.get(name)
            if value is not None and not re.fullmatch(r"\d+(ms|s)", value):
                found.append(f"{element.tag.removeprefix(VXML)}: {name}={value} is no time")
    return found


SAMPLE = """<?xml version="1.0" encoding="UTF-8"?><vxml version="2.1" xmlns="http://www.w3.org/2001/vxml" xml:lang="zh-CN">
<form><field name="keys"><property name="timeout" value="6s"/><grammar mode="dtmf" version="1.0" root="entry">
<rule id="entry" scope="public"><item repeat="1-18"><ruleref uri="#key"/></item></rule><rule id="key"><one-of>{items}</one-of></rule>
</grammar><prompt bargein="true">您好。<break time="400ms"/></prompt>
<filled><submit next="https://hotline.example/voicexml/s/c/step/x" method="post" namelist="keys"/></filled></field></form></vxml>
""".replace("{items}", "".join(f"<item>{key}</item>" for key in "0123456789*"))


def selftest():
    home = "https://hotline.example"

    def wrong(old, new, word):
        assert old in SAMPLE, old
        found = faults(SAMPLE.replace(old, new, 1).encode(), home)
        assert any(word in fault for fault in found), f"{new!r} is not caught by {word!r}: {found}"

    def right_is_right():
        assert faults(SAMPLE.encode(), home) == []

    def what_the_dtd_forbids():
        wrong('<field name="keys">', '<field name="keys" digits="18">', "digits")
        wrong("<filled>", "<gather/><filled>", "gather")
        wrong('method="post"', 'method="put"', "method")
        wrong('root="entry"', 'root="other"', "other")
        wrong('version="2.1" ', "", "version")
        wrong('bargein="true"', 'bargein="yes"', "bargein")
        wrong("</field>", "", "mismatch")

    def what_it_does_not_know():
        wrong('namelist="keys"', 'namelist="keys how"', "how")
        wrong('method="post" ', "", "address")
        wrong("https://hotline.example/", "https://evil.example/", "own")
        wrong('uri="#key"', 'uri="#digits"', "digits")
        wrong("<item>7</item>", "", "telephone")
        wrong('time="400ms"', 'time="400"', "no time")

    return report([
        ("what is right passes", right_is_right),
        ("what the DTD forbids is caught", what_the_dtd_forbids),
        ("what the DTD does not know is caught", what_it_does_not_know),
    ], "the checker: ")


class Call:
    """A call by a gateway."""

    http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    kinds = set()
    documents = 0

    def __init__(self, args, dialled="12333"):
        self.url, self.home, self.secret = args.url.rstrip("/"), args.public_url.rstrip("/"), args.secret
        self.variables = {"caller": "tel:13800138000", "dialled": f"sip:{dialled}@gateway.example"}

    def send(self, address, form=None):
        assert address.startswith(self.home + "/"), address
        body = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(self.url + address.removeprefix(self.home), data=body, headers={"Content-Type": FORM})
        try:
            with self.http.open(request, timeout=15) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as refused:
            return refused.code, dict(refused.headers), refused.read()

    def fetch(self, address, form=None):
        """Takes a document, which must be right, and runs it up to where it waits."""
        self.last = (address, form)
        status, headers, self.text = self.send(address, form)
        assert status == 200, f"{address}: {status}"
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers["content-type"] == KIND, headers["content-type"]
        assert headers["cache-control"] == "no-store", "an answer may be kept"
        found = faults(self.text, self.home)
        assert not found, f"{found}: {self.text.decode()}"
        Call.documents += 1
        self.root = ET.fromstring(self.text)
        self.form = self.root.find(VXML + "form")
        items = [child.tag.removeprefix(VXML) for child in self.form]
        Call.kinds.add(next((item for item in items if item in ("field", "record", "transfer")), "block"))
        self.heard = "".join("".join(prompt.itertext()) for prompt in self.form.iter(VXML + "prompt"))
        block = self.form.find(VXML + "block")
        submit = block.find(VXML + "submit") if block is not None else None
        if submit is not None:
            self.how(block)
            return self.submit(submit)
        return self

    def how(self, content):
        for assign in content.findall(VXML + "assign"):
            value = assign.get("expr")
            if assign.get("name") == "how" and value.startswith("'"):
                self.variables["how"] = value.strip("'")

    def submit(self, submit, **more):
        variables = self.variables | more
        return self.fetch(submit.get("next"), {name: variables[name] for name in submit.get("namelist").split()})

    def dial(self):
        return self.fetch(f"{self.home}/voicexml/{self.secret}/start")

    def item(self, name):
        item = self.form.find(VXML + name)
        assert item is not None, f"there is no {name}: {self.text.decode()}"
        return item

    def happens(self, item, handler, **more):
        handler = self.item(item).find(VXML + handler)
        self.how(handler)
        return self.submit(handler.find(VXML + "submit"), **more)

    def press(self, keys):
        field = self.item("field")
        finish = next(p.get("value") for p in field.iter(VXML + "property") if p.get("name") == "termchar")
        digits = keys.removesuffix(finish) if finish else keys
        # As the words of a grammar, which some gateways tell.
        return self.happens("field", "filled" if digits else "nomatch", keys=" ".join(digits))

    def all(self, *entries):
        for keys in entries:
            self.press(keys)
        return self

    def hears(self, words):
        assert words in self.heard, f"{words} is not heard: {self.heard}"
        return self

    def catches(self, event, count=None):
        return next(c for c in self.root.findall(VXML + "catch") if c.get("event") == event and c.get("count") == count)

    def is_over(self):
        return self.form.find(f"{VXML}block/{VXML}disconnect") is not None


def hold(args):
    is_open = args.open == "yes"

    def a_balance():
        call = Call(args).dial().hears("医保账户查询，请按一").all("1", "1", "11010519491231002*#").hears("后四位是零零二X")
        call.all("1", "739154#", "1").hears("一千零一十元零五分").press("9").hears("评价").press("9")
        assert call.is_over(), "the call goes on"

    def silence_and_the_finish_key_alone():
        call = Call(args).dial()
        call.happens("field", "noinput")
        call.all("1", "1", "#").hears("十八位身份证号码")
        call.happens("field", "noinput").item("field")

    def a_repeat():
        call = Call(args).dial()
        for keys in ("1", "1", "11010519491231002*#", "1", "739154#", "1"):
            text = call.press(keys).text
            assert call.fetch(*call.last).text == text, f"another answer after {keys}"

    def a_person():
        call = Call(args).dial().press("0")
        if not is_open:
            return call.hears("现在不是人工服务时间")
        assert call.item("transfer").get("bridge") == "true"
        call.happens("transfer", "filled", how="noanswer").hears("人工座席暂时无法接听")
        call = Call(args).dial().press("0")
        call.happens("transfer", "catch").hears("人工座席暂时无法接听")

    def a_queue():
        call = Call(args, "12300").dial().press("0")
        call.hears("人工座席暂时无法接听" if is_open else "现在不是人工服务时间")

    def a_message():
        call = Call(args).dial().all("5", "1", "1")
        call.happens("record", "noinput", seconds=0)
        call = Call(args).dial().all("5", "1", "1")
        call.happens("record", "filled", seconds=7).hears("请按一")

    def an_error():
        call = Call(args).dial().press("1")
        last_words = call.catches("error", "2")
        assert last_words.find(VXML + "prompt") is not None and last_words.find(VXML + "disconnect") is not None
        call.submit(call.catches("error", "1").find(VXML + "submit")).hears("医保账户查询，请按一")

    def the_end():
        call = Call(args).dial()
        call.submit(call.catches("connection.disconnect").find(VXML + "submit"))
        assert call.form.find(f"{VXML}block/{VXML}exit") is not None, call.text

    def last_words():
        call = Call(args)
        call.fetch(f"{call.home}/voicexml/{call.secret}/no-call/dialled", {"caller": "1", "dialled": "12333"})
        assert call.is_over() and call.heard, call.text

    def nobody_else():
        call = Call(args)
        for path in ("start", "ABCDEFGHIJKLMNOPQRST2345/dialled", "ABCDEFGHIJKLMNOPQRST2345/step/x"):
            status, _, body = call.send(f"{call.home}/voicexml/{call.secret}x/{path}", {"how": "keys", "keys": "1"})
            assert (status, body) == (403, b""), f"{path}: {status}"

    def every_kind():
        expected = {"block", "field", "record"} | ({"transfer"} if is_open else set())
        assert Call.kinds == expected, Call.kinds

    return report([
        ("a balance by id number with x", a_balance),
        ("silence, and the finish key alone", silence_and_the_finish_key_alone),
        ("a repeat gets the same words", a_repeat),
        ("a person is rung, and does not answer", a_person),
        ("a queue is none", a_queue),
        ("a message goes to the recorder", a_message),
        ("what fails leads on", an_error),
        ("the end of a call", the_end),
        ("last words", last_words),
        ("nobody else gets in", nobody_else),
        ("every kind of document was held to the DTD", every_kind),
    ], f"{args.open}: ")


def report(checks, who):
    failed = 0
    for name, check in checks:
        try:
            check()
            print(f"ok    {name}")
        except Exception as error:
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {str(error)[:1500]}")
    print(f"{who}{len(checks) - failed} passed, {failed} failed")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="where the hotline listens: http://127.0.0.1:8080")
    parser.add_argument("--public-url", help="what it thinks it is called: https://hotline.example")
    parser.add_argument("--secret", help="what voicexml.secret holds")
    parser.add_argument("--open", choices=["yes", "no"], help="whether people answer now")
    args = parser.parse_args()
    sys.exit(1 if (hold(args) if args.url else selftest()) else 0)


main()
