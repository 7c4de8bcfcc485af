// Accounts in PocketBase's dashboard: its own login, and what it mails and makes for an account.

import assert from "node:assert/strict";

import { EMAIL, PASSWORD } from "../server.mjs";
import { agree, close, dialog, noted, openCollection, openRecord, press, says } from "./page.mjs";

export async function logIn({ page }, password = PASSWORD) {
    await page.getByLabel("Email").fill(EMAIL);
    await page.getByLabel("Password").first().fill("wrong-1234");
    await press(page, "Login");
    await noted(page, "Invalid login credentials.");
    await page.getByLabel("Password").first().fill(password);
    await press(page, "Login");
    await page.getByRole("button", { name: "New collection" }).waitFor();
}

/** Mails of verification and of a new password, a token for somebody else, and the end of all tokens. */
export async function mails({ page, proxy, mails }) {
    await openCollection(page, "users");
    const kinds = [["Send verification email", /Verify your/], ["Send password reset email", /Reset your/]];
    for (const [what, subject] of kinds) {
        await openRecord(page, "user@example.com", "Ursula");
        await press(dialog(page), "More options");
        await press(dialog(page), what);
        await agree(page);
        await noted(page, "Successfully sent");
        const mail = await mails.next(subject);
        assert.deepEqual(mail.to, ["user@example.com"]);
        await close(page);
        const [link] = mail.html.match(/#\/auth\/confirm-[\w/.-]+/);
        if (link.includes("verification")) await follow(page, proxy, link, "Successfully verified");
    }
    await openRecord(page, "user@example.com", "Ursula");
    await press(dialog(page), "More options");
    await press(dialog(page), "Impersonate");
    await dialog(page).getByLabel("Token duration").fill("600");
    await press(dialog(page), "Generate token");
    await says(dialog(page), "eyJ");
    await close(page);
    await press(dialog(page), "Auth providers");
    await says(dialog(page), "No external auth providers found.");
    await press(dialog(page), "Account");
    await press(dialog(page), "More options");
    await press(dialog(page), "Reset issued tokens");
    await agree(page);
    await noted(page, "Successfully");
    await close(page);
}

/** What a link in a mail leads to, in a window of its own. */
async function follow(page, proxy, link, text) {
    const other = await page.context().newPage();
    await other.goto(`${proxy.url}/_/${link}`);
    await says(other, text);
    await other.close();
}

/** A superuser who forgot the password is mailed a link, which leads to the dashboard again. */
export async function recover({ page, proxy, mails }) {
    await press(page, EMAIL);
    await press(page, "Logout");
    await page.getByRole("link", { name: "Forgotten password" }).click();
    await page.getByLabel("Email").fill(EMAIL);
    await press(page, "Send recovery link");
    const mail = await mails.next(/Reset your/);
    assert.deepEqual(mail.to, [EMAIL]);
    const [link] = mail.html.match(/#\/auth\/confirm-password-reset\/[\w.-]+/);
    await page.goto(`${proxy.url}/_/${link}`);
    await page.locator("input[type=password]").nth(0).fill("brand-new-1");
    await page.locator("input[type=password]").nth(1).fill("another-1");
    await page.keyboard.press("Enter");
    await says(page, "Values don't match.");
    await page.locator("input[type=password]").nth(1).fill("brand-new-1");
    await page.keyboard.press("Enter");
    await says(page, /successfully changed/);
    await page.goto(`${proxy.url}/_/#/login`);
    await logIn({ page }, "brand-new-1");
}
