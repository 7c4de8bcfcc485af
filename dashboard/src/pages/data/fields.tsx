// How each type of field is edited: what its input holds, and what is sent of it.

import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { useId } from "preact/hooks";
import { client } from "../../api";
import { Check, TextField } from "../../parts/form";
import { t } from "../../texts";
import { indented, members } from "./raw_json";
import { expandOf } from "./related";
import { RelationField } from "./relation_field";
import { Preview, Thumb, isPicture, useFileToken } from "./thumb";

/** A file field: names that stay, and files that come. */
interface Files {
  kept: string[];
  added: File[];
}

/** A point as it is typed. */
interface Point {
  lon: string;
  lat: string;
}

/** So much of a value is said in a sentence, in characters. */
const LONGEST = 60;

const many = (field: CollectionField) => Number(field.maxSelect ?? 1) > 1;
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : value ? [String(value)] : []);

/** A record as it is now. */
export interface Opened {
  record: RecordModel;
  /** Each of its fields as the JSON that the server sent. */
  raw: Record<string, string>;
}

/** Asks the server for a record: a list that is on a page for long may be old. */
export async function openRecord(collection: CollectionModel, id: string): Promise<Opened> {
  let text = "";
  const listening = async (...asked: Parameters<typeof fetch>) => {
    const answer = await fetch(...asked);
    text = await answer.clone().text();
    return answer;
  };
  const record = await client.collection(collection.id).getOne(id, { expand: expandOf(collection.fields), fetch: listening });
  return { record, raw: members(text) };
}

/** What the input of `field` holds at first. */
export function valueFor(field: CollectionField, opened: Opened | null): unknown {
  const record = opened?.record;
  const value = record?.[field.name];
  switch (field.type) {
    case "file":
      return { kept: list(value), added: [] } satisfies Files;
    case "bool":
      return Boolean(value);
    case "json":
      return value === undefined || value === null ? "" : indented(opened!.raw[field.name] ?? "");
    case "select":
    case "relation":
      return list(value);
    case "geoPoint":
      return { lon: String(value?.lon ?? 0), lat: String(value?.lat ?? 0) };
    case "password":
      return "";
    default:
      return value === undefined || value === null ? "" : String(value);
  }
}

/** What an input holds, in words. */
export function inShort(field: CollectionField, value: unknown): string {
  const text = field.type === "file" ? (value as Files).kept.join(", ") : field.type === "geoPoint" ? Object.values(value as Point).join(", ") : Array.isArray(value) ? value.join(", ") : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
}

/** What is wrong with a value before it is sent. */
export function problemWith(field: CollectionField, value: unknown): string | undefined {
  if (field.type === "number") return isNumber(String(value)) ? undefined : t.data.badNumber;
  if (field.type === "geoPoint") return Object.values(value as Point).every(isNumber) ? undefined : t.data.badNumber;
  if (field.type !== "json" || value === "") return undefined;
  try {
    JSON.parse(String(value));
    return undefined;
  } catch {
    return t.data.badJson;
  }
}

/** Empty is 0. What is no number would become null in JSON, and 0 on the server. */
const isNumber = (text: string) => Number.isFinite(Number(text));

/** The part of a request's body that `value` makes. */
export function wire(field: CollectionField, value: unknown, record: RecordModel | null): Record<string, unknown> {
  const name = field.name;
  switch (field.type) {
    case "file": {
      const { kept, added } = value as Files;
      const gone = list(record?.[name]).filter((one) => !kept.includes(one));
      if (!many(field)) return added.length ? { [name]: added[0] } : gone.length ? { [name]: null } : {};
      return { ...(added.length ? { [`${name}+`]: added } : {}), ...(gone.length ? { [`${name}-`]: gone } : {}) };
    }
    case "password":
      return value ? { [name]: value } : {};
    case "json":
      // As it was typed: the server takes the text of any JSON, and no number is rounded on the way.
      return { [name]: value === "" ? null : String(value).trim() };
    case "number":
      return { [name]: value === "" ? 0 : Number(value) };
    case "select":
    case "relation":
      return { [name]: many(field) ? value : ((value as string[])[0] ?? "") };
    case "geoPoint": {
      const { lon, lat } = value as Point;
      return { [name]: { lon: Number(lon), lat: Number(lat) } };
    }
    default:
      // An id that is left empty is made by the server; one that is there stays.
      return name === "id" && (record || !value) ? {} : { [name]: value };
  }
}

interface Input {
  field: CollectionField;
  record: RecordModel | null;
  value: unknown;
  disabled: boolean;
  problem: string | undefined;
  onValue: (value: unknown) => void;
}

