// The usual rules: written by a button, and told from others.

import type { CollectionField, CollectionModel } from "pocketbase";

export const RULES = ["listRule", "viewRule", "createRule", "updateRule", "deleteRule"] as const;
export type Rule = (typeof RULES)[number];

export const LOGGED_IN = '@request.auth.id != ""';

/** A way to tell whose record it is: a field that leads to an account, or the id of an account itself. */
export interface Owner {
  field: string;
  /** Whether it may lead to several. */
  isMany: boolean;
  /** What else has to hold: two collections of accounts may have the same id. */
  also: string;
}

export function ownersOf(collection: CollectionModel, all: CollectionModel[]): Owner[] {
  const accounts = all.filter((one) => one.type === "auth" && one.name !== "_superusers");
  const also = (id: string) => (accounts.length > 1 ? ` && @request.auth.collectionId = "${id}"` : "");
  const own: Owner[] = collection.type === "auth" ? [{ field: "id", isMany: false, also: also(collection.id) }] : [];
  const relations = collection.fields.filter((field: CollectionField) => field.type === "relation" && accounts.some((one) => one.id === field.collectionId));
  return [...own, ...relations.map((field: CollectionField) => ({ field: field.name, isMany: Number(field.maxSelect ?? 1) > 1, also: also(field.collectionId) }))];
}

export function ownerRule(name: Rule, { field, isMany, also }: Owner): string {
  const is = isMany ? `${field}.id ?= @request.auth.id` : `${field} = @request.auth.id`;
  // An account's own id is never empty, and never another.
  if (field === "id") return `${is}${also}`;
  const kept = name === "updateRule" ? ` && @request.body.${field}:changed = false` : "";
  return `${LOGGED_IN} && ${is}${also}${kept}`;
}

export type Who = { kind: "superusers" | "everybody" | "accounts" | "rule" } | { kind: "owner"; owner: Owner; mayGiveAway: boolean };

const plain = (rule: string) => rule.replace(/'/g, '"').replace(/\s+/g, " ").trim();

/** Who passes a rule, as far as it is a usual one. */
export function whoPasses(name: Rule, rule: string | null, owners: Owner[]): Who {
  if (rule === null) return { kind: "superusers" };
  const text = plain(rule);
  if (text === "") return { kind: "everybody" };
  if (text === LOGGED_IN) return { kind: "accounts" };
  // Rules that were written while there was one collection of accounts name none.
  for (const owner of owners.flatMap((one) => [one, { ...one, also: "" }])) {
    if (text === ownerRule(name, owner)) return { kind: "owner", owner, mayGiveAway: false };
    if (text === ownerRule("viewRule", owner)) return { kind: "owner", owner, mayGiveAway: name === "updateRule" };
  }
  return { kind: "rule" };
}

export type Draft = Record<Rule, string | null>;

/** All rules at once: who sees the records, and who writes them. */
export const together = (owner: Owner) => ({
  locked: { listRule: null, viewRule: null, createRule: null, updateRule: null, deleteRule: null } satisfies Draft,
  seen: { listRule: "", viewRule: "", ...writing(owner) } satisfies Draft,
  own: { listRule: ownerRule("listRule", owner), viewRule: ownerRule("viewRule", owner), ...writing(owner) } satisfies Draft,
});

const writing = (owner: Owner) => ({
  createRule: ownerRule("createRule", owner),
  updateRule: ownerRule("updateRule", owner),
  deleteRule: ownerRule("deleteRule", owner),
});
