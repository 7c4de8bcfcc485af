import type { CollectionModel } from "pocketbase";
import { useState } from "preact/hooks";
import { client } from "../../api";
import { Confirm } from "../../parts/confirm";
import { go } from "../../route";
import { t } from "../../texts";
import { loadCollections } from "./data";

/** The button that deletes a collection, and what asks before. The system's own can't be deleted. */
export function RemoveCollection({ collection }: { collection: CollectionModel }) {
  const [asking, setAsking] = useState(false);
  if (collection.system) return null;
  return (
    <>
      <button type="button" class="quiet" onClick={() => setAsking(true)}>
        {t.schema.removeCollection}
      </button>
      {asking && (
        <Confirm
          title={t.schema.removeTitle}
          text={collection.type === "view" ? t.dev.view.removeText : t.schema.removeText}
          typing={{ name: collection.name, of: t.named.collection }}
          action={t.schema.removeDo}
          perform={async () => {
            await client.collections.delete(collection.id);
            go("data");
            await loadCollections();
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
