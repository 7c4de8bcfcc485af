import { useState } from "preact/hooks";
import { TextArea } from "./fields";

interface Props {
  label: string;
  value: string[];
  onValue: (value: string[]) => void;
  problem?: string | undefined;
}

/** Several texts, one a line: each may hold commas, and those that were there keep their spaces. */
export function LinesField({ value, onValue, ...rest }: Props) {
  const [initial] = useState(value);
  const [typed, setTyped] = useState("");
  const listed = (text: string) => text.split("\n").map((one) => (initial.includes(one) ? one : one.trim())).filter(Boolean);
  // What was typed, unless the list has become another meanwhile.
  const shown = listed(typed).join("\n") === value.join("\n") ? typed : value.join("\n");
  return (
    <TextArea
      {...rest}
      value={shown}
      onValue={(text) => {
        setTyped(text);
        onValue(listed(text));
      }}
    />
  );
}
