// The fields as they stand on the page, each with a key of its own, so that what is typed stays with the field that it
// was typed into while the list is saved.

import type { CollectionField } from "pocketbase";
import { same, withTyped } from "../../parts/changes";
import { withAdded, type Draft } from "./schema_changes";

export interface Row {
  /** Stays the same for as long as the page is open. */
  key: string;
  field: Draft;
}

let made = 0;
export const newRow = (field: Draft): Row => ({ key: `new ${(made += 1)}`, field });

/** A row for each field; the one that it has, where it is known already: by its id, or, where it had none yet, by its name. */
export function rowsOf(fields: (CollectionField | Draft)[], known: Row[] = []): Row[] {
  // No row is two: two new fields may have no name yet.
  const left = new Set(known);
  return fields.map((field) => {
    const byId = field.id ? known.find((row) => row.field.id === field.id) : undefined;
    const row = byId ?? [...left].find((row) => !row.field.id && row.field.name.toLowerCase() === field.name.toLowerCase());
    if (row) left.delete(row);
    return { key: row?.key ?? field.id ?? newRow(field).key, field: { ...field } };
  });
}

/** `next`, with what was typed in `now` since `sent` went out. */
export function withTypedRows(sent: Row[], now: Row[], next: Row[]): Row[] {
  const [before, typed] = [new Map(sent.map((row) => [row.key, row.field])), new Map(now.map((row) => [row.key, row.field]))];
  const kept = next.filter(({ key }) => typed.has(key) || !before.has(key));
  const merged = kept.map(({ key, field }) => {
    const [was, is] = [before.get(key), typed.get(key)];
    return { key, field: was && is && !same(was, is) ? withTyped(was, is, field) : field };
  });
  const added = now.filter(({ key }) => !before.has(key) && !next.some((row) => row.key === key));
  return inserted(merged, added);
}

/** New rows stand where new fields do. */
export function inserted(rows: Row[], added: Row[]): Row[] {
  const keys = new Map([...rows, ...added].map((row) => [row.field, row]));
  return withAdded(rows.map((row) => row.field), added.map((row) => row.field)).map((field) => keys.get(field)!);
}
