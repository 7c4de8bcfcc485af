import { useEffect, useRef, useState } from "preact/hooks";
import { backups, type BackupSettings, type Foreseen, type Foresight } from "../api";
import { bytes, moment, when, whenText } from "../format";
import { list } from "../live";
import { Notice } from "../parts/notice";
import { t } from "../texts";

/** How long somebody types no more before the server is asked. */
const PAUSE = 250;

/** What retention would do under settings that are being typed: under the last that make sense, until the server said more. */
export function useForesight(initial: Foresight | null, settings: Partial<BackupSettings>): Foresight | null {
  const [foresight, setForesight] = useState(initial);
  const asked = JSON.stringify(settings);
  // It is another where the backups are others.
  const about = asked + (list.value ?? []).map((one) => one.key + one.proven + one.proofError).join();
  const known = useRef(initial ? about : "");
  useEffect(() => {
    if (known.current === about) return;
    let over = false;
    const timer = window.setTimeout(async () => {
      try {
        const found = await backups.previewRetention(settings);
        if (over) return;
        known.current = about;
        setForesight(found);
      } catch {
        // Settings that can't be saved are said to be so where they are typed.
      }
    }, PAUSE);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [about]);
  return foresight;
}

/** Which backups would go, and why the others stay. */
export function WouldGo({ foresight }: { foresight: Foresight }) {
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
