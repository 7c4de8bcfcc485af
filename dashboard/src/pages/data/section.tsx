import type { CollectionModel } from "pocketbase";
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { client } from "../../api";
import { Notice, Wrong } from "../../parts/notice";
import { problem, type FieldProblems } from "../../problem";
import { t } from "../../texts";
import { changesOf, withTyped } from "./changes";
import { loadCollections } from "./data";

export interface Section<T> {
  draft: T;
  set: (change: Partial<T>) => void;
  /** What is wrong, by its place in the collection: `otp.duration`. */
  problems: FieldProblems;
  save: () => Promise<void>;
  /** Does something else, and says `done` when it is. */
  attempt: (action: () => Promise<unknown>, done: string) => Promise<void>;
  said: { tone: "good" | "bad"; text: string } | null;
  waiting: boolean;
}

/** A part of a collection that is edited and saved by itself; `read` takes it out of a collection. */
export function useSection<T extends object>(collection: CollectionModel, read: (collection: CollectionModel) => T): Section<T> {
  const [shown, setShown] = useState(() => read(collection));
  const [draft, setDraft] = useState(shown);
  const [problems, setProblems] = useState<FieldProblems>({});
  const [said, setSaid] = useState<Section<T>["said"]>(null);
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done: string) => {
    setWaiting(true);
    setSaid(null);
    setProblems({});
    try {
      await action();
      setSaid({ tone: "good", text: done });
    } catch (error) {
      const { text, fields } = problem(error);
      setProblems(fields);
      // Also what is about no single input, and what stands far from the button.
      setSaid({ tone: "bad", text: [...new Set([text, ...Object.values(fields)])].join(" ") });
    } finally {
      setWaiting(false);
    }
  };
  const save = () =>
    attempt(async () => {
      const now = await client.collections.getOne(collection.id);
      const changes = changesOf(shown as Record<string, unknown>, draft as Record<string, unknown>, read(now) as Record<string, unknown>);
      const saved = read(await client.collections.update(collection.id, changes));
      setShown(saved);
      setDraft((now) => withTyped(draft, now, saved));
      await loadCollections();
    }, t.saved);
  return { draft, set: (change) => setDraft((before) => ({ ...before, ...change })), problems, save, attempt, said, waiting };
}

interface Card {
  title: string;
  section: Pick<Section<object>, "save" | "said" | "waiting">;
  action: string;
  children: ComponentChildren;
  /** Buttons beside the one that saves. */
  more?: ComponentChildren;
}

/** The card of a section, with the button that saves it. */
export function SectionCard({ title, section, action, children, more }: Card) {
  const id = useId();
  return (
    <form
      class="card"
      aria-labelledby={id}
      onSubmit={(event) => {
        event.preventDefault();
        void section.save();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
      {section.said && (section.said.tone === "bad" ? <Wrong text={section.said.text} /> : <Notice tone="good">{section.said.text}</Notice>)}
      <div class="actions">
        {more}
        <button class="primary" disabled={section.waiting}>
          {action}
        </button>
      </div>
    </form>
  );
}
