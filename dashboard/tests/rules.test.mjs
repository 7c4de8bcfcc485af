// Who may do what with the records: said in plain words, set by buttons, and held against the API.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { PASSWORD } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

describe("rules", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        await root.collections.create({ name: "scores", fields: [{ type: "number", name: "points" }] });
        for (let points = 1; points <= 60; points += 1) await root.collection("scores").create({ points });
    });
    after(() => end(server));

    test("rules are saved, and the server's complaint stands beside the rule that it is about", async () => {
        const page = await openAs(server, "/_/#/data/scores/rules");
        const list = page.getByRole("group", { name: "List and search" });
        await list.getByText("Nobody but superusers.").waitFor();
        // The kinds of rules are called as their buttons are.
        const kinds = await page.locator("li strong").allInnerTexts();
        assert.deepEqual(kinds, ["Superusers only:", "Everybody:", "A rule:"]);
        for (const kind of kinds.slice(0, 2)) await list.getByRole("button", { name: kind.replace(":", ""), exact: true }).waitFor();
        await list.getByRole("button", { name: "Everybody" }).click();
        await list.getByText("Everybody, also without a login.").waitFor();
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

    test("accounts write their own records alone, by what the page says and no more", async () => {
        await root.collections.create({ name: "results", fields: [{ type: "text", name: "title" }] });
        const page = await openAs(server, "/_/#/data/results/rules");
        await page.getByText("Each rule is one of three kinds").waitFor();
        await page.getByRole("link", { name: "Add one in Fields" }).click();
        await page.getByLabel("Add a field").selectOption("relation");
        await page.getByLabel("Name", { exact: true }).last().fill("player");
        await page.getByLabel("Relates to").selectOption({ label: "users" });
        await page.getByRole("button", { name: "Save the fields" }).click();
        await page.getByText("Saved.").waitFor();
        await page.getByRole("link", { name: "Rules" }).click();
        await page.getByRole("button", { name: "Everybody sees, only owners write" }).click();
        const group = (name) => page.getByRole("group", { name, exact: true });
        await group("Create").getByText("Every account that is logged in, but only with itself as “player”.").waitFor();
        await group("Update").getByText("Only the account that “player” leads to. It can’t change “player”").waitFor();
        assert.equal(await group("Delete").getByRole("button", { name: "Only its owner" }).getAttribute("aria-pressed"), "true");
        await picture(page, "rules-owner");
        await assertSound(page);
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("Saved.", { exact: true }).waitFor();

        const login = async (name) => {
            const email = `${name}@example.com`;
            await root.collection("users").create({ email, password: PASSWORD, passwordConfirm: PASSWORD });
            const client = new PocketBase(server.url);
            await client.collection("users").authWithPassword(email, PASSWORD);
            return [client.collection("results"), client.authStore.record.id];
        };
        const [[ann, annId], [ben, benId]] = [await login("ann"), await login("ben")];
        const guest = new PocketBase(server.url).collection("results");
        const refused = (promise) => assert.rejects(promise, (error) => [400, 403, 404].includes(error.status));
        const own = await ann.create({ title: "mine", player: annId });
        const nobodys = await root.collection("results").create({ title: "nobody's" });
        await refused(ben.create({ title: "hers", player: annId }));
        await refused(guest.create({ title: "no one's" }));
        assert.equal((await guest.getFullList()).length, 2);
        await ann.update(own.id, { title: "still mine" });
        await refused(ann.update(own.id, { player: benId }));
        await refused(ben.update(own.id, { title: "ours" }));
        await refused(guest.update(nobodys.id, { title: "ours" }));
        await refused(guest.delete(nobodys.id));
        await refused(ben.delete(own.id));
        await ann.delete(own.id);
        await page.context().close();
    });

    test("each usual rule is a button, shown as what it is, and everybody's writing is warned of", async () => {
        const { id } = await root.collections.getOne("users");
        const relation = (name, maxSelect) => ({ type: "relation", name, collectionId: id, maxSelect });
        await root.collections.create({ name: "notes", fields: [{ type: "text", name: "title" }, relation("author", 1), relation("editors", 9)] });
        const page = await openAs(server, "/_/#/data/notes/rules", { viewport: PHONE });
        const update = page.getByRole("group", { name: "Update", exact: true });
        const is = async (text, rule) => {
            await update.getByText(text).waitFor();
            if (rule !== null) assert.equal(await update.getByRole("textbox").inputValue(), rule);
        };
        await is("Nobody but superusers.", null);
        await update.getByRole("button", { name: "Everybody" }).click();
        await is("Everybody may change every record, also without a login.", "");
        await update.getByRole("button", { name: "Anybody logged in" }).click();
        await is("Every account that is logged in, for all records.", '@request.auth.id != ""');
        await update.getByRole("button", { name: "Only its owner" }).click();
        await is("Only the account that “author” leads to.", '@request.auth.id != "" && author = @request.auth.id && @request.body.author:changed = false');
        await update.getByLabel("Field that leads to the owner").selectOption("editors");
        await is("Only the accounts that “editors” leads to. They can’t change “editors”", '@request.auth.id != "" && editors.id ?= @request.auth.id && @request.body.editors:changed = false');
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("Saved.", { exact: true }).waitFor();
        await update.getByRole("textbox").fill("@request.auth.id != '' && author = @request.auth.id");
        await is("It can also change “author”, and so give the record to another.", null);
        await update.getByRole("textbox").fill("title = 'a'");
        await is("Those for whom this rule is true.", null);
        await update.getByRole("button", { name: "Superusers only" }).click();
        await is("Nobody but superusers.", null);
        await assertFits(page);
        await picture(page, "rules-phone");
        await assertSound(page);
        // Where there are more collections of accounts, another's account of the same id is no owner.
        await root.collections.create({ name: "staff", type: "auth" });
        await page.reload();
        await is("Only the accounts that “editors” leads to. They can’t change “editors”", null);
        await update.getByRole("button", { name: "Only its owner" }).click();
        const also = ` && @request.auth.collectionId = "${id}"`;
        await is("Only the accounts that “editors” leads to.", `@request.auth.id != "" && editors.id ?= @request.auth.id${also} && @request.body.editors:changed = false`);
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("Saved.", { exact: true }).waitFor();
        await root.collections.delete("staff");
        // An account is its own owner.
        await page.goto(`${server.url}/_/#/data/users/rules`);
        await page.getByRole("group", { name: "Update", exact: true }).getByText("Each account, for itself alone.").waitFor();
        await page.context().close();
    });

    // An answer left out what its reader may not see, and nothing on the page said why.
    test("what is left out of a record is said, and why", async () => {
        const [{ id: users }, { id: scores }] = await Promise.all([root.collections.getOne("users"), root.collections.getOne("scores")]);
        const relation = (name, collectionId, more = {}) => ({ type: "relation", name, collectionId, maxSelect: 1, ...more });
        await root.collections.create({ name: "open", viewRule: "", fields: [{ type: "text", name: "title" }] });
        const { id: open } = await root.collections.getOne("open");
        await root.collections.update("scores", { viewRule: null });
        const fields = [{ type: "text", name: "secret", hidden: true }, relation("author", users), relation("score", scores), relation("theme", open), relation("unseen", scores, { hidden: true })];
        await root.collections.create({ name: "albums", fields });
        const { id: author } = await root.collection("users").create({ email: "author@example.com", password: PASSWORD, passwordConfirm: PASSWORD });
        const score = (await root.collection("scores").getFirstListItem("")).id;
        const theme = (await root.collection("open").create({ title: "a theme" })).id;
        await root.collection("albums").create({ id: "album0000000001", secret: "x", author, score, theme, unseen: score });
        const page = await openAs(server, "/_/#/data/albums/rules");
        const said = page.getByRole("region", { name: "What is left out of a record" });
        const list = page.getByRole("group", { name: "List and search", exact: true });
        await list.getByText("Nobody but superusers.").waitFor();
        // Nobody sees a record, so nothing is left out of it.
        assert.equal(await said.count(), 0);
        await list.getByRole("button", { name: "Everybody" }).click();
        assert.deepEqual(await said.getByRole("listitem").allInnerTexts(), [
            "Hidden, so that superusers alone see it: secret, unseen.",
            "“author” leads to users. With “expand” it shows the records that the rule View of users lets somebody view, and of others the ids alone. Rules of users",
            "“score” leads to scores, which superusers alone may view. Others get ids alone, also with “expand”. Rules of scores",
        ]);
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("Saved.", { exact: true }).waitFor();
        await said.scrollIntoViewIfNeeded();
        await picture(page, "rules-left-out");
        await assertSound(page);
        // And so it is.
        const seen = async (client) => (await client.collection("albums").getFullList({ expand: "author,score,theme,unseen" }))[0];
        const guest = await seen(new PocketBase(server.url));
        assert.deepEqual([guest.secret, guest.unseen, guest.author, guest.score, Object.keys(guest.expand)], [undefined, undefined, author, score, ["theme"]]);
        const self = new PocketBase(server.url);
        await self.collection("users").authWithPassword("author@example.com", PASSWORD);
        assert.deepEqual(Object.keys((await seen(self)).expand).toSorted(), ["author", "theme"]);
        assert.deepEqual(Object.keys((await seen(root)).expand).toSorted(), ["author", "score", "theme", "unseen"]);
        await said.getByRole("link", { name: "Rules of users" }).click();
        await said.getByText("Others than the account itself see its “email” only where its “emailVisibility” is on.").waitFor();
        // A hidden field is told from others where a record is edited, and so is what leads nowhere.
        await root.send("/api/sql", { method: "POST", body: { query: "UPDATE albums SET author = 'nobody000000000'" } });
        await page.goto(`${server.url}/_/#/data/albums`);
        await page.getByRole("cell", { name: "nobody000000000 (not there)" }).waitFor();
        await page.getByRole("button", { name: "album0000000001" }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByLabel("secret (hidden: superusers alone see it)").waitFor();
        await drawer.getByText("There is no such record in users.").waitFor();
        await picture(page, "record-left-out", false);
        await assertSound(page);
        await page.context().close();
    });

    test("a rule that lets guests in by an empty field is warned of, and closed by a button", async () => {
        const page = await openAs(server, "/_/#/data/notes/rules");
        const list = page.getByRole("group", { name: "List and search", exact: true });
        const warning = list.getByText("Guests can pass this rule.");
        await list.getByRole("button", { name: "Everybody" }).click();
        const rule = list.getByRole("textbox");
        const owned = (conditions) => conditions.map((condition) => `${condition} && author = @request.auth.id`);
        const open = [
            "author = @request.auth.id",
            "@request.auth.id = author",
            "author:lower = @request.auth.id",
            "author = @request.auth.id:lower",
            "title = @request.auth.name",
            "author.verified = @request.auth.verified",
            "editors.id ?= @request.auth.id",
            "title = 'a' || (author = @request.auth.id && title != 'b')",
            "@request.auth.id != '' || author = @request.auth.id",
            "author = @request.auth.id // @request.auth.id != ''",
            "geoDistance(1, 2, 3, 4) < 500 && author.name = @request.auth.id",
            // Nothing is neither false nor 0.
            ...owned(["@request.auth.id = ''", "@request.auth.verified != false", "@request.auth.verified != true", "@request.auth.id != 0", "0 != @request.auth.id"]),
            ...owned(["@request.auth.name != 'x'", "@request.auth.name ?!= false", "@request.auth.id = null", "@request.auth.id > '' || @request.auth.id = ''"]),
        ];
        const closed = [
            '"" != @request.auth.id && (title = "x" || author = @request.auth.id)',
            ...owned(["@request.auth.id != ''", "@request.auth.id != null", "null != @request.auth.id", "@request.auth.name ?!= ''", "@request.auth.verified != ''"]),
            ...owned(["@request.auth.verified = true", "@request.auth.verified = false", "@request.auth.name = 'editor'", "@request.auth.name = 0", "@request.auth.missing = '0'"]),
            "title = 'author = @request.auth.id'",
            "id = @request.auth.id",
            "author ~ @request.auth.id",
        ];
        // What it warns of is what guests get from the server.
        await root.collection("notes").create({});
        const guest = new PocketBase(server.url).collection("notes");
        for (const [texts, state, seen] of [[open, "attached", 1], [closed, "detached", 0]]) {
            for (const text of texts) {
                await rule.fill(text);
                await warning.waitFor({ state });
                await root.collections.update("notes", { listRule: text });
                assert.equal((await guest.getFullList()).length, seen, text);
            }
        }
        // The first shows guests what is somebody's; the second is no rule.
        for (const text of ["author != @request.auth.id", "author = "]) {
            await rule.fill(text);
            await warning.waitFor({ state: "detached" });
        }
        await rule.fill("title = @request.auth.name");
        await list.getByText("Without a login @request.auth.name is empty. Where “title” is empty, too, the two are equal.").waitFor();
        await root.collections.update("notes", { listRule: null });
        await rule.fill("title = 'a' || author = @request.auth.id // mine");
        await warning.waitFor();
        await picture(page, "rules-guests");
        await assertSound(page);
        await list.getByRole("button", { name: "Ask for a login, too" }).click();
        await warning.waitFor({ state: "detached" });
        await page.getByRole("button", { name: "Save the rules" }).click();
        await page.getByText("Saved.", { exact: true }).waitFor();
        assert.equal((await root.collections.getOne("notes")).listRule, "@request.auth.id != \"\" && (title = 'a' || author = @request.auth.id // mine\n)");
        await root.collection("notes").create({ title: "nobody's" });
        assert.equal((await new PocketBase(server.url).collection("notes").getFullList()).length, 0);
        await page.context().close();
    });

    // A field that is never empty, such as a bool or a list of relations, was warned of as well.
    test("for each kind of field the page warns of what guests get from the server, and of nothing else", async () => {
        const { id: users } = await root.collections.getOne("users");
        const relation = (name, maxSelect, collectionId = users) => ({ type: "relation", name, collectionId, maxSelect });
        const plain = ["text", "editor", "email", "url", "number", "bool", "date", "json", "geoPoint"].map((type) => ({ type, name: `a_${type}` }));
        const select = (name, maxSelect) => ({ type: "select", name, values: ["a", "b"], maxSelect });
        const file = (name, maxSelect) => ({ type: "file", name, maxSelect });
        const kinds = await root.collections.create({ name: "kinds", fields: [...plain, select("one", 1), select("some", 2), file("file", 1), file("files", 2), relation("owner", 1), relation("owners", 2)] });
        await root.collection("kinds").create({});
        // Records from before have no time of making.
        await root.collections.update("kinds", { fields: [...kinds.fields, { type: "autodate", name: "made", onCreate: true }, relation("self", 1, kinds.id), relation("selves", 2, kinds.id)] });
        const view = "SELECT a.id, b.a_bool AS a_bool, b.a_number AS a_number, b.selves AS selves, a.a_text AS a_text FROM kinds a LEFT JOIN kinds b ON b.id = a.self";
        await root.collections.create({ name: "kinds_seen", type: "view", viewQuery: view });
        const names = (await root.collections.getOne("kinds")).fields.map((field) => field.name);
        const modified = names.flatMap((name) => ["", ":lower", ":each", ":length"].map((modifier) => `${name}${modifier} = @request.auth.id`));
        const rules = [
            ...modified,
            ...["a_bool", "a_number", "owner", "owners", "a_json.b", "a_geoPoint.lon", "a_geoPoint.lat"].flatMap((name) => [`${name} ?= @request.auth.id`, `@request.auth.name = ${name}`]),
            ...["owner.id", "owner.verified", "owners.id", "owners.name", "self.a_bool", "self.owners", "self.a_geoPoint", "selves.a_number", "kinds_via_self.a_bool"].map((path) => `${path} = @request.auth.id`),
            ...["@now", "@year", "@request.method", "@request.context", "@request.query.a", "@request.body.a_bool", "@request.body.a_text:isset", "@request.body.a_bool:changed"].map((path) => `${path} = @request.auth.id`),
            // What is never empty keeps guests out of the rest as well, as long as all has to hold.
            "a_bool = @request.auth.verified && owner = @request.auth.id",
            "a_bool = @request.auth.verified || owner = @request.auth.id",
            "a_bool != @request.auth.verified && owner = @request.auth.id",
            "(owners = @request.auth.id || a_number ?= @request.auth.id) && a_text = @request.auth.name",
        ];
        const onView = ["a_bool", "a_number", "selves", "a_text", "id"].map((name) => `${name} = @request.auth.id`);
        const guest = new PocketBase(server.url);
        const page = await openAs(server, "/_/#/data/kinds/rules");
        const list = page.getByRole("group", { name: "List and search", exact: true });
        const warning = list.getByText("Guests can pass this rule.");
        const wrong = [];
        const found = { true: 0, false: 0 };
        for (const [collection, all] of [["kinds", rules], ["kinds_seen", onView]]) {
            await page.goto(`${server.url}/_/#/data/${collection}/rules`);
            await page.getByRole("heading", { name: collection, exact: true }).waitFor();
            await list.getByRole("button", { name: "Everybody" }).click();
            for (const rule of all) {
                await list.getByRole("textbox").fill(rule);
                // It is drawn before the next frame but one.
                await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
                const isWarned = (await warning.count()) > 0;
                await root.collections.update(collection, { listRule: rule });
                const isOpen = (await guest.collection(collection).getFullList()).length > 0;
                found[isOpen] += 1;
                if (isWarned !== isOpen) wrong.push(`${rule}: ${isOpen ? "guests get it" : "guests get nothing"}`);
            }
        }
        assert.deepEqual(wrong, []);
        assert.ok(found.true > 30 && found.false > 30, JSON.stringify(found));
        await list.getByRole("textbox").fill("selves = @request.auth.id");
        await picture(page, "rules-kinds");
        await assertSound(page);
        await page.context().close();
    });
});
