import { useEffect, useState } from "preact/hooks";
import { backups, type Backup, type Content, type Job } from "../api";
import { ago, bytes, secondsSince, span, told, whenText } from "../format";
import { away, busy, list, listProblem, now, refresh, running, status } from "../live";
import { TextField } from "../parts/form";
import { Notice, Wrong } from "../parts/notice";
import { Progress } from "../parts/progress";
import { toast } from "../parts/toast";
import { problem } from "../problem";
import { go } from "../route";
import { t } from "../texts";
import { InIt } from "./restore_content";
import { Proof } from "./safety/backups";
import { Back, Tabs } from "./restore_tabs";
import { UndoOffer } from "./safety/undo";
import { Unreadable } from "./safety/unreadable";

/** What a restore would do, and the button that does it. */
export function RestorePage({ backup: key }: { backup: string }) {
  const backup = list.value?.find((one) => one.key === key);
  if (!backup && listProblem.value) return <NoList />;
  if (!list.value) return <p class="empty" role="status">{t.loading}</p>;
  return (
    <div class="narrow">
      <Back />
      <h1>{t.restore.title}</h1>
      {backup && <Tabs backup={key} shown="whole" />}
      {backup ? <WithContent backup={backup} key={backup.key} /> : <Notice tone="bad">{t.restore.missing(key)}</Notice>}
    </div>
  );
}

/** The list can't be read, so nobody knows whether there is such a backup. */
export function NoList() {
  return (
    <div class="narrow">
      <Back />
      <h1>{t.restore.title}</h1>
      <Unreadable why={listProblem.value?.text ?? ""} place={status.value?.place ?? null} />
    </div>
  );
}

/** Waits for what is in the backup: it would push aside what is below it. */
function WithContent({ backup }: { backup: Backup }) {
  const [content, setContent] = useState<Content | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [tries, setTries] = useState(0);
  const verdict = backup.proven + backup.proofError;
  useEffect(() => {
    let over = false;
    backups.content(backup.key).then(
      (told) => !over && (setContent(told), setWrong(undefined)),
      (error) => !over && setWrong(problem(error).text),
    );
    return () => {
      over = true;
    };
  }, [backup.key, verdict, tries]);
  if (!content && !wrong) return <p class="empty" role="status">{t.loading}</p>;
  return <Ask backup={backup} content={content} unread={wrong} onAgain={() => setTries((before) => before + 1)} />;
}

interface Asking {
  backup: Backup;
  content: Content | null;
  /** Why what is in it could not be read. */
  unread: string | undefined;
  onAgain: () => void;
}

function Ask({ backup, content, unread, onAgain }: Asking) {
  const verify = async () => {
    try {
      await backups.verify(backup.key);
      void refresh();
    } catch (error) {
      toast("bad", problem(error).text);
    }
  };
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (typed !== backup.key) return;
    setWaiting(true);
    setWrong(undefined);
    try {
      await backups.restore(backup.key);
      void refresh();
      go("restore");
    } catch (error) {
      setWrong(problem(error).text);
      setWaiting(false);
    }
  };
  return (
    <>
      <section class="card">
        <h2 class="mono name">{backup.key}</h2>
        <dl class="facts">
          <div>
            <dt>{t.restore.made}</dt>
            <dd>{ago(backup.modified, now.value)}</dd>
            <dd class="hint">{whenText(backup.modified)}</dd>
          </div>
          <div>
            <dt>{t.restore.size}</dt>
            <dd>{bytes(backup.size)}</dd>
          </div>
          <div>
            <dt>{t.restore.proof}</dt>
            <dd>
              <Proof backup={backup} />
            </dd>
            {backup.proven && <dd class="hint">{whenText(backup.proven)}</dd>}
          </div>
        </dl>
      </section>
      {content && <InIt content={content} onVerify={() => void verify()} waiting={busy.value || running.value.some((job) => job.key === backup.key)} />}
      {unread && (
        <Notice tone="bad">
          <p>{unread}</p>
          <button type="button" onClick={onAgain}>
            {t.retry}
          </button>
        </Notice>
      )}
      <form class="card" onSubmit={submit}>
        <ul class="plain">
          <li>
            <strong>{t.restore.consequence}</strong>
          </li>
          <li>{t.restore.after(span(secondsSince(backup.modified, now.value)))}</li>
          <li>{t.restore.kept}</li>
          <li>{t.restore.running}</li>
          <li>{t.restore.login}</li>
        </ul>
        {status.value?.undo && <Notice tone="warn">{t.restore.endsUndo(status.value.undo.kind, status.value.undo.key)}</Notice>}
        <Checked backup={backup} />
        <TextField label={t.typeName(t.named.backup, backup.key)} value={typed} onValue={(text) => (setTyped(text), setWrong(undefined))} mono />
        {busy.value && <Notice tone="calm">{t.restore.busy}</Notice>}
        <Wrong text={wrong} />
        <div class="actions">
          <button class="danger" disabled={waiting || busy.value || typed !== backup.key}>
            {t.restore.action}
          </button>
        </div>
      </form>
    </>
  );
}

