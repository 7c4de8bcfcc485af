import type { Status } from "../../api";
import { ago, span, when, whenText } from "../../format";
import { now } from "../../live";
import { t } from "../../texts";
import type { Verdict } from "./verdict";

const host = (endpoint: string) => endpoint.replace(/^https?:\/\//, "").replace(/\/.*$/, "");

export function Headline({ verdict, place }: { verdict: Verdict; place: Status["place"] }) {
  const { tone, sentence, newest, isKnown, next, schedule, advice } = verdict;
  return (
    <section class={`headline ${tone}`} aria-labelledby="verdict">
      <p id="verdict" class="sentence" role="status">
        <span class="dot" aria-hidden="true" />
        {sentence}
      </p>
      <dl class="facts">
        <div>
          <dt>{t.safety.newest}</dt>
          <dd>{newest ? ago(newest.modified, now.value) : isKnown ? t.safety.noneYet : t.safety.notKnown}</dd>
          {newest && (
            <dd class="hint">
              {whenText(newest.modified)} · {t.safety.deep[newest.proofDepth]}
            </dd>
          )}
        </div>
        <div>
          <dt>{t.safety.next}</dt>
          <dd>{next ? t.units.in(span((next.getTime() - now.value) / 1000)) : schedule}</dd>
          {next && <dd class="hint">{when(next)}</dd>}
        </div>
        <div>
          <dt>{t.safety.place}</dt>
          <dd>{place ? t.safety.bucket(place.bucket, host(place.endpoint)) : t.safety.local}</dd>
        </div>
      </dl>
      {advice.length > 0 && (
        <div class="todo">
          <h2>{t.safety.todo}</h2>
          <ul>
            {advice.map((one) => (
              <li key={one.text}>
                {one.title && <strong>{one.title}: </strong>}
                {one.text} {one.href && <a href={one.href}>{one.action}</a>}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
