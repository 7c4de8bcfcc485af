import type { CollectionModel } from "pocketbase";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { client } from "../../api";
import { useEditing, type Editing } from "../../parts/editing";
import { Said } from "../../parts/notice";
import { loadCollections } from "./data";

/** What is wrong stands by its place in the collection: `otp.duration`. */
export type Section<T> = Editing<T>;

type Parts = Record<string, unknown>;

/** A part of a collection that is edited and saved by itself; `read` takes it out of a collection. */
export function useSection<T extends object>(collection: CollectionModel, read: (collection: CollectionModel) => T, after: (saved: CollectionModel) => unknown = loadCollections): Section<T> {
  return useEditing(collection, {
    read,
    body: (draft) => draft as Parts,
    fetch: () => client.collections.getOne(collection.id),
    send: (changes) => client.collections.update(collection.id, changes),
    after,
  });
}

interface Card {
  title: string;
  section: Pick<Section<object>, "save" | "said" | "problems" | "waiting">;
  action: string;
  children: ComponentChildren;
  /** Buttons beside the one that saves. */
  more?: ComponentChildren;
}

/** The card of a section, with the button that saves it. */
export function SectionCard({ title, section, action, children, more }: Card) {
  const id = useId();
  // Also what is about no single input, and what stands far from the button.
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
      <Said said={section.said && { ...section.said, text: [...new Set([section.said.text, ...Object.values(section.problems)])].join(" ") }} />
      <div class="actions">
        {more}
        <button class="primary" disabled={section.waiting}>
          {action}
        </button>
      </div>
    </form>
  );
}
