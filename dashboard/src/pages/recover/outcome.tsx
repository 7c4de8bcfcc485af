import { useEffect, useRef } from "preact/hooks";
import type { Outcome, Recovery } from "../../api";
import { bytes } from "../../format";
import { Notice } from "../../parts/notice";
import { link } from "../../route";
import { t } from "../../texts";

/** So many rows are shown; thousands are read by nobody. */
const ROWS = 100;
const ORDER: Outcome["action"][] = ["blocked", "changed", "added", "left"];
const TONES: Record<Outcome["action"], string> = { added: "badge good", changed: "badge warn", left: "badge", blocked: "badge bad" };

/** The numbers that are not 0, in words. */
function inWords({ added, changed, left, files, fileBytes }: Recovery, say: { added: (n: number) => string; changed: (n: number) => string; left: (n: number) => string }): string {
  const parts = [added > 0 && say.added(added), changed > 0 && say.changed(changed), files > 0 && t.recover.files(files, bytes(fileBytes)), left > 0 && say.left(left)];
  return parts.filter(Boolean).join(", ");
}

interface Props {
  recovery: Recovery;
  chosen: string[];
  onLeaveOut: (ids: string[]) => void;
}

/** What would happen, before it does. */
export function Foreseen({ recovery, chosen, onLeaveOut }: Props) {
  const { added, changed, blocked, records } = recovery;
  const stuck = records.filter((one) => one.action === "blocked" && !one.child && chosen.includes(one.id)).map((one) => one.id);
  const differing = records.filter((one) => one.action === "left" && one.fields.length > 0).length;
  const nothing = differing > 0 ? t.recover.nothingUnless(differing) : t.recover.nothing;
  return (
    <div class="foresight" aria-live="polite">
      <h3>{t.recover.seen}</h3>
      {blocked > 0 ? (
        <Notice tone="warn">
          <p>{t.recover.blocked(blocked)}</p>
          {stuck.length > 0 && (
            <p>
              <button onClick={() => onLeaveOut(stuck)}>{t.recover.leaveOut(stuck.length)}</button>
            </p>
          )}
        </Notice>
      ) : (
        <Notice tone={changed > 0 ? "warn" : added > 0 ? "good" : "calm"}>{added + changed === 0 ? nothing : `${inWords(recovery, t.recover)}.`}</Notice>
      )}
      <Rows records={records} actions={t.recover.actions} />
    </div>
  );
}

/** What has happened. `collection`: its name now. */
export function Done({ recovery, collection }: { recovery: Recovery; collection: string }) {
  const { wasAdded, wasChanged, wasLeft } = t.recover;
  const place = useRef<HTMLElement>(null);
  // It stands above a table that may be long, and the button that was pressed is gone.
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: "center" });
  }, [recovery]);
  return (
    <section ref={place} class="card" tabIndex={-1} aria-label={t.recover.outcome}>
      <Notice tone="good">
        <p>{t.recover.done(inWords(recovery, { added: wasAdded, changed: wasChanged, left: wasLeft }))}</p>
        <p>
          <a href={link("data", collection)}>{t.recover.seeData(collection)}</a>
        </p>
      </Notice>
      <Rows records={recovery.records} actions={t.recover.actionsDone} />
    </section>
  );
}

function Rows({ records, actions }: { records: Outcome[]; actions: Record<string, string> }) {
  const ordered = ORDER.flatMap((action) => records.filter((one) => one.action === action));
  return (
    <>
      <ul class="foreseen" aria-label={t.recover.outcomes}>
        {ordered.slice(0, ROWS).map((one) => (
          <li key={`${one.collection}/${one.id}`}>
            <p>
              <span class={TONES[one.action]}>{actions[one.action]}</span> <span class="mono">{one.id}</span>{" "}
              {one.child && <span class="hint">{t.recover.child(one.collection)}</span>}
            </p>
            {remarks(one).map((text) => (
              <p key={text} class="hint">
                {text}
              </p>
            ))}
          </li>
        ))}
      </ul>
      {ordered.length > ROWS && <p class="hint">{t.recover.more(ordered.length - ROWS)}</p>}
    </>
  );
}

/** What else is to be known of a record. */
function remarks({ action, reason, fields, files, missingFiles, lostRelations, lostFields }: Outcome): string[] {
  const parts = [
    reason,
    // One that is left says so in its reason.
    action === "changed" && fields.length > 0 && t.recover.fields(fields.join(", ")),
    files.length > 0 && t.recover.withFiles(files.join(", ")),
    missingFiles.length > 0 && t.recover.missingFiles(missingFiles.join(", ")),
    ...Object.entries(lostRelations).map(([field, ids]) => t.recover.lostRelations(field, ids.join(", "))),
    lostFields.length > 0 && t.recover.lostFields(lostFields.join(", ")),
  ];
  return parts.filter((part): part is string => Boolean(part));
}
