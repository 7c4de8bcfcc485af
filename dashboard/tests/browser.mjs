// A real browser on the real server, and what every page has to hold: axe finds nothing serious, nothing comes from
// elsewhere, the policy refuses nothing, no error in the console; and nothing moves while it comes.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { EMAIL, PASSWORD } from "../../tests/sdk/server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const pictures = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "tests", ".cache", "logs", "dashboard");

export const PHONE = { width: 390, height: 844 };
/** A picture: red, eight by eight. */
export const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII=", "base64");
export const WIDE = { width: 1440, height: 900 };

/** Of the window, times how far it moves: a hundredth of what is taken for disturbing. */
const STILL = 0.001;

let browser;
export const openBrowser = async () => {
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
};
export const closeBrowser = () => browser?.close();

/** A page of its own context: nobody is logged in there. */
export async function openPage(server, path = "/_/", options = {}) {
    const context = await browser.newContext({ viewport: WIDE, acceptDownloads: true, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const [problems, requests] = [[], []];
    page.on("console", (message) => message.type() === "error" && problems.push(`${message.text()} ${message.location().url.replace(/^https?:..[^/]*/, "")}`));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => requests.push(request.url()));
    await context.addInitScript(() => {
        window.violations = [];
        window.shift = 0;
        document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(server.url + path);
    return Object.assign(page, { problems, requests, server });
}

export async function logIn(page) {
    await page.getByLabel("Email address").fill(EMAIL);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("navigation", { name: "Main" }).waitFor();
}

/** A page that is logged in. */
export async function openAs(server, path = "/_/", options = {}) {
    const page = await openPage(server, path, options);
    await logIn(page);
    return page;
}

/** `allowed` are words of console errors that the test provoked. */
export async function assertSound(page, allowed = []) {
    const violations = await page.evaluate("window.violations");
    assert.deepEqual(violations, [], "content security policy");
    // Playwright evaluates past the policy of the page, but what axe does to look at colours may be refused.
    const found = await page.evaluate(`${axe}; axe.run({ resultTypes: ["violations"] })`);
    await page.evaluate("window.violations = []");
    const serious = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
    const told = serious.map((one) => `${one.id}: ${one.help} ${one.nodes.map((node) => node.html).join(" ")}`);
    assert.deepEqual(told, []);
    const foreign = page.requests.filter((url) => !url.startsWith(page.server.url) && !url.startsWith("blob:"));
    assert.deepEqual(foreign, [], "requests to elsewhere");
    // A restart ends the stream of events: what a page still asks of the old one is not found, and it begins a new one.
    const ofOldStream = (text) => text.includes("404") && text.endsWith(" /api/realtime");
    const isAllowed = (text) => allowed.some((one) => text.includes(one)) || text.includes("Content Security Policy") || ofOldStream(text);
    const unexpected = page.problems.filter((text) => !isAllowed(text));
    assert.deepEqual(unexpected, []);
}

/** Keeps the requests of a method to a path from going on: `asked` comes with the first, `release` lets them all go. */
export async function holdBack(page, method, path) {
    let told, release;
    const [asked, gate] = [new Promise((resolve) => (told = resolve)), new Promise((resolve) => (release = resolve))];
    await page.route(
        (url) => path.test(url.pathname),
        async (route) => {
            if (route.request().method() === method) {
                told();
                await gate;
            }
            await route.continue();
        },
    );
    return { asked, release };
}

/** Loads the page anew, and sees that nothing which is shown moves when more of it comes. */
export async function assertStill(page) {
    await page.reload();
    await page.getByRole("heading").first().waitFor();
    // All answers are there, and what they bring is drawn.
    await page.waitForTimeout(1500);
    const shift = await page.evaluate("window.shift");
    assert.ok(shift < STILL, `${page.url()} moves while it comes: ${shift}`);
}

/** No part of the page is wider than its window. */
export async function assertFits(page) {
    const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(wide <= seen, `the page is ${wide} wide in a window of ${seen}`);
}

/** A picture for people, in tests/.cache/logs/dashboard. */
export async function picture(page, name, fullPage = true) {
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage });
}
