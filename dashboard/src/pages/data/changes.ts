// What was changed on the page of what it began with, to be sent to a server that others change meanwhile.

import { Problem } from "../../problem";
import { t } from "../../texts";

export const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

type Parts = Record<string, unknown>;
const isParts = (value: unknown): value is Parts => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The parts of `draft` that differ from `shown`, which the page began with; the server lays them over what it has. Lists
 * go as a whole. Throws a Problem where `now` says that somebody else changed the same part to something else.
 */
export function changesOf(shown: Parts, draft: Parts, now: Parts, path = ""): Parts {
  const found: Parts = {};
  for (const [name, wanted] of Object.entries(draft)) {
    const [before, present] = [shown[name], now[name]];
    if (same(wanted, before)) continue;
    const here = path ? `${path}.${name}` : name;
    if (isParts(wanted) && isParts(before) && isParts(present)) {
      found[name] = changesOf(before, wanted, present, here);
    } else {
      if (!same(present, before) && !same(present, wanted)) throw new Problem(t.dev.meanwhile(here));
      found[name] = wanted;
    }
  }
  return found;
}

/** What was saved, with what was typed in `now` since `sent` went out: it is not saved yet, and must not be lost. */
export function withTyped<T extends object>(sent: T, now: T, saved: T): T {
  const typed = Object.entries(now).filter(([name, value]) => !same(value, (sent as Parts)[name]));
  return { ...saved, ...Object.fromEntries(typed) };
}
