import type { CSSProperties } from 'react';
import type { Label } from '../model.js';

export function LabelChip({ label }: { readonly label: Label }) {
  return (
    <span className="chip" style={{ '--color': label.color } as CSSProperties}>
      {label.name}
    </span>
  );
}
