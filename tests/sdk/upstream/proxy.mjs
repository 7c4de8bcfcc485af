// One origin out of two servers: `/api` of the one under test, all else of the PocketBase that serves its dashboard.
// Bytes pass untouched, as they come; what `/api` was asked and answered is kept beside.

import { createServer, request as send } from "node:http";
import { connect } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { sleep } from "../server.mjs";

/** A longer answer is kept without its body. */
const KEPT = 4 * 1024 * 1024;

const decoders = { gzip: gunzipSync, br: brotliDecompressSync };

/** `exchanges` grows by `{ method, path, status, body }` an answer; `body` is JSON's value or the type of the bytes. */
export async function startProxy({ api, pages }) {
    const exchanges = [];
    const isApi = (path) => /^\/api(\/|$)/.test(path);
    const target = (path) => new URL(isApi(path) ? api : pages);
    let running = 0;

    const server = createServer((incoming, outgoing) => {
        const { hostname, port } = target(incoming.url);
        const { method, url: path, headers } = incoming;
        const onward = send({ hostname, port, method, path, headers });
        onward.on("response", (answer) => {
            outgoing.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
            outgoing.flushHeaders();
            answer.pipe(outgoing);
            if (isApi(path)) keep(exchanges, method, path, answer);
        });
        let brokenOff = false;
        onward.on("error", (error) => {
            // The page asked for something else meanwhile: it waits for no answer, so none is compared.
            if (brokenOff) return;
            exchanges.push({ method, path, status: 502, body: error.code });
            if (outgoing.headersSent) outgoing.destroy();
            else outgoing.writeHead(502).end();
        });
        running += 1;
        outgoing.on("close", () => {
            running -= 1;
            brokenOff = true;
            onward.destroy();
        });
        incoming.pipe(onward);
    });
    server.on("upgrade", (incoming, socket, head) => {
        const { hostname, port } = target(incoming.url);
        const onward = connect(port, hostname, () => {
            const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
            const { rawHeaders } = incoming;
            for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
            onward.write(`${lines.join("\r\n")}\r\n\r\n`);
            onward.write(head);
            onward.pipe(socket).pipe(onward);
        });
        for (const [one, other] of [[onward, socket], [socket, onward]]) one.on("error", () => other.destroy());
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        exchanges,
        /** Waits until nothing was asked for a while. */
        async quiet() {
            for (let still = 0; still < 8; ) {
                const before = exchanges.length;
                await sleep(100);
                still = running === 0 && exchanges.length === before ? still + 1 : 0;
            }
        },
        stop() {
            server.close();
            server.closeAllConnections();
        },
    };
}

/** What is broken off is not kept. An event stream is kept when it begins, as it may not end. */
function keep(exchanges, method, path, answer) {
    const [type] = (answer.headers["content-type"] ?? "").split(";");
    const exchange = { method, path, status: answer.statusCode, body: type };
    if (type === "text/event-stream") exchanges.push(exchange);
    const parts = [];
    let size = 0;
    answer.on("data", (part) => (size += part.length) <= KEPT && type === "application/json" && parts.push(part));
    answer.on("end", () => {
        if (type === "application/json" && size > 0 && size <= KEPT) {
            const decode = decoders[answer.headers["content-encoding"]] ?? ((same) => same);
            exchange.body = JSON.parse(decode(Buffer.concat(parts)));
        }
        if (type !== "text/event-stream") exchanges.push(exchange);
    });
}
