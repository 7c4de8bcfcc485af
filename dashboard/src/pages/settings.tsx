import { useEffect, useState } from "preact/hooks";
import { backups, settings as api, VERIFY_CRON, type BackupSettings, type Foresight, type Settings } from "../api";
import { nextRuns } from "../cron";
import { when } from "../format";
import { serverSettings } from "../live";
import { Check, TextField } from "../parts/form";
import { Discard } from "../parts/discard";
import { useFirstWrong } from "../parts/first_wrong";
import { Notice, Said } from "../parts/notice";
import { t } from "../texts";
import { Foreseeing, useForesight } from "./foresight";
import { isDefault, reach, SENSIBLE } from "./retention";
import { saving, useForm, withSecret, type Shape } from "./settings_form";
import { Files, Storage } from "./storage";

/** How backups happen by themselves, where they go, and who is told when they fail. */
export function SettingsPage({ section }: { section: string | undefined }) {
  const known = serverSettings.value;
  const foresight = useFirstForesight(known !== null);
  const isThere = known !== null && foresight !== undefined;
  useEffect(() => {
    if (isThere && section) show(section);
  }, [isThere, section]);
  if (!known || foresight === undefined) return <p class="empty" role="status">{t.loading}</p>;
  return (
    <div class="narrow">
      <h1>{t.settings.title}</h1>
      <Schedule known={known} foresight={foresight} />
      <Storage known={known} />
      <Files known={known} />
      <Mail known={known} />
      <Alarms known={known} />
    </div>
  );
}

/** Leads to one of the forms, also those who hear where they are. */
function show(section: string): void {
  const heading = document.getElementById(section);
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  heading.closest("form")?.scrollIntoView({ block: "start" });
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

const number = (text: string) => Math.max(0, Math.trunc(Number(text) || 0));
const RUNS = 3;

const schedule = {
  place: "settings/schedule",
  read: ({ backups: { cron, cronMaxKeep, keepDaily = 0, keepWeekly = 0, keepMonthly = 0, verifyCron = VERIFY_CRON } }: Settings) => ({ cron, cronMaxKeep, keepDaily, keepWeekly, keepMonthly, verifyCron }),
  body: (draft: Partial<BackupSettings>) => ({ backups: draft }),
};

/** When it runs next, in words; or why it does not. */
function hintOf(cron: string, runs: Date[] | null, texts: { noSchedule: string; never: string; nextRuns: (runs: string[]) => string }): string {
  if (!cron) return texts.noSchedule;
  if (runs === null) return t.settings.badCron;
  return runs.length > 0 ? texts.nextRuns(runs.map(when)) : texts.never;
}

function Schedule({ known, foresight: first }: { known: Settings; foresight: Foresight | null }) {
  const form = useForm(known, schedule);
  const { draft, set, problems } = form;
  const { keepLast = 0 } = known.backups;
  const rules = { ...draft, keepLast };
  const foreseen = useForesight(first, (form.changes.backups ?? {}) as Partial<BackupSettings>, known.backups);
  const runs = draft.cron ? nextRuns(draft.cron, new Date(), RUNS) : [];
  const verifications = draft.verifyCron ? nextRuns(draft.verifyCron, new Date(), RUNS) : [];
  const keep = (name: "cronMaxKeep" | "keepDaily" | "keepWeekly" | "keepMonthly", label: string) => (
    <TextField label={label} type="number" min={0} value={String(draft[name])} onValue={(text) => set({ [name]: number(text) })} problem={problems[`backups.${name}`]} />
  );
  return (
    <form ref={useFirstWrong(form.problems)} class="card" onSubmit={saving(form)} aria-labelledby="schedule">
      <h2 id="schedule">{t.settings.schedule}</h2>
      <div class="choices" role="group" aria-label={t.settings.presets}>
        {t.settings.presetList.map(([expression, label]) => (
          <button type="button" key={label} aria-pressed={draft.cron === expression} onClick={() => set({ cron: expression, ...(expression && isDefault(rules) && SENSIBLE) })}>
            {label}
          </button>
        ))}
      </div>
      <TextField label={t.settings.cron} value={draft.cron} onValue={(cron) => set({ cron })} problem={problems["backups.cron"]} hint={hintOf(draft.cron, runs, t.settings)} mono />
      <div class="grid">
        {keep("cronMaxKeep", t.settings.keepLast)}
        {keep("keepDaily", t.settings.keepDaily)}
        {keep("keepWeekly", t.settings.keepWeekly)}
        {keep("keepMonthly", t.settings.keepMonthly)}
      </div>
      {draft.cron && runs?.length ? <p role="status">{reach(rules, runs)}</p> : null}
      <p class="hint">{t.settings.keepHint}</p>
      <Foreseeing known={foreseen} />
      <TextField label={t.settings.verifyCron} value={draft.verifyCron} onValue={(verifyCron) => set({ verifyCron })} problem={problems["backups.verifyCron"]} hint={hintOf(draft.verifyCron, verifications, t.settings.verify)} mono />
      <Said said={form.said} />
      <div class="actions">
        <Discard of={form} />
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveSchedule}
        </button>
      </div>
    </form>
  );
}

interface MailDraft {
  enabled: boolean;
  host: string;
  port: number;
  username: string;
  tls: boolean;
  password: string;
  appName: string;
  appURL: string;
  senderName: string;
  senderAddress: string;
}

const mail: Shape<MailDraft> = {
  place: "settings/mail",
  read: ({ smtp: { enabled, host, port, username, tls }, meta: { appName, appURL, senderName, senderAddress } }) => ({ enabled, host, port, username, tls, password: "", appName, appURL, senderName, senderAddress }),
  body: ({ enabled, host, port, username, tls, password, ...meta }) => ({ smtp: withSecret({ enabled, host, port, username, tls }, "password", password), meta }),
};

