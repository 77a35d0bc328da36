import type { Browser } from 'playwright-core';
import type { Caption, Shot } from './film.js';

export const WINDOW = { width: 722, height: 428 } as const;
const SCALE = 0.74;
const PANEL_WIDTH = 276;

/** Renders each shot as one picture: a window at either side, and the caption between them. */
export async function renderShots(browser: Browser, shots: readonly Shot[]): Promise<Buffer[]> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await page.setContent(STAGE);
  const frames: Buffer[] = [];
  for (const shot of shots) {
    const mouse = shot.mouse && { x: shot.mouse.x * SCALE, y: shot.mouse.y * SCALE };
    const shown = [dataUrl(shot.left), dataUrl(shot.right), panelOf(shot.caption), mouse];
    await page.evaluate(`show(...${JSON.stringify(shown)})`);
    frames.push(await page.locator('#stage').screenshot());
  }
  await page.close();
  return frames;
}

function dataUrl(png: Buffer): string {
  return `data:image/png;base64,${png.toString('base64')}`;
}

function panelOf({ step, command, transaction, reaches }: Caption): string {
  return [
    `<p class="step">${step}</p>`,
    command === undefined ? '' : `<pre>${escaped(command)}</pre>`,
    transaction === undefined ? '' : transactionOf(transaction),
    reaches === undefined ? '' : `<p class="arrow">${reaches === 'both' ? '⟵ &nbsp; ⟶' : '⟶'}</p>`,
  ].join('');
}

function transactionOf({ xid, row, columns }: NonNullable<Caption['transaction']>): string {
  const lines = columns.map(
    ({ name, before, after }) =>
      `<div><span>${name}</span><del>${escaped(before)}</del> → <ins>${escaped(after)}</ins></div>`,
  );
  return `<section><h2>transaction <code>${xid}</code></h2><h3>${row}</h3>${lines.join('')}</section>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

const windowOf = (id: string, person: string) => `
<figure><figcaption><i></i><i></i><i></i><b>${person}</b></figcaption>
  <div class="view"><img id="${id}" alt="">${id === 'left' ? CURSOR : ''}</div></figure>`;

const CURSOR = `<svg id="mouse" hidden width="20" height="26" viewBox="0 0 20 26">
  <path d="M2 1v19l5-4.4 3.4 7.6 3.6-1.6-3.4-7.4h6.6z" fill="#111" stroke="#fff" stroke-width="1.6"/></svg>`;

const STAGE = `<!doctype html><style>
  * { box-sizing: border-box; margin: 0; }
  body { font: 15px/1.4 "DejaVu Sans", sans-serif; color: #17211f; }
  #stage { display: inline-flex; gap: 18px; align-items: center; padding: 20px; background: #dfe8e4; }
  figure { border-radius: 12px; overflow: hidden; background: #fff; border: 1px solid #b5c4be; }
  figcaption { display: flex; gap: 7px; align-items: center; height: 32px; padding: 0 12px; background: #f3f6f4; border-bottom: 1px solid #d5dfda; }
  figcaption i { width: 10px; height: 10px; border-radius: 50%; background: #c3cfc9; }
  figcaption b { flex: 1; text-align: center; padding-right: 40px; font-size: 14px; }
  .view { position: relative; }
  .view img { display: block; width: ${WINDOW.width * SCALE}px; height: ${WINDOW.height * SCALE}px; }
  #mouse { position: absolute; left: 0; top: 0; }
  #mouse[hidden] { display: none; }
  #panel { display: flex; flex-direction: column; gap: 10px; width: ${PANEL_WIDTH}px; height: ${WINDOW.height * SCALE}px; }
  .step { min-height: 42px; font-weight: bold; font-size: 16px; text-align: center; }
  pre { padding: 10px 12px; border-radius: 9px; background: #17211f; color: #d8f3e8; font: 12px/1.45 "DejaVu Sans Mono", monospace; white-space: pre-wrap; }
  section { padding: 12px 14px; border-radius: 11px; background: #fff; border: 1px solid #b5c4be; }
  h2 { font-size: 13px; font-weight: normal; color: #55665f; }
  code { font-family: "DejaVu Sans Mono", monospace; }
  h3 { margin: 4px 0 8px; font: bold 15px "DejaVu Sans Mono", monospace; color: #0b6b57; }
  section div { font: 13px/1.55 "DejaVu Sans Mono", monospace; }
  section span { display: block; color: #55665f; }
  del { color: #a8443a; }
  ins { text-decoration: none; color: #0b6b57; font-weight: bold; }
  .arrow { text-align: center; font-size: 30px; line-height: 0.8; color: #0b6b57; }
</style><script>
  async function show(left, right, panel, mouse) {
    const element = (id) => document.getElementById(id);
    element('left').src = left;
    element('right').src = right;
    element('panel').innerHTML = panel;
    element('mouse').toggleAttribute('hidden', mouse === null);
    if (mouse !== null) element('mouse').style.translate = mouse.x + 'px ' + mouse.y + 'px';
    await Promise.all([element('left').decode(), element('right').decode()]);
  }
</script><div id="stage">${windowOf('left', 'ada')}<div id="panel"></div>${windowOf('right', 'alan')}</div>`;
