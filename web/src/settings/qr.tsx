/** A QR code out of its rows ("1" is dark), as one path. */
export function Qr({ rows, label }: { rows: string[]; label: string }) {
  const size = rows.length + 8; // four modules of margin on each side
  const path = rows.flatMap((row, y) => [...row.matchAll(/1+/g)].map((run) => `M${run.index + 4} ${y + 4}h${run[0].length}v1h-${run[0].length}z`)).join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}
