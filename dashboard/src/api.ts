// The one typed client: PocketBase's own SDK, and what the server adds to its API.

import { signal } from "@preact/signals";
import PocketBase, { ClientResponseError, LocalAuthStore, type CollectionField, type CollectionModel, type RecordAuthResponse, type RecordModel, type SendOptions } from "pocketbase";

export type Kind = "create" | "upload" | "verify" | "scrub" | "restore" | "undo" | "recover";

export interface Job {
  id: string;
  kind: Kind;
  key: string;
  state: "running" | "succeeded" | "failed";
  phase: "working" | "proving";
  error: string;
  warning: string;
  stopped?: boolean;
  bytesDone: number;
  bytesTotal: number;
  started: string;
  finished: string;
  /** How many records came back. */
  records?: number;
}

export interface Backup {
  key: string;
  size: number;
  modified: string;
  proven: string;
  proofDepth: "" | "bytes" | "databases";
  proofError: string;
  missing: number | null;
  /** Whether it is another machine that says so. */
  provenElsewhere: boolean;
}

export interface Totals {
  count: number;
  bytes: number;
}

export interface DatabaseSize {
  name: string;
  size: number;
}

/** What a restore does to a field or an index. */
export interface PartChange {
  name: string;
  nameNow: string | null;
  fate: "goes" | "returns" | "changes";
}

/** What a restore changes of a collection besides its records. */
export interface Changes {
  fields: PartChange[];
  indexes: PartChange[];
  rules: string[];
  options: string[];
  /** How many changes are not named. */
  more: number;
}

/** A collection in a backup and now; `null` is what is not known. */
export interface Compared {
  id: string;
  name: string;
  nameNow: string | null;
  type: "" | "base" | "auth" | "view";
  system: boolean;
  fate: "stays" | "goes" | "returns";
  records: number | null;
  recordsNow: number | null;
  createdSince: number | null;
  changedSince: number | null;
  files: Totals | null;
  filesNow: Totals | null;
  /** `null` also for one that goes or returns. */
  changes: Changes | null;
}

export interface Comparison {
  at: string;
  complete: boolean;
  collections: Compared[];
  gone: { collections: number; records: number | null; atLeast: number };
  databases: DatabaseSize[];
  files: Totals | null;
  /** The sections of the settings that would be others; `null` where that is not known. */
  settings: string[] | null;
}

/** A collection in a backup. */
export interface Held {
  id: string;
  name: string;
  type: "" | "base" | "auth" | "view";
  system: boolean;
  records: number | null;
}

/** What a backup holds, and, where that was asked for, what a restore of it would change. */
export interface Content {
  key: string;
  age: number;
  proofError: string;
  known: boolean;
  unknown: string;
  program: string;
  created: string;
  counted: boolean;
  collections: Held[];
  databases: DatabaseSize[];
  files: Totals | null;
  comparison: Comparison | null;
}

/** What has become of a record since a backup. */
export type Since = "gone" | "changed" | "same";

/** Records as they are in a backup. */
export interface Looked {
  page: number;
  totalItems: number;
  totalPages: number;
  /** As it is in the backup. */
  collection: CollectionModel;
  /** Its name now; "" where it is not there any more. */
  collectionNow: string;
  items: { state: Since; changed: string[]; record: RecordModel }[];
}

export interface LookedFor {
  page: number;
  perPage: number;
  sort: string;
  filter: string;
  state: string;
}

export interface Wanted {
  collection: string;
  ids: string[];
  /** Also what a cascade deleted with them. */
  children: boolean;
  /** Also records that are there and differ. */
  overwrite: boolean;
}

export interface Outcome {
  collection: string;
  id: string;
  action: "added" | "changed" | "left" | "blocked";
  reason: string;
  child: boolean;
  fields: string[];
  files: string[];
  missingFiles: string[];
  lostRelations: Record<string, string[]>;
  lostFields: string[];
}

/** What came of bringing records back, or what would. */
export interface Recovery {
  added: number;
  changed: number;
  left: number;
  blocked: number;
  /** How many belong to them, are gone, and were not asked for; null where nobody knows. */
  childrenLeft: number | null;
  /** Who named those that were gone, and does not any more; null where nobody knows. */
  lostReferences: { collection: string; id: string; field: string }[] | null;
  files: number;
  fileBytes: number;
  records: Outcome[];
}

