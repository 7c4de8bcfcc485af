import type { CollectionField, CollectionModel } from "pocketbase";
import { link } from "../../route";
import { t } from "../../texts";
import { collections } from "./data";

interface Props {
  collection: CollectionModel;
  /** As it stands on the page. */
  viewRule: string | null;
}

/** What those who may see a record still do not get of it, and why: an answer only leaves it out. */
export function LeftOut({ collection, viewRule }: Props) {
  const fields: CollectionField[] = collection.fields;
  const hidden = fields.filter((field) => field.hidden && field.type !== "password" && field.name !== "tokenKey").map((field) => field.name);
  const relations = fields.flatMap((field) => {
    const target = field.type === "relation" && !field.hidden && collections.value?.find((one) => one.id === field.collectionId);
    if (!target) return [];
    const rule = target.id === collection.id ? viewRule : (target.viewRule ?? null);
    return rule === "" ? [] : [{ field: field.name, target: target.name, isLocked: rule === null }];
  });
  const { title, email, locked, ruled, rulesOf, hidden: superusersOnly } = t.data.leftOut;
  if (hidden.length + relations.length === 0 && collection.type !== "auth") return null;
  return (
    <section class="rule" aria-labelledby="left-out">
      <h3 id="left-out">{title}</h3>
      <ul class="plain">
        {hidden.length > 0 && <li>{superusersOnly(hidden.join(", "))}</li>}
        {collection.type === "auth" && <li>{email}</li>}
        {relations.map(({ field, target, isLocked }) => (
          <li key={field}>
            {(isLocked ? locked : ruled)(field, target)} {target !== collection.name && <a href={link("data", target, "rules")}>{rulesOf(target)}</a>}
          </li>
        ))}
      </ul>
    </section>
  );
}
