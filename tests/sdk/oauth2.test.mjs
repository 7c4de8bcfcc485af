// Logins with a real provider through the npm packages `pocketbase` and `bosbase`, as they are: all in one, as a page
// does it with a second window, and by code.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import BosBase from "bosbase";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";

import { startProvider, visit } from "./oidc.mjs";
import { EMAIL, PASSWORD, startServer } from "./server.mjs";

globalThis.EventSource ??= EventSource;

for (const [name, Client] of [["pocketbase", PocketBase], ["bosbase", BosBase]]) {
    describe(`OAuth2 with npm ${name}`, { concurrency: false }, () => {
        let server, provider, root;
        const callback = "https://app.example/callback";
        const client = () => new Client(server.url).autoCancellation(false);

        before(async () => {
            server = await startServer();
            provider = await startProvider([`${server.url}/api/oauth2-redirect`, callback]);
            root = client();
            await root.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
            await root.collections.update("users", { oauth2: { enabled: true, providers: [provider.config()] } });
        });
        after(async () => {
            await provider?.stop();
            await server?.stop();
        });

        test("somebody logs in with a window of the provider", async () => {
            const own = client();
            let seen;
            const auth = await own.collection("users").authWithOAuth2({
                provider: "oidc",
                createData: { emailVisibility: true },
                urlCallback: async (url) => {
                    // What a browser's window would do: it comes back to the server, which tells the stream.
                    const back = await visit(url, `${name}-one`);
                    assert.ok(back.startsWith(`${server.url}/api/oauth2-redirect?`), back);
                    seen = await fetch(back, { redirect: "manual" });
                },
            });
            assert.equal(seen.status, 307);
            assert.equal(seen.headers.get("location"), "../_/#/auth/oauth2-redirect-success");
            assert.equal(auth.meta.isNew, true);
            assert.equal(auth.record.email, `${name}-one@example.com`);
            assert.equal(auth.record.emailVisibility, true);
            assert.ok(own.authStore.isValid);
            assert.equal(own.authStore.record.id, auth.record.id);
            const links = await own.collection("_externalAuths").getFullList();
            assert.deepEqual(links.map((link) => [link.provider, link.providerId]), [["oidc", `${name}-one`]]);
            // The older way to ask and to unlink.
            if (own.collection("users").listExternalAuths) {
                assert.equal((await own.collection("users").listExternalAuths(auth.record.id)).length, 1);
                await own.collection("users").unlinkExternalAuth(auth.record.id, "oidc");
                assert.equal((await own.collection("users").listExternalAuths(auth.record.id)).length, 0);
            }
        });

        test("a login that somebody refuses ends", async () => {
            const own = client();
            const login = own.collection("users").authWithOAuth2({
                provider: "oidc",
                urlCallback: async (url) => {
                    const state = new URL(url).searchParams.get("state");
                    const answer = await fetch(`${server.url}/api/oauth2-redirect?state=${state}&error=access_denied`, { redirect: "manual" });
                    assert.equal(answer.headers.get("location"), "../_/#/auth/oauth2-redirect-failure");
                },
            });
            await assert.rejects(login);
            assert.equal(own.authStore.isValid, false);
        });

        test("somebody logs in with a code", async () => {
            const own = client();
            const methods = await own.collection("users").listAuthMethods();
            assert.equal(methods.oauth2.enabled, true);
            const [invitation] = methods.oauth2.providers;
            assert.equal(invitation.name, "oidc");
            const back = new URL(await visit(invitation.authURL + encodeURIComponent(callback), `${name}-two`));
            assert.equal(back.searchParams.get("state"), invitation.state);
            const auth = await own.collection("users")
                .authWithOAuth2Code("oidc", back.searchParams.get("code"), invitation.codeVerifier, callback, { name: "Two" });
            assert.deepEqual([auth.meta.isNew, auth.record.name, auth.meta.id], [true, "Two", `${name}-two`]);
            await own.collection("users").authRefresh();
            const again = own.collection("users")
                .authWithOAuth2Code("oidc", back.searchParams.get("code"), invitation.codeVerifier, callback);
            await assert.rejects(again, (error) => error.status === 400 && error.response.message === "Failed to fetch OAuth2 token.");
        });
    });
}
