// When a schedule is due next. Expressions are the server's: five parts in UTC, or a name such as @daily.

const NAMES: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const BOUNDS: [number, number][] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
];

function part(text: string, [low, high]: [number, number]): Set<number> | null {
  const found = new Set<number>();
  for (const piece of text.split(",")) {
    const match = /^(\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(piece);
    if (!match) return null;
    const step = match[4] ? Number(match[4]) : 1;
    const from = match[1] === "*" ? low : Number(match[2]);
    const to = match[1] === "*" ? high : match[3] ? Number(match[3]) : from;
    if (from < low || to > high || from > to || step < 1) return null;
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return found;
}

/** The next `count` times after `after`; `null` where the expression is none. */
export function nextRuns(expression: string, after: Date, count: number): Date[] | null {
  const written = expression.trim();
  const parts = (NAMES[written] ?? written).split(/\s+/);
  if (parts.length !== 5) return null;
  const sets = parts.map((text, index) => part(text, BOUNDS[index]!));
  if (sets.some((set) => set === null)) return null;
  const [minutes, hours, days, months, weekdays] = sets as Set<number>[];
  const runs: Date[] = [];
  const time = new Date(Math.floor(after.getTime() / 60_000) * 60_000 + 60_000);
  const last = after.getTime() + 5 * 366 * 86_400_000;
  while (runs.length < count && time.getTime() < last) {
    const fits = months!.has(time.getUTCMonth() + 1) && days!.has(time.getUTCDate()) && weekdays!.has(time.getUTCDay());
    if (!fits) {
      time.setUTCHours(24, 0, 0, 0);
    } else if (!hours!.has(time.getUTCHours())) {
      time.setUTCMinutes(60, 0, 0);
    } else {
      if (minutes!.has(time.getUTCMinutes())) runs.push(new Date(time));
      time.setUTCMinutes(time.getUTCMinutes() + 1, 0, 0);
    }
  }
  return runs;
}
