import { useState } from "preact/hooks";
import { backups, type Undo } from "../../api";
import { ago, moment, span } from "../../format";
import { busy, now, refresh } from "../../live";
import { Dialog } from "../../parts/dialog";
import { Wrong } from "../../parts/notice";
import { problem } from "../../problem";
import { go } from "../../route";
import { t } from "../../texts";

/** That the last restore can be undone, for how long, and how. */
export function UndoOffer({ undo }: { undo: Undo }) {
  const [asking, setAsking] = useState(false);
  const left = span((moment(undo.expires).getTime() - now.value) / 1000);
  return (
    <section class="card offer" aria-labelledby="undo-title">
      <div>
        <h2 id="undo-title">{undo.kind === "undo" ? t.safety.undo.title2 : t.safety.undo.title}</h2>
        <p>{(undo.kind === "undo" ? t.safety.undo.text2 : t.safety.undo.text)(undo.key, ago(undo.restored, now.value), left)}</p>
      </div>
      <button disabled={busy.value} onClick={() => setAsking(true)}>
        {t.safety.undo.action}
      </button>
      {asking && <UndoDialog onClose={() => setAsking(false)} />}
    </section>
  );
}

function UndoDialog({ onClose }: { onClose: () => void }) {
  const [wrong, setWrong] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setWaiting(true);
    try {
      await backups.undo();
      onClose();
      go("restore");
      void refresh();
    } catch (error) {
      setWrong(problem(error).text);
      setWaiting(false);
    }
  };
  return (
    <Dialog title={t.restore.undoAsk} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{t.restore.undoText}</p>
        <Wrong text={wrong} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={waiting}>
            {t.restore.undoDo}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
