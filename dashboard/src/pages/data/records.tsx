import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../../api";
import { count, whenText } from "../../format";
import { Wrong } from "../../parts/notice";
import { Pager } from "../../parts/pager";
import { problem } from "../../problem";
import { t } from "../../texts";
import { Drawer } from "./drawer";

const PER_PAGE = 50;
const COLUMNS = 6;
const SEARCHED = ["text", "editor", "email", "url", "select", "json"];
/** How long to wait for the next letter of a search, in milliseconds. */
const PAUSE = 250;

interface Page {
  items: RecordModel[];
  totalItems: number;
  totalPages: number;
}

/** A filter as it stands, or words to be looked for in all text. */
function filterOf(search: string, fields: CollectionField[]): string {
  const text = search.trim();
  if (!text || /[=~<>]/.test(text)) return text;
  const names = ["id", ...fields.filter((field) => SEARCHED.includes(field.type) && !field.hidden && field.name !== "id").map((field) => field.name)];
  return names.map((name) => client.filter(`${name} ~ {:text}`, { text })).join(" || ");
}

/** The records of a collection as a table. */
export function Records({ collection }: { collection: CollectionModel }) {
  const fields = collection.fields.filter((field: CollectionField) => field.type !== "password" && field.name !== "tokenKey");
  const shown = fields.filter((field: CollectionField) => field.name !== "id").slice(0, COLUMNS);
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState("");
  const [page, setPage] = useState(1);
  const [found, setFound] = useState<Page | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [open, setOpen] = useState<{ id: string | null } | null>(null);
  const latest = useRef(0);
  const view = collection.type === "view";

  const load = async () => {
    const mine = ++latest.current;
    try {
      const answer = await client.collection(collection.name).getList(page, PER_PAGE, { sort, filter: filterOf(search, fields) });
      if (mine !== latest.current) return;
      setFound(answer);
      setWrong(undefined);
    } catch (error) {
      if (mine === latest.current) setWrong(problem(error).text);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, search ? PAUSE : 0);
    return () => clearTimeout(timer);
  }, [search, sort, page]);
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
        {!view && (
          <button class="primary" onClick={() => setOpen({ id: null })}>
            {t.data.create}
          </button>
        )}
      </div>
      <Wrong text={wrong} />
      {found && found.items.length === 0 && <p class="empty">{search ? t.data.noMatch : t.data.empty}</p>}
      {found && found.items.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={t.data.recordsOf(collection.name)}>
          <table>
            <caption class="hidden">{t.data.recordsOf(collection.name)}</caption>
            <thead>
              <tr>
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
                  <th scope="row">
                    <button class="quiet mono" onClick={() => setOpen({ id: record.id })}>
                      {record.id}
                    </button>
                  </th>
                  {shown.map((field: CollectionField) => (
                    <td key={field.name} class={field.type === "number" ? "numbers cell" : "cell"}>
                      {cell(record[field.name], field)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found && <Pager total={t.data.total(found.totalItems, count(found.totalItems))} page={page} pages={found.totalPages} onPage={setPage} />}
      {open && (
        <Drawer
          collection={collection}
          id={open.id}
          onClose={() => setOpen(null)}
          onDone={() => {
            setOpen(null);
            void load();
          }}
        />
      )}
    </div>
  );
}

const LONGEST = 80;

/** A value in a cell, in short. */
function cell(value: unknown, field: CollectionField): string {
  if (value === null || value === undefined || value === "") return "–";
  if (field.type === "date" || field.type === "autodate") return whenText(String(value));
  if (field.type === "bool") return value ? t.data.yes : t.data.no;
  if (field.type === "number") return count(Number(value));
  const text = Array.isArray(value) ? value.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text || "–";
}
