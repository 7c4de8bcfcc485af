// A page of records that are searched and sorted, asked for anew when something else is looked for.

import { useEffect, useRef, useState } from "preact/hooks";
import { problem } from "../../problem";

/** How long to wait for the next letter of a search, in milliseconds. */
const PAUSE = 250;

export interface Wanted {
  search: string;
  sort: string;
  page: number;
}

interface Paged {
  items: unknown[];
  totalPages: number;
}

/** `ask` gets what was found last, too; `about` is another text where it would ask for something else. */
export function usePaged<T extends Paged>(ask: (wanted: Wanted, known: T | null) => Promise<T>, about: string) {
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState("");
  const [page, setPage] = useState(1);
  const [found, setFound] = useState<T | null>(null);
  const [wrong, setWrong] = useState<string>();
  // A search that can't be made has found nothing: what was found before is not its answer, and is not shown.
  const [refused, setRefused] = useState(false);
  const latest = useRef(0);
  const load = async () => {
    const mine = ++latest.current;
    try {
      const answer = await ask({ search, sort, page }, found);
      if (mine !== latest.current) return;
      // The last page is gone where all of its records are.
      if (answer.items.length === 0 && page > 1) return setPage(Math.max(1, Math.min(page - 1, answer.totalPages)));
      setFound(answer);
      setRefused(false);
      setWrong(undefined);
    } catch (error) {
      if (mine !== latest.current) return;
      const { text, status } = problem(error);
      setWrong(text);
      if (status === 400) setRefused(true);
    }
  };
  useEffect(() => {
    const timer = setTimeout(load, search ? PAUSE : 0);
    return () => clearTimeout(timer);
  }, [search, sort, page, about]);
  // As the page asks by then: a record may be saved after its drawer was closed.
  const again = useRef(load);
  again.current = load;
  const find = (text: string) => {
    setPage(1);
    setSearch(text);
  };
  /** Up, down, and as it was. */
  const sortBy = (name: string) => {
    setPage(1);
    setSort(sort === name ? `-${name}` : sort === `-${name}` ? "" : name);
  };
  return { search, find, sort, sortBy, page, setPage, found, refused, wrong, setWrong, again: () => again.current() };
}
