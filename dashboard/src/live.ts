// What the server says of its backups, kept up to date while a page is open: told by the event stream, and asked for
// again now and then, also while the server is away for a restart.

import { batch, computed, effect, signal } from "@preact/signals";
import { setAccent } from "./accent";
import { backups, client, settings, type Backup, type Job, type Settings, type Status } from "./api";
import { problem, type Problem } from "./problem";

export const status = signal<Status | null>(null);
export const list = signal<Backup[] | null>(null);
export const listProblem = signal<Problem | null>(null);
export const serverSettings = signal<Settings | null>(null);
/** Whether the server did not answer the last time that it was asked. */
export const away = signal(false);
export const now = signal(Date.now());

export const running = computed<Job[]>(() => status.value?.jobs.filter((job) => job.state === "running") ?? []);
/** What keeps another job from starting. A backup that is only being proven does not. */
export const busy = computed(() => running.value.some((job) => job.phase === "working"));

/** The ids of the restores and undos that are known of, or null for nothing known: all data is other after each. */
export const restores = computed(() => {
  const done = status.value?.jobs.filter(({ kind, state }) => (kind === "restore" || kind === "undo") && state === "succeeded");
  return done?.map(({ id }) => id).join(" ") ?? null;
});

const OFTEN = 1_000;
const SELDOM = 20_000;

/** How fast a job is, by what this page saw of it: bytes in a second. */
const seen = new Map<string, { at: number; bytes: number; phase: string }>();

export function rate(job: Job): number | null {
  const first = seen.get(job.id);
  if (!first || first.phase !== job.phase) {
    seen.set(job.id, { at: Date.now(), bytes: job.bytesDone, phase: job.phase });
    return null;
  }
  const seconds = (Date.now() - first.at) / 1000;
  return seconds > 1 && job.bytesDone > first.bytes ? (job.bytesDone - first.bytes) / seconds : null;
}

let asking: Promise<void> | null = null;
let next: Promise<void> | null = null;

/** Asks for everything anew. What was asked before does not count: it may have been answered before what changed since. */
export function refresh(): Promise<void> {
  if (!asking) {
    asking = ask().finally(() => {
      asking = null;
    });
    return asking;
  }
  next ??= asking.then(() => {
    next = null;
    return refresh();
  });
  return next;
}

async function ask(): Promise<void> {
  if (await askAbout()) await askForList();
}

/** Asks for all but the list, which takes as long as its bucket. */
export async function refreshSettings(): Promise<void> {
  await askAbout();
  void refresh();
}

/** The status and the settings; whether they came. */
async function askAbout(): Promise<boolean> {
  // What was known of the settings stays where they don't come; the status says whether the server is away.
  const setting = settings.get().catch(() => null);
  try {
    const [told, set] = [await backups.status(), await setting];
    batch(() => {
      // The backups of another place are no longer the list, however long the new place takes to answer.
      if (!same(told.place, status.value?.place ?? null)) [list.value, listProblem.value] = [null, null];
      status.value = told;
      away.value = false;
      if (set) serverSettings.value = set;
    });
    if (set) setAccent(set.meta.accentColor ?? "");
    return true;
  } catch (error) {
    away.value = problem(error).status === 0 || problem(error).status >= 500;
    return false;
  }
}

async function askForList(): Promise<void> {
  try {
    list.value = await backups.list();
    listProblem.value = null;
  } catch (error) {
    listProblem.value = problem(error);
  }
}

const same = (one: Status["place"], other: Status["place"]) => one?.bucket === other?.bucket && one?.endpoint === other?.endpoint;

/** A job as the event stream tells it. */
function heard(job: Job): void {
  const before = status.value;
  if (!before || !job?.id) return;
  const known = before.jobs.find((one) => one.id === job.id);
  const jobs = known ? before.jobs.map((one) => (one.id === job.id ? job : one)) : [job, ...before.jobs];
  status.value = { ...before, jobs };
  if (known?.state !== job.state || known.phase !== job.phase) void refresh();
}

/** Begins to follow the server; returns how to end that. */
export function follow(): () => void {
  let ended = false;
  let timer = 0;
  // Closely while something runs, also what was begun elsewhere.
  const pace = effect(() => {
    const wait = running.value.length > 0 || away.value ? OFTEN : SELDOM;
    clearTimeout(timer);
    const round = async () => {
      await refresh();
      if (!ended) timer = window.setTimeout(round, wait);
    };
    timer = window.setTimeout(round, wait);
  });
  const clock = window.setInterval(() => {
    now.value = Date.now();
  }, 5_000);
  const visible = () => document.visibilityState === "visible" && void refresh();
  document.addEventListener("visibilitychange", visible);
  void refresh();
  // Without a stream there is still the asking.
  const stream = client.realtime
    .subscribe("@backups", heard)
    .catch(() => null);
  return () => {
    ended = true;
    pace();
    clearTimeout(timer);
    clearInterval(clock);
    document.removeEventListener("visibilitychange", visible);
    void stream.then((end) => end?.()).catch(() => undefined);
    status.value = list.value = listProblem.value = serverSettings.value = null;
  };
}
