// Logging in to the dashboard with two factors, and what the server does by itself, now.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer, until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, closeBrowser, openAs, openBrowser, openPage, picture } from "./browser.mjs";
import { mailServer } from "./mails.mjs";

describe("two factors", { concurrency: false }, () => {
    let server, root, mails;

    before(async () => {
        [server] = await Promise.all([startServer(), openBrowser()]);
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        mails = await mailServer();
        await root.settings.update({ smtp: { enabled: true, host: "127.0.0.1", port: mails.port }, meta: { senderAddress: "app@example.com" } });
        await root.collections.update("_superusers", { otp: { enabled: true }, mfa: { enabled: true } });
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
        mails?.close();
    });

    const first = async () => {
        const page = await openPage(server, "/_/#/crons", { viewport: PHONE });
        await page.getByLabel("Email address").fill(EMAIL);
        await page.getByLabel("Password").fill(PASSWORD);
        await page.keyboard.press("Enter");
        await page.getByLabel("One-time code").waitFor();
        return page;
    };

    test("the code that is mailed leads in, a wrong one does not", async () => {
        const page = await first();
        await page.getByText(`A code was mailed to ${EMAIL}.`).waitFor();
        await page.getByLabel("One-time code").fill("00000000x");
        await page.keyboard.press("Enter");
        await page.getByRole("alert").waitFor();
        await picture(page, "second-factor-phone");
        await assertFits(page);
        await assertSound(page, ["400", "401"]);
        const mail = await until(() => mails.taken.find((one) => one.includes(EMAIL)), "the mail");
        await page.getByLabel("One-time code").fill(/password is:\s*(?:<strong>|\*\*)?\s*(\d+)/.exec(mail)[1]);
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Crons" }).waitFor();
        await page.context().close();
    });

    test("where no mail can be sent, a code of the command line leads in", async () => {
        mails.close();
        const page = await first();
        const binary = resolve(process.env.BOSBASE_BIN ?? "../target/debug/bosbase");
        const { stdout, stderr } = spawnSync(binary, ["superuser", "otp", EMAIL, "--dir", server.directory], { encoding: "utf8" });
        const [, id] = /id[:\s]+([a-z0-9]{15})\b/i.exec(stdout + stderr) ?? assert.fail(stdout + stderr);
        const [, code] = /pass(?:word)?[:\s]+(\d+)/i.exec(stdout + stderr) ?? assert.fail(stdout + stderr);
        await page.getByLabel("One-time code").fill(code);
        await page.getByLabel("Id of the code").fill(id);
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Crons" }).waitFor();
        await page.context().close();
    });
});

describe("crons", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        [server] = await Promise.all([startServer(), openBrowser()]);
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
    });

    test("a job is run now, and one that is gone is said to be so", async () => {
        await root.settings.update({ backups: { cron: "30 4 1 1 *" } });
        const page = await openAs(server, "/_/");
        await page.getByRole("link", { name: "Crons" }).click();
        const row = page.getByRole("row").filter({ hasText: "Make the scheduled backup" });
        await row.getByText("30 4 1 1 *").waitFor();
        await row.getByText(/^1 Jan 20\d\d, \d\d:\d\d$/).waitFor();
        assert.equal((await root.backups.getFullList()).length, 0);
        await page.getByRole("button", { name: "Run now: Make the scheduled backup" }).click();
        await page.getByText("Started: Make the scheduled backup.").waitFor();
        await until(async () => (await root.backups.getFullList()).length === 1, "the backup");
        await picture(page, "crons");
        await assertSound(page);
        await root.settings.update({ backups: { cron: "" } });
        await page.getByRole("button", { name: "Run now: Make the scheduled backup" }).click();
        await page.getByRole("alert").filter({ hasText: "Missing or invalid cron job." }).waitFor();
        await assertStill(page);
        await page.context().close();
    });

    test("the page of crons fits a phone", async () => {
        const page = await openAs(server, "/_/#/crons", { viewport: PHONE });
        await page.getByText("Delete old lines of the log").waitFor();
        await assertFits(page);
        await picture(page, "crons-phone");
        await assertSound(page);
        await page.context().close();
    });
});
