// Calls a running hotline as jambonz does: signed webhooks that keep its schemas, answers that pass its validators.
"use strict";
const { faults, oddities, sign, verifies } = require("./platform");

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

class Call {
  constructor() {
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
    const body = JSON.stringify(hook);
    must(verifies(secret, sign(secret, body), body), "jambonz' own client does not take the signature");
    this.last = [address, body];
    const response = await this.post(address, body);
    must([200, 204].includes(response.status), `${address}: ${response.status}`);
    must(response.headers.get("cache-control") === "no-store", "an answer may be kept");
    this.text = await response.text();
    if (response.status === 204) return this;
    must(response.headers.get("content-type")?.includes("application/json"), `${response.headers.get("content-type")} is not read`);
    this.verbs = JSON.parse(this.text);
    const found = faults(this.verbs, home, { waiting });
    must(found.length === 0, found.join("; "));
    return this;
  }

  dial(to = "+861012333") {
    const sip = { headers: { "user-agent": "conformance" }, body: "v=0\r\n", method: "INVITE", type: "request", source: "network" };
    const defaults = { synthesizer: { vendor: "google", language: "cmn-CN", voice: "x" }, recognizer: { vendor: "google", language: "cmn-CN" } };
    return this.told(`${home}/jambonz/call`, "session-new", { call_status: "trying", sip_status: 100, to, sip, defaults, env_vars: {} });
  }

  verb(name) {
    const verb = this.verbs.find((verb) => verb.verb === name);
    must(verb, `there is no ${name}: ${this.text}`);
    return verb;
  }

  get said() {
    return this.verbs.flatMap((verb) => [].concat((verb.say ?? verb).text ?? [])).join("");
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

const checks = {
  async "a balance by id number with x"() {
    const call = await new Call().dial();
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
  async "silence, and the finish key alone"() {
    const call = await new Call().dial();
    await call.silence();
    await call.all("1", "1");
    await call.press("#");
    call.hears("十八位身份证号码");
    await call.silence();
    call.verb("gather");
  },
  async "a repeat gets the same words"() {
    const call = await new Call().dial();
    for (const keys of ["1", "1", "11010519491231002*#", "1", "739154#", "1"]) {
      await call.press(keys);
      const [address, body] = call.last;
      const again = await Promise.all([call.post(address, body), call.post(address, body)]);
      for (const one of again) must((await one.text()) === call.text, `another answer after ${keys}`);
    }
  },
  async "what failed is followed by a redirect"() {
    const call = await new Call().dial();
    const { actionHook } = call.verb("redirect");
    await call.told(actionHook, "base");
    call.verb("gather");
  },
  async "a person is rung, and does not answer"() {
    const call = await new Call().dial();
    await call.press("0");
    if (open !== "yes") return void call.hears("现在不是人工服务时间");
    await call.told(call.verb("dial").actionHook, "dial", { dial_call_status: "no-answer", dial_sip_status: 480, dial_call_sid: "d" });
    call.hears("人工座席暂时无法接听");
  },
  async "a queue is waited in"() {
    const call = await new Call().dial("12300");
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
  async "the end of a call"() {
    const call = await new Call().dial();
    const ended = { call_status: "completed", call_termination_by: "caller", duration: 7 };
    await call.told(`${home}/jambonz/status`, "call-status", ended);
    await call.told(call.verb("gather").actionHook, "gather", { reason: "dtmfDetected", digits: "1", call_status: "completed" });
    must(call.verbs.at(-1).verb === "hangup", "the call goes on");
  },
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

(async () => {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
    } catch (e) {
      failed += 1;
      console.log(`FAIL  ${name}: ${e.message}`);
    }
  }
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed · ${calls} calls, ${webhooks} webhooks`);
  process.exit(failed ? 1 : 0);
})();
