// Records as people know them: by name, with pictures, in the columns that they want; and many deleted at once.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { PASSWORD, until } from "../../tests/sdk/server.mjs";
import { PHONE, PNG, assertFits, assertSound, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

describe("records", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        const text = (name, more = {}) => ({ type: "text", name, ...more });
        const teams = await root.collections.create({ name: "teams", fields: [text("motto"), text("called", { presentable: true })] });
        await root.collections.create({
            name: "games",
            fields: [
                { type: "relation", name: "team", collectionId: teams.id, maxSelect: 1, required: true },
                { type: "relation", name: "others", collectionId: teams.id, maxSelect: 5 },
                { type: "file", name: "cover", maxSelect: 1 },
                { type: "file", name: "shots", maxSelect: 5, protected: true },
                ...["a", "b", "c", "d"].map((name) => text(name)),
            ],
        });
        for (const [id, called] of [["red000000000000", "Red"], ["blue00000000000", "Blue"], ["green0000000000", "Green"]]) await root.collection("teams").create({ id, called, motto: "win" });
        const form = new FormData();
        const values = { id: "game00000000001", team: "red000000000000", d: "the last", cover: new File([PNG], "cover.png"), shots: new File([PNG], "shot.png") };
        for (const [name, value] of Object.entries(values)) form.append(name, value);
        for (const id of ["blue00000000000", "green0000000000"]) form.append("others", id);
        for (const file of [new File(["no picture"], "broken.png"), new File(["words"], "words.txt")]) form.append("shots", file);
        await root.collection("games").create(form);
    });
    after(() => end(server));

    const isSeen = (image) => image.evaluate((one) => one.complete && one.naturalWidth > 0);

    test("related records have names, and files, protected ones too, are seen", async () => {
        const page = await openAs(server, "/_/#/data/games");
        const row = page.getByRole("row").nth(1);
        await row.getByText("Red", { exact: true }).waitFor();
        await row.getByText("Blue, Green", { exact: true }).waitFor();
        const [cover, shot] = [row.getByRole("img", { name: /^cover/ }), row.getByRole("img", { name: /^shot/ })];
        await until(() => isSeen(cover), "the cover");
        await until(() => isSeen(shot), "the shot");
        // What can't be shown is named.
        await row.locator("span.name").filter({ hasText: /^broken/ }).waitFor();
        await row.getByText(/^words/).waitFor();
        await picture(page, "records");
        await row.getByRole("button", { name: "game00000000001" }).click();
        const drawer = page.getByRole("dialog");
        const others = drawer.getByRole("group", { name: "others" });
        await others.getByText("Blue").waitFor();
        await others.getByText("Green").waitFor();
        await until(() => isSeen(drawer.getByRole("button", { name: /^shot/ }).locator("img")), "the shot in the drawer");
        await drawer.getByLabel("Add to cover").setInputFiles({ name: "new.png", mimeType: "image/png", buffer: PNG });
        await until(() => isSeen(drawer.getByRole("img", { name: "new.png" })), "what is about to be uploaded");
        await picture(page, "record-files", false);
        await assertSound(page, ["404", "400"]);
        await page.context().close();
    });

    // They were ids, to be typed in.
    test("related records are found by name, with the keyboard alone, too", async () => {
        const page = await openAs(server, "/_/#/data/games");
        await page.getByRole("button", { name: "game00000000001" }).click();
        const drawer = page.getByRole("dialog");
        const [team, others] = [drawer.getByRole("group", { name: "team *" }), drawer.getByRole("group", { name: "others" })];
        await team.getByText("Red").waitFor();
        // Another takes the place of a single one.
        await team.getByLabel("Find a record for team").fill("gre");
        await team.getByText("1 record").waitFor();
        await picture(page, "relation", false);
        await assertSound(page, ["404", "400"]);
        await page.keyboard.press("Enter");
        await team.getByText("Green").waitFor();
        assert.equal(await team.getByText("Red").count(), 0);
        // What is chosen already is not offered; Escape closes what was found, and not the drawer.
        const find = others.getByLabel("Find a record for others");
        await find.focus();
        await page.keyboard.press("ArrowDown");
        await others.getByText("1 record").waitFor();
        assert.deepEqual(await others.getByRole("button", { name: /^(Red|Blue|Green)/ }).allTextContents(), ["Red red000000000000"]);
        await page.keyboard.press("Escape");
        await others.getByText("1 record").waitFor({ state: "detached" });
        await page.keyboard.press("ArrowDown");
        await others.getByText("1 record").waitFor();
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await others.getByRole("button", { name: "Remove Red" }).waitFor();
        await page.keyboard.press("ArrowDown");
        await others.getByText("All that match are chosen already.").waitFor();
        await others.getByRole("button", { name: "Remove Blue" }).click();
        await find.fill("nobody");
        await others.getByText("No record matches.").waitFor();
        await find.fill("");
        // Else it comes while the button is clicked, and moves it.
        await others.getByRole("button", { name: /^Blue/ }).waitFor();
        await drawer.getByRole("button", { name: "Save" }).click();
        await drawer.waitFor({ state: "detached" });
        const saved = await root.collection("games").getOne("game00000000001");
        assert.deepEqual([saved.team, saved.others], ["green0000000000", ["green0000000000", "red000000000000"]]);
        await root.collection("games").update("game00000000001", { team: "red000000000000", others: ["blue00000000000", "green0000000000"] });
        await page.context().close();

        const phone = await openAs(server, "/_/#/data/games", { viewport: PHONE });
        await phone.getByRole("button", { name: "game00000000001" }).click();
        await phone.getByLabel("Find a record for others").click();
        await phone.getByText("1 record", { exact: true }).last().waitFor();
        await assertFits(phone);
        await picture(phone, "relation-phone", false);
        await phone.context().close();
    });

    // It did not say where it looked, and found no name of a related record, no number and no file.
    test("words are looked for in each field that the page names, and in the names that stand in the table", async () => {
        const [{ id: teams }, { id: users }] = await Promise.all([root.collections.getOne("teams"), root.collections.getOne("users")]);
        const fields = [
            { type: "text", name: "title" },
            { type: "text", name: "secret", hidden: true },
            { type: "editor", name: "story" },
            { type: "email", name: "mail" },
            { type: "url", name: "site" },
            { type: "select", name: "kind", values: ["easy", "hard"], maxSelect: 1 },
            { type: "select", name: "tags", values: ["fresh", "stale"], maxSelect: 2 },
            { type: "json", name: "extra" },
            { type: "number", name: "points" },
            { type: "date", name: "due" },
            { type: "bool", name: "done" },
            { type: "geoPoint", name: "place" },
            { type: "file", name: "paper", maxSelect: 1 },
            { type: "file", name: "papers", maxSelect: 5 },
            { type: "relation", name: "team", collectionId: teams, maxSelect: 1 },
            { type: "relation", name: "others", collectionId: teams, maxSelect: 5 },
            { type: "relation", name: "player", collectionId: users, maxSelect: 1 },
            { type: "autodate", name: "created", onCreate: true },
        ];
        await root.collections.create({ name: "found", fields });
        const { id: player } = await root.collection("users").create({ name: "Walter", email: "w@example.com", password: PASSWORD, passwordConfirm: PASSWORD });
        const paper = (name) => new File(["words"], `${name}.txt`);
        const values = {
            ...{ id: "foundrecord0001", title: "a heading", secret: "unseen", story: "<p>long ago</p>", mail: "somebody@example.com", site: "https://example.org/place" },
            ...{ kind: "easy", tags: ["fresh", "stale"], extra: { depth: "deep" }, points: 90210, due: "2031-07-04 00:00:00.000Z", done: true, place: { lon: 7, lat: 8 } },
            ...{ paper: paper("contract"), papers: [paper("letter"), paper("invoice")], team: "red000000000000", others: ["blue00000000000", "green0000000000"], player },
        };
        await root.collection("found").create(values);
        await root.collection("found").create({ id: "foundrecord0002" });
        const page = await openAs(server, "/_/#/data/found");
        const box = page.getByRole("searchbox");
        await page.getByText("2 records", { exact: true }).waitFor();
        const said = await box.evaluate((input) => document.getElementById(input.getAttribute("aria-describedby")).innerText);
        const named = "id, title, story, mail, site, kind, tags, extra, points, due, paper, papers, team, others, player, team.called, others.called, player.name";
        assert.equal(said, `Words are looked for in: ${named}.`);
        const row = page.getByRole("row").filter({ hasText: "foundrecord0001" });
        const known = ["foundrecord0001", "heading", "long ago", "somebody@", "example.org/pl", "easy", "stale", "deep", "90210", "2031-07", "contract", "invoice", "red0", "green0", player, "Red", "Green", "walter"];
        const find = async (words) => {
            const answered = page.waitForResponse((answer) => new URL(answer.url()).searchParams.get("filter")?.includes(words));
            await box.fill(words);
            return (await (await answered).json()).items.map((one) => one.id);
        };
        for (const words of known) assert.deepEqual(await find(words), ["foundrecord0001"], words);
        await row.waitFor();
        await picture(page, "search");
        await assertSound(page);
        for (const words of ["unseen", "lat", "nowhere at all"]) assert.deepEqual(await find(words), [], words);
        await page.getByText("No record matches.").waitFor();
        await page.context().close();
    });

    test("columns are chosen, and remembered", async () => {
        const page = await openAs(server, "/_/#/data/games", { viewport: PHONE });
        const headers = () => page.getByRole("columnheader").allInnerTexts();
        await page.getByRole("columnheader", { name: "team" }).waitFor();
        assert.deepEqual((await headers()).map((name) => name.trim()), ["id", "team", "others", "cover", "shots", "a", "b"]);
        await page.getByRole("button", { name: "Columns …" }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByLabel("a", { exact: true }).uncheck();
        await dialog.getByLabel("team", { exact: true }).uncheck();
        await dialog.getByLabel("d", { exact: true }).check();
        await picture(page, "columns-phone", false);
        await assertSound(page, ["404", "400"]);
        await dialog.getByRole("button", { name: "Done" }).click();
        await page.reload();
        await page.getByText("the last").waitFor();
        assert.deepEqual((await headers()).map((name) => name.trim()), ["id", "others", "cover", "shots", "b", "d"]);
        await assertFits(page);
        await page.context().close();
    });

    test("many are deleted at once, and of each that stays the reason is told", async () => {
        const page = await openAs(server, "/_/#/data/teams");
        await page.getByText("3 records").waitFor();
        await page.getByLabel("Choose green0000000000").check();
        await page.getByText("1 record chosen").waitFor();
        await page.getByLabel("Choose all of this page").check();
        await page.getByText("3 records chosen").waitFor();
        // What goes out of sight is not deleted.
        await page.getByRole("searchbox").fill("called != 'Green'");
        await page.getByText("2 records chosen").waitFor();
        await page.getByRole("button", { name: "Delete the chosen ones …" }).click();
        const action = page.getByRole("button", { name: "Delete them" });
        assert.ok(await action.isDisabled());
        await page.getByText("1 record of games needs some of these, by the field “team”. Those can’t be deleted while it does.").waitFor();
        await page.getByLabel("Type the name of the collection, “teams”, to go on").fill("teams");
        await picture(page, "bulk", false);
        await action.click();
        const told = page.getByRole("alert");
        await told.getByText("1 record could not be deleted:").waitFor();
        assert.match(await told.getByRole("listitem").innerText(), /^red000000000000: .*required relation/s);
        assert.deepEqual((await root.collection("teams").getFullList({ sort: "called" })).map((one) => one.called), ["Green", "Red"]);
        assert.deepEqual((await root.collection("games").getOne("game00000000001")).others, ["green0000000000"]);
        await picture(page, "bulk-told");
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    // It wanted fifteen characters typed, and said nothing of what goes along.
    test("a record is deleted without typing, once it was said what goes along with it", async () => {
        const collection = async (name, ...fields) => (await root.collections.create({ name, fields: [{ type: "text", name: "title" }, ...fields] })).id;
        const relation = (name, collectionId, more) => ({ type: "relation", name, collectionId, maxSelect: 1, ...more });
        const clubs = await collection("clubs");
        const members = await collection("members", relation("club", clubs, { cascadeDelete: true }), relation("friends", clubs, { cascadeDelete: true, maxSelect: 5 }), relation("rival", clubs));
        await collection("letters", relation("member", members, { cascadeDelete: true }));
        const make = (name, values) => root.collection(name).create(values);
        const [one, other] = [await make("clubs", { title: "one" }), await make("clubs", { title: "other" })];
        const [, second] = [await make("members", { club: one.id }), await make("members", { club: one.id, rival: other.id })];
        await make("members", { friends: [one.id] });
        // These stay: one has another friend, the other a rival that does not take it along.
        await make("members", { friends: [one.id, other.id] });
        await make("members", { rival: one.id });
        await make("letters", { member: second.id });
        const page = await openAs(server, "/_/#/data/clubs");
        await page.getByRole("button", { name: other.id }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByRole("button", { name: "Delete …" }).click();
        await dialog.getByText("No other record is deleted.").waitFor();
        await dialog.getByRole("button", { name: "Cancel" }).click();
        await dialog.getByRole("button", { name: "Close" }).click();
        await page.getByLabel(`Choose ${one.id}`).check();
        await page.getByRole("button", { name: "Delete the chosen ones …" }).click();
        await dialog.getByText("Also deleted:").waitFor();
        assert.deepEqual(await dialog.getByRole("listitem").allTextContents(), [
            "2 records of members, by the field “club”",
            "1 record of members, by the field “friends”",
            "records that in turn belong to those, of letters",
        ]);
        await picture(page, "delete-along", false);
        await assertSound(page);
        await dialog.getByRole("button", { name: "Delete it" }).click();
        await page.getByText("1 record", { exact: true }).waitFor();
        const counts = await Promise.all(["members", "letters"].map(async (name) => (await root.collection(name).getFullList()).length));
        assert.deepEqual(counts, [2, 0]);
        await page.context().close();
    });

    // "No other record is deleted." stood there, and one was: it led to both.
    test("records that lead to several chosen ones, or to each other, and traces of accounts are said to go along", async () => {
        const relation = (name, collectionId, more) => ({ type: "relation", name, collectionId, maxSelect: 1, cascadeDelete: true, ...more });
        const { id: rooms } = await root.collections.create({ name: "rooms", fields: [{ type: "text", name: "title" }] });
        await root.collections.update("rooms", { fields: [...(await root.collections.getOne("rooms")).fields, relation("within", rooms), relation("beside", rooms, { maxSelect: 3 })] });
        const make = async (name, values) => (await root.collection(name).create(values, { requestKey: null })).id;
        // More than fit into one filter.
        const chosen = await Promise.all(Array.from({ length: 12 }, (_, index) => make("rooms", { title: `chosen ${index}` })));
        const [one, other] = [chosen[0], chosen[11]];
        const stays = await make("rooms", { title: "stays" });
        const page = await openAs(server, "/_/#/data/rooms");
        const dialog = page.getByRole("dialog");
        const ask = async (...ids) => {
            for (const id of ids) await page.getByLabel(`Choose ${id}`).check();
            await page.getByRole("button", { name: "Delete the chosen ones …" }).click();
        };
        const cancel = async () => {
            await dialog.getByRole("button", { name: "Cancel" }).click();
            await dialog.waitFor({ state: "detached" });
        };
        const goes = async () => {
            await dialog.getByText("Also deleted:").waitFor();
            return dialog.getByRole("listitem").allTextContents();
        };
        await ask(...chosen);
        await dialog.getByText("No other record is deleted.").waitFor();
        await cancel();
        // Another superuser makes this relation while the page is open.
        await root.collections.create({ name: "keys", fields: [relation("rooms", rooms, { maxSelect: 20 }), relation("room", rooms)] });
        await make("keys", { rooms: [one, other] });
        await make("keys", { rooms: [other, chosen[5], one] });
        const kept = [await make("keys", { rooms: [one, stays] }), await make("keys", { rooms: [stays] }), await make("keys", {})];
        await make("keys", { room: one });
        await make("keys", { room: other });
        // What is chosen itself is no other record.
        await root.collection("rooms").update(other, { within: one, beside: [one, chosen[1]] });
        await page.getByRole("button", { name: "Delete the chosen ones …" }).click();
        assert.deepEqual(await goes(), ["2 records of keys, by the field “rooms”", "2 records of keys, by the field “room”"]);
        await picture(page, "delete-along-several", false);
        await page.getByLabel("Type the name of the collection, “rooms”, to go on").fill("rooms");
        await dialog.getByRole("button", { name: "Delete them" }).click();
        await page.getByText("1 record", { exact: true }).waitFor();
        assert.deepEqual((await root.collection("keys").getFullList()).map(({ id }) => id).sort(), kept.sort());

        // One that goes may take more of its own collection along, and of those that lead to several.
        const inner = await make("rooms", { within: stays });
        await make("rooms", { within: inner });
        await make("keys", { rooms: [stays, inner] });
        await page.reload();
        await ask(stays);
        assert.deepEqual(await goes(), ["1 record of rooms, by the field “within”", "2 records of keys, by the field “rooms”", "records that in turn belong to those, of rooms, keys"]);
        await cancel();

        await root.collection("users").create({ email: "gone@example.com", password: PASSWORD, passwordConfirm: PASSWORD });
        const { id } = await root.collection("users").getFirstListItem("email = 'gone@example.com'");
        await page.goto(`${server.url}/_/#/data/users`);
        await ask(id);
        assert.deepEqual(await goes(), ["what belongs to an account: its links to login providers, one-time passwords, logins that were begun, and places of earlier logins"]);
        await cancel();
        // The chosen one that another took along was gone already.
        await assertSound(page, ["404"]);
        await page.context().close();
    });

    test("after all of the last page was deleted the one before it is seen, and small numbers with their digits", async () => {
        await root.collections.create({ name: "weights", fields: [{ type: "number", name: "weight" }] });
        const made = [];
        for (let number = 0; number < 51; number += 1) made.push(root.collection("weights").create({ weight: 0.0004 }, { requestKey: null }));
        await Promise.all(made);
        const page = await openAs(server, "/_/#/data/weights");
        await page.getByText("51 records").waitFor();
        await page.getByRole("cell", { name: "0.0004", exact: true }).first().waitFor();
        await page.getByRole("button", { name: "Next" }).click();
        await page.getByText("Page 2 of 2").waitFor();
        await until(async () => (await page.getByRole("row").count()) === 2, "the last page");
        await page.getByLabel("Choose all of this page").check();
        await page.getByRole("button", { name: "Delete the chosen ones …" }).click();
        await page.getByRole("button", { name: "Delete it" }).click();
        await page.getByText("50 records").waitFor();
        await page.getByRole("cell", { name: "0.0004", exact: true }).nth(49).waitFor();
        assert.equal(await page.getByText("There are no records yet.").count(), 0);
        await page.context().close();
    });
});
