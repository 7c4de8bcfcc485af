import type { RecordModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client, type Looked } from "../../api";
import { Dialog } from "../../parts/dialog";
import { Wrong } from "../../parts/notice";
import { problem } from "../../problem";
import { t } from "../../texts";
import { shownFields } from "./held_table";

interface Props {
  found: Looked;
  item: Looked["items"][number];
  onClose: () => void;
}

/** One record as it is in the backup; where it is another now, beside that. */
export function Look({ found, item: { record, state, changed }, onClose }: Props) {
  const [present, setPresent] = useState<RecordModel | null>(null);
  const [wrong, setWrong] = useState<string>();
  const differs = state === "changed";
  useEffect(() => {
    if (!differs) return;
    client
      .collection(found.collectionNow)
      .getOne(record.id)
      .then(setPresent, (error) => setWrong(problem(error).text));
  }, []);
  return (
    <Dialog drawer title={t.recover.lookTitle} onClose={onClose}>
      <p>
        <span class="mono">{record.id}</span> <span class="badge">{t.recover.state[state]}</span>
      </p>
      <Wrong text={wrong} />
      <dl class="differences">
        {shownFields(found.collection).map(({ name }) => (
          <div key={name}>
            <dt>{name}</dt>
            {differs && present && changed.includes(name) ? (
              <>
                <dd>
                  <span class="hint">{t.recover.then}:</span> {inFull(record[name])}
                </dd>
                <dd>
                  <span class="hint">{t.recover.now}:</span> <strong>{inFull(present[name])}</strong>
                </dd>
              </>
            ) : (
              <dd>{inFull(record[name])}</dd>
            )}
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function inFull(value: unknown): string {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return "–";
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
}
