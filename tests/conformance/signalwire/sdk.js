// What SignalWire's Node library knows: its signature, and its builder of documents.
//
//   node sdk.js sign      {key, address, body} on stdin, the signature on stdout
//   node sdk.js validate  [{key, address, body, signature}], [true or false]
//   node sdk.js types     [{name, attributes, inside}], a list of what the builder has not got
"use strict";
const fs = require("fs");
const path = require("path");
const querystring = require("querystring");

const root = process.env.NODE_PATH.split(path.delimiter).find((p) => fs.existsSync(path.join(p, "@signalwire")));
const package_ = path.join(root, "@signalwire/compatibility-api");

/** The attributes of each element, and what may stand in it, as VoiceResponse.d.ts declares them. */
function declared() {
  const text = fs.readFileSync(path.join(package_, "lib/twiml/VoiceResponse.d.ts"), "utf8");
  const lists = { attributes: {}, inside: {} };
  for (const [, name, body] of text.matchAll(/export interface (\w+)Attributes \{\n([\s\S]*?)\n  \}/g)) {
    lists.attributes[name] = [...body.matchAll(/^\s+'?"?([\w:-]+)'?"?\?: /gm)].map((m) => m[1]);
  }
  // "<Say> TwiML Verb" stands above each method, in the class of what it may stand in.
  const classes = text.split(/^(?:export )?(?:declare )?\s*class /m).slice(1);
  for (const body of classes) {
    const name = body.match(/^(\w+)/)[1];
    const inside = [...body.matchAll(/\* <([\w:-]+)> /g)].map((m) => m[1]);
    const ssml = [...body.matchAll(/^\s+(break_|prosody|emphasis|p|phoneme|s|sayAs|sub|w)\(/gm)].map((m) => m[1]);
    lists.inside[name === "VoiceResponse" ? "Response" : name] = [...inside, ...ssml.map((n) => n.replace("_", ""))];
  }
  return lists;
}

function missing(elements) {
  const { attributes, inside } = declared();
  if (!attributes.Gather?.includes("finishOnKey") || !inside.Response?.includes("Enqueue")) return ["the types cannot be read"];
  const found = new Set();
  const ssml = (name) => (/^[a-z]/.test(name) ? ["Ssml" + name[0].toUpperCase() + name.slice(1)] : []);
  const of = (lists, name) => [name, ...ssml(name)].flatMap((n) => lists[n] ?? []);
  for (const element of elements) {
    for (const name of element.attributes) {
      if (!of(attributes, element.name).includes(name)) found.add(`<${element.name}> has no attribute ${name}`);
    }
    for (const name of element.inside) {
      if (!of(inside, element.name).includes(name)) found.add(`<${name}> inside <${element.name}>`);
    }
  }
  return [...found];
}

const input = JSON.parse(fs.readFileSync(0, "utf8"));
const webhooks = require(path.join(package_, "lib/webhooks/webhooks.js"));
const commands = {
  sign: ({ key, address, body }) => webhooks.getExpectedTwilioSignature(key, address, querystring.parse(body)),
  validate: (all) => all.map(({ key, address, body, signature }) =>
    webhooks.validateRequest(key, signature, address, querystring.parse(body), true)),
  types: missing,
};
process.stdout.write(JSON.stringify(commands[process.argv[2]](input)));
