// A form of the settings page: it sends what was changed on it and nothing else, so what another window saved stays.

import { useState } from "preact/hooks";
import { settings as api, type Settings } from "../api";
import { refresh } from "../live";
import { problem, type FieldProblems } from "../problem";
import { t } from "../texts";
import { changesOf, withTyped } from "./data/changes";

type Parts = Record<string, unknown>;

/** What a form shows of the settings, and how it is sent. A secret is sent only where one was typed. */
export interface Shape<T> {
  read: (settings: Settings) => T;
  body: (draft: T) => Parts;
}

export interface Form<T> {
  draft: T;
  set: (change: Partial<T>) => void;
  /** What would be sent: the parts that differ from what the form showed. */
  changes: Parts;
  fields: FieldProblems;
  /** Sends the changes, and says what came of it. */
  submit: (event: Event) => Promise<void>;
  /** Does what a button beside it does: a test. */
  attempt: (action: () => Promise<unknown>, done: string) => Promise<void>;
  said: { tone: "good" | "bad"; text: string } | null;
  waiting: boolean;
}

export function useForm<T extends object>(known: Settings, { read, body }: Shape<T>): Form<T> {
  const [shown, setShown] = useState(() => read(known));
  const [draft, setDraft] = useState(shown);
  const [fields, setFields] = useState<FieldProblems>({});
  const [said, setSaid] = useState<Form<T>["said"]>(null);
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done: string) => {
    setWaiting(true);
    setSaid(null);
    setFields({});
    try {
      await action();
      setSaid({ tone: "good", text: done });
    } catch (error) {
      const { text, fields } = problem(error);
      setFields(fields);
      setSaid({ tone: "bad", text });
    } finally {
      setWaiting(false);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    return attempt(async () => {
      const changes = changesOf(body(shown), body(draft), body(read(await api.get())));
      const saved = read(await api.patch(changes));
      setShown(saved);
      setDraft((now) => withTyped(draft, now, saved));
      await refresh();
    }, t.saved);
  };
  const changes = changesOf(body(shown), body(draft), body(shown));
  return { draft, set: (change) => setDraft((before) => ({ ...before, ...change })), changes, fields, submit, attempt, said, waiting };
}
