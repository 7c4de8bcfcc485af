// What a button sets going: whether it is under way, and what came of it.

import { useState } from "preact/hooks";
import { problem, type FieldProblems } from "../problem";

export interface Attempt {
  /** Does something, and says `done` when it is; whether it went well. */
  attempt: (action: () => Promise<unknown>, done?: string) => Promise<boolean>;
  said: { tone: "good" | "bad"; text: string } | null;
  /** What is wrong, by its place: `otp.duration`. */
  problems: FieldProblems;
  waiting: boolean;
  /** Something is changed since: it is not done with that. */
  changed: () => void;
}

export function useAttempt(): Attempt {
  const [problems, setProblems] = useState<FieldProblems>({});
  const [said, setSaid] = useState<Attempt["said"]>(null);
  const [waiting, setWaiting] = useState(false);
  const attempt = async (action: () => Promise<unknown>, done = "") => {
    setWaiting(true);
    setSaid(null);
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
  const changed = () => setSaid((before) => (before?.tone === "good" ? null : before));
  return { attempt, said, problems, waiting, changed };
}
