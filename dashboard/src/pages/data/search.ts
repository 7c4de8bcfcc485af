// What is typed into a search, as a filter.

import type { CollectionField } from "pocketbase";
import { client } from "../../api";

const SEARCHED = ["text", "editor", "email", "url", "select", "json"];

/** Records that hold these words in any of their texts, or in their id. */
export function wordsFilter(search: string, fields: CollectionField[]): string {
  const text = search.trim();
  if (!text) return "";
  const names = ["id", ...fields.filter((field) => SEARCHED.includes(field.type) && !field.hidden && field.name !== "id").map((field) => field.name)];
  return names.map((name) => client.filter(`${name} ~ {:text}`, { text })).join(" || ");
}

/** A filter as it stands, or words to be looked for in all text. */
export const filterOf = (search: string, fields: CollectionField[]) => (/[=~<>]/.test(search) ? search.trim() : wordsFilter(search, fields));
