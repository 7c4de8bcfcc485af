// What was changed of a collection's fields on the page, put into the fields that the server has by now.

import type { CollectionField } from "pocketbase";
import { Problem } from "../../problem";
import { t } from "../../texts";
import { same } from "../../parts/changes";

/** A field that is being edited; a new one has no id yet. */
export type Draft = Partial<CollectionField> & { name: string; type: string };

/**
 * The fields to be saved: `now`, with what `drafts` changed of `shown`, the fields that the page began with. A field that
 * came meanwhile stays. Throws a Problem where both changed the same, so that nobody's change is lost unseen.
 */
export function changed(shown: CollectionField[], drafts: Draft[], now: CollectionField[]): Draft[] {
  const known = new Map(shown.map((field) => [field.id, field]));
  const edited = new Map(drafts.filter((draft) => draft.id).map((draft) => [draft.id, draft]));
  const present = new Set(now.map((field) => field.id));
  const came = now.filter((field) => !known.has(field.id)).map((field) => field.name.toLowerCase());

  for (const field of shown) {
    const draft = edited.get(field.id);
    if (!present.has(field.id) && draft && !same(draft, field)) throw new Problem(t.schema.goneMeanwhile(field.name));
  }
  const added = drafts.filter((draft) => !draft.id);
  // The server would take a new field of that name for the one that is there.
  for (const { name } of added) if (came.includes(name.toLowerCase())) throw new Problem(t.schema.meanwhile(name));

  const kept: Draft[] = [];
  for (const field of now) {
    const before = known.get(field.id);
    const draft = edited.get(field.id);
    if (before && !draft) {
      // Taken out: what is deleted has to be what was seen.
      if (!same(before, field)) throw new Problem(t.schema.meanwhile(before.name));
    } else {
      kept.push(before && draft ? merged(before, draft, field) : field);
    }
  }
  return withAdded(kept, added);
}

/** Whether a field of several values becomes one of a single value: the server keeps the last of each record. */
export function isNarrowed(before: Partial<CollectionField>, after: Partial<CollectionField>): boolean {
  return Number(before.maxSelect ?? 1) > 1 && !(Number(after.maxSelect ?? 1) > 1);
}

/** New fields stand before the times of making and of the last change, which close a list. */
export function withAdded(fields: Draft[], added: Draft[]): Draft[] {
  let end = fields.length;
  while (end > 0 && fields[end - 1]!.type === "autodate" && fields[end - 1]!.id) end -= 1;
  return [...fields.slice(0, end), ...added, ...fields.slice(end)];
}

function merged(before: CollectionField, draft: Draft, now: CollectionField): Draft {
  const result: Draft = { ...now };
  for (const [key, value] of Object.entries(draft)) {
    if (same(value, before[key])) continue;
    if (!same(now[key], before[key]) && !same(now[key], value)) throw new Problem(t.schema.meanwhile(before.name));
    result[key as keyof Draft] = value;
  }
  return result;
}
