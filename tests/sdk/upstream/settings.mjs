// Settings in PocketBase's dashboard: the application, mail, storage, crons, the SQL console, collections out and in.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { agree, code, dialog, noted, openSettings, press, says, unfold } from "./page.mjs";

/** Checks or unchecks what its label covers. */
const toggle = (within, name) => within.getByRole("checkbox", { name }).first().locator("xpath=following-sibling::label").first().click();

const save = async (page) => {
    await press(page, "Save changes");
    await noted(page, "Successfully saved");
};

export async function application({ page }) {
    await openSettings(page, "Application");
    await page.getByLabel("Application name").fill("Journey");
    const batch = await unfold(page, "Batch Web API");
    await toggle(batch, /^Enable/);
    await batch.getByLabel("Max requests").fill("7");
    const proxies = await unfold(page, "IP proxy headers");
    await says(proxies, "127.0.0.1");
    await proxies.getByLabel("Trusted IP proxy headers").fill("X-Real-IP");
    const rates = await unfold(page, "Rate limiting");
    await toggle(rates, /^Enable/);
    await press(rates, "Add rate limit rule");
    await rates.getByRole("combobox").last().fill("/api/things/");
    await rates.getByPlaceholder("Max requests*").last().fill("1000");
    await rates.getByPlaceholder("Interval*").last().fill("10");
    await save(page);
    assert.match(await page.title(), /Journey/);
    await toggle(rates, /^Enable/);
    await save(page);
}

export async function mail({ page, mails }) {
    await openSettings(page, "Mail settings");
    await toggle(page, /Use SMTP/);
    await page.getByLabel("SMTP server host").fill("127.0.0.1");
    await page.getByLabel("Port").fill("1");
    await save(page);
    await press(page, "Send test email");
    await dialog(page).getByLabel("To email address").fill("somebody@example.com");
    await press(dialog(page), "Send");
    await noted(page, "Failed to send");
    await press(dialog(page), "Close");
    await page.getByLabel("Port").fill(String(mails.port));
    await save(page);
    await press(page, "Send test email");
    await dialog(page).getByLabel("To email address").fill("somebody@example.com");
    await press(dialog(page), "Send");
    await noted(page, "Successfully sent test email");
    const taken = await mails.next(/./);
    assert.deepEqual(taken.to, ["somebody@example.com"]);
    assert.match(taken.html, /Journey/);
}

/**
 * A bucket that does not answer. The dashboard's own label asks nothing (it calls what its client has not) and says that
 * all is well, so the test has its client ask.
 */
export async function storage({ page }) {
    await openSettings(page, "Files storage");
    await toggle(page, "Use S3 storage");
    const fields = { Endpoint: "http://127.0.0.1:1", Bucket: "files", Region: "us-east-1", "Access key": "key", Secret: "secret" };
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
    await toggle(page, /Force path-style/);
    await save(page);
    const told = await page.evaluate(() => window.app.pb.settings.testS3("storage").then(() => 0, (error) => error.status));
    assert.equal(told, 400);
    await toggle(page, "Use S3 storage");
    await save(page);
}

export async function crons({ page }) {
    await openSettings(page, "Crons");
    const jobs = ["__pbDBOptimize__", "__pbMFACleanup__", "__pbOTPCleanup__", "__pbLogsCleanup__"];
    for (const job of jobs) {
        await press(page.locator(".list-item").filter({ hasText: job }), "Run");
        await noted(page, `Successfully triggered "${job}"`);
    }
    await press(page, "Refresh");
}

export async function sql({ page }) {
    await openSettings(page, "SQL console");
    await code(page).fill("SELECT title, number, bool FROM things ORDER BY title");
    await press(page, "Execute");
    await says(page.locator("table"), "first thing");
    await code(page).fill("SELECT nonsense");
    await press(page, "Execute");
    await says(page, "no such column: nonsense");
    await code(page).fill("UPDATE things SET number = 11 WHERE title = 'second thing'");
    await press(page, "Execute");
    await agree(page);
    await says(page, "Affected rows: 1");
}

/** What is exported comes back with a field more, of one collection a field less, and one collection that is new. */
export async function exportAndImport({ page }) {
    await openSettings(page, "Export collections");
    const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Download as JSON")]);
    const collections = JSON.parse(await readFile(await download.path(), "utf8"));
    const things = collections.find((one) => one.name === "things");
    things.fields = things.fields.filter((one) => one.name !== "autodate");
    things.fields.push({ id: "text999", name: "imported", type: "text" });
    collections.push({ id: "pbc_999", name: "imports", type: "base", fields: [{ id: "text998", name: "a", type: "text" }] });
    await openSettings(page, "Import collections");
    const file = { name: "collections.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(collections)) };
    await page.locator("input[type=file]").setInputFiles(file);
    await press(page, "Review");
    await says(dialog(page), "imports");
    await press(dialog(page), "Confirm and import");
    await agree(page);
    await noted(page, "Successfully imported collections");
}
