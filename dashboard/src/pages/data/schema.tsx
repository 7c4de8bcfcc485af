import type { CollectionField, CollectionModel } from "pocketbase";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../../api";
import { useAttempt } from "../../parts/attempt";
import { same } from "../../parts/changes";
import { Confirm } from "../../parts/confirm";
import { Discard } from "../../parts/discard";
import { Check, Choice, TextField } from "../../parts/form";
import { useFirstWrong } from "../../parts/first_wrong";
import { useKept } from "../../parts/kept";
import { Notice, Said } from "../../parts/notice";
import type { FieldProblems } from "../../problem";
import { t } from "../../texts";
import { collections, loadCollections } from "./data";
import { FieldOptions, isOption, optionLabel } from "./field_options";
import { LinesField } from "./lines";
import { RemoveCollection } from "./remove_collection";
import { Rename } from "./rename";
import { changed, isNarrowed, type Draft } from "./schema_changes";
import { folderOf } from "./section";
import { inserted, newRow, rowsOf, withTypedRows, type Row } from "./schema_rows";

const TYPES = ["text", "editor", "number", "bool", "email", "url", "date", "autodate", "select", "file", "relation", "json", "geoPoint"];

/** The fields of a collection: added, renamed, changed, taken out. */
export function Schema({ collection }: { collection: CollectionModel }) {
  const fetch = async (): Promise<CollectionField[]> => (await client.collections.getOne(collection.id)).fields;
  // What the page began with: others may change the collection while it is open.
  const state = useKept(folderOf(collection, "fields/list"), () => begun(collection.fields), isUnsaved);
  const { shown, rows } = state.value;
  const setRows = (change: (before: Row[]) => Row[]) => {
    state.value = { ...state.peek(), rows: change(state.peek().rows) };
    attempted.changed();
  };
  const attempted = useAttempt();
  const { attempt, said, problems, waiting } = attempted;
  const [asking, setAsking] = useState(false);
  const form = useFirstWrong(problems, asking);
  const fields = rows.map((row) => row.field);
  const gone = shown.filter((field) => !fields.some((one) => one.id === field.id)).map((field) => field.name);
  const narrowed = shown.filter((field) => fields.some((one) => one.id === field.id && isNarrowed(field, one))).map((field) => field.name);
  const lost = [gone.length > 0 && t.schema.gone(gone.join(", ")), narrowed.length > 0 && t.schema.narrowed(narrowed.join(", "))].filter(Boolean).join(" ");
  const change = (key: string, more: Partial<Draft>) => setRows((before) => before.map((row) => (row.key === key ? { key, field: { ...row.field, ...more } } : row)));

  const added = useRef("");
  const add = (row: Row) => {
    added.current = row.key;
    setRows((before) => inserted(before, [row]));
  };

  const save = async () => {
    const now = await fetch();
    const wanted = changed(shown, fields, now);
    // Shown as they are sent: the server counts them where it complains.
    const sent = rowsOf(wanted, rows);
    state.value = { shown: now, rows: withTypedRows(rows, state.peek().rows, sent) };
    const saved: CollectionField[] = (await client.collections.update(collection.id, { fields: wanted })).fields;
    state.value = { shown: saved, rows: withTypedRows(sent, state.peek().rows, rowsOf(saved, sent)) };
    await loadCollections();
  };
  const discard = () =>
    attempt(async () => {
      state.value = begun(await fetch());
    });
  const submit = (event: Event) => {
    event.preventDefault();
    if (lost) setAsking(true);
    else void attempt(save, t.saved);
  };
  return (
    <>
      <form ref={form} class="card" onSubmit={submit}>
        <ul class="schema">
          {rows.map(({ key, field }, index) => (
            <li key={key}>
              <FieldRow
                field={field}
                problems={problemsOf(problems, `fields.${index}.`)}
                isTwice={isTwice(field, fields)}
                isAdded={key === added.current}
                onChange={(more) => change(key, more)}
                onRemove={() => setRows((before) => before.filter((row) => row.key !== key))}
              />
            </li>
          ))}
        </ul>
        <label class="field adding">
          <span class="label">{t.schema.add}</span>
          <select
            value=""
            onChange={(event) => {
              const type = event.currentTarget.value;
              event.currentTarget.value = "";
              if (type) add(newRow(fresh(type)));
            }}
          >
            <option value="">{t.schema.chooseType}</option>
            {TYPES.map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </select>
        </label>
        {lost && <Notice tone="warn">{lost}</Notice>}
        <Said said={said && { ...said, text: [said.text, ...inWords(problems, fields)].join(" ") }} />
        <div class="actions">
          <RemoveCollection collection={collection} />
          <Discard of={{ isUnsaved: isUnsaved(state.value), waiting, discard }} />
          <button class="primary" disabled={waiting}>
            {t.schema.save}
          </button>
        </div>
      </form>
      {asking && (
        <Confirm
          title={gone.length ? t.schema.goneTitle : t.schema.narrowedTitle}
          text={lost}
          typing={{ name: collection.name, of: t.named.collection }}
          action={t.schema.goneDo}
          perform={() => attempt(save, t.saved)}
          onClose={() => setAsking(false)}
        />
      )}
      <Rename collection={collection} />
    </>
  );
}

/** The fields that the page began with, and what was made of them. */
interface State {
  shown: CollectionField[];
  rows: Row[];
}

const begun = (shown: CollectionField[]): State => ({ shown, rows: rowsOf(shown) });
const isUnsaved = ({ shown, rows }: State) => !same(shown, rows.map((row) => row.field));

/** A new field, with what its type can't do without. */
function fresh(type: string): Draft {
  const more = type === "select" ? { values: [], maxSelect: 1 } : type === "autodate" ? { onCreate: true, onUpdate: false } : type === "file" || type === "relation" ? { maxSelect: 1 } : {};
  return { name: "", type, required: false, ...more };
}

/** What is wrong with the parts of what `prefix` leads to, by their names. */
function problemsOf(problems: FieldProblems, prefix: string): FieldProblems {
  const found = Object.entries(problems).filter(([path]) => path.startsWith(prefix));
  return Object.fromEntries(found.map(([path, text]) => [path.slice(prefix.length), text]));
}

/** What is wrong, each with the field and the part of it that it is about. */
function inWords(problems: FieldProblems, fields: Draft[]): string[] {
  return Object.entries(problems).map(([path, text]) => {
    const [, index, part] = /^fields\.(\d+)\.?([^.]*)/.exec(path) ?? [];
    const field = fields[Number(index)];
    if (!field) return text;
    const label = part ? labelOf(field.type, part) : "";
    return `${field.name || t.schema.nth(Number(index) + 1)}${label && ` (${label})`}: ${text}`;
  });
}

/** What the input is called that a part of a field is typed into. */
function labelOf(type: string, part: string): string {
  const own: Record<string, string | undefined> = { name: t.schema.name, values: t.schema.values, collectionId: t.schema.relatesTo, maxSelect: t.schema.several[type] };
  return own[part] ?? optionLabel(type, part);
}

/** What stands beside an input of its own, and not beside the name. */
const hasInput = (type: string, part: string) =>
  isOption(type, part) ||
  (part === "values" && type === "select") ||
  (part === "collectionId" && type === "relation") ||
  (part === "maxSelect" && type in t.schema.several);

/** Whether another field has the same name; the server tells no capital letters from small ones. */
const isTwice = ({ name }: Draft, fields: Draft[]) => name !== "" && fields.filter((one) => one.name.toLowerCase() === name.toLowerCase()).length > 1;

const atLeastOne = (text: string) => Math.max(1, Math.trunc(Number(text) || 1));

interface Props {
  field: Draft;
  problems: FieldProblems;
  isTwice: boolean;
  /** Whether it was just added: its name comes next. */
  isAdded: boolean;
  onChange: (more: Partial<Draft>) => void;
  onRemove: () => void;
}

function FieldRow({ field, problems, isTwice, isAdded, onChange, onRemove }: Props) {
  // As they are typed, unless the field has become another meanwhile.
  const [several, setSeveral] = useState<string | null>(null);
  // A new field begins without a name: that is no mistake until something was typed and taken away.
  const [named, setNamed] = useState(field.name !== "");
  const fixed = Boolean(field.system);
  const problemOf = (part: string) => Object.entries(problems).find(([path]) => path.split(".")[0] === part)?.[1];
  // What no other input is about stands beside the name.
  const general = Object.entries(problems).find(([path]) => fixed || !hasInput(field.type, path.split(".")[0]!))?.[1];
  const nameProblem = isTwice ? t.schema.twice(field.name) : named && field.name.trim() === "" ? t.schema.nameless : undefined;
  const rename = (name: string) => {
    setNamed(true);
    onChange({ name });
  };
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isAdded) line.current?.querySelector("input")?.focus();
  }, []);
  return (
    <>
      <div ref={line} class="line">
        <TextField label={t.schema.name} value={field.name} onValue={rename} problem={nameProblem ?? general} disabled={fixed} mono />
        <span class="badge">{field.type}</span>
        {field.type !== "autodate" && !fixed && <Check label={t.schema.required} value={Boolean(field.required)} onValue={(required) => onChange({ required })} />}
        {fixed ? (
          <span class="hint">{t.schema.system}</span>
        ) : (
          <button type="button" class="quiet" aria-label={t.schema.takeOut(field.name)} onClick={onRemove}>
            {t.schema.remove}
          </button>
        )}
      </div>
      {!fixed && field.type === "select" && (
        <LinesField label={t.schema.values} value={field.values ?? []} onValue={(values) => onChange({ values })} problem={problemOf("values")} />
      )}
      {!fixed && field.type === "relation" && (
        <Choice
          label={t.schema.relatesTo}
          value={field.collectionId ?? ""}
          choices={[["", "–"], ...(collections.value ?? []).filter((one) => one.type !== "view").map((one) => [one.id, one.name] as const)]}
          disabled={Boolean(field.id)}
          onValue={(collectionId) => onChange({ collectionId })}
          problem={problemOf("collectionId")}
        />
      )}
      {!fixed && ["select", "file", "relation"].includes(field.type) && (
        <TextField
          label={t.schema.several[field.type] ?? ""}
          hint={t.schema.severalHint}
          problem={problemOf("maxSelect")}
          type="number"
          min={1}
          value={several !== null && atLeastOne(several) === (field.maxSelect || 1) ? several : String(field.maxSelect || 1)}
          onValue={(text) => {
            setSeveral(text);
            onChange({ maxSelect: atLeastOne(text) });
          }}
        />
      )}
      {!fixed && field.type === "autodate" && (
        <>
          <Check label={t.schema.onCreate} value={Boolean(field.onCreate)} onValue={(onCreate) => onChange({ onCreate })} />
          <Check label={t.schema.onUpdate} value={Boolean(field.onUpdate)} onValue={(onUpdate) => onChange({ onUpdate })} />
        </>
      )}
      {!fixed && <FieldOptions field={field} problemOf={problemOf} onChange={onChange} />}
    </>
  );
}
