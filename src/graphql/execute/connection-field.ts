import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLResolveInfo,
  GraphQLString,
} from 'graphql';
import { and, normalize } from '../../../shared/filter/normalize.js';
import type { ModelTable } from '../../../shared/model/types.js';
import type { FilterTrials } from '../../query/filter-trials.js';
import { rowsToSql } from '../../query/rows.js';
import { countToSql, decodeSelect } from '../../query/select.js';
import type { RowNode } from '../../query/types.js';
import { encodePageCursor, type PageArgs, pagePlan } from '../plan/connection-plan.js';
import { planFilter, planningOf } from '../plan/list-plan.js';
import { fieldsOf } from '../plan/selection.js';
import { withTrialErrors } from '../schema/graphql-errors.js';
import { filterArguments, listOf, rowType } from '../schema/row-type.js';
import { type SchemaTypes, typesWithin } from '../schema/schema-types.js';
import type { RivuletContext } from './context.js';
import { RequestReader } from './request-reader.js';

interface ConnectionPage {
  readonly rows: readonly RowNode[];
  readonly cursor: (row: RowNode) => string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly totalCount: number | null;
}

/**
 * `tasksConnection`: pages by key, so that rows that come and go between two pages do not shift
 * later pages.
 */
export function connectionField(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLFieldConfig<unknown, RivuletContext, PageArgs> {
  const { defaultRows, maxRows } = types.limits;
  const size = {
    type: GraphQLInt,
    description: `The number of rows. Default ${defaultRows}, maximum ${maxRows}.`,
  };
  const cursor = { type: GraphQLString, description: 'The `cursor` of an edge of a page in the same order.' };
  return {
    type: new GraphQLNonNull(connectionType(types, table)),
    args: { ...filterArguments(types, table), first: size, after: cursor, last: size, before: cursor },
    resolve: (_source, args, context, info) =>
      withTrialErrors(context, types.model, (trials) => readPage(types, table, args, context, info, trials)),
  };
}

async function readPage(
  types: SchemaTypes,
  table: ModelTable,
  args: PageArgs,
  context: RivuletContext,
  info: GraphQLResolveInfo,
  trials: FilterTrials,
): Promise<ConnectionPage> {
  const { planning, selection } = planningOf(typesWithin(types, context), context.rights, info, trials);
  const page = pagePlan(planning, table, args, selection);
  const selected = [...fieldsOf(info, `${table.typeName}Connection`, selection).values()];
  const isCounted = selected.some(([node]) => node?.name.value === 'totalCount');
  const filter = normalize(
    and(planFilter(planning, table, args.where), context.rights.filter(table, 'read')),
  );
  const reader = context.reader ?? new RequestReader(context.database);
  const { values, snapshot } = await reader.read(
    (params) => [
      rowsToSql(types.model, page.plan, params),
      ...(isCounted ? [countToSql(types.model, table, filter, params)] : []),
    ],
    { limits: planning.types.limits, plans: [page.plan] },
  );
  const { rows } = decodeSelect(page.plan, values[0]!, snapshot);
  const more = rows.length > page.size;
  const kept = rows.slice(0, page.size);
  return {
    rows: page.backward ? kept.reverse() : kept,
    cursor: (row) => encodePageCursor(page.orderBy, row.cells),
    hasNextPage: page.backward ? args.before != null : more,
    hasPreviousPage: page.backward ? more : args.after != null,
    totalCount: values[1] === undefined ? null : Number(values[1]),
  };
}

function connectionType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<ConnectionPage, RivuletContext> {
  const name = `${table.typeName}Connection`;
  return types.registry.once(name, `pages of ${table.name}`, () => {
    return new GraphQLObjectType<ConnectionPage, RivuletContext>({
      name,
      fields: {
        edges: {
          type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(edgeType(types, table)))),
          resolve: (page) => page.rows.map((node) => ({ node, cursor: page.cursor(node) })),
        },
        nodes: { type: listOf(rowType(types, table)), resolve: (page) => page.rows },
        pageInfo: { type: new GraphQLNonNull(pageInfoType(types)), resolve: (page) => page },
        totalCount: {
          type: new GraphQLNonNull(GraphQLInt),
          description: 'The number of all rows that match `where`, on all pages.',
        },
      },
    });
  });
}

function edgeType(types: SchemaTypes, table: ModelTable): GraphQLObjectType {
  return types.registry.once(`${table.typeName}Edge`, `edges of ${table.name}`, () => {
    return new GraphQLObjectType({
      name: `${table.typeName}Edge`,
      fields: {
        cursor: { type: new GraphQLNonNull(GraphQLString) },
        node: { type: new GraphQLNonNull(rowType(types, table)) },
      },
    });
  });
}

function pageInfoType(types: SchemaTypes): GraphQLObjectType<ConnectionPage, RivuletContext> {
  return types.registry.once('PageInfo', 'page info', () => {
    const flag = new GraphQLNonNull(GraphQLBoolean);
    return new GraphQLObjectType<ConnectionPage, RivuletContext>({
      name: 'PageInfo',
      fields: {
        hasNextPage: { type: flag },
        hasPreviousPage: { type: flag },
        startCursor: {
          type: GraphQLString,
          resolve: ({ rows, cursor }) => (rows[0] ? cursor(rows[0]) : null),
        },
        endCursor: {
          type: GraphQLString,
          resolve: ({ rows, cursor }) => {
            const last = rows.at(-1);
            return last ? cursor(last) : null;
          },
        },
      },
    });
  });
}
