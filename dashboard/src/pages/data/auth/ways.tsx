import type { CollectionModel } from "pocketbase";
import { Check } from "../../../parts/form";
import { NumberField } from "../../../parts/number";
import { t } from "../../../texts";
import { TextArea } from "../fields";
import { uniqueFields } from "../index_sql";
import { SectionCard, useSection } from "../section";

const read = ({ passwordAuth, otp, mfa }: CollectionModel) => ({
  passwordAuth: passwordAuth as { enabled: boolean; identityFields: string[] },
  otp: { enabled: Boolean(otp.enabled), duration: Number(otp.duration), length: Number(otp.length) },
  mfa: mfa as { enabled: boolean; duration: number; rule: string },
});

/** Passwords, one-time codes, and two factors of these. */
export function Ways({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "login/ways", read);
  const { passwordAuth, otp, mfa } = section.draft;
  const { set, problems } = section;
  const text = t.dev.auth;
  const known = passwordAuth.identityFields;
  const offered = [...new Set([...known, ...uniqueFields(collection.indexes)])].filter((name) => name !== "tokenKey");
  const identify = (name: string, on: boolean) =>
    set({ passwordAuth: { ...passwordAuth, identityFields: on ? [...known, name] : known.filter((one) => one !== name) } });
  return (
    <SectionCard title={text.ways} section={section} action={text.saveWays}>
      <Check label={text.password} value={passwordAuth.enabled} onValue={(enabled) => set({ passwordAuth: { ...passwordAuth, enabled } })} />
      {passwordAuth.enabled && (
        <fieldset class="inner">
          <legend>{text.identity}</legend>
          {offered.map((name) => (
            <Check key={name} label={name} value={known.includes(name)} onValue={(on) => identify(name, on)} />
          ))}
          <p class="hint">{text.identityHint}</p>
          {problems["passwordAuth.identityFields"] && <p class="wrong">{problems["passwordAuth.identityFields"]}</p>}
        </fieldset>
      )}
      <Check label={text.otp} value={otp.enabled} onValue={(enabled) => set({ otp: { ...otp, enabled } })} hint={text.otpHint} />
      {problems["otp.enabled"] && <p class="wrong">{problems["otp.enabled"]}</p>}
      {otp.enabled && (
        <div class="grid inner">
          <NumberField label={text.otpDuration} value={otp.duration} onValue={(duration) => set({ otp: { ...otp, duration } })} problem={problems["otp.duration"]} min={10} />
          <NumberField label={text.otpLength} value={otp.length} onValue={(length) => set({ otp: { ...otp, length } })} problem={problems["otp.length"]} min={4} />
        </div>
      )}
      <Check label={text.mfa} value={mfa.enabled} onValue={(enabled) => set({ mfa: { ...mfa, enabled } })} hint={text.mfaHint} />
      {problems["mfa.enabled"] && <p class="wrong">{problems["mfa.enabled"]}</p>}
      {mfa.enabled && (
        <div class="inner">
          <NumberField label={text.mfaDuration} value={mfa.duration} onValue={(duration) => set({ mfa: { ...mfa, duration } })} problem={problems["mfa.duration"]} min={10} />
          <TextArea label={text.mfaRule} value={mfa.rule} onValue={(rule) => set({ mfa: { ...mfa, rule } })} problem={problems["mfa.rule"]} hint={text.mfaRuleHint} mono />
        </div>
      )}
    </SectionCard>
  );
}
