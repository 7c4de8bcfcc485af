// The pages that account mails lead to, in a real browser.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";

import { chromium } from "playwright-core";
import PocketBase from "pocketbase";

import { EMAIL, PASSWORD, oracleRun, startServer } from "./server.mjs";

const USER = "user@example.com";
const KEY = "k".repeat(50);
const SECRET = "s".repeat(50);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");

describe("pages of account mails", { concurrency: false, skip: oracleRun && "PocketBase has its own" }, () => {
    let server, root, browser, page, problems, requests, collection, made;

    before(async () => {
        server = await startServer();
        root = new PocketBase(server.url);
        await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
        const options = { secret: SECRET, duration: 600 };
        const tokens = { verificationToken: options, passwordResetToken: options, emailChangeToken: options };
        collection = (await root.collections.update("users", tokens)).id;
        browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    });
    after(async () => {
        await browser?.close();
        await server?.stop();
    });

    /** A token as it is mailed, signed with the keys that a superuser has set. */
    function mailed(kind, more = {}) {
        const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
        const exp = Math.floor(Date.now() / 1000) + 600;
        const claims = { collectionId: collection, id: made.id, email: USER, type: kind, exp, ...more };
        const head = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
        return `${head}.${createHmac("sha256", KEY + SECRET).update(head).digest("base64url")}`;
    }

    async function account() {
        const users = root.collection("users");
        for (const old of await users.getFullList()) await users.delete(old.id);
        made = await users.create({ email: USER, password: "user-1234", passwordConfirm: "user-1234", tokenKey: KEY });
    }

    async function open(link) {
        await page?.close();
        page = await browser.newPage();
        [problems, requests] = [[], []];
        page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
        page.on("pageerror", (error) => problems.push(String(error)));
        page.on("request", (request) => requests.push(request.url()));
        await page.goto(`${server.url}/_/#/auth/${link}`);
    }

    const says = async (text) => {
        await page.getByRole("status").filter({ hasText: text }).waitFor({ timeout: 15_000 });
    };

    /** Nothing is wrong for a screen reader, nothing came from elsewhere, and the policy refused nothing. */
    async function assertSound(allowed = []) {
        const found = await page.evaluate(`${axe}; axe.run()`);
        assert.deepEqual(found.violations.map((one) => `${one.id}: ${one.help}`), []);
        assert.ok(requests.every((url) => url.startsWith(server.url)), requests.join(" "));
        const unexpected = problems.filter((text) => !allowed.some((one) => text.includes(one)) && !text.includes("Content Security Policy"));
        assert.deepEqual(unexpected, []);
    }

    test("who comes back from a provider is told how it ended", async () => {
        await open("oauth2-redirect-success");
        await says("You can close this window");
        assert.equal(await page.title(), "You are logged in");
        await assertSound();
        await page.goto(`${server.url}/api/oauth2-redirect?state=nobody&code=code-1`);
        await says("The login did not succeed.");
        assert.equal(page.url(), `${server.url}/_/#/auth/oauth2-redirect-failure`);
        await assertSound();
    });

    test("an address is confirmed by opening the link", async () => {
        await account();
        await open(`confirm-verification/${mailed("verification")}`);
        await says("Your email address is confirmed.");
        assert.equal((await root.collection("users").getOne(made.id)).verified, true);
        await assertSound();
    });

    test("a new password is set", async () => {
        await account();
        await open(`confirm-password-reset/${mailed("passwordReset")}`);
        await says("Choose the new password");
        await page.getByLabel("New password").fill("brand-new-1");
        await page.getByLabel("Repeat the password").fill("another-1");
        await page.keyboard.press("Enter");
        await page.getByText("The two passwords differ.").waitFor();
        await assertSound(["400"]);
        await page.getByLabel("Repeat the password").fill("brand-new-1");
        await page.getByRole("button", { name: "Save" }).click();
        await says("Your password is changed.");
        await new PocketBase(server.url).collection("users").authWithPassword(USER, "brand-new-1");
    });

    test("an address is changed with the password", async () => {
        await account();
        await open(`confirm-email-change/${mailed("emailChange", { newEmail: "new@example.com" })}`);
        await page.getByLabel("Password", { exact: true }).fill("wrong-1234");
        await page.keyboard.press("Enter");
        await says("Missing or invalid auth record password.");
        await page.getByLabel("Password", { exact: true }).fill("user-1234");
        await page.keyboard.press("Enter");
        await says("Your email address is changed.");
        assert.equal((await root.collection("users").getOne(made.id)).email, "new@example.com");
    });

    test("a link that is over, or none, says so", async () => {
        await account();
        await open(`confirm-verification/${mailed("verification", { exp: 1 })}`);
        await says("This link is no longer valid.");
        await open("confirm-password-reset/nonsense");
        await says("This link is no longer valid.");
        await open("");
        await says("There is nothing to do here.");
        await assertSound();
    });

    test("nobody shows the page within another", async () => {
        const answer = await fetch(`${server.url}/_/`);
        assert.match(answer.headers.get("content-security-policy"), /frame-ancestors 'none'/);
        assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
    });
});
