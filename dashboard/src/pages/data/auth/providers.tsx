import type { CollectionField, CollectionModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { making } from "../../../api";
import { Check, Choice, TextField } from "../../../parts/form";
import { Wrong } from "../../../parts/notice";
import { Problem, problem } from "../../../problem";
import { t } from "../../../texts";
import { TextArea } from "../fields";
import { SectionCard, useSection } from "../section";

interface Provider {
  name: string;
  clientId: string;
  /** Sent only where it was typed: the server never shows it, and keeps it where it is not sent. */
  clientSecret?: string;
  authURL: string;
  tokenURL: string;
  userInfoURL: string;
  displayName: string;
  pkce: boolean | null;
  extra: Record<string, unknown> | null;
}

interface OAuth2 {
  enabled: boolean;
  mappedFields: Record<Mapped, string>;
  providers: Provider[];
}

const MAPPED = ["id", "name", "username", "avatarURL"] as const;
type Mapped = (typeof MAPPED)[number];

const read = ({ oauth2 }: CollectionModel) => ({ oauth2: oauth2 as OAuth2 });
const fresh = (name: string): Provider => ({ name, clientId: "", authURL: "", tokenURL: "", userInfoURL: "", displayName: "", pkce: null, extra: null });

/** Which field types can take what a provider says. */
const takes = (mapped: Mapped, { type }: CollectionField) => type === "text" || (mapped === "avatarURL" && (type === "file" || type === "url"));

export function Providers({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "login/providers", read);
  const { oauth2 } = section.draft;
  const [known, setKnown] = useState<{ name: string; displayName: string }[]>([]);
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    making.oauth2Providers().then(setKnown, (error) => setWrong(problem(error).text));
  }, []);
  const text = t.dev.auth;
  const set = (change: Partial<OAuth2>) => section.set({ oauth2: { ...oauth2, ...change } });
  const nameOf = (name: string) => known.find((one) => one.name === name)?.displayName ?? name;
  const stored: string[] = (collection.oauth2.providers as Provider[]).map((one) => one.name);
  const fields: CollectionField[] = collection.fields.filter((field: CollectionField) => !field.system);
  // An option that can't be read must not be saved as what it was before.
  const [broken, setBroken] = useState<string[]>([]);
  const save = () => (broken.length ? section.attempt(() => Promise.reject(new Problem(text.badExtra))) : section.save());
  return (
    <SectionCard title={text.oauth2} section={{ ...section, save }} action={text.saveProviders}>
      <Check label={text.useOauth2} value={oauth2.enabled} onValue={(enabled) => set({ enabled })} />
      <Wrong text={wrong} />
      {oauth2.providers.length === 0 && <p class="hint">{text.noProviders}</p>}
      {oauth2.providers.map((provider, index) => (
        <ProviderFields
          key={provider.name}
          provider={provider}
          title={nameOf(provider.name)}
          hasSecret={stored.includes(provider.name)}
          problemOf={(part) => section.problems[`oauth2.providers.${index}.${part}`]}
          onValue={(value) => set({ providers: oauth2.providers.map((one, at) => (at === index ? value : one)) })}
          onBroken={(is) => setBroken((before) => [...before.filter((name) => name !== provider.name), ...(is ? [provider.name] : [])])}
          onRemove={() => {
            setBroken((before) => before.filter((name) => name !== provider.name));
            set({ providers: oauth2.providers.filter((_, at) => at !== index) });
          }}
        />
      ))}
      <label class="field adding">
        <span class="label">{text.addProvider}</span>
        <select
          value=""
          onChange={(event) => {
            const name = event.currentTarget.value;
            event.currentTarget.value = "";
            if (name) set({ enabled: true, providers: [...oauth2.providers, fresh(name)] });
          }}
        >
          <option value="">{text.chooseProvider}</option>
          {known
            .filter(({ name }) => !oauth2.providers.some((one) => one.name === name))
            .map(({ name, displayName }) => (
              <option key={name} value={name}>
                {displayName === "OIDC" || !displayName ? name : displayName}
              </option>
            ))}
        </select>
      </label>
      <fieldset>
        <legend>{text.mapped}</legend>
        <p class="hint">{text.mappedHint}</p>
        <div class="grid">
          {MAPPED.map((mapped) => (
            <Choice
              key={mapped}
              label={text.mappedNames[mapped]}
              value={oauth2.mappedFields[mapped]}
              choices={[["", text.notKept], ...fields.filter((field) => takes(mapped, field)).map(({ name }) => [name, name] as [string, string])]}
              onValue={(name) => set({ mappedFields: { ...oauth2.mappedFields, [mapped]: name } })}
            />
          ))}
        </div>
      </fieldset>
    </SectionCard>
  );
}

