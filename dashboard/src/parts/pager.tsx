import { t } from "../texts";

/** How many there are in all, and the way to the other pages. */
export function Pager({ total, page, pages, onPage }: { total: string; page: number; pages: number; onPage: (page: number) => void }) {
  return (
    <div class="row foot">
      <p class="hint numbers" role="status">
        {total}
      </p>
      {pages > 1 && (
        <>
          <button disabled={page <= 1} onClick={() => onPage(page - 1)}>
            {t.data.previous}
          </button>
          <span class="hint numbers">{t.data.page(page, pages)}</span>
          <button disabled={page >= pages} onClick={() => onPage(page + 1)}>
            {t.data.next}
          </button>
        </>
      )}
    </div>
  );
}
