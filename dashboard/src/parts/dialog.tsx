import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { askBeforeLeaving, leave } from "../route";
import { t } from "../texts";
import { Confirm } from "./confirm";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** At the side, for longer forms. */
  drawer?: boolean;
  /** Something was typed that closing would throw away: it asks before. */
  unsaved?: boolean;
}

const ask = (event: BeforeUnloadEvent) => event.preventDefault();

/** A modal dialog. The browser keeps the focus within it and gives it back. */
export function Dialog({ title, onClose, children, drawer, unsaved = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  /** What closing it leads to: the page as it is below, or another one. */
  const [asking, setAsking] = useState<"close" | "leave" | null>(null);
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  // Before the next key or click can lead away.
  useLayoutEffect(() => {
    if (!unsaved) return;
    addEventListener("beforeunload", ask);
    const end = askBeforeLeaving(() => setAsking("leave"));
    return () => {
      removeEventListener("beforeunload", ask);
      end();
    };
  }, [unsaved]);
  const close = () => (unsaved ? setAsking("close") : onClose());
  return (
    <>
      <dialog
        ref={ref}
        class={drawer ? "drawer" : undefined}
        aria-labelledby={id}
        onKeyDown={(event) => {
          // Chrome closes a dialog at the second Escape in a row, even where its `cancel` is prevented.
          if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
          event.preventDefault();
          close();
        }}
        onCancel={(event) => {
          if (event.target !== event.currentTarget) return;
          event.preventDefault();
          close();
        }}
        onClose={() => {
          // Another way to close it, such as the button of a phone, may not be prevented either.
          const dialog = ref.current;
          if (!dialog || dialog.open) return;
          dialog.showModal();
          close();
        }}
      >
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet icon" aria-label={t.close} onClick={close}>
            ×
          </button>
        </header>
        {children}
      </dialog>
      {asking && (
        <Confirm
          title={t.unsavedTitle}
          text={t.unsavedText}
          action={t.discard}
          perform={async () => {
            onClose();
            if (asking === "leave") leave();
          }}
          onClose={() => setAsking(null)}
        />
      )}
    </>
  );
}
