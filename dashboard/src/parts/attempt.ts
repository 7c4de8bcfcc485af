// What a button sets going: whether it is under way, and what came of it.

import { useState } from "preact/hooks";
import { problem, type FieldProblems } from "../problem";

export interface Attempt {
  /** Does something, says `meanwhile` until then, and `done` when it is; whether it went well. */
  attempt: (action: () => Promise<unknown>, done?: string, meanwhile?: string) => Promise<boolean>;
  said: { tone: "good" | "bad" | "calm"; text: string } | null;
  /** What is wrong, by its place: `otp.duration`. */
  problems: FieldProblems;
  waiting: boolean;
  /** The parts of these names are changed since: what was said of before, and of them, may be mended. */
  changed: (names?: string[]) => void;
}

/** The problems that are of none of these parts. */
export function without(problems: FieldProblems, names: string[]): FieldProblems {
  const kept = Object.entries(problems).filter(([path]) => !path.split(".").some((part) => names.includes(part)));
  return kept.length < Object.keys(problems).length ? Object.fromEntries(kept) : problems;
}

export function useAttempt(): Attempt {
  const [problems, setProblems] = useState<FieldProblems>({});
  const [said, setSaid] = useState<Attempt["said"]>(null);
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done = "", meanwhile = "") => {
    setWaiting(true);
    setSaid(meanwhile ? { tone: "calm", text: meanwhile } : null);
    setProblems({});
    try {
      await action();
      setSaid(done ? { tone: "good", text: done } : null);
      return true;
    } catch (error) {
      const { text, fields } = problem(error);
      setProblems(fields);
      setSaid({ tone: "bad", text });
      return false;
    } finally {
      setWaiting(false);
    }
  };
  const changed = (names: string[] = []) => {
    setSaid(null);
    setProblems((before) => without(before, names));
  };
  return { attempt, said, problems, waiting, changed };
}
