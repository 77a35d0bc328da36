import { readFile, writeFile } from 'node:fs/promises';
import type { Machine } from '../harness/machine.js';
import type { Metric, Row } from '../harness/scenario.js';
import { tableOf } from '../harness/table.js';
import { chartOf } from './chart.js';

/** The contents of a file in `results`. */
export interface Result {
  readonly id: string;
  readonly title: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly metrics: readonly Metric[];
  readonly rows: readonly Row[];
}

const FOLDER = 'bench';
const BEGIN = '<!-- results: written by npm run bench -->';
const END = '<!-- end of results -->';

/** Writes the charts beside the results, and both into the page, for scenarios with results. */
export async function writeReport(ids: readonly string[]): Promise<void> {
  const sections: string[] = [];
  for (const id of ids) {
    const text = await readFile(`${FOLDER}/results/${id}.json`, 'utf8').catch(() => null);
    if (text === null) continue;
    const result: Result = JSON.parse(text);
    await writeFile(
      `${FOLDER}/results/${id}.svg`,
      `${chartOf(`${id}. ${result.title}`, result.metrics, result.rows)}\n`,
    );
    sections.push(sectionOf(result));
  }
  const page = await readFile(`${FOLDER}/README.md`, 'utf8');
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined)
    throw new Error(
      `${FOLDER}/README.md lacks the line '${BEGIN}' or '${END}'; put both back around the results`,
    );
  await writeFile(`${FOLDER}/README.md`, `${head}${BEGIN}\n\n${sections.join('\n')}\n${END}${tail}`);
}

function sectionOf({ id, title, machine, runs, metrics, rows }: Result): string {
  const { date, commit, cores, cpu, memoryGb, loadBefore, node, postgres } = machine;
  const when = date.slice(0, 16).replace('T', ' ');
  return `### ${id}. ${title}

${when} UTC, commit ${commit}; ${cores} cores of ${cpu}, ${memoryGb} GB (load ${loadBefore.toFixed(1)} before the run); Node ${node.slice(1)}, PostgreSQL ${postgres}; ${runs} runs.

![${id}](results/${id}.svg)

${tableOf({ metrics }, rows)}
`;
}
