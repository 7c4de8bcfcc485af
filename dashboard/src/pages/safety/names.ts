// What a backup may be called. The server says no more than that a name is wrong.

const NEW = /^[a-z0-9_-]+\.zip$/;
const LONGEST_NEW = 150;
const LONGEST = 255;

/** Whether a new backup may have this name. */
export const fitsNew = (name: string) => NEW.test(name) && name.length <= LONGEST_NEW;

/** Whether a file that is uploaded may keep its name: nearly all may. */
export const fitsUpload = (name: string) =>
  name.length > ".zip".length && new TextEncoder().encode(name).length <= LONGEST && name.endsWith(".zip") && !name.startsWith(".") && !/[\p{Cc}/\\]/u.test(name);

/** The nearest name that fits; "" where nothing of it can stay. */
export function fitting(name: string): string {
  const stem = name
    .trim()
    .replace(/\.zip$/i, "")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, LONGEST_NEW - ".zip".length);
  return stem && `${stem}.zip`;
}
