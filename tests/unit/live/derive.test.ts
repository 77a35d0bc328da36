import { parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { readManifest } from '../../../client/core/index.js';
import { derive } from '../../../client/core/live/derive.js';
import { manifest } from '../client/blog.js';

const schema = readManifest(manifest);
const plan = (query: string, variables = {}) => derive(schema, parse(query), variables)!;
const squeezed = (text: string) => text.replace(/\s+/g, ' ').trim();

describe('derive', () => {
  test('one stream for each root field, which carries what is shown and what orders', () => {
    const { roots } = plan('{ posts(where: { rank: { gte: 2 } }, orderBy: [{ rank: DESC }]) { name } }');
    expect(roots).toMatchObject([
      {
        kind: 'applied',
        responseKey: 'posts',
        shape: {
          where: { rank: { gte: 2 } },
          orderBy: [{ rank: 'DESC' }],
          columns: ['name', 'id', 'rank'],
        },
        stream: { field: 'postChanges', variables: { where0: { rank: { gte: 2 } } } },
      },
    ]);
    expect(roots[0]!.stream.query).toBe(
      'subscription ($after: String, $where0: PostFilter) { postChanges(after: $after, where: $where0) ' +
        '{ cursor reset transaction { xid mutationId } changes { kind op key changedColumns previous { rank } node { id name rank } } } }',
    );
  });

  test('the server gets what the reducer needs besides, and not the directive', () => {
    const { document } = plan(
      'query Posts @live { posts(orderBy: [{ rank: ASC }]) { name comments { body } } }',
    );
    expect(squeezed(print(document))).toBe(
      'query Posts { posts(orderBy: [{rank: ASC}]) { name comments { body id } id rank } }',
    );
  });

  test('an alias that takes the name of what is added is left alone', () => {
    const { document } = plan('{ posts { id: name } }');
    expect(squeezed(print(document))).toBe('{ posts { id: name rivulet_id: id } }');
  });

  test('variables, their defaults and conditions are resolved', () => {
    const query =
      'query ($where: PostFilter, $limit: Int = 5, $none: Int, $show: Boolean!) { posts(where: $where, limit: $limit, offset: $none) { id name @include(if: $show) comments @skip(if: $show) { id } } }';
    expect(plan(query, { where: { name: { eq: 'a' } }, show: true }).roots[0]).toMatchObject({
      shape: { where: { name: { eq: 'a' } }, limit: 5, columns: ['id', 'name'], with: {} },
    });
    expect(plan(query, { show: false }).roots[0]).toMatchObject({
      shape: { limit: 5, columns: ['id'], with: { comments: { columns: ['id'] } } },
    });
  });

  test('one row is followed by its key', () => {
    expect(plan('{ post(id: "7") { name } }').roots[0]).toMatchObject({
      kind: 'applied',
      id: '7',
      stream: { variables: { where0: { id: { eq: '7' } } } },
    });
  });

  test('one relation with different arguments is asked again; with the same it is applied', () => {
    const different = plan('{ posts { a: comments(limit: 1) { id } b: comments(limit: 2) { id } } }');
    expect(different.roots[0]?.kind).toBe('asked');
    const same = plan('{ posts { a: comments(limit: 1) { id } b: comments(limit: 1) { body } } }');
    expect(same.roots[0]).toMatchObject({ kind: 'applied', shape: { with: { comments: { limit: 1 } } } });
  });

  test('connections are asked again, and follow what they show', () => {
    const { roots } = plan('{ postsConnection(first: 2) { edges { node { comments { id } } } totalCount } }');
    expect(roots).toMatchObject([{ kind: 'asked', stream: { field: 'postChanges' } }]);
    expect(roots[0]!.stream.query).toContain('related { r0: comments { changes { key } links { kind } } }');
  });

  test('a field that no stream tells of is named', () => {
    expect(plan('{ weather posts { id } __typename }')).toMatchObject({
      unfollowed: ['weather'],
      roots: [{ responseKey: 'posts' }],
    });
  });

  test('only a query can be live', () => {
    expect(derive(schema, parse('mutation { deletePost(id: 1) { id } }'), {})).toBeUndefined();
    expect(derive(schema, parse('query A { posts { id } } query B { posts { id } }'), {})).toBeUndefined();
  });
});
