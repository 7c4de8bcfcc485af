import { useEffect, useRef, useState } from "preact/hooks";
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
  const why = chosen.length === 0 ? t.recover.whyNot.none : !foreseen ? t.recover.whyNot.unseen : foreseen.blocked > 0 ? t.recover.whyNot.blocked(foreseen.blocked) : can ? "" : t.recover.whyNot.nothing;
  const answer = useRef<HTMLDivElement>(null);
  // What was asked for may come below the fold, or be hidden by the bar.
  useEffect(() => answer.current?.scrollIntoView({ block: "nearest" }), [foreseen, said]);

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
    <section class="bring" aria-labelledby="bring">
      <div class={chosen.length > 0 ? "card" : "hidden"}>
        <h2 id="bring">{t.recover.bring(chosen.length)}</h2>
        {chosen.length > 0 && (
          <>
            <Check label={t.recover.children} value={children} onValue={(on) => (setChildren(on), changed())} hint={t.recover.childrenHint} />
            <Check label={t.recover.overwrite} value={overwrite} onValue={(on) => (setOverwrite(on), changed())} hint={t.recover.overwriteHint} />
            <div ref={answer} class="answer">
              {foreseen && <Foreseen backup={backup} collection={collection} recovery={foreseen} chosen={chosen} onLeaveOut={leaveOut} />}
              <Said said={said} />
            </div>
          </>
        )}
      </div>
      <div class="bar">
        <p id="bring-why" class="hint" role="status">
          {why}
        </p>
        {chosen.length > 0 && (
          <button class="quiet" onClick={() => onChosen(() => [])}>
            {t.dev.records.chooseNone}
          </button>
        )}
        <button class={foreseen ? undefined : "primary"} disabled={waiting || foreseen !== null || chosen.length === 0} aria-describedby="bring-why" onClick={() => void attempt(() => look())}>
          {t.recover.see}
        </button>
        <button class={can ? "primary" : undefined} disabled={waiting || !can} aria-describedby="bring-why" onClick={() => (foreseen!.changed > 0 ? setAsking(true) : void attempt(bring))}>
          {t.recover.go}
        </button>
      </div>
      {asking && foreseen && (
        <Confirm
          title={t.recover.overwriteTitle(foreseen.changed)}
          text={t.recover.overwriteText}
          typing={{ name: nameNow, of: t.named.collection }}
          action={t.recover.go}
          perform={() => attempt(bring)}
          onClose={() => setAsking(false)}
        />
      )}
    </section>
  );
}
