import type { CollectionModel } from "pocketbase";
import { useState } from "preact/hooks";
import { making } from "../../api";
import { Notice } from "../../parts/notice";
import { problem } from "../../problem";
import { t } from "../../texts";
import { Cell } from "./cell";
import { TextArea } from "./fields";
import { RemoveCollection } from "./remove_collection";
import { Rename } from "./rename";
import { SectionCard, useSection } from "./section";

type Trial = Awaited<ReturnType<typeof making.tryView>>;

interface Props {
  query: string;
  onQuery: (query: string) => void;
  problem: string | undefined;
}

/** The query of a view, and what it would show. */
export function ViewQuery({ query, onQuery, problem: wrong }: Props) {
  const [trial, setTrial] = useState<Trial | null>(null);
  const [said, setSaid] = useState<string>();
  const [waiting, setWaiting] = useState(false);
  const attempt = async () => {
    setWaiting(true);
    setSaid(undefined);
    setTrial(null);
    try {
      setTrial(await making.tryView(query));
    } catch (error) {
      const { text, status } = problem(error);
      setSaid(status === 404 || status === 501 ? t.dev.view.cannotTry : text);
    } finally {
      setWaiting(false);
    }
  };
  return (
    <>
      <TextArea
        label={t.dev.view.query}
        value={query}
        onValue={(text) => {
          // What was tried is another query.
          setTrial(null);
          setSaid(undefined);
          onQuery(text);
        }}
        problem={wrong}
        hint={t.dev.view.hint}
        mono
      />
      <p>
        <button type="button" disabled={waiting || !query.trim()} onClick={() => void attempt()}>
          {t.dev.view.attempt}
        </button>
      </p>
      {said && (
        <Notice tone="bad">
          <p class="raw">{said}</p>
        </Notice>
      )}
      {trial && <Sample trial={trial} />}
    </>
  );
}

function Sample({ trial }: { trial: Trial }) {
  return (
    <>
      <Notice tone="good">{trial.sample.length ? t.dev.view.first(trial.sample.length) : t.dev.view.empty}</Notice>
      <div class="scroll" tabIndex={0} role="region" aria-label={t.dev.view.sample}>
        <table>
          <caption class="hidden">{t.dev.view.sample}</caption>
          <thead>
            <tr>
              {trial.fields.map((field) => (
                <th key={field.name} scope="col">
                  {field.name} <span class="badge">{field.type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {trial.sample.map((record, index) => (
              <tr key={index}>
                {trial.fields.map((field) => (
                  <td key={field.name} class="cell">
                    {/* Files and relations of a view that is not there yet can't be asked for: as text. */}
                    <Cell record={record} field={field.type === "file" ? { ...field, type: "text" } : field} token={undefined} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const read = ({ viewQuery }: CollectionModel) => ({ viewQuery: String(viewQuery) });

/** What a view collection asks for, to be changed. */
export function Query({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "query/sql", read);
  return (
    <>
      <SectionCard title={t.dev.view.title} section={section} action={t.dev.view.save} more={<RemoveCollection collection={collection} />}>
        <ViewQuery query={section.draft.viewQuery} onQuery={(viewQuery) => section.set({ viewQuery })} problem={section.problems.viewQuery} />
      </SectionCard>
      <Rename collection={collection} />
    </>
  );
}
