// Records in PocketBase's dashboard: made with a file, searched, changed, picked, gone.

import assert from "node:assert/strict";

import { code, dialog, noted, openCollection, press, row, says } from "./page.mjs";

/** A picture that the browser draws. */
async function picture(page, width, height) {
    const url = await page.evaluate(([width, height]) => {
        const canvas = Object.assign(document.createElement("canvas"), { width, height });
        const context = canvas.getContext("2d");
        const colours = context.createLinearGradient(0, 0, width, height);
        ["red", "yellow", "green", "blue"].forEach((colour, i) => colours.addColorStop(i / 3, colour));
        context.fillStyle = colours;
        context.fillRect(0, 0, width, height);
        return canvas.toDataURL();
    }, [width, height]);
    return { name: "Ein Bild.png", mimeType: "image/png", buffer: Buffer.from(url.split(",")[1], "base64") };
}

/** A record with a value of every type; the account that it refers to is made from within. */
export async function makeWithFile({ page }) {
    await openCollection(page, "things");
    await press(page, "New record");
    const form = dialog(page);
    await form.locator("[name=title]").fill("first thing");
    await page.frameLocator(".modal iframe").locator("body").fill("Some rich text");
    await form.locator("[name=number]").fill("2.5");
    await form.locator("[name=bool]").check();
    await form.locator("[name=url]").fill("https://example.com/");
    await form.locator("[name=date]").fill("2026-01-02T03:04");
    await form.locator("input[type=file]").setInputFiles(await picture(page, 300, 200));
    await press(form, "select");
    await press(form, "green");
    await code(form.locator("[name=json]")).fill('{"a":[1,null]}');
    await form.getByLabel("Longitude:").fill("13.4");
    await form.getByLabel("Latitude:").fill("52.5");
    await press(form, "Open records picker");
    const picker = dialog(page);
    await press(picker, "Add new record");
    const account = dialog(page);
    await account.locator("[name=email]").fill("user@example.com");
    await account.locator("[name=password]").fill("user-1234");
    await account.locator("[name=passwordConfirm]").fill("another-1");
    await account.locator("[name=name]").fill("Ursula");
    await press(account, "Create");
    await noted(page, "Failed to create record.");
    await account.locator("[name=passwordConfirm]").fill("user-1234");
    await press(account, "Create");
    await noted(page, "Successfully created users");
    await picker.getByText("Ursula").first().click();
    await press(picker, "Set selection");
    await press(form, "Create");
    await noted(page, "Successfully created things");
    await says(row(page, "first thing"), "Ursula");
    await assertThumb(row(page, "first thing"));
}

/** The picture is drawn, smaller than it is. */
async function assertThumb(within) {
    const image = within.locator("img").first();
    await image.waitFor();
    const seen = await image.evaluate(async (one) => {
        await one.decode();
        return [one.naturalWidth, one.naturalHeight, one.src];
    });
    assert.deepEqual(seen.slice(0, 2), [100, 100], seen[2]);
}

/** Changed; then a second one that is a copy; then one of the two is looked for. */
export async function change({ page }) {
    await openCollection(page, "things");
    await row(page, "first thing").getByText("first thing").click();
    const form = dialog(page);
    await assertThumb(form);
    await form.locator("[name=number]").fill("7");
    await press(form, "Save changes");
    await noted(page, "Successfully updated things");
    await row(page, "first thing").getByText("first thing").click();
    await press(form, "More options");
    await press(form, "Duplicate");
    await form.locator("[name=title]").fill("second thing");
    await press(form, "Create");
    await noted(page, "Successfully created things");
    const others = row(page, "first thing");
    await code(page).fill("title ~ 'second' && number > 5");
    await page.keyboard.press("Enter");
    await others.waitFor({ state: "detached" });
    await code(page).fill("nonsense = 1");
    await page.keyboard.press("Enter");
    await noted(page, "Something went wrong");
    await press(page, "Clear");
    await others.waitFor();
    await page.getByRole("columnheader", { name: "title" }).click();
    await page.locator("tbody tr").first().filter({ hasText: "second thing" }).waitFor();
}

/** Each page of the preview of the API. */
export async function preview({ page }) {
    await openCollection(page, "users");
    await press(page, "API preview");
    const pages = await dialog(page).getByRole("navigation").first().getByRole("button").allInnerTexts();
    assert.ok(pages.length > 12, String(pages));
    for (const name of pages) {
        const entry = dialog(page).getByRole("navigation").first().getByRole("button", { name, exact: true });
        if (await entry.isDisabled()) continue;
        await entry.click();
        await says(dialog(page), `${name} (users)`);
    }
    await press(dialog(page), "Close");
}
