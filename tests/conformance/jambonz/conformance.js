// Calls a running hotline as jambonz does, by webhooks and over a WebSocket: what it is told keeps its schemas, what it answers
// passes its validators.
"use strict";
const WebSocket = require("ws");
const { MOST, ackFaults, faults, oddities, sign, verifies } = require("./platform");

const options = {};
for (let at = 2; at < process.argv.length; at += 2) options[process.argv[at].replace(/^--/, "")] = process.argv[at + 1];
const { url, secret, open } = options;
const home = options["public-url"];
const run = Date.now().toString(16);
let calls = 0;
let webhooks = 0;

function must(so, why) {
  if (!so) throw new Error(why);
}

/** By webhooks. */
class Call {
  constructor() {
    this.home = home;
    calls += 1;
    this.id = `conf-${run}-${calls}`;
    this.from = `138${String(10000000 + calls)}`;
  }

  async post(address, body, { signature, kind = "application/json" } = {}) {
    must(address.startsWith(`${home}/`), `${address} is not the hotline's own`);
    const headers = { "content-type": kind, ...(signature !== "" && { "jambonz-signature": signature ?? sign(secret, body) }) };
    webhooks += 1;
    return fetch(url + address.slice(home.length), { method: "POST", headers, body, redirect: "manual" });
  }

  /** Tells what happened, and takes the verbs. */
  async told(address, schema, more = {}) {
    const waiting = schema === "enqueue-wait";
    const base = {
      call_sid: this.id, direction: "inbound", from: this.from, to: "+861012333", call_id: `${this.id}@sbc`, sip_status: 200,
      sip_reason: "OK", call_status: "in-progress", account_sid: "a", application_sid: "b", trace_id: "0", originating_sip_ip: "198.51.100.7:5060",
    };
    const hook = waiting ? { call_sid: this.id, call_id: base.call_id, ...more } : { ...base, ...more };
    const odd = oddities(schema, hook);
    must(odd.length === 0, `no webhook of jambonz': ${odd}`);
    this.last = [address, JSON.stringify(hook), { waiting }];
    const text = await this.carry(...this.last);
    if (text === null) return this;
    this.text = text;
    this.verbs = JSON.parse(text);
    const found = faults(this.verbs, this.home, { waiting });
    must(found.length === 0, found.join("; "));
    return this;
  }

  /** What is answered, as it was written; null: nothing. */
  async carry(address, body) {
    must(verifies(secret, sign(secret, body), body), "jambonz' own client does not take the signature");
    const response = await this.post(address, body);
    must([200, 204].includes(response.status), `${address}: ${response.status}`);
    must(response.headers.get("cache-control") === "no-store", "an answer may be kept");
    const text = await response.text();
    if (response.status === 204) return null;
    must(response.headers.get("content-type")?.includes("application/json"), `${response.headers.get("content-type")} is not read`);
    return text;
  }

  /** Tells it again. */
  again() {
    return this.carry(...this.last);
  }

  dial(to = "+861012333") {
    const sip = { headers: { "user-agent": "conformance" }, body: "v=0\r\n", method: "INVITE", type: "request", source: "network" };
    const defaults = { synthesizer: { vendor: "google", language: "cmn-CN", voice: "x" }, recognizer: { vendor: "google", language: "cmn-CN" } };
    return this.told(`${this.home}/jambonz/call`, "session-new", { call_status: "trying", sip_status: 100, to, sip, defaults, env_vars: {} });
  }

  verb(name) {
    const verb = this.verbs.find((verb) => verb.verb === name);
    must(verb, `there is no ${name}: ${this.text}`);
    return verb;
  }

  /** Up to what the caller does next; what stands behind that is for when its hook fails. */
  get said() {
    const end = this.verbs.findIndex((verb) => /\/(step|transferred|queued|recorded)\//.test(String(verb.actionHook)));
    return this.verbs.slice(0, end < 0 ? undefined : end + 1).flatMap((verb) => [].concat((verb.say ?? verb).text ?? [])).join("");
  }

  hears(words) {
    must(this.said.includes(words), `“${words}” is not heard: ${this.said}`);
    return this;
  }

  press(keys) {
    const { actionHook, finishOnKey } = this.verb("gather");
    const digits = finishOnKey && keys.endsWith(finishOnKey) ? keys.slice(0, -1) : keys;
    return this.told(actionHook, "gather", { reason: "dtmfDetected", digits });
  }

  silence() {
    return this.told(this.verb("gather").actionHook, "gather", { reason: "timeout" });
  }

  async all(...entries) {
    for (const keys of entries) await this.press(keys);
    return this;
  }
}

/** Over a WebSocket, opened as the feature server opens it. */
class SocketCall extends Call {
  constructor() {
    super();
    this.home = "";
    this.messages = 0;
    this.waited = new Map();
  }

