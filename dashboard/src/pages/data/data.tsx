import { effect, signal } from "@preact/signals";
import type { CollectionModel } from "pocketbase";
import type { ComponentChild } from "preact";
import { useEffect, useState } from "preact/hooks";
import { client } from "../../api";
import { restores, serverSettings } from "../../live";
import { forget, hasUnsaved } from "../../parts/kept";
import { Notice } from "../../parts/notice";
import { problem } from "../../problem";
import { go, link } from "../../route";
import { t } from "../../texts";
import { AuthOptions } from "./auth/auth";
import { Indexes } from "./indexes";
import { NewCollection } from "./new_collection";
import { Records } from "./records";
import { Rules } from "./rules";
import { Schema } from "./schema";
import { folderOf } from "./section";
import { Query } from "./view_query";

export const collections = signal<CollectionModel[] | null>(null);
export const collectionsProblem = signal("");

/** Asks for the collections as they are; throws where they do not come. */
export async function freshCollections(): Promise<CollectionModel[]> {
  const found = await client.collections.getFullList({ sort: "name" });
  forget((place) => place.startsWith("collection/") && !found.some((one) => place.startsWith(`${folderOf(one)}/`)));
  collections.value = found;
  collectionsProblem.value = "";
  return found;
}

/** Shows the collections as they are, or as they were and why there is no newer answer. */
export async function loadCollections(): Promise<void> {
  try {
    await freshCollections();
  } catch (error) {
    collectionsProblem.value = problem(error).text;
  }
}

let known: string | null = null;
effect(() => {
  const now = restores.value;
  if (now === null) return;
  if (known !== null && known !== now && collections.peek()) void loadCollections();
  known = now;
});

/** The collections, and of the one that is chosen its records or its rules. */
export function Data({ name, tab }: { name: string | undefined; tab: string | undefined }) {
  useEffect(() => void loadCollections(), []);
  const [making, setMaking] = useState(false);
  const all = collections.value;
  const wrong = collectionsProblem.value && <Notice tone="bad">{collectionsProblem.value}</Notice>;
  if (!all && wrong) return wrong;
  // They say which controls there are, and a control that comes later would move what is below it.
  if (!all || !serverSettings.value) return <p class="empty" role="status">{t.loading}</p>;
  const controls = !serverSettings.value.meta.hideControls;
  const [own, systems] = [all.filter((one) => !one.system), all.filter((one) => one.system)];
  const chosen = name ? all.find((one) => one.name === name) : (own[0] ?? systems[0]);
  const entry = (one: CollectionModel) => (
    <li key={one.id}>
      <a href={link("data", one.name)} aria-current={one === chosen ? "page" : undefined}>
        {one.name}
        <Unsaved folder={folderOf(one)} />
      </a>
    </li>
  );
  return (
    <>
      {wrong}
      <div class="data">
        <div class="side">
          {controls && (
            <button class="wide" onClick={() => setMaking(true)}>
              {t.schema.newCollection}
            </button>
          )}
          <nav class="collections" aria-label={t.data.collections}>
            <ul>{own.map(entry)}</ul>
            <p class="hint">{t.data.systems}</p>
            <ul>{systems.map(entry)}</ul>
          </nav>
          {controls && (
            <p>
              <a href={link("transfer")}>{t.dev.transfer.link}</a>
            </p>
          )}
        </div>
        <label class="field chooser">
          <span>{t.data.collections}</span>
          <select value={chosen?.name} onChange={(event) => go("data", event.currentTarget.value)}>
            {[...own, ...systems].map((one) => (
              <option key={one.id} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        {making && <NewCollection onClose={() => setMaking(false)} />}
        {chosen ? <Chosen key={chosen.id} collection={chosen} tab={tab} /> : <Notice tone="bad">{t.data.missing(name ?? "")}</Notice>}
      </div>
    </>
  );
}

/** Marks what something was typed in that is not saved. */
function Unsaved({ folder }: { folder: string }) {
  if (!hasUnsaved(folder)) return null;
  return (
    <span class="unsaved" title={t.unsaved}>
      <span class="hidden"> ({t.unsaved})</span>
    </span>
  );
}

/** One collection: its records, fields or rules. */
function Chosen({ collection, tab }: { collection: CollectionModel; tab: string | undefined }) {
  // An application may want its collections to be changed by its developers alone, elsewhere.
  const controls = serverSettings.value !== null && !serverSettings.value.meta.hideControls;
  const tabs = tabsOf(collection);
  const shown = controls ? tabs.find(([path]) => path === tab) : undefined;
  return (
    <section class="chosen" aria-labelledby="collection">
      <div class="row">
        <h1 id="collection">{collection.name}</h1>
        {controls && (
          <div class="tabs">
            {tabs.map(([path, text]) => (
              <a key={text} class="button" href={path ? link("data", collection.name, path) : link("data", collection.name)} aria-current={path === tab ? "page" : undefined}>
                {text}
                {path && <Unsaved folder={folderOf(collection, path)} />}
              </a>
            ))}
          </div>
        )}
      </div>
      {(shown ?? tabs[0]!)[2](collection)}
    </section>
  );
}

type Tab = [path: string | undefined, name: string, page: (collection: CollectionModel) => ComponentChild];

/** What there is to be seen of a collection, with the address of each and its name. */
function tabsOf({ type }: CollectionModel): Tab[] {
  const tabs: (Tab | false)[] = [
    [undefined, t.data.records, (collection) => <Records collection={collection} />],
    type !== "view" && ["fields", t.schema.tab, (collection) => <Schema collection={collection} />],
    type !== "view" && ["indexes", t.dev.indexes.tab, (collection) => <Indexes collection={collection} />],
    type === "view" && ["query", t.dev.view.tab, (collection) => <Query collection={collection} />],
    ["rules", t.data.rules, (collection) => <Rules collection={collection} />],
    type === "auth" && ["login", t.dev.auth.tab, (collection) => <AuthOptions collection={collection} />],
  ];
  return tabs.filter((tab) => tab !== false);
}
