import type { CollectionModel } from "pocketbase";
import { Notice } from "../../parts/notice";
import { t } from "../../texts";
import { LOGGED_IN } from "./rule_kinds";
import { openToGuests } from "./rule_parts";

interface Props {
  collection: CollectionModel;
  rule: string;
  onRule: (rule: string) => void;
}

/** Warns of a rule that lets guests in by a field that is empty, and closes it. */
export function Guests({ collection, rule, onRule }: Props) {
  const opening = openToGuests(rule, collection);
  if (!opening) return null;
  return (
    <Notice tone="warn">
      <p>{t.data.guests(opening.field, opening.account)}</p>
      <p>
        <button type="button" onClick={() => onRule(guarded(rule))}>
          {t.data.keepGuestsOut}
        </button>
      </p>
    </Notice>
  );
}

/** A comment reaches to the end of its line. */
const guarded = (rule: string) => (/\|\||\/\//.test(rule) ? `${LOGGED_IN} && (${rule.trim()}${rule.includes("//") ? "\n" : ""})` : `${LOGGED_IN} && ${rule.trim()}`);
