"""The checker checks itself: what is wrong must be found, and what is right let through."""

import sys

from twiml import Checker

URL = "https://hotline.example"
STEP = f"{URL}/twilio/step/AbC"
SAY = '<Say language="cmn-CN" voice="Polly.Zhiyu-Neural">您好。<break time="200ms"/>再见。</Say>'
GATHER = (
    f'<Gather input="dtmf" action="{STEP}" method="POST" numDigits="18" finishOnKey="#" timeout="5" actionOnEmptyResult="true">'
    f'{SAY}<Pause length="5"/></Gather>'
)
REDIRECT = f'<Redirect method="POST">{STEP}</Redirect>'
DIAL = f'<Dial action="{STEP}" method="POST" timeout="25" answerOnBridge="true"><Number>+861012333</Number></Dial>'
RECORD = (
    f'<Record action="{STEP}" method="POST" finishOnKey="#" timeout="5" maxLength="120" playBeep="true" '
    f'recordingStatusCallback="{STEP}" recordingStatusCallbackMethod="POST" recordingStatusCallbackEvent="completed"/>'
)
ENQUEUE = f'<Enqueue action="{STEP}" method="POST" waitUrl="{STEP}" waitUrlMethod="POST">agents</Enqueue>'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def document(*verbs):
    return HEAD + "<Response>" + "".join(verbs) + "</Response>"


