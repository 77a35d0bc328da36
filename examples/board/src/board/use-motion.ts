import { type RefObject, useLayoutEffect, useRef } from 'react';
import type { Task } from '../model.js';

interface Seen {
  readonly left: number;
  readonly top: number;
  readonly content: string;
}

const GLIDE_MS = 260;
const GLOW_MS = 1_600;

/**
 * Cards that got another place glide there, and cards that got another content glow: what somebody
 * else did is seen. The card that was dropped here is where it belongs already (`droppedId`).
 */
export function useMotion(
  board: RefObject<HTMLElement | null>,
  tasks: readonly Task[],
  droppedId: RefObject<string | null>,
) {
  const seen = useRef<ReadonlyMap<string, Seen>>(new Map());
  useLayoutEffect(() => {
    const scroller = board.current;
    if (scroller === null) return;
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const before = seen.current;
    const now = new Map<string, Seen>();
    for (const task of tasks) {
      const card = scroller.querySelector<HTMLElement>(`[data-task="${CSS.escape(task.id)}"]`);
      if (card === null) continue;
      const place = placeIn(scroller, card);
      const content = contentOf(task);
      now.set(task.id, { ...place, content });
      const old = before.get(task.id);
      if (isStill || before.size === 0) continue;
      if (old === undefined || old.content !== content) glow(card);
      if (old !== undefined && task.id !== droppedId.current)
        glide(card, old.left - place.left, old.top - place.top);
    }
    droppedId.current = null;
    seen.current = now;
  }, [board, tasks, droppedId]);
}

/** Position of a card within the board's content, independent of scrolling. */
function placeIn(scroller: HTMLElement, card: HTMLElement) {
  const outer = scroller.getBoundingClientRect();
  const inner = card.getBoundingClientRect();
  return {
    left: inner.left - outer.left + scroller.scrollLeft,
    top: inner.top - outer.top + scroller.scrollTop,
  };
}

function contentOf({ position: _position, updatedAt: _updatedAt, ...content }: Task): string {
  return JSON.stringify(content);
}

function glide(card: HTMLElement, x: number, y: number): void {
  if (Math.abs(x) < 1 && Math.abs(y) < 1) return;
  card.animate(
    [
      { transform: `translate(${x}px, ${y}px)`, zIndex: 2 },
      { transform: 'none', zIndex: 2 },
    ],
    {
      duration: GLIDE_MS,
      easing: 'cubic-bezier(.2, .8, .2, 1)',
    },
  );
}

function glow(card: HTMLElement): void {
  const accent = getComputedStyle(card).getPropertyValue('--accent');
  card.animate([{ boxShadow: `0 0 0 2px ${accent}` }, { boxShadow: '0 0 0 2px transparent' }], {
    duration: GLOW_MS,
    easing: 'ease-in',
  });
}
