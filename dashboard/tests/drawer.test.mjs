// One record in its drawer, while others write it and while it is being saved.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { assertSound, holdBack, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

describe("one record", { concurrency: false }, () => {
    let server, root;

    before(async () => ({ server, root } = await start()));
    after(() => end(server));

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
        await drawer.getByRole("button", { name: `Remove ${made.papers[0]}` }).waitFor();
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

    // Escape and the cross threw away what was typed, and nothing asked.
    test("a drawer that holds what is not saved asks before it closes, also at Escape after Escape", async () => {
        await root.collections.create({ name: "notes", fields: [{ type: "text", name: "title" }] });
        const { id } = await root.collection("notes").create({ title: "one" });
        const page = await openAs(server, "/_/#/data/notes");
        const drawer = page.getByRole("dialog", { name: "Record", exact: true });
        const question = page.getByRole("dialog", { name: "Close without saving?" });
        const title = drawer.getByLabel("title");
        await page.getByRole("button", { name: id }).click();
        await title.waitFor();
        // Nothing was typed, so nothing is asked.
        await page.keyboard.press("Escape");
        await drawer.waitFor({ state: "detached" });
        await page.getByRole("button", { name: id }).click();
        await title.fill("two");
        for (let times = 0; times < 3; times += 1) {
            await page.keyboard.press("Escape");
            await question.waitFor();
            await page.keyboard.press("Escape");
            await question.waitFor({ state: "detached" });
            assert.equal(await title.inputValue(), "two");
        }
        // Where the browser closes the dialog by itself, it asks as well.
        await drawer.evaluate((dialog) => dialog.close());
        await question.waitFor();
        await picture(page, "record-not-saved", false);
        await assertSound(page);
        await question.getByRole("button", { name: "Cancel" }).click();
        assert.equal(await title.inputValue(), "two");
        await drawer.getByRole("button", { name: "Close" }).click();
        await question.getByRole("button", { name: "Discard changes" }).click();
        await drawer.waitFor({ state: "detached" });
        assert.equal(await question.count(), 0);
        assert.ok(await page.getByRole("button", { name: id }).evaluate((element) => element === document.activeElement));
        assert.equal((await root.collection("notes").getOne(id)).title, "one");
        // A new one that is begun, and one that is typed and taken back again.
        await page.getByRole("button", { name: "New record" }).click();
        const fresh = page.getByRole("dialog", { name: "New record" });
        await fresh.getByLabel("title").fill("three");
        await page.keyboard.press("Escape");
        await question.getByRole("button", { name: "Cancel" }).click();
        await fresh.getByLabel("title").fill("");
        await page.keyboard.press("Escape");
        await fresh.waitFor({ state: "detached" });
        await page.context().close();
    });

    // The browser's Back threw away what was typed, and nothing asked.
    test("a drawer that holds what is not saved asks before the browser goes to another page", async () => {
        await root.collections.create({ name: "steps", fields: [{ type: "text", name: "title" }] });
        const { id } = await root.collection("steps").create({ title: "one" });
        const page = await openAs(server, "/_/#/data/steps");
        const [drawer, question] = [page.getByRole("dialog", { name: "Record", exact: true }), page.getByRole("dialog", { name: "Close without saving?" })];
        const title = drawer.getByLabel("title");
        const at = (path) => page.waitForURL(`${server.url}/_/#/${path}`);
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Logs" }).click();
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Data" }).click();
        await page.getByRole("navigation", { name: "Collections" }).getByRole("link", { name: "steps" }).click();
        const type = async (text) => {
            await page.getByRole("button", { name: id }).click();
            await title.fill(text);
        };
        await type("two");
        // As often as one likes; what was typed stays.
        for (let times = 0; times < 2; times += 1) {
            await page.goBack();
            await question.waitFor();
            await at("data/steps");
            if (times === 0) await picture(page, "record-back", false);
            if (times === 0) await assertSound(page);
            await question.getByRole("button", { name: "Cancel" }).click();
            await question.waitFor({ state: "detached" });
            assert.equal(await title.inputValue(), "two");
        }
        // It goes where it was about to go, also an address that was typed.
        await page.goBack();
        await question.getByRole("button", { name: "Discard changes" }).click();
        await at("data");
        await drawer.waitFor({ state: "detached" });
        await page.goBack();
        await at("logs");
        await page.goForward();
        await page.goForward();
        await at("data/steps");
        await type("three");
        await page.evaluate("location.hash = '#/crons'");
        await question.getByRole("button", { name: "Discard changes" }).click();
        await at("crons");
        await page.getByRole("heading", { name: "Crons" }).waitFor();
        // What closed it by itself before does not ask any more, and neither does what was saved.
        await page.goBack();
        await at("data/steps");
        await type("four");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        await page.goBack();
        await page.waitForFunction("!location.hash.endsWith('steps')");
        assert.equal(await page.getByRole("dialog").count(), 0);
        assert.equal((await root.collection("steps").getOne(id)).title, "four");
        await page.context().close();
    });

    // The second window's save replaced what the first had written to the same field, and nobody was told.
    test("two windows change one record: other fields stay, and the same field is not replaced unseen", async () => {
        const fields = [{ type: "text", name: "title" }, { type: "number", name: "points" }, { type: "select", name: "tags", values: ["new", "old", "rare"], maxSelect: 3 }];
        await root.collections.create({ name: "cards", fields });
        await root.collection("cards").create({ id: "card00000000001", title: "one", points: 1, tags: ["new"] });
        const open = async () => {
            const page = await openAs(server, "/_/#/data/cards");
            await page.getByRole("button", { name: "card00000000001" }).click();
            await page.getByRole("dialog").getByLabel("title").waitFor();
            return [page, page.getByRole("dialog")];
        };
        const [[page, first], [other, second]] = [await open(), await open()];
        const save = (drawer) => drawer.getByRole("button", { name: "Save" }).click();
        const now = () => root.collection("cards").getOne("card00000000001");
        await first.getByLabel("title").fill("two");
        await first.getByLabel("old", { exact: true }).check();
        await save(first);
        await first.waitFor({ state: "detached" });
        await second.getByLabel("points").fill("7");
        await second.getByLabel("rare", { exact: true }).check();
        await save(second);
        await second.getByRole("alert").getByText("Somebody else has changed fields that you changed, too.").waitFor();
        await second.getByText("Now it is: new, old").waitFor();
        const { title, points, tags } = await now();
        assert.deepEqual([title, points, tags], ["two", 1, ["new", "old"]]);
        await picture(other, "record-two-windows", false);
        await assertSound(other);
        // Told, one may replace it; the title of the first window stays in any case.
        await second.getByLabel("old", { exact: true }).check();
        await save(second);
        await second.waitFor({ state: "detached" });
        const after = await now();
        assert.deepEqual([after.title, after.points, after.tags.toSorted()], ["two", 7, ["new", "old", "rare"]]);
        await page.context().close();
        await other.context().close();
    });

    // Another superuser had renamed the collection and made a new one of that name: the new one's record was written.
    test("a record stays in its collection while another takes the collection's name", async () => {
        const fields = [{ type: "text", name: "title" }];
        await root.collections.create({ name: "pages", fields });
        await root.collection("pages").create({ id: "page00000000001", title: "old" });
        const page = await openAs(server, "/_/#/data/pages");
        const drawer = page.getByRole("dialog");
        const open = () => page.getByRole("button", { name: "page00000000001" }).click();
        await open();
        await drawer.getByLabel("title").waitFor();
        await root.collections.update("pages", { name: "archive" });
        await root.collections.create({ name: "pages", fields });
        await root.collection("pages").create({ id: "page00000000001", title: "new" });
        const titles = async () => Promise.all(["archive", "pages"].map(async (name) => (await root.collection(name).getFullList()).map(({ title }) => title)));
        await drawer.getByLabel("title").fill("older");
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        assert.deepEqual(await titles(), [["older"], ["new"]]);
        await page.getByRole("cell", { name: "older" }).waitFor();
        await page.getByLabel("Choose page00000000001").check();
        await page.getByRole("button", { name: "Delete the chosen ones …" }).click();
        await drawer.getByRole("button", { name: "Delete it" }).click();
        await page.getByText("There are no records yet.").waitFor();
        assert.deepEqual(await titles(), [[], ["new"]]);
        await page.context().close();
    });
});
