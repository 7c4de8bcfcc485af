import { useRef, useState } from "preact/hooks";
import { backups, type Backup, type Job } from "../../api";
import { ago, bytes, whenText } from "../../format";
import { busy, now, refresh, running, status } from "../../live";
import { Confirm } from "../../parts/confirm";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/form";
import { Wrong } from "../../parts/notice";
import { Progress } from "../../parts/progress";
import { toast } from "../../parts/toast";
import { problem } from "../../problem";
import { link } from "../../route";
import { t } from "../../texts";
import { fitsNew, fitting } from "./names";
import { send, stop, upload } from "./upload";

/** The list, with all that can be done with a backup. */
export function BackupTable({ list }: { list: Backup[] }) {
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<Backup | null>(null);
  const [over, setOver] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const attempt = async (action: () => Promise<unknown>) => {
    try {
      await action();
      await refresh();
    } catch (error) {
      toast("bad", problem(error).text);
    }
  };
  const download = async (key: string) => {
    const anchor = document.createElement("a");
    anchor.href = await backups.download(key);
    anchor.download = key;
    anchor.click();
  };
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) void send(file);
  };
  return (
    <section
      class={`card ${over ? "over" : ""}`}
      aria-labelledby="backups"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node) || setOver(false)}
      onDrop={dropped}
    >
      <div class="row">
        <h2 id="backups">{t.safety.backups}</h2>
        <input
          ref={chooser}
          type="file"
          accept=".zip"
          class="hidden"
          tabIndex={-1}
          aria-label={t.safety.upload}
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) void send(file);
          }}
        />
        <button onClick={() => chooser.current?.click()}>{t.safety.upload}</button>
        <button class="primary" disabled={busy.value} onClick={() => setCreating(true)}>
          {t.safety.create}
        </button>
      </div>
      {over && <p class="drop">{t.safety.drop}</p>}
      <Uploading />
      {list.length === 0 ? (
        <p class="empty">{t.safety.empty}</p>
      ) : (
        <table class="backups">
          <caption class="hidden">{t.safety.table.caption}</caption>
          <thead>
            <tr>
              <th scope="col">{t.safety.table.name}</th>
              <th scope="col">{t.safety.table.made}</th>
              <th scope="col" class="numbers">
                {t.safety.table.size}
              </th>
              <th scope="col">{t.safety.table.origin}</th>
              <th scope="col">{t.safety.table.proof}</th>
              <th scope="col">
                <span class="hidden">{t.safety.table.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((one) => (
              <tr key={one.key}>
                <th scope="row" class="mono name">
                  {one.key}
                </th>
                <td title={whenText(one.modified)}>{ago(one.modified, now.value)}</td>
                <td class="numbers">{bytes(one.size)}</td>
                <td>{origin(one.key, status.value?.jobs ?? [])}</td>
                <td class="proof">
                  <Proof backup={one} />
                </td>
                <td class="do">
                  <a class="button" href={link("restore", one.key)} aria-label={t.safety.restoreOf(one.key)}>
                    {t.safety.restore}
                  </a>
                  <button class="quiet" aria-label={`${t.safety.download} ${one.key}`} onClick={() => void attempt(() => download(one.key))}>
                    {t.safety.download}
                  </button>
                  <button
                    class="quiet"
                    aria-label={`${t.safety.verify} ${one.key}`}
                    disabled={running.value.some((job) => job.key === one.key)}
                    onClick={() => void attempt(() => backups.verify(one.key))}
                  >
                    {t.safety.verify}
                  </button>
                  <button class="quiet" aria-label={`${t.safety.remove} ${one.key}`} onClick={() => setRemoving(one)}>
                    {t.safety.remove}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {creating && <Create onClose={() => setCreating(false)} />}
      {removing && (
        <Confirm
          title={t.safety.removeTitle}
          text={t.safety.removeText}
          typing={{ name: removing.key, of: t.named.backup }}
          action={t.safety.removeDo}
          perform={async () => {
            await backups.remove(removing.key);
            await refresh();
          }}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  );
}

/** Who made it, as far as its name and the jobs that are remembered tell. */
function origin(key: string, jobs: Job[]): string {
  if (key.startsWith("@auto_pb_backup_")) return t.safety.origin.schedule;
  const job = jobs.find((one) => one.key === key && (one.kind === "create" || one.kind === "upload") && one.state === "succeeded");
  return job ? (job.kind === "upload" ? t.safety.origin.uploaded : t.safety.origin.hand) : "–";
}

export function Proof({ backup }: { backup: Backup }) {
  const { proven, proofDepth, proofError, missing, provenElsewhere } = backup;
  const elsewhere = provenElsewhere && <span class="hint">{t.safety.proof.elsewhere}</span>;
  if (proofError) {
    return (
      <>
        <span class="badge bad" title={proofError}>
          {t.safety.proof.broken}
        </span>{" "}
        {elsewhere}
      </>
    );
  }
  if (!proven) return <span class="badge">{t.safety.proof.not}</span>;
  return (
    <>
      <span class="badge good" title={whenText(proven)}>
        {proofDepth === "databases" ? t.safety.proof.databases : t.safety.proof.bytes}
      </span>{" "}
      {elsewhere}
      {missing ? <span class="badge warn">{t.safety.proof.missing(missing)}</span> : null}
    </>
  );
}

export function Uploading() {
  const current = upload.value;
  if (!current) return null;
  const { offer } = current;
  return (
    <div class="running" role="group" aria-label={t.safety.uploading(current.name)}>
      <div class="row">
        <p>{t.safety.uploading(current.name)}</p>
        <button class="quiet" onClick={stop}>
          {current.wrong ? t.close : t.jobs.stop}
        </button>
      </div>
      {current.wrong ? (
        <>
          <Wrong text={current.wrong} />
          {offer && (
            <div class="actions">
              <button class="primary" onClick={() => void send(offer.file)}>
                {t.safety.uploadAs(offer.name)}
              </button>
            </div>
          )}
        </>
      ) : (
        <Progress job={{ id: `upload ${current.name}`, phase: "working", bytesDone: current.sent, bytesTotal: current.total }} label={t.safety.uploading(current.name)} />
      )}
    </div>
  );
}

function Create({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [field, setField] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const offer = field && !fitsNew(name.trim()) ? fitting(name) : "";
  const submit = async (event: Event) => {
    event.preventDefault();
    setWaiting(true);
    setWrong(undefined);
    setField(undefined);
    try {
      await backups.create(name.trim());
      onClose();
      await refresh();
    } catch (error) {
      const { text, fields } = problem(error);
      // The server says no more than that it is wrong.
      setField(fields.name && !fitsNew(name.trim()) ? t.safety.createWrong : fields.name);
      if (!fields.name) setWrong(text);
      setWaiting(false);
    }
  };
  return (
    <Dialog title={t.safety.createTitle} onClose={onClose}>
      <form onSubmit={submit}>
        <TextField label={t.safety.createName} value={name} onValue={(text) => (setName(text), setField(undefined), setWrong(undefined))} problem={field} hint={t.safety.createHint} autofocus mono />
        {offer && (
          <p>
            <button type="button" onClick={() => (setName(offer), setField(undefined))}>
              {t.safety.createAs(offer)}
            </button>
          </p>
        )}
        <Wrong text={wrong} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="primary" disabled={waiting}>
            {t.safety.createDo}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
