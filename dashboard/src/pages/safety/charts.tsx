import type { Backup, Job } from "../../api";
import { bytes, day, moment, span, whenText } from "../../format";
import { now } from "../../live";
import { Bars } from "../../parts/bars";
import { t } from "../../texts";
import { seconds } from "./jobs";

const DAYS = 30;
const BARS = 40;
const DAY = 86_400_000;

/** Sizes and durations over time, and the last days with their backups. */
export function Charts({ list, jobs }: { list: Backup[]; jobs: Job[] }) {
  const sizes = [...list].reverse().slice(-BARS).map((one) => ({ label: `${whenText(one.modified)}: ${bytes(one.size)}`, value: one.size }));
  const made = jobs.filter((job) => job.kind === "create" && job.state === "succeeded").reverse().slice(-BARS);
  const durations = made.map((job) => ({ label: `${whenText(job.started)}: ${span(seconds(job))}`, value: seconds(job) }));
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
