// Every page in the dark, wide and on a phone: read by axe, and pictures for people.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { PHONE, WIDE, assertFits, assertSound, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

const PAGES = ["", "data/posts", "data/posts/fields", "data/posts/indexes", "data/posts/rules", "data/users/login", "data/best/query", "transfer", "crons", "logs", "settings"];

describe("in the dark", { concurrency: false }, () => {
    let server, root;

    before(async () => {
        ({ server, root } = await start());
        const fields = [{ type: "text", name: "title", required: true }, { type: "file", name: "cover" }, { type: "select", name: "kind", values: ["a", "b"] }];
        await root.collections.create({ name: "posts", fields, indexes: ["CREATE UNIQUE INDEX `idx_title` ON `posts` (`title`)"] });
        for (const title of ["one", "two"]) await root.collection("posts").create({ title, kind: "a" });
        await root.collections.create({ name: "best", type: "view", viewQuery: "SELECT id, title FROM posts" });
        await root.collections.update("users", { oauth2: { enabled: true, providers: [{ name: "github", clientId: "id", clientSecret: "secret" }] } });
    });
    after(() => end(server));

    for (const [name, viewport] of [["wide", WIDE], ["phone", PHONE]]) {
        test(`every page can be read, ${name}`, async () => {
            const page = await openAs(server, "/_/", { viewport, colorScheme: "dark" });
            for (const path of PAGES) {
                await page.goto(`${server.url}/_/#/${path}`);
                await page.getByRole("heading").first().waitFor();
                await page.locator(".card, .headline").first().waitFor();
                // What is folded counts, too.
                await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
                await page.waitForTimeout(300);
                await assertFits(page);
                // One way to choose a collection, the one that there is room for.
                if (path.startsWith("data")) assert.deepEqual([await page.locator(".chooser").isVisible(), await page.locator(".collections").isVisible()], [name === "phone", name === "wide"]);
                await assertSound(page);
                await picture(page, `dark-${name}-${path.replaceAll("/", "-") || "safety"}`);
            }
            await page.context().close();
        });
    }
});