export type Reason = "last" | "daily" | "weekly" | "monthly" | "betterProven" | "moreComplete" | "byHand" | "foreign" | "noRules" | "restored";

export interface Foreseen {
  key: string;
  size: number;
  modified: string;
  goes: boolean;
  why: Reason[];
}

/** What retention would do at its next run. */
export interface Foresight {
  nextRun: string;
  going: number;
  goingBytes: number;
  backups: Foreseen[];
}

/** How long a job took, and how much it was about. */
export interface Figures {
  id: string;
  kind: Kind;
  key: string;
  state: "succeeded" | "failed";
  started: string;
  finished: string;
  duration: number;
  bytes: number;
  size: number | null;
}

export interface Trouble {
  cause: string;
  error: string;
}

export interface Undo {
  kind: "restore" | "undo";
  key: string;
  restored: string;
  expires: string;
}

export interface Status {
  running: Job | null;
  jobs: Job[];
  undo: Undo | null;
  alarms: { lastSent: string; lastError: string; waiting: number; ways: string[]; troubles: Trouble[] };
  foreign: { count: number; newest: string; help: string } | null;
  otherServers: { pid: number; program: string }[];
  rehearsal: boolean;
  /** The bucket that is in force; `null` for the data directory. */
  place: { bucket: string; endpoint: string } | null;
  /** How many backups lie in the data directory and are not listed, since they are kept in a bucket now; `null` where the disk can't be read. */
  leftOnDisk: number | null;
}

/** What a bucket is for. */
export type Filesystem = "backups" | "storage";

export interface S3 {
  enabled: boolean;
  bucket: string;
  region: string;
  endpoint: string;
  accessKey: string;
  secret?: string;
  forcePathStyle: boolean;
}

export interface BackupSettings {
  cron: string;
  cronMaxKeep: number;
  s3: S3;
  keepLast?: number;
  keepDaily?: number;
  keepWeekly?: number;
  keepMonthly?: number;
  /** Left out where it is `VERIFY_CRON`. */
  verifyCron?: string;
  alarmEmails?: string[];
  alarmWebhook?: { url: string; secret?: string };
  alarmAfterHours?: number;
}

/** When all backups are verified where nobody set that. */
export const VERIFY_CRON = "30 4 * * 0";

export interface Settings {
  meta: { appName: string; appURL: string; senderName: string; senderAddress: string; accentColor?: string; hideControls?: boolean };
  backups: BackupSettings;
  /** Where uploaded files go. */
  s3: S3;
  smtp: { enabled: boolean; host: string; port: number; username: string; password?: string; tls: boolean };
}

const store = new LocalAuthStore("__bosbase_superuser__");
/** The server is where the page comes from: `/_/` below it. */
export const client = new PocketBase(location.origin + location.pathname.replace(/\/_\/.*$/, ""), store);
client.autoCancellation(false);

/** Who is logged in, or nobody. */
export const session = signal(read());
store.onChange(() => {
  session.value = read();
});

function read(): { id: string; email: string } | null {
  const { isValid, record } = client.authStore;
  return isValid && record?.collectionName === "_superusers" ? { id: record.id, email: String(record.email) } : null;
}

/** Why the login page is shown, where the session ended by itself. */
export const sessionOver = signal(false);

client.afterSend = (response: Response, data: unknown, options?: SendOptions) => {
  // The answer to an old token may come once another session has begun, and says nothing of that one.
  const isOurs = options?.headers?.Authorization === client.authStore.token;
  if (response.status === 401 && isOurs && session.value && !response.url.includes("/auth-with-")) {
    sessionOver.value = true;
    client.authStore.clear();
  }
  return data;
};

/** Asks for a new token now and then, so that a page that stays open stays logged in. */
export async function renew(): Promise<void> {
  if (!session.value) return;
  const { token } = client.authStore;
  // Who has logged in meanwhile stays.
  const isOurs = () => client.authStore.token === token;
  try {
    const renewed = await client.send<RecordAuthResponse>("/api/collections/_superusers/auth-refresh", { method: "POST" });
    if (isOurs()) client.authStore.save(renewed.token, renewed.record);
  } catch (error) {
    // A server that is away is no reason to log out; 401 has been dealt with.
    if (error instanceof ClientResponseError && (error.status === 403 || error.status === 404) && isOurs()) client.authStore.clear();
  }
}

