import { useEffect, useState } from "preact/hooks";
import { client } from "../api";
import { nextRuns } from "../cron";
import { when } from "../format";
import { now } from "../live";
import { Notice, Wrong } from "../parts/notice";
import { problem } from "../problem";
import { t } from "../texts";

interface Job {
  id: string;
  expression: string;
}

/** What the server does by itself, when, and now. */
export function Crons() {
  const [jobs, setJobs] = useState<Job[] | null>(null);
  const [said, setSaid] = useState<{ tone: "good" | "bad"; text: string } | null>(null);
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done: string) => {
    setWaiting(true);
    setSaid(null);
    try {
      await action();
      if (done) setSaid({ tone: "good", text: done });
    } catch (error) {
      setSaid({ tone: "bad", text: problem(error).text });
    } finally {
      setWaiting(false);
    }
  };
  const load = async () => setJobs(await client.crons.getFullList());
  useEffect(() => void attempt(load, ""), []);
  const text = t.dev.crons;
  const nameOf = ({ id }: Job) => text.names[id] ?? id;
  return (
    <>
      <h1>{text.title}</h1>
      <section class="card" aria-label={text.title}>
        <p class="hint">{text.text}</p>
        {said && (said.tone === "bad" ? <Wrong text={said.text} /> : <Notice tone="good">{said.text}</Notice>)}
        {!jobs && !said && <p class="empty" role="status">{t.loading}</p>}
        {jobs && (
          <table class="crons">
            <caption class="hidden">{text.table.caption}</caption>
            <thead>
              <tr>
                <th scope="col">{text.table.job}</th>
                <th scope="col">{text.table.schedule}</th>
                <th scope="col">{text.table.next}</th>
                <th scope="col">
                  <span class="hidden">{text.table.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.id}>
                  <th scope="row">
                    {nameOf(job)}
                    {nameOf(job) !== job.id && <div class="hint mono">{job.id}</div>}
                  </th>
                  <td class="mono">{job.expression}</td>
                  <td>{next(job, now.value)}</td>
                  <td class="do">
                    <button disabled={waiting} aria-label={text.runOf(nameOf(job))} onClick={() => void attempt(() => client.crons.run(job.id), text.started(nameOf(job)))}>
                      {text.run}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </>
  );
}

function next({ expression }: Job, at: number): string {
  const runs = nextRuns(expression, new Date(at), 1);
  return runs?.[0] ? when(runs[0]) : t.dev.crons.unreadable;
}
