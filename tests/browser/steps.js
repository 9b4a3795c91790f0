// What a person does with the console, step by step. A step that does not find what it waits for
// fails with what the page shows instead.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function claim(page, { token, email, password }) {
  await page.goto("/claim");
  await page.getByLabel("Claim token").fill(token);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Claim and sign in" }).click();
  await page.getByRole("heading", { name: "Push your first app" }).waitFor();
}

export async function signOut(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
}

export async function signInAgain(page, { email, password }) {
  await signOut(page);
  await page.goto("/tokens");
  await page.waitForURL("**/sign-in?next=/tokens");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "API tokens" }).waitFor();
}

/** Sees a push go live on one page, which is never loaded again. */
export async function watchPush(page, { app, sequence, text }) {
  const link = page.locator(`#deployment-${sequence}`);
  for (let look = 0; look < 200 && !(await link.isVisible()); look += 1) {
    await page.waitForTimeout(50);
    await page.goto(`/apps/${app}/deployments`);
  }
  await link.click();
  await page.locator("#progress").waitFor();
  await page.evaluate(() => {
    window.visit = { stages: new Set(), lines: 0 };
    const look = () => {
      const stage = document.querySelector("#progress .stages .current .label");
      if (stage) window.visit.stages.add(stage.textContent);
    };
    look();
    window.visit.lines = document.querySelector(".output").textContent.split("\n").length;
    new MutationObserver(look).observe(document.querySelector("main"), { childList: true, subtree: true });
  });
  await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
  await page.locator("dl.receipt").waitFor();
  await page.locator(".output .conclusion").waitFor();
  const seen = await page.evaluate(() => ({
    stages: [...window.visit.stages],
    before: window.visit.lines,
    after: document.querySelector(".output").textContent.split("\n").length,
  }));
  assert.ok(seen.stages.length >= 2, `stages passed while looking: ${seen.stages}`);
  assert.ok(seen.after > seen.before, `lines came in: ${seen.before}, then ${seen.after}`);
  assert.ok((await page.locator("main").innerText()).includes(text), `“${text}” shows as text`);
  return seen;
}

/** Reads the dialog, leaves it by key, comes back, and rolls back with its one button. */
export async function rollBack(page, { app, version, differs }) {
  await page.goto(`/apps/${app}/releases`);
  const button = page.getByRole("link", { name: `Roll back to v${version}` });
  const dialog = page.getByRole("dialog");
  await button.click();
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await button.click();
  const said = await dialog.innerText();
  for (const words of [...differs, "Data.", "Counts."]) {
    assert.ok(said.includes(words), `the dialog says “${words}”: ${said}`);
  }
  await dialog.getByRole("button", { name: `Roll back to v${version}` }).click();
  await page.waitForURL("**/deployments/*");
  await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
}

/** Finds a line among all that are kept. */
export async function findInLog(page, { app, text }) {
  await page.goto(`/apps/${app}/logs?${new URLSearchParams({ contains: text })}`);
  await page.locator("#log", { hasText: text }).waitFor();
}

