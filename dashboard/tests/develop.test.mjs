// What an app's developer does with collections: indexes, options of fields, views, import and export.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

describe("developing", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        const fields = [{ type: "text", name: "title" }, { type: "number", name: "points" }, { type: "bool", name: "done" }];
        await root.collections.create({ name: "scores", fields });
        for (const title of ["ann", "ben", "ben"]) await root.collection("scores").create({ title, points: title.length });
    });
    after(() => end(server));

    const scores = () => root.collections.getOne("scores");

    test("indexes are added, changed and taken out, and the server's complaint stands beside the one it is about", async () => {
        const page = await openAs(server, "/_/#/data/scores");
        await page.getByRole("link", { name: "Indexes" }).click();
        await page.getByText("No index yet.").waitFor();
        const save = page.getByRole("button", { name: "Save the indexes" });
        const adding = page.getByRole("group", { name: "Add an index of" });
        assert.ok(await adding.getByRole("button", { name: "Add the index" }).isDisabled());
        await adding.getByLabel("points").check();
        await adding.getByLabel("done").check();
        await adding.getByText("In this order: points, done.").waitFor();
        await adding.getByRole("button", { name: "Add the index" }).click();
        await adding.getByLabel("title").check();
        await adding.getByLabel("Unique: refuse a second record").check();
        await adding.getByRole("button", { name: "Add the index" }).click();
        await save.click();
        // Two records are called ben.
        const second = page.getByRole("listitem").filter({ has: page.getByRole("textbox", { name: /^Index idx_scores_title/ }) });
        await second.locator(".wrong").waitFor();
        assert.equal((await scores()).indexes.length, 0);
        await second.getByLabel(/^Index/).fill("CREATE INDEX nonsense");
        await save.click();
        await page.locator(".schema .wrong").first().waitFor();
        await page.getByRole("textbox", { name: "Index without a name" }).fill("CREATE UNIQUE INDEX `idx_own` ON `scores` (`title`, `points` DESC) WHERE `title` = 'ann'");
        await picture(page, "indexes");
        await assertSound(page, ["400"]);
        await save.click();
        await page.getByText("Saved.").waitFor();
        const kept = (await scores()).indexes;
        assert.equal(kept.length, 2);
        assert.match(kept[0], /^CREATE INDEX `idx_scores_points_done_\w+` ON `scores` \(\s*`points`,\s*`done`\s*\)$/);
        assert.match(kept[1], /^CREATE UNIQUE INDEX `idx_own`/);

        await page.reload();
        await page.getByText("title, points", { exact: true }).waitFor();
        await page.getByRole("button", { name: "Remove the index idx_own" }).click();
        // Another client adds one meanwhile: nothing of it is lost unseen.
        await root.collections.update("scores", { indexes: [...kept, "CREATE INDEX `idx_new` ON `scores` (`points`)"] });
        await save.click();
        await page.getByText("indexes was changed meanwhile.").waitFor();
        await page.reload();
        await page.getByRole("button", { name: "Remove the index idx_own" }).click();
        await save.click();
        await page.getByText("Saved.").waitFor();
        assert.deepEqual((await scores()).indexes.map((sql) => /`(\w+)`/.exec(sql)[1].split("_").slice(0, 2).join("_")), ["idx_scores", "idx_new"]);
        await assertStill(page);
        await page.context().close();

        const phone = await openAs(server, "/_/#/data/scores/indexes", { viewport: PHONE });
        await phone.getByRole("heading", { name: "Indexes" }).waitFor();
        await assertFits(phone);
        await assertSound(phone);
        await phone.context().close();
    });

    test("a new collection keeps its times, and a file field's options are what the server then holds to", async () => {
        const page = await openAs(server, "/_/#/data");
        await page.getByRole("button", { name: "New collection" }).click();
        await page.getByLabel("Name").fill("photos");
        assert.ok(await page.getByLabel("With the times of making").isChecked());
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "photos" }).waitFor();
        await page.getByLabel("Add a field").selectOption("file");
        const names = () => page.getByLabel("Name", { exact: true }).evaluateAll((inputs) => inputs.map((input) => input.value));
        assert.deepEqual(await names(), ["id", "", "created", "updated"]);
        await page.getByLabel("Name", { exact: true }).nth(1).fill("shots");
        const row = page.locator(".schema > li").nth(1);
        await row.getByLabel("How many files at most").fill("3");
        await row.locator("summary").click();
        await row.getByLabel("How many bytes a file at most").fill("2000");
        await row.getByText("2.0 KB").waitFor();
        await row.getByLabel("Types of files").fill("image/png, image/jpeg");
        await row.getByLabel("Sizes of thumbnails").fill("100x, nonsense");
        await row.getByLabel("Protected").check();
        await page.getByRole("button", { name: "Save the fields" }).click();
        await row.locator(".wrong").first().waitFor();
        await row.getByLabel("Sizes of thumbnails").fill("100x100, 20x0");
        await row.getByText("2.0 KB").scrollIntoViewIfNeeded();
        await picture(page, "field-options");
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        const { fields } = await root.collections.getOne("photos");
        assert.deepEqual(fields.map((field) => field.name), ["id", "shots", "created", "updated"]);
        const { maxSelect, maxSize, mimeTypes, thumbs, protected: kept } = fields[1];
        assert.deepEqual([maxSelect, maxSize, mimeTypes, thumbs, kept], [3, 2000, ["image/png", "image/jpeg"], ["100x100", "20x0"], true]);
        const [created, updated] = fields.slice(2);
        assert.deepEqual([created.onCreate, created.onUpdate, updated.onCreate, updated.onUpdate], [true, false, true, true]);
        const form = new FormData();
        form.append("shots", new Blob(["no picture"]), "text.txt");
        await assert.rejects(root.collection("photos").create(form), (error) => error.response.data.shots.code === "validation_invalid_mime_type");
        assert.ok((await root.collection("photos").create({})).created);

        // Numbers without bounds stay without; a bound of 0 is one.
        await page.goto(`${server.url}/_/#/data/scores/fields`);
        await page.getByLabel("Name", { exact: true }).nth(2).waitFor();
        const points = page.locator(".schema > li").nth(2);
        await points.locator("summary").click();
        await points.getByLabel("Smallest allowed").fill("0");
        await points.getByLabel("Whole numbers only").check();
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        const number = (await scores()).fields.find((field) => field.name === "points");
        assert.deepEqual([number.min, number.max ?? null, number.onlyInt], [0, null, true]);
        await page.context().close();

        const phone = await openAs(server, "/_/#/data/photos/fields", { viewport: PHONE });
        await phone.locator(".schema summary").first().click();
        await assertFits(phone);
        await picture(phone, "field-options-phone");
        await assertSound(phone);
        await phone.context().close();
    });

    // "Cannot be blank." stood under the name, far above the button, and the box beside that named no field.
    test("a refused save of fields leads to what is wrong first, and says which field it is", async () => {
        await root.collections.create({ name: "owned", fields: [{ type: "text", name: "title" }] });
        const page = await openAs(server, "/_/#/data/owned/fields", { viewport: PHONE });
        await page.getByLabel("Add a field").waitFor();
        const before = await page.locator(".schema > li").count();
        await page.getByLabel("Add a field").selectOption("relation");
        await page.getByLabel("Name", { exact: true }).last().fill("owner");
        for (const type of ["text", "number", "bool"]) {
            await page.getByLabel("Add a field").selectOption(type);
            await page.getByLabel("Name", { exact: true }).last().fill(`more_${type}`);
        }
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByRole("alert").getByText("owner (Relates to): ").waitFor();
        const wrong = page.getByLabel("Relates to");
        await until(() => wrong.evaluate((element) => element === document.activeElement), "the focus where it is wrong");
        const { y, height } = await wrong.boundingBox();
        assert.ok(y >= 0 && y + height <= PHONE.height, `it is at ${y}`);
        assert.equal(await wrong.getAttribute("aria-invalid"), "true");
        const row = page.locator(".schema > li").nth(await page.getByLabel("Name", { exact: true }).evaluateAll((all) => all.findIndex((one) => one.value === "owner")));
        assert.equal(await row.getByLabel("Name", { exact: true }).getAttribute("aria-invalid"), null);
        assert.equal(await row.locator(".wrong").count(), 1);
        await picture(page, "fields-refused", false);
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Discard changes" }).click();
        await until(async () => (await page.locator(".schema > li").count()) === before, "the fields as they are");
        await page.context().close();
    });

    test("what the server makes by itself is not marked as required", async () => {
        const page = await openAs(server, "/_/#/data/scores");
        await page.getByRole("button", { name: "New record" }).click();
        await page.getByRole("dialog").getByLabel("id", { exact: true }).waitFor();
        await page.context().close();
    });

    test("a view is tried, made, changed and deleted", async () => {
        const page = await openAs(server, "/_/#/data");
        await page.getByRole("button", { name: "New collection" }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByLabel("Name").fill("best");
        await dialog.getByLabel("Type").selectOption("view");
        await dialog.getByLabel("Query (SQL)").fill("SELECT id, nowhere FROM scores");
        await dialog.getByRole("button", { name: "Try the query" }).click();
        await dialog.getByRole("alert").filter({ hasText: "nowhere" }).waitFor();
        await dialog.getByRole("button", { name: "Create the collection" }).click();
        await dialog.locator(".wrong").waitFor();
        await dialog.getByLabel("Query (SQL)").fill("SELECT id, title, (points * 2) AS doubled FROM scores WHERE title = 'ben'");
        await dialog.getByRole("button", { name: "Try the query" }).click();
        await dialog.getByText("It works. The first 2 records:").waitFor();
        await dialog.getByRole("columnheader", { name: "doubled" }).waitFor();
        await dialog.getByRole("cell", { name: "6", exact: true }).first().waitFor();
        await picture(page, "view", false);
        await assertSound(page, ["400"]);
        await dialog.getByRole("button", { name: "Create the collection" }).click();
        await page.getByRole("heading", { name: "best" }).waitFor();
        await page.getByText("2 records").waitFor();
        assert.equal(await page.getByRole("button", { name: "New record" }).count(), 0);

        await page.getByRole("link", { name: "Query" }).click();
        await page.getByLabel("Query (SQL)").fill("SELECT id FROM scores WHERE points > 1000");
        await page.getByRole("button", { name: "Try the query" }).click();
        await page.getByText("It works, and finds no record now.").waitFor();
        assert.equal((await root.collection("best").getList()).totalItems, 2);
        await page.getByRole("button", { name: "Save the query" }).click();
        await page.getByText("Saved.").waitFor();
        assert.equal((await root.collection("best").getList()).totalItems, 0);
        await assertSound(page, ["400"]);
        await page.getByRole("button", { name: "Delete the collection …" }).click();
        await page.getByLabel("Type the name of the collection, “best”, to go on").fill("best");
        await page.getByRole("button", { name: "Delete the collection", exact: true }).click();
        await page.getByRole("link", { name: "best" }).waitFor({ state: "detached" });
        await assert.rejects(root.collections.getOne("best"), { status: 404 });
        assert.equal((await root.collection("scores").getList()).totalItems, 3);
        await page.context().close();
    });

    test("a server that cannot try a query says so", async () => {
        const page = await openAs(server, "/_/#/data", { viewport: PHONE });
        // As PocketBase before 0.30 answers.
        await page.route("**/dry-run-view", (route) => route.fulfill({ status: 404, json: { status: 404, message: "", data: {} } }));
        await page.getByRole("button", { name: "New collection" }).click();
        await page.getByLabel("Type").selectOption("view");
        await page.getByLabel("Query (SQL)").fill("SELECT 1 AS id");
        await page.getByRole("button", { name: "Try the query" }).click();
        await page.getByText("This server cannot try a query.").waitFor();
        await assertFits(page);
        await assertSound(page, ["404"]);
        await page.context().close();
    });

    test("collections are exported, and imported once it was seen what would change", async () => {
        await root.collections.create({ name: "notes", fields: [{ type: "text", name: "title" }, { type: "text", name: "precious" }] });
        await root.collection("notes").create({ title: "one", precious: "data" });
        await root.collections.create({ name: "drafts", fields: [{ type: "text", name: "title" }] });
        const names = async () => (await root.collections.getFullList({ sort: "name", filter: "system = false" })).map((one) => one.name);
        const before = await names();
        assert.ok(before.includes("users"));
        await root.collections.update("users", { oauth2: { enabled: true, providers: [{ name: "google", clientId: "id", clientSecret: "hush" }] } });

        const page = await openAs(server, "/_/#/data");
        await page.getByRole("link", { name: "Import or export" }).click();
        const exporting = page.getByRole("region", { name: "Export" });
        await exporting.getByLabel("drafts").uncheck();
        const downloading = page.waitForEvent("download");
        await exporting.getByRole("button", { name: "Download as JSON" }).click();
        const text = readFileSync(await (await downloading).path(), "utf8");
        const written = JSON.parse(text);
        assert.ok(!written.some((one) => one.name === "drafts") && written.some((one) => one.name === "_superusers"));
        assert.ok(!text.includes("clientId") && written.every((one) => one.created === undefined));

        // As it is: nothing to do.
        const form = page.getByRole("form", { name: "Import" });
        const doIt = form.getByRole("button", { name: "Import", exact: true });
        await form.getByLabel("A file with collections").setInputFiles({ name: "c.json", mimeType: "application/json", buffer: Buffer.from(text) });
        await form.getByText("Nothing would change.").waitFor();
        assert.ok(await doIt.isDisabled());
        await form.getByLabel("Or their JSON").fill("{nonsense");
        await form.getByText("These are no collections in JSON.").waitFor();

        // Changed, by id: a field renamed, one left out, one new, a rule, and another collection.
        const notes = written.find((one) => one.name === "notes");
        notes.listRule = "heading != ''";
        notes.fields = [...notes.fields.filter((field) => field.name !== "precious").map((field) => (field.name === "title" ? { ...field, name: "heading" } : field)), { type: "number", name: "weight" }];
        const users = written.find((one) => one.name === "users");
        users.otp.duration = 222;
        const added = { name: "tags", type: "base", fields: [{ type: "text", name: "label" }] };
        await form.getByLabel("Or their JSON").fill(JSON.stringify([...written, added]));
        await form.getByText("3 collections would change:").waitFor();
        const entry = (name) => form.getByRole("listitem").filter({ has: page.getByText(name, { exact: true }) });
        await entry("notes").getByText("New fields: weight (number).").waitFor();
        assert.match(await entry("notes").locator(".differences").innerText(), /listRule\s+superusers only → heading != ''\s+title\.name\s+title → heading/);
        assert.match(await entry("users").locator(".differences").innerText(), /otp\.duration\s+180 → 222/);
        await entry("tags").getByText("new", { exact: true }).waitFor();
        assert.equal(await form.getByText("Deleted with all").count(), 0);
        await picture(page, "import");
        await assertSound(page);
        await doIt.click();
        await form.getByText("Imported.").waitFor();
        const { heading, precious } = await root.collection("notes").getFirstListItem("");
        assert.deepEqual([heading, precious], ["one", "data"]);
        const now = await root.collections.getOne("users");
        assert.deepEqual([now.otp.duration, now.oauth2.providers.length], [222, 1]);
        assert.deepEqual(await names(), [...before, "tags"].sort());

        // With deletion, which is asked about; and not when another client changed what was looked at.
        await form.getByLabel("Or their JSON").fill(JSON.stringify([...written, added]));
        await form.getByLabel("Delete what is not in it").check();
        await entry("notes").getByText("Deleted with all of their values: precious.").waitFor();
        await entry("drafts").getByText("Deleted with all of its records and files.").waitFor();
        await root.collections.create({ name: "newest", fields: [] });
        await doIt.click();
        await page.getByText("Deleted for good: drafts, notes.precious.").waitFor();
        await page.getByLabel("Type the word “delete” to go on").fill("delete");
        await page.getByRole("button", { name: "Delete and import" }).click();
        await form.getByText("The collections were changed meanwhile.").waitFor();
        assert.ok((await names()).includes("drafts"));
        await entry("newest").getByText("deleted", { exact: true }).waitFor();
        await doIt.click();
        await page.getByLabel("Type the word “delete” to go on").fill("delete");
        await picture(page, "import-delete", false);
        await page.getByRole("button", { name: "Delete and import" }).click();
        await form.getByText("Imported.").waitFor();
        assert.deepEqual(await names(), [...before.filter((name) => name !== "drafts"), "tags"].sort());
        assert.equal((await root.collection("notes").getFirstListItem("")).precious, undefined);
        await page.context().close();
    });

    // The server looks for a collection by its id, and for its name only where no id is sent. The page looked for both: it
    // showed a change, asked nothing, and the collection of that name went with all of its records.
    test("a collection or field of another id and the same name is said to be deleted, and asked about", async () => {
        const { id } = await root.collections.create({ name: "ledgers", fields: [{ type: "text", name: "title" }] });
        await root.collection("ledgers").create({ title: "one" });
        const all = await root.collections.getFullList();
        const others = all.filter((one) => one.name !== "ledgers");
        const own = all.find((one) => one.id === id);

        const page = await openAs(server, "/_/#/transfer");
        const form = page.getByRole("form", { name: "Import" });
        const write = (definition) => form.getByLabel("Or their JSON").fill(JSON.stringify([...others, definition]));
        const asks = async (what) => {
            await form.getByRole("button", { name: "Import", exact: true }).click();
            await page.getByText(`Deleted for good: ${what}.`).waitFor();
            await page.getByRole("button", { name: "Cancel" }).click();
        };
        await form.getByLabel("Delete what is not in it").check();
        await write({ ...own, id: "pbc_of_another" });
        await form.getByText("Deleted with all of its records and files.").waitFor();
        await form.getByText("new", { exact: true }).waitFor();
        await asks("ledgers");

        await write({ ...own, fields: own.fields.map((field) => (field.name === "title" ? { ...field, id: "text_of_another" } : field)) });
        await form.getByText("Deleted with all of their values: title.").waitFor();
        await form.getByText("New fields: title (text).").waitFor();
        await asks("ledgers.title");

        // No fields at all are none.
        await write({ id, name: "ledgers" });
        await form.getByText("Deleted with all of their values: title.").waitFor();
        await asks("ledgers.title");

        // Without ids, the name finds the collection, and the id that the server makes of its type and name the field.
        await write({ name: "ledgers", fields: [{ type: "text", name: "title" }] });
        await form.getByText("Nothing would change.").waitFor();
        await write({ name: "ledgers", fields: [{ type: "text", name: "title", max: 9 }] });
        await form.getByText("1 collection would change:").waitFor();
        await form.getByRole("button", { name: "Import", exact: true }).click();
        await form.getByText("Imported.").waitFor();
        assert.equal((await root.collection("ledgers").getFirstListItem("")).title, "one");

        // What is shown is what the server does.
        await form.getByLabel("Delete what is not in it").check();
        await write({ ...own, id: "pbc_of_another" });
        await form.getByRole("button", { name: "Import", exact: true }).click();
        await page.getByLabel("Type the word “delete” to go on").fill("delete");
        await page.getByRole("button", { name: "Delete and import" }).click();
        await form.getByText("Imported.").waitFor();
        assert.equal((await root.collection("ledgers").getList()).totalItems, 0);
        await page.context().close();
    });

    test("a field that goes from several values to one is said to lose the others, and asked about", async () => {
        const fields = [{ type: "select", name: "labels", values: ["red", "green"], maxSelect: 2 }];
        const { id } = await root.collections.create({ name: "marks", fields });
        await root.collection("marks").create({ labels: ["red", "green"] });
        const own = await root.collections.getOne(id);

        const page = await openAs(server, "/_/#/transfer");
        const form = page.getByRole("form", { name: "Import" });
        const narrowed = own.fields.map(({ maxSelect: _, ...field }) => field);
        await form.getByLabel("Or their JSON").fill(JSON.stringify([{ ...own, fields: narrowed }]));
        await form.getByText("From several values to one: labels.").waitFor();
        await form.getByRole("button", { name: "Import", exact: true }).click();
        await page.getByText("Deleted for good: values of marks.labels.").waitFor();
        await page.getByRole("button", { name: "Cancel" }).click();

        await page.goto(`${server.url}/_/#/data/marks/fields`);
        await page.getByLabel("How many values at most").fill("1");
        await page.getByText("These fields hold one value from now on: labels.").waitFor();
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByRole("heading", { name: "Delete values of fields?" }).waitFor();
        assert.deepEqual((await root.collection("marks").getFirstListItem("")).labels, ["red", "green"]);
        await page.getByLabel("Type the name of the collection, “marks”, to go on").fill("marks");
        await page.getByRole("button", { name: "Delete them and save" }).click();
        await page.getByText("Saved.").waitFor();
        assert.equal((await root.collection("marks").getFirstListItem("")).labels, "green");
        await assertSound(page);
        await page.context().close();
    });

    // A failed reload was swallowed, and the old list was compared with itself.
    test("where the collections do not come, nothing is imported, and what was typed stays", async () => {
        const page = await openAs(server, "/_/#/transfer");
        const form = page.getByRole("form", { name: "Import" });
        const text = JSON.stringify([{ name: "unlucky", fields: [] }]);
        await form.getByLabel("Or their JSON").fill(text);
        const listed = (url) => url.pathname === "/api/collections";
        await page.route(listed, (route) => route.fulfill({ status: 500, json: { status: 500, message: "Broken.", data: {} } }));
        await form.getByRole("button", { name: "Import", exact: true }).click();
        await form.getByRole("alert").filter({ hasText: "Broken." }).waitFor();
        await assert.rejects(root.collections.getOne("unlucky"), { status: 404 });
        assert.equal(await form.getByLabel("Or their JSON").inputValue(), text);

        // The reload that follows an import may fail as well: it stands above the page, and the outcome stays.
        await page.unroute(listed);
        let lists = 0;
        await page.route(listed, (route) => (++lists === 1 ? route.continue() : route.fulfill({ status: 500, json: { status: 500, message: "Broken.", data: {} } })));
        await form.getByRole("button", { name: "Import", exact: true }).click();
        await form.getByText("Imported.").waitFor();
        await page.getByText("Broken.").waitFor();
        assert.ok((await root.collections.getOne("unlucky")).id);
        await assertSound(page, ["500"]);
        await page.context().close();
    });

    test("what an import is refused for is said, on a phone, and nothing is changed", async () => {
        const page = await openAs(server, "/_/#/transfer", { viewport: PHONE });
        const form = page.getByRole("form", { name: "Import" });
        const definitions = [{ name: "good", fields: [] }, { name: "bad", type: "view", viewQuery: "SELECT nowhere" }];
        await form.getByLabel("Or their JSON").fill(JSON.stringify({ collections: definitions }));
        await form.getByRole("button", { name: "Import", exact: true }).click();
        await form.getByRole("alert").filter({ hasText: "Failed to import collections." }).waitFor();
        await assert.rejects(root.collections.getOne("good"), { status: 404 });
        await assertFits(page);
        await picture(page, "import-phone");
        await assertSound(page, ["400"]);
        await assertStill(page);
        await page.context().close();
    });
});
