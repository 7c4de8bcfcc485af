import type { ComponentChildren } from "preact";

type Tone = "bad" | "warn" | "good" | "calm";

/** Something to know. Bad news interrupts a screen reader; the rest waits. */
export function Notice({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

export const Wrong = ({ text }: { text: string | undefined }) => (text ? <Notice tone="bad">{text}</Notice> : null);

/** What came of an attempt. */
export function Said({ said }: { said: { tone: "good" | "bad" | "calm"; text: string } | null }) {
  if (!said) return null;
  return <Notice tone={said.tone}>{said.text}</Notice>;
}
