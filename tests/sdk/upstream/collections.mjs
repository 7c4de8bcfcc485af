// Collections in PocketBase's dashboard: made, changed, with rules and options, and gone.

import { generateKeyPairSync } from "node:crypto";

import { agree, code, dialog, noted, openCollection, press, question, says, unfold } from "./page.mjs";

const KINDS = [
    "Plain text", "Rich editor", "Number", "Bool", "Email", "URL", "Datetime", "Autodate", "File", "Relation", "Select", "JSON", "Geo Point",
];

/** The part of a collection's form that is about the first field of a type; the id is no such field. */
const field = (form, type) => {
    const fixed = form.page().locator("input[disabled]");
    return form.locator(`details.field-type-${type}`).filter({ hasNot: fixed }).first();
};

/** Of each type a field, named like the type; the server says first what is missing. */
export async function makeOfEveryType({ page }) {
    await press(page, "New collection");
    const form = dialog(page);
    await form.getByLabel("Name").first().fill("things");
    for (const kind of KINDS) {
        await press(form, "New field");
        await press(form, kind);
    }
    await press(form, "Create");
    await noted(page, "Failed to create collection.");
    await press(form, /Select collection/);
    await press(form, "users");
    await form.getByPlaceholder("Add choices*").click();
    await form.locator(":focus").fill("red\ngreen\nblue");
    await press(form, "Create");
    await noted(page, "Successfully created collection");
}

/** Thumbnails, an index, a field that is renamed and one that goes; then the collection's own name. */
export async function changeFields({ page }) {
    await openCollection(page, "things");
    await press(page, "Collection settings");
    const form = dialog(page);
    const file = field(form, "file");
    await press(file, "Field options");
    await file.getByLabel("Thumb sizes").fill("40x40, 60x0");
    await field(form, "text").locator("input[name$='.name']").fill("title");
    const mail = field(form, "email");
    await press(mail, "Field options");
    await press(mail, "More options");
    await mail.getByRole("menuitem", { name: "Remove" }).click();
    await press(form, "New index");
    await code(dialog(page)).fill("CREATE INDEX `idx_title` ON `things` (`title`)");
    await press(dialog(page), "Set index");
    await press(form, "Save changes");
    await agree(page);
    await noted(page, "Successfully updated collection");
}

/** A rule that is none is refused where it stands. */
export async function changeRules({ page }) {
    await openCollection(page, "things");
    await press(page, "Collection settings");
    const form = dialog(page);
    await press(form, "API rules");
    const rules = { listRule: "", viewRule: "relation = @request.auth.id", createRule: "@request.auth.id != ''" };
    for (const [name, rule] of Object.entries(rules)) {
        const part = form.locator(`[name=${name}]`);
        await press(part, "Unlock and set custom rule");
        await code(part).fill(rule);
    }
    await code(form.locator("[name=listRule]")).fill("nonsense = 1");
    await press(form, "Save changes");
    await noted(page, "Failed to update collection.");
    await says(form, "unknown field");
    await code(form.locator("[name=listRule]")).fill("number > 0 || @request.auth.verified = true");
    await press(form, "Save changes");
    await noted(page, "Successfully updated collection");
}

export async function makeAccounts({ page }) {
    await press(page, "New collection");
    const form = dialog(page);
    await form.getByLabel("Name").first().fill("members");
    await press(form, "Type: Base");
    await press(form, "Auth collection");
    await press(form, "Create");
    await noted(page, "Successfully created collection");
}

/** Of all that the options of accounts hold something. */
export async function changeOptions({ page }) {
    await openCollection(page, "members");
    await press(page, "Collection settings");
    const form = dialog(page);
    await press(form, "Options");
    const once = await unfold(form, "One-time password");
    await once.getByLabel("Enable").check();
    await once.getByLabel("Duration").fill("240");
    const second = await unfold(form, "Multi-factor");
    await second.getByLabel("Enable").check();
    await code(second).fill("email != ''");
    const template = await unfold(form, "Default OTP email");
    await code(template).fill("Your code for {APP_NAME}");
    const tokens = await unfold(form, "Token options");
    await tokens.getByLabel("Auth duration").fill("3600");
    await tokens.getByRole("button", { name: "Invalidate all" }).last().click();
    const oauth2 = await unfold(form, "OAuth2");
    await oauth2.getByLabel("Enable").check();
    await press(oauth2, "Add provider");
    await press(dialog(page), "OIDC oidc");
    const provider = dialog(page);
    for (const label of ["Client ID", "Client secret"]) await provider.getByLabel(label).fill("client-1");
    for (const label of ["Auth URL", "Token URL"]) await provider.getByLabel(label).fill("https://provider.example/it");
    await provider.getByRole("textbox", { name: "User info URL" }).fill("https://provider.example/it");
    await press(provider, "Set provider config");
    await addApple(page, oauth2);
    await press(form, "Save changes");
    await noted(page, "Successfully updated collection");
}

/** The secret that Apple's provider needs is made by the server. */
async function addApple(page, oauth2) {
    await press(oauth2, "Add provider");
    await press(dialog(page), "Apple apple");
    const provider = dialog(page);
    await provider.getByLabel("Client ID").fill("app.example");
    await press(provider, "Generate secret");
    const secret = dialog(page);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const key = privateKey.export({ type: "pkcs8", format: "pem" });
    const values = { clientId: "app.example", teamId: "TEAM567890", keyId: "KEY4567890", privateKey: key };
    for (const [name, value] of Object.entries(values)) await secret.locator(`[name=${name}]`).fill(value);
    await press(secret, "Generate secret");
    await noted(page, "Successfully generated client secret.");
    await press(dialog(page), "Set provider config");
}

/** A view, after a query that is none. */
export async function makeView({ page }) {
    await press(page, "New collection");
    const form = dialog(page);
    await form.getByLabel("Name").first().fill("titles");
    await press(form, "Type: Base");
    await press(form, "View collection");
    await code(form).fill("SELECT nonsense FROM things");
    await says(form, "no such column: nonsense");
    await code(form).fill("SELECT id, title, number, file FROM things");
    await says(form, "first thing");
    await press(form, "Create");
    await noted(page, "Successfully created collection");
    await says(page.locator("tbody"), "first thing");
}

/** A copy, its name, and its end. */
export async function duplicateAndDelete({ page }) {
    await openCollection(page, "things");
    await press(page, "Collection settings");
    const form = dialog(page);
    await press(form, "More options");
    await press(form, "Duplicate");
    await form.getByLabel("Name").first().fill("copies");
    await press(form, "Create");
    await noted(page, "Successfully created collection");
    await openCollection(page, "copies");
    await press(page, "Collection settings");
    await form.getByLabel("Name").first().fill("more_copies");
    await press(form, "Save changes");
    await agree(page);
    await noted(page, "Successfully updated collection");
    for (const [what, note] of [["Truncate", "Successfully truncated"], ["Delete", "Successfully deleted"]]) {
        await openCollection(page, "more_copies");
        await press(page, "Collection settings");
        await press(form, "More options");
        await press(form, what);
        await question(page).getByRole("textbox").fill("more_copies");
        await agree(page);
        await noted(page, note);
    }
}
