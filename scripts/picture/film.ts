import type { Page } from 'playwright-core';

/** Text of the panel between the windows. */
export interface Caption {
  readonly step: string;
  /** A command that is being typed. */
  readonly command?: string;
  readonly transaction?: ShownTransaction;
  /** Windows that the transaction has reached. */
  readonly reaches?: 'right' | 'both';
}

export interface ShownTransaction {
  readonly xid: string;
  /** Such as `tasks 2 UPDATE`. */
  readonly row: string;
  readonly columns: readonly { readonly name: string; readonly before: string; readonly after: string }[];
}

/** Both windows at one moment. */
export interface Shot {
  readonly left: Buffer;
  readonly right: Buffer;
  readonly caption: Caption;
  /** The mouse in the left window, in its pixels; null if it is not there. */
  readonly mouse: Point | null;
  readonly durationMs: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pictures of two windows and of what is said between them, one after the other. */
export class Film {
  readonly shots: Shot[] = [];
  caption: Caption = { step: '' };
  mouse: Point | null = null;

  constructor(
    private readonly left: Page,
    private readonly right: Page,
  ) {}

  async shoot(durationMs: number): Promise<void> {
    const [left, right] = await Promise.all([this.left.screenshot(), this.right.screenshot()]);
    this.shots.push({ left, right, caption: this.caption, mouse: this.mouse, durationMs });
  }

  /** Shoots until nothing glides or fades in either window, then holds the last picture. */
  async settle(frameMs: number, holdMs: number): Promise<void> {
    do await this.shoot(frameMs);
    while ((await isMoving(this.left)) || (await isMoving(this.right)));
    await this.shoot(holdMs);
  }
}

async function isMoving(page: Page): Promise<boolean> {
  return page.evaluate(`document.getAnimations().some((animation) =>
    animation.playState === 'running' && animation.effect.getTiming().iterations !== Infinity)`);
}
