// Whether two servers answered the same, in what a client can rely on: not ids, times, tokens and what is random.

const ID = "[a-z0-9]{15}";

/** What differs each time, by the same word. */
const CHANGING = [
    [/http:\/\/(127\.0\.0\.1|localhost):\d+/g, "ORIGIN"],
    [/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, "TOKEN"],
    [/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME"],
    [/_\w{10}\.png/g, "_RANDOM.png"],
    [/idx_title\w{3}\b/g, "idx_titleRANDOM"],
    [/idx_(tokenKey|email)_\w{10}\b/g, "idx_$1_RANDOM"],
    [/"execTime":[\d.]+/g, '"execTime":"TIME"'],
    [/"port":\d+/g, '"port":"PORT"'],
    // PocketBase's log adds an inner reason to the one that the client was told.
    [/"details":("string"|"null"|\{[^{}]*\})/g, '"details":"REASON"'],
    // A provider's picture is another one, and five have none here.
    [/"logo":"(<svg.*?<\/svg>)?"/g, '"logo":"DRAWING"'],
    [new RegExp(`(?<![\\w-])${ID}(?!\\w)`, "g"), "ID"],
    [/(pb_settings_test_|_clone_|temp_view_)\w+/g, "$1RANDOM"],
    // That of a view which is tried follows from its name.
    [/"collectionId":"pbc_\d+","collectionName":"temp_view_/g, '"collectionId":"ID","collectionName":"temp_view_'],
];
/** Of these the kinds of the values are compared, not the values. */
const SHAPES = [/^\/api\/logs/, /^\/api\/health/, /^\/api\/backups$/];
/** What this server says beyond PocketBase. */
const OWN_KEYS = ["backupTroubles", "missing", "newestProvenBackupAge", "proofDepth", "proofError", "proven", "provenElsewhere"];
/** Why a filter or an order is refused: superusers are told here. */
const isReason = (key, value) => key === "query" && value?.code === "invalid_query";
/** What a server says of a failure in its own words: another one's words are no difference. */
const OWN_WORDS = /Raw error:[\s\S]*/;

const settle = (text) => CHANGING.reduce((settled, [what, word]) => settled.replace(what, word), text);

/** The route of a request: of its query only the names. */
export function route({ method, path }) {
    const { pathname } = new URL(path, "http://localhost");
    const parts = settle(pathname).replace(/^\/api\/collections\/(?!meta\b|import\b)[^/]+/, "/api/collections/NAME");
    return `${method} ${parts.replace(/^(\/api\/(backups|crons|files))\/(?!upload$|token$).*?(\/restore)?$/, "$1/KEY$3")}`;
}

/** One kind of all values of a sort; lists of what is in any of their elements. */
function shape(value) {
    if (Array.isArray(value)) return value.length ? [value.map(shape).reduce(merge)] : [];
    if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
    const entries = Object.entries(value).filter(([key]) => !OWN_KEYS.includes(key));
    return Object.fromEntries(entries.map(([key, each]) => [key, shape(each)]));
}

function merge(one, other) {
    if (typeof one !== "object" || typeof other !== "object" || Array.isArray(one)) return one;
    const merged = { ...one };
    for (const [key, value] of Object.entries(other)) merged[key] = key in merged ? merge(merged[key], value) : value;
    return merged;
}

function words(body) {
    if (typeof body === "string") return body.replace(OWN_WORDS, "Raw error: …");
    if (Array.isArray(body)) return body.map(words);
    if (body === null || typeof body !== "object") return body;
    const keys = Object.keys(body).filter((key) => !isReason(key, body[key]));
    return Object.fromEntries(keys.sort().map((key) => [key, words(body[key])]));
}

/** An exchange as text: the same for two servers that did the same. */
function told({ method, path, status, body }) {
    const comparable = SHAPES.some((each) => each.test(path)) && status < 400 ? shape(body) : body;
    return [settle(`${method} ${decodeURIComponent(path)}`), `${status} ${settle(JSON.stringify(words(comparable)))}`];
}

/** Where two texts of JSON part, with what is around. */
function parting(one, other) {
    let at = 0;
    while (at < one.length && one[at] === other[at]) at += 1;
    const from = Math.max(0, at - 100);
    return [one, other].map((text) => text.slice(from, at + 160));
}

/** What `ours` answered otherwise than `theirs`, request by request; one line or more each, none if nothing. */
export function differences(theirs, ours) {
    const [expected, found] = [theirs, ours].map((exchanges) => {
        const answers = new Map();
        for (const [request, answer] of exchanges.map(told)) answers.set(request, (answers.get(request) ?? new Set()).add(answer));
        return answers;
    });
    const lines = [];
    for (const request of new Set([...expected.keys(), ...found.keys()])) {
        const [theirs, ours] = [expected, found].map((answers) => [...(answers.get(request) ?? [])]);
        if (!theirs.length || !ours.length) {
            lines.push(`${request}: only ${ours.length ? "this server" : "PocketBase"} was asked, and answered ${(ours[0] ?? theirs[0]).slice(0, 200)}`);
            continue;
        }
        const [more, less] = [ours.filter((one) => !theirs.includes(one)), theirs.filter((one) => !ours.includes(one))];
        if (more.length || less.length) {
            const [there, here] = parting(less[0] ?? theirs[0], more[0] ?? ours[0]);
            lines.push(`${request}\n  PocketBase: ${there}\n  ours:       ${here}`);
        }
    }
    return lines;
}
