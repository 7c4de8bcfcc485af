// Backups in a bucket: what stays behind on the disk, who proved what is there, and what its settings want.

import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer, until } from "../../tests/sdk/server.mjs";
import { startBucket } from "./bucket.mjs";
import { PHONE, assertFits, assertSound, closeBrowser, openAs, openBrowser, picture } from "./browser.mjs";

describe("backups in a bucket", { concurrency: false }, () => {
    let first, second, bucket;

    before(async () => {
        [first, second, bucket] = await Promise.all([startServer(), startServer(), startBucket(), openBrowser()]);
        for (const server of [first, second]) {
            server.root = new PocketBase(server.url);
            await server.root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        }
    });
    after(async () => {
        await closeBrowser();
        await Promise.all([first?.stop(), second?.stop(), bucket?.stop()]);
    });

    const makeBackup = async ({ root }, name) => {
        await root.send("/api/backups", { method: "POST", body: { name }, headers: { Prefer: "wait=60" } });
        await until(async () => (await root.send("/api/backups")).some((one) => one.key === name && one.proven), "the proof");
        await until(async () => !(await root.send("/api/backups/status")).running, "the end of what runs");
    };

    // The list was empty all at once, though the page had said that the backups stay.
    test("the advice leads to the setting, which says where the backups of the disk are, before and after", async () => {
        for (const name of ["one.zip", "two.zip"]) await makeBackup(first, name);
        const page = await openAs(first, "/_/", { viewport: { width: 1000, height: 500 } });
        await page.getByRole("link", { name: "Use a bucket elsewhere" }).click();
        const form = page.getByRole("form", { name: "Where backups go" });
        await until(async () => (await form.boundingBox())?.y < 100, "the form at the top");
        assert.equal(await page.evaluate(() => document.activeElement.textContent), "Where backups go");
        await form.getByLabel("Keep backups in an S3 bucket").check();
        await form.getByText("The 2 backups on this server’s own disk will stay there").waitFor();
        await form.getByLabel("Endpoint").fill(bucket.endpoint);
        await form.getByText("the bucket’s name has to be part of the path").waitFor();
        await picture(page, "bucket-chosen");
        await assertSound(page);
        await form.getByLabel("The bucket’s name is part of the path").check();
        await form.getByText("the bucket’s name has to be part of the path").waitFor({ state: "detached" });
        const values = { Region: "us-east-1", "Access key": "key", Secret: "secret" };
        for (const [label, value] of Object.entries(values)) await form.getByLabel(label).fill(value);
        await form.getByLabel("Bucket", { exact: true }).fill("backups");
        await form.getByRole("button", { name: "Save the storage" }).click();
        await form.getByText("Saved. It works: objects were put, listed, read and deleted in the bucket.").waitFor();
        await form.getByText("2 backups lie on this server’s own disk").waitFor();
        await form.getByRole("button", { name: "Test what is saved" }).click();
        await form.getByText("It works:").waitFor();

        await page.getByRole("link", { name: "Safety" }).click();
        await page.getByText("There is no backup in the bucket yet.").waitFor();
        await page.getByText("2 backups lie on this server’s own disk, from before backups went to a bucket.").waitFor();
        await picture(page, "left-on-disk");
        await assertSound(page);
        // It was "null backups".
        const folder = join(first.directory, "backups");
        renameSync(folder, `${folder}-away`);
        writeFileSync(folder, "no folder");
        assert.equal((await first.root.send("/api/backups/status")).leftOnDisk, null);
        await page.reload();
        await page.getByText("It can’t be read whether backups lie on this server’s own disk").waitFor();
        await page.getByText("There is no backup in the bucket yet.").waitFor();
        await picture(page, "left-unknown");
        await page.getByRole("link", { name: "Go to that setting" }).click();
        await form.getByText("It can’t be read whether backups lie on this server’s own disk").waitFor();
        await form.getByLabel("Keep backups in an S3 bucket").uncheck();
        await form.getByText("(it can’t be read how many that are)").waitFor();
        await form.getByLabel("Keep backups in an S3 bucket").check();
        for (const path of ["#/settings/storage", "#/"]) {
            await page.goto(`${first.url}/_/${path}`);
            assert.equal(await page.getByText("null").count(), 0);
        }
        rmSync(folder);
        renameSync(`${folder}-away`, folder);
        await page.reload();
        await page.getByText("2 backups lie on this server’s own disk").waitFor();
        await page.getByRole("link", { name: "Go to that setting" }).click();
        await form.getByLabel("Keep backups in an S3 bucket").uncheck();
        await form.getByText("The backups in the bucket backups will stay there").waitFor();
        await form.getByRole("button", { name: "Save the storage" }).click();
        await form.getByText("Saved.").waitFor();
        await page.getByRole("link", { name: "Safety" }).click();
        await page.getByRole("row").filter({ hasText: "two.zip" }).waitFor();
        assert.equal(await page.getByText("from before backups went to a bucket").count(), 0);
        await page.context().close();
    });

    test("uploaded files go to a bucket that the page sets and tries", async () => {
        const made = await fetch(`${bucket.endpoint}/uploads`, { method: "PUT", headers: bucket.headers });
        assert.ok(made.ok);
        await first.root.collections.create({ name: "papers", fields: [{ type: "file", name: "paper" }] });
        const page = await openAs(first, "/_/#/settings/files", { viewport: PHONE });
        const form = page.getByRole("form", { name: "Where uploaded files go" });
        await until(async () => (await form.boundingBox())?.y < 100, "the form at the top");
        await form.getByLabel("Keep uploaded files in an S3 bucket").check();
        await form.getByLabel("The bucket’s name is part of the path").check();
        const values = { Endpoint: bucket.endpoint, Region: "us-east-1", "Access key": "key", Secret: "secret" };
        for (const [label, value] of Object.entries(values)) await form.getByLabel(label).fill(value);
        await form.getByLabel("Bucket", { exact: true }).fill("missing");
        await form.getByRole("button", { name: "Save the place of files" }).click();
        await form.getByRole("alert").filter({ hasText: "It is saved, but it does not work:" }).waitFor();
        await form.getByLabel("Bucket", { exact: true }).fill("uploads");
        await form.getByText("Files in the bucket missing will not be found any more.").waitFor();
        await picture(page, "files-bucket");
        await form.getByRole("button", { name: "Save the place of files" }).click();
        await form.getByText("Saved. It works:").waitFor();
        await assertFits(page);
        await assertSound(page, ["400"]);
        const { paper } = await first.root.collection("papers").create({ paper: new File(["abc"], "a.txt") });
        const listed = await (await fetch(`${bucket.endpoint}/uploads?list-type=2`, { headers: bucket.headers })).text();
        assert.ok(listed.includes(paper), listed);
        await form.getByLabel("Keep uploaded files in an S3 bucket").uncheck();
        await form.getByText("copy all its objects into the folder “storage” of the data directory").waitFor();
        await form.getByRole("button", { name: "Save the place of files" }).click();
        await form.getByText("Saved.").waitFor();
        const { s3, backups } = await first.root.settings.getAll();
        assert.deepEqual([s3.enabled, s3.bucket, backups.s3.enabled], [false, "uploads", false]);
        await page.context().close();
    });

    test("addresses that no bucket's name can stand before are told from others", async () => {
        const page = await openAs(first, "/_/#/settings/storage");
        const form = page.getByRole("form", { name: "Where backups go" });
        await form.getByLabel("Keep backups in an S3 bucket").check();
        await form.getByLabel("The bucket’s name is part of the path").uncheck();
        const hint = form.getByText("the bucket’s name has to be part of the path");
        for (const address of ["http://localhost:9000", "127.0.0.1:9000", "https://10.0.0.5/", "http://[::1]:9000"]) {
            await form.getByLabel("Endpoint").fill(address);
            await hint.waitFor();
        }
        // What is saved has no effect where the environment says otherwise.
        assert.equal(await form.getByText("It wins over what is set here.").count(), 0);
        await page.route("**/api/backups/status", async (route) => {
            const answer = await route.fetch();
            await route.fulfill({ response: answer, json: { ...(await answer.json()), place: { bucket: "elsewhere", endpoint: "https://s3.example.com" } } });
        });
        await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
        await form.getByText("Bucket elsewhere at https://s3.example.com. It wins over what is set here.").waitFor();
        for (const address of ["https://s3.eu-central-1.amazonaws.com", "https://localhost.example.com", "https://1.2.3.4.example.com"]) {
            await form.getByLabel("Endpoint").fill(address);
            await hint.waitFor({ state: "detached" });
        }
        await page.context().close();
    });

    // Its list said "proven", its page "not proven yet".
    test("of a backup that another machine proved, every place says so, and what a restore here does about it", async () => {
        for (const { root } of [first, second]) await root.settings.update({ backups: { s3: bucket.settings } });
        await makeBackup(first, "travelled.zip");
        const page = await openAs(second, "/_/", { viewport: PHONE });
        const row = page.getByRole("row").filter({ hasText: "travelled.zip" });
        await row.getByText("by another machine").waitFor();
        await assertFits(page);
        await picture(page, "proven-elsewhere-list");
        await page.getByRole("link", { name: "Restore travelled.zip" }).click();
        await page.getByText("Another machine proved this backup. What it holds was written down there alone.").waitFor();
        await page.getByText(/Another machine proved this backup on .* A restore checks it once more here/).waitFor();
        assert.equal(await page.getByText(/not (been )?proven|nobody has looked/).count(), 0);
        await assertFits(page);
        await assertSound(page);
        await picture(page, "proven-elsewhere");
        await page.getByRole("button", { name: "Verify it now" }).click();
        await page.getByText("Nothing that was made since would be gone").or(page.getByText("would be gone")).first().waitFor();
        await page.getByText("Another machine proved").first().waitFor({ state: "detached" });
        assert.equal(await page.getByText("by another machine").count(), 0);
        await page.context().close();
    });
});
