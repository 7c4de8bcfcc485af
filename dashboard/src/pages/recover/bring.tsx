import { useState } from "preact/hooks";
import { backups, type Recovery } from "../../api";
import { useAttempt } from "../../parts/attempt";
import { same } from "../../parts/changes";
import { Confirm } from "../../parts/confirm";
import { Check } from "../../parts/form";
import { Said } from "../../parts/notice";
import { Problem } from "../../problem";
import { t } from "../../texts";
import { Foreseen } from "./outcome";

interface Props {
  backup: string;
  /** Its name in the backup, and now. */
  collection: string;
  nameNow: string;
  /** Ids of records. */
  chosen: string[];
  onChosen: (change: (before: string[]) => string[]) => void;
  onDone: (recovery: Recovery) => void;
}

/** First what would happen, then the button that does it: what is shown is what is done. */
export function Bring({ backup, collection, nameNow, chosen, onChosen, onDone }: Props) {
  // What went along is missed as much; a dry run tells what it is.
  const [children, setChildren] = useState(true);
  const [overwrite, setOverwrite] = useState(false);
  const [plan, setPlan] = useState<{ about: string; recovery: Recovery } | null>(null);
  const [asking, setAsking] = useState(false);
  const { attempt, said, waiting, changed } = useAttempt();
  const wanted = { collection, ids: chosen, children, overwrite };
  const about = JSON.stringify(wanted);
  // What was found for others would mislead.
  const foreseen = plan?.about === about ? plan.recovery : null;
  const can = foreseen && foreseen.blocked === 0 && foreseen.added + foreseen.changed > 0;

  const look = async (ids = chosen) => {
    const other = { ...wanted, ids };
    setPlan({ about: JSON.stringify(other), recovery: await backups.recover(backup, other, true) });
  };
  const bring = async () => {
    const now = await backups.recover(backup, wanted, true);
    if (!same(now, foreseen)) {
      setPlan({ about, recovery: now });
      throw new Problem(t.recover.meanwhile);
    }
    onDone(await backups.recover(backup, wanted, false));
  };
  const leaveOut = (ids: string[]) => {
    const kept = chosen.filter((id) => !ids.includes(id));
    onChosen(() => kept);
    if (kept.length) void attempt(() => look(kept));
  };
  return (
    <section class="card" aria-labelledby="bring">
      <h2 id="bring">{t.recover.bring(chosen.length)}</h2>
      <Check label={t.recover.children} value={children} onValue={(on) => (setChildren(on), changed())} hint={t.recover.childrenHint} />
      <Check label={t.recover.overwrite} value={overwrite} onValue={(on) => (setOverwrite(on), changed())} hint={t.recover.overwriteHint} />
      {foreseen && <Foreseen backup={backup} collection={collection} recovery={foreseen} chosen={chosen} onLeaveOut={leaveOut} />}
      <Said said={said} />
      <div class="actions">
        {!foreseen && <p class="hint">{t.recover.nothingYet}</p>}
        <button class="quiet" onClick={() => onChosen(() => [])}>
          {t.dev.records.chooseNone}
        </button>
        <button class={foreseen ? undefined : "primary"} disabled={waiting || foreseen !== null} onClick={() => void attempt(() => look())}>
          {t.recover.see}
        </button>
        <button class={can ? "primary" : undefined} disabled={waiting || !can} onClick={() => (foreseen!.changed > 0 ? setAsking(true) : void attempt(bring))}>
          {t.recover.go}
        </button>
      </div>
      {asking && foreseen && (
        <Confirm
          title={t.recover.overwriteTitle(foreseen.changed)}
          text={t.recover.overwriteText}
          name={nameNow}
          action={t.recover.go}
          perform={() => attempt(bring)}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  );
}
