// What is typed and not saved yet. It stays while other pages are looked at, until it is saved or taken back; and the
// browser asks before it closes a window that holds such a thing.

import { computed, effect, signal, type Signal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { session } from "../api";

interface Kept {
  state: Signal<unknown>;
  isUnsaved: (state: unknown) => boolean;
}

/** By its place, such as `collection/ID/rules`. */
const all = new Map<string, Kept>();
/** Another with each place that comes or goes. */
const version = signal(0);
const changed = () => {
  version.value = version.peek() + 1;
};

/** The places of what is not saved, as one text, which is another only where they are others. */
const places = computed(() => {
  version.value;
  return [...all].filter(([, { state, isUnsaved }]) => isUnsaved(state.value)).map(([place]) => place).join("\n");
});

/** Whether something in `folder` was typed and is not saved. */
export const hasUnsaved = (folder: string) => places.value.split("\n").some((place) => place.startsWith(`${folder}/`));

/**
 * What a page shows and what was typed there. `fresh` is how it begins: anew each time that the page is opened, but where
 * something was left unsaved.
 */
export function useKept<T>(place: string, fresh: () => T, isUnsaved: (state: T) => boolean): Signal<T> {
  const kept = useMemo(() => {
    const before = all.get(place);
    return before?.isUnsaved(before.state.peek()) ? before : { state: signal<unknown>(fresh()), isUnsaved: isUnsaved as Kept["isUnsaved"] };
  }, [place]);
  useLayoutEffect(() => {
    all.set(place, kept);
    changed();
    return () => {
      if (all.get(place) !== kept || kept.isUnsaved(kept.state.peek())) return;
      all.delete(place);
      changed();
    };
  }, [kept]);
  return kept.state as Signal<T>;
}

/** Forgets what was typed about what is no more. */
export function forget(isGone: (place: string) => boolean): void {
  for (const place of [...all.keys()]) if (isGone(place)) all.delete(place);
  changed();
}

// The next who logs in here sees nothing of it. Another window may log out and in at once.
const account = computed(() => session.value?.id);
effect(() => {
  account.value;
  forget(() => true);
});

const ask = (event: BeforeUnloadEvent) => event.preventDefault();
effect(() => {
  if (places.value) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
});
