import type { CollectionField } from "pocketbase";
import { useEffect, useRef, useState } from "preact/hooks";
import { backups, type Looked, type Recovery } from "../../api";
import { count } from "../../format";
import { Notice, Wrong } from "../../parts/notice";
import { Pager } from "../../parts/pager";
import { problem } from "../../problem";
import { t } from "../../texts";
import { filterOf } from "../data/search";
import { Bring } from "./bring";
import { Done } from "./outcome";
import { HeldTable } from "./held_table";

const PER_PAGE = 30;
/** How many are asked for at once where all are chosen, and how many can be brought back at a time. */
const MANY = 500;
const MOST = 5_000;
/** How long to wait for the next letter of a search, in milliseconds. */
const PAUSE = 250;

/** The records of one collection in a backup: found, chosen, and brought back. */
export function HeldRecords({ backup, collection }: { backup: string; collection: string }) {
  const [state, setState] = useState("gone");
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState("");
  const [page, setPage] = useState(1);
  const [found, setFound] = useState<Looked | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [again, setAgain] = useState(0);
  const [chosen, setChosen] = useState<string[]>([]);
  const [gathering, setGathering] = useState(false);
  const [done, setDone] = useState<Recovery | null>(null);
  const latest = useRef(0);
  // What words are looked for in is known once the first answer is there.
  const asked = { sort, state, filter: filterOf(search, (found?.collection.fields ?? []) as CollectionField[]) };

  const load = async () => {
    const mine = ++latest.current;
    try {
      const answer = await backups.records(backup, collection, { ...asked, page, perPage: PER_PAGE });
      if (mine !== latest.current) return;
      if (answer.items.length === 0 && page > 1) return setPage(Math.max(1, Math.min(page - 1, answer.totalPages)));
      setFound(answer);
      setWrong(undefined);
    } catch (error) {
      if (mine === latest.current) setWrong(problem(error).text);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, search ? PAUSE : 0);
    return () => clearTimeout(timer);
  }, [search, sort, state, page, again]);

  /** All that match, not only those of this page. */
  const chooseAll = async () => {
    setGathering(true);
    try {
      const ids: string[] = [];
      for (let at = 1, pages = 1; at <= pages && ids.length < MOST; at += 1) {
        const answer = await backups.records(backup, collection, { ...asked, page: at, perPage: MANY });
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
    <>
      {done && <Done recovery={done} collection={found.collectionNow} />}
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
        <div class="row">
          <input
            type="search"
            aria-label={t.recover.search}
            placeholder={t.data.searchHint}
            value={search}
            spellcheck={false}
            onInput={(event) => {
              setPage(1);
              setSearch(event.currentTarget.value);
            }}
          />
        </div>
        <Wrong text={wrong} />
        {found.items.length === 0 ? (
          <p class="empty">{search ? t.data.noMatch : t.recover.none[state]}</p>
        ) : (
          <HeldTable
            found={found}
            states={state === ""}
            chosen={chosen}
            onChosen={setChosen}
            sort={sort}
            onSort={(name) => {
              setPage(1);
              setSort(sort === name ? `-${name}` : sort === `-${name}` ? "" : name);
            }}
          />
        )}
        <Pager total={t.data.total(found.totalItems, count(found.totalItems))} page={page} pages={found.totalPages} onPage={setPage} />
        {found.totalItems > found.items.length && found.collectionNow && (
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
      {chosen.length > 0 && found.collectionNow && (
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
    </>
  );
}
