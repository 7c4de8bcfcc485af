// What goes along when records are deleted: records of others whose relation says so, and traces of accounts.

import type { CollectionField, CollectionModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client } from "../../api";
import { Notice } from "../../parts/notice";
import { t } from "../../texts";

interface Leading {
  collection: CollectionModel;
  field: CollectionField;
}

interface Going extends Leading {
  /** How many, or null where that is not known. */
  count: number | null;
}

interface Along {
  all: CollectionModel[];
  going: Going[];
  /** Those that keep a deletion from being done. */
  needing: Going[];
}

/** So many ids fit into a filter, with any name of a field. */
const PART = 10;
/** So many records are looked at one by one. */
const MOST = 500;

/** The relations to `target`. */
const relationsTo = (target: CollectionModel, all: CollectionModel[]): Leading[] =>
  all.flatMap((collection) =>
    collection.fields
      .filter((field: CollectionField) => collection.type !== "view" && field.type === "relation" && field.collectionId === target.id)
      .map((field: CollectionField) => ({ collection, field })),
  );

/** The relations whose records go with those of `target`. */
const leadingTo = (target: CollectionModel, all: CollectionModel[]) => relationsTo(target, all).filter(({ field }) => field.cascadeDelete);

/** The collections that may lose records with those of `targets`, however far away. */
function further(targets: CollectionModel[], all: CollectionModel[]): CollectionModel[] {
  const reached = new Map<string, CollectionModel>();
  const waiting = targets.flatMap((one) => leadingTo(one, all));
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (reached.has(next.collection.id)) continue;
    reached.set(next.collection.id, next.collection);
    waiting.push(...leadingTo(next.collection, all));
  }
  return [...reached.values()];
}

/** How many other records lead to `ids` and to nothing else: one that leads to more stays. */
async function count({ collection, field }: Leading, target: CollectionModel, ids: string[]): Promise<number | null> {
  const records = client.collection(collection.id);
  const many = Number(field.maxSelect ?? 1) > 1;
  const name = many ? `${field.name}:each` : field.name;
  const parts = Array.from({ length: Math.ceil(ids.length / PART) }, (_, index) => ids.slice(index * PART, (index + 1) * PART));
  const any = (part: string[], operator: string) => part.map((id) => client.filter(`${name} ${operator} {:id}`, { id })).join(" || ");
  if (many && ids.length > 1) {
    // No filter says "all of them are among these".
    const found = new Set<string>();
    for (const part of parts) {
      const filter = `${field.name}:length <= ${ids.length} && (${any(part, "?=")})`;
      const { items, totalItems } = await records.getList(1, MOST, { filter, fields: `id,${field.name}` });
      if (totalItems > items.length) return null;
      for (const one of items) if ((one[field.name] as string[]).every((id) => ids.includes(id))) found.add(one.id);
    }
    if (collection.id === target.id) for (const id of ids) found.delete(id);
    return found.size;
  }
  const others = collection.id === target.id ? ids.map((id) => ` && ${client.filter("id != {:id}", { id })}`).join("") : "";
  const totals = await Promise.all(parts.map((part) => records.getList(1, 1, { filter: `(${any(part, "=")})${others}` })));
  return totals.reduce((sum, { totalItems }) => sum + totalItems, 0);
}

/** By the collections as they are now: others may have changed them since the page was opened. */
async function find(target: CollectionModel, ids: string[]): Promise<Along> {
  const all = await client.collections.getFullList();
  const relations = relationsTo(target, all).filter(({ field }) => field.cascadeDelete || field.required);
  // Where one can't be counted, its name stands there without a number.
  const counted = await Promise.all(relations.map(async (one) => ({ ...one, count: await count(one, target, ids).catch(() => null) })));
  return { all, going: counted.filter((one) => one.field.cascadeDelete && one.count !== 0), needing: counted.filter((one) => !one.field.cascadeDelete && one.count) };
}

/** Says what a deletion of records takes along, as far as the collections and a count tell. */
export function GoesAlong({ collection, ids }: { collection: CollectionModel; ids: string[] }) {
  const [found, setFound] = useState<Along | "unknown" | null>(null);
  useEffect(() => {
    let over = false;
    void find(collection, ids)
      .catch(() => "unknown" as const)
      .then((found) => over || setFound(found));
    return () => {
      over = true;
    };
  }, []);
  if (!found) return <p class="hint" role="status">{t.data.along.counting}</p>;
  if (found === "unknown") return <p>{t.data.along.unknown}</p>;
  const { all, going, needing } = found;
  const direct = going.map((one) => one.collection);
  const more = further(direct, all);
  const traces = [collection, ...direct, ...more].some((one) => one.type === "auth");
  const kept = needing.map((one) => (
    <Notice key={`${one.collection.id} ${one.field.name}`} tone="warn">
      {t.data.along.needed(one.count ?? 0, one.collection.name, one.field.name, ids.length > 1)}
    </Notice>
  ));
  // Where the only one stays, nothing goes.
  if (needing.length > 0 && ids.length === 1) return <>{kept}</>;
  if (going.length === 0 && !traces) return <>{kept}<p>{t.data.along.nothing}</p></>;
  return (
    <>
      {kept}
      <p>{t.data.along.also}</p>
      <ul>
        {going.map((one) => (
          <li key={`${one.collection.id} ${one.field.name}`}>{t.data.along.records(one.count, one.collection.name, one.field.name)}</li>
        ))}
        {more.length > 0 && <li>{t.data.along.further(more.map((one) => one.name).join(", "))}</li>}
        {traces && <li>{t.data.along.traces}</li>}
      </ul>
    </>
  );
}
