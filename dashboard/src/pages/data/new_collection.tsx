import { useState } from "preact/hooks";
import { client } from "../../api";
import { Dialog } from "../../parts/dialog";
import { Check, TextField } from "../../parts/form";
import { Wrong } from "../../parts/notice";
import { problem } from "../../problem";
import { go } from "../../route";
import { t } from "../../texts";
import { loadCollections } from "./data";

const STAMPS = [
  { type: "autodate", name: "created", onCreate: true },
  { type: "autodate", name: "updated", onCreate: true, onUpdate: true },
];

/** Makes a collection; its fields come afterwards. */
export function NewCollection({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [type, setType] = useState("base");
  const [stamps, setStamps] = useState(true);
  const [wrong, setWrong] = useState<string>();
  const [field, setField] = useState<string>();
  const submit = async (event: Event) => {
    event.preventDefault();
    setWrong(undefined);
    setField(undefined);
    try {
      await client.collections.create({ name, type, fields: stamps ? STAMPS : [] });
      await loadCollections();
      onClose();
      go("data", name, "fields");
    } catch (error) {
      const { text, fields } = problem(error);
      setField(fields.name);
      if (!fields.name) setWrong(Object.values(fields)[0] ?? text);
    }
  };
  return (
    <Dialog title={t.schema.newCollection} onClose={onClose}>
      <form onSubmit={submit}>
        <TextField label={t.schema.name} value={name} onValue={setName} problem={field} required autofocus mono />
        <label class="field">
          <span class="label">{t.schema.kind}</span>
          <select value={type} onChange={(event) => setType(event.currentTarget.value)}>
            {t.schema.kinds.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <Check label={t.dev.stamps} value={stamps} onValue={setStamps} />
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
