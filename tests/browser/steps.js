// What a person does with the console, step by step. A step that does not find what it waits for
// fails with what the page shows instead.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function claim(page, { token, email, password }) {
  await page.goto("/claim");
  await page.getByLabel("Claim token").fill(token);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Claim and sign in" }).click();
  await page.getByRole("heading", { name: "Push your first app" }).waitFor();
}

export async function signInAgain(page, { email, password }) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
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
    window.visit.lines = document.querySelectorAll(".output > span").length;
    new MutationObserver(look).observe(document.querySelector("main"), { childList: true, subtree: true });
  });
  await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
  await page.locator("dl.receipt").waitFor();
  await page.locator(".output .conclusion").waitFor();
  const seen = await page.evaluate(() => ({
    stages: [...window.visit.stages],
    before: window.visit.lines,
    after: document.querySelectorAll(".output > span").length,
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
  await page.locator("#log > span", { hasText: text }).first().waitFor();
}

/** Watches a log that is written fast: it must stay smooth, bounded, and narrow on demand. */
export async function readLog(page, { app, needle }) {
  await page.goto(`/apps/${app}/logs`);
  await page.locator("#state", { hasText: "Live" }).waitFor();
  const seen = await page.evaluate(async () => {
    const log = document.getElementById("log");
    let written = 0;
    const observer = new MutationObserver((changes) => {
      for (const change of changes) written += change.addedNodes.length;
    });
    observer.observe(log, { childList: true });
    const began = performance.now();
    let last = began;
    let longest = 0;
    let frames = 0;
    while (last - began < 4000) {
      const now = await new Promise(requestAnimationFrame);
      longest = Math.max(longest, now - last);
      last = now;
      frames += 1;
    }
    observer.disconnect();
    const seconds = (last - began) / 1000;
    return { perSecond: written / seconds, frames: frames / seconds, longest, kept: log.childElementCount };
  });
  // How fast is a question for a quiet machine; that lines come, and that old ones go, is not.
  assert.ok(seen.perSecond > 0, `lines a second: ${seen.perSecond}`);
  assert.ok(seen.kept <= 2000, `lines on the page: ${seen.kept}`);
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
  const lines = await page.locator("#log > span").allTextContents();
  assert.ok(lines.length > 0 && lines.every((line) => line.includes(needle)), lines.slice(0, 3).join("\n"));
  return seen;
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

async function tabTo(page, label) {
  const passed = [];
  for (let press = 0; press < 60; press += 1) {
    await page.keyboard.press("Tab");
    const here = await focused(page);
    if (here === label) return;
    passed.push(here);
  }
  assert.fail(`no key leads to “${label}”, only to: ${passed.join(", ")}`);
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
  await open(page, link);
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Join and sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/");
}

/** Finds that a link which was used does not work again. */
export async function joinInVain(page, { link, password }) {
  await open(page, link);
  await page.getByLabel("New password").fill(password);
  await page.getByRole("button", { name: "Join and sign in" }).click();
  await page.getByRole("alert").getByText("The invitation is not valid").waitFor();
}

async function open(page, link) {
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
    for (const [name, path] of Object.entries(paths)) {
      await page.goto(path);
      if (folder) {
        await page.waitForTimeout(400);
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
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
  for (const [name, path] of Object.entries(paths)) {
    await page.goto(path);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `${name} is ${width} pixels wide`);
    if (folder) await page.screenshot({ path: join(folder, `${name}-phone.png`) });
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