/** Watches a log that is written fast: it must keep up, stay bounded, and narrow on demand. */
export async function readLog(page, { app, needle, most }) {
  await page.goto(`/apps/${app}/logs?process=chatter`);
  await page.locator("#state", { hasText: "Live" }).waitFor();
  await page.locator("#log .block", { hasText: "number" }).first().waitFor();
  const seen = await page.evaluate(async () => {
    const log = document.getElementById("log");
    // The lines count themselves: the newest says how many there were.
    const newest = () => Number(log.textContent.match(/\d+\n*$/)?.[0] ?? 0);
    const [began, first] = [performance.now(), newest()];
    let [last, longest, frames] = [began, 0, 0];
    while (last - began < 5000) {
      const now = await new Promise(requestAnimationFrame);
      longest = Math.max(longest, now - last);
      last = now;
      frames += 1;
    }
    const seconds = (last - began) / 1000;
    const kept = log.querySelectorAll(".block > span").length;
    const toEnd = log.scrollHeight - log.scrollTop - log.clientHeight;
    return { perSecond: (newest() - first) / seconds, frames: frames / seconds, longest, kept, toEnd };
  });
  // How fast is a question for a quiet machine. That lines come, that the end stays in sight, and
  // that old lines go, is not.
  assert.ok(seen.perSecond > 0, `lines a second: ${seen.perSecond}`);
  assert.ok(seen.toEnd < 40, `pixels to the end: ${seen.toEnd}`);
  await page.waitForFunction(
    (most) => document.querySelectorAll("#log .block > span").length > most - 500,
    most,
  );
  const kept = await page.locator("#log .block > span").count();
  assert.ok(kept <= most, `lines on the page: ${kept}`);
  await page.getByRole("button", { name: "Pause" }).click();
  const held = await page.locator("#log").evaluate((log) => log.lastElementChild.textContent);
  await page.waitForTimeout(500);
  assert.equal(await page.locator("#log").evaluate((log) => log.lastElementChild.textContent), held);
  await page.locator("#state", { hasText: "waiting" }).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByLabel("Contains").fill(needle);
  await page.waitForURL(`**contains=${needle}*`);
  await page.locator("#log", { hasText: needle }).waitFor();
  await page.waitForTimeout(300);
  // What is out of sight is not laid out, and has no inner text.
  const lines = await page.locator("#log .block > span").allTextContents();
  assert.ok(lines.length > 0 && lines.every((line) => line.includes(needle)), lines.slice(0, 3).join("\n"));
  return seen;
}

/** Adds a webhook, sees its secret once, and sees a test arrive. */
export async function addChannel(page, { name, url }) {
  await page.goto("/channels");
  const form = page.locator("form", { has: page.getByRole("button", { name: "Add channel" }) });
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Address that takes JSON").fill("http://169.254.169.254/latest");
  await form.getByRole("button", { name: "Add channel" }).click();
  await page.getByRole("alert").getByText("169.254.169.254").waitFor();
  await form.getByLabel("Address that takes JSON").fill(url);
  await form.getByRole("button", { name: "Add channel" }).click();
  const secret = await page.locator("#secret").innerText();
  assert.ok(secret.length >= 16, "a secret is shown");
  await page.getByRole("button", { name: `Test ${name}` }).click();
  await page.locator(`#channel-${name} .badge`, { hasText: "Arrived" }).waitFor();
  const shown = await page.content();
  assert.ok(!shown.includes(secret), "the secret is not shown again");
  assert.ok(!shown.includes("hunter2"), "nor is the path");
}

/** Adds an alert that fires as soon as somebody visits, changes it, and sees it fire. */
export async function seeAlertFire(page, { app, name, channel }) {
  await page.goto(`/apps/${app}/alerts`);
  await page.locator("#standing", { hasText: `Told to ${channel}` }).waitFor();
  const form = page.locator("form", { has: page.getByLabel("Fires when") });
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByLabel("Fires when").selectOption("rps");
  await form.getByLabel("Threshold", { exact: true }).fill("some");
  await form.getByLabel("for", { exact: true }).fill("0s");
  await form.getByRole("button", { name: "Add alert" }).click();
  await page.getByRole("alert").getByText("is not a number").waitFor();
  await form.getByLabel("Threshold", { exact: true }).fill("2");
  await form.getByRole("button", { name: "Add alert" }).click();
  await page.getByRole("link", { name: `Change ${name}` }).click();
  await page.getByRole("heading", { name: `Change ${name}` }).waitFor();
  await form.getByLabel("Threshold", { exact: true }).fill("1");
  if (!(await form.locator("details").evaluate((more) => more.open))) await form.getByText("More", { exact: true }).click();
  await form.getByLabel("Each reading is taken over").fill("10s");
  await form.getByRole("button", { name: "Save" }).click();
  const row = page.locator(`#alert-${name}`);
  await row.getByText("rps above 1/s").waitFor();
  // Nobody loads the page again.
  await row.locator(".badge", { hasText: "Firing" }).waitFor({ timeout: 120_000 });
  await page.locator(".firings .row", { hasText: "rps is" }).first().waitFor();
}

