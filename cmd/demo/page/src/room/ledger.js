// The ledger: what the clouds accepted, and when. world.calls is short; the
// ledger keeps all that the limit is about, as long as the page is open.

import { watch, world } from "../world.js";

// A Book holds accepted servers in order of time: {at, count}.
class Book {
  list = [];
  most = 0; // in any stretch of window_ms

  add(at, count) {
    let i = this.list.length;
    while (i > 0 && this.list[i - 1].at > at) i--;
    this.list.splice(i, 0, { at, count });
    for (; i < this.list.length && this.list[i].at < at + world.hello.window_ms; i++) this.most = Math.max(this.most, this.within(this.list[i].at));
  }

  // within counts the servers accepted in the window that ends at a moment.
  within(at) {
    let sum = 0;
    for (let i = this.list.length - 1; i >= 0 && this.list[i].at > at - world.hello.window_ms; i--) if (this.list[i].at <= at) sum += this.list[i].count;
    return sum;
  }

  get last() {
    return this.list.at(-1)?.at ?? 0;
  }
}

const blank = () => ({ books: {}, writes: [], reads: {} }); // books: project → {stop, start}

export const ledger = blank();

// booksOf are the books of a project's cloud, which has a limit of its own.
export const booksOf = (project) => (ledger.books[project] ??= { stop: new Book(), start: new Book() });

export const isWrite = (call) => call.op === "stop" || call.op === "start" || call.op === "reboot";

const kept = 400; // writes
let seen = 0;

watch(["call"], (kinds) => {
  if (kinds.has("hello")) {
    Object.assign(ledger, blank());
    seen = 0;
  }
  for (const call of world.calls) {
    if (call.n <= seen) continue;
    seen = call.n;
    if (!isWrite(call)) {
      ledger.reads[call.op] = (ledger.reads[call.op] ?? 0) + 1;
      continue;
    }
    ledger.writes.push(call);
    if (ledger.writes.length > kept) ledger.writes.shift();
    if (call.job_id) booksOf(call.project)[call.op]?.add(Date.parse(call.time), call.count);
  }
});
