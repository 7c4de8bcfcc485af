// How long scheduled backups are kept.

import type { BackupSettings } from "../api";
import { span } from "../format";
import { t } from "../texts";

type Rules = Required<Pick<BackupSettings, "cronMaxKeep" | "keepDaily" | "keepWeekly" | "keepMonthly">>;
/** `keepLast` is a rule that the page has no input for: the API alone sets it. */
type All = Rules & Pick<BackupSettings, "keepLast">;

/** What a new server has: hardly a history, and none to speak of with a backup every hour. */
export const isDefault = ({ cronMaxKeep, keepLast, keepDaily, keepWeekly, keepMonthly }: All) =>
  cronMaxKeep === 3 && !keepLast && !keepDaily && !keepWeekly && !keepMonthly;

/** What comes with a usual schedule, where nobody has chosen anything else: a year that gets thinner. */
export const SENSIBLE: Rules = { cronMaxKeep: 24, keepDaily: 7, keepWeekly: 5, keepMonthly: 12 };

/** How far back these rules let one go, in words; `runs` are the next times of the schedule. */
export function reach({ cronMaxKeep, keepLast = 0, keepDaily, keepWeekly, keepMonthly }: All, runs: Date[]): string {
  const text = t.settings.reach;
  const newest = Math.max(cronMaxKeep, keepLast);
  const [first, last] = [runs[0], runs.at(-1)];
  const apart = first && last && runs.length > 1 ? (last.getTime() - first.getTime()) / 1000 / (runs.length - 1) : 0;
  const parts = [
    newest > 0 && (apart ? text.last(newest, span(newest * apart)) : text.lastUnknown(newest)),
    keepDaily > 0 && text.daily(keepDaily),
    keepWeekly > 0 && text.weekly(keepWeekly),
    keepMonthly > 0 && text.monthly(keepMonthly),
  ].filter((part) => part !== false);
  return parts.length ? text.some(parts) : text.all;
}
