import type { CollectionField, RecordModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client, type Looked } from "../../api";
import { Dialog } from "../../parts/dialog";
import { Wrong } from "../../parts/notice";
import { whenText } from "../../format";
import { problem } from "../../problem";
import { t } from "../../texts";
import { expandOf, nameOf, relatedNames } from "../data/related";
import { Thumb, isPicture } from "../data/thumb";
import { useExpanded, type IsThere } from "./held_names";
import { shownFields } from "./held_table";

interface Props {
  backup: string;
  found: Looked;
  item: Looked["items"][number];
  /** For protected files. */
  token: string | undefined;
  isThere: IsThere;
  onClose: () => void;
}

/** One record as it is in the backup; where it is another now, beside that. */
export function Look({ backup, found, item: { record, state, changed }, token, isThere, onClose }: Props) {
  const [present, setPresent] = useState<RecordModel | null>(null);
  const [wrong, setWrong] = useState<string>();
  const fields = shownFields(found.collection);
  const then = useExpanded(backup, [record], fields)[0]!;
  const name = nameOf(record);
  const differs = state === "changed";
  useEffect(() => {
    if (!differs) return;
    // A field of then may be none any more.
    client
      .collection(found.collectionNow)
      .getOne(record.id, { expand: expandOf(fields.filter((field) => changed.includes(field.name))) })
      .then(setPresent, (error) => setWrong(problem(error).text));
  }, []);
  return (
    <Dialog drawer title={t.recover.lookTitle} onClose={onClose}>
      <p>
        {name !== record.id && <strong>{name}</strong>} <span class="mono">{record.id}</span> <span class="badge">{t.recover.state[state]}</span>
      </p>
      <Wrong text={wrong} />
      <dl class="differences">
        {fields.map((field) => (
          <div key={field.name}>
            <dt>{field.name}</dt>
            {differs && present && changed.includes(field.name) ? (
              <>
                <dd>
                  <span class="hint">{t.recover.then}:</span> <InFull record={then} field={field} token={token} isThere={isThere} />
                </dd>
                <dd>
                  <span class="hint">{t.recover.now}:</span>{" "}
                  <strong>
                    <InFull record={present} field={field} token={token} isThere={() => true} />
                  </strong>
                </dd>
              </>
            ) : (
              <dd>
                <InFull record={then} field={field} token={token} isThere={isThere} />
              </dd>
            )}
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

interface Value {
  record: RecordModel;
  field: CollectionField;
  token: string | undefined;
  isThere: IsThere;
}

function InFull({ record, field, token, isThere }: Value) {
  const value: unknown = record[field.name];
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return <>–</>;
  if (field.type === "relation") {
    return (
      <>
        {relatedNames(record, field).map(({ id, name }, at) => (
          <span key={id}>
            {at > 0 && ", "}
            {name} {name !== id && <span class="hint mono">{id}</span>}
          </span>
        ))}
      </>
    );
  }
  if (field.type === "date" || field.type === "autodate") return <>{whenText(String(value))}</>;
  if (field.type === "file") {
    const shown = (name: string) => isPicture(name) && isThere(record, field, name) && (!field.protected || token);
    return (
      <>
        {[value].flat().map(String).map((name, at) => (
          <span key={name}>
            {at > 0 && ", "}
            {shown(name) && <Thumb record={record} name={name} token={field.protected ? token : undefined} named />} {name}
          </span>
        ))}
      </>
    );
  }
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return <>{value.join(", ")}</>;
  return <>{typeof value === "object" ? JSON.stringify(value, null, 2) : String(value)}</>;
}
