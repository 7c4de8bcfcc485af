// Collections and their records: looked at, found, made, changed and deleted; and who may do that.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer, until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, closeBrowser, holdBack, openAs, openBrowser, picture } from "./browser.mjs";

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
        [server] = await Promise.all([startServer(), openBrowser()]);
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        const { id } = await root.collections.create({ name: "players", fields: [{ type: "text", name: "name" }] });
        await root.collection("players").create({ id: "player000000001", name: "ann" });
        await root.collections.create({ name: "scores", fields: [...FIELDS, { type: "relation", name: "player", collectionId: id, maxSelect: 1 }] });
        for (let number = 1; number <= 60; number += 1) await root.collection("scores").create({ title: `score ${String(number).padStart(2, "0")}`, points: number });
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
    });

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
        await page.getByRole("alert").waitFor();
        await page.getByRole("searchbox").fill("");
        await page.getByText("60 records").waitFor();
        await picture(page, "data", false);
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    test("a record is made with every type of field, changed, and deleted by its name", async () => {
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
        await drawer.getByRole("button", { name: `Take out ${papers[0]}` }).click();
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
        await page.getByLabel("Type its name to go on").fill(made.id);
        await page.getByRole("button", { name: "Delete the record" }).click();
        await page.getByText("No record matches.").waitFor();
        assert.equal((await root.collection("scores").getList(1, 1)).totalItems, 60);
        await page.context().close();
    });

    test("what others write while a record is open stays, and so do large integers", async () => {
        await root.collections.create({
            name: "things",
            fields: [{ type: "text", name: "title" }, { type: "text", name: "note" }, { type: "number", name: "points" }, { type: "json", name: "extra" }, { type: "json", name: "number" }, { type: "json", name: "word" }],
        });
        const extra = '{"far":{"down":[-9007199254740993]},"id":9007199254740993,"list":[1.5,{},[],"a, \\"b\\": {c}"]}';
        // As texts: JavaScript would round the integers.
        await root.collection("things").create({ id: "thing0000000001", title: "one", note: "first", points: 1, extra, number: "9007199254740993", word: '"12"' });
        const stored = async () => (await fetch(`${server.url}/api/collections/things/records/thing0000000001`, { headers: { Authorization: root.authStore.token } })).text();
        const has = async (...parts) => {
            const text = await stored();
            for (const part of parts) assert.ok(text.includes(part), `${part} in ${text}`);
        };
        await has(`"extra":${extra}`, '"number":9007199254740993', '"word":"12"');

        const page = await openAs(server, "/_/#/data/things");
        const drawer = page.getByRole("dialog");
        const row = page.getByRole("button", { name: "thing0000000001" });
        const open = async () => {
            await row.click();
            await drawer.getByLabel("title").waitFor();
        };
        const save = async () => {
            await drawer.getByRole("button", { name: "Save" }).click();
            await drawer.waitFor({ state: "detached" });
        };
        await row.waitFor();
        // Written after the list was shown, and after the record was opened.
        await root.collection("things").update("thing0000000001", { note: "second" });
        await open();
        assert.equal(await drawer.getByLabel("note").inputValue(), "second");
        await root.collection("things").update("thing0000000001", { note: "third", points: 77 });
        await drawer.getByLabel("title").fill("two");
        await save();
        await has('"title":"two"', '"note":"third"', '"points":77', `"extra":${extra}`, '"number":9007199254740993', '"word":"12"');

        // Where JSON is edited, the digits of the rest stay.
        await open();
        const shown = await drawer.getByLabel("extra").inputValue();
        assert.match(shown, /^\{\n {2}"far": \{\n {4}"down": \[\n {6}-9007199254740993\n {4}\]\n {2}\},\n {2}"id": 9007199254740993,\n {2}"list": \[\n {4}1\.5,\n {4}\{\},/);
        await drawer.getByLabel("extra").fill(shown.replace("1.5", "2.25"));
        assert.equal(await drawer.getByLabel("number").inputValue(), "9007199254740993");
        await drawer.getByLabel("number").fill("9007199254740995");
        assert.equal(await drawer.getByLabel("word").inputValue(), '"12"');
        await drawer.getByLabel("word").fill('"13"');
        await save();
        await has(extra.replace("1.5", "2.25"), '"number":9007199254740995', '"word":"13"');

        await open();
        await drawer.getByLabel("number").fill("");
        await save();
        await has('"number":null');

        // A record that is gone says so.
        await root.collection("things").delete("thing0000000001");
        await row.click();
        await drawer.getByRole("alert").waitFor();
        await assertSound(page, ["404"]);
        await page.context().close();
    });

    test("a user is made with a password, and can log in", async () => {
        const page = await openAs(server, "/_/#/data/users");
        await page.getByRole("button", { name: "New record" }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByLabel("email *").fill("user@example.com");
        await drawer.getByLabel("password *").fill("user-1234");
        await drawer.getByLabel("The same password once more").fill("user-1234");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        await new PocketBase(server.url).collection("users").authWithPassword("user@example.com", "user-1234");
        await page.context().close();
    });

    test("rules are saved, and the server's complaint stands beside the rule that it is about", async () => {
        const page = await openAs(server, "/_/#/data/scores/rules");
        const list = page.getByRole("group", { name: "List and search" });
        await list.getByLabel("Superusers only").uncheck();
        await list.getByText("Everyone, also without logging in.").waitFor();
        await list.getByRole("textbox").fill("nowhere = 1");
        await page.getByRole("button", { name: "Save the rules" }).click();
        await list.locator(".wrong").waitFor();
        assert.equal((await root.collections.getOne("scores")).listRule, null);
        await list.getByRole("textbox").fill("points > 58");
        // What another client changes meanwhile stays.
        await root.collections.update("scores", { viewRule: "points > 1" });
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("Saved.", { exact: true }).waitFor();
        assert.equal((await new PocketBase(server.url).collection("scores").getList()).totalItems, 2);
        assert.equal((await root.collections.getOne("scores")).viewRule, "points > 1");
        await picture(page, "rules", false);
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    test("a collection is made, filled with fields, changed with care, and deleted by its name", async () => {
        const page = await openAs(server, "/_/#/data");
        await page.getByRole("button", { name: "New collection" }).click();
        await page.getByLabel("Name").fill("no spaces please");
        await page.getByRole("button", { name: "Create the collection" }).click();
        await page.getByRole("dialog").locator(".wrong").waitFor();
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
        await page.getByRole("button", { name: "Take out the field depth" }).click();
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByLabel("Type its name to go on").fill("levels");
        await picture(page, "fields", false);
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Delete them and save" }).click();
        await page.getByText("Saved.").waitFor();
        const kept = await root.collection("levels").getFirstListItem("");
        assert.deepEqual([kept.label, kept.kind, kept.player, kept.depth], ["one", "hard", "player000000001", undefined]);

        await page.getByRole("button", { name: "Delete the collection …" }).click();
        await page.getByLabel("Type its name to go on").fill("levels");
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
        await page.getByRole("button", { name: "Take out the field remark" }).click();
        await elsewhere(renamed("remark", "kept"));
        await save.click();
        await page.getByLabel("Type its name to go on").fill("shared");
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
        await page.getByRole("button", { name: "Take out the field old" }).click();
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
        await page.getByLabel("Type its name to go on").fill("drafts");
        await page.getByRole("button", { name: "Delete them and save" }).click();
        await until(async () => (await names()).includes("done"), "the fields that were typed meanwhile");
        assert.deepEqual(await names(), ["id", "heading", "remark", "points_all", "done"]);
        assert.equal((await root.collections.getOne("drafts")).listRule, "");
        await page.context().close();
    });

    // The drawer closed once a record was saved, with all that had been typed since.
    test("what is typed while a record is saved stays in its drawer, and is saved next", async () => {
        await root.collections.create({ name: "letters", fields: [{ type: "text", name: "title" }, { type: "json", name: "extra" }, { type: "geoPoint", name: "place" }, { type: "file", name: "papers", maxSelect: 9 }] });
        const page = await openAs(server, "/_/#/data/letters");
        const drawer = page.getByRole("dialog");
        const paper = (name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) });
        await page.getByRole("button", { name: "New record" }).click();
        await drawer.getByLabel("title").fill("one");
        await drawer.getByLabel("place: longitude").fill("7.5");
        await drawer.getByLabel("Add to papers").setInputFiles(paper("one.txt"));
        const making = await holdBack(page, "POST", /\/records$/);
        await drawer.getByRole("button", { name: "Save" }).click();
        await making.asked;
        await drawer.getByLabel("title").fill("one and more");
        await drawer.getByLabel("place: latitude").fill("50.25");
        await drawer.getByLabel("Add to papers").setInputFiles(paper("two.txt"));
        making.release();
        await drawer.getByText("Saved. What you typed since then is not saved yet.").waitFor();
        const made = await root.collection("letters").getFirstListItem("");
        assert.deepEqual([made.title, made.place, made.papers.length], ["one", { lon: 7.5, lat: 0 }, 1]);
        assert.equal(await drawer.getByLabel("title").inputValue(), "one and more");
        assert.equal(await drawer.getByLabel("id", { exact: true }).inputValue(), made.id);
        await drawer.getByRole("button", { name: `Take out ${made.papers[0]}` }).waitFor();
        await picture(page, "record-typed-meanwhile", false);
        await assertSound(page);
        const changing = await holdBack(page, "PATCH", /\/records\//);
        await drawer.getByRole("button", { name: "Save" }).click();
        await changing.asked;
        await drawer.getByLabel("extra").fill('{"a": 9007199254740993}');
        changing.release();
        await drawer.getByText("Saved. What you typed since then is not saved yet.").waitFor();
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        const now = await root.collection("letters").getOne(made.id);
        assert.deepEqual([now.title, now.place], ["one and more", { lon: 7.5, lat: 50.25 }]);
        assert.deepEqual(now.papers.map((name) => name.split("_")[0]), ["one", "two"]);
        const text = await (await fetch(`${server.url}/api/collections/letters/records/${made.id}`, { headers: { Authorization: root.authStore.token } })).text();
        assert.ok(text.includes('"extra":{"a":9007199254740993}'), text);

        // Who closes the drawer meanwhile and opens another record works there undisturbed.
        const other = await root.collection("letters").create({ title: "two" });
        await page.reload();
        await page.getByRole("button", { name: made.id }).click();
        await drawer.getByLabel("title").fill("three");
        const late = await holdBack(page, "PATCH", new RegExp(made.id));
        await drawer.getByRole("button", { name: "Save" }).click();
        await late.asked;
        await page.keyboard.press("Escape");
        await page.getByRole("button", { name: other.id }).click();
        await drawer.getByLabel("title").fill("two and more");
        late.release();
        await page.getByRole("cell", { name: "three" }).waitFor();
        assert.equal(await drawer.getByLabel("title").inputValue(), "two and more");
        await page.context().close();
    });

    test("a collection is renamed, and the page goes on with what was typed on it", async () => {
        await root.collections.create({ name: "before", fields: [{ type: "text", name: "title" }], listRule: "" });
        await root.collection("before").create({ title: "kept" });
        const page = await openAs(server, "/_/#/data/before/fields");
        const form = page.getByRole("form", { name: "Rename" });
        await form.getByLabel("Name of the collection").fill("scores");
        await form.getByRole("button", { name: "Rename" }).click();
        await form.locator(".wrong").waitFor();
        await page.getByLabel("Name", { exact: true }).nth(1).fill("heading");
        await form.getByLabel("Name of the collection").fill("afterwards");
        await picture(page, "rename");
        await assertSound(page, ["400"]);
        await form.getByRole("button", { name: "Rename" }).click();
        await page.getByRole("heading", { name: "afterwards" }).waitFor();
        await form.getByText("Saved.").waitFor();
        assert.ok(page.url().endsWith("/_/#/data/afterwards/fields"), page.url());
        assert.equal(await page.getByLabel("Name", { exact: true }).nth(1).inputValue(), "heading");
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
        await fetch(`${server.url}/api/collections/nowhere/records`);
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
        await assertFits(page);
        await picture(page, "logs-phone", false);
        await assertSound(page);
        await page.context().close();
    });
});
