import type { CSSProperties } from 'react';

interface AvatarProps {
  readonly id: string;
  readonly name: string;
  readonly size?: 'small' | 'medium' | 'large';
}

/** Far enough apart to tell neighbours from each other. */
const DEGREES_BETWEEN = 137.5;

/** The first two letters of a person's name, on a colour of their own. */
export function Avatar({ id, name, size = 'medium' }: AvatarProps) {
  const hue = Math.round((Number(id) * DEGREES_BETWEEN + 30) % 360);
  return (
    <span
      className={`avatar ${size}`}
      style={{ '--hue': hue } as CSSProperties}
      title={name}
      role="img"
      aria-label={name}
    >
      {name.slice(0, 1).toUpperCase()}
      {name.slice(1, 2)}
    </span>
  );
}
