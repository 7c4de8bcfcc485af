import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client } from "../../api";
import { Confirm } from "../../parts/confirm";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/form";
import { Wrong } from "../../parts/notice";
import { problem, type FieldProblems } from "../../problem";
import { t } from "../../texts";
import { FieldInput, openRecord, problemWith, valueFor, wire, type Opened } from "./fields";

interface Props {
  collection: CollectionModel;
  /** The one that is to be looked at, or null for a new one. */
  id: string | null;
  onClose: () => void;
  /** Something changed. */
  onDone: () => void;
}

/** One record, to be looked at, changed, made or deleted. */
export function Drawer({ id, ...rest }: Props) {
  const [opened, setOpened] = useState<Opened>();
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    if (id === null) return;
    openRecord(rest.collection, id).then(setOpened, (error) => setWrong(problem(error).text));
  }, []);
  const ready = id === null || opened;
  return ready ? (
    <Editor {...rest} opened={opened ?? null} />
  ) : (
    <Dialog drawer title={t.data.recordTitle} onClose={rest.onClose}>
      {wrong ? <Wrong text={wrong} /> : <p class="empty" role="status">{t.loading}</p>}
    </Dialog>
  );
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

function Editor({ collection, opened, onClose, onDone }: Omit<Props, "id"> & { opened: Opened | null }) {
  const record: RecordModel | null = opened?.record ?? null;
  const fields: CollectionField[] = collection.fields.filter((field: CollectionField) => field.type !== "autodate" && field.name !== "tokenKey");
  const [initial] = useState<Record<string, unknown>>(() => Object.fromEntries(fields.map((field) => [field.name, valueFor(field, opened)])));
  const [draft, setDraft] = useState(initial);
  const [confirmation, setConfirmation] = useState("");
  const [problems, setProblems] = useState<FieldProblems>({});
  const [wrong, setWrong] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const [removing, setRemoving] = useState(false);
  const view = collection.type === "view";
  const records = client.collection(collection.name);

  const submit = async (event: Event) => {
    event.preventDefault();
    setProblems({});
    setWrong(undefined);
    // Others may write the same record meanwhile: only what was changed here is sent.
    const edited = fields.filter((field) => !record || !same(draft[field.name], initial[field.name]));
    if (record && edited.length === 0) return onDone();
    const found = Object.fromEntries(edited.map((field) => [field.name, problemWith(field, draft[field.name])]).filter(([, text]) => text));
    if (Object.keys(found).length) return setProblems(found);
    const body: Record<string, unknown> = {};
    for (const field of edited) Object.assign(body, wire(field, draft[field.name], record));
    if (body.password) body.passwordConfirm = confirmation;
    setWaiting(true);
    try {
      await (record ? records.update(record.id, body) : records.create(body));
      onDone();
    } catch (error) {
      const { text, fields } = problem(error);
      setProblems(fields);
      setWrong(text);
      setWaiting(false);
    }
  };
  if (removing && record) {
    return (
      <Confirm title={t.data.removeTitle} text={t.data.removeText} name={record.id} action={t.data.removeDo} perform={() => records.delete(record.id).then(onDone)} onClose={() => setRemoving(false)} />
    );
  }
  return (
    <Dialog drawer title={record ? t.data.recordTitle : t.data.newTitle(collection.name)} onClose={onClose}>
      <form onSubmit={submit}>
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            record={record}
            value={draft[field.name]}
            disabled={view || (field.name === "id" && record !== null)}
            problem={problems[field.name] ?? Object.entries(problems).find(([name]) => name.startsWith(`${field.name}.`))?.[1]}
            onValue={(value) => setDraft((before) => ({ ...before, [field.name]: value }))}
          />
        ))}
        {draft.password ? (
          <TextField label={t.data.passwordAgain} type="password" value={confirmation} onValue={setConfirmation} problem={problems.passwordConfirm} autocomplete="new-password" />
        ) : null}
        <Wrong text={wrong} />
        {!view && (
          <div class="actions">
            {record && (
              <button type="button" class="quiet" onClick={() => setRemoving(true)}>
                {t.data.remove}
              </button>
            )}
            <button class="primary" disabled={waiting}>
              {t.save}
            </button>
          </div>
        )}
      </form>
    </Dialog>
  );
}
