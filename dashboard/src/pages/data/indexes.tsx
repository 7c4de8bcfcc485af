import type { CollectionField, CollectionModel } from "pocketbase";
import { useState } from "preact/hooks";
import { Check } from "../../parts/form";
import { t } from "../../texts";
import { TextArea } from "./fields";
import { indexOf, indexSql } from "./index_sql";
import { SectionCard, useSection } from "./section";

const read = ({ indexes }: CollectionModel) => ({ indexes: indexes as string[] });

/** The indexes of a collection: SQL that the server checks. */
export function Indexes({ collection }: { collection: CollectionModel }) {
  const section = useSection(collection, "indexes/list", read);
  const { indexes } = section.draft;
  const set = (indexes: string[]) => section.set({ indexes });
  return (
    <SectionCard title={t.dev.indexes.title} section={section} action={t.dev.indexes.save}>
      <p class="hint">{t.dev.indexes.text}</p>
      {indexes.length === 0 && <p>{t.dev.indexes.none}</p>}
      <ul class="schema">
        {indexes.map((sql, index) => (
          <li key={index}>
            <IndexRow sql={sql} problem={section.problems[`indexes.${index}`]} onValue={(value) => set(indexes.map((one, at) => (at === index ? value : one)))} onRemove={() => set(indexes.filter((_, at) => at !== index))} />
          </li>
        ))}
      </ul>
      <Adding fields={collection.fields} onAdd={(columns, unique) => set([...indexes, indexSql(collection.name, columns, unique)])} />
    </SectionCard>
  );
}

interface Row {
  sql: string;
  problem: string | undefined;
  onValue: (sql: string) => void;
  onRemove: () => void;
}

function IndexRow({ sql, problem, onValue, onRemove }: Row) {
  const index = indexOf(sql);
  const name = index?.name ?? t.dev.indexes.unnamed;
  return (
    <>
      <div class="row">
        <p>
          <span class="mono">{index?.columns.join(", ")}</span> {index?.unique && <span class="badge">{t.dev.indexes.unique}</span>}
        </p>
        <button type="button" class="quiet" aria-label={t.dev.indexes.remove(name)} onClick={onRemove}>
          {t.schema.remove}
        </button>
      </div>
      <TextArea label={t.dev.indexes.sql(name)} value={sql} onValue={onValue} problem={problem} mono />
    </>
  );
}

/** An index of some fields, to be changed by hand where it has to say more. */
function Adding({ fields, onAdd }: { fields: CollectionField[]; onAdd: (columns: string[], unique: boolean) => void }) {
  const [chosen, setChosen] = useState<string[]>([]);
  const [unique, setUnique] = useState(false);
  const add = () => {
    onAdd(chosen, unique);
    setChosen([]);
    setUnique(false);
  };
  return (
    <fieldset>
      <legend>{t.dev.indexes.add}</legend>
      <div class="picks">
        {fields.map(({ name }) => (
          <Check key={name} label={name} value={chosen.includes(name)} onValue={(on) => setChosen(on ? [...chosen, name] : chosen.filter((one) => one !== name))} />
        ))}
      </div>
      {chosen.length > 1 && <p class="hint">{t.dev.indexes.order(chosen.join(", "))}</p>}
      <Check label={t.dev.indexes.makeUnique} value={unique} onValue={setUnique} />
      <button type="button" disabled={chosen.length === 0} onClick={add}>
        {t.dev.indexes.addDo}
      </button>
    </fieldset>
  );
}
