import type { LogFunction } from './log-function.js';

/**
 * Functions that find out, for a trigger, whether its statement is a MERGE. PostgreSQL does not say
 * so; only the text of the statement does. Where that text cannot be had, or be understood, the
 * answer is the one that loses nothing.
 */
export const MERGE_FUNCTIONS: Readonly<Record<string, LogFunction>> = {
  /**
   * True if the word MERGE is in the text, or if the text is too long for a regular expression and
   * has its letters, or is unknown. Takes no more memory than the text.
   */
  has_merge: {
    head: `(statement text) returns boolean language sql immutable`,
    body: `select case when statement is null then true
    when position('merge' in lower(statement collate "C")) = 0 then false
    when octet_length(statement) > 1000000 then true
    else lower(statement collate "C") ~ '\\mmerge\\M' end`,
  },

  /**
   * Start of PG_CONTEXT's line of a statement that a function runs, in the language of the
   * session's messages.
   */
  statement_prefix: {
    head: `() returns text language plpgsql stable`,
    body: `declare
  context text;
begin
  execute 'select rivulet.own_context()' into context;
  return nullif(split_part(context, 'select rivulet.own_context()', 1), context);
end`,
  },

  own_context: {
    head: `() returns text language plpgsql stable`,
    body: `declare
  context text;
begin
  get diagnostics context = pg_context;
  return rivulet.callers(context);
end`,
  },

  /**
   * The lines of PG_CONTEXT below the calling function's own: none if a client's statement called
   * it.
   */
  callers: {
    head: `(context text) returns text language sql immutable`,
    body: `select case strpos(below, chr(10)) when 0 then '' else substr(below, strpos(below, chr(10)) + 1) end
    from substr(context, strpos(context, 'GET DIAGNOSTICS')) as below`,
  },

  /**
   * Tells if the calling trigger's statement is a MERGE that moves rows between partitions. NULL:
   * it is no MERGE. `all`: it is one MERGE with actions for DELETE and INSERT, as which such moves
   * are logged. Else `some`. `context` is the trigger's PG_CONTEXT. It has the statements that
   * functions run, except those of SQL functions, and of cursors and loops over queries, which may
   * be a MERGE since PostgreSQL 17. A prepared statement is only named by the statement that
   * executes it. `all` is returned for a statement that a client sends without a comment, dollar
   * quotes, a backslash, CASE or anything after it. Any other statement may be `some`, but never
   * NULL for a MERGE.
   */
  merge_said: {
    head: `(context text) returns text language plpgsql stable`,
    body: `declare
  callers text := rivulet.callers(context);
  sent text := case when callers = '' then current_query() end;
  texts text[];
begin
  if callers = '' then
    texts := array[sent];
  elsif starts_with(callers, 'SQL statement "') or starts_with(callers, rivulet.statement_prefix()) then
    texts := array[callers];
  elsif starts_with(callers, 'SQL function "') then
    texts := array(select pg_get_functiondef(p.oid) from pg_proc p join pg_language l on l.oid = p.prolang
      where l.lanname = 'sql' and p.prokind in ('f', 'p') and position(format('SQL function "%s"', p.proname) in context) > 0);
    if cardinality(texts) = 0 then
      return 'some';
    end if;
  elsif current_setting('server_version_num')::int >= 170000 then
    return 'some';
  else
    texts := array[callers, current_query()] || array(select pg_get_functiondef(p.oid) from pg_proc p join pg_language l on l.oid = p.prolang
      where l.lanname = 'sql' and p.prokind in ('f', 'p') and position(p.proname in context) > 0);
  end if;
  if exists (select from unnest(texts) as t where position('execute' in lower(t collate "C")) > 0)
    and exists (select from pg_prepared_statements s where rivulet.has_merge(s.statement)) then
    return 'some';
  end if;
  if not exists (select from unnest(texts) as t where rivulet.has_merge(t)) then
    return null;
  end if;
  return case when octet_length(sent) < 1000000 and strpos(sent, chr(92)) = 0 then (
    select case when count(*) = 1 and bool_and(said.text ~ '\\mthen\\s+delete\\M' and said.text ~ '\\mthen\\s+insert\\M'
        and said.text !~ '/\\*|--|\\$(?!\\d)|\\mcase\\M|;\\s*\\S') then 'all' else 'some' end
      from regexp_split_to_table(lower(sent collate "C"), '\\mmerge\\M') with ordinality as m(raw, nth)
      cross join lateral regexp_replace(m.raw, '''[^'']*''|"[^"]*"', ' ', 'g') as said(text)
      where m.nth > 1)
    else 'some' end;
end`,
  },
};
