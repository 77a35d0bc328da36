import fc from 'fast-check';
import type { Draw, World, WorldTable } from './write-world.js';

/** A filter of Drizzle's language as plain data. */
export type RandomFilter = Readonly<Record<string, unknown>>;
export type RandomRule = boolean | RandomFilter;

export type WriteAction = 'read' | 'insert' | 'update' | 'delete';
export type RandomPolicies = Readonly<Record<string, Readonly<Record<WriteAction, RandomRule>>>>;

/** Policies that mostly go through relations, and so come back to their own table. */
export function drawPolicies(draw: Draw, world: World): RandomPolicies {
  return Object.fromEntries(
    world.tables.map((table) => [
      table.name,
      {
        read: drawRule(draw, world, table, 6),
        insert: drawRule(draw, world, table, 3),
        update: drawRule(draw, world, table, 3),
        delete: drawRule(draw, world, table, 3),
      },
    ]),
  );
}

/** One in `open` is `true`. */
function drawRule(draw: Draw, world: World, table: WorldTable, open: number): RandomRule {
  const kind = draw(fc.integer({ min: 0, max: 9 }));
  if (kind < open - 2) return true;
  if (kind === 9) return false;
  return drawFilter(draw, world, table, 3);
}

export function drawFilter(draw: Draw, world: World, table: WorldTable, depth: number): RandomFilter {
  const inner = () => drawFilter(draw, world, table, depth - 1);
  const kinds = [
    'column',
    'column',
    ...(depth > 0 ? ['related', 'related', 'related', 'AND', 'OR', 'NOT'] : []),
  ];
  switch (draw(fc.constantFrom(...kinds))) {
    case 'AND':
      return { AND: [inner(), inner()] };
    case 'OR':
      return { OR: [inner(), inner()] };
    case 'NOT':
      return { NOT: inner() };
    case 'related': {
      const relation = draw(fc.constantFrom(...table.relations));
      const target = world.tables.find(({ name }) => name === relation.target)!;
      const isBare = draw(fc.integer({ min: 0, max: 5 })) === 0;
      return { [relation.name]: isBare ? true : drawFilter(draw, world, target, depth - 1) };
    }
    default: {
      const column = draw(fc.constantFrom(...table.columns));
      const value =
        column.type === 'text'
          ? fc.constantFrom('a', 'b', 'c')
          : fc.integer({ min: 0, max: column.kind === 'generated' ? 8 : 4 });
      return { [column.name]: drawCondition(draw, value) };
    }
  }
}

function drawCondition(draw: Draw, value: fc.Arbitrary<unknown>): unknown {
  return draw(
    fc.oneof(
      value,
      fc.record({ ne: value }),
      fc.record({ gt: value }),
      fc.record({ lte: value }),
      fc.record({ in: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }) }),
      fc.record({ notIn: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }) }),
      fc.constant({ isNull: true }),
      fc.constant({ isNotNull: true }),
    ),
  );
}

const OPERATORS: Readonly<Record<string, string>> = {
  eq: '=',
  ne: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

/** The filter as SQL, by hand: `schema` is where the relations' rows are read. */
export function toSql(world: World, table: WorldTable, rule: unknown, alias: string, schema: string): string {
  if (typeof rule === 'boolean') return String(rule);
  const parts = Object.entries(rule as RandomFilter).map(([name, value]) => {
    if (name === 'NOT') return `(not ${toSql(world, table, value, alias, schema)})`;
    if (name === 'AND' || name === 'OR') {
      const each = (value as unknown[]).map((part) => toSql(world, table, part, alias, schema));
      return `(${each.join(` ${name} `)})`;
    }
    const relation = table.relations.find((each) => each.name === name);
    if (!relation) return conditionSql(`${alias}.${name}`, value);
    const target = world.tables.find((each) => each.name === relation.target)!;
    const inner = `${alias}x`;
    const rest = toSql(world, target, value, inner, schema);
    if (!relation.through) {
      return `exists (select from ${schema}.${target.name} ${inner} where ${inner}.${relation.to} = ${alias}.${relation.from} and ${rest})`;
    }
    const { table: via, from, to } = relation.through;
    return `exists (select from ${schema}.${via} ${inner}j, ${schema}.${target.name} ${inner} where ${inner}j.${from} = ${alias}.${relation.from} and ${inner}j.${to} = ${inner}.${relation.to} and ${rest})`;
  });
  return `(${parts.join(' and ')})`;
}

function conditionSql(column: string, condition: unknown): string {
  if (typeof condition !== 'object' || condition === null) return `${column} = ${literal(condition)}`;
  const [[name, value]] = Object.entries(condition) as [[string, unknown]];
  if (name === 'isNull') return `${column} is null`;
  if (name === 'isNotNull') return `${column} is not null`;
  const list = () => (value as unknown[]).map(literal).join(', ');
  if (name === 'in') return `${column} in (${list()})`;
  if (name === 'notIn') return `${column} not in (${list()})`;
  return `${column} ${OPERATORS[name]} ${literal(value)}`;
}

export function literal(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'number' ? String(value) : `'${String(value)}'`;
}
