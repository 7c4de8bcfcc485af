// The first journeys with the keyboard alone; that of a restore stands in safety.test.mjs.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { EMAIL, PASSWORD, until } from "../../tests/sdk/server.mjs";
import { assertSound, openPage } from "./browser.mjs";
import { end, press, reach, start } from "./stage.mjs";

describe("with the keyboard alone", { concurrency: false }, () => {
    let server, root;

    before(async () => ({ server, root } = await start()));
    after(() => end(server));

    const inDialog = (page) => page.evaluate(() => document.activeElement?.closest("dialog") !== null);

    async function logIn(page) {
        await reach(page, page.getByLabel("Email address"));
        await page.keyboard.type(EMAIL);
        await page.keyboard.press("Tab");
        await page.keyboard.type(PASSWORD);
        await page.keyboard.press("Enter");
        await page.getByRole("navigation", { name: "Main" }).waitFor();
    }

    test("one logs in, makes a backup, verifies it, and deletes it", async () => {
        const page = await openPage(server);
        await logIn(page);
        const button = page.getByRole("button", { name: "Back up now" });
        await press(page, button);
        await page.getByRole("dialog").waitFor();
        // The focus stays within the dialog, which Escape closes; then it is back where it was.
        for (let presses = 0; presses < 8; presses += 1) {
            await page.keyboard.press("Tab");
            assert.ok((await inDialog(page)) || (await page.evaluate(() => document.activeElement === document.body)));
        }
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
        assert.ok(await button.evaluate((element) => element === document.activeElement));
        await page.keyboard.press("Enter");
        await reach(page, page.getByLabel("Name (may stay empty)"));
        await page.keyboard.type("keys.zip");
        await page.keyboard.press("Enter");
        const row = page.getByRole("row").filter({ hasText: "keys.zip" });
        await row.getByText("Databases checked").waitFor();
        await press(page, page.getByRole("button", { name: "Verify keys.zip" }));
        await until(async () => (await root.send("/api/backups/status")).jobs.some((job) => job.kind === "verify" && job.state === "succeeded"), "the verification");
        await press(page, page.getByRole("button", { name: "Delete keys.zip" }));
        await reach(page, page.getByLabel("Type the name of the backup, “keys.zip”, to go on"));
        await page.keyboard.type("keys.zip");
        await page.keyboard.press("Enter");
        await page.getByText("No backups yet.").waitFor();
        assert.deepEqual(await root.backups.getFullList(), []);
        await assertSound(page);
        await page.context().close();
    });

    test("one sets a schedule, and skips what stands before the content", async () => {
        const page = await openPage(server);
        await logIn(page);
        await press(page, page.getByRole("link", { name: "Settings" }));
        await page.getByRole("heading", { name: "Settings" }).waitFor();
        await page.reload();
        await page.getByRole("heading", { name: "Settings" }).waitFor();
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        assert.equal(await page.evaluate(() => document.activeElement.id), "content");
        const form = page.getByRole("form", { name: "Schedule" });
        await press(page, form.getByRole("button", { name: "Every 6 hours" }));
        await reach(page, form.getByLabel("Keep the newest"));
        await page.keyboard.press("Control+A");
        await page.keyboard.type("5");
        await page.keyboard.press("Enter");
        await form.getByText("Saved.").waitFor();
        const { cron, cronMaxKeep } = (await root.settings.getAll()).backups;
        assert.deepEqual([cron, cronMaxKeep], ["0 */6 * * *", 5]);
        await assertSound(page);
        await page.context().close();
    });

    test("one makes a collection with a field, and a record", async () => {
        const page = await openPage(server, "/_/#/data");
        await logIn(page);
        await press(page, page.getByRole("button", { name: "New collection" }));
        await reach(page, page.getByLabel("Name"));
        await page.keyboard.type("words");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "words" }).waitFor();
        await reach(page, page.getByLabel("Add a field"));
        await page.keyboard.type("n");
        await page.getByText("number", { exact: true }).first().waitFor();
        const name = page.getByLabel("Name").nth(1);
        for (let presses = 0; presses < 40 && !(await name.evaluate((element) => element === document.activeElement)); presses += 1) await page.keyboard.press("Shift+Tab");
        await page.keyboard.type("length");
        await page.keyboard.press("Enter");
        await page.getByText("Saved.").waitFor();
        await press(page, page.getByRole("link", { name: "Records" }));
        await press(page, page.getByRole("button", { name: "New record" }));
        await reach(page, page.getByRole("dialog").getByLabel("length"));
        await page.keyboard.type("12");
        await page.keyboard.press("Enter");
        await page.getByText("1 record", { exact: true }).waitFor();
        assert.equal((await root.collection("words").getFirstListItem("")).length, 12);
        await reach(page, page.getByRole("checkbox", { name: "Choose all of this page" }));
        await page.keyboard.press("Space");
        await press(page, page.getByRole("button", { name: "Delete the chosen ones …" }));
        await press(page, page.getByRole("button", { name: "Delete it" }));
        await page.getByText("There are no records yet.").waitFor();
        await assertSound(page);
        await page.context().close();
    });
});
