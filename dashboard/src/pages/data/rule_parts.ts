// A rule taken apart as far as is needed to warn of one: which comparisons it joins, and how. The server reads it in
// full, and says what is wrong with it.

import type { CollectionModel } from "pocketbase";
import { isNeverEmpty } from "./never_empty";

/** What stands at one side of a comparison, and what is between the two. */
interface Comparison {
  left: string;
  operator: string;
  right: string;
}

/** All of `all` together, or one of `any`. */
type Condition = Comparison | { all: Condition[] } | { any: Condition[] };

const TOKEN = /\s+|\/\/[^\n]*|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|&&|\|\||[()]|\?!?[=~<>]=?|[!<>]=|!~|[=~<>]|[^\s()"'&|=~<>!?]+)/gy;
const OPERATOR = /^\??[=~<>!]/;

function tokens(rule: string): string[] | null {
  const found: string[] = [];
  let end = 0;
  for (const match of rule.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    if (match[1]) found.push(match[1]);
  }
  return end === rule.length ? found : null;
}

/** Null for what can't be read. */
export function conditionOf(rule: string): Condition | null {
  const waiting = tokens(rule);
  if (!waiting) return null;
  const take = () => {
    const next = waiting.shift();
    if (next === undefined) throw new SyntaxError();
    return next;
  };
  /** `||` binds less than `&&`. */
  const any = (): Condition => {
    const parts = [all()];
    while (waiting[0] === "||") {
      take();
      parts.push(all());
    }
    return parts.length === 1 ? parts[0]! : { any: parts };
  };
  const all = (): Condition => {
    const parts = [one()];
    while (waiting[0] === "&&") {
      take();
      parts.push(one());
    }
    return parts.length === 1 ? parts[0]! : { all: parts };
  };
  const one = (): Condition => {
    if (waiting[0] === "(") {
      take();
      const inner = any();
      if (take() !== ")") throw new SyntaxError();
      return inner;
    }
    const [left, operator] = [operand(), take()];
    if (!OPERATOR.test(operator)) throw new SyntaxError();
    return { left, operator, right: operand() };
  };
  /** A name, a value, or a function with all of its arguments. */
  const operand = (): string => {
    let text = take();
    if (waiting[0] !== "(") return text;
    let depth = 0;
    do {
      const next = take();
      depth += next === "(" ? 1 : next === ")" ? -1 : 0;
      text += next;
    } while (depth > 0);
    return text;
  };
  try {
    const found = any();
    return waiting.length === 0 ? found : null;
  } catch {
    return null;
  }
}

const AUTH = "@request.auth.";
const isText = (operand: string) => /^["']/.test(operand);
/** What every part of the account is for a guest. `false` and 0 are something else. */
const isEmpty = (operand: string) => ['""', "''", "null"].includes(operand);
const isValue = (operand: string) => isText(operand) || ["null", "true", "false"].includes(operand) || /^-?[\d.]+$/.test(operand);

/** What is read of a collection. */
type Of = Pick<CollectionModel, "type" | "fields">;

/**
 * Whether nobody passes who is not logged in: `@request.auth.id != ""`, `@request.auth.role = "editor"`, or a part of the
 * account that equals what is never empty.
 */
function needsLogin(condition: Condition, of: Of): boolean {
  if ("all" in condition) return condition.all.some((one) => needsLogin(one, of));
  if ("any" in condition) return condition.any.every((one) => needsLogin(one, of));
  const { left, right } = condition;
  const operator = condition.operator.replace("?", "");
  const value = left.startsWith(AUTH) ? right : right.startsWith(AUTH) ? left : null;
  if (value === null) return false;
  if (!isValue(value)) return operator === "=" && isNeverEmpty(value, of);
  return operator === "!=" ? isEmpty(value) : operator === "=" && !isEmpty(value);
}

/** A field, and the part of the account that it has to equal: both are empty for guests where the field leads nowhere. */
export interface Opening {
  field: string;
  account: string;
}

function openingOf(condition: Condition, of: Of, isGuarded: boolean): Opening | null {
  if ("all" in condition) {
    const guarded = isGuarded || condition.all.some((one) => needsLogin(one, of));
    return first(condition.all, (one) => openingOf(one, of, guarded));
  }
  if ("any" in condition) return first(condition.any, (one) => openingOf(one, of, isGuarded));
  const { left, operator, right } = condition;
  const [field, account] = left.startsWith(AUTH) ? [right, left] : [left, right];
  if (isGuarded || !account.startsWith(AUTH) || isValue(field) || field.startsWith(AUTH)) return null;
  return ["=", "?="].includes(operator) && !isNeverEmpty(field, of) ? { field, account } : null;
}

function first<T, R>(all: T[], of: (one: T) => R | null): R | null {
  for (const one of all) {
    const found = of(one);
    if (found !== null) return found;
  }
  return null;
}

/** How a rule of a collection lets guests in to records where a field is empty; null where it does not. */
export function openToGuests(rule: string, of: Of): Opening | null {
  const condition = conditionOf(rule);
  return condition && openingOf(condition, of, false);
}
