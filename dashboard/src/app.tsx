import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChild } from "preact";
import { useEffect } from "preact/hooks";
import { logout, renew, session } from "./api";
import { away, follow, status } from "./live";
import { Notice } from "./parts/notice";
import { Toasts } from "./parts/toast";
import { Account, Returned, isReturn } from "./pages/account";
import { Crons } from "./pages/crons";
import { Data } from "./pages/data/data";
import { Install } from "./pages/install";
import { Login } from "./pages/login";
import { Logs } from "./pages/logs";
import { RecoverPage } from "./pages/recover/recover";
import { RestorePage, RestoringPage } from "./pages/restore";
import { Transfer } from "./pages/transfer/transfer";
import { SettingsPage } from "./pages/settings";
import { Safety } from "./pages/safety/safety";
import { link, route } from "./route";
import { t } from "./texts";

const RENEWAL = 10 * 60_000;

export function App() {
  const [first = "", second = "", third = ""] = route.value;
  if (first === "auth" && isReturn(second)) return <Returned how={second} />;
  if (first === "auth") return <Account key={third} action={second} token={third} />;
  if (first === "pbinstal") return <Install token={second} />;
  // What is shown to one superuser goes before another's page comes.
  return session.value ? <Shell key={session.value.id} /> : <Login />;
}

function page(): ComponentChild {
  const [first, second, third, fourth] = route.value;
  switch (first) {
    case undefined:
      return <Safety />;
    case "restore":
      if (second && third === "records") return <RecoverPage key={second} backup={second} collection={fourth} />;
      return second ? <RestorePage key={second} backup={second} /> : <RestoringPage />;
    case "data":
      return <Data name={second} tab={third} />;
    case "transfer":
      return <Transfer />;
    case "crons":
      return <Crons />;
    case "logs":
      return <Logs />;
    case "settings":
      return <SettingsPage section={second} />;
    default:
      return <NotFound />;
  }
}

const NAV: [string, string][] = [
  ["", t.nav.safety],
  ["data", t.nav.data],
  ["logs", t.nav.logs],
  ["crons", t.dev.crons.nav],
  ["settings", t.nav.settings],
];

function Shell() {
  useEffect(() => {
    void renew();
    const timer = setInterval(renew, RENEWAL);
    const end = follow();
    return () => {
      clearInterval(timer);
      end();
    };
  }, []);
  const title = useSignal("");
  // A reader hears where it is after each step.
  useSignalEffect(() => {
    const [first = ""] = route.value;
    title.value = NAV.find(([path]) => isCurrent(path, first))?.[1] ?? t.name;
    document.title = title.value === t.name ? t.name : `${title.value} · ${t.name}`;
  });
  const current = route.value[0] ?? "";
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => {
        event.preventDefault();
        document.getElementById("content")?.focus();
      }}>
        {t.skip}
      </a>
      <header class="top">
        <a class="brand" href="#/">
          {t.name}
        </a>
        <nav aria-label={t.nav.label}>
          {NAV.map(([path, text]) => (
            <a key={path} href={path ? link(path) : "#/"} aria-current={isCurrent(path, current) ? "page" : undefined}>
              {text}
            </a>
          ))}
        </nav>
        <div class="who">
          <span>{session.value?.email}</span>
          <button class="quiet" onClick={logout}>
            {t.nav.logout}
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {away.value && <Notice tone="warn">{t.away}</Notice>}
        {status.value?.rehearsal && <Notice tone="warn">{t.rehearsal}</Notice>}
        {page()}
      </main>
      <Toasts />
    </>
  );
}

function isCurrent(path: string, current: string): boolean {
  return path === current || (path === "" && current === "restore") || (path === "data" && current === "transfer");
}

function NotFound() {
  return (
    <section class="empty">
      <h1>{t.notFound.title}</h1>
      <p>{t.notFound.text}</p>
      <a href="#/">{t.notFound.home}</a>
    </section>
  );
}
