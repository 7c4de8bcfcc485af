// What went wrong, in words: the server's message, and what it says of each field.

import { ClientResponseError } from "pocketbase";
import { t } from "./texts";

/** The field that is wrong, as `title` or `backups.cron`, with what is wrong with it. */
export type FieldProblems = Record<string, string>;

export class Problem {
  constructor(
    readonly text: string,
    readonly fields: FieldProblems = {},
    readonly status = 0,
  ) {}
}

export function problem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof ClientResponseError)) return new Problem(error instanceof Error ? error.message : String(error));
  if (error.isAbort) return new Problem(t.problem.aborted);
  if (error.status === 0) return new Problem(t.problem.unreachable);
  const fields: FieldProblems = {};
  collect("", error.response?.data, fields);
  // Of a filter or an order the message says nothing; the details say what is wrong with it.
  const { query } = error.response?.data ?? {};
  const why = query?.code === "invalid_query" ? t.problem.query(String(query.message)) : "";
  const message = why || String(error.response?.message ?? "") || t.problem.status(error.status);
  return new Problem(message, fields, error.status);
}

function collect(path: string, data: unknown, into: FieldProblems): void {
  if (typeof data !== "object" || data === null) return;
  const found = data as Record<string, unknown>;
  if (typeof found.message === "string" && typeof found.code === "string") {
    into[path] = found.message;
    return;
  }
  for (const [name, value] of Object.entries(found)) collect(path ? `${path}.${name}` : name, value, into);
}
