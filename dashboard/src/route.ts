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
addEventListener("hashchange", () => {
  route.value = read();
});

export const link = (...parts: string[]) => "#/" + parts.map(encodeURIComponent).join("/");
export const go = (...parts: string[]) => {
  location.hash = link(...parts);
};

/** Another address for what is shown: the one before leads nowhere any more. */
export const readdress = (...parts: string[]) => {
  history.replaceState(null, "", link(...parts));
  route.value = read();
};
