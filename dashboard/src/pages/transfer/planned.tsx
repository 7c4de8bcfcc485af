import { t } from "../../texts";
import type { Entry, Plan } from "./plan";

const TONES = { new: "good", changed: "warn", gone: "bad" };

/** What an import would do, a collection at a time. */
export function Planned({ plan }: { plan: Plan }) {
  const text = t.dev.transfer;
  return (
    <section aria-label={text.difference}>
      <p role="status">
        <strong>{plan.entries.length ? text.changes(plan.entries.length) : text.noChange}</strong>
      </p>
      {plan.unchanged > 0 && <p class="hint">{text.unchanged(plan.unchanged)}</p>}
      <ul class="schema">
        {plan.entries.map((entry) => (
          <li key={`${entry.kind} ${entry.name}`}>
            <p>
              <strong class="mono">{entry.name}</strong> <span class={`badge ${TONES[entry.kind]}`}>{text.kinds[entry.kind]}</span>
            </p>
            <Details entry={entry} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Details({ entry }: { entry: Entry }) {
  const text = t.dev.transfer;
  if (entry.kind === "gone") return <p class="wrong">{text.goneText}</p>;
  return (
    <>
      {entry.newFields.length > 0 && <p>{text.newFields(entry.newFields.join(", "))}</p>}
      {entry.goneFields.length > 0 && <p class="wrong">{text.goneFields(entry.goneFields.join(", "))}</p>}
      {entry.narrowedFields.length > 0 && <p class="wrong">{text.narrowedFields(entry.narrowedFields.join(", "))}</p>}
      {entry.differences.length > 0 && (
        <dl class="differences">
          {entry.differences.map(({ path, before, after }) => (
            <div key={path}>
              <dt class="mono">{path}</dt>
              <dd>
                <del>{before}</del> <span aria-hidden="true">→</span> <ins>{after}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}
