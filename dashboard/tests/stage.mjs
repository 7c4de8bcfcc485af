// What the journeys begin and end with, and hands on the keyboard.

import assert from "node:assert/strict";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer, until } from "../../tests/sdk/server.mjs";
import { closeBrowser, openBrowser } from "./browser.mjs";

/** A server with its superuser's client, and the browser. */
export async function start() {
    const [server] = await Promise.all([startServer(), openBrowser()]);
    const root = new PocketBase(server.url);
    await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
    return { server, root };
}

export async function end(server) {
    await closeBrowser();
    await server?.stop();
}

/** Makes a backup, and waits until nothing runs any more. */
export async function makeBackup(root, name) {
    await root.send("/api/backups", { method: "POST", body: { name }, headers: { Prefer: "wait=60" } });
    await until(async () => !(await root.send("/api/backups/status")).running, "the end of what runs");
}

/** Presses Tab until `wanted` has the focus, which has to be seen there. */
export async function reach(page, wanted) {
    await wanted.waitFor();
    for (let presses = 0; presses < 80; presses += 1) {
        if (await wanted.evaluate((element) => element === document.activeElement)) {
            const outline = await wanted.evaluate((element) => getComputedStyle(element).outlineStyle);
            assert.notEqual(outline, "none", "the focus is not seen");
            return;
        }
        await page.keyboard.press("Tab");
    }
    assert.fail(`${wanted} is not reached with the keyboard`);
}

/** Reaches something with the keyboard, and presses Enter there. */
export async function press(page, wanted) {
    await reach(page, wanted);
    await page.keyboard.press("Enter");
}
