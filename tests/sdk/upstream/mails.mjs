// The SMTP server of mails.py.

import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { until } from "../server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const tests = join(here, "..", "..");

export async function startMails() {
    const python = join(tests, ".cache", "venv", "bin", "python");
    const options = { env: { ...process.env, PYTHONPATH: tests }, stdio: ["pipe", "pipe", "inherit"] };
    const child = spawn(python, [join(here, "mails.py")], options);
    const lines = [];
    createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
    const port = await until(() => lines.shift(), "a mail server");
    return {
        port,
        /** The oldest mail with such a subject that nobody took yet; a server may send others of its own. */
        next: (subject) => until(() => {
            const at = lines.findIndex((mail) => subject.test(mail.subject));
            return at >= 0 && lines.splice(at, 1)[0];
        }, `a mail about ${subject}`),
        stop: () => child.stdin.end(),
    };
}
