// What an app's developer does with collections: indexes, options of fields, views, import and export.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, startServer } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, closeBrowser, openAs, openBrowser, picture } from "./browser.mjs";

describe("developing", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        [server] = await Promise.all([startServer(), openBrowser()]);
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        const fields = [{ type: "text", name: "title" }, { type: "number", name: "points" }, { type: "bool", name: "done" }];
        await root.collections.create({ name: "scores", fields });
        for (const title of ["ann", "ben", "ben"]) await root.collection("scores").create({ title, points: title.length });
    });
    after(async () => {
        await closeBrowser();
        await server?.stop();
    });

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
        await adding.getByLabel("No two records may be alike").check();
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
        await page.getByRole("button", { name: "Take out the index idx_own" }).click();
        // Another client adds one meanwhile: nothing of it is lost unseen.
        await root.collections.update("scores", { indexes: [...kept, "CREATE INDEX `idx_new` ON `scores` (`points`)"] });
        await save.click();
        await page.getByText("indexes was changed meanwhile.").waitFor();
        await page.reload();
        await page.getByRole("button", { name: "Take out the index idx_own" }).click();
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
        const names = () => page.getByLabel("Name").evaluateAll((inputs) => inputs.map((input) => input.value));
        assert.deepEqual(await names(), ["id", "", "created", "updated"]);
        await page.getByLabel("Name").nth(1).fill("shots");
        const row = page.locator(".schema > li").nth(1);
        await row.getByLabel("At most so many").fill("3");
        await row.locator("summary").click();
        await row.getByLabel("Bytes of a file at most").fill("2000");
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
        await page.getByLabel("Name").nth(2).waitFor();
        const points = page.locator(".schema > li").nth(2);
        await points.locator("summary").click();
        await points.getByLabel("Least").fill("0");
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

    test("what the server makes by itself is not marked as required", async () => {
        const page = await openAs(server, "/_/#/data/scores");
        await page.getByRole("button", { name: "New record" }).click();
        await page.getByRole("dialog").getByLabel("id", { exact: true }).waitFor();
        await page.context().close();
    });
});