interface Props {
  provider: Provider;
  title: string;
  hasSecret: boolean;
  problemOf: (part: string) => string | undefined;
  onValue: (value: Provider) => void;
  onBroken: (is: boolean) => void;
  onRemove: () => void;
}

function ProviderFields({ provider, title, hasSecret, problemOf, onValue, onBroken, onRemove }: Props) {
  const text = t.dev.auth;
  const own = provider.extra && Object.keys(provider.extra).length ? JSON.stringify(provider.extra, null, 2) : "";
  const [extra, setExtra] = useState(own);
  const [bad, setBad] = useState(false);
  const set = (change: Partial<Provider>) => onValue({ ...provider, ...change });
  const write = (typed: string) => {
    setExtra(typed);
    let value: unknown = {};
    try {
      value = typed.trim() ? JSON.parse(typed) : {};
    } catch {
      value = undefined;
    }
    const is = typeof value !== "object" || value === null || Array.isArray(value);
    setBad(is);
    onBroken(is);
    if (!is) set({ extra: value as Record<string, unknown> });
  };
  // Without the secret it is as if none was typed.
  const secret = (typed: string) => {
    const { clientSecret: _, ...rest } = provider;
    onValue(typed ? { ...rest, clientSecret: typed } : rest);
  };
  const address = (name: "authURL" | "tokenURL" | "userInfoURL") => (
    <TextField label={text[name]} type="url" value={provider[name]} onValue={(value) => set({ [name]: value })} problem={problemOf(name)} mono />
  );
  return (
    <fieldset class="part">
      <legend>{title}</legend>
      <button type="button" class="quiet" aria-label={text.removeProvider(title)} onClick={onRemove}>
        {t.schema.remove}
      </button>
      {problemOf("name") && <p class="wrong">{problemOf("name")}</p>}
      <div class="grid">
        <TextField label={text.clientId} value={provider.clientId} onValue={(clientId) => set({ clientId })} problem={problemOf("clientId")} mono />
        <TextField
          label={text.clientSecret}
          type="password"
          value={provider.clientSecret ?? ""}
          onValue={secret}
          problem={problemOf("clientSecret")}
          placeholder={hasSecret ? text.secretStays : ""}
          autocomplete="new-password"
          mono
        />
      </div>
      {hasSecret && <p class="hint">{text.secretHint}</p>}
      <details class="fold" open={["authURL", "tokenURL", "userInfoURL"].some((part) => problemOf(part)) || bad ? true : undefined}>
        <summary>{t.dev.more}</summary>
        <TextField label={text.displayName} value={provider.displayName} onValue={(displayName) => set({ displayName })} problem={problemOf("displayName")} />
        {address("authURL")}
        {address("tokenURL")}
        {address("userInfoURL")}
        <p class="hint">{text.usualHint}</p>
        <Choice label={text.pkce} value={provider.pkce === null ? "" : String(provider.pkce)} choices={text.pkceChoices} onValue={(value) => set({ pkce: value ? value === "true" : null })} />
        <TextArea label={text.extra} value={extra} onValue={write} problem={bad ? text.badExtra : problemOf("extra")} mono />
      </details>
    </fieldset>
  );
}
