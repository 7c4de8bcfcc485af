import { t } from "../texts";
import type { Editing } from "./editing";

/** The button that takes back what was typed, where something was. */
export function Discard({ of: { isUnsaved, waiting, discard } }: { of: Pick<Editing<object>, "isUnsaved" | "waiting" | "discard"> }) {
  if (!isUnsaved) return null;
  return (
    <button type="button" class="quiet" disabled={waiting} onClick={() => void discard()}>
      {t.discard}
    </button>
  );
}
