import type { CollectionField, CollectionModel, RecordModel } from "pocketbase";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { client } from "../../api";
import { problem as problemOf } from "../../problem";
import { t } from "../../texts";
import { collections } from "./data";
import { nameOf, relatedNames } from "./related";
import { wordsFilter } from "./search";

const SHOWN = 8;
/** How long to wait for the next letter, in milliseconds. */
const PAUSE = 250;

interface Props {
  label: string;
  field: CollectionField;
  record: RecordModel | null;
  /** Ids, in their order. */
  value: string[];
  disabled: boolean;
  problem: string | undefined;
  onValue: (value: string[]) => void;
}

/** Related records by their names: those that are chosen, and a search for others. */
export function RelationField({ label, field, record, value, disabled, problem, onValue }: Props) {
  const id = useId();
  const target = collections.value?.find((one) => one.id === field.collectionId);
  const most = Math.max(1, Number(field.maxSelect ?? 1));
  // Of those that were chosen here; the others' names came with the record.
  const [names, setNames] = useState(new Map<string, string>());
  const input = useRef<HTMLInputElement>(null);
  const stored = new Map(record ? relatedNames(record, field).map((one) => [one.id, one]) : []);
  const choose = (found: RecordModel) => {
    setNames((before) => new Map(before).set(found.id, nameOf(found)));
    // Of a single one the last that is chosen counts.
    onValue(most === 1 ? [found.id] : [...value, found.id]);
    input.current?.focus();
  };
  const remove = (gone: string) => {
    onValue(value.filter((one) => one !== gone));
    // There is room for another now.
    setTimeout(() => input.current?.focus());
  };
  return (
    <fieldset class="field related">
      <legend>{label}</legend>
      {value.length > 0 && (
        <ul class="files">
          {value.map((one) => {
            const name = names.get(one) ?? stored.get(one)?.name ?? one;
            return (
              <li key={one} class="row">
                <p>
                  {name} {name !== one && <span class="hint mono">{one}</span>}
                  {stored.get(one)?.missing && <span class="hint">{t.data.notThereHint(target?.name ?? "")}</span>}
                </p>
                {!disabled && (
                  <button type="button" class="quiet" aria-label={t.data.takeOut(name)} onClick={() => remove(one)}>
                    ×
                  </button>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {!disabled && (most === 1 || value.length < most) && target && <Finder id={id} label={label} target={target} chosen={value} input={input} onChoose={choose} />}
      {disabled && value.length === 0 && <p class="hint">–</p>}
      {problem && (
        <p id={`${id}-wrong`} class="wrong">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

interface Finding {
  id: string;
  label: string;
  target: CollectionModel;
  chosen: string[];
  input: { current: HTMLInputElement | null };
  onChoose: (record: RecordModel) => void;
}

/** A search by any text of the records, or by their id. What it finds are buttons, in the order of the page. */
function Finder({ id, label, target, chosen, input, onChoose }: Finding) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState<{ text: string; items: RecordModel[]; total: number } | null>(null);
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    if (!open) return;
    let over = false;
    const ask = async () => {
      try {
        const { items, totalItems } = await client.collection(target.id).getList(1, SHOWN, { filter: wordsFilter(text, target.fields) });
        if (over) return;
        setFound({ text, items, total: totalItems });
        setWrong(undefined);
      } catch (error) {
        if (!over) setWrong(problemOf(error).text);
      }
    };
    const timer = setTimeout(ask, text ? PAUSE : 0);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [open, text]);
  const offered = found?.items.filter((one) => !chosen.includes(one.id)) ?? [];
  const close = () => {
    setOpen(false);
    setText("");
    setFound(null);
  };
  const choose = (record: RecordModel) => {
    onChoose(record);
    close();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setOpen(true);
    // Else it would save the record.
    if (event.key === "Enter") event.preventDefault();
    if (event.key === "Enter" && text && found?.text === text && offered[0]) choose(offered[0]);
    if (event.key === "Escape" && open) {
      // The drawer stays.
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };
  return (
    <div onFocusOut={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOpen(false)}>
      <input
        ref={input}
        type="search"
        aria-label={t.data.findRelated(label)}
        aria-describedby={`${id}-wrong`}
        placeholder={t.data.findRelatedHint(target.name)}
        value={text}
        spellcheck={false}
        autocomplete="off"
        onClick={() => setOpen(true)}
        onInput={(event) => {
          setOpen(true);
          setText(event.currentTarget.value);
        }}
        onKeyDown={pressed}
      />
      {open && wrong && <p class="wrong">{wrong}</p>}
      {open && found && (
        <div class="found">
          <ul>
            {offered.map((one) => (
              <li key={one.id}>
                {/* The focus stays where it is, also in browsers that give buttons none. */}
                <button type="button" class="quiet" onPointerDown={(event) => event.preventDefault()} onClick={() => choose(one)}>
                  {nameOf(one)} {nameOf(one) !== one.id && <span class="hint mono">{one.id}</span>}
                </button>
              </li>
            ))}
          </ul>
          <p class="hint" role="status">
            {found.items.length > 0 && offered.length === 0 ? t.data.allRelated : t.data.foundRelated(offered.length, found.total - found.items.length)}
          </p>
        </div>
      )}
    </div>
  );
}
