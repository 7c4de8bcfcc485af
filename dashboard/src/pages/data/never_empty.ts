// Which side of a comparison holds something for every record: it never equals what is empty.

import type { CollectionField, CollectionModel } from "pocketbase";

/** `@now`, `@year` and their kin, and what each request has. */
const GIVEN = /^@(\w+|request\.(method|context))$/;
/** Whether something was sent: an answer in any case. */
const ANSWERED = /^@request\.body\.\w+:(isset|changed)$/;

/** Whether `operand` of a rule of this collection is never empty. Of what is not known it says no. */
export function isNeverEmpty(operand: string, { type, fields }: Pick<CollectionModel, "type" | "fields">): boolean {
  if (operand.startsWith("@")) return GIVEN.test(operand) || ANSWERED.test(operand);
  const [, name = "", part, modifier] = /^(\w+)(?:\.(\w+))?(?::(\w+))?$/.exec(operand) ?? [];
  if (name === "id") return part === undefined;
  const field: CollectionField | undefined = fields.find((field: CollectionField) => field.name === name);
  // A column of a view may be NULL, with any type.
  if (!field || type === "view") return false;
  switch (field.type) {
    case "geoPoint":
      return part === undefined || part === "lon" || part === "lat";
    case "number":
    case "bool":
      return part === undefined;
    case "select":
    case "file":
    case "relation":
      // Several are a list, which may be empty and is still a list; each of them may be missing. A path may lead nowhere.
      return part === undefined && (modifier === "length" || (modifier !== "each" && Number(field.maxSelect ?? 1) > 1));
    default:
      return false;
  }
}
