// What was changed on the page of what it began with, to be sent to a server that others change meanwhile.

import { Problem } from "../problem";
import { t } from "../texts";

/** A file says nothing of itself in JSON. */
const written = (_: string, value: unknown) => (value instanceof File ? [value.name, value.size, value.lastModified] : value);
export const same = (one: unknown, other: unknown) => JSON.stringify(one, written) === JSON.stringify(other, written);

type Parts = Record<string, unknown>;
const isParts = (value: unknown): value is Parts => typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof File);

/** The members of a list of things that have names, by these; null for any other list. */
function named(value: unknown): Map<string, Parts> | null {
  if (!Array.isArray(value)) return null;
  const found = new Map<string, Parts>();
  for (const one of value) if (isParts(one) && typeof one.name === "string") found.set(one.name, one);
  return found.size === value.length ? found : null;
}

/**
 * The parts of `draft` that differ from `shown`, which the page began with; the server lays them over what it has. Lists
 * go as a whole; into one of things with names goes what was changed of each. Throws a Problem where `now` says that
 * somebody else changed the same part to something else.
 */
export function changesOf(shown: Parts, draft: Parts, now: Parts, path = ""): Parts {
  const found: Parts = {};
  for (const [name, wanted] of Object.entries(draft)) {
    const [before, present] = [shown[name], now[name]];
    if (same(wanted, before)) continue;
    const here = path ? `${path}.${name}` : name;
    const [ours, known, theirs] = [named(wanted), named(before), named(present)];
    if (isParts(wanted) && isParts(before) && isParts(present)) {
      found[name] = changesOf(before, wanted, present, here);
    } else if (ours && known && theirs) {
      found[name] = membersOf(known, ours, theirs, here);
    } else {
      if (!same(present, before) && !same(present, wanted)) throw new Problem(t.dev.meanwhile(here));
      found[name] = wanted;
    }
  }
  return found;
}

/** The list to be sent: what others changed of `now` stays, beside what was changed here. */
function membersOf(shown: Map<string, Parts>, draft: Map<string, Parts>, now: Map<string, Parts>, path: string): Parts[] {
  const sent: Parts[] = [];
  for (const [name, wanted] of draft) {
    const [before, present] = [shown.get(name), now.get(name)];
    const here = `${path}.${name}`;
    if (before && present) {
      sent.push(merged(before, wanted, present, here));
    } else if (before || present) {
      // Taken out elsewhere, or added there, too.
      if (!same(wanted, before ?? present)) throw new Problem(t.dev.meanwhile(here));
      if (present) sent.push(present);
    } else {
      sent.push(wanted);
    }
  }
  for (const [name, present] of now) {
    if (draft.has(name)) continue;
    const before = shown.get(name);
    if (!before) sent.push(present);
    // What is taken out has to be what was seen.
    else if (!same(before, present)) throw new Problem(t.dev.meanwhile(`${path}.${name}`));
  }
  return sent;
}

/** The whole of one that is to be sent: `now`, with what `draft` changed of `shown`. */
function merged(shown: Parts, draft: Parts, now: Parts, path: string): Parts {
  const result = { ...now };
  for (const name of new Set([...Object.keys(shown), ...Object.keys(draft)])) {
    const [before, wanted, present] = [shown[name], draft[name], now[name]];
    if (same(wanted, before)) continue;
    if (isParts(wanted) && isParts(before) && isParts(present)) {
      result[name] = merged(before, wanted, present, `${path}.${name}`);
      continue;
    }
    if (!same(present, before) && !same(present, wanted)) throw new Problem(t.dev.meanwhile(`${path}.${name}`));
    if (wanted === undefined) delete result[name];
    else result[name] = wanted;
  }
  return result;
}

/** What was saved, with what was typed in `now` since `sent` went out: it is not saved yet, and must not be lost. */
export function withTyped<T extends object>(sent: T, now: T, saved: T): T {
  const [before, typed, result] = [sent as Parts, now as Parts, { ...saved } as Parts];
  for (const [name, value] of Object.entries(typed)) {
    const [was, is] = [before[name], result[name]];
    if (same(value, was)) continue;
    const [ours, known, theirs] = [named(value), named(was), named(is)];
    if (isParts(value) && isParts(was) && isParts(is)) result[name] = withTyped(was, value, is);
    else if (ours && known && theirs) result[name] = membersTyped(known, ours, theirs);
    else result[name] = value;
  }
  for (const name of Object.keys(before)) if (!(name in typed)) delete result[name];
  return result as T;
}

function membersTyped(sent: Map<string, Parts>, now: Map<string, Parts>, saved: Map<string, Parts>): Parts[] {
  const kept = [...saved].filter(([name]) => now.has(name) || !sent.has(name));
  const merged = kept.map(([name, is]) => {
    const [was, value] = [sent.get(name), now.get(name)];
    return was && value ? withTyped(was, value, is) : is;
  });
  return [...merged, ...[...now].filter(([name]) => !sent.has(name) && !saved.has(name)).map(([, value]) => value)];
}
