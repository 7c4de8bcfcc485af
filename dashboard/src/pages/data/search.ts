// What is typed into a search, as a filter.

import type { CollectionField, CollectionModel } from "pocketbase";
import { client } from "../../api";
import { namingFields } from "./related";

/** Fields that hold what somebody may look for in words. The times of making and changing would match half of a year. */
const SEARCHED = ["text", "editor", "email", "url", "select", "json", "number", "date", "file", "relation"];
/** So many relations are followed: the server joins no more than some tables. */
const FOLLOWED = 8;

interface Place {
  name: string;
  operator: "~" | "?~";
}

const isSearched = (field: CollectionField) => SEARCHED.includes(field.type) && !field.hidden && field.name !== "id";

/** Where words are looked for: in the fields, and in the names of the records of `all` that they lead to. */
function placesOf(fields: CollectionField[], all: CollectionModel[]): Place[] {
  const own = fields.filter(isSearched);
  const relations = own.filter((field) => field.type === "relation").slice(0, FOLLOWED);
  const names = relations.flatMap((field) => {
    const target = all.find((one) => one.id === field.collectionId);
    const operator = Number(field.maxSelect ?? 1) > 1 ? ("?~" as const) : ("~" as const);
    return namingFields(target?.fields ?? []).filter(isSearched).map(({ name }) => ({ name: `${field.name}.${name}`, operator }));
  });
  return [...["id", ...own.map((field) => field.name)].map((name) => ({ name, operator: "~" as const })), ...names];
}

/** The names of the fields that words are looked for in. */
export const searchedIn = (fields: CollectionField[], all: CollectionModel[] = []) => placesOf(fields, all).map((one) => one.name);

/** Records that hold these words, as they stand, in any of the places. */
export function wordsFilter(search: string, fields: CollectionField[], all: CollectionModel[] = []): string {
  const text = search.trim();
  if (!text) return "";
  return placesOf(fields, all).map(({ name, operator }) => client.filter(`${name} ${operator} {:text}`, { text })).join(" || ");
}

/** A filter as it stands, or words to be looked for. */
export const filterOf = (search: string, fields: CollectionField[], all: CollectionModel[] = []) => (/[=~<>]/.test(search) ? search.trim() : wordsFilter(search, fields, all));
