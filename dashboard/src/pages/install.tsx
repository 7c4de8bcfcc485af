import { useState } from "preact/hooks";
import { client } from "../api";
import { without } from "../parts/attempt";
import { TextField } from "../parts/form";
import { Wrong } from "../parts/notice";
import { problem, type FieldProblems } from "../problem";
import { go } from "../route";
import { t } from "../texts";

/** Makes the first superuser with the token of the link that the server printed. */
export function Install({ token }: { token: string }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [fields, setFields] = useState<FieldProblems>({});
  const [busy, setBusy] = useState(false);
  const superusers = client.collection("_superusers");

  /** What was wrong may be mended by what is typed. */
  const typed = (set: (text: string) => void, ...names: string[]) => (text: string) => {
    set(text);
    setWrong(undefined);
    setFields((before) => without(before, names));
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setWrong(undefined);
    setFields({});
    if (password !== again) return setFields({ passwordConfirm: t.install.mismatch });
    setBusy(true);
    try {
      const body = { email, password, passwordConfirm: again };
      await superusers.create(body, { headers: { Authorization: token } });
      await superusers.authWithPassword(email, password);
      go();
    } catch (error) {
      const { text, fields, status } = problem(error);
      setFields(fields);
      setWrong(status === 401 || status === 403 ? t.install.over : text);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="alone">
      <form onSubmit={submit}>
        <h1>{t.install.title}</h1>
        <p>{t.install.text}</p>
        <TextField label={t.login.email} type="email" value={email} onValue={typed(setEmail, "email")} problem={fields.email} autocomplete="username" required autofocus />
        <TextField label={t.login.password} type="password" value={password} onValue={typed(setPassword, "password", "passwordConfirm")} problem={fields.password} autocomplete="new-password" required />
        <TextField label={t.repeatPassword} type="password" value={again} onValue={typed(setAgain, "passwordConfirm")} problem={fields.passwordConfirm} autocomplete="new-password" required />
        <Wrong text={wrong} />
        <button class="primary wide" disabled={busy}>
          {t.install.submit}
        </button>
        {wrong === t.install.over && (
          <p>
            <a href="#/">{t.install.toLogin}</a>
          </p>
        )}
      </form>
    </main>
  );
}
