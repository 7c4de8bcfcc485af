import { useEffect, useState } from "preact/hooks";
import { backups, type BackupSettings, type Foreseen, type Foresight } from "../api";
import { bytes, moment, when, whenText } from "../format";
import { list } from "../live";
import { Notice } from "../parts/notice";
import { t } from "../texts";

/** How long somebody types no more before the server is asked. */
const PAUSE = 250;

/** What is known of the settings that are typed now. What was found for others is shown no more: it would mislead. */
export type Known = { state: "found"; foresight: Foresight } | { state: "asking" } | { state: "failed" };

/** What retention would do under `changes` that are being typed, laid over the settings in `force`. */
export function useForesight(initial: Foresight | null, changes: Partial<BackupSettings>, force: BackupSettings): Known {
  // It is another where the settings or the backups are others.
  const about = JSON.stringify([changes, force]) + (list.value ?? []).map((one) => one.key + one.proven + one.proofError).join();
  const [known, setKnown] = useState<{ about: string; foresight: Foresight | null }>({ about: initial ? about : "", foresight: initial });
  useEffect(() => {
    if (known.about === about) return;
    let over = false;
    const timer = window.setTimeout(async () => {
      // Settings that can't be saved are said to be so where they are typed.
      const foresight = await backups.previewRetention(changes).catch(() => null);
      if (!over) setKnown({ about, foresight });
    }, PAUSE);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [about]);
  if (known.about !== about) return { state: "asking" };
  return known.foresight ? { state: "found", foresight: known.foresight } : { state: "failed" };
}

/** Which backups would go, or that it is not known. */
export function Foreseeing({ known }: { known: Known }) {
  if (known.state === "found") return <WouldGo foresight={known.foresight} />;
  return (
    <div class="foresight" aria-live="polite">
      <Notice tone={known.state === "failed" ? "warn" : "calm"}>{known.state === "failed" ? t.settings.previewFailed : t.settings.previewAsking}</Notice>
    </div>
  );
}

/** Which backups would go, and why the others stay. */
function WouldGo({ foresight }: { foresight: Foresight }) {
  const going = foresight.backups.filter((one) => one.goes);
  const staying = foresight.backups.filter((one) => !one.goes);
  if (foresight.backups.length === 0) return <p class="hint">{t.settings.previewEmpty}</p>;
  const next = foresight.nextRun ? t.settings.previewNext(when(moment(foresight.nextRun))) : t.settings.previewNever;
  return (
    <div class="foresight" aria-live="polite">
      <Notice tone={going.length > 0 ? "warn" : "calm"}>
        {going.length > 0 ? t.settings.previewGoing(going.length, bytes(foresight.goingBytes)) : t.settings.previewNone} {next}
      </Notice>
      {going.length > 0 && <List all={going} />}
      {staying.length > 0 && (
        <details>
          <summary>{t.settings.previewStaying(staying.length)}</summary>
          <List all={staying} />
        </details>
      )}
    </div>
  );
}

/** So many rows are shown; a list of thousands is no preview. */
const ROWS = 50;

function List({ all }: { all: Foreseen[] }) {
  return (
    <>
      <ul class="foreseen">
        {all.slice(0, ROWS).map((one) => (
          <li key={one.key}>
            <span class="mono name">{one.key}</span>
            <span class="hint">
              {whenText(one.modified)}, {bytes(one.size)}
            </span>
            {one.why.length > 0 && <span class="hint">{one.why.map((reason) => t.settings.previewWhy[reason]).join("; ")}</span>}
          </li>
        ))}
      </ul>
      {all.length > ROWS && <p class="hint">{t.settings.previewMore(all.length - ROWS)}</p>}
    </>
  );
}
