import type { CollectionField, RecordModel } from "pocketbase";
import { exact, whenText } from "../../format";
import { t } from "../../texts";
import { relatedNames } from "./related";
import { Thumb, isPicture } from "./thumb";

const LONGEST = 80;
const PICTURES = 3;

const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text || "–");

interface Props {
  record: RecordModel;
  field: CollectionField;
  /** For protected files. */
  token: string | undefined;
  /** Whether the file of this name can be shown. */
  isThere?: ((name: string) => boolean) | undefined;
}

/** A value in a cell, in short. */
export function Cell({ record, field, token, isThere = () => true }: Props) {
  const value: unknown = record[field.name];
  if (value === null || value === undefined || value === "") return <>–</>;
  switch (field.type) {
    case "date":
    case "autodate":
      return <>{whenText(String(value))}</>;
    case "bool":
      return <>{value ? t.data.yes : t.data.no}</>;
    case "number":
      return <>{exact(Number(value))}</>;
    case "relation": {
      const related = relatedNames(record, field);
      return <span title={related.map((one) => one.id).join(", ")}>{cut(related.map(({ name, missing }) => (missing ? t.data.notThere(name) : name)).join(", "))}</span>;
    }
    case "file":
      return <Files record={record} names={[value].flat().map(String)} field={field} token={token} isThere={isThere} />;
    default:
      return <>{cut(inWords(value))}</>;
  }
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function Files({ record, names, field, token, isThere }: Required<Props> & { names: string[] }) {
  const pictures = names.filter((name) => isPicture(name) && isThere!(name)).slice(0, PICTURES);
  const rest = names.filter((name) => !pictures.includes(name));
  if (names.length === 0) return <>–</>;
  // A protected one is asked for once there is a token.
  const ready = !field.protected || token;
  return (
    <>
      {pictures.map((name) => (ready ? <Thumb key={name} record={record} name={name} token={field.protected ? token : undefined} /> : <span key={name} class="thumb" />))}
      {rest.length > 0 && <span title={rest.join(", ")}>{cut(rest.join(", "))}</span>}
    </>
  );
}
