import { list, listProblem, now, serverSettings, status } from "../../live";
import { Notice } from "../../parts/notice";
import { link } from "../../route";
import { t } from "../../texts";
import { BackupTable } from "./backups";
import { Charts } from "./charts";
import { Headline } from "./headline";
import { History, Running } from "./jobs";
import { UndoOffer } from "./undo";
import { Unreadable } from "./unreadable";
import { verdict } from "./verdict";

/** The home page: is the data safe, since when, proven how? */
export function Safety() {
  const [known, settings, all] = [status.value, serverSettings.value, list.value];
  if (!known || !settings || (!all && !listProblem.value)) return <p class="empty" role="status">{t.loading}</p>;
  const found = verdict(listProblem.value ? null : all, known, settings, now.value);
  return (
    <>
      <h1 class="hidden">{t.safety.title}</h1>
      <Headline verdict={found} place={known.place} />
      {known.undo && <UndoOffer undo={known.undo} />}
      <Running />
      {known.leftOnDisk !== 0 && (
        <Notice tone={known.leftOnDisk === null ? "warn" : "calm"}>
          {known.leftOnDisk === null ? t.safety.leftUnknown : t.safety.leftOnDisk(known.leftOnDisk)} <a href={link("settings", "storage")}>{t.safety.leftOnDiskDo}</a>
        </Notice>
      )}
      {listProblem.value ? <Unreadable why={listProblem.value.text} place={known.place} /> : all && <BackupTable list={all} />}
      {!listProblem.value && all && all.length > 0 && <Charts list={all} ended={known.jobs.find((job) => job.state !== "running")?.id ?? ""} />}
      <History jobs={known.jobs} />
    </>
  );
}
