import type { CollectionModel } from "pocketbase";
import { Check } from "../../parts/form";
import { t } from "../../texts";
import { TextArea } from "./fields";
import { SectionCard, useSection } from "./section";

const RULES = ["listRule", "viewRule", "createRule", "updateRule", "deleteRule"] as const;
type Rule = (typeof RULES)[number];
type Draft = Record<Rule, string | null>;

const rulesOf = ({ type }: CollectionModel): readonly Rule[] => (type === "view" ? RULES.slice(0, 2) : RULES);
const read = (collection: CollectionModel) => Object.fromEntries(rulesOf(collection).map((name) => [name, collection[name] ?? null])) as Draft;

/** Who may do what with the records of a collection. */
export function Rules({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, read);
  const { draft, problems } = section;
  const set = (name: Rule, value: string | null) => section.set({ [name]: value });
  return (
    <SectionCard title={t.data.rules} section={section} action={t.data.saveRules}>
      <p>{t.data.rulesText}</p>
      {rulesOf(collection).map((name) => (
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
    </SectionCard>
  );
}
