import { link } from "../route";
import { t } from "../texts";

export const Back = () => (
  <p>
    <a href="#/">← {t.restore.back}</a>
  </p>
);

/** All of a backup, or some of its records. */
export function Tabs({ backup, shown }: { backup: string; shown: "whole" | "records" }) {
  return (
    <nav class="tabs" aria-label={t.recover.tabs.label}>
      <a class="button" href={link("restore", backup)} aria-current={shown === "whole" ? "page" : undefined}>
        {t.recover.tabs.whole}
      </a>
      <a class="button" href={link("restore", backup, "records")} aria-current={shown === "records" ? "page" : undefined}>
        {t.recover.tabs.records}
      </a>
    </nav>
  );
}
