import { useState } from "preact/hooks";
import type { Status } from "../../api";
import { refresh } from "../../live";
import { Wrong } from "../../parts/notice";
import { link } from "../../route";
import { t } from "../../texts";
import { Uploading } from "./backups";

/** In place of the list, where it can't be had: an old one, or none, would be taken for what is there. */
export function Unreadable({ why, place }: { why: string; place: Status["place"] }) {
  const [waiting, setWaiting] = useState(false);
  const again = async () => {
    setWaiting(true);
    await refresh();
    setWaiting(false);
  };
  return (
    <section class="card" aria-labelledby="backups">
      <h2 id="backups">{t.safety.backups}</h2>
      <Uploading />
      <Wrong text={t.safety.unreadable(why)} />
      <p>{t.safety.unreadableMore}</p>
      <div class="actions">
        {place && (
          <a class="button" href={link("settings", "storage")}>
            {t.safety.toBucket}
          </a>
        )}
        <button class="primary" disabled={waiting} onClick={() => void again()}>
          {t.retry}
        </button>
      </div>
    </section>
  );
}