export function FieldInput(p: Input) {
  const { field, value, disabled, problem, onValue } = p;
  // What the server makes where nothing is sent need not be filled in.
  const needed = field.required && !field.autogeneratePattern ? `${field.name} *` : field.name;
  // A password is hidden from superusers as well.
  const label = field.hidden && field.type !== "password" ? t.data.hiddenField(needed) : needed;
  const text = { label, value: String(value), onValue, problem, disabled };
  switch (field.type) {
    case "bool":
      return <Check label={label} value={Boolean(value)} onValue={onValue} />;
    case "number":
      // Any number of digits; the server says what does not fit.
      return <TextField {...text} hint={t.data.hints.number} mono />;
    case "date":
      return <TextField {...text} hint={t.data.hints.date} mono />;
    case "password":
      return <TextField {...text} type="password" autocomplete="new-password" hint={p.record ? t.data.hints.password : undefined} />;
    case "relation":
      return <RelationField {...p} label={label} value={value as string[]} />;
    case "editor":
    case "json":
      return <TextArea {...text} mono={field.type === "json"} />;
    case "text":
      return field.name === "id" ? <TextField {...text} hint={p.record ? undefined : t.data.hints.id} mono /> : String(value).length > 60 ? <TextArea {...text} /> : <TextField {...text} />;
    case "select":
      return <Select {...p} label={label} />;
    case "file":
      return <FileField {...p} label={label} />;
    case "geoPoint": {
      const point = value as Point;
      return (
        <div class="grid">
          <TextField {...text} label={`${label}: ${t.data.lon}`} value={point.lon} onValue={(lon) => onValue({ ...point, lon })} mono />
          <TextField {...text} label={`${label}: ${t.data.lat}`} value={point.lat} onValue={(lat) => onValue({ ...point, lat })} mono />
        </div>
      );
    }
    default:
      return <TextField {...text} />;
  }
}

interface Area {
  label: string;
  value: string;
  onValue: (value: string) => void;
  problem?: string | undefined;
  disabled?: boolean;
  mono?: boolean;
  hint?: string | undefined;
}

export function TextArea({ label, value, onValue, problem, disabled, mono, hint }: Area) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={Math.min(12, Math.max(2, value.split("\n").length + 1))}
        class={mono ? "mono" : undefined}
        value={value}
        disabled={disabled}
        spellcheck={false}
        aria-invalid={problem ? true : undefined}
        aria-describedby={`${id}-more`}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      <div id={`${id}-more`} class="more">
        {problem && <p class="wrong">{problem}</p>}
        {hint && <p class="hint">{hint}</p>}
      </div>
    </div>
  );
}

function Select({ field, value, disabled, problem, onValue, label }: Input & { label: string }) {
  const chosen = value as string[];
  const options: string[] = field.values ?? [];
  return (
    <fieldset class="field">
      <legend>{label}</legend>
      {many(field) ? (
        options.map((one) => (
          <Check key={one} label={one} value={chosen.includes(one)} onValue={(on) => onValue(on ? [...chosen, one] : chosen.filter((other) => other !== one))} />
        ))
      ) : (
        <select aria-label={label} value={chosen[0] ?? ""} disabled={disabled} onChange={(event) => onValue(event.currentTarget.value ? [event.currentTarget.value] : [])}>
          <option value="">–</option>
          {options.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      )}
      {problem && <p class="wrong">{problem}</p>}
    </fieldset>
  );
}

function FileField({ field, record, value, disabled, problem, onValue, label }: Input & { label: string }) {
  const { kept, added } = value as Files;
  const token = useFileToken(Boolean(field.protected) && kept.some(isPicture), record);
  const shown = !field.protected || token;
  const open = async (name: string) => {
    const token = field.protected ? await client.files.getToken() : "";
    window.open(client.files.getURL(record!, name, token ? { token } : {}), "_blank", "noopener");
  };
  return (
    <fieldset class="field">
      <legend>{label}</legend>
      <ul class="files">
        {kept.map((name) => (
          <li key={name} class="row">
            <button type="button" class="quiet mono name" onClick={() => void open(name)}>
              {record && shown && isPicture(name) && <Thumb record={record} name={name} token={token} named />}
              {name}
            </button>
            {!disabled && (
              <button type="button" class="quiet" aria-label={t.data.takeOut(name)} onClick={() => onValue({ kept: kept.filter((one) => one !== name), added })}>
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      {!disabled && <input type="file" aria-label={t.data.addFile(label)} multiple={many(field)} onChange={(event) => onValue({ kept, added: [...(event.currentTarget.files ?? [])] })} />}
      {added.length > 0 && <p class="hint">{t.data.willAdd(added.length)}</p>}
      {added.filter((file) => isPicture(file.name)).map((file, index) => (
        <Preview key={index} file={file} />
      ))}
      {problem && <p class="wrong">{problem}</p>}
    </fieldset>
  );
}
