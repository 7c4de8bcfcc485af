// A part of what the server holds, edited and saved by itself. Only what was changed is sent, so what others saved stays;
// and what is typed while it is being saved stays, too.

import { changesOf, same, withTyped } from "./changes";
import { t } from "../texts";
import { useAttempt, type Attempt } from "./attempt";
import { useKept } from "./kept";

type Parts = Record<string, unknown>;

/** Where the part lies: `S` is what the server says, `T` what the page shows of it. */
export interface Place<S, T> {
  /** Its own place among all that can be edited. */
  place: string;
  read: (whole: S) => T;
  /** What is sent of it. A secret is sent only where one was typed. */
  body: (draft: T) => Parts;
  fetch: () => Promise<S>;
  send: (changes: Parts) => Promise<S>;
  /** What else has to know. */
  after?: (saved: S) => unknown;
}

export interface Editing<T> extends Attempt {
  draft: T;
  set: (change: Partial<T>) => void;
  /** What would be sent: the parts that differ from what the page began with. */
  changes: Parts;
  save: () => Promise<boolean>;
  /** Whether something was typed that is not saved. */
  isUnsaved: boolean;
  /** Takes back what was typed: the page shows what the server has. */
  discard: () => Promise<boolean>;
}

/** What the server said, and what was made of it on the page. */
interface State<T> {
  shown: T;
  draft: T;
}

const differs = <T>({ shown, draft }: State<T>) => !same(shown, draft);

export function useEditing<S, T extends object>(known: S, { place, read, body, fetch, send, after }: Place<S, T>): Editing<T> {
  const state = useKept<State<T>>(place, () => begun(read(known)), differs);
  const { shown, draft } = state.value;
  const attempt = useAttempt();
  const save = () =>
    attempt.attempt(async () => {
      const changes = changesOf(body(shown), body(draft), body(read(await fetch())));
      const whole = await send(changes);
      const saved = read(whole);
      state.value = { shown: saved, draft: withTyped(draft, state.peek().draft, saved) };
      await after?.(whole);
    }, t.saved);
  const discard = () =>
    attempt.attempt(async () => {
      state.value = begun(read(await fetch()));
    });
  const changes = changesOf(body(shown), body(draft), body(shown));
  const set = (change: Partial<T>) => {
    const { shown, draft } = state.peek();
    state.value = { shown, draft: { ...draft, ...change } };
    attempt.changed(Object.keys(change));
  };
  return { ...attempt, draft, set, changes, save, isUnsaved: differs(state.value), discard };
}

const begun = <T>(shown: T): State<T> => ({ shown, draft: shown });
