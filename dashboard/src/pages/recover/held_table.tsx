import type { CollectionField, RecordModel } from "pocketbase";
import { useState } from "preact/hooks";
import type { Looked, Since } from "../../api";
import { t } from "../../texts";
import { RecordTable } from "../data/record_table";
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
export function HeldTable({ found, states, ...rest }: Props) {
  const [looking, setLooking] = useState<Looked["items"][number] | null>(null);
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
        records={found.items.map((one) => one.record)}
        fields={shownFields(found.collection).slice(0, COLUMNS)}
        token={undefined}
        first={states ? { title: t.recover.stateColumn, cell: badge } : undefined}
        called={t.recover.look}
        onOpen={(record) => setLooking(itemOf(record))}
      />
      {looking && <Look found={found} item={looking} onClose={() => setLooking(null)} />}
    </>
  );
}
