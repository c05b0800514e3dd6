// What Twilio's Node library knows: its signature, and the types of its TwiML builder.
//
//   node sdk.js sign      {token, url, params} on stdin, the signature on stdout
//   node sdk.js types     [{name, attributes}] on stdin, one line a problem on stdout
"use strict";
const fs = require("fs");
const path = require("path");

/** The attributes of each element and their types, as VoiceResponse.d.ts declares them. */
function declared() {
  const root = process.env.NODE_PATH.split(path.delimiter).find((p) => fs.existsSync(path.join(p, "twilio")));
  const text = fs.readFileSync(path.join(root, "twilio/lib/twiml/VoiceResponse.d.ts"), "utf8");
  const enums = {};
  for (const [, name, values] of text.matchAll(/^\s+type (\w+) = ("[^;]+);$/gm)) {
    enums[name] = new Set([...values.matchAll(/"([^"]*)"/g)].map((m) => m[1]));
  }
  const interfaces = {};
  for (const [, name, body] of text.matchAll(/export interface (\w+)Attributes \{\n([\s\S]*?)\n    \}/g)) {
    const attributes = (interfaces[name] ??= {});
    for (const [, attribute, type] of body.matchAll(/^\s+"?'?([\w:-]+)'?"?\?: ([^;]+);$/gm)) attributes[attribute] = type;
  }
  return { enums, interfaces };
}

function fault(value, type, enums) {
  const allowed = enums[type.replace(/\[\]$/, "")];
  if (allowed) {
    const values = type.endsWith("[]") ? value.split(" ") : [value];
    const wrong = values.find((v) => !allowed.has(v));
    return wrong === undefined ? null : `"${wrong}" is no ${type}`;
  }
  if (type === "number") return /^\d+$/.test(value) ? null : `"${value}" is no number`;
  if (type === "boolean") return value === "true" || value === "false" ? null : `"${value}" is no boolean`;
  return null;
}

function problems(elements) {
  const { enums, interfaces } = declared();
  if (!enums.SayVoice || enums.SayVoice.size < 100 || !interfaces.Gather.finishOnKey) return ["the types cannot be read"];
  const found = new Set();
  for (const { name, attributes } of elements) {
    const types = interfaces[name] ?? interfaces["Ssml" + name[0].toUpperCase() + name.slice(1)] ?? {};
    for (const [attribute, value] of Object.entries(attributes)) {
      if (!(attribute in types)) found.add(`<${name}> has no attribute ${attribute}`);
      else {
        const wrong = fault(value, types[attribute], enums);
        if (wrong) found.add(`<${name} ${attribute}>: ${wrong}`);
      }
    }
  }
  return [...found];
}

const input = JSON.parse(fs.readFileSync(0, "utf8"));
if (process.argv[2] === "sign") {
  process.stdout.write(require("twilio").getExpectedTwilioSignature(input.token, input.url, input.params));
} else {
  for (const problem of problems(input)) console.log(problem);
}
