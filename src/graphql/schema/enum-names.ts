/**
 * GraphQL names for the labels of a Postgres enum, in the same order.
 *
 * A label that is a GraphQL name stays as it is. In others every character that a name cannot have
 * becomes `_`, and a leading digit gets a `_` before it: `in progress` → `in_progress`, `2nd` →
 * `_2nd`, `true` → `_true`. The empty label is `EMPTY`.If two labels would get one name, the later
 * one gets `_2`, `_3`, …. A label is never renamed because of another that stays as it is.
 */
export function enumNames(labels: readonly string[]): readonly string[] {
  const taken = new Set(labels.filter(isEnumName));
  return labels.map((label) => {
    if (isEnumName(label)) return label;
    const name = cleaned(label);
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${name === '_' ? '' : name}_${number}`;
    taken.add(free);
    return free;
  });
}

/**
 * GraphQL specification, section 2.9.6; names that begin with two underscores belong to
 * introspection.
 */
function isEnumName(label: string): boolean {
  return /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/.test(label) && !['true', 'false', 'null'].includes(label);
}

function cleaned(label: string): string {
  if (label === '') return 'EMPTY';
  const name = label.replaceAll(/[^A-Za-z0-9_]/gu, '_').replace(/^__+/, '_');
  return /^[0-9]/.test(name) || !isEnumName(name) ? `_${name}`.replace(/^__+/, '_') : name;
}
