import { useState } from "preact/hooks";
import { backups, type Job } from "../../api";
import { ago, moment, span, told } from "../../format";
import { now, refresh, running } from "../../live";
import { Wrong } from "../../parts/notice";
import { Progress } from "../../parts/progress";
import { problem } from "../../problem";
import { t } from "../../texts";

/** What runs, with how far it is. Another window, or this one after a reload, shows the same. */
export function Running() {
  return (
    <>
      {running.value.map((job) => (
        <RunningJob key={job.id} job={job} />
      ))}
    </>
  );
}

function RunningJob({ job }: { job: Job }) {
  const [wrong, setWrong] = useState<string>();
  const what = t.jobs.kind[job.kind];
  const title = job.phase === "proving" ? t.jobs.proving(what) : t.jobs.working(what);
  const stop = async () => {
    setWrong(undefined);
    try {
      await backups.cancel(job.id);
      await refresh();
    } catch (error) {
      setWrong(problem(error).text);
    }
  };
  return (
    <section class="card running" aria-label={title}>
      <div class="row">
        <h2>{title}</h2>
        <span class="mono quiet-text">{job.key}</span>
        <button class="quiet" onClick={stop}>
          {t.jobs.stop}
        </button>
      </div>
      <Progress job={job} label={title} />
      <Wrong text={wrong} />
    </section>
  );
}

const SHOWN = 12;

/** What became of what ran, newest first. */
export function History({ jobs }: { jobs: Job[] }) {
  const ended = jobs.filter((job) => job.state !== "running").slice(0, SHOWN);
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">{t.safety.recent}</h2>
      {ended.length === 0 && <p class="hint">{t.safety.noJobs}</p>}
      <ul class="history">
        {ended.map((job) => (
          <li key={job.id}>
            <span class={`state ${job.stopped ? "stopped" : job.state}`}>{job.stopped ? t.jobs.stopped : t.jobs.state[job.state]}</span>
            <div>
              <p>
                {t.jobs.kind[job.kind]} <span class="mono quiet-text">{job.key}</span>
              </p>
              {job.records !== undefined && <p>{t.jobs.brought(job.records)}</p>}
              {job.error && <p class="wrong">{told(job.error)}</p>}
              {job.warning && <p class="hint">{told(job.warning)}</p>}
              <p class="hint">
                {ago(job.finished || job.started, now.value)}
                {job.finished && ` · ${t.jobs.took(took(job))}`}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

export const seconds = (job: Job) => (moment(job.finished).getTime() - moment(job.started).getTime()) / 1000;

function took(job: Job): string {
  const passed = seconds(job);
  return passed < 10 ? `${passed.toFixed(1)} s` : span(passed);
}
