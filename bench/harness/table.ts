import type { Gate, Metric, Row, Scenario } from './scenario.js';

/** The results as lines of a Markdown table: medians, their spread, and for ourselves the ratios to limit and peer. */
export function tableOf(scenario: Pick<Scenario, 'metrics'>, rows: readonly Row[]): string {
  const compared = scenario.metrics.filter((metric) => metric.compared);
  const head = [
    'case',
    'subject',
    ...scenario.metrics.map(({ name, unit }) => `${name} (${unit})`),
    ...compared.flatMap(({ name }) => [`${name} ÷ limit`, `${name} ÷ peer`]),
    'gate',
  ];
  const lines = rows.map((row) => [
    row.case,
    row.subject,
    ...scenario.metrics.map((metric) => figureText(row, metric)),
    ...compared.flatMap(({ name }) => ['limit', 'peer'].map((other) => ratioText(rows, row, other, name))),
    gateText(row.gate),
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...lines.map((line) => line[at]!.length)));
  const text = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  return [text(head), text(widths.map((width) => '-'.repeat(width))), ...lines.map(text)].join('\n');
}

function figureText(row: Row, { name }: Metric): string {
  const figure = row.figures[name];
  if (!figure) return '';
  return `${short(figure.median)} (${short(figure.min)}–${short(figure.max)})`;
}

/** Only of ourselves: what `name` is beside the subject `other` of the same case. */
function ratioText(rows: readonly Row[], row: Row, other: string, name: string): string {
  const beside = rows.find((each) => each.case === row.case && each.subject === other)?.figures[name];
  const figure = row.figures[name];
  if (!row.subject.startsWith('rivulet') || !beside || !figure) return '';
  const ratio = figure.median / beside.median;
  return ratio >= 100 ? String(Math.round(ratio)) : String(Number(ratio.toPrecision(2)));
}

function gateText({ lost, double, forbidden }: Gate): string {
  return lost + double + forbidden === 0 ? 'ok' : `LOST ${lost}, DOUBLE ${double}, FORBIDDEN ${forbidden}`;
}

function short(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : String(value);
}
