"""Replays transcripts as QA does, and holds the reports against the schema that build servers go by.

The hotline that is called is started as README.md says: `hotline serve` in a folder with config/ and voice-prompts/, its
database and keys made on first run. Only its port is not the usual one, and it has a token, as "For QA" says.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped
from lxml import etree

ROOT = Path(__file__).resolve().parents[3]
OK, FAILED, PARSE_ERROR = (f"tests/transcripts/{name}" for name in ("ok", "failed", "parse_error"))
PATIENCE = 30
# What a replay leaves behind with a hotline shows after a few: the fifth wrong PIN locks. By the JSON way in, callers have
# no number that a right PIN would clear.
AGAIN = 3

GREETED = """通话 GREETED 接通
> 拨入
‹ 您好，欢迎致电幺二三三三{…}医保账户查询，请按一。{…} @main
"""


class Wrong(Exception):
    """Something is not as it should be."""


def hold(condition, otherwise):
    if not condition:
        raise Wrong(otherwise)


class Suite:
    def __init__(self, hotline, schema, folder):
        self.hotline, self.folder = hotline, folder
        self.schema = etree.XMLSchema(etree.parse(schema))
        self.outcomes = []

    def check(self, name, check):
        """Runs one check, which returns what it saw."""
        began = time.monotonic()
        try:
            passed, saw = True, check()
        except (Wrong, OSError, ValueError, KeyError, subprocess.SubprocessError, etree.LxmlError) as error:
            passed, saw = False, f"{type(error).__name__}: {error}"
        self.outcomes.append(passed)
        print(f"{'ok  ' if passed else 'FAIL'} {name}: {saw} ({time.monotonic() - began:.1f} s)", flush=True)

    def replay(self, expected, *args, **environment):
        """Replays, expects this exit code, and returns what was written."""
        command = [self.hotline, "replay", *map(str, args)]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, capture_output=True, encoding="utf-8", timeout=300
        )
        told = (done.stdout + done.stderr)[-3000:]
        hold(done.returncode == expected, f"exit code {done.returncode}, not {expected}; its last words:\n{told}")
        return done.stdout

    def report(self, name, expected, *args, **environment):
        """Replays, and returns the two reports for machines: the path of the one, the other read."""
        junit = self.folder / f"{name}.xml"
        return junit, json.loads(self.replay(expected, *args, "--json", "--junit", junit, **environment))

    def faults(self, document):
        self.schema.validate(document)
        return [f"line {fault.line}: {fault.message}" for fault in self.schema.error_log]

    def valid(self, junit):
        document = etree.parse(junit)
        faults = self.faults(document)
        hold(not faults, "; ".join(faults[:5]))
        return f"{len(document.findall('testsuite'))} suites, {len(document.findall('.//testcase'))} cases are valid"

    def refused(self, junit, spoil):
        document = etree.parse(junit)
        before = self.faults(document)
        spoil(document.getroot())
        faults = [fault for fault in self.faults(document) if fault not in before]
        hold(faults, "the schema takes it")
        return faults[0]


def plain(report):
    """What --json says of each file: tests, failures, errors, skipped."""
    told = {}
    for file in report["files"]:
        outcome = file["outcome"]
        calls = outcome.get("calls", [])
        alone = Counter(errors="faults" in outcome, skipped="passed_over" in outcome)
        failures = sum(bool(call["mismatches"]) for call in calls)
        told[file["file"]] = (len(calls) + alone.total(), failures, alone["errors"], alone["skipped"])
    return told


def same_counts(junit, report):
    """junitparser counts the cases of each file as --json does, and the attributes agree."""
    document = JUnitXml.fromfile(str(junit))
    ours, theirs = plain(report), {}
    for suite in document:
        counted = Counter(type(result) for case in suite for result in case.result)
        cases = (sum(1 for _ in suite), counted[Failure], counted[Error], counted[Skipped])
        said = (suite.tests, suite.failures, suite.errors, suite.skipped)
        hold(cases == said, f"{suite.name} says {said}, and has {cases}")
        hold(suite.name not in theirs, f"{suite.name} stands there twice")
        theirs[suite.name] = cases
    differ = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    hold(not differ, "; ".join(f"{name}: --json {ours.get(name)}, JUnit {theirs.get(name)}" for name in differ[:5]))
    tests, failures, errors, skipped = (sum(column) for column in zip(*ours.values(), strict=True))
    said = (document.tests, document.failures, document.errors)
    hold(said == (tests, failures, errors), f"the whole says {said}, its parts {(tests, failures, errors)}")
    alike = (report["calls"], report["unreadable"], report["passed_over"])
    hold(alike == (tests - errors - skipped, errors, skipped), f"the sums of --json are {alike}")
    return f"{tests} tests, {failures} failures, {errors} errors, {skipped} skipped, as --json says"


def spoilers():
    def element(root):
        etree.SubElement(root.find(".//testcase"), "verdict")

    def attribute(root):
        root.find(".//testcase").set("dialect", "twilio")

    def nameless(root):
        del root.find(".//testcase").attrib["name"]

    def stray(root):
        etree.SubElement(root, "testcase", name="outside of every suite")

    return {
        "an unknown element": element,
        "an unknown attribute": attribute,
        "a case without a name": nameless,
        "a case outside of every suite": stray,
    }


class Server:
    """A hotline in a folder of its own, at a port that is free."""

    def __init__(self, hotline, folder, token):
        self.hotline, self.folder = hotline, folder
        for name in ("config", "voice-prompts"):
            shutil.copytree(ROOT / name, folder / name)
        self.environment = os.environ | {"HOTLINE_SERVER__LISTEN": "127.0.0.1:0", "HOTLINE_TWILIO__AUTH_TOKEN": token}

    def __enter__(self):
        with open(self.folder / "out", "wb") as out, open(self.folder / "err", "wb") as err:
            self.process = subprocess.Popen(
                [self.hotline, "serve"],
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def url(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"answers at (http://\S+)", (self.folder / "out").read_text())
            if found:
                return found[1]
            time.sleep(0.1)
        raise Wrong(f"the hotline did not start:\n{self.last_words()}")

    def stop(self):
        hold(self.process.poll() is None, f"the hotline ended while it was used:\n{self.last_words()}")
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        hold(code == 0, f"the hotline stopped with {code}:\n{self.last_words()}")
        hold("panicked" not in (self.folder / "err").read_text(), f"the hotline panicked:\n{self.last_words()}")
        verified = subprocess.run(
            [self.hotline, "audit", "verify"], cwd=self.folder, env=self.environment, capture_output=True, encoding="utf-8"
        )
        hold(verified.returncode == 0, verified.stdout + verified.stderr)
        return verified.stdout.strip()

    def last_words(self):
        return (self.folder / "err").read_text()[-3000:]


def in_process(suite):
    reports = {}
    played = {"as written": (0, OK), "with faults": (2, FAILED, PARSE_ERROR)}
    for name, (code, *paths) in played.items():

        def place():
            reports[name] = suite.report(name, code, *paths)
            return counts(reports[name][1])

        suite.check(f"in process, {name}", place)
        suite.check(f"schema, {name}", lambda: suite.valid(reports[name][0]))
        suite.check(f"junitparser, {name}", lambda: same_counts(*reports[name]))
    for name, spoil in spoilers().items():
        suite.check(f"schema refuses {name}", lambda: suite.refused(reports["as written"][0], spoil))
    suite.check("in process, chaos", lambda: last_line(suite.replay(0, OK, "--chaos", 7)))


def against(suite, server, token):
    url = server.url()
    to = {"HOTLINE_TWILIO__AUTH_TOKEN": token}
    reports = {}

    def place():
        reports["whole"] = suite.report("against", 0, OK, "--against", url, **to)
        report = reports["whole"][1]
        hold(report["passed"] > 50, f"only {report['passed']} were played")
        return counts(report)

    suite.check("against a hotline", place)
    suite.check("schema, against a hotline", lambda: suite.valid(reports["whole"][0]))
    suite.check("junitparser, against a hotline", lambda: same_counts(*reports["whole"]))
    suite.check("against it, chaos", lambda: last_line(suite.replay(0, OK, "--against", url, "--chaos", 7, **to)))

    def again():
        played = [file["file"] for file in reports["whole"][1]["files"] if "calls" in file["outcome"]]
        return "; ".join({last_line(suite.replay(0, *played, "--against", url, "--dialect", "browser")) for _ in range(AGAIN)})

    suite.check(f"against it, {AGAIN} times more", again)

    good, wrong, unreadable = (suite.folder / f"{name}.call" for name in ("good", "wrong", "unreadable"))
    good.write_text(GREETED, encoding="utf-8")
    wrong.write_text(GREETED.replace("请按一", "请按八"), encoding="utf-8")
    unreadable.write_text(GREETED.replace("> 拨入", "> 拨进"), encoding="utf-8")
    suite.check("a call as written: 0", lambda: last_line(suite.replay(0, good, "--against", url, **to)))
    suite.check("other words: 1", lambda: last_line(suite.replay(1, wrong, "--against", url, **to)))
    suite.check("a file that cannot be read: 2", lambda: last_line(suite.replay(2, good, unreadable, "--against", url, **to)))
    suite.check(
        "another token: 1",
        lambda: last_line(suite.replay(1, good, "--against", url, HOTLINE_TWILIO__AUTH_TOKEN="another")),
    )
    suite.check("no token: 2", lambda: suite.replay(2, good, "--against", url) or "nothing is played")
    suite.check("the hotline stops, its audit whole", server.stop)
    suite.check("no hotline: 2", lambda: suite.replay(2, good, "--against", url, **to) or "nothing is played")


def counts(report):
    names = ("passed", "failed", "unreadable", "passed_over", "calls")
    return ", ".join(f"{report[name]} {name.replace('_', ' ')}" for name in names)


def last_line(text):
    return text.strip().splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hotline", required=True, type=lambda path: Path(path).resolve(), help="the hotline binary")
    parser.add_argument("--schema", required=True, help="an XML schema of JUnit reports")
    args = parser.parse_args()
    # Asked to end, it ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in [name for name in os.environ if name.startswith("HOTLINE_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(args.hotline, args.schema, Path(folder))
        in_process(suite)
        token = secrets.token_hex(16)
        empty = Path(folder, "hotline")
        empty.mkdir()
        try:
            with Server(args.hotline, empty, token) as server:
                against(suite, server, token)
        except (Wrong, OSError) as error:
            suite.check("a hotline, started as README.md says", lambda error=error: hold(False, error))
    print(f"{suite.outcomes.count(True)} passed, {suite.outcomes.count(False)} failed")
    return 0 if all(suite.outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
