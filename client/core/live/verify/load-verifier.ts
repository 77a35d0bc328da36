import type { LiveSession, LiveSessionOptions } from '../session.js';
import type { VerifyOptions } from './options.js';
import type { LiveVerifier } from './verifier.js';

/** A verifier whose code may still be loading. */
export interface LoadedVerifier {
  /** A message arrived for the live query. */
  heard(message: Readonly<Record<string, unknown>>): void;
  /** A message was applied, or the query was answered. */
  moved(): void;
  stop(): void;
}

/**
 * Verifies a session as soon as the verifier's code is loaded, which bundlers keep in a chunk of
 * its own: only development needs it. Messages that arrive meanwhile are kept for it. A chunk that
 * cannot be loaded is reported, and the live query goes on without it.
 */
export function loadVerifier(
  session: LiveSession,
  options: LiveSessionOptions,
  shown: (() => unknown) | undefined,
  verify: true | VerifyOptions,
): LoadedVerifier {
  const given = verify === true ? {} : verify;
  let verifier: LiveVerifier | undefined;
  let isStopped = false;
  let early: Readonly<Record<string, unknown>>[] = [];
  import('./verifier.js').then(({ LiveVerifier }) => {
    if (isStopped) return;
    verifier = new LiveVerifier(session, { ...options, shown }, given, (difference) => {
      console.warn(difference.error.message);
      given.onProblem?.(difference);
    });
    for (const message of early) verifier.heard(message);
    verifier.moved();
    early = [];
  }, options.report);
  return {
    heard: (message) => {
      if (verifier) verifier.heard(message);
      else if (!isStopped) early.push(message);
    },
    moved: () => verifier?.moved(),
    stop: () => {
      isStopped = true;
      early = [];
      verifier?.stop();
    },
  };
}
