import type { Compared, Comparison, PartChange } from "../api";
import { Notice } from "../parts/notice";
import { t } from "../texts";

/** So many names of a kind are told of a collection. */
const NAMES = 12;

interface Props {
  known: Comparison;
  isCounted: boolean;
  /** Of a backup, which may be looked into once more. */
  onVerify?: () => void;
  waiting?: boolean;
}

/** What a restore changes besides records and files: fields, rules, indexes, options and settings. */
export function OtherChanges({ known, isCounted, onVerify, waiting }: Props) {
  // The summary of an earlier version says nothing of it. Without the databases nobody knows, and that is said elsewhere.
  const isUnknown = isCounted && known.collections.some((one) => one.fate === "stays" && one.changes === null);
  const lines = known.collections.map((one) => ({ one, parts: changes(one) })).filter(({ parts }) => parts.length > 0);
  const settings = known.settings ?? [];
  return (
    <>
      {(lines.length > 0 || settings.length > 0) && (
        <>
          <h3>{t.restore.otherChanges}</h3>
          <ul class="plain">
            {lines.map(({ one, parts }) => (
              <li key={one.id}>
                <span class="mono">{one.name}</span>: {parts.join("; ")}
              </li>
            ))}
            {settings.length > 0 && <li>{t.restore.settingsChange(settings.map((name) => t.restore.settingsNames[name] ?? name))}</li>}
          </ul>
        </>
      )}
      {isUnknown && onVerify && (
        <Notice tone="calm">
          <p>{t.restore.changesNotKept}</p>
          <button type="button" disabled={waiting} onClick={onVerify}>
            {t.restore.lookInto}
          </button>
        </Notice>
      )}
      {isCounted && onVerify && !isUnknown && known.settings === null && <Notice tone="calm">{t.restore.settingsUnknown}</Notice>}
    </>
  );
}

/** Whether it becomes another, besides its records. */
export const hasChanges = (one: Compared) => changes(one).length > 0;

function changes({ type, changes }: Compared): string[] {
  if (!changes) return [];
  const { fields, indexes, rules, options, more } = changes;
  return [
    ...parts(fields, type === "view" ? t.restore.columns : t.restore.fields),
    rules.length > 0 && t.restore.rulesChange(named(rules.map((name) => t.restore.ruleFor[name] ?? name)), rules.length),
    ...parts(indexes, t.restore.indexes),
    options.length > 0 && t.restore.optionsChange(named(options), options.length),
    more > 0 && t.restore.moreChanges(more),
  ].filter((part) => part !== false);
}

function parts(all: PartChange[], texts: (typeof t.restore)["fields"]): string[] {
  const of = (fate: PartChange["fate"]) => all.filter((one) => one.fate === fate).map(nameOf);
  return (["goes", "returns", "changes"] as const).flatMap((fate) => {
    const names = of(fate);
    return names.length > 0 ? [texts[fate](named(names), names.length)] : [];
  });
}

const nameOf = ({ name, nameNow }: PartChange) => (nameNow !== null && nameNow !== name ? t.restore.partCalledNow(name, nameNow) : `“${name}”`);

const named = (names: string[]) => names.slice(0, NAMES).join(", ") + (names.length > NAMES ? ` ${t.restore.moreNames(names.length - NAMES)}` : "");
