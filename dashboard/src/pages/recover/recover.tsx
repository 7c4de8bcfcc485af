import { useEffect, useState } from "preact/hooks";
import { backups, client, type Compared, type Held } from "../../api";
import { ago, count } from "../../format";
import { list, listProblem, now } from "../../live";
import { Notice, Wrong } from "../../parts/notice";
import { problem } from "../../problem";
import { go, link } from "../../route";
import { t } from "../../texts";
import { isShown, made } from "../restore_content";
import { NoList } from "../restore";
import { Back, Tabs } from "../restore_tabs";
import { loadCollections } from "../data/data";
import { HeldRecords } from "./held_records";

/** Some records of a backup, brought back into the data that is there. */
export function RecoverPage({ backup: key, collection }: { backup: string; collection: string | undefined }) {
  const known = useHeld(key);
  // They say which fields are a record’s name.
  useEffect(() => void loadCollections(), []);
  const backup = list.value?.find((one) => one.key === key);
  if (!backup && listProblem.value) return <NoList />;
  if (!list.value || known === undefined) return <p class="empty" role="status">{t.loading}</p>;
  return (
    <div class="recover">
      <Back />
      <h1>{t.recover.title}</h1>
      {backup ? (
        <>
          <Tabs backup={key} shown="records" />
          <p>{t.recover.text(key, ago(backup.modified, now.value))}</p>
          {typeof known === "string" ? <Wrong text={known} /> : <Choosing backup={key} known={known} collection={collection} />}
        </>
      ) : (
        <Notice tone="bad">{t.restore.missing(key)}</Notice>
      )}
    </div>
  );
}

interface Known {
  collections: Pick<Held, "name" | "records">[];
  /** Whether these are the backup's own, or those of now. */
  own: boolean;
}

/** The collections to choose from; a text where they can't be had. */
function useHeld(key: string): Known | string | undefined {
  const [known, setKnown] = useState<Known | string>();
  useEffect(() => {
    let over = false;
    held(key).then(
      (found) => !over && setKnown(found),
      (error) => !over && setKnown(problem(error).text),
    );
    return () => {
      over = true;
    };
  }, [key]);
  return known;
}

async function held(key: string): Promise<Known> {
  const content = await backups.held(key);
  const own = content.known && content.counted;
  const all: (Pick<Held, "name" | "type" | "system"> & { records: number | null })[] = own
    ? content.collections
    : (await client.collections.getFullList({ sort: "name" })).map(({ name, type, system }) => ({ name, type: type as Held["type"], system, records: null }));
  // A view holds nothing, and the system’s own say nothing to anybody but for who may log in here.
  const shown = all.filter((one) => one.type !== "view" && isShown(one));
  return { own, collections: shown.sort((one, other) => Number(one.system) - Number(other.system) || one.name.localeCompare(other.name)) };
}

function Choosing({ backup, known, collection }: { backup: string; known: Known; collection: string | undefined }) {
  const { collections, own } = known;
  const chosen = collection ?? (collections.length === 1 ? collections[0]!.name : undefined);
  if (collections.length === 0) return <p class="empty">{t.recover.noneHeld}</p>;
  return (
    <>
      {!own && <Notice tone="calm">{t.recover.namesOfNow}</Notice>}
      <section class="card">
        <label class="field adding">
          <span class="label">{t.recover.collection}</span>
          <select value={chosen ?? ""} onChange={(event) => event.currentTarget.value && go("restore", backup, "records", event.currentTarget.value)}>
            {!chosen && <option value="">{t.recover.choose}</option>}
            {chosen && !collections.some((one) => one.name === chosen) && <option value={chosen}>{chosen}</option>}
            {collections.map(({ name, records }) => (
              <option key={name} value={name}>
                {records === null ? name : t.recover.counted(name, count(records))}
              </option>
            ))}
          </select>
        </label>
        {!chosen && <p class="hint">{t.recover.pick}</p>}
        {!chosen && <Lost backup={backup} />}
      </section>
      {chosen && <HeldRecords key={chosen} backup={backup} collection={chosen} />}
    </>
  );
}

/** Where something was deleted or changed since, to lead there. */
function Lost({ backup }: { backup: string }) {
  const [all, setAll] = useState<Compared[]>([]);
  useEffect(() => {
    let over = false;
    // Without an answer there is still the choice above.
    backups.content(backup).then(({ comparison }) => !over && setAll(comparison?.collections ?? []), () => undefined);
    return () => {
      over = true;
    };
  }, [backup]);
  const lost = all.flatMap((one) => {
    if (one.type === "view" || one.fate !== "stays" || one.records === null || one.recordsNow === null || !isShown(one)) return [];
    const { back, least } = made(one.records, one.recordsNow, one.createdSince);
    const changed = one.changedSince ?? 0;
    return back + changed > 0 ? [{ name: one.name, text: t.recover.lost(back, least, changed) }] : [];
  });
  if (lost.length === 0) return null;
  return (
    <ul class="foreseen">
      {lost.map(({ name, text }) => (
        <li key={name}>
          <a href={link("restore", backup, "records", name)}>{name}</a>
          <span class="hint">{text}</span>
        </li>
      ))}
    </ul>
  );
}
