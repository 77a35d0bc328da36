export interface GreetingParts {
  /** URL of the GraphQL endpoint, at which browsers get GraphiQL. */
  readonly url: string;
  readonly databaseUrl: string;
  readonly people: readonly { readonly id: string; readonly name: string; readonly token: string }[];
  readonly nudge: string | undefined;
  /** True if pages are served at `/`. */
  readonly hasPages: boolean;
}

/**
 * The text that `rivulet dev` prints when it is up: everything that you need to see a subscription
 * move.
 */
export function greeting({ url, databaseUrl, people, nudge, hasPages }: GreetingParts): string {
  const lines = ['', `  GraphiQL   ${url}`, `  database   ${databaseUrl}`];
  if (hasPages) lines.splice(1, 0, `  page       ${new URL('/', url).href}`);
  if (people.length > 0) {
    lines.push('', '  tokens (Authorization: Bearer …)');
    for (const { id, name, token } of people) lines.push(`  ${`${name} (${id})`.padEnd(10)} ${token}`);
  }
  if (nudge !== undefined) {
    lines.push(
      '',
      '  Run the subscription in the open tab, then make it move:',
      `  psql "${databaseUrl}" -c ${shellQuoted(nudge)}`,
      '  or, where there is no psql:',
      `  npx rivulet sql ${shellQuoted(nudge)}`,
    );
  }
  lines.push('', '  Ctrl-C stops everything.', '');
  return lines.join('\n');
}

/** In double quotes where that is the same text, since the SQL itself often has single ones. */
function shellQuoted(text: string): string {
  return /["$`\\!]/.test(text) ? `'${text.replaceAll("'", `'\\''`)}'` : `"${text}"`;
}
