// The application's own colour (`settings.meta.accentColor`), where it is a colour. Text keeps colours that can be read.

/** The server's own choice, PocketBase's: the style sheet has it, tuned for light and dark. */
const USUAL = "#1055c9";

/** The red, green and blue of `#1055c9`, or nothing. */
function parts(color: string): number[] | null {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  return match ? match.slice(1).map((part) => parseInt(part, 16) / 255) : null;
}

const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

export function setAccent(color: string): void {
  const style = document.documentElement.style;
  const found = color === USUAL ? null : parts(color);
  if (!found) {
    style.removeProperty("--accent");
    style.removeProperty("--on-accent");
    return;
  }
  const [red, green, blue] = found.map(linear);
  const light = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  style.setProperty("--accent", color);
  // What contrasts more: (1 + 0.05) / (light + 0.05) against (light + 0.05) / (0 + 0.05).
  style.setProperty("--on-accent", light > 0.179 ? "#000" : "#fff");
}
