export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads an event stream (WHATWG HTML, "Server-sent events") that comes in pieces, cut anywhere;
 * calls `onEvent` for each whole event. Fields other than `event` and `data`, and comments, are
 * passed over. Lines end with LF or CR LF.
 */
export function eventParser(onEvent: (event: ServerEvent) => void): (piece: string) => void {
  let rest = '';
  let searched = 0;
  let event = '';
  let data: string[] = [];
  const take = (line: string): void => {
    if (line === '') {
      if (event !== '') onEvent({ event, data: data.join('\n') });
      event = '';
      data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  };
  return (piece) => {
    rest += piece;
    let from = 0;
    for (;;) {
      const end = rest.indexOf('\n', Math.max(from, searched));
      if (end === -1) break;
      take(rest.slice(from, rest[end - 1] === '\r' && end > from ? end - 1 : end));
      from = end + 1;
    }
    rest = rest.slice(from);
    searched = rest.length;
  };
}
