// What the records of a backup are called. Names come from the backup itself: it holds what is gone now.

import type { CollectionField, RecordModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { backups, client, type Looked, type Outcome } from "../../api";
import { collections } from "../data/data";
import { nameOf } from "../data/related";

/** So many ids fit into a filter, however long they are. */
const PART = 25;
/** So many related records of one collection are asked for. The others stand there by their ids. */
const MOST = 200;

const parts = (ids: string[]) => Array.from({ length: Math.ceil(ids.length / PART) }, (_, at) => ids.slice(at * PART, (at + 1) * PART));
const among = (ids: string[]) => ids.map((id) => client.filter("id = {:id}", { id })).join(" || ");

/** The records of a collection that the backup holds, of these ids; none where it does not hold the collection. */
async function held(backup: string, collection: string, ids: string[]): Promise<RecordModel[]> {
  const asked = parts([...new Set(ids)].slice(0, MOST));
  const ask = (part: string[]) => backups.records(backup, collection, { page: 1, perPage: PART, sort: "", state: "", filter: among(part) });
  try {
    return (await Promise.all(asked.map(ask))).flatMap(({ items }) => items.map((one) => one.record));
  } catch {
    // Without names there are still the ids.
    return [];
  }
}

/** Asks once for each text `about`; empty until there is an answer to the newest. */
function useAnswer<T>(about: string, empty: T, ask: () => Promise<T>): T {
  const [answer, setAnswer] = useState<{ about: string; value: T } | null>(null);
  useEffect(() => {
    let over = false;
    void ask().then((value) => over || setAnswer({ about, value }));
    return () => {
      over = true;
    };
  }, [about]);
  return answer?.about === about ? answer.value : empty;
}

const idsIn = (records: RecordModel[], { name }: CollectionField): string[] => records.flatMap((record) => [record[name] ?? []].flat()).filter(Boolean);

/** The same records, with those that the relations among `fields` lead to, as a list of the data of now has them. */
export function useExpanded(backup: string, records: RecordModel[], fields: CollectionField[]): RecordModel[] {
  const relations = fields.filter((field) => field.type === "relation");
  const wanted = relations.map((field) => ({ field, ids: idsIn(records, field) })).filter(({ ids }) => ids.length > 0);
  const about = JSON.stringify(wanted.map(({ field, ids }) => [field.collectionId, ids]));
  const found = useAnswer(about, new Map<string, RecordModel>(), async () => {
    const targets = [...new Set(wanted.map(({ field }) => String(field.collectionId)))];
    const answers = targets.map(async (target) => {
      const ids = wanted.filter(({ field }) => field.collectionId === target).flatMap((one) => one.ids);
      return (await held(backup, target, ids)).map((record) => [`${target}/${record.id}`, record] as const);
    });
    return new Map((await Promise.all(answers)).flat());
  });
  // One that is not found, or not yet, is known by its id.
  const related = (record: RecordModel, field: CollectionField) => idsIn([record], field).map((id) => found.get(`${field.collectionId}/${id}`) ?? { id });
  return records.map((record) => ({ ...record, expand: Object.fromEntries(relations.map((field) => [field.name, related(record, field)])) }) as RecordModel);
}

/** What records that come back are called. `collection`: of those that were chosen, in the backup. */
export function useNames(backup: string, collection: string, outcomes: Outcome[]): (of: Outcome) => string | undefined {
  const found = useAnswer(JSON.stringify(outcomes.map((one) => [one.collection, one.id])), new Map<string, string>(), async () => {
    const names = [...new Set(outcomes.map((one) => one.collection))];
    const answers = names.map(async (name) => {
      const group = outcomes.filter((one) => one.collection === name);
      // The outcome has the name of now, and the backup may have another.
      const place = group.some((one) => !one.child) ? collection : (collections.value?.find((one) => one.name === name)?.id ?? name);
      const records = await held(backup, place, group.map((one) => one.id));
      return records.map((record) => [`${name}/${record.id}`, nameOf(record)] as const);
    });
    return new Map((await Promise.all(answers)).flat());
  });
  return (of) => found.get(`${of.collection}/${of.id}`);
}

export type IsThere = (record: RecordModel, field: CollectionField, name: string) => boolean;

/** Which files of a backup’s records are there now as well: those can be shown. */
export function useFilesNow(found: Looked, fields: CollectionField[]): IsThere {
  const files = fields.filter((field) => field.type === "file").map((field) => field.name);
  const differing = found.collectionNow ? found.items.filter((one) => one.state === "changed" && one.changed.some((name) => files.includes(name))) : [];
  const ids = differing.map((one) => one.record.id);
  const now = useAnswer(`${found.collectionNow} ${ids.join(" ")}`, new Map<string, RecordModel>(), async () => {
    const records = client.collection(found.collectionNow);
    const ask = (part: string[]) => records.getList(1, PART, { filter: among(part), fields: ["id", ...files].join() });
    const answers = await Promise.all(parts(ids).map(ask)).catch(() => []);
    return new Map(answers.flatMap(({ items }) => items.map((one) => [one.id, one] as const)));
  });
  return ({ id }, field, name) => {
    const item = found.items.find((one) => one.record.id === id);
    if (!item || !found.collectionNow || item.state === "gone") return false;
    if (item.state === "same" || !item.changed.includes(field.name)) return true;
    return [now.get(id)?.[field.name] ?? []].flat().includes(name);
  };
}
