import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';
import type { CombinedError } from 'urql';

type Report = (error: CombinedError) => void;

const ReportContext = createContext<Report>(() => {});

/** Tells the person what the server refused. */
export function useReport(): Report {
  return useContext(ReportContext);
}

const SHOWN_MS = 6_000;

/** Shows the latest problem for a few seconds. */
export function Problems({ children }: { readonly children: ReactNode }) {
  const [text, setText] = useState<string>();
  const report = useCallback((error: CombinedError) => {
    setText(error.networkError ? 'The server cannot be reached.' : (error.graphQLErrors[0]?.message ?? ''));
  }, []);
  useEffect(() => {
    if (text === undefined) return;
    const timer = setTimeout(() => setText(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <ReportContext value={report}>
      {children}
      <div className="problems" role="alert">
        {text !== undefined && <p>{text}</p>}
      </div>
    </ReportContext>
  );
}
