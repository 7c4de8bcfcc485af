import type { CollectionModel } from "pocketbase";
import { Check } from "../../../parts/form";
import { t } from "../../../texts";
import { TextArea } from "../fields";
import { Guests } from "../guests";
import { SectionCard, useSection } from "../section";

const read = ({ authRule, manageRule }: CollectionModel) => ({ authRule: (authRule ?? null) as string | null, manageRule: (manageRule ?? null) as string | null });

/** Which accounts may log in, and who manages those of others. */
export function Admission({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "login/admission", read);
  const { draft, set, problems } = section;
  const text = t.dev.auth;
  return (
    <SectionCard title={text.admission} section={section} action={text.saveAdmission}>
      <Check label={text.nobody} value={draft.authRule === null} onValue={(on) => set({ authRule: on ? null : "" })} />
      {draft.authRule !== null && (
        <TextArea label={text.authRule} value={draft.authRule} onValue={(authRule) => set({ authRule })} problem={problems.authRule} hint={text.authRuleHint} mono />
      )}
      <Check label={text.nobodyManages} value={draft.manageRule === null} onValue={(on) => set({ manageRule: on ? null : "" })} />
      {draft.manageRule !== null && (
        <TextArea label={text.manageRule} value={draft.manageRule} onValue={(manageRule) => set({ manageRule })} problem={problems.manageRule} hint={text.manageRuleHint} mono />
      )}
      {draft.manageRule !== null && <Guests collection={collection} rule={draft.manageRule} onRule={(manageRule) => set({ manageRule })} />}
    </SectionCard>
  );
}
