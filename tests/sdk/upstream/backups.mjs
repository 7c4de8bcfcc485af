// Backups in PocketBase's dashboard: made, downloaded, deleted, uploaded, restored.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { sleep, until } from "../server.mjs";
import { agree, dialog, noted, openCollection, openSettings, press, row, says } from "./page.mjs";

const item = (page, name) => page.locator(".list-item").filter({ hasText: name });

export async function make({ page, kept }) {
    await openSettings(page, "Backups");
    await says(page, "No backups found.");
    await press(page, "Initialize new backup");
    await dialog(page).getByLabel("Backup name").fill("by_hand.zip");
    await press(dialog(page), "Start backup");
    await noted(page, "Successfully generated new backup.");
    // The answer may come before the backup is done; the dashboard does not look again by itself.
    await until(async () => {
        await press(page, "Refresh");
        return item(page, "by_hand.zip").first().waitFor({ timeout: 1000 }).then(() => true, () => false);
    }, "the backup in the list");
    const [download] = await Promise.all([page.waitForEvent("download"), press(item(page, "by_hand.zip"), "Download")]);
    kept.archive = await readFile(await download.path());
    assert.equal(kept.archive.subarray(0, 2).toString(), "PK");
    await press(item(page, "by_hand.zip"), "Delete");
    await agree(page);
    await noted(page, "Successfully deleted by_hand.zip.");
}

export async function options({ page }) {
    await openSettings(page, "Backups");
    await press(page, "Backup options");
    await page.locator("label[for=enableAutoBackupsToggle]").click();
    await page.getByLabel("Cron expression").fill("61 2 * * *");
    await page.getByLabel("Max @auto backups").fill("3");
    await press(page, "Save changes");
    await noted(page, "An error occurred");
    await page.getByLabel("Cron expression").fill("5 2 * * *");
    await press(page, "Save changes");
    await noted(page, "Successfully saved backups settings.");
}

/** What was deleted after the backup was made is there again. */
export async function uploadAndRestore({ page, kept, proxy }) {
    await openCollection(page, "things");
    await row(page, "second thing").getByRole("checkbox").evaluate((one) => one.click());
    await press(page, "Delete");
    await agree(page);
    await noted(page, "Successfully deleted");
    await openSettings(page, "Backups");
    const file = { name: "uploaded.zip", mimeType: "application/zip", buffer: kept.archive };
    await page.locator("input[type=file]").setInputFiles(file);
    await agree(page);
    await item(page, "uploaded.zip").waitFor();
    await press(item(page, "uploaded.zip"), "Restore");
    await dialog(page).getByLabel("Backup name").fill("uploaded.zip");
    await press(dialog(page), "Restore backup");
    // The dashboard loads itself anew after two seconds, which may be too soon.
    await page.waitForEvent("load");
    await until(async () => (await fetch(`${proxy.url}/api/health`)).ok, "a server that is back");
    await sleep(500);
    await page.reload();
    await openCollection(page, "things");
    await row(page, "second thing").waitFor();
}
