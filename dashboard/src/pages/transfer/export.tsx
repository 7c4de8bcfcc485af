import type { CollectionModel } from "pocketbase";
import { useState } from "preact/hooks";
import { Check } from "../../parts/form";
import { t } from "../../texts";
import { exported } from "./plan";

function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun by then.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

export function Export({ all }: { all: CollectionModel[] }) {
  const [left, setLeft] = useState<string[]>([]);
  const chosen = all.filter((one) => !left.includes(one.id));
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">{t.dev.transfer.export}</h2>
      <fieldset>
        <legend class="hidden">{t.dev.transfer.which}</legend>
        <div class="picks">
          {all.map(({ id, name }) => (
            <Check key={id} label={name} value={!left.includes(id)} onValue={(on) => setLeft((before) => (on ? before.filter((one) => one !== id) : [...before, id]))} />
          ))}
        </div>
      </fieldset>
      <p class="hint">{t.dev.transfer.exportHint}</p>
      <div class="actions">
        <button type="button" class="quiet" onClick={() => setLeft(chosen.length ? all.map((one) => one.id) : [])}>
          {chosen.length ? t.dev.transfer.none : t.dev.transfer.all}
        </button>
        <button type="button" class="primary" disabled={chosen.length === 0} onClick={() => download("collections.json", `${JSON.stringify(chosen.map(exported), null, 2)}\n`)}>
          {t.dev.transfer.exportDo}
        </button>
      </div>
    </section>
  );
}
