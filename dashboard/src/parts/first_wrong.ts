import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { FieldProblems } from "../problem";

/** Whether somebody can type into it. */
const takesText = (at: Element | null) => at !== null && at.matches("input, textarea, select, [contenteditable]");

/**
 * The form whose save was refused: what is wrong first in it is brought into sight and gets the focus, once for each
 * refusal. Where somebody types into another input by then, the focus stays there. `isCovered`: a dialog stands before
 * it, so it has to wait.
 */
export function useFirstWrong(problems: FieldProblems, isCovered = false): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  const told = useRef(problems);
  const sentFrom = useRef<Element | null>(null);
  useEffect(() => {
    const sends = () => (sentFrom.current = document.activeElement);
    const element = form.current;
    element?.addEventListener("submit", sends);
    return () => element?.removeEventListener("submit", sends);
  }, []);
  useEffect(() => {
    if (isCovered || told.current === problems) return;
    // What is left of a refusal while the rest is mended is no other one.
    const isLess = Object.keys(problems).every((path) => path in told.current);
    told.current = problems;
    if (isLess) return;
    const at = document.activeElement;
    if (at !== sentFrom.current && takesText(at)) return;
    const first = form.current?.querySelector<HTMLElement>("[aria-invalid=true]");
    first?.scrollIntoView({ block: "center" });
    first?.focus({ preventScroll: true });
  }, [problems, isCovered]);
  return form;
}
