import { useEffect, useState } from "preact/hooks";
import { backups, settings as api, type Foresight, type Settings } from "../api";
import { nextRuns } from "../cron";
import { when } from "../format";
import { refresh, serverSettings } from "../live";
import { Check, TextField } from "../parts/form";
import { Notice, Wrong } from "../parts/notice";
import { problem, type FieldProblems } from "../problem";
import { t } from "../texts";
import { WouldGo, useForesight } from "./foresight";

/** How backups happen by themselves, where they go, and who is told when they fail. */
export function SettingsPage() {
  const known = serverSettings.value;
  const foresight = useFirstForesight(known !== null);
  if (!known || foresight === undefined) return <p class="empty" role="status">{t.loading}</p>;
  return (
    <div class="narrow">
      <h1>{t.settings.title}</h1>
      <Schedule known={known} foresight={foresight} />
      <Storage known={known} />
      <Mail known={known} />
      <Alarms known={known} />
    </div>
  );
}

/** How long the page waits for what would push it aside: the bucket of the backups may be away, and is set here. */
const FORESEEN_WITHIN = 1_000;

/** What retention does by what is in force; `null` where that does not come in time. */
function useFirstForesight(wanted: boolean): Foresight | null | undefined {
  const [first, setFirst] = useState<Foresight | null>();
  useEffect(() => {
    if (!wanted) return;
    const settle = (found: Foresight | null) => setFirst((before) => (before === undefined ? found : before));
    backups.previewRetention({}).then(settle, () => settle(null));
    const timer = window.setTimeout(() => settle(null), FORESEEN_WITHIN);
    return () => clearTimeout(timer);
  }, [wanted]);
  return first;
}

interface Form<T> {
  draft: T;
  set: (change: Partial<T>) => void;
  fields: FieldProblems;
  /** Sends `body`, and says what came of it. */
  submit: (event: Event, body: unknown) => Promise<void>;
  /** Does what a button beside it does: a test. */
  attempt: (action: () => Promise<unknown>, done: string) => Promise<void>;
  said: { tone: "good" | "bad"; text: string } | null;
  waiting: boolean;
}

function useForm<T extends object>(initial: T): Form<T> {
  const [draft, setDraft] = useState(initial);
  const [fields, setFields] = useState<FieldProblems>({});
  const [said, setSaid] = useState<Form<T>["said"]>(null);
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done: string) => {
    setWaiting(true);
    setSaid(null);
    setFields({});
    try {
      await action();
      setSaid({ tone: "good", text: done });
    } catch (error) {
      const { text, fields } = problem(error);
      setFields(fields);
      setSaid({ tone: "bad", text });
    } finally {
      setWaiting(false);
    }
  };
  const submit = (event: Event, body: unknown) => {
    event.preventDefault();
    return attempt(async () => {
      await api.patch(body);
      await refresh();
    }, t.saved);
  };
  return { draft, set: (change) => setDraft((before) => ({ ...before, ...change })), fields, submit, attempt, said, waiting };
}

function Said({ said }: { said: Form<object>["said"] }) {
  if (!said) return null;
  return said.tone === "bad" ? <Wrong text={said.text} /> : <Notice tone="good">{said.text}</Notice>;
}

const number = (text: string) => Math.max(0, Math.trunc(Number(text) || 0));
const RUNS = 3;

