const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });
const DAY_AND_YEAR = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });
const TIME = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const MOMENT = new Intl.DateTimeFormat('en', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hour12: false,
});

/** `2026-01-31` as `31 Jan`, with the year where it is not this one. */
export function dayOf(date: string): string {
  const day = new Date(`${date}T12:00:00`);
  if (Number.isNaN(day.getTime())) return date;
  return (day.getFullYear() === new Date().getFullYear() ? DAY : DAY_AND_YEAR).format(day);
}

export function isPast(date: string): boolean {
  const end = new Date(`${date}T23:59:59`);
  return end.getTime() < Date.now();
}

export const timeOf = (instant: string): string => TIME.format(new Date(instant));

export const momentOf = (instant: string): string => MOMENT.format(new Date(instant));
