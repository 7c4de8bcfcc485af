// Logs in PocketBase's dashboard: the list, the chart, one line, the settings, and their end.

import { agree, code, dialog, noted, press, row, says } from "./page.mjs";

export async function look({ page }) {
    await page.getByRole("link", { name: "Logs", exact: true }).click();
    await row(page, "/auth-with-password").waitFor();
    await page.locator("canvas").first().waitFor();
    await code(page).fill("data.status >= 400");
    await page.keyboard.press("Enter");
    await says(page.locator("tbody"), "ERROR (8)");
    await row(page, "/auth-with-password").click();
    await says(dialog(page), "data.status");
    await press(dialog(page), "Close");
    await press(page, "Clear");
    await page.getByRole("checkbox", { name: /Include requests/ }).evaluate((one) => one.click());
    await row(page, "/api/settings").waitFor();
}

export async function settings({ page }) {
    await press(page, "Logs settings");
    await dialog(page).getByLabel("Max days retention").fill("9");
    await dialog(page).getByLabel("Max data size").fill("4096");
    await press(dialog(page), "Save changes");
    await noted(page, "Successfully saved logs settings.");
    await press(page, "Logs settings");
    await press(dialog(page), "Delete all logs");
    await agree(page);
    await noted(page, "Successfully deleted all logs.");
}
