// Is the data safe? One sentence, one colour, and what to do, out of what the server says.

import type { Backup, Settings, Status } from "../../api";
import { nextRuns } from "../../cron";
import { ago, moment, told } from "../../format";
import { link } from "../../route";
import { t } from "../../texts";

export type Tone = "good" | "warn" | "bad" | "calm";

export interface Advice {
  text: string;
  title?: string;
  href?: string;
  action?: string;
}

export interface Verdict {
  tone: Tone;
  sentence: string;
  newest: Backup | null;
  /** Whether the list could be read: else there may be any backups. */
  isKnown: boolean;
  next: Date | null;
  schedule: string;
  advice: Advice[];
}

const HOUR = 3_600_000;

/** The newest backup whose last proof went well; one of a time yet to come does not count, as on the server. */
export function newestProven(list: Backup[], now: number): Backup | null {
  const proven = list.filter((one) => one.proven && !one.proofError && moment(one.modified).getTime() < now + HOUR);
  return proven.reduce<Backup | null>((best, one) => (!best || moment(one.modified) > moment(best.modified) ? one : best), null);
}

export function verdict(list: Backup[] | null, status: Status, settings: Settings, now: number): Verdict {
  const newest = list && newestProven(list, now);
  const { cron } = settings.backups;
  const isHere = liesHere(status.place);
  const runs = cron ? nextRuns(cron, new Date(now), 1) : [];
  const advice: Advice[] = status.alarms.troubles.map(({ cause, error }) => ({ title: causeOf(cause), text: told(error) }));
  for (const { pid, program } of status.otherServers) advice.push({ text: t.safety.advice.others(program, pid) });
  if (status.foreign) advice.push({ text: told(status.foreign.help) });
  const grave = advice.length > 0;
  if (!cron && !status.alarms.troubles.some((one) => one.cause === "schedule")) {
    advice.push({ text: t.safety.advice.schedule, href: link("settings", "schedule"), action: t.safety.advice.scheduleDo });
  }
  const warned = grave || !cron;
  if (isHere) advice.push({ text: t.safety.advice.local, href: link("settings", "storage"), action: t.safety.advice.localDo });
  if (cron && status.alarms.ways.length === 0) {
    advice.push({ text: t.safety.advice.ways, href: link("settings", "alarms"), action: t.safety.advice.waysDo });
  }
  if (status.alarms.ways.length > 0 && status.alarms.lastError) {
    const { undelivered: title, undeliveredDo: action } = t.safety.advice;
    advice.push({ title, text: told(status.alarms.lastError), href: link("settings", "alarms"), action });
  }
  const age = newest ? ago(newest.modified, now) : "";
  const failing = status.alarms.troubles.some(({ cause }) => ["create", "age"].includes(cause));
  const proving = status.jobs.some((job) => job.state === "running" && ["create", "upload", "verify", "scrub"].includes(job.kind));
  const [tone, sentence]: [Tone, string] =
    list === null
      ? ["bad", t.safety.unknown]
      : !newest && proving
        ? ["calm", t.safety.proving]
        : list.length === 0
          ? ["bad", status.place ? t.safety.noneInBucket : t.safety.none]
          : !newest
            ? ["bad", t.safety.noneProven]
            : failing
              ? ["bad", t.safety.failing(age)]
              : warned
                ? ["warn", t.safety.warn(age)]
                : isHere
                  ? ["warn", t.safety.here(age)]
                  : ["good", t.safety.good(age)];
  const schedule = !cron ? t.safety.notScheduled : runs === null ? t.safety.badSchedule : "";
  return { tone, sentence, newest, isKnown: list !== null, next: runs?.[0] ?? null, schedule, advice };
}

/** Whether who loses this machine loses the backups, too: they are on its disk, or in a bucket that it serves itself. */
const liesHere = (place: Status["place"]) => !place || /^(\w+:\/\/)?(localhost|127(\.\d+){3}|\[::1\])([:/]|$)/i.test(place.endpoint);

/** A cause may name its backup: `verify example.zip`. */
function causeOf(cause: string): string {
  const [kind = "", key] = cause.split(" ");
  const known = key && kind in t.jobs.kind ? t.jobs.kind[kind as keyof typeof t.jobs.kind] : "";
  return known ? `${known}: ${key}` : t.safety.cause(cause);
}