function Schedule({ known, foresight: first }: { known: Settings; foresight: Foresight | null }) {
  const { cron, cronMaxKeep, keepDaily = 0, keepWeekly = 0, keepMonthly = 0 } = known.backups;
  const form = useForm({ cron, cronMaxKeep, keepDaily, keepWeekly, keepMonthly });
  const { draft, set, fields } = form;
  const foresight = useForesight(first, draft);
  const runs = draft.cron ? nextRuns(draft.cron, new Date(), RUNS) : [];
  const hint = !draft.cron ? t.settings.noSchedule : runs === null ? t.settings.badCron : runs.length ? t.settings.nextRuns(runs.map(when)) : t.settings.never;
  const keep = (name: "cronMaxKeep" | "keepDaily" | "keepWeekly" | "keepMonthly", label: string) => (
    <TextField label={label} type="number" min={0} value={String(draft[name])} onValue={(text) => set({ [name]: number(text) })} problem={fields[`backups.${name}`]} />
  );
  return (
    <form class="card" onSubmit={(event) => void form.submit(event, { backups: draft })} aria-labelledby="schedule">
      <h2 id="schedule">{t.settings.schedule}</h2>
      <div class="choices" role="group" aria-label={t.settings.presets}>
        {t.settings.presetList.map(([expression, label]) => (
          <button type="button" key={label} aria-pressed={draft.cron === expression} onClick={() => set({ cron: expression })}>
            {label}
          </button>
        ))}
      </div>
      <TextField label={t.settings.cron} value={draft.cron} onValue={(cron) => set({ cron })} problem={fields["backups.cron"]} hint={hint} mono />
      <div class="grid">
        {keep("cronMaxKeep", t.settings.keepLast)}
        {keep("keepDaily", t.settings.keepDaily)}
        {keep("keepWeekly", t.settings.keepWeekly)}
        {keep("keepMonthly", t.settings.keepMonthly)}
      </div>
      <p class="hint">{t.settings.keepHint}</p>
      {foresight && <WouldGo foresight={foresight} />}
      <Said said={form.said} />
      <div class="actions">
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveSchedule}
        </button>
      </div>
    </form>
  );
}

function Storage({ known }: { known: Settings }) {
  const form = useForm({ ...known.backups.s3, secret: "" });
  const { draft, set, fields } = form;
  // A secret that is not sent stays.
  const { secret, ...rest } = draft;
  const body = { backups: { s3: secret ? { ...rest, secret } : rest } };
  const problemOf = (name: string) => fields[`backups.s3.${name}`];
  const saved = known.backups.s3;
  return (
    <form class="card" onSubmit={(event) => void form.submit(event, body)} aria-labelledby="storage">
      <h2 id="storage">{t.settings.storage}</h2>
      <Check label={t.settings.useBucket} value={draft.enabled} onValue={(enabled) => set({ enabled })} hint={t.settings.bucketHint} />
      {draft.enabled && (
        <>
          <TextField label={t.settings.endpoint} value={draft.endpoint} onValue={(endpoint) => set({ endpoint })} problem={problemOf("endpoint")} placeholder="https://s3.eu-central-1.amazonaws.com" mono />
          <div class="grid">
            <TextField label={t.settings.bucket} value={draft.bucket} onValue={(bucket) => set({ bucket })} problem={problemOf("bucket")} mono />
            <TextField label={t.settings.region} value={draft.region} onValue={(region) => set({ region })} problem={problemOf("region")} placeholder="eu-central-1" mono />
            <TextField label={t.settings.accessKey} value={draft.accessKey} onValue={(accessKey) => set({ accessKey })} problem={problemOf("accessKey")} mono />
            <TextField label={t.settings.secret} type="password" value={draft.secret} onValue={(secret) => set({ secret })} problem={problemOf("secret")} placeholder={saved.accessKey ? t.settings.unchanged : ""} autocomplete="new-password" mono />
          </div>
          <Check label={t.settings.pathStyle} value={draft.forcePathStyle} onValue={(forcePathStyle) => set({ forcePathStyle })} />
        </>
      )}
      <Said said={form.said} />
      <div class="actions">
        {saved.enabled && (
          <button type="button" disabled={form.waiting} onClick={() => void form.attempt(api.testS3, t.settings.bucketWorks)}>
            {t.settings.testSaved}
          </button>
        )}
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveStorage}
        </button>
      </div>
    </form>
  );
}