function Mail({ known }: { known: Settings }) {
  const form = useForm(known, mail);
  const { draft, set, problems } = form;
  const [to, setTo] = useState("");
  return (
    <form ref={useFirstWrong(form.problems)} class="card" onSubmit={saving(form)} aria-labelledby="mail">
      <h2 id="mail">{t.settings.mail}</h2>
      <Check label={t.settings.useMail} value={draft.enabled} onValue={(enabled) => set({ enabled })} hint={t.settings.mailHint} />
      {draft.enabled && (
        <>
          <div class="grid">
            <TextField label={t.settings.host} value={draft.host} onValue={(host) => set({ host })} problem={problems["smtp.host"]} placeholder={t.settings.placeholders.host} mono />
            <TextField label={t.settings.port} type="number" min={0} value={String(draft.port)} onValue={(text) => set({ port: number(text) })} problem={problems["smtp.port"]} />
            <TextField label={t.settings.username} value={draft.username} onValue={(username) => set({ username })} problem={problems["smtp.username"]} />
            <TextField label={t.settings.password} type="password" value={draft.password} onValue={(password) => set({ password })} placeholder={known.smtp.username ? t.settings.unchanged : ""} autocomplete="new-password" />
            <TextField label={t.settings.appName} value={draft.appName} onValue={(appName) => set({ appName })} problem={problems["meta.appName"]} />
            <TextField label={t.settings.appURL} type="url" value={draft.appURL} onValue={(appURL) => set({ appURL })} problem={problems["meta.appURL"]} placeholder={t.settings.placeholders.appURL} hint={t.settings.appURLHint} mono />
            <TextField label={t.settings.senderName} value={draft.senderName} onValue={(senderName) => set({ senderName })} problem={problems["meta.senderName"]} />
            <TextField label={t.settings.senderAddress} value={draft.senderAddress} onValue={(senderAddress) => set({ senderAddress })} problem={problems["meta.senderAddress"]} placeholder={t.settings.placeholders.senderAddress} />
          </div>
          <Check label={t.settings.tls} value={draft.tls} onValue={(tls) => set({ tls })} hint={t.settings.tlsHint} />
        </>
      )}
      {known.smtp.enabled && (
        <TextField label={t.settings.testTo} type="email" value={to} onValue={(to) => (setTo(to), form.changed(["email"]))} problem={problems.email} hint={form.isUnsaved ? t.settings.testMailUnsaved : t.settings.testMailHint} />
      )}
      <Said said={form.said} />
      <div class="actions">
        {known.smtp.enabled && (
          <button type="button" disabled={form.waiting || !to} onClick={() => void form.attempt(() => api.testMail(to), t.settings.mailSent(to), t.settings.mailTrying)}>
            {t.settings.testMail}
          </button>
        )}
        <Discard of={form} />
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveMail}
        </button>
      </div>
    </form>
  );
}

interface AlarmsDraft {
  alarmEmails: string;
  url: string;
  secret: string;
  alarmAfterHours: number;
}

const alarms: Shape<AlarmsDraft> = {
  place: "settings/alarms",
  read: ({ backups: { alarmEmails = [], alarmWebhook, alarmAfterHours = 0 } }) => ({ alarmEmails: alarmEmails.join(", "), url: alarmWebhook?.url ?? "", secret: "", alarmAfterHours }),
  body: ({ alarmEmails, url, secret, alarmAfterHours }) => ({
    backups: { alarmEmails: alarmEmails.split(/[\s,;]+/).filter(Boolean), alarmAfterHours, alarmWebhook: withSecret({ url }, "secret", secret) },
  }),
};

function Alarms({ known }: { known: Settings }) {
  const { alarmWebhook } = known.backups;
  const form = useForm(known, alarms);
  const { draft, set, problems } = form;
  const startingWith = (path: string) => Object.entries(problems).find(([name]) => name.startsWith(path))?.[1];
  return (
    <form ref={useFirstWrong(form.problems)} class="card" onSubmit={saving(form)} aria-labelledby="alarms">
      <h2 id="alarms">{t.settings.alarms}</h2>
      <TextField label={t.settings.alarmEmails} value={draft.alarmEmails} onValue={(alarmEmails) => set({ alarmEmails })} placeholder={t.settings.placeholders.alarmEmails} problem={startingWith("backups.alarmEmails")} hint={t.settings.alarmEmailsHint} />
      {draft.alarmEmails.trim() && !known.smtp.enabled && <Notice tone="warn">{t.settings.alarmsWithoutMail}</Notice>}
      <div class="grid">
        <TextField label={t.settings.webhook} value={draft.url} onValue={(url) => set({ url })} problem={startingWith("backups.alarmWebhook")} placeholder="https://" mono />
        <TextField label={t.settings.webhookSecret} type="password" value={draft.secret} onValue={(secret) => set({ secret })} placeholder={alarmWebhook?.url ? t.settings.unchanged : ""} autocomplete="new-password" />
      </div>
      <TextField label={t.settings.alarmAfter} type="number" min={0} value={String(draft.alarmAfterHours)} onValue={(text) => set({ alarmAfterHours: number(text) })} problem={problems["backups.alarmAfterHours"]} hint={t.settings.alarmAfterHint} />
      <Said said={form.said} />
      <div class="actions">
        {alarmWebhook?.url && (
          <button type="button" disabled={form.waiting} onClick={() => void form.attempt(api.testWebhook, t.settings.webhookWorks)}>
            {t.settings.testWebhook}
          </button>
        )}
        <Discard of={form} />
        <button class="primary" disabled={form.waiting}>
          {t.settings.saveAlarms}
        </button>
      </div>
    </form>
  );
}
