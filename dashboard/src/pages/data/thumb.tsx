import type { RecordModel } from "pocketbase";
import { useEffect, useState } from "preact/hooks";
import { client } from "../../api";

const PICTURE = /\.(jpe?g|png|gif|webp|svg|avif)$/i;
export const isPicture = (name: string) => PICTURE.test(name);

/** A token for protected files; good for some minutes, so each page asks for its own. */
export function useFileToken(needed: boolean, again: unknown): string | undefined {
  const [token, setToken] = useState<string>();
  useEffect(() => {
    let current = true;
    // Without a token the pictures are missing, and their names stand there.
    if (needed) client.files.getToken().then((found) => current && setToken(found), () => undefined);
    return () => {
      current = false;
    };
  }, [needed, again]);
  return token;
}

interface Props {
  record: RecordModel;
  name: string;
  /** For a protected file. */
  token: string | undefined;
  /** Its name stands beside it in any case. */
  named?: boolean;
}

/** A stored picture, small; its name where it can't be shown. */
export function Thumb({ record, name, token, named }: Props) {
  const address = client.files.getURL(record, name, { thumb: "100x100", ...(token ? { token } : {}) });
  const [failed, setFailed] = useState("");
  if (failed === address) return named ? null : <span class="name">{name}</span>;
  return <img class="thumb" src={address} alt={named ? "" : name} title={name} loading="lazy" onError={() => setFailed(address)} />;
}

/** A picture that is about to be uploaded. */
export function Preview({ file }: { file: File }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return address ? <img class="thumb" src={address} alt={file.name} title={file.name} /> : null;
}
