import type { CollectionModel } from "pocketbase";
import { useState } from "preact/hooks";
import { client } from "../../../api";
import { span } from "../../../format";
import { Confirm } from "../../../parts/confirm";
import { NumberField } from "../../../parts/number";
import { t } from "../../../texts";
import { SectionCard, useSection } from "../section";

const NAMES = ["authToken", "passwordResetToken", "emailChangeToken", "verificationToken", "fileToken"] as const;
type Tokens = Record<(typeof NAMES)[number], { duration: number }>;

const read = (collection: CollectionModel) => Object.fromEntries(NAMES.map((name) => [name, { duration: Number(collection[name].duration) }])) as Tokens;

/** A secret that nobody knows, for tokens to be signed with: those signed with the one before are void. */
function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function Tokens({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "login/tokens", read);
  const { draft, set, problems, attempt } = section;
  const [ending, setEnding] = useState(false);
  const text = t.dev.auth;
  const end = () => client.collections.update(collection.id, { authToken: { secret: newSecret() } });
  // Superusers would end the session that they work in.
  const more = collection.name !== "_superusers" && (
    <button type="button" class="quiet" onClick={() => setEnding(true)}>
      {text.endSessions}
    </button>
  );
  return (
    <>
      <SectionCard title={text.tokens} section={section} action={text.saveTokens} more={more}>
        <div class="grid">
          {NAMES.map((name) => (
            <NumberField
              key={name}
              label={text.tokenNames[name]}
              value={draft[name].duration}
              onValue={(duration) => set({ [name]: { duration } })}
              problem={problems[`${name}.duration`]}
              hint={span(draft[name].duration)}
              min={10}
            />
          ))}
        </div>
      </SectionCard>
      {ending && (
        <Confirm title={text.endTitle} text={text.endText} typing={{ name: collection.name, of: t.named.collection }} action={text.endDo} perform={() => attempt(end, text.ended)} onClose={() => setEnding(false)} />
      )}
    </>
  );
}
