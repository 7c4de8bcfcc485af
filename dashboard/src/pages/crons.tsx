import { useEffect, useState } from "preact/hooks";
import { client } from "../api";
import { nextRuns } from "../cron";
import { when } from "../format";
import { now } from "../live";
import { Wrong } from "../parts/notice";
import { toast } from "../parts/toast";
import { problem } from "../problem";
import { t } from "../texts";

interface Job {
  id: string;
  expression: string;
}

/** What the server does by itself, when, and now. */
export function Crons() {
  const [jobs, setJobs] = useState<Job[] | null>(null);
  const [wrong, setWrong] = useState("");
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done: string) => {
    setWaiting(true);
    setWrong("");
    try {
      await action();
      if (done) toast("good", done);
    } catch (error) {
      const { text } = problem(error);
      if (done) toast("bad", text);
      else setWrong(text);
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
        <Wrong text={wrong} />
        {!jobs && !wrong && <p class="empty" role="status">{t.loading}</p>}
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
