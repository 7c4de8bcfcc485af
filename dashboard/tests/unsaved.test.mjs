// What was typed and is not saved: it stays while other pages are looked at.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, until } from "../../tests/sdk/server.mjs";
import { assertSound, holdBack, logIn, openAs, openPage, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

describe("not saved yet", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        await root.collections.create({ name: "posts", fields: [{ type: "text", name: "title" }] });
        await root.collections.create({ name: "teams", fields: [{ type: "text", name: "title" }] });
    });
    after(() => end(server));

    const names = async () => (await root.collections.getOne("posts")).fields.map((field) => field.name);

    // A look at another tab took away the fields that had been typed.
    test("fields and rules that are typed stay while other tabs and pages are looked at, and are marked", async () => {
        const page = await openAs(server, "/_/#/data/posts/fields");
        const tab = (name) => page.locator(".tabs").getByRole("link", { name });
        const field = () => page.getByLabel("Name", { exact: true });
        await page.getByLabel("Add a field").selectOption("number");
        await field().last().fill("points");
        await tab("Rules").click();
        const list = page.getByRole("group", { name: "List and search", exact: true });
        await list.getByRole("button", { name: "Everybody" }).click();
        await tab("Indexes").click();
        await tab("Fields (not saved yet)").waitFor();
        await tab("Rules (not saved yet)").waitFor();
        assert.equal(await tab("Indexes (not saved yet)").count(), 0);
        await page.getByRole("link", { name: "teams" }).click();
        await page.getByRole("heading", { name: "teams" }).waitFor();
        await picture(page, "not-saved");
        await assertSound(page);
        await page.getByRole("link", { name: "Safety" }).click();
        await page.getByText("There is no backup yet.").waitFor();
        // Others change the same collection meanwhile.
        const { fields } = await root.collections.getOne("posts");
        await root.collections.update("posts", { fields: [...fields, { type: "bool", name: "done" }] });
        await page.getByRole("link", { name: "Data" }).click();
        await page.getByRole("link", { name: "posts (not saved yet)" }).click();
        await tab("Fields").click();
        assert.equal(await field().last().inputValue(), "points");
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        assert.deepEqual(await names(), ["id", "title", "done", "points"]);
        // It stood beside a deletion that was not saved.
        await page.locator(".schema").getByRole("button", { name: "Remove" }).last().click();
        await page.getByText("Saving will delete all values of: points.").waitFor();
        await page.getByText("Saved.").waitFor({ state: "detached" });
        await page.getByRole("button", { name: "Discard changes" }).click();
        await tab("Fields (not saved yet)").waitFor({ state: "detached" });
        await tab("Rules").click();
        await list.getByText("Everybody, also without a login.").waitFor();
        // Taken back, it is as the server has it.
        await page.getByRole("button", { name: "Discard changes" }).click();
        await list.getByText("Nobody but superusers.").waitFor();
        await tab("Rules (not saved yet)").waitFor({ state: "detached" });
        assert.equal(await page.getByRole("button", { name: "Discard changes" }).count(), 0);
        await page.context().close();
    });

    test("what is discarded, deleted with its collection, or another's, does not come back", async () => {
        const page = await openAs(server, "/_/#/data/teams/fields");
        const field = () => page.getByLabel("Name", { exact: true }).nth(1);
        const retype = async () => {
            await field().fill("heading");
            await page.locator(".tabs").getByRole("link", { name: "Rules" }).click();
            await page.locator(".tabs").getByRole("link", { name: "Fields" }).click();
            assert.equal(await field().inputValue(), "heading");
        };
        await retype();
        await page.getByRole("button", { name: "Discard changes" }).click();
        await until(async () => (await field().inputValue()) === "title", "the name that the server has");
        await retype();
        await page.getByRole("button", { name: "Log out" }).click();
        await logIn(page);
        await field().waitFor();
        assert.equal(await field().inputValue(), "title");
        // The browser asks before the window is closed, while there is something to lose.
        const asked = [];
        page.on("dialog", (dialog) => {
            asked.push(dialog.type());
            void dialog.dismiss();
        });
        await retype();
        await page.evaluate(() => setTimeout(() => location.reload()));
        await until(() => asked.length > 0, "the question");
        assert.deepEqual(asked, ["beforeunload"]);
        assert.equal(await field().inputValue(), "heading");
        await page.getByRole("button", { name: "Delete the collection …" }).click();
        await page.getByLabel("Type the name of the collection, “teams”, to go on").fill("teams");
        await page.getByRole("button", { name: "Delete the collection", exact: true }).click();
        await page.getByRole("link", { name: "teams" }).waitFor({ state: "detached" });
        await page.reload();
        await page.getByRole("heading", { name: "posts" }).waitFor();
        assert.deepEqual(asked, ["beforeunload"]);
        await page.context().close();
    });

    // The next superuser saw them, secrets among them: this window was never without a login.
    test("what one superuser typed goes where another window logs out and in as another", async () => {
        const next = { email: "next@example.com", password: PASSWORD };
        await root.collection("_superusers").create({ ...next, passwordConfirm: PASSWORD });
        const theirs = new PocketBase(server.url);
        await theirs.collection("_superusers").authWithPassword(next.email, next.password);
        const page = await openAs(server, "/_/#/data/posts/fields");
        const field = () => page.getByLabel("Name", { exact: true }).nth(1);
        const secret = () => page.getByLabel("Webhook’s secret");
        await field().fill("heading");
        await page.getByRole("link", { name: "Settings" }).click();
        await secret().fill("a secret");
        const other = await page.context().newPage();
        await other.goto(`${server.url}/_/`);
        const become = ({ token, record }) => other.evaluate((value) => localStorage.setItem("__bosbase_superuser__", value), JSON.stringify({ token, record }));
        // A new token of the same superuser takes nothing away.
        const again = new PocketBase(server.url);
        await again.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        await become(again.authStore);
        await until(() => page.evaluate((token) => localStorage.getItem("__bosbase_superuser__").includes(token), again.authStore.token), "the new token");
        assert.equal(await secret().inputValue(), "a secret");
        await become(theirs.authStore);
        await page.getByText(next.email).waitFor();
        assert.equal(await secret().inputValue(), "");
        await page.getByRole("link", { name: "Data" }).click();
        await page.getByRole("link", { name: "posts", exact: true }).click();
        await page.locator(".tabs").getByRole("link", { name: "Fields", exact: true }).click();
        assert.equal(await field().inputValue(), "title");
        await page.context().close();
    });

    // The late answer threw the next superuser out, or made them the one before again.
    test("what a session asked for before it was replaced does not touch the one that came after it", async () => {
        const [gone, next] = ["before@example.com", "after@example.com"];
        for (const email of [gone, next]) await root.collection("_superusers").create({ email, password: PASSWORD, passwordConfirm: PASSWORD });
        const logins = new PocketBase(server.url);
        const { token, record } = await logins.collection("_superusers").authWithPassword(gone, PASSWORD);
        const page = await openPage(server, "/_/#/data/posts");
        const other = await page.context().newPage();
        await other.goto(`${server.url}/_/`);
        const become = ({ token, record }) => other.evaluate((value) => localStorage.setItem("__bosbase_superuser__", value), JSON.stringify({ token, record }));
        await page.getByRole("heading", { name: "Log in" }).waitFor();
        const [listing, renewing] = [await holdBack(page, "GET", /\/api\/collections$/), await holdBack(page, "POST", /auth-refresh$/)];
        await become({ token, record });
        await Promise.all([listing.asked, renewing.asked]);
        const theirs = await logins.collection("_superusers").authWithPassword(next, PASSWORD);
        await become(theirs);
        await page.getByText(next).waitFor();
        const stays = async (answered) => {
            await answered;
            await page.getByText(next).waitFor();
            assert.equal(await page.getByRole("heading", { name: "Log in" }).count(), 0);
            assert.equal((await page.evaluate(() => JSON.parse(localStorage.getItem("__bosbase_superuser__")))).record.email, next);
        };
        const answer = (path, status) => page.waitForResponse((one) => one.url().includes(path) && one.status() === status && one.request().headers().authorization === token).then((one) => one.finished());
        const renewed = answer("/auth-refresh", 200);
        renewing.release();
        await stays(renewed);
        // Its own session is ended, so what it asked for is refused.
        await root.collection("_superusers").update(record.id, { password: `${PASSWORD}-2`, passwordConfirm: `${PASSWORD}-2` });
        const refused = answer("/api/collections", 401);
        listing.release();
        await stays(refused);
        await page.getByRole("heading", { name: "posts" }).waitFor();
        await assertSound(page, ["401"]);
        // One’s own session that is over is said to be so.
        const { id } = theirs.record;
        await root.collection("_superusers").update(id, { password: `${PASSWORD}-2`, passwordConfirm: `${PASSWORD}-2` });
        await page.getByRole("link", { name: "Logs" }).click();
        await page.getByText("Your session is over.").waitFor();
        await page.context().close();
    });

    test("settings that are typed stay while another page is looked at", async () => {
        const page = await openAs(server, "/_/#/settings");
        await page.getByLabel("Keep the newest").fill("9");
        await page.getByRole("link", { name: "Safety" }).click();
        await page.getByText("There is no backup yet.").waitFor();
        await page.getByRole("link", { name: "Settings" }).click();
        assert.equal(await page.getByLabel("Keep the newest").inputValue(), "9");
        await page.getByRole("button", { name: "Save the schedule" }).click();
        await page.getByText("Saved.").waitFor();
        assert.equal((await root.settings.getAll()).backups.cronMaxKeep, 9);
        await page.getByLabel("Keep the newest").fill("8");
        await page.getByText("Saved.").waitFor({ state: "detached" });
        await page.context().close();
    });

    test("names of fields that are empty or there twice are marked while they are typed", async () => {
        const page = await openAs(server, "/_/#/data/posts/fields");
        const name = (index) => page.getByLabel("Name", { exact: true }).nth(index);
        await page.getByLabel("Add a field").selectOption("text");
        // What nobody has typed yet is no mistake.
        assert.equal(await page.locator(".schema .wrong").count(), 0);
        const last = page.getByLabel("Name", { exact: true }).last();
        await last.fill("Title");
        await page.getByText("There is another field called Title.").nth(1).waitFor();
        assert.equal(await last.getAttribute("aria-invalid"), "true");
        await picture(page, "fields-twice", false);
        await assertSound(page);
        await last.fill("Titles");
        await page.locator(".schema .wrong").first().waitFor({ state: "detached" });
        await name(1).fill("");
        await page.getByText("A field needs a name.").waitFor();
        await name(1).fill("title");
        await page.locator(".schema .wrong").first().waitFor({ state: "detached" });
        await page.context().close();
    });
});
