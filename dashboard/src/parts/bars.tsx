interface Bar {
  label: string;
  value: number;
}

/** Fewer bars than this don't fill the width. */
const FEWEST = 12;
const [WIDTH, HEIGHT] = [400, 96];

/** Bars with a list for those who can't see them. */
export function Bars({ title, bars, top }: { title: string; bars: Bar[]; top: string }) {
  const most = Math.max(...bars.map((bar) => bar.value), Number.EPSILON);
  const step = WIDTH / Math.max(bars.length, FEWEST);
  return (
    <figure>
      <figcaption>
        {title} <span class="hint numbers">{top}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" class="bars">
        {bars.map((bar, index) => {
          const height = Math.max(2, (bar.value / most) * HEIGHT);
          return (
            <rect key={index} x={index * step + step * 0.15} width={step * 0.7} y={HEIGHT - height} height={height} rx="2">
              <title>{bar.label}</title>
            </rect>
          );
        })}
      </svg>
      <ul class="hidden">
        {bars.map((bar, index) => (
          <li key={index}>{bar.label}</li>
        ))}
      </ul>
    </figure>
  );
}
