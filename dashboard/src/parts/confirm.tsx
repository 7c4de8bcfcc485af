import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { problem } from "../problem";
import { t } from "../texts";
import { Dialog } from "./dialog";
import { TextField } from "./form";
import { Wrong } from "./notice";

interface Props {
  title: string;
  text: string;
  /** What has to be typed before the button works, where more goes than one would do again. */
  name?: string;
  action: string;
  perform: () => Promise<unknown>;
  onClose: () => void;
  /** What else is to be known. */
  children?: ComponentChildren;
}

/** Asks before something goes for good, and for its name. */
export function Confirm({ title, text, name, action, perform, onClose, children }: Props) {
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const isSure = name === undefined || typed === name;
  const submit = async (event: Event) => {
    event.preventDefault();
    // The form that it stands in is not sent with it.
    event.stopPropagation();
    if (!isSure) return;
    setBusy(true);
    setWrong(undefined);
    try {
      await perform();
      onClose();
    } catch (error) {
      setWrong(problem(error).text);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{text}</p>
        {children}
        {name !== undefined && (
          <>
            <p class="mono chip">{name}</p>
            <TextField label={t.typeName} value={typed} onValue={setTyped} autofocus mono />
          </>
        )}
        <Wrong text={wrong} />
        <div class="actions">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button class="danger" disabled={busy || !isSure}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
