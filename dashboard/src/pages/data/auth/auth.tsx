import type { CollectionModel } from "pocketbase";
import { Admission } from "./admission";
import { Mails } from "./mails";
import { Providers } from "./providers";
import { Tokens } from "./tokens";
import { Ways } from "./ways";

/** How the accounts of a collection log in, each part saved by itself. */
export function AuthOptions({ collection }: { collection: CollectionModel }) {
  return (
    <>
      <Ways collection={collection} />
      {/* Superusers have no providers. */}
      {collection.name !== "_superusers" && <Providers collection={collection} />}
      <Admission collection={collection} />
      <Tokens collection={collection} />
      <Mails collection={collection} />
    </>
  );
}
