import { useEffect, useState } from "preact/hooks";
import { client } from "../api";
import { TextField } from "../parts/form";
import { problem } from "../problem";
import { t } from "../texts";

type Action = keyof typeof t.account.pages;

/** The collection that a token belongs to; null where it is no token. */
function collectionOf(token: string): string | null {
  try {
    const payload = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(payload)).collectionId || null;
  } catch {
    return null;
  }
}

/** Where people are who come back from a provider: the window that sent them is told by the server. */
export function Returned({ how }: { how: keyof typeof t.account.returned }) {
  const { title, text } = t.account.returned[how];
  useEffect(() => {
    document.title = title;
    // The window that opened this one goes on by itself; where a browser does not let it close, the text says what to do.
    if (how === "oauth2-redirect-success") window.close();
  }, [how]);
  return (
    <main class="alone">
      <div>
        <h1>{title}</h1>
        <p role="status">{text}</p>
      </div>
    </main>
  );
}

export const isReturn = (how: string): how is keyof typeof t.account.returned => Object.hasOwn(t.account.returned, how);

/** Where the links of account mails lead: `#/auth/confirm-verification/TOKEN` and its like. */
export function Account({ action, token }: { action: string; token: string }) {
  const page = Object.hasOwn(t.account.pages, action) ? t.account.pages[action as Action] : null;
  const collection = collectionOf(token);
  const [said, setSaid] = useState("");
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [mismatch, setMismatch] = useState<string>();

  const send = async (body: Record<string, string>) => {
    setSaid(t.loading);
    setBusy(true);
    try {
      await client.send(`/api/collections/${encodeURIComponent(collection!)}/${action}`, { method: "POST", body });
      setSaid(page!.done);
      setDone(true);
    } catch (error) {
      const { text, fields, status } = problem(error);
      setSaid(fields.token ? t.account.expired : (fields.password ?? fields.passwordConfirm ?? (status === 0 ? t.account.unreachable : text)));
    } finally {
      setBusy(false);
    }
  };
  const usable = page && collection;
  useEffect(() => {
    if (usable && !page.label) void send({ token });
  }, [action, token]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (page!.twice && password !== again) return setMismatch(t.install.mismatch);
    void send(page!.twice ? { token, password, passwordConfirm: again } : { token, password });
  };
  const text = !page ? t.account.nothing : !collection ? t.account.expired : said || page.text || t.loading;
  return (
    <main class="alone">
      <form onSubmit={submit}>
        <h1>{page?.title ?? t.account.title}</h1>
        <p role="status">{text}</p>
        {usable && page.label && !done && (
          <>
            <TextField label={page.label} type="password" value={password} onValue={(text) => (setPassword(text), setMismatch(undefined))} autocomplete={page.twice ? "new-password" : "current-password"} required autofocus />
            {page.twice && <TextField label={t.repeatPassword} type="password" value={again} onValue={(text) => (setAgain(text), setMismatch(undefined))} problem={mismatch} autocomplete="new-password" required />}
            <button class="primary wide" disabled={busy}>
              {t.save}
            </button>
          </>
        )}
      </form>
    </main>
  );
}
