import { useState } from "preact/hooks";
import { client } from "../../api";
import { Dialog } from "../../parts/dialog";
import { without } from "../../parts/attempt";
import { Check, TextField } from "../../parts/form";
import { Wrong } from "../../parts/notice";
import { problem, type FieldProblems } from "../../problem";
import { go } from "../../route";
import { t } from "../../texts";
import { collections, loadCollections } from "./data";
import { ViewQuery } from "./view_query";

const STAMPS = [
  { type: "autodate", name: "created", onCreate: true },
  { type: "autodate", name: "updated", onCreate: true, onUpdate: true },
];

/** What is wrong with the name of a collection where another has it. The server tells no capital letters from small ones. */
export function takenBy(name: string, id?: string): string | undefined {
  const other = collections.value?.find((one) => one.id !== id && one.name.toLowerCase() === name.trim().toLowerCase());
  return other && t.schema.taken(other.name);
}

/** Makes a collection; its fields come afterwards. */
export function NewCollection({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [type, setType] = useState("base");
  const [query, setQuery] = useState("");
  const [stamps, setStamps] = useState(true);
  const [wrong, setWrong] = useState<string>();
  const [problems, setProblems] = useState<FieldProblems>({});
  const view = type === "view";
  const changeQuery = (text: string) => {
    setProblems({});
    setQuery(text);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setWrong(undefined);
    setProblems({});
    try {
      await client.collections.create({ name, type, ...(view ? { viewQuery: query } : { fields: stamps ? STAMPS : [] }) });
      await loadCollections();
      onClose();
      go("data", name, ...(view ? [] : ["fields"]));
    } catch (error) {
      const { text, fields } = problem(error);
      setProblems(fields);
      const placed = fields.name || (view && fields.viewQuery);
      if (!placed) setWrong(Object.values(fields)[0] ?? text);
    }
  };
  return (
    <Dialog title={t.schema.newCollection} onClose={onClose} unsaved={Boolean(name || query)}>
      <form onSubmit={submit}>
        <TextField label={t.schema.name} value={name} onValue={(text) => (setName(text), setProblems((before) => without(before, ["name"])), setWrong(undefined))} problem={takenBy(name) ?? problems.name} required autofocus mono />
        <label class="field">
          <span class="label">{t.schema.kind}</span>
          <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
            {[...t.schema.kinds, ["view", t.dev.view.kind]].map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {view ? <ViewQuery query={query} onQuery={changeQuery} problem={problems.viewQuery} /> : <Check label={t.dev.stamps} value={stamps} onValue={setStamps} />}
        <Wrong text={wrong} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="primary">{t.schema.createDo}</button>
        </div>
      </form>
    </Dialog>
  );
}
