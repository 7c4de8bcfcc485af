// A bucket on this machine: moto, which `./check` installs for the tests of buckets.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "../../tests/sdk/server.mjs";

const moto = process.env.MOTO_BIN ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..", "tests", ".cache", "moto", "bin", "moto_server");

const freePort = () =>
    new Promise((resolve, reject) => {
        const probe = createServer().once("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });

/** An S3 server with an empty bucket; `settings` lead to it. */
export async function startBucket(bucket = "backups") {
    const port = await freePort();
    const child = spawn(moto, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    const endpoint = `http://127.0.0.1:${port}`;
    await until(async () => {
        if (child.exitCode !== null) throw new Error("moto_server ended at start");
        return fetch(endpoint).then((answer) => answer.ok, () => false);
    }, "an S3 server");
    const headers = { Authorization: "AWS4-HMAC-SHA256 Credential=key/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none" };
    const made = await fetch(`${endpoint}/${bucket}`, { method: "PUT", headers });
    if (!made.ok) throw new Error(`the bucket could not be made: ${made.status} ${await made.text()}`);
    return {
        endpoint,
        headers,
        settings: { enabled: true, bucket, region: "us-east-1", endpoint, accessKey: "key", secret: "secret", forcePathStyle: true },
        async stop() {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            if (child.exitCode === null) {
                child.kill("SIGKILL");
                await ended;
            }
        },
    };
}