/** What a restore does about the proof of a backup, where that is not this machine's own and good. */
function Checked({ backup: { proven, proofError, provenElsewhere } }: { backup: Backup }) {
  if (proofError) return <Notice tone="bad">{t.restore.broken}</Notice>;
  if (!proven) return <Notice tone="warn">{t.restore.unproven}</Notice>;
  return provenElsewhere ? <Notice tone="calm">{t.restore.elsewhere(whenText(proven))}</Notice> : null;
}

const isRestore = (job: Job) => job.kind === "restore" || job.kind === "undo";

/** The restore that runs, or how the last one ended. It is the server's: closing the page changes nothing. */
export function RestoringPage() {
  const known = status.value;
  const job = known?.jobs.find(isRestore);
  // The job stands in the status a moment after the request was answered.
  useEffect(() => void refresh(), []);
  if (!known) return <p class="empty" role="status">{t.loading}</p>;
  return (
    <div class="narrow">
      <Back />
      {job ? <Steps job={job} /> : <p class="empty">{t.restore.nothing}</p>}
      {job && job.state !== "running" && known.undo && <UndoOffer undo={known.undo} />}
    </div>
  );
}

function titleOf({ kind, state }: Job): string {
  const undo = kind === "undo";
  if (state === "running") return undo ? t.restore.undoTitle : t.restore.progressTitle;
  const ended = t.dev.restored;
  return state === "succeeded" ? (undo ? ended.undo : ended.restore) : undo ? ended.notUndone : ended.failed;
}

function Steps({ job }: { job: Job }) {
  const unpacked = job.bytesTotal > 0 && job.bytesDone >= job.bytesTotal;
  const at = job.state === "succeeded" ? 3 : job.state === "failed" ? -1 : away.value || unpacked ? 1 : 0;
  const title = titleOf(job);
  const steps = [job.kind === "undo" ? t.restore.steps.checkKept : t.restore.steps.check, t.restore.steps.switch, t.restore.steps.serve];
  return (
    <>
      <h1>{title}</h1>
      <p class="mono quiet-text">{job.key}</p>
      <section class="card" aria-live="polite">
        {job.state === "failed" ? (
          <Notice tone="bad">
            <p>{t.restore.failed}</p>
            <p>{told(job.error)}</p>
          </Notice>
        ) : (
          <ol class="steps">
            {steps.map((text, index) => (
              <li key={text} class={index < at ? "done" : index === at ? "now" : undefined} aria-current={index === at ? "step" : undefined}>
                {text}
                {index === 0 && at === 0 && <Progress job={job} label={text} />}
              </li>
            ))}
          </ol>
        )}
        {job.state === "succeeded" && (
          <Notice tone="good">
            <p>{job.kind === "undo" ? t.restore.undone : t.restore.done(job.key)}</p>
            {job.warning && <p>{told(job.warning)}</p>}
          </Notice>
        )}
      </section>
    </>
  );
}
