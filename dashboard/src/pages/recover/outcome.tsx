import { useEffect, useRef } from "preact/hooks";
import type { Outcome, Recovery } from "../../api";
import { bytes } from "../../format";
import { Notice } from "../../parts/notice";
import { link } from "../../route";
import { t } from "../../texts";
import { useNames } from "./held_names";

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
  backup: string;
  /** Its name in the backup. */
  collection: string;
  recovery: Recovery;
  chosen: string[];
  onLeaveOut: (ids: string[]) => void;
}

/** What would happen, before it does. */
export function Foreseen({ backup, collection, recovery, chosen, onLeaveOut }: Props) {
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
      <Around recovery={recovery} />
      <Rows backup={backup} collection={collection} records={records} actions={t.recover.actions} />
    </div>
  );
}

interface Happened {
  backup: string;
  recovery: Recovery;
  /** Its name in the backup, and now. */
  collection: string;
  nameNow: string;
}

/** What has happened. */
export function Done({ backup, recovery, collection, nameNow }: Happened) {
  const { wasAdded, wasChanged, wasLeft } = t.recover;
  const place = useRef<HTMLElement>(null);
  // It stands above a table that may be long, and the button that was pressed is gone.
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: "start" });
  }, [recovery]);
  return (
    <section ref={place} class="card" tabIndex={-1} aria-label={t.recover.outcome}>
      <Notice tone="good">
        <p>{t.recover.done(inWords(recovery, { added: wasAdded, changed: wasChanged, left: wasLeft }))}</p>
        <p>
          <a href={link("data", nameNow)}>{t.recover.seeData(nameNow)}</a>
        </p>
      </Notice>
      <Around recovery={recovery} />
      <Rows backup={backup} collection={collection} records={recovery.records} actions={t.recover.actionsDone} />
    </section>
  );
}

/** What nobody asked for, and should be known. */
function Around({ recovery: { childrenLeft, lostReferences } }: { recovery: Recovery }) {
  const named = new Map<string, Set<string>>();
  for (const { collection, id } of lostReferences ?? []) named.set(collection, (named.get(collection) ?? new Set()).add(id));
  return (
    <>
      {childrenLeft !== null && childrenLeft > 0 && <Notice tone="calm">{t.recover.childrenLeft(childrenLeft)}</Notice>}
      {[...named].map(([collection, ids]) => (
        <Notice key={collection} tone="warn">
          {t.recover.lostReferences(ids.size, collection)}
        </Notice>
      ))}
    </>
  );
}

interface Listed {
  backup: string;
  collection: string;
  records: Outcome[];
  actions: Record<string, string>;
}

function Rows({ backup, collection, records, actions }: Listed) {
  const ordered = ORDER.flatMap((action) => records.filter((one) => one.action === action));
  const shown = ordered.slice(0, ROWS);
  const nameFor = useNames(backup, collection, shown);
  return (
    <>
      <ul class="foreseen" aria-label={t.recover.outcomes}>
        {shown.map((one) => (
          <li key={`${one.collection}/${one.id}`}>
            <p>
              <span class={TONES[one.action]}>{actions[one.action]}</span> <Named id={one.id} name={nameFor(one)} />{" "}
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

const Named = ({ id, name }: { id: string; name: string | undefined }) =>
  name === undefined || name === id ? (
    <span class="mono">{id}</span>
  ) : (
    <>
      {name} <span class="hint mono">{id}</span>
    </>
  );

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
