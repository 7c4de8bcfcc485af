// What an import would do, before it is done: the server lays what is sent over what it has.

import type { CollectionField, CollectionModel } from "pocketbase";
import { t } from "../../texts";
import { same } from "../../parts/changes";
import { isNarrowed } from "../data/schema_changes";
import { storedFor, withIds } from "./field_ids";

type Parts = Record<string, unknown>;
/** A collection as it stands in a file: with a name, and what else there is of it. */
export type Definition = Partial<CollectionModel> & { name: string };

export interface Difference {
  /** What differs, as `otp.duration`. */
  path: string;
  before: string;
  after: string;
}

export interface Entry {
  kind: "new" | "changed" | "gone";
  name: string;
  newFields: string[];
  goneFields: string[];
  /** Fields of several values that become fields of one: each record keeps its last. */
  narrowedFields: string[];
  differences: Difference[];
}

export interface Plan {
  entries: Entry[];
  /** How many are as they are in the file. */
  unchanged: number;
}

/** Nothing that an import changes. */
const OWN = ["id", "created", "updated", "fields", "system", "type"];

const isParts = (value: unknown): value is Parts => typeof value === "object" && value !== null && !Array.isArray(value);

/** A value for people: what a rule says by being empty or missing is said. */
function words(name: string, value: unknown): string {
  if (name.endsWith("Rule") && name !== "authRule") {
    if (value === null || value === undefined) return t.dev.transfer.superusersOnly;
    if (value === "") return t.dev.transfer.everyone;
  }
  if (value === null || value === undefined || value === "") return t.dev.transfer.nothing;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function differences(sent: Parts, now: Parts, path: string, left: string[]): Difference[] {
  return Object.entries(sent).flatMap(([name, value]) => {
    if (left.includes(name) || same(value, now[name])) return [];
    const here = path ? `${path}.${name}` : name;
    if (isParts(value) && isParts(now[name])) return differences(value, now[name], here, []);
    return [{ path: here, before: words(name, now[name]), after: words(name, value) }];
  });
}

const NO_FIELDS = { newFields: [], goneFields: [], narrowedFields: [], differences: [] };

const isSame = (name: string, other: string) => name.toLowerCase() === other.toLowerCase();

function ofFields(sent: CollectionField[], now: CollectionField[], deleteMissing: boolean): Omit<Entry, "kind" | "name"> {
  const found = withIds(sent).map((field) => ({ field, known: storedFor(field, now, deleteMissing) }));
  const kept = new Set(found.map(({ known }) => known));
  return {
    newFields: found.filter(({ known }) => !known).map(({ field }) => `${field.name} (${field.type})`),
    goneFields: deleteMissing ? now.filter((field) => !field.system && !kept.has(field)).map((field) => field.name) : [],
    narrowedFields: found.flatMap(({ field, known }) => (known && isNarrowed(known, field) ? [known.name] : [])),
    differences: found.flatMap(({ field, known }) => (known ? differences(field, known, known.name, ["id"]) : [])),
  };
}

/** The stored collection that a definition is about: the server looks for its id, and for its name only where it has none. */
function storedAs(definition: Definition, now: CollectionModel[]): CollectionModel | undefined {
  const key = definition.id || definition.name;
  return now.find((one) => one.id === key) ?? now.find((one) => isSame(one.name, key));
}

export function planImport(sent: Definition[], now: CollectionModel[], deleteMissing: boolean): Plan {
  const found = sent.map((definition) => ({ definition, known: storedAs(definition, now) }));
  const entries = found.map(({ definition, known }): Entry => {
    const fields = definition.type === "view" ? [] : (definition.fields ?? []);
    if (!known) return { ...NO_FIELDS, kind: "new", name: definition.name, newFields: fields.map((field) => `${field.name} (${field.type})`) };
    // A definition that says nothing of fields leaves them, unless what is missing is deleted; a view's follow from its query.
    const told = (definition.fields || deleteMissing) && known.type !== "view" ? ofFields(fields, known.fields, deleteMissing) : NO_FIELDS;
    return { ...told, kind: "changed", name: known.name, differences: [...differences(definition, known, "", OWN), ...told.differences] };
  });
  const gone = deleteMissing ? now.filter((one) => !one.system && !found.some(({ known }) => known === one)) : [];
  const changing = entries.filter((entry) => entry.kind === "new" || entry.newFields.length + entry.goneFields.length + entry.narrowedFields.length + entry.differences.length > 0);
  return {
    entries: [...changing, ...gone.map((one): Entry => ({ ...NO_FIELDS, kind: "gone", name: one.name }))],
    unchanged: entries.length - changing.length,
  };
}

/** Whether data goes for good. */
export const loses = (plan: Plan) => plan.entries.some((entry) => entry.kind === "gone" || entry.goneFields.length + entry.narrowedFields.length > 0);

/** The definitions in a text: a list, or an object with one, as PocketBase writes and takes them. Null for anything else. */
export function definitionsIn(text: string): Definition[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const list = isParts(value) ? value.collections : value;
  const sound = (one: unknown) => isParts(one) && typeof one.name === "string" && one.name !== "" && (one.fields === undefined || (Array.isArray(one.fields) && one.fields.every((field) => isParts(field) && typeof field.name === "string")));
  return Array.isArray(list) && list.length > 0 && list.every(sound) ? (list as Definition[]) : null;
}

/** What is written of a collection: no times, and no providers, whose secrets are not shown. */
export function exported({ created: _, updated: __, ...rest }: CollectionModel): Parts {
  if (!isParts(rest.oauth2)) return rest;
  const { providers: ___, ...oauth2 } = rest.oauth2;
  return { ...rest, oauth2 };
}
