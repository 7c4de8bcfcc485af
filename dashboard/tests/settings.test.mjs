// Backups that happen by themselves: when, where to, and who is told.

import assert from "node:assert/strict";
import { createServer as createHttp } from "node:http";
import { mailServer } from "./mails.mjs";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer, until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, closeBrowser, holdBack, openAs, openBrowser, picture } from "./browser.mjs";

describe("settings of backups", { concurrency: false }, () => {
    let server, root, mails, hook, told;

    before(async () => {
        [server] = await Promise.all([startServer(), openBrowser()]);
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        mails = await mailServer();
        told = [];
        hook = createHttp((request, response) => {
            let body = "";
            request.on("data", (part) => (body += part));
            request.on("end", () => {
                told.push({ ...JSON.parse(body), authorization: request.headers.authorization });
                response.writeHead(204).end();
            });
        });
        await new Promise((resolve) => hook.listen(0, "127.0.0.1", resolve));
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
        mails?.close();
        hook?.close();
    });

    test("from the home page's advice to a schedule, and to what it says then", async () => {
        const page = await openAs(server);
        await page.getByRole("link", { name: "Set a schedule" }).click();
        await page.getByRole("heading", { name: "Settings" }).waitFor();
        await page.getByText("Backups are made only when somebody asks for one.").waitFor();
        const form = page.getByRole("form", { name: "Schedule" });
        await form.getByLabel("Schedule (minute").fill("61 2 * * *");
        await form.getByText("This schedule can’t be understood.").waitFor();
        await form.getByRole("button", { name: "Save the schedule" }).click();
        await form.getByRole("alert").waitFor();
        await until(() => form.getByLabel("Schedule (minute").evaluate((element) => element === document.activeElement), "the focus where it is wrong");
        // It stayed red, though it was mended.
        await form.getByLabel("Schedule (minute").fill("1 2 * * *");
        assert.equal(await form.getByRole("alert").count(), 0);
        assert.equal(await form.getByLabel("Schedule (minute").getAttribute("aria-invalid"), null);
        await form.getByRole("button", { name: "Every night" }).click();
        await form.getByText(/^Next, in your local time:/).waitFor();
        // A usual schedule kept three backups: with one every hour, three hours.
        const kept = () => Promise.all(["Keep the newest", "… days", "… weeks", "… months"].map((name) => form.getByLabel(name).inputValue()));
        assert.deepEqual(await kept(), ["24", "7", "5", "12"]);
        await form.getByText("every backup of about the last 24 days, one a day for 7 days, one a week for 5 weeks, one a month for 12 months.").waitFor();
        await form.getByRole("button", { name: "Every hour" }).click();
        await form.getByText("every backup of about the last 24 hours, one a day").waitFor();
        await form.getByLabel("Keep the newest").fill("7");
        // What somebody chose stays.
        await form.getByRole("button", { name: "Every night" }).click();
        assert.deepEqual(await kept(), ["7", "7", "5", "12"]);
        await form.getByLabel("… weeks").fill("4");
        await form.getByRole("button", { name: "Save the schedule" }).click();
        await form.getByText("Saved.").waitFor();
        const { cron, cronMaxKeep, keepWeekly } = (await root.settings.getAll()).backups;
        assert.deepEqual([cron, cronMaxKeep, keepWeekly], ["0 2 * * *", 7, 4]);
        await picture(page, "settings");
        await assertSound(page, ["400"]);
        await page.getByRole("link", { name: "Safety" }).click();
        await page.getByText(/^in \d+ (hours?|minutes?)$/).waitFor();
        await page.context().close();
    });

    test("what would go tonight is shown on the real backups while one types, before anything is saved", async () => {
        const names = async () => (await root.backups.getFullList()).map((one) => one.key);
        for (let made = 1; made <= 3; made += 1) {
            await root.crons.run("__pbAutoBackup__");
            await until(async () => (await names()).length === made && !(await root.send("/api/backups/status")).running, "a scheduled backup");
        }
        await root.send("/api/backups", { method: "POST", body: { name: "mine.zip" }, headers: { Prefer: "wait=60" } });
        const before = await names();
        const page = await openAs(server, "/_/#/settings");
        const form = page.getByRole("form", { name: "Schedule" });
        await form.getByText("No backup would be deleted. That is decided after the next backup,").waitFor();
        await form.getByLabel("… weeks").fill("0");
        await form.getByLabel("Keep the newest").fill("2");
        await form.getByText(/^2 backups \(.*\) would be deleted\./).waitFor();
        const going = form.getByRole("listitem").filter({ hasText: "@auto_pb_backup_" });
        assert.equal(await going.filter({ visible: true }).count(), 2);
        await form.getByText("2 backups would be kept").click();
        await form.getByRole("listitem").filter({ hasText: "one of the newest" }).waitFor();
        await form.getByRole("listitem").filter({ hasText: "mine.zip" }).getByText("no schedule made it").waitFor();
        await picture(page, "retention");
        await assertSound(page);
        // What is not known is not said to be safe.
        await page.route("**/preview-retention", (route) => route.fulfill({ status: 500, json: { status: 500, message: "Broken.", data: {} } }));
        await form.getByLabel("Keep the newest").fill("1");
        await form.getByText("It is not known which backups would be deleted under these settings.").waitFor();
        assert.equal(await form.getByText("would be deleted.").count(), 0);
        await page.unroute("**/preview-retention");
        await form.getByRole("button", { name: "Never" }).click();
        await form.getByText("Without a schedule no backup is deleted.").waitFor();
        assert.deepEqual(await names(), before);
        assert.equal((await root.settings.getAll()).backups.cronMaxKeep, 7);
        await assertFits(page);
        await page.context().close();

        const still = await openAs(server, "/_/#/settings", { viewport: PHONE });
        await still.getByText("No backup would be deleted.").waitFor();
        await assertFits(still);
        await assertStill(still);
        await still.context().close();
    });

    test("when all backups are checked again is set beside the schedule", async () => {
        const verification = async () => (await root.crons.getFullList()).find(({ id }) => id === "__bosbaseScrub__")?.expression;
        const page = await openAs(server, "/_/#/settings");
        const form = page.getByRole("form", { name: "Schedule" });
        const field = form.getByLabel("When all backups are read back");
        await field.waitFor();
        // What nobody has set is what the server does: it leaves out what is so by itself.
        const usual = await field.inputValue();
        await root.settings.update({ backups: { verifyCron: "1 1 1 1 1" } });
        assert.equal((await root.settings.getAll()).backups.verifyCron, "1 1 1 1 1");
        await root.settings.update({ backups: { verifyCron: usual } });
        assert.equal((await root.settings.getAll()).backups.verifyCron, undefined);
        await field.fill("61 * * * *");
        await form.getByRole("button", { name: "Save the schedule" }).click();
        await form.getByRole("alert").waitFor();
        assert.equal(await field.getAttribute("aria-invalid"), "true");
        await field.fill("15 3 * * 6");
        await form.getByRole("button", { name: "Save the schedule" }).click();
        await form.getByText("Saved.").waitFor();
        assert.equal(await verification(), "15 3 * * 6");
        await field.fill("");
        await form.getByText("Never: a backup is then only checked when it is made").waitFor();
        await form.getByRole("button", { name: "Save the schedule" }).click();
        await until(async () => (await verification()) === undefined, "no verification");
        await page.reload();
        await field.waitFor();
        assert.equal(await field.inputValue(), "");
        await assertSound(page, ["400"]);
        await page.context().close();
        await root.settings.update({ backups: { verifyCron: "30 4 * * 0" } });
    });

    // "Saved" was all that was said of it, and the first page showed the list of before.
    test("a bucket that does not answer is said to be so when it is saved, and instead of the list", async () => {
        const home = await openAs(server);
        await home.getByRole("row").filter({ hasText: "mine.zip" }).waitFor();
        const page = await openAs(server, "/_/#/settings", { viewport: PHONE });
        const form = page.getByRole("form", { name: "Where backups go" });
        await form.getByLabel("Keep backups in an S3 bucket").check();
        await form.getByLabel("Endpoint").fill("http://127.0.0.1:1");
        await form.getByLabel("Bucket", { exact: true }).fill("backups");
        await form.getByLabel("Region").fill("us-east-1");
        await form.getByLabel("Access key").fill("key");
        await form.getByLabel("Secret").fill("secret");
        await form.getByLabel("The bucket’s name is part of the path").check();
        await form.getByRole("button", { name: "Save the storage" }).click();
        await form.getByRole("alert").filter({ hasText: /It is saved, but it does not work: .*127[.]0[.]0[.]1:1/ }).waitFor();
        assert.equal(await form.getByText("Saved.").count(), 0);
        await form.getByRole("button", { name: "Test what is saved" }).click();
        await form.getByRole("alert").filter({ hasText: /^It does not work: .*127[.]0[.]0[.]1:1/ }).waitFor();
        await picture(page, "bucket-broken");
        for (const shown of [home, await openAs(server)]) {
            if (shown === home) await home.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
            await shown.getByText(/^The list of backups can’t be read: .*127[.]0[.]0[.]1:1/).waitFor({ timeout: 40_000 });
            await shown.getByText("The backups cannot be listed now").waitFor();
            await shown.getByText("Not known now").waitFor();
            assert.equal(await shown.getByRole("row").filter({ hasText: "mine.zip" }).count(), 0);
            for (const text of ["None yet", "No backups yet"]) assert.equal(await shown.getByText(text).count(), 0);
        }
        await picture(home, "list-unreadable");
        await home.goto(`${server.url}/_/#/restore/mine.zip`);
        await home.getByText("The list of backups can’t be read:").waitFor();
        assert.equal(await home.getByText("There is no backup called").count(), 0);
        await assertFits(home);
        await assertSound(home, ["400"]);
        await form.getByLabel("Keep backups in an S3 bucket").uncheck();
        await form.getByRole("button", { name: "Save the storage" }).click();
        await form.getByText("Saved.").waitFor();
        await home.getByRole("button", { name: "Try again" }).click();
        await home.getByRole("heading", { name: "mine.zip" }).waitFor();
        await home.context().close();
        await assertFits(page);
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    test("a mail server and a webhook are set, and each is tried", async () => {
        const page = await openAs(server, "/_/#/settings");
        const mail = page.getByRole("form", { name: "Mail server" });
        await mail.getByLabel("Send mails").check();
        await mail.getByLabel("Server", { exact: true }).fill("127.0.0.1");
        await mail.getByLabel("Port").fill(String(mails.port));
        // The links in mails led to another server.
        await mail.getByLabel("Address of this server").fill("https://app.example.com");
        await mail.getByRole("button", { name: "Save the mail server" }).click();
        await mail.getByText("Saved.").waitFor();
        await mail.getByText("The mail asks to confirm an address. It is an example").waitFor();
        await mail.getByLabel("Sender’s name").fill("Somebody");
        await mail.getByText("Save first what you changed here.").waitFor();
        await mail.getByRole("button", { name: "Discard changes" }).click();
        await mail.getByLabel("Address for a test mail").fill("you@example.com");
        await mail.getByRole("button", { name: "Send a test mail" }).click();
        await mail.getByText("The mail server took the test mail to you@example.com.").waitFor();
        assert.ok(mails.taken.at(-1).includes("you@example.com"));

        const alarms = page.getByRole("form", { name: "Alarms" });
        await alarms.getByLabel("Who is mailed when a backup fails").fill("you@example.com, me@example.com");
        await alarms.getByLabel("Webhook", { exact: true }).fill(`http://127.0.0.1:${hook.address().port}/`);
        await alarms.getByLabel("Webhook’s secret").fill("s3cret");
        await alarms.getByRole("button", { name: "Save the alarms" }).click();
        await alarms.getByText("Saved.").waitFor();
        await alarms.getByRole("button", { name: "Send a test event" }).click();
        await alarms.getByText("The webhook took a test event.").waitFor();
        assert.deepEqual([told[0].event, told[0].authorization], ["test", "Bearer s3cret"]);
        assert.deepEqual((await root.settings.getAll()).backups.alarmEmails, ["you@example.com", "me@example.com"]);
        await assertSound(page);
        await page.context().close();
    });

    test("without a mail server the form of the alarms says that no mail goes out", async () => {
        const before = (await root.settings.getAll()).smtp.enabled;
        await root.settings.update({ smtp: { enabled: false } });
        const page = await openAs(server, "/_/#/settings/alarms");
        const alarms = page.getByRole("form", { name: "Alarms" });
        await alarms.getByLabel("Who is mailed when a backup fails").fill("me@example.com");
        await alarms.getByText("No mail goes out: no mail server is set.").waitFor();
        await alarms.getByLabel("Who is mailed when a backup fails").fill("");
        await alarms.getByText("No mail goes out").waitFor({ state: "detached" });
        await page.context().close();
        await root.settings.update({ smtp: { enabled: before } });
    });

    // Each form sent all of its parts as they were when it came, so an old window put back what another had saved. A
    // retention that is put back deletes backups.
    test("an old window keeps what another saved, and is told where both changed the same", async () => {
        const [first, second] = [await openAs(server, "/_/#/settings"), await openAs(server, "/_/#/settings")];
        const schedule = (page) => page.getByRole("form", { name: "Schedule" });
        const save = async (page, name, button, said = "Saved.") => {
            const form = page.getByRole("form", { name });
            await form.getByRole("button", { name: button }).click();
            await form.getByText(said).waitFor();
        };
        const now = async () => (await root.send("/api/settings")).backups;
        await schedule(second).getByLabel("… days").waitFor();
        await schedule(first).getByLabel("… days").fill("30");
        await save(first, "Schedule", "Save the schedule");
        await schedule(second).getByLabel("… weeks").fill("3");
        await save(second, "Schedule", "Save the schedule");
        const { keepDaily, keepWeekly } = await now();
        assert.deepEqual([keepDaily, keepWeekly], [30, 3]);

        await schedule(first).getByLabel("… weeks").fill("9");
        await save(first, "Schedule", "Save the schedule", "backups.keepWeekly was changed meanwhile.");
        assert.equal((await now()).keepWeekly, 3);
        assert.equal(await schedule(first).getByLabel("… weeks").inputValue(), "9");

        // The other forms likewise.
        await root.settings.update({ meta: { senderName: "Elsewhere" }, backups: { alarmEmails: ["new@example.com"], s3: { bucket: "other" } } });
        const alarms = first.getByRole("form", { name: "Alarms" });
        await alarms.getByLabel("hours").fill("48");
        await save(first, "Alarms", "Save the alarms");
        await first.getByRole("form", { name: "Mail server" }).getByLabel("Port").fill("2525");
        await save(first, "Mail server", "Save the mail server");
        await first.getByRole("form", { name: "Where backups go" }).getByLabel("Keep backups in an S3 bucket").check();
        await first.getByRole("form", { name: "Where backups go" }).getByLabel("Region").fill("eu-central-1");
        await first.getByRole("form", { name: "Where backups go" }).getByLabel("Keep backups in an S3 bucket").uncheck();
        await save(first, "Where backups go", "Save the storage");
        const { meta, smtp, backups } = await root.send("/api/settings");
        assert.deepEqual([meta.senderName, smtp.port], ["Elsewhere", 2525]);
        assert.deepEqual([backups.alarmEmails, backups.alarmAfterHours], [["new@example.com"], 48]);
        assert.deepEqual([backups.s3.bucket, backups.s3.region], ["other", "eu-central-1"]);
        await assertSound(first);
        await first.context().close();
        await second.context().close();
    });

    test("a new secret is kept though another window changed its address, and what is typed while that is saved stays", async () => {
        const page = await openAs(server, "/_/#/settings");
        const alarms = page.getByRole("form", { name: "Alarms" });
        await alarms.getByLabel("Webhook’s secret").fill("second");
        await root.settings.update({ backups: { alarmWebhook: { url: `http://127.0.0.1:${hook.address().port}/other` } } });
        const saving = await holdBack(page, "PATCH", /\/api\/settings$/);
        await alarms.getByRole("button", { name: "Save the alarms" }).click();
        await saving.asked;
        await alarms.getByLabel("hours").fill("72");
        await alarms.getByLabel("Webhook’s secret").fill("third");
        saving.release();
        await alarms.getByText("Saved.").waitFor();
        const { alarmWebhook, alarmAfterHours } = (await root.send("/api/settings")).backups;
        assert.ok(alarmWebhook.url.endsWith("/other") && alarmAfterHours !== 72, `${alarmWebhook.url} ${alarmAfterHours}`);
        const secretThatIsSent = async () => {
            told.length = 0;
            await root.send("/api/settings/test/webhook", { method: "POST" });
            return told[0].authorization;
        };
        assert.equal(await secretThatIsSent(), "Bearer second");
        assert.deepEqual([await alarms.getByLabel("hours").inputValue(), await alarms.getByLabel("Webhook’s secret").inputValue()], ["72", "third"]);
        assert.ok((await alarms.getByLabel("Webhook", { exact: true }).inputValue()).endsWith("/other"));
        await alarms.getByRole("button", { name: "Save the alarms" }).click();
        await until(async () => (await root.send("/api/settings")).backups.alarmAfterHours === 72, "what was typed meanwhile");
        assert.equal(await secretThatIsSent(), "Bearer third");
        await page.context().close();
    });
});
