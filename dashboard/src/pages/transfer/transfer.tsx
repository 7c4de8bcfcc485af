import { useEffect } from "preact/hooks";
import { Notice } from "../../parts/notice";
import { t } from "../../texts";
import { collections, collectionsProblem, loadCollections } from "../data/data";
import { Export } from "./export";
import { Import } from "./import";

/** Collections as a file, out of this server and into it. */
export function Transfer() {
  useEffect(() => void loadCollections(), []);
  const wrong = collectionsProblem.value && <Notice tone="bad">{collectionsProblem.value}</Notice>;
  if (!collections.value && wrong) return wrong;
  if (!collections.value) return <p class="empty" role="status">{t.loading}</p>;
  return (
    <div class="narrow">
      {wrong}
      <p>
        <a href="#/data">← {t.dev.transfer.back}</a>
      </p>
      <h1>{t.dev.transfer.title}</h1>
      <p class="hint">{t.dev.transfer.text}</p>
      <Export all={collections.value} />
      <Import />
    </div>
  );
}
