// What the server says of its backups, kept up to date while a page is open: told by the event stream, and asked for
// again now and then, also while the server is away for a restart.

import { batch, computed, effect, signal } from "@preact/signals";
import { setAccent } from "./accent";
import { backups, client, settings, type Backup, type Job, type Kind, type Settings, type Status } from "./api";
import { told } from "./format";
import { toast } from "./parts/toast";
import { problem, type Problem } from "./problem";
import { t } from "./texts";

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

const isRunning = computed(() => running.value.length > 0);

/** The ids of the restores and undos that are known of, or null for nothing known: all data is other after each. */
export const restores = computed(() => {
  const done = status.value?.jobs.filter(({ kind, state }) => (kind === "restore" || kind === "undo") && state === "succeeded");
  return done?.map(({ id }) => id).join(" ") ?? null;
});

/** While a job runs, and only asking shows how far it is; and while the server is away for a restart. */
const OFTEN = 1_000;
/** While a job runs that does not change, or of which the stream tells every change: that moves its bar. */
const CALM = 5_000;
/** While a restore or an undo runs: the server goes away at its end, and the stream with it. */
const WATCHFUL = 2_000;
/** While nothing runs: what begins is told by the stream. */
const SELDOM = 20_000;
/** So long the server is away at a restart, mostly. */
const RESTART = 30_000;

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

/** Looks how far it is with what runs; asks for the rest where something ended. */
async function look(): Promise<void> {
  if (asking) return asking;
  const before = states();
  await askAbout(false);
  if (!away.value && states() !== before) await refresh();
}

const states = () => JSON.stringify(status.value?.jobs.map(({ id, state, phase }) => [id, state, phase]));
/** What can be seen of what runs. */
const progress = () => JSON.stringify(running.value);

/** Asks for all but the list, which takes as long as its bucket. */
export async function refreshSettings(): Promise<void> {
  await askAbout();
  void refresh();
}

/** The status, and the settings; whether they came. */
async function askAbout(withSettings = true): Promise<boolean> {
  // What was known of the settings stays where they don't come; the status says whether the server is away.
  const setting = withSettings ? settings.get().catch(() => null) : null;
  try {
    const [known, set] = [await backups.status(), await setting];
    batch(() => {
      // The backups of another place are no longer the list, however long the new place takes to answer.
      if (!same(known.place, status.value?.place ?? null)) [list.value, listProblem.value] = [null, null];
      const before = status.value;
      status.value = known;
      if (before) sayEnded(before.jobs, known.jobs);
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

/** These have a page of their own that says how they ended. */
const SAID_ELSEWHERE: Kind[] = ["restore", "undo", "recover"];
/** Its answer says what it was refused for, where its file was chosen. */
const isRefused = (job: Job) => job.kind === "upload" && job.state === "failed";

/** The ids of the jobs whose end was said: an answer may come after a newer one, and their end with each. */
const said = new Set<string>();

/** Says how jobs ended since `before`. The person who began one may look at another place by now. */
function sayEnded(before: Job[], jobs: Job[]): void {
  for (const job of jobs) {
    const known = before.find((one) => one.id === job.id);
    if (job.state === "running" || (known && known.state !== "running") || said.has(job.id)) continue;
    said.add(job.id);
    if (SAID_ELSEWHERE.includes(job.kind) || isRefused(job)) continue;
    const sentence = job.stopped ? t.jobs.ended.stopped : t.jobs.ended[job.state];
    toast(job.state === "failed" && !job.stopped ? "bad" : "good", [sentence(t.jobs.kind[job.kind], job.key), told(job.error), told(job.warning)].filter(Boolean).join(" "));
  }
}

/** When the stream told of a job last. */
let toldAt = 0;

/** A job as the event stream tells it. */
function heard(job: Job): void {
  const before = status.value;
  if (!before || !job?.id) return;
  const known = before.jobs.find((one) => one.id === job.id);
  const jobs = known ? before.jobs.map((one) => (one.id === job.id ? job : one)) : [job, ...before.jobs];
  status.value = { ...before, jobs };
  sayEnded(before.jobs, jobs);
  toldAt = Date.now();
  if (known?.state !== job.state || known.phase !== job.phase) void refresh();
}

/** Begins to follow the server; returns how to end that. */
export function follow(): () => void {
  let ended = false;
  let timer = 0;
  let wait = OFTEN;
  let awaySince = 0;
  const pause = (): number => {
    if (away.peek()) return Date.now() - awaySince < RESTART ? OFTEN : CALM;
    if (!isRunning.peek()) return SELDOM;
    return Math.min(wait, running.peek().some(({ kind }) => kind === "restore" || kind === "undo") ? WATCHFUL : CALM);
  };
  const plan = () => {
    clearTimeout(timer);
    // Nobody looks at a hidden page: it asks once when it is shown again.
    if (!ended && document.visibilityState === "visible") timer = window.setTimeout(round, pause());
  };
  const round = async () => {
    const seen = progress();
    await (isRunning.value && !away.value ? look() : refresh());
    // The longer nothing changes, the less often it is asked; nor where the stream tells every change.
    wait = progress() !== seen && Date.now() - toldAt > CALM ? OFTEN : Math.min(wait * 2, CALM);
    plan();
  };
  // Closely when something begins to run, also what was begun elsewhere.
  const pace = effect(() => {
    if (isRunning.value) wait = OFTEN;
    if (away.value) awaySince = Date.now();
    plan();
  });
  const clock = window.setInterval(() => {
    now.value = Date.now();
  }, 5_000);
  const visible = () => {
    plan();
    if (document.visibilityState === "visible") void refresh();
  };
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
