// What goes along when records are deleted: records of others whose relation says so.

import type { CollectionField, CollectionModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client } from "../../api";
import { t } from "../../texts";
import { collections } from "./data";

interface Leading {
  collection: CollectionModel;
  field: CollectionField;
}

/** The relations whose records go with those of `target`. */
const leadingTo = (target: CollectionModel): Leading[] =>
  (collections.value ?? []).flatMap((collection) =>
    collection.fields
      .filter((field: CollectionField) => collection.type !== "view" && field.type === "relation" && field.cascadeDelete && field.collectionId === target.id)
      .map((field: CollectionField) => ({ collection, field })),
  );

/** The names of collections that may lose records with those of `target`, however far away, but for `known`. */
function further(target: CollectionModel, known: string[]): string[] {
  const reached = new Map<string, CollectionModel>();
  const waiting = leadingTo(target);
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (reached.has(next.collection.id)) continue;
    reached.set(next.collection.id, next.collection);
    waiting.push(...leadingTo(next.collection));
  }
  return [...reached.values()].map((one) => one.name).filter((name) => !known.includes(name));
}

/** How many records lead to these alone. One of several that it leads to keeps a record. */
async function count({ collection, field }: Leading, ids: string[]): Promise<number> {
  // With `.id` the ids are compared one by one, and all of them have to be that one.
  const filter = ids.map((id) => client.filter(`${field.name}.id = {:id}`, { id })).join(" || ");
  return (await client.collection(collection.name).getList(1, 1, { filter })).totalItems;
}

/** Says what a deletion of records takes along, as far as the collections and a count tell. */
export function GoesAlong({ collection, ids }: { collection: CollectionModel; ids: string[] }) {
  const [leading] = useState(() => leadingTo(collection));
  const [counts, setCounts] = useState<(number | null)[] | null>(null);
  useEffect(() => {
    let over = false;
    // Where one can't be counted, its name stands there without a number.
    void Promise.all(leading.map((one) => count(one, ids).catch(() => null))).then((found) => over || setCounts(found));
    return () => {
      over = true;
    };
  }, []);
  if (leading.length === 0) return <p>{t.data.along.nothing}</p>;
  if (!counts) return <p class="hint" role="status">{t.data.along.counting}</p>;
  const going = leading.map((one, index) => ({ ...one, count: counts[index] ?? null })).filter((one) => one.count !== 0);
  if (going.length === 0) return <p>{t.data.along.nothing}</p>;
  const more = further(collection, leading.map((one) => one.collection.name));
  return (
    <>
      <p>{t.data.along.also}</p>
      <ul>
        {going.map((one) => (
          <li key={`${one.collection.id} ${one.field.name}`}>{t.data.along.records(one.count, one.collection.name, one.field.name)}</li>
        ))}
        {more.length > 0 && <li>{t.data.along.further(more.join(", "))}</li>}
      </ul>
    </>
  );
}
