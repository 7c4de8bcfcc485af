// Many records deleted, each by itself: what can't be deleted does not keep the others.

import { client } from "../../api";
import { problem } from "../../problem";

const AT_ONCE = 4;

/** Deletes records of the collection with this id, and says of those that stayed why, by id of the record. */
export async function deleteAll(collection: string, ids: string[]): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        await client.collection(collection).delete(id);
      } catch (error) {
        const { status, text } = problem(error);
        // One that is gone already is what was wanted.
        if (status !== 404) failed.set(id, text);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}
