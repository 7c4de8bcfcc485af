// One server, two windows: both see what runs, and each can stop it.

import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { until } from "../../tests/sdk/server.mjs";
import { PHONE, assertSound, openAs } from "./browser.mjs";
import { end, start } from "./stage.mjs";

/** Bytes that take some seconds to be backed up, for they can't be made shorter: so many pieces of so many. */
const [PIECES, SIZE] = [12, 100_000_000];

describe("two windows", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        const { id } = await root.collections.create({ name: "films", fields: [{ type: "file", name: "film", maxSelect: 1 }] });
        const form = new FormData();
        form.append("film", new Blob(["short"]), "film.bin");
        const record = await root.collection("films").create(form);
        const folder = join(server.directory, "storage", id, record.id);
        assert.deepEqual(readdirSync(folder).filter((name) => name === record.film), [record.film]);
        const piece = randomFillSync(Buffer.alloc(SIZE));
        for (let count = 0; count < PIECES; count += 1) appendFileSync(join(folder, record.film), piece);
    });
    after(() => end(server));

    const running = (page) => page.getByRole("region", { name: "Backup: running" });

    async function begin(page, name) {
        await page.getByRole("button", { name: "Back up now" }).click();
        await page.getByLabel("Name (may stay empty)").fill(name);
        await page.keyboard.press("Enter");
    }

    test("a backup that one window starts is followed in the other", async () => {
        const one = await openAs(server);
        const other = await openAs(server, "/_/", { viewport: PHONE });
        await other.getByText("There is no backup yet.").waitFor();
        await begin(one, "followed.zip");
        await running(other).getByText("followed.zip").waitFor();
        const far = running(other).getByText(/^[\d.]+ [KM]B of [\d.]+ [MG]B/);
        await far.waitFor();
        const before = await far.innerText();
        await other.waitForFunction((text) => !document.body.innerText.includes(text), before);
        for (const page of [one, other]) {
            await running(page).waitFor({ state: "detached", timeout: 120_000 });
            await page.context().close();
        }
        assert.deepEqual((await root.backups.getFullList()).map(({ key }) => key), ["followed.zip"]);
        // A deletion would stop its proof.
        await until(async () => (await root.send("/api/backups/status", {})).running === null, "the end of its proof", 300);
        await root.backups.delete("followed.zip");
    });

    test("it is there after a reload, and stopped in the other window", async () => {
        const one = await openAs(server);
        const other = await openAs(server, "/_/", { viewport: PHONE });
        await other.getByText("There is no backup yet.").waitFor();
        await begin(one, "long.zip");
        await running(other).getByText("long.zip").waitFor();
        await other.reload();
        await running(other).getByRole("button", { name: "Stop" }).click();
        for (const page of [one, other]) {
            await running(page).waitFor({ state: "detached" });
            await page.getByRole("region", { name: "What happened" }).getByText("stopped").waitFor();
            await page.getByText("There is no backup yet.").waitFor();
            await assertSound(page);
            await page.context().close();
        }
        assert.deepEqual(await root.backups.getFullList(), []);
    });
});
