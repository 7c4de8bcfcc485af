import type { Job } from "../api";
import { bytes, span } from "../format";
import { rate } from "../live";
import { t } from "../texts";

/** How far a job is: a bar, bytes, how fast, how much longer. */
export function Progress({ job, label }: { job: Pick<Job, "id" | "phase" | "bytesDone" | "bytesTotal">; label: string }) {
  const { bytesDone, bytesTotal } = job;
  const speed = rate(job as Job);
  const left = speed && bytesTotal > bytesDone ? (bytesTotal - bytesDone) / speed : null;
  return (
    <div class="progress">
      <progress aria-label={label} max={bytesTotal || undefined} value={bytesTotal ? Math.min(bytesDone, bytesTotal) : undefined} />
      <p class="hint numbers">
        {bytesTotal ? t.jobs.of(bytes(bytesDone), bytes(bytesTotal)) : t.jobs.beginning}
        {speed ? ` · ${t.jobs.rate(bytes(speed))}` : ""}
        {left !== null ? ` · ${t.jobs.left(span(left))}` : ""}
      </p>
    </div>
  );
}
