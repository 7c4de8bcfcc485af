import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { client } from "../../api";
import { useAttempt, without } from "../../parts/attempt";
import { same, withTyped } from "../../parts/changes";
import { Confirm } from "../../parts/confirm";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/form";
import { useFirstWrong } from "../../parts/first_wrong";
import { Said, Wrong } from "../../parts/notice";
import { Problem, problem, type FieldProblems } from "../../problem";
import { t } from "../../texts";
import { GoesAlong } from "./along";
import { FieldInput, inShort, openRecord, problemWith, valueFor, wire, type Opened } from "./fields";

interface Props {
  collection: CollectionModel;
  /** The one that is to be looked at, or null for a new one. */
  id: string | null;
  onClose: () => void;
  /** Something is other than it was. */
  onChanged: () => void;
}

type Values = Record<string, unknown>;

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

function Editor({ collection, opened, onClose, onChanged }: Omit<Props, "id"> & { opened: Opened | null }) {
  // What was opened, or saved since.
  const [base, setBase] = useState(opened);
  const record: RecordModel | null = base?.record ?? null;
  const fields: CollectionField[] = collection.fields.filter((field: CollectionField) => field.type !== "autodate" && field.name !== "tokenKey");
  const valuesOf = (opened: Opened | null): Values => Object.fromEntries(fields.map((field) => [field.name, valueFor(field, opened)]));
  const [initial, setInitial] = useState(() => valuesOf(opened));
  const [draft, setDraft] = useState(initial);
  const [confirmation, setConfirmation] = useState("");
  const { attempt, said, problems, waiting, changed } = useAttempt();
  const [refused, setRefused] = useState<FieldProblems>({});
  const [removing, setRemoving] = useState(false);
  // As it stands when an answer comes: null once this is closed.
  const typed = useRef<Values | null>(draft);
  useLayoutEffect(() => {
    typed.current = draft;
  }, [draft]);
  useEffect(() => () => void (typed.current = null), []);
  const view = collection.type === "view";
  const records = client.collection(collection.id);
  const wrong = Object.keys(refused).length ? refused : problems;
  const form = useFirstWrong(wrong);
  const mended = (...names: string[]) => {
    setRefused((before) => without(before, names));
    // What another has written meanwhile is said until it is replaced.
    if (said?.text !== t.data.meanwhile) changed(names);
  };
  // What is on its way to the server is not thrown away.
  const sent = useRef<Values | null>(null);
  const unsaved = !view && !same(draft, initial) && !(waiting && same(draft, sent.current));

  /** Where another has changed the same fields, nothing is saved: their values are shown, and the next save replaces them. */
  const compare = async (edited: CollectionField[]) => {
    const theirs = valuesOf(await openRecord(collection, record!.id));
    const taken = edited.filter(({ name, type, maxSelect }) => {
      // Of several files each is added or taken away by itself.
      if (type === "password" || (type === "file" && Number(maxSelect ?? 1) > 1)) return false;
      return !same(theirs[name], initial[name]) && !same(theirs[name], draft[name]);
    });
    if (taken.length === 0) return;
    setInitial((before) => ({ ...before, ...Object.fromEntries(taken.map(({ name }) => [name, theirs[name]])) }));
    const said = taken.map((field) => [field.name, t.data.theirs(inShort(field, theirs[field.name]))] as const);
    throw new Problem(t.data.meanwhile, Object.fromEntries(said));
  };
  const save = async (edited: CollectionField[], body: Record<string, unknown>) => {
    if (record) await compare(edited);
    const saved = await (record ? records.update(record.id, body) : records.create(body));
    onChanged();
    if (!typed.current) return;
    if (same(typed.current, draft)) return onClose();
    // More was typed meanwhile: it stays, to be saved next. Into this record, also where it can't be opened again now.
    if (!record) setBase({ record: saved, raw: {} });
    const now = await openRecord(collection, saved.id);
    const values = valuesOf(now);
    setBase(now);
    setInitial(values);
    setDraft((typed) => withTyped(draft, typed, values));
    setConfirmation((typed) => (typed === confirmation ? "" : typed));
  };
  const submit = (event: Event) => {
    event.preventDefault();
    // Others may write the same record meanwhile: only what was changed here is sent.
    const edited = fields.filter((field) => !record || !same(draft[field.name], initial[field.name]));
    if (record && edited.length === 0) return onClose();
    const found = Object.fromEntries(edited.map((field) => [field.name, problemWith(field, draft[field.name])] as const).filter(([, text]) => text)) as FieldProblems;
    if (draft.password && draft.password !== confirmation) found.passwordConfirm = t.install.mismatch;
    setRefused(found);
    if (Object.keys(found).length) return;
    const body: Record<string, unknown> = {};
    for (const field of edited) Object.assign(body, wire(field, draft[field.name], record));
    if (body.password) body.passwordConfirm = confirmation;
    sent.current = draft;
    void attempt(() => save(edited, body), t.data.savedMore);
  };
  if (removing && record) {
    return (
      <Confirm
        title={t.data.removeTitle}
        text={t.data.removeText}
        action={t.data.removeDo}
        perform={async () => {
          await records.delete(record.id);
          onChanged();
          onClose();
        }}
        onClose={() => setRemoving(false)}
      >
        <p class="mono chip">{record.id}</p>
        <GoesAlong collection={collection} ids={[record.id]} />
      </Confirm>
    );
  }
  return (
    <Dialog drawer title={record ? t.data.recordTitle : t.data.newTitle(collection.name)} onClose={onClose} unsaved={unsaved}>
      <form ref={form} onSubmit={submit}>
        {fields.map((field) => (
          <Fragment key={field.name}>
            <FieldInput
              field={field}
              record={record}
              value={draft[field.name]}
              disabled={view || (field.name === "id" && record !== null)}
              problem={wrong[field.name] ?? Object.entries(wrong).find(([name]) => name.startsWith(`${field.name}.`))?.[1]}
              onValue={(value) => {
                setDraft((before) => ({ ...before, [field.name]: value }));
                mended(field.name, ...(field.name === "password" ? ["passwordConfirm"] : []));
              }}
            />
            {field.name === "password" && (!record || draft.password) ? (
              <TextField
                label={t.repeatPassword}
                type="password"
                value={confirmation}
                onValue={(text) => {
                  setConfirmation(text);
                  mended("passwordConfirm");
                }}
                problem={wrong.passwordConfirm}
                autocomplete="new-password"
              />
            ) : null}
          </Fragment>
        ))}
        <Said said={said} />
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