/** Switches an alert off, on and away. */
export async function silence(page, { app, name }) {
  await page.goto(`/apps/${app}/alerts`);
  const row = page.locator(`#alert-${name}`);
  await row.getByRole("button", { name: `Turn off ${name}` }).click();
  await row.locator(".badge", { hasText: "Off" }).waitFor();
  await row.getByRole("button", { name: `Turn on ${name}` }).click();
  await row.getByRole("button", { name: `Turn off ${name}` }).waitFor();
  await row.getByRole("button", { name: `Remove ${name}` }).click();
  await row.waitFor({ state: "detached" });
}

/** Sees the load that somebody else makes, in the list, at a glance, and in the panels. */
export async function seeLoad(page, { app, marker }) {
  const rate = (text) => Number.parseFloat(text);
  await eventually(async () => {
    await page.goto("/");
    const row = page.locator(".rows.apps .row", { has: page.getByRole("link", { name: app, exact: true }) });
    assert.ok(rate(await row.locator(".rate").first().innerText()) > 1, "the list shows the rate");
    await row.locator("svg.spark").waitFor({ timeout: 1000 });
  });
  await page.goto(`/apps/${app}`);
  const tile = page.locator(".tile", { hasText: "Requests" });
  assert.ok(rate(await tile.locator(".now").innerText()) > 1, "the overview shows the rate");
  await tile.click();
  await page.waitForURL("**/metrics");
  const panel = page.locator(".panel", { has: page.getByRole("heading", { name: "Requests" }) });
  await panel.locator("canvas").waitFor();
  await panel.getByText("Numbers").click();
  const now = panel.locator("details tr", { hasText: "2xx" }).locator("td").first();
  assert.ok(rate(await now.innerText()) > 1, "the panel shows the rate");
  await page.locator(".markers .row", { hasText: marker }).filter({ hasText: "rollback" }).waitFor();
  await distinctTicks(page, app);
}

/** No axis may say the same at two of its ticks. */
async function distinctTicks(page, app) {
  await page.getByRole("button", { name: "Live" }).click();
  const labels = await page.evaluate(async () => {
    const drawn = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
      drawn.push([this.canvas, text]);
      return fillText.call(this, text, ...rest);
    };
    dispatchEvent(new Event("resize"));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const of = new Map();
    for (const [canvas, text] of drawn) of.set(canvas, [...(of.get(canvas) ?? []), text]);
    return [...of.values()];
  });
  assert.ok(labels.length > 2, `panels are drawn: ${labels.length}`);
  // A canvas that is drawn twice says everything twice, in the same order.
  for (const all of labels) {
    const half = all.slice(0, all.length / 2);
    const once = half.join() === all.slice(all.length / 2).join() ? half : all;
    assert.equal(new Set(once).size, once.length, `${app}: ${once.join(" | ")}`);
  }
}

/** Lets a process scale by itself, after a look at what that would have done. */
export async function autoscale(page, { app, process, max, rps }) {
  await page.goto(`/apps/${app}/scale`);
  await page.getByRole("link", { name: `Scale ${process} by itself` }).click();
  await page.getByLabel("to", { exact: true }).fill(String(max));
  await page.getByLabel("CPU, % of its limit").fill("hot");
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByRole("alert").getByText("is not a number").waitFor();
  await page.getByLabel("CPU, % of its limit").fill("");
  await page.getByLabel("Requests a second").fill(String(rps));
  // What was just deployed has to be measured first.
  await eventually(async () => {
    await page.getByRole("button", { name: "Simulate" }).click();
    await page.getByRole("heading", { name: "What these settings would have done" }).waitFor();
    await page.locator(".stairs path.would[d^=M]").waitFor({ state: "attached", timeout: 1000 });
  });
  assert.equal(await page.getByLabel("Requests a second").inputValue(), String(rps));
  assert.equal(await page.getByRole("button", { name: "Turn off" }).count(), 0, "nothing was changed");
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByRole("button", { name: "Turn off" }).waitFor();
  await eventually(async () => {
    await page.goto(`/apps/${app}/scale`);
    await page.locator(".decisions", { hasText: "up from" }).waitFor({ timeout: 1000 });
  });
  await page.locator(".how", { hasText: `1 to ${max}, at rps ${rps}` }).waitFor();
}

