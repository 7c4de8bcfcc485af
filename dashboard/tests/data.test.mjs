// Collections and their records: looked at, found, made, changed and deleted; and who may do that.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, holdBack, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

const FIELDS = [
    { type: "text", name: "title", required: true },
    { type: "number", name: "points" },
    { type: "bool", name: "done" },
    { type: "select", name: "colour", values: ["red", "green"], maxSelect: 1 },
    { type: "select", name: "tags", values: ["new", "old"], maxSelect: 2 },
    { type: "json", name: "extra" },
    { type: "date", name: "due" },
    { type: "email", name: "mail" },
    { type: "url", name: "site" },
    { type: "editor", name: "story" },
    { type: "geoPoint", name: "place" },
    { type: "file", name: "picture", maxSelect: 1 },
    { type: "file", name: "papers", maxSelect: 5 },
];

describe("data", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        const { id } = await root.collections.create({ name: "players", fields: [{ type: "text", name: "name" }] });
        await root.collection("players").create({ id: "player000000001", name: "ann" });
        await root.collections.create({ name: "scores", fields: [...FIELDS, { type: "relation", name: "player", collectionId: id, maxSelect: 1 }] });
        for (let number = 1; number <= 60; number += 1) await root.collection("scores").create({ title: `score ${String(number).padStart(2, "0")}`, points: number });
    });
    after(() => end(server));

    test("records are paged, sorted, searched and filtered", async () => {
        const page = await openAs(server, "/_/#/data/scores");
        await page.getByText("60 records").waitFor();
        await page.getByText("Page 1 of 2").waitFor();
        await page.getByRole("button", { name: "Next" }).click();
        await page.getByText("Page 2 of 2").waitFor();
        await page.getByRole("button", { name: "points" }).click();
        await page.getByRole("button", { name: "points" }).click();
        const first = page.getByRole("table").getByRole("row").nth(1);
        await first.getByText("score 60").waitFor();
        await page.getByRole("searchbox").fill("points > 10 && points <= 12");
        await page.getByText("2 records").waitFor();
        await page.getByRole("searchbox").fill("score 07");
        await page.getByText("1 record", { exact: true }).waitFor();
        await first.getByText("score 07").waitFor();
        await page.getByRole("searchbox").fill("nowhere > 1");
        // It said no more than that something went wrong.
        await page.getByRole("alert").getByText(/^This can’t be searched: .*unknown field "nowhere"/).waitFor();
        // What was found before stood there as if it were the answer.
        assert.equal(await page.getByRole("table").count(), 0);
        assert.equal(await page.getByText("1 record", { exact: true }).count(), 0);
        await page.getByRole("searchbox").fill("");
        await page.getByText("60 records").waitFor();
        await picture(page, "data", false);
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    test("a record is made with every type of field, changed, and deleted", async () => {
        const page = await openAs(server, "/_/#/data/scores");
        await page.getByRole("button", { name: "New record" }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.getByText("Cannot be blank.").waitFor();
        await drawer.getByLabel("title *").fill("the one");
        await drawer.getByLabel("points").fill("12.5");
        await drawer.getByLabel("done").check();
        await drawer.getByRole("combobox", { name: "colour" }).selectOption("green");
        await drawer.getByLabel("new", { exact: true }).check();
        await drawer.getByLabel("old", { exact: true }).check();
        await drawer.getByLabel("extra").fill("{nonsense");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.getByText("This is no JSON.").waitFor();
        await drawer.getByLabel("extra").fill('{"level": 3}');
        // What is no number was saved as 0.
        await drawer.getByLabel("points").fill("12,5");
        await drawer.getByLabel("place: longitude").fill("east");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.getByText("This is no number.").nth(2).waitFor();
        await drawer.getByLabel("points").fill("12.5");
        await drawer.getByLabel("due").fill("2026-11-23 06:17:03.216Z");
        await drawer.getByLabel("mail").fill("a@example.com");
        await drawer.getByLabel("site").fill("https://example.com");
        await drawer.getByLabel("story").fill("<p>long ago</p>");
        await drawer.getByLabel("place: longitude").fill("7.5");
        await drawer.getByLabel("place: latitude").fill("50.25");
        await drawer.getByLabel("Find a record for player").fill("ann");
        await drawer.getByRole("button", { name: /^ann/ }).click();
        await drawer.getByLabel("Add to picture").setInputFiles({ name: "cat.txt", mimeType: "text/plain", buffer: Buffer.from("a cat") });
        const paper = (name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) });
        await drawer.getByLabel("Add to papers").setInputFiles([paper("one.txt"), paper("two.txt")]);
        await picture(page, "record", false);
        await assertSound(page, ["400"]);
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });

        const made = await root.collection("scores").getFirstListItem('title = "the one"');
        const { points, done, colour, tags, extra, due, mail, site, story, place, player, picture: cat, papers } = made;
        assert.deepEqual(
            { points, done, colour, tags, extra, due, mail, site, story, place, player },
            { points: 12.5, done: true, colour: "green", tags: ["new", "old"], extra: { level: 3 }, due: "2026-11-23 06:17:03.216Z", mail: "a@example.com", site: "https://example.com", story: "<p>long ago</p>", place: { lon: 7.5, lat: 50.25 }, player: "player000000001" },
        );
        assert.equal(await (await fetch(root.files.getURL(made, cat))).text(), "a cat");
        assert.equal(papers.length, 2);

        await page.getByRole("searchbox").fill("the one");
        await page.getByRole("button", { name: made.id }).click();
        await drawer.getByRole("button", { name: `Remove ${papers[0]}` }).click();
        await drawer.getByLabel("Add to papers").setInputFiles(paper("three.txt"));
        await drawer.getByLabel("points").fill("13");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        const changed = await root.collection("scores").getOne(made.id);
        assert.equal(changed.points, 13);
        assert.equal(changed.picture, cat);
        assert.deepEqual([changed.papers[0], changed.papers.length], [papers[1], 2]);
        assert.deepEqual([changed.extra, changed.tags], [{ level: 3 }, ["new", "old"]]);

        await page.getByRole("button", { name: made.id }).click();
        await drawer.getByRole("button", { name: "Delete …" }).click();
        // One record is asked about, and needs no typing.
        await page.getByRole("dialog").getByText("No other record is deleted.").waitFor();
        await page.getByRole("button", { name: "Delete the record" }).click();
        await page.getByText("No record matches.").waitFor();
        assert.equal((await root.collection("scores").getList(1, 1)).totalItems, 60);
        await page.context().close();
    });

    test("a user is made with a password, and can log in", async () => {
        const page = await openAs(server, "/_/#/data/users");
        await page.getByRole("button", { name: "New record" }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByLabel("email *").fill("user@example.com");
        await drawer.getByLabel("password *").fill("user-1234");
        // It stood at the end, and was not there before a password was typed.
        assert.deepEqual(await drawer.getByLabel(/password/i).evaluateAll((all) => all.map((one) => one.labels[0].textContent)), ["password *", "Repeat the password"]);
        await drawer.getByLabel("Repeat the password").fill("user-12345");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.getByText("The two passwords differ.").waitFor();
        await drawer.getByLabel("Repeat the password").fill("user-1234");
        assert.equal(await drawer.getByText("The two passwords differ.").count(), 0);
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        await new PocketBase(server.url).collection("users").authWithPassword("user@example.com", "user-1234");
        await page.context().close();
    });

    test("a collection is made, filled with fields, changed with care, and deleted by its name", async () => {
        const page = await openAs(server, "/_/#/data");
        await page.getByRole("button", { name: "New collection" }).click();
        await page.getByLabel("Name").fill("no spaces please");
        await page.getByRole("button", { name: "Create the collection" }).click();
        await page.getByRole("dialog").locator(".wrong").waitFor();
        // The server takes two names for the same that differ in capital letters alone: this is said before it refuses.
        await page.getByLabel("Name").fill("Scores");
        await page.getByText("There is a collection called scores already. Capital and small letters make no difference.").waitFor();
        await picture(page, "new-collection-taken", false);
        const refused = page.waitForResponse((answer) => answer.status() === 400);
        await page.getByRole("button", { name: "Create the collection" }).click();
        await refused;
        await page.getByText("There is a collection called scores already.").waitFor();
        await page.getByLabel("Name").fill("levels");
        await page.getByLabel("With the times of making").uncheck();
        await page.getByLabel("Name").press("Enter");
        await page.getByRole("heading", { name: "levels" }).waitFor();
        const add = async (type, name) => {
            await page.getByLabel("Add a field").selectOption(type);
            await page.getByLabel("Name", { exact: true }).last().fill(name);
        };
        await add("text", "title");
        await page.getByLabel("required").last().check();
        await add("select", "kind");
        await page.getByLabel("Values, one a line").fill("easy\nhard\nneither, nor");
        await add("relation", "player");
        await page.getByLabel("Relates to").selectOption({ label: "players" });
        await add("number", "not allowed!");
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.locator(".schema .wrong").waitFor();
        await page.getByLabel("Name", { exact: true }).last().fill("depth");
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        // A value with a comma in it became two at any change.
        await page.getByLabel("Values, one a line").press("Control+End");
        await page.getByLabel("Values, one a line").pressSequentially("\nboth");
        await page.getByRole("button", { name: "Save the fields" }).click();
        await until(async () => (await root.collections.getOne("levels")).fields.some((field) => field.values?.join("|") === "easy|hard|neither, nor|both"), "the values");
        await root.collection("levels").create({ title: "one", kind: "hard", player: "player000000001", depth: 4 });

        await page.getByLabel("Name", { exact: true }).nth(1).fill("label");
        await page.getByRole("button", { name: "Remove the field depth" }).click();
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByLabel("Type the name of the collection, “levels”, to go on").fill("levels");
        await picture(page, "fields", false);
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Delete them and save" }).click();
        await page.getByText("Saved.").waitFor();
        const kept = await root.collection("levels").getFirstListItem("");
        assert.deepEqual([kept.label, kept.kind, kept.player, kept.depth], ["one", "hard", "player000000001", undefined]);

        await page.getByRole("button", { name: "Delete the collection …" }).click();
        await page.getByLabel("Type the name of the collection, “levels”, to go on").fill("levels");
        await page.getByRole("button", { name: "Delete the collection", exact: true }).click();
        await page.getByRole("link", { name: "levels" }).waitFor({ state: "detached" });
        assert.ok(!(await root.collections.getFullList()).some((one) => one.name === "levels"));
        await page.context().close();
    });

    test("two new fields whose names were refused stay two", async () => {
        await root.collections.create({ name: "nameless", fields: [] });
        const page = await openAs(server, "/_/#/data/nameless/fields");
        for (const type of ["text", "number"]) await page.getByLabel("Add a field").selectOption(type);
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.locator(".schema .wrong").first().waitFor();
        // They shared a key: what was typed into one went into both, and one was lost.
        const names = page.getByLabel("Name", { exact: true });
        const count = await names.count();
        await names.nth(count - 2).fill("title");
        assert.equal(await names.nth(count - 1).inputValue(), "");
        await names.nth(count - 1).fill("points");
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        const kinds = (await root.collections.getOne("nameless")).fields.map((field) => `${field.name} ${field.type}`);
        assert.deepEqual(kinds, ["id text", "title text", "points number"]);
        await root.collections.delete("nameless");
        await page.context().close();
    });

    test("fields that others add or change while the page is open stay, and who changes the same field is told", async () => {
        await root.collections.create({ name: "shared", fields: [{ type: "text", name: "title" }, { type: "select", name: "kind", values: ["easy"], maxSelect: 1 }, { type: "text", name: "note" }] });
        await root.collection("shared").create({ id: "shared000000001", title: "one", note: "n" });
        const elsewhere = async (change) => root.collections.update("shared", { fields: change((await root.collections.getOne("shared")).fields) });
        const renamed = (from, to) => (fields) => fields.map((field) => (field.name === from ? { ...field, name: to } : field));
        const names = async () => (await root.collections.getOne("shared")).fields.map((field) => field.name);

        const page = await openAs(server, "/_/#/data/shared/fields");
        const save = page.getByRole("button", { name: "Save the fields" });
        await save.waitFor();
        await elsewhere((fields) => [...fields.map((field) => (field.name === "kind" ? { ...field, values: ["easy", "hard"] } : field)), { type: "text", name: "precious" }]);
        await root.collection("shared").update("shared000000001", { precious: "data", kind: "hard" });
        await page.getByLabel("Name", { exact: true }).nth(1).fill("label");
        await save.click();
        await page.getByText("Saved.").waitFor();
        assert.deepEqual(await names(), ["id", "label", "kind", "note", "precious"]);
        const { label, kind, precious } = await root.collection("shared").getOne("shared000000001");
        assert.deepEqual([label, kind, precious], ["one", "hard", "data"]);
        assert.equal(await page.getByLabel("Name", { exact: true }).nth(4).inputValue(), "precious");
        assert.equal(await page.getByLabel("Values, one a line").inputValue(), "easy\nhard");

        // Both rename the same; and what is to be deleted has become another.
        await elsewhere(renamed("note", "remark"));
        await page.getByLabel("Name", { exact: true }).nth(3).fill("comment");
        await save.click();
        await page.getByText("The field note was changed meanwhile.").waitFor();
        assert.ok((await names()).includes("remark"));
        await page.reload();
        await page.getByRole("button", { name: "Remove the field remark" }).click();
        await elsewhere(renamed("remark", "kept"));
        await save.click();
        await page.getByLabel("Type the name of the collection, “shared”, to go on").fill("shared");
        await page.getByRole("button", { name: "Delete them and save" }).click();
        await page.getByText("The field remark was changed meanwhile.").waitFor();
        assert.equal((await root.collection("shared").getOne("shared000000001")).kept, "n");

        // A new field does not take the place of one with its name; a field that is gone does not come back empty.
        await page.reload();
        await page.getByLabel("Add a field").selectOption("text");
        await page.getByLabel("Name", { exact: true }).last().fill("Extra");
        await elsewhere((fields) => [...fields, { type: "text", name: "extra" }]);
        await save.click();
        await page.getByText("The field Extra was changed meanwhile.").waitFor();
        await page.reload();
        await page.getByLabel("Name", { exact: true }).nth(1).fill("heading");
        await elsewhere((fields) => fields.filter((field) => field.name !== "label"));
        await save.click();
        await page.getByText("The field label was deleted meanwhile.").waitFor();
        assert.deepEqual(await names(), ["id", "kind", "kept", "precious", "extra"]);
        await assertSound(page);
        await page.context().close();
    });

    // The schema page showed what had been saved, and what was typed into it meanwhile was gone.
    test("what is typed while fields are saved stays where it was typed, and is saved next", async () => {
        await root.collections.create({ name: "drafts", fields: [{ type: "text", name: "title" }, { type: "text", name: "note" }, { type: "text", name: "old" }] });
        const names = async () => (await root.collections.getOne("drafts")).fields.map((field) => field.name);
        const page = await openAs(server, "/_/#/data/drafts/fields");
        const name = (index) => page.getByLabel("Name", { exact: true }).nth(index);
        const save = page.getByRole("button", { name: "Save the fields" });
        await name(1).fill("heading");
        await page.getByLabel("Add a field").selectOption("number");
        await name(4).fill("points");
        const saving = await holdBack(page, "PATCH", /\/api\/collections\//);
        await save.click();
        await saving.asked;
        await name(4).press("End");
        await name(4).pressSequentially("_all");
        await name(2).fill("remark");
        await page.getByRole("button", { name: "Remove the field old" }).click();
        await page.getByLabel("Add a field").selectOption("bool");
        await name(4).fill("done");
        await root.collections.update("drafts", { listRule: "" });
        saving.release();
        await page.getByText("Saved.").waitFor();
        assert.deepEqual(await names(), ["id", "heading", "note", "old", "points"]);
        assert.ok(await name(4).evaluate((input) => input === document.activeElement), "the focus is lost");
        const typed = () => page.getByLabel("Name", { exact: true }).evaluateAll((inputs) => inputs.map((input) => input.value));
        assert.deepEqual(await typed(), ["id", "heading", "remark", "points_all", "done"]);
        await save.click();
        await page.getByLabel("Type the name of the collection, “drafts”, to go on").fill("drafts");
        await page.getByRole("button", { name: "Delete them and save" }).click();
        await until(async () => (await names()).includes("done"), "the fields that were typed meanwhile");
        assert.deepEqual(await names(), ["id", "heading", "remark", "points_all", "done"]);
        assert.equal((await root.collections.getOne("drafts")).listRule, "");
        await page.context().close();
    });

    // The drawer closed once a record was saved, with all that had been typed since.
    test("a collection is renamed, and the page goes on with what was typed on it", async () => {
        await root.collections.create({ name: "before", fields: [{ type: "text", name: "title" }], listRule: "" });
        await root.collection("before").create({ title: "kept" });
        const page = await openAs(server, "/_/#/data/before/fields");
        const form = page.getByRole("form", { name: "Rename" });
        await form.getByLabel("Name of the collection").fill("Scores");
        await form.getByText("There is a collection called scores already.").waitFor();
        await form.getByLabel("Name of the collection").fill("Before");
        await form.locator(".wrong").waitFor({ state: "detached" });
        await form.getByLabel("Name of the collection").fill("scores");
        // Somebody who types elsewhere when the refusal comes goes on typing there.
        let refuse;
        const refused = new Promise((go) => (refuse = go));
        await page.route("**/api/collections/*", async (asked) => {
            if (asked.request().method() === "PATCH") await refused;
            await asked.continue();
        });
        await form.getByRole("button", { name: "Rename" }).click();
        const heading = page.getByLabel("Name", { exact: true }).nth(1);
        await heading.fill("head");
        refuse();
        await form.getByRole("alert").waitFor();
        await page.keyboard.type("ing");
        assert.equal(await heading.inputValue(), "heading");
        await page.unroute("**/api/collections/*");
        await form.getByLabel("Name of the collection").fill("afterwards");
        await picture(page, "rename");
        await assertSound(page, ["400"]);
        await form.getByRole("button", { name: "Rename" }).click();
        await page.getByRole("heading", { name: "afterwards" }).waitFor();
        await form.getByText("Saved.").waitFor();
        assert.ok(page.url().endsWith("/_/#/data/afterwards/fields"), page.url());
        // The form comes anew with the new name, and then has what was typed.
        await until(async () => (await page.getByLabel("Name", { exact: true }).nth(1).inputValue()) === "heading", "what was typed");
        await page.getByRole("button", { name: "Save the fields" }).click();
        await until(async () => (await root.collections.getOne("afterwards")).fields.some((field) => field.name === "heading"), "the field");
        assert.equal((await new PocketBase(server.url).collection("afterwards").getFullList())[0].heading, "kept");
        await page.getByRole("link", { name: "Records", exact: true }).click();
        await page.getByText("kept").waitFor();
        await page.goto(`${server.url}/_/#/data/_superusers/fields`);
        await page.getByRole("heading", { name: "_superusers" }).waitFor();
        assert.equal(await page.getByRole("form", { name: "Rename" }).count(), 0);
        await page.context().close();
    });

    test("no page moves while it comes", async () => {
        const page = await openAs(server);
        for (const path of ["", "data/scores", "data/scores/fields", "data/scores/indexes", "data/scores/rules", "data/users/login", "transfer", "crons", "settings", "logs"]) {
            await page.goto(`${server.url}/_/#/${path}`);
            await assertStill(page);
        }
        await page.context().close();
    });

    test("where the application hides its controls, rules are not offered", async () => {
        const meta = (await root.settings.getAll()).meta;
        await root.settings.update({ meta: { ...meta, hideControls: true } });
        const page = await openAs(server, "/_/#/data/scores", { viewport: PHONE });
        await page.getByText("60 records").waitFor();
        assert.equal(await page.getByRole("link", { name: "Rules" }).count(), 0);
        assert.equal(await page.getByRole("button", { name: "New collection" }).count(), 0);
        await assertFits(page);
        await picture(page, "data-phone");
        await assertSound(page);
        await root.settings.update({ meta });
        await page.reload();
        await page.getByRole("link", { name: "Rules" }).waitFor();
        await page.context().close();
    });

    test("the log is read, filtered, and each line opened", async () => {
        await fetch(`${server.url}/api/collections/nowhere/records`, { headers: { "User-Agent": "a stranger's agent" } });
        const page = await openAs(server, "/_/#/logs", { viewport: PHONE });
        await page.getByText("Lines an hour").waitFor({ timeout: 30_000 });
        await page.getByRole("searchbox").fill("data.status = 404");
        // Lines are stored every three seconds.
        const line = page.locator("summary").filter({ hasText: "/api/collections/nowhere/records" });
        for (let tries = 0; tries < 8 && (await line.count()) === 0; tries += 1) {
            await page.waitForTimeout(1000);
            await page.getByRole("searchbox").fill(`data.status = 404${" ".repeat(tries % 2)}`);
        }
        await line.first().click();
        await page.getByText('"status": 404').first().waitFor();
        // Words are found in what is stored with a line as well.
        await page.getByRole("searchbox").fill("a stranger’s agent");
        await page.getByText("No lines match.").waitFor();
        await page.getByRole("searchbox").fill("a stranger's agent");
        await line.first().waitFor();
        await assertFits(page);
        await picture(page, "logs-phone", false);
        await assertSound(page);
        await page.context().close();
    });

    // The lines of an application stood among hundreds of the page's own.
    test("requests by superusers are left out of the log until they are asked for, and this is remembered", async () => {
        await fetch(`${server.url}/api/collections/elsewhere/records`);
        await root.send("/api/collections/of_root/records", {}).catch(() => null);
        // Lines are stored every three seconds.
        const stored = async (path) => (await root.logs.getList(1, 1, { filter: root.filter("data.url ~ {:path}", { path }) })).totalItems > 0;
        for (const path of ["elsewhere", "of_root"]) await until(() => stored(path), path);
        const page = await openAs(server, "/_/#/logs");
        const line = (path) => page.locator("summary").filter({ hasText: `/api/collections/${path}/records` });
        const choice = page.getByLabel("Show requests by superusers");
        const all = () => page.getByText(/^[\d,]+ lines?$/).innerText();
        await line("elsewhere").first().waitFor();
        assert.equal(await line("of_root").count(), 0);
        assert.equal(await page.locator("summary").filter({ hasText: "/api/backups/status" }).count(), 0);
        await picture(page, "logs");
        await assertSound(page);
        // The bars tell of the same lines, and a filter holds as well, also one that ends in a comment.
        const few = await all();
        await page.getByRole("searchbox").fill("data.url ~ 'collections' || data.url ~ 'backups' // both");
        await until(async () => (await all()) !== few, "the answer");
        await line("elsewhere").first().waitFor();
        assert.equal(await line("of_root").count(), 0);
        await choice.check();
        await line("of_root").first().waitFor();
        await page.getByRole("searchbox").fill("");
        await page.reload();
        await line("of_root").first().waitFor();
        assert.ok(await choice.isChecked());
        await choice.uncheck();
        await line("of_root").first().waitFor({ state: "detached" });
        await assertStill(page);
        await page.context().close();
    });
});
