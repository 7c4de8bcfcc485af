import { useState } from "preact/hooks";
import { client } from "../../api";
import { Confirm } from "../../parts/confirm";
import { Check } from "../../parts/form";
import { Notice, Wrong } from "../../parts/notice";
import { Problem, problem } from "../../problem";
import { t } from "../../texts";
import { same } from "../../parts/changes";
import { collections, freshCollections, loadCollections } from "../data/data";
import { TextArea } from "../data/fields";
import { definitionsIn, loses, planImport, type Plan } from "./plan";
import { Planned } from "./planned";

/** Definitions of collections are small; a longer file is something else. */
const LONGEST = 5_000_000;

export function Import() {
  const [text, setText] = useState("");
  const [deleteMissing, setDeleteMissing] = useState(false);
  const [said, setSaid] = useState<{ tone: "good" | "bad"; text: string } | null>(null);
  const [asking, setAsking] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const sent = text.trim() ? definitionsIn(text) : null;
  const plan = sent && planImport(sent, collections.value ?? [], deleteMissing);
  const write = (text: string) => {
    setSaid(null);
    setText(text);
  };
  const choose = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > LONGEST) return setSaid({ tone: "bad", text: t.dev.transfer.tooLong });
    write(await file.text());
  };

  const perform = async (shown: Plan) => {
    setSaid(null);
    setWaiting(true);
    try {
      // What happens is what was shown, also where somebody else changed collections meanwhile.
      if (!same(planImport(sent!, await freshCollections(), deleteMissing), shown)) throw new Problem(t.dev.transfer.meanwhile);
      await client.collections.import(sent as never, deleteMissing);
      await loadCollections();
      setText("");
      setDeleteMissing(false);
      setSaid({ tone: "good", text: t.dev.transfer.done });
    } catch (error) {
      const { text, fields } = problem(error);
      setSaid({ tone: "bad", text: [text, ...Object.values(fields)].join("\n") });
    } finally {
      setWaiting(false);
    }
  };
  return (
    <form
      class="card"
      aria-labelledby="import"
      onSubmit={(event) => {
        event.preventDefault();
        if (!plan) return;
        if (loses(plan)) setAsking(true);
        else void perform(plan);
      }}
    >
      <h2 id="import">{t.dev.transfer.import}</h2>
      <label class="field">
        <span class="label">{t.dev.transfer.file}</span>
        <input
          type="file"
          accept="application/json,.json"
          onChange={(event) => {
            void choose(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <TextArea label={t.dev.transfer.paste} value={text} onValue={write} problem={text.trim() && !sent ? t.dev.transfer.unreadable : undefined} mono />
      <Check label={t.dev.transfer.deleteMissing} value={deleteMissing} onValue={setDeleteMissing} hint={t.dev.transfer.deleteHint} />
      {plan && <Planned plan={plan} />}
      {said && (said.tone === "bad" ? <Wrong text={said.text} /> : <Notice tone="good">{said.text}</Notice>)}
      <div class="actions">
        <button class={plan && loses(plan) ? "danger" : "primary"} disabled={!plan || plan.entries.length === 0 || waiting}>
          {t.dev.transfer.importDo}
        </button>
      </div>
      {asking && plan && (
        <Confirm
          title={t.dev.transfer.loseTitle}
          text={t.dev.transfer.loseText(lost(plan))}
          typing={{ word: t.dev.transfer.loseWord }}
          action={t.dev.transfer.loseDo}
          perform={() => perform(plan)}
          onClose={() => setAsking(false)}
        />
      )}
    </form>
  );
}

/** What goes for good, in words. */
function lost({ entries }: Plan): string {
  const collections = entries.filter((entry) => entry.kind === "gone").map((entry) => entry.name);
  const fields = entries.flatMap((entry) => entry.goneFields.map((field) => `${entry.name}.${field}`));
  const values = entries.flatMap((entry) => entry.narrowedFields.map((field) => t.dev.transfer.valuesOf(`${entry.name}.${field}`)));
  return [...collections, ...fields, ...values].join(", ");
}
