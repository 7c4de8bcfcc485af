import type { CollectionField, CollectionModel } from "pocketbase";
import { Dialog } from "../../parts/dialog";
import { Check } from "../../parts/form";
import { t } from "../../texts";

const PLACE = "__bosbase_columns__";
const USUAL = 6;

function stored(): Record<string, string[]> {
  try {
    return JSON.parse(localStorage.getItem(PLACE) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** The columns of a collection's table as this browser was told, without fields that have gone; else its first ones. */
export function columnsOf(collection: CollectionModel, fields: CollectionField[]): string[] {
  const chosen = stored()[collection.id];
  const names = fields.map((field) => field.name);
  const kept = Array.isArray(chosen) ? names.filter((name) => chosen.includes(name)) : [];
  return kept.length || chosen?.length === 0 ? kept : names.slice(0, USUAL);
}

export function keepColumns(collection: CollectionModel, names: string[]): void {
  try {
    localStorage.setItem(PLACE, JSON.stringify({ ...stored(), [collection.id]: names }));
  } catch {
    // A browser that keeps nothing shows them until the page is left.
  }
}

interface Props {
  fields: CollectionField[];
  chosen: string[];
  onChosen: (names: string[]) => void;
  onClose: () => void;
}

export function Columns({ fields, chosen, onChosen, onClose }: Props) {
  return (
    <Dialog title={t.dev.records.columnsTitle} onClose={onClose}>
      <p class="hint">{t.dev.records.columnsText}</p>
      {fields.map(({ name }) => (
        <Check key={name} label={name} value={chosen.includes(name)} onValue={(on) => onChosen(fields.map((field) => field.name).filter((one) => (one === name ? on : chosen.includes(one))))} />
      ))}
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          {t.dev.records.columnsDone}
        </button>
      </div>
    </Dialog>
  );
}
