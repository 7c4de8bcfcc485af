// What can be said of a field beside its name and type.

import { bytes } from "../../format";
import { Check, TextField } from "../../parts/form";
import { ListField } from "../../parts/list";
import { NumberField } from "../../parts/number";
import { t } from "../../texts";
import type { Draft } from "./schema_changes";

/** A number where 0 says "as usual", one that may be missing, bytes, a text, words, or yes and no. */
type Kind = "number" | "bound" | "bytes" | "text" | "list" | "check";

const OPTIONS: Record<string, [name: string, kind: Kind][]> = {
  text: [["min", "number"], ["max", "number"], ["pattern", "text"], ["autogeneratePattern", "text"]],
  editor: [["maxSize", "bytes"], ["convertURLs", "check"]],
  number: [["min", "bound"], ["max", "bound"], ["onlyInt", "check"]],
  email: [["onlyDomains", "list"], ["exceptDomains", "list"]],
  url: [["onlyDomains", "list"], ["exceptDomains", "list"]],
  date: [["min", "text"], ["max", "text"]],
  file: [["maxSize", "bytes"], ["mimeTypes", "list"], ["thumbs", "list"], ["protected", "check"]],
  relation: [["minSelect", "number"], ["cascadeDelete", "check"]],
  json: [["maxSize", "bytes"]],
};
const OF_ALL: [string, Kind][] = [["hidden", "check"], ["presentable", "check"]];

const optionsOf = (type: string) => [...(OPTIONS[type] ?? []), ...OF_ALL];
export const isOption = (type: string, name: string) => optionsOf(type).some(([one]) => one === name);

/** What the input of an option is called. */
export const optionLabel = (type: string, name: string) => t.dev.field.names[`${type}.${name}`] ?? t.dev.field.names[name] ?? name;

interface Props {
  field: Draft;
  problemOf: (part: string) => string | undefined;
  onChange: (more: Partial<Draft>) => void;
}

export function FieldOptions({ field, problemOf, onChange }: Props) {
  const options = optionsOf(field.type);
  const wrong = options.some(([name]) => problemOf(name));
  return (
    // What is wrong must be seen.
    <details class="fold" open={wrong ? true : undefined}>
      <summary>{t.dev.field.options}</summary>
      <fieldset>
        <legend class="hidden">{t.dev.field.optionsOf(field.name)}</legend>
        <div class="grid top-aligned">
          {options.map(([name, kind]) => (
            <Option key={name} field={field} name={name} kind={kind} problem={problemOf(name)} onChange={onChange} />
          ))}
        </div>
      </fieldset>
    </details>
  );
}

function Option({ field, name, kind, problem, onChange }: { field: Draft; name: string; kind: Kind; problem: string | undefined; onChange: Props["onChange"] }) {
  const label = optionLabel(field.type, name);
  const hint = t.dev.field.hints[`${field.type}.${name}`] ?? t.dev.field.hints[name] ?? "";
  const value = field[name];
  const set = (value: unknown) => onChange({ [name]: value });
  switch (kind) {
    case "check":
      return <Check label={label} value={Boolean(value)} onValue={set} hint={hint} />;
    case "number":
      return <NumberField label={label} value={Number(value ?? 0)} onValue={set} problem={problem} hint={hint} min={0} />;
    case "bytes":
      return <NumberField label={label} value={Number(value ?? 0)} onValue={set} problem={problem} hint={Number(value) ? bytes(Number(value)) : hint} min={0} />;
    case "bound":
      // Any number, so no input that takes whole ones alone.
      return <TextField label={label} type="number" step="any" value={value === null || value === undefined ? "" : String(value)} onValue={(text) => set(text === "" ? null : Number(text))} problem={problem} hint={hint} />;
    case "list":
      return <ListField label={label} value={Array.isArray(value) ? value.map(String) : []} onValue={set} problem={problem} hint={hint} mono />;
    case "text":
      return <TextField label={label} value={String(value ?? "")} onValue={set} problem={problem} hint={hint} mono />;
  }
}
