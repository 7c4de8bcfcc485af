// PocketBase's own dashboard, as its binary brings it, with `/api` answered by the server under test. The same is done
// with PocketBase behind it, and each step compares what both answered. BOSBASE_UNDER_TEST=pocketbase compares two of
// PocketBase: nothing may differ then. Pictures: tests/.cache/logs/pocketbase_dashboard.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { startServer } from "../server.mjs";
import * as accounts from "./accounts.mjs";
import * as backups from "./backups.mjs";
import * as collections from "./collections.mjs";
import { differences, route } from "./compare.mjs";
import * as logs from "./logs.mjs";
import { startMails } from "./mails.mjs";
import { startProxy } from "./proxy.mjs";
import * as records from "./records.mjs";
import * as settings from "./settings.mjs";

const pictures = join(dirname(fileURLToPath(import.meta.url)), "..", "..", ".cache", "logs", "pocketbase_dashboard");

const STEPS = [
    ["a superuser logs in", accounts.logIn],
    ["a collection with fields of every type", collections.makeOfEveryType],
    ["fields are renamed and removed, an index is made", collections.changeFields],
    ["rules are changed", collections.changeRules],
    ["a record with a file and its thumbnail", records.makeWithFile],
    ["records are changed, copied, searched and sorted", records.change],
    ["the preview of the API", records.preview],
    ["a collection of accounts", collections.makeAccounts],
    ["options of accounts", collections.changeOptions],
    ["a view", collections.makeView],
    ["a collection is copied, renamed, emptied and deleted", collections.duplicateAndDelete],
    ["settings of the application", settings.application],
    ["settings of mail, and a test mail", settings.mail],
    ["mails to an account, its tokens", accounts.mails],
    ["settings of storage, and its test", settings.storage],
    ["crons", settings.crons],
    ["the SQL console", settings.sql],
    ["collections are exported and imported", settings.exportAndImport],
    ["logs", logs.look],
    ["settings of logs", logs.settings],
    ["a backup is made, downloaded and deleted", backups.make],
    ["options of backups", backups.options],
    ["a backup is uploaded and restored", backups.uploadAndRestore],
    ["a superuser who forgot the password", accounts.recover],
];

/** All that the dashboard asked, method by method. */
const ROUTES = {
    GET: `/api/backups /api/backups/KEY /api/collections /api/collections/NAME/auth-methods /api/collections/NAME/records
        /api/collections/NAME/records/ID /api/collections/meta/oauth2-providers /api/collections/meta/scaffolds /api/crons
        /api/files/KEY /api/health /api/logs /api/logs/stats /api/settings`,
    POST: `/api/backups /api/backups/KEY/restore /api/backups/upload /api/collections /api/collections/NAME/auth-refresh
        /api/collections/NAME/auth-with-password /api/collections/NAME/confirm-password-reset
        /api/collections/NAME/confirm-verification /api/collections/NAME/impersonate/ID /api/collections/NAME/records
        /api/collections/NAME/request-password-reset /api/collections/NAME/request-verification
        /api/collections/meta/dry-run-view /api/crons/KEY /api/files/token /api/settings/apple/generate-client-secret
        /api/settings/test/email /api/settings/test/s3 /api/sql`,
    PATCH: "/api/collections/NAME /api/collections/NAME/records/ID /api/settings",
    PUT: "/api/collections/import",
    DELETE: "/api/backups/KEY /api/collections/NAME /api/collections/NAME/records/ID /api/collections/NAME/truncate /api/logs",
};

/** An error without the protocol of each attempt. */
const told = (error) => {
    const calls = error.stack.split("\n").filter((line) => line.includes("upstream"));
    return [...error.message.split("\n").slice(0, 3), ...calls.slice(0, 2)].join("\n");
};

describe("PocketBase's dashboard", { concurrency: false }, () => {
    const worlds = {};
    const asked = new Set();
    let browser, servers;

    before(async () => {
        mkdirSync(pictures, { recursive: true });
        // The last one serves the pages alone, to both: a restore restarts the first.
        servers = await Promise.all([startServer({ oracle: true }), startServer(), startServer({ oracle: true })]);
        const args = ["--no-sandbox", "--disable-dev-shm-usage"];
        browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args });
        for (const [i, name] of ["theirs", "ours"].entries()) worlds[name] = await begin(servers[i], servers[2]);
    });
    after(async () => {
        await browser?.close();
        for (const { proxy, mails } of Object.values(worlds)) {
            proxy.stop();
            mails.stop();
        }
        await Promise.all(servers?.map((server) => server.stop()) ?? []);
    });

    async function begin(server, pages) {
        const [proxy, mails] = await Promise.all([startProxy({ api: server.url, pages: pages.url }), startMails()]);
        const viewport = { width: 1440, height: 900 };
        const context = await browser.newContext({ viewport, acceptDownloads: true, reducedMotion: "reduce" });
        const page = await context.newPage();
        page.setDefaultTimeout(30_000);
        const problems = [];
        page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
        page.on("pageerror", (error) => problems.push(String(error)));
        await page.goto(`${proxy.url}/_/`);
        return { page, proxy, mails, problems, kept: {} };
    }

    for (const [i, [name, step]] of STEPS.entries()) {
        test(name, async () => {
            const done = await Promise.allSettled(Object.values(worlds).map(async (world) => {
                await step(world);
                await world.proxy.quiet();
            }));
            const said = {};
            for (const [who, { page, proxy, problems }] of Object.entries(worlds)) {
                await page.screenshot({ path: join(pictures, `${String(i + 1).padStart(2, "0")}-${who}.png`) });
                said[who] = { exchanges: proxy.exchanges.splice(0), problems: problems.splice(0) };
                for (const exchange of said[who].exchanges) asked.add(route(exchange));
            }
            const failed = Object.entries(worlds).filter((_, j) => done[j].reason);
            // What a step left open is in the next one's way.
            for (const [, { page, proxy }] of failed) {
                await page.goto("about:blank");
                await page.goto(`${proxy.url}/_/`);
            }
            const wrong = failed.length
                ? Object.keys(worlds).flatMap((who, j) => (done[j].reason ? [`${who}: ${told(done[j].reason)}`] : []))
                : differences(said.theirs.exchanges, said.ours.exchanges);
            if (wrong.length) throw new Error(`\n${wrong.join("\n")}`);
            const [theirs, ours] = [said.theirs, said.ours].map(({ problems }) => [...new Set(problems)].sort());
            assert.deepEqual(ours, theirs, "what the browser's console says");
        });
    }

    test("all that the dashboard asks was asked", () => {
        const routes = [...asked].sort();
        writeFileSync(join(pictures, "routes.txt"), `${routes.join("\n")}\n`);
        const of = ([method, paths]) => paths.split(/\s+/).map((path) => `${method} ${path}`);
        assert.deepEqual(routes, Object.entries(ROUTES).flatMap(of).sort());
    });
});
