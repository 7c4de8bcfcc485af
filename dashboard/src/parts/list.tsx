import { useState } from "preact/hooks";
import { TextField } from "./form";

interface Props {
  label: string;
  value: string[];
  onValue: (value: string[]) => void;
  problem?: string | undefined;
  hint?: string;
  mono?: boolean;
}

const listed = (text: string) => text.split(",").map((one) => one.trim()).filter(Boolean);

/** Several words with commas between them, as they are typed. Where one holds a comma itself, they are shown only. */
export function ListField({ value, onValue, ...rest }: Props) {
  const [typed, setTyped] = useState("");
  // What was typed, unless the list has become another meanwhile.
  const shown = listed(typed).join() === value.join() ? typed : value.join(", ");
  return (
    <TextField
      {...rest}
      disabled={value.some((one) => one.includes(","))}
      value={shown}
      onValue={(text) => {
        setTyped(text);
        onValue(listed(text));
      }}
    />
  );
}
