/**
 * `we"ird` → `"we""ird"`. The one place where an identifier becomes SQL. A NUL byte cannot be in an
 * identifier.
 */
export function quoteIdent(name: string): string {
  if (name.includes('\0')) throw new TypeError('an SQL identifier cannot contain a NUL byte');
  return `"${name.replaceAll('"', '""')}"`;
}

/** `public`, `tasks` → `"public"."tasks"`. */
export function quoteName(schema: string, name: string): string {
  return `${quoteIdent(schema)}.${quoteIdent(name)}`;
}

/** A string constant that reads the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new TypeError('an SQL string cannot contain a NUL byte');
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}
