import type { CollectionField } from "pocketbase";
import { useState } from "preact/hooks";
import type { Looked, Since } from "../../api";
import { t } from "../../texts";
import { Cell } from "../data/cell";
import { Look } from "./look";

/** What the table has room for. */
const COLUMNS = 4;
const TONES: Record<Since, string> = { gone: "badge bad", changed: "badge warn", same: "badge" };

/** What can be shown of a backup’s record. Its files are not served, so their names are. */
export function shownFields({ fields }: Looked["collection"]): CollectionField[] {
  const shown = fields.filter((field: CollectionField) => field.name !== "id" && field.type !== "password" && field.name !== "tokenKey");
  return shown.map((field: CollectionField) => (field.type === "file" ? { ...field, type: "text" } : field));
}

interface Props {
  found: Looked;
  /** Whether each says what has become of it: not where all are alike. */
  states: boolean;
  chosen: string[];
  onChosen: (change: (before: string[]) => string[]) => void;
  sort: string;
  onSort: (name: string) => void;
}

/** Records of a backup, each with what has become of it since. */
export function HeldTable({ found, states, chosen, onChosen, sort, onSort }: Props) {
  const [looking, setLooking] = useState<Looked["items"][number] | null>(null);
  const fields = shownFields(found.collection).slice(0, COLUMNS);
  const ids = found.items.map((one) => one.record.id);
  const pick = (id: string, on: boolean) => onChosen((before) => (on ? [...before, id] : before.filter((one) => one !== id)));
  const pickAll = (on: boolean) => onChosen((before) => [...before.filter((id) => !ids.includes(id)), ...(on ? ids : [])]);
  const label = t.recover.held(found.collection.name);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={label}>
        <table>
          <caption class="hidden">{label}</caption>
          <thead>
            <tr>
              <td class="pick">
                <input type="checkbox" aria-label={t.dev.records.chooseAll} checked={ids.every((id) => chosen.includes(id))} onChange={(event) => pickAll(event.currentTarget.checked)} />
              </td>
              {states && <th scope="col">{t.recover.stateColumn}</th>}
              {["id", ...fields.map((field) => field.name)].map((name) => (
                <th key={name} scope="col" aria-sort={sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none"}>
                  <button class="quiet sort" onClick={() => onSort(name)}>
                    {name}
                    <span aria-hidden="true">{sort === name ? " ↑" : sort === `-${name}` ? " ↓" : ""}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.items.map((one) => (
              <tr key={one.record.id}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={t.dev.records.choose(one.record.id)}
                    checked={chosen.includes(one.record.id)}
                    onChange={(event) => pick(one.record.id, event.currentTarget.checked)}
                  />
                </td>
                {states && (
                  <td>
                    <span class={TONES[one.state]}>{t.recover.state[one.state]}</span>
                  </td>
                )}
                <th scope="row">
                  <button class="quiet mono" aria-label={t.recover.look(one.record.id)} onClick={() => setLooking(one)}>
                    {one.record.id}
                  </button>
                </th>
                {fields.map((field) => (
                  <td key={field.name} class={field.type === "number" ? "numbers cell" : "cell"}>
                    <Cell record={one.record} field={field} token={undefined} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {looking && <Look found={found} item={looking} onClose={() => setLooking(null)} />}
    </>
  );
}
