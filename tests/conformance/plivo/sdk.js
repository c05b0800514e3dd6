// What Plivo's own package for Node says. One question a line on standard input, one answer a line on standard output:
//   {"verify": {uri, nonce, token, signature, params}} -> {"is": true|false}
//   {"build": [tree of a document]} -> {"fault": "" | why it cannot be built, "xml": what it builds}
"use strict";
const plivo = require("plivo");
const { validateV3Signature } = require("plivo/dist/utils/v3Security");

const ADD = {
  Speak: "addSpeak", Redirect: "addRedirect", Hangup: "addHangup", GetInput: "addGetInput", Record: "addRecord",
  Dial: "addDial", Number: "addNumber", User: "addUser", prosody: "addProsody", break: "addBreak",
};
// Those take no text of their own.
const BARE = ["Hangup", "GetInput", "Record", "Dial", "break"];

/** Rebuilds an element's children: [name, attributes, text, children]. */
function build(parent, children) {
  for (const [name, attributes, text, below] of children) {
    if (name === "#text") {
      parent.addText(text);
      continue;
    }
    const add = ADD[name];
    if (!add) throw new Error(`there is no ${name}`);
    if (BARE.includes(name) && text) throw new Error(`${name} has text`);
    const element = BARE.includes(name) ? parent[add](attributes) : parent[add](text, attributes);
    build(element, below);
  }
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { verify, build: children } = JSON.parse(line);
    if (verify) {
      const { uri, nonce, token, signature, params } = verify;
      let is = false;
      try {
        is = validateV3Signature("POST", uri, nonce, token, signature, params);
      } catch {}
      return console.log(JSON.stringify({ is }));
    }
    try {
      const response = new plivo.Response();
      build(response, children);
      console.log(JSON.stringify({ fault: "", xml: response.toXML() }));
    } catch (e) {
      console.log(JSON.stringify({ fault: String(e.message ?? e) || "fault" }));
    }
  });
