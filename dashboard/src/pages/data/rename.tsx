import { batch } from "@preact/signals";
import type { CollectionModel } from "pocketbase";
import { TextField } from "../../parts/form";
import { readdress, route } from "../../route";
import { t } from "../../texts";
import { collections, loadCollections } from "./data";
import { takenBy } from "./new_collection";
import { SectionCard, useSection } from "./section";

const read = ({ name }: CollectionModel) => ({ name });

/** The name of a collection. The system's own keep theirs. */
export function Rename({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, collection.type === "view" ? "query/name" : "fields/name", read, async (saved) => {
    // Both at once: the page of a collection that is not listed would go, with all that is typed on it.
    batch(() => {
      collections.value = collections.value?.map((one) => (one.id === saved.id ? saved : one)) ?? null;
      const [first, second, ...rest] = route.value;
      if (first === "data" && second === collection.name) readdress("data", saved.name, ...rest);
    });
    await loadCollections();
  });
  if (collection.system) return null;
  const { draft, set, problems } = section;
  return (
    <SectionCard title={t.schema.rename} section={section} action={t.schema.renameDo}>
      <TextField label={t.schema.collectionName} value={draft.name} onValue={(name) => set({ name })} problem={takenBy(draft.name, collection.id) ?? problems.name} hint={t.schema.renameHint} required mono />
    </SectionCard>
  );
}