/** Sends the log elsewhere, tries it, and stops it. */
export async function drain(page, { app, url }) {
  await page.goto(`/apps/${app}/logs`);
  await page.getByRole("link", { name: "Drains" }).click();
  await page.getByLabel("Address").fill("ftp://nowhere");
  await page.getByRole("button", { name: "Add drain" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Address").fill(url);
  await page.getByRole("button", { name: "Add drain" }).click();
  await page.locator(".drains .row").waitFor();
  assert.ok(!(await page.content()).includes("hunter2"), "the path is a secret");
  await page.getByRole("button", { name: /^Test / }).click();
  await page.locator(".badge", { hasText: "Test arrived" }).waitFor();
  await page.getByRole("button", { name: /^Remove / }).click();
  await page.locator(".drains .row").waitFor({ state: "detached" });
}

/** Counts what a first visit of a page transfers, with nothing kept from before. */
export async function firstLoad(page, { paths }) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  session.on("Network.loadingFinished", (finished) => (bytes += finished.encodedDataLength));
  const loads = {};
  for (const path of paths) {
    bytes = 0;
    await page.goto(path, { waitUntil: "load" });
    await page.waitForTimeout(300);
    loads[path] = bytes;
    assert.ok(bytes > 1000 && bytes < 150_000, `${path} transfers ${bytes} bytes`);
  }
  await session.detach();
  return loads;
}

/** From the overview to an alert that is switched off, without a mouse. */
export async function useKeysOnAlerts(page, { app, name }) {
  await page.goto(`/apps/${app}`);
  await tabTo(page, "Alerts", 2);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/apps/${app}/alerts`);
  await tabTo(page, `Turn off ${name}`);
  await page.keyboard.press("Enter");
  await page.locator(`#alert-${name} .badge`, { hasText: "Off" }).waitFor();
}

async function eventually(look) {
  const end = Date.now() + 120_000;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

export async function scale(page, { app, process, count }) {
  await page.goto(`/apps/${app}/scale`);
  await page.getByLabel(process, { exact: true }).fill(String(count));
  await page.getByRole("button", { name: "Scale" }).click();
  await page.waitForURL(`**/apps/${app}`);
}

/** Sets a key as one of many, sees what would change, applies it, and reveals the value. */
export async function configure(page, { app, key, value }) {
  await page.goto(`/apps/${app}/config/edit`);
  const text = page.getByRole("textbox");
  await text.fill("<script>alert(1)</script>=x\n");
  await page.getByRole("button", { name: "Review changes" }).click();
  await page.getByRole("alert").getByText("<script>alert(1)</script>").waitFor();
  await text.fill(`${key}=${value}\n`);
  await page.getByRole("button", { name: "Review changes" }).click();
  await page.locator(".changes .added", { hasText: key }).waitFor();
  await page.getByRole("button", { name: "Apply 1 change" }).click();
  await page.waitForURL("**/deployments/*");
  await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
  await page.goto(`/apps/${app}/config`);
  assert.ok(!(await page.locator("main").innerText()).includes(value), "values are masked");
  await page.getByRole("button", { name: `Reveal ${key}` }).click();
  await page.locator(".revealed", { hasText: value }).waitFor();
  await page.goto("/server");
  await page.getByText(`/v1/apps/${app}/config/${key}`).first().waitFor();
}

/** From the list of apps to a rollback's dialog and out again, without a mouse. */
export async function useKeys(page, { app }) {
  await page.goto("/");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Skip to content");
  await page.keyboard.press("Enter");
  await tabTo(page, app);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/apps/${app}`);
  await tabTo(page, "Releases");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/releases");
  await tabTo(page, "Roll back to v1");
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(ring, "solid", "what has the focus shows it");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, "Cancel");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());

/** Presses Tab until the `times`-th thing of that name has the focus. */
async function tabTo(page, label, times = 1) {
  const passed = [];
  let left = times;
  for (let press = 0; press < 60; press += 1) {
    await page.keyboard.press("Tab");
    const here = await focused(page);
    if (here === label && --left === 0) return;
    passed.push(here);
  }
  assert.fail(`no key leads to “${label}”, only to: ${passed.join(", ")}`);
}

/** A page by its path, or one that a button of another leads to. */
async function open(page, at) {
  await page.goto(at.path ?? at);
  if (at.press) await page.getByRole("button", { name: at.press }).click();
  await page.waitForLoadState();
}

/** Invites somebody, and returns the link as it is shown, which is once. */
export async function invite(page, { email, role }) {
  await page.goto("/");
  await page.getByRole("link", { name: "Members" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("radio", { name: role }).check();
  await page.getByRole("button", { name: "Make the link" }).click();
  const link = await page.locator("#secret").innerText();
  await page.goto("/members");
  await page.getByText(email).first().waitFor();
  assert.equal(await page.locator("#secret").count(), 0, "another look does not show the link");
  return link;
}

/** Opens a link, whose secret must leave the address, and joins. */
export async function join(page, { link, password }) {
  await openLink(page, link);
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Join and sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/");
}

/** Finds that a link which was used does not work again. */
export async function joinInVain(page, { link, password }) {
  await openLink(page, link);
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Join and sign in" }).click();
  await page.getByRole("alert").getByText("The invitation is not valid").waitFor();
}

async function openLink(page, link) {
  const { pathname, hash } = new URL(link);
  await page.goto("/sign-in");
  await page.goto(pathname + hash);
  await page.waitForURL((url) => url.pathname === "/join" && url.hash === "");
  assert.equal(await page.getByLabel("The link, or its token").inputValue(), hash.slice(1));
}

/** Sees the app, and nothing to press that would be refused. */
export async function offersNoDelete(page, { app }) {
  await page.goto("/");
  await page.getByRole("link", { name: app, exact: true }).click();
  await page.getByRole("heading", { name: app, exact: true }).waitFor();
  await page.goto(`/apps/${app}/settings`);
  await page.getByRole("heading", { name: "Addresses" }).waitFor();
  assert.equal(await page.locator("main").getByRole("button").count(), 0, "there is nothing to press");
  await page.goto("/members");
  await page.getByRole("link", { name: "Leave" }).waitFor();
  assert.equal(await page.locator("main").getByRole("button").count(), 0, "nor here");
}

export async function offersDelete(page, { app }) {
  await page.goto(`/apps/${app}/settings`);
  await page.getByRole("button", { name: `Delete ${app}` }).waitFor();
}

export async function changeRole(page, { email, role }) {
  await page.goto("/members");
  await page.getByLabel(`Role of ${email}`).selectOption(role);
  await page.getByRole("button", { name: `Change the role of ${email}` }).click();
  await page.waitForURL("**/members");
  await page.locator("select", { has: page.locator(`option[value=${role}][selected]`) }).waitFor();
}

/** Removes somebody by the dialog. */
export async function removeMember(page, { email }) {
  await page.goto("/members");
  await page.getByRole("link", { name: `Remove ${email}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: `Remove ${email}` }).click();
  await page.locator(".members bdi", { hasText: email }).waitFor({ state: "detached" });
}

