import type { LogModel } from "pocketbase";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../api";
import { count, moment, when, whenText } from "../format";
import { Bars } from "../parts/bars";
import { Check, TextField } from "../parts/form";
import { Wrong } from "../parts/notice";
import { Pager } from "../parts/pager";
import { problem } from "../problem";
import { t } from "../texts";

const PER_PAGE = 50;
const HOURS = 48;
const PAUSE = 250;

interface Found {
  items: LogModel[];
  totalItems: number;
  totalPages: number;
  hours: { label: string; value: number }[];
}

/** What others than superusers asked for, and what the server says by itself. This page alone asks every few seconds. */
const OTHERS = "data.auth != '_superusers'";
const PLACE = "__bosbase_superuser_requests__";

/** A filter as it stands, or words of the message or of what is stored with it. */
function filterOf(text: string, level: string, withSuperusers: boolean): string {
  const words = text.trim();
  const own = !words || /[=~<>]/.test(words) ? words : client.filter("message ~ {:words} || data ~ {:words}", { words });
  // A comment in it ends with its line.
  return [own && `(${own}${own.includes("//") ? "\n" : ""})`, level, !withSuperusers && OTHERS].filter(Boolean).join(" && ");
}

const isKept = () => {
  try {
    return localStorage.getItem(PLACE) === "true";
  } catch {
    return false;
  }
};

function keep(on: boolean): void {
  try {
    localStorage.setItem(PLACE, String(on));
  } catch {
    // A browser that keeps nothing knows it until the page is left.
  }
}

/** What the server did, newest first. */
export function Logs() {
  const [text, setText] = useState("");
  const [level, setLevel] = useState("");
  const [withSuperusers, setWithSuperusers] = useState(isKept);
  const [page, setPage] = useState(1);
  const [found, setFound] = useState<Found | null>(null);
  const [wrong, setWrong] = useState<string>();
  const latest = useRef(0);

  const load = async () => {
    const mine = ++latest.current;
    const filter = filterOf(text, level, withSuperusers);
    try {
      const [lines, stats] = await Promise.all([client.logs.getList(page, PER_PAGE, { filter, sort: "-created" }), client.logs.getStats({ filter })]);
      if (mine !== latest.current) return;
      const hours = stats.map(({ date, total }) => ({ at: moment(date), total })).sort((one, other) => one.at.getTime() - other.at.getTime());
      setFound({ ...lines, hours: hours.slice(-HOURS).map(({ at, total }) => ({ label: t.logs.bar(when(at), total), value: total })) });
      setWrong(undefined);
    } catch (error) {
      if (mine === latest.current) setWrong(problem(error).text);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, text ? PAUSE : 0);
    return () => clearTimeout(timer);
  }, [text, level, withSuperusers, page]);

  return (
    <>
      <h1>{t.logs.title}</h1>
      <section class="card">
        <div class="asked">
          <TextField
            label={t.logs.filter}
            type="search"
            value={text}
            placeholder={t.logs.filterHint}
            onValue={(value) => {
              setPage(1);
              setText(value);
            }}
          />
          <label class="field">
            <span class="label">{t.logs.level}</span>
            <select
              value={level}
              onChange={(event) => {
                setPage(1);
                setLevel(event.currentTarget.value);
              }}
            >
              {t.logs.levels.map(([filter, name]) => (
                <option key={name} value={filter}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
        <Check
          label={t.logs.superusers}
          hint={t.logs.superusersHint}
          value={withSuperusers}
          onValue={(on) => {
            setPage(1);
            setWithSuperusers(on);
            keep(on);
          }}
        />
        <Wrong text={wrong} />
        {found && found.hours.length > 0 && <Bars title={t.logs.perHour} bars={found.hours} top={count(Math.max(...found.hours.map((bar) => bar.value)))} />}
      </section>
      {found && (
        <section class="card" aria-label={t.logs.title}>
          {found.items.length === 0 && <p class="empty">{t.logs.empty}</p>}
          <ul class="lines">
            {found.items.map((line) => (
              <li key={line.id}>
                <details>
                  <summary>
                    <span class={`badge ${Number(line.level) >= 8 ? "bad" : Number(line.level) >= 4 ? "warn" : ""}`}>{t.logs.name(Number(line.level))}</span>
                    <span class="hint numbers">{whenText(line.created)}</span>
                    <Told line={line} />
                  </summary>
                  <pre tabIndex={0}>{JSON.stringify(line.data, null, 2)}</pre>
                </details>
              </li>
            ))}
          </ul>
          <Pager total={t.logs.total(found.totalItems, count(found.totalItems))} page={page} pages={found.totalPages} onPage={setPage} />
        </section>
      )}
    </>
  );
}

/** What the line says in short: its message, the status of the answer, and what went wrong. */
function Told({ line: { message, data } }: { line: LogModel }) {
  const status = Number(data?.status) || 0;
  const error = typeof data?.error === "string" ? data.error : "";
  return (
    <span class="text">
      {status > 0 && <span class={`badge ${status >= 500 ? "bad" : status >= 400 ? "warn" : ""}`}>{status}</span>}{" "}
      <span class="mono">{message}</span>
      {error && <span class="wrong error">{error}</span>}
    </span>
  );
}
