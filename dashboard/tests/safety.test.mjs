// Is my data safe, and how do I get it back?

import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer, until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, closeBrowser, logIn, openAs, openBrowser, openPage, picture } from "./browser.mjs";

describe("dashboard", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        [server] = await Promise.all([startServer(), openBrowser()]);
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        const fields = [{ type: "text", name: "title" }, { type: "number", name: "points" }, { type: "autodate", name: "created", onCreate: true }];
        await root.collections.create({ name: "scores", listRule: "", fields });
        for (const title of ["ann", "ben", "cem"]) await root.collection("scores").create({ title, points: title.length * 7 });
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
    });

    const backups = () => root.backups.getFullList();
    const idle = () => until(async () => !(await root.send("/api/backups/status")).running, "the end of what runs");
    const makeBackup = async (name) => {
        await root.send("/api/backups", { method: "POST", body: { name }, headers: { Prefer: "wait=60" } });
        await idle();
    };

    test("the page at / says what the server is, and leads to the dashboard", async () => {
        const page = await openPage(server, "/");
        await page.getByRole("heading", { name: "bosbase" }).waitFor();
        await assertSound(page);
        await page.getByRole("link", { name: "Open the dashboard" }).click();
        await page.getByRole("heading", { name: "Log in" }).waitFor();
        await page.context().close();
    });

    test("the first load is small, cached for ever where its name says so, and never sniffed", async () => {
        const page = await openPage(server);
        await page.getByRole("heading", { name: "Log in" }).waitFor();
        const answers = await Promise.all(page.requests.map((url) => fetch(url, { headers: { "Accept-Encoding": "gzip" } })));
        const sizes = await page.evaluate(() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((one) => one.encodedBodySize));
        const total = sizes.reduce((sum, size) => sum + size, 0);
        assert.ok(total > 10_000 && total < 150_000, `${total} bytes`);
        for (const answer of answers) {
            const lasting = answer.url.includes("/assets/");
            assert.equal(answer.headers.get("cache-control"), lasting ? "public, max-age=31536000, immutable" : "no-cache", answer.url);
            assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
            assert.equal(answer.headers.get("content-encoding"), "gzip");
            const policy = answer.headers.get("content-security-policy");
            assert.ok(policy.includes("default-src 'none'") && !policy.includes("unsafe"), policy);
        }
        assert.equal((await fetch(`${server.url}/_/assets/none.js`)).status, 404);
        await page.context().close();
    });

    test("a wrong password is said, a right one leads in, and logging out leads out", async () => {
        const page = await openPage(server);
        await page.getByLabel("Email address").fill(EMAIL);
        await page.getByLabel("Password").fill("wrong-horse-1");
        await page.keyboard.press("Enter");
        await page.getByRole("alert").filter({ hasText: "Failed to authenticate." }).waitFor();
        await page.getByText("Open the link with “/_/#/pbinstal/” that the server printed when it started").waitFor();
        await picture(page, "login");
        await page.getByLabel("Password").fill(PASSWORD);
        assert.equal(await page.getByRole("alert").count(), 0);
        await logIn(page);
        await page.reload();
        await page.getByText("There is no backup yet.").waitFor();
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Log out" }).click();
        await page.getByRole("heading", { name: "Log in" }).waitFor();
        await page.context().close();
    });

    test("a backup is made, and the one sentence says that it is proven", async () => {
        const page = await openAs(server);
        await page.getByRole("button", { name: "Back up now" }).click();
        await page.getByLabel("Name (may stay empty)").fill("Not Valid");
        await page.getByRole("button", { name: "Start the backup" }).click();
        // The server says "Must be in a valid format.", and of which format nobody knew.
        await page.getByText("This name can’t be used. Use only a–z, 0–9, “-” and “_”, and end it with “.zip”.").waitFor();
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Use “not-valid.zip”" }).click();
        assert.equal(await page.getByLabel("Name (may stay empty)").inputValue(), "not-valid.zip");
        assert.equal(await page.getByText("This name can’t be used.").count(), 0);
        await page.getByLabel("Name (may stay empty)").fill("first.zip");
        await page.keyboard.press("Enter");
        const row = page.getByRole("row").filter({ hasText: "first.zip" });
        await row.getByText("Databases checked").waitFor();
        await page.getByText("The newest proven backup", { exact: false }).or(page.getByText("brought back to a backup made just now")).first().waitFor();
        await page.getByText("Backups are only made when somebody asks for one.").waitFor();
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    // It was green beside an advice that said "A lost machine takes both".
    test("with a schedule, the sentence says what the data is safe from, and names the next backup", async () => {
        await root.settings.update({ backups: { cron: "0 2 * * *", cronMaxKeep: 7 } });
        const page = await openAs(server);
        await page.getByText("Your data is safe from mistakes, but not from the loss of this machine.").waitFor();
        assert.equal(await page.getByText("Your data is safe.").count(), 0);
        const tone = () => page.getByRole("region", { name: /^Your data/ }).getAttribute("class");
        assert.equal(await tone(), "headline warn");
        await page.getByRole("link", { name: "Use a bucket elsewhere" }).waitFor();
        await page.getByText(/^in \d+ (hours?|minutes?)$/).waitFor();
        assert.ok(await page.evaluate("window.shift") < 0.1, "the page moved while it loaded");
        await picture(page, "safety");
        await page.emulateMedia({ colorScheme: "dark" });
        await picture(page, "safety-dark");
        await assertSound(page);
        await page.emulateMedia({ colorScheme: "light" });
        // In a bucket of this very machine they are no safer.
        for (const [endpoint, isSafe] of [["http://127.0.0.1:9000", false], ["localhost:9000", false], ["https://localhost.example.com", true]]) {
            await page.route("**/api/backups/status", async (route) => {
                const answer = await route.fetch();
                await route.fulfill({ response: answer, json: { ...(await answer.json()), place: { bucket: "backups", endpoint } } });
            });
            await page.reload();
            await page.getByText(`Bucket backups at ${endpoint.replace(/^https?:[/][/]/, "")}`).waitFor();
            assert.equal(await tone(), isSafe ? "headline good" : "headline warn", endpoint);
            assert.equal(await page.getByText("Your data is safe.").count(), isSafe ? 1 : 0);
            await page.unroute("**/api/backups/status");
        }
        await picture(page, "safety-elsewhere");
        await page.context().close();
    });

    test("the application's own colour is the dashboard's", async () => {
        const meta = (await root.settings.getAll()).meta;
        await root.settings.update({ meta: { ...meta, accentColor: "#ffd400" } });
        const page = await openAs(server);
        const button = page.getByRole("button", { name: "Back up now" });
        await until(async () => (await button.evaluate((one) => getComputedStyle(one).backgroundColor)) === "rgb(255, 212, 0)", "the colour");
        await assertSound(page);
        await root.settings.update({ meta });
        await page.context().close();
    });

    test("the safety page fits a phone", async () => {
        const page = await openAs(server, "/_/", { viewport: PHONE });
        await page.getByText("Your data is safe from mistakes").waitFor();
        await assertFits(page);
        await assertSound(page);
        await picture(page, "safety-phone");
        await page.context().close();
    });

    test("a backup is downloaded, deleted by its name, and uploaded again", async () => {
        const page = await openAs(server);
        const downloading = page.waitForEvent("download");
        await page.getByRole("button", { name: "Download first.zip" }).click();
        const download = await downloading;
        const copy = join(server.directory, "..", "copy.zip");
        await download.saveAs(copy);
        await page.getByRole("button", { name: "Delete first.zip" }).click();
        const action = page.getByRole("button", { name: "Delete the backup" });
        assert.ok(await action.isDisabled());
        await page.getByLabel("Type the name of the backup, “first.zip”, to go on").fill("first.zip");
        await action.click();
        await page.getByText("No backups yet.").waitFor();
        assert.equal((await backups()).length, 0);

        await page.getByLabel("Upload …").and(page.locator("input")).setInputFiles({ name: "nonsense.zip", mimeType: "application/zip", buffer: Buffer.from("nonsense") });
        await page.getByRole("group", { name: "Uploading nonsense.zip" }).getByRole("alert").waitFor();
        await page.getByRole("button", { name: "Close" }).click();
        writeFileSync(join(server.directory, "..", "back.zip"), readFileSync(copy));
        await page.getByLabel("Upload …").and(page.locator("input")).setInputFiles(join(server.directory, "..", "back.zip"));
        const row = page.getByRole("row").filter({ hasText: "back.zip" });
        await row.getByText("Upload").waitFor();
        await row.getByText("Not yet").waitFor();
        // The charts go on to tell of the one that is gone.
        const sizes = page.getByRole("figure", { name: "Size of each backup" });
        await until(async () => (await sizes.getByRole("listitem").allTextContents()).length === 1, "the size of what was made");
        await page.getByRole("figure", { name: "How long each backup took" }).getByRole("listitem").filter({ hasText: /: \d+ seconds?$/ }).waitFor({ state: "attached" });
        await assertSound(page, ["400"]);
        await page.context().close();
        await idle();
    });

    test("what is in an upload is not known until it is verified, which the page of its restore does", async () => {
        const page = await openAs(server, "/_/#/restore/back.zip", { viewport: PHONE });
        const region = page.getByRole("region", { name: "What is in it, against now" }).first();
        await region.getByText("nobody has looked into it").waitFor();
        await assertFits(page);
        await region.getByRole("button", { name: "Verify it now" }).click();
        // The last column was cut to one letter.
        const change = region.getByRole("row").filter({ hasText: "scores" }).getByRole("cell").last();
        await change.waitFor();
        const { x, width } = await change.boundingBox();
        assert.ok(x >= 0 && x + width <= PHONE.width, `it is at ${x}, and ${width} wide`);
        await region.getByText("Nothing that was made since would be gone.").waitFor();
        await assertFits(page);
        await assertSound(page);
        await picture(page, "restore-phone");
        await page.context().close();
        await idle();
    });

    test("a restore is asked for by keyboard alone, followed through the restart, and undone", async () => {
        await makeBackup("yesterday.zip");
        await root.collection("scores").create({ title: "dee", points: 1 });
        const page = await openAs(server);
        const reach = async (name, role = "link") => {
            const wanted = page.getByRole(role, { name, exact: true });
            await wanted.waitFor();
            for (let presses = 0; presses < 60; presses += 1) {
                if (await wanted.evaluate((element) => element === document.activeElement)) return;
                await page.keyboard.press("Tab");
            }
            assert.fail(`${name} is not reached with the keyboard`);
        };
        await reach("Restore yesterday.zip");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Restore a backup" }).waitFor();
        const row = page.getByRole("row").filter({ hasText: "scores" });
        await row.getByText("1 record made since would be gone").waitFor();
        assert.deepEqual(await row.getByRole("cell").allTextContents(), ["3", "4", "1 record made since would be gone"]);
        await page.getByText("1 record that was made since would be gone.").waitFor();
        await page.getByRole("row").filter({ hasText: "_superusers" }).waitFor();
        assert.equal(await page.getByRole("row").filter({ hasText: "_mfas" }).count(), 0);
        await picture(page, "restore");
        await assertSound(page);
        assert.ok(await page.getByRole("button", { name: "Restore this backup" }).isDisabled());
        await reach("Type the name of the backup, “yesterday.zip”, to go on", "textbox");
        await page.keyboard.type("yesterday.zip");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Restoring" }).waitFor();
        await page.getByText("yesterday.zip is restored.").waitFor({ timeout: 60_000 });
        await page.getByRole("heading", { name: "Restored", exact: true }).waitFor();
        await picture(page, "restored");
        await assertSound(page);
        assert.equal((await root.collection("scores").getFullList()).length, 3);
        // A second restore took the newest data away for good, and nothing said so.
        const again = await openAs(server, "/_/#/restore/yesterday.zip");
        await again.getByText("You can still undo the restore of yesterday.zip. After this restore you can’t any more.").waitFor();
        await again.context().close();

        // It counted nothing of what it takes away.
        await root.collection("scores").create({ title: "eve" });
        await root.collection("scores").create({ title: "fay" });
        await root.collections.create({ name: "since", fields: [{ type: "text", name: "title" }] });
        const { id, fields } = await root.collections.getOne("scores");
        await root.collections.update(id, { fields: [...fields, { type: "number", name: "rank" }] });
        await reach("Undo …", "button");
        await page.keyboard.press("Enter");
        const asked = page.getByRole("dialog", { name: "Undo the restore?" });
        await asked.getByText("2 records that were made since would be gone, with 1 whole collection.").waitFor();
        const scores = asked.getByRole("listitem").filter({ hasText: "scores" });
        await scores.getByText("2 records made since would be gone; 1 deleted record would come back").waitFor();
        await scores.getByText("the field “rank” would be gone, with all values in it").waitFor();
        await asked.getByRole("listitem").filter({ hasText: "since" }).getByText("the collection would be gone").waitFor();
        await picture(page, "undo");
        await assertSound(page);
        await page.getByText("All data becomes what it was just before the restore:").waitFor();
        await reach("Undo the restore", "button");
        await page.keyboard.press("Enter");
        await page.getByText("Undone. The data that was there before is back.").waitFor({ timeout: 60_000 });
        await page.getByText("Check the data that was kept").waitFor();
        await page.getByRole("heading", { name: "Undone", exact: true }).waitFor();
        await page.getByText("you can go back to the data from before that undo.").waitFor();
        assert.equal((await root.collection("scores").getFullList()).length, 4);
        // It asked to undo the restore, which would have been put in place again.
        await reach("Undo …", "button");
        await page.keyboard.press("Enter");
        const further = page.getByRole("dialog", { name: "Undo the last undo?" });
        await further.getByText("All data becomes what it was just before the last undo:").waitFor();
        assert.equal(await further.getByText("restore").count(), 0);
        await further.getByRole("button", { name: "Undo the undo" }).waitFor();
        await page.keyboard.press("Escape");
        await assertSound(page);
        await page.context().close();
    });

    // It fell silent as soon as a mail server was named, whether that takes mails or not.
    test("an alarm that did not arrive is told on the first page", async () => {
        const nowhere = { enabled: true, bucket: "none", region: "r", endpoint: "http://127.0.0.1:9", accessKey: "a", secret: "b", forcePathStyle: true };
        await root.settings.update({ smtp: { enabled: true, host: "127.0.0.1", port: 9 }, backups: { alarmEmails: ["me@example.com"], s3: nowhere } });
        await root.backups.create("nowhere.zip").catch(() => undefined);
        for (let tries = 0; !(await root.send("/api/backups/status")).alarms.lastError; tries += 1) {
            assert.ok(tries < 300, "the alarm fails");
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
        await root.settings.update({ backups: { s3: { ...nowhere, enabled: false } } });
        const page = await openAs(server, "/_/");
        const advice = page.getByRole("listitem").filter({ hasText: "The last alarm did not arrive" });
        await advice.getByRole("link", { name: "Look at the alarms" }).waitFor();
        await picture(page, "undelivered");
        await assertSound(page);
        await page.context().close();
        await root.settings.update({ smtp: { enabled: false }, backups: { alarmEmails: [] } });
    });

    // Columns were missing until another collection was looked at.
    test("a page of records shows the columns and records that a restore or an undo brings", async () => {
        const { id } = await root.collections.create({ name: "knights", fields: [{ type: "text", name: "title" }] });
        await root.collection("knights").create({ title: "old" });
        await makeBackup("knights.zip");
        await root.collections.update(id, { fields: [...(await root.collections.getOne(id)).fields, { type: "text", name: "nick" }] });
        await root.collection("knights").create({ title: "new", nick: "ny" });
        const page = await openAs(server, "/_/#/data/knights");
        const nick = page.getByRole("columnheader", { name: "nick" });
        await page.getByRole("cell", { name: "ny" }).waitFor();
        await nick.waitFor();
        await root.backups.restore("knights.zip");
        await nick.waitFor({ state: "detached", timeout: 60_000 });
        await page.getByText("1 record", { exact: true }).waitFor();
        await idle();
        await root.send("/api/backups/undo-restore", { method: "POST" });
        await nick.waitFor({ timeout: 60_000 });
        await page.getByRole("cell", { name: "ny" }).waitFor();
        await page.context().close();
        await root.collections.delete("knights");
    });

    test("a collection that was made since is said to go, one that was deleted to come back", async () => {
        await root.collections.create({ name: "guilds", fields: [{ type: "text", name: "title" }] });
        await makeBackup("guilds.zip");
        await root.collections.delete("guilds");
        await root.collections.create({ name: "teams", fields: [{ type: "text", name: "title" }] });
        for (const title of ["a", "b"]) await root.collection("teams").create({ title });
        const page = await openAs(server, "/_/#/restore/guilds.zip");
        const [guilds, teams] = ["guilds", "teams"].map((name) => page.getByRole("row").filter({ hasText: name }));
        await guilds.getByText("the collection would come back").waitFor();
        assert.deepEqual(await teams.getByRole("cell").allTextContents(), ["–", "2", "the collection would be gone"]);
        await page.getByText("2 records that were made since would be gone, with 1 whole collection.").waitFor();
        assert.ok(await page.getByRole("button", { name: "Restore this backup" }).isDisabled());
        await assertStill(page);
        await assertSound(page);
        await page.context().close();
        await root.collections.delete("teams");
    });

    // It was green where records were changed since, and a difference of two numbers was shown as the number of new ones.
    test("changed records are told where none is new, and what is not known for sure is at least so many", async () => {
        const times = [{ type: "autodate", name: "created", onCreate: true }, { type: "autodate", name: "updated", onCreate: true, onUpdate: true }];
        await root.collections.create({ name: "prizes", fields: [{ type: "text", name: "title" }, ...times] });
        const { id } = await root.collection("prizes").create({ title: "cup" });
        await makeBackup("prizes.zip");
        await root.collection("prizes").update(id, { title: "medal" });
        const page = await openAs(server, "/_/#/restore/prizes.zip");
        await page.getByText("Nothing that was made since would be gone, but 1 changed record would be as before.").waitFor();
        await page.getByRole("row").filter({ hasText: "prizes" }).getByText("1 changed record would be as before").waitFor();
        await assertSound(page);
        await page.context().close();

        await root.collections.create({ name: "undated", fields: [{ type: "text", name: "title" }] });
        await root.collection("undated").create({ title: "none" });
        await makeBackup("undated.zip");
        // It said that at least 0 records would be gone.
        const none = await openAs(server, "/_/#/restore/undated.zip");
        await none.getByText("It is not known whether any record would be gone. Some collections don’t note when a record was made.").waitFor();
        assert.equal(await none.getByText("At least 0").count(), 0);
        await none.context().close();
        await root.collection("undated").create({ title: "one" });
        const other = await openAs(server, "/_/#/restore/undated.zip");
        await other.getByRole("row").filter({ hasText: "undated" }).getByText("at least 1 record made since would be gone").waitFor();
        await other.context().close();
        for (const name of ["prizes", "undated"]) await root.collections.delete(name);
    });

    // Nothing was said of it: a restore took a field away with all values in it, under a green sentence.
    test("fields, rules, indexes and settings that a restore changes are named", async () => {
        const made = { type: "autodate", name: "created", onCreate: true };
        const { id } = await root.collections.create({ name: "posts", createRule: null, fields: [{ type: "text", name: "title" }, { type: "text", name: "note" }, made] });
        await root.collection("posts").create({ title: "one" });
        await makeBackup("posts.zip");
        const region = (page) => page.getByRole("region", { name: "What is in it, against now" }).first();
        const same = await openAs(server, "/_/#/restore/posts.zip");
        await region(same).getByRole("row").filter({ hasText: "posts" }).waitFor();
        assert.equal(await region(same).getByText("What else changes").count(), 0);
        await same.context().close();

        const { fields } = await root.collections.getOne(id);
        const others = fields.filter(({ name }) => name !== "note").map((field) => (field.name === "title" ? { ...field, name: "headline" } : field));
        await root.collections.update(id, { fields: [...others, { type: "number", name: "score" }], createRule: "", indexes: ["CREATE INDEX `by_score` ON `posts` (`score`)"] });
        const { meta } = await root.settings.getAll();
        await root.settings.update({ meta: { ...meta, appName: "Another" } });
        const page = await openAs(server, "/_/#/restore/posts.zip", { viewport: PHONE });
        const told = region(page).getByRole("listitem").filter({ hasText: "posts" });
        for (const part of [
            "the field “score” would be gone, with all values in it",
            "the field “note” would come back",
            "the field “title” (now “headline”) would be as before",
            "the rule for creating would be as before",
            "the index “by_score” would be gone",
        ]) {
            await told.getByText(part).waitFor();
        }
        await region(page).getByRole("row").filter({ hasText: "posts" }).getByText("no record changes").waitFor();
        await region(page).getByText("These settings would be as before: name and addresses of the application.").waitFor();
        await region(page).getByText("It is not known whether any record would be gone.").or(region(page).getByText("but 1 field would be, with all values in it")).first().waitFor();
        assert.equal(await region(page).getByText("Nothing that was made since would be gone.").count(), 0);
        await assertFits(page);
        await assertSound(page);
        await picture(page, "restore-changes-phone");
        await page.context().close();

        // What an earlier version wrote down has none of it.
        const folder = join(server.directory, ".bosbase", "contents");
        for (const name of readdirSync(folder)) {
            const kept = JSON.parse(readFileSync(join(folder, name), "utf8"));
            delete kept.content.definitions;
            delete kept.content.settings;
            writeFileSync(join(folder, name), JSON.stringify(kept));
        }
        const older = await openAs(server, "/_/#/restore/posts.zip");
        await region(older).getByText("It is not known whether fields, rules and settings would change:").waitFor();
        await picture(older, "restore-changes-unknown");
        await region(older).getByRole("button", { name: "Verify it now" }).click();
        await region(older).getByText("the field “score” would be gone").waitFor();
        assert.equal(await region(older).getByText("It is not known whether fields").count(), 0);
        await older.context().close();
        await idle();
        await root.settings.update({ meta });
        await root.collections.delete("posts");
    });

    // The server says "Try again in a moment", and there was no way to do so but to load the page anew.
    test("what could not be read at first is read when somebody asks again", async () => {
        await makeBackup("again.zip");
        const page = await openAs(server);
        await page.route("**/api/backups/again.zip/content*", (route) => route.fulfill({ status: 503, json: { status: 503, message: "Counted for somebody else.", data: {} } }));
        await page.goto(`${server.url}/_/#/restore/again.zip`);
        await page.getByRole("alert").filter({ hasText: "Counted for somebody else." }).waitFor();
        await page.unroute("**/api/backups/again.zip/content*");
        await page.getByRole("button", { name: "Try again" }).click();
        await page.getByRole("region", { name: "What is in it, against now" }).first().waitFor();
        assert.equal(await page.getByRole("alert").count(), 0);
        await page.context().close();
        await root.backups.delete("again.zip");
    });

    // It said that nobody had proven it yet.
    test("of a backup that failed its proof the page of its restore says what a restore does", async () => {
        await makeBackup("damaged.zip");
        const path = join(server.directory, "backups", "damaged.zip");
        const damaged = readFileSync(path);
        damaged[Math.floor(damaged.length / 3)] ^= 0xff;
        writeFileSync(path, damaged);
        await assert.rejects(root.send("/api/backups/damaged.zip/verify", { method: "POST", headers: { Prefer: "wait=60" } }));
        await idle();
        const page = await openAs(server, "/_/#/restore/damaged.zip");
        await page.getByText("This backup did not pass its last proof:").waitFor();
        await page.getByText("A restore checks it once more, and changes nothing where it is broken.").waitFor();
        assert.equal(await page.getByText("has not been proven").count(), 0);
        await page.context().close();
        await root.backups.delete("damaged.zip");
    });

    test("a backup that is not there is said to be so, and so is a page", async () => {
        const page = await openAs(server, "/_/#/restore/nowhere.zip", { viewport: PHONE });
        await page.getByText("There is no backup called nowhere.zip.").waitFor();
        await assertFits(page);
        await page.goto(`${server.url}/_/#/nowhere`);
        await page.getByRole("heading", { name: "There is no such page" }).waitFor();
        await assertSound(page);
        await page.context().close();
    });

    test("a session that ended leads to the login, and back to where it was", async () => {
        const page = await openAs(server, "/_/#/restore/yesterday.zip");
        await page.getByRole("heading", { name: "Restore a backup" }).waitFor();
        await root.collection("_superusers").update(root.authStore.record.id, { password: "correct-horse-2", passwordConfirm: "correct-horse-2" });
        await root.collection("_superusers").authWithPassword(EMAIL, "correct-horse-2");
        await page.reload();
        await page.getByText("Your session is over.").waitFor();
        await root.collection("_superusers").update(root.authStore.record.id, { password: PASSWORD, passwordConfirm: PASSWORD });
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        await logIn(page);
        await page.getByRole("heading", { name: "Restore a backup" }).waitFor();
        await page.context().close();
    });
});

describe("first run", { concurrency: false }, () => {
    let server;

    before(async () => {
        [server] = await Promise.all([startServer({ superuser: false }), openBrowser()]);
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
    });

    test("the link that the server prints makes the first superuser, once", async () => {
        const [, path] = await until(() => server.log().match(/http:\/\/[^/]+(\/_\/#\/pbinstal\/\S+)/), "the link");
        const page = await openPage(server, path);
        await page.getByLabel("Email address").fill("first@example.com");
        await page.getByLabel("Password", { exact: true }).fill("short");
        await page.getByLabel("Repeat the password").fill("shorter");
        await page.keyboard.press("Enter");
        await page.getByText("The two passwords differ.").waitFor();
        await page.getByLabel("Repeat the password").fill("short");
        assert.equal(await page.getByText("The two passwords differ.").count(), 0);
        await page.keyboard.press("Enter");
        await page.getByText("Must be at least 8 character(s).").waitFor();
        await picture(page, "first-run");
        await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
        await page.getByLabel("Repeat the password").fill(PASSWORD);
        await page.keyboard.press("Enter");
        await page.getByText("There is no backup yet.").waitFor();
        await assertSound(page, ["400"]);
        const root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword("first@example.com", PASSWORD);
        const all = await root.collection("_superusers").getFullList();
        assert.deepEqual(all.map((one) => one.email), ["first@example.com"]);
        await page.context().close();

        const again = await openPage(server, path);
        await again.getByLabel("Email address").fill("second@example.com");
        await again.getByLabel("Password", { exact: true }).fill(PASSWORD);
        await again.getByLabel("Repeat the password").fill(PASSWORD);
        await again.keyboard.press("Enter");
        await again.getByText("This link is no longer valid.").waitFor();
        assert.equal((await root.collection("_superusers").getFullList()).length, 1);
        await again.context().close();
    });
});