export async function isSignedOut(page) {
  await page.goto("/");
  await page.waitForURL("**/sign-in**");
}

/** Judges pages in both themes with axe, and draws them when a folder is given. */
export async function inspect(page, { paths, folder }) {
  const faults = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const [name, at] of Object.entries(paths)) {
      await open(page, at);
      if (folder) {
        await page.waitForTimeout(400);
        await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`), fullPage: true });
        continue;
      }
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, impact, nodes } of violations) {
        if (!["serious", "critical"].includes(impact)) continue;
        faults.push(`${name} (${colorScheme}): ${id} at ${nodes.map((node) => node.html).slice(0, 3).join(", ")}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  assert.deepEqual(faults, []);
}

/** Draws pages as a phone shows them; none may be wider than the screen. */
export async function inspectOnPhone(page, { paths, folder }) {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [name, at] of Object.entries(paths)) {
    await open(page, at);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${name} is ${width} pixels wide`);
    if (folder) await page.screenshot({ path: path.join(folder, `${name}-phone.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 860 });
}

export async function deleteApp(page, { app }) {
  await page.goto(`/apps/${app}/settings`);
  const confirm = page.getByLabel(`Type ${app} to confirm`);
  const button = page.getByRole("button", { name: `Delete ${app}` });
  await confirm.fill("something else");
  await button.click();
  await page.getByText("nothing was deleted").waitFor();
  await confirm.fill(app);
  await button.click();
  await page.waitForURL((url) => url.pathname === "/");
}
