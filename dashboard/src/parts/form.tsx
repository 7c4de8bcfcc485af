import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Text {
  label: string;
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "email" | "password" | "number" | "url" | "search";
  problem?: string | undefined;
  hint?: ComponentChildren;
  required?: boolean;
  autocomplete?: string;
  autofocus?: boolean;
  placeholder?: string;
  mono?: boolean;
  min?: number;
  step?: "any";
  disabled?: boolean;
}

/** A labelled input with its hint and with what is wrong with it. */
export function TextField(p: Text) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      <input
        id={id}
        type={(p.type ?? "text") as "text"}
        class={p.mono ? "mono" : undefined}
        value={p.value}
        required={p.required}
        autocomplete={p.autocomplete ?? "off"}
        autofocus={p.autofocus}
        placeholder={p.placeholder}
        min={p.min}
        step={p.step}
        disabled={p.disabled}
        spellcheck={false}
        aria-invalid={p.problem ? true : undefined}
        aria-describedby={`${id}-more`}
        onInput={(event) => p.onValue(event.currentTarget.value)}
      />
      <div id={`${id}-more`} class="more">
        {p.problem && <p class="wrong">{p.problem}</p>}
        {p.hint && <p class="hint">{p.hint}</p>}
      </div>
    </div>
  );
}

export function Check({ label, value, onValue, hint }: { label: string; value: boolean; onValue: (value: boolean) => void; hint?: string }) {
  const id = useId();
  return (
    <div class="field check">
      <input id={id} type="checkbox" checked={value} onChange={(event) => onValue(event.currentTarget.checked)} />
      <label for={id}>{label}</label>
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}

interface Choices {
  label: string;
  value: string;
  /** What is sent, and what is shown of it. */
  choices: readonly (readonly [string, string])[];
  onValue: (value: string) => void;
  disabled?: boolean;
  problem?: string | undefined;
}

/** One of several. */
export function Choice({ label, value, choices, onValue, disabled, problem }: Choices) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        disabled={disabled}
        aria-invalid={problem ? true : undefined}
        aria-describedby={problem ? `${id}-wrong` : undefined}
        onChange={(event) => onValue(event.currentTarget.value)}
      >
        {choices.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
      {problem && (
        <p id={`${id}-wrong`} class="wrong">
          {problem}
        </p>
      )}
    </div>
  );
}
