import type { CollectionField, RecordModel } from "pocketbase";
import { useState } from "preact/hooks";
import type { Looked, Since } from "../../api";
import { t } from "../../texts";
import { namingFields } from "../data/related";
import { RecordTable } from "../data/record_table";
import { useFileToken } from "../data/thumb";
import { useExpanded, useFilesNow } from "./held_names";
import { Look } from "./look";

/** What the table has room for. */
const COLUMNS = 5;
const TONES: Record<Since, string> = { gone: "badge bad", changed: "badge warn", same: "badge" };

/** What can be shown of a backup’s record. */
export const shownFields = ({ fields }: Looked["collection"]): CollectionField[] =>
  fields.filter((field: CollectionField) => field.name !== "id" && field.type !== "password" && field.name !== "tokenKey");

interface Props {
  backup: string;
  found: Looked;
  /** Whether each says what has become of it: not where all are alike. */
  states: boolean;
  chosen: string[];
  onChosen: (change: (before: string[]) => string[]) => void;
  sort: string;
  onSort: (name: string) => void;
}

/** Records of a backup, each with what has become of it since. */
export function HeldTable({ backup, found, states, ...rest }: Props) {
  const [looking, setLooking] = useState<Looked["items"][number] | null>(null);
  const fields = shownFields(found.collection);
  const naming = namingFields(fields);
  const shown = [...naming, ...fields.filter((field) => !naming.includes(field))].slice(0, COLUMNS);
  // A backup’s files are not served, but many of them are still there.
  const isThere = useFilesNow(found, fields);
  const token = useFileToken(fields.some((field) => field.type === "file" && field.protected), found);
  const records = useExpanded(backup, found.items.map((one) => one.record), shown);
  const itemOf = ({ id }: RecordModel) => found.items.find((one) => one.record.id === id)!;
  const badge = (record: RecordModel) => {
    const { state } = itemOf(record);
    return <span class={TONES[state]}>{t.recover.state[state]}</span>;
  };
  return (
    <>
      <RecordTable
        {...rest}
        label={t.recover.held(found.collection.name)}
        records={records}
        fields={shown}
        token={token}
        isThere={isThere}
        first={states ? { title: t.recover.stateColumn, cell: badge } : undefined}
        called={t.recover.look}
        onOpen={(record) => setLooking(itemOf(record))}
      />
      {looking && <Look backup={backup} found={found} item={looking} token={token} isThere={isThere} onClose={() => setLooking(null)} />}
    </>
  );
}
