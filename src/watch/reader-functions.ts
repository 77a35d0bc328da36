/**
 * Functions in schema rivulet that a server calls as its own role; every other one runs as the
 * owner of the log.
 */
export const READER_FUNCTIONS = ['rivulet.history()', 'rivulet.note_break(text, text)'] as const;

/**
 * Nothing in schema rivulet can be executed by PUBLIC. A role that may read the change log, and is
 * not its owner, is a server's: it gets its functions whenever the log is installed, so that a
 * server goes on after an update.
 */
export const READER_FUNCTIONS_SQL = `do $rivulet$
declare
  reader text;
begin
  for reader in select distinct quote_ident(r.rolname) from pg_catalog.pg_class c
    cross join lateral aclexplode(c.relacl) x join pg_catalog.pg_roles r on r.oid = x.grantee
    where c.oid = 'rivulet.change'::regclass and x.privilege_type = 'SELECT' and x.grantee <> c.relowner loop
    execute 'grant execute on function ${READER_FUNCTIONS.join(', ')} to ' || reader;
  end loop;
end $rivulet$;
`;
