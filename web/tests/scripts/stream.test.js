// What a page does when its stream ends, in a browser made of the parts that this takes.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Stream } from "../../assets/stream.js";

const ADDRESS = "/apps/shop/logs/stream?process=worker";
const PAUSE_MS = 3000;

class Source extends EventTarget {
  static CLOSED = 2;
  static opened = [];
  readyState = 0;
  constructor(url) {
    super();
    this.url = url;
    Source.opened.push(this);
  }
  send(name, id, data) {
    this.dispatchEvent(Object.assign(new Event(name), { lastEventId: id, data: JSON.stringify(data) }));
  }
  open() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  /** Another answer than a stream. */
  refuse() {
    this.readyState = Source.CLOSED;
    this.dispatchEvent(new Event("error"));
  }
  close() {
    this.readyState = Source.CLOSED;
  }
}

const newest = () => Source.opened.at(-1);
const after = (source) => source.url.searchParams.get("after");
let page;
let reloads;
let answer;

mock.timers.enable({ apis: ["setTimeout"] });

/** Lets what waits for the server's answer go on, and the pause pass. */
async function pause() {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  mock.timers.tick(PAUSE_MS);
}

beforeEach(() => {
  Source.opened = [];
  page = new EventTarget();
  reloads = 0;
  answer = () => Promise.reject(new Error("nobody is there"));
  Object.assign(globalThis, {
    EventSource: Source,
    addEventListener: page.addEventListener.bind(page),
    location: { href: "http://localhost/apps/shop/logs", reload: () => (reloads += 1) },
    fetch: () => answer(),
  });
});

test("a stream that was refused is opened again after the last id", async () => {
  const taken = [];
  const stream = new Stream(ADDRESS, { lines: (lines) => taken.push(...lines) });
  assert.equal(after(newest()), null);
  newest().open();
  newest().send("lines", "10-20", ["one"]);
  newest().send("position", "10-35", null);
  newest().send("lines", "", ["two"]);
  newest().refuse();
  assert.equal(Source.opened.length, 1, "not at once");
  await pause();
  assert.equal(Source.opened.length, 2);
  assert.equal(after(newest()), "10-35");
  assert.equal(newest().url.searchParams.get("process"), "worker");
  assert.deepEqual(taken, ["one", "two"]);
  stream.close();
});

test("what the browser opens again by itself is left to it", async () => {
  const stream = new Stream(ADDRESS, {});
  newest().open();
  newest().readyState = 0;
  newest().dispatchEvent(new Event("error"));
  await pause();
  assert.equal(Source.opened.length, 1);
  stream.close();
});

test("a page is loaded again only when there is one to show", async () => {
  const stream = new Stream(ADDRESS, {});
  answer = async () => ({ status: 502 });
  for (let refusal = 0; refusal < 5; refusal += 1) {
    newest().refuse();
    await pause();
  }
  assert.equal(reloads, 0, "the server is still away");
  assert.equal(Source.opened.length, 6, "and is tried again, so that a restart loses no place");
  answer = async () => ({ status: 200 });
  newest().refuse();
  await pause();
  assert.equal(reloads, 1, "the page is there and its stream is not");
  assert.equal(Source.opened.length, 6);
  stream.close();
});

test("refusals are counted in a row", async () => {
  const stream = new Stream(ADDRESS, {});
  answer = async () => ({ status: 200 });
  for (let time = 0; time < 5; time += 1) {
    newest().refuse();
    await pause();
    newest().open();
  }
  assert.equal(reloads, 0);
  stream.close();
});

test("nothing goes on behind a page that was left", async () => {
  const stream = new Stream(ADDRESS, {});
  newest().send("position", "7", null);
  newest().refuse();
  page.dispatchEvent(new Event("pagehide"));
  await pause();
  assert.equal(Source.opened.length, 1);
  page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  assert.equal(after(newest()), "7", "a person who comes back reads on");
  newest().refuse();
  stream.close();
  page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await pause();
  assert.equal(Source.opened.length, 2);
});
