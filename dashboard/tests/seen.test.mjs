// What came of a press is seen where one looks, and what can't be pressed says why.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, openAs, picture } from "./browser.mjs";
import { end, makeBackup, start } from "./stage.mjs";

/** Whether all of it is within the window. */
const isInWindow = (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
};

describe("what came of a press", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        await root.collections.create({
            name: "posts",
            fields: [
                { type: "text", name: "title" },
                { type: "date", name: "due" },
            ],
        });
        for (let number = 0; number < 25; number += 1) await root.collection("posts").create({ id: `post${String(number).padStart(11, "0")}`, title: `post ${number}`, due: "2026-11-23 06:17:03.216Z" }, { requestKey: null });
        await makeBackup(root, "monday.zip");
        for (const { id } of await root.collection("posts").getFullList()) await root.collection("posts").delete(id, { requestKey: null });
    });
    after(() => end(server));

    const news = (page) => page.getByRole("status", { name: "News" });

    for (const [name, options] of [["wide", {}], ["phone", { viewport: PHONE }]]) {
        // It stood in the history at the end of the page, and nowhere else.
        test(`how a verification ended is seen from where it was begun (${name})`, async () => {
            const page = await openAs(server, "/_/", options);
            const button = page.getByRole("button", { name: "Verify monday.zip" });
            await button.click();
            const told = news(page).getByText("Verification monday.zip: succeeded.");
            await told.waitFor();
            assert.ok(await told.evaluate(isInWindow), "one has to scroll to see it");
            assert.ok(await button.evaluate((element) => element.getBoundingClientRect().height > 0));
            await picture(page, `seen-verified-${name}`, false);
            await assertFits(page);
            await assertSound(page);
            // It goes on to stand there on another page, and goes when it is closed.
            await page.goto(`${server.url}/_/#/logs`);
            await told.waitFor();
            await news(page).getByRole("button", { name: "Close this message" }).click();
            await told.waitFor({ state: "detached" });
            await page.context().close();
        });

        test(`what keeps records from being brought back is said beside the button, which stays in sight (${name})`, async () => {
            const page = await openAs(server, "/_/#/restore/monday.zip/records/posts", options);
            await page.getByText("25 records", { exact: true }).waitFor();
            const bring = page.getByRole("button", { name: "Bring them back" });
            const says = async (text) => {
                await page.getByText(text).waitFor();
                assert.ok(await bring.isDisabled());
                assert.equal(await bring.getAttribute("aria-describedby"), await page.getByText(text).getAttribute("id"));
                for (const one of [bring, page.getByText(text)]) assert.ok(await one.evaluate(isInWindow), "one has to scroll to see it");
            };
            assert.ok(await page.evaluate(() => document.documentElement.scrollHeight > window.innerHeight * 1.2), "the list is too short for this test");
            await page.evaluate(() => scrollTo(0, 0));
            await says("Choose at least one record.");
            await picture(page, `seen-bar-${name}`, false);
            await page.getByLabel("Choose post00000000001").check();
            await page.evaluate(() => scrollTo(0, 0));
            await says("Look first at what would happen.");
            await page.getByRole("button", { name: "See what would happen" }).click();
            const would = page.getByText("1 record would come back.");
            await would.waitFor();
            await page.waitForFunction(isInWindow, await would.elementHandle());
            await picture(page, `seen-would-${name}`, false);
            await assertFits(page);
            await assertSound(page);
            await page.context().close();
        });
    }

    test("a record of the backup shows its dates as they are shown elsewhere", async () => {
        const page = await openAs(server, "/_/#/restore/monday.zip/records/posts", { timezoneId: "UTC" });
        await page.getByRole("button", { name: "Look at post00000000003" }).click();
        await page.getByRole("dialog").getByText("23 Nov 2026, 06:17").waitFor();
        assert.equal(await page.getByText("2026-11-23").count(), 0);
        await page.context().close();
    });

    test("a sentence of the server shows its dates as they are shown elsewhere", async () => {
        const page = await openAs(server, "/_/", { timezoneId: "UTC" });
        const text = "The newest proven backup is of 2026-11-23T06:17:03.216Z, and the schedule is 0 2 * * *.";
        await page.route(/\/api\/backups\/status$/, async (route) => {
            const response = await route.fetch();
            const known = await response.json();
            const failed = { id: "joboftheserver1", kind: "create", key: "late.zip", state: "failed", phase: "working", error: text, warning: "", bytesDone: 0, bytesTotal: 0, started: "2026-11-23T06:17:03.216Z", finished: "2026-11-23T06:17:04.216Z" };
            return route.fulfill({ response, json: { ...known, jobs: [failed, ...known.jobs], alarms: { ...known.alarms, troubles: [{ cause: "age", error: text }] } } });
        });
        await page.reload();
        const shown = page.getByText("The newest proven backup is of 23 Nov 2026, 06:17, and the schedule is 0 2 * * *.");
        await shown.nth(1).waitFor();
        assert.equal(await page.getByText("2026-11-23").count(), 0);
        await page.unrouteAll({ behavior: "ignoreErrors" });
        await page.context().close();
    });

    test("what was brought back is seen at once, and stands in what happened", async () => {
        const page = await openAs(server, "/_/#/restore/monday.zip/records/posts", { viewport: PHONE });
        await page.getByLabel("Choose all of this page").check();
        await page.getByRole("button", { name: "See what would happen" }).click();
        await page.getByRole("button", { name: "Bring them back" }).click();
        const done = page.getByText("Done: 25 records came back.");
        await done.waitFor();
        await page.waitForFunction(isInWindow, await done.elementHandle());
        await picture(page, "seen-brought-phone", false);
        await assertSound(page);
        await page.goto(`${server.url}/_/#/`);
        const happened = page.getByRole("region", { name: "What happened" }).getByRole("listitem").filter({ hasText: "Records brought back" });
        await happened.getByText("monday.zip").waitFor();
        await happened.getByText("25 records came back or became as before.").waitFor();
        await happened.getByText("succeeded").waitFor();
        await assertSound(page);
        await page.context().close();
    });

    test("a file whose name no backup can have is uploaded under one that fits", async () => {
        const token = await root.files.getToken();
        const bytes = Buffer.from(await (await fetch(root.backups.getDownloadURL(token, "monday.zip"))).arrayBuffer());
        const page = await openAs(server);
        const chooser = page.locator("input[type=file]");
        await chooser.setInputFiles({ name: "My Bäckup (2).ZIP", mimeType: "application/zip", buffer: bytes });
        await page.getByText("A backup can’t be called “My Bäckup (2).ZIP”.").waitFor();
        await picture(page, "seen-upload-name", false);
        await assertSound(page);
        await page.getByRole("button", { name: "Upload it as “my-backup-2.zip”" }).click();
        await page.getByRole("row").filter({ hasText: "my-backup-2.zip" }).waitFor();
        // Capitals and spaces alone are no reason to rename what somebody has.
        await chooser.setInputFiles({ name: "My Backup.zip", mimeType: "application/zip", buffer: bytes });
        await page.getByRole("row").filter({ hasText: "My Backup.zip" }).waitFor();
        await assertSound(page);
        await page.context().close();
    });

    test("a new field waits for its name", async () => {
        const page = await openAs(server, "/_/#/data/posts/fields");
        for (const type of ["text", "number"]) {
            await page.getByLabel("Add a field").selectOption(type);
            await page.waitForFunction(() => document.activeElement?.matches("input[type=text]") && document.activeElement.value === "");
            assert.ok(await page.evaluate(isInWindow, await page.evaluateHandle("document.activeElement")));
            await page.keyboard.type(`new_${type}`);
        }
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        const { fields } = await root.collections.getOne("posts");
        assert.deepEqual(fields.filter(({ name }) => name.startsWith("new_")).map(({ name, type }) => [name, type]), [["new_text", "text"], ["new_number", "number"]]);
        await page.context().close();
    });

    test("a line of the log says how it ended, and why", async () => {
        await assert.rejects(root.collection("nowhere").getList());
        // The server keeps lines for some seconds before they can be found.
        await until(async () => (await root.logs.getList(1, 1, { filter: "data.url ~ 'nowhere'" })).totalItems > 0, "the line");
        const page = await openAs(server, "/_/#/logs");
        await page.getByLabel("Show requests by superusers").check();
        const line = page.getByRole("listitem").filter({ hasText: "/api/collections/nowhere/records" }).first();
        await line.locator("summary").getByText("404", { exact: true }).waitFor();
        await line.locator("summary").getByText("Missing collection context.").waitFor();
        await picture(page, "seen-logs", false);
        await page.setViewportSize(PHONE);
        await assertFits(page);
        await picture(page, "seen-logs-phone", false);
        await assertSound(page);
        await page.context().close();
    });
});