function Mail({ known }: { known: Settings }) {
  const { enabled, host, port, username, tls } = known.smtp;
  const { appName, appURL, senderName, senderAddress } = known.meta;
  const form = useForm({ enabled, host, port, username, tls, password: "", appName, appURL, senderName, senderAddress, to: "" });
  const { draft, set, fields } = form;
  const smtp = { enabled: draft.enabled, host: draft.host, port: draft.port, username: draft.username, tls: draft.tls, ...(draft.password ? { password: draft.password } : {}) };
  const body = { smtp, meta: { appName: draft.appName, appURL: draft.appURL, senderName: draft.senderName, senderAddress: draft.senderAddress } };
  return (
    <form class="card" onSubmit={(event) => void form.submit(event, body)} aria-labelledby="mail">
      <h2 id="mail">{t.settings.mail}</h2>
      <Check label={t.settings.useMail} value={draft.enabled} onValue={(enabled) => set({ enabled })} hint={t.settings.mailHint} />
      {draft.enabled && (
        <>
          <div class="grid">
            <TextField label={t.settings.host} value={draft.host} onValue={(host) => set({ host })} problem={fields["smtp.host"]} mono />
            <TextField label={t.settings.port} type="number" min={0} value={String(draft.port)} onValue={(text) => set({ port: number(text) })} problem={fields["smtp.port"]} />
            <TextField label={t.settings.username} value={draft.username} onValue={(username) => set({ username })} problem={fields["smtp.username"]} />
            <TextField label={t.settings.password} type="password" value={draft.password} onValue={(password) => set({ password })} placeholder={known.smtp.username ? t.settings.unchanged : ""} autocomplete="new-password" />
            <TextField label={t.settings.appName} value={draft.appName} onValue={(appName) => set({ appName })} problem={fields["meta.appName"]} />
            <TextField label={t.settings.appURL} type="url" value={draft.appURL} onValue={(appURL) => set({ appURL })} problem={fields["meta.appURL"]} hint={t.settings.appURLHint} mono />
            <TextField label={t.settings.senderName} value={draft.senderName} onValue={(senderName) => set({ senderName })} problem={fields["meta.senderName"]} />
            <TextField label={t.settings.senderAddress} value={draft.senderAddress} onValue={(senderAddress) => set({ senderAddress })} problem={fields["meta.senderAddress"]} />
          </div>
          <Check label={t.settings.tls} value={draft.tls} onValue={(tls) => set({ tls })} hint={t.settings.tlsHint} />
        </>
      )}
      {known.smtp.enabled && (
        <TextField label={t.settings.testTo} type="email" value={draft.to} onValue={(to) => set({ to })} problem={fields.email} />
      )}
      <Said said={form.said} />
      <div class="actions">
        {known.smtp.enabled && (
          <button type="button" disabled={form.waiting || !draft.to} onClick={() => void form.attempt(() => api.testMail(draft.to), t.settings.mailSent(draft.to))}>
            {t.settings.testMail}
          </button>
        )}
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveMail}
        </button>
      </div>
    </form>
  );
}

function Alarms({ known }: { known: Settings }) {
  const { alarmEmails = [], alarmWebhook, alarmAfterHours = 0 } = known.backups;
  const form = useForm({ emails: alarmEmails.join(", "), url: alarmWebhook?.url ?? "", secret: "", hours: alarmAfterHours });
  const { draft, set, fields } = form;
  const emails = draft.emails.split(/[\s,;]+/).filter(Boolean);
  const body = {
    backups: { alarmEmails: emails, alarmAfterHours: draft.hours, alarmWebhook: { url: draft.url, ...(draft.secret ? { secret: draft.secret } : {}) } },
  };
  const startingWith = (path: string) => Object.entries(fields).find(([name]) => name.startsWith(path))?.[1];
  return (
    <form class="card" onSubmit={(event) => void form.submit(event, body)} aria-labelledby="alarms">
      <h2 id="alarms">{t.settings.alarms}</h2>
      <TextField label={t.settings.alarmEmails} value={draft.emails} onValue={(emails) => set({ emails })} problem={startingWith("backups.alarmEmails")} hint={t.settings.alarmEmailsHint} />
      <div class="grid">
        <TextField label={t.settings.webhook} value={draft.url} onValue={(url) => set({ url })} problem={startingWith("backups.alarmWebhook")} placeholder="https://" mono />
        <TextField label={t.settings.webhookSecret} type="password" value={draft.secret} onValue={(secret) => set({ secret })} placeholder={alarmWebhook?.url ? t.settings.unchanged : ""} autocomplete="new-password" />
      </div>
      <TextField label={t.settings.alarmAfter} type="number" min={0} value={String(draft.hours)} onValue={(text) => set({ hours: number(text) })} problem={fields["backups.alarmAfterHours"]} hint={t.settings.alarmAfterHint} />
      <Said said={form.said} />
      <div class="actions">
        {alarmWebhook?.url && (
          <button type="button" disabled={form.waiting} onClick={() => void form.attempt(api.testWebhook, t.settings.webhookWorks)}>
            {t.settings.testWebhook}
          </button>
        )}
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveAlarms}
        </button>
      </div>
    </form>
  );
}
