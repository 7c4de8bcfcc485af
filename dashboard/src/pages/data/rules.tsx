import type { CollectionModel } from "pocketbase";
import { useState } from "preact/hooks";
import { client } from "../../api";
import { Check } from "../../parts/form";
import { Notice, Wrong } from "../../parts/notice";
import { problem, type FieldProblems } from "../../problem";
import { t } from "../../texts";
import { loadCollections } from "./data";
import { TextArea } from "./fields";

const RULES = ["listRule", "viewRule", "createRule", "updateRule", "deleteRule"] as const;
type Rule = (typeof RULES)[number];
type Draft = Record<Rule, string | null>;

/** Who may do what with the records of a collection. */
export function Rules({ collection }: { collection: CollectionModel }) {
  const rules: readonly Rule[] = collection.type === "view" ? RULES.slice(0, 2) : RULES;
  const [loaded, setLoaded] = useState(() => Object.fromEntries(rules.map((name) => [name, collection[name] ?? null])) as Draft);
  const [draft, setDraft] = useState(loaded);
  const [problems, setProblems] = useState<FieldProblems>({});
  const [wrong, setWrong] = useState<string>();
  const [saved, setSaved] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setProblems({});
    setWrong(undefined);
    setSaved(false);
    try {
      // Another page may have changed the others meanwhile.
      const changed = rules.filter((name) => draft[name] !== loaded[name]);
      await client.collections.update(collection.id, Object.fromEntries(changed.map((name) => [name, draft[name]])));
      setLoaded(draft);
      setSaved(true);
      await loadCollections();
    } catch (error) {
      const { text, fields } = problem(error);
      setProblems(fields);
      setWrong(text);
    }
  };
  const set = (name: Rule, value: string | null) => setDraft((before) => ({ ...before, [name]: value }));
  return (
    <form class="card" onSubmit={submit}>
      <p>{t.data.rulesText}</p>
      {rules.map((name) => (
        <fieldset key={name} class="rule">
          <legend>{t.data.ruleNames[name]}</legend>
          <Check label={t.data.superusersOnly} value={draft[name] === null} onValue={(only) => set(name, only ? null : "")} />
          {draft[name] !== null && (
            <>
              <TextArea label={t.data.ruleOf(t.data.ruleNames[name])} value={draft[name]} onValue={(text) => set(name, text)} problem={problems[name]} mono />
              {draft[name]?.trim() === "" && <p class="hint">{t.data.everyone}</p>}
            </>
          )}
        </fieldset>
      ))}
      <Wrong text={wrong} />
      {saved && <Notice tone="good">{t.saved}</Notice>}
      <div class="actions">
        <button class="primary">{t.data.saveRules}</button>
      </div>
    </form>
  );
}
