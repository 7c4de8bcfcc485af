import type { CollectionModel } from "pocketbase";
import { Check, TextField } from "../../../parts/form";
import { t } from "../../../texts";
import { TextArea } from "../fields";
import { SectionCard, useSection } from "../section";

interface Template {
  subject: string;
  body: string;
}

const read = ({ verificationTemplate, resetPasswordTemplate, confirmEmailChangeTemplate, otp, authAlert }: CollectionModel) => ({
  verificationTemplate: verificationTemplate as Template,
  resetPasswordTemplate: resetPasswordTemplate as Template,
  confirmEmailChangeTemplate: confirmEmailChangeTemplate as Template,
  otp: { emailTemplate: otp.emailTemplate as Template },
  authAlert: authAlert as { enabled: boolean; emailTemplate: Template },
});

const GENERAL = ["{APP_NAME}", "{APP_URL}", "{RECORD:field}"];

/** What is mailed to accounts. */
export function Mails({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "login/mails", read);
  const { draft, set, problems } = section;
  const text = t.dev.auth;
  const linked = ["verificationTemplate", "resetPasswordTemplate", "confirmEmailChangeTemplate"] as const;
  return (
    <SectionCard title={text.mails} section={section} action={text.saveMails}>
      <Check label={text.alert} value={draft.authAlert.enabled} onValue={(enabled) => set({ authAlert: { ...draft.authAlert, enabled } })} />
      {linked.map((name) => (
        <Mail key={name} title={text.templates[name]} path={name} value={draft[name]} own={["{TOKEN}"]} problems={problems} onValue={(value) => set({ [name]: value })} />
      ))}
      <Mail
        title={text.templates.otp}
        path="otp.emailTemplate"
        value={draft.otp.emailTemplate}
        own={["{OTP}", "{OTP_ID}"]}
        problems={problems}
        onValue={(emailTemplate) => set({ otp: { emailTemplate } })}
      />
      <Mail
        title={text.templates.authAlert}
        path="authAlert.emailTemplate"
        value={draft.authAlert.emailTemplate}
        own={["{ALERT_INFO}"]}
        problems={problems}
        onValue={(emailTemplate) => set({ authAlert: { ...draft.authAlert, emailTemplate } })}
      />
    </SectionCard>
  );
}

interface Props {
  title: string;
  path: string;
  value: Template;
  own: string[];
  problems: Record<string, string>;
  onValue: (value: Template) => void;
}

function Mail({ title, path, value, own, problems, onValue }: Props) {
  const text = t.dev.auth;
  const [subject, body] = [problems[`${path}.subject`], problems[`${path}.body`]];
  return (
    // What is wrong must be seen.
    <details class="fold" open={subject || body ? true : undefined}>
      <summary>
        {title} <span class="hint">{value.subject}</span>
      </summary>
      <fieldset>
        <legend class="hidden">{title}</legend>
        <TextField label={text.subject} value={value.subject} onValue={(subject) => onValue({ ...value, subject })} problem={subject} />
        <TextArea label={text.body} value={value.body} onValue={(body) => onValue({ ...value, body })} problem={body} hint={text.placeholders([...own, ...GENERAL].map((name) => `${name} (${text.placeholderNames[name]})`).join(", "))} mono />
      </fieldset>
    </details>
  );
}
