import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client } from "../../api";
import { count } from "../../format";
import { restores } from "../../live";
import { Confirm } from "../../parts/confirm";
import { Notice, Wrong } from "../../parts/notice";
import { Pager } from "../../parts/pager";
import { t } from "../../texts";
import { GoesAlong } from "./along";
import { deleteAll } from "./bulk";
import { Columns, columnsOf, keepColumns } from "./columns";
import { collections } from "./data";
import { Drawer } from "./drawer";
import { usePaged } from "./paged";
import { RecordTable, SearchRow } from "./record_table";
import { expandOf } from "./related";
import { filterOf, searchedIn } from "./search";
import { useFileToken } from "./thumb";

const PER_PAGE = 50;

interface Page {
  items: RecordModel[];
  totalItems: number;
  totalPages: number;
}

/** The records of a collection as a table. */
export function Records({ collection }: { collection: CollectionModel }) {
  const fields: CollectionField[] = collection.fields.filter((field: CollectionField) => field.type !== "password" && field.name !== "tokenKey");
  const others = fields.filter((field) => field.name !== "id");
  // Until some are chosen here: the fields may be others by now.
  const [picked, setPicked] = useState<string[] | null>(null);
  const columns = picked ?? columnsOf(collection, others);
  const shown = others.filter((field) => columns.includes(field.name));
  const [open, setOpen] = useState<{ id: string | null } | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const [dialog, setDialog] = useState<"columns" | "remove" | null>(null);
  const [stayed, setStayed] = useState(new Map<string, string>());
  const expand = expandOf(shown);
  const { search, find, sort, sortBy, page, setPage, found: last, refused, wrong, again } = usePaged<Page>(
    ({ search, sort, page }) => client.collection(collection.id).getList(page, PER_PAGE, { sort, expand, filter: filterOf(search, fields, collections.value ?? []) }),
    `${expand} ${restores.value}`,
  );
  const found = refused ? null : last;
  // What is not seen any more is not deleted.
  useEffect(() => setChosen((before) => before.filter((id) => found?.items.some((one) => one.id === id))), [found]);
  const token = useFileToken(shown.some((field) => field.type === "file" && field.protected), found);
  const view = collection.type === "view";

  return (
    <div class="card">
      <SearchRow label={t.data.search} value={search} searched={searchedIn(fields, collections.value ?? [])} onValue={find}>
        <button onClick={() => setDialog("columns")}>{t.dev.records.columns}</button>
        {!view && (
          <button class="primary" onClick={() => setOpen({ id: null })}>
            {t.data.create}
          </button>
        )}
      </SearchRow>
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
        <RecordTable
          label={t.data.recordsOf(collection.name)}
          records={found.items}
          fields={shown}
          token={token}
          chosen={view ? null : chosen}
          onChosen={setChosen}
          sort={sort}
          onSort={sortBy}
          onOpen={({ id }) => setOpen({ id })}
        />
      )}
      {found && <Pager total={t.data.total(found.totalItems, count(found.totalItems))} page={page} pages={found.totalPages} onPage={setPage} />}
      {dialog === "columns" && (
        <Columns
          fields={others}
          chosen={columns}
          onChosen={(names) => {
            setPicked(names);
            keepColumns(collection, names);
          }}
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === "remove" && (
        <Confirm
          title={t.dev.records.removeTitle(chosen.length)}
          text={t.dev.records.removeText(chosen.length)}
          typing={chosen.length > 1 ? { name: collection.name, of: t.named.collection } : undefined}
          action={t.dev.records.removeDo(chosen.length)}
          perform={async () => {
            setStayed(await deleteAll(collection.id, chosen));
            await again();
          }}
          onClose={() => setDialog(null)}
        >
          <GoesAlong collection={collection} ids={chosen} />
        </Confirm>
      )}
      {open && (
        <Drawer
          collection={collection}
          id={open.id}
          onClose={() => setOpen(null)}
          onChanged={() => void again()}
        />
      )}
    </div>
  );
}
