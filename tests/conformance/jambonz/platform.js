// What jambonz knows of itself: its two validators of verbs, its schemas of webhooks, its check of signatures.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const Ajv = require("ajv/dist/2020");
const specifications = require("@jambonz/verb-specifications");
const schema = require("@jambonz/schema");
const { WebhookResponse } = require("@jambonz/node-client");

const quiet = { info() {}, debug() {}, error() {} };

/** The most it takes of a message. */
const MOST = 24 * 1024;

/** What is wrong with a list of verbs; empty: nothing. Each validator finds what the other passes over. */
function faults(verbs, publicUrl, { waiting = false } = {}) {
  const found = [];
  const look = (name, check) => {
    try {
      check();
    } catch (e) {
      found.push(`${name}: ${e.message}`);
    }
  };
  look("verb-specifications", () => specifications.validate(quiet, verbs));
  look("schema", () => schema.validate(quiet, verbs));
  if (found.length) return found;
  const { valid, errors } = schema.validateApp(verbs);
  if (!valid) found.push(`schema: ${errors[0].path} ${errors[0].message}`);
  if (verbs.length === 0) found.push("no application provided");
  verbs.forEach((verb, at) => {
    // What the feature server does, and no validator knows.
    if (verb.verb === "gather") {
      if (verb.minDigits !== 1) found.push("gather: keys that nothing ends would be dropped");
      if (!(verb.timeout > 0)) found.push("gather: silence would last for ever, or fifteen seconds");
      if (verb.maxDigits > 1 && !(verb.interDigitTimeout > 0)) found.push("gather: nothing ends a short entry");
      if (at === verbs.length - 1) found.push("gather: where its hook fails, the call ends without a word");
      const delay = verb.actionHookDelayAction;
      if (delay) {
        const { enabled, actions, noResponseTimeout, noResponseGiveUpTimeout, giveUpActions } = delay;
        // What its feature server asks of it, and no validator does.
        if (enabled !== true || !(noResponseTimeout > 0)) found.push("actionHookDelayAction: it is never heard");
        if (!actions?.length) found.push("actionHookDelayAction: no actions specified");
        for (const action of actions ?? []) {
          if (!["say", "play"].includes(action.verb)) found.push("actionHookDelayAction: invalid actions specified");
          else look("verb-specifications", () => specifications.validate(quiet, [action]));
        }
        if (noResponseGiveUpTimeout || giveUpActions) {
          found.push("actionHookDelayAction: it hangs up without a word, or is not known to older servers");
        }
        if (String(verb.actionHook).includes("/said/")) found.push("actionHookDelayAction: heard over the next voice");
      }
      const say = verb.say && specifications.validateVerb;
      if (say) look("verb-specifications", () => say("say", verb.say, quiet));
    }
    for (const hook of ["actionHook", "waitHook"]) {
      if (verb[hook] !== undefined && !String(verb[hook]).startsWith(`${publicUrl}/jambonz/`)) {
        found.push(`${verb.verb}: ${hook} is not the hotline's own`);
      }
    }
    for (const text of [].concat((verb.say ?? verb).text ?? [])) {
      if (text.startsWith("<speak>") ? !text.endsWith("</speak>") : /^[a-z][a-z0-9+.-]*:/i.test(text)) {
        found.push(`say: ${text.slice(0, 20)} is not said`);
      }
      if (text.length > 1000) found.push("say: the platform would cut it");
    }
    if (waiting && !["say", "play", "pause", "leave"].includes(verb.verb)) {
      found.push(`unsupported verb in enqueue waitHook: ${verb.verb}`);
    }
    const behind = verbs.slice(at + 1).map((verb) => verb.verb);
    const ends = ["hangup", "leave", "redirect"].includes(verb.verb);
    if (ends && behind.length) found.push(`${verb.verb}: what stands behind it is not reached in order`);
    // Reached where the hook of these failed, and then the call is to end with words.
    const goesOn = ["dial", "enqueue", "listen"].includes(verb.verb);
    if (goesOn && !/^(say,)+hangup$/.test(behind.join())) found.push(`${verb.verb}: where its hook fails, no words and an end stand behind it`);
  });
  return found;
}

/** What is wrong with the answer to the message `msgid`: as the feature server reads it, and then as lists of verbs are read. */
function ackFaults(text, msgid, how) {
  if (Buffer.byteLength(text) > MOST) return ["ack: the connection is broken off"];
  const { type, msgid: id, data, ...more } = JSON.parse(text);
  const found = [];
  if (type !== "ack") found.push(`ack: invalid type property: ${type}`);
  if (id !== msgid) found.push("ack: to unknown msgid");
  for (const name of Object.keys(more)) found.push(`ack: ${name} is not read`);
  // A path is asked for over the connection, an address by a webhook.
  return found.concat(data === undefined ? [] : faults(data, "", how));
}

/** The schemas of webhooks, by name. */
const callbacks = (() => {
  const ajv = new Ajv({ strict: false, validateSchema: false, logger: false });
  const directory = path.join(path.dirname(require.resolve("@jambonz/schema/package.json")), "callbacks");
  for (const file of fs.readdirSync(directory)) ajv.addSchema(JSON.parse(fs.readFileSync(path.join(directory, file))));
  return ajv;
})();

/** What is wrong with a webhook that we send in jambonz' place. */
function oddities(name, body) {
  const validate = callbacks.getSchema(`https://jambonz.org/schema/callbacks/${name}`);
  if (!validate) return [`there is no schema of ${name}`];
  return validate(body) ? [] : validate.errors.map((e) => `${name}${e.instancePath}: ${e.message}`);
}

/** Signs as the feature server does. */
function sign(secret, body, time = Math.floor(Date.now() / 1000)) {
  const v1 = crypto.createHmac("sha256", secret).update(`${time}.${body}`, "utf8").digest("hex");
  return `t=${time},v1=${v1}`;
}

/** Whether jambonz' own client takes the signature. */
function verifies(secret, header, body) {
  let taken = false;
  try {
    const request = { get: () => header, body: JSON.parse(body), url: "/" };
    WebhookResponse.verifyJambonzSignature(secret)(request, null, () => (taken = true));
  } catch {
    return false;
  }
  return taken;
}

module.exports = { MOST, ackFaults, faults, oddities, sign, verifies };
