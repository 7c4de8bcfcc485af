// The search above a table of records, and the table: of a collection, or of a backup.

import type { CollectionField, RecordModel } from "pocketbase";
import type { ComponentChild, ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { t } from "../../texts";
import { Cell } from "./cell";

interface Search {
  label: string;
  value: string;
  /** Names of the fields that words are looked for in. */
  searched: string[];
  onValue: (text: string) => void;
  /** Buttons beside it. */
  children?: ComponentChildren;
}

export function SearchRow({ label, value, searched, onValue, children }: Search) {
  const id = useId();
  return (
    <>
      <div class="row">
        <input
          type="search"
          aria-label={label}
          aria-describedby={`${id}-searched`}
          placeholder={t.data.searchHint}
          value={value}
          spellcheck={false}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
        {children}
      </div>
      <p id={`${id}-searched`} class="hint searched">
        {t.data.searched(searched.join(", "))}
      </p>
    </>
  );
}

interface Props {
  label: string;
  records: RecordModel[];
  fields: CollectionField[];
  /** For protected files. */
  token: string | undefined;
  /** Whether a file can be shown; each can where this is not said. */
  isThere?: (record: RecordModel, field: CollectionField, name: string) => boolean;
  /** Ids; null where none can be chosen. */
  chosen: string[] | null;
  onChosen: (change: (before: string[]) => string[]) => void;
  sort: string;
  onSort: (name: string) => void;
  /** A column before the ids. */
  first?: { title: string; cell: (record: RecordModel) => ComponentChild } | undefined;
  /** What the button of an id is called, where it is not the id. */
  called?: (id: string) => string;
  onOpen: (record: RecordModel) => void;
}

export function RecordTable({ label, records, fields, token, isThere, chosen, onChosen, sort, onSort, first, called, onOpen }: Props) {
  const ids = records.map((record) => record.id);
  const pick = (id: string, on: boolean) => onChosen((before) => (on ? [...before, id] : before.filter((one) => one !== id)));
  const pickAll = (on: boolean) => onChosen((before) => [...before.filter((id) => !ids.includes(id)), ...(on ? ids : [])]);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <caption class="hidden">{label}</caption>
        <thead>
          <tr>
            {chosen && (
              <td class="pick">
                <input type="checkbox" aria-label={t.dev.records.chooseAll} checked={ids.every((id) => chosen.includes(id))} onChange={(event) => pickAll(event.currentTarget.checked)} />
              </td>
            )}
            {first && <th scope="col">{first.title}</th>}
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
          {records.map((record) => (
            <tr key={record.id}>
              {chosen && (
                <td>
                  <input
                    type="checkbox"
                    aria-label={t.dev.records.choose(record.id)}
                    checked={chosen.includes(record.id)}
                    onChange={(event) => pick(record.id, event.currentTarget.checked)}
                  />
                </td>
              )}
              {first && <td>{first.cell(record)}</td>}
              <th scope="row">
                <button class="quiet mono" aria-label={called?.(record.id)} onClick={() => onOpen(record)}>
                  {record.id}
                </button>
              </th>
              {fields.map((field) => (
                <td key={field.name} class={field.type === "number" ? "numbers cell" : "cell"}>
                  <Cell record={record} field={field} token={token} isThere={isThere && ((name) => isThere(record, field, name))} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
