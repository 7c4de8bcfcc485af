// Some records of a backup, brought back into the data that is there: found, looked at, tried, done.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { until } from "../../tests/sdk/server.mjs";
import { PHONE, PNG, WIDE, assertFits, assertSound, assertStill, openAs, picture } from "./browser.mjs";
import { end, makeBackup, press, reach, start } from "./stage.mjs";

describe("records of a backup", { concurrency: false }, () => {
    let server, root, kept;

    before(async () => {
        ({ server, root } = await start());
        const text = (name) => ({ type: "text", name });
        const times = [{ type: "autodate", name: "created", onCreate: true }, { type: "autodate", name: "updated", onCreate: true, onUpdate: true }];
        const posts = await root.collections.create({
            name: "posts",
            fields: [text("title"), { type: "number", name: "likes" }, { type: "file", name: "cover", maxSelect: 1 }, ...times],
            indexes: ["CREATE UNIQUE INDEX `idx_title` ON `posts` (`title`)"],
        });
        await root.collections.create({ name: "comments", fields: [text("words"), { type: "relation", name: "post", collectionId: posts.id, maxSelect: 1, required: true, cascadeDelete: true }] });
        await root.collections.create({ name: "tags", fields: [text("label")] });
        for (const number of [1, 2, 3, 4]) {
            const form = new FormData();
            const values = { id: `post0000000000${number}`, title: `post ${number}`, likes: number, cover: new File([`cover ${number}`], "cover.txt") };
            for (const [name, value] of Object.entries(values)) form.append(name, value);
            await root.collection("posts").create(form);
        }
        for (const number of [1, 2]) await root.collection("comments").create({ id: `comment0000000${number}`, words: `words ${number}`, post: "post00000000001" });
        for (let number = 0; number < 40; number += 1) await root.collection("tags").create({ id: `tag${String(number).padStart(12, "0")}`, label: `tag ${number}` }, { requestKey: null });
        // Each known by the name of a band, and by a picture.
        const bands = await root.collections.create({ name: "bands", fields: [text("title"), { ...text("called"), presentable: true }] });
        for (const [id, called] of [["band00000000001", "The Anns"], ["band00000000002", "Bens"]]) await root.collection("bands").create({ id, called, title: "no name" });
        await root.collections.create({
            name: "albums",
            fields: [
                { type: "relation", name: "band", collectionId: bands.id, maxSelect: 1, cascadeDelete: true },
                { type: "relation", name: "guests", collectionId: bands.id, maxSelect: 9 },
                { type: "file", name: "cover", maxSelect: 1 },
                { type: "file", name: "shots", maxSelect: 9, protected: true },
                ...["one", "two"].map(text),
                { ...text("called"), presentable: true },
            ],
        });
        const picturesOf = (name) => new File([PNG], `${name}.png`, { type: "image/png" });
        for (const [number, band, guests] of [[1, "band00000000001", ["band00000000002"]], [2, "band00000000002", []], [3, "band00000000002", ["band00000000001"]]]) {
            const shots = ["one", "two"].map(picturesOf);
            await root.collection("albums").create({ id: `album000000000${number}`, called: `album ${number}`, band, guests, cover: picturesOf("cover"), shots });
        }
        kept = await root.collection("posts").getOne("post00000000001");
        await makeBackup(root, "monday.zip");
        // The day of the mishap: a post with its comments, another one whose title is taken since, a changed one.
        await root.collection("posts").delete("post00000000001");
        await root.collection("posts").delete("post00000000002");
        await root.collection("posts").create({ title: "post 2" });
        await root.collection("posts").update("post00000000003", { title: "spoilt" });
        await root.collection("bands").delete("band00000000001");
        const { shots } = await root.collection("albums").getOne("album0000000002");
        await root.collection("albums").update("album0000000002", { cover: picturesOf("other"), "shots-": [shots[0]] });
        for (let number = 0; number < 40; number += 1) await root.collection("tags").delete(`tag${String(number).padStart(12, "0")}`, { requestKey: null });
    });
    after(() => end(server));

    const openRecords = async (page, collection) => {
        await page.getByLabel("Collection").selectOption(collection);
        await page.getByRole("table").or(page.getByText("None of these records")).first().waitFor();
    };

    test("a deleted record comes back with its file and with what was deleted along, after a look at what would happen", async () => {
        const page = await openAs(server);
        await page.getByRole("link", { name: "Restore monday.zip" }).click();
        await page.getByRole("link", { name: "Some records" }).click();
        await page.getByRole("heading", { name: "Bring records back" }).waitFor();
        await page.getByText("Choose the collection that the lost records were in.").waitFor();
        const lost = (name) => page.getByRole("listitem").filter({ has: page.getByRole("link", { name, exact: true }) });
        await lost("posts").getByText("2 records deleted since, 1 record changed since").waitFor();
        await lost("tags").getByText("40 records deleted since").waitFor();
        await picture(page, "recover-choose");
        await assertSound(page);
        await page.getByLabel("Collection").selectOption({ label: "comments (2)" });
        await page.getByText("2 records", { exact: true }).waitFor();
        await page.goBack();
        await lost("posts").getByRole("link").click();
        await page.getByLabel("Collection").locator("option:checked").filter({ hasText: "posts (4)" }).waitFor({ state: "attached" });
        await page.getByRole("columnheader", { name: "title" }).waitFor();
        // What is gone is what people look for.
        await page.getByText("2 records", { exact: true }).waitFor();
        const row = page.getByRole("row").filter({ hasText: "post00000000001" });
        await row.getByText("post 1", { exact: true }).waitFor();
        await page.getByLabel("Choose post00000000001").check();
        const bring = page.getByRole("region", { name: "Bring back 1 record" });
        await bring.getByText("Nothing is changed until you say so.").waitFor();
        const along = bring.getByLabel("Also bring back what was deleted along with them");
        assert.ok(await along.isChecked());
        await along.uncheck();
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByText("1 record would come back, with 1 file (7 B).").waitFor();
        await bring.getByText("2 more records that belong to these are gone.").waitFor();
        // Another choice is another question.
        await bring.getByLabel("Also bring back what was deleted along with them").check();
        assert.ok(await bring.getByRole("button", { name: "Bring them back" }).isDisabled());
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByText("3 records would come back, with 1 file (7 B).").waitFor();
        assert.equal(await bring.getByText("that belong to these").count(), 0);
        await bring.getByRole("listitem").filter({ hasText: "comment00000001" }).getByText("of comments, deleted along").waitFor();
        await picture(page, "recover");
        await assertSound(page);
        await assert.rejects(root.collection("posts").getOne("post00000000001"));
        await bring.getByRole("button", { name: "Bring them back" }).click();
        await page.getByText("Done: 3 records came back, with 1 file (7 B).").waitFor();
        assert.ok(await page.getByRole("region", { name: "What was brought back" }).evaluate((one) => one === document.activeElement), "the focus is lost");
        await page.getByText("1 record", { exact: true }).waitFor();
        await picture(page, "recover-done");
        await assertSound(page);
        const back = await root.collection("posts").getOne("post00000000001");
        assert.deepEqual(back, kept);
        assert.equal(await (await fetch(root.files.getURL(back, back.cover))).text(), "cover 1");
        assert.equal((await root.collection("comments").getFullList()).length, 2);
        await page.getByRole("link", { name: "Look at posts" }).click();
        await page.getByRole("button", { name: "post00000000001" }).waitFor();
        await page.context().close();
    });

    test("what can't come back says why and is left out, and what was changed is put back only where that is asked for twice", async () => {
        const page = await openAs(server, "/_/#/restore/monday.zip/records/posts");
        await page.getByRole("button", { name: "All", exact: true }).click();
        await page.getByText("4 records", { exact: true }).waitFor();
        await page.getByRole("row").filter({ hasText: "post00000000003" }).getByText("changed since").waitFor();
        await page.getByRole("row").filter({ hasText: "post00000000002" }).getByText("deleted since").waitFor();
        await page.getByRole("row").filter({ hasText: "post00000000004" }).getByText("same as now").waitFor();
        // Then beside now.
        await page.getByRole("button", { name: "Look at post00000000003" }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByText("In the backup: post 3").waitFor();
        await drawer.getByText("Now: spoilt").waitFor();
        await picture(page, "recover-look", false);
        await assertSound(page);
        await page.keyboard.press("Escape");
        await page.getByLabel("Choose all of this page").check();
        let bring = page.getByRole("region", { name: "Bring back 4 records" });
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByText("1 record can’t be brought back").waitFor();
        await bring.getByRole("listitem").filter({ hasText: "post00000000002" }).getByText("can’t come back").waitFor();
        assert.ok(await bring.getByRole("button", { name: "Bring them back" }).isDisabled());
        await picture(page, "recover-blocked");
        await assertSound(page);
        await bring.getByRole("button", { name: "Leave it out" }).click();
        bring = page.getByRole("region", { name: "Bring back 3 records" });
        await bring.getByText("Nothing would change: 1 record is there and differs. Tick “Put changed records back as they were” to put it back.").waitFor();
        await bring.getByLabel("Put changed records back as they were").check();
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByText("1 record would be put back as it was, 2 records would stay as they are.").waitFor();
        await bring.getByRole("listitem").filter({ hasText: "post00000000003" }).getByText(/^Different now: .*title/).waitFor();
        // Somebody writes to it meanwhile: what would happen is said anew, and nothing is done.
        await root.collection("posts").update("post00000000003", { likes: 99 });
        await bring.getByRole("button", { name: "Bring them back" }).click();
        const confirm = page.getByRole("dialog");
        assert.ok(await confirm.getByRole("button", { name: "Bring them back" }).isDisabled());
        await confirm.getByLabel("Type the name of the collection, “posts”, to go on").fill("posts");
        await confirm.getByRole("button", { name: "Bring them back" }).click();
        await page.getByText("The data was changed meanwhile").waitFor();
        assert.equal((await root.collection("posts").getOne("post00000000003")).title, "spoilt");
        await bring.getByText(/^Different now: .*likes/).waitFor();
        await bring.getByRole("button", { name: "Bring them back" }).click();
        await confirm.getByLabel("Type the name of the collection, “posts”, to go on").fill("posts");
        await picture(page, "recover-overwrite", false);
        await confirm.getByRole("button", { name: "Bring them back" }).click();
        await page.getByText("Done: 1 record is as it was").waitFor();
        const now = await root.collection("posts").getOne("post00000000003");
        assert.deepEqual([now.title, now.likes], ["post 3", 3]);
        assert.equal((await root.collection("posts").getFullList()).filter((one) => one.title === "post 2").length, 1);
        await page.context().close();
    });

    // Ids and names of files stood there, and nobody knows a record by those.
    test("a record is known by its name, by the names of those that it leads to, and by its pictures that are still there", async () => {
        const page = await openAs(server, "/_/#/restore/monday.zip/records/albums");
        const row = (number) => page.getByRole("row").filter({ hasText: `album000000000${number}` });
        const pictures = (number) => row(number).getByRole("img").evaluateAll((all) => Promise.all(all.map(async (one) => (await one.decode(), one.getAttribute("title").replace(/_.*/, "")))));
        // The band is gone as well: the backup knows its name.
        await row(1).getByText("The Anns").waitFor();
        await row(1).getByText("Bens").waitFor();
        await row(1).getByText("album 1", { exact: true }).waitFor();
        await row(1).getByText(/^cover_\w+\.png$/).waitFor();
        assert.deepEqual(await pictures(1), []);
        await page.getByRole("button", { name: "All", exact: true }).click();
        await page.getByText("3 records", { exact: true }).waitFor();
        await row(3).getByText("The Anns").waitFor();
        // What stands in a row is found by it: it seemed not to be in the backup.
        await page.getByRole("searchbox").fill("The Anns");
        await page.getByText("2 records", { exact: true }).waitFor();
        await page.getByRole("searchbox").fill("");
        await page.getByText("3 records", { exact: true }).waitFor();
        await row(3).getByRole("img").nth(2).waitFor();
        await row(2).getByRole("img").waitFor();
        assert.deepEqual([await pictures(1), await pictures(2), await pictures(3)], [[], ["two"], ["cover", "one", "two"]]);
        await row(2).getByText(/^cover_\w+\.png$/).waitFor();
        await row(2).getByText(/^one_\w+\.png$/).waitFor();
        await picture(page, "recover-names");
        await assertSound(page);
        await page.getByRole("button", { name: "Look at album0000000002" }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByText("album 2", { exact: true }).first().waitFor();
        await drawer.getByText("Bens", { exact: false }).waitFor();
        // The new cover, and the shot that is there then and now.
        await drawer.getByText(/^Now:.*other_/).waitFor();
        await drawer.locator("img").nth(2).waitFor();
        assert.equal(await drawer.locator("img").count(), 3);
        await picture(page, "recover-look-pictures", false);
        await assertSound(page);
        await page.keyboard.press("Escape");
        await page.getByLabel("Choose album0000000001").check();
        const bring = page.getByRole("region", { name: "Bring back 1 record" });
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByRole("listitem").getByText("album 1 album0000000001").waitFor();
        await page.goto(`${server.url}/_/#/restore/monday.zip/records/bands`);
        await page.getByLabel("Choose band00000000001").check();
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByRole("listitem").filter({ hasText: "of albums, deleted along" }).getByText("album 1 album0000000001").waitFor();
        // It was a guest of one that stays, where a deletion takes it out.
        const named = "1 record of albums named these, and does not any more.";
        await bring.getByText(named).waitFor();
        await bring.getByRole("button", { name: "Bring them back" }).click();
        const done = page.getByRole("region", { name: "What was brought back" });
        await done.getByText(named).waitFor();
        await done.getByText("The Anns band00000000001").waitFor();
        await done.getByText("album 1 album0000000001").waitFor();
        await picture(page, "recover-done-names");
        await assertSound(page);
        assert.equal((await root.collection("albums").getOne("album0000000001")).band, "band00000000001");
        await page.context().close();
    });

    test("records are found by words and filters, sorted, paged, and all of them chosen at once", async () => {
        const page = await openAs(server, "/_/#/restore/monday.zip/records");
        await openRecords(page, "tags");
        await page.getByText("40 records", { exact: true }).waitFor();
        await page.getByText("Page 1 of 2").waitFor();
        await page.getByText("Words are looked for in: id, label.").waitFor();
        await page.getByRole("searchbox").fill("tag 39");
        await page.getByText("1 record", { exact: true }).waitFor();
        await page.getByRole("searchbox").fill("label = 'tag 7' || label = 'tag 8'");
        await page.getByText("2 records", { exact: true }).waitFor();
        await page.getByRole("searchbox").fill("nowhere = 1");
        await page.getByRole("alert").waitFor();
        assert.equal(await page.getByRole("table").count(), 0);
        assert.equal(await page.getByText("2 records", { exact: true }).count(), 0);
        await page.getByRole("searchbox").fill("");
        await page.getByText("40 records", { exact: true }).waitFor();
        const [label, first] = [page.getByRole("button", { name: "label" }), page.getByRole("row").nth(1)];
        await label.click();
        await first.getByText("tag 0", { exact: true }).waitFor();
        await label.click();
        await first.getByText("tag 9", { exact: true }).waitFor();
        await page.getByRole("button", { name: "Changed since" }).click();
        await page.getByText("None of these records was changed since the backup.").waitFor();
        await page.getByRole("button", { name: "Deleted since" }).click();
        await page.getByRole("button", { name: "Choose all 40 records" }).click();
        const bring = page.getByRole("region", { name: "Bring back 40 records" });
        await bring.getByRole("button", { name: "See what would happen" }).click();
        await bring.getByText("40 records would come back.").waitFor();
        await bring.getByRole("button", { name: "Bring them back" }).click();
        await page.getByText("Done: 40 records came back.").waitFor();
        await page.getByText("None of these records was deleted since the backup.").waitFor();
        assert.equal((await root.collection("tags").getFullList()).length, 40);
        await assertSound(page, ["400"]);
        await assertStill(page);
        await page.context().close();
    });

    test("with the keyboard alone, and in the dark on a phone", async () => {
        await root.collection("posts").delete("post00000000004");
        const page = await openAs(server, "/_/#/restore/monday.zip/records/posts", { viewport: PHONE, colorScheme: "dark" });
        await page.getByText("2 records", { exact: true }).waitFor();
        const button = (name) => page.getByRole("button", { name, exact: true });
        await reach(page, page.getByLabel("Choose post00000000004"));
        await page.keyboard.press("Space");
        await press(page, button("See what would happen"));
        await page.getByText("1 record would come back, with 1 file (7 B).").waitFor();
        await assertFits(page);
        await assertSound(page);
        await picture(page, "recover-phone-dark");
        await press(page, button("Bring them back"));
        await page.getByText("Done: 1 record came back").waitFor();
        await assertFits(page);
        await page.setViewportSize(WIDE);
        await picture(page, "recover-dark");
        await assertSound(page);
        assert.equal((await root.collection("posts").getOne("post00000000004")).title, "post 4");
        await page.context().close();
    });

    test("a backup that is not there, a collection that it does not hold, and one that is not there any more are said to be so", async () => {
        const page = await openAs(server, "/_/#/restore/nowhere.zip/records");
        await page.getByText("There is no backup called nowhere.zip.").or(page.getByRole("alert")).first().waitFor();
        await page.goto(`${server.url}/_/#/restore/monday.zip/records/nowhere`);
        await page.getByRole("alert").waitFor();
        await page.getByRole("button", { name: "Try again" }).waitFor();
        await root.collections.delete("tags");
        await page.goto(`${server.url}/_/#/restore/monday.zip/records/tags`);
        await page.getByText("This collection is not there any more").waitFor();
        await assertSound(page, ["404"]);
        await page.context().close();
    });
});
