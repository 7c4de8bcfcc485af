import { useEffect, useState } from "preact/hooks";
import { backups, type Comparison, type Undo } from "../../api";
import { ago, moment, span } from "../../format";
import { busy, now, refresh } from "../../live";
import { Dialog } from "../../parts/dialog";
import { Notice, Wrong } from "../../parts/notice";
import { problem } from "../../problem";
import { go } from "../../route";
import { t } from "../../texts";
import { OtherChanges } from "../restore_changes";
import { change, isShown, isTouched, Sentence } from "../restore_content";

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
      {asking && <UndoDialog ofUndo={undo.kind === "undo"} onClose={() => setAsking(false)} />}
    </section>
  );
}

/** What would be gone by it, as the page of a restore says it. */
function Outlook() {
  const [known, setKnown] = useState<Comparison | null>();
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    let over = false;
    backups.undoOutlook().then(
      (told) => !over && setKnown(told),
      (error) => !over && setWrong(problem(error).text),
    );
    return () => {
      over = true;
    };
  }, []);
  if (wrong) return <Notice tone="warn">{t.restore.undoNotCounted(wrong)}</Notice>;
  if (known === undefined) return <p class="hint" role="status">{t.restore.undoCounting}</p>;
  if (known === null) return <Notice tone="warn">{t.restore.undoUnknown}</Notice>;
  const touched = known.collections.filter((one) => isShown(one) && one.type !== "view" && isTouched(one));
  return (
    <div class="outlook">
      <Sentence known={known} />
      {!known.complete && <Notice tone="calm">{t.restore.notInTime}</Notice>}
      {touched.length > 0 && (
        <ul class="plain">
          {touched.map((one) => (
            <li key={one.id}>
              <span class="mono">{one.name}</span>: {change(one)}
            </li>
          ))}
        </ul>
      )}
      <OtherChanges known={known} isCounted />
    </div>
  );
}

/** `ofUndo` where an undo is undone: each replaces what the one before brought back, so no more is said than that. */
function UndoDialog({ ofUndo, onClose }: { ofUndo: boolean; onClose: () => void }) {
  const [wrong, setWrong] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setWaiting(true);
    setWrong(undefined);
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
    <Dialog title={ofUndo ? t.restore.undoAsk2 : t.restore.undoAsk} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{ofUndo ? t.restore.undoText2 : t.restore.undoText}</p>
        <Outlook />
        <Wrong text={wrong} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={waiting}>
            {ofUndo ? t.restore.undoDo2 : t.restore.undoDo}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
