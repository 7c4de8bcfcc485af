import type { CollectionField } from "pocketbase";
import { useState } from "preact/hooks";
import { backups, type Looked, type Recovery } from "../../api";
import { count } from "../../format";
import { Notice, Wrong } from "../../parts/notice";
import { Pager } from "../../parts/pager";
import { problem } from "../../problem";
import { t } from "../../texts";
import { collections } from "../data/data";
import { usePaged, type Wanted } from "../data/paged";
import { SearchRow } from "../data/record_table";
import { filterOf, searchedIn } from "../data/search";
import { Bring } from "./bring";
import { Done } from "./outcome";
import { HeldTable } from "./held_table";

const PER_PAGE = 30;
/** How many are asked for at once where all are chosen, and how many can be brought back at a time. */
const MANY = 500;
const MOST = 5_000;

/** The records of one collection in a backup: found, chosen, and brought back. */
export function HeldRecords({ backup, collection }: { backup: string; collection: string }) {
  const [state, setState] = useState("gone");
  const [again, setAgain] = useState(0);
  const [chosen, setChosen] = useState<string[]>([]);
  const [gathering, setGathering] = useState(false);
  const [done, setDone] = useState<Recovery | null>(null);
  // What words are looked for in is known once the first answer is there.
  const fieldsOf = (known: Looked | null) => (known?.collection.fields ?? []) as CollectionField[];
  const ask = async ({ search, sort }: Pick<Wanted, "search" | "sort">, known: Looked | null, page: number, perPage: number) => {
    const within = (filter: string) => backups.records(backup, collection, { sort, state, filter, page, perPage });
    const [own, withNames] = [filterOf(search, fieldsOf(known)), filterOf(search, fieldsOf(known), collections.value ?? [])];
    // The names are those of now: the backup may have no such fields.
    return own === withNames ? within(own) : within(withNames).catch(() => within(own));
  };
  const { search, find, sort, sortBy, page, setPage, found, refused, wrong, setWrong } = usePaged<Looked>(
    (wanted, known) => ask(wanted, known, wanted.page, PER_PAGE),
    `${state} ${again}`,
  );

  /** All that match, not only those of this page. */
  const chooseAll = async () => {
    setGathering(true);
    try {
      const ids: string[] = [];
      for (let at = 1, pages = 1; at <= pages && ids.length < MOST; at += 1) {
        const answer = await ask({ search, sort }, found, at, MANY);
        ids.push(...answer.items.map((one) => one.record.id));
        pages = answer.totalPages;
      }
      setChosen((before) => [...new Set([...before, ...ids])]);
    } catch (error) {
      setWrong(problem(error).text);
    } finally {
      setGathering(false);
    }
  };

  if (!found)
    return (
      <section key="opening" class="card">
        {wrong ? (
          <>
            <Wrong text={wrong} />
            <div class="actions">
              <button
                onClick={() => {
                  setWrong(undefined);
                  setAgain(again + 1);
                }}
              >
                {t.retry}
              </button>
            </div>
          </>
        ) : (
          <p class="empty" role="status">
            {t.recover.opening}
          </p>
        )}
      </section>
    );
  return (
    <div class="bringing">
      {done && <Done backup={backup} recovery={done} collection={collection} nameNow={found.collectionNow} />}
      <section key="held" class="card" aria-label={t.recover.held(collection)}>
        {!found.collectionNow && <Notice tone="warn">{t.recover.collectionGone}</Notice>}
        {found.collectionNow && found.collectionNow !== found.collection.name && <p class="hint">{t.recover.otherName(found.collectionNow)}</p>}
        <div class="choices" role="group" aria-label={t.recover.statesLabel}>
          {t.recover.states.map(([value, label]) => (
            <button
              key={value}
              aria-pressed={state === value}
              onClick={() => {
                setPage(1);
                setState(value);
              }}
            >
              {label}
            </button>
          ))}
        </div>
        <SearchRow label={t.recover.search} value={search} searched={searchedIn(fieldsOf(found), collections.value ?? [])} onValue={find} />
        <Wrong text={wrong} />
        {refused ? null : found.items.length === 0 ? (
          <p class="empty">{search ? t.data.noMatch : t.recover.none[state]}</p>
        ) : (
          <HeldTable backup={backup} found={found} states={state === ""} chosen={chosen} onChosen={setChosen} sort={sort} onSort={sortBy} />
        )}
        {!refused && <Pager total={t.data.total(found.totalItems, count(found.totalItems))} page={page} pages={found.totalPages} onPage={setPage} />}
        {!refused && found.totalItems > found.items.length && found.collectionNow && (
          <div class="row foot">
            {found.totalItems > MOST ? (
              <p class="hint">{t.recover.atMost(count(MOST))}</p>
            ) : (
              <button disabled={gathering} onClick={() => void chooseAll()}>
                {t.recover.chooseAll(found.totalItems, count(found.totalItems))}
              </button>
            )}
          </div>
        )}
      </section>
      {found.collectionNow && (found.items.length > 0 || chosen.length > 0) && (
        <Bring
          backup={backup}
          collection={collection}
          nameNow={found.collectionNow}
          chosen={chosen}
          onChosen={setChosen}
          onDone={(recovery) => {
            setDone(recovery);
            setChosen([]);
            setAgain((before) => before + 1);
          }}
        />
      )}
    </div>
  );
}