export const logout = () => client.authStore.clear();

const send = <T>(path: string, options: Record<string, unknown> = {}) => client.send<T>(path, options);

export const backups = {
  list: () => send<Backup[]>("/api/backups"),
  status: () => send<Status>("/api/backups/status"),
  content: (key: string) => send<Content>(`/api/backups/${encodeURIComponent(key)}/content`, { query: { compare: true } }),
  held: (key: string) => send<Content>(`/api/backups/${encodeURIComponent(key)}/content`),
  records: (key: string, collection: string, { sort, filter, state, ...rest }: LookedFor) =>
    send<Looked>(`/api/backups/${encodeURIComponent(key)}/records/${encodeURIComponent(collection)}`, {
      query: { ...rest, ...(sort && { sort }), ...(filter && { filter }), ...(state && { state }) },
    }),
  recover: (key: string, wanted: Wanted, dryRun: boolean) =>
    send<Recovery>(`/api/backups/${encodeURIComponent(key)}/recover`, { method: "POST", body: { ...wanted, dryRun } }),
  previewRetention: (settings: Partial<BackupSettings>) => send<Foresight>("/api/backups/preview-retention", { method: "POST", body: { backups: settings } }),
  figures: async (kind: Kind, most: number) => (await send<{ items: Figures[] }>("/api/backups/jobs", { query: { kind, perPage: most } })).items,
  create: (name: string) => send("/api/backups", { method: "POST", body: name ? { name } : {} }),
  verify: (key: string) => send(`/api/backups/${encodeURIComponent(key)}/verify`, { method: "POST" }),
  remove: (key: string) => send(`/api/backups/${encodeURIComponent(key)}`, { method: "DELETE" }),
  restore: (key: string) => send(`/api/backups/${encodeURIComponent(key)}/restore`, { method: "POST" }),
  undo: () => send("/api/backups/undo-restore", { method: "POST" }),
  /** What an undo would change; `null` where that is not known. */
  undoOutlook: async () => (await send<{ comparison: Comparison | null }>("/api/backups/undo-restore")).comparison,
  cancel: (id: string) => send("/api/backups/cancel", { method: "POST", body: { id } }),
  async download(key: string): Promise<string> {
    return client.backups.getDownloadURL(await client.files.getToken(), key);
  },
  /** Sends a file, and tells how far it is; `fetch` can't. */
  upload(file: File, told: (sent: number) => void): { done: Promise<void>; abort: () => void } {
    const request = new XMLHttpRequest();
    const done = new Promise<void>((resolve, reject) => {
      request.open("POST", client.buildURL("/api/backups/upload"));
      request.setRequestHeader("Authorization", client.authStore.token);
      request.upload.onprogress = (event) => told(event.loaded);
      request.onload = () => (request.status < 300 ? resolve() : reject(new ClientResponseError({ url: "", status: request.status, data: parsed(request.responseText) })));
      request.onerror = () => reject(new ClientResponseError({ url: "", status: 0, data: {} }));
      request.onabort = () => reject(new ClientResponseError({ url: "", status: 0, data: {}, isAbort: true }));
      const form = new FormData();
      form.append("file", file);
      request.send(form);
    });
    return { done, abort: () => request.abort() };
  },
};

export const settings = {
  get: () => send<Settings>("/api/settings"),
  patch: (body: unknown) => send<Settings>("/api/settings", { method: "PATCH", body }),
  testS3: (filesystem: Filesystem) => send("/api/settings/test/s3", { method: "POST", body: { filesystem } }),
  testMail: (email: string) => send("/api/settings/test/email", { method: "POST", body: { email, template: "verification" } }),
  testWebhook: () => send("/api/settings/test/webhook", { method: "POST" }),
};

/** What there is to make collections of, beside the collections. */
export const making = {
  oauth2Providers: () => send<{ name: string; displayName: string }[]>("/api/collections/meta/oauth2-providers"),
  /** What a view with this query would be: its fields, and its first records. Nothing is stored. */
  tryView: (query: string) => send<{ fields: CollectionField[]; sample: RecordModel[] }>("/api/collections/meta/dry-run-view", { method: "POST", body: { query } }),
};

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
