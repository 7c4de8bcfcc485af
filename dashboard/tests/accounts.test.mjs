// How an application's accounts log in: what is set on the page is what the server then does.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import PocketBase from "pocketbase";

import { until } from "../../tests/sdk/server.mjs";
import { PHONE, assertFits, assertSound, assertStill, holdBack, openAs, picture } from "./browser.mjs";
import { end, start } from "./stage.mjs";

describe("the login of accounts", { concurrency: false }, () => {
    let server, root, provider, asked;

    before(async () => {
        ({ server, root } = await start());
        const { fields, indexes } = await root.collections.getOne("users");
        await root.collections.update("users", {
            fields: [...fields, { type: "text", name: "nick" }],
            indexes: [...indexes, "CREATE UNIQUE INDEX `idx_nick` ON `users` (`nick`) WHERE `nick` != ''"],
        });
        const user = { email: "ann@example.com", password: "user-1234", passwordConfirm: "user-1234" };
        await root.collection("users").create({ ...user, nick: "ann" });
        asked = [];
        provider = createServer((request, response) => {
            let body = "";
            request.on("data", (part) => (body += part));
            request.on("end", () => {
                const basic = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
                asked.push(decodeURIComponent(`${basic} ${body}`));
                response.writeHead(400, { "Content-Type": "application/json" }).end('{"error":"invalid_grant"}');
            });
        });
        await new Promise((resolve) => provider.listen(0, "127.0.0.1", resolve));
    });
    after(async () => {
        await end(server);
        provider?.close();
    });

    const users = () => root.collections.getOne("users");
    const guest = () => new PocketBase(server.url).collection("users");

    test("ways to log in are switched on, and two of them are asked for", async () => {
        const page = await openAs(server, "/_/#/data/users");
        await page.getByRole("link", { name: "Login" }).click();
        const form = page.getByRole("form", { name: "Ways to log in" });
        await assert.rejects(guest().authWithPassword("ann", "user-1234"));
        await form.getByLabel("nick", { exact: true }).check();
        await form.getByLabel("Two factors").check();
        await form.getByRole("button", { name: "Save the ways to log in" }).click();
        await form.locator(".wrong").filter({ hasText: "MFA requires at least 2 auth methods to be enabled." }).waitFor();
        await form.getByLabel("With a one-time code by mail").check();
        await form.getByLabel("A code is good for").fill("5");
        await form.getByRole("button", { name: "Save the ways to log in" }).click();
        await form.locator(".wrong").first().waitFor();
        await form.getByLabel("A code is good for").fill("300");
        await form.getByLabel("Digits of a code").fill("6");
        await form.getByLabel("Who needs two factors").fill("nick = 'ann'");
        await picture(page, "login-options");
        await assertSound(page, ["400"]);
        // What another client changes meanwhile stays.
        await root.collections.update("users", { mfa: { duration: 77 } });
        await form.getByRole("button", { name: "Save the ways to log in" }).click();
        await form.getByText("Saved.").waitFor();
        const { passwordAuth, otp, mfa } = await users();
        assert.deepEqual(passwordAuth.identityFields, ["email", "nick"]);
        assert.deepEqual([otp.enabled, otp.duration, otp.length], [true, 300, 6]);
        assert.deepEqual(mfa, { enabled: true, duration: 77, rule: "nick = 'ann'" });
        await assert.rejects(guest().authWithPassword("ann", "user-1234"), (error) => Boolean(error.response.mfaId));

        // The same part, changed on both sides: nothing is lost unseen.
        await root.collections.update("users", { mfa: { rule: "verified = true" } });
        await form.getByLabel("Who needs two factors").fill("id != ''");
        await form.getByRole("button", { name: "Save the ways to log in" }).click();
        await form.getByText("mfa.rule was changed meanwhile.").waitFor();
        assert.equal((await users()).mfa.rule, "verified = true");
        await root.collections.update("users", { mfa: { enabled: false }, otp: { enabled: false } });
        await page.context().close();
    });

    test("a provider is set with its secret, which is not shown and not lost", async () => {
        const page = await openAs(server, "/_/#/data/users/login");
        const form = page.getByRole("form", { name: "Login with a provider" });
        const save = form.getByRole("button", { name: "Save the providers" });
        await form.getByLabel("Add a provider").selectOption("oidc");
        const oidc = form.getByRole("group", { name: "OIDC" });
        await save.click();
        await oidc.getByText("Cannot be blank.").first().waitFor();
        await oidc.getByLabel("Client id").fill("app");
        await oidc.getByLabel("Client secret").fill("hush-hush");
        await oidc.getByText("More", { exact: true }).click();
        const address = `http://127.0.0.1:${provider.address().port}`;
        await oidc.getByLabel("Address for logging in").fill(`${address}/authorize`);
        await oidc.getByLabel("Address of tokens").fill(`${address}/token`);
        await oidc.getByLabel("Address of profiles").fill(`${address}/profile`);
        await oidc.getByLabel("More options, in JSON").fill("[1]");
        await save.click();
        await oidc.getByText("This is no JSON object.").waitFor();
        await oidc.getByLabel("More options, in JSON").fill("");
        await form.getByLabel("Name", { exact: true }).selectOption("name");
        await save.click();
        await form.getByText("Saved.").waitFor();

        await page.reload();
        await form.getByLabel("Add a provider").selectOption({ label: "GitHub" });
        const github = form.getByRole("group", { name: "GitHub" });
        await github.getByLabel("Client id").fill("hub");
        await github.getByLabel("Client secret").fill("another");
        assert.equal(await oidc.getByLabel("Client secret").inputValue(), "");
        assert.equal(await oidc.getByLabel("Client secret").getAttribute("placeholder"), "unchanged");
        await oidc.getByText("More", { exact: true }).click();
        await oidc.getByLabel("Name on the login page").fill("Our own");
        await oidc.getByLabel("PKCE").selectOption("Off");
        await picture(page, "providers");
        await assertSound(page, ["400"]);
        await save.click();
        await form.getByText("Saved.").waitFor();
        const { providers, mappedFields } = (await users()).oauth2;
        assert.deepEqual(providers.map(({ name, clientId, displayName, pkce }) => [name, clientId, displayName, pkce]), [["oidc", "app", "Our own", false], ["github", "hub", "", null]]);
        assert.equal(mappedFields.name, "name");

        // The secret that was typed at first is what the provider gets, also once another one has gone.
        const secretThatIsSent = async () => {
            asked.length = 0;
            await assert.rejects(guest().authWithOAuth2Code("oidc", "code", "", `${server.url}/back`));
            return asked.at(-1) ?? "nothing";
        };
        assert.match(await secretThatIsSent(), /hush-hush/);
        await form.getByRole("button", { name: "Remove the provider GitHub" }).click();
        await save.click();
        // What was said of the last one stands there until then.
        await until(async () => (await users()).oauth2.providers.length === 1, "a provider less");
        assert.deepEqual((await users()).oauth2.providers.map((one) => one.name), ["oidc"]);
        assert.match(await secretThatIsSent(), /hush-hush/);
        await page.context().close();
    });

    // The list of providers went as a whole: a secret that a provider shows once was typed in vain where another window had
    // changed an address meanwhile.
    test("a new secret is kept though another window changed the provider's addresses, and so is what is typed meanwhile", async () => {
        const page = await openAs(server, "/_/#/data/users/login");
        const form = page.getByRole("form", { name: "Login with a provider" });
        const oidc = form.getByRole("group", { name: "OIDC" });
        await oidc.getByLabel("Client secret").fill("second-secret");
        const [known] = (await users()).oauth2.providers;
        const address = `http://127.0.0.1:${provider.address().port}`;
        await root.collections.update("users", { oauth2: { providers: [{ ...known, tokenURL: `${address}/elsewhere` }, { name: "gitlab", clientId: "lab", clientSecret: "lab-secret" }] } });
        const saving = await holdBack(page, "PATCH", /\/api\/collections\//);
        await form.getByRole("button", { name: "Save the providers" }).click();
        await saving.asked;
        await oidc.getByLabel("Client id").fill("app-2");
        await oidc.getByLabel("Client secret").fill("third-secret");
        saving.release();
        await form.getByText("Saved.").waitFor();
        const { providers } = (await users()).oauth2;
        assert.deepEqual(providers.map(({ name, clientId, tokenURL }) => [name, clientId, tokenURL]), [["oidc", "app", `${address}/elsewhere`], ["gitlab", "lab", ""]]);
        const secretThatIsSent = async () => {
            asked.length = 0;
            await assert.rejects(guest().authWithOAuth2Code("oidc", "code", "", `${server.url}/back`));
            return asked.at(-1) ?? "nothing";
        };
        assert.match(await secretThatIsSent(), /second-secret/);
        await form.getByRole("group", { name: "GitLab" }).waitFor();
        assert.deepEqual([await oidc.getByLabel("Client id").inputValue(), await oidc.getByLabel("Client secret").inputValue()], ["app-2", "third-secret"]);
        await form.getByRole("button", { name: "Save the providers" }).click();
        await until(async () => (await users()).oauth2.providers[0].clientId === "app-2", "what was typed meanwhile");
        assert.match(await secretThatIsSent(), /third-secret/);

        // Both changed the same: nothing is saved, and what was typed stands there.
        const now = (await users()).oauth2.providers;
        await root.collections.update("users", { oauth2: { providers: [{ ...now[0], clientId: "theirs" }] } });
        await oidc.getByLabel("Client id").fill("ours");
        await form.getByRole("button", { name: "Save the providers" }).click();
        await form.getByText("oauth2.providers.oidc.clientId was changed meanwhile.").waitFor();
        assert.equal(await oidc.getByLabel("Client id").inputValue(), "ours");
        assert.equal((await users()).oauth2.providers[0].clientId, "theirs");
        await page.context().close();
    });

    test("who may log in, how long, and that all log in again", async () => {
        const page = await openAs(server, "/_/#/data/users/login");
        const admission = page.getByRole("form", { name: "Who may log in" });
        await admission.getByLabel("Rule for logging in").fill("nowhere = 1");
        await admission.getByRole("button", { name: "Save who may log in" }).click();
        await admission.locator(".wrong").first().waitFor();
        await admission.getByLabel("Rule for logging in").fill("nick != 'bob'");
        await admission.getByRole("button", { name: "Save who may log in" }).click();
        await admission.getByText("Saved.").waitFor();
        assert.equal((await users()).authRule, "nick != 'bob'");

        // What is typed while it is being saved was taken away by the answer.
        await admission.getByLabel("Rule for logging in").fill("nick != 'eve'");
        const saving = await holdBack(page, "PATCH", /\/api\/collections\//);
        const answer = page.waitForResponse((response) => response.request().method() === "PATCH");
        await admission.getByRole("button", { name: "Save who may log in" }).click();
        await saving.asked;
        await admission.getByLabel("Rule for logging in").fill("nick != 'bob'");
        saving.release();
        await answer;
        await admission.getByText("Saved.").waitFor();
        assert.equal((await users()).authRule, "nick != 'eve'");
        assert.equal(await admission.getByLabel("Rule for logging in").inputValue(), "nick != 'bob'");
        await admission.getByRole("button", { name: "Save who may log in" }).click();
        await until(async () => (await users()).authRule === "nick != 'bob'", "the rule");

        const tokens = page.getByRole("form", { name: "How long tokens are good" });
        await tokens.getByLabel("A login, in seconds").fill("");
        await tokens.getByRole("button", { name: "Save the times" }).click();
        await tokens.locator(".wrong").first().waitFor();
        await tokens.getByLabel("A login, in seconds").fill("3600");
        await tokens.getByText("60 minutes", { exact: true }).waitFor();
        await tokens.getByRole("button", { name: "Save the times" }).click();
        await tokens.getByText("Saved.").waitFor();
        const { token } = await guest().authWithPassword("ann@example.com", "user-1234");
        const { iat = 0, exp } = JSON.parse(atob(token.split(".")[1]));
        assert.ok(exp - (iat || Date.now() / 1000) <= 3600);

        const ann = new PocketBase(server.url);
        await ann.collection("users").authWithPassword("ann@example.com", "user-1234");
        await ann.collection("users").authRefresh();
        await tokens.getByRole("button", { name: "End all sessions …" }).click();
        await page.getByLabel("Type the name of the collection, “users”, to go on").fill("users");
        await page.getByRole("button", { name: "End all sessions", exact: true }).click();
        await tokens.getByText("All sessions are ended.").waitFor();
        await assert.rejects(ann.collection("users").authRefresh(), { status: 401 });
        await assertSound(page, ["400"]);
        await page.context().close();
    });

    test("the mails of accounts are written, on a phone", async () => {
        const page = await openAs(server, "/_/#/data/users/login", { viewport: PHONE });
        const form = page.getByRole("form", { name: "Mails" });
        await form.locator("summary").filter({ hasText: "Set a new password" }).click();
        const mail = form.getByRole("group", { name: "Set a new password" });
        const { body } = (await users()).resetPasswordTemplate;
        assert.equal(await mail.getByLabel("Text, in HTML").inputValue(), body);
        await mail.getByLabel("Subject").fill("");
        await form.getByRole("button", { name: "Save the mails" }).click();
        await mail.getByText("Cannot be blank.").waitFor();
        await mail.getByLabel("Subject").fill("Your key to {APP_NAME}");
        await form.getByLabel("Mail an account when").uncheck();
        await assertFits(page);
        await picture(page, "login-options-phone");
        await assertSound(page, ["400"]);
        await form.getByRole("button", { name: "Save the mails" }).click();
        await form.getByText("Saved.").waitFor();
        const { resetPasswordTemplate, authAlert, otp } = await users();
        assert.deepEqual(resetPasswordTemplate, { subject: "Your key to {APP_NAME}", body });
        assert.equal(authAlert.enabled, false);
        assert.ok(authAlert.emailTemplate.body.includes("{ALERT_INFO}") && otp.emailTemplate.body.includes("{OTP}"));
        await assertStill(page);
        await page.context().close();
    });
});
