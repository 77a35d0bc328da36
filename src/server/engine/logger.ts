import pino from 'pino';
import pretty from 'pino-pretty';

export type ServerLogger = pino.Logger;
export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/**
 * One JSON object a line on standard error, or lines for people where that is a terminal. Tokens
 * never get into it.
 */
export function createLogger(
  level: LogLevel,
  terminal: boolean = process.stderr.isTTY === true,
): ServerLogger {
  const options: pino.LoggerOptions = {
    level,
    redact: ['authorization', '*.authorization', 'token', '*.token', '*.headers.authorization'],
  };
  if (!terminal) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(
    options,
    pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss' }),
  );
}