RIGHT = {
    "a menu": document(SAY, GATHER, REDIRECT),
    "a transfer": document(SAY, DIAL),
    "a SIP transfer": document(DIAL.replace("<Number>+861012333</Number>", "<Sip>sip:a@pbx.example</Sip>")),
    "a recording": document(SAY, RECORD, REDIRECT),
    "a queue": document(SAY, ENQUEUE),
    "leaving it": document("<Leave/>"),
    "slow speech": document(SAY.replace("您好", '<prosody rate="85%">您好').replace("再见。", "再见。</prosody>"), "<Hangup/>"),
    "a goodbye": document(SAY, "<Hangup/>"),
    "speech of five hundred characters": document(SAY.replace("您好", "一" * 493), "<Hangup/>"),
}
# What is wrong, and a word of the complaint it must raise.
WRONG = {
    "a blank before the declaration": (" " + RIGHT["a menu"], "declaration"),
    "not well-formed": (RIGHT["a menu"].replace("您好", "您&好"), "no XML"),
    "another root": (RIGHT["a menu"].replace("Response", "response"), "root"),
    "a root with attributes": (RIGHT["a menu"].replace("<Response>", '<Response version="1">'), "root"),
    "an unknown verb": (document("<Speak>您好</Speak>", REDIRECT), "<Speak>"),
    "a verb in another case": (RIGHT["a goodbye"].replace("Hangup", "HangUp"), "<HangUp>"),
    "an unknown attribute": (RIGHT["a menu"].replace("numDigits", "num_digits"), "num_digits"),
    "an attribute with a hyphen": (RIGHT["a menu"].replace("finishOnKey", "finish-on-key"), "finish-on-key"),
    "another verb's attribute": (RIGHT["a goodbye"].replace("<Hangup/>", '<Hangup reason="busy"/>'), "no attribute reason"),
    "Redirect inside Gather": (document(GATHER.replace("<Pause", REDIRECT + "<Pause"), REDIRECT), "inside <Gather>"),
    "Say inside Say": (RIGHT["a goodbye"].replace("再见。", SAY), "inside <Say>"),
    "Gather inside Dial": (document(DIAL.replace("</Dial>", GATHER + "</Dial>")), "inside <Dial>"),
    "text inside Gather": (RIGHT["a menu"].replace("<Pause", "您好<Pause"), "text"),
    "text inside Hangup": (RIGHT["a goodbye"].replace("<Hangup/>", "<Hangup>再见</Hangup>"), "text"),
    "too long a Say": (document(SAY.replace("您好", "一" * 501), "<Hangup/>"), "13521"),
    "too many bytes in a Say": (document(SAY.replace("您好", "a" * 3001), "<Hangup/>"), "bytes"),
    "a Say of nothing": (document('<Say language="cmn-CN" voice="Polly.Zhiyu"> </Say>', "<Hangup/>"), "nothing"),
    "digits left to the voice": (RIGHT["a goodbye"].replace("您好", "请按1"), "digits"),
    "no finish key named": (RIGHT["a menu"].replace('finishOnKey="#" ', ""), "without finishOnKey"),
    "no timeout named": (RIGHT["a menu"].replace('timeout="5" ', ""), "without timeout"),
    "a timeout of nothing": (RIGHT["a menu"].replace('timeout="5"', 'timeout="0"'), "timeout"),
    "a timeout in fractions": (RIGHT["a menu"].replace('timeout="5"', 'timeout="4.5"'), "timeout"),
    "two finish keys": (RIGHT["a menu"].replace('finishOnKey="#"', 'finishOnKey="#*"'), "13310"),
    "a relative action": (RIGHT["a menu"].replace(f'action="{URL}', 'action="'), "leads to"),
    "another host": (RIGHT["a menu"].replace(f'action="{URL}', 'action="https://evil.example'), "leads to"),
    "plain http": (RIGHT["a menu"].replace("https:", "http:"), "leads to"),
    "a query": (RIGHT["a menu"].replace(STEP, STEP + "?b=1"), "plain path"),
    "a redirect by GET": (RIGHT["a menu"].replace('<Redirect method="POST">', "<Redirect>"), "posts"),
    "a verb behind the end": (document("<Hangup/>", SAY), "never reached"),
    "an end without a word": (document(), "empty"),
    "running out": (document(SAY), "running out"),
    "a recording without end": (document(RECORD.replace('maxLength="120"', 'maxLength="0"'), REDIRECT), "maxLength"),
    "a recording told elsewhere": (document(RECORD.replace(f'Callback="{URL}', 'Callback="https://evil.example'), REDIRECT), "leads to"),
    "a recording that nothing ends": (document(RECORD.replace('finishOnKey="#"', 'finishOnKey=""'), REDIRECT), "finishOnKey"),
    "a recording and then nothing": (document(SAY, RECORD), "running out"),
    "a queue without a name": (document(ENQUEUE.replace("agents", "")), "queue called"),
    "a queue that nobody waits in": (document(ENQUEUE.replace(f'waitUrl="{STEP}" ', "")), "leads to"),
    "a queue that asks by GET": (document(ENQUEUE.replace(' waitUrlMethod="POST"', "")), "posts"),
    "a verb behind a queue": (document(ENQUEUE, SAY), "never reached"),
    "leaving with a word": (document("<Leave>agents</Leave>"), "text"),
    "a rate that Say does not have": (document(SAY.replace("<Say ", '<Say rate="85%" '), "<Hangup/>"), "rate"),
    "a Dial to nobody": (document(DIAL.replace("<Number>+861012333</Number>", "")), "one place"),
}
# Only the Node library knows these.
WRONG_TYPES = {
    "no such voice": (RIGHT["a goodbye"].replace("Zhiyu-Neural", "Nobody"), "SayVoice"),
    "no such language": (RIGHT["a goodbye"].replace("cmn-CN", "cmn-Hans-CN"), "SayLanguage"),
    "no such recording event": (document(RECORD.replace('"completed"', '"done"'), REDIRECT), "RecordingEvent"),
    "no such input": (RIGHT["a menu"].replace('input="dtmf"', 'input="keys"'), "GatherInput"),
    "no number": (RIGHT["a menu"].replace('numDigits="18"', 'numDigits="many"'), "number"),
    "no boolean": (RIGHT["a menu"].replace('actionOnEmptyResult="true"', 'actionOnEmptyResult="yes"'), "boolean"),
}


def problems(text, content_type="text/xml; charset=utf-8", types=False):
    checker = Checker(URL)
    checker.reply(content_type, text.encode())
    return checker.types() if types else checker.problems


def faults():
    for name, text in RIGHT.items():
        if found := problems(text) + problems(text, types=True):
            yield f"{name} is right, but: {found}"
    for name, (text, word) in WRONG.items():
        if not any(word in p for p in problems(text)):
            yield f"{name} is not found: {problems(text)}"
    for name, (text, word) in WRONG_TYPES.items():
        if not any(word in p for p in problems(text, types=True)):
            yield f"{name} is not found: {problems(text, types=True)}"
    for content_type in ("", "text/plain", "application/json"):
        if not problems(RIGHT["a menu"], content_type):
            yield f"Content-Type {content_type!r} is not found"


found = list(faults())
for fault in found:
    print("FAIL the checker:", fault)
total = len(RIGHT) + len(WRONG) + len(WRONG_TYPES) + 3
print(f"the checker: {total - len(found)} passed, {len(found)} failed")
sys.exit(1 if found else 0)
