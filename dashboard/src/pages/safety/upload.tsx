import { signal } from "@preact/signals";
import { backups } from "../../api";
import { refresh } from "../../live";
import { problem } from "../../problem";
import { t } from "../../texts";
import { fitsUpload, fitting } from "./names";

interface Upload {
  name: string;
  sent: number;
  total: number;
  wrong?: string;
  /** The same file under a name that can be used. */
  offer?: { file: File; name: string };
}

/** The upload that this window does. It goes on while other pages are looked at. */
export const upload = signal<Upload | null>(null);
let abort = () => {};

export async function send(file: File): Promise<void> {
  if (upload.value && !upload.value.wrong) return;
  if (!fitsUpload(file.name)) {
    const name = fitting(file.name) || "backup.zip";
    upload.value = { name: file.name, sent: 0, total: file.size, wrong: t.safety.uploadName(file.name), offer: { file: new File([file], name, { type: file.type }), name } };
    return;
  }
  upload.value = { name: file.name, sent: 0, total: file.size };
  const sending = backups.upload(file, (sent) => {
    if (upload.value) upload.value = { ...upload.value, sent: Math.min(sent, file.size) };
  });
  abort = sending.abort;
  try {
    await sending.done;
    upload.value = null;
  } catch (error) {
    const { text, fields } = problem(error);
    upload.value = { name: file.name, sent: 0, total: file.size, wrong: Object.values(fields)[0] ?? text };
  }
  await refresh();
}

export function stop(): void {
  if (upload.value?.wrong) upload.value = null;
  else abort();
}
