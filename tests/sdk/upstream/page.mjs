// Words for what somebody does in PocketBase's dashboard.

import { until } from "../server.mjs";

/** The dialog on top; a question that is to be answered first is none. */
export const dialog = (page) => page.locator('.modal:not(.manual)[data-modal-state="open"]').last();
export const question = (page) => page.locator('.modal.manual[data-modal-state="open"]').last();

/** `name` is the whole name, or what it matches. */
export const button = (within, name) => {
    const named = within.getByRole("button", { name, exact: typeof name === "string" });
    return named.filter({ visible: true }).first();
};
export const press = (within, name) => button(within, name).click();

/** Waits for a text that is shown, such as of the note that tells how something ended; `text` is a part of it. */
export const says = (within, text) => within.getByText(text).filter({ visible: true }).first().waitFor();

/** Waits for the note, and has it go away, so that the next of the same words is another one. */
export async function noted(page, text) {
    const note = page.locator(".toast").filter({ hasText: text }).last();
    await note.waitFor();
    // It goes away by itself, too.
    await button(note, "Clear").click({ timeout: 500 }).catch(() => {});
    await note.waitFor({ state: "detached" });
}

/** Opens a part that is folded up, of which `title` is a part of the title. */
export async function unfold(within, title) {
    const head = within.locator("summary").filter({ hasText: title, visible: true }).first();
    await head.click();
    return head.locator("xpath=..");
}

export async function close(page) {
    const open = page.locator('.modal[data-modal-state="open"]');
    const count = await open.count();
    await press(open.last(), "Close");
    while ((await open.count()) >= count) await page.waitForTimeout(50);
}

export async function openCollection(page, name) {
    await page.getByRole("link", { name: "Collections", exact: true }).click();
    await page.getByRole("complementary").getByText(name, { exact: true }).first().click();
    await page.locator(".breadcrumbs").filter({ hasText: name }).waitFor();
}

export async function openSettings(page, name) {
    await page.getByRole("link", { name: "Settings", exact: true }).click();
    await page.getByRole("complementary").getByRole("link", { name }).click();
}

/** The row of the list that shows `text`. */
export const row = (page, text) => page.locator("tbody tr").filter({ hasText: text }).first();

/** Opens the record whose row shows `text`. A click while another one closes opens nothing. */
export async function openRecord(page, text, cell) {
    await until(async () => {
        await row(page, text).getByText(cell).click();
        return dialog(page).waitFor({ timeout: 3000 }).then(() => true, () => false);
    }, `the record ${text}`);
}

/** The first editor of code that is shown. */
export const code = (within) => within.locator(".code-editor-content").filter({ visible: true }).first();

/** Answers the question with what it asks for. */
export const agree = (page) => question(page).getByRole("button").last().click();
