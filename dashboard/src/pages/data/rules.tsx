import type { CollectionModel } from "pocketbase";
import { Choice } from "../../parts/form";
import { Notice } from "../../parts/notice";
import { link } from "../../route";
import { t } from "../../texts";
import { collections } from "./data";
import { TextArea } from "./fields";
import { Guests } from "./guests";
import { LeftOut } from "./left_out";
import { LOGGED_IN, RULES, ownerRule, ownersOf, together, whoPasses, type Draft, type Owner, type Rule, type Who } from "./rule_kinds";
import { SectionCard, useSection } from "./section";

const rulesOf = ({ type }: CollectionModel): readonly Rule[] => (type === "view" ? RULES.slice(0, 2) : RULES);
const read = (collection: CollectionModel) => Object.fromEntries(rulesOf(collection).map((name) => [name, collection[name] ?? null])) as Draft;

/** Who may do what with the records of a collection. */
export function Rules({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "rules/all", read);
  const { draft, problems } = section;
  const owners = ownersOf(collection, collections.value ?? []);
  return (
    <SectionCard title={t.data.rules} section={section} action={t.data.saveRules}>
      <p>{t.data.rulesText}</p>
      <ul class="plain">
        {t.data.rulesKinds.map(([kind, text]) => (
          <li key={kind}>
            <strong>{t.data.who.names[kind]}:</strong> {text}
          </li>
        ))}
      </ul>
      {collection.type === "base" && <Together collection={collection} owner={owners[0]} onRules={section.set} />}
      {rulesOf(collection).map((name) => (
        <RuleFields key={name} collection={collection} name={name} rule={draft[name]} owners={owners} problem={problems[name]} onRule={(rule) => section.set({ [name]: rule })} />
      ))}
      {(draft.listRule !== null || draft.viewRule !== null) && <LeftOut collection={collection} viewRule={draft.viewRule} />}
    </SectionCard>
  );
}

/** The usual ways for all rules at once. Without a field that leads to an account, how to get one. */
function Together({ collection, owner, onRules }: { collection: CollectionModel; owner: Owner | undefined; onRules: (rules: Draft) => void }) {
  if (!owner) {
    return (
      <Notice tone="calm">
        {t.data.noOwner} <a href={link("data", collection.name, "fields")}>{t.data.toFields}</a>
      </Notice>
    );
  }
  const all = together(owner);
  return (
    <>
      <p class="hint">{t.data.together}</p>
      <div class="choices" role="group" aria-label={t.data.together}>
        {t.data.togetherNames.map(([name, text]) => (
          <button type="button" key={name} onClick={() => onRules(all[name])}>
            {text}
          </button>
        ))}
      </div>
    </>
  );
}

interface Props {
  collection: CollectionModel;
  name: Rule;
  rule: string | null;
  owners: Owner[];
  problem: string | undefined;
  onRule: (rule: string | null) => void;
}

function RuleFields({ collection, name, rule, owners, problem, onRule }: Props) {
  const who = whoPasses(name, rule, owners);
  // Nobody makes an account that is one's own already.
  const possible = owners.filter(({ field }) => name !== "createRule" || field !== "id");
  const kinds: [Who["kind"], string | null][] = [
    ["superusers", null],
    ["everybody", ""],
    ["accounts", LOGGED_IN],
  ];
  // The one that is chosen, also to write anew what is less than it should be.
  const owner = possible.find((one) => who.kind === "owner" && one.field === who.owner.field) ?? possible[0];
  if (owner) kinds.push(["owner", ownerRule(name, owner)]);
  const own = collection.type === "auth" && possible[0]?.field === "id";
  const { names, create } = t.data.who;
  return (
    <fieldset class="rule">
      <legend>{t.data.ruleNames[name]}</legend>
      <p class="hint">{t.data.ruleAbout[name]}</p>
      <div class="choices" role="group" aria-label={t.data.who.label(t.data.ruleNames[name])}>
        {kinds.map(([kind, rule]) => (
          <button type="button" key={kind} aria-pressed={who.kind === kind} onClick={() => onRule(rule)}>
            {kind !== "owner" ? names[kind] : own ? t.data.who.itself : name === "createRule" ? create : names.owner}
          </button>
        ))}
      </div>
      {who.kind === "owner" && possible.length > 1 && (
        <Choice
          label={t.data.who.field}
          value={who.owner.field}
          choices={possible.map(({ field }) => [field, field] as const)}
          onValue={(field) => onRule(ownerRule(name, possible.find((one) => one.field === field)!))}
        />
      )}
      <LetsIn name={name} who={who} />
      {rule !== null && (
        <>
          <TextArea label={t.data.ruleOf(t.data.ruleNames[name])} value={rule} onValue={onRule} problem={problem} mono />
          <Guests collection={collection} rule={rule} onRule={onRule} />
        </>
      )}
    </fieldset>
  );
}

/** In plain words who passes. */
function LetsIn({ name, who }: { name: Rule; who: Who }) {
  const { lets } = t.data.who;
  const writes = name === "updateRule" || name === "deleteRule";
  if (who.kind === "everybody" && writes) return <Notice tone="warn">{lets.everybodyWrites[name]}</Notice>;
  if (who.kind !== "owner") return <p>{lets[who.kind]}</p>;
  const { field, isMany } = who.owner;
  if (field === "id") return <p>{lets.itself}</p>;
  return <p>{name === "createRule" ? lets.forThemselves(field) : [lets.owner(field, isMany), name === "updateRule" && (who.mayGiveAway ? lets.givenAway(field, isMany) : lets.kept(field, isMany))].filter(Boolean).join(" ")}</p>;
}
