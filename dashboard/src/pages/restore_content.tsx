import type { Compared, Comparison, Content, Totals } from "../api";
import { bytes, count } from "../format";
import { Notice } from "../parts/notice";
import { t } from "../texts";
import { hasChanges, OtherChanges } from "./restore_changes";

const SUPERUSERS = "_superusers";

/** What is in the backup, what is there now, and what would be gone. */
export function InIt({ content, onVerify, waiting }: { content: Content; onVerify: () => void; waiting: boolean }) {
  const known = content.comparison;
  return (
    <section class="card" aria-labelledby="in-it">
      <h2 id="in-it">{t.restore.content}</h2>
      {!content.known || !known ? (
        <>
          <Notice tone={content.proofError ? "warn" : "calm"}>{content.unknown}</Notice>
          <div class="actions">
            <button type="button" disabled={waiting} onClick={onVerify}>
              {t.restore.lookInto}
            </button>
          </div>
        </>
      ) : (
        <>
          {content.counted && <Sentence known={known} />}
          {!content.counted && <Notice tone="calm">{t.restore.notCounted}</Notice>}
          {!known.complete && <Notice tone="calm">{t.restore.notInTime}</Notice>}
          {known.collections.length > 0 && <Collections all={known.collections} />}
          <OtherChanges known={known} isCounted={content.counted} onVerify={onVerify} waiting={waiting} />
          <dl class="facts">
            <Fact label={t.restore.files} then={files(content.files)} now={files(known.files)} />
            <Fact label={t.restore.databases} then={bytes(sum(content.databases))} now={bytes(sum(known.databases))} />
            <div>
              <dt>{t.restore.program}</dt>
              <dd>{content.program || t.restore.otherProgram}</dd>
            </div>
          </dl>
        </>
      )}
    </section>
  );
}

const sum = (all: { size: number }[]) => all.reduce((sizes, one) => sizes + one.size, 0);
const files = (totals: Totals | null) => (totals ? t.restore.filesOf(totals.count, count(totals.count), bytes(totals.bytes)) : t.restore.unknown);
const number = (value: number | null) => (value === null ? "–" : count(value));

/** What would be gone, in one sentence. */
export function Sentence({ known }: { known: Comparison }) {
  const { collections, records, atLeast } = known.gone;
  if (collections === 0 && records === 0) return <Unharmed all={known.collections} />;
  if (records === null && atLeast === 0) return <Notice tone="warn">{t.restore.goneUnknown(collections, known.complete)}</Notice>;
  if (records === 0) return <Notice tone="warn">{t.restore.onlyCollections(collections)}</Notice>;
  const lost = records === null ? t.restore.atLeast(atLeast, count(atLeast)) : t.restore.exactly(records, count(records));
  return <Notice tone="warn">{t.restore.wouldGo(lost, collections)}</Notice>;
}

/** No record would be gone: but what was changed since would be as before. */
function Unharmed({ all }: { all: Compared[] }) {
  const counts = all.filter((one) => isShown(one) && one.type !== "view" && one.fate === "stays" && one.recordsNow !== 0).map((one) => one.changedSince);
  const changed = counts.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  const fields = all.filter((one) => one.type !== "view").flatMap((one) => one.changes?.fields ?? []).filter((one) => one.fate === "goes").length;
  if (fields > 0) return <Notice tone="warn">{t.restore.onlyFields(fields, changed)}</Notice>;
  if (changed > 0) return <Notice tone="warn">{t.restore.onlyChanged(changed)}</Notice>;
  if (counts.includes(null)) return <Notice tone="calm">{t.restore.changesUnknown}</Notice>;
  return <Notice tone="good">{t.restore.nothingGone}</Notice>;
}

/** What the system keeps for itself says nothing to anybody, but for who may log in here. */
export const isShown = (one: Pick<Compared, "system" | "name">) => !one.system || one.name === SUPERUSERS;

function Fact({ label, then, now }: { label: string; then: string; now: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{then}</dd>
      <dd class="hint">{t.restore.nowIs(now)}</dd>
    </div>
  );
}

function Collections({ all }: { all: Compared[] }) {
  const shown = all.filter(isShown);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t.restore.content}>
      <table class="compared">
        <thead>
          <tr>
            <th scope="col">{t.restore.collection}</th>
            <th scope="col" class="numbers">
              {t.restore.inBackup}
            </th>
            <th scope="col" class="numbers">
              {t.restore.today}
            </th>
            <th scope="col">{t.restore.change}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <tr key={one.id}>
              <th scope="row" class="mono name">
                {one.name}
                {one.nameNow !== null && one.nameNow !== one.name && <span class="hint"> {t.restore.calledNow(one.nameNow)}</span>}
              </th>
              <td class="numbers" data-label={t.restore.inBackup}>
                {number(one.records)}
              </td>
              <td class="numbers" data-label={t.restore.today}>
                {number(one.recordsNow)}
              </td>
              <td>{change(one)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether anything of it would be another. */
export const isTouched = (one: Compared) =>
  one.fate !== "stays" || one.records !== one.recordsNow || Boolean(one.createdSince) || Boolean(one.changedSince);

/** What happens to a collection's records, in words. */
export function change(one: Compared) {
  if (one.fate === "goes") return <span class="badge bad">{t.restore.onlyNow}</span>;
  if (one.fate === "returns") return <span class="badge good">{t.restore.onlyThen}</span>;
  if (one.records === null || one.recordsNow === null) return <span class="hint">{one.type === "view" ? t.restore.view : t.restore.unknown}</span>;
  const { created, back, least } = made(one.records, one.recordsNow, one.createdSince);
  const more = one.createdSince !== null && created > one.createdSince;
  const parts = [created > 0 && (more ? t.restore.moreNow(created) : t.restore.createdSince(created, least)), back > 0 && t.restore.deletedSince(back, least), (one.changedSince ?? 0) > 0 && t.restore.changedSince(one.changedSince ?? 0)].filter(Boolean);
  if (parts.length > 0) return parts.join("; ");
  if (one.createdSince === null) return t.restore.same;
  return hasChanges(one) ? t.restore.unchangedRecords : t.restore.unchanged;
}

/** How many were made and deleted since. Without dates there may have been more of both. */
export function made(then: number, now: number, since: number | null): { created: number; back: number; least: boolean } {
  // What came from elsewhere since, as by a restore, is older than it has been here.
  const created = Math.max(since ?? 0, now - then);
  return { created, back: Math.max(0, then - (now - created)), least: since === null || created > since };
}