  open({ user = "jambonz", password = secret, protocol = "ws.jambonz.org" } = {}) {
    const options = { followRedirects: true, maxRedirects: 2, handshakeTimeout: 1500, maxPayload: MOST };
    if (user) options.auth = `${user}:${password}`;
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/jambonz/socket`, [protocol], options);
    socket.on("message", (content, isBinary) => {
      const text = content.toString();
      const { msgid } = JSON.parse(text);
      const found = isBinary ? ["a binary message"] : ackFaults(text, msgid, this.waited.get(msgid)?.how);
      const { resolve, reject } = this.waited.get(msgid) ?? {};
      must(resolve, `an answer that nobody waits for: ${text.slice(0, 80)}`);
      this.waited.delete(msgid);
      // As it was written: what is behind its name, up to the last brace.
      if (found.length) reject(new Error(found.join("; ")));
      else resolve(text.includes('"data":') ? text.slice(text.indexOf('"data":') + 7, -1) : null);
    });
    return new Promise((resolve, reject) => {
      socket.once("open", () => resolve((this.socket = socket)));
      socket.once("unexpected-response", (_, response) => reject(Object.assign(new Error(`${response.statusCode}`), { response })));
      socket.once("error", reject);
    });
  }

  async dial(to) {
    await this.open();
    return super.dial(to);
  }

  /** Sends a message; a promise of its answer, which the platform waits for no longer than five seconds. */
  send(type, hook, data, how = {}) {
    const msgid = `${this.id}.${(this.messages += 1)}`;
    webhooks += 1;
    this.socket.send(JSON.stringify({ type, msgid, call_sid: this.id, hook, data, b3: "18228daa536f82e0-dd3bdf1f177f2995-1" }));
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`timeout from far end for msgid ${msgid}`)), 5000).unref();
      this.waited.set(msgid, { resolve, reject, how });
    });
  }

  async carry(address, body, how) {
    const data = JSON.parse(body);
    if (address === "/jambonz/call") return this.send("session:new", undefined, data, how);
    if (address !== "/jambonz/status") return this.send("verb:hook", address, data, how);
    this.send("call:status", undefined, data).catch(() => {});
    return null;
  }
}

/** By either way. */
const shared = {
  async "a balance by id number with x"(Way) {
    const call = await new Way().dial();
    call.hears("医保账户查询，请按一");
    await call.all("1", "1", "11010519491231002*#");
    call.hears("后四位是零零二X");
    await call.all("1", "739154#", "1");
    call.hears("一千零一十元零五分");
    await call.press("9");
    call.hears("请您对本次服务作出评价");
    await call.press("1");
    call.hears("再见");
    must(call.verbs.at(-1).verb === "hangup", "the call goes on");
  },
  async "silence, and the finish key alone"(Way) {
    const call = await new Way().dial();
    await call.silence();
    await call.all("1", "1");
    await call.press("#");
    call.hears("十八位身份证号码");
    await call.silence();
    call.verb("gather");
  },
  async "a repeat gets the same words"(Way) {
    const call = await new Way().dial();
    for (const keys of ["1", "1", "11010519491231002*#", "1", "739154#", "1"]) {
      await call.press(keys);
      const again = await Promise.all([call.again(), call.again()]);
      for (const one of again) must(one === call.text, `another answer after ${keys}`);
    }
  },
  async "what failed is asked again, and given up in words"(Way) {
    const call = await new Way().dial();
    const [asks, again, says, ends] = call.verbs.slice(-4);
    must(asks.verb === "gather" && asks.actionHookDelayAction.actions[0].text.join() === "请稍候。", "silence while it takes long");
    must(again.verb === "gather" && again.actionHook === asks.actionHook && !again.say, "it is not asked again");
    must(says.verb === "say" && ends.verb === "hangup", "it ends without a word");
    await call.told(again.actionHook, "gather", { reason: "timeout" });
    call.verb("gather");
  },
  async "a person is rung, and does not answer"(Way) {
    const call = await new Way().dial();
    await call.press("0");
    if (open !== "yes") return void call.hears("现在不是人工服务时间");
    await call.told(call.verb("dial").actionHook, "dial", { dial_call_status: "no-answer", dial_sip_status: 480, dial_call_sid: "d" });
    call.hears("人工座席暂时无法接听");
  },
  async "a queue is waited in"(Way) {
    const call = await new Way().dial("12300");
    await call.press("0");
    if (open !== "yes") return void call.hears("现在不是人工服务时间");
    const { waitHook, actionHook } = call.verb("enqueue");
    const queue = { queue_sid: "queue:a:agents", queue_time: 9 };
    await call.told(waitHook, "enqueue-wait", { ...queue, queue_size: 3, queue_position: 2 });
    call.hears("您前面还有两位");
    call.verb("pause");
    await call.told(waitHook, "enqueue-wait", queue);
    await call.told(actionHook, "enqueue", { ...queue, queue_result: "error" });
    call.hears("人工座席暂时无法接听");
  },
  async "the end of a call"(Way) {
    const call = await new Way().dial();
    const ended = { call_status: "completed", call_termination_by: "caller", duration: 7 };
    await call.told(`${call.home}/jambonz/status`, "call-status", ended);
    await call.told(call.verb("gather").actionHook, "gather", { reason: "dtmfDetected", digits: "1", call_status: "completed" });
    must(call.verbs.at(-1).verb === "hangup", "the call goes on");
  },
};

/** By webhooks alone. */
const checks = {
  async "nobody else gets in"() {
    const call = new Call();
    const body = JSON.stringify({ call_sid: call.id, to: "12333" });
    const old = sign(secret, body, Math.floor(Date.now() / 1000) - 400);
    for (const signature of ["", "x", sign(`${secret}x`, body), sign(secret, `${body} `), old]) {
      const response = await call.post(`${home}/jambonz/call`, body, { signature });
      must(response.status === 403 && (await response.text()) === "", `${signature}: ${response.status}`);
    }
    must((await call.post(`${home}/jambonz/call`, body, { kind: "text/plain" })).status === 415, "another kind is read");
  },
  async "what cannot be read is answered in words"() {
    const call = new Call();
    for (const body of ["{}", "[]", '{"call_sid":"a b"}', '{"call_sid":"c","digits":1}', "nonsense"]) {
      const response = await call.post(`${home}/jambonz/call`, body);
      must(response.status === 200, `${body}: ${response.status}`);
      const verbs = await response.json();
      must(faults(verbs, home).length === 0 && verbs.at(-1).verb === "hangup", `${body}: ${JSON.stringify(verbs)}`);
    }
  },
};

/** Over a WebSocket alone. */
const sockets = {
  async "a connection breaks in the middle of a call"() {
    const call = await new SocketCall().dial();
    await call.all("1", "1");
    call.socket.terminate();
    await call.open();
    const session = JSON.parse((await new Call().dial()).last[1]);
    const data = { ...session, call_sid: call.id };
    const odd = oddities("session-reconnect", data);
    must(odd.length === 0, `no message of jambonz': ${odd}`);
    must((await call.send("session:reconnect", undefined, data)) !== null, "a first answer that was lost is not given");
    await call.press("11010519491231002*#");
    call.hears("后四位是零零二X");
  },
  async "what it reports is not answered"() {
    const call = await new SocketCall().dial();
    for (const type of ["verb:status", "jambonz:error", "call:status"]) call.send(type, undefined, { event: "x" }).catch(() => {});
    await call.press("1");
    must(call.waited.size === 3, "it is");
  },
  async "nobody else opens one"() {
    for (const how of [{ user: "" }, { password: "x" }, { user: "Jambonz" }, { password: `${secret}x` }]) {
      const refused = await new SocketCall().open(how).then(() => null, (e) => e.response?.statusCode);
      must(refused === 403, `${JSON.stringify(how)}: ${refused}`);
    }
    const other = await new SocketCall().open({ protocol: "chat" }).then(() => null, (e) => e.response?.statusCode);
    must(other === 400, `another sub-protocol: ${other}`);
  },
  async "what cannot be read is answered in words, or ends the connection"() {
    const call = await new SocketCall().dial();
    for (const data of [{}, [], { call_sid: "a b" }, { call_sid: "c", digits: 1 }, null]) {
      const verbs = JSON.parse(await call.send("session:new", undefined, data));
      must(verbs.at(-1).verb === "hangup", `${JSON.stringify(data)}: ${JSON.stringify(verbs)}`);
    }
    for (const [message, code] of [["nonsense", 1007], ["[]", 1007], [Buffer.from("{}"), 1003], ["x".repeat(70000), 1006]]) {
      await call.open();
      const closed = new Promise((resolve) => call.socket.once("close", resolve));
      call.socket.send(message);
      must((await closed) === code, `${message.slice(0, 9)}: ${await closed}`);
    }
  },
};

(async () => {
  let failed = 0;
  const all = [
    ...Object.entries(shared).map(([name, check]) => [name, () => check(Call)]),
    ...Object.entries(checks),
    ...Object.entries(shared).map(([name, check]) => [`WebSocket: ${name}`, () => check(SocketCall)]),
    ...Object.entries(sockets).map(([name, check]) => [`WebSocket: ${name}`, check]),
  ];
  for (const [name, check] of all) {
    try {
      await check();
    } catch (e) {
      failed += 1;
      console.log(`FAIL  ${name}: ${e.message}`);
    }
  }
  console.log(`${all.length - failed} passed, ${failed} failed · ${calls} calls, ${webhooks} webhooks and messages`);
  process.exit(failed ? 1 : 0);
})();
