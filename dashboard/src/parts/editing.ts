// A part of what the server holds, edited and saved by itself. Only what was changed is sent, so what others saved stays;
// and what is typed while it is being saved stays, too.

import { useState } from "preact/hooks";
import { changesOf, withTyped } from "./changes";
import { t } from "../texts";
import { useAttempt, type Attempt } from "./attempt";

type Parts = Record<string, unknown>;

/** Where the part lies: `S` is what the server says, `T` what the page shows of it. */
export interface Place<S, T> {
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
}

export function useEditing<S, T extends object>(known: S, { read, body, fetch, send, after }: Place<S, T>): Editing<T> {
  const [shown, setShown] = useState(() => read(known));
  const [draft, setDraft] = useState(shown);
  const attempt = useAttempt();
  const save = () =>
    attempt.attempt(async () => {
      const changes = changesOf(body(shown), body(draft), body(read(await fetch())));
      const whole = await send(changes);
      const saved = read(whole);
      setShown(saved);
      setDraft((now) => withTyped(draft, now, saved));
      await after?.(whole);
    }, t.saved);
  const changes = changesOf(body(shown), body(draft), body(shown));
  return { ...attempt, draft, set: (change) => setDraft((before) => ({ ...before, ...change })), changes, save };
}
