// The checker checks itself: what is right passes, and each wrong thing is caught by who should catch it.
"use strict";
const { ackFaults, faults, oddities, sign, verifies } = require("./platform");

const HOME = "https://hotline.example";
const hook = `${HOME}/jambonz/step/S`;
const gather = {
  verb: "gather", input: ["digits"], actionHook: hook, minDigits: 1, maxDigits: 18, finishOnKey: "#",
  interDigitTimeout: 4.5, timeout: 10, dtmfBargein: true, say: { text: ["您好。"], synthesizer: { vendor: "google" } },
};
const say = { verb: "say", text: ["您好。"] };
const delay = { enabled: true, noResponseTimeout: 2, retries: 2, actions: [say] };
const slow = { ...gather, actionHookDelayAction: delay };
const lastWords = [say, { verb: "hangup" }];
const end = [{ ...slow, timeout: 0.1, say: undefined }, ...lastWords];
const right = {
  gather: [gather, ...end],
  "a slow answer": [slow, ...end],
  voices: [{ ...gather, timeout: 0.1, actionHook: `${HOME}/jambonz/said/S` }, slow, ...end],
  "hang up": [say, { verb: "hangup" }],
  number: [{ verb: "dial", actionHook: hook, answerOnBridge: true, timeout: 25, target: [{ type: "phone", number: "+861012333" }] }, ...lastWords],
  sip: [{ verb: "dial", actionHook: hook, answerOnBridge: true, timeout: 25, target: [{ type: "sip", sipUri: "sip:a@b.example" }] }, ...lastWords],
  queue: [{ verb: "enqueue", name: "agents", actionHook: hook, waitHook: hook }, ...lastWords],
  recorder: [
    { verb: "listen", url: "wss://recorder.example/a", actionHook: hook, finishOnKey: "#", maxLength: 120, playBeep: true,
      mixType: "mono", metadata: { recording: "r", silence: 4.5 } },
    ...lastWords,
  ],
};
const wrong = {
  "no list": [{ verb: "say" }, "must be array"],
  "nothing": [[], ""],
  "a verb that is none": [[{ verb: "speak", text: "x" }], "invalid instruction"],
  "an unknown property": [[{ ...gather, numberDigits: 1 }], "unknown property"],
  "a number as text": [[{ ...gather, maxDigits: "18" }], "maxDigits"],
  "a wrong input": [[{ ...gather, input: ["dtmf"] }], "schema"],
  "no target": [[{ verb: "dial", actionHook: hook, target: [] }], "schema"],
  "a wrong target": [[{ verb: "dial", actionHook: hook, target: [{ type: "queue" }] }], ""],
  "no vendor": [[{ verb: "say", text: "x", synthesizer: { language: "cmn-CN" } }], "vendor"],
  "no vendor while keys are heard": [[{ ...gather, say: { text: ["x"], synthesizer: {} } }], "vendor"],
  "no minDigits": [[{ ...gather, minDigits: undefined }], "dropped"],
  "six minDigits": [[{ ...gather, minDigits: 6 }], "dropped"],
  "no end of silence": [[{ ...gather, timeout: 0 }], "for ever"],
  "no time between keys": [[{ ...gather, interDigitTimeout: undefined }], "short entry"],
  "another's address": [[{ ...gather, actionHook: "https://evil.example/" }], "own"],
  "an address for words": [[{ verb: "say", text: ["Note: hello"] }], "not said"],
  "open markup": [[{ verb: "say", text: ["<speak>x"] }], "not said"],
  "keys in a queue": [[gather], "waitHook", { waiting: true }],
  "hanging up in a queue": [[say, { verb: "hangup" }], "waitHook", { waiting: true }],
  "words behind the end": [[{ verb: "hangup" }, say], "behind"],
  "no word after a failure": [[say, gather], "without a word"],
  "no word after a person": [[{ verb: "enqueue", name: "agents", actionHook: hook, waitHook: hook }], "its hook fails"],
  "no action for delays": [[{ ...slow, actionHookDelayAction: { ...delay, actions: [] } }], "no actions"],
  "keys for delays": [[{ ...slow, actionHookDelayAction: { ...delay, actions: [gather] } }], "invalid actions"],
  "a number of actions": [[{ ...slow, actionHookDelayAction: { ...delay, actions: 1 } }], "actionHookDelayAction"],
  "an unknown property of delays": [[{ ...slow, actionHookDelayAction: { ...delay, timeout: 2 } }], "unknown property"],
  "delays switched off": [[{ ...slow, actionHookDelayAction: { ...delay, enabled: false } }], "never heard"],
  "a delay that hangs up": [[{ ...slow, actionHookDelayAction: { ...delay, noResponseGiveUpTimeout: 8 } }], "hangs up"],
  "a delay over a voice": [[{ ...slow, actionHook: `${HOME}/jambonz/said/S` }], "next voice"],
};
const pathed = JSON.parse(JSON.stringify([slow, ...end]).replaceAll(HOME, ""));
const ack = { type: "ack", msgid: "m1", data: pathed };
const wrongAcks = {
  "another type": [{ ...ack, type: "ok" }, "invalid type"],
  "another id": [{ ...ack, msgid: "m2" }, "unknown msgid"],
  "a property of ours": [{ ...ack, call_sid: "c" }, "call_sid"],
  "an address": [{ ...ack, data: [slow, ...end] }, "own"],
  "no verbs": [{ ...ack, data: [] }, "no application"],
  "an unknown verb": [{ ...ack, data: [{ verb: "speak" }] }, "invalid instruction"],
  "more than it takes": [{ ...ack, data: [{ ...say, text: Array(30).fill("一".repeat(300)) }] }, "broken off"],
};

const failed = [];
let passed = 0;
const is = (name, so, why = "") => (so ? (passed += 1) : failed.push(`${name}: ${why}`));
for (const [name, verbs] of Object.entries(right)) is(name, faults(verbs, HOME).length === 0, faults(verbs, HOME)[0]);
is("waiting", faults([say, { verb: "pause", length: 25 }], HOME, { waiting: true }).length === 0);
for (const [name, [verbs, word, how]] of Object.entries(wrong)) {
  const found = faults(JSON.parse(JSON.stringify(verbs)), HOME, how);
  is(name, found.length > 0 && found.some((fault) => fault.includes(word)), `not caught by ${word}: ${found}`);
}
is("an ack", ackFaults(JSON.stringify(ack), "m1").length === 0, ackFaults(JSON.stringify(ack), "m1")[0]);
is("an ack without verbs", ackFaults('{"type":"ack","msgid":"m1"}', "m1").length === 0);
for (const [name, [answer, word]] of Object.entries(wrongAcks)) {
  const found = ackFaults(JSON.stringify(answer), "m1");
  is(`ack: ${name}`, found.some((fault) => fault.includes(word)), `not caught by ${word}: ${found}`);
}
const body = JSON.stringify({ call_sid: "c", name: "Köln" });
is("signature", verifies("s", sign("s", body), body));
is("another's signature", !verifies("s", sign("t", body), body));
is("another body", !verifies("s", sign("s", `${body} `), body));
is("an old signature", !verifies("s", sign("s", body, Math.floor(Date.now() / 1000) - 301), body));
is("a webhook", oddities("gather", { call_sid: "c", reason: "timeout" }).length === 0);
is("an odd webhook", oddities("gather", { reason: "silence" }).length > 0);
for (const fault of failed) console.log(`FAIL  ${fault}`);
console.log(`the checker: ${passed} passed, ${failed.length} failed`);
process.exit(failed.length ? 1 : 0);
