import { useState } from "preact/hooks";
import { ClientResponseError } from "pocketbase";
import { client, sessionOver } from "../api";
import { TextField } from "../parts/form";
import { Notice, Wrong } from "../parts/notice";
import { problem } from "../problem";
import { t } from "../texts";

/** What the second factor needs to know of the first. */
interface Second {
  mfaId: string;
  otpId: string;
  /** Why no code was mailed. */
  notMailed: string;
}

export function Login() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [second, setSecond] = useState<Second | null>(null);
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const superusers = client.collection("_superusers");

  const first = async () => {
    try {
      await superusers.authWithPassword(email, password);
    } catch (error) {
      const mfaId = error instanceof ClientResponseError && error.response?.mfaId;
      if (!mfaId) throw error;
      // Without a mail server there are still the codes that the command line makes.
      const asked = await superusers.requestOTP(email).then(
        ({ otpId }) => ({ otpId, notMailed: "" }),
        (error) => ({ otpId: "", notMailed: problem(error).text }),
      );
      setSecond({ mfaId, ...asked });
    }
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setWrong(undefined);
    try {
      if (second) await superusers.authWithOTP(second.otpId, code, { mfaId: second.mfaId });
      else await first();
      sessionOver.value = false;
    } catch (error) {
      setWrong(problem(error).text);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="alone">
      <form onSubmit={submit} onInput={() => setWrong(undefined)}>
        <h1>{t.login.title}</h1>
        {sessionOver.value && <Notice tone="calm">{t.login.over}</Notice>}
        {second ? (
          <>
            {second.notMailed ? <Notice tone="warn">{t.dev.login.notMailed(second.notMailed)}</Notice> : <Notice tone="calm">{t.login.codeSent(email)}</Notice>}
            <TextField label={t.login.code} value={code} onValue={setCode} autocomplete="one-time-code" required autofocus mono />
            <TextField label={t.dev.login.codeId} value={second.otpId} onValue={(otpId) => setSecond({ ...second, otpId: otpId.trim() })} hint={t.dev.login.codeIdHint} required mono />
          </>
        ) : (
          <>
            <TextField label={t.login.email} type="email" value={email} onValue={setEmail} autocomplete="username" required autofocus />
            <TextField label={t.login.password} type="password" value={password} onValue={setPassword} autocomplete="current-password" required />
          </>
        )}
        <Wrong text={wrong} />
        <button class="primary wide" disabled={busy}>
          {second ? t.login.confirm : t.login.submit}
        </button>
        {!second && <p class="hint">{t.login.fresh}</p>}
        <p class="hint">{t.login.help}</p>
      </form>
    </main>
  );
}
