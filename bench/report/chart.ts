import * as echarts from 'echarts';
import type { Metric, Row } from '../harness/scenario.js';

const WIDTH = 960;
const PANEL_HEIGHT = 300;
const COLOURS = ['#1f6feb', '#57606a', '#d97706', '#8b5cf6', '#16a34a'];

/** From where on a linear axis would hide the small bars. */
const LOGARITHMIC_FROM = 30;

/** Bars by case, one for each subject: a panel for each of the first two metrics that are compared. As SVG. */
export function chartOf(title: string, metrics: readonly Metric[], rows: readonly Row[]): string {
  const compared = metrics.filter((metric) => metric.compared);
  const panels = (compared.length > 0 ? compared : metrics).slice(0, 2);
  const cases = [...new Set(rows.map((row) => row.case))];
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  const height = 60 + panels.length * PANEL_HEIGHT;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: {
      text: title,
      left: 8,
      top: 6,
      textStyle: { fontSize: 13, width: WIDTH - 20, overflow: 'break' },
    },
    legend: { top: 38, left: 8, data: subjects, itemWidth: 14, itemHeight: 10, itemGap: 18 },
    grid: panels.map((_, at) => ({
      left: 90,
      right: 20,
      top: 96 + at * PANEL_HEIGHT,
      height: PANEL_HEIGHT - 90,
    })),
    xAxis: panels.map((_, at) => ({
      type: 'category',
      gridIndex: at,
      data: cases,
      axisLabel: {
        interval: 0,
        width: Math.floor((WIDTH - 120) / cases.length) - 6,
        overflow: 'break',
        fontSize: 10,
      },
    })),
    yAxis: panels.map((metric, at) => ({
      ...scaleOf(metric, rows),
      gridIndex: at,
      name: `${metric.name}, ${metric.unit} (${metric.better} is better)`,
      nameTextStyle: { align: 'left', fontSize: 11 },
      axisLabel: { formatter: (value: number) => value.toLocaleString('en') },
    })),
    series: panels.flatMap((metric, at) =>
      subjects.map((subject) => ({
        type: 'bar' as const,
        name: subject,
        xAxisIndex: at,
        yAxisIndex: at,
        data: cases.map(
          (name) =>
            rows.find((row) => row.case === name && row.subject === subject)?.figures[metric.name]?.median ??
            null,
        ),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Logarithmic where a linear axis would hide the small bars; its bars stand on the power of ten below the smallest. */
function scaleOf({ name }: Metric, rows: readonly Row[]) {
  const values = rows.map(({ figures }) => figures[name]?.median ?? 0).filter((value) => value > 0);
  const least = Math.min(...values);
  if (Math.max(...values) / least <= LOGARITHMIC_FROM) return { type: 'value' as const };
  const foot = 10 ** (Math.ceil(Math.log10(least)) - 1);
  return { type: 'log' as const, min: foot, startValue: foot };
}
