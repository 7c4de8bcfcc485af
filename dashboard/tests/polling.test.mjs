// How often a page asks: less where nothing changes, and not at all where nobody looks.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { logIn, openPage } from "./browser.mjs";
import { end, start } from "./stage.mjs";

const job = { id: "joboftheserver1", kind: "create", key: "long.zip", state: "running", phase: "working", error: "", warning: "", bytesDone: 1_000, bytesTotal: 9_000, started: "2026-11-23T06:17:03.216Z", finished: "" };

describe("how often a page asks", { concurrency: false }, () => {
    let server;

    before(async () => {
        ({ server } = await start());
    });
    after(() => end(server));

    /** A page with a clock of its own, the server’s jobs as they are wanted, and how often it was asked for them. */
    async function clocked(jobs) {
        const page = await openPage(server, "/_/");
        await page.clock.install();
        await page.addInitScript(() => {
            window.outstanding = 0;
            const { fetch } = window;
            window.fetch = async (...about) => {
                const isStream = String(about[0]).includes("/api/realtime");
                if (!isStream) window.outstanding += 1;
                try {
                    const response = await fetch(...about);
                    if (!isStream) await response.clone().text();
                    return response;
                } finally {
                    if (!isStream) window.outstanding -= 1;
                }
            };
        });
        const asked = { status: 0, list: 0 };
        await page.route(/\/api\/backups(\/status)?$/, async (route) => {
            const isStatus = route.request().url().endsWith("/status");
            asked[isStatus ? "status" : "list"] += 1;
            if (!isStatus) return route.continue();
            const response = await route.fetch();
            return route.fulfill({ response, json: { ...(await response.json()), jobs: jobs() } });
        });
        await page.reload();
        await logIn(page);
        await page.getByRole("region", { name: "Backups" }).waitFor();
        return { page, asked };
    }

    /** Lets so many seconds pass on the page, which hears every answer. */
    async function pass(page, seconds) {
        for (let second = 0; second < seconds; second += 1) {
            await page.clock.runFor(1_000);
            // What an answer brings is drawn, and the next question planned, before more time passes.
            for (let calm = 0; calm < 3; ) calm = (await page.evaluate("window.outstanding")) === 0 ? calm + 1 : 0;
        }
    }

    test("a job that does not change is asked about less and less, and one that does as often as its bar moves", async () => {
        let bytesDone = 1_000;
        const { page, asked } = await clocked(() => [{ ...job, bytesDone }]);
        await page.getByRole("region", { name: "Backup: running" }).waitFor();
        await pass(page, 10);
        Object.assign(asked, { status: 0, list: 0 });
        await pass(page, 60);
        assert.ok(asked.status >= 2 && asked.status <= 15, `asked ${asked.status} times in a minute`);
        assert.ok(asked.list <= 1, `the list was asked for ${asked.list} times, and nothing ended`);
        // It moves again: a page that sees that asks as often as before.
        for (let second = 0; second < 60; second += 1) {
            bytesDone += 100;
            await pass(page, 1);
        }
        await page.getByText(/^7\.0 KB of 9\.0 KB/).or(page.getByText(/^6\.\d KB of 9\.0 KB/)).first().waitFor();
        assert.ok(asked.status > 30, `asked ${asked.status} times`);
        await page.unrouteAll({ behavior: "ignoreErrors" });
        await page.context().close();
    });

    test("a hidden page asks for nothing, and at once when it is shown again", async () => {
        const { page, asked } = await clocked(() => [job]);
        await page.getByRole("region", { name: "Backup: running" }).waitFor();
        const become = (state) =>
            page.evaluate((value) => {
                Object.defineProperty(document, "visibilityState", { value, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }, state);
        await become("hidden");
        // What was asked before may still be under way.
        await pass(page, 2);
        asked.status = 0;
        await pass(page, 60);
        assert.equal(asked.status, 0);
        const again = page.waitForRequest(/\/api\/backups\/status$/);
        await become("visible");
        await again;
        await page.unrouteAll({ behavior: "ignoreErrors" });
        await page.context().close();
    });
});
