import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { TextField } from "./form";

interface Props {
  label: string;
  value: number;
  onValue: (value: number) => void;
  problem?: string | undefined;
  hint?: ComponentChildren;
  min?: number;
}

/** A whole number; empty is 0, and stays empty while it is typed. */
export function NumberField({ value, onValue, ...rest }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const read = (text: string) => Math.trunc(Number(text)) || 0;
  return (
    <TextField
      {...rest}
      type="number"
      value={typed !== null && read(typed) === value ? typed : String(value)}
      onValue={(text) => {
        setTyped(text);
        onValue(read(text));
      }}
    />
  );
}
