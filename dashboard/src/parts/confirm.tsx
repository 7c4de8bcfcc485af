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
  /** What has to be typed before the button works, where more goes than one would do again: whose name, or a word. */
  typing?: { name: string; of: string } | { word: string } | undefined;
  action: string;
  perform: () => Promise<unknown>;
  onClose: () => void;
  /** What else is to be known. */
  children?: ComponentChildren;
}

/** Asks before something goes for good, and for its name. */
export function Confirm({ title, text, typing, action, perform, onClose, children }: Props) {
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const wanted = typing && ("word" in typing ? typing.word : typing.name);
  const isSure = wanted === undefined || typed === wanted;
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
        {typing && (
          <>
            <p class="mono chip">{wanted}</p>
            <TextField label={"word" in typing ? t.typeWord(typing.word) : t.typeName(typing.of, typing.name)} value={typed} onValue={setTyped} autofocus mono />
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
