import { useEffect, useState } from "preact/hooks";
import { backups, type Backup, type Figures } from "../../api";
import { bytes, day, moment, span, whenText } from "../../format";
import { now } from "../../live";
import { Bars } from "../../parts/bars";
import { t } from "../../texts";

const DAYS = 30;
const BARS = 60;
const DAY = 86_400_000;

/** Sizes and durations over time, also of backups that are gone, and the last days with their backups. `ended` changes when a job ends. */
export function Charts({ list, ended }: { list: Backup[]; ended: string }) {
  const [figures, setFigures] = useState<Figures[]>([]);
  useEffect(() => {
    let over = false;
    // Where they don't come, what was known stays; the page says of itself that the server is away.
    backups.figures("create", BARS).then(
      (found) => !over && setFigures(found),
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [ended]);
  const made = figures.filter((one) => one.state === "succeeded").reverse();
  const measured = made.filter((one) => one.size !== null).map((one) => ({ at: one.started, size: one.size ?? 0 }));
  // Before sizes were written down there was the list.
  const known = measured.length > 0 ? measured : [...list].reverse().slice(-BARS).map((one) => ({ at: one.modified, size: one.size }));
  const sizes = known.map((one) => ({ label: `${whenText(one.at)}: ${bytes(one.size)}`, value: one.size }));
  const durations = made.map((one) => ({ label: `${whenText(one.started)}: ${span(one.duration / 1000)}`, value: one.duration / 1000 }));
  return (
    <section class="card charts" aria-labelledby="charts">
      <h2 id="charts">{t.safety.charts}</h2>
      <Strip list={list} />
      <div class="pair">
        <Bars title={t.safety.sizes} bars={sizes} top={bytes(Math.max(...sizes.map((bar) => bar.value)))} />
        {durations.length > 0 && <Bars title={t.safety.durations} bars={durations} top={span(Math.max(1, ...durations.map((bar) => bar.value)))} />}
      </div>
    </section>
  );
}

function Strip({ list }: { list: Backup[] }) {
  const today = new Date(now.value);
  today.setHours(0, 0, 0, 0);
  const days = Array.from({ length: DAYS }, (_, index) => new Date(today.getFullYear(), today.getMonth(), today.getDate() - (DAYS - 1 - index)));
  return (
    <figure>
      <figcaption>{t.safety.strip}</figcaption>
      <ol class="strip">
        {days.map((date) => {
          const of = list.filter((one) => {
            const passed = moment(one.modified).getTime() - date.getTime();
            return passed >= 0 && passed < DAY;
          });
          const proven = of.filter((one) => one.proven && !one.proofError).length;
          const text = t.safety.stripDay(day(date), of.length, proven);
          return (
            <li key={date.getTime()} class={proven ? "proven" : of.length ? "made" : "none"} title={text}>
              <span class="hidden">{text}</span>
            </li>
          );
        })}
      </ol>
      <p class="legend hint">
        <i class="proven" /> {t.safety.stripKey.proven} <i class="made" /> {t.safety.stripKey.made} <i class="none" /> {t.safety.stripKey.none}
      </p>
    </figure>
  );
}
