import { type ASTNode, type DocumentNode, type GraphQLError, parse, type SourceLocation } from 'graphql';

/**
 * Gives errors the places of their nodes, which a document that was parsed without locations does
 * not have: its text is parsed once more. graphql-js counts lines from the beginning for each
 * place; here they are counted once. Without the text they get none.
 */
export function placeErrors(
  errors: readonly GraphQLError[],
  document: DocumentNode,
  text: string | undefined,
): void {
  const placeless = errors.filter(({ locations, nodes }) => !locations && nodes);
  if (placeless.length === 0 || text === undefined) return;
  const places = placesOf(new Set(placeless.flatMap(({ nodes }) => nodes ?? [])), document, text);
  for (const error of placeless) {
    const locations = (error.nodes ?? []).flatMap((node) => places.get(node) ?? []);
    if (locations.length > 0) Object.assign(error, { locations });
  }
}

function placesOf(
  wanted: ReadonlySet<ASTNode>,
  document: DocumentNode,
  text: string,
): ReadonlyMap<ASTNode, SourceLocation> {
  const lines = lineStarts(text);
  const places = new Map<ASTNode, SourceLocation>();
  const visit = (node: unknown, twin: unknown): void => {
    if (typeof node !== 'object' || node === null || typeof twin !== 'object' || twin === null) return;
    if (wanted.has(node as ASTNode)) {
      const start = (twin as ASTNode).loc?.start;
      if (start !== undefined) places.set(node as ASTNode, locationOf(lines, start));
    }
    for (const [name, value] of Object.entries(node)) visit(value, (twin as Record<string, unknown>)[name]);
  };
  visit(document, parse(text));
  return places;
}

/** As graphql-js divides lines. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|[\n\r]/g)) starts.push(match.index + match[0].length);
  return starts;
}

function locationOf(lines: readonly number[], position: number): SourceLocation {
  let low = 0;
  let high = lines.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (lines[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: position - lines[low]! + 1 };
}
