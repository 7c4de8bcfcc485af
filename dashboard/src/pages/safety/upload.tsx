import { signal } from "@preact/signals";
import { backups } from "../../api";
import { refresh } from "../../live";
import { problem } from "../../problem";

interface Upload {
  name: string;
  sent: number;
  total: number;
  wrong?: string;
}

/** The upload that this window does. It goes on while other pages are looked at. */
export const upload = signal<Upload | null>(null);
let abort = () => {};

export async function send(file: File): Promise<void> {
  if (upload.value && !upload.value.wrong) return;
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
