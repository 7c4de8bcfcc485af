// A real OpenID Connect provider (npm oidc-provider, which is certified) on a free port, and people who log in there.
//
// As a program: `node oidc.mjs REDIRECT_URI…` prints its issuer, and serves until its input ends.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

import Provider from "oidc-provider";

export const CLIENT = { client_id: "client-1", client_secret: "a-secret-of-some-length" };

/** What the provider says of the account `id`. */
const claims = (id) => ({
    sub: id,
    name: `${id} Example`,
    preferred_username: id,
    email: `${id}@example.com`,
    email_verified: id !== "unconfirmed",
});

export async function startProvider(redirects) {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, {
        clients: [{ ...CLIENT, redirect_uris: redirects, grant_types: ["authorization_code"], response_types: ["code"] }],
        claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
        findAccount: (_, id) => ({ accountId: id, claims: () => claims(id) }),
        pkce: { required: () => true },
        conformIdTokenClaims: false,
        cookies: { keys: ["a key of these tests"] },
    });
    server.on("request", provider.callback());
    return {
        issuer,
        /** The collection's option that uses it. */
        config: (more = {}) => ({
            name: "oidc",
            clientId: CLIENT.client_id,
            clientSecret: CLIENT.client_secret,
            authURL: `${issuer}/auth`,
            tokenURL: `${issuer}/token`,
            userInfoURL: `${issuer}/me`,
            ...more,
        }),
        stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
    };
}

/** Logs in as `person` in a browser of its own without pages; resolves to where the provider sends them in the end. */
export async function visit(url, person) {
    const cookies = new Map();
    const ask = async (target, form) => {
        const answer = await fetch(target, {
            redirect: "manual",
            headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
            ...(form && { method: "POST", body: new URLSearchParams(form) }),
        });
        for (const cookie of answer.headers.getSetCookie()) {
            const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
            if (value) cookies.set(name, value);
            else cookies.delete(name);
        }
        return answer;
    };
    const home = new URL(url).origin;
    let [target, form] = [url, undefined];
    for (let step = 0; step < 20; step += 1) {
        const answer = await ask(target, form);
        const location = answer.headers.get("location");
        if (location) {
            [target, form] = [new URL(location, target).href, undefined];
            if (new URL(target).origin !== home) return target;
            continue;
        }
        const page = await answer.text();
        const prompt = page.match(/name="prompt" value="(\w+)"/);
        if (!answer.ok || !prompt) throw new Error(`${target} answered ${answer.status}: ${page.slice(0, 500)}`);
        form = prompt[1] === "login" ? { prompt: "login", login: person, password: "any" } : { prompt: prompt[1] };
    }
    throw new Error("the provider sends people in circles");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
    const provider = await startProvider(process.argv.slice(2));
    console.log(provider.issuer);
    process.stdin.resume().on("end", () => process.exit(0));
}
