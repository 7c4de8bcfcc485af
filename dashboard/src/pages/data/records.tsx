import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../../api";
import { count } from "../../format";
import { Confirm } from "../../parts/confirm";
import { Notice, Wrong } from "../../parts/notice";
import { Pager } from "../../parts/pager";
import { problem } from "../../problem";
import { t } from "../../texts";
import { deleteAll } from "./bulk";
import { Cell } from "./cell";
import { Columns, columnsOf, keepColumns } from "./columns";
import { Drawer } from "./drawer";
import { expandOf } from "./related";
import { filterOf } from "./search";
import { useFileToken } from "./thumb";

const PER_PAGE = 50;
/** How long to wait for the next letter of a search, in milliseconds. */
const PAUSE = 250;

interface Page {
  items: RecordModel[];
  totalItems: number;
  totalPages: number;
}

/** The records of a collection as a table. */
export function Records({ collection }: { collection: CollectionModel }) {
  const fields: CollectionField[] = collection.fields.filter((field: CollectionField) => field.type !== "password" && field.name !== "tokenKey");
  const others = fields.filter((field) => field.name !== "id");
  const [columns, setColumns] = useState(() => columnsOf(collection, others));
  const shown = others.filter((field) => columns.includes(field.name));
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState("");
  const [page, setPage] = useState(1);
  const [found, setFound] = useState<Page | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [open, setOpen] = useState<{ id: string | null } | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const [dialog, setDialog] = useState<"columns" | "remove" | null>(null);
  const [stayed, setStayed] = useState(new Map<string, string>());
  const latest = useRef(0);
  const expand = expandOf(shown);
  const token = useFileToken(shown.some((field) => field.type === "file" && field.protected), found);
  const view = collection.type === "view";

  const load = async () => {
    const mine = ++latest.current;
    try {
      const answer = await client.collection(collection.name).getList(page, PER_PAGE, { sort, expand, filter: filterOf(search, fields) });
      if (mine !== latest.current) return;
      // The last page is gone where all of its records are.
      if (answer.items.length === 0 && page > 1) return setPage(Math.max(1, Math.min(page - 1, answer.totalPages)));
      setFound(answer);
      // What is not seen any more is not deleted.
      setChosen((before) => before.filter((id) => answer.items.some((one) => one.id === id)));
      setWrong(undefined);
    } catch (error) {
      if (mine === latest.current) setWrong(problem(error).text);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, search ? PAUSE : 0);
    return () => clearTimeout(timer);
  }, [search, sort, page, expand]);
  // As the page asks by then: a record may be saved after its drawer was closed.
  const again = useRef(load);
  again.current = load;
  const sortBy = (name: string) => {
    setPage(1);
    setSort(sort === name ? `-${name}` : sort === `-${name}` ? "" : name);
  };
  const direction = (name: string) => (sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none");

  return (
    <div class="card">
      <div class="row">
        <input
          type="search"
          aria-label={t.data.search}
          placeholder={t.data.searchHint}
          value={search}
          spellcheck={false}
          onInput={(event) => {
            setPage(1);
            setSearch(event.currentTarget.value);
          }}
        />
        <button onClick={() => setDialog("columns")}>{t.dev.records.columns}</button>
        {!view && (
          <button class="primary" onClick={() => setOpen({ id: null })}>
            {t.data.create}
          </button>
        )}
      </div>
      <Wrong text={wrong} />
      {stayed.size > 0 && (
        <Notice tone="bad">
          <p>{t.dev.records.stayed(stayed.size)}</p>
          <ul>
            {[...stayed].map(([id, text]) => (
              <li key={id}>
                <span class="mono">{id}</span>: {text}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {chosen.length > 0 && (
        <div class="row bulk">
          <p role="status">{t.dev.records.chosen(chosen.length)}</p>
          <button class="quiet" onClick={() => setChosen([])}>
            {t.dev.records.chooseNone}
          </button>
          <button onClick={() => setDialog("remove")}>{t.dev.records.remove}</button>
        </div>
      )}
      {found && found.items.length === 0 && <p class="empty">{search ? t.data.noMatch : t.data.empty}</p>}
      {found && found.items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={t.data.recordsOf(collection.name)}>
          <table>
            <caption class="hidden">{t.data.recordsOf(collection.name)}</caption>
            <thead>
              <tr>
                {!view && (
                  <td class="pick">
                    <input
                      type="checkbox"
                      aria-label={t.dev.records.chooseAll}
                      checked={found.items.every((record) => chosen.includes(record.id))}
                      onChange={(event) => setChosen(event.currentTarget.checked ? found.items.map((record) => record.id) : [])}
                    />
                  </td>
                )}
                {["id", ...shown.map((field: CollectionField) => field.name)].map((name) => (
                  <th key={name} scope="col" aria-sort={direction(name)}>
                    <button class="quiet sort" onClick={() => sortBy(name)}>
                      {name}
                      <span aria-hidden="true">{sort === name ? " ↑" : sort === `-${name}` ? " ↓" : ""}</span>
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.items.map((record) => (
                <tr key={record.id}>
                  {!view && (
                    <td>
                      <input
                        type="checkbox"
                        aria-label={t.dev.records.choose(record.id)}
                        checked={chosen.includes(record.id)}
                        onChange={(event) => {
                          const on = event.currentTarget.checked;
                          setChosen((before) => (on ? [...before, record.id] : before.filter((id) => id !== record.id)));
                        }}
                      />
                    </td>
                  )}
                  <th scope="row">
                    <button class="quiet mono" onClick={() => setOpen({ id: record.id })}>
                      {record.id}
                    </button>
                  </th>
                  {shown.map((field: CollectionField) => (
                    <td key={field.name} class={field.type === "number" ? "numbers cell" : "cell"}>
                      <Cell record={record} field={field} token={token} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found && <Pager total={t.data.total(found.totalItems, count(found.totalItems))} page={page} pages={found.totalPages} onPage={setPage} />}
      {dialog === "columns" && (
        <Columns
          fields={others}
          chosen={columns}
          onChosen={(names) => {
            setColumns(names);
            keepColumns(collection, names);
          }}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === "remove" && (
        <Confirm
          title={t.dev.records.removeTitle(chosen.length)}
          text={t.dev.records.removeText(chosen.length)}
          name={collection.name}
          action={t.dev.records.removeDo}
          perform={async () => {
            setStayed(await deleteAll(collection.name, chosen));
            await load();
          }}
          onClose={() => setDialog(null)}
        />
      )}
      {open && (
        <Drawer
          collection={collection}
          id={open.id}
          onClose={() => setOpen(null)}
          onChanged={() => void again.current()}
        />
      )}
    </div>
  );
}
