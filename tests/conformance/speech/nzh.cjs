// Reads amounts, one a line, and prints how nzh words each on a cheque.
"use strict";

const { createInterface } = require("node:readline");
const { once } = require("node:events");
const { cn } = require("nzh");

async function main() {
  let block = [];
  const print = async () => {
    const room = process.stdout.write(block.join(""));
    block = [];
    if (!room) await once(process.stdout, "drain");
  };
  for await (const line of createInterface({ input: process.stdin })) {
    block.push(cn.toMoney(line) + "\n");
    if (block.length === 10_000) await print();
  }
  await print();
}

main();
