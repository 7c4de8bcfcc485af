// The address after the `#`, as a list of its parts: `#/restore/a.zip` is ["restore", "a.zip"].

import { signal } from "@preact/signals";

function read(): string[] {
  const path = location.hash.replace(/^#\/?/, "").split("?")[0] ?? "";
  return path.split("/").filter(Boolean).map(decode);
}

/** A part that is no encoded text stays as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal(read());

/** What asks before its page is left, the newest last. */
const asking: (() => void)[] = [];
/** The question was answered: the next step is not asked about. */
let leaving = false;

addEventListener("hashchange", () => {
  const ask = asking.at(-1);
  const next = read();
  if (!ask || leaving || next.join("/") === route.value.join("/")) {
    leaving = false;
    route.value = next;
    return;
  }
  // Back to where it was, which is the newest entry now. The one that was wanted stands before it.
  history.pushState(null, "", link(...route.value));
  ask();
});

/** Has `ask` called before another address is shown, instead of it; returns how to end that. `leave` goes there. */
export function askBeforeLeaving(ask: () => void): () => void {
  asking.push(ask);
  return () => void asking.splice(asking.indexOf(ask), 1);
}

/** To where the page was about to go when it was asked. */
export function leave(): void {
  leaving = true;
  history.back();
}

export const link = (...parts: string[]) => "#/" + parts.map(encodeURIComponent).join("/");
export const go = (...parts: string[]) => {
  location.hash = link(...parts);
};

/** Another address for what is shown: the one before leads nowhere any more. */
export const readdress = (...parts: string[]) => {
  history.replaceState(null, "", link(...parts));
  route.value = read();
};
