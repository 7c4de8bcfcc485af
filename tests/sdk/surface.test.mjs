// What the npm packages `pocketbase` and `bosbase` offer beyond records: account mails, one-time passwords, a second
// factor, impersonation, imports, tries of settings. Mails arrive at a real SMTP server.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";

import BosBase from "bosbase";
import PocketBase from "pocketbase";
import { SMTPServer } from "smtp-server";

import { EMAIL, PASSWORD, startServer, until } from "./server.mjs";

const USER = "user@example.com";
const KEY_FOR_APPLE = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey.export({ type: "pkcs8", format: "pem" });

/** The text of a mail without the soft line breaks and escapes of quoted-printable. */
const plain = (mail) => mail.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

async function refused(status, call) {
    const error = await call.then(() => assert.fail("not refused"), (error) => error);
    assert.equal(error.status, status, JSON.stringify(error.response));
    return error.response;
}

for (const [name, Client] of [["pocketbase", PocketBase], ["bosbase", BosBase]]) {
    describe(`accounts and settings of npm ${name}`, { concurrency: false }, () => {
        let server, smtp, root, made;
        const mails = [];

        const client = () => new Client(server.url).autoCancellation(false);
        const users = (of = client()) => of.collection("users");
        /** The newest mail with this subject, once it is there; it is taken away. */
        const mail = (subject) => until(() => {
            const at = mails.findIndex((mail) => new RegExp(`^Subject: .*${subject}`, "m").test(mail));
            return at >= 0 && plain(mails.splice(at, 1)[0]);
        }, `a mail about ${subject}`);
        const token = (mail) => mail.match(/\/(?:confirm-[a-z-]+)\/([\w-]+\.[\w-]+\.[\w-]+)/)[1];

        before(async () => {
            smtp = new SMTPServer({
                authOptional: true,
                disabledCommands: ["STARTTLS"],
                onData(stream, _, done) {
                    const chunks = [];
                    stream.on("data", (chunk) => chunks.push(chunk));
                    stream.on("end", () => {
                        mails.push(Buffer.concat(chunks).toString());
                        done();
                    });
                },
            });
            smtp.listen(0, "127.0.0.1");
            await once(smtp.server, "listening");
            server = await startServer();
            root = client();
            await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
            await root.settings.update({
                meta: { senderName: "Test", senderAddress: "test@example.com", appURL: server.url },
                smtp: { enabled: true, host: "127.0.0.1", port: smtp.server.address().port, tls: false },
            });
            made = await users(root).create({ email: USER, password: "user-1234", passwordConfirm: "user-1234" });
        });
        after(async () => {
            await server?.stop();
            await new Promise((ended) => smtp.close(ended));
        });

        test("an address is verified", async () => {
            assert.equal(await users().requestVerification(USER), true);
            assert.equal(await users().confirmVerification(token(await mail("Verify"))), true);
            assert.equal((await users(root).getOne(made.id)).verified, true);
        });

        test("a forgotten password is set anew, and ends older tokens", async () => {
            const before = client();
            await users(before).authWithPassword(USER, "user-1234");
            assert.equal(await users().requestPasswordReset(USER), true);
            const sent = token(await mail("Reset"));
            assert.equal(await users().confirmPasswordReset(sent, "user-5678", "user-5678"), true);
            await refused(401, users(before).authRefresh());
            await refused(400, users().authWithPassword(USER, "user-1234"));
            await users().authWithPassword(USER, "user-5678");
            await refused(400, users().confirmPasswordReset(sent, "user-9999", "user-9999"));
        });

        test("an address is changed", async () => {
            const own = client();
            await users(own).authWithPassword(USER, "user-5678");
            assert.equal(await users(own).requestEmailChange("other@example.com"), true);
            const sent = token(await mail("Confirm your"));
            await refused(400, users().confirmEmailChange(sent, "wrong-1234"));
            assert.equal(await users().confirmEmailChange(sent, "user-5678"), true);
            assert.equal((await users(root).getOne(made.id)).email, "other@example.com");
            await users(root).update(made.id, { email: USER });
        });

        test("a one-time password logs in, and is a second factor where one is asked for", async () => {
            await root.collections.update("users", { otp: { enabled: true, duration: 180, length: 8 } });
            const first = await users().requestOTP(USER);
            const password = (text) => text.match(/\b(\d{8})\b/)[1];
            const own = client();
            const auth = await users(own).authWithOTP(first.otpId, password(await mail("OTP")));
            assert.equal(auth.record.id, made.id);
            assert.ok(own.authStore.isValid);

            await root.collections.update("users", { mfa: { enabled: true, duration: 600 } });
            const { mfaId } = await refused(401, users().authWithPassword(USER, "user-5678"));
            const second = await users().requestOTP(USER);
            const both = await users().authWithOTP(second.otpId, password(await mail("OTP")), { mfaId });
            assert.equal(both.record.id, made.id);
            await root.collections.update("users", { mfa: { enabled: false }, otp: { enabled: false } });
        });

        test("a superuser acts as an account", async () => {
            const as = await users(root).impersonate(made.id, 600);
            assert.equal(as.authStore.record.id, made.id);
            assert.equal((await users(as).getOne(made.id)).email, USER);
            await refused(403, users(as).impersonate(made.id, 600));
        });

        test("collections are imported, and their scaffolds shown", async () => {
            const scaffolds = await root.collections.getScaffolds();
            assert.deepEqual(Object.keys(scaffolds).sort(), ["auth", "base", "view"]);
            const all = await root.collections.getFullList();
            const added = { ...scaffolds.base, name: "imported", fields: [...scaffolds.base.fields, { name: "title", type: "text" }] };
            assert.equal(await root.collections.import([...all, added], false), true);
            const imported = await root.collections.getOne("imported");
            assert.ok(imported.fields.some((field) => field.name === "title"));
            assert.equal(await root.collections.import(all, true), true);
            await refused(404, root.collections.getOne("imported"));
        });

        test("settings are tried", async () => {
            assert.equal(await root.settings.testEmail("users", "try@example.com", "verification"), true);
            assert.match(await mail("Verify"), /^To: .*try@example\.com/m);
            await refused(400, root.settings.testS3("backups"));
            const apple = await root.settings.generateAppleClientSecret("com.example.app", "A".repeat(10), "B".repeat(10), KEY_FOR_APPLE, 600);
            assert.equal(apple.secret.split(".").length, 3);
            const own = await users(root).impersonate(made.id, 600);
            await refused(403, own.settings.testEmail("users", "try@example.com", "verification"));
        });

        test("the log is read, counted and emptied", { skip: name === "bosbase" && "its logs.truncate() is not there" }, async () => {
            await until(async () => (await root.logs.getList(1, 1)).items.length > 0, "a line of the log", 20);
            assert.ok((await root.logs.getStats()).length > 0);
            assert.equal(await root.logs.truncate(), true);
        });

        test("OAuth2 providers and a dry run of a view", { skip: name === "bosbase" && "it has no such calls" }, async () => {
            const providers = await root.collections.getAllOAuth2Providers();
            assert.ok(providers.length > 30 && providers.some((provider) => provider.name === "google"));
            const dry = await root.collections.dryRunViewQuery("SELECT id, email FROM users");
            assert.deepEqual(dry.fields.map((field) => field.name), ["id", "email"]);
            assert.equal(dry.sample.length, 1);
        });

        test("SQL runs for superusers alone", { skip: name === "bosbase" && "it has no such call" }, async () => {
            const result = await root.sql.run("SELECT id FROM users");
            assert.deepEqual(result.rows, [[made.id]]);
            await refused(401, client().sql.run("SELECT 1"));
        });
    });
}
