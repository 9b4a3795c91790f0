// A browser that a test drives: one step a line on standard input, `{"step": "claim", "with": …}`,
// and one answer a line on standard output, `{"ok": …}` or `{"failed": "why"}`. It runs in a network
// namespace of its own: the console's address leads through a Unix socket to the real one.

import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream";
import { chromium } from "playwright-core";
import * as steps from "./steps.js";

const [base, tunnel] = process.argv.slice(2);
execFileSync("busybox", ["ip", "link", "set", "lo", "up"]);
const { hostname, port } = new URL(base);
const entrance = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ path: tunnel, allowHalfOpen: true });
  pipeline(near, far, near, () => {});
});
await new Promise((listening) => entrance.listen(port, hostname, listening));

const profile = await mkdtemp(join(tmpdir(), "slipway-test-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
  baseURL: base,
  viewport: { width: 1280, height: 860 },
});
context.setDefaultTimeout(60_000);
const page = context.pages()[0] ?? (await context.newPage());

// What no page may ever do: run a text of somebody else, break its policy, or ask another host.
const faults = [];
page.on("dialog", async (dialog) => {
  faults.push(`a script ran: ${dialog.message()}`);
  await dialog.dismiss();
});
page.on("pageerror", (error) => faults.push(`an error: ${error.message}`));
page.on("console", (message) => {
  if (/Content Security Policy/.test(message.text())) faults.push(message.text());
});
page.on("request", (request) => {
  if (new URL(request.url()).origin !== base) faults.push(`another host: ${request.url()}`);
});

// What went wrong on the way, for whoever reads why a step failed.
const troubles = [];
page.on("requestfailed", (request) => troubles.push(`${request.failure()?.errorText}: ${request.url()}`));
page.on("response", (response) => {
  if (response.status() >= 400) troubles.push(`${response.status()}: ${response.url()}`);
});

for await (const line of createInterface({ input: process.stdin })) {
  const { step, with: given } = JSON.parse(line);
  let answer;
  troubles.length = 0;
  try {
    const ok = (await steps[step](page, given)) ?? null;
    if (faults.length > 0) throw new Error(faults.splice(0).join("\n"));
    answer = { ok };
  } catch (error) {
    const seen = await page.locator("main").innerText({ timeout: 2000 }).catch(() => "nothing");
    const met = troubles.map((trouble) => `\nmet ${trouble}`).join("");
    answer = { failed: `${step}: ${error.message}${met}\nat ${page.url()}, which shows:\n${seen}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await context.close();
entrance.close();
await rm(profile, { recursive: true, force: true });
