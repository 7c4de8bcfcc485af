import type { CollectionModel } from "pocketbase";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { client } from "../../api";
import { useEditing, type Editing } from "../../parts/editing";
import { Discard } from "../../parts/discard";
import { useFirstWrong } from "../../parts/first_wrong";
import { Said } from "../../parts/notice";
import { loadCollections } from "./data";

/** What is wrong stands by its place in the collection: `otp.duration`. */
export type Section<T> = Editing<T>;

type Parts = Record<string, unknown>;

/** Where what is typed about a collection is kept. */
export const folderOf = (collection: CollectionModel, ...path: string[]) => ["collection", collection.id, ...path].join("/");

/** A part of a collection that is edited and saved by itself; `path` is that of its tab and its name there. */
export function useSection<T extends object>(collection: CollectionModel, path: string, read: (collection: CollectionModel) => T, after: (saved: CollectionModel) => unknown = loadCollections): Section<T> {
  return useEditing(collection, {
    place: folderOf(collection, path),
    read,
    body: (draft) => draft as Parts,
    fetch: () => client.collections.getOne(collection.id),
    send: (changes) => client.collections.update(collection.id, changes),
    after,
  });
}

interface Card {
  title: string;
  section: Pick<Section<object>, "save" | "said" | "problems" | "waiting" | "isUnsaved" | "discard">;
  action: string;
  children: ComponentChildren;
  /** Buttons beside the one that saves. */
  more?: ComponentChildren;
}

/** The card of a section, with the button that saves it. */
export function SectionCard({ title, section, action, children, more }: Card) {
  const id = useId();
  const form = useFirstWrong(section.problems);
  // Also what is about no single input, and what stands far from the button.
  return (
    <form
      ref={form}
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
        <Discard of={section} />
        <button class="primary" disabled={section.waiting}>
          {action}
        </button>
      </div>
    </form>
  );
}
