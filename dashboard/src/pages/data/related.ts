// What a related record is called: people know a name, not an id.

import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { collections } from "./data";

const USUAL = ["title", "name", "label", "username", "email", "slug"];

export function nameOf(record: RecordModel): string {
  const fields: CollectionField[] = collections.value?.find((one) => one.id === record.collectionId)?.fields ?? [];
  const presentable = fields.filter((field) => field.presentable).map((field) => field.name);
  const shown = presentable.map((name) => record[name]).filter((value) => ["string", "number"].includes(typeof value) && value !== "");
  if (shown.length) return shown.join(" ");
  const usual = USUAL.map((name) => record[name]).find((value) => typeof value === "string" && value);
  return String(usual ?? record.id);
}

/** The fields that a record is called by. */
export function namingFields(fields: CollectionField[]): CollectionField[] {
  const presentable = fields.filter((field) => field.presentable);
  if (presentable.length) return presentable;
  const usual = USUAL.map((name) => fields.find((field) => field.name === name)).find(Boolean);
  return usual ? [usual] : [];
}

interface Related {
  id: string;
  name: string;
  /** It was asked for, and is not there. */
  missing: boolean;
}

/** For each of a relation's ids its name, or the id where nothing is known of it. */
export function relatedNames(record: RecordModel, { name }: CollectionField): Related[] {
  const ids: string[] = [record[name]].flat().filter(Boolean);
  const known: RecordModel[] = [record.expand?.[name] ?? []].flat() as unknown as RecordModel[];
  return ids.map((id) => {
    const found = known.find((one) => one.id === id);
    return { id, name: found ? nameOf(found) : id, missing: !found && Boolean(record.expand) };
  });
}

/** What to expand, so that `fields` can be shown by name. */
export const expandOf = (fields: CollectionModel["fields"]) =>
  fields
    .filter((field: CollectionField) => field.type === "relation")
    .map((field: CollectionField) => field.name)
    .join(",");
