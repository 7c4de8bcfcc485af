import { signal } from "@preact/signals";
import { t } from "../texts";

interface Toast {
  tone: "good" | "bad";
  text: string;
}

/** So long good news stays. Bad news stays until it is closed. */
const STAYS = 12_000;

const shown = signal<Toast | null>(null);
let timer = 0;

const close = () => {
  shown.value = null;
};

/** Says what came of something where everybody sees it, however far the page is scrolled. */
export function toast(tone: Toast["tone"], text: string): void {
  clearTimeout(timer);
  shown.value = { tone, text };
  if (tone === "good") timer = window.setTimeout(close, STAYS);
}

/** Where it stands. Bad news interrupts a screen reader. For the rest there is a place before there is news, so that it is heard. */
export function Toasts() {
  const news = shown.value;
  return (
    <div class="toasts">
      <div role="status" aria-label={t.toasts}>
        {news?.tone === "good" && <News {...news} />}
      </div>
      {news?.tone === "bad" && (
        <div role="alert">
          <News {...news} />
        </div>
      )}
    </div>
  );
}

const News = ({ tone, text }: Toast) => (
  <div class={`notice ${tone} toast`}>
    <p>{text}</p>
    <button type="button" class="quiet icon" aria-label={t.closeNews} onClick={close}>
      ×
    </button>
  </div>
);
